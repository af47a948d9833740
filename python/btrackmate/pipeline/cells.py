"""Cells from a CSV or from tracks, with the tissue mask's say."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.io.spots_csv import CsvOptions, read_spots_csv
from btrackmate.io.units import normalise_space_unit, normalise_time_unit
from btrackmate.measure.settings import MaskSettings, MeasureSettings
from btrackmate.pipeline.linking import join_tables
from btrackmate.pipeline.settings import InputSettings, RunSettings

if TYPE_CHECKING:
    from btrackmate.io.images import Movie


def read_cells(path: Path, options: InputSettings, image: "Movie | None" = None) -> Spots:
    """Read a CSV of cells.

    Parameters
    ----------
    path : Path
    options : InputSettings
        Calibration, units and what to do with bad rows.
    image : Movie, optional
        Gives calibration, dimensions and length of the movie.

    Raises
    ------
    UserError
        If the table is wrong, or is in pixels and no voxel size is known.
    """
    if image is None and options.csv_units == "pixels" and options.voxel_size is None:
        msg = f"{path}: its positions are in pixels, but no voxel size is known; give --voxel-size "
        msg += "Z,Y,X, or the image"
        raise UserError(msg)
    calibration = image.calibration if image is not None else make_calibration(options)
    csv = CsvOptions(
        units=options.csv_units,
        skip_bad_rows=options.skip_bad_rows,
        ndim=image.ndim if image is not None else None,
        n_frames=image.n_frames if image is not None else None,
    )
    return read_spots_csv(path, calibration, csv).spots


def make_calibration(options: InputSettings) -> Calibration:
    """Make the calibration that the options give, 1 pixel and 1 frame where they do not."""
    dz, dy, dx = options.voxel_size or (1.0, 1.0, 1.0)
    space = options.space_unit or ("µm" if options.voxel_size else "pixel")
    time = options.time_unit or ("sec" if options.dt else "frame")
    return Calibration(
        dx, dy, dz, options.dt or 1.0, normalise_space_unit(space), normalise_time_unit(time)
    )


def mask_cells(
    spots: Spots, settings: RunSettings, image: "Movie | None", mask: Path | None
) -> tuple[Spots, pd.DataFrame]:
    """Let the tissue mask decide on cells without labels, by the voxel under their position.

    Parameters
    ----------
    spots : Spots
    settings : RunSettings
        Its mask policy; left at its default it is ``centroid`` here.
    image : Movie, optional
        Whose shape the mask must fit.
    mask : Path, optional

    Returns
    -------
    spots : Spots
    dropped : DataFrame
    """
    if mask is None:
        return spots, join_tables([])
    from btrackmate.measure.tissue import mask_spots
    from btrackmate.pipeline.inputs import MovieFrames, open_mask

    measure = settings.measure
    if "policy" not in measure.mask.model_fields_set:
        policy = MaskSettings(policy="centroid", tissues=measure.mask.tissues)
        measure = MeasureSettings(
            mask=policy,
            boundary_distance=measure.boundary_distance,
            border_is_surface=measure.border_is_surface,
        )
    with open_mask(mask, image) as movie:
        return mask_spots(spots, MovieFrames(movie, spots.ndim), measure)
