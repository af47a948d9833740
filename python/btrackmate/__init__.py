"""BTrackMate: 3D cell segmentation, tracking and track analysis."""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from btrackmate.core.calibration import Calibration
    from btrackmate.core.graph import TrackGraph
    from btrackmate.core.spots import Spots

try:
    __version__ = version("btrackmate")
except PackageNotFoundError:  # pragma: no cover - a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["Calibration", "Spots", "TrackGraph", "__version__"]

_HOMES = {
    "Calibration": "btrackmate.core.calibration",
    "Spots": "btrackmate.core.spots",
    "TrackGraph": "btrackmate.core.graph",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import btrackmate` stays light."""
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
