"""Microscope vendors' files, through bioio and its plugins (extra ``formats``)."""

import importlib
import importlib.util
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError, describe_error
from btrackmate.io.frame_source import Scale

_log = logging.getLogger(__name__)

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
        scenes = len(self._image.scenes)
        if scenes > 1:
            _log.warning("%s holds %d scenes; the first one is read", path, scenes)

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
        # A timedelta, or seconds in some plugins.
        interval = self._image.time_interval or 0.0
        dt = float(getattr(interval, "total_seconds", lambda: interval)()) or None
        unit = "µm" if sizes.X else None
        return Scale(sizes.X, sizes.Y, sizes.Z, dt, unit, "sec" if dt else None)


def _advise(path: Path, plugin: str, needed: str) -> str:
    extra = "'btrackmate[formats]'" if plugin in _IN_EXTRA else f"bioio {plugin.split()[0]}"
    return (
        f"{path}: reading {path.suffix} files {needed}: pip install {extra}, or save the image as "
        "OME-TIFF in Fiji"
    )
