"""Each check of a result fires, and keeps quiet."""

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.report.trust import check_result
from btrackmate.tracking import FlowSettings, LapSettings, NearestSettings, track
from btrackmate_samples.points import make_point_movie

MICRONS = Calibration(space_unit="µm", time_unit="min")


def make_graph(rows, links=(), *, calibration=MICRONS, ndim=3, **features):
    """Make a graph of rows (frame, x, y, z), numbered from 0, and links (source, target)."""
    table = pd.DataFrame(rows, columns=["frame", "x", "y", "z"], dtype=float).assign(**features)
    table = table.assign(id=np.arange(len(table)), frame=table["frame"].astype(int))
    spots = Spots.from_table(table, calibration, ndim=ndim)
    pairs = np.array(links, int).reshape(-1, 2)
    return TrackGraph.from_ids(spots, pairs[:, 0], pairs[:, 1])


def make_grid(n_frames=6, side=5, step=0.5, **more):
    """Cells on a grid, 10 apart, that all step alike, each linked to itself."""
    n = side * side
    rows = [
        (f, 10.0 * (i % side) + step * f, 10.0 * (i // side), 0.0)
        for f in range(n_frames)
        for i in range(n)
    ]
    links = [(i, i + n) for i in range(n * (n_frames - 1))]
    return make_graph(rows, links, **more)


def seen(graph, tracker=None):
    return " ".join(note.what + " " + note.do for note in check_result(graph, tracker))


@pytest.fixture(scope="module")
def embryo():
    return make_point_movie("S", 3).truth


def test_a_good_result_says_nothing(embryo):
    assert check_result(embryo, FlowSettings(linking_max_distance=12)) == []
    assert check_result(make_grid()) == []


def test_no_cell():
    assert "no cell was found" in seen(make_graph([]))


@pytest.mark.parametrize(
    ("agreement", "score", "words"), [(0.4, 0.8, "IoU 0.40"), (0.8, 0.5, "0.50")]
)
def test_unsure_segmentation(agreement, score, words):
    text = seen(make_grid(agreement=agreement, segmentation_score=score))
    assert "the segmentation is unsure" in text
    assert words in text
    assert "train" in text


def test_sure_segmentation_and_cells_without_score():
    assert "segmentation" not in seen(make_grid(agreement=0.6, segmentation_score=0.75))
    assert "segmentation" not in seen(make_grid(agreement=np.nan, segmentation_score=np.nan))


def test_cells_that_move_as_far_as_they_are_apart():
    fast = make_point_movie("S", 3).truth
    rng = np.random.default_rng(0)
    table = fast.spots.table.copy()
    table[["x", "y", "z"]] = rng.uniform(0, 60, (len(table), 3))
    spots = Spots.from_table(table, fast.spots.calibration)
    graph = track(spots, FlowSettings())
    assert "as far from frame to frame as they are apart" in seen(graph)


def grow(n_frames=10, new=2, divide=False):
    """Ten cells that become `new` more a frame; new ones are linked to the first if they divide."""
    rows, links, before = [], [], []
    for f in range(n_frames):
        here = list(range(len(rows), len(rows) + 10 + new * f))
        rows += [(f, 10.0 * i, 0.0, 0.0) for i in range(len(here))]
        links += list(zip(before, here, strict=False))
        if divide and before:
            links += [(before[k], here[len(before) + k]) for k in range(new)]
        before = here
    return make_graph(rows, links)


def test_cells_that_double_without_divisions():
    graph = grow()
    assert "the cells go from 10 to 28, but no division was found" in seen(graph)
    assert "take tracker=flow or lap" in seen(graph, NearestSettings(linking_max_distance=5))
    assert "distances at auto" in seen(graph, LapSettings(linking_max_distance=1))
    assert "division" not in seen(grow(divide=True))


def test_few_new_cells_say_nothing_of_divisions():
    assert "division" not in seen(grow(n_frames=4, new=1))


def test_links_piled_up_at_the_limit(embryo):
    """True steps go up to 3.8; at 2 the longest are cut."""
    short = LapSettings(linking_max_distance=2, allow_track_splitting=False)
    graph = track(embryo.spots, short)
    assert "longer ones are probably cut off" in seen(graph, short)
    wide = LapSettings(linking_max_distance=8)
    assert "cut off" not in seen(track(embryo.spots, wide), wide)
    assert "cut off" not in seen(graph)


def test_a_jump_of_all_cells():
    rows = [
        (f, 20.0 * (i % 5) + 0.5 * f + (6 if f > 7 else 0), 20.0 * (i // 5), 0.0)
        for f in range(12)
        for i in range(25)
    ]
    graph = make_graph(rows, [(i, i + 25) for i in range(275)])
    assert "all cells jump from frame 7 to 8 (by 6.5 µm); usually they step 0.5 µm" in seen(graph)
    assert "jump" not in seen(make_grid(n_frames=12))


def test_many_cells_in_no_track():
    grid = make_grid()
    cut = grid.keep_links(grid.spots.frame[grid.source] > 1)
    assert "50 of 150 cells are in no track" in seen(cut)
    assert "no track" not in seen(grid.keep_links(np.arange(grid.n_links) > 3))


def test_tracks_that_break_inside():
    """Of 49 cells the 25 inner ones lose a link in the middle of the movie."""
    grid = make_grid(n_frames=8, side=7)
    source = grid.spots.table.iloc[grid.source]
    broken = ((source["frame"] == 3) & source["y"].between(9, 51)).to_numpy()
    text = seen(grid.keep_links(~broken))
    assert "tracks begin or end in the middle of the tissue" in text
    assert "tracks begin" not in seen(grid)


def test_tracks_that_end_at_the_tissues_border():
    """The same, but all cells lie within 10 µm of the tissue's border."""
    grid = make_grid(n_frames=8, side=7, boundary_distance=3.0)
    assert "tracks begin" not in seen(grid.keep_links(grid.spots.frame[grid.source] != 3))


def test_calibration_that_is_not_known():
    text = seen(make_grid(calibration=Calibration()))
    assert "distances, volumes and speeds are in pixels. A step in z counts" in text
    assert "the time between frames is not known" in text
    assert "voxel_size=(Y,X)" in seen(make_grid(calibration=Calibration(), ndim=2))
    assert "counts like" not in seen(make_grid(calibration=Calibration(dz=4)))
