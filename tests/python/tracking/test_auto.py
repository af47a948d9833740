"""Distances from the data."""

import numpy as np
import pandas as pd
import pytest
from tracking_movies import link_ids, make_spots

from btrackmate.core.calibration import Calibration
from btrackmate.core.spots import Spots
from btrackmate.metrics.nodes import NodeMatch, TrackNodes
from btrackmate.metrics.tracking import score_nodes
from btrackmate.tracking import (
    FlowSettings,
    KalmanSettings,
    LapSettings,
    NearestSettings,
    OverlapSettings,
    track,
)
from btrackmate.tracking.auto import fill_distances, measure_distances
from btrackmate_samples.points import make_point_movie, truth_links_of_observed


def row_of_cells(n_frames=4, step=2.0):
    """Five cells, 10 apart, that all step alike."""
    return [(10 * f + i, f, 10.0 * i + step * f) for f in range(n_frames) for i in range(5)]


def test_few_cells_by_hand():
    """W = 10, m = 2: 0.75 W > 3 m; 1.4 × 7.5 > W; 7 m > 1.2 W."""
    found = measure_distances(make_spots(row_of_cells()))
    assert (found.spacing, found.near, found.step, found.jump) == (10, 10, 2, 2)
    assert (found.linking, found.gap_closing, found.merging) == (7.5, 7.5, 7.5)
    assert (found.splitting, found.flow) == (10, 14)


def test_fast_cells_by_hand():
    """m = 3: links of 3 m = 9 > 0.75 W."""
    assert measure_distances(make_spots(row_of_cells(step=3.0))).linking == 9


def test_one_cell_a_frame():
    """No spacing: 3 m; the flow tracker 7 m; daughters 1.4 × 9."""
    found = measure_distances(make_spots([(f, f, 3.0 * f) for f in range(5)]))
    assert (found.linking, found.splitting, found.flow) == (9, 12.6, 21)
    assert np.isnan(found.spacing)


def test_one_cell_that_never_moves():
    """Ten voxels of 0.5, as nothing else is known."""
    table = pd.DataFrame({"frame": range(3), "x": 1.0, "y": 1.0, "z": 1.0})
    spots = Spots.from_table(table, Calibration(dx=0.5, dy=0.25, dz=0.5))
    assert measure_distances(spots).linking == 5
    assert track(spots, LapSettings()).n_links == 2
    assert track(spots, FlowSettings()).n_links == 2


def test_one_frame_tells_spacing_only():
    found = measure_distances(make_spots([(i, 0, 4.0 * i) for i in range(3)]))
    assert (found.linking, found.splitting) == (3, 4)


def test_no_spots_and_empty_frames():
    assert measure_distances(make_spots([], n_frames=3)).linking == 10
    gap = [(i, f, 10.0 * i) for i, f in [(0, 0), (1, 0), (2, 3), (3, 3)]]
    assert measure_distances(make_spots(gap, n_frames=5)).linking > 0


def test_spots_at_one_place_are_not_their_spacing():
    rows = [(2 * i + k + 20 * f, f, 10.0 * i) for f in range(2) for i in range(5) for k in range(2)]
    assert measure_distances(make_spots(rows)).linking == 10


