"""Forms, work beside the window, tracking, pruning, films, curves and explanations."""

import pickle
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tifffile
from hand_tracks import make_graph, make_session
from tiny_movies import dividing_cells, write_imagej

from btrackmate.analysis import AnalysisSettings
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.fields import describe_fields
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.images import open_movie
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.io.trackmate import Filter
from btrackmate.io.trackmate import Session as TrackMateSession
from btrackmate.napari_plugin.model import segmenting
from btrackmate.napari_plugin.model.curves import find_curves, nearest_spot
from btrackmate.napari_plugin.model.explaining import explain_selection, follow_edit, make_explainer
from btrackmate.napari_plugin.model.exporting import export_tracks, take_tracks
from btrackmate.napari_plugin.model.fields import read_value, write_value
from btrackmate.napari_plugin.model.film import Film, View, run_through
from btrackmate.napari_plugin.model.jobs import Job
from btrackmate.napari_plugin.model.linking import (
    keep,
    link,
    preview_pruning,
    prune_tracks,
    with_tracks,
)
from btrackmate.napari_plugin.model.opening import Opened, open_tracks
from btrackmate.napari_plugin.model.pictures import draw_plot, make_figure
from btrackmate.napari_plugin.model.samples import open_sample
from btrackmate.napari_plugin.model.saving import check_saving
from btrackmate.napari_plugin.model.segmenting import segment_movie
from btrackmate.napari_plugin.model.session import Session
from btrackmate.review import list_corrections
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.tracking.settings import TRACKERS, PruneSettings, parse_tracker

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = [*(kind for _, kind in TRACKERS.values()), PruneSettings, AnalysisSettings]


@pytest.fixture(scope="module")
def sample() -> Session:
    return Session(open_sample())


@pytest.mark.parametrize("settings", CLASSES, ids=lambda one: one.__name__)
def test_a_form_left_alone_gives_the_defaults(settings) -> None:
    values = {}
    for field in describe_fields(settings):
        if field.kind not in ("bool", "choice"):
            values[field.name] = read_value(field, write_value(field, field.default))
    assert settings.parse(values, "form") == settings.parse({}, "form")


def test_what_is_typed_is_checked_by_the_settings() -> None:
    kind = TRACKERS["lap"][1]
    fields = {one.name: one for one in describe_fields(kind)}
    assert read_value(fields["linking_max_distance"], "7.5") == 7.5
    assert read_value(fields["linking_feature_penalties"], "{volume: 2}") == {"volume": 2}
    with pytest.raises(UserError, match="max_frame_gap"):
        kind.parse({"max_frame_gap": read_value(fields["max_frame_gap"], "0")}, "form")
    with pytest.raises(UserError, match="expected"):
        read_value(fields["max_frame_gap"], "{")


def test_a_job_reports_and_can_be_cancelled() -> None:
    begun, go = threading.Event(), threading.Event()

    def work(report):
        report("counting", 1, 3)
        begun.set()
        go.wait(10)
        report("counting", 2, 3)
        return "done"

    job = Job(work).start()
    assert begun.wait(10)
    assert (job.step, job.done, job.total) == ("counting", 1, 3)
    assert job.is_running
    job.cancel()
    go.set()
    assert job.wait(10)
    assert job.was_cancelled
    assert job.result is None
    begun.clear()
    again = Job(work).start()
    assert again.wait(10)
    assert (again.result, again.error) == ("done", None)
    failed = Job(lambda _: 1 / 0).start()
    assert failed.wait(10)
    assert isinstance(failed.error, ZeroDivisionError)


def test_the_sample_is_tracked_anew_and_saved(sample: Session, tmp_path: Path) -> None:
    settings = parse_tracker("lap", {}, "test")
    graph = link(sample, settings)
    assert graph.n_links > 900
    few = link(sample, settings, range(2, 4))
    assert set(few.spots.frame.tolist()) == {2, 3}
    overlap = link(sample, parse_tracker("overlap", {}, "test"), range(0, 2))
    assert overlap.n_links > 50
    again = Session(with_tracks(sample.opened, graph))
    again.do("delete_spot", spot=int(graph.spots.id[0]))
    assert again.save_as(tmp_path / "new.xml") == [tmp_path / "new.xml"]
    assert len(read_tracks(tmp_path / "new.xml")[0].spots) == len(graph.spots) - 1
    with pytest.raises(UserError, match="Save as"):
        again.save()


