"""Pictures at display resolution, the linking limit, and the box at the top."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import write_tracks
from btrackmate.io.trackmate import Session
from btrackmate.pipeline.diary import RunDiary
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import RunSettings
from btrackmate.report.canvas import Canvas, find_outlines, round_length
from btrackmate.report.data import ReportData, load_run, load_tracks, warn_of_gone
from btrackmate.report.figures import draw_displacements, measure_steps
from btrackmate.report.html import render_report
from btrackmate.report.montage import draw_montage
from btrackmate.tracking import parse_tracker, to_trackmate

SETTINGS = RunSettings.parse(
    {
        "tracker": "lap",
        "tracker_settings": {"linking_max_distance": 5, "splitting_max_distance": 5},
    }
)
ONE = Calibration()


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


@pytest.mark.parametrize("size", [40, 2000])
def test_outlines_are_as_thick_in_small_and_in_large_images(size: int) -> None:
    """Two cells side by side that fill the middle half: the border has the same display pixels."""
    labels = np.zeros((size, size), np.uint16)
    labels[size // 4 : 3 * size // 4, size // 4 : size // 2] = 300
    labels[size // 4 : 3 * size // 4, size // 2 : 3 * size // 4] = 70
    canvas = Canvas.over((-0.5, size - 0.5), (-0.5, size - 0.5))
    assert (canvas.width, canvas.height) == (440, 440)
    edge = find_outlines(canvas.sample(labels, ONE))
    across = np.flatnonzero(edge[220])
    assert across.tolist() == [110, 111, 218, 219, 220, 221, 328, 329]


def test_small_cells_have_thin_outlines_and_keep_their_middle() -> None:
    labels = np.zeros((440, 440), np.uint8)
    labels[100:108, 100:108] = 5
    edge = find_outlines(labels)
    assert np.flatnonzero(edge[104]).tolist() == [100, 107]


def test_pixels_are_averaged_repeated_and_placed_by_their_size() -> None:
    """Voxels of 2 × 1 (y × x): the canvas is twice as high as wide in voxels' numbers."""
    plane = np.arange(4.0).reshape(2, 2)
    canvas = Canvas((-0.5, 1.5), (-1.0, 3.0), 4, 8)
    size = Calibration(dx=1.0, dy=2.0)
    expected = np.repeat(np.repeat(plane, 4, axis=0), 2, axis=1)
    assert canvas.average(plane, size).tolist() == expected.tolist()
    assert canvas.sample(plane.astype(np.uint8), size).tolist() == expected.tolist()
    fine = np.arange(16.0).reshape(4, 4)
    half = Canvas((-0.5, 3.5), (-0.5, 3.5), 2, 2)
    assert half.average(fine, ONE).tolist() == [[2.5, 4.5], [10.5, 12.5]]
    thirds = Canvas((-0.5, 3.5), (-0.5, 3.5), 3, 3)
    assert thirds.average(np.ones((4, 4)), ONE).tolist() == np.ones((3, 3)).tolist()


def test_a_wide_and_a_tall_range_fit() -> None:
    wide, tall = Canvas.over((0, 100), (0, 10)), Canvas.over((0, 10), (0, 100))
    assert (wide.width, wide.height) == (440, 44)
    assert (tall.width, tall.height) == (56, 560)


@pytest.mark.parametrize(
    ("about", "length"), [(25, 20), (50, 50), (0.099, 0.05), (1, 1), (4.9, 2), (123, 100)]
)
def test_scale_bars_have_round_lengths(about: float, length: float) -> None:
    assert round_length(about) == pytest.approx(length)


def find_texts(figure) -> list[str]:
    return [text.get_text() for axis in figure.axes for text in axis.texts]


@pytest.mark.slow
def test_a_2d_movie_is_no_projection_and_shows_scale_and_mask(tmp_path: Path) -> None:
    """24 pixels of 0.5 µm are 12 µm: a bar of 2 µm. The mask's border lies at y 11.5."""
    labels = write_imagej(tmp_path / "l.tif", dividing_cells()[:, 2], "TYX")
    mask = np.zeros((24, 24), np.uint8)
    mask[:12] = 1
    tifffile.imwrite(tmp_path / "m.tif", mask, imagej=True, metadata={"axes": "YX"})
    result = run(RunInputs(labels=labels, mask=tmp_path / "m.tif"), tmp_path / "run", SETTINGS)
    data = load_run(result.folder)
    figure = draw_montage(data)
    assert [axis.get_title() for axis in figure.axes] == [f"frame {i}" for i in range(6)]
    assert find_texts(figure) == ["2 µm"] * 6
    picture = np.asarray(figure.axes[0].get_images()[0].get_array())
    white = (picture == 1).all(axis=2)
    assert np.flatnonzero(white.all(axis=1)).tolist() == [218, 219]
    text = result.report.read_text(encoding="utf-8")
    assert "projection" not in text
    assert "White lines: the border of the tissue mask." in text
    assert "pixel 0.5 × 0.5 µm (y × x)" in text


def test_a_csv_has_positions_only(tmp_path: Path) -> None:
    csv = tmp_path / "cells.csv"
    csv.write_text("frame,x,y,z\n0,1,2,3\n1,2,2,3\n2,3,2,3\n", encoding="utf-8")
    result = run(RunInputs(spots=csv), tmp_path / "run", SETTINGS)
    text = result.report.read_text(encoding="utf-8")
    assert "projection" not in text
    assert "not calibrated: lengths in pixels, times in frames" in text
    assert "only positions are shown" in text


