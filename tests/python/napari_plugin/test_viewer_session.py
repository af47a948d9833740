"""Selecting, stepping, following, filtering and colouring, without a canvas."""

import numpy as np
import pytest
from hand_tracks import make_session

from btrackmate.core.errors import UserError
from btrackmate.napari_plugin.model.actions import ACTIONS, run_action, write_shortcuts
from btrackmate.napari_plugin.model.colours import Colouring, make_palette
from btrackmate.napari_plugin.model.lineage import lay_out
from btrackmate.napari_plugin.model.picking import pick_spot


def press(session, name: str) -> list[str]:
    """Do an action by its name; give what was told."""
    told: list[str] = []
    session.told.connect(told.append)
    run_action(session, next(one for one in ACTIONS if one.name == name))
    session.told.disconnect(told.append)
    return told


def test_keys_lead_to_parents_children_and_sisters() -> None:
    session = make_session()
    places = []
    session.moved.connect(lambda frame, point: places.append((frame, point.tolist())))
    session.select(0)
    for name, spot in (("child", 1), ("child", 3), ("sister", 4), ("sister", 3), ("parent", 1)):
        assert press(session, name) == []
        assert session.spot == spot
    assert places[1] == (2, [4.0, 6.0, 30.0])
    session.select(13)
    assert press(session, "child") == ["Spot 13 has no child"]
    assert session.spot == 13


def test_selecting_two_cells_selects_both_tracks() -> None:
    session = make_session()
    session.select(6)
    session.select(3, second=True)
    assert (session.spot, session.other) == (3, 6)
    assert set(session.tracks) == {session.now.track(3), session.now.track(6)}
    session.select(5)
    assert session.other is None


def test_what_needs_a_selection_says_so() -> None:
    session = make_session()
    assert "select a cell first" in press(session, "break")[0]
    session.select(0)
    assert "select two cells" in press(session, "connect")[0]
    assert "no link to an earlier cell" in press(session, "break")[0]
    assert session.history.done == []


def test_edits_by_key_and_back() -> None:
    session = make_session()
    session.select(4)
    assert press(session, "break") == []
    assert session.now.parents(4) == []
    session.select(1)
    session.select(4, second=True)
    press(session, "divide")
    assert session.now.children(1) == [3, 4]
    session.select(4)
    press(session, "undivide")
    assert session.now.children(1) == [3]
    press(session, "undo")
    press(session, "undo")
    press(session, "undo")
    assert session.now.children(1) == [3, 4]
    assert press(session, "undo") == ["there is nothing to undo"]
    press(session, "redo")
    assert session.now.children(1) == [3]


def test_the_table_follows_edits() -> None:
    session = make_session()
    track = session.now.track(1)
    assert session.table.table.loc[track, "n_divisions"] == 1
    session.do("break_link", source=1, target=4)
    assert session.table.table.loc[track, "n_divisions"] == 0
    assert len(session.table) == len(session.now.tracks())
    assert set(session.table.order.tolist()) == set(session.now.tracks().tolist())
    session.undo()
    assert session.table.table.loc[track, "n_divisions"] == 1
    assert set(session.table.order.tolist()) == set(session.now.tracks().tolist())


def test_a_deleted_spot_is_not_selected_any_more() -> None:
    session = make_session()
    session.select(30)
    press(session, "delete")
    assert session.spot is None
    session.select(3)
    press(session, "delete_track")
    assert session.spot is None
    assert session.tracks == ()


def test_following_goes_along_the_line_of_descent() -> None:
    session = make_session()
    session.select(40)
    assert session.follow(1)
    assert session.spot == 1
    assert session.follow(3)  # Over the division, to the cell itself and not to its sister.
    assert session.spot == 40
    session.select(1)
    assert session.follow(3)
    assert session.spot == 30
    session.select(40)
    assert session.follow(2)
    assert session.spot == 4
    session.select(7)
    assert not session.follow(1)  # the cell was missed there
    assert session.spot == 7


def test_tables_list_by_kind_filter_and_length() -> None:
    session = make_session()
    track = session.now.track
    session.filter_tracks(kind="dividing")
    assert session.table.order.tolist() == [track(0)]
    assert session.visible_rows().sum() == 6
    session.filter_tracks(kind="merging")
    assert session.table.order.tolist() == [track(10)]
    session.filter_tracks(kind="with gaps")
    assert session.table.order.tolist() == [track(7)]
    session.filter_tracks(filters=["duration>=9"])  # minutes, 3 a frame
    assert set(session.table.order.tolist()) == {track(0), track(7)}
    session.filter_tracks(longest=1)
    assert session.table.order.tolist() == [track(7)]
    with pytest.raises(UserError, match="no feature 'sped'"):
        session.filter_tracks(filters=["sped>1"])
    assert session.table.order.tolist() == [track(7)]
    session.filter_tracks()
    session.table.sort("duration", ascending=False)
    assert session.table.order.tolist()[:2] == [track(7), track(0)]
    assert session.visible_rows() is None


