"""Trainings that are stopped or killed go on, and end as if they had not been."""

import errno
import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from extras import needs
from tiny_training import TINY, make_data, read_weights

from btrackmate.core.errors import StorageError, UserError
from btrackmate.io.images import hash_path
from btrackmate.training import fit, train, trainer
from btrackmate.training.fit import CHECKPOINT, TrainingFolder

pytestmark = needs("stardist", "tensorflow")

FOUR = TINY.model_copy(update={"epochs": 4, "only": "stardist"})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"), (8, 20, 20))


def stop_after(epochs):
    def progress(step, done, total):
        if step.startswith("train") and done == epochs:
            raise KeyboardInterrupt

    return progress


@pytest.mark.slow
def test_a_killed_training_goes_on_after_its_last_epoch(data, tmp_path):
    """Killed in another process after epoch 2 of 4: the same weights and curve as in one go."""
    script = f"""
        import os, signal
        from pathlib import Path
        from btrackmate.training import TrainSettings, train

        def progress(step, done, total):
            if done == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        settings = TrainSettings.model_validate_json({FOUR.model_dump_json()!r})
        train(Path({str(data)!r}), "killed", Path({str(tmp_path)!r}), settings, progress=progress)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -9
    work = tmp_path / "killed/.stardist.training"
    (checkpoint,) = work.glob(f"new-*/stardist/{CHECKPOINT}")
    assert not (tmp_path / "killed/stardist").exists()
    with np.load(checkpoint) as saved:  # The optimiser's moments are there too.
        moments = [saved[name] for name in saved.files if name[0] == "o" and saved[name].ndim > 1]
    assert any(np.abs(moment).max() > 0 for moment in moments)
    epochs = []
    resumed = train(data, "killed", tmp_path, FOUR, progress=lambda *step: epochs.append(step))[
        "stardist"
    ]
    assert [step[1] for step in epochs if step[0] == "train StarDist"] == [3, 4]
    assert not work.exists()
    assert not (resumed / CHECKPOINT).exists()
    straight = train(data, "straight", tmp_path, FOUR)["stardist"]
    assert len(read_weights(straight)) == 22
    for one, other in zip(read_weights(resumed), read_weights(straight), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    curves = [
        np.loadtxt(folder / "training_curve.csv", delimiter=",", skiprows=1)
        for folder in (resumed, straight)
    ]
    np.testing.assert_allclose(*curves, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("hurt", ["missing", "cut", "of another"])
@pytest.mark.parametrize("epochs", [1, 2])
def test_a_copy_without_its_best_weights_begins_anew(data, tmp_path, caplog, hurt, epochs):
    """As copies that were cut, and backups that were put back in part; after the last epoch too."""
    settings = TINY.model_copy(update={"only": "unet"})
    with pytest.raises(KeyboardInterrupt):
        train(data, "a", tmp_path, settings, progress=stop_after(epochs))
    (weights,) = (tmp_path / "a/.unet.training").glob("new-*/unet/weights_best.h5")
    content = weights.read_bytes()
    weights.unlink()
    if hurt != "missing":
        weights.write_bytes(content[:5000] if hurt == "cut" else content[:-1] + b"x")
    seen = []
    model = train(data, "a", tmp_path, settings, progress=lambda *step: seen.append(step))["unet"]
    assert "is missing, or not of this training: it begins anew" in caplog.text
    assert [step[1] for step in seen if step[0] == "train U-Net"] == [1, 2]
    straight = train(data, "straight", tmp_path, settings)["unet"]
    for one, other in zip(read_weights(model), read_weights(straight), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("hurt", ["missing", "cut"])
def test_a_finished_network_that_is_not_whole_is_refused(data, tmp_path, hurt):
    settings = TINY.model_copy(update={"only": "both"})

    def progress(step, done, total):
        if step == "train U-Net":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, "a", tmp_path, settings, progress=progress)
    weights = tmp_path / "a/stardist/weights_best.h5"
    whole = weights.read_bytes()
    weights.unlink()
    if hurt == "cut":
        weights.write_bytes(whole[:20000])
    with pytest.raises(UserError, match="holds no weights|does not hold the weights"):
        train(data, "a", tmp_path, settings)
    weights.write_bytes(whole)
    assert set(train(data, "a", tmp_path, settings)) == {"stardist", "unet"}


@pytest.mark.slow
def test_other_settings_do_not_go_on(data, tmp_path, monkeypatch):
    settings = TINY.model_copy(update={"only": "unet"})
    with pytest.raises(KeyboardInterrupt):
        train(data, "a", tmp_path, settings, progress=stop_after(1))
    other = settings.model_copy(update={"learning_rate": 2e-3})
    told = r"unfinished training with other settings or data \(%s\)"
    with pytest.raises(UserError, match=told % "learning_rate"):
        train(data, "a", tmp_path, other)
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "__version__", "9")
        with pytest.raises(UserError, match=told % "version of BTrackMate"):
            train(data, "a", tmp_path, settings)
    epochs = []
    train(data, "a", tmp_path, other, overwrite=True, progress=lambda *step: epochs.append(step))
    assert ("train U-Net", 1, 2) in epochs


@pytest.mark.parametrize("name", ["start_from", "denoiser"])
def test_a_model_that_is_read_is_not_replaced(data, tmp_path, name):
    model = tmp_path / "a/unet"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}", encoding="ascii")
    settings = TINY.model_copy(update={"only": "unet", name: model})
    with pytest.raises(UserError, match="is an input and would be replaced"):
        train(data, "a", tmp_path, settings, overwrite=True)
    assert (model / "config.json").read_text(encoding="ascii") == "{}"


@pytest.mark.slow
def test_another_start_does_not_go_on(data, tmp_path):
    """The model that a stopped training started from was trained anew meanwhile."""
    settings = TINY.model_copy(update={"only": "unet"})
    start = train(data, "start", tmp_path, settings)["unet"]
    before = (start / "weights_best.h5").read_bytes()
    own = settings.model_copy(update={"start_from": start})
    with pytest.raises(KeyboardInterrupt):
        train(data, "a", tmp_path, own, progress=stop_after(1))
    train(data, "start", tmp_path, settings.model_copy(update={"epochs": 3}), overwrite=True)
    assert (start / "weights_best.h5").read_bytes() != before
    with pytest.raises(UserError, match="unfinished training with other settings or data"):
        train(data, "a", tmp_path, own)


@pytest.mark.slow
def test_other_patches_of_the_same_images_do_not_go_on(data, tmp_path):
    for seed in (1, 2):
        cut = TINY.model_copy(update={"only": "unet", "npz_only": True, "seed": seed})
        train(data, f"p{seed}", tmp_path, cut)
    patches = tmp_path / "use.npz"
    patches.write_bytes((tmp_path / "p1/patches.npz").read_bytes())
    settings = TINY.model_copy(update={"only": "unet"})
    with pytest.raises(KeyboardInterrupt):
        train(patches, "a", tmp_path, settings, progress=stop_after(1))
    patches.write_bytes((tmp_path / "p2/patches.npz").read_bytes())
    with pytest.raises(UserError, match="unfinished training with other settings or data"):
        train(patches, "a", tmp_path, settings)


@pytest.mark.slow
def test_a_model_that_appears_meanwhile_is_not_replaced(data, tmp_path):
    settings = TINY.model_copy(update={"only": "unet", "epochs": 1})

    def copy(step, done, total):
        (tmp_path / "a/unet").mkdir(exist_ok=True)
        (tmp_path / "a/unet/mine.txt").touch()

    with pytest.raises(UserError, match="unet was made by somebody .*start again without"):
        train(data, "a", tmp_path, settings, progress=copy)
    assert [path.name for path in (tmp_path / "a/unet").iterdir()] == ["mine.txt"]
    (tmp_path / "a/unet").rename(tmp_path / "theirs")
    epochs = []
    train(data, "a", tmp_path, settings, progress=lambda *step: epochs.append(step[0]))
    assert (tmp_path / "a/unet/config.json").is_file()
    assert "train U-Net" not in epochs  # it was finished


@pytest.mark.slow
def test_networks_that_were_finished_are_kept(data, tmp_path):
    """Stopped in the second of two: the first is not trained again."""
    settings = TINY.model_copy(update={"epochs": 1})

    def stop(step, done, total):
        if step == "train U-Net":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, "a", tmp_path, settings, progress=stop)
    assert (tmp_path / "a/stardist").is_dir()
    with pytest.raises(UserError, match="stardist exists already, trained with other settings"):
        train(data, "a", tmp_path, settings.model_copy(update={"n_rays": 9}))
    card = tmp_path / "a/stardist/model_card.json"
    told = card.read_text(encoding="utf-8")
    card.write_text(told.replace('"validation_images": {', '"validation_images": {"x": "0", '))
    with pytest.raises(UserError, match="stardist exists already, trained with other settings"):
        train(data, "a", tmp_path, settings)
    card.write_text(told)
    epochs = []
    train(data, "a", tmp_path, settings, progress=lambda *step: epochs.append(step[0]))
    assert "train StarDist" not in epochs
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"stardist", "unet"}


@pytest.mark.slow
def test_a_training_that_diverges_leaves_nothing(data, tmp_path):
    weird = data.parent / "weird"
    if not weird.exists():
        make_data(weird, (8, 20, 20))
    settings = TINY.model_copy(
        update={"only": "unet", "augmentation": TINY.augmentation.model_copy(update={"gain": 1e38})}
    )
    with pytest.raises(UserError, match="diverged: the loss is not finite after 1 epochs"):
        train(weird, "a", tmp_path, settings)
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_thresholds_are_those_beside_the_partner_that_is_there(data, tmp_path, monkeypatch):
    """A U-Net that was finished and not put in place, and another StarDist by then."""
    star = TINY.model_copy(update={"only": "stardist"})
    unet = TINY.model_copy(update={"only": "unet"})
    train(data, "a", tmp_path, star)
    train(data, "b", tmp_path, star.model_copy(update={"epochs": 3}))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):

        def stop(*_, **__):
            raise KeyboardInterrupt

        patch.setattr(TrainingFolder, "publish", stop)
        train(data, "a", tmp_path, unet)
    searched = []
    monkeypatch.setattr(trainer, "_load_partner", lambda *given: searched.append(given))
    shutil.rmtree(tmp_path / "a/stardist")
    shutil.copytree(tmp_path / "b/stardist", tmp_path / "a/stardist")
    epochs = []
    train(data, "a", tmp_path, unet, progress=lambda *step: epochs.append(step))
    assert len(searched) == 1
    assert not [step for step in epochs if step[0] == "train U-Net"]
    assert (tmp_path / "a/unet/model_card.json").exists()


def test_a_start_that_is_renewed_while_it_is_read_is_refused(tmp_path):
    """The card would name the one, and the network begin from the other."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "weights_best.h5").write_text("old")
    before = hash_path(model / "weights_best.h5")
    work = TrainingFolder(tmp_path / "new" / "unet")
    work.begin({"settings": {}}, overwrite=False)
    copied = work.copy_start(model, before)
    assert (copied / "weights_best.h5").read_text() == "old"
    (model / "weights_best.h5").write_text("new")
    with pytest.raises(UserError, match="model was changed while it was read"):
        work.copy_start(model, before)
    work.leave()