def test_an_image_that_is_gone_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image = tmp_path / "moved.tif"
    image.touch()
    tracks = tmp_path / "a.xml"
    write_tracks(tracks, make_line([1.0, 2.0]), session=Session(image_path=image))
    warn_of_gone(load_tracks(tracks))
    assert not caplog.text
    image.unlink()
    data = load_tracks(tracks)
    warn_of_gone(data)
    assert f"{image}, the file of the image, is gone and not shown; if it was moved" in caplog.text
    text = render_report(data)
    assert "The file of the image, moved.tif, is gone and not shown." in text


def make_line(steps: list[float], unit: str = "µm") -> TrackGraph:
    """One cell that moves by these steps; a link over a missed frame at the end."""
    x = np.cumsum([0.0, *steps, 50.0])
    frame = [*range(len(steps) + 1), len(steps) + 2]
    table = pd.DataFrame({"frame": frame, "x": x}).assign(y=0.0, z=0.0, radius=1.0)
    spots = Spots.from_table(table, Calibration(space_unit=unit))
    return TrackGraph.from_links(spots, np.arange(len(x) - 1), np.arange(1, len(x)))


def test_displacements_and_the_limit_of_links() -> None:
    graph = make_line([1.0, 2.0, 6.0])
    assert measure_steps(graph).tolist() == [1, 2, 6]
    axis = draw_displacements(graph, 8.0).axes[0]
    assert axis.get_xlabel() == "displacement between two frames (µm)"
    assert sum(bar.get_height() for bar in axis.patches) == 3
    assert [line.get_xdata()[0] for line in axis.lines] == [8.0]
    far = draw_displacements(graph, 100.0).axes[0]
    assert not far.lines
    assert "linking limit 100 µm, beyond the plot" in far.get_title(loc="right")
    assert not draw_displacements(graph, None).axes[0].lines
    assert draw_displacements(graph.keep_links(np.zeros(4, bool)), 8.0) is None


@pytest.mark.slow
def test_the_limit_is_that_of_the_run_and_of_a_trackmate_file(tmp_path: Path) -> None:
    labels = write_imagej(tmp_path / "l.tif", dividing_cells(), "TZYX")
    run(RunInputs(labels=labels), tmp_path / "run", SETTINGS)
    assert load_run(tmp_path / "run").linking_limit == 5
    tracker = ("SIMPLE_SPARSE_LAP_TRACKER", {"LINKING_MAX_DISTANCE": 7.5})
    write_tracks(tmp_path / "a.xml", make_line([1.0]), session=Session(tracker=tracker))
    assert load_tracks(tmp_path / "a.xml").linking_limit == 7.5
    flow = to_trackmate(parse_tracker("flow", {"linking_max_distance": 9}))
    write_tracks(tmp_path / "f.xml", make_line([1.0]), session=Session(tracker=flow))
    assert load_tracks(tmp_path / "f.xml").linking_limit == 9
    write_tracks(tmp_path / "a.geff", make_line([1.0]))
    assert load_tracks(tmp_path / "a.geff").linking_limit is None


def make_data(**record: object) -> ReportData:
    base = {"btrackmate": "1", "inputs": {"tracks": {"path": "a.xml"}}}
    return ReportData(base | record, make_line([1.0]), None, None, [], None, None)


def test_the_box_stands_at_the_top_in_order_and_is_escaped() -> None:
    items = [
        {"what": "Cells double, but <1 % divide.", "do": "Switch splitting on."},
        {"what": "Not calibrated.", "do": "Give --voxel-size."},
    ]
    text = render_report(make_data(to_know=items, warnings=["a word of the log"]))
    places = [
        text.index(words)
        for words in (
            "<h1>",
            "To know before you trust it",
            "Cells double, but &lt;1 % divide.",
            "Switch splitting on.",
            "Not calibrated.",
            'class="tiles"',
            "Warnings of the run",
            "a word of the log",
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("record", [{}, {"to_know": []}, {"to_know": None}])
def test_no_box_where_there_is_nothing_to_know(record: dict[str, object]) -> None:
    assert "To know" not in render_report(make_data(**record))


def test_a_fact_without_advice_is_shown() -> None:
    assert "<b>Frames jump.</b>" in render_report(make_data(to_know=[{"what": "Frames jump."}]))


def test_empty_labels_are_told(tmp_path: Path) -> None:
    labels = write_imagej(tmp_path / "empty.tif", np.zeros((3, 2, 8, 8), np.uint16), "TZYX")
    run(RunInputs(labels=labels), tmp_path / "out", SETTINGS)
    assert "No cell was found" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_nothing_of_a_run_names_its_hidden_folder(tmp_path: Path) -> None:
    """What is logged of the hidden folder names the files where they lie in the end."""
    new, log = tmp_path / "run" / ".work" / "new-1", logging.getLogger("btrackmate.test")
    diary = RunDiary(tmp_path / "run", new)
    with diary.collect():
        log.warning("%s: axes TZYX", new / "labels.ome.zarr")
        log.info("%s: begun", tmp_path / "other" / ".work" / "x")
        diary.write_to(tmp_path / "log.txt")
    assert diary.warnings == [f"{tmp_path}/run/labels.ome.zarr: axes TZYX"]
    text = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "run/labels.ome.zarr: axes TZYX" in text
    assert "run/.work" not in text
    assert "other/.work/x" in text, "another folder's is its own business"
