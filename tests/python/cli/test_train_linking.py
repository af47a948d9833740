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
from btrackmate.io.convert import read_tracks, write_tracks


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
    assert content["tracker"] == "flow"
    assert content["tracker_settings"]["linking_max_distance"] == 6
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
    assert run_command(["train-linking", str(tracks), *words]) == 2
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1
    assert message in error[0]
    assert not (tmp_path / "w.yaml").exists()
