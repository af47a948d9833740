import importlib.util
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from btrackmate.core.errors import UserError
from btrackmate.segmentation import SegmentationSettings, backend, load_models
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel


def test_importing_segmentation_and_training_loads_no_tensorflow():
    code = (
        "import sys, btrackmate.segmentation, btrackmate.training\n"
        "heavy = {'tensorflow', 'keras', 'stardist', 'csbdeep', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def test_missing_packages_are_named_with_the_remedy(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "stardist" else found(name)
    )
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with pytest.raises(UserError, match=r"stardist.*pip install 'btrackmate\[stardist\]'"):
        backend.load_tensorflow()


def test_model_folder_that_is_not_there_lists_those_that_are(tmp_path):
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "config.json").write_text("{}")
    settings = SegmentationSettings(model_dir=tmp_path, stardist="other")
    with pytest.raises(UserError, match="no StarDist model folder .*other; models in .*: good"):
        load_models(settings)


def test_model_folder_without_weights(tmp_path):
    folder = tmp_path / "unet"
    folder.mkdir()
    with pytest.raises(UserError, match="holds no config.json"):
        backend.find_model(tmp_path, "unet", "U-Net")
    (folder / "config.json").write_text("{}")
    with pytest.raises(UserError, match="holds no weights"):
        backend.find_model(tmp_path, "unet", "U-Net")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (
            "weights_best.h5 weights_best_old.h5 a.h5 ._weights_best.h5",
            "weights_best.h5",
        ),
        ("weights_last.h5 weights_best_2.h5", "weights_best_2.h5"),
        ("w.hdf5 .w.h5", "w.hdf5"),
        ("a_best.h5 b_best.h5", None),
        ("a.h5 b.h5", None),
    ],
)
def test_the_weights_do_not_hang_on_times(tmp_path, names, found):
    for time, name in enumerate(names.split()):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time, time))
    if found is None:
        with pytest.raises(UserError, match=r"several weights, .*name the one that counts weights"):
            backend.find_weights(tmp_path)
    else:
        assert backend.find_weights(tmp_path).name == found


@pytest.mark.parametrize("kind", [StarDistModel, UNetModel])
def test_another_file_of_weights_beside_it_is_not_loaded(tmp_path, kind):
    """An older copy that is newer by its time, as after `cp`; and macOS' ._ file."""
    shipped = backend.SHIPPED_MODELS / ("stardist" if kind is StarDistModel else "unet")
    folder = tmp_path / shipped.name
    shutil.copytree(shipped, folder)
    for name in ("weights_best_old.h5", "._weights_best.h5"):
        (folder / name).write_bytes(b"no weights")
        os.utime(folder / name, (4e9, 4e9))
    one, other = kind(shipped), kind(folder)
    for a, b in zip(
        one.network.keras_model.get_weights(), other.network.keras_model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_weights_that_the_card_is_not_of_are_told(tmp_path, caplog):
    """A copy that was mixed: one training's weights, the other's card and thresholds."""
    folder = tmp_path / "unet"
    shutil.copytree(backend.SHIPPED_MODELS / "unet", folder)
    backend.warn_of_other_weights(folder)
    assert not caplog.text
    with (folder / backend.WEIGHTS).open("ab") as stream:
        stream.write(b"\0")
    UNetModel(folder)
    assert "its weights are not those that model_card.json is of" in caplog.text


def test_the_other_networks_folder_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"unet_n_first": 8, "n_channel_out": 1}))
    with pytest.raises(UserError, match="not that of a StarDist model"):
        StarDistModel(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"n_rays": 32}))
    with pytest.raises(UserError, match="not that of a CSBDeep U-Net"):
        UNetModel(tmp_path)


def test_broken_json_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="config.json: not readable as JSON"):
        StarDistModel(tmp_path)


@pytest.mark.parametrize(
    ("axes", "channels", "ndim", "message"),
    [
        ("YXC", 1, 3, "trained for YX images of 2 dimensions, got an image of 3"),
        ("ZYXC", 1, 2, "trained for ZYX images of 3 dimensions, got an image of 2"),
        ("ZYXC", 2, 3, "expects 2 channels"),
        ("TYXC", 1, 3, "works on axes TYXC"),
    ],
)
def test_model_for_other_images_is_refused(tmp_path, axes, channels, ndim, message):
    with pytest.raises(UserError, match=message):
        backend.check_image_axes(axes, channels, ndim, tmp_path)
