"""`btrackmate segment` with the shipped networks: what it writes, and bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from extras import needs
from tiny_movies import write_imagej

from btrackmate.cli.main import run_command
from btrackmate_samples.training_set import make_training_volumes

pytestmark = needs("stardist")


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = next(make_training_volumes(1, seed=3, shape=(12, 64, 64))).image
    return write_imagej(tmp_path_factory.mktemp("volume") / "v.tif", image, "ZYX")


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


def test_labels_and_a_table_beside_them(
    tmp_path: Path, volume: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("segment", volume, "-o", tmp_path / "l.tif") == 0
    labels = tifffile.imread(tmp_path / "l.tif")
    cells = pd.read_csv(tmp_path / "l.cells.csv")
    assert labels.shape == (12, 64, 64)
    assert len(cells) == labels.max() > 3
    assert set(cells["origin"]) <= {"stardist", "unet", "rescued"}
    assert cells["agreement"].between(0, 1).sum() > 0
    assert f"{len(cells)} cells" in capsys.readouterr().out
    assert call("segment", volume, "-o", tmp_path / "l.tif") == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.slow
def test_blocks_and_a_region_of_interest(tmp_path: Path, volume: Path) -> None:
    roi = np.zeros((64, 64), np.uint8)
    roi[:, :40] = 1
    tifffile.imwrite(tmp_path / "roi.tif", roi)
    words = ["--voxel-size", "4.5,1.3,1.3", "--roi", tmp_path / "roi.tif"]
    assert call("segment", volume, "-o", tmp_path / "a.tif", *words) == 0
    blocks = [*words, "--block", "12,24,30"]
    assert call("segment", volume, "-o", tmp_path / "c.ome.zarr", *blocks) == 0
    assert call("segment", volume, "-o", tmp_path / "b.tif", *blocks) == 0
    whole, parts = (tifffile.imread(tmp_path / f"{name}.tif") for name in "ab")
    assert whole.any()
    assert not whole[:, :, 40:].any()
    assert not parts[:, :, 40:].any()
    assert ((whole > 0) == (parts > 0)).mean() > 0.999
    assert (tmp_path / "c.cells.csv").read_bytes() == (tmp_path / "b.cells.csv").read_bytes()
    assert not list(tmp_path.glob(".*.work"))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3, 10, 10), (1, 40, 40), (2, 1, 30)])
def test_images_smaller_than_a_tile(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 200, shape).astype(np.uint8)
    path = write_imagej(tmp_path / "small.tif", image, "ZYX")
    assert call("segment", path, "-o", tmp_path / "l.tif", "--quiet") == 0
    assert tifffile.imread(tmp_path / "l.tif").shape[-2:] == shape[-2:]


@pytest.mark.parametrize("output", ["l.tif", "folder"])
def test_a_version_of_ome_zarr_needs_an_ome_zarr(
    tmp_path: Path, volume: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    image = volume if output == "l.tif" else volume.parent
    assert call("segment", image, "-o", tmp_path / output, "--ome-zarr", "0.5") == 2
    assert f"{output} is no OME-Zarr: leave --ome-zarr out" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_constant_image_has_no_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_imagej(tmp_path / "flat.tif", np.full((4, 32, 32), 9, np.uint8), "ZYX")
    assert call("segment", path, "-o", tmp_path / "l.tif") == 0
    said = capsys.readouterr()
    assert "no cells" in said.out
    assert "the image is constant" in said.err


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("more", [[], ["--block", "4,16,16"]])
def test_nan_and_infinity_are_named(
    tmp_path: Path, value: float, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    image = np.ones((4, 32, 32), np.float32)
    image[1, 2, 3] = value
    path = write_imagej(tmp_path / "bad.tif", image, "ZYX")
    assert call("segment", path, "-o", tmp_path / "l.tif", *more) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "bad.tif" in error
    assert "NaN or infinite" in error
    assert not (tmp_path / "l.tif").exists()


def test_missing_channel_is_named(
    tmp_path: Path, volume: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("segment", volume, "-o", tmp_path / "l.tif", "--channel", 3) == 2
    assert "there is no channel 3" in capsys.readouterr().err


@pytest.mark.slow
def test_damaged_file_in_a_folder(
    tmp_path: Path, volume: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.tif").write_bytes(volume.read_bytes())
    (folder / "b.tif").write_bytes(volume.read_bytes()[:9000])
    (folder / "c.tif").write_bytes(volume.read_bytes())
    (folder / "notes.txt").write_text("no image")
    out = tmp_path / "labels"
    assert call("segment", folder, "-o", out) == 2
    said = capsys.readouterr().err
    assert "<tifffile" not in said
    error = said.strip().splitlines()[-1]
    assert "b.tif" in error
    assert "--skip-bad-files" in error
    assert (out / "a.tif").exists()
    assert call("segment", folder, "-o", out, "--skip-bad-files") == 0
    said = capsys.readouterr().err
    assert "skipped:" in said
    assert "a.tif exists already and is kept" in said
    cells = pd.read_csv(out / "cells.csv")
    assert set(cells["file"]) == {"a.tif", "c.tif"}
    names = sorted(path.name for path in out.iterdir())
    files = [f"{name}.{ending}" for name in "ac" for ending in ("cells.csv", "segment.json", "tif")]
    assert names == [*files, "cells.csv"]


def test_folder_without_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert call("segment", tmp_path / "empty", "-o", tmp_path / "out") == 2
    assert "holds no image" in capsys.readouterr().err


@pytest.mark.slow
def test_lack_of_memory_is_met_with_more_tiles(
    tmp_path: Path,
    volume: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The network has no memory for more than half of the volume at a time."""
    from btrackmate.segmentation import keras_network, stardist, tiling
    from btrackmate.segmentation.backend import load_tensorflow
    from btrackmate.segmentation.tiling import run_keras

    errors = load_tensorflow().errors

    class Small:
        def __init__(self, model: object) -> None:
            self._model = model

        def predict_on_batch(self, batch: np.ndarray) -> object:
            if batch.size >= 12 * 64 * 64:
                raise errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
            return self._model.predict_on_batch(batch)  # type: ignore[attr-defined]

    assert call("segment", volume, "-o", tmp_path / "a.tif") == 0
    monkeypatch.setattr(keras_network, "run_keras", lambda model: run_keras(Small(model)))
    for module in (stardist, tiling):
        monkeypatch.setattr(module, "view_radius", lambda *_: 4)
    assert call("segment", volume, "-o", tmp_path / "b.tif") == 0
    assert "out of memory with 1×1×1 tiles: again with 1×2×1" in capsys.readouterr().err
    assert tifffile.imread(tmp_path / "b.tif").any()


@pytest.mark.slow
def test_bfloat16_needs_a_processor_that_has_it(
    tmp_path: Path,
    volume: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from btrackmate.segmentation import backend

    out = tmp_path / "l.tif"
    monkeypatch.setattr(backend, "has_bfloat16", lambda: False)
    assert call("segment", volume, "-o", out, "--bfloat16") == 2
    assert "this processor has no units for it" in capsys.readouterr().err
    monkeypatch.setattr(backend, "has_bfloat16", lambda: True)
    assert call("segment", volume, "-o", out, "--bfloat16") == 0
    assert call("segment", volume, "-o", tmp_path / "m.tif") == 0
    half, full = tifffile.imread(out), tifffile.imread(tmp_path / "m.tif")
    assert ((half > 0) == (full > 0)).mean() > 0.97