def test_pruning_is_previewed_as_it_is_done() -> None:
    session = make_session()
    found = preview_pruning(session, 3, "frames")
    pruned = prune_tracks(session, 3, "frames")
    assert found.spots == 15 - len(pruned.spots)
    assert found.links == 10 - pruned.n_links
    assert found.tracks == (session.now.track(1),)
    assert str(found) == "2 spots and 2 links of 1 tracks would go"
    assert str(preview_pruning(session, 0, "frames")) == "nothing would go"


def test_filters_show_and_keep() -> None:
    session = make_session()
    session.filter_spots(["volume>=6"])
    shown = session.scene.id[session.visible_rows()].tolist()
    assert sorted(shown) == [5, 6, 7, 8, 9, 10, 11, 12, 13, 30, 40]  # 40: missing passes
    graph = keep(session, ["volume>=6"], ["duration>=6"])
    assert sorted(graph.spots.id.tolist()) == [7, 8, 9]
    with pytest.raises(UserError, match="no spot passes"):
        keep(session, ["volume>=999", "x>9999"], [])
    with pytest.raises(UserError, match="no feature"):
        session.filter_spots(["weight>1"])


def test_films_go_evenly_from_key_to_key() -> None:
    film = Film()
    with pytest.raises(UserError, match="two key frames"):
        film.views()
    film.add(View(0, (0, 0, 0), 1.0), 5)
    film.add(View(4, (0, 10, 20), 4.0, (0, 90, 0)), 2)
    views = film.views()
    assert len(views) == 3
    assert views[1] == View(2.0, (0.0, 5.0, 10.0), 2.0, (0.0, 45.0, 0.0))
    assert views[2].zoom == pytest.approx(4.0)
    film.add(View(4, (0, 10, 20), 4.0, plane=2.0), 1)
    film.add(View(4, (0, 10, 20), 4.0, plane=4.0, ndisplay=3), 2)
    assert [(one.plane, one.ndisplay) for one in film.views()[4:]] == [(3.0, 2), (4.0, 3)]
    assert [one.frame for one in run_through(views[0], 2, 2)] == [0, 0, 1, 1]


def test_curves_follow_the_tracklets_of_the_selection() -> None:
    session = make_session()
    assert find_curves(session, "volume") == []
    session.select(3)
    curves = find_curves(session, "volume")
    assert [one.spots.tolist() for one in curves] == [[0, 1], [3, 30], [4, 40]]
    assert [one.is_mother for one in curves] == [True, False, False]
    assert np.isnan(curves[2].values[1])
    assert nearest_spot(curves, 3, 29.0, 0.1) == 30
    assert curves[0].spectrum(3.0)[0].size == 0


def test_links_are_explained_with_what_was_corrected(sample: Session) -> None:
    session = make_session()
    session.do("break_link", source=5, target=6)
    session.do("connect", source=5, target=6)
    session.do("break_link", source=7, target=8)
    assert list_corrections(session.history.done) == ({(5, 6)}, {(7, 8)})
    explainer = make_explainer(session)
    session.select(7)
    session.select(8, second=True)
    told = str(explain_selection(session, explainer))
    assert "7 → 8" in told
    assert "corrected by hand" in told
    session.do("break_link", source=5, target=6)  # the explainer goes along with links
    assert follow_edit(session, explainer, session.history.done[-1])
    session.select(5)
    told = str(explain_selection(session, explainer))
    assert "5 → 6 is no link, as corrected by hand" in told
    assert told == str(explain_selection(session, make_explainer(session)))
    session.undo()
    assert follow_edit(session, explainer, session.history.done[-1])
    assert "5 → 6 is a link" in str(explain_selection(session, explainer))
    session.do("delete_spot", spot=13)
    assert not follow_edit(session, explainer, session.history.done[-1])
    session.select(None)
    assert explain_selection(session, explainer) is None


