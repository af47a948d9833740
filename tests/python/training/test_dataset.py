import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from btrackmate.core.errors import UserError
from btrackmate.segmentation.backend import SHIPPED_MODELS
from btrackmate.training import TrainSettings
from btrackmate.training.dataset import (
    DataSet,
    Pair,
    check_dimensions,
    load_dataset,
    number_labels,
    pair_files,
)
from btrackmate.training.networks import _make_job

SETTINGS = TrainSettings(validation_split=0.25, norm_low=0, norm_high=100, min_cells=1)


def write(path, array):
    tifffile.imwrite(path, array, photometric="minisblack")


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for side in ("Raw", "Segmentation"):
        (tmp_path / side).mkdir()
    for i in range(4):
        labels = np.zeros((4, 6, 6), np.uint16)
        labels[1:3, 1:3, 1:3], labels[1:3, 4:, 4:] = 300, 9
        write(tmp_path / f"Raw/b{i}.tif", rng.integers(0, 99, (4, 6, 6), np.uint8))
        write(tmp_path / f"Segmentation/b{i}.tif", labels)
    return tmp_path


def test_pairs_by_name_not_by_order(folder):
    (folder / "Segmentation/b1.tif").rename(folder / "Segmentation/b1.TIFF")
    assert [(a.stem, b.stem) for a, b in pair_files(folder)] == [(f"b{i}",) * 2 for i in range(4)]


def test_files_without_partner_are_named(folder):
    (folder / "Segmentation/b2.tif").rename(folder / "Segmentation/c2.tif")
    with pytest.raises(UserError, match="b2.tif in .*Raw, c2.tif in .*Segmentation"):
        pair_files(folder)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="no folder .*Raw"):
        pair_files(tmp_path)


def test_a_single_pair_is_too_few(folder):
    for i in (1, 2, 3):
        (folder / f"Raw/b{i}.tif").unlink()
        (folder / f"Segmentation/b{i}.tif").unlink()
    with pytest.raises(UserError, match="1 image pairs, expected at least 2"):
        load_dataset(folder, SETTINGS)


def test_split_by_image_is_seeded_and_keeps_at_least_one(folder):
    data = load_dataset(folder, SETTINGS)
    again = load_dataset(folder, SETTINGS)
    assert (len(data.train), len(data.validation)) == (3, 1)
    assert [p.name for p in data.validation] == [p.name for p in again.validation]
    names = {p.name for p in data.train} | {p.name for p in data.validation}
    assert names == {"b0", "b1", "b2", "b3"}
    tiny = load_dataset(folder, SETTINGS.model_copy(update={"validation_split": 0.01}))
    assert len(tiny.validation) == 1


def test_repeated_images_count_more_and_always_train(folder):
    for seed in range(8):
        settings = SETTINGS.model_copy(update={"repeat": {"b[12]": 3}, "seed": seed})
        data = load_dataset(folder, settings)
        names = [p.name for p in data.train]
        assert names.count("b1") == names.count("b2") == 3
        assert len(names) == 7
        assert data.validation[0].name in ("b0", "b3")
    with pytest.raises(UserError, match="leave at least one for validation"):
        load_dataset(folder, SETTINGS.model_copy(update={"repeat": {"*": 2}}))


def test_images_are_normalised_and_labels_numbered_on(folder):
    pair = load_dataset(folder, SETTINGS).train[0]
    assert pair.image.dtype == np.float32
    assert (pair.image.min(), pair.image.max()) == (0, 1)
    assert np.unique(pair.labels).tolist() == [0, 1, 2]  # 9 → 1, 300 → 2
    assert pair.labels[1, 1, 1] == 2


def test_labels_without_background_stay_cells(folder):
    for i in range(4):
        write(folder / f"Segmentation/b{i}.tif", np.full((4, 6, 6), 7, np.uint8))
    assert (load_dataset(folder, SETTINGS).train[0].labels == 1).all()


def test_other_shape_is_named(folder):
    write(folder / "Raw/b3.tif", np.zeros((4, 6, 5), np.uint8))
    with pytest.raises(UserError, match=r"b3.tif has shape \(4, 6, 5\)"):
        load_dataset(folder, SETTINGS)


def test_other_dimensions_are_named(folder):
    flat = TrainSettings(patch_size=(4, 4), grid=(1, 1))
    with pytest.raises(UserError, match=r"has 3 dimensions .* patch_size \(4, 4\) has 2"):
        load_dataset(folder, flat)


def test_float_labels_and_empty_labels_are_refused(folder):
    write(folder / "Segmentation/b0.tif", np.full((4, 6, 6), 0.5, np.float32))
    with pytest.raises(UserError, match="b0.tif: value 0.5 at"):
        load_dataset(folder, SETTINGS)
    for i in range(4):
        write(folder / f"Segmentation/b{i}.tif", np.zeros((4, 6, 6), np.uint8))
    with pytest.raises(UserError, match="no Segmentation image holds a label"):
        load_dataset(folder, SETTINGS)


