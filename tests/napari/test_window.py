"""The window: real clicks and keys select, correct, undo and save."""

import contextlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hand_tracks import make_graph
from hands import click, go, press, settle, show

from btrackmate.cli.main import run_command
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.napari_plugin.model.opening import open_tracks


@pytest.fixture
def xml(tmp_path: Path) -> Path:
    path = tmp_path / "tracks.xml"
    write_tracks(path, make_graph())
    return path


def test_clicks_and_keys_correct_a_file_that_keeps_it(viewer, xml: Path) -> None:
    work = show(viewer, xml)
    session = work.session
    click(viewer, go(work, 4))
    assert session.spot == 4
    press(viewer, "B")
    assert session.now.parents(4) == []
    press(viewer, "Z", "Control")
    assert session.now.parents(4) == [1]
    press(viewer, "Z", "Control", "Shift")
    assert session.now.parents(4) == []
    click(viewer, go(work, 6))
    assert session.spot == 6
    click(viewer, go(work, 4), shift=True)
    assert (session.spot, session.other) == (4, 6)
    press(viewer, "C")
    assert session.now.parents(4) == [6]
    assert not session.is_saved
    session.save()
    assert session.is_saved
    graph = read_tracks(xml)[0]
    links = set(zip(graph.spots.id[graph.source], graph.spots.id[graph.target], strict=True))
    assert (6, 4) in links
    assert (1, 4) not in links


def test_edits_are_there_again_and_can_be_undone_after_reopening(viewer, xml: Path) -> None:
    from btrackmate.napari_plugin.view.workspace import close

    work = show(viewer, xml)
    work.session.do("break_link", source=1, target=4)
    work.session.do("delete_spot", spot=9)
    close(viewer)  # without saving
    work = show(viewer, xml)
    assert work.session.now.parents(4) == []
    assert 9 not in work.session.now
    assert work.session.scene.row(9) == -1
    work.session.undo()
    work.session.undo()
    assert work.session.now.parents(4) == [1]
    assert work.session.scene.row(9) >= 0


def test_keys_walk_the_tree_and_the_view_goes_along(viewer, xml: Path) -> None:
    work = show(viewer, xml)
    click(viewer, go(work, 1))
    press(viewer, "Down", "Shift")
    assert (work.session.spot, work.frame) == (3, 2)
    press(viewer, "Right", "Shift")
    assert (work.session.spot, work.frame) == (4, 2)
    press(viewer, "Up", "Shift")
    assert (work.session.spot, work.frame) == (1, 1)
    press(viewer, "Escape")
    assert work.session.spot is None


def test_following_keeps_the_cell_in_the_middle(viewer, xml: Path) -> None:
    work = show(viewer, xml)
    click(viewer, go(work, 1))
    press(viewer, "F")
    viewer.dims.set_current_step(0, 3)
    settle()
    assert work.session.spot == 30
    from btrackmate.napari_plugin.view.placing import find_camera

    assert np.allclose(find_camera(viewer).center[-2:], [60.0, 300.0])


def test_gap_links_are_dashed_and_an_edit_redraws_only_the_window(viewer, xml: Path) -> None:
    work = show(viewer, xml)
    manager = work.links._manager
    viewer.dims.set_current_step(0, 4)
    settle()
    assert len(manager.graph_vertices) == 2 * 2 * 4  # two gap links of four dashes
    n = len(manager.track_connex)
    work.session.do("break_link", source=8, target=9)
    assert len(manager.graph_vertices) == 2 * 4
    work.session.do("break_link", source=1, target=4)
    assert len(manager.track_connex) == n - 1
    assert len(manager.track_vertices) == len(manager.colours)


