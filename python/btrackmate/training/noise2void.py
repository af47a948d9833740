"""Noise2Void: patches with hidden voxels that the network learns to predict."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_REACH = 5  # Voxels from which a hidden voxel's replacement comes, in the plane.
_REACH_Z = 2


def hide_voxels(
    patch: Float32, fraction: float, rng: np.random.Generator
) -> tuple[Float32, Float32]:
    """Replace some voxels by random neighbours.

    Parameters
    ----------
    patch : ([Z,] Y, X) ndarray of float32
        Not changed.
    fraction : float
        About this part is hidden, one voxel in each box of 1 / `fraction` voxels.
    rng : Generator

    Returns
    -------
    masked : ([Z,] Y, X) ndarray of float32
        The network's input.
    target : ([Z,] Y, X, 2) ndarray of float32
        The patch, and 1 where a voxel was hidden.

    References
    ----------
    Krull, Buchholz, Jug, "Noise2Void - learning denoising from single noisy images", CVPR 2019,
    arXiv 1811.10980, section 3.3: blind-spot masking with stratified sampling.
    """
    points = _draw_points(patch.shape, fraction, rng)
    reach = np.array([_REACH_Z, _REACH, _REACH][-patch.ndim :])
    sources = points + rng.integers(-reach, reach + 1, points.shape)
    # What leaves the patch is mirrored at its rim.
    last = np.array(patch.shape) - 1
    sources = np.clip(last - np.abs(last - np.abs(sources)), 0, last)
    moved = (sources != points).any(axis=1)
    where = tuple(points[moved].T)
    masked = patch.copy()
    masked[where] = patch[tuple(sources[moved].T)]
    target = np.stack([patch, np.zeros_like(patch)], axis=-1)
    target[(*where, 1)] = 1
    return masked, target


def _draw_points(
    shape: tuple[int, ...], fraction: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw one point in each box of a regular grid."""
    side = fraction ** (-1 / len(shape))
    counts = [max(1, round(size / side)) for size in shape]
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1)
    corner = grid.reshape(-1, len(shape)) + rng.random((int(np.prod(counts)), len(shape)))
    points = np.floor(corner * (np.array(shape) / counts)).astype(np.int64)
    result: NDArray[np.int64] = np.minimum(points, np.array(shape) - 1)
    return result


def measure_masked_error(truth: Any, predicted: Any) -> Any:
    """Return the mean squared error over the hidden voxels (a Keras loss).

    Parameters
    ----------
    truth : (n, [Z,] Y, X, 2) tensor
        Values, and 1 where they were hidden.
    predicted : (n, [Z,] Y, X, 1) tensor

    Returns
    -------
    scalar tensor
    """
    import tensorflow

    values, hidden = truth[..., :1], truth[..., 1:]
    total = tensorflow.reduce_sum(hidden * tensorflow.square(values - predicted))
    return total / tensorflow.maximum(tensorflow.reduce_sum(hidden), 1.0)
