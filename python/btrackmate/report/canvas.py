"""The display pixels of one picture: images, outlines and a scale bar at their resolution."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration

#: Display pixels that a picture takes at most.
MAX_WIDTH, MAX_HEIGHT = 440, 560
#: Cells that are larger have an outline of two display pixels, others one of one.
_LARGE_CELL = 24


@dataclass(frozen=True)
class Canvas:
    """A grid of display pixels over a range of x and y.

    Parameters
    ----------
    x, y : tuple of float
        Range in physical units.
    width, height : int
        Display pixels.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: int
    height: int

    @classmethod
    def over(cls, x: tuple[float, float], y: tuple[float, float]) -> "Canvas":
        """Make the largest canvas that shows a range undistorted."""
        wide, high = max(x[1] - x[0], 1e-12), max(y[1] - y[0], 1e-12)
        scale = min(MAX_WIDTH / wide, MAX_HEIGHT / high)
        return cls(x, y, max(round(wide * scale), 40), max(round(high * scale), 40))

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top, for imshow with y running down."""
        return (*self.x, self.y[1], self.y[0])

    def sample(self, plane: NDArray[Any], calibration: Calibration) -> NDArray[Any]:
        """Give the value of the voxel nearest to each display pixel, 0 outside the plane."""
        rows = _nearest(self.y, self.height, calibration.dy)
        columns = _nearest(self.x, self.width, calibration.dx)
        inside_y = (rows >= 0) & (rows < plane.shape[0])
        inside_x = (columns >= 0) & (columns < plane.shape[1])
        result = np.zeros((self.height, self.width), plane.dtype)
        result[np.ix_(inside_y, inside_x)] = plane[np.ix_(rows[inside_y], columns[inside_x])]
        return result

    def average(self, plane: NDArray[Any], calibration: Calibration) -> NDArray[np.float64]:
        """Give the mean of the voxels under each display pixel; large voxels are repeated."""
        values: NDArray[Any] = plane
        for axis, span, size, count in (
            (0, self.y, calibration.dy, self.height),
            (1, self.x, calibration.dx, self.width),
        ):
            length = plane.shape[axis]
            edges = np.linspace(span[0] / size + 0.5, span[1] / size + 0.5, count + 1)
            starts = np.floor(edges + 1e-9).astype(np.int64).clip(0, length)
            widths = np.diff(starts)
            if widths.min() < 1:
                nearest = _nearest(span, count, size).clip(0, length - 1)
                values = np.take(values, nearest, axis=axis)
                continue
            inside = np.take(values, np.arange(starts[-1]), axis=axis)
            sums = np.add.reduceat(inside, starts[:-1], axis=axis, dtype=np.float64)
            values = sums / (widths[:, None] if axis == 0 else widths)
        return values.astype(np.float64)

    def scale_bar(self, unit: str) -> tuple[float, str]:
        """Give a round length of about a quarter of the width, and its text."""
        length = round_length((self.x[1] - self.x[0]) / 4)
        return length, f"{length:g} {unit}" + ("s" if unit == "pixel" and length != 1 else "")


def round_length(about: float) -> float:
    """Give the largest of 1, 2 and 5 times a power of ten that is not above a length > 0."""
    power = 10.0 ** math.floor(math.log10(about))
    factor = next(factor for factor in (5, 2, 1) if factor * power <= about * (1 + 1e-9))
    return factor * power


def find_outlines(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark the display pixels of cells near another cell or the background.

    Parameters
    ----------
    labels : (height, width) ndarray of int
        As :meth:`Canvas.sample` gives them; the picture's border is no outline.
    """
    cells = np.unique(labels[labels > 0]).size
    size = math.sqrt(np.count_nonzero(labels) / max(cells, 1))
    edge = np.zeros(labels.shape, np.bool_)
    for step in range(1, 3 if size > _LARGE_CELL else 2):
        differ = labels[step:] != labels[:-step]
        edge[step:] |= differ
        edge[:-step] |= differ
        differ = labels[:, step:] != labels[:, :-step]
        edge[:, step:] |= differ
        edge[:, :-step] |= differ
    return edge & (labels > 0)


def _nearest(span: tuple[float, float], count: int, size: float) -> NDArray[np.int64]:
    """Give the voxel nearest to the centre of each of `count` display pixels."""
    centres = span[0] + (np.arange(count) + 0.5) * (span[1] - span[0]) / count
    return np.floor(centres / size + 0.5).astype(np.int64)
