"""Two tables that are read together: of spots, and of links between them."""

import os
import re
from pathlib import Path

#: What tables of spots and links are called in names of files.
_KINDS = re.compile(r"(?<![a-z])(?:(spots?)|links?|edges?)(?![a-z])", re.IGNORECASE)


def names_spots(path: Path) -> bool | None:
    """Tell whether a table's name says spots, or links (False); None if it says neither."""
    words = list(_KINDS.finditer(path.name))
    return words[-1][1] is not None if words else None


def find_other(path: Path) -> Path | None:
    """Find the table that is read together with one, by a name that differs in one word.

    As ours, TrackMate's and Mastodon's do: ``a.spots.csv`` and ``a.links.csv``, ``a_spots.csv`` and
    ``a_edges.csv``, ``a-Spot.csv`` and ``a-Link.csv``, ``Spots in tracks statistics.csv`` and
    ``Links in tracks statistics.csv``.

    Parameters
    ----------
    path : Path
        Of spots or of links; need not be there.

    Returns
    -------
    Path or None
        None if there is no such file.
    """
    words = list(_KINDS.finditer(path.name))
    if not words:
        return None
    begin, end = words[-1].span()
    for word in ("links", "link", "edges", "edge") if names_spots(path) else ("spots", "spot"):
        for spelt in (word, word.capitalize(), word.upper()):
            other = path.with_name(path.name[:begin] + spelt + path.name[end:])
            if os.path.isfile(other):  # noqa: PTH113  (its name may be longer than names can be)
                return other
    return None
