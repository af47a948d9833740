"""Denoising with networks whose weights are set by hand."""

import json

import numpy as np
import pytest
from extras import needs

from btrackmate.core.errors import UserError
from btrackmate.segmentation.backend import load_tensorflow, quiet_networks
from btrackmate.segmentation.denoise import DenoiseModel

pytestmark = needs("csbdeep", "tensorflow")


def make_network(folder, axes, **changes):
    """Write an untrained, residual network whose last layer is 0: it returns its input."""
    load_tensorflow()
    with quiet_networks():
        from csbdeep.models import CARE, Config

        values = {"unet_n_depth": 1, "unet_n_first": 2, "unet_kern_size": 3} | changes
        model = CARE(Config(axes=axes, **values), name=folder.name, basedir=str(folder.parent))
        for layer in model.keras_model.layers:
            if layer.get_weights() and layer.output.shape[-1] == 1:
                layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
        model.keras_model.save_weights(str(folder / "weights_best.h5"))
    return folder


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    return make_network(tmp_path_factory.mktemp("models") / "n2v", "ZYXC")


def test_grey_values_keep_their_scale_and_shape(identity):
    """Sides that the network does not divide, in one tile and in several."""
    image = np.random.default_rng(0).integers(100, 4000, (5, 19, 21)).astype(np.uint16)
    model = DenoiseModel(identity)
    for tiles in (None, (1, 2, 3)):
        result = model.denoise(image, tiles)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, image, rtol=1e-4)


def test_normalised_image_stays_normalised_and_is_not_changed(identity):
    image = np.random.default_rng(0).random((4, 8, 8), np.float32)
    before = image.copy()
    result = DenoiseModel.load(identity.parent, identity.name).predict(image)
    np.testing.assert_allclose(result, before, atol=1e-6)
    result += 1
    np.testing.assert_array_equal(image, before)


def test_percentiles_of_the_training_are_used(identity, tmp_path):
    folder = make_network(tmp_path / "n2v", "YXC")
    card = {"settings": {"norm_low": 3.0, "norm_high": 99.0}}
    (folder / "model_card.json").write_text(json.dumps(card))
    model = DenoiseModel(folder)
    assert (model.norm_low, model.norm_high, model.ndim) == (3.0, 99.0, 2)


def test_constant_image_comes_back(identity):
    result = DenoiseModel(identity).denoise(np.full((3, 8, 8), 7, np.uint8))
    assert (result == 7).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_values_are_refused(identity, value):
    image = np.zeros((4, 8, 8), np.float32)
    image[1, 2, 3] = value
    with pytest.raises(UserError, match="movie.tif: 1 of 256 voxels are NaN or infinite"):
        DenoiseModel(identity).denoise(image, source="movie.tif")


def test_other_dimensions_are_refused(identity):
    with pytest.raises(UserError, match="got an image of 2"):
        DenoiseModel(identity).denoise(np.eye(8))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"n2v_perc_pix": 1.5}, "model of the n2v package"),
        ({"n_rays": 32}, "not that of a denoising U-Net"),
        ({"unet_n_first": 8, "n_channel_out": 2}, "not that of a denoising U-Net"),
        ({"unet_n_first": 8, "n_channel_out": 1, "probabilistic": True}, "probabilistic CARE"),
    ],
)
def test_other_models_are_refused(tmp_path, config, message):
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "weights_best.h5").write_bytes(b"")
    with pytest.raises(UserError, match=message):
        DenoiseModel(tmp_path)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="no denoising model folder .*nothing"):
        DenoiseModel(tmp_path / "nothing")
