"""Label runs: the one compiled pass over a label image that all measurements build on."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
from btrackmate.core.errors import UserError
from btrackmate.core.hashing import find_slot
from btrackmate.core.words import option
from btrackmate.io.label_values import MAX_LABEL

#: Largest label id that is accepted.

#: Ids below this are looked up in a table, the others in a hash table.
_TABLE_SIZE = 1 << 16

# Columns of LabelRuns.runs.
ROW, START, STOP, CELL = 0, 1, 2, 3

# Columns of the sums over a cell's voxels; x, y, z count from the cell's first voxel.
_N, _X, _Y, _Z, _XX, _YY, _ZZ, _XY, _XZ, _YZ = range(10)
_MIN_X, _MAX_X, _MIN_Y, _MAX_Y, _MAX_Z, _FIRST_X, _FIRST_Y, _FIRST_Z = range(10, 18)
_SUMS = 18


class Box(NamedTuple):
    """Bounding boxes in voxels, in the order (z, y, x); `first` and `last` both belong to it."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelRuns:
    """The cells of a label image as runs along x, with the sums of their voxels' positions.

    Make one with :func:`find_runs`. Cells are numbered 0 … n−1 in the order in which their first
    voxel is met; `order` sorts them by label id.

    Parameters
    ----------
    shape : tuple of int
        (Z, Y, X) or (Y, X) of the label image.
    labels : (n,) ndarray of int64
        Label ids.
    runs : (m, 4) ndarray of int32
        Row (z × Y + y), first x, last x + 1 and cell of each run, sorted by row, then x.
    sums : (n, 18) ndarray of int64
        Exact sums over the voxels of each cell.
    """

    shape: tuple[int, ...]
    labels: NDArray[np.int64]
    runs: NDArray[np.int32]
    sums: NDArray[np.int64]

    def __len__(self) -> int:
        return self.labels.size

    @property
    def ndim(self) -> int:
        """Space dimensions, 2 or 3."""
        return len(self.shape)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Cells in ascending order of their label id, (n,)."""
        return np.argsort(self.labels)

    @property
    def voxels(self) -> NDArray[np.int64]:
        """Number of voxels of each cell, (n,)."""
        return self.sums[:, _N]

    @cached_property
    def centroid(self) -> NDArray[np.float64]:
        """Mean voxel position (z, y, x) in voxels, (n, 3); z is 0 in 2D."""
        return self._first + self._offset_sums / self.voxels[:, None]

    @cached_property
    def nearest_voxel(self) -> NDArray[np.int64]:
        """Voxel ⌊centroid + ½⌋ (z, y, x), in integers without rounding, (n, 3)."""
        n = self.voxels[:, None]
        return self._first + (2 * self._offset_sums + n) // (2 * n)

    @cached_property
    def covariance(self) -> NDArray[np.float64]:
        """Population covariance of the voxel centres in voxels², axes (z, y, x), (n, 3, 3)."""
        mean = self._offset_sums / self.voxels[:, None]
        second = self.sums[:, [_ZZ, _YZ, _XZ, _YZ, _YY, _XY, _XZ, _XY, _XX]].reshape(-1, 3, 3)
        result: NDArray[np.float64] = second / self.voxels[:, None, None]
        return result - mean[:, :, None] * mean[:, None, :]

    @cached_property
    def box(self) -> Box:
        """Bounding boxes, (n, 3) each."""
        return Box(self.sums[:, [_FIRST_Z, _MIN_Y, _MIN_X]], self.sums[:, [_MAX_Z, _MAX_Y, _MAX_X]])

    @property
    def touches_border(self) -> NDArray[np.bool_]:
        """Whether a voxel is the first or last of an axis (of more than one voxel), (n,)."""
        size = np.array((1, *self.shape)[-3:])
        touching = (self.box.first == 0) | (self.box.last == size - 1)
        result: NDArray[np.bool_] = (touching & (size > 1)).any(axis=1)
        return result

    @property
    def _first(self) -> NDArray[np.int64]:
        return self.sums[:, [_FIRST_Z, _FIRST_Y, _FIRST_X]]

    @property
    def _offset_sums(self) -> NDArray[np.int64]:
        return self.sums[:, [_Z, _Y, _X]]


def find_runs(labels: NDArray[Any], where: str = "labels") -> LabelRuns:
    """Find the runs of every label in one pass.

    Parameters
    ----------
    labels : (Z, Y, X) or (Y, X) ndarray of int, 0 is background
        Any integer type; ids from 1 to 2³² − 1, in any order and with any gaps.
    where : str
        What the labels are, for messages, e.g. ``"labels, frame 3"``.

    Raises
    ------
    UserError
        If the labels are not integers, have another number of dimensions, or an id is negative
        or too large.
    """
    _check_labels(labels, where)
    if labels.size == 0:
        empty = np.empty(0, np.int64)
        return LabelRuns(
            labels.shape, empty, np.empty((0, 4), np.int32), np.empty((0, _SUMS), np.int64)
        )
    width = labels.dtype.itemsize * 8
    signed = labels.dtype.kind == "i"
    native = np.ascontiguousarray(labels, labels.dtype.newbyteorder("="))
    rows = native.view(f"u{labels.dtype.itemsize}").reshape(-1, labels.shape[-1])
    rows.flags.writeable = False  # one compiled function for arrays that may be written or not
    limit = min(2 ** (width - int(signed)) - 1, MAX_LABEL)
    ids, runs, sums, bad = _scan_all(rows, labels.shape[-2], limit)
    if bad:
        value = int(bad) - (2**width if signed and bad >= 2 ** (width - 1) else 0)
        msg = f"{where}: label {value}, expected ids from 1 to {MAX_LABEL} and 0 for background; "
        msg += "relabel the image"
        raise UserError(msg)
    return LabelRuns(labels.shape, ids, runs, sums)


def _check_labels(labels: NDArray[Any], where: str) -> None:
    if labels.dtype.kind not in "iu":
        msg = f"{where}: values of type {labels.dtype}, expected integers (0 background, then one "
        msg += "id a cell); save the label image as 16- or 32-bit integers"
        raise UserError(msg)
    if labels.ndim not in (2, 3):
        msg = f"{where}: shape {labels.shape}, expected (Z, Y, X) or (Y, X); check {option('axes')}"
        raise UserError(msg)
    if math.prod(labels.shape[:-1]) >= 2**31 or labels.shape[-1] >= 2**31:
        msg = f"{where}: shape {labels.shape} has too many rows, expected fewer than 2^31; crop it"
        raise UserError(msg)


@intrinsic
def _trailing_zeros(_context: Any, _word: Any) -> Any:
    """Count the trailing zero bits of a nonzero uint64."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


