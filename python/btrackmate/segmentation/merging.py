"""Joining pieces of one cell: neighbours between which the U-Net sees no wall."""

import heapq
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Float32 = NDArray[np.float32]

_LEAST_FACES, _LEAST_WALLS = 10, 20


def measure_walls(
    labels: Labels, boundary: Float32
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Measure the boundary map along every wall between two touching labels.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int32
        0 is background, which has no walls.
    boundary : ([Z,] Y, X) ndarray of float32
        About 1 where one cell ends.

    Returns
    -------
    pairs : (n, 2) ndarray of int
        Labels that touch by a face, the lower first; ascending.
    faces : (n,) ndarray of int
        Voxel faces between them.
    heights : (n,) ndarray of float
        Sum over the faces of the mean of the two voxels' values.
    """
    low: list[NDArray[np.int64]] = []
    high: list[NDArray[np.int64]] = []
    height: list[Float32] = []
    for axis in range(labels.ndim):
        first, second = (
            tuple(part if a == axis else slice(None) for a in range(labels.ndim))
            for part in (slice(None, -1), slice(1, None))
        )
        one, two = labels[first], labels[second]
        touch = (one != two) & (one > 0) & (two > 0)
        a, b = one[touch].astype(np.int64), two[touch].astype(np.int64)
        low.append(np.minimum(a, b))
        high.append(np.maximum(a, b))
        height.append((boundary[first][touch] + boundary[second][touch]) / 2)
    width = int(labels.max(initial=0)) + 1
    key = np.concatenate(low) * width + np.concatenate(high)
    unique, inverse = np.unique(key, return_inverse=True)
    faces = np.bincount(inverse, minlength=len(unique))
    total = np.bincount(inverse, np.concatenate(height), minlength=len(unique))
    pairs = np.stack([unique // width, unique % width], axis=1)
    return pairs.reshape(-1, 2), faces.astype(np.int64), total.astype(np.float64)


def find_wall_threshold(
    truths: Iterable[Labels], boundaries: Iterable[Float32], fraction: float = 0.01
) -> float | None:
    """Find the boundary value below which only few true walls lie.

    Parameters
    ----------
    truths : iterable of ([Z,] Y, X) ndarray of int
        Label images with known cells.
    boundaries : iterable of ([Z,] Y, X) ndarray of float32
        What the U-Net sees in their images.
    fraction : float
        Part of the true walls, those of fewer than 10 faces left out, that may lie below.

    Returns
    -------
    float or None
        None where fewer than 20 walls are known.
    """
    found = []
    for truth, boundary in zip(truths, boundaries, strict=True):
        _, faces, heights = measure_walls(truth.astype(np.int32), boundary)
        found.append((heights / np.maximum(faces, 1))[faces >= _LEAST_FACES])
    values = np.concatenate(found) if found else np.zeros(0)
    return float(np.quantile(values, fraction)) if len(values) >= _LEAST_WALLS else None


def join_over_weak_walls(labels: Labels, boundary: Float32, threshold: float) -> Labels:
    """Join neighbours whose common wall is weak, the weakest wall first.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int32
        0 is background.
    boundary : ([Z,] Y, X) ndarray of float32
        About 1 where one cell ends, about 0 inside it.
    threshold : float
        A wall is weak if the mean of `boundary` along it is below this.

    Returns
    -------
    ([Z,] Y, X) ndarray of int32
        A joined cell has the lowest number of its pieces; the other numbers are gone.

    Notes
    -----
    After two pieces are joined their walls to a common neighbour count as one, so what is joined
    next depends on all of it. Cost: the walls' number times its logarithm; no loop over voxels.
    """
    owner = find_owners(*measure_walls(labels, boundary), threshold, int(labels.max(initial=0)))
    joined: Labels = owner[labels]
    return joined


def find_owners(
    pairs: NDArray[np.int64],
    faces: NDArray[np.int64],
    heights: NDArray[np.float64],
    threshold: float,
    highest: int,
) -> Labels:
    """Find the number that each label has once neighbours are joined over their weak walls.

    Parameters
    ----------
    pairs, faces, heights : ndarray
        From `measure_walls`.
    threshold : float
    highest : int
        The highest label.

    Returns
    -------
    (highest + 1,) ndarray of int32
    """
    owner = np.arange(highest + 1, dtype=np.int32)
    walls: dict[int, dict[int, tuple[float, int]]] = {}
    for (a, b), n, total in zip(pairs.tolist(), faces.tolist(), heights.tolist(), strict=True):
        walls.setdefault(a, {})[b] = (total, n)
        walls.setdefault(b, {})[a] = (total, n)
    queue = [(h / n, a, b) for (a, b), n, h in zip(pairs.tolist(), faces, heights, strict=True)]
    queue = [entry for entry in queue if entry[0] < threshold]
    heapq.heapify(queue)
    while queue:
        mean, a, b = heapq.heappop(queue)
        total, n = walls.get(a, {}).get(b, (0.0, 0))
        if n == 0 or total / n != mean:  # Gone, or measured anew since.
            continue
        owner[b] = a
        del walls[a][b]
        for other, (theirs, count) in walls.pop(b).items():
            if other == a:
                continue
            del walls[other][b]
            mine, already = walls[a].get(other, (0.0, 0))
            joint = (mine + theirs, already + count)
            walls[a][other] = walls[other][a] = joint
            if joint[0] / joint[1] < threshold:
                heapq.heappush(queue, (joint[0] / joint[1], min(a, other), max(a, other)))
    for label in range(1, len(owner)):  # Owners have lower numbers, so one pass follows chains.
        owner[label] = owner[owner[label]]
    return owner
