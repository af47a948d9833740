"""A spot that a person adds: measured from the label under the mouse, or a ball."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.io.image_calibration import find_size
from btrackmate.measurement import MeasureSettings
from btrackmate.measurement.movie import measure_one_frame
from btrackmate.napari_plugin.model.opening import Opened


@dataclass(frozen=True)
class Pointer:
    """Where the mouse is.

    Parameters
    ----------
    frame : int
    point : (2 or 3,) ndarray of float
        [z,] y, x in the space unit.
    label : int
        Of the label image there, 0 for none.
    """

    frame: int
    point: NDArray[np.float64]
    label: int = 0


def measure_label(opened: Opened, frame: int, label: int) -> dict[str, Any]:
    """Measure one cell of the label image, as all others were measured.

    Returns
    -------
    dict
        position (x, y, z in the space unit), radius, and features: its other columns.

    Raises
    ------
    UserError
        If the label is not in that frame.
    """
    movie, ndim = opened.labels, opened.graph.spots.ndim
    if movie is None:
        msg = "there are no labels to take the cell from"
        raise UserError(msg)
    image = movie.labels(frame)
    where = np.nonzero(image == label)
    if not where[0].size:
        msg = f"{movie.path}: frame {frame} has no label {label}"
        raise UserError(msg)
    box = tuple(slice(int(one.min()), int(one.max()) + 1) for one in where)
    cell = np.where(image[box] == label, image[box], 0)
    grey = None
    if opened.image is not None and opened.image.shape[2:] == movie.shape[2:]:
        grey = np.stack([opened.image.region(frame, c, box) for c in range(opened.image.shape[1])])
    if ndim == 2:
        cell, grey = cell[0], None if grey is None else grey[:, 0]
    calibration = find_size(movie.stated, opened.graph.spots.calibration, is_table=True)
    settings = MeasureSettings()
    spots = measure_one_frame(frame, cell, grey, None, calibration, settings).spots
    row = spots.iloc[0].to_dict()
    corner = np.array([one.start for one in box][::-1])
    spacing = np.array([calibration.dx, calibration.dy, calibration.dz if ndim == 3 else 0.0])
    position = np.array([row.pop(name) for name in ("x", "y", "z")]) + corner * spacing
    known = set(opened.graph.spots.table.columns)
    return {
        "position": tuple(float(one) for one in position),
        "radius": float(row.pop("radius")),
        "features": {
            name: value
            for name, value in row.items()
            if name in known and name not in ("id", "frame", "time", "label", "touches_border")
        },
    }
