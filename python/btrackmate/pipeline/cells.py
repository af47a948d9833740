"""Cells from a CSV or from tracks, with the tissue mask's say."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from btrackmate.core.spots import Spots
from btrackmate.core.words import option
from btrackmate.io.image_calibration import (
    complete_calibration,
    convert_size,
    warn_of_difference,
    warn_of_unknown,
)
from btrackmate.io.shown_tracks import find_hidden
from btrackmate.io.spots_csv import CsvOptions, read_spots_csv
from btrackmate.io.time_steps import warn_of_steps
from btrackmate.io.track_formats import TRACK_ENDINGS, read_tracks
from btrackmate.io.tracked_table import leave_tracks_out
from btrackmate.io.trackmate import TrackMateDocument
from btrackmate.measurement.settings import MaskSettings, MeasureSettings
from btrackmate.pipeline.calibrating import (
    check_calibration,
    make_calibration,
    make_table_options,
    state_calibration,
)
from btrackmate.pipeline.linking import join_tables
from btrackmate.pipeline.settings import InputSettings, RunSettings

if TYPE_CHECKING:
    from btrackmate.io.images import Movie

_log = logging.getLogger(__name__)


def open_beside(
    image: Path | None, mask: Path | None, options: InputSettings
) -> "tuple[Movie | None, Movie | None]":
    """Open the image and the tissue mask of cells that come from a table or from tracks.

    Parameters
    ----------
    image, mask : Path, optional
    options : InputSettings

    Returns
    -------
    image, mask : Movie or None
        The image's calibration is completed by the mask's.

    Raises
    ------
    UserError
        If one cannot be opened, or the mask does not fit the image.
    """
    if image is None and mask is None:
        return None, None
    from btrackmate.pipeline.inputs import open_calibrated, open_mask, warn_of_one_frame

    movie = open_calibrated(image, options) if image is not None else None
    tissue = open_mask(mask, movie, options) if mask is not None else None
    if movie is not None:
        warn_of_one_frame(movie)
        movie = complete_calibration(movie, [] if tissue is None else [tissue])
        warn_of_unknown(movie)
    return movie, tissue


def read_cells(
    path: Path, options: InputSettings, image: "Movie | None" = None, mask: "Movie | None" = None
) -> Spots:
    """Read a table of cells, or those that a file of tracks shows.

    Parameters
    ----------
    path : Path
        CSV, or .xml, .xml.gz or .geff.
    options : InputSettings
        Of a table: calibration, units and what to do with bad rows.
    image : Movie, optional
        Gives calibration, dimensions and length of the movie.
    mask : Movie, optional
        Gives the voxel size where neither options nor image do.

    Raises
    ------
    UserError
        If the table is wrong, or is in pixels and no voxel size is known.
    """
    if path.name.lower().endswith(TRACK_ENDINGS):
        spots = read_tracked_cells(path, options, image)[0]
        _warn_of_outside(spots, image or mask, path)
        return spots
    calibration = image.calibration if image is not None else make_calibration(options)
    if mask is not None and mask.known.size and image is None and options.voxel_size is None:
        found = mask.calibration
        calibration = replace(
            calibration, dx=found.dx, dy=found.dy, dz=found.dz, space_unit=found.space_unit
        )
        _log.info("%s: no voxel size is given; that of %s is taken", path, mask.path)
    if image is None:
        step_known = options.dt is not None
        csv = make_table_options(path, options, calibration, step_known=step_known)
    else:
        csv = CsvOptions(
            options.csv_units, options.skip_bad_rows, image.ndim, image.n_frames, options.csv_time
        )
    spots = read_spots_csv(path, calibration, csv).spots
    _warn_of_outside(spots, image or mask, path)
    return leave_tracks_out(spots, path)


def _warn_of_outside(spots: Spots, movie: "Movie | None", path: Path) -> None:
    """Say in the log how many cells lie more than a voxel outside their movie."""
    if movie is None or not len(spots):
        return
    size = convert_size(movie.calibration, spots.calibration.space_unit) or movie.calibration
    voxel = np.array(size.spacing(spots.ndim)[::-1])
    voxels = np.array(movie.shape[-spots.ndim :][::-1])
    ends = np.where(voxels == 1, np.inf, voxels * voxel)  # A mask may have one slice for all.
    places = spots.positions[:, : spots.ndim]
    outside = ((places < -voxel) | (places > ends)).any(axis=1)
    if outside.any():
        _log.warning(
            "%s: %d of %d cells lie outside %s, which ends at x, y%s = %s %s: are the positions in "
            "pixels (%s), in another unit, or of another movie?",
            path, int(outside.sum()), len(spots), movie.path, ", z" if spots.ndim == 3 else "",
            ", ".join(f"{end:g}" for end in ends), spots.calibration.space_unit,
            option("csv_units", "pixels"),
        )  # fmt: skip


def read_tracked_cells(
    path: Path, options: InputSettings, image: "Movie | None" = None
) -> tuple[Spots, Spots | None, TrackMateDocument | None]:
    """Read the spots of a file of tracks.

    Parameters
    ----------
    path : Path
        .xml, .xml.gz or .geff.
    options : InputSettings
        Without an image: their calibration must be that of the file, if they give one.
    image : Movie, optional
        The log warns where its calibration is another.

    Returns
    -------
    spots : Spots
        Those that it shows.
    hidden : Spots or None
        Those that it hides: TrackMate's trackers do not see what its spot filters hide.
    document : TrackMateDocument or None
        The rest of a TrackMate file.

    Raises
    ------
    UserError
        If the options say another calibration, which nothing would heed.
    """
    graph, document = read_tracks(path)
    spots = graph.spots
    warn_of_steps(spots.occupied_frames, str(path), "write the number of the frame in its FRAME")
    if image is not None:
        warn_of_difference(state_calibration(spots, path), image.stated)
    else:
        check_calibration(spots, path, options)
    if document is None or not (hidden := find_hidden(spots)).any():
        return spots, None, document
    _log.info(
        "%s: %d of its spots are hidden (by its filters): they are not linked, as in TrackMate",
        path, int(hidden.sum()),
    )  # fmt: skip
    return spots.take(~hidden), spots.take(hidden), document


def mask_cells(
    spots: Spots, settings: RunSettings, mask: "Movie | None", source: Path
) -> tuple[Spots, pd.DataFrame]:
    """Let the tissue mask decide on cells without labels, by the voxel under their position.

    Parameters
    ----------
    spots : Spots
    settings : RunSettings
        Its mask policy; left at its default it is ``centroid`` here.
    mask : Movie, optional
    source : Path
        Where the spots come from, for messages.

    Returns
    -------
    spots : Spots
    dropped : DataFrame
    """
    if mask is None:
        return spots, join_tables([])
    from btrackmate.measurement.tissue import mask_spots
    from btrackmate.pipeline.inputs import MovieFrames

    measure = settings.measure
    if "policy" not in measure.mask.model_fields_set:
        policy = MaskSettings(policy="centroid", tissues=measure.mask.tissues)
        measure = MeasureSettings(
            mask=policy,
            boundary_distance=measure.boundary_distance,
            border_is_surface=measure.border_is_surface,
        )
    warn_of_difference(state_calibration(spots, source), mask.stated)
    return mask_spots(spots, MovieFrames(mask, spots.ndim), measure)
