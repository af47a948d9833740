"""Tiny movies that several test folders write and read."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.io.labels import LabelStore, remove_markers
from btrackmate.io.units import NgffVersion


def write_imagej(path: Path, array: NDArray[np.generic], axes: str) -> Path:
    """Write an ImageJ hyperstack of 0.5 × 0.5 × 2 µm voxels and 3 min frames."""
    tifffile.imwrite(
        path,
        array,
        imagej=True,
        resolution=(2.0, 2.0),
        metadata={"axes": axes, "unit": "um", "spacing": 2.0, "finterval": 3.0, "tunit": "min"},
    )
    return path


def write_store(path: Path, labels: NDArray[np.generic], version: NgffVersion = "0.4") -> Path:
    """Write a finished OME-Zarr of label images, calibrated as the hyperstack is."""
    size = Calibration(0.5, 0.5, 2.0, 3.0, "µm", "min")
    store = LabelStore.open(path, labels.shape, size, version=version)
    for t, frame in enumerate(labels):
        store.write(t, frame)
    remove_markers(path)
    return path


def dividing_cells(n_frames: int = 6) -> NDArray[np.uint16]:
    """Give labels of a cell that divides in frame 3 and of one that stays, (T, 6, 24, 24).

    ```
    frame 0-2          frame 3-5
    . 1 1 .  . .       1 1 . 2 2   (along x, at y 4-7)
    7 7 7 (at y 16-19) 7 7 7
    ```
    """
    movie = np.zeros((n_frames, 6, 24, 24), np.uint16)
    for t in range(n_frames):
        if t < 3:
            movie[t, 1:4, 4:8, 8 + t : 12 + t] = 1
        else:
            movie[t, 1:4, 4:8, 10 - t : 13 - t] = 1
            movie[t, 1:4, 4:8, 11 + t : 14 + t] = 2
        movie[t, 1:4, 16:20, 4:8] = 7
    return movie
