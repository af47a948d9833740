"""Filtering of spots and tracks by their features."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import TRACK_FEATURES, resolve_name
from btrackmate.core.scratch import fill_array
from btrackmate.core.spots import Spots
from btrackmate.core.track_features import compute_edge_features, compute_track_features
from btrackmate.tracking.feature_filter import FeatureFilter, resolve_track_name

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpotFilterResult:
    """Spots that passed, and those that did not.

    Parameters
    ----------
    spots : Spots
        What is left.
    dropped : DataFrame
        Columns id, frame, label (where known), x, y, z and reason: the first filter that the spot
        did not pass.
    """

    spots: Spots
    dropped: pd.DataFrame


@dataclass(frozen=True)
class TrackFilterResult:
    """Tracks that passed, and the spots of those that did not.

    Parameters
    ----------
    graph : TrackGraph
        What is left.
    dropped : DataFrame
        Columns id, frame, label (where known), x, y, z, track (number in the graph before, −1 for
        none) and reason: the first filter that the track did not pass, or ``no track``.
    """

    graph: TrackGraph
    dropped: pd.DataFrame


def filter_spots(spots: Spots, filters: Sequence[FeatureFilter]) -> SpotFilterResult:
    """Keep the spots that pass all filters; a missing value passes, as in TrackMate.

    Raises
    ------
    UserError
        If the spots lack a feature.
    """
    failed = fill_array(len(spots), -1, np.int64)
    for number, one in enumerate(filters):
        name = resolve_name(one.name)
        if name not in spots.features:
            msg = f"spot filter {str(one)!r}: spots have no feature {one.name!r}; they have "
            raise UserError(msg + ", ".join(spots.features))
        _mark(failed, number, one.to_trackmate("spot").passes(spots.feature(name)))
    dropped = _list_dropped(spots, failed >= 0).assign(reason=_reasons(failed, filters))
    if filters:
        _log.info("spot filters: %d of %d spots dropped", len(dropped), len(spots))
    return SpotFilterResult(spots.take(failed < 0) if len(dropped) else spots, dropped)


def filter_tracks(graph: TrackGraph, filters: Sequence[FeatureFilter]) -> TrackFilterResult:
    """Keep the tracks that pass all filters; a missing value passes, as in TrackMate.

    Spots without a link belong to no track and go too, unless there are no filters.

    Raises
    ------
    UserError
        If there is no such track feature.
    """
    if not filters:
        return TrackFilterResult(
            graph, _list_dropped(graph.spots, np.zeros(len(graph.spots), bool))
        )
    features = compute_track_features(graph, compute_edge_features(graph))
    failed = np.full(graph.n_tracks, -1)
    for number, one in enumerate(filters):
        key = resolve_track_name(one.name)
        if key not in features:
            known = [name for name, other in TRACK_FEATURES.items() if other in features]
            msg = f"track filter {str(one)!r}: there is no track feature {one.name!r}; there are "
            raise UserError(msg + ", ".join(known))
        _mark(failed, number, one.to_trackmate("track").passes(features[key]))
    linked = graph.track >= 0
    of_spot = np.full(len(graph.spots), len(filters))
    of_spot[linked] = failed[graph.track[linked]]
    reasons = _reasons(of_spot, [*filters, "no track"])
    dropped = _list_dropped(graph.spots, of_spot >= 0)
    dropped = dropped.assign(track=graph.track[of_spot >= 0], reason=reasons)
    _log.info("track filters: %d of %d tracks dropped", (failed >= 0).sum(), failed.size)
    return TrackFilterResult(graph.keep_spots(of_spot < 0), dropped)


def _mark(failed: NDArray[np.int64], number: int, passes: NDArray[np.bool_]) -> None:
    """Note a filter's number where it is the first that is not passed."""
    failed[~passes & (failed < 0)] = number


def _reasons(
    failed: NDArray[np.int64], filters: Sequence[FeatureFilter | str]
) -> NDArray[np.object_]:
    names = np.array([str(one) for one in filters], dtype=object)
    return names[failed[failed >= 0]]


def _list_dropped(spots: Spots, dropped: NDArray[np.bool_]) -> pd.DataFrame:
    names = [name for name in ("id", "frame", "label", "x", "y", "z") if name in spots.table]
    return spots.table.loc[dropped, names].reset_index(drop=True)
