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
def fill_queues(
    volumes: tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.bool_]],
    components: NDArray[np.int32],
    share: NDArray[np.int64],
    heights: tuple[float, float],
    cells: NDArray[np.int32],
    head: NDArray[np.int64],
    tail: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Write markers and levels into the cells, and the markers' voxels into queues.

    Parameters
    ----------
    volumes : tuple of (Z, Y, X) ndarray
        Landscape, markers (0 where there is none) and mask.
    components : (Z, Y, X) ndarray of int32
        Components of the mask; of no voxels if there is one share only.
    share : (n + 1,) ndarray of int
        Share of each component.
    heights : tuple of float
        The lowest and the highest, between which levels are equally spaced. NaN counts as the
        lowest, infinities as the ends.
    cells : (Z + 2, Y + 2, X + 2) ndarray of int32
        0 everywhere.
    head, tail : (shares, LEVELS) ndarray of int
        0 everywhere; will be where each queue begins and ends in the array that is returned.

    Returns
    -------
    (voxels of the mask,) ndarray of int
        The queues; their places count in the raveled cells.
    """
    landscape, markers, mask = volumes
    planes, rows, columns = mask.shape
    lowest, highest = heights
    scale = (LEVELS - 1) / (highest - lowest) if highest > lowest else 0.0
    one = components.size == 0
    for z in range(planes):
        for y in range(rows):
            for x in range(columns):
                if mask[z, y, x]:
                    level = _find_level(landscape[z, y, x], lowest, scale)
                    tail[0 if one else share[components[z, y, x]], level] += 1
                    marker = markers[z, y, x]
                    cells[z + 1, y + 1, x + 1] = marker if marker > 0 else -1 - level
    total = 0
    for part in range(len(tail)):
        for level in range(LEVELS):
            count = tail[part, level]
            head[part, level] = tail[part, level] = total
            total += count
    queue = np.empty(total, np.int64)
    for z in range(planes):
        for y in range(rows):
            for x in range(columns):
                if mask[z, y, x] and markers[z, y, x] > 0:
                    level = _find_level(landscape[z, y, x], lowest, scale)
                    part = 0 if one else share[components[z, y, x]]
                    place = ((z + 1) * (rows + 2) + y + 1) * (columns + 2) + x + 1
                    queue[tail[part, level]] = place
                    tail[part, level] += 1
    return queue


@njit(cache=True, nogil=True)
def grow(
    cells: NDArray[np.int32],
    steps: tuple[int, ...],
    queue: NDArray[np.int64],
    head: NDArray[np.int64],
    tail: NDArray[np.int64],
) -> None:
    """Let the labels of one share grow, lowest voxels first.

    Parameters
    ----------
    cells : (n,) ndarray of int32
        Labels (above 0), levels of voxels that wait for one (below 0: -1 - level) and 0 elsewhere,
        raveled; changed in place.
    steps : tuple of int
        From a voxel to its neighbours.
    queue : (m,) ndarray of int
    head, tail : (LEVELS,) ndarray of int
        Of this share, from `fill_queues`.

    Notes
    -----
    A voxel has the label of the neighbour that reaches it first. Each voxel waits at most once, in
    the queue of its own level, so that all queues have their room in one array and are written
    and read in order; besides it the loop visits the cells alone. Three tables of bits, of 64
    levels, 64 words and 64 words of words each, name the lowest queue that is not empty, so that no
    voxel is compared with another. Shares don't touch, so each can have a thread.
    """
    filled = (
        np.zeros(LEVELS >> 6, np.uint64),
        np.zeros(LEVELS >> 12, np.uint64),
        np.zeros(1, np.uint64),
    )
    for level in range(LEVELS):
        if head[level] < tail[level]:
            _mark(filled, level)
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
