"""What a reader of one image format gives to :mod:`btrackmate.io.images`."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scale:
    """Voxel size and time step as the file states them, None where it does not.

    Parameters
    ----------
    dx, dy, dz : float or None
        Voxel size in `space_unit`.
    dt : float or None
        Time between frames in `time_unit`.
    space_unit, time_unit : str or None
        Names of the units, already normalised.
    """

    dx: float | None = None
    dy: float | None = None
    dz: float | None = None
    dt: float | None = None
    space_unit: str | None = None
    time_unit: str | None = None


class FrameSource(Protocol):
    """An opened image file of one format.

    Attributes
    ----------
    axes : str
        One letter a dimension, as the file's metadata or the format names them; letters outside
        TCZYX mean that the metadata does not settle this axis.
    shape : tuple of int
        One length a letter of `axes`.
    dtype : numpy dtype
        Type of the values.
    scale : Scale
        Voxel size and time step from the metadata.
    kind : str
        Name of the format and of what states the axes, for messages.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: Scale
    kind: str

    def read(self, axis: int | None, index: int) -> NDArray[Any]:
        """Read the part at `index` along dimension `axis`, or all of it where `axis` is None.

        The dimension `axis` is dropped from the result.
        """

    def read_part(self, where: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read the part at `where`, one number or slice an axis; numbers drop their axis."""

    def close(self) -> None:
        """Close the file."""