@pytest.mark.slow
def test_a_full_disk_is_told_before_weights_are_written(data, tmp_path, monkeypatch):
    """HDF5 would end the process; what was asked for is room for all of the file."""
    asked = []

    def refuse(path, size):
        asked.append(size)
        if len(asked) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(fit, "check_room", refuse)
    with pytest.raises(StorageError, match="weights_best.h5: .*No space left"):
        train(data, "full", tmp_path, FOUR)
    (written,) = (tmp_path / "full/.stardist.training").glob("new-*/stardist/weights_best.h5")
    assert written.stat().st_size < asked[0] < 2 * written.stat().st_size + 2**20
    asked += [0] * 2
    assert (train(data, "full", tmp_path, FOUR)["stardist"] / "weights_best.h5").is_file()


@pytest.mark.parametrize(
    ("stopped", "there", "finished"),
    [
        ("unet", ("stardist",), {"stardist"}),
        ("stardist", (), set()),
        ("unet", ("stardist", "unet"), None),  # The old one, which was going to be replaced.
        ("stardist", ("stardist",), None),
        ("stardist", ("unet",), None),  # Its thresholds are of a StarDist that was there before.
    ],
)
def test_old_networks_are_not_those_of_a_stopped_training(tmp_path, stopped, there, finished):
    outputs = {kind: tmp_path / "m" / kind for kind in ("stardist", "unet")}
    work = TrainingFolder(outputs[stopped])
    work.begin({"job": 1}, overwrite=False)
    (work.model / CHECKPOINT).write_bytes(b"x")
    work.leave()
    for kind in there:
        outputs[kind].mkdir(parents=True)
    if finished is not None:
        assert trainer._check_outputs(outputs, overwrite=False) == finished
        return
    with pytest.raises(UserError, match="is not of the training that was stopped: move it away"):
        trainer._check_outputs(outputs, overwrite=False)
