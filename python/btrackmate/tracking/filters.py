"""Filters on spot and track features: ``volume>50``, ``duration>=5``."""

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import resolve_name
from btrackmate.core.spots import Spots
from btrackmate.io.trackmate import Filter
from btrackmate.io.trackmate.features import compute_edge_features, compute_track_features

_log = logging.getLogger(__name__)

#: Our names of TrackMate's track features; the keys themselves are accepted too, in any case.
TRACK_FEATURES = {
    "duration": "TRACK_DURATION",
    "start": "TRACK_START",
    "stop": "TRACK_STOP",
    "n_spots": "NUMBER_SPOTS",
    "n_divisions": "NUMBER_SPLITS",
    "n_merges": "NUMBER_MERGES",
    "n_complex": "NUMBER_COMPLEX",
    "n_gaps": "NUMBER_GAPS",
    "longest_gap": "LONGEST_GAP",
    "displacement": "TRACK_DISPLACEMENT",
    "total_distance": "TOTAL_DISTANCE_TRAVELED",
    "max_distance": "MAX_DISTANCE_TRAVELED",
    "x": "TRACK_X_LOCATION",
    "y": "TRACK_Y_LOCATION",
    "z": "TRACK_Z_LOCATION",
    "mean_speed": "TRACK_MEAN_SPEED",
    "max_speed": "TRACK_MAX_SPEED",
    "min_speed": "TRACK_MIN_SPEED",
    "median_speed": "TRACK_MEDIAN_SPEED",
    "std_speed": "TRACK_STD_SPEED",
    "mean_quality": "TRACK_MEAN_QUALITY",
    "confinement_ratio": "CONFINEMENT_RATIO",
    "straight_line_speed": "MEAN_STRAIGHT_LINE_SPEED",
    "linearity": "LINEARITY_OF_FORWARD_PROGRESSION",
    "directional_change": "MEAN_DIRECTIONAL_CHANGE_RATE",
}

_PATTERN = re.compile(r"^\s*(?P<name>[^<>=]*?)\s*(?P<sign>[<>]=?)\s*(?P<value>[^<>=]*?)\s*$")


@dataclass(frozen=True)
class FeatureFilter:
    """A threshold on a feature.

    Parameters
    ----------
    name : str
        Spot or track feature: a column, one of our track features, or TrackMate's key.
    value : float
        Threshold, in the feature's unit.
    above : bool
        Keep values above the threshold, else below.
    strict : bool
        Whether a value equal to the threshold goes.
    """

    name: str
    value: float
    above: bool = True
    strict: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a filter as the user writes it.

        Parameters
        ----------
        text : str
            A name, one of ``>``, ``>=``, ``<``, ``<=``, and a number.

        Raises
        ------
        UserError
            If the text is something else.
        """
        match = _PATTERN.match(text)
        try:
            value = float(match["value"]) if match else math.nan
        except ValueError:
            value = math.nan
        if match is None or not match["name"] or not math.isfinite(value):
            msg = f"filter {text!r} is not a feature name, one of > >= < <=, and a number; write "
            msg += "e.g. 'volume>50' (two filters for a range)"
            raise UserError(msg)
        return cls(match["name"], value, match["sign"][0] == ">", len(match["sign"]) == 1)

    def __str__(self) -> str:
        sign = (">" if self.above else "<") + ("" if self.strict else "=")
        return f"{self.name}{sign}{self.value:.12g}"

    def to_trackmate(self, kind: Literal["spot", "track"]) -> Filter:
        """Give the same filter as TrackMate keeps it, whose thresholds always pass.

        A strict threshold becomes the next floating-point number.
        """
        value = self.value
        if self.strict:
            value = math.nextafter(value, math.inf if self.above else -math.inf)
        name = resolve_name(self.name) if kind == "spot" else _resolve_track_name(self.name)
        return Filter(name, value, self.above)


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
    failed = np.full(len(spots), -1)
    for number, one in enumerate(filters):
        name = resolve_name(one.name)
        if name not in spots.features:
            msg = f"spot filter {str(one)!r}: spots have no feature {one.name!r}; they have "
            raise UserError(msg + ", ".join(spots.features))
        _mark(failed, number, one.to_trackmate("spot").passes(spots.feature(name)))
    dropped = _list_dropped(spots, failed >= 0).assign(reason=_reasons(failed, filters))
    if filters:
        _log.info("spot filters: %d of %d spots dropped", len(dropped), len(spots))
    return SpotFilterResult(spots.take(failed < 0), dropped)


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
        key = _resolve_track_name(one.name)
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


def _resolve_track_name(name: str) -> str:
    return TRACK_FEATURES.get(name.lower(), name.upper())


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
