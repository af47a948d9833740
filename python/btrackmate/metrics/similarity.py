"""Mean structural similarity of two binary images, by running box sums."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
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
    images = [
        np.squeeze(as_unsigned(image, "SSIM") > 0).view(np.uint8) for image in (truth, result)
    ]
    window = min(window, min(images[0].shape, default=1))
    window -= 1 - window % 2
    if window < 3 or images[0].ndim < 2:
        return None, window
    depth = window if images[0].ndim == 3 else 1
    volumes = [image.reshape((-1, *image.shape[-2:])) for image in images]
    return float(_mean_ssim(volumes[0], volumes[1], window, depth)), window


@njit(cache=True)
def _mean_ssim(
    truth: NDArray[np.uint8], result: NDArray[np.uint8], window: int, depth: int
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
    truth: NDArray[np.uint8], result: NDArray[np.uint8], window: int, sums: NDArray[np.int16]
) -> None:  # pragma: no cover (compiled)
    """Write the object voxels of truth, result and both in each window × window box."""
    height, width = truth.shape
    columns = np.zeros((3, width), np.int16)
    for y in range(height):
        for x in range(width):
            a, b = truth[y, x], result[y, x]
            columns[0, x] += a
            columns[1, x] += b
            columns[2, x] += a & b
            if y >= window:
                a, b = truth[y - window, x], result[y - window, x]
                columns[0, x] -= a
                columns[1, x] -= b
                columns[2, x] -= a & b
        if y < window - 1:
            continue
        for c in range(3):
            row = np.int16(0)
            for x in range(width):
                row += columns[c, x]
                if x >= window:
                    row -= columns[c, x - window]
                if x >= window - 1:
                    sums[y - window + 1, x - window + 1, c] = row
