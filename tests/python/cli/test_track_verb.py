"""`btrackmate track`: where its settings come from, and what it says."""

from pathlib import Path

import pytest
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.io.trackmate import read_trackmate

DISTANCES = [
    "--set",
    "LINKING_MAX_DISTANCE=5",
    "--set",
    "SPLITTING_MAX_DISTANCE=5",
]


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


def test_tracker_comes_from_a_trackmate_file_and_options_go_over_it(
    tmp_path: Path, labels_3d: Path
) -> None:
    first, second = tmp_path / "a.xml", tmp_path / "b.xml"
    words = ["--tracker", "advanced-kalman", "--set", "KALMAN_SEARCH_RADIUS=7.5", "--quiet"]
    words += ["--set", 'LINKING_FEATURE_PENALTIES={"RADIUS": 0.5}', "--set", "MAX_FRAME_GAP=3"]
    assert call("track", labels_3d, "-o", first, *words) == 0
    words = ["--settings-from", first, "--set", "max_frame_gap=1", "--quiet"]
    assert call("track", labels_3d, "-o", second, *words) == 0
    before, after = read_trackmate(first).tracker, read_trackmate(second).tracker
    assert before[1]["LINKING_FEATURE_PENALTIES"] == {"RADIUS": 0.5}
    assert after == (before[0], before[1] | {"MAX_FRAME_GAP": 1})
    config = tmp_path / "c.yaml"
    config.write_text("tracker: lap\ntracker_settings: {MAX_FRAME_GAP: 4}\n", encoding="utf-8")
    words = ["--config", config, "--set", "max_frame_gap=5", "--quiet", "--overwrite"]
    assert call("track", labels_3d, "-o", second, *words) == 0
    assert read_trackmate(second).tracker[1]["MAX_FRAME_GAP"] == 5


def test_distances_of_a_trackmate_file_in_another_unit_are_told(
    tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    xml, out = tmp_path / "a.xml", tmp_path / "b.xml"
    assert call("track", labels_3d, "-o", xml, "--quiet") == 0
    text = xml.read_text(encoding="utf-8")
    assert 'spatialunits="µm"' in text
    for unit, told in (("µm", False), ("nm", True)):
        xml.write_text(text.replace('spatialunits="µm"', f'spatialunits="{unit}"'), "utf-8")
        capsys.readouterr()
        words = ("--settings-from", xml, "--overwrite", "--quiet")
        assert call("track", labels_3d, "-o", out, *words) == 0
        found = "a.xml: its distances, which are in nm, are taken as" in capsys.readouterr().err
        assert found == told


def test_a_tracker_that_is_not_ours_is_named_with_the_file(
    tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    xml, out = tmp_path / "a.xml", tmp_path / "b.xml"
    assert call("track", labels_3d, "-o", xml, "--quiet") == 0
    text = xml.read_text(encoding="utf-8").replace("FLOW_TRACKER", "MANUAL_TRACKER")
    xml.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert call("track", labels_3d, "-o", out, "--settings-from", xml, "--quiet") == 2
    error = capsys.readouterr().err
    assert "a.xml: unknown tracker 'MANUAL_TRACKER'" in error
    assert len(error.splitlines()) == 1
    assert not out.exists()


def test_track_logs_what_it_pruned(tmp_path: Path) -> None:
    movie = dividing_cells(7)
    movie[5:][movie[5:] == 2] = 0
    labels = write_imagej(tmp_path / "l.tif", movie, "TZYX")
    xml = tmp_path / "t.xml"
    words = ["--min-tracklet-length", 3, "--quiet", *DISTANCES]
    assert call("track", labels, "-o", xml, *words) == 0
    lines = read_trackmate(xml).log.splitlines()
    assert lines[1] == "Pruning: leaf tracklets shorter than 3 frames."
    assert len(lines) == 4
    assert len(lines[2].removeprefix("Pruned spots, short_leaf: ").split(", ")) == 2
    assert len(lines[3].removeprefix("Pruned links, short_leaf: ").split(", ")) == 2
