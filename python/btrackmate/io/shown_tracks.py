"""Tracks as TrackMate shows them: what a person, or the file's filters, hid is no result."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks
from btrackmate.io.trackmate import TrackMateDocument

_log = logging.getLogger(__name__)


def read_shown_tracks(path: Path) -> TrackGraph:
    """Read tracks in any format (`read_tracks`), but for what TrackMate hides; the log tells of it.

    Raises
    ------
    UserError
        As `read_tracks`.
    """
    graph, document = read_tracks(path)
    return graph if document is None else graph.keep_spots(find_shown(path, document))


def find_hidden(spots: Spots) -> NDArray[np.bool_]:
    """Tell which spots of a TrackMate file are hidden themselves, not with their tracks, (n,).

    Its trackers do not see them.
    """
    if "VISIBILITY" not in spots.table:
        return np.zeros(len(spots), np.bool_)
    return np.asarray(spots.feature("VISIBILITY") == 0)


def find_shown(path: Path, document: TrackMateDocument) -> NDArray[np.bool_]:
    """Tell which spots of a file TrackMate shows, and in the log that the others are left out."""
    shown = document.visible_spots
    if not shown.all():
        _log.warning(
            "%s: %d of its %d spots are hidden in TrackMate, by its filters or with their tracks: "
            "they are left out", path, int((~shown).sum()), shown.size,
        )  # fmt: skip
    return shown
