"""Folders of the Cell Tracking Challenge, read and written as tracks; calibration given again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.io.trackmate import read_trackmate
from btrackmate.pipeline import reporting
from btrackmate.pipeline.converting import convert, plan_ctc
from btrackmate.pipeline.settings import InputSettings

#: Spot id → frame and label; 1–2–3 divides into 4 and 5, 5 skips frame 4; 6 and 7 merge into 8.
CELLS = {
    1: (0, 5), 2: (1, 5), 3: (2, 9), 4: (3, 1), 5: (3, 2), 9: (5, 3),
    6: (0, 6), 7: (1, 7), 10: (1, 6), 8: (2, 8), 11: (0, 9),
}  # fmt: skip
LINKS = [(1, 2), (2, 3), (3, 4), (3, 5), (5, 9), (6, 10), (10, 8), (7, 8)]


def draw() -> tuple[NDArray[np.uint8], TrackGraph]:
    """Draw each cell as 2 × 3 pixels in a row of its own, and track them."""
    movie = np.zeros((6, 24, 8), np.uint8)
    rows = []
    for spot, (frame, label) in CELLS.items():
        y = 2 * (spot - 1)
        movie[frame, y : y + 2, 2:5] = label
        rows.append((spot, frame, 3.0, y + 0.5, label))
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y", "label"])
    spots = Spots.from_table(table, Calibration(), ndim=2, n_frames=6)
    return movie, TrackGraph.from_ids(spots, *np.array(LINKS).T)


def edges(graph: TrackGraph) -> set[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Give links by frame and place, whatever the ids are."""
    places = graph.spots.table[["frame", "x", "y"]].to_numpy()
    return {
        (tuple(places[a].tolist()), tuple(places[b].tolist()))
        for a, b in zip(graph.source, graph.target, strict=True)
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make labels.tif and t.geff."""
    movie, graph = draw()
    tifffile.imwrite(tmp_path / "labels.tif", movie, metadata={"axes": "TYX"}, ome=True)
    write_tracks(tmp_path / "t.geff", graph)
    return tmp_path


def test_tracks_become_runs_with_one_parent() -> None:
    _, graph = draw()
    plan = plan_ctc(graph)
    cells = graph.spots.id.tolist()
    label = dict(zip(cells, plan.label.tolist(), strict=True))
    assert label[1] == label[2] == label[3]
    assert label[6] == label[10]
    assert len({label[spot] for spot in (1, 4, 5, 9, 6, 7, 8, 11)}) == 8
    tracks = plan.tracks.set_index("label")
    assert tracks.loc[label[1]].tolist() == [0, 2, 0]
    assert tracks.loc[label[9]].tolist() == [5, 5, label[5]]
    assert tracks.loc[label[4], "parent"] == tracks.loc[label[5], "parent"] == label[1]
    assert tracks.loc[label[8], "parent"] == label[6]  # the longer of 6–10 and 7
    assert tracks.loc[label[11]].tolist() == [0, 0, 0]
    assert plan.n_gaps == 1
    assert plan.losses == ["1 links of 1 merges (a cell has one parent)"]


def test_written_and_read_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    words = ["convert", "t.geff", "01_RES", "--labels", "labels.tif"]
    assert run_command(words) == 2
    assert not (place / "01_RES").exists()
    assert run_command([*words, "--allow-loss"]) == 0
    names = sorted(path.name for path in (place / "01_RES").iterdir())
    assert names == [*(f"mask{t:03d}.tif" for t in range(6)), "res_track.txt"]
    assert tifffile.imread(place / "01_RES" / "mask000.tif").dtype == np.uint16
    again = read_tracks(place / "01_RES")[0]
    _, graph = draw()
    lost = ((1.0, 3.0, 12.5), (2.0, 3.0, 14.5))
    assert edges(again) == edges(graph) - {lost}
    assert again.spots.n_frames == 6
    assert again.spots.ndim == 2
    assert set(again.spots.feature("voxels")) == {6.0}
    assert run_command(["evaluate", "--truth", "01_RES", "--result", "01_RES"]) == 0


def test_cells_are_found_by_position_and_lost_ones_told(place: Path) -> None:
    _, graph = draw()
    table = graph.spots.table.drop(columns="label")
    table.loc[table["id"] == 11, "x"] = 7.0
    spots = Spots.from_table(table, Calibration(), ndim=2, n_frames=6)
    write_tracks(place / "p.geff", graph.with_spots(spots))
    lost = convert(
        place / "p.geff", place / "RES", labels=place / "labels.tif", allow_loss=True
    ).cells_and_links
    assert lost[0] == "1 spots that lie on no cell of their own, the first is 11; 0 links"
    assert len(read_tracks(place / "RES")[0].spots) == len(CELLS) - 1


def test_truth_has_its_names(place: Path) -> None:
    convert(place / "t.geff", place / "TRA", labels=place / "labels.tif", allow_loss=True)
    assert (place / "TRA" / "man_track.txt").is_file()
    assert (place / "TRA" / "man_track005.tif").is_file()
    assert len(read_tracks(place)[0].spots) == len(CELLS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["t.geff", "01_RES"], "give --labels"),
        (["t.geff", "t.xml", "--labels", "labels.tif"], "--labels is for a folder"),
        (["t.geff", "t.xml", "--dt", "2"], "the options say another: dt 1 frame and 2 frame"),
        (["nothing", "t.xml"], "not a name of a track file"),
        (["labels.tif", "t.xml"], "not a name of a track file"),
    ],
)
def test_what_does_not_go_is_one_line(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(place)
    before = sorted(place.iterdir())
    assert run_command(["convert", *words]) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
    assert sorted(place.iterdir()) == before


def test_two_spots_of_one_label_are_refused(place: Path) -> None:
    _, graph = draw()
    table = graph.spots.table.assign(label=graph.spots.table["label"].replace(9, 5))
    spots = Spots.from_table(table, Calibration(), ndim=2, n_frames=6)
    write_tracks(place / "d.geff", graph.with_spots(spots))
    with pytest.raises(UserError, match="several spots have the label 5 in frame 0"):
        convert(place / "d.geff", place / "RES", labels=place / "labels.tif", allow_loss=True)
    assert not (place / "RES").exists()


def test_a_parent_that_goes_on_is_refused(tmp_path: Path) -> None:
    for t in range(2):
        image = np.array([[1, t * 2]], np.uint16)
        tifffile.imwrite(tmp_path / f"mask{t:03d}.tif", image)
    (tmp_path / "res_track.txt").write_text("1 0 1 0\n2 1 1 1\n", encoding="utf-8")
    with pytest.raises(UserError, match="the parent 1 of tracklet 2"):
        read_tracks(tmp_path)


def test_calibration_is_given_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    convert(place / "t.geff", place / "RES", labels=place / "labels.tif", allow_loss=True)
    words = ["--voxel-size", "0.5,0.25", "--dt", "3", "--time-unit", "min"]
    assert run_command(["convert", "RES", "t.xml", *words]) == 0
    spots = read_tracks(place / "t.xml")[0].spots
    assert spots.calibration == Calibration(0.25, 0.5, 1.0, 3.0, "µm", "min")
    assert set(spots.positions[:, 0]) == {0.75}
    assert (spots.feature("time") == 3 * spots.frame).all()
    convert(place / "t.geff", place / "t.csv")
    assert run_command(["convert", "t.csv", "c.xml", "--voxel-size", "0.5,0.25"]) == 0
    spots = read_tracks(place / "c.xml")[0].spots
    assert set(spots.positions[:, 0]) == {3.0}
    assert spots.calibration.dx == 0.25
    # Tracks that hold their own take it again, and no other.
    assert run_command(["convert", "t.xml", "u.xml", "--dt", "180", "--time-unit", "s"]) == 0
    assert read_tracks(place / "u.xml")[0].spots.calibration.dt == 3


def test_times_and_speeds_are_those_of_the_step_that_is_given(tmp_path: Path) -> None:
    """A table of tracks is in frames; what is made of it with --dt 30 is in s."""
    spots = Spots.from_table(
        pd.DataFrame({"id": [1, 2], "frame": [0, 2], "x": [0.0, 60.0], "y": 0.0}),
        Calibration(),
        ndim=2,
    )
    write_tracks(tmp_path / "t.csv", TrackGraph.from_ids(spots, np.array([1]), np.array([2])))
    convert(tmp_path / "t.csv", tmp_path / "t.xml", options=InputSettings(dt=30))
    document = read_trackmate(tmp_path / "t.xml")
    assert document.graph.spots.feature("time").tolist() == [0, 60]
    assert document.edges.columns["SPEED"].tolist() == [1.0]
    assert document.tracks.columns["TRACK_DURATION"].tolist() == [60.0]


MINUTES = "frame,x (µm),y (µm),t (min),track_id\n0,10,1,0,4\n1,11,1,5,4\n2,12,1,10,4\n"
PIXELS = "frame,x [px],y [px],track_id\n0,10,1,4\n1,12,1,4\n"


@pytest.mark.parametrize(
    ("table", "options", "expected", "told"),
    [
        (MINUTES, "", (1, "µm", 5, "min", 10), ""),
        (MINUTES, "--voxel-size 0.5,0.25", (0.25, "µm", 5, "min", 10), ""),
        (MINUTES, "--space-unit nm", (1, "nm", 5, "min", 10), "states positions in µm, read as nm"),
        (MINUTES, "--time-unit s", (1, "µm", 300, "sec", 10), ""),
        (MINUTES, "--dt 5 --time-unit min", (1, "µm", 5, "min", 10), ""),
        (MINUTES, "--dt 7", (1, "µm", 7, "sec", 10), "the times in t (min) are not used"),
        (PIXELS, "--voxel-size 0.5,0.25", (0.25, "µm", 1, "frame", 10), "pixel, read as µm"),
        (PIXELS, "--voxel-size 1,0.5 --csv-units pixels", (0.5, "µm", 1, "frame", 5), ""),
    ],
)
@pytest.mark.parametrize("verb", ["convert", "report"])
def test_what_a_header_states_is_heeded_beside_options(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    table: str,
    options: str,
    expected: tuple[object, ...],
    told: str,
) -> None:
    """As `track` does: µm and 5 min had become pixels, frames or what the options said."""
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    graphs = []
    if verb == "convert":
        line = ["convert", "t.csv", "t.geff", "--quiet", *options.split()]
    else:
        monkeypatch.setattr(reporting, "write_report", lambda _, data: graphs.append(data.graph))
        line = ["report", "t.csv", "-o", "r.html", "--quiet", *options.split()]
    assert run_command(line) == 0
    warned = capsys.readouterr().err
    graph = graphs[0] if graphs else read_tracks(tmp_path / "t.geff")[0]
    size = graph.spots.calibration
    found = (size.dx, size.space_unit, size.dt, size.time_unit, graph.spots.positions[0, 0])
    assert found == expected
    assert told in warned


def test_a_table_in_pixels_needs_the_voxel_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text(PIXELS, encoding="utf-8")
    line = ["convert", str(tmp_path / "t.csv"), str(tmp_path / "t.xml"), "--csv-units", "pixels"]
    assert run_command(line) == 2
    assert "no voxel size is known; give --voxel-size" in capsys.readouterr().err
    assert not (tmp_path / "t.xml").exists()
