"""The calibration of tracks and tables of cells, and what the options say of it."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots, measure_radius
from btrackmate.core.words import option
from btrackmate.io.image_calibration import (
    Known,
    Stated,
    convert_size,
    list_differences,
    states_size,
)
from btrackmate.io.run_folder import is_run_folder
from btrackmate.io.spots_csv import CsvOptions
from btrackmate.io.track_formats import Tracks, find_source_format, read_tracks
from btrackmate.io.units import normalise_space_unit, normalise_time_unit
from btrackmate.pipeline.settings import InputSettings

if TYPE_CHECKING:
    from btrackmate.io.images import Movie  # loads zarr

_log = logging.getLogger(__name__)


def make_calibration(options: InputSettings) -> Calibration:
    """Make the calibration that the options give, 1 pixel and 1 frame where they do not."""
    start = Calibration(
        space_unit="µm" if options.voxel_size else "pixel",
        time_unit="sec" if options.dt else "frame",
    )
    return _fill_in(start, options)


def state_calibration(spots: Spots, source: Path) -> Stated:
    """Say what spots state of their calibration."""
    calibration = spots.calibration
    real = calibration.space_unit != "pixel"
    known = Known(real, real, calibration.time_unit != "frame")
    return Stated(source, calibration, known, spots.ndim, spots.n_frames)


def read_calibrated(source: Path, options: InputSettings, movie: "Movie | None" = None) -> Tracks:
    """Read tracks; those of a format without calibration get the one that the options say.

    Parameters
    ----------
    source : Path
        See :func:`read_tracks`.
    options : InputSettings
        Of a table also its units, and what to do with bad rows.
    movie : Movie, optional
        The image, or labels, that they were made of: a table has its calibration.

    Raises
    ------
    UserError
        If the tracks are damaged, have another calibration of their own, or are in pixels and no
        voxel size is known.
    """
    format_ = None if is_run_folder(source) else find_source_format(source)
    if format_ is None or format_.calibrated:
        graph, document = read_tracks(source)
        return _take_size(graph, source, options), document
    size, step_known = make_calibration(options), options.dt is not None
    if movie is not None and movie.known.size:
        size, step_known = movie.calibration, step_known or movie.known.time
    if not format_.in_voxels:
        table = make_table_options(source, options, size, step_known=step_known)
        return read_tracks(source, size, table)
    graph, document = read_tracks(source)
    return _size_voxels(graph, size) if _gives_calibration(options) else graph, document


def _take_size(graph: TrackGraph, source: Path, options: InputSettings) -> TrackGraph:
    """Give tracks that state a unit and no voxel size the one of the options."""
    spots, rest = graph.spots, options.model_copy(update={"voxel_size": None})
    own = spots.calibration
    if options.voxel_size is None or own.space_unit == "pixel" or states_size(own, spots.ndim):
        check_calibration(spots, source, options)
        return graph
    check_calibration(spots, source, rest)
    return graph.with_spots(spots.with_calibration(_fill_in(own, options)))


def make_table_options(
    path: Path, options: InputSettings, calibration: Calibration, *, step_known: bool
) -> CsvOptions:
    """Say how a table of cells is read, of which an image need not be there.

    Raises
    ------
    UserError
        If it is said to be in pixels, and the calibration knows no voxel size.
    """
    if options.csv_units == "pixels" and calibration.space_unit == "pixel":
        msg = f"{path}: its positions are in pixels, but no voxel size is known; give "
        msg += f"{option('voxel_size', 'Z,Y,X')}, or the image"
        raise UserError(msg)
    return CsvOptions(
        units=options.csv_units,
        skip_bad_rows=options.skip_bad_rows,
        time=options.csv_time,
        step_known=step_known,
    )


def _size_voxels(graph: TrackGraph, size: Calibration) -> TrackGraph:
    """Give tracks whose positions are in voxels a calibration."""
    spots = graph.spots
    volume = spots.feature("voxels") * size.voxel_volume(spots.ndim)
    places = spots.table[["x", "y", "z"]] * [size.dx, size.dy, size.dz]
    table = spots.table.assign(**places, radius=measure_radius(volume, spots.ndim))
    return graph.with_spots(replace(spots, table=table).with_calibration(size))


def check_calibration(spots: Spots, source: Path, options: InputSettings) -> None:
    """Refuse options that say another calibration than the one that tracks hold.

    Raises
    ------
    UserError
        One line.
    """
    if not _gives_calibration(options):
        return
    known = Known(size=True, depth=True, time=True)
    own = Stated(source, spots.calibration, known, spots.ndim, 2)
    differences = list_differences(
        own, own._replace(calibration=_fill_in(spots.calibration, options))
    )
    if differences:
        msg = f"{source} holds its own calibration, and the options say another: "
        msg += f"{', '.join(differences)}; leave {option('voxel_size')}, {option('dt')} and their "
        msg += "units out, or make a .csv of it first, which takes them"
        if spots.calibration.space_unit == "pixel":
            msg += f", with {option('csv_units', 'pixels')}"
        raise UserError(msg)


def rename_calibration(
    calibration: Calibration, source: Path, options: InputSettings
) -> Calibration:
    """Give tracks the time step and the units that the options say, instead of their own.

    Parameters
    ----------
    calibration : Calibration
        Of the tracks.
    source : Path
        The file or folder that they come from.
    options : InputSettings
        Its voxel size is not that of tracks.

    Raises
    ------
    UserError
        If a unit is named that is not the tracks' own: no position and no time is converted.
    """
    changed = _fill_in(calibration, options.model_copy(update={"voxel_size": None}))
    if options.dt is not None and options.time_unit is None and calibration.time_unit == "frame":
        changed = replace(changed, time_unit="sec")
    own, said = calibration.space_unit, changed.space_unit
    if own not in ("pixel", said):
        msg = f"{source}: its positions are in {own}, and are not converted to {said}; leave "
        msg += f"{option('space_unit')} out"
        raise UserError(msg)
    own, said = calibration.time_unit, changed.time_unit
    if options.dt is None and own not in ("frame", said):
        msg = f"{source}: its times are in {own}, and are not converted to {said}; leave "
        msg += f"{option('time_unit')} out, or give {option('dt')} in {said} too"
        raise UserError(msg)
    before, after = f"{calibration.dt:g} {own}", f"{changed.dt:g} {said}"
    if own != "frame" and before != after:
        _log.warning(
            "%s: %s replaces its own time between frames, %s, by %s",
            source, option("dt"), before, after,
        )  # fmt: skip
    return changed


def find_mask_size(mask: "Movie", tracks: Calibration) -> Calibration:
    """Give a mask's voxel size in the unit of tracks; that of the tracks where it states none.

    Raises
    ------
    UserError
        If the one cannot be told in the unit of the other.
    """
    size = mask.calibration
    if not mask.known.size:
        return tracks
    found = convert_size(size, tracks.space_unit)
    if found is not None:
        return found
    if "pixel" not in (size.space_unit, tracks.space_unit):
        msg = f"{mask.path}: is in {size.space_unit}, and the tracks are in {tracks.space_unit}: "
        msg += f"give its voxel size in {tracks.space_unit} ({option('voxel_size', 'Z,Y,X')})"
        raise UserError(msg)
    _log.warning(
        "%s is in %s, and the tracks in %s: the tracks' positions are taken as %s",
        mask.path, size.space_unit, tracks.space_unit, size.space_unit,
    )  # fmt: skip
    return size


def _gives_calibration(options: InputSettings) -> bool:
    given = (options.voxel_size, options.space_unit, options.dt, options.time_unit)
    return any(value is not None for value in given)


def _fill_in(calibration: Calibration, options: InputSettings) -> Calibration:
    """Put what the options give in the place of what there is."""
    given: dict[str, Any] = {}
    if options.voxel_size:
        names = ("dz", "dy", "dx")[-len(options.voxel_size) :]
        given |= dict(zip(names, options.voxel_size, strict=True))
    if options.space_unit:
        given["space_unit"] = normalise_space_unit(options.space_unit)
    if options.dt:
        given["dt"] = options.dt
    if options.time_unit:
        given["time_unit"] = normalise_time_unit(options.time_unit)
    return replace(calibration, **given)