def test_only_the_selected_tracks_are_shown() -> None:
    session = make_session()
    session.select(5)
    press(session, "only")
    assert session.scene.id[session.visible_rows()].tolist() == [5, 6]
    press(session, "only")
    assert session.visible_rows() is None


def test_stepping_through_the_table() -> None:
    session = make_session()
    order = session.table.order.tolist()
    for track in (*order, order[0]):
        press(session, "next")
        assert session.tracks == (track,)
    press(session, "previous")
    assert session.tracks == (order[-1],)


def test_colours_by_feature_and_track() -> None:
    session = make_session()
    rows = session.scene.rows(np.array([0, 40, 30]))
    session.colour_by("volume")
    colours = session.colours(rows)
    assert colours[1].tolist() == [0.5, 0.5, 0.5, 1.0]  # missing
    assert not np.allclose(colours[0], colours[2])
    session.colour_by("track")
    track = session.now.track(30)
    assert np.allclose(session.colours(rows)[2], make_palette()[track])
    with pytest.raises(UserError, match="no feature 'nothing'"):
        session.colour_by("nothing")


def test_colours_of_values_without_range_and_of_infinite_ones() -> None:
    flat = Colouring.fit("volume", np.array([3.0, 3.0, np.nan]))
    assert np.isfinite(flat.map(np.array([3.0, np.inf]))).all()
    assert Colouring.fit("volume", np.full(3, np.nan)).high == 1


def test_labels_have_the_number_of_their_track() -> None:
    session = make_session()
    labels, numbers = session.numbers(2)
    assert labels.tolist() == [4, 5, 9]  # spots 3, 4, 8
    track = session.now.track
    assert numbers.tolist() == [track(3) + 1, track(4) + 1, track(8) + 1]
    alone = dict(zip(*map(np.ndarray.tolist, session.numbers(0)), strict=True))[14]
    assert alone > session.now.tracks().max() + 1


def test_a_tree_has_a_column_for_each_leaf() -> None:
    session = make_session()
    session.select(3)
    tree = session.tree()
    spots = session.scene.id[tree.rows].tolist()
    x = dict(zip(spots, tree.x.tolist(), strict=True))
    assert x == {0: 0.5, 1: 0.5, 3: 0.0, 4: 1.0, 30: 0.0, 40: 1.0}
    assert session.scene.id[tree.nearest(0.9, 2.1)] == 4
    session.select(None)
    assert len(session.tree().rows) == 14  # the spot alone is in no track


def test_a_merge_hangs_on_its_first_mother() -> None:
    rows = np.arange(3)
    tree = lay_out(rows, np.array([0, 0, 1]), np.array([0, 1]), np.array([2, 2]))
    assert tree.x[2] == tree.x[0]
    assert tree.x[1] != tree.x[0]


@pytest.mark.parametrize(("point", "found"), [((4, 6, 31), 3), ((4, 6, 50), None)])
def test_a_click_means_the_nearest_spot_within_reach(point, found) -> None:
    scene = make_session().scene
    assert pick_spot(scene, 2, np.array(point, float), 3.0) == found


def test_along_a_line_of_sight_the_nearest_to_the_eye_is_meant() -> None:
    session = make_session()
    session.do("move_spot", spot=4, position=(30.0, 6.0, 20.0))
    for direction, found in (((1.0, 0, 0), 3), ((-1.0, 0, 0), 4)):
        point = np.array([0.0, 6.0, 30.0])
        assert pick_spot(session.scene, 2, point, 3.0, np.array(direction)) == found


def test_a_ball_is_added_under_the_mouse() -> None:
    from btrackmate.napari_plugin.model.adding import Pointer

    session = make_session()
    assert "put the mouse over the image" in press(session, "add")[0]
    session.pointer = lambda: Pointer(3, np.array([1.0, 2.0, 3.0]))
    assert press(session, "add") == []
    spot = session.now.spot(session.spot)
    assert (spot.frame, spot.position, spot.radius) == (3, (3.0, 2.0, 1.0), 3.0)
    assert session.colours(np.array([session.scene.row(session.spot)])).shape == (1, 4)


def test_every_shortcut_stands_once_and_in_the_table() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    table = write_shortcuts()
    assert all(f"`{key}`" in table for key in keys)
