"""Types and rules that every part of BTrackMate shares."""

from btrackmate.core.axes import to_canonical, validate_axes
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import BTrackMateError, Cancelled, UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import Spots

__all__ = [
    "BTrackMateError",
    "Calibration",
    "Cancelled",
    "Progress",
    "Spots",
    "UserError",
    "ignore_progress",
    "to_canonical",
    "validate_axes",
]
