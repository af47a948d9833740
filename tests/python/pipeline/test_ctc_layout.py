"""Scores from the folders of the Cell Tracking Challenge."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from canonical_xml import DATA

from btrackmate.cli.main import run_command

pytestmark = pytest.mark.usefixtures("plain_report")

CASES = DATA / "cases"


def score(folder: Path, truth: object, result: object, *more: str) -> dict[str, float]:
    words = ["evaluate", "--truth", truth, "--result", result, "--json", folder / "s.json", *more]
    assert run_command([*(str(word) for word in words), "--overwrite", "--quiet"]) == 0
    return json.loads((folder / "s.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.fixture
def movies(tmp_path: Path) -> Path:
    for name in ("01_GT", "01_RES"):
        shutil.copytree(CASES / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", ["01_GT", "01_GT/SEG", "01_GT/TRA"])
def test_folders_of_the_truth(movies: Path, name: str) -> None:
    found = score(movies, movies / name, movies / "01_RES")
    assert found["SEG"] == 1.0
    assert found["n_images"] == (7 if name.endswith("TRA") else 2)
    assert found.get("TRA", 1.0) == 1.0
    assert ("TRA" in found) == (name != "01_GT/SEG")


def test_silver_truth_alone(movies: Path) -> None:
    (movies / "01_ST").mkdir()
    (movies / "01_GT" / "SEG").rename(movies / "01_ST" / "SEG")
    assert score(movies, movies / "01_ST", movies / "01_RES")["SEG"] == 1.0
    assert "SEG" in score(movies, movies / "01_GT", movies / "01_RES")  # its TRA is left


def test_results_without_a_table_and_four_digits(movies: Path) -> None:
    (movies / "01_RES" / "res_track.txt").unlink()
    for path in (movies / "01_RES").glob("*.tif"):
        path.rename(path.with_name(path.name.replace("mask", "mask0")))
    for path in (movies / "01_GT" / "SEG").glob("*.tif"):
        path.rename(path.with_name(path.name.replace("man_seg", "man_seg0")))
    found = score(movies, movies / "01_GT" / "SEG", movies / "01_RES")
    assert (found["SEG"], found["n_images"]) == (1.0, 2)


@pytest.mark.slow
def test_result_is_a_movie_or_a_run(movies: Path) -> None:
    frames = [tifffile.imread(path) for path in sorted((movies / "01_RES").glob("*.tif"))]
    movie = movies / "m.tif"
    tifffile.imwrite(movie, np.stack(frames).astype(np.float32), imagej=True,
                     metadata={"axes": "TYX" if frames[0].ndim == 2 else "TZYX"})  # fmt: skip
    assert score(movies, movies / "01_GT" / "SEG", movie)["SEG"] == 1.0
    words = ["run", "--labels", movie, "-o", movies / "run", "--quiet"]
    assert run_command([str(word) for word in words]) == 0
    assert score(movies, movies / "01_GT" / "SEG", movies / "run", "--segmentation")["SEG"] == 1.0
    words = ["run", "--labels", movies / "01_RES", "-o", movies / "run2", "--quiet"]
    assert run_command([str(word) for word in words]) == 0


def test_slices_of_volumes(tmp_path: Path) -> None:
    """man_seg_TTT_ZZZ: single slices of 3D frames."""
    truth, result = tmp_path / "01_GT" / "SEG", tmp_path / "01_RES"
    truth.mkdir(parents=True)
    result.mkdir()
    volume = np.zeros((2, 3, 8, 8), np.uint16)
    volume[0, 1, 2:6, 2:6] = 1
    volume[1, 2, 1:4, 1:4] = 2
    for t in range(2):
        tifffile.imwrite(result / f"mask{t:03d}.tif", volume[t], photometric="minisblack")
    tifffile.imwrite(truth / "man_seg_000_001.tif", volume[0, 1])
    tifffile.imwrite(truth / "man_seg_001_002.tif", np.roll(volume[1, 2], 1, axis=0))
    found = score(tmp_path, tmp_path / "01_GT", result, "--segmentation")
    names = [image["image"] for image in found["images"]]  # type: ignore[attr-defined]
    assert names == ["frame 0, slice 1", "frame 1, slice 2"]
    # Of the second cell 6 of 9 pixels are shared, 12 are either's.
    assert found["SEG"] == pytest.approx((1 + 6 / 12) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / "01_RES" / "mask005.tif").unlink(), "no image of frame 5"),
        (lambda f: [(f / "01_RES" / f"mask00{t}.tif").unlink() for t in (5, 6)],
         "01_RES: has no frame 5, which the truth has; it has 5 frames from 0 to 4"),
        (lambda f: shutil.rmtree(f / "01_GT" / "SEG"), None),
    ],
)  # fmt: skip
def test_missing_frames_are_named(
    movies: Path, break_it: object, message: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    break_it(movies)  # type: ignore[operator]
    words = ["evaluate", "--truth", movies / "01_GT", "--result", movies / "01_RES"]
    code = run_command([*(str(word) for word in words), "--quiet", "--segmentation"])
    if message is None:
        assert code == 0
        return
    assert code == 2
    assert message in capsys.readouterr().err


def test_a_data_set_names_its_movies(movies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "--truth", movies, "--result", movies / "01_RES", "--quiet"]
    assert run_command([str(word) for word in words]) == 2
    assert "a data set of several movies; give one of 01_GT" in capsys.readouterr().err


def test_a_frame_number_beyond_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(CASES / "01_RES", tmp_path / "r")
    (tmp_path / "r" / "mask003.tif").rename(tmp_path / "r" / "mask20000000000003.tif")
    words = ["evaluate", "--truth", CASES / "01_GT", "--result", tmp_path / "r", "--quiet"]
    assert run_command([str(word) for word in words]) == 2
    assert "no image of frame 3" in capsys.readouterr().err
