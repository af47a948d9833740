"""Every verb prints which files it wrote, always."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from btrackmate.cli.main import run_command


def list_files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not any(p.suffix in (".geff", ".zarr")
            for p in path.parents)}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, labels_3d: Path) -> Path:
    """Labels, a mask, and tracks in three formats."""
    mask = np.zeros((24, 24), np.uint8)
    mask[:12] = 1
    tifffile.imwrite(tmp_path / "mask.tif", mask, imagej=True, metadata={"axes": "YX"})
    words = ["track", str(labels_3d), "--quiet", "--tracker", "lap"]
    words += ["--set", "LINKING_MAX_DISTANCE=5", "-o"]
    for name in ("t.xml", "t.geff", "t.csv"):
        assert run_command([*words, str(tmp_path / name)]) == 0
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "measure labels.tif -o m.csv --mask mask.tif --dropped gone.csv",
        "track labels.tif -o n.xml",
        "track labels.tif -o n.xml.gz",
        "track labels.tif -o n.geff",
        "track labels.tif -o n.csv",
        "track t.xml -o n.spots.csv",
        "prune t.xml -o n.csv --min-tracklet-length 9",
        "filter t.geff -o n.csv --track-filter n_spots>2 --dropped gone.csv",
        "relabel t.csv labels.tif -o n.tif --unpainted left.csv",
        "convert t.csv n.xml",
        "convert t.xml n.csv",
        "convert t.xml n.geff",
        "evaluate --truth t.xml --result t.csv --json j.json --differences d.csv",
        "evaluate --truth labels.tif --result labels.tif --json j.json --table t --plot p.png",
        "report t.xml --table table.csv",
        "report t.geff -o there.html",
        "train-linking t.xml -o w.yaml",
        "run --labels labels.tif --mask mask.tif -o run --tracker lap",
    ],
)
def test_all_that_is_written_is_printed(
    folder: Path,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    before = list_files(Path())
    capsys.readouterr()
    assert run_command([*line.split(), "--quiet"]) == 0
    written = {path for path in list_files(Path()) - before if path != Path("run")}
    printed = {Path(text) for text in capsys.readouterr().out.splitlines() if Path(text).exists()}
    assert written
    assert written <= printed