def test_click_in_the_tree_and_in_the_table_select(viewer, xml: Path) -> None:
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    from btrackmate.napari_plugin.view.inspector import Inspector

    work = show(viewer, xml)
    inspector = Inspector(viewer)
    viewer.window.add_dock_widget(inspector, area="right")
    settle()
    session, tree = work.session, inspector.tree
    session.select(1)
    settle()
    viewport = tree._view
    found = tree.layout_shown
    at = int(np.flatnonzero(session.scene.id[found.rows] == 40)[0])
    transform = tree._view.scene.node_transform(tree.canvas.scene)
    x, y = transform.map(np.array([found.x[at], found.frame[at], 0, 1]))[:2]
    assert viewport is not None
    assert abs(tree.axis.find_pixel(found.frame[at]) - y) < 1
    assert tree.axis.find_ticks() == [0, 1, 2, 3]
    QTest.mouseClick(tree.canvas.native, Qt.LeftButton, Qt.NoModifier, QPoint(int(x), int(y)))
    settle()
    assert (session.spot, work.frame) == (40, 3)
    row = inspector.model.row_of(session.now.track(7))
    place = inspector.table.visualRect(inspector.model.index(row, 0)).center()
    QTest.mouseClick(inspector.table.viewport(), Qt.LeftButton, Qt.NoModifier, place)
    settle()
    assert session.tracks == (session.now.track(7),)
    assert session.spot == 7
    session.select(5)
    settle()
    rows = [one.row() for one in inspector.table.selectionModel().selectedRows()]
    assert rows == [inspector.model.row_of(session.now.track(5))]
    session.do("break_link", source=5, target=6)
    settle()
    assert inspector.model.row_of(session.now.track(1)) >= 0


def test_the_widget_for_corrections_lists_edits(viewer, xml: Path) -> None:
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    from btrackmate.napari_plugin.view.correct import Correct

    work = show(viewer, xml)
    correct = Correct(viewer)
    viewer.window.add_dock_widget(correct, area="right")
    work.session.select(30)
    settle()
    QTest.mouseClick(correct.buttons["delete"], Qt.LeftButton)
    assert correct.edits.item(0).text() == "1. deleted spot 30"
    assert "kept in the journal" in correct.state.text()
    QTest.mouseClick(correct.buttons["save"], Qt.LeftButton)
    assert "All are in the file" in correct.state.text()
    assert len(read_tracks(xml)[0].spots) == 14


def test_an_image_is_found_later(viewer, xml: Path, tmp_path: Path) -> None:
    from qtpy.QtWidgets import QPushButton
    from tiny_movies import dividing_cells, write_imagej

    from btrackmate.napari_plugin.view.inspector import Inspector

    work = show(viewer, xml)
    inspector = Inspector(viewer)
    buttons = {one.text(): one for one in inspector.findChildren(QPushButton)}
    button = buttons["Find image …"]
    assert "Find labels …" in buttons
    path = write_imagej(tmp_path / "moved.tif", dividing_cells().astype(np.uint8), "TZYX")
    inspector.find(path, "image", button)
    assert viewer.layers[0] is work.images[0]
    assert viewer.layers.selection.active is work.links
    assert not button.isVisible()
    work.session.do("delete_spot", spot=13)
    assert work.session.opened.edit is not None
    work.session.save()
    inspector.deleteLater()


def test_drop_open_and_save_through_napari(viewer, xml: Path, tmp_path: Path) -> None:
    from btrackmate.napari_plugin.view.workspace import find_workspace

    viewer.open(str(xml), plugin="btrackmate")
    settle()
    work = find_workspace(viewer)
    assert work is not None
    assert work.links in viewer.layers
    work.session.do("delete_spot", spot=13)
    for name in ("copy.xml", "copy.geff", "copy.csv"):
        written = viewer.layers.save(str(tmp_path / name), selected=True, plugin="btrackmate")
        assert written, name
    assert len(read_tracks(tmp_path / "copy.xml")[0].spots) == 14
    assert len(read_tracks(tmp_path / "copy.geff")[0].spots) == 14


def test_a_plain_layer_of_tracks_is_saved(viewer, tmp_path: Path) -> None:
    arguments = make_graph().to_napari()
    viewer.add_tracks(**arguments)
    viewer.layers.save(str(tmp_path / "plain.xml"), selected=True, plugin="btrackmate")
    graph = read_tracks(tmp_path / "plain.xml")[0]
    assert (len(graph.spots), graph.n_links) == (15, 10)


def test_no_layer_is_saved_over_the_tracks_that_are_open(viewer, xml: Path) -> None:
    """As that of a preview."""
    from napari.utils.notifications import notification_manager

    show(viewer, xml)
    before = xml.read_bytes()
    viewer.add_tracks(**make_graph().to_napari(), name="preview of links")
    viewer.layers.selection = {viewer.layers["preview of links"]}
    with pytest.warns(UserWarning):
        assert viewer.layers.save(str(xml), selected=True, plugin="btrackmate") == []
    told = [one.message for one in notification_manager.records]
    assert any("tracks.xml is an input and would be replaced" in one for one in told)
    assert xml.read_bytes() == before


