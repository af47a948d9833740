"""Training of the two networks."""

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress
from btrackmate.segmentation.backend import find_model, load_tensorflow, quiet_networks
from btrackmate.training.augmentation import Augmenter
from btrackmate.training.dataset import DataSet
from btrackmate.training.patches import PatchSource, fit_patch
from btrackmate.training.settings import TrainSettings
from btrackmate.training.targets import make_targets

_VALIDATION_PATCHES = 16  # At least: fewer make the choice of the best epoch a lottery.


@dataclass(frozen=True)
class Curve:
    """Loss after each epoch.

    Parameters
    ----------
    loss, val_loss : list of float
        On the training patches, and on the validation patches.
    """

    loss: list[float]
    val_loss: list[float]


def train_unet(folder: Path, data: DataSet, settings: TrainSettings, progress: Progress) -> Curve:
    """Train a U-Net for foreground (and boundaries) and keep its best weights.

    Parameters
    ----------
    folder : Path
        Folder of the model, made here: ``config.json`` and ``weights_best.h5``.
    data : DataSet
    settings : TrainSettings
    progress : Progress
        Called after each epoch.

    Returns
    -------
    Curve
    """
    tensorflow = load_tensorflow()
    divisor = (2**settings.depth,) * settings.ndim
    patch = fit_patch(settings.patch_size, data.train + data.validation, divisor)
    tensorflow.keras.utils.set_random_seed(settings.seed)
    with quiet_networks() as stdout:
        from csbdeep.models import CARE, Config

        config = Config(
            axes="ZYX"[-settings.ndim :] + "C",
            n_channel_in=1,
            n_channel_out=2 if settings.boundary else 1,
            unet_residual=False,
            unet_n_depth=settings.depth,
            unet_kern_size=settings.kernel_size,
            unet_n_first=settings.startfilter,
            train_loss="mse",
            train_batch_size=settings.batch_size,
            train_learning_rate=settings.learning_rate,
            train_epochs=settings.epochs,
            train_steps_per_epoch=_count_steps(data, settings),
            train_tensorboard=False,
            train_reduce_lr=None,
        )
        model = CARE(config, name=folder.name, basedir=str(folder.parent))
        model.prepare_for_training()
        _load_start(model, settings)
        source, held = (
            PatchSource(
                [pair.image for pair in pairs],
                [
                    make_targets(p.labels, settings.boundary_width, boundary=settings.boundary)
                    for p in pairs
                ],
                patch,
                augmenter,
                settings.seed,
            )
            for pairs, augmenter in (
                (data.train, Augmenter(settings.augmentation, settings.ndim, settings.seed)),
                (data.validation, None),
            )
        )
        callbacks = [
            *model.callbacks,
            _Reporter(tensorflow, "U-Net", settings, progress, stdout).callback,
        ]
        history = model.keras_model.fit(
            source.batches(settings.batch_size),
            epochs=settings.epochs,
            steps_per_epoch=config.train_steps_per_epoch,
            validation_data=held.stack(_count_validation(data, settings)),
            validation_batch_size=settings.batch_size,
            callbacks=callbacks,
            verbose=0,
        )
    return _check_curve(history, folder)


def train_stardist(
    folder: Path, data: DataSet, settings: TrainSettings, progress: Progress
) -> Curve:
    """Train a StarDist network and keep its best weights.

    Parameters
    ----------
    folder : Path
        Folder of the model, made here: ``config.json`` and ``weights_best.h5``.
    data : DataSet
    settings : TrainSettings
    progress : Progress
        Called after each epoch.

    Returns
    -------
    Curve
    """
    tensorflow = load_tensorflow()
    divisor = tuple(2**settings.depth * step for step in settings.grid)
    patch = fit_patch(settings.patch_size, data.train + data.validation, divisor)
    tensorflow.keras.utils.set_random_seed(settings.seed)
    augmenter = Augmenter(settings.augmentation, settings.ndim, settings.seed)
    held = min(_count_validation(data, settings), 64)
    with quiet_networks() as stdout:
        model = _make_stardist(folder, data, settings, patch, held)
        model.prepare_for_training()
        _load_start(model, settings)
        model.callbacks.append(
            _Reporter(tensorflow, "StarDist", settings, progress, stdout).callback
        )
        history = model.train(
            [pair.image for pair in data.train],
            [pair.labels for pair in data.train],
            validation_data=(
                [pair.image for pair in data.validation],
                [pair.labels for pair in data.validation],
            ),
            augmenter=augmenter.change_pair,
            seed=settings.seed,
        )
    return _check_curve(history, folder)


