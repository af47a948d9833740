"""Markers and the marker-controlled watershed."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from btrackmate.core.parallel import count_cores, run_in_order

Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]
Float32 = NDArray[np.float32]

#: Smaller masks, in voxels, are flooded in one thread.
_LEAST_SHARED = 1 << 20


def stamp_markers(
    points: NDArray[np.int64], mask: Mask, radius: float, spacing: tuple[float, ...]
) -> Labels:
    """Draw a ball around each seed, inside the mask and without touching a neighbour's.

    Parameters
    ----------
    points : (n, ndim) ndarray of int
        Voxel of each seed.
    mask : ([Z,] Y, X) ndarray of bool
    radius : float
        Of the balls, physical; 0 marks the seed's voxel alone.
    spacing : tuple of float
        Voxel size, in array order.

    Returns
    -------
    ([Z,] Y, X) ndarray of int32
        Marker i + 1 belongs to seed i. A voxel in two balls belongs to the nearer seed (tie: the
        lower number); ball voxels that the mask or a neighbour cuts off from their seed are
        left out; a seed outside the mask has no marker.
    """
    markers = np.zeros(mask.shape, np.int32)
    if len(points) == 0:
        return markers
    reach = [int(np.floor(radius / step + 1e-9)) for step in spacing]
    offsets = np.stack(
        np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), axis=-1
    ).reshape(-1, mask.ndim)
    distance = ((offsets * np.asarray(spacing)) ** 2).sum(axis=1)
    near = distance <= radius**2 * (1 + 1e-9)
    offsets, distance = offsets[near], distance[near]
    voxels = (points[:, None, :] + offsets[None, :, :]).reshape(-1, mask.ndim)
    owner = np.repeat(np.arange(1, len(points) + 1), len(offsets))
    away = np.tile(distance, len(points))
    valid = ((voxels >= 0) & (voxels < mask.shape)).all(axis=1)
    voxels, owner, away = voxels[valid], owner[valid], away[valid]
    flat = np.ravel_multi_index(tuple(voxels.T), mask.shape)
    inside = mask.ravel()[flat]
    flat, owner, away = flat[inside], owner[inside], away[inside]
    order = np.lexsort((owner, away, flat))
    chosen, first = np.unique(flat[order], return_index=True)
    markers.ravel()[chosen] = owner[order][first]
    return _keep_seeded_pieces(markers, points)


def _keep_seeded_pieces(markers: Labels, points: NDArray[np.int64]) -> Labels:
    """Drop the pieces of each marker that do not hold its seed."""
    from skimage.measure import label

    pieces = label(markers, connectivity=1)
    at = pieces[tuple(points.T)]
    own = markers[tuple(points.T)] == np.arange(1, len(points) + 1)
    keep = np.zeros(int(pieces.max()) + 1, bool)
    keep[at[own]] = True
    keep[0] = False
    return np.where(keep[pieces], markers, 0).astype(np.int32)


def flood(landscape: Float32, markers: Labels, mask: Mask) -> Labels:
    """Flood a landscape from the markers, inside the mask.

    Parameters
    ----------
    landscape : ([Z,] Y, X) ndarray of float32
        Low in the middle of cells, high between them.
    markers : ([Z,] Y, X) ndarray of int32
        0 where there is none.
    mask : ([Z,] Y, X) ndarray of bool
        Where labels may grow, over faces of voxels. What no marker reaches stays 0.

    Returns
    -------
    ([Z,] Y, X) ndarray of int32
        Labels of the markers; no background seed is added.

    Notes
    -----
    Heights are told apart in 65,536 equal steps from the lowest to the highest of the mask; of
    voxels at one step, the one that was reached first goes first. Components of a large mask are
    flooded in threads, which changes nothing in the result.

    References
    ----------
    Beucher & Meyer, "The morphological approach to segmentation: the watershed transformation",
    in Mathematical Morphology in Image Processing (1993).
    """
    from btrackmate.segmentation.flooding import LEVELS, fill_queues, find_range, grow

    result = np.zeros(mask.shape, np.int32)
    filled = ndimage.find_objects(mask.astype(np.uint8))
    if not filled or not markers.any():
        return result
    box = filled[0]
    size = (1,) * (3 - mask.ndim) + mask[box].shape
    relief, start, inside = (
        np.ascontiguousarray(part[box]).reshape(size)
        for part in (landscape.astype(np.float32, copy=False), markers, mask)
    )
    components, share = _share_components(inside, count_cores())
    cells = np.zeros([side + 2 for side in size], np.int32)
    head, tail = (np.zeros((share.max() + 1, LEVELS), np.int64) for _ in range(2))
    heights = find_range(relief, inside)
    queue = fill_queues((relief, start, inside), components, share, heights, cells, head, tail)
    wide, deep = cells.shape[2], cells.shape[1] * cells.shape[2]
    steps, flat = (-deep, -wide, -1, 1, wide, deep), cells.ravel()
    parts = list(zip(head, tail, strict=True))
    for _ in run_in_order(lambda part: grow(flat, steps, queue, *part), parts, len(parts)):
        pass
    np.maximum(cells[1:-1, 1:-1, 1:-1].reshape(mask[box].shape), 0, out=result[box])
    return result


def _share_components(mask: Mask, workers: int) -> tuple[Labels, NDArray[np.int64]]:
    """Share a mask's components out, so that threads have about as many voxels each.

    Returns
    -------
    components : ndarray of int32
        Of no voxels if the mask is not shared: it is small, or one component holds most of it.
    share : (n + 1,) ndarray of int
        Share of each component.

    Notes
    -----
    No label crosses from one component to another, so the shares can be flooded one beside the
    other.
    """
    whole = np.zeros((0, 0, 0), np.int32), np.zeros(1, np.int64)
    if workers < 2 or mask.size < _LEAST_SHARED:
        return whole
    components, count = ndimage.label(mask)
    sizes = np.bincount(components.ravel(), minlength=count + 1)[1:]
    if sizes.max() > 0.7 * sizes.sum():
        return whole
    turn = np.arange(count) % (2 * workers)  # 0, 1, 2, 2, 1, 0, 0, 1, … by falling size
    share = np.zeros(count + 1, np.int64)
    share[np.argsort(-sizes, kind="stable") + 1] = np.minimum(turn, 2 * workers - 1 - turn)
    return components.astype(np.int32, copy=False), share


def complete_mask(
    mask: Mask, shapes: Labels, foreground: Float32, threshold: float, least: float = 0.5
) -> Mask:
    """Add to a mask the shapes of which it holds too little although the U-Net half sees them.

    Parameters
    ----------
    mask : ([Z,] Y, X) ndarray of bool
    shapes : ([Z,] Y, X) ndarray of int
        Label image.
    foreground : ([Z,] Y, X) ndarray of float32
        The U-Net's foreground map.
    threshold : float
        What makes a voxel of the map tissue.
    least : float
        A shape with less than this fraction of its voxels in the mask is added whole if the
        foreground's mean over it is at least 0.9 of the threshold.

    Returns
    -------
    ndarray of bool
        A new mask.

    Notes
    -----
    The 0.9 was chosen on the tuning volumes of benchmarks/segmentation.py: without it, shapes
    in the background raised the mean squared error of the binarised labels by 7 %.
    """
    size = np.bincount(shapes.ravel())
    held = np.bincount(shapes[mask], minlength=len(size))
    light = np.bincount(shapes.ravel(), foreground.ravel(), minlength=len(size))
    missing = (held < least * size) & (light >= 0.9 * threshold * size)
    missing[0] = False
    completed: Mask = mask | missing[shapes]
    return completed


def fill_small_holes(mask: Mask, size: int) -> Mask:
    """Fill the holes of a mask that have fewer than `size` voxels and do not touch the border.

    Parameters
    ----------
    mask : ([Z,] Y, X) ndarray of bool
    size : int
        In voxels.

    Returns
    -------
    ndarray of bool
        A new mask.
    """
    holes, count = ndimage.label(~mask)
    small = np.bincount(holes.ravel(), minlength=count + 1) < size
    small[0] = False
    for axis in range(mask.ndim):
        for side in (0, -1):
            small[np.take(holes, side, axis)] = False
    filled: Mask = mask | small[holes]
    return filled


def remove_by_size(labels: Labels, min_size: int, max_size: int | None) -> Labels:
    """Set the labels that are too small or too large to 0; the others keep their numbers.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int32
    min_size : int
        Labels with fewer voxels go.
    max_size : int or None
        Labels with more voxels go.

    Returns
    -------
    ndarray of int32
    """
    sizes = np.bincount(labels.ravel())
    keep = sizes >= min_size
    if max_size is not None:
        keep &= sizes <= max_size
    keep[0] = False
    return np.where(keep[labels], labels, 0).astype(np.int32)
