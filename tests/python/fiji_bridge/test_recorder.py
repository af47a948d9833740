"""Fiji's macro recorder: every line that it writes for our commands runs again unattended."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fiji_folder
import numpy as np
import pytest
import tifffile
from conftest import find_route

from btrackmate.fiji_bridge.places import find_plugin_jars
from btrackmate.fiji_bridge.settings import FijiSettings

#: The size of voxels and the time between frames.
TAGS = {"axes": "TZYX", "spacing": 2.0, "unit": "um", "finterval": 30.0}


def write_movie(folder):
    """Write a movie of three cells that move by a voxel a frame, its labels, a mask and a table."""
    labels = np.zeros((5, 4, 40, 60), np.uint16)
    rows = ["frame,x,y,z"]
    for t in range(5):
        for cell, (y, x) in {300: (5, 5), 17: (18, 20), 4: (30, 40)}.items():
            labels[t, 1:3, y : y + 6, x + t : x + t + 6] = cell
            rows.append(f"{t},{x + t + 2.5},{y + 2.5},1.5")
    noise = np.random.default_rng(1).integers(50, 90, labels.shape).astype(np.uint16)
    mask = np.zeros((4, 40, 60), np.uint8)
    mask[:, :25] = 1
    options = {"imagej": True, "resolution": (2.0, 2.0)}
    tifffile.imwrite(folder / "labels.tif", labels, metadata=TAGS, **options)
    tifffile.imwrite(
        folder / "movie.tif",
        (noise + 100 * (labels > 0)).astype(np.uint16),
        metadata=TAGS,
        **options,
    )
    tifffile.imwrite(folder / "mask.tif", mask, metadata={**TAGS, "axes": "ZYX"}, **options)
    (folder / "cells.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """What a user at the screen gets; see fiji_screen."""
    find_route("maven")
    jars = find_plugin_jars(FijiSettings(), None)
    if not jars:
        pytest.skip("the jars of BTrackMate's plugin are not built (mvn -Dtrackmate package)")
    fiji = fiji_folder.lay_out_fiji(tmp_path_factory.mktemp("Fiji"))
    data = tmp_path_factory.mktemp("with space")
    write_movie(data)
    program = Path(__file__).with_name("fiji_screen.py")
    with fiji_folder.open_screen() as screen:
        done = subprocess.run(
            [sys.executable, str(program), str(fiji), str(data)],
            env={**os.environ, **screen},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


REPLAYED = {"done": True, "asked": []}


@pytest.mark.parametrize("choice", ["labels", "channel", "table", "mask"])
def test_batch_runs_again_from_a_macro_and_from_jython(recorded, choice):
    found = recorded[choice]
    assert found["line"].startswith('run("Batch...", "image=[')
    assert found["macro"] == REPLAYED, found["line"]
    assert found["jython"] == REPLAYED, found["line"]


def test_batch_runs_by_pyimagej_with_the_files_alone(recorded):
    assert recorded["command"] == REPLAYED


def test_relabel_runs_again(recorded):
    assert recorded["relabel"]["macro"] == REPLAYED, recorded["relabel"]["line"]


def test_track_opens_the_wizard_again(recorded):
    line = recorded["track"]["line"]
    assert "image=movie.tif labels=[" in line
    assert "mask=[" in line
    assert "linkingdistance=6.0" in line
    assert recorded["track"]["macro"] == REPLAYED, line


def test_quick_track_runs_again(recorded):
    assert recorded["quick"]["line"] == 'run("Quick Track");'
    assert recorded["quick"]["macro"] == REPLAYED


def test_segment_runs_again(recorded):
    assert recorded["segment"]["macro"] == REPLAYED, recorded["segment"]["line"]


def test_a_mistake_in_a_macro_is_told(recorded):
    assert any("There is no file" in text for text in recorded["mistake"]), recorded["mistake"]
