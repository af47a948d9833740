"""What a TrackMate file records beside the tracks: image, detector, tracker, filters, log."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.schema import find_column, find_key
from btrackmate.io.numbers import format_number

SettingsValues = Mapping[str, Any]

# The trackers that store their settings in one child element a step.
_NESTED = frozenset(("SPARSE_LAP_TRACKER", "SIMPLE_SPARSE_LAP_TRACKER", "ADVANCED_KALMAN_TRACKER"))
#: Trackers that TrackMate does not have. It complains about their names and settings, so that it
#: is told MANUAL_TRACKER, and an element of our own, which it passes over, holds name and settings.
OWN_TRACKERS = frozenset(("FLOW_TRACKER",))
#: Settings of its trackers that TrackMate does not have; they go into that element too.
OWN_SETTINGS = frozenset(("DIVISION_WEIGHT",))
OWN_TRACKER_TAG = "BTrackMateTracker"
# Child element, its penalties, and its other settings with TrackMate's default.
_STEPS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Linking", "LINKING_FEATURE_PENALTIES", {"LINKING_MAX_DISTANCE": 15.0}),
    (
        "GapClosing",
        "GAP_CLOSING_FEATURE_PENALTIES",
        {"ALLOW_GAP_CLOSING": True, "GAP_CLOSING_MAX_DISTANCE": 15.0, "MAX_FRAME_GAP": 2},
    ),
    (
        "TrackSplitting",
        "SPLITTING_FEATURE_PENALTIES",
        {"ALLOW_TRACK_SPLITTING": False, "SPLITTING_MAX_DISTANCE": 15.0},
    ),
    (
        "TrackMerging",
        "MERGING_FEATURE_PENALTIES",
        {"ALLOW_TRACK_MERGING": False, "MERGING_MAX_DISTANCE": 15.0},
    ),
)
#: By how much, relative, a value may miss a threshold by rounding.
_ROUNDING = 1e-12
_COMMON = {
    "CUTOFF_PERCENTILE": 0.9,
    "ALTERNATIVE_LINKING_COST_FACTOR": 1.05,
    "BLOCKING_VALUE": float("inf"),
}


def find_beyond(value: float, is_above: bool) -> float:
    """Give the next number above a threshold, or below it, as TrackMate lets thresholds pass."""
    return math.nextafter(value, math.inf if is_above else -math.inf)


@dataclass(frozen=True)
class Filter:
    """A threshold on a feature, as TrackMate keeps it.

    Parameters
    ----------
    feature : str
        TrackMate key or one of our column names.
    value : float
        Threshold; values equal to it pass.
    is_above : bool
        Keep values ≥ `value`, else values ≤ `value`.
    is_strict : bool
        Values equal to it do not pass here: for TrackMate, `value` is the next number beyond.
    """

    feature: str
    value: float
    is_above: bool = True
    is_strict: bool = False

    @property
    def key(self) -> str:
        """TrackMate's key of the feature."""
        return to_key(self.feature)

    def passes(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which values pass; a missing value (NaN) passes, as in TrackMate.

        Values that rounding alone keeps from the threshold, such as a duration of 29 × 0.7 from
        20.3, are equal to it.
        """
        margin = _ROUNDING * abs(self.value) if math.isfinite(self.value) else 0.0
        low, high = self.value - margin, self.value + margin
        if self.is_above:
            return ~(values <= high if self.is_strict else values < low)
        return ~(values >= low if self.is_strict else values > high)

    def to_element(self) -> Element:
        """Make the Filter element."""
        return Element(
            "Filter",
            {
                "feature": self.key,
                "value": format_number(float(self.value)),
                "isabove": "true" if self.is_above else "false",
            },
        )

    @classmethod
    def from_element(cls, element: Element) -> "Filter":
        """Read a Filter or InitialSpotFilter element."""
        feature, is_above = element.get("feature", ""), element.get("isabove", "true") == "true"
        value = _to_number(element.get("value", "nan"), f"the filter on {feature}")
        return cls(feature, value, is_above, value == find_beyond(float(f"{value:.12g}"), is_above))


@dataclass(frozen=True)
class Session:
    """What a TrackMate file says about how its tracks were made.

    A field that is None is taken from the document that serves as template, or left at its
    default where there is none.

    Parameters
    ----------
    image_path : Path, optional
        The image that TrackMate shall open with the tracks.
    image_shape : (T, C, Z, Y, X) tuple of int, optional
        Its lengths.
    detector, tracker : (key, settings), optional
        TrackMate's key and settings with TrackMate's names, e.g. ``("SPARSE_LAP_TRACKER",
        {"LINKING_MAX_DISTANCE": 15.0, "LINKING_FEATURE_PENALTIES": {"RADIUS": 1.0}})``.
    spot_filters, track_filters : sequence of Filter, optional
        Filters; tracks that do not pass are written as hidden, spots are not judged here.
    log : str, optional
        Text of the log.
    plugin_detector : (key, settings), optional
        The detector that finds these spots in Fiji where BTrackMate's plugin is installed.
    pruning : mapping, optional
        How short tracklets were pruned, under our names; the plugin takes it over.
    corrected : bool
        A person made the changes: a changed track with any spot that was shown stays shown,
        whatever the filters say, as it does where TrackMate itself edits.
    track_ids : (n_tracks,) ndarray of int, optional
        Ids of the graph's tracks, no two the same; by default each has that of the document's track
        that it has most spots of.
    """

    image_path: Path | None = None
    image_shape: tuple[int, int, int, int, int] | None = None
    detector: tuple[str, SettingsValues] | None = None
    tracker: tuple[str, SettingsValues] | None = None
    spot_filters: Sequence[Filter] | None = None
    track_filters: Sequence[Filter] | None = None
    log: str | None = None
    plugin_detector: tuple[str, SettingsValues] | None = None
    pruning: SettingsValues | None = None
    corrected: bool = False
    track_ids: NDArray[np.int64] | None = None


def to_key(name: str) -> str:
    """Give TrackMate's key of a column name; a key, or a name unknown to us, is kept."""
    if find_key(name) is not None:
        return name
    column = find_column(name)
    return column.key if column is not None else name


def marshal_detector(key: str, settings: SettingsValues) -> Element:
    """Make a DetectorSettings element."""
    element = Element("DetectorSettings", {"DETECTOR_NAME": key})
    for name, value in settings.items():
        element.set(name, _to_text(value))
    return element


def marshal_tracker(key: str, settings: SettingsValues) -> Element:
    """Make a TrackerSettings element; LAP settings that are not given get TrackMate's defaults."""
    element = Element("TrackerSettings", {"TRACKER_NAME": key})
    left = dict(settings)
    if key in _NESTED:
        for name, default in _COMMON.items():
            element.set(name, _to_text(left.pop(name, default)))
        for tag, penalties, names in _STEPS:
            child = SubElement(element, tag)
            for name, default in names.items():
                child.set(name, _to_text(left.pop(name, default)))
            weights = SubElement(child, "FeaturePenalties")
            for feature, weight in (left.pop(penalties, None) or {}).items():
                weights.set(to_key(feature), _to_text(float(weight)))
    for name, value in left.items():
        if not isinstance(value, Mapping):
            element.set(name, _to_text(value))
    return element


def marshal_own_tracker(key: str, settings: SettingsValues) -> Element:
    """Make the element of a tracker, or settings, that TrackMate does not have."""
    element = Element(OWN_TRACKER_TAG, {"TRACKER_NAME": key})
    for name, value in settings.items():
        element.set(name, _to_text(value))
    return element


def unmarshal(element: Element | None, name_attribute: str) -> tuple[str, dict[str, Any]]:
    """Read a DetectorSettings or TrackerSettings element as key and flat settings."""
    if element is None:
        return "", {}
    settings: dict[str, Any] = {}
    for name, text in element.attrib.items():
        if name != name_attribute:
            settings[name] = _from_text(text)
    penalties_of = {tag: penalties for tag, penalties, _ in _STEPS}
    for child in element:
        settings |= {name: _from_text(text) for name, text in child.attrib.items()}
        weights = child.find("FeaturePenalties")
        if weights is not None and child.tag in penalties_of:
            settings[penalties_of[child.tag]] = {
                k: _to_number(v, f"the penalty on {k}") for k, v in weights.attrib.items()
            }
    return element.get(name_attribute, ""), settings


def _to_number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"{what} in the TrackMate file is {text!r}, expected a number with a decimal point"
        raise UserError(msg) from None


def _to_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_number(value) if isinstance(value, float) else str(value)


def _from_text(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
