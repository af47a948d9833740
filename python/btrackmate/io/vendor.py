"""Microscope vendors' files, through bioio and its plugins (extra ``formats``)."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.io.frame_source import Scale

#: Suffixes that bioio's plugins read; others are not tried.
VENDOR_SUFFIXES = frozenset(
    (".nd2", ".czi", ".lif", ".ims", ".dv", ".oib", ".oif", ".oir", ".lsm", ".vsi", ".sld", ".mrc")
)


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
        try:
            bioio = importlib.import_module("bioio")
        except ImportError:
            msg = f"{path}: reading {path.suffix} files needs bioio: "
            msg += "pip install 'btrackmate[formats]' and the bioio plugin for this format, "
            msg += "or save the image as OME-TIFF in Fiji"
            raise UserError(msg) from None
        try:
            self._image = bioio.BioImage(path)
            self.shape = tuple(int(self._image.dims[letter][0]) for letter in self.axes)
            self.dtype: np.dtype[Any] = np.dtype(self._image.dtype)
            self.scale = self._read_scale()
        # Each of bioio's plugins raises classes of its own; all mean that this file is not read.
        except Exception as error:
            reason = " ".join(str(error).split()).partition(". ")[0]
            msg = f"{path}: bioio cannot read it ({reason}); install the bioio plugin for "
            msg += f"{path.suffix}, or save the image as OME-TIFF in Fiji"
            raise UserError(msg) from error

    def read(self, axis: int | None, index: int) -> NDArray[Any]:
        """Read one part of the image (see :class:`FrameSource`)."""
        if axis is None:
            return np.asarray(self._image.get_image_data(self.axes))
        letter = self.axes[axis]
        rest = self.axes.replace(letter, "")
        return np.asarray(self._image.get_image_data(rest, **{letter: index}))

    def read_part(self, where: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part of the image (see :class:`FrameSource`)."""
        letters = [letter for letter, at in zip(self.axes, where, strict=True)
                   if isinstance(at, slice)]  # fmt: skip
        fixed = {
            letter: at for letter, at in zip(self.axes, where, strict=True) if isinstance(at, int)
        }
        part = np.asarray(self._image.get_image_data("".join(letters), **fixed))
        return part[tuple(at for at in where if isinstance(at, slice))]

    def close(self) -> None:
        """Do nothing: bioio opens the file for each read."""

    def _read_scale(self) -> Scale:
        sizes = self._image.physical_pixel_sizes
        # A timedelta, or seconds in some plugins.
        interval = self._image.time_interval or 0.0
        dt = float(getattr(interval, "total_seconds", lambda: interval)()) or None
        unit = "µm" if sizes.X else None
        return Scale(sizes.X, sizes.Y, sizes.Z, dt, unit, "sec" if dt else None)
