"""The loop over epochs, with a checkpoint after each so that a killed training goes on."""

import contextlib
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from btrackmate.core.disk import check_room, remove_empty
from btrackmate.core.errors import UserError
from btrackmate.core.files import (
    copy_file,
    make_folder,
    remove,
    write_atomically,
    write_text,
    write_together,
)
from btrackmate.core.outputs import check_unchanged, check_unmade
from btrackmate.core.progress import Progress
from btrackmate.core.stamps import seal_output
from btrackmate.core.words import flag
from btrackmate.core.workplace import Workplace
from btrackmate.io.images import hash_path
from btrackmate.segmentation.backend import WEIGHTS, find_weights, load_tensorflow
from btrackmate.training.npz import NPZ_FAULTS
from btrackmate.training.patches import PatchSource
from btrackmate.training.settings import TrainSettings

_log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.npz"
_JOB = "training.json"
_FINISHED = "finished.json"
_START = "start"
_PARTS = {
    "start_weights": "weights to start from",
    "training": "training images",
    "validation": "validation images",
    "version": "version of BTrackMate",
}


@dataclass
class Curve:
    """Loss after each epoch.

    Parameters
    ----------
    loss, val_loss : list of float
        On the training patches, and on the validation patches.
    best : str
        SHA-256 of the weights of the best epoch, as they are kept.
    """

    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    best: str = ""


@dataclass(frozen=True)
class Job:
    """What one training works on.

    Parameters
    ----------
    folder : Path
        The model's working folder; holds the best weights and the checkpoint.
    title : str
        Name of the network, for progress.
    settings : TrainSettings
        Those of this network.
    steps : int
        Batches an epoch.
    held : int
        Validation patches.
    progress : Progress
        Called after each epoch.
    """

    folder: Path
    title: str
    settings: TrainSettings
    steps: int
    held: int
    progress: Progress


def fit_network(
    network: Any, source: PatchSource, held: PatchSource, job: Job, stdout: TextIO
) -> Curve:
    """Train a compiled network, from its last checkpoint if there is one.

    Parameters
    ----------
    network : csbdeep.models.BaseModel
        Compiled; its Keras model is trained.
    source, held : PatchSource
        Training and validation patches.
    job : Job
    stdout : TextIO
        Where progress may print.

    Returns
    -------
    Curve

    Raises
    ------
    UserError
        If the loss is not finite, or the checkpoint does not fit.
    """
    settings = job.settings
    curve = _load_checkpoint(network.keras_model, job.folder)
    done = len(curve.loss)
    if done < settings.epochs:
        network.keras_model.fit(
            source.batches(settings.batch_size, done * job.steps),
            epochs=settings.epochs,
            initial_epoch=done,
            steps_per_epoch=job.steps,
            validation_data=held.batch(0, job.held),
            validation_batch_size=settings.batch_size,
            callbacks=[_make_callback(network, curve, job, stdout)],
            verbose=0,
        )
    if not math.isfinite(curve.loss[-1]):
        msg = f"training of {job.title} diverged: the loss is not finite after "
        msg += f"{len(curve.loss)} epochs; lower learning_rate"
        raise UserError(msg)
    return curve


def _make_callback(network: Any, curve: Curve, job: Job, stdout: TextIO) -> Any:
    """Make the Keras callback that sets the step size, keeps the best weights and reports."""
    tensorflow: Any = load_tensorflow()
    base: Any = tensorflow.keras.callbacks.LearningRateScheduler
    total, start = job.settings.epochs, job.settings.learning_rate

    def schedule(epoch: int, _rate: float) -> float:
        # One epoch of warm-up, then a half cosine from the start value to 1 % of it.
        if epoch == 0 and total > 5:
            return start / 5
        fall = 0.5 * (1 + math.cos(math.pi * epoch / total))
        return start * (0.01 + 0.99 * fall)

    class Callback(base):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            super().on_epoch_end(epoch, logs)
            loss, held = float(logs["loss"]), float(logs["val_loss"])
            best = min(curve.val_loss, default=math.inf)
            curve.loss.append(loss)
            curve.val_loss.append(held)
            if not math.isfinite(loss):
                self.model.stop_training = True
                return
            with write_together():  # Of one epoch both, or neither.
                if held < best or not curve.best:
                    with write_atomically(job.folder / WEIGHTS) as temporary:
                        check_room(temporary, _measure_weights(network.keras_model))
                        network.keras_model.save_weights(str(temporary))
                        curve.best = hash_path(temporary)
                _save_checkpoint(network.keras_model, curve, job.folder)
            with contextlib.redirect_stdout(stdout):
                job.progress(f"train {job.title}", epoch + 1, total)

    return Callback(schedule)