def _make_stardist(
    folder: Path, data: DataSet, settings: TrainSettings, patch: tuple[int, ...], held: int
) -> Any:
    from stardist.models import Config2D, Config3D, StarDist2D, StarDist3D

    common = {
        "axes": "ZYX"[-settings.ndim :] + "C",
        "grid": settings.grid,
        "unet_n_depth": settings.depth,
        "unet_kernel_size": (settings.kernel_size,) * settings.ndim,
        "unet_n_filter_base": settings.startfilter,
        "net_conv_after_unet": settings.features,
        "train_patch_size": patch,
        "train_batch_size": settings.batch_size,
        "train_epochs": settings.epochs,
        "train_steps_per_epoch": _count_steps(data, settings),
        "train_learning_rate": settings.learning_rate,
        "train_n_val_patches": held,
        "train_tensorboard": False,
        "train_reduce_lr": None,
    }
    if settings.ndim == 2:
        config = Config2D(n_rays=settings.n_rays, **common)
        return StarDist2D(config, name=folder.name, basedir=str(folder.parent))
    from stardist.rays3d import Rays_GoldenSpiral

    anisotropy = settings.anisotropy or measure_anisotropy(data)
    rays = Rays_GoldenSpiral(settings.n_rays, anisotropy=anisotropy)
    config = Config3D(rays=rays, anisotropy=anisotropy, **common)
    return StarDist3D(config, name=folder.name, basedir=str(folder.parent))


def _load_start(model: Any, settings: TrainSettings) -> None:
    """Give a new network the weights of the model that the training starts from."""
    if settings.start_from is None:
        return
    folder = find_model(settings.start_from.parent, settings.start_from.name, "trained")
    try:
        model.keras_model.load_weights(folder / "weights_best.h5")
    except (OSError, ValueError) as error:
        msg = f"start_from {folder}: its weights do not fit ({str(error).splitlines()[0]}); "
        msg += "give the depth, filters, kernel, rays and outputs that it was trained with"
        raise UserError(msg) from None


def measure_anisotropy(data: DataSet) -> tuple[float, ...]:
    """Measure the largest over each axis' median extent of the cells.

    Parameters
    ----------
    data : DataSet

    Returns
    -------
    tuple of float
        One number an axis, 1 for the axis along which cells span most voxels.

    Raises
    ------
    UserError
        If there is no cell.
    """
    from scipy import ndimage

    sides = [
        [side.stop - side.start for side in box]
        for pair in data.train
        for box in ndimage.find_objects(pair.labels)
        if box is not None
    ]
    if not sides:
        msg = "training data: the images left for training hold no cell; add labelled images"
        raise UserError(msg)
    extent = np.median(np.array(sides, float), axis=0)
    return tuple(float(round(value, 3)) for value in extent.max() / extent)


class _Reporter:
    """Keras callback that lowers the step size along a cosine and reports each epoch."""

    def __init__(
        self,
        tensorflow: Any,
        name: str,
        settings: TrainSettings,
        progress: Progress,
        stdout: TextIO,
    ) -> None:
        total, start = settings.epochs, settings.learning_rate

        def schedule(epoch: int, _rate: float) -> float:
            # One epoch of warm-up, then a half cosine from the start value to 1 % of it.
            if epoch == 0 and total > 5:
                return start / 5
            fall = 0.5 * (1 + math.cos(math.pi * epoch / total))
            return start * (0.01 + 0.99 * fall)

        class Callback(tensorflow.keras.callbacks.LearningRateScheduler):  # type: ignore[misc]
            def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
                super().on_epoch_end(epoch, logs)
                with contextlib.redirect_stdout(stdout):
                    progress(f"train {name}", epoch + 1, total)

        self.callback = Callback(schedule)


def _count_steps(data: DataSet, settings: TrainSettings) -> int:
    return max(1, math.ceil(len(data.train) * settings.n_patches_per_image / settings.batch_size))


def _count_validation(data: DataSet, settings: TrainSettings) -> int:
    return max(_VALIDATION_PATCHES, len(data.validation) * settings.n_patches_per_image)


def _check_curve(history: Any, folder: Path) -> Curve:
    """Read the curve; refuse a training that blew up."""
    losses = [float(value) for value in history.history["loss"]]
    held = [float(value) for value in history.history["val_loss"]]
    if not losses or not math.isfinite(losses[-1]):
        msg = f"training of {folder} diverged: the loss is not finite after {len(losses)} epochs; "
        msg += "lower learning_rate"
        raise UserError(msg)
    for spare in ("weights_last.h5", "weights_now.h5"):
        (folder / spare).unlink(missing_ok=True)
    return Curve(losses, held)
