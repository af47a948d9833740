"""Label images → cells: shape, intensity, tissue mask, distance to the tissue surface.

Only the settings are loaded with the package; the compiled parts come with their first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from btrackmate.measure.settings import MaskPolicy, MaskSettings, MeasureSettings

if TYPE_CHECKING:
    from btrackmate.measure.boundary import measure_distance, sample_distance
    from btrackmate.measure.frames import ArrayFrames, FrameSource
    from btrackmate.measure.labels import measure_frame
    from btrackmate.measure.mask import MaskResult, apply_mask
    from btrackmate.measure.measure import (
        FrameMeasurement,
        MeasureResult,
        combine_frames,
        measure_movie,
        measure_one_frame,
    )
    from btrackmate.measure.tissue import Tissue, mask_spots

__all__ = [
    "ArrayFrames",
    "FrameMeasurement",
    "FrameSource",
    "MaskPolicy",
    "MaskResult",
    "MaskSettings",
    "MeasureResult",
    "MeasureSettings",
    "Tissue",
    "apply_mask",
    "combine_frames",
    "mask_spots",
    "measure_distance",
    "measure_frame",
    "measure_movie",
    "measure_one_frame",
    "sample_distance",
]

_MODULES = {
    "boundary": ("measure_distance", "sample_distance"),
    "frames": ("ArrayFrames", "FrameSource"),
    "labels": ("measure_frame",),
    "mask": ("MaskResult", "apply_mask"),
    "measure": (
        "FrameMeasurement",
        "MeasureResult",
        "combine_frames",
        "measure_movie",
        "measure_one_frame",
    ),
    "tissue": ("Tissue", "mask_spots"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"btrackmate.measure.{module}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
