import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tracking_movies import link_ids, make_graph, make_spots

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.core.track_features import make_tracks_table
from btrackmate.review import EditableTracks, History

#: Two tracks of four frames, the first divides after frame 1, and spot 20 alone:
#:
#:     frame 0   1   2   3
#:           0 ─ 1 ┬ 2 ─ 3
#:                 └ 4 ─ 5
#:          10 ─11 ─12 ─13    20 in frame 2
FRAMES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 10: 0, 11: 1, 12: 2, 13: 3, 20: 2}
LINKS = [(0, 1), (1, 2, 2.5), (2, 3), (1, 4), (4, 5), (10, 11), (11, 12), (12, 13)]


def start(**options):
    return History(EditableTracks(make_graph(FRAMES, LINKS), **options))


def track_members(tracks):
    return {int(t): set(tracks.spots_of(int(t)).tolist()) for t in tracks.tracks()}


def test_what_can_be_asked():
    tracks = start().tracks
    assert (tracks.n_spots, tracks.n_links, tracks.n_frames) == (11, 8, 4)
    assert track_members(tracks) == {0: {0, 1, 2, 3, 4, 5}, 1: {10, 11, 12, 13}}
    assert tracks.track(20) == -1
    assert tracks.children(1) == [2, 4]
    assert tracks.parents(4) == [1]
    assert tracks.sisters(4) == [2]
    assert tracks.link(1, 2).cost == 2.5
    assert tracks.link(0, 2) is None
    assert tracks.in_frame(2).tolist() == [2, 4, 12, 20]
    lineage = tracks.lineage(0)
    assert lineage.tracklets["parent"].tolist() == [-1, 0, 0]
    assert lineage.spots.id.tolist() == [0, 1, 2, 4, 3, 5]


def test_features_of_a_track_are_those_of_the_whole_graph_after_each_edit():
    """Also such as are computed from quality, and from times that are not frame × dt."""
    graph = make_graph(FRAMES, LINKS)
    table = graph.spots.to_dataframe()
    table["quality"] = np.arange(len(table)) ** 2.0
    table["time"] = table["frame"] * 10 + table["id"] % 10 * 0.5
    spots = Spots.from_table(table, graph.spots.calibration, n_frames=graph.spots.n_frames)
    edits = History(EditableTracks(graph.with_spots(spots)))

    def check():
        whole = make_tracks_table(edits.tracks.to_graph())
        firsts = [edits.tracks.to_graph().spots.id[edits.tracks.to_graph().track == n][0]
                  for n in range(len(whole))]  # fmt: skip
        for row, first in zip(whole.to_dict("records"), firsts, strict=True):
            track = edits.tracks.track(int(first))
            (mine,) = make_tracks_table(edits.tracks.lineage(track)).to_dict("records")
            assert mine == pytest.approx({**row, "track": 0}, nan_ok=True)

    check()
    edits.do("delete_spot", spot=13)
    check()
    edits.do("move_spot", spot=3, position=(7.0, 2.0, 1.0))
    check()
    new = edits.do("add_spot", frame=3, position=(1.0, 2.0, 3.0), radius=2.0).added_spots[0].id
    edits.do("connect", source=12, target=new)
    check()
    for _ in range(4):
        edits.undo()
        check()


def test_near_gives_the_nearest_first():
    """Three spots in frame 0, at x = 0, 3 and 5; one in frame 1."""
    spots = make_spots([(7, 0, 5.0), (8, 0, 0.0), (9, 0, 3.0), (3, 1, 4.0)])
    tracks = EditableTracks(TrackGraph.from_links(spots, np.empty(0), np.empty(0)))
    assert tracks.near(0, (4.0, 0.0, 0.0)) == [(7, 1.0), (9, 1.0), (8, 4.0)]
    assert tracks.near(0, (4.0, 0.0, 0.0), radius=2) == [(7, 1.0), (9, 1.0)]
    assert tracks.near(5, (4.0, 0.0, 0.0)) == []


def test_a_broken_link_leaves_the_larger_part_its_id():
    edits = start()
    change = edits.do("break_link", source=1, target=2)
    assert track_members(edits.tracks) == {0: {0, 1, 4, 5}, 1: {10, 11, 12, 13}, 2: {2, 3}}
    assert change.removed_links == ((1, 2, 2.5, change.removed_links[0].confidence),)
    assert change.spots == {1, 2}
    assert change.tracks == {0, 2}


def test_of_equal_parts_the_earlier_keeps_the_id():
    edits = start()
    edits.do("break_link", source=11, target=12)
    assert track_members(edits.tracks)[1] == {10, 11}
    assert track_members(edits.tracks)[2] == {12, 13}


def test_a_spot_cut_off_belongs_to_no_track():
    edits = start()
    edits.do("break_link", source=12, target=13)
    assert edits.tracks.track(13) == -1
    edits.do("break_link", source=10, target=11)
    edits.do("break_link", source=11, target=12)
    assert [edits.tracks.track(i) for i in (10, 11, 12)] == [-1, -1, -1]