def _measure_weights(model: Any) -> int:
    """Give more bytes than a file of weights takes: HDF5 crashes on a full disk."""
    sizes = [int(one.nbytes) for one in model.get_weights()]
    return sum(sizes) + 16_384 * (len(sizes) + 16)


def _save_checkpoint(model: Any, curve: Curve, folder: Path) -> None:
    """Write weights, optimiser state and curve."""
    arrays: dict[str, Any] = {f"w{i}": value for i, value in enumerate(model.get_weights())}
    arrays |= {f"o{i}": np.asarray(value) for i, value in enumerate(model.optimizer.variables)}
    arrays |= {"loss": curve.loss, "val_loss": curve.val_loss, "best": curve.best}
    with write_atomically(folder / CHECKPOINT) as temporary:
        np.savez(temporary, **arrays)


def _load_checkpoint(model: Any, folder: Path) -> Curve:
    """Give a network what the last finished epoch left; an empty curve if there is none."""
    path = folder / CHECKPOINT
    if not path.is_file():
        return Curve()
    try:
        with np.load(path, allow_pickle=False) as saved:
            weights = _read_numbered(saved, "w")
            state = _read_numbered(saved, "o")
            losses = saved["loss"].tolist(), saved["val_loss"].tolist()
            curve = Curve(*losses, str(saved["best"]))
    except NPZ_FAULTS:
        _log.warning("%s is damaged: the training begins anew", path)
        return Curve()
    kept = folder / WEIGHTS
    if not kept.is_file() or hash_path(kept) != curve.best:
        _log.warning("%s is missing, or not of this training: it begins anew", kept)
        return Curve()
    model.optimizer.build(model.trainable_variables)
    fits = [w.shape for w in weights] == [w.shape for w in model.get_weights()]
    if not fits or len(state) != len(model.optimizer.variables):
        msg = f"{path} does not fit the network; train again with {flag('overwrite')}"
        raise UserError(msg)
    model.set_weights(weights)
    for variable, value in zip(model.optimizer.variables, state, strict=True):
        variable.assign(value)
    return curve


def _read_numbered(saved: Any, letter: str) -> Sequence[Any]:
    count = sum(name[0] == letter and name[1:].isdigit() for name in saved.files)
    return [saved[f"{letter}{i}"] for i in range(count)]


