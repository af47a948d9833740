"""`track` on tracks: links are made anew, everything else stays."""

import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from canonical_xml import DATA
from tiny_movies import dividing_cells, write_imagej
from trackmate_structure import check_structure

from btrackmate.cli.main import run_command
from btrackmate.io.track_formats import read_tracks
from btrackmate.io.trackmate import read_trackmate
from btrackmate.pipeline.converting import convert

ORACLE = DATA / "trackmate-oracle" / "labels_small" / "trackmate.xml.gz"


def call(*words: object) -> int:
    return run_command([*(str(word) for word in words), "--quiet"])


def test_a_whole_session_stays(tmp_path: Path) -> None:
    """Image, detector, initial and spot filters, analyzers, display settings, spot features."""
    out = tmp_path / "t.xml"
    assert call("track", ORACLE, "-o", out, "--tracker", "nearest") == 0
    before, after = read_trackmate(ORACLE), read_trackmate(out)
    check_structure(out)
    assert after.image_data == before.image_data
    assert after.detector == before.detector
    assert after.track_filters == before.track_filters
    assert after.display_settings == before.display_settings
    assert after.tracker[0] == "NEAREST_NEIGHBOR_TRACKER"
    for place in ("Settings/InitialSpotFilter", "Settings/AnalyzerCollection", "GUIState"):
        old, new = before.root.find(place), after.root.find(place)
        assert ET.tostring(old) == ET.tostring(new), place  # type: ignore[arg-type]
    a, b = before.graph.spots.table, after.graph.spots.table
    assert set(a.columns) <= set(b.columns)
    np.testing.assert_array_equal(a["mean_intensity_ch1"], b["mean_intensity_ch1"])
    assert before.log in after.log


@pytest.mark.parametrize("words", [("track", ORACLE), ("run", "--spots", ORACLE)])
def test_another_calibration_than_that_of_the_tracks_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[object, ...]
) -> None:
    """Nothing would heed it: positions and times are in the units of the file."""
    size = read_trackmate(ORACLE).graph.spots.calibration
    other = ("--dt", 7 * size.dt, "--time-unit", size.time_unit)
    assert call(*words, "-o", tmp_path / "a.xml", *other) == 2
    assert f"dt {size.dt:g} {size.time_unit} and {7 * size.dt:g}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    same = ("--voxel-size", f"{size.dz},{size.dy},{size.dx}", "--dt", size.dt)
    assert call("track", ORACLE, "-o", tmp_path / "a.xml", *same) == 0


def test_filters_that_are_given_replace_the_sessions(tmp_path: Path) -> None:
    out = tmp_path / "t.xml"
    assert call("track", ORACLE, "-o", out, "--track-filter", "duration>=30") == 0
    assert [one.value for one in read_trackmate(out).track_filters] == [30.0]


def test_hidden_spots_are_kept_and_not_linked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """TrackMate's trackers do not see what its spot filters hide."""
    caplog.set_level("INFO")
    source = tmp_path / "s.xml"
    text = (DATA / "trackmate-xml" / "FakeTracks_mastodon.xml").read_text(encoding="utf-8")
    shown = len(re.findall('VISIBILITY="1"', text))
    hidden_id = re.findall(r'<Spot ID="(\d+)"', text)[5]
    text = re.sub(rf'(<Spot ID="{hidden_id}".*?)VISIBILITY="1"', r'\1VISIBILITY="0"', text, count=1)
    source.write_text(text, encoding="utf-8")
    out = tmp_path / "t.xml"
    assert call("track", source, "-o", out) == 0
    graph = read_trackmate(out).graph
    assert len(graph.spots) == shown
    row = int(np.flatnonzero(graph.spots.id == int(hidden_id))[0])
    assert (graph.out_degree[row], graph.in_degree[row]) == (0, 0)
    assert graph.spots.table["VISIBILITY"].iloc[row] == 0
    assert graph.n_links > 50
    assert "1 of its spots are hidden" in caplog.text


def test_another_image_gives_its_name_and_size(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    movie = write_imagej(tmp_path / "other.tif", dividing_cells(8), "TZYX")
    out = tmp_path / "t.xml"
    assert call("track", DATA / "cases" / "session.xml", "--image", movie, "-o", out) == 0
    data = read_trackmate(out).image_data
    wanted = {"filename": "other.tif", "folder": "", "width": "24", "height": "24",
              "nslices": "6", "nframes": "8"}  # fmt: skip
    assert {key: data[key] for key in wanted} == wanted
    crop = read_trackmate(out).root.find("Settings/BasicSettings")
    assert crop is None or crop.get("zend") == "5"
    assert "are calibrated differently" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["geff", "xml.gz"])
def test_other_endings(tmp_path: Path, ending: str) -> None:
    source = tmp_path / f"s.{ending}"
    if ending == "geff":
        convert(DATA / "cases" / "session.xml", source)
    else:
        shutil.copy(ORACLE, source)
    assert call("track", source, "-o", tmp_path / "t.xml") == 0
    check_structure(tmp_path / "t.xml")
    assert call("track", source, "-o", tmp_path / "t.csv") == 0
    assert read_tracks(tmp_path / "t.csv")[0].n_links > 0


def test_labels_name_themselves_as_the_image(tmp_path: Path, labels_3d: Path) -> None:
    (tmp_path / "deep").mkdir()
    image = write_imagej(tmp_path / "deep" / "i.tif", dividing_cells(), "TZYX")
    for more, name in (((), "labels.tif"), (("--image", image), "i.tif")):
        assert call("track", labels_3d, *more, "-o", tmp_path / "t.xml", "--overwrite") == 0
        data = read_trackmate(tmp_path / "t.xml").image_data
        assert data["filename"] == name
        assert (data["width"], data["nslices"], data["nframes"]) == ("24", "6", "6")
        assert (data["pixelwidth"], data["voxeldepth"]) == ("0.5", "2.0")


def test_exports_of_tracks_can_be_linked_again(tmp_path: Path) -> None:
    assert call("track", DATA / "cases" / "simple_tracks.xml", "-o", tmp_path / "t.xml") == 0
    check_structure(tmp_path / "t.xml")
    assert read_trackmate(tmp_path / "t.xml").graph.n_links == 3


def test_frames_in_steps_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (DATA / "cases" / "session.xml").read_text(encoding="utf-8")
    text = re.sub(r'(frame|FRAME)="([1-9])"', lambda m: f'{m[1]}="{int(m[2]) * 10}"', text)
    (tmp_path / "s.xml").write_text(text, encoding="utf-8")
    assert call("track", tmp_path / "s.xml", "-o", tmp_path / "t.xml") == 0
    assert "its frames are 0, 10, 20, …, steps of 10 with nothing between" in caplog.text