@pytest.mark.parametrize("compressed", [False, True])
def test_broken_tiff_is_named(folder, compressed):
    path = folder / "Raw/b0.tif"
    path.write_bytes(b"not a tiff")
    if compressed:
        noise = np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8)
        tifffile.imwrite(path, noise, compression="zlib")
        path.write_bytes(path.read_bytes()[:-600] + bytes(600))
    with pytest.raises(UserError, match="b0.tif: not readable as a TIFF image"):
        load_dataset(folder, SETTINGS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"patch_size": (16,)}, "patch_size"),
        ({"grid": (1, 3, 3)}, "powers of 2"),
        ({"grid": (2, 2)}, "differ in length"),
        ({"kernel_size": 4}, "odd"),
        ({"epoch": 3}, "unknown setting 'epoch'"),
        ({"norm_low": 99.9}, "norm_low"),
        ({"repeat": {"a*": 0}}, "repeat"),
        ({"preset": "tiny"}, "no preset 'tiny'"),
        ({"Epochs": 3, "epochs": 3}, "Epochs and epochs are both given"),
        ({"PatchX": 3, "patch_size": (8, 8, 8)}, "PatchX and patch_size"),
        ({"GenerateNPZ": False, "TrainUNET": False, "TrainSTAR": False}, "nothing to do"),
        ({"networks": {"unet": {"seed": 1}}}, "seed is the same for all networks"),
        ({"networks": {"unet": {"kernel_size": 4}}}, "odd"),
        ({"networks": {"vnet": {}}}, "networks"),
        ({"augmentation": {"denoised": True}}, "denoised copies need a denoiser"),
    ],
)
def test_bad_settings_are_named(values, message):
    with pytest.raises(UserError, match=message):
        TrainSettings.parse(values)


def test_two_files_of_one_name_are_refused(folder):
    write(folder / "Raw/b1.tiff", np.zeros((4, 6, 6), np.uint8))
    with pytest.raises(UserError, match=r"b1\.tif and b1\.tiff"):
        load_dataset(folder, SETTINGS)


def test_too_few_cells_are_refused(folder):
    """Three training images of two cells."""
    assert load_dataset(folder, SETTINGS.model_copy(update={"min_cells": 6}))
    with pytest.raises(UserError, match="3 training images hold 6 labelled cells, .* at least 7"):
        load_dataset(folder, SETTINGS.model_copy(update={"min_cells": 7}))


def test_images_alone_need_no_labels(folder):
    shutil.rmtree(folder / "Segmentation")
    data = load_dataset(folder, SETTINGS, labels=False)
    assert (len(data.train), len(data.validation)) == (3, 1)
    assert not data.train[0].labels.any()
    assert data.train[0].labels.shape == (4, 6, 6)
    for i in (1, 2, 3):
        (folder / f"Raw/b{i}.tif").unlink()
    data = load_dataset(folder, SETTINGS, labels=False)
    assert [pair.name for pair in data.train + data.validation] == ["b0", "b0"]


def test_dimensions_are_read_without_axes_of_one(folder):
    assert check_dimensions(folder) == 3
    write(folder / "Raw/b0.tif", np.zeros((1, 6, 6), np.uint8))
    assert check_dimensions(folder) == 2


def test_the_papers_names_are_taken():
    settings = TrainSettings.parse(
        {
            "NetworkDepth": 2,
            "Epochs": 7,
            "LearningRate": 1e-3,
            "batch_size": 4,
            "PatchX": 64,
            "PatchY": 96,
            "Kernel": 5,
            "n_patches_per_image": 3,
            "Rays": 32,
            "startfilter": 8,
            "use_gpu_opencl": False,
            "GenerateNPZ": False,
            "TrainUNET": True,
            "TrainSTAR": False,
        }
    )
    assert (settings.depth, settings.epochs, settings.learning_rate) == (2, 7, 1e-3)
    assert settings.patch_size == (16, 96, 64)
    assert (settings.kernel_size, settings.n_rays) == (5, 32)
    assert (settings.only, settings.npz_only) == ("unet", False)


@pytest.mark.parametrize(
    ("npz", "unet", "star", "only", "npz_only"),
    [
        (True, False, False, "both", True),
        (True, True, True, "both", False),
        (False, False, True, "stardist", False),
    ],
)
def test_the_papers_steps_say_what_is_trained(npz, unet, star, only, npz_only):
    settings = TrainSettings.parse({"GenerateNPZ": npz, "TrainUNET": unet, "TrainSTAR": star})
    assert (settings.only, settings.npz_only) == (only, npz_only)


