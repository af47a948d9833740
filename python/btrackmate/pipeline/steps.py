"""The steps of a run from labels on, each by itself: measuring, linking, pruning.

What opens images is imported by the functions that do: tracks and tables need none of it.
"""

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.io.convert import read_tracks, write_tracks
from btrackmate.io.run_folder import is_run_folder
from btrackmate.io.trackmate import Session
from btrackmate.pipeline.cells import mask_cells, read_cells
from btrackmate.pipeline.linking import (
    Linker,
    LinkingResult,
    join_tables,
    link_and_prune,
    list_pruned,
    log_pruning,
    make_session,
)
from btrackmate.pipeline.settings import RunSettings
from btrackmate.tracking.engine import track
from btrackmate.tracking.pruning import prune
from btrackmate.tracking.settings import PruneSettings

if TYPE_CHECKING:
    from btrackmate.measure import MeasureResult
    from btrackmate.pipeline.inputs import OpenInputs


def measure_labels(
    labels: Path,
    settings: RunSettings,
    *,
    image: Path | None = None,
    mask: Path | None = None,
    progress: Progress = ignore_progress,
) -> "MeasureResult":
    """Measure the cells of a label movie.

    Parameters
    ----------
    labels : Path
    settings : RunSettings
        Its input, measure and workers.
    image, mask : Path, optional
    progress : Progress

    Raises
    ------
    UserError
        If a file is wrong or they do not fit each other.
    """
    from btrackmate.pipeline.inputs import RunInputs, open_inputs

    inputs = RunInputs(image=image, labels=labels, mask=mask)
    with closing(open_inputs(inputs, settings.input, 1, progress)) as opened:
        return _measure_opened(opened, settings, progress)


def _measure_opened(
    opened: "OpenInputs", settings: RunSettings, progress: Progress
) -> "MeasureResult":
    from btrackmate.measure import measure_movie

    if opened.labels is None:
        msg = "no labels"
        raise ValueError(msg)
    return measure_movie(
        opened.labels,
        opened.image,
        opened.mask,
        opened.main.calibration,
        settings.measure,
        progress=progress,
        workers=settings.workers or os.cpu_count() or 1,
    )


def track_cells(
    source: Path,
    output: Path,
    settings: RunSettings,
    *,
    image: Path | None = None,
    mask: Path | None = None,
    linker: Linker = track,
    progress: Progress = ignore_progress,
) -> LinkingResult:
    """Link the cells of a spots CSV, of label images, or of tracks, and write the tracks.

    Parameters
    ----------
    source, output : Path
    settings : RunSettings
        Its input, measure, tracker, filters and pruning.
    image : Path, optional
        Image of labels: measured with them, and named in the XML.
    mask : Path, optional
    linker : callable
        The tracking engine.
    progress : Progress

    Raises
    ------
    UserError
        If a file or a setting is wrong.
    """
    movie = None
    if image is not None:
        from btrackmate.pipeline.inputs import open_calibrated

        movie = open_calibrated(image, settings.input)
    name = source.name.lower()
    cells = "tracks"
    if is_run_folder(source) or name.endswith((".xml", ".xml.gz", ".geff")):
        spots, dropped = mask_cells(read_tracks(source)[0].spots, settings, movie, mask)
        linked = link_and_prune(spots, settings, linker, progress)
    elif name.endswith((".csv", ".tsv", ".txt")):
        cells = "spots"
        spots = read_cells(source, settings.input, movie)
        spots, dropped = mask_cells(spots, settings, movie, mask)
        linked = link_and_prune(spots, settings, linker, progress)
    else:
        from btrackmate.pipeline.inputs import RunInputs, open_inputs

        cells = "labels"
        inputs = RunInputs(image=image, labels=source, mask=mask)
        with closing(open_inputs(inputs, settings.input, 1, progress)) as opened:
            measured = _measure_opened(opened, settings, progress)
            dropped = measured.dropped
            labels = opened.measured_labels(opened.movies()["labels"], settings.measure.mask)
            linked = link_and_prune(measured.spots, settings, linker, progress, labels)
    roles = {cells: source, "mask": mask}
    files = {role: path for role, path in roles.items() if path is not None}
    session = make_session(settings, movie, f"cells of {source.name}", linked, files)
    write_tracks(output, linked.graph, session=session)
    return replace(linked, dropped=join_tables([dropped, linked.dropped]))


def prune_tracks(
    tracks: Path, output: Path | None, settings: PruneSettings
) -> tuple[TrackGraph, pd.DataFrame]:
    """Prune the tracks of a file.

    Parameters
    ----------
    tracks : Path
        .xml, .geff or .csv.
    output : Path or None
        Where the pruned tracks go; None: nowhere (dry run).
    settings : PruneSettings

    Returns
    -------
    graph : TrackGraph
        The pruned tracks.
    table : DataFrame
        Every spot and link that goes, with its rule.

    Notes
    -----
    The rule and the ids that went are added to a TrackMate file's log.
    """
    graph, document = read_tracks(tracks)
    result = prune(graph, settings)
    table = list_pruned(result)
    if output is not None:
        log = document.log if document is not None else "Written by BTrackMate."
        session = Session(log=f"{log.rstrip()}\n{log_pruning(settings, table)}")
        write_tracks(output, result.graph, document, session)
    return result.graph, table