def test_undo_gives_back_ids_of_tracks_too():
    edits = start()
    before = track_members(edits.tracks)
    edits.do("break_link", source=1, target=2)
    edits.do("break_link", source=10, target=11)
    edits.do("delete_spot", spot=4)
    after = track_members(edits.tracks)
    for _ in range(3):
        edits.undo()
    assert track_members(edits.tracks) == before
    assert edits.tracks.link(1, 2).cost == 2.5
    for _ in range(3):
        edits.redo()
    assert track_members(edits.tracks) == after
    with pytest.raises(UserError, match="nothing to redo"):
        edits.redo()


def test_connect_over_a_gap():
    edits = start()
    edits.do("delete_spot", spot=12)
    edits.do("connect", source=11, target=13)
    assert edits.tracks.children(11) == [13]
    assert track_members(edits.tracks)[1] == {10, 11, 13}


def test_divisions_come_and_go():
    edits = start()
    edits.do("add_division", mother=11, daughter=20)
    assert edits.tracks.children(11) == [12, 20]
    assert edits.tracks.track(20) == 1
    edits.do("remove_division", mother=1, daughter=4)
    assert edits.tracks.children(1) == [2]


def test_a_merge_joins_two_tracks():
    edits = start()
    edits.do("break_link", source=12, target=13)
    edits.do("merge", source=12, target=5)
    assert edits.tracks.parents(5) == [4, 12]
    assert track_members(edits.tracks) == {0: {0, 1, 2, 3, 4, 5, 10, 11, 12}}
    change = edits.do("break_link", source=1, target=4)
    assert edits.tracks.track(5) != edits.tracks.track(1)
    assert len(change.tracks) == 2


def test_a_link_inside_a_loop_divides_nothing():
    """0 divides into 1 and 2, which merge into 3: without 0 → 1 all hang together still."""
    graph = make_graph({0: 0, 1: 1, 2: 1, 3: 2}, [(0, 1), (0, 2), (1, 3), (2, 3)])
    edits = History(EditableTracks(graph))
    change = edits.do("break_link", source=0, target=1)
    assert change.renumbered == ()
    assert track_members(edits.tracks) == {0: {0, 1, 2, 3}}


def test_swap_from_here_on():
    edits = start()
    edits.do("swap", one=12, other=2)
    assert edits.tracks.parents(2) == [11]
    assert edits.tracks.parents(12) == [1]
    assert edits.tracks.children(12) == [13]
    edits.undo()
    assert edits.tracks.parents(2) == [1]


def test_swap_with_a_spot_that_has_no_parent():
    edits = start()
    edits.do("swap", one=12, other=20)
    assert edits.tracks.children(11) == [20]
    assert edits.tracks.parents(12) == []


def test_delete_a_track():
    edits = start()
    change = edits.do("delete_track", spot=3)
    assert edits.tracks.n_spots == 5
    assert track_members(edits.tracks) == {1: {10, 11, 12, 13}}
    assert len(change.removed_links) == 5
    edits.undo()
    assert track_members(edits.tracks)[0] == {0, 1, 2, 3, 4, 5}


def test_added_spots_are_numbered_on_and_stay_whole_numbers():
    table = pd.DataFrame({"id": [5, 6], "frame": [0, 1], "x": [0.0, 1], "y": 0.0, "z": 0.0,
                          "label": [70_000, 8], "VISIBILITY": 1, "volume": [3.0, 4.0]})  # fmt: skip
    spots = Spots.from_table(table, Calibration(dt=2.0))
    edits = History(EditableTracks(TrackGraph.from_ids(spots, [5], [6])))
    edits.do("add_spot", frame=1, position=(4, 5, 6), radius=2.0)
    edits.do("add_spot", frame=1, position=(7, 5, 6), radius=2, label=9, features={"volume": 8.0})
    edits.do("move_spot", spot=5, position=(1, 1, 1))
    graph = edits.tracks.to_graph()
    got = graph.spots.table.set_index("id")
    assert got["label"].dtype == "Int64"
    assert got["label"].tolist() == [pd.NA, 8, pd.NA, 9]
    assert got.loc[8, "volume"] == 8.0
    assert math.isnan(got.loc[7, "volume"])
    assert math.isnan(got.loc[5, "volume"])
    assert got["time"].tolist() == [0, 2, 2, 2]
    assert got["VISIBILITY"].tolist() == [1, 1, 1, 1]
    assert got.loc[5, ["x", "y", "z"]].tolist() == [1, 1, 1]
    assert link_ids(graph) == [(5, 6)]
    for _ in range(3):
        edits.undo()
    pd.testing.assert_frame_equal(edits.tracks.to_graph().spots.table, spots.table)


