"""What StarDist sees in an image: maps on its grid, and star-convex shapes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Maps:
    """What the network sees on its grid.

    Parameters
    ----------
    probability : ([z,] y, x) ndarray of float32
        Probability of lying deep inside a cell.
    distance : ([z,] y, x, rays) ndarray of float32
        Distance to the cell's surface along each ray, in voxels of the axis along which cells
        span most of them.
    """

    probability: Float32
    distance: Float32


@dataclass(frozen=True)
class Shapes:
    """Star-convex shapes that won the non-maximum suppression, most probable first.

    Parameters
    ----------
    points : (n, ndim) ndarray of int
        Origins of the rays, in voxels.
    scores : (n,) ndarray of float32
        Probability of each shape.
    distance : (n, rays) ndarray of float32
        Distance to the surface along each ray.
    """

    points: NDArray[np.int64]
    scores: Float32
    distance: Float32

    def above(self, threshold: float) -> "Shapes":
        """Return the shapes with a score above `threshold`.

        Notes
        -----
        A shape is only ever suppressed by a more probable one, so this equals a suppression
        that started with the higher threshold.
        """
        return self.where(self.scores > threshold)

    def where(self, rows: NDArray[Any]) -> "Shapes":
        """Return some of the shapes, by a mask or by numbers."""
        return Shapes(self.points[rows], self.scores[rows], self.distance[rows])

    @classmethod
    def join(cls, parts: list["Shapes"]) -> "Shapes":
        """Join several lists of shapes, in their order."""
        return cls(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.distance for part in parts]),
        )

    def sorted(self) -> "Shapes":
        """Return the shapes by falling score; equals stay in their order."""
        return self.where(np.argsort(-self.scores, kind="stable"))


@dataclass(frozen=True)
class StarDistPrediction:
    """Cells that StarDist sees in an image.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int32
        Cell i + 1 is row i of `points` and `scores`; 0 is background.
    points : (n, ndim) ndarray of int
        Origins of the shapes, in voxels.
    scores : (n,) ndarray of float32
        Probability of each shape.
    probability : ([Z,] Y, X) ndarray of float32
        Probability map at the image's resolution.
    distance : ([Z,] Y, X) ndarray of float32
        Distance to the surface, mean over the rays, at the image's resolution; in voxels of the
        axis along which cells span most of them.
    """

    labels: NDArray[np.int32]
    points: NDArray[np.int64]
    scores: Float32
    probability: Float32
    distance: Float32


def select_candidates(
    probability: Float32, threshold: float, *, local_maxima: bool
) -> NDArray[np.bool_]:
    """Mark the grid points that may become shapes.

    Parameters
    ----------
    probability : ([z,] y, x) ndarray of float32
    threshold : float
        Candidates lie above it.
    local_maxima : bool
        Keep only points that no neighbour (3×3[×3]) exceeds.

    Returns
    -------
    ndarray of bool
        Same shape.
    """
    where: NDArray[np.bool_] = probability > threshold
    if local_maxima:
        where &= probability >= ndimage.maximum_filter(probability, size=3, mode="nearest")
    return where


def interpolate_grid(values: Float32, grid: tuple[int, ...], shape: tuple[int, ...]) -> Float32:
    """Bring values from the network's grid to the image's voxels, linearly.

    Parameters
    ----------
    values : ([z,] y, x) ndarray of float32
        Value i along an axis belongs to voxel i × grid.
    grid : tuple of int
        Step of the grid along each axis.
    shape : tuple of int
        Shape of the image.

    Returns
    -------
    ndarray of float32
        Of that shape; beyond the last grid point its value is kept.
    """
    result = values
    for axis, (step, size) in enumerate(zip(grid, shape, strict=True)):
        if step == 1:  # Only cut off, not copied.
            result = result[(slice(None),) * axis + (slice(size),)]
            continue
        position = np.minimum(np.arange(size) / step, result.shape[axis] - 1)
        lower = np.floor(position).astype(np.intp)
        upper = np.minimum(lower + 1, result.shape[axis] - 1)
        weight = (position - lower).astype(np.float32)
        weight = weight.reshape([-1 if i == axis else 1 for i in range(result.ndim)])
        low, high = np.take(result, lower, axis), np.take(result, upper, axis)
        result = low * (1 - weight) + high * weight
    return np.ascontiguousarray(result, np.float32)
