"""Inputs that went wrong: the smallest that show situations from public bug reports."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
from trackmate_structure import check_structure

from btrackmate.cli.main import run_command
from btrackmate.io.track_formats import read_tracks
from btrackmate.io.trackmate import read_trackmate

pytestmark = pytest.mark.usefixtures("plain_report")

CASES = Path(__file__).parents[2] / "data" / "cases"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of the cases."""
    folder = tmp_path / "cases"
    shutil.copytree(CASES, folder)
    monkeypatch.chdir(folder)
    return folder


def call(*words: str, code: int = 0) -> None:
    assert run_command([*words, *(() if words[0] in ("evaluate",) else ("--overwrite",))]) == code


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Give the one line that a mistake is answered with."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("btrackmate: ")
    return lines[0]


def first_row(path: str) -> dict[str, float]:
    return pd.read_csv(path).iloc[0].to_dict()


def test_01_numeric_spot_names(here: Path) -> None:
    call("convert", "all_numeric.xml", "out1.xml")
    call("prune", "all_numeric.xml", "-o", "out4.xml", "--min-tracklet-length", "2")
    for name in ("out1.xml", "out4.xml"):
        root = check_structure(here / name, sections=False)
        assert [spot.get("name") for spot in root.iter("Spot")] == ["1", "2", "3", "4"]
        assert len(list(root.iter("Edge"))) == 3


def test_02_z_is_kept_whatever_nslices_says(here: Path) -> None:
    call("convert", "z_nslices1.xml", "out.geff")
    call("convert", "out.geff", "back.csv")
    assert pd.read_csv("back.spots.csv")["z"].tolist() == [3.5, 4.5, 5.5, 6.5]


