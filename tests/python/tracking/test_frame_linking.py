import threading
import time

import numpy as np
import pandas as pd
import pytest
from tracking_movies import link_ids, make_spots

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.tracking import (
    LapSettings,
    NearestSettings,
    frame_linking,
    kernels,
    parse_tracker,
    track,
)
from btrackmate.tracking.frame_linking import build_grid

FRAMES_ONLY = {"allow_gap_closing": False, "allow_track_splitting": False}


def link(rows, distance=5.0, *, spots=None, **settings):
    spots = make_spots(rows) if spots is None else spots
    return track(spots, LapSettings(linking_max_distance=distance, **FRAMES_ONLY | settings))


def test_the_sum_of_costs_counts():
    """Spots 0, 1 at x = 0, 3 and 2, 3 at x = 2, 5; a far pair makes no link cost 15.97."""
    rows = [(0, 0, 0), (1, 0, 3), (2, 1, 2), (3, 1, 5)]
    far = [(4, 0, 100), (5, 1, 103.9)]
    assert link_ids(link(rows + far, 4)) == [(0, 2), (1, 3), (4, 5)]


def test_no_link_costs_a_multiple_of_the_largest_candidate():
    """Without the far pair no link costs 1.05 × 4 = 4.2, and 1 + 4.2 < 4 + 4."""
    rows = [(0, 0, 0), (1, 0, 3), (2, 1, 2), (3, 1, 5)]
    assert link_ids(link(rows, 4)) == [(1, 2)]
    assert link_ids(link(rows, 4, alternative_linking_cost_factor=2.0)) == [(0, 2), (1, 3)]


def test_distance_must_stay_below_the_maximum():
    assert link_ids(link([(0, 0, 0), (1, 1, 3)], 3)) == []
    assert link_ids(link([(0, 0, 0), (1, 1, 3)], 3.001)) == [(0, 1)]


def test_cost_is_the_squared_distance_in_physical_units():
    graph = link([(7, 0, 0, 0, 0), (9, 1, 1, 2, 3)])
    assert graph.cost.tolist() == [14]


def test_two_dimensions():
    spots = make_spots([(0, 0, 1, 1), (1, 1, 2, 3)], ndim=2)
    assert link([], spots=spots).cost.tolist() == [5]


def test_distance_zero_costs_the_smallest_double():
    assert link([(0, 0, 1), (1, 1, 1)]).cost.tolist() == [np.finfo(float).tiny]


def test_large_and_scattered_ids_and_time_step():
    rows = [(70_001, 0, 0), (3, 1, 1), (4_000_000_000, 2, 2)]
    spots = make_spots(rows, dt=12.5)
    assert link_ids(link([], spots=spots)) == [(70_001, 3), (3, 4_000_000_000)]


def test_an_empty_frame_ends_the_links():
    assert link_ids(link([(0, 0, 0), (1, 1, 0), (2, 3, 0), (3, 4, 0)])) == [(0, 1), (2, 3)]


@pytest.mark.parametrize("rows", [[], [(5, 3, 1)], [(5, 0, 1), (6, 0, 2)]])
def test_nothing_to_link(rows):
    graph = link([], spots=make_spots(rows, n_frames=6))
    assert graph.n_links == 0
    assert len(graph.spots) == len(rows)


def test_empty_frames_at_start_and_end():
    spots = make_spots([(0, 2, 0), (1, 3, 0)], n_frames=9)
    assert link_ids(link([], spots=spots)) == [(0, 1)]


def test_a_tie_goes_to_the_lower_id():
    # id order is not the order of position
    assert link_ids(link([(0, 0, 0), (2, 1, -1), (1, 1, 1)])) == [(0, 1)]
    assert link_ids(link([(1, 0, -1), (0, 0, 1), (2, 1, 0)])) == [(0, 2)]


def test_penalty_multiplies_the_squared_distance():
    """Radii 10 and 20: difference 10 over mean 15, so (1 + 1 × 1.5 × 10/15)² = 4."""
    spots = make_spots([(0, 0, 0), (1, 1, 2)], radius=[10.0, 20.0])
    graph = link([], spots=spots, linking_feature_penalties={"RADIUS": 1.0})
    assert graph.cost.tolist() == [16]


def test_penalised_cost_must_stay_below_the_squared_maximum():
    spots = make_spots([(0, 0, 0), (1, 1, 2)], radius=[10.0, 20.0])
    assert link([], 4, spots=spots, linking_feature_penalties={"radius": 1.0}).n_links == 0


def test_penalty_decides_between_two_neighbours():
    spots = make_spots([(0, 0, 0), (1, 1, 1), (2, 1, -1.2)], volume=[50.0, 100.0, 50.0])
    assert link_ids(link([], spots=spots)) == [(0, 1)]
    assert link_ids(link([], spots=spots, linking_feature_penalties={"volume": 1})) == [(0, 2)]


def test_a_missing_value_adds_nothing():
    spots = make_spots([(0, 0, 0), (1, 1, 2)], radius=[10.0, np.nan])
    graph = link([], spots=spots, linking_feature_penalties={"radius": 1.0})
    assert graph.cost.tolist() == [4]


