"""Training of the networks: what each learns, and its configuration."""

import contextlib
import importlib.util
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress
from btrackmate.segmentation.backend import (
    find_model,
    find_weights,
    load_tensorflow,
    quiet_networks,
)
from btrackmate.training.augmentation import Augmenter
from btrackmate.training.dataset import DataSet, Pair
from btrackmate.training.fit import Curve, Job, fit_network
from btrackmate.training.noise2void import hide_voxels, measure_masked_error
from btrackmate.training.patches import PatchSource, Prepare, Targets, fit_patch
from btrackmate.training.settings import Kind, TrainSettings
from btrackmate.training.targets import encode_shapes, make_targets

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]
Trainer = Callable[[Path, DataSet, TrainSettings, Progress], Curve]

TITLES: dict[Kind, str] = {"stardist": "StarDist", "unet": "U-Net", "n2v": "Noise2Void"}

_VALIDATION_PATCHES = 16  # At least: fewer make the choice of the best epoch a lottery.
_MOST_VALIDATION_PATCHES = 64


def train_unet(folder: Path, data: DataSet, settings: TrainSettings, progress: Progress) -> Curve:
    """Train a U-Net for foreground (and boundaries) and keep its best weights.

    Parameters
    ----------
    folder : Path
        Working folder of the model: ``config.json`` and ``weights_best.h5`` are written there.
    data : DataSet
    settings : TrainSettings
    progress : Progress
        Called after each epoch.

    Returns
    -------
    Curve
    """
    augmenter = Augmenter(settings.augmentation, settings.ndim)

    def change(
        image: Float32, maps: NDArray[Any], rng: np.random.Generator
    ) -> tuple[Float32, Targets]:
        image, maps = augmenter.change_target(image, maps, rng)
        return image, (maps,)

    def keep(
        image: Float32, maps: NDArray[Any], _rng: np.random.Generator
    ) -> tuple[Float32, Targets]:
        return image, (maps,)

    sources = _make_sources(
        data,
        settings,
        "unet",
        lambda pair: make_targets(pair.labels, settings.boundary_width, boundary=settings.boundary),
        (change, keep),
    )

    def make() -> Any:
        model = _make_care(folder, data, settings, 2 if settings.boundary else 1)
        model.prepare_for_training()
        return model

    with _new_network(settings, make) as (model, stdout):
        return fit_network(
            model, *sources, _make_job(folder, "unet", data, settings, progress), stdout
        )


def train_n2v(folder: Path, data: DataSet, settings: TrainSettings, progress: Progress) -> Curve:
    """Train a denoising U-Net from noisy images alone and keep its best weights.

    Parameters
    ----------
    folder : Path
        Working folder of the model: ``config.json`` and ``weights_best.h5`` are written there.
    data : DataSet
        Its labels are not used.
    settings : TrainSettings
    progress : Progress
        Called after each epoch.

    Returns
    -------
    Curve

    Notes
    -----
    Patches are flipped and turned by right angles only: interpolated or added noise would tell
    the network of its neighbours'.
    """
    rotation = "off" if settings.augmentation.rotation == "off" else "right-angle"
    still = settings.augmentation.model_copy(update={"rotation": rotation, "noise_fraction": 0.0})
    augmenter = Augmenter(still, settings.ndim)

    def hide(
        image: Float32, _none: NDArray[Any], rng: np.random.Generator
    ) -> tuple[Float32, Targets]:
        masked, target = hide_voxels(image, settings.masked_fraction, rng)
        return masked, (target,)

    def change(
        image: Float32, none: NDArray[Any], rng: np.random.Generator
    ) -> tuple[Float32, Targets]:
        return hide(augmenter.change_pair(image, none, rng)[0], none, rng)

    sources = _make_sources(data, settings, "n2v", lambda pair: pair.labels, (change, hide))

    def make() -> Any:
        model = _make_care(folder, data, settings, 1)
        adam = load_tensorflow().keras.optimizers.Adam(settings.learning_rate)
        model.keras_model.compile(optimizer=adam, loss=measure_masked_error)
        return model

    with _new_network(settings, make) as (model, stdout):
        return fit_network(
            model, *sources, _make_job(folder, "n2v", data, settings, progress), stdout
        )


def train_stardist(
    folder: Path, data: DataSet, settings: TrainSettings, progress: Progress
) -> Curve:
    """Train a StarDist network and keep its best weights.

    Parameters
    ----------
    folder : Path
        Working folder of the model: ``config.json`` and ``weights_best.h5`` are written there.
    data : DataSet
    settings : TrainSettings
    progress : Progress
        Called after each epoch.

    Returns
    -------
    Curve
    """
    augmenter = Augmenter(settings.augmentation, settings.ndim)

    def make() -> Any:
        model = _make_stardist(folder, data, settings)
        model.prepare_for_training()
        return model

    with _new_network(settings, make) as (model, stdout):

        def encode(
            image: Float32, labels: NDArray[Any], _rng: np.random.Generator
        ) -> tuple[Float32, Targets]:
            return image, encode_shapes(labels, model.config)

        def change(
            image: Float32, labels: NDArray[Any], rng: np.random.Generator
        ) -> tuple[Float32, Targets]:
            return encode(*augmenter.change_pair(image, labels, rng), rng)

        sources = _make_sources(
            data, settings, "stardist", lambda pair: pair.labels, (change, encode)
        )
        job = _make_job(folder, "stardist", data, settings, progress)
        return fit_network(model, *sources, job, stdout)


