"""Tables that Java reads, too: columns, their names in other programs, defaults.

They stand beside this file; the build puts them into the jar of btrackmate-core.
"""

import csv
from pathlib import Path
from typing import Literal

_FOLDER = Path(__file__).parent


def read_shared_table(name: Literal["columns", "aliases", "defaults"]) -> list[dict[str, str]]:
    """Read a table: each row as texts by column.

    ``columns``: of the spots table; ``flat_…`` are the words of 2D where they differ.
    ``aliases``: names in somebody's table without case, spaces, underscores and hyphens; weak ones
    count only where no column has the meaning, and a column of an ``own`` one is a feature of its
    own. ``defaults``: settings that the command line and the plugin in Fiji share.
    """
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
