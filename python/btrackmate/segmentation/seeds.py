"""Seed pooling: one point in every cell that StarDist or the U-Net sees."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from btrackmate.measurement.runs import CELL, ROW, START, STOP, LabelRuns, find_runs

Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]

STARDIST, UNET, RESCUED = "stardist", "unet", "rescued"


@dataclass(frozen=True)
class Seeds:
    """One voxel in each cell.

    Parameters
    ----------
    points : (n, ndim) ndarray of int
        Voxel of each seed.
    origins : (n,) ndarray of str
        ``stardist``, ``unet`` (a U-Net region without a StarDist seed) or ``rescued`` (a peak
        of the distance transform in what the StarDist shapes leave of the mask).
    shapes : (n,) ndarray of int
        Label of the StarDist shape, 0 for the other seeds.
    """

    points: NDArray[np.int64]
    origins: NDArray[np.str_]
    shapes: NDArray[np.int64]

    def joined(self, points: NDArray[np.int64], origin: str) -> "Seeds":
        """Return these seeds followed by new ones of one origin."""
        return Seeds(
            np.concatenate([self.points, points.reshape(-1, self.points.shape[1])]),
            np.concatenate([self.origins, np.full(len(points), origin, dtype="U8")]),
            np.concatenate([self.shapes, np.zeros(len(points), np.int64)]),
        )


def find_centres(
    labels: Labels, mask: Mask, spacing: tuple[float, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find a voxel for each label: that of its centroid, or the nearest one of its own.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int
        0 is background.
    mask : ([Z,] Y, X) ndarray of bool
        The voxel found lies in it.
    spacing : tuple of float
        Voxel size, in array order.

    Returns
    -------
    ids : (n,) ndarray of int
        Labels that have a voxel in `mask`, ascending.
    points : (n, ndim) ndarray of int
        A voxel of each that is in `mask` and carries the label: that at the (rounded) centroid
        of the whole label if it does, else the nearest that does, in physical distance.
    """
    runs = find_runs(labels)
    ids = runs.labels[runs.order]
    points = runs.nearest_voxel[runs.order, 3 - labels.ndim :]
    at = tuple(points.T)
    good = (labels[at] == ids) & mask[at]
    row, voxels = _list_voxels(runs, ~good)
    own = mask[tuple(voxels.T)]
    row, voxels = row[own], voxels[own]
    if len(row):
        centroid = runs.centroid[runs.order, 3 - labels.ndim :]
        distance = (((voxels - centroid[row]) * spacing) ** 2).sum(axis=1)
        order = np.lexsort((distance, row))
        rows, first = np.unique(row[order], return_index=True)
        points[rows] = voxels[order][first]
        good[rows] = True
    return ids[good], points[good]


