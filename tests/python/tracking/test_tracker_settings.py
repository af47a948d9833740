import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.trackmate import Session, read_trackmate, write_trackmate
from btrackmate.tracking import (
    TRACKERS,
    AdvancedKalmanSettings,
    FlowSettings,
    FlowWeights,
    KalmanSettings,
    LapSettings,
    NearestSettings,
    OverlapSettings,
    PruneSettings,
    SimpleLapSettings,
    parse_tracker,
    to_trackmate,
)
from btrackmate.tracking.settings import tracker_name

ORACLE = Path(__file__).parents[2] / "data" / "trackmate-oracle" / "points_small"
CASES = json.loads((ORACLE / "cases.json").read_text())["cases"]


def test_defaults_are_btrackmates():
    settings = LapSettings()
    assert (settings.linking_max_distance, settings.splitting_max_distance) == ("auto", "auto")
    assert (settings.gap_closing_max_distance, settings.max_frame_gap) == ("auto", 2)
    allowed = (
        settings.allow_gap_closing,
        settings.allow_track_splitting,
        settings.allow_track_merging,
    )
    assert allowed == (True, True, False)
    assert (settings.alternative_linking_cost_factor, settings.cutoff_percentile) == (1.05, 0.9)


@pytest.mark.parametrize("key", ["lap", "LAP", "SPARSE_LAP_TRACKER", "sparse_lap_tracker"])
def test_short_name_and_trackmate_key_in_any_case(key):
    assert parse_tracker(key, {}) == LapSettings()


@pytest.mark.parametrize(
    ("key", "kind", "name"),
    [
        ("SIMPLE_SPARSE_LAP_TRACKER", SimpleLapSettings, "simple-lap"),
        ("NEAREST_NEIGHBOR_TRACKER", NearestSettings, "nearest"),
        ("KALMAN_TRACKER", KalmanSettings, "kalman"),
        ("ADVANCED_KALMAN_TRACKER", AdvancedKalmanSettings, "advanced-kalman"),
        ("OVERLAP_TRACKER", OverlapSettings, "overlap"),
    ],
)
def test_each_key_has_its_class_and_name(key, kind, name):
    settings = parse_tracker(key, {})
    assert type(settings) is kind
    assert tracker_name(settings) == name
    assert to_trackmate(settings)[0] == key


def test_trackmate_is_not_told_of_distances_that_are_not_known():
    assert to_trackmate(KalmanSettings()) == ("KALMAN_TRACKER", {"MAX_FRAME_GAP": 2})
    assert to_trackmate(KalmanSettings(kalman_search_radius=7)) == (
        "KALMAN_TRACKER",
        {"KALMAN_SEARCH_RADIUS": 7, "MAX_FRAME_GAP": 2},
    )


@pytest.mark.parametrize("value", ["auto", "AUTO", " Auto "])
def test_auto_in_any_case(value):
    assert parse_tracker("nearest", {"LINKING_MAX_DISTANCE": value}) == NearestSettings()


def test_a_number_as_text_is_a_distance():
    assert NearestSettings(linking_max_distance="3.5").linking_max_distance == 3.5


def test_advanced_kalman_defaults_are_those_of_lap_and_kalman():
    values = AdvancedKalmanSettings().model_dump()
    assert values == LapSettings().model_dump() | {"kalman_search_radius": "auto"}


def test_overlap_defaults_are_trackmates():
    assert to_trackmate(OverlapSettings()) == (
        "OVERLAP_TRACKER",
        {"SCALE_FACTOR": 1.0, "MIN_IOU": 0.3, "IOU_CALCULATION": "PRECISE"},
    )


def test_iou_calculation_in_any_case():
    assert parse_tracker("overlap", {"IOU_CALCULATION": "Fast"}).iou_calculation == "FAST"
    with pytest.raises(UserError, match="iou_calculation: Input should be 'PRECISE' or 'FAST'"):
        parse_tracker("overlap", {"iou_calculation": "box"})


@pytest.mark.parametrize("name", ["scale_factor", "min_iou"])
@pytest.mark.parametrize("value", [-0.1, math.inf, math.nan])
def test_wrong_overlap_values_are_refused(name, value):
    with pytest.raises(UserError, match=f"{name}: Input should be"):
        parse_tracker("overlap", {name: value})


def test_simple_lap_closes_gaps_only():
    settings = SimpleLapSettings()
    assert settings.allow_gap_closing
    assert not settings.allow_track_splitting
    assert not settings.allow_track_merging
    with pytest.raises(UserError, match="allow_track_splitting: Input should be False"):
        parse_tracker("simple-lap", {"ALLOW_TRACK_SPLITTING": True})


@pytest.mark.parametrize("name", ["linking_max_distance", "LINKING_MAX_DISTANCE"])
def test_own_and_trackmate_names_mean_the_same(name):
    assert parse_tracker("nearest", {name: 8}) == NearestSettings(linking_max_distance=8)


def test_a_setting_under_both_names_is_refused():
    with pytest.raises(UserError, match="given twice among MAX_FRAME_GAP, max_frame_gap"):
        parse_tracker("lap", {"MAX_FRAME_GAP": 2, "max_frame_gap": 3})


@pytest.mark.parametrize("name", CASES)
def test_trackmate_settings_round_trip(name):
    case = CASES[name]
    expected = {
        key: math.inf if value == "Infinity" else value for key, value in case["settings"].items()
    }
    assert to_trackmate(parse_tracker(case["tracker"], case["settings"])) == (
        case["tracker"],
        expected,
    )


