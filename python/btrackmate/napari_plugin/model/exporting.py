"""Tracks that leave the window as files: all, the selected ones, or those that are shown."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.core.paths import is_one_name
from btrackmate.io.track_formats import describe_losses, name_outputs
from btrackmate.io.unsaved_edits import describe_corrections
from btrackmate.napari_plugin.model.saving import check_saving
from btrackmate.napari_plugin.model.session import Session
from btrackmate.review import write_copy

#: Which tracks a person may take.
CHOICES = ("all", "selected", "shown")


def take_tracks(session: Session, which: str) -> TrackGraph:
    """Give tracks as they are now.

    Parameters
    ----------
    session : Session
    which : {"all", "selected", "shown"}
        Of ``all`` and ``shown`` also spots without a track.

    Raises
    ------
    UserError
        If that is none.
    """
    graph, scene = session.now.to_graph(), session.scene
    if which == "all":
        return graph
    if which == "selected":
        rows = scene.rows_of(np.array(session.tracks, np.int64))
        why = "no track is selected: click on a cell, or on rows of the table"
    else:
        visible = session.visible_rows()
        rows = np.flatnonzero(scene.alive if visible is None else scene.alive & visible)
        why = "no spot is shown: loosen the filters"
    if not rows.size:
        raise UserError(why)
    return graph.keep_spots(np.isin(graph.spots.id, scene.id[rows]))


def check_export(session: Session, path: Path) -> None:
    """Refuse a file that cannot hold tracks, or belongs to the movie; see `check_saving`.

    Raises
    ------
    UserError
        One line.
    """
    own = session.opened.tracks_path
    if own is not None and is_one_name(path, own):
        msg = f"{path} holds the tracks that are open: give another name, or save them in Correct"
        raise UserError(msg)
    check_saving(session.opened, path, name_outputs(path))


def export_tracks(
    session: Session, graph: TrackGraph, path: Path, track_ids: NDArray[np.int64] | None = None
) -> list[Path]:
    """Write tracks; what a TrackMate file held passes into another one.

    Parameters
    ----------
    session : Session
    graph : TrackGraph
        Of that session: see `take_tracks`.
    path : Path
    track_ids : (n_tracks,) ndarray of int, optional
        Those that the tracks had in the window when they were taken; by default as they are now.

    Returns
    -------
    list of Path
        What was written.
    """
    check_export(session, path)
    document = session.opened.document or session.opened.base
    if lost := describe_losses(path, graph, document):
        session.told.emit(lost)
    log = f"{len(graph.spots)} spots exported from BTrackMate's window."
    if note := describe_corrections(path):
        session.told.emit(note)
    if track_ids is None:
        track_ids = session.now.name_tracks(graph)
    with write_together(overwrite=True):
        return list(write_copy(path, graph, document, log, session.opened.image, track_ids))
