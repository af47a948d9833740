import numpy as np
import pytest
import tifffile

from btrackmate.core.errors import UserError
from btrackmate.training import TrainSettings
from btrackmate.training.dataset import load_dataset, pair_files

SETTINGS = TrainSettings(validation_split=0.25, norm_low=0, norm_high=100)


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
    with pytest.raises(UserError, match="Raw/b2.tif, Segmentation/c2.tif"):
        pair_files(folder)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="no folder .*Raw"):
        pair_files(tmp_path)


def test_a_single_pair_is_too_few(folder):
    for i in (1, 2, 3):
        (folder / f"Raw/b{i}.tif").unlink()
        (folder / f"Segmentation/b{i}.tif").unlink()
    with pytest.raises(UserError, match="1 image pairs, expected at least 2"):
        pair_files(folder)


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
    write(folder / "Segmentation/b0.tif", np.zeros((4, 6, 6), np.float32))
    with pytest.raises(UserError, match="b0.tif is float32"):
        load_dataset(folder, SETTINGS)
    for i in range(4):
        write(folder / f"Segmentation/b{i}.tif", np.zeros((4, 6, 6), np.uint8))
    with pytest.raises(UserError, match="no Segmentation image holds a label"):
        load_dataset(folder, SETTINGS)


def test_broken_tiff_is_named(folder):
    (folder / "Raw/b0.tif").write_bytes(b"not a tiff")
    with pytest.raises(UserError, match="b0.tif: not readable as TIFF"):
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
    ],
)
def test_bad_settings_are_named(values, message):
    with pytest.raises(UserError, match=message):
        TrainSettings.parse(values)


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
