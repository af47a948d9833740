"""Microscope vendors' files, through bioio and its plugins (extra ``formats``)."""

import importlib
import importlib.util
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError, describe_error
from btrackmate.io.frame_source import Scale

_log = logging.getLogger(__name__)

#: Scenes that a message names.
_SHOWN = 5
#: What the extra ``formats`` brings.
_IN_EXTRA = ("bioio-nd2", "bioio-czi", "bioio-lif", "bioio-tifffile")
_BIOFORMATS = "bioio-bioformats (needs Java)"
#: Suffixes of vendors' files, and the plugin of bioio that reads each; others are not tried.
VENDOR_SUFFIXES = {
    ".nd2": "bioio-nd2",
    ".czi": "bioio-czi",
    ".lif": "bioio-lif",
    ".dv": "bioio-dv",
    ".sld": "bioio-sldy",
    ".lsm": "bioio-tifffile",
} | dict.fromkeys((".ims", ".oib", ".oif", ".oir", ".vsi", ".mrc"), _BIOFORMATS)
#: What to do about files that hold images, or cells, in a way that is not read here.
OTHER_FORMATS = dict.fromkeys(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".avi", ".mp4", ".mov"),
    "open it in Fiji and save it as TIFF",
) | {
    ".h5": "save the data set as TIFF or OME-Zarr, e.g. from napari, ilastik or Fiji",
    ".hdf5": "save the data set as TIFF or OME-Zarr, e.g. from napari, ilastik or Fiji",
    ".npy": "save the array as TIFF: tifffile.imwrite(path, array, metadata={'axes': 'TZYX'})",
    ".npz": "save the array as TIFF: tifffile.imwrite(path, array, metadata={'axes': 'TZYX'})",
    ".xlsx": "save the sheet as CSV (UTF-8)",
    ".xls": "save the sheet as CSV (UTF-8)",
    ".json": "convert it to a CSV of cells or a TrackMate XML",
    ".zip": "unpack it",
    ".roi": "give a label image, or a TrackMate XML",
}


