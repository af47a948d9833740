"""Settings of the trackers and of pruning, with TrackMate's names as aliases."""

import json
import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
)

from btrackmate.core.errors import UserError
from btrackmate.core.schema import find_column, resolve_name
from btrackmate.core.settings import Settings
from btrackmate.core.words import setting
from btrackmate.tracking.distances import AUTO, Distance
from btrackmate.tracking.flow.settings import COSTS, LINKING, SPLITTING, FlowSettings


def _check_penalties(values: Any) -> Any:
    """Turn feature keys into column names and refuse two entries for one column."""
    if not isinstance(values, dict):
        return values
    resolved = {resolve_name(str(name)): weight for name, weight in values.items()}
    if len(resolved) < len(values):
        msg = f"names one feature twice: {', '.join(map(str, values))}"
        raise ValueError(msg)
    return resolved


def _check_weights(values: dict[str, float]) -> dict[str, float]:
    for name, weight in values.items():
        if not math.isfinite(weight) or weight < 0:
            msg = f"weight of {name} is {weight}, expected a finite number ≥ 0"
            raise ValueError(msg)
    return values


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Penalties = Annotated[
    dict[str, float], BeforeValidator(_check_penalties), AfterValidator(_check_weights)
]


def _field(default: Any, key: str, text: str, group: str = LINKING) -> Any:
    """Declare a field with TrackMate's key as its alias."""
    return Field(default, alias=key, description=text, json_schema_extra={"group": group})


def _penalties(key: str, what: str, group: str) -> Any:
    return Field(
        default_factory=dict,
        alias=key,
        description=f"weight of each spot feature in the cost of {what}",
        json_schema_extra={"group": group},
    )


_GAPS, _MERGING = "gap closing", "merging"
_SEARCH_RADIUS = "distance from a track's predicted position that a link stays below [space unit]"


class NearestSettings(Settings):
    """Nearest-neighbour linking, TrackMate's ``NEAREST_NEIGHBOR_TRACKER``."""

    linking_max_distance: Distance = _field(
        AUTO, "LINKING_MAX_DISTANCE", "largest distance of a link [space unit]"
    )


