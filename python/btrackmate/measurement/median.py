"""Median intensity of every cell, in time proportional to its voxels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
from btrackmate.measurement.runs import CELL, ROW, START, STOP, LabelRuns

#: Most bins of the histogram that narrows a median down.
_BINS = 4096

#: Cells up to this size go without a histogram.
_FEW = 64


def measure_median(
    cells: LabelRuns, flat: NDArray[Any], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take element ⌊n/2⌋ of each cell's sorted values.

    Parameters
    ----------
    cells : LabelRuns
        The n cells of a label image.
    flat : (voxels,) ndarray
        Intensities of one channel, contiguous, finite, of a type that numba knows.
    low, high : (n,) ndarray of float
        Least and greatest intensity of each cell.

    Returns
    -------
    (n,) ndarray of float
    """
    result = np.empty(len(cells))
    if not len(cells):
        return result
    by_cell = np.empty(len(cells.runs), np.int64)
    begin = np.zeros(len(cells) + 2, np.int64)
    _group_runs(cells.runs, begin, by_cell)
    buffer = np.empty(int(cells.voxels.max()), flat.dtype)
    bins = np.zeros((4, _BINS), np.int32)
    find = _find_integer_medians if flat.dtype.kind in "iu" else _find_float_medians
    grouped = (cells.runs, by_cell, begin)
    find(grouped, cells.shape[-1], flat, (low, high), buffer, bins, result)
    return result


@njit(cache=True, nogil=True)
def _group_runs(runs: Any, begin: Any, by_cell: Any) -> None:
    """List the runs cell by cell: those of cell i are ``by_cell[begin[i]:begin[i + 1]]``."""
    for k in range(len(runs)):
        begin[runs[k, CELL] + 2] += 1
    for cell in range(2, begin.size):
        begin[cell] += begin[cell - 1]
    for k in range(len(runs)):
        cell = runs[k, CELL] + 1
        by_cell[begin[cell]] = k
        begin[cell] += 1


@njit(cache=True, nogil=True)
def _gather(grouped: Any, cell: int, width: int, image: Any, buffer: Any) -> int:
    """Copy a cell's values to the buffer; give their number."""
    runs, by_cell, begin = grouped
    n = 0
    for k in range(begin[cell], begin[cell + 1]):
        run = by_cell[k]
        base = np.int64(runs[run, ROW]) * width
        values = image[base + runs[run, START] : base + runs[run, STOP]]
        place = buffer[n : n + values.size]
        for j in range(values.size):  # much faster than assigning a slice of a few values
            place[j] = values[j]
        n += values.size
    return n


@njit(cache=True, nogil=True)
def _find_integer_medians(
    grouped: Any, width: int, image: Any, limits: Any, buffer: Any, bins: Any, result: Any
) -> None:
    """Count values, or blocks of 2^shift values, and select in the block with the median."""
    low, high = limits
    for cell in range(result.size):
        n = _gather(grouped, cell, width, image, buffer)
        rank = n // 2
        if n > _FEW:
            least = np.int64(low[cell])
            span = np.int64(high[cell]) - least
            shift = 0
            while span >> shift >= min(n, _BINS):
                shift += 1
            used = (span >> shift) + 1
            bins[:, :used] = 0
            for k in range(n):
                bins[k & 3, np.uint64((np.int64(buffer[k]) - least) >> shift)] += 1
            place, below = _find_bin(bins, rank)
            if shift == 0:
                result[cell] = least + place
                continue
            rank -= below
            count = 0
            for k in range(n):
                if (np.int64(buffer[k]) - least) >> shift == place:
                    buffer[count] = buffer[k]
                    count += 1
            n = count
        result[cell] = _select(buffer, n, rank)


@njit(cache=True, nogil=True)
def _find_float_medians(
    grouped: Any, width: int, image: Any, limits: Any, buffer: Any, bins: Any, result: Any
) -> None:
    """Count values in equal bins between least and greatest, and select in the median's bin."""
    low, high = limits
    for cell in range(result.size):
        n = _gather(grouped, cell, width, image, buffer)
        rank = n // 2
        half = low[cell] / 2
        span = high[cell] / 2 - half  # of halves, so that it stays finite
        last = min(n, _BINS) - 1
        if n > _FEW and span > 1e-300:
            scale = last / span
            bins[:, : last + 1] = 0
            for k in range(n):
                # Rounding never changes the order of two values, so the bins are in order.
                bins[k & 3, min(last, np.int64((buffer[k] / 2 - half) * scale))] += 1
            place, below = _find_bin(bins, rank)
            rank -= below
            count = 0
            for k in range(n):
                if min(last, np.int64((buffer[k] / 2 - half) * scale)) == place:
                    buffer[count] = buffer[k]
                    count += 1
            n = count
        result[cell] = _select(buffer, n, rank)


@njit(cache=True, nogil=True)
def _find_bin(bins: Any, rank: int) -> tuple[int, int]:
    """Find the bin that holds `rank`, and how many values lie before it.

    There are four histograms, filled in turn so that equal values in a row do not wait for each
    other.
    """
    place = -1
    below = 0
    inside = 0
    while below + inside <= rank:
        place += 1
        below += inside
        inside = bins[0, place] + bins[1, place] + bins[2, place] + bins[3, place]
    return place, below


@njit(cache=True, nogil=True)
def _select(values: Any, n: int, rank: int) -> float:
    """Select by rank, reordering `values` (quickselect; pivot: median of three)."""
    first = 0
    last = n - 1
    while first < last:
        a = values[first]
        b = values[(first + last) // 2]
        c = values[last]
        pivot = max(min(a, b), min(max(a, b), c))
        left = first
        right = last
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if rank <= right:
            last = right
        elif rank >= left:
            first = left
        else:
            break
    return values[rank]  # type: ignore[no-any-return]
