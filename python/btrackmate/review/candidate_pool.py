"""Candidates of one step of segment linking, and the pairs that a spot nearly had."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Candidates of one step, by row of the spots, up to some distance.

    Parameters
    ----------
    radius : float
    source, target : (m,) ndarray of int
    cost : (m,) ndarray of float
    """

    radius: float
    source: Rows
    target: Rows
    cost: Floats

    def within(self, radius: float) -> "Pool":
        """Keep what a smaller distance would find."""
        near = self.cost <= radius * radius
        return Pool(radius, self.source[near], self.target[near], self.cost[near])

    def find(self, source: int, target: int) -> float | None:
        """Give the cost of a candidate, None if it is not there."""
        place = np.flatnonzero((self.source == source) & (self.target == target))
        return float(self.cost[place[0]]) if place.size else None


def list_nearest(
    row: int, frame: int, offsets: Rows, off: Callable[[Rows, bool], Floats], most: int = 3
) -> Iterator[tuple[int, int]]:
    """Pair a spot with the nearest ones of the next frame, then of the previous one.

    Parameters
    ----------
    row, frame : int
        Of the spot.
    offsets : (n_frames + 1,) ndarray of int
        First row of each frame.
    off : callable
        Takes rows and whether they are of the next frame; gives how far each is, (n, 3).
    most : int
        Pairs of a frame.

    Yields
    ------
    source, target : int
        Rows.
    """
    for other, is_next in ((frame + 1, True), (frame - 1, False)):
        if not 0 <= other < offsets.size - 1:
            continue
        rows = np.arange(offsets[other], offsets[other + 1])
        away = (off(rows, is_next) ** 2).sum(axis=1)
        for near in rows[np.argsort(away, kind="stable")[:most]].tolist():
            yield (row, near) if is_next else (near, row)
