"""Trains tiny networks for two steps: tests what comes out, not how good it is."""

import csv
import json
import shutil

import numpy as np
import pytest
from extras import needs
from tiny_training import TINY, make_data, read_weights

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.segmentation import SegmentationSettings, load_models, segment_volume
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.training import TrainSettings, train
from btrackmate.training.dataset import load_dataset
from btrackmate.training.thresholds import search_stardist

pytestmark = needs("stardist", "tensorflow")


@pytest.fixture(scope="module")
def data_3d(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"), (8, 20, 20))


@pytest.fixture(scope="module")
def trained(data_3d, tmp_path_factory):
    """Return the folder of both models and what the training reported."""
    root, reports = tmp_path_factory.mktemp("models"), []
    paths = train(data_3d, "tiny", root, TINY, progress=lambda *step: reports.append(step))
    assert paths == {kind: root / "tiny" / kind for kind in ("stardist", "unet")}
    return root / "tiny", reports


@pytest.mark.slow
def test_training_writes_all_that_belongs_to_a_model(trained):
    folder, reports = trained
    expected = {
        "config.json",
        "weights_best.h5",
        "thresholds.json",
        "training_curve.csv",
        "training_curve.png",
        "model_card.json",
        "model_card.md",
    }
    for kind in ("stardist", "unet"):
        assert {path.name for path in (folder / kind).iterdir()} == expected
        rows = list(csv.reader((folder / kind / "training_curve.csv").read_text().splitlines()))
        assert [row[0] for row in rows] == ["epoch", "1", "2"]
    assert ("train StarDist", 2, 2) in reports
    assert ("train U-Net", 2, 2) in reports


@pytest.mark.slow
def test_card_names_data_settings_versions_and_scores(trained, data_3d):
    card = json.loads((trained[0] / "unet/model_card.json").read_text())
    data = load_dataset(data_3d, TINY)
    assert card["training_images"] == {p.name: p.sha256 for p in data.train}
    assert card["validation_images"] == {p.name: p.sha256 for p in data.validation}
    assert card["settings"]["patch_size"] == [8, 16, 16]
    assert {"tensorflow", "csbdeep"} & set(card["versions"])
    assert {"foreground_IoU", "F1"} <= set(card["validation_scores"])
    assert "U-Net" in (trained[0] / "unet/model_card.md").read_text()


@pytest.mark.slow
def test_thresholds_found_are_those_used(trained):
    folder = trained[0]
    models = load_models(SegmentationSettings(model_dir=folder))
    stardist = json.loads((folder / "stardist/thresholds.json").read_text())
    unet = json.loads((folder / "unet/thresholds.json").read_text())
    assert models.stardist.prob_thresh == stardist["prob"]
    assert models.stardist.nms_thresh == stardist["nms"]
    assert models.unet.foreground_thresh == unet["foreground"]
    assert models.unet.boundary_thresh == unet["boundary"]


@pytest.mark.slow
def test_unet_beside_a_stardist_has_a_threshold_for_cells_that_only_it_sees(trained):
    thresholds = json.loads((trained[0] / "unet/thresholds.json").read_text())
    assert 0 <= thresholds["rescue"] < 1
    assert (
        load_models(SegmentationSettings(model_dir=trained[0])).unet.rescue_thresh
        == (thresholds["rescue"])
    )


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["dimensions", "percentiles", "no model"])
def test_unet_beside_a_stardist_that_does_not_go_with_it(data_3d, trained, tmp_path, fault, caplog):
    """Its training is not lost; the warning says why there is no such threshold."""
    folder = tmp_path / "m/stardist"
    shutil.copytree(trained[0] / "stardist", folder)
    said = {"dimensions": "got an image of", "percentiles": "other percentiles"}.get(fault, "rays")
    data, flat = data_3d, {}
    if fault == "dimensions":
        data = make_data(tmp_path / "data", (20, 20))
        flat = {"patch_size": (16, 16), "grid": (2, 2)}
    elif fault == "percentiles":
        card = json.loads((folder / "model_card.json").read_text())
        card["settings"]["norm_low"] = 3.0
        (folder / "model_card.json").write_text(json.dumps(card))
    else:
        (folder / "config.json").write_text("{}")
    paths = train(data, "m", tmp_path, TINY.model_copy(update={"only": "unet", "epochs": 1} | flat))
    assert "rescue" not in json.loads((paths["unet"] / "thresholds.json").read_text())
    (warning,) = [r.getMessage() for r in caplog.records if "only the U-Net" in r.getMessage()]
    assert said in warning


@pytest.mark.slow
def test_trained_models_segment_images_that_they_do_not_divide(trained):
    """5 × 19 × 21 voxels, tiles and all: the shapes come back as they were."""
    settings = SegmentationSettings(model_dir=trained[0], n_tiles=(1, 2, 1), prob_thresh=0.01)
    image = np.random.default_rng(0).poisson(20, (5, 19, 21)).astype(np.uint8)
    result = segment_volume(image, Calibration(), settings, load_models(settings))
    for array in (result.labels, result.probability, result.foreground, result.boundary):
        assert array.shape == image.shape
    assert np.isfinite(result.probability).all()


