"""Spots that come, go and move, by row."""

import math
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.spots import Spots
from btrackmate.review.changes import SPOT_FIELDS, Spot
from btrackmate.review.growing import Growing, RowsById

Rows = NDArray[np.int64]

_NO_LABEL = -1


class SpotStore:
    """The spots of a table, those added, and which of them are there.

    The table itself is never copied: rows that were added or moved stand beside it.

    Parameters
    ----------
    base : Spots
        The first rows.
    """

    def __init__(self, base: Spots) -> None:
        n = len(base)
        self.base = base
        self.id = Growing(base.id)
        self.frame = Growing(base.frame)
        self.xyz = Growing(base.positions.copy())
        self.radius = Growing(self._column("radius", math.nan).copy())
        self.label = Growing(np.nan_to_num(self._column("label", math.nan), nan=_NO_LABEL).astype(
            np.int64))  # fmt: skip
        self.alive = Growing(np.ones(n, np.bool_))
        self.n_spots = n
        self._offsets = base.frame_offsets
        self._rows = RowsById(base.id)
        self._changed: dict[int, Spot] = {}
        self._by_frame: dict[int, list[int]] = {}
        self._highest = int(base.id.max()) if n else -1

    def __len__(self) -> int:
        return len(self.id)

    @cached_property
    def _features(self) -> dict[str, Any]:
        """Columns of the table that are no fields of a spot."""
        table = self.base.table
        return {str(name): table[name].array for name in table if name not in SPOT_FIELDS}

    def next_id(self) -> int:
        """Give an id that no spot has, or had."""
        return self._highest + 1

    def find(self, spot: int) -> int:
        """Give the row of a spot by its id, −1 if it is not there."""
        row = self._rows.find(spot)
        return row if row >= 0 and self.alive.values[row] else -1

    def rows_of(self, ids: NDArray[np.int64]) -> Rows:
        """Give the rows of spots that are, or were, there."""
        return self._rows.find_all(ids)

    def in_frame(self, frame: int) -> Rows:
        """Rows of the spots of a frame."""
        if not 0 <= frame < self._offsets.size - 1:
            rows = np.empty(0, np.int64)
        else:
            rows = np.arange(self._offsets[frame], self._offsets[frame + 1])
        added = self._by_frame.get(frame)
        if added:
            rows = np.concatenate((rows, np.array(added, np.int64)))
        alive: Rows = rows[self.alive.values[rows]]
        return alive

    def read(self, row: int) -> Spot:
        """Give all that is known of a spot."""
        if row in self._changed:
            return self._changed[row]
        features = {}
        for name, values in self._features.items():
            value: Any = values[row]
            if not pd.isna(value):
                features[name] = value.item() if isinstance(value, np.generic) else value
        label = int(self.label.values[row])
        x, y, z = self.xyz.values[row].tolist()
        return Spot(
            int(self.id.values[row]), int(self.frame.values[row]), x, y, z,
            float(self.radius.values[row]), None if label == _NO_LABEL else label, features,
        )  # fmt: skip

    def feature(self, name: str, rows: Rows) -> NDArray[np.float64] | None:
        """Give a column of numbers that is no field of a spot, NaN where it is missing, (rows,).

        None where the table has none.
        """
        if name not in self.base.features:
            return None
        first = rows < len(self.base)
        values = np.full(rows.size, math.nan)
        values[first] = self.base.feature(name)[rows[first]]
        for place, row in enumerate(rows.tolist()):
            if row in self._changed:
                values[place] = self._changed[row].features.get(name, math.nan)
        return values

    def add(self, spot: Spot) -> tuple[int, bool]:
        """Put a spot in, or back; give its row, and whether the row is new."""
        row = self._rows.find(spot.id)
        if row >= 0:
            self.alive.values[row] = True
            self.n_spots += 1
            self.write(row, spot)
            return row, False
        row = len(self.id)
        label = _NO_LABEL if spot.label is None else spot.label
        for column, value in (
            (self.id, spot.id),
            (self.frame, spot.frame),
            (self.xyz, spot.position),
            (self.radius, spot.radius),
            (self.label, label),
            (self.alive, True),
        ):
            column.append(value)
        self._changed[row] = spot
        self._rows.add(spot.id, row)
        self._by_frame.setdefault(spot.frame, []).append(row)
        self._highest = max(self._highest, spot.id)
        self.n_spots += 1
        return row, True

    def write(self, row: int, spot: Spot) -> None:
        """Replace what is known of a spot; id and frame stay."""
        self.xyz.values[row] = spot.position
        self.radius.values[row] = spot.radius
        self.label.values[row] = _NO_LABEL if spot.label is None else spot.label
        self._changed[row] = spot

    def remove(self, row: int) -> None:
        """Take a spot out."""
        self.alive.values[row] = False
        self.n_spots -= 1

    def to_spots(self) -> Spots:
        """Give the spots that are there as a table, sorted."""
        kept = self.alive.values[: len(self.base)].copy()
        changed = [spot for row, spot in self._changed.items() if self.alive.values[row]]
        kept[[row for row in self._changed if row < kept.size]] = False
        if not changed and kept.all():
            return self.base
        table = self.base.table.loc[kept]
        if changed:
            table = _add_rows(table, [_to_row(spot) for spot in changed])
        here = set(table["id"].tolist()) if self.base.contours else set()
        return Spots.from_table(
            table,
            self.base.calibration,
            ndim=self.base.ndim,
            n_frames=self.base.n_frames,
            contours={i: outline for i, outline in self.base.contours.items() if i in here},
            searched=self.base.searched,
        )

    def _column(self, name: str, missing: float) -> NDArray[np.float64]:
        if name in self.base.features:
            return self.base.feature(name)
        return np.full(len(self.base), missing)


def _to_row(spot: Spot) -> dict[str, Any]:
    row = {"id": spot.id, "frame": spot.frame, "x": spot.x, "y": spot.y, "z": spot.z}
    if not math.isnan(spot.radius):
        row["radius"] = spot.radius
    if spot.label is not None:
        row["label"] = spot.label
    return row | dict(spot.features)


def _add_rows(table: pd.DataFrame, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Add rows to a table; whole numbers stay so where the new rows lack some."""
    names = dict.fromkeys([*table.columns, *(name for row in rows for name in row)])
    columns = {}
    for name in names:
        new = [row.get(name) for row in rows]
        whole = all(value is None or isinstance(value, int) for value in new)
        if name not in table:
            old = pd.Series([None] * len(table), dtype="Int64" if whole else "float64")
        else:
            old = table[name]
        kind: Any = old.dtype
        if pd.api.types.is_integer_dtype(kind):
            kind = ("Int64" if None in new else kind) if whole else "float64"
        elif pd.api.types.is_bool_dtype(kind) and None in new:
            kind = "boolean"
        added = pd.Series(new, dtype=kind)
        columns[name] = pd.concat([old.astype(kind), added], ignore_index=True)
    return pd.DataFrame(columns)
