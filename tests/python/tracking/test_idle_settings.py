"""Settings that have no effect, and settings of another tracker."""

import pytest

from btrackmate.core.errors import UserError
from btrackmate.tracking import LapSettings, parse_tracker
from btrackmate.tracking.settings import list_idle_settings


def test_a_distance_of_a_step_that_is_off_is_named():
    off = LapSettings(allow_gap_closing=False)
    (line,) = list_idle_settings(off, ["GAP_CLOSING_MAX_DISTANCE", "allow_gap_closing"])
    assert line.startswith("GAP_CLOSING_MAX_DISTANCE has no effect, as allow_gap_closing is off")
    assert "allow_gap_closing=true" in line
    assert len(list_idle_settings(LapSettings(), ["merging_max_distance"])) == 1


def test_settings_of_steps_that_are_on_say_nothing():
    names = ["gap_closing_max_distance", "max_frame_gap", "splitting_max_distance"]
    assert list_idle_settings(LapSettings(), names) == []
    assert list_idle_settings(parse_tracker("flow", {}), ["max_frame_gap"]) == []


def test_a_setting_of_another_tracker_names_it():
    with pytest.raises(UserError, match="settings of the tracker lap or simple-lap or advanced-k"):
        parse_tracker("flow", {"ALLOW_GAP_CLOSING": True})
    with pytest.raises(UserError) as caught:
        parse_tracker("flow", {"nonsense": True})
    assert "settings of the tracker" not in str(caught.value)
