"""Hiding voxels, and a network that learns to denoise from noisy images alone."""

import json
import shutil

import numpy as np
import pytest
import tifffile
from extras import needs
from scipy import ndimage

from btrackmate.training.noise2void import hide_voxels
from btrackmate.training.settings import TrainSettings


def hide(patch, fraction=0.05, seed=0):
    return hide_voxels(patch, fraction, np.random.default_rng(seed))


@pytest.mark.parametrize("shape", [(8, 20, 30), (40, 50)])
def test_hidden_voxels_hold_a_neighbours_value_and_the_rest_their_own(shape):
    patch = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)  # Every value once.
    before = patch.copy()
    masked, target = hide(patch)
    hidden = target[..., 1] == 1
    np.testing.assert_array_equal(patch, before)
    np.testing.assert_array_equal(target[..., 0], patch)
    np.testing.assert_array_equal(masked[~hidden], patch[~hidden])
    assert (masked[hidden] != patch[hidden]).all()
    where = np.argwhere(hidden)
    origin = np.stack(np.unravel_index(masked[hidden].astype(int), shape), axis=1)
    assert (np.abs(where - origin) <= [2, 5, 5][-len(shape) :]).all()
    assert 0.03 < hidden.mean() < 0.06


def test_hidden_voxels_are_spread_over_the_patch():
    """One in each box of 5 × 4 pixels, so never a large part without any."""
    _, target = hide(np.zeros((40, 40), np.float32) + np.arange(40), fraction=0.05)
    boxes = target[..., 1].reshape(4, 10, 4, 10).sum(axis=(1, 3))
    assert boxes.min() >= 2


def test_hidden_voxels_differ_from_patch_to_patch():
    patch = np.random.default_rng(0).random((30, 30), np.float32)
    assert (hide(patch, seed=1)[1] != hide(patch, seed=2)[1]).any()
    np.testing.assert_array_equal(hide(patch, seed=1)[0], hide(patch, seed=1)[0])


@needs("tensorflow")
def test_error_counts_hidden_voxels_only():
    """Hidden: 2 and 4, predicted 3 and 4: (1 + 0) / 2; the third voxel is far off and seen."""
    from btrackmate.segmentation.backend import load_tensorflow
    from btrackmate.training.noise2void import measure_masked_error

    load_tensorflow()
    truth = np.array([[[[2, 1], [4, 1], [9, 0]]]], np.float32)
    predicted = np.array([[[[3], [4], [0]]]], np.float32)
    assert float(measure_masked_error(truth, predicted)) == pytest.approx(0.5)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """Write smooth 2D images with noise of variance 0.04; return the folder and the truths."""
    folder, truths = tmp_path_factory.mktemp("noisy"), []
    (folder / "Raw").mkdir()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        truth = ndimage.gaussian_filter(rng.standard_normal((96, 96)), 4)
        truth = (truth / np.abs(truth).max() * 0.5 + 0.5).astype(np.float32)
        image = truth + 0.2 * rng.standard_normal(truth.shape).astype(np.float32)
        tifffile.imwrite(folder / f"Raw/a{seed}.tif", image, photometric="minisblack")
        truths.append(truth)
    return folder, truths


@pytest.mark.slow
@needs("csbdeep", "tensorflow")
def test_denoises_without_truth_and_beats_the_noisy_image(noisy, tmp_path):
    """The error falls to less than a third; labels are not asked for."""
    from btrackmate.segmentation.denoise import DenoiseModel
    from btrackmate.training import train

    folder, truths = noisy
    settings = TrainSettings(
        only="n2v",
        depth=1,
        startfilter=8,
        epochs=6,
        learning_rate=3e-3,
        batch_size=8,
        patch_size=(32, 32),
        grid=(1, 1),
        n_patches_per_image=80,
    )
    made = train(folder, "denoise", tmp_path, settings)["n2v"]
    assert {path.name for path in made.iterdir()} == {
        "config.json",
        "weights_best.h5",
        "training_curve.csv",
        "training_curve.png",
        "model_card.json",
        "model_card.md",
    }
    model = DenoiseModel(made)
    errors = []
    for seed, truth in enumerate(truths):
        image = tifffile.imread(folder / f"Raw/a{seed}.tif")
        result = model.denoise(image)
        errors.append(np.mean((result - truth) ** 2) / np.mean((image - truth) ** 2))
    assert max(errors) < 1 / 3
    card = json.loads((made / "model_card.json").read_text())
    assert card["network"] == "Noise2Void"
    assert len(card["training_images"]) == 2


@pytest.mark.slow
@needs("stardist", "tensorflow")
def test_denoised_copies_train_beside_the_images(noisy, tmp_path):
    """`only: all` trains the denoiser first and then on twice as many images."""
    from btrackmate.training import train

    folder = tmp_path / "data"
    shutil.copytree(noisy[0], folder)
    (folder / "Segmentation").mkdir()
    for path in (folder / "Raw").iterdir():
        labels = np.zeros((96, 96), np.uint8)
        labels[10:40, 10:40], labels[50:90, 50:90] = 1, 2
        tifffile.imwrite(folder / "Segmentation" / path.name, labels, photometric="minisblack")
    settings = TrainSettings.parse(
        {
            "only": "all",
            "depth": 1,
            "startfilter": 2,
            "features": 4,
            "n_rays": 8,
            "epochs": 1,
            "batch_size": 2,
            "patch_size": (32, 32),
            "grid": (1, 1),
            "n_patches_per_image": 1,
            "min_cells": 1,
            "augmentation": {"denoised": True},
        }
    )
    made = train(folder, "all", tmp_path, settings)
    cards = {k: json.loads((made[k] / "model_card.json").read_text()) for k in made}
    assert len(cards["n2v"]["training_images"]) == 2
    for kind in ("stardist", "unet"):
        names = sorted(cards[kind]["training_images"])
        assert len(names) == 4
        assert names[1] == f"{names[0]} (denoised)"
        assert cards[kind]["cells"]["training"] == 4
