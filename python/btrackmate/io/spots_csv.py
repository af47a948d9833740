"""Tables of cells as CSV: ours, the paper's, TrackMate's exports and anybody's with a header."""

import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.schema import find_column
from btrackmate.core.scratch import copy_array, cut_rows
from btrackmate.core.spots import FARTHEST, Spots, ascends
from btrackmate.core.words import flag, option
from btrackmate.io.csv_cells import Cells, read_cells
from btrackmate.io.csv_columns import (
    TRACK_COLUMNS,
    ColumnNames,
    is_unnamed,
    name_columns,
    plain_names,
    shorten_list,
)
from btrackmate.io.csv_exports import skip_export_header
from btrackmate.io.csv_fields import Column, read_whole_feature, read_whole_numbers
from btrackmate.io.csv_units import ColumnScale, convert_times, take_units, to_physical
from btrackmate.io.label_values import LABEL_COLUMNS, MAX_LABEL, are_label_values
from btrackmate.io.numbers import MAX_EXACT
from btrackmate.io.time_steps import (
    JITTER,
    Clock,
    find_time_step,
    set_clock,
    warn_of_first,
    warn_of_steps,
)

_log = logging.getLogger(__name__)

#: Part of a time step by which a time may miss a frame where the step is given.
_SLACK = 1e-6
#: Part of a time step by which a time beside a frame may miss it without a word.
_HEEDED = 0.01
#: Part of the rows whose id may be doubled by mistake; ids of tracks are doubled more often.
_FEW = 0.2


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
        Columns that hold no numbers, or have no name.
    """

    spots: Spots
    lines: NDArray[np.int64]
    rows: pd.DataFrame
    skipped_lines: list[int]
    ignored_columns: list[str]


#: Columns that say which movie a cell is of.
_MOVIES = {
    *("movie", "video", "fov", "field", "fieldofview", "series", "well", "position"),
    *("file", "filename", "imagename", "experiment"),
}


@dataclass(frozen=True)
class CsvOptions:
    """How a CSV is read.

    Parameters
    ----------
    units : {"physical", "pixels", "stated"}
        Of x, y, z, and of radius and volume where the header states none; pixels are multiplied by
        the calibration. "stated": pixels where the header says so and the voxel size is known.
    skip_bad_rows : bool
        Leave bad rows out and name their lines, instead of refusing the file.
    ndim : int, optional
        Space dimensions; by default 3 if there is a z that is not 0, else 2.
    n_frames : int, optional
        Length of the movie; by default up to the last cell.
    time : {"frames", "time"}
        What the column frame (or t) counts; a time is divided by the calibration's time step.
    tell : bool
        Say in the log what each column was taken for.
    track_ids : bool
        Take an id that stands in several rows, one a frame, as the feature track_id.
    step_known : bool, optional
        Whether the calibration's time step is known; by default if it is not 1 frame. Else it is
        found in a table of times.
    """

    units: Literal["physical", "pixels", "stated"] = "physical"
    skip_bad_rows: bool = False
    ndim: int | None = None
    n_frames: int | None = None
    time: Literal["frames", "time"] = "frames"
    tell: bool = True
    track_ids: bool = False
    step_known: bool | None = None


def read_spots_csv(
    path: Path, calibration: Calibration | None = None, options: CsvOptions | None = None
) -> SpotsFile:
    """Read a table of cells.

    Parameters
    ----------
    path : Path
        Text with a header; separated by comma, semicolon, tab or spaces. Columns in any order and
        case: the names of :mod:`btrackmate.core.schema`, TrackMate's keys, or common aliases (t,
        pos_x, spot_id, cell_id, vol, …). x, y and frame (or time) must be there. Further numeric
        columns are features under their own names.
    calibration : Calibration, optional
        Voxel size and time step; 1 by default. Where its units are unknown (pixel, frame), those
        that the header states are taken, and the time step of a table of times is found in it.
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
    missing. A time beside a frame gives the time step where its unit is stated, and is not used
    else, with a warning where it is not frame × dt. Times that begin anywhere are counted from the
    first and stay as they are.
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
        self.bad: dict[int, str] = {}
        self.ignored: list[str] = []
        cells = read_cells(path)
        self.header_line = cells.header_line
        self.all_names = cells.header
        self.cells, below = skip_export_header(self._drop_unnamed(cells))
        where = f"{path}, line {self.header_line}"
        self.columns: ColumnNames = name_columns(self.cells.header, below, where)
        known = options.step_known
        given = calibration.dt != 1 or calibration.time_unit != "frame"
        self.step_known = given if known is None else known

    def read(self) -> SpotsFile:
        """Make the table, drop or refuse bad rows, and make the spots."""
        given = self.calibration
        sized = given.space_unit != "pixel" or given.spacing(3) != (1, 1, 1)
        pixels = self.options.units == "pixels"
        if self.options.units == "stated" and sized:
            pixels = "pixel" in map(self.columns.unit, "xyz")
        self.calibration = take_units(self.columns, self.calibration, pixels=pixels, path=self.path)
        table = self._parse()
        self._check(table)
        good = ~np.isin(np.arange(len(table)), list(self.bad))
        lines = self.cells.lines
        skipped = [int(lines[row]) for row in sorted(self.bad)]
        if skipped:
            self._refuse_or_warn(skipped)
            table = table[good].reset_index(drop=True)
        self.cells = replace(self.cells, columns=[])  # they are as large as the table
        ndim = self._ndim(table)
        scale = ColumnScale(self.columns, self.calibration, ndim, pixels, sized)
        table = to_physical(table, scale, path=self.path)
        spots = Spots.from_table(
            table,
            self.calibration,
            ndim=ndim,
            n_frames=self.options.n_frames,
            source=str(self.path),
        )
        self._tell(spots)
        return SpotsFile(spots, lines[good], table, skipped, self.ignored)

    def _drop_unnamed(self, cells: Cells) -> Cells:
        """Leave out columns without a name: a table's index, or what a comma at the end makes."""
        unnamed = [place for place, name in enumerate(cells.header) if is_unnamed(name)]
        filled = [place for place in unnamed if not cells.columns[place].is_empty()]
        if filled:
            which = ", ".join(str(place + 1) for place in filled)
            _log.warning("%s: column %s has no name and is left out", self.path, which)
        return cells.keep([p for p in range(len(cells.header)) if p not in unnamed])

    def _parse(self) -> pd.DataFrame:
        """Turn every column into numbers; a text in a known column makes its row bad."""
        for row, count in self.cells.ragged.items():
            self._mark(row, f"{count} fields, expected {len(self.all_names)}")
        parsed = [column.read_numbers() for column in self.cells.columns]
        if self.cells.n and any(is_text.any() for _, is_text in parsed):
            example = self.cells.decimal_comma()
            if example is not None:
                _log.warning("%s: decimal commas, as in %s, are read as points", self.path, example)
                parsed = [one.read_numbers(decimal_comma=True) for one in self.cells.columns]
        table: dict[str, Any] = {}
        for place, (values, is_text) in enumerate(parsed):
            name, own = self.columns.names[place], self.columns.own[place]
            column = self.cells.columns[place]
            known = find_column(name) is not None
            self._look_for_movies(own, column, values, is_text=bool(is_text.any()))
            none_found = bool(values.size) and not np.isfinite(values).any()
            if (is_text.any() and not known) or (none_found and name not in "xyz"):
                self.ignored.append(own)
                continue
            for row in np.flatnonzero(is_text).tolist():
                self._mark(row, f"{name} is {column.texts[row].strip()!r}, expected a number")
            whole = not known and _all_whole(values) and not column.has_point()
            if whole:
                table[name] = copy_array(values, np.int64)
            elif known:
                table[name] = read_whole_numbers(column, values) if name == "id" else values
            else:
                table[name] = self._read_feature(column, values, own)
        return pd.DataFrame(table, index=range(self.cells.n), copy=False)

    def _look_for_movies(
        self, own: str, column: Column, values: NDArray[np.float64], *, is_text: bool
    ) -> None:
        """Warn of a column that tells cells of several movies apart: here they are read as one."""
        if not plain_names([own]).keys() & _MOVIES:
            return
        numbers = np.unique(values[np.isfinite(values)])
        count = len({one.strip() for one in column.texts} - {""}) if is_text else numbers.size
        if count > 1 and (is_text or (numbers % 1 == 0).all()):
            _log.warning(
                "%s: column %s has %d values: are these cells of several movies? They are read as "
                "one; make a table of each", self.path, own, count,
            )  # fmt: skip

    def _read_feature(self, column: Column, values: NDArray[np.float64], own: str) -> Any:
        exact, is_rounded = read_whole_feature(column, values)
        if is_rounded:
            _log.warning("%s: column %s has whole numbers past 2⁶³: rounded", self.path, own)
        return exact

    def _check(self, table: pd.DataFrame) -> None:
        """Check what every row must hold."""
        self._settle_frames(table)
        for name in ("frame", "x", "y"):
            if name not in table:
                self._refuse(f"lacks a column {name}; has {shorten_list(self.all_names)}")
        for name in ("x", "y", "z"):
            if name in table:
                far = ~(table[name].abs() <= FARTHEST)
                self._mark_where(far, name, table, f"a finite number up to {FARTHEST:g}")
        whole = "a whole number ≥ 0"
        frame = table["frame"]
        fits = (frame >= 0) & (frame % 1 == 0) & (frame < MAX_EXACT)
        self._mark_where(~fits, "frame", table, whole)
        for name in LABEL_COLUMNS:
            if name in table:
                fits = are_label_values(table[name])
                self._mark_where(~fits, name, table, f"a whole number from 0 to {MAX_LABEL}")
        for name in ("radius", "volume"):
            if name in table:
                self._mark_where(table[name] <= 0, name, table, "a number > 0")
        if "id" in table:
            fits = (table["id"] >= 0) & (table["id"] % 1 == 0)
            if table["id"].dtype.kind == "f":  # Not exactly what stands in the file.
                fits &= table["id"] < MAX_EXACT
            self._mark_where(~fits, "id", table, whole)
            self._check_ids(table)

    def _check_ids(self, table: pd.DataFrame) -> None:
        """Mark ids that stand twice; most that do, once a frame, are ids of tracks."""
        if ascends(table["id"].to_numpy()):
            return
        good = ~np.isin(np.arange(len(table)), list(self.bad))
        doubled = table["id"][good].duplicated().reindex(table.index, fill_value=False)
        if not doubled.any():
            return
        once_a_frame = not table[good].duplicated(["id", "frame"]).any()
        of_tracks = once_a_frame and doubled.sum() >= _FEW * good.sum()
        plain = plain_names(table)
        track = next((plain[name] for name in TRACK_COLUMNS if name in plain), None)
        if of_tracks and track is not None:
            own = self.columns.own_name("id")
            _log.warning(
                "%s: column %s is left out: it counts anew in each frame, and %s tells the tracks",
                self.path, own, track,
            )  # fmt: skip
            del table["id"]
        elif of_tracks and self.options.track_ids:
            table["track_id"] = table.pop("id")
        elif of_tracks:
            row = int(np.flatnonzero(doubled)[0])
            own = self.columns.own_name("id")
            msg = f"{self.path}, line {self.cells.lines[row]}: {own} {table['id'].iloc[row]:g} "
            msg += "stands in several rows, one a frame: it is the id of tracks, and no spot's "
            msg += "own; rename the column, e.g. to track_id"
            raise UserError(msg)
        else:
            self._mark_where(doubled, "id", table, "an id that stands once")

    def _settle_frames(self, table: pd.DataFrame) -> None:
        """Count frames from times where there are no frames, or where they are said to be times."""
        if self.options.time == "time" and "frame" in table:
            table["time"] = table.pop("frame")
        if "time" in table:
            table["time"] = convert_times(table["time"], self.columns, self.calibration)
        if "frame" in table or "time" not in table:
            if "time" in table:
                self._compare_times(table["frame"], table.pop("time"))
            return
        far = table["time"].abs() > FARTHEST
        self._mark_where(far, "time", table, f"a finite number up to {FARTHEST:g}")
        time = table["time"].mask(far).to_numpy(np.float64)
        known = time[np.isfinite(time)]
        step = self.calibration.dt if self.step_known or not known.size else find_time_step(known)
        clock = set_clock(known, step or 1.0) if known.size else Clock(1.0, 0.0)
        frame = clock.steps(time)
        near = np.round(frame)
        allowed = _SLACK if self.step_known or step is None else JITTER
        expected = f"a multiple of dt {clock.step:g} after {clock.start:g}, give {option('dt')}"
        self._mark_where(~(pd.Series(np.abs(frame - near)) <= allowed), "time", table, expected)
        table["frame"] = near
        if clock.start == 0 and bool((np.abs(frame - near) <= _SLACK).all()):
            del table["time"]  # it is frame × dt
        if step is not None and not self.step_known:
            self._take_step(clock)

    def _compare_times(self, frame: "pd.Series[float]", time: "pd.Series[float]") -> None:
        """Take the time step from times beside frames, where the header states their unit.

        Times that are not frame × dt are not used, and the log says so.
        """
        unit = self.calibration.time_unit  # To which they are converted.
        if self.columns.unit("time") and not self.step_known:
            later = frame > 0
            step = float((time[later] / frame[later]).median()) if later.any() else math.nan
            allowed = _SLACK * step * frame.clip(lower=1)
            if step > 0 and ((time - step * frame).abs() <= allowed).all():
                self.calibration = replace(self.calibration, dt=step, time_unit=unit)
                _log.info("%s: dt is %g %s, from its times", self.path, step, unit)
            else:  # The unit alone would say that a frame is one of it.
                self.calibration = replace(self.calibration, time_unit="frame")
        self._warn_of_times(frame, time)

    def _warn_of_times(self, frame: "pd.Series[float]", time: "pd.Series[float]") -> None:
        size = self.calibration
        odd = np.flatnonzero((time - size.dt * frame).abs() > _HEEDED * size.dt)
        if odd.size:
            told = f"what {option('dt')} says, or else 1 frame"  # it may be said later
            known = self.step_known
            _log.warning(
                "%s: the times in %s are not used (%g%s in frame %g): dt is %s",
                self.path, self.columns.own_name("time"), time.iloc[odd[0]],
                f" {size.time_unit}" if known and self.columns.unit("time") else "",
                frame.iloc[odd[0]], f"{size.dt:g} {size.time_unit}" if known else told,
            )  # fmt: skip

    def _take_step(self, clock: Clock) -> None:
        """Take the time step that was found in the times of a table."""
        if clock == (1.0, 0.0):
            return
        unit = self.calibration.time_unit
        unit = "sec" if unit == "frame" else unit
        try:
            self.calibration = replace(self.calibration, dt=clock.step, time_unit=unit)
        except UserError as error:
            msg = f"{self.path}: from its times, {error}"
            raise UserError(msg) from None
        _log.warning(
            "%s: no dt is given; from its times it is %g %s, and frame 0 is at %g; give %s and %s "
            "if that is wrong", self.path, clock.step, unit, clock.start, option("dt"),
            option("time_unit"),
        )  # fmt: skip

    def _mark_where(
        self, bad: "pd.Series[bool]", name: str, table: pd.DataFrame, expected: str
    ) -> None:
        for row in np.flatnonzero(bad.to_numpy()):
            value = table[name].iloc[row]
            shown = "missing" if math.isnan(value) else f"{value:.15g}"
            self._mark(int(row), f"{name} is {shown}, expected {expected}")

    def _mark(self, row: int, fault: str) -> None:
        self.bad.setdefault(row, fault)

    def _refuse_or_warn(self, skipped: list[int]) -> None:
        first = min(self.bad)
        where = f"{self.path}, line {self.cells.lines[first]}: {self.bad[first]}"
        count = f"{len(skipped)} bad rows of {self.cells.n}"
        if len(skipped) == self.cells.n or not self.options.skip_bad_rows:
            # Where most rows are bad it is the table that is not understood.
            msg = f"{where} ({count}); {self._advise(first)}"
            if 2 * len(skipped) <= self.cells.n:
                msg += f", or leave bad rows out with {flag('skip_bad_rows')}"
            raise UserError(msg)
        shown = ", ".join(str(line) for line in skipped[:10]) + (", …" if len(skipped) > 10 else "")
        most = ", most of the file" if 2 * len(skipped) > self.cells.n else ""
        _log.warning(
            "%s: %s skipped%s, lines %s (the first: %s)",
            self.path, count, most, shown, self.bad[first],
        )  # fmt: skip

    def _advise(self, row: int) -> str:
        """Say what to do about a bad row, by what is wrong with it."""
        fault = self.bad[row]
        if row in self.cells.ragged and self.cells.separator == ",":
            return (
                "quote what holds a comma, and save decimal commas with semicolons between fields"
            )
        if fault.startswith("frame is") and "." in fault:
            own = self.columns.own_name("frame")
            return (
                f"if {own} is a time, say so with {option('csv_time', 'time')} (and {option('dt')})"
            )
        if "," in fault.partition(" is ")[2].partition(", expected")[0]:
            return "write numbers with decimal points, and nothing between thousands"
        return "correct the file"

    def _refuse(self, fault: str) -> None:
        advice = "correct the header"
        named = {name.strip().upper() for name in self.all_names}
        if {"SPOT_SOURCE_ID", "TRACK_DURATION", "LINK TARGET IDS"} & named:
            advice = "this is a table of links or tracks: export the table of spots, too, and name "
            advice += "the two alike (NAME_spots.csv, NAME_edges.csv)"
        msg = f"{self.path}, line {self.header_line}: {fault}; {advice}"
        raise UserError(msg)

    def _ndim(self, table: pd.DataFrame) -> int:
        if self.options.ndim is not None:
            return self.options.ndim
        return 3 if "z" in table and (table["z"] != 0).any() else 2

    def _tell(self, spots: Spots) -> None:
        """Say in the log what each column was taken for, and warn of what is odd."""
        named = zip(self.columns.names, self.columns.own, strict=True)
        pairs = [(name, own) for name, own in named if own not in self.ignored]
        if "frame" in self.columns.names:  # A time beside it is not used.
            pairs = [(name, own) for name, own in pairs if name != "time"]
        meant = [f"{name} = {own!r}" for name, own in pairs if find_column(name) is not None]
        features = [own for name, own in pairs if find_column(name) is None]
        _log.log(
            logging.INFO if self.options.tell else logging.DEBUG,
            "%s: %d rows; columns: %s; features: %s",
            self.path, len(spots), ", ".join(meant), shorten_list(features) or "none",
        )  # fmt: skip
        if self.ignored:
            _log.warning(
                "%s: columns without numbers are left out: %s",
                self.path, shorten_list(self.ignored),
            )  # fmt: skip
        if len(spots) > 1 and spots.frame[0] == spots.frame[-1]:
            _log.warning(
                "%s: all cells are in frame %d: nothing to link", self.path, spots.frame[0]
            )
        if self.options.ndim == 2 and "z" in spots.table and (spots.table["z"] != 0).any():
            _log.warning("%s: has z, but the image has one slice; z is kept", self.path)
        remedy = f"give their step with {option('dt', '{step}')} {option('time_unit', 'UNIT')}"
        if "frame" in self.columns.names and self.options.time == "frames":
            own = self.columns.own_name("frame")
            if self.options.tell:
                warn_of_first(spots.frame, str(self.path), own)
            remedy = f"if {own} is a time, say so with {option('csv_time', 'time')} "
            remedy += "(dt is then {step})"
        warn_of_steps(spots.occupied_frames, str(self.path), remedy)


def _all_whole(values: NDArray[np.float64]) -> bool:
    """Tell whether all values are whole numbers that int64 and float64 hold alike."""
    parts = (values[rows] for rows in cut_rows(values.size))
    return values.size > 0 and all(
        bool((np.abs(part) < MAX_EXACT).all() and (part % 1 == 0).all()) for part in parts
    )
