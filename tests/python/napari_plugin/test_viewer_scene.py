"""Arrays for drawing follow every edit; windows hold what the frames show."""

import numpy as np
import pytest
from hand_tracks import LINKS, make_graph, make_session

from btrackmate.napari_plugin.model.picking import cut_balls
from btrackmate.napari_plugin.model.scene import Scene
from btrackmate.napari_plugin.model.windows import DASHES, cut_window


def pairs(scene: Scene, first: int, last: int) -> set[tuple[int, int]]:
    source, target = scene.links_between(first, last)
    return set(zip(scene.id[source].tolist(), scene.id[target].tolist(), strict=True))


def test_links_of_a_window_are_those_that_touch_it() -> None:
    scene = Scene(make_graph())
    assert pairs(scene, 0, 4) == set(LINKS)
    assert pairs(scene, 1, 1) == {(0, 1), (1, 3), (1, 4), (5, 6), (7, 8), (10, 12), (11, 12)}
    assert pairs(scene, 3, 3) == {(3, 30), (4, 40), (8, 9)}  # 8 → 9 goes over frame 3
    assert pairs(scene, 4, 9) == {(8, 9)}


def test_a_window_draws_links_as_lines_and_gaps_as_dashes() -> None:
    scene = Scene(make_graph())
    window = cut_window(scene, 0, 4)
    ends = scene.id[window.rows][window.links]
    assert sorted(map(tuple, ends.tolist())) == sorted(
        link for link in LINKS if link not in ((7, 8), (8, 9))
    )
    assert len(window.dashes) == 2 * 2 * DASHES
    assert window.dashes[0].tolist() == [0, 4.0, 14.0, 70.0]  # spot 7
    assert window.dashes[2 * DASHES - 1].tolist() == [2, 4.0, 16.0, 80.0]  # spot 8


def test_only_shown_spots_are_drawn() -> None:
    scene = Scene(make_graph())
    shown = np.isin(scene.id, (0, 1, 3))
    window = cut_window(scene, 0, 4, shown)
    assert scene.id[window.rows][window.links].tolist() == [[0, 1], [1, 3]]
    nothing = cut_window(scene, 0, 4, np.zeros(scene.id.size, bool))
    assert nothing.links.shape == (0, 2)
    assert nothing.dashes.shape == (0, 4)


def test_a_movie_without_spots_has_an_empty_window() -> None:
    scene = Scene(make_graph().keep_spots(np.zeros(15, bool)))
    assert cut_window(scene, 0, 0).links.shape == (0, 2)
    assert scene.rows(np.array([3])).tolist() == [-1]


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_scene_follows_edits_and_undo(ndim: int) -> None:
    """After any edits it is as one that is made of the edited tracks."""
    session = make_session(ndim)
    edits = [
        ("break_link", {"source": 1, "target": 4}),
        ("connect", {"source": 40, "target": 9}),  # refused: 9 has a parent
        ("swap", {"one": 3, "other": 8}),
        ("delete_spot", {"spot": 8}),
        ("add_spot", {"frame": 3, "position": (7.0, 8.0, 0.0), "radius": 2.0}),
        ("connect", {"source": 8, "target": 30}),  # refused: 8 is gone
        ("connect", {"source": 13, "target": 41}),
        ("delete_track", {"spot": 5}),
        ("move_spot", {"spot": 0, "position": (1.0, 2.0, 0.0)}),
    ]
    done = 0
    for operation, arguments in edits:
        try:
            session.do(operation, **arguments)
        except ValueError:
            continue
        done += 1
        check_same(session)
    assert done == 7
    for _ in range(done):
        session.undo()
        check_same(session)
    assert pairs(session.scene, 0, 4) == set(LINKS)
    for _ in range(done):
        session.redo()
        check_same(session)


def check_same(session) -> None:
    """Compare with a scene that is made of the tracks as they are now."""
    scene, graph = session.scene, session.now.to_graph()
    fresh = Scene(graph)
    assert pairs(scene, 0, 9) == pairs(fresh, 0, 9)
    for frame in range(5):
        rows, others = scene.rows_in(frame, frame), fresh.rows_in(frame, frame)
        assert sorted(scene.id[rows].tolist()) == sorted(fresh.id[others].tolist())
    for row in np.flatnonzero(scene.alive).tolist():
        spot = int(scene.id[row])
        assert scene.track[row] == session.now.track(spot)
        assert scene.points[row].tolist() == fresh.points[fresh.row(spot)].tolist()


def test_ids_that_do_not_ascend_are_found() -> None:
    graph = make_graph()
    scene = Scene(graph)
    assert (np.diff(graph.spots.id) < 0).any()
    for spot in graph.spots.id.tolist():
        assert scene.id[scene.row(spot)] == spot
    assert scene.row(999) == -1


def test_tracklets_follow_edits() -> None:
    """0 1 | 3 30 | 4 40; a merge ends both parents; each keeps the row of its first spot."""
    session = make_session()
    scene = session.scene

    def named(*spots: int) -> list[int]:
        return scene.id[scene.tracklet[scene.rows(np.array(spots))]].tolist()

    assert named(0, 1, 3, 30, 4, 40) == [0, 0, 3, 3, 4, 4]
    assert named(10, 11, 12, 7, 8, 9, 13) == [10, 11, 12, 7, 7, 7, 13]
    session.do("break_link", source=1, target=4)
    assert named(0, 1, 3, 30, 4, 40) == [0, 0, 0, 0, 4, 4]
    session.undo()
    session.do("delete_spot", spot=8)
    session.do("add_spot", frame=3, position=(1.0, 2.0, 3.0), radius=1.0)
    session.do("connect", source=6, target=session.history.done[-1].added_spots[0].id)
    anew = Scene(session.now.to_graph())
    for spot in session.now.to_graph().spots.id.tolist():
        assert anew.id[anew.tracklet[anew.row(spot)]] == named(spot)[0]


def test_balls_are_cut_where_a_plane_goes_through() -> None:
    """Radius 5, 3 away: a circle of 4; 6 away: not cut; no plane: as they are."""
    points = np.array([[0.0, 1.0, 2.0], [9.0, 1.0, 2.0]])
    centre, radius, kept = cut_balls(points, np.array([5.0, 5.0]), {0: 3.0})
    assert kept.tolist() == [True, False]
    assert (centre.tolist(), radius.tolist()) == ([[3.0, 1.0, 2.0]], [4.0])
    assert points[0, 0] == 0.0
    assert cut_balls(points, np.array([5.0, 5.0]), {})[0].tolist() == points.tolist()
