"""TIFF files of the samples: ImageJ hyperstacks with calibration."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError

_UNITS = {"µm": "um", "min": "min", "s": "sec"}


def write_stack(path: Path, array: NDArray[Any], calibration: Calibration) -> None:
    """Write a compressed ImageJ hyperstack.

    Parameters
    ----------
    path : Path
        File to write; replaced if it exists.
    array : ([T,] Z, Y, X) ndarray of uint8 or uint16
        Image or labels.
    calibration : Calibration
        Voxel size and, for movies, time step.

    Raises
    ------
    UserError
        If the array has another type or number of dimensions.
    """
    if array.dtype not in (np.uint8, np.uint16) or array.ndim not in (3, 4):
        msg = f"{path}: cannot write {array.dtype} of shape {array.shape} as an ImageJ "
        msg += "hyperstack; expected uint8 or uint16, ([T,] Z, Y, X)"
        raise UserError(msg)
    metadata: dict[str, Any] = {
        "axes": "TZYX"[4 - array.ndim :],
        "spacing": calibration.dz,
        "unit": _UNITS.get(calibration.space_unit, calibration.space_unit),
    }
    if array.ndim == 4:
        metadata["finterval"] = calibration.dt
        metadata["tunit"] = _UNITS.get(calibration.time_unit, calibration.time_unit)
    tifffile.imwrite(
        path,
        array,
        imagej=True,
        compression="zlib",
        compressionargs={"level": 9},
        predictor=False,
        resolution=(1 / calibration.dx, 1 / calibration.dy),
        metadata=metadata,
        software="BTrackMate",
        datetime=None,
    )


def read_stack(path: Path) -> NDArray[Any]:
    """Read the array of a file that `write_stack` wrote."""
    return np.asarray(tifffile.imread(path))