FAR = {f"{kind}_max_distance": 15.0 for kind in ("linking", "gap_closing", "splitting", "merging")}
EXAMPLES = [
    LapSettings(linking_feature_penalties={"volume": 2.0}, allow_track_merging=True, **FAR),
    LapSettings(division_weight=0.5, **FAR),
    SimpleLapSettings(max_frame_gap=4, **FAR),
    NearestSettings(linking_max_distance=3.5),
    KalmanSettings(kalman_search_radius=9.0, max_frame_gap=0, linking_max_distance=15.0),
    AdvancedKalmanSettings(
        kalman_search_radius=9.0, splitting_feature_penalties={"radius": 1.0}, **FAR
    ),
    OverlapSettings(scale_factor=1.5, iou_calculation="FAST"),
    FlowSettings(
        linking_max_distance=6.0,
        feature_penalties={"radius": 0.5},
        movie_bounds=((0.0, 0.0, 0.0), (9.0, 8.0, 7.0)),
        weights=FlowWeights(division=3.25),
    ),
]


@pytest.mark.parametrize("settings", EXAMPLES, ids=lambda one: type(one).__name__)
def test_every_trackers_settings_go_through_a_trackmate_file(settings, tmp_path):
    table = pd.DataFrame({"frame": [0, 1], "x": 0.0, "y": 0.0, "z": 0.0})
    spots = Spots.from_table(table, Calibration())
    graph = TrackGraph.from_links(spots, np.array([0]), np.array([1]))
    path = tmp_path / "a.xml"
    write_trackmate(path, graph, None, Session(tracker=to_trackmate(settings)))
    assert parse_tracker(*read_trackmate(path).tracker) == settings


def test_trackmate_is_not_told_of_a_division_weight(tmp_path):
    table = pd.DataFrame({"frame": [0], "x": 0.0, "y": 0.0, "z": 0.0})
    spots = Spots.from_table(table, Calibration())
    graph = TrackGraph.from_links(spots, np.empty(0, int), np.empty(0, int))
    session = Session(tracker=to_trackmate(LapSettings(division_weight=0.5)))
    write_trackmate(tmp_path / "a.xml", graph, None, session)
    theirs = read_trackmate(tmp_path / "a.xml").root.find("Settings/TrackerSettings")
    assert not any("DIVISION_WEIGHT" in element.attrib for element in theirs.iter())
    assert "DIVISION_WEIGHT" not in to_trackmate(LapSettings())[1]


def test_every_tracker_has_its_example():
    assert {type(one) for one in EXAMPLES} == {kind for _, kind in TRACKERS.values()}


def test_penalties_take_keys_columns_and_own_features():
    given = {"RADIUS": 1, "mean_intensity_ch2": 0.5, "Elongation": 2}
    settings = parse_tracker("lap", {"LINKING_FEATURE_PENALTIES": given})
    assert settings.linking_feature_penalties == {
        "radius": 1,
        "mean_intensity_ch2": 0.5,
        "Elongation": 2,
    }
    assert to_trackmate(settings)[1]["LINKING_FEATURE_PENALTIES"] == {
        "RADIUS": 1,
        "MEAN_INTENSITY_CH2": 0.5,
        "Elongation": 2,
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"linking_max_distance": 0},
            "linking_max_distance: expected auto or a finite number above 0",
        ),
        ({"splitting_max_distance": -1}, "splitting_max_distance: expected auto or a"),
        ({"merging_max_distance": math.nan}, "merging_max_distance: expected auto or a"),
        ({"gap_closing_max_distance": math.inf}, "gap_closing_max_distance: expected auto or a"),
        ({"linking_max_distance": "far"}, "linking_max_distance: expected auto or a"),
        ({"linking_max_distance": True}, "linking_max_distance: expected a value other than yes"),
        ({"max_frame_gap": 0}, "max_frame_gap: Input should be greater than or equal to 1"),
        ({"max_frame_gap": 1.5}, "max_frame_gap: Input should be a valid integer"),
        ({"cutoff_percentile": 90}, "cutoff_percentile: Input should be less than or equal to 1"),
        ({"alternative_linking_cost_factor": 0}, "alternative_linking_cost_factor: Input"),
        ({"linking_feature_penalties": {"radius": -1}}, "weight of radius is -1.0, expected"),
        ({"linking_feature_penalties": {"RADIUS": 1, "radius": 1}}, "names one feature twice"),
        ({"linking_distance": 3}, "unknown setting 'linking_distance'; known: linking_max_dist"),
    ],
)
def test_wrong_values_are_named_in_one_line(values, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_tracker("lap", values, "run.yaml")
    assert str(caught.value).startswith("run.yaml: ")
    assert "\n" not in str(caught.value)


def test_unknown_tracker_lists_the_known_ones():
    with pytest.raises(UserError, match=r"unknown tracker 'lapp'; known: lap \(SPARSE_LAP_TRACK"):
        parse_tracker("lapp", {})


def test_pruning_is_off_by_default_and_refuses_negative_lengths():
    assert PruneSettings().min_tracklet_length == 0
    with pytest.raises(UserError, match="min_tracklet_length: Input should be greater"):
        PruneSettings.parse({"min_tracklet_length": -1})