def test_the_process_that_segments_may_break_and_be_stopped(sample: Session) -> None:
    from concurrent.futures import Future
    from concurrent.futures.process import BrokenProcessPool

    from btrackmate.core.errors import Cancelled

    broken: Future = Future()
    broken.set_exception(BrokenProcessPool())
    with pytest.raises(UserError, match="too little memory"):
        segmenting._wait(broken, lambda *_: None, 0, 1)

    def cancel(*_) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        segmenting._wait(Future(), cancel, 0, 1)
    with pytest.raises(UserError, match="so there is no channel 2"):
        next(segmenting.segment_frames(sample.opened.image, 2, range(1), None))
    with pytest.raises(UserError, match="no image to segment"):
        segmenting.take_image(make_session().opened)


def test_what_is_made_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segmentation takes hours: the dialog asked about what stood there when it began."""
    image = write_imagej(tmp_path / "m.tif", dividing_cells().astype(np.uint16), "TZYX")
    opened = replace(make_session().opened, image=open_movie(image))

    def make_frames(*_):
        for frame in dividing_cells():
            (tmp_path / "lab.tif").write_text("theirs")
            yield frame.astype(np.uint32)

    monkeypatch.setattr(segmenting, "segment_frames", make_frames)
    with pytest.raises(UserError, match="lab.tif was made by somebody else"):
        segment_movie(opened, tmp_path / "lab.tif", 1, SegmentationSettings())
    assert (tmp_path / "lab.tif").read_text() == "theirs"


@pytest.mark.parametrize("role", ["roi", "shape_labels"])
def test_segment_replaces_nothing_that_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Nor does it read half of one and half of the next."""
    cells = dividing_cells()
    image = write_imagej(tmp_path / "m.tif", cells.astype(np.uint16), "TZYX")
    beside = write_imagej(tmp_path / "lab.tif", cells.astype(np.uint16), "TZYX")
    opened = replace(make_session().opened, image=open_movie(image))
    more = {"mode": "stardist", "shapes": "labels"} if role == "shape_labels" else {}
    settings = SegmentationSettings.parse({role: beside, **more}, "test")
    before = beside.read_bytes()

    def make_frames(*_):
        for frame in cells:
            beside.write_bytes(before + b"x")
            yield frame.astype(np.uint32)

    monkeypatch.setattr(segmenting, "segment_frames", make_frames)
    with pytest.raises(UserError, match="lab.tif is an input and would be replaced"):
        segment_movie(opened, beside, 1, settings)
    assert beside.read_bytes() == before
    with pytest.raises(UserError, match="lab.tif was changed while it was read"):
        segment_movie(opened, tmp_path / "out.tif", 1, settings)
    assert not (tmp_path / "out.tif").exists()


def test_sizes_that_an_image_states_by_now_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = dividing_cells()
    image = write_imagej(tmp_path / "m.tif", cells.astype(np.uint16), "TZYX")
    size = open_movie(image).calibration
    graph = make_session().now.to_graph()
    spots = replace(graph.spots, calibration=replace(size, dx=1.5))
    opened = replace(make_session().opened, image=open_movie(image), graph=graph.with_spots(spots))
    monkeypatch.setattr(
        segmenting, "segment_frames", lambda *_: (one.astype(np.uint32) for one in cells)
    )
    made = segment_movie(opened, tmp_path / "out.tif", 1, SegmentationSettings())
    assert any("m.tif states voxels of 0.5 µm and not 1.5 µm" in note for note in made.notes)


