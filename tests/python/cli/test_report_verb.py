"""`btrackmate report` of any tracks: what it shows, writes and refuses."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.core.track_features import make_tracks_table
from btrackmate.io.track_formats import write_tracks
from btrackmate.io.trackmate import Session
from btrackmate.tracking import FeatureFilter, filter_tracks


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


def make_graph() -> TrackGraph:
    """Make two tracks: 1-2 divides into 3-5 and 4; 6-7 over a missed frame; 8 alone. dt 2 min."""
    rows = [(1, 0, 0.0), (2, 1, 1.0), (3, 2, 2.0), (4, 2, 4.0), (5, 3, 3.0)]
    rows += [(6, 0, 9.0), (7, 2, 12.0), (8, 0, 15.0)]
    table = pd.DataFrame(rows, columns=["id", "frame", "x"]).assign(y=3.0, z=0.0, radius=1.0)
    size = Calibration(dt=2.0, space_unit="µm", time_unit="min")
    spots = Spots.from_table(table, size, ndim=2, n_frames=4)
    links = np.array([(1, 2), (2, 3), (2, 4), (3, 5), (6, 7)])
    return TrackGraph.from_ids(spots, *links.T)


def test_a_row_of_the_table_is_a_track() -> None:
    table = make_tracks_table(make_graph())
    assert table["track"].tolist() == [0, 1]
    columns = ["first_frame", "last_frame", "n_spots", "n_tracklets", "n_generations"]
    assert table[columns].values.tolist() == [[0, 3, 5, 3, 2], [0, 2, 2, 1, 1]]
    assert table[["n_divisions", "n_gaps", "longest_gap"]].values.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert table[["duration", "start", "stop"]].values.tolist() == [[6, 0, 6], [4, 0, 4]]
    assert table["total_distance"].tolist() == [1 + 1 + 3 + 1, 3]
    assert table["mean_speed"].tolist() == pytest.approx([(0.5 + 0.5 + 1.5 + 0.5) / 4, 0.75])
    assert np.isnan(table["std_speed"][1]), "one link has no deviation"
    assert make_tracks_table(make_graph(), np.array([9, 5]))["track"].tolist() == [9, 5]
    empty = make_tracks_table(make_graph().keep_links(np.zeros(5, bool)))
    assert len(empty) == 0
    assert list(empty) == list(table)


@pytest.mark.parametrize("name", ["duration", "n_spots", "mean_speed", "total_distance"])
def test_columns_are_the_names_that_filters_take(name: str) -> None:
    table = make_tracks_table(make_graph())
    one = FeatureFilter.parse(f"{name}>{table[name][1]}")
    kept = filter_tracks(make_graph(), [one]).graph
    assert kept.n_tracks == int((table[name] > table[name][1]).sum())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "report"),
    [("a.xml", "a.report.html"), ("a.xml.gz", "a.report.html"), ("a.geff", "a.report.html"),
     ("a.csv", "a.report.html")],
)  # fmt: skip
def test_tracks_of_every_format(
    tmp_path: Path, source: str, report: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tracks(tmp_path / source, make_graph())
    table = tmp_path / "tracks.csv"
    assert call("report", tmp_path / source, "--table", table, "--quiet") == 0
    assert capsys.readouterr().out.splitlines() == [str(table), str(tmp_path / report)]
    text = (tmp_path / report).read_text(encoding="utf-8")
    for value, words in ((8, "cells (spots)"), (5, "links"), (2, "tracks"), (1, "divisions")):
        assert f"<b>{value}</b><span>{words}</span>" in text
    assert "pruned" not in text
    assert f"<h1>{source}</h1>" in text
    assert pd.read_csv(table)["n_spots"].tolist() == [5, 2]
    assert call("report", tmp_path / source, "--quiet") == 2
    assert "exists already" in capsys.readouterr().err
    assert call("report", tmp_path / source, "--quiet", "--overwrite") == 0


def test_tracks_without_a_calibration_have_that_of_the_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Others have their own, and no other."""
    for name in ("t.csv", "t.xml"):
        write_tracks(tmp_path / name, make_graph())
    words = ("--dt", 5, "--time-unit", "min", "--table", tmp_path / "a.csv")
    assert call("report", tmp_path / "t.csv", *words) == 0
    assert pd.read_csv(tmp_path / "a.csv")["duration"].tolist() == [15, 10]
    page = (tmp_path / "t.report.html").read_text(encoding="utf-8")
    assert "time between frames is not known" not in page
    assert call("report", tmp_path / "t.xml", "-o", tmp_path / "x.html", "--dt", 5) == 2
    assert "dt 2 min and 5 min" in capsys.readouterr().err


