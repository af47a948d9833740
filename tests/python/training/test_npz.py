"""Patches in one file."""

import json

import numpy as np
import pytest
from extras import needs
from tiny_training import TINY, make_data

from btrackmate.core.errors import UserError
from btrackmate.training import TrainSettings
from btrackmate.training.dataset import load_dataset
from btrackmate.training.npz import load_patches, write_patches

SETTINGS = TINY.model_copy(update={"n_patches_per_image": 3, "patch_size": (8, 16, 12)})


@pytest.fixture
def made(tmp_path):
    folder = make_data(tmp_path / "data", (8, 20, 20))
    data = load_dataset(folder, SETTINGS)
    path = tmp_path / "patches.npz"
    assert write_patches(path, data, SETTINGS, lambda *_: None) == 6
    return path, data, folder


def test_patches_show_image_and_labels_of_one_place(made):
    path, data, _ = made
    loaded, _ = load_patches(path, SETTINGS)
    assert len(loaded.train) == 6
    assert loaded.is_patches
    images = {pair.sha256: pair for pair in data.train}
    for patch in loaded.train:
        whole = images[patch.sha256]
        assert patch.name == whole.name
        assert patch.image.shape == (8, 16, 12)
        windows = np.lib.stride_tricks.sliding_window_view(whole.image, patch.image.shape)
        places = np.argwhere((windows == patch.image).all(axis=(-3, -2, -1)))
        assert len(places) == 1
        corner = tuple(slice(c, c + s) for c, s in zip(places[0], patch.image.shape, strict=True))
        np.testing.assert_array_equal(patch.labels > 0, whole.labels[corner] > 0)


def test_validation_images_stay_whole(made):
    path, data, _ = made
    held = load_patches(path, SETTINGS)[0].validation
    assert [pair.name for pair in held] == [pair.name for pair in data.validation]
    np.testing.assert_array_equal(held[0].image, data.validation[0].image)
    np.testing.assert_array_equal(held[0].labels, data.validation[0].labels)


def test_other_normalisation_is_refused(made):
    with pytest.raises(UserError, match="made with norm_low 1.0, the settings have 2.0"):
        load_patches(made[0], SETTINGS.model_copy(update={"norm_low": 2.0}))


@pytest.mark.parametrize(
    ("name", "value"), [("validation_split", 0.6), ("repeat", {"a*": 5}), ("min_cells", 999)]
)
def test_what_was_decided_when_patches_were_cut_holds(made, name, value):
    """Given otherwise it is refused; left out it is told in the card as it was."""
    assert getattr(SETTINGS, name) != value
    with pytest.raises(UserError, match=f"made with {name} .*, the settings have"):
        load_patches(made[0], TrainSettings.parse({**SETTINGS.model_dump(), name: value}))
    default = TrainSettings(patch_size=(8, 16, 12), grid=(1, 2, 2))
    _, settings = load_patches(made[0], default)
    assert getattr(settings, name) == getattr(SETTINGS, name)
    assert settings.n_patches_per_image == 3


def test_patches_of_volumes_need_settings_for_volumes(made):
    flat = SETTINGS.model_copy(update={"patch_size": (16, 12), "grid": (2, 2)})
    with pytest.raises(UserError, match=r"patches of \(8, 16, 12\) voxels, but patch_size"):
        load_patches(made[0], flat)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"no")
    with pytest.raises(UserError, match="a.npz: not readable as NPZ"):
        load_patches(path, SETTINGS)
    np.savez(path, x=1)
    with pytest.raises(UserError, match="not a file of patches"):
        load_patches(path, SETTINGS)
    with pytest.raises(UserError, match="b.npz: not readable as NPZ"):
        load_patches(tmp_path / "b.npz", SETTINGS)


def test_arrays_that_lack_are_refused(made, tmp_path):
    with np.load(made[0]) as file:
        np.savez(tmp_path / "c.npz", **{n: file[n] for n in file.files if n != "hashes"})
    with pytest.raises(UserError, match=r"c\.npz is not a file of patches"):
        load_patches(tmp_path / "c.npz", SETTINGS)
    np.save(tmp_path / "d.npy", np.zeros(3))
    (tmp_path / "d.npy").rename(tmp_path / "d.npz")
    with pytest.raises(UserError, match=r"d\.npz: not readable as NPZ"):
        load_patches(tmp_path / "d.npz", SETTINGS)


@pytest.mark.slow
@needs("stardist", "tensorflow")
def test_a_network_trains_from_patches(made, tmp_path):
    from btrackmate.training import train

    path, data, folder = made
    changes = {"npz_only": True, "patch_size": (8, 16, 16)}
    written = train(folder, "a", tmp_path, SETTINGS.model_copy(update=changes))
    assert written == {"npz": tmp_path / "a/patches.npz"}
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["patches.npz"]
    changes = {"only": "unet", "patch_size": (8, 16, 16), "epochs": 1}
    model = train(written["npz"], "a", tmp_path, SETTINGS.model_copy(update=changes))["unet"]
    card = json.loads((model / "model_card.json").read_text())
    assert card["training_images"] == {p.name: p.sha256 for p in data.train}
