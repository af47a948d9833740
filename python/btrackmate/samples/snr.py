"""Measure the signal-to-noise ratio of a membrane image with its ground truth."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from btrackmate.core.errors import UserError


def measure_snr(
    image: NDArray[Any],
    labels: NDArray[Any],
    voxel_size: tuple[float, float, float],
    inner_distance: float = 3.0,
) -> float:
    """Measure membrane contrast over the standard deviation of the noise.

    Parameters
    ----------
    image : ([T,] Z, Y, X) ndarray
        Membrane image.
    labels : ([T,] Z, Y, X) ndarray of int, 0 is background
        Ground truth of the same shape.
    voxel_size : (dz, dy, dx)
        In µm.
    inner_distance : float
        A voxel counts as cell interior if it lies further than this from any border, in µm.

    Returns
    -------
    float

    Raises
    ------
    UserError
        If the shapes differ, or no two cells touch, or no cell has an interior.

    Notes
    -----
    Contrast is the mean of the voxels at walls (a voxel whose next voxel in y or x is another
    cell, and that one) minus the mean of the interiors. The noise is taken in the interiors
    from the difference of neighbours along x, whose variance is twice that of the noise, so
    that slow shading does not count as noise. With Poisson noise, interiors are the darkest
    and least noisy part of the tissue: taken anywhere else in it the ratio would be lower.
    """
    if image.shape != labels.shape or image.ndim not in (3, 4):
        msg = f"image has shape {image.shape} and labels {labels.shape}; "
        msg += "expected the same, ([T,] Z, Y, X)"
        raise UserError(msg)
    images, truths = (one if one.ndim == 4 else one[None] for one in (image, labels))
    walls: list[NDArray[np.float64]] = []
    interiors: list[NDArray[np.float64]] = []
    differences: list[NDArray[np.float64]] = []
    for frame, truth in zip(images, truths, strict=True):
        values = frame.astype(float)
        inner = _find_interior(truth, voxel_size, inner_distance)
        walls.append(values[_find_walls(truth)])
        interiors.append(values[inner])
        pair = inner[..., 1:] & inner[..., :-1] & (truth[..., 1:] == truth[..., :-1])
        differences.append(np.diff(values, axis=-1)[pair])
    wall, interior, difference = map(np.concatenate, (walls, interiors, differences))
    if len(wall) == 0 or len(difference) < 2:
        msg = f"{len(wall)} wall voxels and {len(difference)} pairs of interior voxels: "
        msg += "expected touching cells wider than twice inner_distance; give a smaller one"
        raise UserError(msg)
    noise = float(np.sqrt(np.mean(difference**2) / 2))
    if noise == 0:
        return float("inf")
    return float((wall.mean() - interior.mean()) / noise)


def _find_walls(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Voxels whose next voxel in y or x belongs to another cell, and those."""
    walls = np.zeros(labels.shape, bool)
    for axis in (1, 2):
        first: list[slice] = [slice(None)] * 3
        second: list[slice] = [slice(None)] * 3
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        one, two = labels[tuple(first)], labels[tuple(second)]
        touch = (one != two) & (one > 0) & (two > 0)
        walls[tuple(first)] |= touch
        walls[tuple(second)] |= touch
    return walls


def _find_interior(
    labels: NDArray[Any], voxel_size: tuple[float, float, float], distance: float
) -> NDArray[np.bool_]:
    """Voxels of cells further than `distance` in µm from a voxel of another label."""
    edge = ndimage.grey_dilation(labels, size=3) != ndimage.grey_erosion(labels, size=3)
    away = ndimage.distance_transform_edt(~edge, sampling=voxel_size)
    return np.asarray((away > distance) & (labels > 0))
