"""Place an embryo in the field of view: rotation, mirror, scale and shift."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation


@dataclass(frozen=True)
class Pose:
    """A similarity transform of positions in µm.

    Parameters
    ----------
    matrix : (3, 3) ndarray of float
        Rotation (or rotation and mirror) times scale, acting on z, y, x.
    centre : (3,) ndarray of float
        Point of the lineage, in µm, that comes to lie at `target`.
    target : (3,) ndarray of float
        z, y, x in the image in µm.
    """

    matrix: NDArray[np.float64]
    centre: NDArray[np.float64]
    target: NDArray[np.float64]

    def apply(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transform (n, 3) positions z, y, x in µm into the image."""
        return np.asarray((positions - self.centre) @ self.matrix.T + self.target)


def flat_pose(positions: NDArray[np.float64], target: NDArray[np.float64]) -> Pose:
    """Lay the longest extent of the positions along x and the shortest along z.

    Parameters
    ----------
    positions : (n, 3) ndarray of float
        z, y, x in µm, of all frames to be shown.
    target : (3,) ndarray of float
        Where the middle of their bounding box shall lie, z, y, x in µm.
    """
    mean = positions.mean(axis=0)
    directions = np.linalg.svd(positions - mean, full_matrices=False)[2]
    signs = np.sign(directions[np.arange(3), np.abs(directions).argmax(axis=1)])
    matrix = (directions * signs[:, None])[::-1].copy()
    if np.linalg.det(matrix) < 0:
        matrix[0] *= -1
    laid = (positions - mean) @ matrix.T
    middle = (laid.min(axis=0) + laid.max(axis=0)) / 2
    return Pose(matrix, mean, target - middle)


def random_pose(
    rng: np.random.Generator,
    positions: NDArray[np.float64],
    target: NDArray[np.float64],
    *,
    shift: float = 0.0,
    scales: tuple[float, float] = (1.0, 1.0),
) -> Pose:
    """Draw a pose: any rotation, mirrored or not, scaled and shifted.

    Parameters
    ----------
    rng : Generator
        Source of the random numbers.
    positions : (n, 3) ndarray of float
        z, y, x in µm; their middle comes to lie near `target`.
    target : (3,) ndarray of float
        z, y, x in µm.
    shift : float
        Largest shift from `target` along each axis in µm.
    scales : (smallest, largest)
        Range of the scale factor.
    """
    matrix = Rotation.random(rng=rng).as_matrix() * rng.uniform(*scales)
    if rng.random() < 0.5:
        matrix[:, 2] *= -1
    middle = (positions.min(axis=0) + positions.max(axis=0)) / 2
    return Pose(matrix, middle, target + rng.uniform(-shift, shift, size=3))
