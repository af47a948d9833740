"""Cells of a table, of label images or of tracks, linked and written as tracks."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd

from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.reading import is_pipe
from btrackmate.core.spots import Spots
from btrackmate.core.watching import watch_inputs
from btrackmate.io.run_folder import is_run_folder
from btrackmate.io.track_formats import TRACK_ENDINGS, is_table_name, name_inputs, write_tracks
from btrackmate.pipeline.cells import (
    mask_cells,
    open_beside,
    read_cells,
    read_tracked_cells,
)
from btrackmate.pipeline.correcting import read_edits
from btrackmate.pipeline.linking import (
    Linker,
    LinkingResult,
    join_tables,
    link_and_prune,
    make_session,
)
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.steps import measure_opened
from btrackmate.tracking.engine import track


def track_cells(
    source: Path,
    output: Path,
    settings: RunSettings,
    *,
    image: Path | None = None,
    mask: Path | None = None,
    edits: Path | None = None,
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
    edits : Path, optional
        A journal of corrections, made again on the new tracks.
    linker : callable
        The tracking engine.
    progress : Progress

    Raises
    ------
    UserError
        If a file or a setting is wrong.
    """
    with watch_inputs(*name_inputs(source), image, mask, edits):
        known = None if edits is None else read_edits(edits, output)
        is_table = is_table_name(source) or is_pipe(source)
        document, cells = None, "labels"
        if is_table or is_run_folder(source) or source.name.lower().endswith(TRACK_ENDINGS):
            movie, tissue = open_beside(image, mask, settings.input)
            cells = "spots" if is_table else "tracks"
            if is_table:
                spots, hidden = read_cells(source, settings.input, movie, tissue), None
            else:
                spots, hidden, document = read_tracked_cells(source, settings.input, movie)
            spots, dropped = mask_cells(spots, settings, tissue, source)
            linked = link_and_prune(spots, settings, linker, progress)
            graph = linked.graph if hidden is None else put_back(linked.graph, hidden)
        else:
            from btrackmate.pipeline.inputs import RunInputs, open_inputs

            inputs = RunInputs(image=image, labels=source, mask=mask)
            with closing(open_inputs(inputs, settings.input, 1, progress)) as opened:
                measured = measure_opened(opened, settings, progress)
                dropped, movie = measured.dropped, opened.main
                labels = opened.measured_labels(opened.movies()["labels"], settings.measure.mask)
                linked = link_and_prune(measured.spots, settings, linker, progress, labels)
                graph = linked.graph
        made = None if known is None else known.make(graph)
        graph = graph if made is None else made.graph
    files = {cells: source, "mask": mask}
    session = make_session(settings, movie, f"cells of {source.name}", linked, files)
    if document is not None:  # Its filters stay where no others are given.
        session = replace(
            session,
            spot_filters=session.spot_filters or None,
            track_filters=session.track_filters or None,
        )
    write_tracks(output, graph, document, session)
    if made is not None:
        made.write_journal(output)
    return replace(linked, graph=graph, dropped=join_tables([dropped, linked.dropped]))


def put_back(graph: TrackGraph, hidden: Spots) -> TrackGraph:
    """Add spots that were not to be linked to the tracks of the others."""
    spots, links = graph.spots, graph.links_table()
    together = Spots.from_table(
        pd.concat([spots.table, hidden.table], ignore_index=True),
        spots.calibration,
        ndim=spots.ndim,
        n_frames=max(spots.n_frames, hidden.n_frames),
        contours={**spots.contours, **hidden.contours},
        searched=spots.searched,
    )
    return TrackGraph.from_ids(
        together,
        links["source"].to_numpy(),
        links["target"].to_numpy(),
        links["cost"].to_numpy(),
        links["confidence"].to_numpy(),
    )
