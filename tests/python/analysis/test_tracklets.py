"""Tables of tracklets. Graphs are drawn with frames from left to right; numbers are spot ids."""

import math

import numpy as np
import pandas as pd
import pytest
from tracking_movies import make_graph, make_spots

from btrackmate.analysis import Fate, Origin, find_bounds, make_tracklets_table, summarise_ends
from btrackmate.core.graph import TrackGraph


def two_generations(dt=1.0):
    """Two divisions and a gap; the movie has 9 frames.

    frame  0    1    2    3    4    5    6    7
          10---11--------13---14---15---16         daughter 16 ends in frame 6
                \\              \\---25---26---27   and 27 in frame 7
                 \\-32---33---34                    her aunt ends in frame 4
          90 (alone)
    """
    frames = {10: 0, 11: 1, 13: 3, 14: 4, 15: 5, 16: 6, 25: 5, 26: 6, 27: 7,
              32: 2, 33: 3, 34: 4, 90: 0}  # fmt: skip
    links = [(10, 11), (11, 13), (11, 32), (13, 14), (14, 15), (14, 25), (15, 16), (25, 26),
             (26, 27), (32, 33), (33, 34)]  # fmt: skip
    return make_graph(frames, links, n_frames=9, dt=dt)


def by_first_spot(graph, table):
    """Give the rows by the id of the tracklet's first spot."""
    first = graph.spots.id[graph.tracklets["first_row"].to_numpy()[table.index]]
    return table.set_index(pd.Index(first))


def test_relatives_and_times_are_those_of_the_drawing():
    graph = two_generations(dt=5.0)
    table = make_tracklets_table(graph)
    rows = by_first_spot(graph, table)
    number = dict(zip(rows.index, table.index, strict=True))
    assert sorted(rows.index) == [10, 13, 15, 25, 32]  # 90 is in no track
    assert rows["generation"].to_dict() == {10: 0, 13: 1, 32: 1, 15: 2, 25: 2}
    assert rows.loc[13, "mother"] == number[10] == rows.loc[25, "root"]
    assert rows.loc[13, "sister"] == number[32]
    assert rows.loc[32, "sister"] == number[13]
    assert rows.loc[10, ["mother", "sister", "n_sisters"]].tolist() == [-1, -1, 0]
    # born when 11 was last seen (frame 1), divides at 14 (frame 4): three steps of 5, gap counted
    assert rows.loc[13, "cycle_time"] == 15.0
    assert rows.loc[13, ["length", "duration", "n_gaps"]].tolist() == [1, 5.0, 0]
    assert rows["cycle_time"].notna().sum() == 1
    assert rows.loc[32, "time_since_birth"] == 15.0
    assert math.isnan(rows.loc[10, "time_since_birth"])
    assert table["start"].is_monotonic_increasing


def test_gaps_inside_a_tracklet_are_counted():
    """10 --- . --- . --- 13---14: one link over two missed frames."""
    graph = make_graph({10: 0, 13: 3, 14: 4}, [(10, 13), (13, 14)])
    row = make_tracklets_table(graph).iloc[0]
    assert row[["length", "n_spots", "n_gaps", "missed_frames"]].tolist() == [4, 3, 1, 2]


def test_fates_and_origins_without_positions():
    graph = two_generations()
    rows = by_first_spot(graph, make_tracklets_table(graph))
    assert rows["fate"].to_dict() == {
        10: Fate.DIVIDES, 13: Fate.DIVIDES, 15: Fate.ENDS, 25: Fate.ENDS, 32: Fate.ENDS,
    }  # fmt: skip
    assert rows.loc[10, "origin"] == Origin.START_OF_MOVIE
    assert rows.loc[13, "origin"] == Origin.BIRTH
    assert rows.index[rows["censored_start"]].tolist() == [10]
    assert rows["censored_end"].to_dict() == {10: False, 13: False, 15: True, 25: True, 32: True}


def test_a_merge_ends_two_tracklets_and_begins_one():
    """10---11--\\
               30---31    to the movie's end
       20---21--/
    """
    frames = {10: 0, 11: 1, 20: 0, 21: 1, 30: 2, 31: 3}
    links = [(10, 11), (20, 21), (11, 30), (21, 30), (30, 31)]
    graph = make_graph(frames, links)
    table = make_tracklets_table(graph)
    rows = by_first_spot(graph, table)
    assert rows["fate"].to_dict() == {10: Fate.MERGES, 20: Fate.MERGES, 30: Fate.END_OF_MOVIE}
    assert rows.loc[30, "origin"] == Origin.MERGE
    assert rows.loc[30, "mother"] == table.index[0]
    assert rows.loc[30, "n_sisters"] == 0
    assert math.isnan(rows.loc[30, "time_since_birth"])