class LapSettings(Settings):
    """Linking, gap closing, splitting and merging by linear assignment.

    TrackMate's ``SPARSE_LAP_TRACKER``, after Jaqaman et al. 2008. Each field has TrackMate's key
    as its alias. Its defaults differ from TrackMate's in the distances (15 there) and in gap
    closing (off there).

    Notes
    -----
    A link costs d²·(1 + Σ pᵢ·1.5·abs(aᵢ − bᵢ)/abs((aᵢ + bᵢ)/2))² with the distance d and the
    penalty weights pᵢ of the features; the thresholds below are on the square root of it.

    References
    ----------
    Jaqaman et al., Nature Methods 5, 695–702 (2008), doi:10.1038/nmeth.1237.
    """

    linking_max_distance: Distance = _field(
        AUTO, "LINKING_MAX_DISTANCE", "distance that a link between frames stays below [space unit]"
    )
    linking_feature_penalties: Penalties = _penalties(
        "LINKING_FEATURE_PENALTIES", "a link", LINKING
    )
    allow_gap_closing: bool = _field(
        True, "ALLOW_GAP_CLOSING", "link track segments over missed frames", _GAPS
    )
    gap_closing_max_distance: Distance = _field(
        AUTO,
        "GAP_CLOSING_MAX_DISTANCE",
        "largest distance of a gap-closing link [space unit]",
        _GAPS,
    )
    max_frame_gap: Annotated[int, Field(ge=1)] = _field(
        2,
        "MAX_FRAME_GAP",
        "largest frame difference of a gap-closing link; 2 bridges one missed frame",
        _GAPS,
    )
    gap_closing_feature_penalties: Penalties = _penalties(
        "GAP_CLOSING_FEATURE_PENALTIES", "a gap-closing link", _GAPS
    )
    allow_track_splitting: bool = _field(
        True,
        "ALLOW_TRACK_SPLITTING",
        "let a segment start from the middle of another (division)",
        SPLITTING,
    )
    splitting_max_distance: Distance = _field(
        AUTO,
        "SPLITTING_MAX_DISTANCE",
        "largest distance of a splitting link [space unit]",
        SPLITTING,
    )
    splitting_feature_penalties: Penalties = _penalties(
        "SPLITTING_FEATURE_PENALTIES", "a splitting link", SPLITTING
    )
    division_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = _field(
        0.0,
        "DIVISION_WEIGHT",
        "weight of what speaks against a division in the cost of a splitting link: daughters that "
        "do not lie evenly about the mother, or whose volumes and intensities do not fit hers; "
        "0 as in TrackMate",
        SPLITTING,
    )
    allow_track_merging: bool = _field(
        False, "ALLOW_TRACK_MERGING", "let a segment end in the middle of another", _MERGING
    )
    merging_max_distance: Distance = _field(
        AUTO, "MERGING_MAX_DISTANCE", "largest distance of a merging link [space unit]", _MERGING
    )
    merging_feature_penalties: Penalties = _penalties(
        "MERGING_FEATURE_PENALTIES", "a merging link", _MERGING
    )
    alternative_linking_cost_factor: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _field(
        1.05,
        "ALTERNATIVE_LINKING_COST_FACTOR",
        "cost of no link, as a multiple of the largest cost (linking) or of the percentile of "
        "costs (gaps, splits, merges)",
        COSTS,
    )
    cutoff_percentile: Annotated[float, Field(ge=0, le=1)] = _field(
        0.9,
        "CUTOFF_PERCENTILE",
        "percentile of the costs of gaps, splits and merges, 0 to 1",
        COSTS,
    )
    blocking_value: float = _field(
        math.inf,
        "BLOCKING_VALUE",
        "cost of a forbidden link; kept for TrackMate, has no effect",
        COSTS,
    )


class SimpleLapSettings(LapSettings):
    """Linking and gap closing only, TrackMate's ``SIMPLE_SPARSE_LAP_TRACKER``.

    TrackMate stores the full set of LAP settings for it too; splitting and merging stay off.
    """

    allow_track_splitting: Literal[False] = _field(
        False, "ALLOW_TRACK_SPLITTING", "always off here; tracker lap can split", SPLITTING
    )
    allow_track_merging: Literal[False] = _field(
        False, "ALLOW_TRACK_MERGING", "always off here; tracker lap can merge", _MERGING
    )


class KalmanSettings(Settings):
    """Linking by constant-velocity Kalman filters, TrackMate's ``KALMAN_TRACKER``."""

    linking_max_distance: Distance = _field(
        AUTO, "LINKING_MAX_DISTANCE", "distance that a track's first link stays below [space unit]"
    )
    kalman_search_radius: Distance = _field(AUTO, "KALMAN_SEARCH_RADIUS", _SEARCH_RADIUS)
    max_frame_gap: Annotated[int, Field(ge=0)] = _field(
        2, "MAX_FRAME_GAP", "frames that a track may miss in all before it ends", _GAPS
    )


class AdvancedKalmanSettings(LapSettings):
    """Kalman filters, then gap closing, splitting and merging as in the LAP tracker.

    TrackMate's ``ADVANCED_KALMAN_TRACKER``. `linking_max_distance` is for the first link of a
    track; `max_frame_gap` is also the number of frames that a track may miss in all before its
    filter ends.
    """

    kalman_search_radius: Distance = _field(AUTO, "KALMAN_SEARCH_RADIUS", _SEARCH_RADIUS)


class OverlapSettings(Settings):
    """Linking by the overlap of cells in label images, TrackMate's ``OVERLAP_TRACKER``."""

    scale_factor: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _field(
        1.0, "SCALE_FACTOR", "cells are scaled by this, about their centroid, before comparing"
    )
    min_iou: Annotated[float, Field(ge=0, lt=1)] = _field(
        0.3, "MIN_IOU", "intersection over union that a link must exceed"
    )
    iou_calculation: Annotated[Literal["PRECISE", "FAST"], BeforeValidator(_upper)] = _field(
        "PRECISE", "IOU_CALCULATION", "PRECISE compares the cells, FAST their bounding boxes"
    )