def test_the_sample_opens_with_labels_coloured_by_track(viewer) -> None:
    from btrackmate.napari_plugin.view.workspace import find_workspace

    viewer.open_sample("btrackmate", "embryo")
    settle()
    work = find_workspace(viewer)
    assert work.labels is not None
    frame = np.asarray(work.labels.data[3])
    session = work.session
    row = session.scene.rows_in(3, 3)[0]
    label = int(session.values("label", np.array([row]))[0])
    movie = session.opened.labels
    assert set(np.unique(frame[movie.labels(3) == label])) == {session.scene.track[row] + 1}


def test_frames_are_those_of_the_tracks_whatever_is_beside_them(viewer, xml: Path) -> None:
    """An image that was dragged in has a scale of 1 along time, and may begin elsewhere."""
    from btrackmate.napari_plugin.view.film import Animation

    graph = make_graph()
    slow = replace(graph.spots.calibration, dt=30.0)
    spots = Spots.from_table(graph.spots.to_dataframe().drop(columns="time"), slow, ndim=3)
    write_tracks(xml, graph.with_spots(spots))
    work = show(viewer, xml)
    n_frames = work.n_frames
    viewer.add_image(np.zeros((n_frames, 4, 8, 8)), name="dragged in", translate=(-1.5, 0, 0, 0))
    for frame in (2, 0, n_frames - 1):
        work.go_to(frame)
        settle()
        assert work.frame == frame
    assert work.n_frames == n_frames == spots.n_frames
    assert len(Animation(viewer).views()) == n_frames


def test_a_click_finds_the_cell_where_its_labels_were_moved(viewer) -> None:
    from btrackmate.napari_plugin.view.workspace import find_workspace

    viewer.open_sample("btrackmate", "embryo")
    work = find_workspace(viewer)
    scene = work.session.scene
    row = scene.rows_in(3, 3)[0]
    label = int(work.session.values("label", np.array([row]))[0])
    point = scene.points[row]
    assert work.label_at(3, point) == label
    moved = np.array([0.0, 0.0, 40.0])
    work.labels.translate = (0, *moved)
    assert work.label_at(3, point + moved) == label


def test_corrections_in_no_file_outlive_other_tracks(viewer, tmp_path: Path) -> None:
    """Whatever would be shown in their place."""
    from napari.utils.notifications import notification_manager

    from btrackmate.napari_plugin.view.workspace import find_workspace
    from btrackmate.napari_plugin.view.workspace import show as show_opened

    write_tracks(tmp_path / "tracks.csv", make_graph())
    write_tracks(tmp_path / "other.xml", make_graph())
    viewer.open(str(tmp_path / "tracks.spots.csv"), plugin="btrackmate")
    session = find_workspace(viewer).session
    session.do("break_link", source=1, target=4)
    layers = list(viewer.layers)
    for name in ("other.xml", "tracks.spots.csv"):
        before = len(notification_manager.records)
        viewer.open(str(tmp_path / name), plugin="btrackmate")
        told = notification_manager.records[before:]
        assert [one.severity.value for one in told] == ["error"]
        assert "1 corrections stand in no file" in told[0].message
    for show_others in (
        lambda: viewer.open_sample("btrackmate", "embryo"),
        lambda: show_opened(viewer, open_tracks(tmp_path / "other.xml")),
    ):
        with pytest.raises(UserError, match="1 corrections stand in no file"):
            show_others()
    assert find_workspace(viewer).session is session
    assert list(viewer.layers) == layers
    session.undo()
    viewer.open_sample("btrackmate", "embryo")
    assert find_workspace(viewer).session is not session


@pytest.mark.parametrize("name", ["RUN/tracks.xml", "RUN/tracks.geff", "link.xml", "RUN/../RUN"])
def test_the_same_tracks_by_another_name_keep_their_corrections(
    viewer, tmp_path: Path, name: str
) -> None:
    from btrackmate.napari_plugin.view.workspace import find_workspace

    cells = make_graph().spots.to_dataframe()[["frame", "x", "y", "z", "radius"]]
    cells.to_csv(tmp_path / "cells.csv", index=False)
    command = ["run", "--spots", str(tmp_path / "cells.csv"), "-o", str(tmp_path / "RUN")]
    assert run_command([*command, "--min-tracklet-length", "1", "--quiet"]) == 0
    (tmp_path / "link.xml").symlink_to("RUN/tracks.xml")
    viewer.open(str(tmp_path / "RUN"), plugin="btrackmate")
    session = find_workspace(viewer).session
    graph = session.now.to_graph()
    source, target = graph.spots.id[graph.source[0]], graph.spots.id[graph.target[0]]
    session.do("break_link", source=int(source), target=int(target))
    viewer.open(str(tmp_path / name), plugin="btrackmate")
    again = find_workspace(viewer).session
    assert again is not session
    assert again.now.n_links == graph.n_links - 1
    again.undo()
    assert again.now.n_links == graph.n_links


