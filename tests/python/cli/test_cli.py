"""The command line as a user meets it: exit codes, one line, no half-written files."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_movies import dividing_cells, write_imagej

import btrackmate
from btrackmate.cli.main import run_command
from btrackmate.io.trackmate import read_trackmate

DISTANCES = [
    "--set",
    "LINKING_MAX_DISTANCE=5",
    "--set",
    "SPLITTING_MAX_DISTANCE=5",
]


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


def test_import_is_light() -> None:
    code = (
        "import sys, time, numpy, pandas; start = time.perf_counter(); import btrackmate;"
        "print(time.perf_counter() - start);"
        "print([n for n in ('tensorflow', 'qtpy', 'PyQt6', 'jpype', 'napari', 'numba',"
        " 'matplotlib', 'stardist', 'scyjava', 'imagej') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    assert float(seconds) < 0.3


def test_users_mistake_is_one_line_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", tmp_path / "none.tif", "-o", tmp_path / "out") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("btrackmate: ")
    assert "none.tif: no such file" in lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("run",),
        ("run", "--nonsense", "-o", "x"),
        ("track", "a.csv", "-o", "x.xml", "--tracker", "nonsense"),
        ("track", "a.csv", "-o", "x.xml", "--set", "LINKING_MAX_DISTANCE"),
        ("track", "a.csv", "-o", "x.xml", "--set", "LINKING_MAX_DISTANCE=-1"),
        ("track", "a.csv", "-o", "x.xml", "--spot-filter", "volume"),
        ("prune", "a.xml"),
        ("convert", "a.xml", "b.nonsense"),
    ],
)
def test_wrong_words_give_code_2(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_steps_one_by_one_equal_the_whole_run(
    tmp_path: Path, labels_3d: Path, image_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ["run", image_3d, "--labels", labels_3d, "-o", tmp_path / "run", "--quiet", *DISTANCES]
    assert call(*whole) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "run" / "report.html")
    spots, xml = tmp_path / "s.csv", tmp_path / "t.xml"
    assert call("measure", labels_3d, "--image", image_3d, "-o", spots, "--quiet") == 0
    voxel = ["--voxel-size", "2,0.5,0.5", "--space-unit", "µm", "--dt", "3", "--time-unit", "min"]
    assert call("track", spots, "-o", xml, "--quiet", *DISTANCES, *voxel) == 0
    a = read_trackmate(tmp_path / "run" / "tracks.xml").graph
    b = read_trackmate(xml).graph
    pd.testing.assert_frame_equal(a.links_table(), b.links_table())
    pd.testing.assert_frame_equal(a.spots.table, b.spots.table, check_like=True)


def test_prune_dry_run_lists_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    movie = dividing_cells(7)
    movie[5:][movie[5:] == 2] = 0
    labels = write_imagej(tmp_path / "l.tif", movie, "TZYX")
    xml = tmp_path / "t.xml"
    assert call("track", labels, "-o", xml, "--quiet", *DISTANCES) == 0
    capsys.readouterr()
    before = sorted(tmp_path.iterdir())
    assert call("prune", xml, "--min-tracklet-length", 3, "--dry-run", "--quiet") == 0
    out = capsys.readouterr().out
    assert out.count("short_leaf") >= 2
    assert "2 spots and" in out
    assert sorted(tmp_path.iterdir()) == before
    pruned = tmp_path / "p.xml"
    assert call("prune", xml, "--min-tracklet-length", 3, "-o", pruned, "--quiet") == 0
    assert len(read_trackmate(pruned).graph.spots) == len(read_trackmate(xml).graph.spots) - 2
    # in time units: 2 frames are 6 min
    capsys.readouterr()
    words = ["prune", xml, "--min-tracklet-length", 6, "--unit", "time", "--dry-run", "--quiet"]
    assert call(*words) == 0
    assert "0 spots and 0 links would go" in capsys.readouterr().out


def test_no_overwriting_without_the_option(tmp_path: Path, labels_3d: Path) -> None:
    out = tmp_path / "spots.csv"
    out.write_text("mine", encoding="utf-8")
    assert call("measure", labels_3d, "-o", out, "--quiet") == 2
    assert out.read_text(encoding="utf-8") == "mine"
    assert call("measure", labels_3d, "-o", out, "--quiet", "--overwrite") == 0
    assert out.read_text(encoding="utf-8").startswith("id,frame,time,x,y,z,radius,label,voxels")


@pytest.mark.slow
def test_evaluate_labels_against_themselves(
    tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", "--labels", labels_3d, "-o", tmp_path / "run", "--quiet", *DISTANCES) == 0
    tracks = tmp_path / "truth.txt"
    tracks.write_text("1 0 2 0\n11 3 5 1\n2 3 5 1\n7 0 5 0\n", encoding="utf-8")
    movie = dividing_cells()
    movie[3:][movie[3:] == 1] = 11  # tracklets: the mother and her daughters have their own ids
    truth = write_imagej(tmp_path / "truth.tif", movie, "TZYX")
    scores = tmp_path / "scores.json"
    words = ["evaluate", "--truth", truth, "--truth-tracks", tracks, "--result", tmp_path / "run"]
    assert call(*words, "--json", scores, "--quiet") == 0
    values = pd.read_json(scores, typ="series")
    for name in ("SEG", "DET", "TRA", "LNK", "CHOTA", "link_f1", "division_f1", "AP_0.9"):
        assert values[name] == pytest.approx(1.0), name
    assert values["btrackmate"] == btrackmate.__version__
    assert values["inputs"] == {
        "truth": str(truth),
        "result": str(tmp_path / "run"),
        "truth_tracks": str(tracks),
        "result_tracks": None,
        "mask": None,
    }
    assert values["settings"]["ssim_window"] == 7


@pytest.mark.slow
def test_report_is_made_again(tmp_path: Path, labels_3d: Path) -> None:
    assert call("run", "--labels", labels_3d, "-o", tmp_path / "run", "--quiet", *DISTANCES) == 0
    report = tmp_path / "run" / "report.html"
    report.unlink()
    assert call("report", tmp_path / "run") == 0
    text = report.read_text(encoding="utf-8")
    assert "<h1>labels.tif</h1>" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_axes_of_a_plain_tiff_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tifffile

    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, dividing_cells()[:, 2], photometric="minisblack")
    assert call("measure", plain, "-o", tmp_path / "s.csv", "--quiet") == 2
    assert "--axes" in capsys.readouterr().err
    assert call("measure", plain, "-o", tmp_path / "s.csv", "--axes", "TYX", "--quiet") == 0
    assert len(np.unique(pd.read_csv(tmp_path / "s.csv")["frame"])) == 6


def write_folder(folder: Path, images: dict[str, np.ndarray]) -> Path:
    folder.mkdir()
    for name, labels in images.items():
        write_imagej(folder / f"{name}.tif", labels, "ZYX"[3 - labels.ndim :])
    return folder


@pytest.mark.slow
def test_evaluate_folders_by_file_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Image `a` is found whole, `b` not at all: paired by order they would be the other way."""
    full = np.zeros((9, 9), np.uint16)
    full[2:6, 2:6] = 5
    truth = write_folder(tmp_path / "truth", {"a": full, "b": full})
    result = write_folder(tmp_path / "result", {"b": 0 * full, "a": full})
    (result / ".hidden.tif").write_bytes(b"no image")
    words = ["evaluate", "--segmentation", "--truth", truth, "--result", result, "--quiet"]
    names = {kind: tmp_path / f"scores.{kind}" for kind in ("json", "csv", "png", "svg")}
    outputs = ["--json", names["json"], "--table", names["csv"], "--plot", names["png"]]
    assert call(*words, *outputs) == 0
    shown = capsys.readouterr().out
    assert "   0.5      1      0      1     1.0000    0.5000    0.6667    0.5000" in shown
    table = pd.read_csv(names["csv"], index_col="image")
    assert table["AP_0.5"].to_dict() == {"a": 1.0, "b": 0.0, "pooled": 0.5}
    assert table.loc["b", "MSE"] == pytest.approx(16 / 81, abs=1e-6)
    values = json.loads(names["json"].read_text(encoding="utf-8"))
    assert [one["image"] for one in values["images"]] == ["a", "b"]
    assert values["AP_0.5"] == 0.5
    assert names["png"].read_bytes().startswith(b"\x89PNG")
    assert call(*words, "--plot", names["svg"]) == 0
    assert "IoU threshold" in names["svg"].read_text(encoding="utf-8")
    assert call(*words, "--plot", names["png"]) == 2
    assert "exists" in capsys.readouterr().err


def test_evaluate_names_files_that_do_not_pair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = np.ones((4, 4), np.uint16)
    truth = write_folder(tmp_path / "truth", {"a": cell, "b": cell})
    result = write_folder(tmp_path / "result", {"a": cell, "c": cell})
    words = ["evaluate", "--segmentation", "--quiet", "--truth", truth, "--result"]
    assert call(*words, result) == 2
    message = capsys.readouterr().err
    assert "b.tif" in message
    assert "c.tif" in message
    assert call(*words, result / "a.tif") == 2
    assert "is a folder of label images" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert call(*words, tmp_path / "empty") == 2
    assert "holds no label image" in capsys.readouterr().err
    assert call(*words, result, "--plot", tmp_path / "s.gif") == 2
    assert "expected a name that ends in .png" in capsys.readouterr().err