@pytest.mark.parametrize("changed", ["before", "in frame 1", "while measured"])
def test_segment_takes_one_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    """Not half of the one that was there when the movie was opened, and half of a later one."""
    cells = dividing_cells()
    image = write_imagej(tmp_path / "m.tif", cells.astype(np.uint16), "TZYX")
    opened = replace(make_session().opened, image=open_movie(image))
    (tmp_path / "lab.tif").write_text("old")

    def change() -> None:
        new = write_imagej(tmp_path / "new.tif", cells.astype(np.uint16) * 7, "TZYX")
        Path(new).replace(image)

    def make_frames(*_):
        for t, frame in enumerate(cells):
            if changed == f"in frame {t}":
                change()
            yield frame.astype(np.uint32)

    def measure(*arguments, **options):
        if changed == "while measured":
            change()
        return measure_movie(*arguments, **options)

    measure_movie = segmenting.measure_movie
    monkeypatch.setattr(segmenting, "segment_frames", make_frames)
    monkeypatch.setattr(segmenting, "measure_movie", measure)
    if changed == "before":
        change()
        made = segment_movie(opened, tmp_path / "lab.tif", 1, SegmentationSettings())
        intensity = made.graph.spots.feature("mean_intensity_ch1")
        assert (intensity == 7 * made.graph.spots.feature("label")).all()
        assert made.image.frame(0).max() == 7 * cells[0].max()
    else:
        with pytest.raises(UserError, match="m.tif was changed while it was read"):
            segment_movie(opened, tmp_path / "lab.tif", 1, SegmentationSettings())
        kept = (tmp_path / "lab.tif").read_bytes() == b"old"
        assert kept == (changed == "in frame 1")


def test_segment_heeds_the_region_of_interest(tmp_path: Path) -> None:
    from btrackmate.segmentation.settings import SegmentationSettings

    labels = dividing_cells()
    inside = np.zeros(labels.shape[1:], np.uint8)
    inside[:, :12] = 1
    shapes = write_imagej(tmp_path / "shapes.tif", labels, "TZYX")
    image = write_imagej(tmp_path / "image.tif", (labels > 0).astype(np.uint8) * 100, "TZYX")
    settings = SegmentationSettings(
        mode="stardist", shapes="labels", shape_labels=shapes, min_size=1,
        roi=write_imagej(tmp_path / "roi.tif", inside, "ZYX"),
    )  # fmt: skip
    with open_movie(image) as movie:
        found = segmenting._segment_one(movie, movie.standing, 1, 5, settings)
        again = pickle.loads(pickle.dumps(movie))
        segmenting._segment_one(again, movie.standing, 1, 5, settings)
        shutil.copy(shapes, tmp_path / "other.tif")
        (tmp_path / "other.tif").replace(image)
        again = pickle.loads(pickle.dumps(movie))
        with pytest.raises(UserError, match="was changed or replaced since it was opened"):
            segmenting._segment_one(again, movie.standing, 1, 5, settings)
    assert found[:, :12].any()
    assert not found[:, 12:].any()
    assert labels[5][:, 12:].any()


@pytest.mark.parametrize("how", ["export", "save as"])
def test_corrections_beside_tracks_that_are_replaced_are_told_of(tmp_path: Path, how: str) -> None:
    session, told = make_session(), list[str]()
    session.told.connect(told.append)
    target = tmp_path / "b.xml"
    for _ in range(2):
        if how == "export":
            export_tracks(session, take_tracks(session, "all"), target)
        else:
            session.save_as(target)
        assert bool(told) == target.with_name("b.xml.edits.jsonl").exists()
        target.with_name("b.xml.edits.jsonl").write_text("of the tracks there\n")
    assert "holds corrections of the tracks that are replaced; it stays" in told[0]


def test_exports_take_all_the_selected_or_the_shown(tmp_path: Path) -> None:
    session = make_session()
    assert len(take_tracks(session, "all").spots) == 15
    with pytest.raises(UserError, match="no track is selected"):
        take_tracks(session, "selected")
    session.select(7)
    assert sorted(take_tracks(session, "selected").spots.id.tolist()) == [7, 8, 9]
    session.filter_tracks(kind="merging")
    assert sorted(take_tracks(session, "shown").spots.id.tolist()) == [10, 11, 12]
    session.filter_tracks(filters=["duration>999"])
    with pytest.raises(UserError, match="no spot is shown"):
        take_tracks(session, "shown")
    with pytest.raises(UserError, match="ending|expected"):
        export_tracks(session, take_tracks(session, "all"), tmp_path / "tracks.txt")


