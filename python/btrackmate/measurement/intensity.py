"""Intensity statistics of every cell, read once along its label runs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.measurement.median import measure_median
from btrackmate.measurement.runs import CELL, ROW, START, STOP, LabelRuns

#: Names of the statistics, in the order of the table's columns.
STATISTICS = ("mean", "median", "min", "max", "total", "std")


def measure_intensity(
    cells: LabelRuns, image: NDArray[Any], *, median: bool = True, where: str = "image"
) -> dict[str, NDArray[np.float64]]:
    """Measure the intensity of every cell in one channel.

    Parameters
    ----------
    cells : LabelRuns
        The n cells of a label image.
    image : ndarray of the labels' shape
        Intensities of one channel, any integer or float type; read as they are.
    median : bool
        Measure the median as well.
    where : str
        What the image is, for messages, e.g. ``"image, frame 3, channel 1"``.

    Returns
    -------
    dict from statistic to (n,) ndarray of float
        mean, median, min, max, total and std, in the order of `cells`. std is missing (NaN) for a
        cell of one voxel.

    Raises
    ------
    UserError
        If the shapes differ, the values are not real numbers, or one is NaN or infinite.

    Notes
    -----
    std is the sample standard deviation (divided by n − 1), median is element ⌊n/2⌋ of the sorted
    values: both as TrackMate's features of these names. Sums over integers of up to 16 bits are
    exact; of other types they are taken around the cell's first value, so that a large offset
    costs no precision.
    """
    flat = _check_image(cells, image, where)
    n = cells.voxels
    count = len(cells)
    small = flat.dtype.kind in "iu" and flat.dtype.itemsize <= 2
    width = cells.shape[-1]
    low, high = np.empty(count), np.empty(count)
    if small:
        sums = np.zeros((count, 2), np.int64)
        _add_integers(cells.runs, width, flat, sums, low, high)
        total: NDArray[Any] = sums[:, 0]
        squares = sums[:, 1]
        centre = total // n
        shifted = total - n * centre
        # Sum of (v - centre)², still exact.
        squares -= centre * (2 * total - n * centre)
        mean = centre + shifted / n
        spread = squares - shifted * (shifted / n)
    else:
        floats = np.zeros((count, 3))
        _add_floats(cells.runs, width, flat, floats, low, high)
        first, shifted_sum, squares_sum = floats.T
        mean = first + shifted_sum / n
        total = shifted_sum + n * first
        spread = squares_sum - shifted_sum * (shifted_sum / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(n > 1, np.maximum(spread, 0) / (n - 1), np.nan)
    result = {
        "mean": mean,
        "min": low,
        "max": high,
        "total": total.astype(np.float64),
        "std": np.sqrt(variance),
    }
    if median:
        result["median"] = measure_median(cells, flat, low, high)
    return {name: result[name] for name in STATISTICS if name in result}


def _check_image(cells: LabelRuns, image: NDArray[Any], where: str) -> NDArray[Any]:
    if image.shape != cells.shape:
        msg = f"{where}: shape {image.shape}, but the labels have {cells.shape}; expected the same "
        msg += f"voxels, check that both are of one movie and {option('axes')}"
        raise UserError(msg)
    if image.dtype.kind not in "biuf":
        msg = f"{where}: values of type {image.dtype}, expected integers or floats; convert it"
        raise UserError(msg)
    dtype = image.dtype.newbyteorder("=")
    if dtype == np.bool_:
        dtype = np.dtype(np.uint8)
    elif dtype == np.float16:
        dtype = np.dtype(np.float32)
    elif dtype not in _COMPILED:
        dtype = np.dtype(np.float64)
    flat = np.ascontiguousarray(image, dtype).reshape(-1)
    flat.flags.writeable = False  # one compiled function for arrays that may be written or not
    if dtype.kind == "f" and flat.size and (bad := _count_not_finite(flat)):
        msg = (
            f"{where}: {bad} of {flat.size} values are NaN or infinite, expected numbers; replace "
        )
        msg += "them, e.g. by 0"
        raise UserError(msg)
    return flat


#: Types that are read as they are; rarer ones (64-bit integers, long double) pass as float64.
_COMPILED = tuple(
    np.dtype(name)
    for name in ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")
)  # fmt: skip


@njit(cache=True, nogil=True)
def _count_not_finite(values: Any) -> int:
    count = 0
    for k in range(values.size):
        difference = values[k] - values[k]  # 0 unless NaN or infinite
        count += difference != 0
    return count


@njit(cache=True, nogil=True)
def _add_integers(runs: Any, width: int, image: Any, sums: Any, low: Any, high: Any) -> None:
    low[:] = np.inf
    high[:] = -np.inf
    for k in range(len(runs)):
        base = np.int64(runs[k, ROW]) * width
        # A slice, whose indices cannot be negative, lets the compiler use vector units.
        values = image[base + runs[k, START] : base + runs[k, STOP]]
        total = np.int64(0)
        squares = np.int64(0)
        least = np.int64(values[0])
        most = least
        for j in range(values.size):
            value = np.int64(values[j])
            total += value
            squares += value * value
            least = min(least, value)
            most = max(most, value)
        cell = runs[k, CELL]
        sums[cell, 0] += total
        sums[cell, 1] += squares
        low[cell] = min(low[cell], least)
        high[cell] = max(high[cell], most)


# The values are finite (checked before), so that sums may be reordered for vector units.
@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "nnan", "contract"})
def _add_floats(runs: Any, width: int, image: Any, sums: Any, low: Any, high: Any) -> None:
    fresh = np.ones(low.size, np.bool_)
    for k in range(len(runs)):
        base = np.int64(runs[k, ROW]) * width
        values = image[base + runs[k, START] : base + runs[k, STOP]]
        cell = runs[k, CELL]
        if fresh[cell]:
            fresh[cell] = False
            sums[cell, 0] = low[cell] = high[cell] = values[0]
        first = sums[cell, 0]
        total = 0.0
        squares = 0.0
        least = np.float64(values[0])
        most = least
        for j in range(values.size):
            value = np.float64(values[j])
            least = min(least, value)
            most = max(most, value)
            difference = value - first
            total += difference
            squares += difference * difference
        sums[cell, 1] += total
        sums[cell, 2] += squares
        low[cell] = min(low[cell], least)
        high[cell] = max(high[cell], most)
