"""Tracking, pruning and filtering of what is open."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from btrackmate.api import filter as filter_tracks
from btrackmate.api import list_pruned, prune
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.watching import watch_inputs
from btrackmate.napari_plugin.model.opening import Opened, find_unseen
from btrackmate.napari_plugin.model.session import Session
from btrackmate.pipeline.inputs import MovieFrames
from btrackmate.pipeline.relinking import put_back
from btrackmate.tracking.auto import fill_distances
from btrackmate.tracking.engine import track
from btrackmate.tracking.settings import TrackerSettings, tracker_name

#: Frames that a preview links.
PREVIEW = 5


def link(
    session: Session,
    settings: TrackerSettings,
    frames: range | None = None,
    progress: Progress = ignore_progress,
    now: TrackGraph | None = None,
) -> TrackGraph:
    """Link the spots as they are now, of the whole movie or of some frames.

    Spots that TrackMate hides are not linked; of the whole movie they stay as they are.

    Parameters
    ----------
    session : Session
    settings : TrackerSettings
    frames : range, optional
        Those of a preview; distances that are auto are the whole movie's all the same.
    progress : Progress
    now : TrackGraph, optional
        The tracks as they are now, where the window may change them meanwhile.

    Raises
    ------
    UserError
        If the spots lack what the tracker needs, or the labels are changed meanwhile.
    """
    every = (session.now.to_graph() if now is None else now).spots
    hidden = find_unseen(session.opened, every)
    spots = every.take(~hidden)
    filled = fill_distances(settings, spots)
    if frames is not None:
        spots = spots.take((spots.frame >= frames.start) & (spots.frame < frames.stop))
    movie = session.opened.labels
    labels = None if movie is None else MovieFrames(movie, spots.ndim)
    with watch_inputs(None if movie is None else movie.path):
        graph = track(spots, filled, progress, labels)
    if frames is None and hidden.any():
        graph = put_back(graph, every.take(hidden))
    note = {"tracker": tracker_name(filled), **filled.model_dump(mode="json")}
    return graph.with_record("track", note)


@dataclass(frozen=True)
class Pruned:
    """What pruning would remove.

    Parameters
    ----------
    spots, links : int
    tracks : tuple of int
        Ids of the tracks that would lose something.
    """

    spots: int
    links: int
    tracks: tuple[int, ...]

    def __str__(self) -> str:
        """Say it in a line."""
        if not self.spots and not self.links:
            return "nothing would go"
        return f"{self.spots} spots and {self.links} links of {len(self.tracks)} tracks would go"


def preview_pruning(session: Session, length: float, unit: str) -> Pruned:
    """Tell what pruning would remove, and from which tracks."""
    table = list_pruned(session.now.to_graph(), length, unit=unit)  # type: ignore[arg-type]
    spots = table.loc[table["what"] == "spot", "id"].dropna().astype(np.int64).tolist()
    links = table[table["what"] == "link"]
    ends = links["source"].dropna().astype(np.int64).tolist()
    tracks = {session.now.track(spot) for spot in (*spots, *ends) if spot in session.now}
    return Pruned(len(spots), len(links), tuple(sorted(tracks - {-1})))


def prune_tracks(session: Session, length: float, unit: str) -> TrackGraph:
    """Remove short tracklets after divisions; see :func:`btrackmate.prune`."""
    return prune(session.now.to_graph(), length, unit=unit)  # type: ignore[arg-type]


def keep(session: Session, spot_filters: list[str], track_filters: list[str]) -> TrackGraph:
    """Keep spots and tracks that pass filters; see :func:`btrackmate.filter`.

    Raises
    ------
    UserError
        If nothing would be left, or a filter is wrong.
    """
    kept = filter_tracks(
        session.now.to_graph(), spot_filters=spot_filters, track_filters=track_filters
    )
    if not len(kept.spots):
        msg = "no spot passes these filters; loosen one of them"
        raise UserError(msg)
    return kept


def with_tracks(
    opened: Opened, graph: TrackGraph, hidden: Iterable[int] = (), carried: int = 0
) -> Opened:
    """Give the same movie with other tracks, which stand in no file yet.

    Parameters
    ----------
    opened : Opened
    graph : TrackGraph
    hidden : iterable of int
        Ids of spots that are not shown, as TrackMate hides them.
    carried : int
        Corrections in these tracks that stand in no file.
    """
    return replace(
        opened,
        graph=graph,
        tracks_path=None,
        document=None,
        edit=None,
        base=opened.document or opened.base,
        notes=(),
        hidden=frozenset(hidden),
        carried=carried,
    )
