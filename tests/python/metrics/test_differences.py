"""The links that differ, one by one, and why."""

import numpy as np
from metrics.drawn import graph, movie

from btrackmate.metrics.aogm import count_errors
from btrackmate.metrics.differences import list_differences
from btrackmate.metrics.movies import GraphMovie, match_movies
from btrackmate.metrics.nodes import NodeMatch, TrackNodes
from btrackmate.metrics.points import match_same_spots

# 10 ── 11 ─┬─ 12 ── 14
#           └─ 13 ── 15
# 20 ── 21
POINTS = [
    (10, 0, 0.0), (11, 1, 0.0), (12, 2, 0.0), (13, 2, 10.0), (14, 3, 0.0), (15, 3, 10.0),
    (20, 0, 50.0), (21, 1, 50.0),
]  # fmt: skip
LINKS = [(10, 11), (11, 12), (11, 13), (12, 14), (13, 15), (20, 21)]


def differ(truth, result):
    nodes = TrackNodes.from_graph(truth), TrackNodes.from_graph(result)
    match = match_same_spots(truth, result)
    table = list_differences(*nodes, match, (truth.spots.id, result.spots.id))
    errors = count_errors(*nodes, match)
    kinds = table["what"].value_counts()
    assert kinds.get("missed_link", 0) == errors.n_truth_links - errors.link_tp
    assert kinds.get("false_link", 0) == errors.n_result_links - errors.link_tp
    return table.drop(columns=["source_frame", "target_frame"]).fillna(-1).values.tolist()


def test_equal_tracks_differ_nowhere():
    assert differ(graph(POINTS, LINKS), graph(POINTS, LINKS)) == []


def test_missed_and_false_links_with_their_reasons():
    """The result lacks 15, has 90 instead, links 11 to 13 only, and 21 from 10 as well."""
    points = [point for point in POINTS if point[0] != 15] + [(90, 3, 10.5)]
    links = [(10, 11), (11, 13), (12, 14), (13, 90), (10, 21)]
    assert differ(graph(POINTS, LINKS), graph(points, links)) == [
        ["missed_link", "other_link", 20, 21, 20, 21, False],
        ["false_link", "other_link", 10, 21, 10, 21, True],
        ["missed_link", "other_link", 11, 12, 11, 12, True],
        ["missed_link", "target", 13, 15, 13, -1, False],
        ["false_link", "target", 13, -1, 13, 90, False],
    ]


def test_a_cell_that_is_not_there_takes_both_its_links():
    truth = graph([(0, 0, 0.0), (1, 1, 0.0), (2, 2, 0.0), (3, 3, 0.0)], [(0, 1), (1, 2), (2, 3)])
    result = graph([(0, 0, 0.0), (3, 3, 0.0)], [(0, 3)])
    assert [row[:6] for row in differ(truth, result)] == [
        ["missed_link", "target", 0, 1, 0, -1],
        ["false_link", "other_link", 0, 3, 0, 3],
        ["missed_link", "source_and_target", 1, 2, -1, -1],
        ["missed_link", "source", 2, 3, -1, 3],
    ]


def test_merged_cells_are_named():
    """Both truth cells of frame 1 are one cell of the result."""
    truth = TrackNodes.from_graph(
        graph([(0, 0, 0.0), (1, 1, 0.0), (2, 0, 9.0), (3, 1, 9.0)], [(0, 1), (2, 3)])
    )
    result = TrackNodes.from_graph(graph([(0, 0, 0.0), (2, 0, 9.0), (7, 1, 4.0)], [(0, 7)]))
    ids = np.array([0, 2, 1, 3]), np.array([0, 2, 7])
    table = list_differences(truth, result, NodeMatch(np.array([0, 1, 2, 2]), 3), ids)
    rows = table[["what", "why", "truth_source", "truth_target", "result_target"]].fillna(-1)
    assert rows.values.tolist() == [
        ["missed_link", "merged", 0, 1, 7],
        ["missed_link", "merged", 2, 3, 7],
        ["false_link", "merged", 0, 1, 7],
    ]


def test_label_movies_are_named_by_label_and_graph_movies_by_spot_id():
    truth = movie(["11..", "2.33"], (1, 0, 0, 0), (2, 1, 1, 1), (3, 1, 1, 1))
    spots = graph(
        [(100, 0, 0.5), (200, 1, 0.0), (300, 1, 2.5)], [(100, 300)], ndim=2, label=[1, 2, 3]
    )
    result = GraphMovie(truth.frames, spots)
    one, other, match = match_movies(truth, result)
    ids = truth.node_ids(one), result.node_ids(other)
    assert [part.tolist() for part in ids] == [[1, 2, 3], [100, 300, 200]]
    table = list_differences(one, other, match, ids)
    assert table[
        ["truth_source", "truth_target", "result_source", "result_target"]
    ].values.tolist() == [[1, 2, 100, 200]]
    assert table["in_division"].tolist() == [True]