@pytest.mark.parametrize("name", ["cells.spots.csv", "cells.links.csv"])
def test_tables_that_no_dialog_asked_about_are_not_replaced(tmp_path: Path, name: str) -> None:
    """For cells.csv two tables are written, whose names are others: Qt asks about neither."""
    session = make_session()
    (tmp_path / name).write_text("of others", encoding="utf-8")
    path = tmp_path / "cells.csv"
    saves: list[Callable[[], object]] = [
        lambda: session.save_as(path),
        lambda: export_tracks(session, take_tracks(session, "all"), path),
    ]
    for save in saves:
        with pytest.raises(UserError, match=f"{name} exists already and would be replaced: give"):
            save()
    assert [one.read_text(encoding="utf-8") for one in tmp_path.iterdir()] == ["of others"]


def test_nothing_of_the_open_movie_is_saved_over(tmp_path: Path) -> None:
    write_tracks(tmp_path / "open.csv", make_session().now.to_graph())
    image = tmp_path / "image.tif"
    tifffile.imwrite(image, np.zeros((4, 8, 8), np.uint8), imagej=True, metadata={"axes": "TYX"})
    opened = replace(open_tracks(tmp_path / "open.csv"), image=open_movie(image))
    session = Session(opened)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    with pytest.raises(UserError, match="exists already"):
        session.save_as(tmp_path / "open.csv")
    with pytest.raises(UserError, match="open.spots.csv is an input and would be replaced"):
        check_saving(opened, tmp_path / "open.spots.csv")
    with pytest.raises(UserError, match="image.tif is an input and would be replaced"):
        segment_movie(opened, image, 0, SegmentationSettings())
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


@pytest.fixture
def half_hidden(tmp_path: Path) -> Path:
    """Two tracks of three spots; the second is hidden in TrackMate, with its spots."""
    table = pd.DataFrame({"id": range(6), "frame": [0, 1, 2] * 2, "x": [0.0, 1, 2, 50, 51, 52]})
    table = table.assign(y=1.0, z=0.0, radius=2.0, VISIBILITY=[1, 1, 1, 0, 0, 0])
    spots = Spots.from_table(table, Calibration())
    graph = TrackGraph.from_ids(spots, np.array([0, 1, 3, 4]), np.array([1, 2, 4, 5]))
    path = tmp_path / "hidden.xml"
    write_tracks(
        path, graph, None, TrackMateSession(track_filters=[Filter("TRACK_X_LOCATION", 25, False)])
    )
    return path


def test_what_trackmate_hides_is_not_tracked_listed_or_analysed(half_hidden: Path) -> None:
    session = Session(open_tracks(half_hidden, edit=False))
    assert session.hidden_ids.tolist() == [3, 4, 5]
    assert session.shown_graph().n_links == 2
    assert session.table.order.tolist() == [0]
    graph = link(session, parse_tracker("lap", {}, "test"))
    assert (len(graph.spots), graph.n_links) == (6, 2)
    again = Session(with_tracks(session.opened, graph, session.hidden_ids.tolist()))
    assert again.hidden_ids.tolist() == [3, 4, 5]
    session.show_hidden()
    assert sorted(session.table.order.tolist()) == [0, 1]


def test_a_hidden_spot_of_a_shown_track_stays_so_after_an_edit(half_hidden: Path) -> None:
    """As in the file that is saved."""
    graph = read_tracks(half_hidden)[0]
    table = graph.spots.table.assign(VISIBILITY=[1, 0, 1, 1, 1, 1])
    write_tracks(half_hidden, graph.with_spots(replace(graph.spots, table=table)))
    session = Session(open_tracks(half_hidden))
    hidden = int(graph.spots.id[1])
    assert session.hidden_ids.tolist() == [hidden]
    source, target = (int(graph.spots.id[ends[0]]) for ends in (graph.source, graph.target))
    session.do("break_link", source=source, target=target)
    assert session.hidden_ids.tolist() == [hidden]
    session.undo()
    assert session.hidden_ids.tolist() == [hidden]
    assert hidden not in session.shown_graph().spots.id
    session.save()
    session.close()
    assert Session(open_tracks(half_hidden, edit=False)).hidden_ids.tolist() == [hidden]