TRAINERS: dict[Kind, Trainer] = {
    "n2v": train_n2v,
    "stardist": train_stardist,
    "unet": train_unet,
}
"""How each network is trained."""


def check_settings(data: DataSet, settings: TrainSettings, kind: Kind) -> None:
    """Check what can be checked of a training before it begins.

    Parameters
    ----------
    data : DataSet
    settings : TrainSettings
        Those of this network.
    kind : str

    Raises
    ------
    UserError
        If patches don't fit the images or the network, or gputools is asked for and missing.
    """
    fit_patch(settings.patch_size, data.train + data.validation, _get_divisor(settings, kind))
    if settings.start_from is not None:
        find_model(settings.start_from.parent, settings.start_from.name, "trained")
    if kind == "stardist":
        if settings.use_gpu_opencl and importlib.util.find_spec("gputools") is None:
            msg = "use_gpu_opencl needs gputools, which is not installed; install it with: "
            msg += "pip install gputools, or leave use_gpu_opencl off"
            raise UserError(msg)
        if settings.anisotropy is None:
            measure_anisotropy(data)


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


def _get_divisor(settings: TrainSettings, kind: Kind) -> tuple[int, ...]:
    grid = settings.grid if kind == "stardist" else (1,) * settings.ndim
    return tuple(2**settings.depth * step for step in grid)


def _make_sources(
    data: DataSet,
    settings: TrainSettings,
    kind: Kind,
    target: Callable[[Pair], NDArray[Any]],
    prepare: tuple[Prepare, Prepare],
) -> tuple[PatchSource, PatchSource]:
    """Make the sources of training (first of `prepare`) and validation patches (second)."""
    patch = fit_patch(
        settings.patch_size, data.train + data.validation, _get_divisor(settings, kind)
    )
    made: dict[int, NDArray[Any]] = {}  # An image that counts several times is made once.
    for pair in (*data.train, *data.validation):
        if id(pair) not in made:
            made[id(pair)] = target(pair)

    def make(pairs: Sequence[Pair], prepare: Prepare) -> PatchSource:
        targets = [made[id(pair)] for pair in pairs]
        return PatchSource([p.image for p in pairs], targets, patch, prepare, settings.seed)

    return make(data.train, prepare[0]), make(data.validation, prepare[1])


def _make_job(
    folder: Path, kind: Kind, data: DataSet, settings: TrainSettings, progress: Progress
) -> Job:
    each = 1 if data.is_patches else settings.n_patches_per_image
    patches = len(data.train) * settings.augmentation.copies * each
    steps = max(patches / settings.batch_size, settings.min_steps / settings.epochs)
    held = max(_VALIDATION_PATCHES, len(data.validation) * settings.n_patches_per_image)
    return Job(
        folder,
        TITLES[kind],
        settings,
        max(1, math.ceil(steps)),
        min(held, _MOST_VALIDATION_PATCHES),
        progress,
    )


@contextlib.contextmanager
def _new_network(settings: TrainSettings, make: Callable[[], Any]) -> Iterator[tuple[Any, TextIO]]:
    """Make a network from the settings' seed and weights; keep it quiet, but give its stdout."""
    load_tensorflow().keras.utils.set_random_seed(settings.seed)
    with quiet_networks() as stdout:
        model = make()
        _load_start(model, settings)
        yield model, stdout


def _make_care(folder: Path, data: DataSet, settings: TrainSettings, outputs: int) -> Any:
    from csbdeep.models import CARE, Config

    config = Config(
        axes="ZYX"[-settings.ndim :] + "C",
        n_channel_in=1,
        n_channel_out=outputs,
        unet_residual=False,
        unet_n_depth=settings.depth,
        unet_kern_size=settings.kernel_size,
        unet_n_first=settings.startfilter,
        train_loss="mse",
        train_batch_size=settings.batch_size,
        train_learning_rate=settings.learning_rate,
        train_epochs=settings.epochs,
        train_steps_per_epoch=max(1, len(data.train)),
        train_tensorboard=False,
        train_reduce_lr=None,
    )
    return CARE(config, name=folder.name, basedir=str(folder.parent))


def _make_stardist(folder: Path, data: DataSet, settings: TrainSettings) -> Any:
    from stardist.models import Config2D, Config3D, StarDist2D, StarDist3D

    common = {
        "axes": "ZYX"[-settings.ndim :] + "C",
        "grid": settings.grid,
        "unet_n_depth": settings.depth,
        "unet_kernel_size": (settings.kernel_size,) * settings.ndim,
        "unet_n_filter_base": settings.startfilter,
        "net_conv_after_unet": settings.features,
        "train_patch_size": settings.patch_size,
        "train_batch_size": settings.batch_size,
        "train_epochs": settings.epochs,
        "train_learning_rate": settings.learning_rate,
        "train_tensorboard": False,
        "train_reduce_lr": None,
        "use_gpu": settings.use_gpu_opencl,
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
        model.keras_model.load_weights(find_weights(folder))
    except (OSError, ValueError) as error:
        msg = f"start_from {folder}: its weights do not fit ({str(error).splitlines()[0]}); "
        msg += "give the depth, filters, kernel, rays and outputs that it was trained with"
        raise UserError(msg) from None
