"""Steps of a run, each by itself: measuring and pruning (for linking see relinking.py).

What opens images is imported by the functions that do: tracks and tables need none of it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.io.trackmate import Session
from btrackmate.pipeline.linking import list_pruned, log_pruning
from btrackmate.pipeline.settings import RunSettings
from btrackmate.tracking.pruning import prune
from btrackmate.tracking.settings import PruneSettings

if TYPE_CHECKING:
    from btrackmate.measurement import MeasureResult
    from btrackmate.pipeline.inputs import OpenInputs


def measure_opened(
    opened: "OpenInputs", settings: RunSettings, progress: Progress
) -> "MeasureResult":
    """Measure the cells of opened labels, with the image and the mask beside them."""
    from btrackmate.measurement import measure_movie

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
        workers=settings.workers,
    )


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
