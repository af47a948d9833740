"""One frame of labels and image → a table of cells."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import measure_radius
from btrackmate.core.words import option
from btrackmate.measurement.intensity import measure_intensity
from btrackmate.measurement.runs import LabelRuns, find_runs
from btrackmate.measurement.settings import MeasureSettings
from btrackmate.measurement.shape import measure_contact, measure_semi_axes


def measure_frame(
    labels: NDArray[Any],
    channels: NDArray[Any] | None,
    calibration: Calibration,
    settings: MeasureSettings | None = None,
    where: str = "frame 0",
) -> pd.DataFrame:
    """Measure every cell of one frame.

    Parameters
    ----------
    labels : (Z, Y, X) or (Y, X) ndarray of int, 0 is background
        Ids from 1 to 2³² − 1, as sparse as they like.
    channels : (C, Z, Y, X) or (C, Y, X) ndarray, optional
        Intensities of the same voxels, any integer or float type.
    calibration : Calibration
        Voxel size.
    settings : MeasureSettings, optional
        What is measured; its mask settings play no part here.
    where : str
        Which frame it is, for messages.

    Returns
    -------
    DataFrame
        One row a label, ascending by label, with the columns label, x, y, z, radius (of the ball
        or disc of equal volume), voxels, volume, quality (= voxels, as TrackMate's label image
        detector has it), ellipsoid_a ≥ b ≥ c, touches_border, and of each channel
        mean_intensity_ch1 and so on; by the settings also surface or perimeter, components (number
        of connected pieces) and the bounding box. Lengths in `calibration.space_unit`.

    Raises
    ------
    UserError
        If labels are not integers or not within the range, the image has another shape than the
        labels, or a value is NaN.
    """
    cells = find_runs(labels, f"labels, {where}")
    return measure_cells(cells, channels, calibration, settings or MeasureSettings(), where)


def measure_cells(
    cells: LabelRuns,
    channels: NDArray[Any] | None,
    calibration: Calibration,
    settings: MeasureSettings,
    where: str,
) -> pd.DataFrame:
    """Measure cells whose runs are known; see :func:`measure_frame`."""
    spacing = calibration.spacing(cells.ndim)
    volume = cells.voxels * calibration.voxel_volume(cells.ndim)
    columns: dict[str, NDArray[Any]] = {
        "label": cells.labels,
        "x": cells.centroid[:, 2] * calibration.dx,
        "y": cells.centroid[:, 1] * calibration.dy,
        "z": cells.centroid[:, 0] * (calibration.dz if cells.ndim == 3 else 0.0),
        "radius": measure_radius(volume, cells.ndim),
        "voxels": cells.voxels,
        "volume": volume,
        "quality": cells.voxels.astype(np.float64),
    }
    semi_axes = measure_semi_axes(cells, spacing)
    for name, values in zip("abc", semi_axes.T, strict=False):
        columns[f"ellipsoid_{name}"] = values
    if settings.surface:
        contact = measure_contact(cells, spacing)
        columns["surface" if cells.ndim == 3 else "perimeter"] = contact.surface
        columns["components"] = contact.components
    columns["touches_border"] = cells.touches_border.astype(np.int64)
    if settings.bounding_box:
        columns |= _box_columns(cells)
    if channels is not None:
        columns |= _intensity_columns(cells, channels, settings.median, where)
    return pd.DataFrame({name: values[cells.order] for name, values in columns.items()})


def _box_columns(cells: LabelRuns) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for axis, letter in reversed(list(enumerate("zyx"))):
        if letter != "z" or cells.ndim == 3:
            columns[f"box_min_{letter}"] = cells.box.first[:, axis]
            columns[f"box_max_{letter}"] = cells.box.last[:, axis]
    return columns


def _intensity_columns(
    cells: LabelRuns, channels: NDArray[Any], median: bool, where: str
) -> dict[str, NDArray[Any]]:
    if channels.shape[1:] != cells.shape:
        msg = f"image, {where}: shape {channels.shape}, expected (channels, "
        msg += f"{', '.join(str(n) for n in cells.shape)}) as the labels have shape {cells.shape}; "
        msg += f"check that both are of one movie, and {option('axes')}"
        raise UserError(msg)
    columns: dict[str, NDArray[Any]] = {}
    for number, channel in enumerate(channels, start=1):
        place = f"image, {where}, channel {number}"
        statistics = measure_intensity(cells, channel, median=median, where=place)
        columns |= {f"{kind}_intensity_ch{number}": v for kind, v in statistics.items()}
    return columns
