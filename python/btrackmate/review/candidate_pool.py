"""Candidates of one step of segment linking."""

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