@pytest.mark.slow
def test_prediction_is_the_same_twice_and_in_tiles(trained):
    model = StarDistModel(trained[0] / "stardist")
    image = np.random.default_rng(0).random((8, 80, 40), np.float32)
    whole = model.predict_maps(image, (1, 1, 1))
    again = model.predict_maps(image, (1, 1, 1))
    tiled = model.predict_maps(image, (1, 3, 1))
    np.testing.assert_array_equal(whole.probability, again.probability)
    np.testing.assert_allclose(tiled.probability, whole.probability, atol=1e-5)
    np.testing.assert_allclose(tiled.distance, whole.distance, atol=1e-3)


@pytest.mark.slow
def test_suppression_keeps_the_same_shapes_when_started_lower(trained, data_3d):
    """`Shapes.above` rests on it."""
    model = StarDistModel(trained[0] / "stardist")
    maps = model.predict_maps(load_dataset(data_3d, TINY).train[0].image)
    levels = np.quantile(maps.probability, [0.5, 0.9])
    low, high = (model.find_shapes(maps, float(level), 0.3, nms="exact") for level in levels)
    assert len(low.points) > len(high.points) > 0
    above = low.above(float(levels[1]))
    np.testing.assert_array_equal(above.points, high.points)


@pytest.mark.slow
def test_model_for_volumes_refuses_an_image(trained):
    settings = SegmentationSettings(model_dir=trained[0])
    with pytest.raises(UserError, match="got an image of 2"):
        segment_volume(np.eye(32), Calibration(), settings, load_models(settings))


@pytest.mark.slow
def test_models_are_not_overwritten(trained, data_3d):
    with pytest.raises(UserError, match="exists already"):
        train(data_3d, "tiny", trained[0].parent, TINY)


def test_name_with_a_folder_is_refused(data_3d, tmp_path):
    with pytest.raises(UserError, match="model name 'a/b'"):
        train(data_3d, "a/b", tmp_path, TINY)


@pytest.mark.slow
def test_2d_networks_train_and_segment(tmp_path):
    data = make_data(tmp_path / "data", (40, 40))
    settings = TrainSettings(
        **TINY.model_dump(include={"depth", "n_rays", "startfilter", "features"}),
        epochs=1,
        batch_size=2,
        patch_size=(32, 32),
        grid=(2, 2),
        n_patches_per_image=1,
        min_cells=1,
        only="stardist",
    )
    train(data, "flat", tmp_path, settings)
    model = StarDistModel(tmp_path / "flat/stardist")
    image = np.random.default_rng(0).random((37, 41), np.float32)
    result = model.predict(image, prob_thresh=0.01)
    assert result.labels.shape == (37, 41)
    assert result.probability.shape == (37, 41)
    assert set(np.unique(result.labels)) <= set(range(len(result.points) + 1))
    ahead = search_stardist(model, load_dataset(data, settings).validation, lambda *_: None)
    assert set(ahead.thresholds) == {"prob", "nms"}


@pytest.mark.slow
def test_the_verb_prints_scores_and_warns_of_useless_ones(data_3d, tmp_path, capsys):
    """Two epochs are too few for anything but chance."""
    (tmp_path / "tiny.yaml").write_text(TINY.model_dump_json(exclude={"epochs"}))  # JSON is YAML
    words = ["train", data_3d, "--name", "a", "-o", tmp_path / "m", "--only", "stardist"]
    words += ["--config", tmp_path / "tiny.yaml", "--epochs", 1, "--quiet"]
    assert run_command([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    card = json.loads((tmp_path / "m/a/stardist/model_card.json").read_text())
    score = card["validation_scores"]["F1"]
    assert score < 0.5
    assert out.splitlines() == [
        f"StarDist: F1 {score:.3f} on 1 validation image",
        str(tmp_path / "m/a/stardist"),
    ]
    assert f"warning: {tmp_path / 'm/a/stardist'}: only F1 {score:.3f}" in err


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["stardist", "unet"])
def test_training_starts_from_given_weights(data_3d, trained, tmp_path, kind):
    folder, _ = trained
    changes = {"only": kind, "start_from": folder / kind, "epochs": 1, "learning_rate": 1e-12}
    paths = train(data_3d, "more", tmp_path, TINY.model_copy(update=changes))

    for before, after in zip(read_weights(folder / kind), read_weights(paths[kind]), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-6)


@pytest.mark.slow
def test_weights_of_another_design_are_refused(data_3d, trained, tmp_path):
    folder, _ = trained
    changes = {"only": "unet", "start_from": folder / "unet", "startfilter": 4}
    with pytest.raises(UserError, match="its weights do not fit") as caught:
        train(data_3d, "more", tmp_path, TINY.model_copy(update=changes))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "more").exists()
