"""Each widget, by real clicks and keys."""

import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from hand_tracks import make_graph
from hands import (
    bring,
    choose,
    click,
    click_plot,
    dock,
    go,
    press,
    push,
    push_named,
    settle,
    show,
    type_into,
    wait,
)
from tiny_movies import dividing_cells, write_imagej

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.napari_plugin.model.opening import open_tracks


@pytest.fixture
def xml(tmp_path: Path) -> Path:
    path = tmp_path / "tracks.xml"
    write_tracks(path, make_graph())
    return path


@pytest.fixture
def said(viewer) -> Callable[[str], bool]:
    """Tell whether the window has said some words since the test began."""
    from napari.utils.notifications import notification_manager

    before = len(notification_manager.records)
    return lambda words: any(
        words in str(one.message) for one in notification_manager.records[before:]
    )


def save_as(monkeypatch, path: Path) -> None:
    """Choose a name in the next dialogs."""
    from qtpy.QtWidgets import QFileDialog

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))


@pytest.mark.slow
def test_plots(viewer, xml: Path, tmp_path: Path, monkeypatch) -> None:
    from btrackmate.napari_plugin.model.pictures import PLOTS
    from btrackmate.napari_plugin.view.plots import Plots

    work = show(viewer, xml)
    plots = dock(viewer, Plots)
    assert "Select a track" in plots.figure.axes[0].texts[0].get_text()
    choose(plots.feature, "volume")
    work.session.select(0)
    settle()
    click_plot(plots.canvas, plots.figure.axes[0], 9.0, 31.0)  # spot 30: frame 3, dt 3, volume 31
    assert (work.session.spot, work.frame) == (30, 3)
    for kind in PLOTS:
        choose(plots.kind, kind)
        assert plots.figure.axes
    save_as(monkeypatch, tmp_path / "tree.svg")
    push_named(plots, "Save plot …")
    assert (tmp_path / "tree.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert not (tmp_path / "plot.txt").exists()
    work.session.do("delete_track", spot=30)
    settle()
    assert plots.figure.axes


def test_filter(viewer, xml: Path, said) -> None:
    from btrackmate.napari_plugin.view.filters import Filters
    from btrackmate.napari_plugin.view.workspace import find_workspace

    work = show(viewer, xml)
    filters = dock(viewer, Filters)
    choose(filters.feature, "n_spots")
    click_plot(filters.canvas, filters.figure.axes[0], 2.9, 0.5)
    assert float(filters.value.text()) == pytest.approx(2.9, abs=0.2)
    type_into(filters.value, "3")
    push_named(filters, "Add filter")
    assert len(work.session.table.order) == 3  # of 6, 3, 3 and 2 spots
    choose(filters.what, "spots")
    choose(filters.feature, "volume")
    type_into(filters.value, "many")
    push_named(filters, "Add filter")
    assert filters.list.count() == 1
    assert said("many")
    type_into(filters.value, "5")
    push_named(filters, "Add filter")
    assert "3 of 4 tracks" in filters.told.text()
    assert "; 6 are kept, as" in filters.told.text()
    spots = work.session.now.n_spots
    assert f"of {spots} spots" in filters.told.text()
    click(viewer, go(work, 8))
    press(viewer, "Delete")
    assert f"of {spots - 1} spots" in filters.told.text()
    press(viewer, "Z", "Control")
    assert f"of {spots} spots" in filters.told.text()
    again = dock(viewer, Filters)  # The widget was closed, and its filters still count.
    assert again.chosen == filters.chosen
    assert again.told.text() == filters.told.text()
    push_named(again, "Keep only what passes")
    work = find_workspace(viewer)
    assert work.session.now.n_spots == 6  # 7 8 9 and 10 11 12; of the division two are left
    assert work.session.opened.tracks_path is None


def test_track(viewer, xml: Path, said) -> None:
    from btrackmate.napari_plugin.view.track import Track
    from btrackmate.napari_plugin.view.workspace import find_workspace

    work = show(viewer, xml)
    track = dock(viewer, Track)
    choose(track.tracker, "simple-lap")
    field = track.form.inputs["linking_max_distance"]
    type_into(field, "far")
    push(track.go)
    assert track.work.job is None
    assert said("linking_max_distance")
    type_into(field, "25")
    push(track.preview)
    wait(track.work)
    assert "preview of links" in viewer.layers
    assert viewer.layers.selection.active is work.links
    push_named(track, "Preview")
    assert track.told.text().startswith("2 spots and 2 links")
    assert work.session.tracks == (work.session.now.track(0),)
    push(track.go)
    wait(track.work)
    again = find_workspace(viewer)
    assert again is not work
    assert "preview of links" not in viewer.layers
    assert again.session.opened.graph.record["track"]["tracker"] == "simple-lap"
    track.length.setValue(5)
    push_named(track, "Prune")
    assert find_workspace(viewer) is not again


@pytest.mark.slow
def test_analysis(viewer, xml: Path, tmp_path: Path, monkeypatch) -> None:
    from btrackmate.napari_plugin.view.analysis import Analysis

    work = show(viewer, xml)
    analysis = dock(viewer, Analysis)
    assert not analysis.save.isEnabled()
    work.session.do("delete_spot", spot=40)
    push(analysis.go)
    wait(analysis.work)
    assert "tracklets" in analysis.told.text()
    assert analysis.picture.count() > 3
    choose(analysis.picture, analysis.picture.itemText(2))
    save_as(monkeypatch, tmp_path / "tables")
    (tmp_path / "tables").mkdir()
    push(analysis.save)
    table = pd.read_csv(tmp_path / "tables" / "tracklets.csv")
    assert table["n_spots"].sum() == 13  # all but the lone spot and the deleted one
    assert list((tmp_path / "tables").glob("*.svg"))
    work.session.do("delete_spot", spot=30)  # What was found is of the tracks before.
    settle()
    assert not analysis.save.isEnabled()
    assert "analyse them again" in analysis.told.text()
    push(analysis.go)
    wait(analysis.work)
    assert analysis.save.isEnabled()


@pytest.mark.slow
def test_analysis_knows_the_border_and_films_the_empty_frames(viewer, tmp_path: Path) -> None:
    """As `analyse` and the time slider do; the next step of a cell leads out of the image."""
    from btrackmate.napari_plugin.view import workspace
    from btrackmate.napari_plugin.view.analysis import Analysis
    from btrackmate.napari_plugin.view.film import Animation

    size = Calibration(0.5, 0.5, 2.0, 3.0, "µm", "min")
    rows = [(t, 2.5, y / 2, 4) for t, y in enumerate((5, 20, 35, 50))]
    rows += [(t, 12.5, 16, 4) for t in range(5)]
    spots = Spots.from_table(pd.DataFrame(rows, columns=["frame", "x", "y", "z"]), size)
    source = np.array((0, 1, 2, 4, 5, 6, 7))
    path = tmp_path / "t.geff"
    write_tracks(path, TrackGraph.from_ids(spots, source, source + 1))
    image = write_imagej(tmp_path / "m.tif", np.zeros((6, 4, 64, 64), np.uint8), "TZYX")
    workspace.show(viewer, open_tracks(path, image=image))
    analysis = dock(viewer, Analysis)
    push(analysis.go)
    wait(analysis.work)
    fates = analysis.tables["tracklets"]["fate"].tolist()
    assert fates == ["leaves by the image border", "ends"]
    assert len(dock(viewer, Animation).views()) == 6


@pytest.mark.slow
def test_animation(viewer, xml: Path, tmp_path: Path, monkeypatch, said) -> None:
    import imageio.v2 as films

    from btrackmate.napari_plugin.view.film import Animation

    work = show(viewer, xml)
    animation = dock(viewer, Animation)
    path = tmp_path / "film.gif"
    save_as(monkeypatch, path)
    push_named(animation, "Add this view")
    push(animation.record)
    assert said("two key frames")
    viewer.dims.set_current_step(0, 3)
    type_into(animation.steps.lineEdit(), "3")
    push_named(animation, "Add this view")
    assert "3 pictures" in animation.keys.item(1).text()
    push(animation.record)
    while animation.is_recording:
        settle()
    assert len(films.mimread(path)) == 4
    shown = animation.film.views()
    assert [view.plane for view in shown] == [shown[0].plane] * 4
    plane = shown[0].plane  # The plane belongs to a view, as do 2D and 3D.
    assert plane is not None
    viewer.dims.set_point(1, plane + 2)
    animation.take(shown[0])
    assert viewer.dims.point[1] == pytest.approx(plane)
    viewer.dims.ndisplay = 3
    assert animation.view_now().ndisplay == 3
    animation.take(shown[0])
    assert viewer.dims.ndisplay == 2
    animation.keys.setCurrentRow(0)
    push_named(animation, "Remove")
    push_named(animation, "Remove")
    assert animation.keys.count() == len(animation.film.keys) <= 1
    push(animation.follow_cell)
    animation.film.keys.clear()
    push(animation.record)
    assert said("select the cell")
    work.session.select(0)
    save_as(monkeypatch, tmp_path / "stopped.mp4")
    push(animation.record)
    push(animation.stop)
    assert not (tmp_path / "stopped.mp4").exists()
    assert [one.name for one in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_a_film_has_one_size(viewer, xml: Path, tmp_path: Path, said, ending: str) -> None:
    """It ends, and is not kept, when the window changes its size."""
    from btrackmate.napari_plugin.view.film import Animation

    show(viewer, xml)
    animation = dock(viewer, Animation)
    animation.repeat.setValue(20)
    animation.start(tmp_path / f"film.{ending}")
    settle()
    window = viewer.window._qt_window
    window.resize(window.width() - 120, window.height() - 80)
    for _ in range(200):
        settle()
        if not animation.is_recording:
            break
    assert not animation.is_recording
    assert said("the window changed its size while the film was made")
    assert animation.record.isEnabled()
    assert not (tmp_path / f"film.{ending}").exists()
    assert [one.name for one in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("way", ["other tracks", "no tracks", "widget closed"])
def test_a_film_shows_one_movie(viewer, xml: Path, tmp_path: Path, said, way: str) -> None:
    """It ends, and is not kept, when its tracks are closed."""
    from btrackmate.napari_plugin.view.film import Animation
    from btrackmate.napari_plugin.view.workspace import leave

    show(viewer, xml)
    animation = dock(viewer, Animation)
    animation.repeat.setValue(20)
    (tmp_path / "film.gif").write_bytes(b"old")
    animation.start(tmp_path / "film.gif")
    settle()
    assert animation.is_recording
    if way == "other tracks":
        write_tracks(tmp_path / "other.xml", make_graph())
        show(viewer, tmp_path / "other.xml")
    elif way == "no tracks":
        leave(viewer)
    else:
        dock_of = next(d for d in viewer.window.dock_widgets.values() if d is animation)
        viewer.window.remove_dock_widget(dock_of)
        animation.close()
        animation._let_go()
    settle()
    assert not animation.is_recording
    assert said("The film was stopped")
    assert (tmp_path / "film.gif").read_bytes() == b"old"
    assert [one.name for one in tmp_path.glob(".*")] == []
    if way == "other tracks":
        animation.start(tmp_path / "new.gif")
        while animation.is_recording:
            settle()
        assert (tmp_path / "new.gif").exists()


def test_the_plot_beside_a_film_goes_with_the_cell(viewer, xml: Path, tmp_path: Path) -> None:
    from btrackmate.napari_plugin.view.film import Animation

    work = show(viewer, xml)
    animation = dock(viewer, Animation)
    push(animation.follow_cell)
    push(animation.beside)
    work.session.select(0)
    plots = animation._make_plots()
    beside = []
    for view in animation.views()[:3]:
        picture = animation.take(view, plots)
        beside.append(picture[:, picture.shape[1] // 3 * 2 :])
    assert beside[0].std() > 0
    assert [bool((a != b).any()) for a, b in pairwise(beside)] == [True, True]
    plots.deleteLater()


@pytest.mark.slow
def test_segment(viewer, xml: Path, tmp_path: Path, monkeypatch, said) -> None:
    """The networks are elsewhere; here what the widget does with cells and with faults."""
    from btrackmate.napari_plugin.view import segment as module
    from btrackmate.napari_plugin.view.segment import Segment
    from btrackmate.napari_plugin.view.workspace import find_workspace

    work = show(viewer, xml)
    segment = dock(viewer, Segment)
    push(segment.preview)
    assert said("no image to segment")
    labels = dividing_cells().astype(np.uint16)
    two = np.stack([labels, labels], axis=2)
    work.find_movie(write_imagej(tmp_path / "two.tif", two, "TZCYX"), "image")
    assert segment.channel.maximum() == 2
    work.find_movie(write_imagej(tmp_path / "image.tif", labels, "TZYX"), "image")
    assert segment.channel.maximum() == 1
    asked: list[tuple] = []

    def find_cells(movie, channel, frames, settings, report):
        asked.append((channel, frames, settings.min_size))
        if channel > 1:
            msg = "no such model"
            raise UserError(msg)
        for frame in frames:
            report("segmenting", frame, len(labels))
            yield labels[frame].astype(np.uint32)

    monkeypatch.setattr(module, "segment_frames", find_cells)
    monkeypatch.setattr("btrackmate.napari_plugin.model.segmenting.segment_frames", find_cells)
    type_into(segment.form.inputs["min_size"], "lots")
    push(segment.preview)
    assert segment.work.job is None
    type_into(segment.form.inputs["min_size"], "7")
    viewer.dims.set_current_step(0, 4)
    push(segment.preview)
    wait(segment.work)
    assert asked == [(1, range(4, 5), 7)]
    assert np.asarray(viewer.layers["preview of cells"].data).max() == labels[4].max()
    save_as(monkeypatch, tmp_path / "cells.tif")
    push(segment.go)
    wait(segment.work)
    work = find_workspace(viewer)
    assert work.session.now.n_spots == sum(len(np.unique(one)) - 1 for one in labels)
    assert work.labels is not None
    assert "preview of cells" not in viewer.layers
    # What takes hours goes on when other tracks are opened; a preview of the old ones does not.
    gate = threading.Event()

    def find_slowly(*words):
        yield from (one for one in find_cells(*words) if gate.wait(60))

    monkeypatch.setattr(module, "segment_frames", find_slowly)
    monkeypatch.setattr("btrackmate.napari_plugin.model.segmenting.segment_frames", find_slowly)
    save_as(monkeypatch, tmp_path / "later.tif")
    push(segment.go)
    show(viewer, xml)
    assert segment.work.isVisible()
    assert not said("Work was stopped")
    gate.set()
    wait(segment.work)
    assert said("later.tif; other tracks were opened meanwhile")
    assert np.array_equal(tifffile.imread(tmp_path / "later.tif"), labels)
    assert find_workspace(viewer).session.opened.path == xml
    gate.clear()
    find_workspace(viewer).find_movie(tmp_path / "image.tif", "image")
    push(segment.preview)
    show(viewer, xml)
    gate.set()
    settle()
    assert said("Work was stopped and nothing of it is kept")


def test_explain(viewer, xml: Path) -> None:
    from btrackmate.napari_plugin.view.explain import Explain

    work = show(viewer, xml)
    explain = dock(viewer, Explain)
    push(explain.prepare)
    wait(explain.work)
    assert "Select a cell" in explain.text.toPlainText()
    click(viewer, go(work, 6))
    assert "5 → 6" in explain.text.toPlainText()
    click(viewer, go(work, 8))
    click(viewer, go(work, 7), shift=True)
    assert "7 → 8" in explain.text.toPlainText()
    press(viewer, "B")
    assert "7 → 8 is no link, as corrected by hand" in explain.text.toPlainText()
    press(viewer, "Delete")
    assert "Prepare again" in explain.text.toPlainText()


def test_explanations_of_cells_that_were_corrected_meanwhile_are_not_shown(
    viewer, xml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from btrackmate.napari_plugin.view import explain as view

    work, gate = show(viewer, xml), threading.Event()
    make = view.make_explainer

    def make_late(*given: object) -> object:
        made = make(*given)
        gate.wait(10)
        return made

    monkeypatch.setattr(view, "make_explainer", make_late)
    explain = dock(viewer, view.Explain)
    push(explain.prepare)
    click(viewer, go(work, 8))
    press(viewer, "Delete")
    gate.set()
    wait(explain.work)
    assert "press Prepare again" in explain.text.toPlainText()
    assert explain.explainer is None
    push(explain.prepare)
    wait(explain.work)
    click(viewer, go(work, 6))
    assert "5 → 6" in explain.text.toPlainText()


@pytest.mark.slow
def test_export(viewer, xml: Path, tmp_path: Path, monkeypatch, said) -> None:
    from matplotlib.image import imread

    from btrackmate.napari_plugin.view.export import Export

    work = show(viewer, xml)
    export = dock(viewer, Export)
    work.session.do("delete_spot", spot=40)
    choose(export.which, "selected")
    save_as(monkeypatch, tmp_path / "mine.xml")
    push(export.save_tracks)
    assert said("no track is selected")
    assert not (tmp_path / "mine.xml").exists()
    click(viewer, go(work, 1))
    for name, n in (("mine.xml", 5), ("mine.geff", 5), ("mine.csv", 5)):
        save_as(monkeypatch, tmp_path / name)
        push(export.save_tracks)
        wait(export.work)
        assert len(read_tracks(tmp_path / name)[0].spots) == n
    choose(export.which, "all")
    for name, words in (("tracks.xml", "that are open"), ("tracks.txt", "tracks.txt")):
        save_as(monkeypatch, tmp_path / name)
        push(export.save_tracks)
        assert said(words)
    save_as(monkeypatch, tmp_path / "view.png")
    push(export.save_view)
    assert imread(tmp_path / "view.png").std() > 0
    save_as(monkeypatch, tmp_path / "view.svg")
    push(export.save_view)
    assert work.links.visible
    assert (tmp_path / "view.svg").read_text(encoding="utf-8").count("<path") >= 3
    choose(export.kind, "lineage tree")
    save_as(monkeypatch, tmp_path / "plot.pdf")
    push(export.save_plot)
    assert (tmp_path / "plot.pdf").read_bytes().startswith(b"%PDF")


def test_lines_of_the_view_lie_where_the_cells_are(viewer, xml: Path) -> None:
    """The link 0 → 1 ends at the pixels where the two are shown."""
    from hands import pixel_of

    from btrackmate.napari_plugin.view.export import Export

    work = show(viewer, xml)
    export = dock(viewer, Export)
    work.session.show_only_selected(True)
    work.session.select(0)
    place = go(work, 1)
    figure = export._draw_view()
    (lines,) = figure.axes[0].collections
    ends = [tuple(map(tuple, one)) for one in lines.get_segments()]
    a = pixel_of(viewer, work.session.scene.points[work.session.scene.row(0)])
    b = pixel_of(viewer, place)
    near = [np.abs(np.array(one) - np.array((a, b))).max() for one in ends]
    assert min(near) <= 1.5


@pytest.mark.slow
def test_all_is_coloured_by_tracklet(viewer) -> None:
    from btrackmate.napari_plugin.view.inspector import Inspector
    from btrackmate.napari_plugin.view.workspace import find_workspace

    viewer.open_sample("btrackmate", "embryo")
    settle()
    work = find_workspace(viewer)
    session = work.session
    inspector = dock(viewer, Inspector)
    by_track = np.asarray(work.labels.data[7])
    choose(inspector.colour, "tracklet")
    assert session.colouring.feature == "tracklet"
    by_tracklet = np.asarray(work.labels.data[7])
    assert ((by_track > 0) == (by_tracklet > 0)).all()
    assert len(np.unique(by_tracklet)) >= len(np.unique(by_track))
    assert work.links.color_by == "tracklet"


@pytest.mark.slow
def test_bad_input_is_told_and_leaves_the_window_usable(viewer, tmp_path: Path, said) -> None:
    """Each opens, every widget is made for it, and keys and clicks go on working."""
    from btrackmate.io.trackmate import Session, write_trackmate
    from btrackmate.napari_plugin.view.correct import Correct
    from btrackmate.napari_plugin.view.explain import Explain
    from btrackmate.napari_plugin.view.export import Export
    from btrackmate.napari_plugin.view.filters import Filters
    from btrackmate.napari_plugin.view.inspector import Inspector
    from btrackmate.napari_plugin.view.plots import Plots
    from btrackmate.napari_plugin.view.segment import Segment
    from btrackmate.napari_plugin.view.track import Track
    from btrackmate.napari_plugin.view.workspace import find_workspace

    graph = make_graph()
    none = np.empty(0, np.int64)
    empty = graph.keep_spots(np.zeros(15, bool))
    bare = Spots.from_table(graph.spots.table[["id", "frame", "x", "y", "z"]], Calibration())
    small = write_imagej(tmp_path / "small.tif", np.zeros((2, 2, 8, 8), np.uint16), "TZYX")
    gone = Session(image_path=tmp_path / "gone.tif", image_shape=(5, 1, 8, 64, 64))
    other = Session(image_path=small, image_shape=(2, 1, 2, 8, 8))
    cases = {
        "no_tracks": (TrackGraph.from_links(graph.spots, none, none), None, "no tracks"),
        "no_spots": (empty, None, "no spots"),
        "no_units_no_features": (TrackGraph.from_links(bare, none, none), None, "no tracks"),
        "moved": (graph, gone, "is not there"),
        "another_size": (graph, other, "is small.tif the movie"),
    }
    widgets = (Inspector, Correct, Plots, Explain, Filters, Track, Segment, Export)
    docks = [dock(viewer, kind) for kind in widgets]
    for name, (tracks, session, words) in cases.items():
        path = tmp_path / f"{name}.xml"
        write_trackmate(path, tracks, session=session)
        viewer.open(str(path), plugin="btrackmate")
        settle()
        work = find_workspace(viewer)
        assert work is not None, name
        assert work.session.opened.path == path
        assert said(words), name
        for key in ("N", "J", "F", "F", "B", "A", "Z"):
            press(viewer, key)
        bring(docks[0])
        push(docks[0].buttons["child"])
        bring(docks[3])
        push(docks[3].prepare)
        wait(docks[3].work)
        bring(docks[5])
        push(docks[5].preview)
        wait(docks[5].work)
        push_named(docks[5], "Preview")
        bring(docks[6])
        push(docks[6].preview)
        if name == "another_size":  # it has an image: the networks would be asked
            docks[6].work.cancel.click()
        wait(docks[6].work)


@pytest.mark.slow
def test_a_panel_that_is_not_seen_waits_until_it_is(viewer, xml: Path) -> None:
    """Behind another tab, and in a dock that was closed; it makes up for all at once."""
    from btrackmate.napari_plugin.view.inspector import Inspector
    from btrackmate.napari_plugin.view.plots import Plots
    from btrackmate.napari_plugin.view.workspace import close

    class Counted(Plots):
        draws = 0

        def draw(self, *values: object) -> None:
            self.draws += 1
            super().draw(*values)

    work = show(viewer, xml)
    plots, inspector = dock(viewer, Counted), dock(viewer, Inspector)
    seen = plots.draws
    for spot in (4, 9):  # the inspector's tab is in front
        work.session.select(spot)
        settle()
    assert plots.draws == seen
    bring(plots)
    assert plots.draws == seen + 1
    bring(inspector)
    rows = [one.row() for one in inspector.table.selectionModel().selectedRows()]
    assert rows == [inspector.model.row_of(work.session.now.track(9))]
    viewer.window.remove_dock_widget(plots)
    work = show(viewer, xml)
    close(viewer)
    work = show(viewer, xml)
    assert plots.draws == seen + 1
    viewer.window.add_dock_widget(plots, area="right", tabify=True)
    bring(plots)
    assert plots.draws > seen + 1
    assert plots.session is work.session
