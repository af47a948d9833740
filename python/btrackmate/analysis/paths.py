"""The paths of cells: places along tracklets, the steps between them, drift taken away."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from btrackmate.analysis.sampling import Bools, Floats
from btrackmate.analysis.tracklets import Ints, Members
from btrackmate.core.graph import TrackGraph

Drift = Literal["none", "global", "local"]


@dataclass(frozen=True, eq=False)
class Paths:
    """Places of all cells, tracklet by tracklet, in order of time.

    Parameters
    ----------
    rows : (n,) ndarray of int
        Rows of the spots, of those in tracks only.
    tracklet, frame : (n,) ndarray of int
        Ascending by tracklet, then frame.
    place : (n, ndim) ndarray of float
        x, y[, z] in the space unit.
    dt : float
        Time unit per frame.
    """

    rows: Ints
    tracklet: Ints
    frame: Ints
    place: Floats
    dt: float

    @classmethod
    def of(cls, graph: TrackGraph) -> "Paths":
        """Take the paths of a graph; spots in no track have none."""
        rows = Members.of(graph).rows
        rows = rows[graph.track[rows] >= 0]
        spots = graph.spots
        return cls(
            rows,
            graph.tracklet[rows],
            spots.frame[rows],
            spots.positions[rows, : spots.ndim],
            spots.calibration.dt,
        )

    @cached_property
    def step(self) -> Floats:
        """From each place to the tracklet's next, (n, ndim); NaN at its last."""
        step = np.full(self.place.shape, np.nan)
        going = self.span > 0
        step[going] = self.place[1:][going[:-1]] - self.place[:-1][going[:-1]]
        return step

    @cached_property
    def span(self) -> Ints:
        """Frames from each place to the tracklet's next, (n,); 0 at its last."""
        span = np.zeros(self.frame.size, np.int64)
        if span.size:
            same = self.tracklet[1:] == self.tracklet[:-1]
            span[:-1][same] = np.diff(self.frame)[same]
        return span

    @cached_property
    def length(self) -> Floats:
        """Length of each step in the space unit, NaN at a tracklet's last place."""
        return np.asarray(np.sqrt((self.step**2).sum(axis=1)), np.float64)

    @cached_property
    def first(self) -> Ints:
        """Where each tracklet that has places begins, (k,)."""
        changes = np.flatnonzero(np.diff(self.tracklet)) + 1
        start = np.zeros(min(self.tracklet.size, 1), np.int64)
        return np.concatenate([start, changes]).astype(np.int64)

    @cached_property
    def _key(self) -> Ints:
        return self.tracklet * self._stride + self.frame

    @cached_property
    def _stride(self) -> int:
        return 2 * (int(self.frame.max(initial=0)) + 1)

    def find_pairs(self, lag: int) -> tuple[Ints, Ints]:
        """Find the places of one tracklet that are `lag` frames apart, whatever lies between."""
        if lag >= self._stride // 2 or not self.frame.size:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        wanted = self._key + lag
        at = np.searchsorted(self._key, wanted).clip(max=self._key.size - 1)
        found = self._key[at] == wanted
        return np.flatnonzero(found), at[found].astype(np.int64)

    def select(self, chosen: Bools) -> "Paths":
        """Keep whole tracklets: a mask of places (n,)."""
        return Paths(
            self.rows[chosen],
            self.tracklet[chosen],
            self.frame[chosen],
            self.place[chosen],
            self.dt,
        )

    def remove_drift(self, drift: Drift, n_neighbours: int = 10) -> "Paths":
        """Take away the motion that cells share.

        Parameters
        ----------
        drift : {"none", "global", "local"}
            The mean step of all cells from each frame to the next, summed up; or that of the
            nearest others, for each cell by itself.
        n_neighbours : int
            Nearest others for the local drift; a frame with fewer uses all there are.

        Notes
        -----
        Only steps from one frame to the next count. Where there is none, the drift is 0.
        """
        if drift == "none" or not self.frame.size:
            return self
        moved = self._measure_global() if drift == "global" else self._measure_local(n_neighbours)
        return replace(self, place=self.place - moved)

    def _measure_global(self) -> Floats:
        single = self.span == 1
        count = np.bincount(self.frame[single], minlength=int(self.frame.max()) + 1)
        moved = np.empty(self.place.shape)
        for axis in range(self.place.shape[1]):
            sums = np.bincount(self.frame[single], self.step[single, axis], minlength=count.size)
            mean = np.divide(sums, count, out=np.zeros(count.size), where=count > 0)
            moved[:, axis] = np.concatenate([[0.0], np.cumsum(mean)])[self.frame]
        return moved

    def _measure_local(self, n_neighbours: int) -> Floats:
        drift = self._find_local(n_neighbours) * self.span[:, None]
        total = np.cumsum(drift, axis=0)
        before = np.concatenate([np.zeros((1, total.shape[1])), total[:-1]])
        sizes = np.diff(np.append(self.first, self.frame.size))
        moved: Floats = before - np.repeat(before[self.first], sizes, axis=0)
        return moved

    def _find_local(self, n_neighbours: int) -> Floats:
        """Give the mean step of each place's nearest others, per frame, (n, ndim)."""
        from scipy.spatial import cKDTree

        found = np.zeros(self.place.shape)
        order = np.argsort(self.frame, kind="stable")
        for here in np.split(order, np.flatnonzero(np.diff(self.frame[order])) + 1):
            going = here[self.span[here] == 1]
            if not going.size:
                continue
            k = np.arange(1, min(n_neighbours + 1, going.size) + 1)
            steps = self.step[going]
            _, near = cKDTree(self.place[going]).query(self.place[here], k=k)
            others = going[near] != here[:, None]
            if k.size > n_neighbours:  # Without itself, else without the furthest.
                others[others.all(axis=1), -1] = False
            sums = (steps[near] * others[:, :, None]).sum(axis=1)
            found[here] = sums / np.maximum(others.sum(axis=1), 1)[:, None]
        return found


def sum_by(groups: NDArray[np.int64], values: Floats, count: int) -> Floats:
    """Sum values by group, (count,); NaN values count as 0."""
    return np.bincount(groups, np.nan_to_num(values), minlength=count).astype(np.float64)
