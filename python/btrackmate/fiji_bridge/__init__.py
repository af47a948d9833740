"""Headless (or interactive) Fiji driven from Python: TrackMate as engine, the plugin, scripts.

Needs the extra: ``pip install 'btrackmate[fiji]'``. Nothing here loads Java before
:func:`start_fiji`.
"""

from btrackmate.fiji_bridge.images import (
    Picture,
    from_imageplus,
    labels_from_imageplus,
    labels_to_imageplus,
    to_imageplus,
    to_xarray,
)
from btrackmate.fiji_bridge.jvm import Fiji, start_fiji
from btrackmate.fiji_bridge.linking import TrackMateLinker, to_model
from btrackmate.fiji_bridge.movies import LabelMovie, MovieSettings, track_movie
from btrackmate.fiji_bridge.plugin import PluginSettings, run_plugin
from btrackmate.fiji_bridge.scripts import run_script
from btrackmate.fiji_bridge.settings import FijiSettings

__all__ = [
    "Fiji",
    "FijiSettings",
    "LabelMovie",
    "MovieSettings",
    "Picture",
    "PluginSettings",
    "TrackMateLinker",
    "from_imageplus",
    "labels_from_imageplus",
    "labels_to_imageplus",
    "run_plugin",
    "run_script",
    "start_fiji",
    "to_imageplus",
    "to_model",
    "to_xarray",
    "track_movie",
]
