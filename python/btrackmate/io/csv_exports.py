"""Tables as TrackMate and Mastodon export them: headers of several lines."""

import re
from dataclasses import replace

from btrackmate.io.csv_cells import Cells

_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
#: Lines below the header of a table that TrackMate exported: names twice, units.
_TRACKMATE_LINES = 3
#: Of a table that Mastodon exported: the features' parts, units.
_MASTODON_LINES = 2
_MASTODON_NAMES = {
    "Spot frame": "frame",
    "Spot position X": "x",
    "Spot position Y": "y",
    "Spot position Z": "z",
    "Spot radius": "radius",
    "Detection quality": "quality",
    "Link target IDs Source spot id": "source",
    "Link target IDs Target spot id": "target",
    "Link cost": "cost",
}


def skip_export_header(cells: Cells, key: str = "POSITION_X") -> tuple[Cells, list[str]]:
    """Skip the lines with names and units in a table that TrackMate or Mastodon exported.

    Parameters
    ----------
    cells : Cells
    key : str
        A column of numbers that such a table of TrackMate's has.

    Returns
    -------
    cells : Cells
        The rows of cells; a table of Mastodon's has our names, and lacks the column Label: the
        names of spots, no labels of a label image.
    units : list of str
        What the last of the lines states for each column; empty in other tables.
    """
    raw = [name.strip().upper() for name in cells.header]
    if key in raw:
        return _skip_trackmate(cells, raw.index(key))
    if raw[:2] == ["LABEL", "ID"] and cells.n >= 1:
        return _skip_mastodon(cells)
    return cells, [""] * len(raw)


def _skip_trackmate(cells: Cells, place: int) -> tuple[Cells, list[str]]:
    words = cells.columns[place].texts[:_TRACKMATE_LINES]
    if len(words) < _TRACKMATE_LINES or any(_NUMBER.fullmatch(word.strip()) for word in words):
        return cells, [""] * len(cells.header)
    return cells.skip(_TRACKMATE_LINES), _read_units(cells, _TRACKMATE_LINES - 1)


def _skip_mastodon(cells: Cells) -> tuple[Cells, list[str]]:
    """Name each column by the feature and its part, which stand one above the other.

    A line of units that is blank has been passed over; rows of cells have an id.
    """
    ids = cells.columns[1].texts[:_MASTODON_LINES]
    count = next((row for row, text in enumerate(ids) if text.strip()), len(ids))
    if not count:
        return cells, [""] * len(cells.header)
    parts = [column.texts[0].strip() for column in cells.columns]
    header = []
    for group, part in zip(cells.header, parts, strict=True):
        name = group if part in ("", group) else f"{group} {part}"
        header.append(_MASTODON_NAMES.get(name, name))
    units = _read_units(cells, 1) if count == _MASTODON_LINES else [""] * len(header)
    kept = replace(cells, header=header).skip(count).keep(range(1, len(header)))
    return kept, units[1:]


def _read_units(cells: Cells, row: int) -> list[str]:
    return [column.texts[row].strip().strip("()") for column in cells.columns]
