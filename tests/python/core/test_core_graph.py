"""Graphs are drawn with frames from left to right; numbers are spot ids."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots


def make_spots(frames, ids=None):
    """Spots in the given frames, with ids 10, 20, … unless given."""
    n = len(frames)
    columns = {name: np.zeros(n) for name in "xyz"}
    table = pd.DataFrame({"id": ids or range(10, 10 * n + 1, 10), "frame": frames, **columns})
    return Spots.from_table(table, Calibration())


def family(cost=None):
    """A division with a gap in one daughter, a lone spot, and a short track.

    frame  0    1    2    3    4
          10---30---50-------70
             \\--40---60
          20 (alone)     80---90
    """
    spots = make_spots([0, 0, 1, 1, 2, 2, 4, 3, 4], [10, 20, 30, 40, 50, 60, 70, 80, 90])
    source, target = [10, 10, 30, 40, 50, 80], [30, 40, 50, 60, 70, 90]
    return TrackGraph.from_ids(spots, np.array(source), np.array(target), cost)


def by_id(graph, values):
    return dict(zip(graph.spots.id.tolist(), np.asarray(values).tolist(), strict=True))


def test_tracks_are_numbered_by_their_first_spot():
    graph = family()
    assert by_id(graph, graph.track) == {
        10: 0, 30: 0, 40: 0, 50: 0, 60: 0, 70: 0, 20: -1, 80: 1, 90: 1,
    }  # fmt: skip
    assert graph.n_tracks == 2


def test_tracklets_end_at_divisions_and_pass_gaps():
    graph = family()
    assert by_id(graph, graph.tracklet) == {
        10: 0, 20: 1, 30: 2, 50: 2, 70: 2, 40: 3, 60: 3, 80: 4, 90: 4,
    }  # fmt: skip


def test_table_of_tracklets():
    graph = family()
    table = graph.tracklets
    assert graph.spots.id[table["first_row"]].tolist() == [10, 20, 30, 40, 80]
    assert graph.spots.id[table["last_row"]].tolist() == [10, 20, 70, 60, 90]
    columns = ["start", "end", "n_spots", "track", "parent", "generation"]
    assert table[columns].to_numpy().tolist() == [
        [0, 0, 1, 0, -1, 0],
        [0, 0, 1, -1, -1, 0],
        [1, 4, 3, 0, 0, 1],
        [1, 2, 2, 0, 0, 1],
        [3, 4, 2, 1, -1, 0],
    ]


def test_links_between_tracklets():
    parent, child = family().tracklet_links
    assert list(zip(parent.tolist(), child.tolist(), strict=True)) == [(0, 2), (0, 3)]


def test_divisions_and_children():
    graph = family()
    assert graph.spots.id[graph.divisions].tolist() == [10]
    assert graph.merges.size == 0
    assert graph.spots.id[graph.children(0)].tolist() == [30, 40]
    assert graph.children(1).size == 0


def merge():
    """10 and a daughter of 20 merge in 50.

    frame 0    1    2    3
         10--------------50
         20---30--------/
            \\--40
    """
    spots = make_spots([0, 0, 1, 1, 3], [10, 20, 30, 40, 50])
    return TrackGraph.from_ids(spots, np.array([10, 20, 20, 30]), np.array([50, 30, 40, 50]))


def test_merge_has_its_lowest_parent_and_the_highest_generation():
    graph = merge()
    assert graph.spots.id[graph.merges].tolist() == [50]
    last = graph.tracklets.iloc[graph.tracklet[-1]]
    assert last["parent"] == graph.tracklet[0]
    assert last["generation"] == 2


def test_division_into_a_merge_of_its_own_daughters():
    """10 divides into 20 and 30, which merge in 40: four tracklets, generation 2 at the end."""
    spots = make_spots([0, 1, 1, 2])
    graph = TrackGraph.from_ids(spots, np.array([10, 10, 20, 30]), np.array([20, 30, 40, 40]))
    assert graph.tracklets["generation"].tolist() == [0, 1, 1, 2]
    assert graph.tracklets["parent"].tolist() == [-1, 0, 0, 1]
    assert graph.n_tracks == 1


def test_links_are_sorted_with_their_costs():
    spots = make_spots([0, 1, 1])
    graph = TrackGraph.from_ids(
        spots, np.array([10, 10]), np.array([30, 20]), np.array([5.0, 4.0]), np.array([0.5, 0.4])
    )
    assert graph.links_table().to_numpy().tolist() == [[10, 20, 4.0, 0.4], [10, 30, 5.0, 0.5]]


def test_links_backward_in_time_are_turned_round():
    graph = TrackGraph.from_ids(make_spots([0, 1]), np.array([20]), np.array([10]))
    assert (graph.source.tolist(), graph.target.tolist()) == ([0], [1])


def test_unknown_cost_is_nan():
    graph = TrackGraph.from_ids(make_spots([0, 1]), np.array([10]), np.array([20]))
    assert np.isnan(graph.cost).all()
    assert np.isnan(graph.confidence).all()


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ([20], [30], "spots 20 and 30, both in frame 1"),
        ([10], [10], "spots 10 and 10, both in frame 0"),
        ([10, 20], [20, 10], "from spot 10 to spot 20 stands twice"),
        ([10], [11], "names spot 11, which is not in the spots"),
    ],
)
def test_wrong_links_are_refused(source, target, message):
    with pytest.raises(UserError, match=message):
        TrackGraph.from_ids(make_spots([0, 1, 1]), np.array(source), np.array(target))


@pytest.mark.parametrize("row", [-1, 3])
def test_rows_beyond_the_spots_are_refused(row):
    """Row −1 would silently be the last spot."""
    with pytest.raises(IndexError, match="there are 3 spots"):
        TrackGraph.from_links(make_spots([0, 1, 1]), np.array([0]), np.array([row]))


def test_keeping_spots_keeps_the_links_between_them():
    graph = family(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    kept = graph.keep_spots(np.isin(graph.spots.id, [10, 40, 60, 70, 80]))
    assert kept.spots.id.tolist() == [10, 40, 60, 80, 70]
    assert kept.links_table()[["source", "target", "cost"]].to_numpy().tolist() == [
        [10, 40, 2.0],
        [40, 60, 4.0],
    ]
    assert kept.divisions.size == 0


def test_keeping_links_keeps_all_spots():
    graph = family()
    kept = graph.keep_links(graph.source != 0)
    assert len(kept.spots) == 9
    assert by_id(kept, kept.track)[10] == -1
    assert kept.n_tracks == 3


def test_replacing_the_spots_table():
    graph = family()
    more = graph.with_spots(graph.spots.with_columns({"area": np.arange(9)}))
    assert more.spots.features[-1] == "area"
    with pytest.raises(ValueError, match="other ids"):
        graph.with_spots(graph.spots.take(np.arange(8)))


def test_table_of_spots_with_their_lineage():
    table = family().spots_table().set_index("id")
    columns = ["track", "tracklet", "parent", "generation"]
    assert table.loc[70, columns].tolist() == [0, 2, 0, 1]
    assert table.loc[20, columns].tolist() == [-1, 1, -1, 0]


def test_empty_graph():
    nothing = np.empty(0, np.int64)
    graph = TrackGraph.from_links(make_spots([]), nothing, nothing)
    assert graph.n_tracks == graph.n_links == 0
    assert len(graph.tracklets) == len(graph.spots_table()) == len(graph.links_table()) == 0
    assert graph.out_offsets.tolist() == [0]
    assert len(graph.keep_spots(np.empty(0, bool)).spots) == 0


def test_single_spot():
    nothing = np.empty(0, np.int64)
    graph = TrackGraph.from_links(make_spots([3], [70_000]), nothing, nothing)
    assert graph.tracklets[["start", "n_spots", "track"]].to_numpy().tolist() == [[3, 1, -1]]
    assert graph.n_tracks == 0


@st.composite
def graphs(draw):
    frames = draw(st.lists(st.integers(0, 6), min_size=1, max_size=14))
    spots = make_spots(sorted(frames))
    frame = spots.frame
    pairs = [(a, b) for a in range(len(frame)) for b in range(len(frame)) if frame[a] < frame[b]]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    links = np.array(chosen, np.int64).reshape(-1, 2)
    return TrackGraph.from_links(spots, links[:, 0], links[:, 1])


def walk(start, neighbours):
    """All rows that can be reached, the plain way."""
    seen, todo = {start}, [start]
    while todo:
        for other in neighbours(todo.pop()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


@given(graphs())
def test_tracks_and_tracklets_equal_a_plain_walk(graph):
    links = list(zip(graph.source.tolist(), graph.target.tolist(), strict=True))
    inner = [
        (a, b)
        for a, b in links
        if sum(s == a for s, _ in links) == 1 and sum(t == b for _, t in links) == 1
    ]

    def neighbours_in(pairs):
        return lambda row: [b for a, b in pairs if a == row] + [a for a, b in pairs if b == row]

    for row in range(len(graph.spots)):
        tracklet = walk(row, neighbours_in(inner))
        assert set(np.flatnonzero(graph.tracklet == graph.tracklet[row])) == tracklet
        track = walk(row, neighbours_in(links))
        if len(track) == 1:
            assert graph.track[row] == -1
        else:
            assert set(np.flatnonzero(graph.track == graph.track[row])) == track


@given(graphs())
def test_a_child_is_one_generation_above_its_highest_parent(graph):
    parent, child = graph.tracklet_links
    generation = graph.tracklets["generation"].to_numpy()
    for number in range(len(generation)):
        above = generation[parent[child == number]]
        assert generation[number] == (above.max() + 1 if above.size else 0)


@given(graphs(), st.data())
def test_keeping_spots_equals_filtering_ids(graph, data):
    n = len(graph.spots)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    ids = set(graph.spots.id[mask].tolist())
    links = graph.links_table()[["source", "target"]].to_numpy().tolist()
    kept = graph.keep_spots(mask)
    assert kept.links_table()[["source", "target"]].to_numpy().tolist() == [
        [a, b] for a, b in links if a in ids and b in ids
    ]
    assert set(kept.spots.id.tolist()) == ids


def test_graphs_go_to_other_processes() -> None:
    spots = Spots.from_table(
        pd.DataFrame({"frame": [0, 1], "x": 1.0, "y": 2.0, "z": 0.0}), Calibration()
    )
    graph = TrackGraph.from_links(spots, np.array([0]), np.array([1]))
    for again in (pickle.loads(pickle.dumps(graph)), copy.deepcopy(graph)):
        assert again.source.tolist() == [0]
        pd.testing.assert_frame_equal(again.spots.table, spots.table)


def test_arrays_of_a_graph_cannot_be_written_into():
    graph = family(cost=np.arange(6.0))
    for name in (
        "source", "target", "cost", "confidence", "track", "tracklet", "in_degree", "out_degree",
        "out_offsets",
    ):  # fmt: skip
        values = getattr(graph, name)
        with pytest.raises(ValueError, match="read-only"):
            values += 1
    with pytest.raises(ValueError, match="read-only"):
        graph.children(0)[:] = 0
    assert graph.n_tracks == 2
    source = np.array([0])
    TrackGraph.from_links(make_spots([0, 1]), source, np.array([1]))
    source += 1  # Its own arrays stay the caller's.
