"""Seeded random changes of training patches."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from btrackmate.training.settings import Augmentation

Float32 = NDArray[np.float32]


class Augmenter:
    """Changes an image patch and what belongs to it alike.

    Parameters
    ----------
    settings : Augmentation
    ndim : int
        Dimensions of the patches: 3 (Z, Y, X) or 2 (Y, X); square in Y, X for right angles.

    Notes
    -----
    The random numbers are given with every patch, so that a training that is resumed makes the
    same changes.
    """

    def __init__(self, settings: Augmentation, ndim: int) -> None:
        self.settings = settings
        self.ndim = ndim

    def change_pair(
        self, image: Float32, labels: NDArray[np.int32], rng: np.random.Generator
    ) -> tuple[Float32, NDArray[np.int32]]:
        """Change an image patch and its labels (nearest neighbour).

        Parameters
        ----------
        image, labels : ([Z,] Y, X) ndarray
        rng : Generator
            Random numbers.

        Returns
        -------
        tuple of ndarray
            Same shapes.
        """
        draw = self._draw_geometry(image.shape, rng)
        moved = self._move(image, draw, order=1).astype(np.float32)
        return self._change_grey(moved, rng), self._move(labels, draw, order=0).astype(np.int32)

    def change_target(
        self, image: Float32, target: Float32, rng: np.random.Generator
    ) -> tuple[Float32, Float32]:
        """Change an image patch and its target maps (linear interpolation).

        Parameters
        ----------
        image : ([Z,] Y, X) ndarray
        target : ([Z,] Y, X, channels) ndarray
        rng : Generator
            Random numbers.

        Returns
        -------
        tuple of ndarray
            Same shapes.
        """
        draw = self._draw_geometry(image.shape, rng)
        moved = self._move(image, draw, order=1).astype(np.float32)
        return self._change_grey(moved, rng), self._move(target, draw, order=1).astype(np.float32)

    def _draw_geometry(
        self, shape: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[tuple[int, ...], int, float]:
        """Axes to flip, quarter turns, and degrees of a further rotation."""
        settings = self.settings
        flips = tuple(a for a in range(self.ndim) if rng.random() < 0.5) if settings.flips else ()
        turns = 0
        if settings.rotation != "off":
            turns = int(rng.integers(4)) if shape[-1] == shape[-2] else 2 * int(rng.integers(2))
        degrees = float(rng.uniform(-45, 45)) if settings.rotation == "any" else 0.0
        if rng.random() < 0.5:  # Half of the patches stay free of interpolation.
            degrees = 0.0
        return flips, turns, degrees

    def _move(
        self, array: NDArray[np.generic], draw: tuple[tuple[int, ...], int, float], order: int
    ) -> NDArray[np.generic]:
        flips, turns, degrees = draw
        plane = (self.ndim - 2, self.ndim - 1)
        result = np.flip(array, flips) if flips else array
        if turns:
            result = np.rot90(result, turns, plane)
        if degrees:
            result = ndimage.rotate(
                result, degrees, axes=plane, reshape=False, order=order, mode="reflect"
            )
        return np.ascontiguousarray(result)

    def _change_grey(self, image: Float32, rng: np.random.Generator) -> Float32:
        settings = self.settings
        result = image * np.float32(1 + rng.uniform(-settings.gain, settings.gain))
        result += np.float32(rng.uniform(-settings.offset, settings.offset))
        if rng.random() < settings.noise_fraction:
            poisson = rng.uniform(0, settings.poisson)
            gaussian = rng.uniform(0, settings.gaussian)
            # Shot noise as a normal of the same variance: grey values are normalised, not counts.
            variance = poisson * np.maximum(result, 0) + gaussian**2
            result += np.sqrt(variance) * rng.standard_normal(result.shape, np.float32)
        return result.astype(np.float32)