def _list_voxels(
    runs: LabelRuns, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the voxels of some labels, by ascending id: their places in that order, and voxels."""
    place = np.empty(len(runs), np.int64)
    place[runs.order] = np.arange(len(runs))
    some = runs.runs[wanted[place[runs.runs[:, CELL]]]].astype(np.int64)
    length = some[:, STOP] - some[:, START]
    before = np.cumsum(length) - length
    x = np.arange(length.sum()) + np.repeat(some[:, START] - before, length)
    line = np.repeat(some[:, ROW], length)
    rows = runs.shape[-2]
    voxels = np.stack([line // rows, line % rows, x], axis=1)[:, 3 - runs.ndim :]
    return np.repeat(place[some[:, CELL]], length), voxels


def seed_shapes(labels: Labels, mask: Mask, spacing: tuple[float, ...]) -> Seeds:
    """Make one seed of each StarDist shape that reaches into the mask.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int
        StarDist's label image.
    mask : ([Z,] Y, X) ndarray of bool
    spacing : tuple of float
        Voxel size, in array order.

    Returns
    -------
    Seeds
        At the centroids, see `find_centres`.
    """
    ids, points = find_centres(labels, mask, spacing)
    return Seeds(points, np.full(len(ids), STARDIST, dtype="U8"), ids)


def boxes_without_seed(components: Labels, points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the components whose bounding box holds no seed (the paper's rule).

    Parameters
    ----------
    components : ([Z,] Y, X) ndarray of int
        Connected components 1…n of the U-Net's mask.
    points : (n, ndim) ndarray of int
        Seeds.

    Returns
    -------
    (m,) ndarray of int
        Components, ascending.

    Notes
    -----
    Seeds in a box are counted in a summed-area table, so the cost does not grow with
    seeds × boxes. The paper also counts a seed on the upper bound of the half-open box, one
    voxel outside it; here the box ends with the component.
    """
    boxes = ndimage.find_objects(components)
    ids = np.array([i + 1 for i, box in enumerate(boxes) if box is not None], np.int64)
    if len(ids) == 0:
        return ids
    table = np.zeros([size + 1 for size in components.shape], np.int32)
    np.add.at(table, tuple((points + 1).T), 1)
    for axis in range(components.ndim):
        np.cumsum(table, axis=axis, out=table)
    low = np.array([[side.start for side in boxes[i - 1]] for i in ids])
    high = np.array([[side.stop for side in boxes[i - 1]] for i in ids])
    inside = np.zeros(len(ids), np.int64)
    for corner in np.ndindex(*(2,) * components.ndim):
        at = np.where(corner, high, low)
        sign = (-1) ** (components.ndim - sum(corner))
        inside += sign * table[tuple(at.T)].astype(np.int64)
    empty: NDArray[np.int64] = ids[inside == 0]
    return empty


def regions_without_seed(components: Labels, points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the components that hold no seed themselves.

    Parameters
    ----------
    components : ([Z,] Y, X) ndarray of int
        Connected components 1…n.
    points : (n, ndim) ndarray of int
        Seeds.

    Returns
    -------
    (m,) ndarray of int
        Components, ascending.
    """
    empty = np.ones(int(components.max(initial=0)) + 1, bool)
    empty[components[tuple(points.T)]] = False
    empty[0] = False
    return np.flatnonzero(empty).astype(np.int64)


def raise_support(
    support: NDArray[np.float32], labels: NDArray[Any], probability: NDArray[np.float32]
) -> None:
    """Raise the highest probability seen so far in each cell to that in an image or a part of it.

    Parameters
    ----------
    support : (n + 1,) ndarray of float32
        By cell; infinite for those that need no support. Changed in place.
    labels : ([Z,] Y, X) ndarray of int
        Cells 0…n, 0 is background.
    probability : ([Z,] Y, X) ndarray of float32
        StarDist's.
    """
    waiting = np.isfinite(support)
    waiting[0] = False
    where = waiting[labels]
    np.maximum.at(support, labels[where], probability[where])


def start_support(alone: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Make the array for `raise_support`: 0 for cells without a StarDist shape, else infinite.

    Parameters
    ----------
    alone : (n,) ndarray of bool
        Whether cell i + 1 has no StarDist shape.
    """
    return np.concatenate([[np.inf], np.where(alone, 0, np.inf)]).astype(np.float32)


def label_components(mask: Mask, min_size: int = 1) -> Labels:
    """Label the face-connected components of a mask that have at least `min_size` voxels.

    Parameters
    ----------
    mask : ([Z,] Y, X) ndarray of bool
    min_size : int
        In voxels.

    Returns
    -------
    ndarray of int32
        Components 1…n in scan order, 0 elsewhere.
    """
    components, count = ndimage.label(mask)
    sizes = np.bincount(components.ravel(), minlength=count + 1)
    keep = sizes >= min_size
    keep[0] = False
    table = np.zeros(count + 1, np.int32)
    table[keep] = np.arange(1, np.count_nonzero(keep) + 1)
    return np.asarray(table[components], np.int32)


def find_residual_peaks(
    residual: Mask, radius: float, spacing: tuple[float, ...]
) -> NDArray[np.int64]:
    """Find the middles of what the StarDist shapes leave of the mask.

    Parameters
    ----------
    residual : ([Z,] Y, X) ndarray of bool
        The mask less the StarDist shapes.
    radius : float
        Least distance of a peak to the rim of `residual`, physical.
    spacing : tuple of float
        Voxel size, in array order.

    Returns
    -------
    (n, ndim) ndarray of int
        Local maxima of the distance to the rim; of two peaks, the one that lies in the other's
        inscribed ball goes. The image's border is not a rim.
    """
    return keep_deepest(*find_peaks(residual, radius, spacing), spacing)


def find_peaks(
    residual: Mask, radius: float, spacing: tuple[float, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find all local maxima of the distance to the rim, and that distance.

    Parameters
    ----------
    residual : ([Z,] Y, X) ndarray of bool
    radius : float
        Least distance, physical.
    spacing : tuple of float
        Voxel size, in array order.

    Returns
    -------
    points : (n, ndim) ndarray of int
    depth : (n,) ndarray of float
    """
    if not residual.any() or residual.all():
        return np.zeros((0, residual.ndim), np.int64), np.zeros(0)
    distance = ndimage.distance_transform_edt(residual, sampling=spacing)
    peak = (distance >= radius) & (distance >= ndimage.maximum_filter(distance, size=3))
    return np.argwhere(peak).astype(np.int64), distance[peak]


def keep_deepest(
    points: NDArray[np.int64], depth: NDArray[np.float64], spacing: tuple[float, ...]
) -> NDArray[np.int64]:
    """Keep the peaks that lie in no deeper one's inscribed ball.

    Parameters
    ----------
    points : (n, ndim) ndarray of int
    depth : (n,) ndarray of float
        Distance to the rim, physical.
    spacing : tuple of float
        Voxel size, in array order.

    Returns
    -------
    (m, ndim) ndarray of int
        The deepest first.
    """
    if len(points) < 2:
        return points
    order = np.argsort(-depth, kind="stable")
    return points[order][_suppress(points[order] * np.asarray(spacing), depth[order])]


def _suppress(places: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.int64]:
    """Keep, deepest first, each peak that lies in no kept peak's inscribed ball.

    Parameters
    ----------
    places : (n, ndim) ndarray of float
        Physical positions, by falling depth.
    depth : (n,) ndarray of float
        Radius of the inscribed balls.

    Returns
    -------
    (m,) ndarray of int
        Rows that stay.
    """
    pairs = np.sort(cKDTree(places).query_pairs(float(depth[0]), output_type="ndarray"), axis=1)
    near = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    pairs = pairs[near < depth[pairs[:, 0]]]
    waiting = np.ones(len(places), bool)
    kept = np.zeros(len(places), bool)
    while waiting.any():  # Each round settles all peaks that no waiting, deeper peak can beat.
        open_pairs = pairs[waiting[pairs[:, 0]] & waiting[pairs[:, 1]]]
        chosen = waiting.copy()
        chosen[open_pairs[:, 1]] = False
        kept |= chosen
        waiting &= ~chosen
        waiting[pairs[chosen[pairs[:, 0]], 1]] = False
    return np.flatnonzero(kept)


def estimate_inner_radius(labels: Labels, spacing: tuple[float, ...]) -> float:
    """Estimate the inner radius of the median shape from its volume, as of a ball (disc).

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int
        0 is background.
    spacing : tuple of float
        Voxel size, in array order.

    Returns
    -------
    float
        Physical; 0 without any shape.
    """
    return inner_radius(np.bincount(labels.ravel())[1:], spacing)


def inner_radius(sizes: NDArray[np.int64], spacing: tuple[float, ...]) -> float:
    """Give the radius of the ball (disc) of the median size in voxels, physical; 0 without any."""
    sizes = sizes[sizes > 0]
    if len(sizes) == 0:
        return 0.0
    volume = float(np.median(sizes)) * float(np.prod(spacing))
    if len(spacing) == 2:
        return float(np.sqrt(volume / np.pi))
    return float(np.cbrt(volume * 3 / (4 * np.pi)))
