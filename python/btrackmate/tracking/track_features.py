"""The table of tracks: one row each, with TrackMate's features."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.io.trackmate.features import compute_edge_features, compute_track_features
from btrackmate.tracking.feature_filter import TRACK_FEATURES

_COUNTS = {"n_spots", "n_divisions", "n_merges", "n_complex", "n_gaps", "longest_gap"}


def make_tracks_table(graph: TrackGraph, ids: NDArray[np.int64] | None = None) -> pd.DataFrame:
    """Make a table of tracks, divisions included, one row each.

    Parameters
    ----------
    graph : TrackGraph
        n tracks; a spot without links belongs to none.
    ids : (n,) ndarray of int, optional
        Ids of the tracks, e.g. TrackMate's; 0 … n−1 as in :meth:`TrackGraph.spots_table` if left
        out.

    Returns
    -------
    DataFrame
        track; first_frame, last_frame; n_tracklets; n_generations (tracklets in the
        longest line of descent); then
        the features that track filters know, by the names that they have there: times (duration,
        start, stop) in the time unit, lengths in the space unit, speeds in space / time unit,
        directional_change in radians / time unit. A feature that is not defined is missing.
    """
    count = graph.n_tracks
    rows = np.flatnonzero(graph.track >= 0)
    number, frame = graph.track[rows], graph.spots.frame[rows]
    first, last = np.full(count, graph.spots.n_frames), np.zeros(count, np.int64)
    np.minimum.at(first, number, frame)
    np.maximum.at(last, number, frame)
    tracklets = graph.tracklets[graph.tracklets["track"] >= 0]
    owner = tracklets["track"].to_numpy()
    deepest = np.zeros(count, np.int64)
    np.maximum.at(deepest, owner, tracklets["generation"].to_numpy())
    table = {
        "track": np.arange(count) if ids is None else ids,
        "first_frame": first,
        "last_frame": last,
        "n_tracklets": np.bincount(owner, minlength=count),
        "n_generations": deepest + 1,
    }
    features = compute_track_features(graph, compute_edge_features(graph))
    for name, key in TRACK_FEATURES.items():
        if key in features:
            values = features[key]
            table[name] = values.astype(np.int64) if name in _COUNTS else values
    return pd.DataFrame(table)
