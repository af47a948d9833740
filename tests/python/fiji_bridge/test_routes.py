"""The cases of tests/parity by every route from Python: the same spots, values, links and pruning.

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
from parity_case import NAMES, Case

from btrackmate.fiji_bridge import LabelMovie, MovieSettings
from btrackmate.io.images import open_movie
from btrackmate.io.trackmate import read_trackmate
from btrackmate.measurement.settings import MaskSettings
from btrackmate.tracking.settings import LapSettings, PruneSettings

SCRIPTS = Path(__file__).parents[3] / "fiji-scripts"
SMALL = Case("labels_small")
LABELS, MASK = SMALL.labels, SMALL.mask
NAME = ["frame", "label"]


@pytest.fixture(params=NAMES)
def case(request):
    return Case(request.param)


def check(path, case):
    """Compare a TrackMate file with the tables."""
    graph = read_trackmate(path).graph
    table = graph.spots.table.astype({"label": int})
    gone = case.read("pruned").set_index(NAME).index
    expected = case.read("spots").set_index(NAME)
    spots = table[NAME + list(expected)].sort_values(NAME).set_index(NAME)
    spots = spots[~spots.index.isin(gone)]
    expected = expected[~expected.index.isin(gone)]
    pd.testing.assert_frame_equal(spots, expected, rtol=1e-9, check_dtype=False)
    ends = [table[NAME].iloc[rows].to_numpy().tolist() for rows in (graph.source, graph.target)]
    links = {(*source, *target) for source, target in zip(*ends, strict=True)}
    rows = case.read("links").to_numpy().tolist()
    assert links == {tuple(row) for row in rows}
    assert graph.n_links == len(rows)


def run(trackmate, *words):
    """Run a command line that must succeed."""
    code, out, err = trackmate(fiji_jvm.command, words)
    assert code == 0, err
    return out


def file_words(case):
    """Image and mask of a case, where it has them."""
    words = ["--image", case.image] if case.image != case.labels else []
    return words + (["--mask", case.mask] if case.mask else [])


def engine_words(case):
    words = [*file_words(case), "--mask-policy", case.given["mask_policy"], "--engine", "trackmate"]
    words += ["--tracker", "lap"]
    for name, value in case.lap.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    words += ["--min-tracklet-length", case.given["min_tracklet_length"]]
    return [*words, "--unit", case.given["min_tracklet_unit"]]


def test_track_with_the_engine_trackmate(trackmate, tmp_path, case):
    out = run(trackmate, "track", case.labels, "-o", tmp_path / "t.xml", *engine_words(case))
    assert "spots and links pruned" in out
    check(tmp_path / "t.xml", case)


def test_run_with_the_engine_trackmate_records_it(trackmate, tmp_path):
    words = engine_words(SMALL)
    run(trackmate, "run", "--labels", LABELS, "-o", tmp_path / "out", *words)
    check(tmp_path / "out" / "tracks.xml", SMALL)
    record = yaml.safe_load((tmp_path / "out" / "run.yaml").read_text(encoding="utf-8"))
    assert record["engine"] == "trackmate 8.1.6"
    pruned = pd.read_csv(tmp_path / "out" / "pruned.csv")
    assert (pruned["what"] == "spot").sum() == len(SMALL.read("pruned"))


def test_plugin_on_files(plugin, tmp_path, case):
    words = [case.image, "-o", tmp_path / "t.xml", "--mask-policy", case.given["mask_policy"]]
    words += ["--labels", case.labels] if case.image != case.labels else []
    words += ["--mask", case.mask] if case.mask else []
    words += ["--min-tracklet-length", case.given["min_tracklet_length"]]
    words += ["--unit", case.given["min_tracklet_unit"]]
    words += ["--linking-distance", case.given["linking_distance"]]
    run(plugin, "fiji", "run", *words, "--frame-gap", case.given["frame_gap"])
    check(tmp_path / "t.xml", case)


def test_arrays_through_imageplus(plugin, tmp_path, case):
    plane = case.name == "plane_two_channels"
    movie = LabelMovie(
        tifffile.imread(case.labels),
        "TYX" if plane else "TZYX",
        open_movie(case.labels).calibration,
        image=tifffile.imread(case.image),
        image_axes="TCYX" if plane else None,
        mask=None if case.mask is None else tifffile.imread(case.mask),
        mask_axes="ZYX" if case.name == "labels_small" else "TZYX",
    )
    given = case.given
    settings = MovieSettings(
        LapSettings.parse(case.lap),
        PruneSettings(
            min_tracklet_length=given["min_tracklet_length"], unit=given["min_tracklet_unit"]
        ),
        MaskSettings(policy=given["mask_policy"]),
    )
    plugin(fiji_jvm.track_arrays, movie, tmp_path / "t.xml", settings)
    check(tmp_path / "t.xml", case)


def test_plugin_that_is_stopped_writes_nothing(plugin, tmp_path):
    assert plugin(fiji_jvm.stop_plugin, LABELS, tmp_path / "t.xml", 3) == "stopped by the user"
    assert list(tmp_path.iterdir()) == []


def test_settings_travel_to_the_plugin_and_back(plugin, tmp_path):
    """Detector, tracker and pruning of the command line are the plugin's, and the other way."""
    ours, theirs, again = (tmp_path / name for name in ("ours.xml", "theirs.xml", "again.xml"))
    words = ["--mask", MASK, "--mask-policy", "fraction", "--mask-fraction", "0.3"]
    words += [
        "--image",
        LABELS,
        "--tracker",
        "lap",
        "--set",
        "LINKING_MAX_DISTANCE=8",
        "--min-tracklet-length",
        "2",
        "--unit",
        "time",
    ]
    run(plugin, "track", LABELS, "-o", ours, *words, "--prune-censored")
    keys = "BTRACKMATE_LABEL_MASK_DETECTOR", "BTRACKMATE_PRUNED_SPARSE_LAP_TRACKER"
    assert plugin(fiji_jvm.open_and_save, ours, theirs) == ("", *keys)
    before, after = read_trackmate(ours), read_trackmate(theirs)
    assert after.tracker == before.tracker
    assert after.pruning == before.pruning
    assert after.pruning["prune_censored"]
    assert after.plugin_detector == before.plugin_detector
    run(plugin, "track", LABELS, "--mask", MASK, "-o", again, "--settings-from", theirs)
    last = read_trackmate(again)
    assert (last.tracker, last.pruning) == (before.tracker, before.pruning)
    assert last.plugin_detector == before.plugin_detector