class PruneSettings(Settings):
    """What the track inspector removes."""

    min_tracklet_length: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="shortest tracklet that stays, in `unit`; 0 switches pruning off"
    )
    unit: Literal["frames", "time"] = Field(
        "frames", description="unit of min_tracklet_length: frames, or the movie's time unit"
    )
    prune_censored: bool = Field(
        False, description="also prune tracklets that reach the movie's last frame"
    )
    prune_internal: bool = Field(
        False, description="undo divisions that follow another one within the minimum length"
    )
    prune_short_tracks: bool = Field(False, description="remove whole tracks that are short")


TrackerSettings = (
    LapSettings
    | SimpleLapSettings
    | NearestSettings
    | KalmanSettings
    | AdvancedKalmanSettings
    | OverlapSettings
    | FlowSettings
)

#: The tracker of a run where none is named.
DEFAULT_TRACKER = "flow"

#: TrackMate's key and the settings class of each tracker, by our short name.
TRACKERS: dict[str, tuple[str, type[TrackerSettings]]] = {
    "lap": ("SPARSE_LAP_TRACKER", LapSettings),
    "simple-lap": ("SIMPLE_SPARSE_LAP_TRACKER", SimpleLapSettings),
    "nearest": ("NEAREST_NEIGHBOR_TRACKER", NearestSettings),
    "kalman": ("KALMAN_TRACKER", KalmanSettings),
    "advanced-kalman": ("ADVANCED_KALMAN_TRACKER", AdvancedKalmanSettings),
    "overlap": ("OVERLAP_TRACKER", OverlapSettings),
    "flow": ("FLOW_TRACKER", FlowSettings),
}


def find_tracker(key: str) -> str | None:
    """Give our short name of a tracker, by that or TrackMate's key in any case; None if unknown."""
    return next(
        (name for name, (other, _) in TRACKERS.items() if key.lower() in (name, other.lower())),
        None,
    )


def parse_tracker(
    key: str, values: dict[str, Any], source: str = "tracker settings"
) -> TrackerSettings:
    """Make the settings of a tracker from its name and plain values.

    Parameters
    ----------
    key : str
        Our short name (``"lap"``) or TrackMate's key (``"SPARSE_LAP_TRACKER"``), in any case.
    values : dict
        Our field names or TrackMate's keys, in any case, and values; what is not named keeps its
        default.
    source : str
        Where the values come from, for messages.

    Raises
    ------
    UserError
        If the tracker or a name is unknown, a name is given twice, or a value does not fit.
    """
    short = find_tracker(key)
    if short is None:
        msg = f"{source}: unknown tracker {key!r}; known: "
        msg += ", ".join(f"{name} ({other})" for name, (other, _) in TRACKERS.items())
        raise UserError(msg)
    found = TRACKERS[short][1]
    lower = {name.lower(): value for name, value in values.items()}
    if len(lower) < len(values):
        msg = f"{source}: a setting is given twice among {', '.join(values)}; give it once"
        raise UserError(msg)
    try:
        return found.parse(lower, source)
    except UserError as error:
        foreign = set(lower) - set(found.model_fields)
        others = [name for name, (_, kind) in TRACKERS.items() if foreign <= set(kind.model_fields)]
        if not foreign or not others:
            raise
        msg = f"{error}; they are settings of the tracker {' or '.join(others)}, not of {key}"
        raise UserError(msg) from None


