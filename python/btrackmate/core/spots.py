"""The spots table: one row a cell and frame."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.schema import REQUIRED, SPOT_COLUMNS, find_column
from btrackmate.core.scratch import cut_rows, make_array

#: Squares, volumes and costs of what lies farther off are no numbers any more.
FARTHEST = 1e50
#: What is said of each frame takes memory; a higher number is a time or a mistake.
MOST_FRAMES = 1_000_000
#: A longer movie whose length nothing but its spots tells has cells in one of so many frames.
_FEW_FRAMES = 10_000
_MOST_GAPS = 100


@dataclass(frozen=True, eq=False)
class Spots:
    """Spots of a movie, sorted by frame, then id.

    Make one with :meth:`from_table`, which checks the table.

    Parameters
    ----------
    table : DataFrame
        Columns of :mod:`btrackmate.core.schema`; further numeric columns are features under their
        own names. Positions in `calibration.space_unit`. Index 0 … n−1. Not to be mutated, as
        nothing checks it again: change a copy (`to_dataframe`) and make spots of that.
    calibration : Calibration
        Voxel size and time step.
    ndim : int
        Space dimensions of the movie, 2 or 3.
    n_frames : int
        Length of the movie in frames (frames without spots at its end count).
    contours : mapping from spot id to (n, 2) ndarray
        2D outlines, x and y relative to the spot's position, in `space_unit`; may be empty.
    record : mapping
        How they were made: version and settings of each step, where that is known.
    searched : (int, int), optional
        First and last frame in which cells were looked for, if that is not the whole movie.
    """

    table: pd.DataFrame
    calibration: Calibration
    ndim: int
    n_frames: int
    contours: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    searched: tuple[int, int] | None = None

    @classmethod
    def from_table(
        cls,
        table: pd.DataFrame,
        calibration: Calibration,
        *,
        ndim: int = 3,
        n_frames: int | None = None,
        contours: Mapping[int, NDArray[np.float64]] | None = None,
        searched: tuple[int, int] | None = None,
        source: str = "spots table",
    ) -> Self:
        """Check and sort a table of spots.

        Parameters
        ----------
        table : DataFrame
            At least the columns frame, x, y; z is needed for `ndim` 3, `id` is numbered from 0
            where it is missing, and `time` is frame × dt where it is missing.
        calibration : Calibration
            Voxel size and time step.
        ndim : int
            Space dimensions, 2 or 3.
        n_frames : int, optional
            Length of the movie; by default one more than the last frame with a spot.
        contours : mapping from spot id to (n, 2) ndarray
            2D outlines relative to the spot's position.
        searched : (int, int), optional
            First and last frame in which cells were looked for, if that is not the whole movie.
        source : str
            Where the table comes from, for messages.

        Raises
        ------
        UserError
            If a column is missing, stands there twice or has no text as name; times, positions or
            other columns of the schema are no numbers; a frame is no integer ≥ 0, an id is doubled,
            or a position is not finite.

        Examples
        --------
        >>> table = pd.DataFrame({"frame": [1, 0], "x": [2.0, 1], "y": 0.0})
        >>> spots = Spots.from_table(table, Calibration(dt=2.5, time_unit="min"), ndim=2)
        >>> spots.table["time"].tolist()
        [0.0, 2.5]
        """
        _check_columns(table, source)
        table = _take_index(table)  # a table of its own: what is set here stays here
        _take_from_arrow(table)
        _take_numbers(table, source)
        if "z" not in table and ndim == 2:
            table["z"] = 0.0
        if "id" not in table:
            table["id"] = np.arange(len(table), dtype=np.int64)
        missing = [name for name in REQUIRED if name not in table]
        if missing:
            msg = f"{source}: lacks column {', '.join(missing)}; has {', '.join(table.columns)}"
            raise UserError(msg)
        for name in ("id", "frame"):
            table[name] = _as_whole_numbers(table[name], source)
        _check_values(table, source)
        for name in ("x", "y", "z"):
            if table[name].dtype != np.float64:
                table[name] = table[name].astype(np.float64)
        if "time" not in table:
            table["time"] = table["frame"] * calibration.dt
        if not is_sorted(table["frame"].to_numpy(), table["id"].to_numpy()):
            table = table.sort_values(["frame", "id"], ignore_index=True)
        names = _ordered_names(list(table.columns))
        if names != list(table.columns):
            table = table[names]
        last = int(table["frame"].max()) + 1 if len(table) else 0
        length = max(last, n_frames or 0)
        occupied = table["frame"].nunique()
        if n_frames is None and last > max(_FEW_FRAMES, _MOST_GAPS * occupied):
            msg = f"{source}: frame {last - 1}, but only {occupied} frames have cells; is that a "
            msg += "time? Frames are counted from 0"
            raise UserError(msg)
        if length > MOST_FRAMES:
            msg = f"{source}: frame {length - 1}, but no movie has more than {MOST_FRAMES:,} "
            msg += "frames; is that a time? Frames are counted from 0"
            raise UserError(msg)
        if n_frames is not None and n_frames < last:
            msg = f"{source}: a spot lies in frame {last - 1}, but the movie has {n_frames} frames"
            msg += explain_shift(table["frame"].to_numpy(), n_frames)
            raise UserError(msg)
        length = last if n_frames is None else n_frames
        return cls(table, calibration, ndim, length, contours or {}, searched=searched)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def id(self) -> NDArray[np.int64]:
        """Spot ids, (n,)."""
        return self.table["id"].to_numpy()

    @property
    def frame(self) -> NDArray[np.int64]:
        """Frames from 0, (n,), ascending."""
        return self.table["frame"].to_numpy()

    @property
    def positions(self) -> NDArray[np.float64]:
        """Positions x, y, z in `space_unit`, (n, 3); z is 0 in 2D."""
        places = make_array((len(self), 3), np.float64)
        for axis, name in enumerate(("x", "y", "z")):
            places[:, axis] = self.table[name]
        return places

    def place(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Positions x, y, z of some rows, (rows, 3)."""
        return np.stack([self.table[name].to_numpy()[rows] for name in ("x", "y", "z")], axis=1)

    @property
    def features(self) -> list[str]:
        """Names of all numeric columns except id; truth values are 1 and 0."""
        kinds = self.table.dtypes.items()
        numeric = [str(name) for name, kind in kinds if pd.api.types.is_numeric_dtype(kind)]
        return [name for name in numeric if name != "id"]

    @property
    def occupied_frames(self) -> NDArray[np.int64]:
        """Frames that hold spots, in order: what to loop over, as a movie may be nearly empty."""
        return np.flatnonzero(np.diff(self.frame_offsets))

    @property
    def ends(self) -> tuple[int, int]:
        """First and last frame in which cells could be found; beyond them tracks are cut off."""
        first, last = self.searched or (0, self.n_frames - 1)
        if len(self):  # Some may have been added by hand.
            first, last = min(first, int(self.frame[0])), max(last, int(self.frame[-1]))
        return first, last

    @property
    def frame_offsets(self) -> NDArray[np.int64]:
        """Rows of frame f are ``offsets[f]:offsets[f + 1]``; (n_frames + 1,)."""
        return np.searchsorted(self.frame, np.arange(self.n_frames + 1)).astype(np.int64)

    def feature(self, name: str) -> NDArray[np.float64]:
        """Values of one numeric column as float, NaN where missing, (n,).

        Raises
        ------
        UserError
            If there is no such numeric column.
        """
        if name not in self.table or not pd.api.types.is_numeric_dtype(self.table[name]):
            msg = f"spots have no feature {name!r}; they have {', '.join(self.features)}"
            raise UserError(msg)
        return self.table[name].to_numpy(dtype=np.float64, na_value=np.nan)

    def find_rows(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """Rows of the spots with these ids, (m,); −1 where there is none."""
        own = self.id
        if not ascends(own):
            return pd.Index(own).get_indexer(pd.Index(ids)).astype(np.int64)
        found = make_array(len(ids), np.int64)
        for part in cut_rows(len(ids)):
            rows = np.searchsorted(own, ids[part])
            known = rows < own.size
            known[known] = own[rows[known]] == ids[part][known]
            found[part] = np.where(known, rows, -1)
        return found

    def between(self, begin: int, end: int) -> "Spots":
        """Look at the rows begin … end − 1 of the table, which are not copied."""
        return replace(self, table=self.table.iloc[begin:end])

    def take(self, rows: NDArray[Any]) -> "Spots":
        """Keep some rows (boolean mask or ascending row numbers), in the same order."""
        table = self.table.loc[rows].reset_index(drop=True)
        kept = set(table["id"].tolist()) if self.contours else set()
        contours = {k: v for k, v in self.contours.items() if k in kept}
        return replace(self, table=table, contours=contours)

    def with_columns(self, columns: Mapping[str, NDArray[Any]]) -> "Spots":
        """Add or replace columns, each (n,) in row order."""
        table = self.table.assign(**columns)
        table = table[_ordered_names(list(table.columns))]
        return replace(self, table=table)

    def with_calibration(self, calibration: Calibration) -> "Spots":
        """Take another calibration; where its time step is another, times are frame × dt."""
        table = self.table
        if calibration.dt != self.calibration.dt:
            table = table.assign(time=table["frame"] * calibration.dt)
        return replace(self, table=table, calibration=calibration)

    def with_record(self, step: str, values: Mapping[str, Any]) -> "Spots":
        """Note how a step was done."""
        return replace(self, record={**self.record, step: dict(values)})

    def to_dataframe(self) -> pd.DataFrame:
        """Give the table, one row a spot, as a copy.

        Returns
        -------
        DataFrame
            id, frame, time, x, y, z (`calibration.space_unit`), and all features.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        """Describe them in one line."""
        from btrackmate.core.views import describe_spots

        return describe_spots(self)

    def _repr_html_(self) -> str:
        from btrackmate.core.views import render_table

        return render_table(repr(self), self.table)


def explain_shift(frames: NDArray[np.int64], n_frames: int) -> str:
    """Say that frames fill a movie of this length but begin at another number than 0.

    Parameters
    ----------
    frames : (n,) ndarray of int
        Ascending.
    n_frames : int
        Length of the movie.

    Returns
    -------
    str
        For the end of a message; empty where it is not so.
    """
    if not frames.size or frames[0] <= 0 or frames[-1] - frames[0] + 1 != n_frames:
        return ""
    return (
        f": its frames are {frames[0]} to {frames[-1]}, as many, but the first is 0; subtract "
        f"{frames[0]} from them"
    )


def _take_index(table: pd.DataFrame) -> pd.DataFrame:
    """Give rows new numbers; an index that is named as a column of ours, as id, is that column."""
    names = [name for name in table.index.names if isinstance(name, str) and name not in table]
    kept = [name for name in names if find_column(name) is not None]
    lost = [name for name in table.index.names if name not in kept]
    if not kept:
        return table.reset_index(drop=True)
    if lost:
        table = table.droplevel(lost)
    return table.reset_index()


def _as_whole_numbers(values: "pd.Series[Any]", source: str) -> "pd.Series[Any]":
    if values.dtype == np.int64 and (not len(values) or values.min() >= 0):
        return values
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.dtype == np.int64:
        bad = numbers < 0
    else:
        bad = numbers.isna() | (numbers % 1 != 0) | (numbers < 0) | (numbers >= 2**63)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        got = values.iloc[row]
        shown = repr(got) if isinstance(got, str) else got
        msg = f"{source}: {values.name} in row {row} is {shown}, expected an integer ≥ 0"
        raise UserError(msg)
    return numbers if numbers.dtype == np.int64 else numbers.astype(np.int64)


def _check_columns(table: pd.DataFrame, source: str) -> None:
    names: list[Any] = list(table.columns)
    for name in names:
        if not isinstance(name, str):
            msg = f"{source}: the column {name!r} has no text as name; rename it, e.g. "
            msg += "table.rename(columns=str)"
            raise UserError(msg)
    if not table.columns.is_unique:
        name = table.columns[table.columns.duplicated()][0]
        msg = f"{source}: two columns are named {name!r}; rename or remove one"
        raise UserError(msg)
    if "time" in table and not pd.api.types.is_numeric_dtype(table["time"]):
        msg = f"{source}: the column time is of type {table['time'].dtype}, expected numbers in "
        msg += "the time unit, e.g. (table.time - table.time.min()) / pandas.Timedelta('1min')"
        raise UserError(msg)
    for name, values in table.items():
        kinds = "bcmM" if name in REQUIRED else "c"
        if values.dtype.kind in kinds:
            msg = f"{source}: the column {name} is of type {values.dtype}, expected numbers"
            raise UserError(msg)


def _take_numbers(table: pd.DataFrame, source: str) -> None:
    """Turn columns of the schema that hold objects into numbers."""
    for name in table:
        values = table[name]
        known = find_column(str(name)) is not None and name not in REQUIRED
        if not known or pd.api.types.is_numeric_dtype(values):
            continue
        numbers = pd.to_numeric(values, errors="coerce")
        bad = np.flatnonzero(numbers.isna() & values.notna())
        if bad.size:
            msg = f"{source}: {name} in row {bad[0]} is {values.iloc[bad[0]]!r}, expected a number "
            msg += f"({bad.size} such rows); correct them, or rename the column"
            raise UserError(msg)
        table[name] = numbers


#: Types of numpy, and of pandas where values are missing, by what Arrow holds.
_NOT_ARROW: dict[str, tuple[Any, Any]] = {
    "i": (np.int64, pd.Int64Dtype()),
    "u": (np.uint64, pd.UInt64Dtype()),
    "b": (np.bool_, pd.BooleanDtype()),
}


def _take_from_arrow(table: pd.DataFrame) -> None:
    """Turn numbers that Apache Arrow holds, in which pandas cannot do all sums, into numpy's.

    Where some are missing, whole numbers and truth values become pandas' own types, which know
    that.
    """
    for name in table:
        values = table[name]
        if not isinstance(values.dtype, pd.ArrowDtype) or not (
            pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)
        ):
            continue
        plain, with_missing = _NOT_ARROW.get(values.dtype.kind, (np.float64, None))
        if with_missing is not None and values.isna().any():
            table[name] = values.astype(with_missing)
        else:
            table[name] = values.to_numpy(plain, na_value=np.nan)


def _check_values(table: pd.DataFrame, source: str) -> None:
    odd = np.zeros(len(table), np.bool_)
    for name in ("x", "y", "z"):
        values = table[name].to_numpy()
        if values.dtype != np.float64:
            values = pd.to_numeric(table[name], errors="coerce").to_numpy(float)
        for part in cut_rows(len(table)):
            odd[part] |= ~((values[part] >= -FARTHEST) & (values[part] <= FARTHEST))
    bad = np.flatnonzero(odd)
    if bad.size:
        first = table.iloc[int(bad[0])]
        msg = f"{source}: spot {first['id']} in frame {first['frame']} has position "
        msg += f"({first['x']}, {first['y']}, {first['z']}), expected finite numbers up to "
        msg += f"{FARTHEST:g} ({bad.size} such spots); remove or correct them"
        raise UserError(msg)
    if ascends(table["id"].to_numpy()):
        return
    doubled = table["id"][table["id"].duplicated()]
    if len(doubled):
        msg = f"{source}: spot id {doubled.iloc[0]} stands {(table['id'] == doubled.iloc[0]).sum()}"
        msg += " times, expected unique ids; correct the id column or leave it out"
        raise UserError(msg)


def ascends(values: NDArray[Any]) -> bool:
    """Tell whether each of the values, (n,), is larger than the one before."""
    return all(
        bool((values[part.start + 1 : part.stop + 1] > values[part.start : part.stop]).all())
        for part in cut_rows(values.size - 1)
    )


def is_sorted(first: NDArray[np.int64], second: NDArray[np.int64]) -> bool:
    """Tell whether rows ascend by one column and, where it is the same, by another, each (n,)."""
    for part in cut_rows(first.size - 1):
        wider = slice(part.start, part.stop + 1)
        step = np.diff(first[wider])
        later = step > 0
        later |= (step == 0) & (second[wider][1:] >= second[wider][:-1])
        if not later.all():
            return False
    return True


def _ordered_names(names: list[str]) -> list[str]:
    """Put the schema's columns first, in its order, then channels, then the user's own."""
    fixed = [column.name for column in SPOT_COLUMNS if column.name in names]
    rest = [name for name in names if name not in fixed]
    return fixed + sorted(rest, key=lambda name: find_column(name) is None)


def measure_radius(volume: NDArray[Any], ndim: int) -> NDArray[np.float64]:
    """Give the radius of the ball (`ndim` 3) or disc (2) of a volume or area."""
    ball = np.cbrt(volume * (3 / (4 * math.pi))) if ndim == 3 else np.sqrt(volume / math.pi)
    return np.asarray(ball, np.float64)
