"""Star-convex polyhedra on the voxel grid: drawing, overlap and suppression.

All shapes of a network share their rays, so the triangle of rays between which a voxel lies depends
on its offset from the shape's centre alone. It is looked up once for every offset; whether a voxel
is inside a shape then takes one table entry and three multiplications, whatever the number of rays.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
from btrackmate.segmentation.ray_table import RayTable, find_boxes, measure_volumes

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


def suppress(
    points: Int64, distance: Float32, vertices: Float32, table: RayTable, threshold: float
) -> NDArray[np.bool_]:
    """Suppress each shape that overlaps too much with a kept one before it.

    Parameters
    ----------
    points : (n, 3) ndarray of int
        Centres in voxels, most probable shape first.
    distance : (n, rays) ndarray of float32
    vertices : (rays, 3) ndarray of float32
    table : RayTable
    threshold : float
        A shape goes if the voxels it shares with a kept, more probable one are more than this
        fraction of the smaller one's volume.

    Returns
    -------
    (n,) ndarray of bool
        The shapes that stay.

    Notes
    -----
    The rule is StarDist's: overlap counted in voxels over the smaller polyhedron's volume. StarDist
    settles some pairs before by bounds of the exact volume (spheres, kernels, convex hulls), so a
    pair just at the threshold may differ. Here a pair is settled by bounds that cost nothing (box
    against box, then the kept shape's voxels inside the other's box) or by counting, which stops
    as soon as the outcome is certain.

    References
    ----------
    Weigert et al., "Star-convex Polyhedra for 3D Object Detection and Segmentation in
    Microscopy", WACV 2020, DOI 10.1109/WACV45572.2020.9093435.
    """
    boxes = find_boxes(points, distance, vertices)
    distance = np.ascontiguousarray(distance, np.float32)
    points = np.ascontiguousarray(points, np.int64)
    volumes = measure_volumes(distance, vertices, table.faces)
    order, start, side, bins = _sort_into_bins(points, np.maximum(table.half, 1))
    keep: NDArray[np.bool_] = _suppress(
        points, distance, boxes, volumes, float(threshold),
        table.faces, table.inverse, table.lookup, table.half,
        order, start, side, bins,
    )  # fmt: skip
    return keep


def draw(
    points: Int64,
    distance: Float32,
    vertices: Float32,
    table: RayTable,
    shape: tuple[int, ...],
) -> Int32:
    """Draw polyhedra into a label image; where two overlap, the earlier one is seen.

    Parameters
    ----------
    points : (n, 3) ndarray of int
    distance : (n, rays) ndarray of float32
    vertices : (rays, 3) ndarray of float32
    table : RayTable
    shape : (Z, Y, X) tuple of int

    Returns
    -------
    (Z, Y, X) ndarray of int32
        Shape i has the label i + 1.
    """
    labels = np.zeros(shape, np.int32)
    distance = np.ascontiguousarray(distance, np.float32)
    points = np.ascontiguousarray(points, np.int64)
    boxes = find_boxes(points, distance, vertices)
    _draw(
        points, distance, boxes, table.faces, table.inverse, table.lookup, table.half, labels
    )  # fmt: skip
    return labels


def _sort_into_bins(points: Int64, side: Int64) -> tuple[Int64, Int64, Int64, Int64]:
    """Sort points into boxes of `side` voxels: order, first of each bin, side, bins an axis."""
    lowest = points.min(axis=0)
    place = (points - lowest) // side
    bins = place.max(axis=0) + 1
    flat = (place[:, 0] * bins[1] + place[:, 1]) * bins[2] + place[:, 2]
    order = np.argsort(flat, kind="stable").astype(np.int64)
    start = np.zeros(int(bins.prod()) + 1, np.int64)
    np.cumsum(np.bincount(flat, minlength=int(bins.prod())), out=start[1:])
    return order, start, side, bins


@njit(cache=True, nogil=True)
def _slopes(distance: Any, faces: Any, inverse: Any, slopes: Any) -> None:
    """Give for each triangle the vector whose product with an offset is ≤ 1 inside the shape."""
    for f in range(len(faces)):
        a = 1.0 / distance[faces[f, 0]]
        b = 1.0 / distance[faces[f, 1]]
        c = 1.0 / distance[faces[f, 2]]
        m = inverse[f]
        for axis in range(3):
            slopes[f, axis] = m[axis, 0] * a + m[axis, 1] * b + m[axis, 2] * c


@njit(cache=True, nogil=True)
def _draw(
    points: Any, distance: Any, boxes: Any,
    faces: Any, inverse: Any, lookup: Any, half: Any, labels: Any,
) -> None:  # fmt: skip
    slopes = np.empty((len(faces), 3))
    hz, hy, hx = half
    for i in range(len(points)):
        pz, py, px = points[i]
        _slopes(distance[i], faces, inverse, slopes)
        for z in range(max(boxes[i, 0], -pz), min(boxes[i, 3], labels.shape[0] - 1 - pz) + 1):
            for y in range(max(boxes[i, 1], -py), min(boxes[i, 4], labels.shape[1] - 1 - py) + 1):
                row = lookup[z + hz, y + hy]
                line = labels[z + pz, y + py]
                for x in range(
                    max(boxes[i, 2], -px), min(boxes[i, 5], labels.shape[2] - 1 - px) + 1
                ):
                    if line[x + px] == 0:
                        g = slopes[row[x + hx]]
                        if z * g[0] + y * g[1] + x * g[2] <= 1.0:
                            line[x + px] = i + 1


@njit(cache=True, nogil=True)
def _fill(box: Any, slopes: Any, lookup: Any, half: Any, mask: Any, sums: Any) -> None:
    """Draw one shape into its box, and the summed-area table of its voxels."""
    hz, hy, hx = half
    for z in range(box[0], box[3] + 1):
        for y in range(box[1], box[4] + 1):
            row = lookup[z + hz, y + hy]
            count = 0
            k, j = z - box[0], y - box[1]
            for x in range(box[2], box[5] + 1):
                g = slopes[row[x + hx]]
                inside = z * g[0] + y * g[1] + x * g[2] <= 1.0
                i = x - box[2]
                mask[k, j, i] = inside
                count += inside
                sums[k + 1, j + 1, i + 1] = (
                    count + sums[k, j + 1, i + 1] + sums[k + 1, j, i + 1] - sums[k, j, i + 1]
                )


@njit(cache=True, nogil=True)
def _count_in_box(sums: Any, low: Any, high: Any) -> Any:
    """Count a shape's voxels from corner `low` to before corner `high`, in its box's voxels."""
    a, b, c = low
    d, e, f = high
    return (
        sums[d, e, f] - sums[a, e, f] - sums[d, b, f] - sums[d, e, c]
        + sums[a, b, f] + sums[a, e, c] + sums[d, b, c] - sums[a, b, c]
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _overlaps(
    mask: Any, low: Any, high: Any, shift: Any, slopes: Any, lookup: Any, half: Any,
    limit: Any, held: Any,
) -> Any:  # fmt: skip
    """Tell whether more than `limit` voxels of the mask lie in another shape.

    Corners are in the mask's voxels; `shift` is the offset from the other's centre of the mask's
    first voxel; `held` counts the mask's voxels between the corners.
    """
    found = 0
    left = held
    hz, hy, hx = half
    middle = (low[0] + high[0]) // 2
    for step in range(high[0] - low[0]):
        # From the middle plane outwards: 0, -1, 1, -2, 2, …
        k = middle + (step + 1) // 2 * (1 - 2 * (step % 2))
        z = k + shift[0]
        for j in range(low[1], high[1]):
            y = j + shift[1]
            row = lookup[z + hz, y + hy]
            line = mask[k, j]
            for i in range(low[2], high[2]):
                if line[i]:
                    x = i + shift[2]
                    g = slopes[row[x + hx]]
                    left -= 1
                    if z * g[0] + y * g[1] + x * g[2] <= 1.0:
                        found += 1
            if found > limit:
                return True
            if found + left <= limit:
                return False
    return found > limit


@njit(cache=True, nogil=True)
def _suppress(
    points: Any, distance: Any, boxes: Any, volumes: Any, threshold: Any,
    faces: Any, inverse: Any, lookup: Any, half: Any,
    order: Any, start: Any, side: Any, bins: Any,
) -> Any:  # fmt: skip
    n = len(points)
    keep = np.ones(n, np.bool_)
    lowest = np.empty(3, np.int64)
    for axis in range(3):
        lowest[axis] = points[:, axis].min()
    size = 2 * half + 1
    mask = np.zeros((size[0], size[1], size[2]), np.bool_)
    sums = np.zeros((size[0] + 1, size[1] + 1, size[2] + 1), np.int64)
    slopes = np.empty((len(faces), 3))
    low, high, shift = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(3, np.int64)
    first, last = np.empty(3, np.int64), np.empty(3, np.int64)
    for i in range(n):
        if not keep[i]:
            continue
        for axis in range(3):
            near = points[i, axis] + boxes[i, axis] - half[axis] - lowest[axis]
            far = points[i, axis] + boxes[i, axis + 3] + half[axis] - lowest[axis]
            first[axis] = max(near // side[axis], 0)
            last[axis] = min(far // side[axis], bins[axis] - 1)
        drawn = False
        for bz in range(first[0], last[0] + 1):
            for by in range(first[1], last[1] + 1):
                row = (bz * bins[1] + by) * bins[2]
                for at in range(start[row + first[2]], start[row + last[2] + 1]):
                    j = order[at]
                    if j <= i or not keep[j]:
                        continue
                    limit = threshold * min(volumes[i], volumes[j])
                    room = 1
                    for axis in range(3):
                        move = points[j, axis] - points[i, axis]
                        origin = boxes[i, axis]
                        begin = max(origin, boxes[j, axis] + move)
                        end = min(boxes[i, axis + 3], boxes[j, axis + 3] + move) + 1
                        room *= max(end - begin, 0)
                        low[axis] = begin - origin
                        high[axis] = end - origin
                        shift[axis] = origin - move
                    if room <= limit or room == 0:
                        continue
                    if not drawn:
                        _slopes(distance[i], faces, inverse, slopes)
                        _fill(boxes[i], slopes, lookup, half, mask, sums)
                        drawn = True
                    held = _count_in_box(sums, low, high)
                    if held <= limit:
                        continue
                    _slopes(distance[j], faces, inverse, slopes)
                    if _overlaps(mask, low, high, shift, slopes, lookup, half, limit, held):
                        keep[j] = False
    return keep