class TrainingFolder:
    """The hidden folder beside a model's, in which it is trained until it is finished.

    Parameters
    ----------
    folder : Path
        Where the finished model goes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder.with_name(f".{folder.name}.training")
        self._place = Workplace(path, folder.parent, str(folder))

    @property
    def path(self) -> Path:
        """The hidden folder."""
        return self._place.path

    @property
    def model(self) -> Path:
        """The model's folder while it is trained."""
        return self._place.new / self.folder.name

    def is_unfinished(self) -> bool:
        """Tell whether a training was stopped here; clears what one that had ended left.

        Raises
        ------
        UserError
            If another process trains here just now.
        """
        if not self._place.enter(make=False):
            return False
        if self._place.is_published:
            self._place.remove()
            return False
        self._place.leave()
        return True

    def begin(
        self, fingerprint: dict[str, Any], *, overwrite: bool, beside: str | None = None
    ) -> bool:
        """Take the folder for a training; what is there of the same one is kept.

        Parameters
        ----------
        fingerprint : dict
            What makes two trainings the same: settings and data.
        overwrite : bool
            Throw away what is there of another.
        beside : str, optional
            What the thresholds depend on, and the training does not.

        Returns
        -------
        bool
            Whether the training was finished, with the same beside it, and only its model is to be
            put in place.

        Raises
        ------
        UserError
            If a training with other settings or data was stopped here, or another process trains.
        """
        self._place.enter()
        text = json.dumps(fingerprint, indent=2, sort_keys=True)
        before = self._read(_JOB)
        if before == text and not overwrite:
            make_folder(self.model)
            return self._is_finished(text, beside)
        if (self.model / CHECKPOINT).exists() and not overwrite:
            self._place.leave()
            msg = "an unfinished training with other settings or data "
            msg += f"({', '.join(_list_changes(before, fingerprint))}) is in {self.path}; "
            msg += f"train with those to go on, or {flag('overwrite')} to begin anew"
            raise UserError(msg)
        self._place.clear()
        make_folder(self.model)
        write_text(self.path / _JOB, text)
        return False

    def copy_start(self, model: Path, sha256: str) -> Path:
        """Copy what a training starts from into the folder: a model that is renewed is no other.

        Parameters
        ----------
        model : Path
            The model's folder.
        sha256 : str
            Of its weights, as the fingerprint tells.

        Returns
        -------
        Path
            Folder of the copy.

        Raises
        ------
        UserError
            If the weights are others by now.
        """
        place, weights = self.path / _START, find_weights(model)
        remove(place)
        make_folder(place)
        for file in (model / "config.json", weights):
            copy_file(file, place / file.name)
        if hash_path(place / weights.name) != sha256:
            msg = f"{model} was changed while it was read: start again when it is finished"
            raise UserError(msg)
        return place

    def mark_finished(self, beside: str | None = None) -> None:
        """Note that all of the model is there, and what `begin` is told to be beside it."""
        self._place.confirm()
        files = sorted(path for path in self.model.iterdir() if path.name != CHECKPOINT)
        made = {f"{self.folder.name}/{path.name}": seal_output(path) for path in files}
        told = {"job": self._read(_JOB), "beside": beside, "made": made}
        write_text(self.path / _FINISHED, json.dumps(told))

    def _is_finished(self, job: str, beside: str | None) -> bool:
        try:
            told = json.loads(self._read(_FINISHED))
            same = (told["job"], told["beside"]) == (job, beside)
            return same and self._place.holds(told["made"])
        except (ValueError, KeyError, TypeError, AttributeError):  # None, or a damaged one.
            return False

    def publish(self, *, overwrite: bool) -> None:
        """Put the model in place, without what it needed only for going on.

        Raises
        ------
        UserError
            If somebody else made or changed a folder of that name meanwhile; what is finished is
            kept.
        """
        if not self._place.is_published:
            remedy = f"the finished model is kept in {self.path}; move the other away and start "
            remedy += f"again without {flag('overwrite')}"
            if not overwrite:
                check_unmade(self.folder, remedy)
            check_unchanged(self.folder, remedy)
        remove(self.model / CHECKPOINT)
        self._place.publish([self.folder.name])
        self._place.remove()

    def give_up(self) -> None:
        """Remove the folder: there is nothing that could go on."""
        self._place.remove()
        remove_empty(self.folder.parent)

    def leave(self) -> None:
        """Let another process go on."""
        self._place.leave()

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""


def _list_changes(text: str, now: dict[str, Any]) -> list[str]:
    """Name what differs from the training that a text tells of, settings one by one."""
    try:
        before = json.loads(text)
        settings = before.pop("settings") | {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return [_JOB]
    own = now["settings"]
    names = sorted({*before, *now} - {"settings"})
    changes = [_PARTS.get(name, name) for name in names if before.get(name) != now.get(name)]
    return changes + [n for n in sorted({*settings, *own}) if settings.get(n) != own.get(n)]
