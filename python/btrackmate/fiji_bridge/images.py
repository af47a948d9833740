"""numpy and xarray arrays ↔ ImageJ's images, with axes, calibration and every value kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.axes import to_canonical
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.fiji_bridge.jvm import java_class

#: Whole numbers up to this are exact in the floats of an ImageJ image of 32 bits.
LARGEST_FLOAT_ID = 2**24

#: What pyimagej, scikit-image and others call our axes.
_AXIS_NAMES = {
    "t": "T", "time": "T", "c": "C", "ch": "C", "channel": "C", "z": "Z", "pln": "Z", "plane": "Z",
    "y": "Y", "row": "Y", "x": "X", "col": "X",
}  # fmt: skip

#: numpy's type of the pixels, and the signed one of the same size that Java has.
_PIXELS = {"uint8": np.int8, "uint16": np.int16, "float32": np.float32}


@dataclass(frozen=True, eq=False)
class Picture:
    """An image out of ImageJ.

    Parameters
    ----------
    array : (T, C, Z, Y, X) ndarray of uint8, uint16, int16 or float32
    calibration : Calibration
        ``dt`` is 1 frame where ImageJ does not know it.
    title : str
    """

    array: NDArray[Any]
    calibration: Calibration
    title: str


def to_imageplus(
    image: Any,
    axes: str | None = None,
    calibration: Calibration | None = None,
    title: str = "image",
) -> Any:
    """Copy an array into an ImageJ hyperstack.

    Parameters
    ----------
    image : ndarray or xarray.DataArray of uint8, uint16 or float32
        Pixels; the type stays. Needs a JVM that runs (:func:`~btrackmate.fiji_bridge.start_fiji`).
    axes : str, optional
        Axes of `image`, e.g. ``"TZYX"`` or ``"TCZYX"``; those of a DataArray are its dimensions.
    calibration : Calibration, optional
        Voxel size and time step; of a DataArray else from its coordinates, else 1 pixel, 1 frame.
    title : str

    Returns
    -------
    ij.ImagePlus
        Channels, slices and frames are set, as are voxel size, frame interval and units.

    Raises
    ------
    UserError
        If the axes do not fit, or ImageJ has no pixels of that type.
    """
    array, axes, calibration = _read_array(image, axes, calibration, title)
    if array.dtype.name not in _PIXELS:
        msg = f"{title}: pixels are {array.dtype}, ImageJ has uint8, uint16 and float32; convert "
        msg += "them yourself, e.g. image.astype('float32'), or pass ids to labels_to_imageplus"
        raise UserError(msg)
    return _make_imageplus(to_canonical(array, axes), calibration, title)


def labels_to_imageplus(
    labels: Any,
    axes: str | None = None,
    calibration: Calibration | None = None,
    title: str = "labels",
) -> Any:
    """Copy a label image into an ImageJ hyperstack of 16 bits, or 32 where ids need it.

    Parameters
    ----------
    labels : ndarray or xarray.DataArray of bool or any integer type
        0 is background.
    axes, calibration, title
        As in :func:`to_imageplus`.

    Raises
    ------
    UserError
        If an id is negative or above 16,777,216: an ImageJ image of 32 bits holds floats, which
        would make two cells of one.
    """
    array, axes, calibration = _read_array(labels, axes, calibration, title)
    if array.dtype.kind not in "bui":
        msg = f"{title}: pixels are {array.dtype}, a label image holds integers; "
        msg += "convert it with astype('uint32') if all its values are whole"
        raise UserError(msg)
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low < 0:
        msg = f"{title}: label id {low} is negative, expected ids from 1 and 0 for background"
        raise UserError(msg)
    if high > LARGEST_FLOAT_ID:
        msg = f"{title}: label id {high} is above {LARGEST_FLOAT_ID:,}: an ImageJ image of 32 bits "
        msg += "holds floats and would mix such ids up; renumber the labels, or stay with "
        msg += f"{option('engine', 'builtin')}, which keeps all ids"
        raise UserError(msg)
    kind = np.uint16 if high <= np.iinfo(np.uint16).max else np.float32
    return _make_imageplus(to_canonical(array, axes), calibration, title, np.dtype(kind))


def from_imageplus(imp: Any) -> Picture:
    """Copy an ImageJ image into an array.

    Parameters
    ----------
    imp : ij.ImagePlus
        Of 8, 16 or 32 bits.

    Returns
    -------
    Picture
        uint8, uint16 (int16 where ImageJ marks the values as signed) or float32.

    Raises
    ------
    UserError
        If it is an RGB image.
    """
    title = str(imp.getTitle())
    kinds = {8: np.uint8, 16: np.uint16, 32: np.float32}
    depth = int(imp.getBitDepth())
    if depth not in kinds:
        msg = f"image '{title}' is an RGB image, expected 8, 16 or 32 bits; split it into channels"
        raise UserError(msg)
    kind: Any = kinds[depth]
    width, height, channels, slices, frames = (int(n) for n in imp.getDimensions())
    stack = imp.getStack()
    array = np.empty((frames, slices, channels, height, width), kind)
    planes = array.reshape(-1, height, width)
    for number, plane in enumerate(planes, start=1):
        pixels = np.frombuffer(memoryview(stack.getPixels(number)), _PIXELS[kind.__name__])
        plane[...] = pixels.view(kind).reshape(height, width)
    if kind is np.uint16 and imp.getCalibration().isSigned16Bit():
        array = (array ^ np.uint16(1 << 15)).view(np.int16)
    return Picture(array.transpose(0, 2, 1, 3, 4), _read_calibration(imp), title)


def labels_from_imageplus(imp: Any) -> Picture:
    """Copy an ImageJ label image into an array of uint32.

    Raises
    ------
    UserError
        If a value is negative, not whole or, in an image of floats, above 16,777,216.
    """
    picture = from_imageplus(imp)
    array = picture.array
    if array.dtype.kind == "f":
        bad = (array != np.floor(array)) | (array > LARGEST_FLOAT_ID)
        bad |= ~np.isfinite(array)
    else:
        bad = np.zeros(array.shape, bool)
    bad |= array < 0
    if bad.any():
        msg = f"image '{picture.title}' has the value {array[bad][0]}, expected whole label ids "
        msg += f"from 0 to {LARGEST_FLOAT_ID:,}"
        raise UserError(msg)
    return Picture(array.astype(np.uint32), picture.calibration, picture.title)


def to_xarray(imp: Any) -> Any:
    """Copy an ImageJ image into an xarray.DataArray with dimensions t, c, z, y, x.

    Axes of length 1 are left out, but for y and x; z, y, x and t have physical coordinates. Units
    are the attributes ``space_unit`` and ``time_unit``.
    """
    import xarray

    picture = from_imageplus(imp)
    scale = picture.calibration
    steps = {"t": scale.dt, "z": scale.dz, "y": scale.dy, "x": scale.dx}
    coords = {
        name: np.arange(size) * steps[name]
        for name, size in zip("tczyx", picture.array.shape, strict=True)
        if name in steps
    }
    attrs = {"space_unit": scale.space_unit, "time_unit": scale.time_unit}
    whole = xarray.DataArray(
        picture.array, dims=list("tczyx"), coords=coords, name=picture.title, attrs=attrs
    )
    single = [name for name in "tcz" if whole.sizes[name] == 1]
    return whole.squeeze(single, drop=True)


def _read_array(
    image: Any, axes: str | None, calibration: Calibration | None, title: str
) -> tuple[NDArray[Any], str, Calibration]:
    """Give array, axes and calibration of an ndarray or a DataArray."""
    dims = getattr(image, "dims", None)
    if axes is None and dims is not None:
        unknown = [name for name in dims if str(name).lower() not in _AXIS_NAMES]
        if unknown:
            msg = f"{title}: unknown dimension {unknown[0]!r}, expected t, c, z, y, x; give axes="
            raise UserError(msg)
        axes = "".join(_AXIS_NAMES[str(name).lower()] for name in dims)
        if calibration is None:
            calibration = _read_coordinates(image, axes, title)
    if axes is None:
        msg = f"{title}: axes are not known; give them, e.g. axes='TZYX'"
        raise UserError(msg)
    array = np.asarray(image)
    if 0 in array.shape:
        msg = f"{title}: the array of shape {array.shape} holds no pixels"
        raise UserError(msg)
    return array, axes, calibration or Calibration()


def _read_coordinates(image: Any, axes: str, title: str) -> Calibration:
    """Take voxel size and time step from the coordinates of a DataArray."""
    steps = {}
    for letter, name in zip(axes, image.dims, strict=True):
        if letter == "C" or name not in image.coords or image.sizes[name] < 2:
            continue
        step = np.diff(np.asarray(image.coords[name], np.float64))
        if not np.allclose(step, step[0], rtol=1e-4):
            msg = f"{title}: coordinates of {name} are not evenly spaced; give calibration="
            raise UserError(msg)
        steps["d" + letter.lower()] = float(step[0])
    units = {
        name: str(image.attrs[name]) for name in ("space_unit", "time_unit") if name in image.attrs
    }
    return Calibration(**steps, **units)  # type: ignore[arg-type]


def _make_imageplus(
    array: NDArray[Any], calibration: Calibration, title: str, kind: np.dtype[Any] | None = None
) -> Any:
    """Copy a (T, C, Z, Y, X) array into a hyperstack, plane by plane."""
    import jpype

    frames, channels, slices, height, width = array.shape
    kind = kind or array.dtype
    stack = java_class("ij.ImageStack")(width, height)
    for plane in _planes(array):
        flat = np.ascontiguousarray(plane, kind).view(_PIXELS[kind.name]).ravel()
        stack.addSlice("", jpype.JArray.of(flat))
    imp = java_class("ij.ImagePlus")(title, stack)
    imp.setDimensions(channels, slices, frames)
    imp.setOpenAsHyperStack(True)
    _put_calibration(imp, calibration)
    imp.resetDisplayRange()
    return imp


def _planes(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Give the planes in ImageJ's order: channels fastest, then slices, then frames."""
    frames, channels, slices, _, _ = array.shape
    for t in range(frames):
        for z in range(slices):
            for c in range(channels):
                yield array[t, c, z]


def _put_calibration(imp: Any, calibration: Calibration) -> None:
    target = imp.getCalibration()
    target.pixelWidth = calibration.dx
    target.pixelHeight = calibration.dy
    target.pixelDepth = calibration.dz
    target.setUnit(calibration.space_unit)
    target.frameInterval = calibration.dt
    target.setTimeUnit(calibration.time_unit)


def _read_calibration(imp: Any) -> Calibration:
    source = imp.getCalibration()
    interval = float(source.frameInterval)
    known = interval > 0
    return Calibration(
        dx=float(source.pixelWidth),
        dy=float(source.pixelHeight),
        dz=float(source.pixelDepth),
        dt=interval if known else 1.0,
        space_unit=str(source.getUnit()),
        time_unit=str(source.getTimeUnit()) if known else "frame",
    )
