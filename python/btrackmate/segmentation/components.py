"""Connected components of a mask that is seen block by block."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from btrackmate.segmentation.tiling import Box

Mask = NDArray[np.bool_]
Int64 = NDArray[np.int64]


class ComponentMap:
    """Components of a mask that is given block after block, in the blocks' order.

    Parameters
    ----------
    array : array-like of int32
        Holds the provisional numbers, e.g. a Zarr array of the image's shape.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self._count = 0
        self._sizes: list[Int64] = []
        self._sums: list[NDArray[np.float64]] = []
        self._low: list[Int64] = []
        self._high: list[Int64] = []
        self._pairs: list[Int64] = []
        self._table = np.zeros(1, np.int32)

    def add(self, box: Box, mask: Mask) -> None:
        """Label one block of the mask and note which components go on from finished blocks."""
        local, count = ndimage.label(mask)
        numbers = np.where(local > 0, local + self._count, 0).astype(np.int32)
        self._array[box] = numbers
        start = np.array([side.start for side in box])
        inside = np.nonzero(local)
        values = local[inside]
        self._sizes.append(np.bincount(values, minlength=count + 1)[1:].astype(np.int64))
        self._sums.append(
            np.stack(
                [
                    np.bincount(values, axis + first, minlength=count + 1)[1:]
                    for axis, first in zip(inside, start, strict=True)
                ],
                axis=1,
            )
        )
        found = ndimage.find_objects(local)
        corners = np.array([[[s.start, s.stop] for s in one] for one in found], np.int64)
        corners = corners.reshape(count, len(box), 2)
        self._low.append(corners[:, :, 0] + start)
        self._high.append(corners[:, :, 1] + start)
        self._count += count
        for axis, side in enumerate(box):
            if side.start == 0:
                continue
            before = list(box)
            before[axis] = slice(side.start - 1, side.start)
            theirs = np.asarray(self._array[tuple(before)])
            ours = np.take(numbers, [0], axis)
            both = (theirs > 0) & (ours > 0)
            self._pairs.append(
                np.unique(np.stack([theirs[both], ours[both]], axis=1), axis=0).astype(np.int64)
            )

    def merge(self, min_size: int) -> "Components":
        """Join what touches across blocks.

        Parameters
        ----------
        min_size : int
            Components with fewer voxels go.

        Returns
        -------
        Components
            Numbered 1…n in the order in which their first piece was found.
        """
        n = self._count
        if n == 0:
            empty = np.zeros((0, 1), np.int64)
            return Components(self._array, self._table, np.zeros((0, 1)), empty, empty)
        pairs = np.concatenate([np.zeros((0, 2), np.int64), *self._pairs]) - 1
        graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
        whole, group = connected_components(graph, directed=False)
        sizes = np.bincount(group, np.concatenate(self._sizes), minlength=whole)
        sums, low, high = (np.concatenate(part) for part in (self._sums, self._low, self._high))
        ndim = sums.shape[1]
        total = np.stack([np.bincount(group, sums[:, i], minlength=whole) for i in range(ndim)], 1)
        lowest = np.full((whole, ndim), np.iinfo(np.int64).max)
        np.minimum.at(lowest, group, low)
        highest = np.zeros((whole, ndim), np.int64)
        np.maximum.at(highest, group, high)
        keep = sizes >= min_size
        number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
        table = np.concatenate([[0], number[group]]).astype(np.int32)
        centroid = total[keep] / sizes[keep, None]
        return Components(self._array, table, centroid, lowest[keep], highest[keep])


class Components:
    """The finished components 1…n.

    Parameters
    ----------
    array : array-like of int32
        Provisional numbers.
    table : ndarray of int32
        Provisional to final number.
    centroid : (n, ndim) ndarray of float
        In voxels.
    low, high : (n, ndim) ndarray of int
        Bounding boxes, the end not included.
    """

    def __init__(
        self,
        array: Any,
        table: NDArray[np.int32],
        centroid: NDArray[np.float64],
        low: Int64,
        high: Int64,
    ) -> None:
        self._array = array
        self._table = table
        self.centroid = centroid
        self.low = low
        self.high = high

    def __len__(self) -> int:
        return len(self.centroid)

    def read(self, box: Box) -> NDArray[np.int32]:
        """Read the component numbers of a part of the image."""
        result: NDArray[np.int32] = self._table[np.asarray(self._array[box])]
        return result

    def at(self, points: Int64) -> NDArray[np.int32]:
        """Give the component of each voxel."""
        if len(points) == 0:
            return np.zeros(0, np.int32)
        result: NDArray[np.int32] = self._table[np.asarray(self._array.vindex[tuple(points.T)])]
        return result

    def without_seed(self, points: Int64, *, by_box: bool) -> Int64:
        """Find the components that hold no seed, themselves or in their bounding boxes.

        Parameters
        ----------
        points : (m, ndim) ndarray of int
            Seeds.
        by_box : bool
            Look in the bounding box.

        Returns
        -------
        (k,) ndarray of int
            Ascending.
        """
        if by_box:
            empty = [
                not ((points >= low) & (points < high)).all(axis=1).any()
                for low, high in zip(self.low, self.high, strict=True)
            ]
            return np.flatnonzero(empty).astype(np.int64) + 1
        held = np.zeros(len(self) + 1, bool)
        held[self.at(points)] = True
        return (np.flatnonzero(~held[1:]) + 1).astype(np.int64)

    def find_centres(
        self, ids: Int64, mask: Any, blocks: list[Box], spacing: tuple[float, ...]
    ) -> Int64:
        """Find a voxel of each component, as `seeds.find_centres` does.

        Parameters
        ----------
        ids : (k,) ndarray of int
            Components, ascending.
        mask : array-like of bool
            The voxel found lies in it.
        blocks : list of tuple of slice
            The parts in which voxels are looked for.
        spacing : tuple of float
            Voxel size, in array order.

        Returns
        -------
        (m, ndim) ndarray of int
            By component; those without a voxel in the mask are left out.
        """
        if len(ids) == 0:
            return np.zeros((0, len(spacing)), np.int64)
        points = np.floor(self.centroid[ids - 1] + 0.5).astype(np.int64)
        good = (self.at(points) == ids) & np.asarray(mask.vindex[tuple(points.T)]).astype(bool)
        row = np.full(len(self) + 1, -1)
        row[ids[~good]] = np.flatnonzero(~good)
        nearest = np.full(len(ids), np.inf)
        for box in blocks if not good.all() else []:
            components = self.read(box)
            voxels = np.argwhere((row[components] >= 0) & np.asarray(mask[box]).astype(bool))
            if len(voxels) == 0:
                continue
            which = row[components[tuple(voxels.T)]]
            voxels += [side.start for side in box]
            away = (((voxels - self.centroid[ids[which] - 1]) * spacing) ** 2).sum(axis=1)
            order = np.lexsort((away, which))
            rows, first = np.unique(which[order], return_index=True)
            best = order[first]
            nearer = away[best] < nearest[rows]
            points[rows[nearer]] = voxels[best[nearer]]
            nearest[rows[nearer]] = away[best[nearer]]
            good[rows] = True
        found: Int64 = points[good]
        return found