def test_a_track_that_is_joined_to_a_hidden_one_is_shown(half_hidden: Path) -> None:
    """As it is where TrackMate itself edits; it took the visible cells out of everything."""
    graph, document = read_tracks(half_hidden)
    table = graph.spots.table.assign(VISIBILITY=1)  # Hidden with their track alone.
    write_tracks(half_hidden, graph.with_spots(replace(graph.spots, table=table)), document)
    session = Session(open_tracks(half_hidden))
    assert session.hidden_ids.tolist() == [3, 4, 5]
    session.do("break_link", source=1, target=2)
    session.do("break_link", source=4, target=5)
    session.do("connect", source=1, target=5)
    assert session.hidden_ids.tolist() == [3, 4]
    session.save()
    session.close()
    now = Session(open_tracks(half_hidden, edit=False))
    track = now.now.track(0)
    assert now.now.track(5) == track
    assert track in now.opened.document.filtered_tracks
    assert now.hidden_ids.tolist() == [3, 4]


def test_corrections_that_stand_in_no_file_are_not_given_up(tmp_path: Path) -> None:
    session = make_session()
    session.check_kept()
    session.do("delete_spot", spot=7)
    with pytest.raises(UserError, match="1 corrections stand in no file"):
        session.check_kept()
    pruned = with_tracks(session.opened, session.now.to_graph(), (), session.n_unkept)
    again = Session(pruned)
    assert again.n_unkept == 1
    again.save_as(tmp_path / "kept.xml")
    again.check_kept()
    session.undo()
    session.check_kept()


def test_filters_of_spots_follow_an_edit() -> None:
    session = make_session()
    spot = session.now.spots_of(session.now.track(7))[0]
    x = session.now.spot(int(spot)).x
    session.filter_spots([f"x<={x + 0.1}"])
    row = session.scene.row(int(spot))
    assert session.visible_rows()[row]
    session.do("move_spot", spot=int(spot), position=(x + 50, 1.0, 1.0))
    assert not session.visible_rows()[row]
    session.undo()
    assert session.visible_rows()[row]


def test_a_copy_elsewhere_finds_its_image(tmp_path: Path) -> None:
    from canonical_xml import DATA

    from btrackmate.io.trackmate import read_trackmate

    source = DATA / "cases" / "session.xml"
    before = read_trackmate(source)
    assert before.image_path is not None
    session = Session(open_tracks(source, edit=False))
    (tmp_path / "far").mkdir()
    for path in (tmp_path / "far" / "a.xml", tmp_path / "far" / "b.xml"):
        if path.stem == "a":
            export_tracks(session, take_tracks(session, "all"), path)
        else:
            session.save_as(path)
        assert read_trackmate(path).image_path == before.image_path


def test_averages_around_divisions_are_those_of_the_hand() -> None:
    """Volumes of 0 1 | 3 4 (frames 0 1 | 2): 1, 2, mean of 4 and 5."""
    session = make_session()
    figure = make_figure(4, 4, dark=False)
    draw_plot(figure, session, "average around divisions", "volume")
    lines = figure.axes[0].lines
    assert lines[0].get_xdata().tolist() == [-3.0, 0.0]
    assert lines[0].get_ydata().tolist() == [1.0, 2.0]
    assert lines[1].get_ydata().tolist() == [4.5, 31.0]  # of 40 it is missing
    session.select(7)
    figure.clear()
    draw_plot(figure, session, "average around divisions", "volume")
    assert "None of these tracks divides" in figure.axes[0].texts[0].get_text()


def test_distance_to_the_boundary_is_drawn_or_asked_for() -> None:
    session = make_session()
    figure = make_figure(4, 4, dark=True)
    session.select(0)
    assert draw_plot(figure, session, "distance to the boundary", "volume") == []
    assert "--mask" in figure.axes[0].texts[0].get_text()
    graph = make_graph()
    graph = TrackGraph.from_links(
        graph.spots.with_columns({"boundary_distance": graph.spots.positions[:, 0] / 10}),
        graph.source,
        graph.target,
    )
    session = Session(Opened(Path("tracks.xml"), None, graph))
    session.select(0)
    figure.clear()
    curves = draw_plot(figure, session, "distance to the boundary", "volume")
    assert curves[1].values.tolist() == [3.0, 30.0]