def test_03_decimal_comma(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("track", "semicolon.csv", "-o", "o1.csv")
    graph = read_tracks(here / "o1.csv")[0]
    assert (len(graph.spots), graph.n_links, graph.n_tracks) == (8, 6, 2)
    assert graph.spots.positions[0].tolist() == [10.5, 20.25, 1.5]
    capsys.readouterr()
    call("convert", "position.xml", "o5.csv", code=2)
    assert "spot ID 1: POSITION_X is '10,0', expected a number" in one_line(capsys)
    call("convert", "roi.xml", "o7.xml", code=2)
    assert "outline (ROI) with '-1,5'" in one_line(capsys)
    assert not list(here.glob("o5*")) + list(here.glob("o7*"))


@pytest.mark.parametrize("name", ["pandas_index", "trackmate6"])
def test_04_column_without_name(name: str, here: Path, caplog: pytest.LogCaptureFixture) -> None:
    call("run", "--spots", f"{name}.csv", "-o", "run")
    root = check_structure(here / "run" / "tracks.xml")
    assert len(list(root.iter("Spot"))) == 8
    assert len(list(root.iter("Edge"))) == 6
    assert len(list(root.iter("Track"))) == 2
    assert not [f for f in root.iter("Feature") if not str(f.get("feature")).strip("_ ")]
    assert "column 1 has no name and is left out" in caplog.text
    assert len(read_tracks(here / "run" / "tracks.geff")[0].spots) == 8


def test_05_slash_in_header(here: Path) -> None:
    import geff

    call("track", "speed.csv", "-o", "speed.geff")
    geff.validate_structure(here / "speed.geff")
    call("convert", "speed.geff", "back.csv")
    assert pd.read_csv("back.spots.csv")["Speed (µm/s)"].tolist() == [1.5, 1.6, 1.7]


def test_06_unit_of_another_axis(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("measure", "zunit_pixel.tif", "-o", "o0.csv", code=2)
    assert "axis Z the unit 'pixel'" in one_line(capsys)
    size = ("--voxel-size", "2,0.5,0.5", "--space-unit", "um")
    call("measure", "zunit_pixel.tif", "-o", "o1.csv", *size)
    row = first_row("o1.csv")
    assert len(pd.read_csv("o1.csv")) == 8
    assert [row[name] for name in ("x", "y", "z", "volume")] == [2.75, 2.75, 4.0, 54.0]
    call("measure", "zunit_sec_2d.tif", "-o", "o3.csv")
    assert first_row("o3.csv")["x"] == 2.75


def test_07_geff_scale(here: Path) -> None:
    call("convert", "scaled.geff", "o1.xml")
    spots = read_trackmate(here / "o1.xml").graph.spots
    assert spots.table["x"].tolist() == pytest.approx([2.4, 4.8, 7.2, 9.6])
    assert spots.table["time"].tolist() == [0, 5, 10, 15]
    assert spots.calibration.space_unit == "µm"
    assert (spots.calibration.dx, spots.calibration.dt) == (0.24, 5.0)
    assert spots.calibration.time_unit == "min"


def test_08_geff_real_times(here: Path) -> None:
    call("convert", "evenfloat.geff", "o1.xml")
    spots = read_trackmate(here / "o1.xml").graph.spots
    assert spots.frame.tolist() == [0, 1, 2, 3]
    assert spots.table["time"].tolist() == [0, 2.5, 5, 7.5]
    assert (spots.calibration.dt, spots.calibration.time_unit) == (2.5, "sec")


def test_09_session_is_kept(here: Path) -> None:
    call("track", "session.xml", "-o", "relinked.xml")
    before = ET.parse("session.xml").getroot()
    after = check_structure(here / "relinked.xml", sections=False)
    data, kept = before.find("Settings/ImageData"), after.find("Settings/ImageData")
    assert data is not None
    assert kept is not None
    assert data.attrib == kept.attrib
    names = [spot.get("name") for spot in before.iter("Spot")]
    assert [spot.get("name") for spot in after.iter("Spot")] == names
    assert len(list(after.iter("Edge"))) == 3
    call("track", "labels.tif", "-o", "tracks.xml")
    data = read_trackmate(here / "tracks.xml").image_data
    check_structure(here / "tracks.xml")
    assert data["filename"] == "labels.tif"
    assert [data[key] for key in ("width", "height", "nslices", "nframes")] == [
        "32",
        "24",
        "5",
        "4",
    ]


def test_10_float_labels(here: Path) -> None:
    call("measure", "trackmate_export.tif", "-o", "o1.csv")
    row = first_row("o1.csv")
    assert len(pd.read_csv("o1.csv")) == 8
    wanted = {"x": 2.75, "y": 2.75, "z": 4.0, "label": 1, "volume": 54}
    assert {name: row[name] for name in wanted} == wanted


def test_11_one_time_point(here: Path) -> None:
    call("measure", "imagej.tif", "-o", "o2.csv")
    assert len(pd.read_csv("o2.csv")) == 2
    call("measure", "imagej.tif", "-o", "o3.csv", "--axes", "TZYX")
    pd.testing.assert_frame_equal(pd.read_csv("o2.csv"), pd.read_csv("o3.csv"))
    call("track", "imagej.tif", "-o", "t.xml")
    call("run", "--labels", "imagej.tif", "-o", "run")
    for name in ("t.xml", "run/tracks.xml"):
        assert len(list(check_structure(here / name).iter("Spot"))) == 2


def test_12_track_id_called_id(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ((), ("--skip-bad-rows",)):
        call("track", "napari_tracks.csv", "-o", "o1.csv", *more, code=2)
        line = one_line(capsys)
        assert "ID 1 stands in several rows, one a frame: it is the id of tracks" in line
        assert "--skip-bad-rows" not in line


def test_13_bool_column(here: Path) -> None:
    call("track", "dividing.csv", "-o", "o3.csv")
    assert pd.read_csv("o3.spots.csv")["dividing"].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


def test_14_seg_folder(here: Path) -> None:
    import json

    words = ("evaluate", "--truth", "01_GT/SEG", "--result", "01_RES", "--segmentation")
    call(*words, "--json", "seg.json")
    scores = json.loads(Path("seg.json").read_text(encoding="utf-8"))
    assert scores["SEG"] == 1.0
    assert [image["image"] for image in scores["images"]] == ["frame 2", "frame 5"]
    call("evaluate", "--truth", "01_GT", "--result", "01_RES", "--json", "both.json")
    scores = json.loads(Path("both.json").read_text(encoding="utf-8"))
    assert (scores["SEG"], scores["TRA"], scores["n_truth_divisions"]) == (1.0, 1.0, 1)


def test_15_geff_without_axes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("convert", "noaxes.geff", "o1.csv", code=2)
    line = one_line(capsys)
    assert "does not name its axes" in line
    assert "write it with axes" in line


def test_16_export_of_tracks(here: Path) -> None:
    call("convert", "simple_tracks.xml", "o.xml")
    check_structure(here / "o.xml")
    graph = read_tracks(here / "o.xml")[0]
    assert (len(graph.spots), graph.n_links) == (4, 3)
    assert (graph.spots.calibration.dt, graph.spots.calibration.space_unit) == (2.5, "µm")


def test_17_encoding(here: Path) -> None:
    call("track", "latin1.csv", "-o", "o1.xml")
    spots = read_trackmate(here / "o1.xml").graph.spots
    assert (len(spots), spots.calibration.space_unit) == (8, "µm")


def test_18_time_taken_for_frame(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    call("track", "seconds_in_t.csv", "-o", "o1.csv")
    assert "steps of 24 with nothing between" in caplog.text
    assert "--csv-time time" in caplog.text
    caplog.clear()
    call("track", "seconds_in_t.csv", "-o", "o2.xml", "--csv-time", "time")
    graph = read_tracks(here / "o2.xml")[0]
    assert graph.n_links == 10
    assert graph.spots.calibration.dt == 24
    assert graph.spots.table["time"].tolist()[:3] == [48, 48, 72]
    assert "nothing between" not in caplog.text