def test_corrections_that_another_window_holds_are_told(viewer, xml: Path) -> None:
    work = show(viewer, xml)
    work.session.do("break_link", source=1, target=4)
    (kept, unsaved) = open_tracks(xml).notes
    assert "in use" in kept
    assert "1 edits in tracks.xml.edits.jsonl are not saved into it, and not taken" in unsaved


@pytest.mark.parametrize("way", ["person", "menu", "script"])
def test_a_window_with_corrections_in_no_file_asks_before_it_closes(
    screen, tmp_path: Path, monkeypatch, way: str
) -> None:
    import napari
    from qtpy.QtWidgets import QMessageBox

    from btrackmate.napari_plugin.view.workspace import find_workspace

    asked: list[str] = []
    answers = [QMessageBox.Cancel, QMessageBox.Discard]

    def ask(window, title: str, text: str, *buttons) -> QMessageBox.StandardButton:
        asked.append(text)
        return answers[len(asked) - 1]

    monkeypatch.setattr(QMessageBox, "warning", ask)
    write_tracks(tmp_path / "tracks.csv", make_graph())
    viewer = napari.Viewer()
    main = viewer.window._qt_window
    viewer.open(str(tmp_path / "tracks.spots.csv"), plugin="btrackmate")
    settle()
    session = find_workspace(viewer).session
    session.do("break_link", source=1, target=4)
    if way == "script":
        viewer.close()
        assert not asked
        return
    close = main.close if way == "person" else lambda: main.close(quit_app=False)
    close()
    settle()
    assert len(asked) == 1
    assert "1 corrections stand in no file" in asked[0]
    assert main.isVisible()
    assert find_workspace(viewer).session is session
    close()
    settle()
    assert len(asked) == 2
    with contextlib.suppress(RuntimeError):  # Qt has deleted it.
        assert not main.isVisible()
    session.close()


def test_damaged_tracks_are_told_and_leave_the_window_usable(viewer, tmp_path: Path) -> None:
    from napari.utils.notifications import notification_manager

    for number, text in enumerate(("", "<TrackMate/>", "<html></html>", "{}")):
        path = tmp_path / f"bad{number}.xml"
        path.write_text(text, encoding="utf-8")
        before = len(notification_manager.records)
        viewer.open(str(path), plugin="btrackmate")
        told = notification_manager.records[before:]
        assert [one.severity.value for one in told] == ["error"]
        assert path.name in told[0].message
        assert not viewer.layers


def test_another_window_may_look_but_its_edits_are_not_kept(viewer, xml: Path) -> None:
    held = open_tracks(xml)
    work = show(viewer, xml)
    assert any("in use" in note for note in work.session.opened.notes)
    work.session.do("delete_spot", spot=13)
    held.edit.close()
    assert not Path(f"{xml}.edits.jsonl").exists()
    assert os.environ["DISPLAY"]


def test_the_lock_goes_with_the_layer_and_with_the_window(viewer, xml: Path) -> None:
    import napari

    from btrackmate.napari_plugin.view.correct import Correct
    from btrackmate.napari_plugin.view.workspace import find_workspace

    lock = Path(f"{xml}.edits.lock")
    correct = Correct(viewer)
    viewer.layers.remove(show(viewer, xml).links)
    assert find_workspace(viewer) is None
    assert not correct.buttons  # it shows that nothing is open
    assert not lock.exists()
    correct.deleteLater()
    other = napari.Viewer(show=False)
    show(other, xml)
    assert lock.exists()
    other.close()
    assert not lock.exists()


def test_tracks_in_no_file_survive_their_layer(viewer) -> None:
    from btrackmate.napari_plugin.model.opening import Opened
    from btrackmate.napari_plugin.view import workspace

    work = workspace.show(viewer, Opened(Path("new"), None, make_graph()))
    work.session.do("delete_spot", spot=13)
    viewer.layers.remove(work.links)
    settle()
    assert workspace.find_workspace(viewer) is work
    work.session.undo()