REFUSED = [
    ("break_link", {"source": 0, "target": 2}, "no link from spot 0 to spot 2; 0 links to 1"),
    ("break_link", {"source": 0, "target": 99}, "no spot 99"),
    ("connect", {"source": 3, "target": 20}, "from frame 3 back to 2: links go forward"),
    ("connect", {"source": 20, "target": 12}, "both are in frame 2"),
    ("connect", {"source": 0, "target": 1}, "linked already"),
    ("connect", {"source": 11, "target": 20}, "goes on as spot 12"),
    ("connect", {"source": 20, "target": 13}, "comes from spot 12 already"),
    ("add_division", {"mother": 20, "daughter": 13}, "no daughter yet"),
    ("add_division", {"mother": 11, "daughter": 4}, "comes from spot 1 already"),
    ("remove_division", {"mother": 0, "daughter": 1}, "does not divide"),
    ("merge", {"source": 1, "target": 20}, "has no parent"),
    ("merge", {"source": 1, "target": 12}, "goes on as spot 2, 4"),
    ("swap", {"one": 2, "other": 4}, "same parents"),
    ("swap", {"one": 2, "other": 13}, "two spots of one frame"),
    ("delete_track", {"spot": 20}, "belongs to no track"),
    ("add_spot", {"frame": 4, "position": (0, 0, 0), "radius": 1}, "frames are 0 to 3"),
    ("add_spot", {"frame": 1, "position": (0, 0), "radius": 1}, "expected finite numbers x, y, z"),
    ("add_spot", {"frame": 1, "position": (0, 0, math.inf), "radius": 1}, "finite"),
    ("add_spot", {"frame": 1, "position": (0, 0, 0), "radius": 0}, "radius is 0"),
    ("add_spot", {"frame": 1, "position": (0, 0, 0), "radius": 1, "id": 3}, "id 3 is taken"),
    ("fly", {}, "no operation 'fly'"),
    ("swap", {"one": 2}, "expected one, other"),
]


@pytest.mark.parametrize(("operation", "arguments", "words"), REFUSED)
def test_what_may_not_be_is_refused_in_one_line(operation, arguments, words):
    edits = start()
    with pytest.raises(UserError, match=words) as caught:
        edits.do(operation, **arguments)
    assert "\n" not in str(caught.value)
    assert not edits.done
    assert sorted(link_ids(edits.tracks.to_graph())) == sorted(link[:2] for link in LINKS)


def test_merges_can_be_forbidden():
    edits = start(allow_merges=False)
    with pytest.raises(UserError, match="two parents, but merges are not allowed"):
        edits.do("merge", source=20, target=13)


@st.composite
def edited_graphs(draw):
    """A random graph, with merges, divisions and gaps, and random operations."""
    n = draw(st.integers(2, 14))
    frames = {i: draw(st.integers(0, 5)) for i in range(n)}
    pairs = [(a, b) for a in frames for b in frames if frames[a] < frames[b]]
    links = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    spot = st.integers(0, n + 1)
    two = st.tuples(spot, spot)
    edit = st.one_of(
        st.tuples(st.sampled_from(["break_link", "connect", "merge"]), two,
                  st.just(("source", "target"))),
        st.tuples(st.sampled_from(["add_division", "remove_division"]), two,
                  st.just(("mother", "daughter"))),
        st.tuples(st.just("swap"), two, st.just(("one", "other"))),
        st.tuples(st.sampled_from(["delete_spot", "delete_track"]), st.tuples(spot),
                  st.just(("spot",))),
        st.tuples(st.just("add_spot"), st.tuples(st.integers(0, 3), st.just((0, 0, 0)),
                  st.just(1.0)), st.just(("frame", "position", "radius"))),
        st.tuples(st.sampled_from(["undo", "redo"]), st.just(()), st.just(())),
    )  # fmt: skip
    return frames, links, draw(st.lists(edit, max_size=25))


def check_tracks(tracks):
    """Compare what was kept up to date with what the graph says anew."""
    graph = tracks.to_graph()
    assert (tracks.n_spots, tracks.n_links) == (len(graph.spots), graph.n_links)
    numbers = [tracks.track(int(i)) for i in graph.spots.id]
    pairs = set(zip(graph.track.tolist(), numbers, strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert (-1 in graph.track) == (-1 in numbers)
    assert all((a == -1) == (b == -1) for a, b in pairs)
    for row, spot in enumerate(graph.spots.id.tolist()):
        assert tracks.children(spot) == sorted(graph.spots.id[graph.children(row)].tolist())
        into = graph.source[graph.target == row]
        assert tracks.parents(spot) == sorted(graph.spots.id[into].tolist())
    return graph


@hypothesis_settings(max_examples=75, deadline=None)
@given(edited_graphs())
def test_any_edits_leave_what_a_new_graph_says_and_can_all_be_undone(case):
    frames, links, edits = case
    history = History(EditableTracks(make_graph(frames, links)))
    before = track_members(history.tracks)
    for name, values, keys in edits:
        try:
            if name in ("undo", "redo"):
                getattr(history, name)()
            else:
                history.do(name, **dict(zip(keys, values, strict=True)))
        except UserError:
            continue
        check_tracks(history.tracks)
    while history.done:
        history.undo()
    assert sorted(link_ids(check_tracks(history.tracks))) == sorted(links)
    assert track_members(history.tracks) == before