def test_three_daughters_have_two_sisters_each():
    graph = make_graph({1: 0, 2: 1, 3: 1, 4: 1}, [(1, 2), (1, 3), (1, 4)])
    table = make_tracklets_table(graph)
    assert table["sister"].tolist() == [-1, 2, 1, 1]
    assert table["n_sisters"].tolist() == [0, 2, 2, 2]


@pytest.mark.parametrize(
    ("last_x", "fate"),
    [
        (5.0, Fate.ENDS),
        (8.4, Fate.LEAVES_IMAGE),  # its ball of radius 1 touches the border at 9.5
        (8.0, Fate.LEAVES_IMAGE),  # one more step of 2 ends outside
        (6.9, Fate.ENDS),  # 6.9 + 0.9 stays inside
    ],
)
def test_a_cell_leaves_by_the_border_that_it_touches_or_would_cross(last_x, fate):
    """An image of 10 pixels spans −0.5 to 9.5; the cell comes from x = 6."""
    spots = make_spots([(1, 0, 6.0, 5.0), (2, 1, last_x, 5.0)], ndim=2, n_frames=5, radius=1.0)
    graph = TrackGraph.from_ids(spots, np.array([1]), np.array([2]))
    bounds = find_bounds((1, 10, 10), (1.0, 1.0, 1.0))
    assert make_tracklets_table(graph, bounds)["fate"].tolist() == [fate]
    assert make_tracklets_table(graph)["fate"].tolist() == [Fate.ENDS]


def test_bounds_are_the_faces_of_the_outer_voxels():
    bounds = find_bounds((4, 10, 20), (3.0, 0.5, 0.25))
    np.testing.assert_allclose(bounds, [[-0.125, -0.25, -1.5], [4.875, 4.75, 10.5]])


def test_the_plane_of_a_flat_movie_is_no_border():
    spots = make_spots([(1, 1, 5.0, 5.0), (2, 2, 5.0, 5.0)], ndim=2, n_frames=5, radius=1.0)
    graph = TrackGraph.from_ids(spots, np.array([1]), np.array([2]))
    row = make_tracklets_table(graph, find_bounds((1, 10, 10), (1.0, 1.0, 1.0))).iloc[0]
    assert (row["origin"], row["fate"]) == (Origin.APPEARS, Fate.ENDS)


def test_a_measured_label_at_the_border_leaves_without_bounds():
    spots = make_spots([(1, 0, 5.0), (2, 1, 5.0)], n_frames=5, touches_border=[0, 1])
    graph = TrackGraph.from_ids(spots, np.array([1]), np.array([2]))
    assert make_tracklets_table(graph)["fate"].tolist() == [Fate.LEAVES_IMAGE]


@pytest.mark.parametrize(
    ("distances", "fate"),
    [
        ([6.0, 3.0], Fate.LEAVES_TISSUE),  # 3 a frame: outside in the next
        ([5.0, 3.0], Fate.ENDS),
        ([1.0, -0.5], Fate.LEAVES_TISSUE),
        ([math.nan, 3.0], Fate.ENDS),
        ([2.0, math.nan], Fate.ENDS),
    ],
)
def test_a_cell_leaves_the_tissue_that_it_is_about_to_cross(distances, fate):
    spots = make_spots([(1, 0, 0.0), (2, 1, 0.0)], n_frames=5, boundary_distance=distances)
    graph = TrackGraph.from_ids(spots, np.array([1]), np.array([2]))
    assert make_tracklets_table(graph)["fate"].tolist() == [fate]


def test_a_step_over_a_gap_counts_by_the_frame():
    """From 9 to 3 in three frames is 2 a frame: 1 is left one frame later."""
    spots = make_spots([(1, 0, 0.0), (2, 3, 0.0)], n_frames=9, boundary_distance=[9.0, 3.0])
    graph = TrackGraph.from_ids(spots, np.array([1]), np.array([2]))
    assert make_tracklets_table(graph)["fate"].tolist() == [Fate.ENDS]


def test_tracks_have_the_ids_of_their_file():
    graph = make_graph({1: 0, 2: 1, 3: 0, 4: 1}, [(1, 2), (3, 4)])
    assert make_tracklets_table(graph, ids=np.array([70_000, 5]))["track"].tolist() == [70_000, 5]


def test_ends_are_summed_up_with_those_that_never_occur():
    counts = summarise_ends(make_tracklets_table(two_generations()))
    n = counts.set_index(["what", "value"])["n"]
    assert n["fate", "divides"] == 2
    assert n["fate", "ends"] == 3
    assert n["fate", "merges"] == 0
    assert n["origin"].sum() == n["fate"].sum() == 5


def test_no_spots_and_no_links_give_an_empty_table():
    for spots in (make_spots([]), make_spots([(1, 0, 0.0)])):
        graph = TrackGraph.from_links(spots, np.array([], int), np.array([], int))
        table = make_tracklets_table(graph)
        assert len(table) == 0
        assert summarise_ends(table)["n"].sum() == 0
