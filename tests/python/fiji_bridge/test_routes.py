"""The case of tests/parity by every route from Python: the same spots, links and pruned spots.

The tables were made by the builtin engine; JUnit compares them with the routes inside Fiji.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fiji_jvm
import pandas as pd
import pytest
import tifffile
import yaml

from btrackmate.core.calibration import Calibration
from btrackmate.fiji_bridge import LabelMovie, MovieSettings
from btrackmate.io.trackmate import read_trackmate
from btrackmate.measurement.settings import MaskSettings
from btrackmate.tracking.settings import LapSettings, PruneSettings

CASE = Path(__file__).parents[2] / "parity" / "labels_small"
GIVEN = json.loads((CASE / "settings.json").read_text(encoding="utf-8"))
SCRIPTS = Path(__file__).parents[3] / "fiji-scripts"
LABELS, MASK = CASE / "labels.tif", CASE / "mask.tif"
LAP = {
    "LINKING_MAX_DISTANCE": GIVEN["linking_distance"],
    "ALLOW_GAP_CLOSING": True,
    "GAP_CLOSING_MAX_DISTANCE": GIVEN["linking_distance"],
    "MAX_FRAME_GAP": GIVEN["frame_gap"],
    "ALLOW_TRACK_SPLITTING": GIVEN["splitting"],
    "SPLITTING_MAX_DISTANCE": GIVEN["linking_distance"],
}
VALUES = ["x", "y", "z", "radius", "volume", "boundary_distance"]
NAME = ["frame", "label"]


def check(path):
    """Compare a TrackMate file with the tables."""
    graph = read_trackmate(path).graph
    table = graph.spots.table.astype({"label": int})
    gone = pd.read_csv(CASE / "pruned.csv").set_index(NAME).index
    spots = table[NAME + VALUES].sort_values(NAME).set_index(NAME)
    spots = spots[~spots.index.isin(gone)]
    expected = pd.read_csv(CASE / "spots.csv").set_index(NAME)[VALUES]
    pd.testing.assert_frame_equal(spots, expected[~expected.index.isin(gone)], rtol=1e-9)
    ends = [table[NAME].iloc[rows].to_numpy().tolist() for rows in (graph.source, graph.target)]
    links = {(*source, *target) for source, target in zip(*ends, strict=True)}
    rows = pd.read_csv(CASE / "links.csv").to_numpy().tolist()
    assert links == {tuple(row) for row in rows}
    assert graph.n_links == len(rows)


def run(trackmate, *words):
    """Run a command line that must succeed."""
    code, out, err = trackmate(fiji_jvm.command, words)
    assert code == 0, err
    return out


def engine_words():
    words = ["--mask", MASK, "--mask-policy", GIVEN["mask_policy"], "--engine", "trackmate"]
    for name, value in LAP.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    return [*words, "--min-tracklet-length", GIVEN["min_tracklet_length"]]


def test_track_with_the_engine_trackmate(trackmate, tmp_path):
    out = run(trackmate, "track", LABELS, "-o", tmp_path / "t.xml", *engine_words())
    assert "6 spots and links pruned" in out
    check(tmp_path / "t.xml")


def test_run_with_the_engine_trackmate_records_it(trackmate, tmp_path):
    run(trackmate, "run", "--labels", LABELS, "-o", tmp_path / "out", *engine_words())
    check(tmp_path / "out" / "tracks.xml")
    record = yaml.safe_load((tmp_path / "out" / "run.yaml").read_text(encoding="utf-8"))
    assert record["engine"] == "trackmate 8.1.6"
    pruned = pd.read_csv(tmp_path / "out" / "pruned.csv")
    assert (pruned["what"] == "spot").sum() == len(pd.read_csv(CASE / "pruned.csv"))


def test_plugin_on_files(plugin, tmp_path):
    words = [
        "--mask", MASK, "--mask-policy", GIVEN["mask_policy"],
        "--linking-distance", GIVEN["linking_distance"], "--frame-gap", GIVEN["frame_gap"],
        "--min-tracklet-length", GIVEN["min_tracklet_length"],
    ]  # fmt: skip
    run(plugin, "fiji", "run", LABELS, "-o", tmp_path / "t.xml", *words)
    check(tmp_path / "t.xml")


def test_arrays_through_imageplus(plugin, tmp_path):
    movie = LabelMovie(
        tifffile.imread(LABELS),
        "TZYX",
        Calibration(0.5, 0.5, 2.0, 30.0, "µm", "s"),
        mask=tifffile.imread(MASK),
        mask_axes="ZYX",
    )
    settings = MovieSettings(
        LapSettings.parse(LAP),
        PruneSettings(min_tracklet_length=GIVEN["min_tracklet_length"]),
        MaskSettings(policy=GIVEN["mask_policy"]),
    )
    plugin(fiji_jvm.track_arrays, movie, tmp_path / "t.xml", settings)
    check(tmp_path / "t.xml")


def test_plugin_that_is_stopped_writes_nothing(plugin, tmp_path):
    assert plugin(fiji_jvm.stop_plugin, LABELS, tmp_path / "t.xml", 3) == "stopped by the user"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a single process")
def test_ctrl_c_ends_the_command_line(plugin, tmp_path):
    """A script that never ends is stopped; the exit code is that of a run without result."""
    del plugin  # only to skip where there is no TrackMate
    script = tmp_path / "endless.py"
    script.write_text("import time\nprint('begun')\nwhile True: time.sleep(0.1)\n")
    program = "from btrackmate.cli.main import main; main()"
    words = [sys.executable, "-c", program, "fiji", "script", str(script)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "begun" in line:
                process.send_signal(signal.SIGINT)
                break
        begun = time.monotonic()
        rest = process.stderr.read()
    assert process.returncode == 1
    assert "stopped by the user" in rest
    assert time.monotonic() - begun < 60
