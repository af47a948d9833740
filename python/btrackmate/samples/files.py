"""TIFF files of the samples: ImageJ hyperstacks with calibration."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.io.images import open_movie

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


def read_stack(path: Path) -> tuple[NDArray[Any], Calibration]:
    """Read an image or labels of one channel.

    Parameters
    ----------
    path : Path
        Any file that `open_movie` reads.

    Returns
    -------
    array : ([T,] Z, Y, X) ndarray
        With T if the file has a time axis.
    calibration : Calibration
        What the file says.

    Raises
    ------
    UserError
        If the file is missing or no image.
    """
    with open_movie(path) as movie:
        frames = [movie.frame(t)[0] for t in range(movie.n_frames)]
        return np.stack(frames) if "T" in movie.axes else frames[0], movie.calibration
