"""The compiled loop of the watershed: a queue of levels, first in, first out within a level."""

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
def flood_levels(
    levels: NDArray[np.uint16],
    labels: NDArray[np.int32],
    steps: NDArray[np.int64],
    following: NDArray[np.int32] | NDArray[np.int64],
) -> None:
    """Let labels grow over a relief, lowest voxels first.

    Parameters
    ----------
    levels : (n,) ndarray of uint16
        Height of each voxel of an image whose border is outside the mask, raveled.
    labels : (n,) ndarray of int32
        Label of each voxel, 0 where one may grow, -1 outside the mask; changed in place.
    steps : (m,) ndarray of int
        From a voxel to its neighbours.
    following : (n,) ndarray of int
        Room for the queues: the voxel after each.

    Notes
    -----
    A voxel has the label of the neighbour that reaches it first. Voxels wait in a queue of their
    level; three tables of bits, of 64 levels, 64 words and 64 words of words each, name the lowest
    queue that is not empty, so that no voxel is compared with another.
    """
    first = np.empty(LEVELS, following.dtype)
    last = np.empty(LEVELS, following.dtype)
    filled = (
        np.zeros(LEVELS >> 6, np.uint64),
        np.zeros(LEVELS >> 12, np.uint64),
        np.zeros(1, np.uint64),
    )
    first[:] = -1
    for voxel in range(labels.size):
        if labels[voxel] > 0:
            _append(voxel, levels[voxel], first, last, following, filled)
    while filled[2][0] != np.uint64(0):
        level = _lowest_bit(filled[2][0])
        level = (level << 6) + _lowest_bit(filled[1][level])
        level = (level << 6) + _lowest_bit(filled[0][level])
        voxel = first[level]
        first[level] = following[voxel]
        if first[level] < 0:
            _clear(filled, level)
        for step in steps:
            neighbour = voxel + step
            if labels[neighbour] == 0:
                labels[neighbour] = labels[voxel]
                _append(neighbour, levels[neighbour], first, last, following, filled)


@njit(cache=True, nogil=True)
def _append(
    voxel: int,
    level: int,
    first: NDArray[np.int32],
    last: NDArray[np.int32],
    following: NDArray[np.int32],
    filled: tuple[NDArray[np.uint64], ...],
) -> None:
    """Put a voxel at the end of its level's queue."""
    following[voxel] = -1
    if first[level] < 0:
        first[level] = voxel
        _mark(filled, level)
    else:
        following[last[level]] = voxel
    last[level] = voxel
