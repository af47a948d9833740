"""Segmentation of membrane- or nucleus-labelled cells (VollSeg), in 3D and 2D."""

from btrackmate.segmentation.networks import Models, load_models
from btrackmate.segmentation.normalisation import normalise_volume
from btrackmate.segmentation.result import SegmentationResult
from btrackmate.segmentation.segment import segment_volume
from btrackmate.segmentation.settings import SegmentationSettings

__all__ = [
    "Models",
    "SegmentationResult",
    "SegmentationSettings",
    "load_models",
    "normalise_volume",
    "segment_volume",
]
