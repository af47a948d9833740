"""Mean structural similarity of two binary images, by running box sums."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.metrics.overlap import as_unsigned

#: Edge of the sliding window in voxels, where the image is large enough (skimage's default).
SSIM_WINDOW = 7
_WIDEST = 101


def compare_structure(
    truth: NDArray[Any], result: NDArray[Any], window: int = SSIM_WINDOW
) -> tuple[float | None, int]:
    """Measure the structural similarity of two label images, each taken as object or background.

    Parameters
    ----------
    truth, result : ([Z,] Y, X) ndarray of int
        Label images of one shape, 0 is background.
    window : int
        Edge of the cubic (square in 2D) window in voxels, odd, 3 to 101. Where an axis is
        shorter, the largest odd window that fits is taken; axes of length 1 are left out.

    Returns
    -------
    ssim : float or None
        Mean similarity over all windows that lie inside the image, −1 … 1; None where the image
        holds no window of 3 voxels.
    window : int
        The edge that was taken.

    Raises
    ------
    UserError
        If the window is even, below 3 or above 101.

    Notes
    -----
    With a, b the binary images and means and (sample) variances over the window,
    SSIM = (2·mean(a)·mean(b) + C₁)(2·cov(a, b) + C₂) /
    ((mean(a)² + mean(b)² + C₁)(var(a) + var(b) + C₂)), C₁ = 0.01², C₂ = 0.03²: the numbers that
    skimage.metrics.structural_similarity gives for float images with data_range=1. Box sums are
    whole numbers, so no rounding piles up.

    References
    ----------
    Wang et al. 2004, IEEE Trans. Image Process. 13:600–612, doi:10.1109/TIP.2003.819861
    """
    if not 3 <= window <= _WIDEST or window % 2 == 0:
        msg = f"SSIM window is {window}, expected an odd number of voxels from 3 to {_WIDEST}"
        raise UserError(msg)
    images = [np.squeeze(as_unsigned(image, "SSIM")) for image in (truth, result)]
    shortest = min(images[0].shape, default=1)
    window = min(window, shortest - 1 + shortest % 2)
    if window < 3 or images[0].ndim < 2:
        return None, window
    deep = images[0].ndim == 3
    wider = np.promote_types(images[0].dtype, images[1].dtype)
    volumes = [
        (image if deep else image.reshape((1, *image.shape[-2:]))).astype(wider, copy=False)
        for image in images
    ]
    return float(_mean_ssim(volumes[0], volumes[1], window, window if deep else 1)), window


@njit(cache=True)
def _mean_ssim(
    truth: NDArray[Any], result: NDArray[Any], window: int, depth: int
) -> float:  # pragma: no cover (compiled)
    """Average the similarity over all windows of depth × window × window voxels."""
    planes, height, width = truth.shape
    shape = (height - window + 1, width - window + 1, 3)
    ring = np.zeros((depth, *shape), np.int16)
    box = np.zeros(shape, np.int64)
    n = depth * window * window
    total, count = 0.0, 0
    for z in range(planes):
        old = ring[z % depth]
        box -= old
        _sum_plane(truth[z], result[z], window, old)
        box += old
        if z < depth - 1:
            continue
        count += shape[0] * shape[1]
        for y in range(shape[0]):
            for x in range(shape[1]):
                a, b, ab = box[y, x, 0] / n, box[y, x, 1] / n, box[y, x, 2] / n
                variances = (a - a * a + b - b * b) * n / (n - 1)
                covariance = (ab - a * b) * n / (n - 1)
                above = (2 * a * b + 1e-4) * (2 * covariance + 9e-4)
                total += above / ((a * a + b * b + 1e-4) * (variances + 9e-4))
    return total / count


@njit(cache=True)
def _sum_plane(
    truth: NDArray[Any], result: NDArray[Any], window: int, sums: NDArray[np.int16]
) -> None:  # pragma: no cover (compiled)
    """Write the object voxels of truth, result and both in each window × window box."""
    height, width = truth.shape
    columns = np.zeros((width, 3), np.int64)
    row = np.zeros(3, np.int64)
    for y in range(height):
        for x in range(width):
            _add_voxel(columns[x], truth[y, x], result[y, x], 1)
            if y >= window:
                _add_voxel(columns[x], truth[y - window, x], result[y - window, x], -1)
        if y < window - 1:
            continue
        row[:] = 0
        for x in range(width):
            for c in range(3):
                row[c] += columns[x, c]
                if x >= window:
                    row[c] -= columns[x - window, c]
                if x >= window - 1:
                    sums[y - window + 1, x - window + 1, c] = row[c]


@njit(cache=True, inline="always")
def _add_voxel(
    sums: NDArray[np.int64], a: int, b: int, sign: int
) -> None:  # pragma: no cover (compiled)
    """Add or take away one voxel from the three sums."""
    if a > 0:
        sums[0] += sign
    if b > 0:
        sums[1] += sign
    if a > 0 and b > 0:
        sums[2] += sign
