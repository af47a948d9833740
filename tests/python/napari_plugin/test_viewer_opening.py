"""Anything opens, or says in one line why not; what is odd is told and shown all the same."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from canonical_xml import DATA
from hand_tracks import make_graph
from tiny_movies import dividing_cells, write_imagej

import btrackmate as bt
from btrackmate.core.errors import UserError
from btrackmate.io.track_formats import write_tracks
from btrackmate.napari_plugin.model.layers import make_layers, read_layer
from btrackmate.napari_plugin.model.movies import LazyMovie, PaintedLabels
from btrackmate.napari_plugin.model.opening import is_tracks, open_tracks, with_movie
from btrackmate.napari_plugin.model.samples import open_sample
from btrackmate.napari_plugin.model.session import Session


@pytest.fixture
def xml(tmp_path: Path) -> Path:
    path = tmp_path / "tracks.xml"
    write_tracks(path, make_graph())
    return path


def open_session(path: Path, **movies: Path) -> Session:
    """Open, and do what a window does with it."""
    session = Session(open_tracks(path, **movies, edit=False))
    session.tree()
    session.colour_by("track")
    session.filter_tracks(kind="dividing")
    session.filter_tracks()
    session.next_track(1)
    for frame in range(session.scene.n_frames):
        session.numbers(frame)
    return session


@pytest.mark.parametrize("name", [one.name for one in sorted((DATA / "trackmate-xml").glob("*"))
                                  if ".xml" in one.name])  # fmt: skip
def test_every_trackmate_file_opens(name: str, tmp_path: Path) -> None:
    """Of any version, with merges, gaps, without tracks, with an image that is not there."""
    path = tmp_path / name
    shutil.copyfile(DATA / "trackmate-xml" / name, path)
    assert open_session(path).scene.id.size > 0


def test_a_file_without_tracks_says_so(tmp_path: Path) -> None:
    graph = make_graph()
    path = tmp_path / "none.xml"
    write_tracks(path, graph.keep_links(np.zeros(graph.n_links, bool)))
    session = open_session(path)
    assert "15 spots and no tracks" in " ".join(session.opened.notes)
    assert len(session.tree().rows) == 0
    write_tracks(path, graph.keep_spots(np.zeros(15, bool)))
    session = open_session(path)
    assert "no spots" in " ".join(session.opened.notes)
    session.colour_by("track")


@pytest.mark.parametrize("ending", [".geff", ".csv"])
def test_other_formats_open(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"tracks{ending}"
    write_tracks(path, make_graph())
    assert is_tracks(path)
    session = open_session(path)
    assert session.scene.source.size == 10


def test_labels_and_image_of_another_size_are_told(xml: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.tif"
    tifffile.imwrite(labels, np.zeros((2, 4, 8, 8), np.uint16), imagej=True,
                     metadata={"axes": "TZYX"})  # fmt: skip
    session = open_session(xml, labels=labels)
    notes = " ".join(session.opened.notes)
    assert "labels have frames 0 to 1, the tracks go to frame 4" in notes
    assert "Spots lie outside the labels" in notes


def test_labels_that_are_numbered_otherwise_are_told(tmp_path: Path) -> None:
    """A click on a cell would select another one."""
    labels = dividing_cells()
    other = np.where(labels > 0, labels.max() + 1 - labels, 0).astype(labels.dtype)
    same = write_imagej(tmp_path / "same.tif", labels, "TZYX")
    swapped = write_imagej(tmp_path / "swapped.tif", other, "TZYX")
    write_tracks(tmp_path / "t.xml", bt.track(bt.measure(labels)))
    assert not open_tracks(tmp_path / "t.xml", labels=Path(same)).notes
    opened = open_tracks(tmp_path / "t.xml", labels=Path(swapped))
    assert any("do not lie on the cell of" in note for note in opened.notes)
    found = with_movie(open_tracks(tmp_path / "t.xml", edit=False), Path(swapped), "labels")
    assert any("do not lie on the cell of" in note for note in found.notes)


def test_an_image_that_is_not_there(xml: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        open_tracks(xml, image=tmp_path / "gone.tif", edit=False)
    with pytest.raises(UserError, match="no such file"):
        open_tracks(tmp_path / "gone.xml")
    name = next(one for one in sorted((DATA / "trackmate-xml").glob("Celegans*"))).name
    shutil.copyfile(DATA / "trackmate-xml" / name, tmp_path / name)
    opened = open_tracks(tmp_path / name, edit=False)
    assert "is not there" in opened.notes[0]
    image = write_imagej(tmp_path / "moved.tif", dividing_cells().astype(np.uint8), "TZYX")
    session = Session(opened)
    session.find_movie(image, "image")
    assert session.opened.image is not None


def test_an_image_that_is_found_later_does_not_scale_a_table(tmp_path: Path) -> None:
    rows = {"track_id": [1, 1, 1], "frame": [0, 1, 2], "x": 4.0, "y": 5.0, "z": 2.0}
    pd.DataFrame(rows).to_csv(tmp_path / "c.csv", index=False)
    image = write_imagej(tmp_path / "i.tif", dividing_cells().astype(np.uint8), "TZYX")
    session = Session(open_tracks(tmp_path / "c.csv"))
    session.find_movie(image, "image")
    assert "The voxel size of i.tif is not taken for the tracks" in session.opened.notes[-1]
    session = Session(open_tracks(tmp_path / "c.csv", image=image))
    session.find_movie(image, "image")
    assert not any("is not taken for" in note for note in session.opened.notes)


def test_what_is_no_tracks_is_left_to_others(tmp_path: Path) -> None:
    assert not is_tracks(tmp_path)
    assert not is_tracks(tmp_path / "movie.tif")


def test_a_cell_tracking_challenge_folder_is_linked_as_its_table_says(tmp_path: Path) -> None:
    folder = tmp_path / "01_RES"
    folder.mkdir()
    for t, labels in enumerate(((1,), (2, 3), (2, 3))):
        image = np.zeros((8, 12), np.uint16)
        for place, label in enumerate(labels):
            image[2:5, 1 + 5 * place : 4 + 5 * place] = label
        tifffile.imwrite(folder / f"mask{t:03d}.tif", image)
    (folder / "res_track.txt").write_text("1 0 0 0\n2 1 2 1\n3 1 2 1\n", encoding="utf-8")
    assert is_tracks(folder)
    session = open_session(folder)
    graph = session.opened.graph
    assert (len(graph.spots), graph.n_links, len(graph.divisions)) == (5, 4, 1)


def test_the_sample_has_labels_painted_by_track() -> None:
    session = Session(open_sample())
    movie = session.opened.labels
    assert movie is not None
    painted = PaintedLabels(movie, session.numbers)
    plane = painted[3, 10]
    labels = movie.labels(3)[10]
    row = session.scene.rows_in(3, 3)
    label = session.values("label", row).astype(int)
    for one in np.unique(labels[labels > 0]).tolist():
        track = session.scene.track[row[label == one]][0]
        assert set(np.unique(plane[labels == one])) == {track + 1}
    session.do("delete_spot", spot=int(session.scene.id[row[0]]))
    assert not (painted[3][movie.labels(3) == label[0]]).any()  # painted anew after an edit


def test_a_cell_is_added_from_its_label_as_it_was_measured() -> None:
    from btrackmate.napari_plugin.model.adding import Pointer

    session = Session(open_sample())
    spot = int(session.scene.id[session.scene.rows_in(2, 2)[4]])
    before = session.now.spot(spot)
    session.do("delete_spot", spot=spot)
    session.pointer = lambda: Pointer(2, np.zeros(3), int(before.label or 0))
    session.add_here()
    after = session.now.spot(int(session.spot or -1))
    assert np.allclose(after.position, before.position)
    assert np.isclose(after.radius, before.radius)
    for name in ("volume", "mean_intensity_ch1", "surface"):
        assert np.isclose(after.features[name], before.features[name]), name


def test_lazy_movies_read_as_arrays_do(tmp_path: Path) -> None:
    from btrackmate.io.images import open_movie

    whole = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
    movie = LazyMovie(open_movie(write_imagej(tmp_path / "a.tif", whole, "TZYX")))
    assert movie.shape == whole.shape
    for key in (1, -1, (0, 2), (slice(None), 1), (..., 2), (1, slice(0, 2), 3), ([0, 1], 0)):
        assert np.array_equal(movie[key], whole[key]), key
    assert np.array_equal(np.asarray(movie), whole)
    flat = LazyMovie(movie.movie, ndim=2)  # tracks in 2D over a stack: its brightest voxels
    assert np.array_equal(flat[1], whole[1].max(axis=0))


@pytest.mark.parametrize("step", [1.5, 0.5, 0.7])
def test_times_of_a_layer_are_counted_in_their_step(step: float) -> None:
    times = np.array([0, 1, 2, 4]) * step
    data = np.c_[np.zeros(4), times, np.ones((4, 2))]
    graph = read_layer(data, {"scale": (2.0, 1.0, 1.0)})
    assert graph.spots.frame.tolist() == [0, 1, 2, 4]
    assert graph.spots.calibration.dt == pytest.approx(2 * step)
    data[:, 1] = [0.1, 0.9, 2.23, 2.6]
    with pytest.raises(UserError, match="no whole frames and have no common step"):
        read_layer(data, {})


def test_layers_are_read_where_they_lie() -> None:
    data = np.c_[np.zeros(3), np.arange(3), np.ones((3, 3))]
    options = {
        "translate": (10.0, 0, 0, 5),
        "units": ("min", "um", "nm", "nm"),
        "scale": (2, 1, 1, 1),
    }
    spots = read_layer(data, options).spots
    assert spots.frame.tolist() == [5, 6, 7]
    assert (spots.calibration.dt, spots.calibration.time_unit) == (2, "min")
    assert spots.calibration.spacing(3) == pytest.approx((1000, 1, 1))
    assert spots.positions[0].tolist() == pytest.approx([6, 1, 1000])
    with pytest.raises(UserError, match="the layer has affine"):
        read_layer(data, {"affine": np.diag([1, 2, 2, 2, 1])})
    with pytest.raises(UserError, match="which cannot be converted"):
        read_layer(data, {"units": ("s", "pixel", "um", "um")})


def test_properties_of_a_layer_are_kept_or_told() -> None:
    data = np.c_[np.repeat((4, 2), 3), np.tile(range(3), 2), np.ones((6, 3))]
    told: list[str] = []
    properties = {
        "id": np.array([7, 3, 9, 1, 5, 6]),
        "mitotic": np.arange(6) % 2 == 0,
        "area": np.arange(6) / 2,
        "fate": np.array(list("abcdef")),
        "frame": np.tile(range(3), 2),
        "x": np.arange(6.0),
        "track_id": np.repeat((4, 2), 3),
    }
    graph = read_layer(data, {"properties": properties}, told.append)
    assert told == ["the layer: properties fate, x are left out"]
    assert "track_id" not in graph.spots.table
    assert graph.spots.id.tolist() == [1, 7, 3, 5, 6, 9]
    assert graph.spots.table["mitotic"].tolist() == [0, 1, 0, 1, 0, 1]
    assert graph.spots.table["area"].tolist() == [1.5, 0, 0.5, 2, 2.5, 1]
    ids = graph.spots.id
    links = zip(ids[graph.source].tolist(), ids[graph.target].tolist(), strict=True)
    assert set(links) == {(7, 3), (3, 9), (1, 5), (5, 6)}
    told.clear()
    read_layer(data, {"properties": {"id": np.zeros(6, int)}}, told.append)
    assert told == ["the layer: properties id are left out"]


def test_plain_layers_and_back(xml: Path) -> None:
    opened = open_tracks(xml, edit=False)
    ((data, options, kind),) = make_layers(opened)
    assert kind == "tracks"
    graph = read_layer(data, options)
    assert (len(graph.spots), graph.n_links) == (15, 10)
    assert len(graph.divisions) == 1
    assert len(graph.merges) == 1
    assert np.allclose(sorted(graph.spots.table["x"]), sorted(opened.graph.spots.table["x"]))