def read_tracker_settings(value: Any) -> TrackerSettings:
    """Make the settings of a tracker from any of the forms in which they are written.

    Parameters
    ----------
    value : str, dict or TrackerSettings
        A name; or a dict with the key ``name`` and settings, as in YAML files.

    Raises
    ------
    UserError
        As :func:`parse_tracker`, or if it is something else.
    """
    if isinstance(value, TrackerSettings):
        return value
    if isinstance(value, str):
        return parse_tracker(value, {}, "tracker")
    if isinstance(value, dict) and isinstance(value.get("name", DEFAULT_TRACKER), str):
        values = {name: one for name, one in value.items() if name != "name"}
        return parse_tracker(value.get("name", DEFAULT_TRACKER), values, "tracker")
    msg = f"tracker is {value!r}, expected a name, or a name and its settings"
    raise UserError(msg)


def write_tracker_settings(settings: TrackerSettings) -> dict[str, Any]:
    """Give the settings of a tracker, with its name, as a YAML file holds them."""
    values = settings.model_dump(mode="json")
    numbers = {name: value for name, value in settings if isinstance(value, float)}
    return {"name": tracker_name(settings), **values, **numbers}  # JSON has no infinity


#: Settings of one tracker, told apart by the key ``name``.
AnyTracker = Annotated[
    Annotated[LapSettings, Tag("lap")]
    | Annotated[SimpleLapSettings, Tag("simple-lap")]
    | Annotated[NearestSettings, Tag("nearest")]
    | Annotated[KalmanSettings, Tag("kalman")]
    | Annotated[AdvancedKalmanSettings, Tag("advanced-kalman")]
    | Annotated[OverlapSettings, Tag("overlap")]
    | Annotated[FlowSettings, Tag("flow")],
    Discriminator(lambda settings: tracker_name(settings)),
    BeforeValidator(read_tracker_settings),
    PlainSerializer(write_tracker_settings),
]


def list_idle_settings(settings: TrackerSettings, given: Iterable[str]) -> list[str]:
    """Tell which of the settings that were given have no effect, as a step is switched off.

    Parameters
    ----------
    settings : TrackerSettings
    given : iterable of str
        Names that the user gave, ours or TrackMate's, in any case.

    Returns
    -------
    list of str
        A line for each, with what to do.
    """
    steps = {
        "gap_closing_": "allow_gap_closing",
        "max_frame_gap": "allow_gap_closing",
        "splitting_": "allow_track_splitting",
        "division_weight": "allow_track_splitting",
        "merging_": "allow_track_merging",
    }
    lines = []
    for name in given:
        for start, switch in steps.items():
            if name.lower().startswith(start) and getattr(settings, switch, True) is False:
                on = setting(switch, "true")
                lines.append(f"{name} has no effect, as {switch} is off; {on} switches it on")
    return lines


def to_trackmate(settings: TrackerSettings) -> tuple[str, dict[str, Any]]:
    """Give TrackMate's key of a tracker and its settings under TrackMate's names.

    Distances that are still ``"auto"`` are left out, as TrackMate does not know how to find them.

    Returns
    -------
    key : str
        E.g. ``"SPARSE_LAP_TRACKER"``.
    values : dict
        TrackMate's names, flat, with bool, int, float, or dict from feature key to weight.
    """
    key = next(key for key, kind in TRACKERS.values() if kind is type(settings))
    dump = {
        name: value for name, value in settings.model_dump(by_alias=True).items() if value != AUTO
    }
    if dump.get("DIVISION_WEIGHT") == 0:  # TrackMate does not have it
        del dump["DIVISION_WEIGHT"]
    values = dict(dump)
    for name, value in dump.items():
        if isinstance(settings, FlowSettings) and isinstance(value, dict | tuple | None):
            values[name] = json.dumps(value)  # TrackMate has no place for these
        elif isinstance(value, dict):
            values[name] = {_feature_key(feature): weight for feature, weight in value.items()}
    return key, values


def tracker_name(settings: TrackerSettings) -> str:
    """Give our short name of the tracker that the settings belong to, e.g. ``"lap"``."""
    return next(name for name, (_, kind) in TRACKERS.items() if kind is type(settings))


def _feature_key(name: str) -> str:
    column = find_column(name)
    return column.key if column else name
