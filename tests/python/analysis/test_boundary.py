"""Distance to the boundary along tracklets; graphs are drawn with frames from left to right."""

import numpy as np
import pandas as pd
import pytest
from tracking_movies import make_spots

from btrackmate.analysis import list_distances, make_tracklets_table, measure_approach
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph


def division(distances, dt=2.0):
    """One division, and a cell alone.

    0---1---2---3---4         distances in the order of the ids
             \\-13--14
    20--21--22
    """
    frames = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 13: 3, 14: 4, 20: 0, 21: 1, 22: 2}
    rows = sorted(((i, f, float(i)) for i, f in frames.items()), key=lambda row: (row[1], row[0]))
    by_id = dict(zip(sorted(frames), distances, strict=True))
    spots = make_spots(rows, dt=dt, boundary_distance=[by_id[row[0]] for row in rows])
    links = np.array([(0, 1), (1, 2), (2, 3), (2, 13), (3, 4), (13, 14), (20, 21), (21, 22)])
    return TrackGraph.from_ids(spots, links[:, 0], links[:, 1])


DISTANCES = [9.0, 8.0, 7.0, 6.0, 5.0, 8.0, 9.0, 1.0, -1.0, -3.0]


def test_roles_ends_and_rates_are_those_of_the_drawing():
    graph = division(DISTANCES)
    table, left_out = measure_approach(graph, make_tracklets_table(graph))
    rows = table.set_index("start_x")
    assert rows["role"].to_dict() == {
        0.0: "mother", 3.0: "daughter", 13.0: "daughter", 20.0: "whole track"
    }  # fmt: skip
    assert rows.loc[0.0, ["start_distance", "end_distance", "change"]].tolist() == [9, 7, -2]
    assert rows.loc[0.0, "end_x"] == 2.0
    assert rows.loc[0.0, "rate"] == pytest.approx(-0.5)  # one a frame of 2 min
    assert rows.loc[20.0, "rate"] == pytest.approx(-1.0)  # through the surface: signed
    assert rows.loc[[3.0, 13.0], "rate"].isna().all()
    assert set(left_out["reason"]) == {"fewer than three distances: no rate"}
    assert len(left_out) == 2


def test_distances_over_time_know_the_track_and_its_start():
    graph = division(DISTANCES)
    table = list_distances(graph, make_tracklets_table(graph)).set_index("id")
    assert table["dividing"][[0, 14]].all()
    assert not table["dividing"][[20, 22]].any()
    assert table.loc[14, "time_in_track"] == 8.0
    assert table["boundary_distance"].loc[[0, 22]].tolist() == [9.0, -3.0]


def test_missing_distances_are_missing_and_listed():
    values = [np.nan, 8.0, np.nan, *DISTANCES[3:7], np.nan, np.nan, np.nan]
    graph = division(values)
    table, left_out = measure_approach(graph, make_tracklets_table(graph))
    assert len(table) == 3
    assert table.iloc[0][["n", "start_distance", "end_distance"]].tolist() == [1, 8.0, 8.0]
    assert (left_out["reason"] == "no distance is known").sum() == 1


def test_without_the_feature_it_is_named():
    spots = make_spots([(0, 0, 0.0), (1, 1, 1.0)])
    graph = TrackGraph.from_ids(spots, np.array([0]), np.array([1]))
    with pytest.raises(UserError, match="no feature 'boundary_distance'"):
        measure_approach(graph, make_tracklets_table(graph))


@pytest.mark.parametrize(("persistence", "low", "high"), [(0.0, 0.03, 0.07), (0.6, 0.03, 0.12)])
def test_error_of_the_rate_holds_for_distances_that_wander(persistence, low, high):
    """400 cells that come no nearer: p < 0.05 in about 5 %, where a plain fit has 30 %."""
    rng = np.random.default_rng(0)
    count, n = 400, 40
    value = np.zeros((count, n))
    value[:, 0] = rng.standard_normal(count)
    for i in range(1, n):
        fresh = np.sqrt(1 - persistence**2) * rng.standard_normal(count)
        value[:, i] = persistence * value[:, i - 1] + fresh
    rows = [(n * c + f, f, float(c)) for f in range(n) for c in range(count)]
    distance = [value[c, f] for f in range(n) for c in range(count)]
    spots = make_spots(rows, boundary_distance=distance)
    ids = np.arange(count * n).reshape(count, n)
    graph = TrackGraph.from_ids(spots, ids[:, :-1].ravel(), ids[:, 1:].ravel())
    table, _ = measure_approach(graph, make_tracklets_table(graph))
    assert low < (table["p_value"] < 0.05).mean() < high
    assert (table["rate"] / table["rate_se"]).abs().median() == pytest.approx(0.67, abs=0.15)


def test_rate_is_that_of_scipy():
    from scipy.stats import linregress

    values = [3.0, 2.0, 2.5, 1.0, 1.5, 0.0]
    frames = [0, 1, 2, 4, 5, 7]
    spots = make_spots([(i, f, 0.0) for i, f in enumerate(frames)], boundary_distance=values)
    graph = TrackGraph.from_ids(spots, np.arange(5), np.arange(1, 6))
    row = measure_approach(graph, make_tracklets_table(graph))[0].iloc[0]
    fit = linregress(frames, values)
    assert row["rate"] == pytest.approx(fit.slope)
    assert row["rate_se"] == pytest.approx(fit.stderr)  # residuals alternate: no correction
    assert row["p_value"] == pytest.approx(fit.pvalue)


def test_empty_table():
    graph = TrackGraph.from_ids(make_spots([], boundary_distance=[]), np.array([]), np.array([]))
    table, left_out = measure_approach(graph, make_tracklets_table(graph))
    assert isinstance(table, pd.DataFrame)
    assert len(table) == len(left_out) == 0
    assert len(list_distances(graph, make_tracklets_table(graph))) == 0
