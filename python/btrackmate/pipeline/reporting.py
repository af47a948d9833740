"""Reports of run folders and of tracks of any origin."""

import logging
from contextlib import ExitStack
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.paths import explain_missing
from btrackmate.core.track_features import make_tracks_table
from btrackmate.core.watching import watch_inputs
from btrackmate.io.image_calibration import describe_taken
from btrackmate.io.images import Movie
from btrackmate.io.run_folder import REPORT, find_run_folder, name_run_movies
from btrackmate.io.track_formats import WRITTEN, is_tracks, name_format, name_inputs
from btrackmate.io.tracks_csv import write_table
from btrackmate.pipeline.calibrating import check_calibration, read_calibrated
from btrackmate.pipeline.inputs import RunInputs, open_calibrated, open_mask
from btrackmate.pipeline.settings import InputSettings
from btrackmate.report.data import ReportData, load_run, load_tracks, warn_of_changed, warn_of_gone
from btrackmate.report.html import write_report

_log = logging.getLogger(__name__)


def name_report(source: Path) -> Path:
    """Name the report of a run folder (in it) or of a file of tracks (beside it).

    Raises
    ------
    UserError
        If the source is neither.
    """
    found = name_format(source)
    if found is not None:
        return source.with_name(f"{found.stem(source)}.{REPORT}")
    if not source.is_dir():
        fault = "no run folder and no tracks"
        if source.is_symlink() and not source.exists():
            fault = explain_missing(source, "file or folder")
        msg = f"{source}: {fault}; expected a run folder or {WRITTEN}"
        raise UserError(msg)
    if is_tracks(source):
        return source.with_name(f"{source.name}.{REPORT}")
    return source / REPORT


def report_tracks(
    source: Path,
    output: Path,
    inputs: RunInputs,
    options: InputSettings,
    table: Path | None = None,
    *,
    overwrite: bool = True,
) -> None:
    """Write the report of a run folder or of tracks of any origin, and their table.

    Parameters
    ----------
    source : Path
        A run folder, .xml, .geff or .csv.
    output : Path
        The report.
    inputs : RunInputs
        Image, label images and tissue mask to show; a run folder and a TrackMate file name theirs
        where nothing else is given.
    options : InputSettings
        How these are read; tracks without a calibration have theirs.
    table : Path, optional
        Where the table of tracks goes, one row each.
    overwrite : bool
        Replace what stands there, even if it was made meanwhile.

    Raises
    ------
    UserError
        If the source is no run folder and no tracks, holds another calibration than the options
        say, or a movie does not fit.
    """
    with ExitStack() as stack:
        stack.enter_context(write_together(overwrite=overwrite))
        own = (*name_inputs(source), *name_run_movies(source))
        read = (*own, *inputs.paths().values())
        stack.enter_context(watch_inputs(*read))
        image = labels = mask = None
        if inputs.image is not None:
            image = stack.enter_context(open_calibrated(inputs.image, options))
        if inputs.labels is not None:
            labels = stack.enter_context(open_calibrated(inputs.labels, options, role="labels"))
        data = _load(source, options, image or labels)
        if image is None and labels is None and data.image_path is not None:
            image = _open_own_image(data, options)
        if inputs.mask is not None:
            beside = image or labels or data.image
            mask = stack.enter_context(open_mask(inputs.mask, beside, options))
        data = data.with_movies(image, labels, mask)
        shown = data.image or data.labels
        told = describe_taken(shown.stated, data.graph.spots.calibration) if shown else ""
        if told:
            _log.warning("%s: %s", source, told)
        warn_of_gone(data)
        run = find_run_folder(source) if is_tracks(source) else source
        if run is not None:
            warn_of_changed(data, run)
        write_report(output, data)
        if table is not None:
            write_table(table, make_tracks_table(data.graph, data.track_ids))


def _load(source: Path, options: InputSettings, movie: Movie | None) -> ReportData:
    if is_tracks(source):
        return load_tracks(source, lambda path: read_calibrated(path, options, movie))
    data = load_run(source)
    check_calibration(data.graph.spots, source, options)
    return data


def _open_own_image(data: ReportData, options: InputSettings) -> Movie | None:
    """Open the image that a TrackMate file names, where it is there and fits."""
    path = data.image_path
    if path is None or not path.is_file():
        return None
    try:
        movie = open_calibrated(path, options)
        data.with_movies(movie, None, None)
        if data.size is not None and movie.shape[2:] != data.size:
            msg = f"{path} has Z,Y,X {movie.shape[2:]}, the tracks were made in {data.size}"
            raise UserError(msg)
    except UserError as error:
        _log.warning("the image that the tracks name is not shown: %s", error)
        return None
    return movie