class VendorSource:
    """The first scene of a vendor's file; bioio gives it as T, C, Z, Y, X.

    Parameters
    ----------
    path : Path
        File to open.

    Raises
    ------
    UserError
        If bioio or the plugin for this format is missing, or the file is not readable.

    References
    ----------
    bioio, https://bioio-devs.github.io/bioio
    """

    kind = "vendor file"
    axes = "TCZYX"

    def __init__(self, path: Path) -> None:
        self._path = path
        suffix = path.suffix.lower()
        plugin = VENDOR_SUFFIXES[suffix]
        try:
            bioio = importlib.import_module("bioio")
        except ImportError:
            raise UserError(_advise(path, plugin, "needs bioio")) from None
        try:
            self._image = bioio.BioImage(path)
            self.shape = tuple(int(self._image.dims[letter][0]) for letter in self.axes)
            self.dtype: np.dtype[Any] = np.dtype(self._image.dtype)
            self.scale = self._read_scale()
        # Each of bioio's plugins raises classes of its own; all mean that this file is not read.
        except Exception as error:
            if importlib.util.find_spec(plugin.split()[0].replace("-", "_")) is None:
                raise UserError(_advise(path, plugin, f"needs {plugin}")) from error
            raise UserError(self._describe_fault(error)) from error
        scenes = [str(scene) for scene in self._image.scenes]
        if len(scenes) > 1:
            _log.warning(
                "%s holds %d scenes (%s); the first one is read: save another one as OME-TIFF "
                "(Fiji does) to have it",
                path, len(scenes), ", ".join(scenes[:_SHOWN]) + (", …" if scenes[_SHOWN:] else ""),
            )  # fmt: skip

    def read(self, axis: int | None, index: int) -> NDArray[Any]:
        """Read one part of the image (see :class:`FrameSource`)."""
        letter = "" if axis is None else self.axes[axis]
        return self._fetch(self.axes.replace(letter, ""), {letter: index} if letter else {})

    def read_part(self, where: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part of the image (see :class:`FrameSource`)."""
        placed = list(zip(self.axes, where, strict=True))
        letters = "".join(letter for letter, at in placed if isinstance(at, slice))
        part = self._fetch(letters, {letter: at for letter, at in placed if isinstance(at, int)})
        return part[tuple(at for at in where if isinstance(at, slice))]

    def _fetch(self, letters: str, fixed: dict[str, int]) -> NDArray[Any]:
        """Let the plugin read the axes `letters`; the others are at `fixed`."""
        try:
            return np.asarray(self._image.get_image_data(letters, **fixed))
        except Exception as error:
            raise UserError(self._describe_fault(error)) from error

    def _describe_fault(self, error: Exception) -> str:
        plugin = VENDOR_SUFFIXES[self._path.suffix.lower()]
        reason = describe_error(error).partition(". ")[0]
        return f"{self._path}: {plugin} cannot read it ({reason}); save it as OME-TIFF in Fiji"

    def close(self) -> None:
        """Do nothing: bioio opens the file for each read."""

    def _read_scale(self) -> Scale:
        sizes = self._image.physical_pixel_sizes
        dx, dy, dz = (size if size and size > 0 else None for size in (sizes.X, sizes.Y, sizes.Z))
        dt = self._read_interval() if self.shape[0] > 1 else None
        if self._path.suffix.lower() == ".nd2":
            # Nikon's files give 1 for what is not calibrated, and the plugin passes it on.
            known_x, _, known_z = _read_nd2(self._path, _read_calibrated) or (True, True, True)
            dx, dy, dz = (dx, dy, dz if known_z else None) if known_x else (None, None, None)
        return Scale(dx, dy, dz, dt, "µm" if dx else None, "sec" if dt else None)

    def _read_interval(self) -> float | None:
        """Read the time between frames in seconds: what is stated, else that of their times."""
        interval = self._image.time_interval or 0.0
        # A timedelta, or seconds in some plugins.
        stated = float(getattr(interval, "total_seconds", lambda: interval)())
        if stated > 0:
            return stated
        suffix = self._path.suffix.lower()
        if suffix == ".czi":
            return _read_positive(self._image.metadata.findtext(_CZI_INTERVAL))
        times: list[float] = []
        if suffix == ".lif":  # The plugin gives the times of frames, and not their interval.
            times = list(self._image.xarray_dask_data.coords.get("T", []))
        elif suffix == ".nd2":  # "No delay": the interval is 0, and the frames have their times.
            times = _read_nd2(self._path, _read_times) or []
        return _find_step(times)


#: Seconds between frames in the metadata of Zeiss.
_CZI_INTERVAL = "Metadata/Information/Image/Dimensions/T/Positions/Interval/Increment"
#: Steps of time that differ from their mean by this part are no steps of a movie.
_UNEVEN = 0.1


def _read_positive(text: str | None) -> float | None:
    """Read a number; None where there is none above 0."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _find_step(times: list[float]) -> float | None:
    """Give the mean step of times that go on evenly, else None."""
    steps = np.diff(np.asarray(times, np.float64))
    if not len(steps) or not (steps > 0).all():
        return None
    mean = float(steps.mean())
    return mean if (np.abs(steps - mean) <= _UNEVEN * mean).all() else None


def _read_nd2(path: Path, read: Callable[[Any], list[Any]]) -> list[Any] | None:
    """Read what bioio's plugin leaves out by the reader that it is made of; None if it can't."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with importlib.import_module("nd2").ND2File(path) as file:
                return read(file)
        except Exception:  # Old files have other metadata; their pixels are read all the same.
            return None


def _read_calibrated(file: Any) -> list[bool]:
    """Tell for x, y and z whether an ND2 states how large pixels are."""
    return list(file.metadata.channels[0].volume.axesCalibrated)


def _read_times(file: Any) -> list[float]:
    """List the times of an ND2's frames (their first slices) in seconds."""
    firsts: dict[int, int] = {}
    for number, place in enumerate(file.loop_indices):
        if place.get("P", 0) == 0:
            firsts.setdefault(place.get("T", 0), number)
    read = file.frame_metadata
    return [read(number).channels[0].time.relativeTimeMs / 1000 for number in firsts.values()]


def _advise(path: Path, plugin: str, needed: str) -> str:
    extra = "'btrackmate[formats]'" if plugin in _IN_EXTRA else f"bioio {plugin.split()[0]}"
    return (
        f"{path}: reading {path.suffix} files {needed}: pip install {extra}, or save the image as "
        "OME-TIFF in Fiji"
    )
