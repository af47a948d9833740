"""Movies in memory: arrays of numpy, dask, xarray or Zarr, with axes and calibration."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.axes import validate_axes
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError

Role = Literal["image", "labels", "mask"]
#: Names that xarray dimensions have in the field, by axis.
_DIMENSIONS = {
    "t": "T", "time": "T", "frame": "T", "c": "C", "ch": "C", "channel": "C", "z": "Z",
    "pln": "Z", "plane": "Z", "y": "Y", "row": "Y", "x": "X", "col": "X", "column": "X",
}  # fmt: skip
#: Axes that an array has whose axes are not named, by its number of dimensions.
_USUAL = {"image": {2: "YX", 4: "TZYX", 5: "TCZYX"}, "labels": {2: "YX", 4: "TZYX"}}
#: Largest difference of steps between coordinates, relative, that counts as none.
_UNEVEN = 1e-3
_SECOND = np.timedelta64(1, "s")


class Coordinates(NamedTuple):
    """Evenly spaced coordinates along an axis, from the first voxel, or frame, to the last.

    Those that are dates count from the beginning of 1970.
    """

    first: float
    last: float
    step: float
    unit: str
    are_dates: bool


@dataclass(frozen=True, eq=False)
class ArrayMovie:
    """An array as a movie that is read frame by frame.

    Parameters
    ----------
    array : array
        Anything that is indexed like numpy's arrays: numpy, dask, Zarr.
    axes : str
        One letter of T, C, Z, Y, X for each dimension.
    calibration : Calibration or None
        What the array itself tells, None for nothing.
    with_channels : bool
        Frames have the channels before: (C, [Z,] Y, X), else ([Z,] Y, X).
    coordinates : mapping from str to Coordinates
        What an xarray says of where its voxels and frames lie, by the axis's letter.
    """

    array: Any
    axes: str
    calibration: Calibration | None
    with_channels: bool
    coordinates: Mapping[str, Coordinates] = field(default_factory=dict)

    @property
    def n_frames(self) -> int:
        """Number of frames, 1 without an axis T."""
        return int(self.array.shape[self.axes.index("T")]) if "T" in self.axes else 1

    @property
    def ndim(self) -> int:
        """Space dimensions, 2 or 3."""
        return 3 if "Z" in self.axes else 2

    def __len__(self) -> int:
        return self.n_frames

    def __getitem__(self, t: int) -> NDArray[Any]:
        if not 0 <= t < self.n_frames:
            raise IndexError(t)
        return self.frame(t)

    def frame(self, t: int) -> NDArray[Any]:
        """Read frame t; a dask array is computed."""
        whole = self.array
        axes = self.axes
        if "T" in axes:
            place = axes.index("T")
            whole = whole[(slice(None),) * place + (t,)]
            axes = axes.replace("T", "")
        result = np.asarray(whole)
        wanted = "CZYX" if self.with_channels else "ZYX"
        order = [axes.index(letter) for letter in wanted if letter in axes]
        result = np.transpose(result, order)
        return result[None] if self.with_channels and "C" not in axes else result


def unwrap(value: Any) -> Any:
    """Give a number of numpy's as Python's own; anything else as it is."""
    return value.item() if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 else value


def read_array(
    data: Any, role: Role, axes: str | None = None, voxel_size: tuple[float, ...] | None = None
) -> ArrayMovie:
    """Take an array as a movie.

    Parameters
    ----------
    data : array
        numpy, dask or Zarr array; xarray.DataArray, whose dimensions name the axes and whose evenly
        spaced coordinates (and their ``units``) tell the calibration; dates are counted in seconds.
    role : {"image", "labels", "mask"}
        What it is; only an image has channels.
    axes : str, optional
        E.g. ``"TZYX"``; else those of xarray, or, for other arrays, (T, C, Z, Y, X) for five
        dimensions and (T, Z, Y, X) for four. Three are (Z, Y, X) or (T, Y, X), which the length of
        `voxel_size` tells; two are (Y, X).
    voxel_size : tuple of float, optional
        Z, Y, X or Y, X.

    Raises
    ------
    UserError
        If it is no array, values of it are masked or its shape is not known; if the axes are not
        known or don't fit, or the coordinates are no numbers, or not evenly spaced.
    """
    dims = getattr(data, "dims", None)
    coordinates: dict[str, Coordinates] = {}
    if dims is not None and hasattr(data, "coords"):
        axes = axes or _name_dimensions(tuple(str(name) for name in dims), role)
        coordinates = _read_coordinates(data, axes)
        data = data.data
    if not hasattr(data, "shape"):
        data = _make_array(data, role)
    _check_unmasked(data, role)
    _check_shape(data, role)
    ndim = len(data.shape)
    axes = axes or _guess_axes(ndim, role, voxel_size)
    axes = validate_axes(axes, ndim, role)
    if role != "image" and "C" in axes:
        msg = f"{role}: axes {axes} name channels, which {role} do not have; give one channel"
        raise UserError(msg)
    calibration = _calibrate(coordinates) if coordinates else None
    return ArrayMovie(data, axes, calibration, role == "image", coordinates)


def _make_array(data: Any, role: Role) -> NDArray[Any]:
    found = None if isinstance(data, (str, bytes, os.PathLike, Mapping)) else np.asarray(data)
    if found is None or found.ndim == 0:
        kind = type(data).__name__
        msg = f"{role}: got {kind}, expected an array (T, Z, Y, X); the command line works on files"
        raise UserError(msg)
    return found


def _check_unmasked(data: Any, role: Role) -> None:
    """Refuse masked arrays: what their masked pixels are to be is not ours to say."""
    masked = int(np.ma.getmaskarray(data).sum()) if isinstance(data, np.ma.MaskedArray) else 0
    if masked:
        msg = f"{role}: {masked} values of a masked array are masked; say what they are, e.g. "
        msg += f"{role}.filled(0), and give a mask of the tissue as mask="
        raise UserError(msg)


def _check_shape(data: Any, role: Role) -> None:
    """Refuse dask arrays of which it is not known how long they are."""
    if any(length != length for length in data.shape):  # noqa: PLR0124 - NaN
        msg = f"{role}: the shape {data.shape} of the dask array is not known; give "
        msg += "array.compute_chunk_sizes()"
        raise UserError(msg)


def _guess_axes(ndim: int, role: Role, voxel_size: tuple[float, ...] | None) -> str:
    usual = _USUAL["image" if role == "image" else "labels"]
    if ndim in usual:
        return usual[ndim]
    if ndim == 3 and voxel_size is not None and len(voxel_size) in (2, 3):
        return "ZYX" if len(voxel_size) == 3 else "TYX"
    known = ", ".join(sorted(usual.values(), key=len))
    msg = f"{role}: axes of an array of {ndim} dimensions are not known; give axes=, e.g. "
    msg += f"axes='TYX' or 'ZYX' (without, {known} are taken)"
    raise UserError(msg)


def _name_dimensions(dims: tuple[str, ...], role: Role) -> str:
    unknown = [name for name in dims if name.lower() not in _DIMENSIONS]
    if unknown:
        msg = f"{role}: dimension {unknown[0]!r} of the xarray is none of t, c, z, y, x; rename it "
        msg += "or give axes="
        raise UserError(msg)
    return "".join(_DIMENSIONS[name.lower()] for name in dims)


def _read_coordinates(data: Any, axes: str) -> dict[str, Coordinates]:
    """Read the coordinates of an xarray, by axis; those of channels, and of one value, are none."""
    found = {}
    for letter, name in zip(axes.upper(), data.dims, strict=False):
        if letter == "C" or name not in data.coords or data.coords[name].size < 2:
            continue
        values, unit, begin = _read_numbers(data.coords[name], str(name), letter)
        step = np.diff(values)
        if not (step[0] > 0 and np.abs(step - step[0]).max() <= _UNEVEN * abs(step[0])):
            msg = f"coordinates of dimension {name!r} are not evenly spaced and ascending; give "
            msg += "voxel_size and dt, and drop the coordinates"
            raise UserError(msg)
        first, last = (float(values[end]) + (begin or 0.0) for end in (0, -1))
        found[letter] = Coordinates(first, last, float(step.mean()), unit, begin is not None)
    return found


def _read_numbers(
    given: Any, name: str, letter: str
) -> tuple[NDArray[np.float64], str, float | None]:
    """Give coordinates as numbers, their unit, and the second at which dates begin."""
    values = np.asarray(given.values)
    if letter == "T" and values.dtype.kind in "mM" and not np.isnat(values).any():
        begin = None
        if values.dtype.kind == "M":
            begin = float((values[0] - np.datetime64(0, "s")) / _SECOND)
            values = values - values[0]
        return np.asarray(values / _SECOND, np.float64), "s", begin
    if values.dtype.kind not in "iufb":
        msg = f"coordinates of dimension {name!r} are {values.dtype}, expected numbers; give "
        msg += "voxel_size and dt, and drop the coordinates"
        raise UserError(msg)
    unit = str(given.attrs.get("units") or given.attrs.get("unit") or "")
    return values.astype(np.float64), unit.partition(" since ")[0], None


def _calibrate(coordinates: Mapping[str, Coordinates]) -> Calibration:
    space = {coordinates[letter].unit for letter in "ZYX" if letter in coordinates} - {""}
    if len(space) > 1:
        msg = f"coordinates of the xarray have the units {', '.join(sorted(space))}; expected one"
        raise UserError(msg)
    steps = {letter: along.step for letter, along in coordinates.items()}
    return Calibration(
        dx=steps.get("X", 1.0),
        dy=steps.get("Y", 1.0),
        dz=steps.get("Z", 1.0),
        dt=steps.get("T", 1.0),
        space_unit=space.pop() if space else "pixel",
        time_unit=(coordinates["T"].unit if "T" in coordinates else "") or "frame",
    )


def is_array(data: Any) -> bool:
    """Tell whether something is an array that :func:`read_array` takes."""
    return hasattr(data, "shape") and hasattr(data, "dtype") and not hasattr(data, "columns")