def test_the_table_lies_in_the_page(tmp_path: Path) -> None:
    write_tracks(tmp_path / "a.xml", make_graph())
    assert call("report", tmp_path / "a.xml", "--quiet") == 0
    text = (tmp_path / "a.report.html").read_text(encoding="utf-8")
    code = re.search(r'download="track_features.csv" href="data:text/csv;base64,([^"]+)"', text)
    assert code is not None
    table = pd.read_csv(io.BytesIO(base64.b64decode(code[1])))
    whole = make_tracks_table(make_graph())
    pd.testing.assert_frame_equal(table, whole, rtol=1e-5, check_dtype=False)


def test_hidden_tracks_are_left_out_and_ids_are_trackmates(tmp_path: Path) -> None:
    write_tracks(tmp_path / "a.xml", make_graph())
    text = (tmp_path / "a.xml").read_text(encoding="utf-8")
    text = text.replace('TRACK_ID="1"', 'TRACK_ID="77"').replace('TRACK_ID="0"', 'TRACK_ID="5"')
    (tmp_path / "a.xml").write_text(text.replace('<TrackID TRACK_ID="5" />', ""), encoding="utf-8")
    table = tmp_path / "t.csv"
    assert call("report", tmp_path / "a.xml", "--table", table, "--quiet") == 0
    assert pd.read_csv(table)[["track", "n_spots"]].values.tolist() == [[77, 2]]
    report = (tmp_path / "a.report.html").read_text(encoding="utf-8")
    assert "1 tracks that TrackMate hides are left out" in report
    assert "<b>3</b><span>cells (spots)</span>" in report


@pytest.mark.slow
def test_the_image_that_a_trackmate_file_names_is_shown(
    tmp_path: Path, image_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = make_graph()
    session = Session(image_path=image_3d, image_shape=(6, 1, 6, 24, 24))
    write_tracks(tmp_path / "a.xml", graph, session=session)
    assert call("report", tmp_path / "a.xml", "--quiet") == 0
    shown = (tmp_path / "a.report.html").read_text(encoding="utf-8")
    assert "only positions are shown" not in shown
    write_imagej(image_3d, dividing_cells(2), "TZYX")
    assert call("report", tmp_path / "a.xml", "--quiet", "--overwrite") == 0
    assert "has frames 0 to 1, the tracks have spots up to frame 3" in capsys.readouterr().err
    assert call("report", tmp_path / "a.xml", "--image", image_3d, "--overwrite", "--quiet") == 2
    image_3d.unlink()
    assert call("report", tmp_path / "a.xml", "--quiet", "--overwrite") == 0
    text = (tmp_path / "a.report.html").read_text(encoding="utf-8")
    assert "only positions are shown" in text


@pytest.mark.slow
def test_a_run_folder_elsewhere_and_with_moved_labels(
    tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--labels", labels_3d, "-o", tmp_path / "run", "--quiet", "--tracker", "lap"]
    assert call(*words, "--set", "LINKING_MAX_DISTANCE=5") == 0
    moved = labels_3d.rename(tmp_path / "moved.tif")
    before = (tmp_path / "run" / "report.html").read_bytes()
    output = tmp_path / "other.html"
    assert call("report", tmp_path / "run", "-o", output, "--labels", moved, "--quiet") == 0
    assert "only positions" not in output.read_text(encoding="utf-8")
    assert (tmp_path / "run" / "report.html").read_bytes() == before
    assert call("report", tmp_path / "run", "--quiet") == 0
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert f"The file of the labels, {labels_3d.name}, is gone and not shown." in text
    assert "only positions" in text
    told = f"{labels_3d}, the file of the labels, is gone and not shown; if it was moved, give it"
    assert f"{told} with --labels" in capsys.readouterr().err
    for wrong, message in (
        (tmp_path / "none", "no run folder and no tracks"),
        (tmp_path, "has no run.yaml"),
        (moved, "no run folder and no tracks"),
        (tmp_path / "none.csv", "is not there"),
        (tmp_path / "none.xml", "none.xml"),
    ):
        assert call("report", wrong) == 2
        assert message in capsys.readouterr().err
