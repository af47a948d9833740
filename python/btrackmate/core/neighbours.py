"""Nearest neighbours of points."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Pairs of points up to which all distances are measured: loading SciPy's tree takes longer.
_FEW_PAIRS = 10_000


class Neighbours:
    """Points whose nearest ones are asked for.

    Parameters
    ----------
    points : (n, d) ndarray of float
        n ≥ 1.
    """

    def __init__(self, points: NDArray[np.float64]) -> None:
        self._points = points
        self._tree: Any = None

    def __len__(self) -> int:
        return len(self._points)

    def query(
        self, places: NDArray[np.float64], count: int = 1, radius: float = np.inf
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Find the points nearest to places.

        Parameters
        ----------
        places : (m, d) ndarray of float
        count : int
            How many points of each place, 1 to n.
        radius : float
            Points this far away or farther are not found: their distance is infinite.

        Returns
        -------
        distance : (m, count) ndarray of float
            Ascending; (m,) where `count` is 1.
        index : ndarray of int
            Rows of the points, of the same shape. Of equally near points any may come first.
        """
        if len(places) * len(self._points) > _FEW_PAIRS:
            if self._tree is None:
                from scipy.spatial import cKDTree

                self._tree = cKDTree(self._points)
            distance, index = self._tree.query(places, count, distance_upper_bound=radius)
            return distance, index
        apart = np.sqrt(((places[:, None] - self._points[None]) ** 2).sum(axis=2))
        order = np.argsort(apart, axis=1, kind="stable")[:, :count]
        distance = np.take_along_axis(apart, order, axis=1)
        distance[distance >= radius] = np.inf
        return (distance[:, 0], order[:, 0]) if count == 1 else (distance, order)
