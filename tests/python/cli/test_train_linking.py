"""`btrackmate train-linking`, and tracking with what it learnt."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.pipeline.linking_training import share_distances


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    """Twenty-five cells that drift by 2, five frames."""
    rows = [
        (25 * f + 5 * a + b, f, 10.0 * a + 2 * f, 10.0 * b, 0.0)
        for f in range(5)
        for a in range(5)
        for b in range(5)
    ]
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y", "z"])
    source = np.arange(100)
    path = tmp_path / "tracks.csv"
    graph = TrackGraph.from_links(Spots.from_table(table, Calibration()), source, source + 25)
    write_tracks(path, graph)
    return tmp_path / "tracks.csv"


def test_learnt_settings_track(tracks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    config = tmp_path / "flow.yaml"
    words = ["train-linking", tracks, "-o", config, "--set", "LINKING_MAX_DISTANCE=6", "--quiet"]
    assert run_command([str(word) for word in words]) == 0
    assert "link_distance\t" in capsys.readouterr().out
    content = yaml.safe_load(config.read_text())
    assert content["tracker"]["name"] == "flow"
    assert content["tracker"]["linking_max_distance"] == 6
    found = tmp_path / "found.csv"
    words = ["track", tmp_path / "tracks.spots.csv", "-o", found, "--config", config, "--quiet"]
    assert run_command([str(word) for word in words]) == 0
    truth = read_tracks(tracks)[0]
    result = read_tracks(found)[0]
    pd.testing.assert_frame_equal(
        result.links_table()[["source", "target"]], truth.links_table()[["source", "target"]]
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "w.txt"], "end the name in .yaml"),
        (["-o", "w.yaml", "--set", "lnk=3"], "unknown setting 'lnk'"),
        (["-o", "w.yaml", "--ridge", "0"], "ridge is 0"),
    ],
)
def test_mistakes_are_one_line(
    tracks: Path,
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    assert run_command(["train-linking", str(tracks), *words, "--quiet"]) == 2
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1
    assert message in error[0]
    assert not (tmp_path / "w.yaml").exists()


def write_fast_lineages(path: Path, scale: float) -> Path:
    """Write eight cells, 200 apart, that move by 40 and divide in frame 3; times a scale."""
    rows, links = [], []
    for cell in range(8):
        base = 100 * cell
        for frame in range(7):
            for side in (0,) if frame < 3 else (0, 1):
                apart = 30 * (side * 2 - 1) if frame >= 3 else 0
                x, y = 40.0 * frame, 200.0 * cell + apart
                rows.append((base + 10 * frame + side, frame, x * scale, y * scale, 0.0))
                if frame:
                    mother = base + 10 * frame - 10 + (side if frame > 3 else 0)
                    links.append((mother, base + 10 * frame + side))
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y", "z"])
    spots = Spots.from_table(table, Calibration())
    write_tracks(path, TrackGraph.from_ids(spots, *np.array(links).T))
    return path


def test_distances_come_from_the_true_links(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps of 40 and daughters 50 away: with 15 nothing would be found."""
    tracks, config = write_fast_lineages(tmp_path / "a.geff", 1.0), tmp_path / "flow.yaml"
    assert run_command(["train-linking", str(tracks), "-o", str(config), "--quiet"]) == 0
    settings = yaml.safe_load(config.read_text())["tracker"]
    assert (settings["linking_max_distance"], settings["splitting_max_distance"]) == (48, 60)
    out, err = capsys.readouterr()
    assert out.splitlines()[-2:] == [f"{tracks}: link_f1 1.0000, division_f1 1.0000", str(config)]
    assert "little use" not in err


def test_what_is_given_goes_over_the_truth_and_useless_weights_are_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracks, config = write_fast_lineages(tmp_path / "a.geff", 1.0), tmp_path / "flow.yaml"
    words = ["train-linking", str(tracks), "-o", str(config), "--quiet"]
    words += ["--set", "LINKING_MAX_DISTANCE=45", "--set", "splitting_max_distance=20"]
    assert run_command(words) == 0
    settings = yaml.safe_load(config.read_text())["tracker"]
    assert (settings["linking_max_distance"], settings["splitting_max_distance"]) == (45, 20)
    assert "division_f1 is 0.000" in capsys.readouterr().err


def test_distances_of_movies_in_micrometres_and_pixels_are_not_mixed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """2.3 µm and 4.6 pixels became 4.6, of whatever unit the next movie has."""
    reaches = [{"linking_max_distance": 2.3}, {"linking_max_distance": 4.6}]
    assert share_distances(reaches, {"µm"}) == {"linking_max_distance": 4.6}
    assert share_distances(reaches, {"µm", "pixel"}) == {}
    assert "the movies are in pixel and µm, so that no distances are written" in caplog.text


@pytest.mark.slow
def test_distances_of_movies_in_different_units_are_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = write_fast_lineages(tmp_path / "a.geff", 1.0)
    other = write_fast_lineages(tmp_path / "b.geff", 0.1)
    config = tmp_path / "flow.yaml"
    words = ["train-linking", str(one), str(other), "-o", str(config), "--quiet"]
    assert run_command(words) == 0
    assert "linking_max_distance" not in yaml.safe_load(config.read_text())["tracker"]
    out, err = capsys.readouterr()
    assert out.count("link_f1 1.0000, division_f1 1.0000") == 2
    assert "go from 4.8 to 48" in err


def test_tracks_without_links_say_no_distance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.DataFrame({"frame": [0, 1], "x": [0.0, 1.0], "y": 0.0, "z": 0.0})
    none = np.empty(0, int)
    graph = TrackGraph.from_links(Spots.from_table(table, Calibration()), none, none)
    write_tracks(tmp_path / "a.geff", graph)
    words = ["train-linking", str(tmp_path / "a.geff"), "-o", str(tmp_path / "w.yaml")]
    assert run_command(words) == 2
    error = capsys.readouterr().err
    assert "a.geff: no link of the tracks joins" in error
    assert not (tmp_path / "w.yaml").exists()