def test_what_is_given_counts_more_than_a_preset():
    settings = TrainSettings.parse({"preset": "small", "epochs": 3, "batch_size": 7})
    assert settings.depth == 2
    for kind in ("stardist", "unet", "n2v"):
        assert settings.for_network(kind).epochs == 3
        assert settings.for_network(kind).batch_size == 7
    settings = TrainSettings.parse({"preset": "small", "networks": {"unet": {"epochs": 5}}})
    assert settings.for_network("unet").epochs == 5
    assert settings.for_network("unet").startfilter < 48
    assert settings.for_network("stardist").epochs > 5


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({}, {"stardist": 520, "unet": 520, "n2v": 312}),
        ({"epochs": 3}, {"stardist": 6, "unet": 6, "n2v": 6}),
        ({"epochs": 3, "min_steps": 60}, {"stardist": 60, "unet": 60, "n2v": 60}),
        ({"networks": {"unet": {"epochs": 5}}}, {"stardist": 520, "unet": 10, "n2v": 312}),
        ({"min_steps": 0}, {"stardist": 40, "unet": 40, "n2v": 24}),
    ],
)
def test_a_preset_trains_as_long_on_one_image_as_on_many(values, steps, tmp_path):
    """One training image gives 4 patches, 2 steps an epoch; who gives the epochs gets no more."""
    image = np.zeros((16, 64, 64), np.float32)
    pair = Pair("a", image, image.astype(np.int32), "")
    settings = TrainSettings.parse({"preset": "small"} | values)
    for kind, expected in steps.items():
        own = settings.for_network(kind)
        job = _make_job(tmp_path, kind, DataSet((pair,), (pair,)), own, lambda *_: None)
        assert job.steps * own.epochs == expected
    many = _make_job(tmp_path, "unet", DataSet((pair,) * 13, (pair,)), own, lambda *_: None)
    assert many.steps == 26


def test_preset_small_starts_from_the_shipped_networks_of_its_design():
    """Their configuration is what the preset says; another design starts from nothing."""
    settings = TrainSettings.parse({"preset": "small"})
    for kind, name in (("stardist", "unet_n_filter_base"), ("unet", "unet_n_first")):
        own = settings.for_network(kind)
        config = json.loads((own.start_from / "config.json").read_text())
        assert own.start_from.name == kind
        assert (config[name], config["unet_n_depth"]) == (own.startfilter, own.depth)
    config = json.loads((SHIPPED_MODELS / "stardist/config.json").read_text())
    own = settings.for_network("stardist")
    assert config["n_rays"] == own.n_rays
    assert config["net_conv_after_unet"] == own.features
    assert tuple(config["grid"]) == own.grid
    assert settings.for_network("n2v").start_from is None
    assert settings.for_images().for_network("unet").start_from is None
    for values in ({"n_rays": 32}, {"networks": {"stardist": {"startfilter": 8}}}):
        other = TrainSettings.parse({"preset": "small"} | values)
        assert other.for_network("stardist").start_from is None


def test_one_networks_settings_leave_the_others():
    settings = TrainSettings.parse(
        {"epochs": 9, "networks": {"unet": {"epochs": 4, "augmentation": {"flips": False}}}}
    )
    assert [settings.for_network(kind).epochs for kind in ("stardist", "unet")] == [9, 4]
    assert not settings.for_network("unet").augmentation.flips
    assert settings.for_network("stardist").augmentation.flips


def test_2d_images_take_the_settings_without_z():
    settings = TrainSettings.parse({"preset": "small"}).for_images()
    assert (settings.ndim, settings.patch_size, settings.grid) == (2, (64, 64), (2, 2))
    assert settings.for_network("unet").patch_size == (64, 64)


def test_defaults_are_the_papers():
    settings = TrainSettings()
    assert settings.depth == 3
    assert settings.epochs == 100
    assert settings.learning_rate == 1e-4
    assert settings.batch_size == 5
    assert settings.patch_size == (16, 128, 128)
    assert settings.kernel_size == 3
    assert settings.n_patches_per_image == 16
    assert settings.n_rays == 192
    assert settings.startfilter == 48


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.kron([[1, 1, 0]], np.full((4, 4), 255)).astype(np.uint8), ""),
        (np.kron([[1, 0], [0, 2]], np.ones((4, 4))).astype(np.uint8), ""),
        (
            np.kron([[1, 0, 1]], np.full((4, 4), 255)).astype(np.uint8),
            "one label, 255, in 2 pieces",
        ),
        (np.arange(64, dtype=np.uint8).reshape(8, 8), "63 labels of 1 voxels on average"),
        (np.zeros((4, 4), np.uint8), ""),
    ],
)
def test_masks_and_images_in_place_of_labels_are_told(caplog, labels, said):
    number_labels(labels, Path("a.tif"))
    assert said in caplog.text
    assert bool(caplog.text) == bool(said)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("", ""),
        (
            "Raw/b2.tif",
            r"b2\.tif and \S*Segmentation/b2\.tif have other voxel sizes \(and 1 more\)",
        ),
        ("Segmentation/b1.tif", r"b1\.tif and \S*Segmentation/b1\.tif have other voxel sizes: X"),
    ],
)
def test_voxel_sizes_that_differ_are_told(folder, caplog, where, told):
    for path in folder.glob("*/b*.tif"):
        size = 0.25 if str(path.relative_to(folder)) == where else 0.5
        tifffile.imwrite(
            path,
            tifffile.imread(path),
            imagej=True,
            resolution=(1 / size, 1 / size),
            metadata={"axes": "ZYX", "unit": "um", "spacing": 2.0},
        )
    load_dataset(folder, SETTINGS)
    assert re.search(told, caplog.text)
    assert bool(caplog.text) == bool(told)
