"""The overlap tracker gets the label images from whoever has them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tiny_movies import write_imagej

from btrackmate.core.errors import UserError
from btrackmate.io.trackmate import read_trackmate
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.relinking import track_cells
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import RunSettings
from btrackmate.tracking import OverlapSettings, parse_tracker

pytestmark = pytest.mark.usefixtures("plain_report")

# Doubled, the cell that divides overlaps each daughter by 3.5 of 10.5 pixels along x.
SETTINGS = RunSettings(tracker="overlap", tracker_settings={"SCALE_FACTOR": 2})
CLIP = {"mask": {"policy": "clip"}}


def test_run_from_labels_links_by_overlap(tmp_path: Path, labels_3d: Path, image_3d: Path) -> None:
    result = run(RunInputs(image=image_3d, labels=labels_3d), tmp_path / "out", SETTINGS)
    assert result.graph.n_links == 13
    assert result.graph.spots.frame[result.graph.divisions].tolist() == [2]
    split = result.graph.cost[result.graph.source == result.graph.divisions[0]]
    np.testing.assert_allclose(split, 1 - 3.5 / 10.5, rtol=1e-6)
    xml = read_trackmate(tmp_path / "out" / "tracks.xml")
    assert xml.tracker == (
        "OVERLAP_TRACKER",
        {"SCALE_FACTOR": 2.0, "MIN_IOU": 0.3, "IOU_CALCULATION": "PRECISE"},
    )
    assert parse_tracker(*xml.tracker) == OverlapSettings(scale_factor=2)


def test_track_from_labels_equals_the_run(tmp_path: Path, labels_3d: Path) -> None:
    whole = run(RunInputs(labels=labels_3d), tmp_path / "out", SETTINGS)
    step = track_cells(labels_3d, tmp_path / "t.xml", SETTINGS)
    pd.testing.assert_frame_equal(whole.graph.links_table(), step.graph.links_table())


def test_a_table_of_cells_is_not_enough(tmp_path: Path) -> None:
    csv = tmp_path / "cells.csv"
    csv.write_text("frame,x,y,z,label\n0,1,2,3,7\n1,1,2,3,7\n", encoding="utf-8")
    message = r"tracker overlap compares cells in label images, .* there are spots only; start from"
    with pytest.raises(UserError, match=message):
        track_cells(csv, tmp_path / "t.xml", SETTINGS)
    assert not (tmp_path / "t.xml").exists()
    with pytest.raises(UserError, match=message):
        run(RunInputs(spots=csv), tmp_path / "out", SETTINGS)


@pytest.mark.slow
@pytest.mark.parametrize("static", [True, False])
def test_clipped_cells_are_compared_as_they_were_clipped(tmp_path: Path, static: bool) -> None:
    """Pixels 0–7 and 3–10 (IoU 5/11) lie inside the mask with 0–5 and 3–5 (3/6)."""
    movie = np.zeros((2, 4, 12), np.uint16)
    movie[0, :, 0:8], movie[1, :, 3:11] = 5, 5
    labels = write_imagej(tmp_path / "l.tif", movie, "TYX")
    mask = np.zeros((1 if static else 2, 4, 12), np.uint8)
    mask[:, :, :6] = 1
    tifffile.imwrite(tmp_path / "m.tif", mask, imagej=True, metadata={"axes": "TYX"})
    settings = RunSettings.parse({"tracker": "OVERLAP_TRACKER", "measure": CLIP})
    graph = track_cells(labels, tmp_path / "t.xml", settings, mask=tmp_path / "m.tif").graph
    np.testing.assert_allclose(graph.cost, 1 - 3 / 6, rtol=1e-12)
    inputs = RunInputs(labels=labels, mask=tmp_path / "m.tif")
    np.testing.assert_allclose(run(inputs, tmp_path / "out", settings).graph.cost, 0.5, rtol=1e-6)


def test_cells_that_the_mask_drops_play_no_part(tmp_path: Path, labels_3d: Path) -> None:
    mask = np.zeros((24, 24), np.uint8)
    mask[:12] = 1  # cell 7 lies below
    tifffile.imwrite(tmp_path / "m.tif", mask, imagej=True, metadata={"axes": "YX"})
    result = track_cells(labels_3d, tmp_path / "t.xml", SETTINGS, mask=tmp_path / "m.tif")
    assert result.graph.n_links == 13 - 5
