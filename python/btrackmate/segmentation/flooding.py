"""The compiled loops of the watershed: a queue for each height, first in, first out."""

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit

#: Heights that are told apart.
LEVELS = 1 << 16

# The place of the lowest bit of a 64-bit word, by a de Bruijn sequence.
_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
_PLACES = np.empty(64, np.int64)
for _bit in range(64):
    _PLACES[((int(_SEQUENCE) << _bit) % (1 << 64)) >> 58] = _bit


@njit(cache=True, nogil=True)
def _lowest_bit(word: np.uint64) -> int:
    """Give the place of the lowest bit that is set; there must be one."""
    lowest = word & (~word + np.uint64(1))
    return int(_PLACES[(lowest * _SEQUENCE) >> np.uint64(58)])


@njit(cache=True, nogil=True)
def _mark(filled: tuple[NDArray[np.uint64], ...], level: int) -> None:
    """Note that a level holds voxels."""
    for words in filled:
        words[level >> 6] |= np.uint64(1) << np.uint64(level & 63)
        level >>= 6


@njit(cache=True, nogil=True)
def _clear(filled: tuple[NDArray[np.uint64], ...], level: int) -> None:
    """Note that a level is empty."""
    for words in filled:
        words[level >> 6] &= ~(np.uint64(1) << np.uint64(level & 63))
        if words[level >> 6] != np.uint64(0):
            break
        level >>= 6


@njit(cache=True, nogil=True)
def _find_level(height: float, lowest: float, scale: float) -> int:
    """Give the level of a height; NaN and what lies below the lowest have level 0."""
    steps = (height - lowest) * scale
    return int(min(steps, LEVELS - 1.0)) if steps > 0 else 0


@njit(cache=True, nogil=True)
def find_range(landscape: NDArray[np.float32], mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Give the lowest and the highest finite height in a mask."""
    lowest, highest = np.inf, -np.inf
    heights, inside = landscape.ravel(), mask.ravel()
    for voxel in range(heights.size):
        if inside[voxel] and abs(heights[voxel]) < np.inf:
            lowest = min(lowest, float(heights[voxel]))
            highest = max(highest, float(heights[voxel]))
    return lowest, highest


@njit(cache=True, nogil=True)
def _encode(
    landscape: NDArray[np.float32],
    markers: NDArray[np.int32],
    mask: NDArray[np.bool_],
    lowest: float,
    scale: float,
    cells: NDArray[np.int32],
    ends: NDArray[np.int64],
) -> None:
    """Write markers, and levels where there are none, into the cells; count voxels by level."""
    planes, rows, columns = mask.shape
    for z in range(planes):
        for y in range(rows):
            for x in range(columns):
                if mask[z, y, x]:
                    level = _find_level(landscape[z, y, x], lowest, scale)
                    ends[level] += 1
                    marker = markers[z, y, x]
                    cells[z + 1, y + 1, x + 1] = marker if marker > 0 else -1 - level


@njit(cache=True, nogil=True)
def flood_volume(
    landscape: NDArray[np.float32],
    markers: NDArray[np.int32],
    mask: NDArray[np.bool_],
    heights: tuple[float, float],
) -> NDArray[np.int32]:
    """Let markers grow over a relief, inside a mask, lowest voxels first.

    Parameters
    ----------
    landscape : (Z, Y, X) ndarray of float32
    markers : (Z, Y, X) ndarray of int32
        0 where there is none.
    mask : (Z, Y, X) ndarray of bool
    heights : tuple of float
        The lowest and the highest, between which levels are equally spaced. NaN counts as the
        lowest, infinities as the ends.

    Returns
    -------
    (Z, Y, X) ndarray of int32
        0 outside the mask and where no marker comes.

    Notes
    -----
    A voxel has the label of the neighbour that reaches it first. Each voxel waits at most once, in
    the queue of its own level, so that all queues have their room in one array and are written
    and read in order. One array of cells holds labels (above 0), levels of voxels that wait for a
    label (below 0) and 0 elsewhere: what the loop visits at random is as little as can be. Three
    tables of bits, of 64 levels, 64 words and 64 words of words each, name the lowest queue that
    is not empty, so that no voxel is compared with another.
    """
    planes, rows, columns = mask.shape
    cells = np.zeros((planes + 2, rows + 2, columns + 2), np.int32)
    lowest, highest = heights
    scale = (LEVELS - 1) / (highest - lowest) if highest > lowest else 0.0
    tail = np.zeros(LEVELS, np.int64)
    _encode(landscape, markers, mask, lowest, scale, cells, tail)
    head = np.empty(LEVELS, np.int64)
    total = 0
    for level in range(LEVELS):
        count = tail[level]
        head[level] = tail[level] = total
        total += count
    queue = np.empty(total, np.int64)
    filled = (
        np.zeros(LEVELS >> 6, np.uint64),
        np.zeros(LEVELS >> 12, np.uint64),
        np.zeros(1, np.uint64),
    )
    wide = columns + 2
    deep = wide * (rows + 2)
    for z in range(planes):
        for y in range(rows):
            for x in range(columns):
                if mask[z, y, x] and markers[z, y, x] > 0:
                    level = _find_level(landscape[z, y, x], lowest, scale)
                    queue[tail[level]] = ((z + 1) * (rows + 2) + y + 1) * wide + x + 1
                    tail[level] += 1
                    _mark(filled, level)
    _grow(cells.ravel(), (-deep, -wide, -1, 1, wide, deep), queue, head, tail, filled)
    return np.maximum(cells[1:-1, 1:-1, 1:-1], 0)


@njit(cache=True, nogil=True)
def _grow(
    cells: NDArray[np.int32],
    steps: tuple[int, ...],
    queue: NDArray[np.int64],
    head: NDArray[np.int64],
    tail: NDArray[np.int64],
    filled: tuple[NDArray[np.uint64], ...],
) -> None:
    """Empty the queues, the lowest first, giving each voxel's label to its neighbours."""
    while filled[2][0] != np.uint64(0):
        level = _lowest_bit(filled[2][0])
        level = (level << 6) + _lowest_bit(filled[1][level])
        level = (level << 6) + _lowest_bit(filled[0][level])
        lower = level
        while lower == level and head[level] < tail[level]:
            voxel = queue[head[level]]
            head[level] += 1
            label = cells[voxel]
            for step in steps:
                waiting = cells[voxel + step]
                if waiting < 0:
                    cells[voxel + step] = label
                    at = -1 - waiting
                    if head[at] == tail[at]:
                        _mark(filled, at)
                    queue[tail[at]] = voxel + step
                    tail[at] += 1
                    lower = min(lower, at)
        if head[level] == tail[level]:
            _clear(filled, level)
