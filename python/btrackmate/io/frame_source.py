"""What a reader of one image format gives to :mod:`btrackmate.io.images`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from btrackmate.io.units import convert


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
    origin : (z, y, x) tuple of float, optional
        Where the first voxel lies, in voxels.
    odd : mapping from axis to str
        What the file says of an axis (X, Y, Z or T) and cannot be used: a unit that does not go
        with the others', or a text that is no number. It matters only if the image has the axis
        and the user does not give the size.
    doubt : str
        What the file says of its time step that the user has to know who gives none.
    """

    dx: float | None = None
    dy: float | None = None
    dz: float | None = None
    dt: float | None = None
    space_unit: str | None = None
    time_unit: str | None = None
    odd: Mapping[str, str] = field(default_factory=dict)
    origin: tuple[float, float, float] | None = None
    doubt: str = ""

    @classmethod
    def of_axes(
        cls,
        sizes: Mapping[str, tuple[float | None, str]],
        interval: tuple[float | None, str] = (None, ""),
        odd: Mapping[str, str] | None = None,
    ) -> "Scale":
        """Bring sizes that have a unit for each axis to one unit, that of the first axis.

        Parameters
        ----------
        sizes : mapping from "X", "Y", "Z" to (size, unit)
            In this order; the size is None where the file does not state it. Units are normalised.
        interval : (float, str)
            Time between frames, and its normalised unit.
        odd : mapping from axis to str, optional
            What is odd already.
        """
        known = {axis: size for axis, size in sizes.items() if size[0] is not None}
        common = next(iter(known.values()))[1] if known else None
        found: dict[str, float | None] = {}
        strange = dict(odd or {})
        for axis, (size, unit) in known.items():
            found[axis] = convert(size or 0.0, unit, common or "")
            if found[axis] is None:
                strange[axis] = f"the unit {unit!r}, beside {common!r}"
        dt, time_unit = interval
        return cls(
            found.get("X"),
            found.get("Y"),
            found.get("Z"),
            dt,
            common,
            time_unit if dt is not None else None,
            strange,
        )


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