def test_negative_values_never_make_a_link_cheaper():
    """Signed distances −10 and −20 differ as much as 10 and 20."""
    spots = make_spots([(0, 0, 0), (1, 1, 2)], boundary_distance=[-10.0, -20.0])
    graph = link([], spots=spots, linking_feature_penalties={"boundary_distance": 1.0})
    assert graph.cost.tolist() == [16]


def test_missing_feature_is_named():
    message = "linking_feature_penalties names the feature 'volume', which the spots lack; they"
    with pytest.raises(UserError, match=message):
        link([(0, 0, 0), (1, 1, 2)], linking_feature_penalties={"VOLUME": 1.0})


def test_weight_zero_needs_no_feature():
    graph = link([(0, 0, 0), (1, 1, 2)], linking_feature_penalties={"volume": 0.0})
    assert graph.n_links == 1


@pytest.mark.slow
def test_too_many_spots_within_reach_are_refused():
    n = 100_000
    x = np.tile(np.linspace(0, 1, n), 2)  # no two at one point
    table = pd.DataFrame({"frame": np.repeat([0, 1], n), "x": x, "y": 0.0, "z": 0.0})
    spots = Spots.from_table(table, Calibration())
    message = r"frames 0 and 1 \(100000 spots in frame 0\) have more than \d+ candidate links wit"
    with pytest.raises(UserError, match=message):
        link([], spots=spots)
    with pytest.raises(UserError, match=message):
        track(spots, NearestSettings(linking_max_distance=5))


def test_nearest_serves_lower_ids_first():
    """Spot 0 takes 2, though 1 is nearer to it; 1 is left with 3."""
    rows = [(0, 0, 0), (1, 0, 3), (2, 1, 2), (3, 1, 5)]
    graph = track(make_spots(rows), NearestSettings(linking_max_distance=5))
    assert link_ids(graph) == [(0, 2), (1, 3)]
    assert graph.cost.tolist() == [4, 4]


def test_nearest_takes_the_nearest_free_one():
    rows = [(0, 0, 0), (1, 0, 0.5), (2, 1, 1), (3, 1, -1)]
    graph = track(make_spots(rows), NearestSettings(linking_max_distance=1.5))
    assert link_ids(graph) == [(0, 2), (1, 3)]


def test_nearest_accepts_the_maximum_distance():
    rows = [(0, 0, 0), (1, 1, 3)]
    assert track(make_spots(rows), NearestSettings(linking_max_distance=3)).n_links == 1
    assert track(make_spots(rows), NearestSettings(linking_max_distance=2.9)).n_links == 0


@pytest.mark.parametrize("spread", [(50, 50, 50), (80, 80, 0), (300, 2, 2), (0, 0, 0)])
@pytest.mark.parametrize("radius", [0.01, 4.0, 33.0])
def test_candidate_search_finds_all_within_the_radius(spread, radius):
    rng = np.random.default_rng(3)
    xyz = rng.random((300, 3)) * spread - 20
    xyz[7] = (1e7, -1e7, 0)  # one spot far away must not blow up the grid
    frame = rng.integers(0, 3, 300)
    spots = make_spots(np.column_stack((np.arange(300), frame, xyz)).tolist())
    grid = build_grid(spots.positions, spots.frame_offsets, radius)
    assert grid.first.size < 10 * 300
    found, squared = np.empty(300, np.int32), np.empty(300)
    for s in range(0, 300, 7):
        count = kernels.find_near(grid, tuple(grid.xyz[s]), 1, radius, found, squared)
        distance = ((spots.positions - grid.xyz[s]) ** 2).sum(axis=1)
        near = np.flatnonzero((distance <= radius**2) & (spots.frame == 1))
        assert sorted(grid.order[found[:count]].tolist()) == near.tolist()
        assert np.allclose(squared[:count], distance[grid.order[found[:count]]])


@pytest.mark.parametrize("tracker", ["lap", "nearest"])
def test_links_do_not_depend_on_the_number_of_threads(tracker, monkeypatch):
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.uniform(0, 60, (1200, 3)), columns=["x", "y", "z"])
    table["frame"] = rng.integers(0, 12, len(table))
    spots = Spots.from_table(table, Calibration())
    settings = parse_tracker(tracker, {"linking_max_distance": 9})
    name = "link_frames" if tracker == "lap" else "link_nearest"
    link_chunk, threads, results = getattr(kernels, name), set(), []

    def noted(*arguments):
        threads.add(threading.get_ident())
        time.sleep(0.01)
        return link_chunk(*arguments)

    monkeypatch.setattr(kernels, name, noted)
    monkeypatch.setattr(frame_linking, "_CHUNK", 150)
    for count in (1, 3):
        monkeypatch.setattr(frame_linking, "count_cores", lambda count=count: count)
        threads.clear()
        results.append(track(spots, settings).links_table())
        assert len(threads) == count
    pd.testing.assert_frame_equal(*results)
