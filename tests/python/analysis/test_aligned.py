"""Features around divisions, sisters, neighbours; graphs are drawn with frames left to right."""

import numpy as np
import pandas as pd
import pytest
from tracking_movies import make_spots

from btrackmate.analysis import (
    align_to_divisions,
    average_over_mothers,
    find_neighbours,
    make_crowding_table,
    make_neighbours_table,
    make_tracklets_table,
    measure_sisters,
)
from btrackmate.core.graph import TrackGraph


def link(rows, links, **features):
    spots = make_spots(rows, dt=2.0, **features)
    source, target = np.array(links).reshape(-1, 2).T
    return TrackGraph.from_ids(spots, source, target)


@pytest.fixture
def family():
    """Mother 0, 1 divides after frame 1; sisters part by 2 a frame; places on x.

    0---1---2---4      volume: ids times ten
         \\--3---5
    """
    rows = [(0, 0, 0.0), (1, 1, 0.0), (2, 2, -1.0), (3, 2, 1.0), (4, 3, -2.0), (5, 3, 2.0)]
    return link(rows, [(0, 1), (1, 2), (1, 3), (2, 4), (3, 5)], volume=[0.0, 10, 20, 30, 40, 50])


def test_values_are_aligned_to_the_mothers_last_frame(family):
    table = align_to_divisions(family, make_tracklets_table(family), ["volume"], 5)
    assert table["lag"].tolist() == [-1, 0, 1, 2]
    assert table["time_from_division"].tolist() == [-2.0, 0.0, 2.0, 4.0]
    assert table["value"].tolist() == [0, 10, 25, 45]
    assert table["n_cells"].tolist() == [1, 1, 2, 2]
    near = align_to_divisions(family, make_tracklets_table(family), ["volume"], 1)
    assert near["lag"].tolist() == [-1, 0, 1]
    assert len(align_to_divisions(family, make_tracklets_table(family), [], 5)) == 0


def test_missing_values_do_not_count(family):
    spots = family.spots.with_columns({"volume": np.array([0, np.nan, 20, np.nan, 40, 50])})
    graph = family.with_spots(spots)
    table = align_to_divisions(graph, make_tracklets_table(graph), ["volume"], 5)
    assert table.set_index("lag")["value"].to_dict() == {-1: 0, 1: 20, 2: 45}


def test_sisters_drift_apart(family):
    table = measure_sisters(family, make_tracklets_table(family))
    assert table["distance"].tolist() == [2.0, 4.0]
    assert table["time_from_division"].tolist() == [2.0, 4.0]
    assert (table["mother"] == 0).all()


def test_three_sisters_are_three_pairs():
    rows = [(0, 0, 0.0), (1, 1, 0.0), (2, 1, 3.0), (3, 1, 7.0)]
    graph = link(rows, [(0, 1), (0, 2), (0, 3)])
    table = measure_sisters(graph, make_tracklets_table(graph))
    assert table["distance"].tolist() == [3, 7, 4]


def test_band_over_mothers_holds_the_mean_and_its_width_is_that_of_the_mean():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"mother": range(400), "lag": 0, "value": rng.normal(5, 2, 400)})
    row = average_over_mothers(table, "value", 1.0).iloc[0]
    assert row["mean"] == pytest.approx(table["value"].mean())
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * 1.96 * 2 / 20, rel=0.1)
    # a hundred rows of the same mothers say no more
    again = pd.concat([table] * 10, ignore_index=True)
    assert average_over_mothers(again, "value", 1.0).iloc[0]["ci_low"] == pytest.approx(
        row["ci_low"]
    )
    few = average_over_mothers(table.head(2), "value", 1.0).iloc[0]
    assert np.isnan(few["ci_low"])
    assert few["n_mothers"] == 2


def test_neighbours_are_counted_kept_and_lost():
    """Cells 0 1 2 stand in a row, 1 apart; then 2 goes away and 3, far off, comes near 0.

    frame 0   x: 0   1   2           90
    frame 1   x: 0   1        60  -1        (ids ten higher)
    """
    rows = [(0, 0, 0.0), (1, 0, 1.0), (2, 0, 2.0), (3, 0, 90.0)]
    rows += [(10, 1, 0.0), (11, 1, 1.0), (12, 1, 60.0), (13, 1, -1.0)]
    graph = link(rows, [(0, 10), (1, 11), (2, 12), (3, 13)])
    found = find_neighbours(graph, 1.5)
    assert found.number.tolist() == [1, 2, 1, 0, 2, 1, 0, 1]
    assert found.kept.tolist()[:4] == [1, 1, 0, 0]
    assert found.lost.tolist()[:4] == [0, 1, 1, 0]
    assert found.gained.tolist()[:4] == [1, 0, 0, 1]
    assert found.nearest[[0, 3, 6]].tolist() == [1.0, 88.0, 59.0]
    assert np.isnan(found.relative).all()
    table = make_neighbours_table(graph, make_tracklets_table(graph), found)
    assert table["exchange_rate"].tolist()[:3] == [0.0, 0.25, 0.5]  # per unit of time, dt 2
    assert np.isnan(table["exchange_rate"][3])
    assert table["mean_neighbours"].tolist() == [1.5, 1.5, 0.5, 0.5]
    frames = make_crowding_table(graph, found)
    assert frames["n_cells"].tolist() == [4, 4]
    assert frames["exchange_rate"][0] == pytest.approx(2 / 4 / 2)


def test_a_neighbour_that_divides_is_not_lost():
    """0 beside 1; 1 divides into 11 (near) and 12 (far)."""
    rows = [(0, 0, 0.0), (1, 0, 1.0), (10, 1, 0.0), (11, 1, 1.0), (12, 1, 9.0)]
    graph = link(rows, [(0, 10), (1, 11), (1, 12)])
    found = find_neighbours(graph, 1.5)
    assert (found.kept[0], found.lost[0]) == (1, 0)
    assert (found.kept[1], found.lost[1]) == (0, 0)  # it is not one cell any more
    assert found.relative[3:].tolist() == [8.0, 8.0]


def test_a_neighbour_that_is_no_longer_tracked_is_neither_kept_nor_lost():
    graph = link([(0, 0, 0.0), (1, 0, 1.0), (10, 1, 0.0)], [(0, 10)])
    found = find_neighbours(graph, 1.5)
    assert found.kept.tolist() == found.lost.tolist() == [0, 0, 0]


def test_reach_follows_the_cells():
    rows = [(i, 0, 10.0 * i) for i in range(6)]
    graph = link(rows, [])
    found = find_neighbours(graph)
    assert found.reach == pytest.approx(18.0)
    assert found.number.tolist() == [1, 2, 2, 2, 2, 1]
    empty = find_neighbours(link([], []))
    assert empty.number.size == 0
