"""Settings show themselves: in help, as options, and as a file that --config takes."""

import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from faults import in_folder
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import cli, run_command
from btrackmate.core.fields import describe_fields
from btrackmate.pipeline.settings import RunSettings
from btrackmate.tracking.settings import TRACKERS, tracker_name

pytestmark = pytest.mark.usefixtures("plain_report")


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


@pytest.fixture
def spots(tmp_path: Path) -> Path:
    rows = [(frame, 10.0 * cell + frame, 0.0) for frame in range(4) for cell in range(3)]
    path = tmp_path / "spots.csv"
    pd.DataFrame(rows, columns=["frame", "x", "y"]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("verb", ["run", "track"])
def test_help_lists_every_setting_of_every_tracker(verb, capsys):
    assert call(verb, "--help") == 0
    text = capsys.readouterr().out
    for name, (_, kind) in TRACKERS.items():
        assert name in text
        for field in describe_fields(kind):
            assert re.search(rf"^  --{field.name.replace('_', '-')}\b", text, re.MULTILINE), field
    assert "Tracker settings, gap closing:" in text


@pytest.mark.parametrize("verb", ["run", "track", "measure"])
def test_no_option_stands_twice(verb):
    command = cli.get_command(None, verb)
    flags = Counter(flag for one in command.params for flag in (*one.opts, *one.secondary_opts))
    assert [flag for flag, count in flags.items() if count > 1] == []


@pytest.mark.parametrize("tracker", TRACKERS)
def test_printed_settings_are_the_defaults_and_can_be_given_again(tracker, tmp_path, capsys):
    assert call("settings", "--tracker", tracker) == 0
    text = capsys.readouterr().out
    config = tmp_path / "mine.yaml"
    config.write_text(text, encoding="utf-8")
    settings = RunSettings.from_yaml(config)
    assert tracker_name(settings.tracker) == tracker
    assert settings == RunSettings(tracker=tracker)
    assert call("settings", "--config", config) == 0
    assert capsys.readouterr().out == text
    # each setting has a comment right above it
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(("#", "name:")):
            assert lines[number - 1].lstrip().startswith("#"), line


def test_options_go_over_the_file_and_the_file_over_defaults(spots, tmp_path, capsys):
    config = tmp_path / "c.yaml"
    config.write_text("tracker: {name: lap, LINKING_MAX_DISTANCE: 5, max_frame_gap: 4}\n")
    out = tmp_path / "t.xml"
    words = ("track", spots, "-o", out, "--config", config, "--quiet")
    assert call(*words, "--linking-max-distance", 0.5) == 0
    assert " 0 links" in capsys.readouterr().out
    words = (*words, "--overwrite")
    assert call(*words) == 0
    assert " 9 links" in capsys.readouterr().out
    assert call(*words, "--linking-max-distance", 3, "--set", "LINKING_MAX_DISTANCE=4") == 2
    assert "linking_max_distance is given twice" in capsys.readouterr().err
    assert call(*words, "--set", "MAX_FRAME_GAP=2", "--set", "MAX_FRAME_GAP=3") == 2
    assert "--set MAX_FRAME_GAP is given twice" in capsys.readouterr().err
    assert call(*words, "--linking-max-distance", "far") == 2
    assert "got 'far', expected auto or a number" in capsys.readouterr().err
    assert call(*words, "--min-iou", 0.5) == 2
    assert "settings of the tracker overlap, not of lap" in capsys.readouterr().err


def test_settings_of_another_tracker_are_left_out_and_said(spots, tmp_path, capsys):
    config = tmp_path / "c.yaml"
    config.write_text("tracker: {name: flow, neighbours: 7}\n")
    words = ("track", spots, "-o", tmp_path / "t.xml", "--config", config, "--tracker", "nearest")
    assert call(*words) == 0
    assert "its settings of the tracker flow are left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tracker: 3\n", "tracker is 3, expected a name, or a name and settings"),
        ("tracker: {name: best}\n", "unknown tracker 'best'"),
        ("tracker: {name: lap, reach: 3}\n", "unknown setting 'reach'"),
        ("tracker: lap\ntracker_settings: [3]\n", "tracker_settings is [3], expected names and"),
        ("tracker: {max_frame_gap: 3, MAX_FRAME_GAP: 4}\n", "given twice"),
    ],
)
def test_a_wrong_tracker_in_a_file_is_one_line(text, fault, spots, tmp_path, capsys):
    config = tmp_path / "c.yaml"
    config.write_text(text)
    assert call("track", spots, "-o", tmp_path / "t.xml", "--config", config) == 2
    said = capsys.readouterr().err
    assert fault in said
    assert said.count("\n") == 1
    assert str(config) in said
    assert not (tmp_path / "t.xml").exists()


def test_measure_reaches_its_settings(labels_3d: Path, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump({"measure": {"surface": False}}))
    plain, more = tmp_path / "a.csv", tmp_path / "b.csv"
    assert call("measure", labels_3d, "-o", plain, "--quiet") == 0
    words = ("measure", labels_3d, "-o", more, "--quiet", "--config", config, "--bounding-box")
    assert call(*words) == 0
    one, other = (set(pd.read_csv(path).columns) for path in (plain, more))
    assert one - other >= {"surface"}
    assert {"box_min_x", "box_max_z"} <= other - one


@pytest.mark.parametrize(
    "words",
    [
        ("--dt", "1_0"),
        ("--dt", "１２"),
        ("--voxel-size", "1_0,1"),
        ("--min-tracklet-length", "1_0"),
        ("--linking-max-distance", "1_0"),
        ("--set", "LINKING_MAX_DISTANCE=1_0"),
        ("--set", "MAX_FRAME_GAP=１"),
        ("--set", 'LINKING_FEATURE_PENALTIES={"x": "1_0"}'),
    ],
)
def test_numbers_that_only_python_reads_are_refused(spots, tmp_path, capsys, words):
    assert call("track", spots, "-o", tmp_path / "t.xml", "--tracker", "lap", *words) == 2
    error = capsys.readouterr().err
    assert (
        "plain decimals" in error or "expected numbers separated" in error or "or a number" in error
    )
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("run --labels l.tif -o o --min-size 500 --ome-zarr 0.5", "--min-size, --ome-zarr"),
        ("run --labels l.tif -o o --csv-units pixels", "--csv-units"),
        ("run --spots c.csv -o o --label-axes TZYX", "--label-axes"),
        (
            "track c.csv -o o.xml --mask-policy centroid --mask-axes YX",
            "--mask-policy, --mask-axes",
        ),
        ("measure l.tif -o o.csv --image-axes TZYX", "--image-axes"),
        ("run --labels l.tif -o o --channel 1 --csv-time frames", "--csv-time"),
        ("run --labels l.tif -o o", ""),
    ],
)
def test_options_without_effect_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    """As where smaller cells are to go, and nothing is segmented."""
    write_imagej(tmp_path / "l.tif", dividing_cells(2), "TZYX")
    (tmp_path / "c.csv").write_text("frame,x,y\n0,1,1\n1,1,1\n")
    with in_folder(tmp_path):
        assert run_command([*line.split(), "--quiet"]) == 0
    err = capsys.readouterr().err
    assert (f"{told}: no effect, as" in err) if told else ("no effect" not in err)
