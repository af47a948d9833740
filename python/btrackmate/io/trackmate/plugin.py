"""What BTrackMate's plugin for Fiji keeps in a TrackMate file: its detectors, trackers and pruning.

TrackMate complains of detectors and trackers that it does not know. So a file of ours names
TrackMate's own, and an element that TrackMate passes over names the plugin's; where the plugin is
installed, it takes them when the file is opened. A file that the plugin saved names them outright.
"""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from btrackmate.io.trackmate.session import (
    OWN_SETTINGS,
    marshal_detector,
    marshal_tracker,
    unmarshal,
)

SettingsValues = Mapping[str, Any]

PLUGIN_TAG = "BTrackMatePlugin"
LABEL_DETECTOR = "BTRACKMATE_LABEL_MASK_DETECTOR"
CSV_DETECTOR = "BTRACKMATE_CSV_DETECTOR"
_PRUNED = "BTRACKMATE_PRUNED_"
#: The setting of the plugin's trackers that takes the distances from the data.
_AUTO_DISTANCES = "AUTO_DISTANCES"
#: TrackMate's trackers that the plugin has with pruning.
_PRUNABLE = frozenset(("SPARSE_LAP_TRACKER", "ADVANCED_KALMAN_TRACKER", "OVERLAP_TRACKER"))
#: Names of pruning among a tracker's settings, and ours.
PRUNING = {
    "MIN_TRACKLET_LENGTH": "min_tracklet_length",
    "MIN_TRACKLET_UNIT": "unit",
    "PRUNE_CENSORED": "prune_censored",
    "PRUNE_INTERNAL": "prune_internal",
    "PRUNE_SHORT_TRACKS": "prune_short_tracks",
}


def split_pruning(
    key: str, settings: SettingsValues
) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """Take pruning out of the settings of a tracker; distances from the data are ``"auto"``.

    Returns
    -------
    key : str
        TrackMate's key of the tracker.
    settings : dict
        Its settings without those of pruning.
    pruning : dict or None
        Settings of pruning under our names; None if it is not the plugin's tracker.
    """
    if not key.startswith(_PRUNED):
        return key, dict(settings), None
    own = {name: value for name, value in settings.items() if name not in PRUNING}
    if own.pop(_AUTO_DISTANCES, False):
        own |= {name: "auto" for name in own if name.endswith(("_MAX_DISTANCE", "_RADIUS"))}
    pruning = {PRUNING[name]: value for name, value in settings.items() if name in PRUNING}
    return key.removeprefix(_PRUNED), own, pruning


def marshal_plugin(
    detector: tuple[str, SettingsValues] | None,
    tracker: tuple[str, SettingsValues],
    pruning: SettingsValues,
) -> Element | None:
    """Make the element that names detector and tracker for the plugin.

    Parameters
    ----------
    detector : (key, settings), optional
        The plugin's detector.
    tracker : (key, settings)
        TrackMate's, as in Session.
    pruning : mapping
        Settings of pruning under our names.

    Returns
    -------
    Element or None
        None if the plugin has neither.
    """
    element = Element(PLUGIN_TAG)
    if detector is not None:
        element.append(marshal_detector(*detector))
    key, settings = tracker
    if key in _PRUNABLE:
        theirs = {name: value for name, value in settings.items() if name not in OWN_SETTINGS}
        named = {name: pruning[ours] for name, ours in PRUNING.items() if ours in pruning}
        child = marshal_tracker(key, {**theirs, **named})
        child.set("TRACKER_NAME", _PRUNED + key)
        element.append(child)
    return element if len(element) else None


def read_plugin(settings: Element | None) -> tuple[tuple[str, dict[str, Any]], dict[str, Any]]:
    """Read the plugin's detector, and pruning under our names, from a Settings element.

    Returns
    -------
    detector : (key, settings)
        Empty where the file names none of the plugin's.
    pruning : dict
        Empty where it says nothing of pruning, or of another tracker than the file's.
    """
    detector = unmarshal(_find(settings, "DetectorSettings"), "DETECTOR_NAME")
    tracker = unmarshal(_find(settings, "TrackerSettings"), "TRACKER_NAME")
    if detector[0] == "MANUAL_DETECTOR":
        detector = unmarshal(_find(settings, f"{PLUGIN_TAG}/DetectorSettings"), "DETECTOR_NAME")
    if detector[0] not in (LABEL_DETECTOR, CSV_DETECTOR):
        detector = "", {}
    aside = unmarshal(_find(settings, f"{PLUGIN_TAG}/TrackerSettings"), "TRACKER_NAME")
    _, _, pruning = split_pruning(*(aside if aside[0] == _PRUNED + tracker[0] else tracker))
    return detector, pruning or {}


def _find(settings: Element | None, path: str) -> Element | None:
    return settings.find(path) if settings is not None else None