def test_a_frame_that_jumps_is_followed():
    """25 cells, 20 apart, step 0.5; once the stage jumps by 7: all links are made."""
    shift = np.cumsum([0, 0.5, 0.5, 0.5, 7, 0.5, 0.5, 0.5])
    rows = [
        (25 * f + i, f, 20.0 * (i % 5) + shift[f], 20.0 * (i // 5), 0)
        for f in range(8)
        for i in range(25)
    ]
    spots = make_spots(rows)
    assert measure_distances(spots).jump == 7
    for settings in (LapSettings(), FlowSettings(), NearestSettings()):
        assert link_ids(track(spots, settings)) == [(i, i + 25) for i in range(175)]


def make_walkers(seed=0, n=30, frames=40, lost=0.05):
    """Cells that walk far apart, and come and go: id, frame, x, y, z."""
    rng = np.random.default_rng(seed)
    rows, alive, count = [], rng.uniform(0, 100, (n, 3)), 0
    for f in range(frames):
        rows += [(count + i, f, *place) for i, place in enumerate(alive)]
        count += len(alive)
        alive = alive[rng.random(len(alive)) > lost] + 0
        alive = alive + rng.normal(0, 1.5, alive.shape)
        alive = np.concatenate((alive, rng.uniform(0, 100, (rng.poisson(lost * n), 3))))
    return make_spots(rows)


def test_cells_far_apart_that_come_and_go_are_not_joined():
    """The spacing is 15 steps: a link that long joins one that went and one that came."""
    found = measure_distances(make_walkers())
    assert found.spacing > 12 * found.step
    assert found.linking < 5 * found.step
    assert found.splitting < 7 * found.step


@pytest.mark.parametrize("factor", [0.01, 1000])
def test_distances_scale_with_the_movie(factor):
    truth = truth_links_of_observed(make_point_movie("S", 4))
    table = truth.spots.table.copy()
    table[["x", "y", "z"]] *= factor
    one, other = measure_distances(truth.spots), Spots.from_table(table, Calibration())
    for name, value in vars(measure_distances(other)).items():
        assert value == pytest.approx(factor * getattr(one, name), rel=1e-9)


def keep_every_second_frame(graph):
    """Give a graph's spots of even frames, linked to their ancestors two frames before."""
    spots = graph.spots
    parent = np.full(len(spots), -1)
    parent[graph.target] = graph.source
    kept = spots.frame % 2 == 0
    ancestor = parent.copy()
    for _ in range(4):  # links span missed frames
        open_ = (ancestor >= 0) & ~kept[ancestor]
        ancestor[open_] = parent[ancestor[open_]]
    table = spots.table[kept].assign(frame=spots.frame[kept] // 2)
    rows = np.flatnonzero(kept & (ancestor >= 0))
    thinned = Spots.from_table(table, spots.calibration)
    return type(graph).from_ids(thinned, spots.id[ancestor[rows]], spots.id[rows])


def score(truth, settings):
    match = NodeMatch(np.arange(len(truth.spots)), len(truth.spots))
    found = track(truth.spots, settings)
    scores = score_nodes(TrackNodes.from_graph(truth), TrackNodes.from_graph(found), match)
    return scores.link_f1, scores.divisions.f1


@pytest.mark.slow
@pytest.mark.parametrize("thin", [False, True])
@pytest.mark.parametrize("kind", [LapSettings, FlowSettings])
def test_auto_is_as_good_as_the_best_of_a_sweep(kind, thin):
    """Within 0.005 of the edge and 0.03 of the division F1 that the best fixed distance reaches."""
    truth = truth_links_of_observed(make_point_movie("S", 1))
    truth = keep_every_second_frame(truth) if thin else truth
    sweep = [
        score(
            truth,
            kind(
                linking_max_distance=distance,
                splitting_max_distance=distance,
                **({"gap_closing_max_distance": distance} if kind is LapSettings else {}),
            ),
        )
        for distance in (4, 5, 6, 7, 8.5, 10, 15)
    ]
    links, divisions = score(truth, kind())
    assert links >= max(one for one, _ in sweep) - 0.005
    assert divisions >= max(one for _, one in sweep) - 0.03


def test_only_what_is_auto_is_filled_in():
    spots = make_spots(row_of_cells())
    filled = fill_distances(LapSettings(splitting_max_distance=4), spots)
    assert filled == LapSettings(
        linking_max_distance=7.5,
        gap_closing_max_distance=7.5,
        splitting_max_distance=4,
        merging_max_distance=7.5,
    )
    kalman = fill_distances(KalmanSettings(), spots)
    assert (kalman.linking_max_distance, kalman.kalman_search_radius) == (7.5, 7.5)
    for settings in (NearestSettings(linking_max_distance=3), OverlapSettings()):
        assert fill_distances(settings, spots) is settings


def test_log_says_what_was_taken(caplog):
    caplog.set_level("INFO", "btrackmate")
    fill_distances(NearestSettings(), make_spots(row_of_cells()))
    assert "distances from the data: linking_max_distance 7.5 pixel" in caplog.text


def test_log_does_not_speak_of_what_is_not_known(caplog):
    caplog.set_level("INFO", "btrackmate")
    fill_distances(NearestSettings(), make_spots([(0, 0, 1.0)]))
    assert "nan" not in caplog.text
    assert "from the size of a voxel" in caplog.text
