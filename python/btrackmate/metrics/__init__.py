"""Scores of segmentation and tracking against ground truth."""

from btrackmate.metrics.movies import GraphMovie, LabelMovie, TrackedLabels
from btrackmate.metrics.points import PointMatch, match_points
from btrackmate.metrics.segmentation import SegmentationScores, score_pairs, score_segmentation
from btrackmate.metrics.tracking import (
    TrackingScores,
    score_points,
    score_same_spots,
    score_tracking,
)

__all__ = [
    "GraphMovie",
    "LabelMovie",
    "PointMatch",
    "SegmentationScores",
    "TrackedLabels",
    "TrackingScores",
    "match_points",
    "score_pairs",
    "score_points",
    "score_same_spots",
    "score_segmentation",
    "score_tracking",
]
