"""`btrackmate segment` with models that are for other images: one line, before any work."""

from pathlib import Path

import numpy as np
import pytest
from extras import needs
from tiny_movies import write_imagej

from btrackmate.cli.main import run_command
from btrackmate.segmentation.backend import quiet_networks

pytestmark = needs("stardist")


def make_unet(folder: Path, axes: str, channels: int = 1, outputs: int = 1) -> None:
    from csbdeep.models import CARE, Config

    config = Config(
        axes=axes, n_channel_in=channels, n_channel_out=outputs,
        unet_residual=False, unet_n_depth=1, unet_n_first=2, unet_kern_size=3,
    )  # fmt: skip
    network = CARE(config, name=folder.name, basedir=str(folder.parent))
    network.keras_model.save_weights(folder / "weights_best.h5")


def make_stardist(folder: Path, channels: int = 1) -> None:
    from stardist.models import Config2D, StarDist2D

    config = Config2D(
        n_rays=8, grid=(2, 2), n_channel_in=channels,
        unet_n_depth=1, unet_n_filter_base=2, net_conv_after_unet=4,
    )  # fmt: skip
    network = StarDist2D(config, name=folder.name, basedir=str(folder.parent))
    network.keras_model.save_weights(folder / "weights_best.h5")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained networks: what they are for is all that matters."""
    folder = tmp_path_factory.mktemp("models")
    with quiet_networks():
        make_stardist(folder / "shapes-2d")
        make_stardist(folder / "shapes-2d-2ch", 2)
        make_unet(folder / "mask-2d", "YXC")
        make_unet(folder / "mask-3d", "ZYXC")
        make_unet(folder / "mask-3d-2ch", "ZYXC", 2, 2)
    return folder


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    noise = np.random.default_rng(0).integers(0, 200, (4, 32, 32), np.uint8)
    return {
        "volume": write_imagej(tmp_path / "volume.tif", noise, "ZYX"),
        "image": write_imagej(tmp_path / "image.tif", noise[0], "YX"),
        "channels": write_imagej(tmp_path / "channels.tif", noise.reshape(2, 2, 32, 32), "ZCYX"),
    }


BOTH = "--stardist shapes-2d --unet {}"
ALONE = "--mode stardist --stardist {}"
MASK = "--mode unet --unet {}"
FOR_2D = "was trained for YX images of 2 dimensions, got an image of 3; give a model trained"
ONE_CHANNEL = "expects 2 channels, but one channel is segmented; give a model trained on single"


@pytest.mark.parametrize(
    ("image", "options", "said"),
    [
        ("volume", BOTH.format("mask-2d"), f"shapes-2d {FOR_2D}"),
        ("volume", MASK.format("mask-2d"), f"mask-2d {FOR_2D}"),
        ("volume", MASK.format("mask-2d --block 4,16,16"), f"mask-2d {FOR_2D}"),
        ("image", BOTH.format("mask-3d"), "images of different dimensions ("),
        ("volume", BOTH.format("mask-3d"), "shapes-2d: 2D, "),
        ("image", ALONE.format("shapes-2d-2ch"), f"shapes-2d-2ch {ONE_CHANNEL}"),
        ("volume", MASK.format("mask-3d-2ch"), f"mask-3d-2ch {ONE_CHANNEL}"),
        ("volume", MASK.format("mask-3d-2ch --block 4,16,16"), f"mask-3d-2ch {ONE_CHANNEL}"),
        ("channels", MASK.format("mask-3d-2ch"), f"mask-3d-2ch {ONE_CHANNEL}"),
        (
            "volume",
            MASK.format("mask-3d --n-tiles 2,2"),
            "(2, 2) has 2 numbers, expected 3",
        ),
        ("volume", MASK.format("mask-3d --block 4,16"), "block (4, 16) must be three numbers"),
        ("channels", MASK.format("mask-3d --channel 0"), "2 channels, so there is no channel 0"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(
    tmp_path: Path,
    models: Path,
    images: dict[str, Path],
    image: str,
    options: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    words = ["segment", str(images[image]), "-o", str(out / "l.tif"), "--quiet"]
    assert run_command([*words, "--model-dir", str(models), *options.split()]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1]
    assert not [line for line in lines[:-1] if "warning" not in line]
    assert not out.exists() or not list(out.iterdir())


def test_a_denoiser_for_images_does_not_go_with_networks_for_volumes(
    tmp_path: Path, models: Path, images: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The image would go through the shipped networks as a stack, of which it knows nothing."""
    words = ["segment", str(images["image"]), "-o", str(tmp_path / "l.tif"), "--quiet"]
    assert run_command([*words, "--denoise", str(models / "mask-2d")]) == 2
    assert "mask-2d: 2D, " in capsys.readouterr().err.strip().splitlines()[-1]


def test_black_and_white_pixels_are_grey_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tifffile

    path = tmp_path / "bits.tif"
    tifffile.imwrite(path, np.random.default_rng(0).random((4, 32, 32)) > 0.5)
    words = ["--axes", "ZYX", "--voxel-size", "2,1,1", "--space-unit", "um"]
    assert run_command(["segment", str(path), "-o", str(tmp_path / "l.tif"), *words]) == 0
    capsys.readouterr()