ENDLESS = """
import time
print('begun')
try:
    while True: time.sleep(0.1)
finally:
    open('ended', 'w').close()
"""


COMMAND_LINE = "from btrackmate.cli.main import main; main()"
LIBRARY = """
import logging, pathlib, sys
from btrackmate.fiji_bridge import FijiSettings, run_script, start_fiji
logging.basicConfig(level=logging.INFO)
run_script(start_fiji(FijiSettings(fiji=sys.argv[-1])), pathlib.Path("endless.py"), {})
"""


def interrupt(folder, number, route, program=COMMAND_LINE):
    """Send a signal to a program whose script never ends; give its exit code and messages."""
    (folder / "endless.py").write_text(ENDLESS)
    words = ["-c", program, "fiji", "script", "endless.py", "--fiji", route["fiji"]]
    with subprocess.Popen(
        [sys.executable, *words], stderr=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        for line in process.stderr:
            if "begun" in line:
                process.send_signal(number)
                break
        begun = time.monotonic()
        rest = process.stderr.read()
    assert time.monotonic() - begun < 60
    return process.returncode, rest


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for a single process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "sigterm"])
def test_a_signal_ends_the_command_line(plugin, route, tmp_path, number):
    """A script that never ends is stopped; the exit code is that of a run without result."""
    del plugin  # only to skip where there is no TrackMate
    code, said = interrupt(tmp_path, number, route)
    assert code == 1
    assert "stopped by the user" in said
    check_left(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_sigterm_stops_java_and_ends_a_process_by_it(plugin, route, tmp_path):
    """Java, which has a handler of its own, used to end under Python: a crash report."""
    del plugin
    code, said = interrupt(tmp_path, signal.SIGTERM, route, LIBRARY)
    assert code == -signal.SIGTERM
    assert "Traceback" not in said
    check_left(tmp_path)


def check_left(folder):
    """The script's own end was reached, and Java left no crash report (hs_err)."""
    assert sorted(path.name for path in folder.iterdir()) == ["ended", "endless.py"]
