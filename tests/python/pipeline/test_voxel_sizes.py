"""Tracks that state no voxel size, beside images, labels and masks that do: on their own cells."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import tifffile

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.image_calibration import Known, Stated, find_size
from btrackmate.io.images import open_movie
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.napari_plugin.model.adding import measure_label
from btrackmate.napari_plugin.model.opening import open_tracks
from btrackmate.pipeline import reporting
from btrackmate.report.data import load_tracks

if TYPE_CHECKING:
    from btrackmate.report.data import ReportData

SIZE = 1.5
FRAMES, ROWS, SIDE = 2, 6, 5


def make_places() -> pd.DataFrame:
    """Cells without a gap between them, in pixels; each track stands still."""
    rows = [
        (t, SIDE * j + 2, SIDE * i + 2, ROWS * i + j)
        for t in range(FRAMES)
        for i in range(ROWS)
        for j in range(ROWS)
    ]
    return pd.DataFrame(rows, columns=["frame", "x", "y", "track_id"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Labels, an image and a mask of 1.5 µm a pixel, and their cells as tables and graphs."""
    frame = np.kron(1 + np.arange(ROWS**2).reshape(ROWS, ROWS), np.ones((SIDE, SIDE)))
    labels = np.stack([frame] * FRAMES).astype(np.uint16)
    half = (np.arange(SIDE * ROWS) < 15).astype(np.uint8)
    sizes = {"PhysicalSizeX": SIZE, "PhysicalSizeY": SIZE}
    mask = np.broadcast_to(half, labels[0].shape)
    images = {"labels": (labels, "TYX"), "image": (labels, "TYX"), "mask": (mask, "YX")}
    for name, (image, axes) in images.items():
        tifffile.imwrite(tmp_path / f"{name}.ome.tif", image, metadata={"axes": axes, **sizes})
    pixels = make_places()
    physical = pixels.assign(x=SIZE * pixels["x"], y=SIZE * pixels["y"])
    physical.to_csv(tmp_path / "plain.csv", index=False)
    physical.to_csv(tmp_path / "plain.tsv", index=False, sep="\t")
    for name, table, unit in (("um", physical, "µm"), ("px", pixels, "px")):
        named = table.rename(columns={"x": f"x ({unit})", "y": f"y ({unit})"})
        named.to_csv(tmp_path / f"{name}.csv", index=False)
    for name, unit, factor, dx in (
        ("unsized", "µm", 1, 1),
        ("nm", "nm", 1000, 1),
        ("sized", "µm", 1, SIZE),
    ):
        table = physical.assign(
            x=factor * physical["x"], y=factor * physical["y"], radius=factor * 3.0
        )
        size = Calibration(dx, dx, dx, 1, unit)
        spots = Spots.from_table(table.assign(id=range(len(table))), size, ndim=2)
        ids = spots.id.reshape(FRAMES, -1)
        write_tracks(tmp_path / f"{name}.geff", TrackGraph.from_ids(spots, ids[0], ids[1]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


TRACKS = ["plain.csv", "plain.tsv", "um.csv", "px.csv", "unsized.geff", "nm.geff", "sized.geff"]


def options_of(name: str) -> list[str]:
    """What a warning says of a table whose header states pixels."""
    return ["--csv-units", "pixels"] if name == "px.csv" else []


@pytest.mark.parametrize("name", TRACKS)
def test_each_cell_is_painted_with_its_own_track(
    place: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words = ["relabel", name, "labels.ome.tif", "-o", "r.tif", *options_of(name)]
    assert run_command([*words, "--quiet"]) == 0
    told = "as formats do that know no size" in capsys.readouterr().err
    assert told == (name == "nm.geff")  # In the labels' own unit these always count.
    painted = tifffile.imread(place / "r.tif")
    assert (painted == tifffile.imread(place / "labels.ome.tif")).all()


@pytest.mark.parametrize("name", TRACKS)
def test_a_challenge_folder_holds_all_cells(place: Path, name: str) -> None:
    words = ["convert", name, "01_RES", "--labels", "labels.ome.tif", *options_of(name)]
    assert run_command(words) == 0
    assert len(read_tracks(place / "01_RES")[0].spots) == FRAMES * ROWS**2


def test_pixels_that_a_header_states_are_told(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["relabel", "px.csv", "labels.ome.tif", "-o", "r.tif", "--quiet"]) == 0
    assert "states positions in pixel, read as µm; if that is wrong give --csv-units" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("name", [name for name in TRACKS if not name.endswith(".tsv")])
@pytest.mark.parametrize("movie", ["image", "labels"])
def test_a_report_draws_spots_on_their_cells(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str, movie: str
) -> None:
    data: list[ReportData] = []
    monkeypatch.setattr(reporting, "write_report", lambda _, made: data.append(made))
    words = ["report", name, "-o", "r.html", f"--{movie}", f"{movie}.ome.tif", *options_of(name)]
    assert run_command(words) == 0
    graph, size = data[0].graph, data[0].voxel_size
    pixels = graph.spots.positions[:, :2] / [size.dx, size.dy]
    np.testing.assert_allclose(pixels, make_places()[["x", "y"]], atol=1e-9)
    bounds = data[0].tracked.bounds
    assert bounds is not None
    unit = 1000 if name == "nm.geff" else 1
    np.testing.assert_allclose(bounds[1][:2], unit * SIZE * (SIDE * ROWS - 0.5))


@pytest.mark.parametrize("truth", ["sized.geff", "um.csv", "plain.csv"])
@pytest.mark.parametrize("name", [name for name in TRACKS if name != "nm.geff"])
def test_the_same_cells_are_found(
    place: Path, capsys: pytest.CaptureFixture[str], truth: str, name: str
) -> None:
    """Pixels beside a table without a voxel size cannot be told: it says how they are taken."""
    words = ["evaluate", "--truth", truth, "--result", name, "--max-distance", "1"]
    assert run_command([*words, "--quiet"]) == 0
    said = capsys.readouterr()
    if name != "px.csv" or truth == "sized.geff":
        assert "DET                 1.0000" in said.out
    if name == "px.csv" and truth == "um.csv":
        assert "px.csv: positions are taken to be in µm" in said.err


def test_units_that_differ_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for names in (("um.csv", "nm.geff"), ("nm.geff", "um.csv")):
        words = ["evaluate", "--truth", names[0], "--result", names[1], "--max-distance", "1"]
        assert run_command(words) == 2
        assert "bring both to one unit" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in TRACKS if name != "px.csv"])
def test_a_mask_has_its_own_voxel_size(
    place: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words = ["evaluate", "--truth", name, "--result", name, "--mask", "mask.ome.tif"]
    assert run_command([*words, "--quiet"]) == 0
    nodes = next(line for line in capsys.readouterr().out.splitlines() if "n_truth_nodes" in line)
    assert int(nodes.split()[1]) == FRAMES * ROWS**2 // 2


@pytest.mark.parametrize("name", TRACKS)
def test_napari_shows_and_measures_cells_where_their_spots_are(place: Path, name: str) -> None:
    opened = open_tracks(place / name, labels=place / "labels.ome.tif", edit=False)
    movie, spots = opened.labels, opened.graph.spots
    assert movie is not None
    pixels = spots.positions[:, :2] / [movie.calibration.dx, movie.calibration.dy]
    np.testing.assert_allclose(pixels, make_places()[["x", "y"]], atol=1e-9)
    told = any("as formats do that know no size" in note for note in opened.notes)
    assert told == (name in ("unsized.geff", "nm.geff"))
    found = measure_label(opened, 0, 8)
    np.testing.assert_allclose(found["position"][:2], spots.positions[7, :2])


@pytest.mark.parametrize(
    ("tracks", "is_table", "expected"),
    [
        (Calibration(1, 1, 1, 1, "µm"), False, (SIZE, "µm")),
        (Calibration(1, 1, 1, 1, "nm"), False, (1000 * SIZE, "nm")),
        (Calibration(2, 2, 2, 1, "µm"), True, (2, "µm")),
        (Calibration(1, 1, 1, 1, "pixel"), False, (1, "pixel")),
        (Calibration(1, 1, 1, 1, "pixel"), True, (SIZE, "µm")),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_whose_voxel_size_counts(
    tracks: Calibration, is_table: bool, expected: tuple[Any, ...], known: bool
) -> None:
    movie = Stated(Path("m"), Calibration(SIZE, SIZE, SIZE, 1, "µm"), Known(known, known), 2, 2)
    size = find_size(movie, tracks, is_table=is_table)
    dx, unit = expected if known else (tracks.dx, tracks.space_unit)
    assert size.dx == pytest.approx(dx)
    assert size.space_unit == unit


def test_the_options_size_tracks_that_state_a_unit_alone(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["convert", "unsized.geff", "t.xml", "--voxel-size", "1.5,1.5"]
    assert run_command(words) == 0
    size = read_tracks(place / "t.xml")[0].spots.calibration
    assert (size.dx, size.space_unit) == (1.5, "µm")
    assert run_command([*words[:2], "u.xml", *words[3:], "--space-unit", "nm"]) == 2
    assert "holds its own calibration" in capsys.readouterr().err
    with open_movie(place / "image.ome.tif") as movie:
        assert movie.calibration.dx == SIZE


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("plain.csv", [], ""),
        ("sized.geff", [], ""),
        ("far.csv", [], "12 of 72 cells lie outside image.ome.tif, which ends at x, y = 45, 45 µm"),
        ("far.csv", ["--csv-units", "pixels"], "36 of 72 cells lie outside"),
    ],
)
def test_cells_outside_the_image_are_told(
    place: Path, capsys: pytest.CaptureFixture[str], name: str, options: list[str], told: str
) -> None:
    table = make_places()
    table.assign(x=2 * table["x"]).to_csv(place / "far.csv", index=False)
    words = ["track", name, "--image", "image.ome.tif", "-o", "t.geff", *options]
    assert run_command([*words, "--quiet"]) == 0
    said = capsys.readouterr().err
    assert told in said
    assert ("lie outside" in said) == bool(told)


def test_the_box_of_spots_is_no_image_size(place: Path) -> None:
    """TrackMate's format asks for one; at its sides no cell leaves the image."""
    assert run_command(["convert", "sized.geff", "box.xml"]) == 0
    words = ["track", "labels.ome.tif", "-o", "image.xml"]
    assert run_command(words) == 0
    assert load_tracks(place / "box.xml").tracked.bounds is None
    bounds = load_tracks(place / "image.xml").tracked.bounds
    assert bounds is not None
    np.testing.assert_allclose(bounds[1][:2], SIZE * (SIDE * ROWS - 0.5))
