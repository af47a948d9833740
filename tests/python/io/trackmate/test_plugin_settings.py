"""Settings travel between the command line and the plugin in Fiji, by the TrackMate file."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.io.trackmate import read_trackmate

LAP = {"LINKING_MAX_DISTANCE": 8.5, "MAX_FRAME_GAP": 3, "ALLOW_TRACK_SPLITTING": True}


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """A file of ours: label image, mask, LAP with pruning."""
    labels = write_imagej(tmp_path / "labels.tif", dividing_cells(7), "TZYX")
    mask = write_imagej(tmp_path / "mask.tif", np.ones(dividing_cells(7).shape[1:], "u1"), "ZYX")
    words = [
        "--tracker",
        "lap",
        "--mask",
        mask,
        "--mask-policy",
        "fraction",
        "--mask-fraction",
        "0.25",
        "--quiet",
    ]
    for name, value in LAP.items():
        words += ["--set", f"{name}={str(value).lower()}"]
    words += ["--min-tracklet-length", "4", "--unit", "time", "--prune-censored"]
    assert call("track", labels, "-o", tmp_path / "t.xml", *words) == 0
    return tmp_path / "t.xml"


def test_trackmates_own_names_stand_where_it_reads_and_ours_where_it_does_not(
    tracked: Path,
) -> None:
    settings = ET.parse(tracked).getroot().find("Settings")
    assert settings.find("TrackerSettings").get("TRACKER_NAME") == "SPARSE_LAP_TRACKER"
    assert settings.find("DetectorSettings").get("DETECTOR_NAME") == "MANUAL_DETECTOR"
    tracker = settings.find("BTrackMatePlugin/TrackerSettings")
    assert tracker.get("TRACKER_NAME") == "BTRACKMATE_PRUNED_SPARSE_LAP_TRACKER"
    assert tracker.get("MIN_TRACKLET_LENGTH") == "4.0"
    assert tracker.get("MIN_TRACKLET_UNIT") == "time"
    assert tracker.get("PRUNE_CENSORED") == "true"
    assert tracker.find("Linking").get("LINKING_MAX_DISTANCE") == "8.5"
    detector = settings.find("BTrackMatePlugin/DetectorSettings")
    assert detector.attrib == {
        "DETECTOR_NAME": "BTRACKMATE_LABEL_MASK_DETECTOR",
        "LABEL_IMAGE": str(tracked.parent / "labels.tif"),
        "TARGET_CHANNEL": "1",
        "MASK_IMAGE": str(tracked.parent / "mask.tif"),
        "MASK_CHANNEL": "0",
        "MASK_TISSUES": "",
        "MASK_POLICY": "fraction",
        "MASK_FRACTION": "0.25",
        "SIMPLIFY_CONTOURS": "true",
    }


def as_the_plugin_saves(path: Path) -> Path:
    """Move what the plugin reads to where it writes it."""
    tree = ET.parse(path)
    settings = tree.getroot().find("Settings")
    plugin = settings.find("BTrackMatePlugin")
    settings.remove(plugin)
    for child in plugin:
        settings.remove(settings.find(child.tag))
        settings.append(child)
    saved = path.with_name("saved.xml")
    tree.write(saved, encoding="utf-8")
    return saved


@pytest.mark.parametrize("way", [lambda path: path, as_the_plugin_saves])
def test_settings_come_back(tracked: Path, tmp_path: Path, way) -> None:
    """From a file of ours, and from one that the plugin saved (once an unknown tracker)."""
    document = read_trackmate(way(tracked))
    key, values = document.tracker
    assert key == "SPARSE_LAP_TRACKER"
    assert {name: values[name] for name in LAP} == LAP
    assert not [name for name in values if "TRACKLET" in name or "PRUNE" in name]
    expected = {"min_tracklet_length": 4, "unit": "time", "prune_censored": True}
    assert {name: document.pruning[name] for name in expected} == expected
    words = ["--settings-from", way(tracked), "--quiet", "--min-tracklet-length", "2"]
    again = tmp_path / "again.xml"
    labels, mask = tmp_path / "labels.tif", tmp_path / "mask.tif"
    assert call("track", labels, "--mask", mask, "-o", again, *words) == 0
    after = read_trackmate(again)
    assert after.tracker == document.tracker
    assert after.pruning == document.pruning | {"min_tracklet_length": 2}
    assert after.plugin_detector == document.plugin_detector


def test_a_table_is_named_with_its_units(tmp_path: Path) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("frame,x,y\n0,1,1\n1,2,1\n", encoding="utf-8")
    assert call("track", table, "-o", tmp_path / "t.xml", "--quiet") == 0
    key, values = read_trackmate(tmp_path / "t.xml").plugin_detector
    assert key == "BTRACKMATE_CSV_DETECTOR"
    assert values["CSV_FILE"] == str(table)
    assert values["CSV_UNITS"] == "physical"


def test_a_tracker_that_the_plugin_does_not_have_leaves_nothing_behind(tracked: Path) -> None:
    again = tracked.with_name("flow.xml")
    assert call("track", tracked, "-o", again, "--tracker", "flow", "--quiet") == 0
    assert ET.parse(again).getroot().find("Settings/BTrackMatePlugin") is None
    assert read_trackmate(again).pruning == {}
