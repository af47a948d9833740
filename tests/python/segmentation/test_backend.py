import importlib.util
import json
import subprocess
import sys

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