def _scan_all(
    rows: NDArray[Any], ny: int, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], int]:
    """Scan all rows; when an array is full, the compiled pass comes back here for a larger one."""
    nx = rows.shape[1]
    runs = np.empty((max(1 << 16, 2 * nx), 4), np.int32)
    ids = np.empty(max(1 << 10, 2 * nx), np.int64)
    sums = np.empty((ids.size, _SUMS), np.int64)
    table = np.full(_TABLE_SIZE, -1, np.int32)
    keys, cells = _make_hash(ids)
    flags = np.zeros((nx + 7) // 8 * 8, np.uint8)
    state = np.zeros(4, np.uint64)
    while True:
        _scan(rows, ny, np.uint64(limit), flags, table, keys, cells, ids, sums, runs, state)
        row, n_runs, n_cells, bad = state.tolist()
        if bad or row == len(rows):
            return ids[:n_cells], runs[:n_runs], sums[:n_cells], bad
        if n_runs + nx > len(runs):
            runs = _enlarge(runs, n_runs)
        if n_cells + nx > len(ids):
            ids, sums = _enlarge(ids, n_cells), _enlarge(sums, n_cells)
            keys, cells = _make_hash(ids)
            _refill_hash(keys, cells, ids[:n_cells])


def _enlarge(array: NDArray[Any], used: int) -> NDArray[Any]:
    larger = np.empty((2 * len(array), *array.shape[1:]), array.dtype)
    larger[:used] = array[:used]
    return larger


def _make_hash(ids: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Make an empty hash table that stays at most half full."""
    size = 2 ** (2 * ids.size - 1).bit_length()
    return np.zeros(size, np.uint64), np.empty(size, np.int32)


@njit(cache=True, nogil=True)
def _insert(keys: Any, cells: Any, key: Any, cell: Any) -> None:
    slot = find_slot(keys, key)
    keys[slot] = key
    cells[slot] = cell


@njit(cache=True, nogil=True)
def _refill_hash(keys: Any, cells: Any, ids: Any) -> None:
    for cell in range(ids.size):
        if ids[cell] >= _TABLE_SIZE:
            _insert(keys, cells, np.uint64(ids[cell]), cell)


@njit(cache=True, nogil=True)
def _scan(
    labels: Any, ny: int, limit: int, flags: Any, table: Any, keys: Any, cells: Any,
    ids: Any, sums: Any, runs: Any, state: Any,
) -> None:  # fmt: skip
    """Go on from row state[0] to the last row, or until there may be no room for one more.

    The ends of a row's runs are flagged first, one byte a voxel, then read eight to a word.
    """
    n_rows, nx = labels.shape
    words = flags.view(np.uint64)
    row: Any = np.int64(state[0])
    n_runs: Any = np.int64(state[1])
    n_cells: Any = np.int64(state[2])
    y = row % ny - 1
    z = row // ny
    while row < n_rows and n_runs + nx <= len(runs) and n_cells + nx <= len(ids):
        y += 1
        if y == ny:
            y = 0
            z += 1
        line = labels[row]
        for x in range(nx - 1):
            flags[x] = line[x] != line[x + 1]
        flags[nx - 1] = 1
        start: Any = 0
        for w in range(words.size):
            word = words[w]
            while word != np.uint64(0):
                stop = 8 * w + np.int64(_trailing_zeros(word) >> np.uint64(3)) + 1
                word &= word - np.uint64(1)
                label = np.uint64(line[start])
                if label != np.uint64(0):
                    cell = _find_cell(label, table, keys, cells)
                    if cell < 0:
                        if label > limit:
                            state[3] = label
                            return
                        cell = n_cells
                        n_cells += 1
                        ids[cell] = label
                        if label < np.uint64(table.size):
                            table[label] = cell
                        else:
                            _insert(keys, cells, label, cell)
                        _open_cell(sums, cell, start, y, z)
                    runs[n_runs, 0] = row
                    runs[n_runs, 1] = start
                    runs[n_runs, 2] = stop
                    runs[n_runs, 3] = cell
                    n_runs += 1
                    _add_run(sums, cell, start, stop, y, z)
                start = stop
        row += 1
    state[0] = row
    state[1] = n_runs
    state[2] = n_cells


@njit(cache=True, nogil=True)
def _find_cell(label: Any, table: Any, keys: Any, cells: Any) -> Any:
    """Find the cell of a label id, −1 for a new one."""
    if label < np.uint64(table.size):
        return np.int64(table[label])
    slot = find_slot(keys, label)
    return np.int64(cells[slot]) if keys[slot] == label else np.int64(-1)


@njit(cache=True, nogil=True)
def _open_cell(sums: Any, cell: int, x: int, y: int, z: int) -> None:
    for k in range(10):
        sums[cell, k] = 0
    sums[cell, _MIN_X] = sums[cell, _MAX_X] = sums[cell, _FIRST_X] = x
    sums[cell, _MIN_Y] = sums[cell, _MAX_Y] = sums[cell, _FIRST_Y] = y
    sums[cell, _MAX_Z] = sums[cell, _FIRST_Z] = z


@njit(cache=True, nogil=True)
def _add_run(sums: Any, cell: int, start: int, stop: int, y: int, z: int) -> None:
    """Add a run's voxels in closed form, counted from the cell's first voxel."""
    n = stop - start
    dx = start - sums[cell, _FIRST_X]
    dy = y - sums[cell, _FIRST_Y]
    dz = z - sums[cell, _FIRST_Z]
    below = n * (n - 1) // 2  # 0 + 1 + … + (n − 1)
    sum_x = n * dx + below
    sums[cell, _N] += n
    sums[cell, _X] += sum_x
    sums[cell, _Y] += n * dy
    sums[cell, _Z] += n * dz
    sums[cell, _XX] += dx * (sum_x + below) + below * (2 * n - 1) // 3
    sums[cell, _YY] += n * dy * dy
    sums[cell, _ZZ] += n * dz * dz
    sums[cell, _XY] += dy * sum_x
    sums[cell, _XZ] += dz * sum_x
    sums[cell, _YZ] += n * dy * dz
    sums[cell, _MIN_X] = min(sums[cell, _MIN_X], start)
    sums[cell, _MAX_X] = max(sums[cell, _MAX_X], stop - 1)
    sums[cell, _MIN_Y] = min(sums[cell, _MIN_Y], y)
    sums[cell, _MAX_Y] = max(sums[cell, _MAX_Y], y)
    sums[cell, _MAX_Z] = z
