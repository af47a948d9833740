"""Linking spots over time, pruning and filtering tracks."""

from btrackmate.tracking.costs import link_costs
from btrackmate.tracking.filters import FeatureFilter, filter_spots, filter_tracks
from btrackmate.tracking.flow_settings import FlowSettings, FlowWeights
from btrackmate.tracking.pruning import PruneResult, prune
from btrackmate.tracking.settings import (
    TRACKERS,
    AdvancedKalmanSettings,
    KalmanSettings,
    LapSettings,
    NearestSettings,
    OverlapSettings,
    PruneSettings,
    SimpleLapSettings,
    TrackerSettings,
    parse_tracker,
    to_trackmate,
)
from btrackmate.tracking.track import track

__all__ = [
    "TRACKERS",
    "AdvancedKalmanSettings",
    "FeatureFilter",
    "FlowSettings",
    "FlowWeights",
    "KalmanSettings",
    "LapSettings",
    "NearestSettings",
    "OverlapSettings",
    "PruneResult",
    "PruneSettings",
    "SimpleLapSettings",
    "TrackerSettings",
    "filter_spots",
    "filter_tracks",
    "link_costs",
    "parse_tracker",
    "prune",
    "to_trackmate",
    "track",
]
