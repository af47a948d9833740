"""Tables of cells as CSV: ours, the paper's, TrackMate's exports and anybody's with a header."""

import csv
import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_atomically
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import SPOT_COLUMNS, find_column, find_key
from btrackmate.core.spots import Spots
from btrackmate.io.csv_cells import read_cells, to_numbers
from btrackmate.io.numbers import format_numbers

_log = logging.getLogger(__name__)

_ALIASES = {
    "t": "frame",
    "timepoint": "frame",
    "positiont": "time",
    "spotid": "id",
    "cellid": "label",
    "vol": "volume",
    "nvoxels": "voxels",
} | {f"{word}{axis}": axis for word in ("pos", "position", "centroid") for axis in "xyz"}
_KNOWN = {column.name.replace("_", ""): column.name for column in SPOT_COLUMNS} | {
    column.key.lower().replace("_", ""): column.name for column in SPOT_COLUMNS
}
#: Known under these very names only: the paper's column Perimeter, say, is a feature of its own.
_VERBATIM = {"surface", "perimeter", "components"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EXPORT_HEADER_LINES = 3
_BLOCK = 50_000
_MAX_LABEL = 2**32 - 1


@dataclass(frozen=True)
class SpotsFile:
    """Cells that were read from a CSV.

    Parameters
    ----------
    spots : Spots
    lines : (n,) ndarray of int
        Line in the file, from 1, of each row of the file that was read, in the file's order.
    rows : DataFrame
        The same rows before they were sorted.
    skipped_lines : list of int
        Bad rows that were left out.
    ignored_columns : list of str
        Columns that hold no numbers.
    """

    spots: Spots
    lines: NDArray[np.int64]
    rows: pd.DataFrame
    skipped_lines: list[int]
    ignored_columns: list[str]


@dataclass(frozen=True)
class CsvOptions:
    """How a CSV is read.

    Parameters
    ----------
    units : {"physical", "pixels"}
        Of x, y, z, radius and volume; pixels are multiplied by the calibration.
    skip_bad_rows : bool
        Leave bad rows out and name their lines, instead of refusing the file.
    ndim : int, optional
        Space dimensions; by default 3 if there is a z that is not 0, else 2.
    n_frames : int, optional
        Length of the movie; by default up to the last cell.
    """

    units: Literal["physical", "pixels"] = "physical"
    skip_bad_rows: bool = False
    ndim: int | None = None
    n_frames: int | None = None


def read_spots_csv(
    path: Path, calibration: Calibration | None = None, options: CsvOptions | None = None
) -> SpotsFile:
    """Read a table of cells.

    Parameters
    ----------
    path : Path
        Text with a header; separated by comma, semicolon or tab. Columns in any order and case:
        the names of :mod:`btrackmate.core.schema`, TrackMate's keys, or common aliases (t, pos_x,
        spot_id, cell_id, vol, …). x, y and frame (or time) must be there. Further numeric columns
        are features under their own names.
    calibration : Calibration, optional
        Voxel size and time step; 1 by default.
    options : CsvOptions, optional

    Returns
    -------
    SpotsFile

    Raises
    ------
    UserError
        If a column is missing or doubled, or a row is bad and is not to be skipped; names the line.

    Notes
    -----
    A radius that is not given follows from the volume (ball, or disc in 2D). What is missing stays
    missing. A time beside a frame is not used.
    """
    options = options or CsvOptions()
    reader = _CsvReader(path, calibration or Calibration(), options)
    return reader.read()


class _CsvReader:
    """One file on its way from text to spots."""

    def __init__(self, path: Path, calibration: Calibration, options: CsvOptions) -> None:
        self.path = path
        self.calibration = calibration
        self.options = options
        self.header, self.cells = read_cells(path)
        self.names = _name_columns(self.header, path)
        self.bad: dict[int, str] = {}
        self.ignored: list[str] = []

    def read(self) -> SpotsFile:
        """Make the table, drop or refuse bad rows, and make the spots."""
        self._skip_export_header()
        table = self._parse()
        self._check(table)
        good = ~np.isin(np.arange(len(table)), list(self.bad))
        lines = self.cells.lines
        skipped = [int(lines[row]) for row in sorted(self.bad)]
        if skipped:
            self._refuse_or_warn(skipped)
        table = self._to_physical(table[good].reset_index(drop=True))
        if self.ignored:
            _log.warning(
                "%s: columns without numbers are left out: %s", self.path, ", ".join(self.ignored)
            )
        spots = Spots.from_table(
            table,
            self.calibration,
            ndim=self._ndim(table),
            n_frames=self.options.n_frames,
            source=str(self.path),
        )
        return SpotsFile(spots, lines[good], table, skipped, self.ignored)

    def _skip_export_header(self) -> None:
        """Skip the three lines with names and units in a table that TrackMate exported."""
        raw = [name.strip().upper() for name in self.header]
        if "POSITION_X" not in raw or self.cells.n < _EXPORT_HEADER_LINES:
            return
        words = self.cells.columns[raw.index("POSITION_X")][:_EXPORT_HEADER_LINES]
        if not any(_NUMBER.fullmatch(word.strip()) for word in words):
            self.cells = self.cells.skip(_EXPORT_HEADER_LINES)

    def _parse(self) -> pd.DataFrame:
        """Turn every column into numbers; a text in a known column makes its row bad."""
        for row, count in self.cells.ragged.items():
            self._mark(row, f"{count} fields, expected {len(self.header)}")
        table: dict[str, NDArray[np.float64]] = {}
        for texts, name, own in zip(self.cells.columns, self.names, self.header, strict=True):
            values, is_text = to_numbers(texts)
            known = find_column(name) is not None
            none_found = bool(len(texts)) and not np.isfinite(values).any()
            if (is_text.any() and not known) or (none_found and name not in "xyz"):
                self.ignored.append(own)
                continue
            for row in np.flatnonzero(is_text).tolist():
                self._mark(row, f"{name} is {texts[row].strip()!r}, expected a number")
            table[name] = values
        return pd.DataFrame(table, index=range(self.cells.n))

    def _check(self, table: pd.DataFrame) -> None:
        """Check what every row must hold."""
        if "time" in table:
            if "frame" not in table:
                self._frames_from_time(table)
            del table["time"]
        for name in ("frame", "x", "y"):
            if name not in table:
                self._refuse(f"lacks a column {name}; has {', '.join(self.header)}")
        for name in ("x", "y", "z"):
            if name in table:
                self._mark_where(~np.isfinite(table[name]), name, table, "a finite number")
        whole = "a whole number ≥ 0"
        frame = table["frame"]
        self._mark_where(~((frame >= 0) & (frame % 1 == 0)), "frame", table, whole)
        for name in ("label", "tissue", "voxels"):
            if name in table:
                value = table[name]
                fits = value.isna() | ((value % 1 == 0) & (value >= 0) & (value <= _MAX_LABEL))
                self._mark_where(~fits, name, table, whole)
        for name in ("radius", "volume"):
            if name in table:
                self._mark_where(table[name] <= 0, name, table, "a number > 0")
        if "id" in table:
            self._mark_where(~((table["id"] >= 0) & (table["id"] % 1 == 0)), "id", table, whole)
            good = ~np.isin(np.arange(len(table)), list(self.bad))
            doubled = table["id"].where(good).duplicated() & good
            self._mark_where(doubled, "id", table, "an id that stands once")

    def _frames_from_time(self, table: pd.DataFrame) -> None:
        """Count frames from the time, which must be whole steps."""
        frame = table["time"] / self.calibration.dt
        near = frame.round()
        fits = (frame - near).abs() <= 1e-6
        self._mark_where(~fits, "time", table, f"a multiple of dt {self.calibration.dt:g}")
        table["frame"] = near

    def _mark_where(
        self, bad: "pd.Series[bool]", name: str, table: pd.DataFrame, expected: str
    ) -> None:
        for row in np.flatnonzero(bad.to_numpy()):
            value = table[name].iloc[row]
            shown = "missing" if math.isnan(value) else f"{value:g}"
            self._mark(int(row), f"{name} is {shown}, expected {expected}")

    def _mark(self, row: int, fault: str) -> None:
        self.bad.setdefault(row, fault)

    def _refuse_or_warn(self, skipped: list[int]) -> None:
        first = min(self.bad)
        if not self.options.skip_bad_rows:
            where = f"{self.path}, line {self.cells.lines[first]}"
            msg = f"{where}: {self.bad[first]} ({len(skipped)} bad rows); "
            msg += "correct the file, or leave bad rows out with --skip-bad-rows"
            raise UserError(msg)
        shown = ", ".join(str(line) for line in skipped[:10]) + (", …" if len(skipped) > 10 else "")
        _log.warning("%s: %d bad rows skipped, lines %s", self.path, len(skipped), shown)

    def _refuse(self, fault: str) -> None:
        msg = f"{self.path}, line 1: {fault}; correct the header"
        raise UserError(msg)

    def _to_physical(self, table: pd.DataFrame) -> pd.DataFrame:
        """Multiply pixels by the calibration, and compute radii that are not given."""
        ndim = self._ndim(table)
        size = self.calibration
        if self.options.units == "pixels":
            factors = {"x": size.dx, "y": size.dy, "z": size.dz, "radius": size.dx}
            factors["volume"] = size.voxel_volume(ndim)
            table = table.assign(**{k: table[k] * f for k, f in factors.items() if k in table})
        if "volume" in table:
            volume = table["volume"]
            radius = np.cbrt(0.75 / np.pi * volume) if ndim == 3 else np.sqrt(volume / np.pi)
            table["radius"] = table["radius"].fillna(radius) if "radius" in table else radius
        for name in table.columns:
            column = find_column(str(name))
            if column is not None and column.kind == "int" and not table[name].isna().any():
                table[name] = table[name].astype(np.int64)
        return table

    def _ndim(self, table: pd.DataFrame) -> int:
        if self.options.ndim is not None:
            return self.options.ndim
        return 3 if "z" in table and (table["z"] != 0).any() else 2


def _name_columns(header: Sequence[str], path: Path) -> list[str]:
    """Give each column its name in our schema, or its own."""
    names = [_name_column(text) for text in header]
    for name in names:
        if names.count(name) > 1:
            own = [text.strip() for text, other in zip(header, names, strict=True) if other == name]
            msg = f"{path}, line 1: columns {' and '.join(own)} both mean {name}; leave one"
            raise UserError(msg)
    return names


def _name_column(text: str) -> str:
    stripped = re.sub(r"[\[(].*?[\])]", "", text).strip()
    plain = re.sub(r"[\s_-]", "", stripped).lower()
    if plain in _VERBATIM:
        return text.strip()
    if plain in _KNOWN:
        return _KNOWN[plain]
    if plain in _ALIASES:
        return _ALIASES[plain]
    column = find_key(stripped.upper()) or find_column(stripped.lower())
    return column.name if column else text.strip()


def write_spots_csv(path: Path, spots: Spots) -> None:
    """Write a spots table, one row a cell and frame, the schema's columns first."""
    _write_table(path, spots.table)


def write_links_csv(path: Path, graph: TrackGraph) -> None:
    """Write the links: source, target (spot ids), cost and, where known, confidence."""
    table: pd.DataFrame = graph.links_table()
    if table["confidence"].isna().all():
        table = table.drop(columns="confidence")
    _write_table(path, table)


def _write_table(path: Path, table: pd.DataFrame) -> None:
    """Write numbers exactly, missing ones as nothing; text goes the slow way through pandas."""
    with write_atomically(path) as temporary:
        if any(values.dtype.kind not in "iuf" for _, values in table.items()):
            table.to_csv(temporary, index=False, lineterminator="\n")
            return
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerow(table.columns)
            for begin in range(0, len(table), _BLOCK):
                block = table.iloc[begin : begin + _BLOCK]
                columns = [_format_column(values) for _, values in block.items()]
                stream.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


def _format_column(values: "pd.Series[Any]") -> list[str]:
    numbers = values.to_numpy()
    texts = format_numbers(numbers, is_int=numbers.dtype.kind in "iu")
    if numbers.dtype.kind == "f":
        for row in np.flatnonzero(np.isnan(numbers)):
            texts[row] = ""
    return texts


def read_links_csv(path: Path, spots: Spots) -> TrackGraph:
    """Read links between spots: columns source, target and perhaps cost and confidence.

    Raises
    ------
    UserError
        If the file is missing, lacks a column, or names a spot that is not there.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        msg = f"{path}: not readable as a table of links ({' '.join(str(error).split())})"
        raise UserError(msg) from None
    if not {"source", "target"} <= set(table.columns):
        msg = f"{path}: has columns {', '.join(map(str, table.columns))}, expected source, target"
        raise UserError(msg)
    known = {name: table[name].to_numpy(float) for name in ("cost", "confidence") if name in table}
    return TrackGraph.from_ids(
        spots, table["source"].to_numpy(), table["target"].to_numpy(), **known
    )
