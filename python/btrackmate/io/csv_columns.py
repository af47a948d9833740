"""What the columns of somebody's table mean: names, units in them, and our schema's names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from btrackmate.core.errors import UserError
from btrackmate.core.schema import SPOT_COLUMNS, find_column, find_key
from btrackmate.core.shared_tables import read_shared_table
from btrackmate.io.csv_formulas import read_name
from btrackmate.io.units import (
    LENGTHS,
    TIMES,
    normalise_space_unit,
    normalise_time_unit,
    read_unit,
)

_ROWS = read_shared_table("aliases")
_ALIASES = {row["alias"]: row["name"] for row in _ROWS if row["strength"] == "strong"}
#: Names that count only where no other column has the meaning, so that no table is refused for
#: them; they are Imaris', CellProfiler's, scikit-image's and other programs'.
_WEAK = {row["alias"]: row["name"] for row in _ROWS if row["strength"] == "weak"}
_KNOWN = {column.name.replace("_", ""): column.name for column in SPOT_COLUMNS} | {
    column.key.lower().replace("_", ""): column.name for column in SPOT_COLUMNS
}
#: Known under these very names only: the paper's column Perimeter, say, is a feature of its own.
_VERBATIM = {row["alias"] for row in _ROWS if row["strength"] == "own"}
_BRACKETS = re.compile(r"[\[(](.*?)[\])]")
_UNIT_ENDING = re.compile(r"(?:(t|time)|(?:pos|position|centroid)?_?([xyz]))[_ ]([a-zµμ]+)", re.I)
#: Columns that say which cells are one track, the finest first: of several the first counts.
TRACK_COLUMNS = (
    *("tracklet", "trackletid", "trackid", "idoftrack", "track", "particle", "particleid"),
    *("trajectory", "trajectoryid", "spottrackid"),
)
_MOST_NAMED = 20
_UNNAMED = re.compile(r"|unnamed:[ _]?\d+", re.I)


def plain_names(names: Iterable[object]) -> dict[str, str]:
    """Give the names of columns by their plain ones: lower case, without spaces, _ and -."""
    return {re.sub(r"[\s_-]", "", str(name)).lower(): str(name) for name in names}


@dataclass(frozen=True)
class ColumnNames:
    """What the columns of a table mean, in the file's order.

    Parameters
    ----------
    own : list of str
        Names as they stand in the header.
    names : list of str
        The schema's names, or the own ones of features that it does not know.
    stated : list of str
        Units as the header states them, empty where it does not.
    """

    own: list[str]
    names: list[str]
    stated: list[str]

    def own_name(self, name: str) -> str:
        """Give the header's name of a column of ours."""
        return self.own[self.names.index(name)]

    def unit(self, name: str) -> str:
        """Give our name of the unit that the header states for a column of ours.

        Empty where it states none, or what is no unit, as in "Intensity (mean)".
        """
        unit, power = read_unit(self.stated_unit(name))
        return unit if power in (None, 1) else ""

    def stated_unit(self, name: str) -> str:
        """Give what the header states as the unit of a column of ours, empty if nothing."""
        return self.stated[self.names.index(name)] if name in self.names else ""


def shorten_list(names: Sequence[str]) -> str:
    """Join names for a message, the first ones of many."""
    if len(names) <= _MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"


def is_unnamed(text: str) -> bool:
    """Tell whether a header's field is no name: empty, or what pandas makes of an empty one."""
    return _UNNAMED.fullmatch(text.strip()) is not None


def name_columns(header: Sequence[str], units: Sequence[str], where: str) -> ColumnNames:
    """Give each column its name in our schema, or its own.

    Parameters
    ----------
    header : sequence of str
        Names of the columns; none of them is unnamed.
    units : sequence of str
        Units that a line below the header states, or empty texts.
    where : str
        File and line, for messages.

    Raises
    ------
    UserError
        If two columns mean the same.
    """
    own = [read_name(text.strip()) for text in header]
    read = [_read_name(text) for text in own]
    names = [name for name, _ in read]
    stated = [below or unit for (_, unit), below in zip(read, units, strict=True)]
    for name in names:
        if find_column(name) is not None and names.count(name) > 1:
            doubled = [text for text, other in zip(own, names, strict=True) if other == name]
            msg = f"{where}: columns {' and '.join(doubled)} both mean {name}; leave one"
            raise UserError(msg)
    _add_weak(names, own)
    _number_doubled(names)
    return ColumnNames(own, names, stated)


def rename_ambiguous(names: Sequence[str]) -> dict[str, str]:
    """Give new names to a table's own columns that `name_columns` would take for one of ours.

    Parameters
    ----------
    names : sequence of str
        Columns of a table of spots, those of the schema under its names.
    """
    return {
        name: f"{name.strip()}_property"
        for name in names
        if find_column(meant := _read_name(name.strip())[0]) is not None and name != meant
    }


def _read_name(text: str) -> tuple[str, str]:
    """Give the name of a column, and the unit that it states; "t (s)" is a time, no frame."""
    found = _BRACKETS.search(text)
    unit = found[1].strip() if found else ""
    stripped = _BRACKETS.sub("", text).strip()
    if ending := _UNIT_ENDING.fullmatch(stripped):
        time, axis, last = ending.groups()
        if time and normalise_time_unit(last) in TIMES:
            return "time", last
        if axis and normalise_space_unit(last) in (*LENGTHS, "pixel"):
            return axis.lower(), last
    name = _find_name(stripped, text)
    if name == "frame" and normalise_time_unit(unit) in TIMES and unit:
        return "time", unit
    return name, unit


def _find_name(stripped: str, text: str) -> str:
    plain = _plain(stripped)
    if plain in _VERBATIM:
        return text
    if plain in _KNOWN:
        return _KNOWN[plain]
    if plain in _ALIASES:
        return _ALIASES[plain]
    column = find_key(stripped.upper()) or find_column(stripped.lower())
    return column.name if column else text


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).lower()


def _add_weak(names: list[str], own: list[str]) -> None:
    """Use other programs' names for what no column means yet, where one column alone has one."""
    plain = [_plain(_BRACKETS.sub("", text)) for text in own]
    weak = dict(_WEAK)
    # scikit-image's regionprops_table: in the order of the array's axes.
    depth = [text for text in plain if re.fullmatch(r"centroid\d", text)]
    if sorted(depth) in (["centroid0", "centroid1"], ["centroid0", "centroid1", "centroid2"]):
        weak |= dict(zip(sorted(depth), "zyx"[3 - len(depth) :], strict=True))
    for wanted in ("frame", "x", "y", "z"):
        if wanted in names:
            continue
        places = [place for place, text in enumerate(plain) if weak.get(text) == wanted]
        if len(places) == 1:
            names[places[0]] = wanted


def _number_doubled(names: list[str]) -> None:
    """Tell features of one name apart by a number."""
    for place, name in enumerate(names):
        number = 2
        while names[place] in names[:place]:
            names[place], number = f"{name}_{number}", number + 1
