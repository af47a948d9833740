"""Smooth random fields as sums of plane waves: cheap, and the same at every resolution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Waves:
    """A smooth random scalar field of space and time with mean 0 and variance 1.

    Parameters
    ----------
    vectors : (m, 3) ndarray of float
        Wave vectors z, y, x in rad/µm.
    phases : (m,) ndarray of float
        Phases at frame 0 in rad.
    drifts : (m,) ndarray of float
        Change of phase in rad per frame.
    """

    vectors: NDArray[np.float64]
    phases: NDArray[np.float64]
    drifts: NDArray[np.float64]

    def sample(self, axes: tuple[NDArray[np.float64], ...], frame: float = 0.0) -> Float32:
        """Evaluate the field on a rectangular grid.

        Parameters
        ----------
        axes : three 1D ndarrays
            Coordinates z, y, x of the grid planes in µm.
        frame : float
            Time in frames.

        Returns
        -------
        (Z, Y, X) ndarray of float32
        """
        z, y, x = axes
        phase = self.phases + self.drifts * frame
        plane = (
            self.vectors[:, 0, None, None] * z[:, None]
            + self.vectors[:, 1, None, None] * y
            + phase[:, None, None]
        ).reshape(len(phase), -1)
        line = self.vectors[:, 2, None] * x
        left = np.concatenate([np.cos(plane), -np.sin(plane)]).astype(np.float32)
        right = np.concatenate([np.cos(line), np.sin(line)]).astype(np.float32)
        field = left.T @ right * np.float32(np.sqrt(2 / len(phase)))
        return field.reshape(len(z), len(y), len(x))


def make_waves(
    rng: np.random.Generator, wavelengths: tuple[float, float], *, n: int = 32, drift: float = 0.1
) -> Waves:
    """Draw a smooth random field.

    Parameters
    ----------
    rng : Generator
        Source of the random numbers.
    wavelengths : (shortest, longest)
        Range of wavelengths in µm.
    n : int
        Number of waves.
    drift : float
        Standard deviation of the change of phase, rad per frame.
    """
    direction = rng.normal(size=(n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    length = rng.uniform(*wavelengths, size=(n, 1))
    return Waves(
        direction * 2 * np.pi / length,
        rng.uniform(0, 2 * np.pi, size=n),
        rng.normal(scale=drift, size=n),
    )
