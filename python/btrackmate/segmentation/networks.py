"""The networks that segmentation works with."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.segmentation.backend import PERCENTILES, check_image_axes, read_percentiles
from btrackmate.segmentation.blocks import Volume
from btrackmate.segmentation.denoise import DenoiseModel
from btrackmate.segmentation.other_shapes import CellposeShapes
from btrackmate.segmentation.settings import SegmentationSettings, Suppression
from btrackmate.segmentation.shapes import StarDistPrediction
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.tiling import Box
from btrackmate.segmentation.unet import UNetModel, UNetPrediction

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]


@runtime_checkable
class Streaming(Protocol):
    """A network that works on volumes that are read tile by tile; ours all do."""

    def stream(self, volume: Volume, memory: float) -> Iterator[tuple[Box, Any]]:
        """Give what the network sees in each tile, which takes at most `memory` bytes."""


class ShapeBackend(Protocol):
    """Anything that gives StarDist-like predictions, e.g. `StarDistModel`."""

    def predict(
        self,
        image: Float32,
        *,
        prob_thresh: float | None,
        nms_thresh: float | None,
        n_tiles: tuple[int, ...] | None,
        nms: Suppression,
    ) -> StarDistPrediction:
        """Segment a normalised image."""


class MaskBackend(Protocol):
    """Anything that gives U-Net-like predictions, e.g. `UNetModel`."""

    @property
    def foreground_thresh(self) -> float | None:
        """Foreground threshold found in training, if any."""

    @property
    def boundary_thresh(self) -> float | None:
        """Boundary threshold found in training, if any."""

    def predict(self, image: Float32, n_tiles: tuple[int, ...] | None) -> UNetPrediction:
        """Predict foreground and boundaries of a normalised image."""


class Denoiser(Protocol):
    """Anything that takes the noise off an image, e.g. `DenoiseModel`."""

    def denoise(self, image: NDArray[Any], n_tiles: tuple[int, ...] | None) -> Float32:
        """Denoise an image, in its own grey values."""


@dataclass(frozen=True)
class Models:
    """The loaded networks.

    Parameters
    ----------
    stardist : ShapeBackend or None
        Gives the shapes of cells.
    unet : MaskBackend or None
    roi : MaskBackend or None
        Its mask limits where cells are looked for.
    denoiser : Denoiser or None
        Works on the image before all others.
    percentiles : tuple of float
        Of the whole volume, that become 0 and 1 for the other networks.
    """

    stardist: ShapeBackend | None
    unet: MaskBackend | None
    roi: MaskBackend | None = None
    denoiser: Denoiser | None = None
    percentiles: tuple[float, float] = PERCENTILES

    @property
    def can_stream(self) -> bool:
        """Whether volumes can be segmented in blocks."""
        every = (self.stardist, self.unet, self.roi, self.denoiser)
        return all(one is None or isinstance(one, Streaming) for one in every)


def load_models(settings: SegmentationSettings) -> Models:
    """Load the networks that the settings name.

    Parameters
    ----------
    settings : SegmentationSettings

    Returns
    -------
    Models
        Without the network that `settings.mode` does not use; without shapes where they are label
        images, which are given frame by frame.

    Raises
    ------
    UserError
        If a model's folder or weights are missing, the packages are not installed, or the models
        were trained with different percentiles and the settings give none.
    """
    folder, bfloat16 = settings.model_dir, settings.bfloat16
    stardist: ShapeBackend | None = None
    if settings.mode != "unet" and settings.shapes == "stardist":
        stardist = StarDistModel.load(folder, settings.stardist, bfloat16=bfloat16)
    elif settings.mode != "unet" and settings.shapes == "cellpose":
        stardist = CellposeShapes.load(settings.cellpose)
    unet = roi = denoiser = None
    if settings.mode != "stardist":
        unet = UNetModel.load(folder, settings.unet, bfloat16=bfloat16)
    if settings.roi_model is not None:
        roi = UNetModel.load(folder, settings.roi_model, bfloat16=bfloat16)
    if settings.denoise is not None:
        denoiser = DenoiseModel(settings.denoise)
    ours = (StarDistModel, UNetModel)  # Cellpose brings no model card.
    folders = [one.folder for one in (stardist, unet, roi) if isinstance(one, ours)]
    percentiles = choose_percentiles((settings.norm_low, settings.norm_high), folders)
    return Models(stardist, unet, roi, denoiser, percentiles)


def check_networks(models: Models, settings: SegmentationSettings, ndim: int) -> None:
    """Check, before anything is computed, that the networks take such images.

    Parameters
    ----------
    models : Models
    settings : SegmentationSettings
        Its `n_tiles` must have one number an axis.
    ndim : int
        Dimensions of what the networks are to see.

    Raises
    ------
    UserError
        If a network is for other images, or several networks are for different ones.
    """
    ours = [
        one
        for one in (models.denoiser, models.stardist, models.unet, models.roi)
        if isinstance(one, DenoiseModel | StarDistModel | UNetModel)
    ]
    if len({one.ndim for one in ours}) > 1:
        each = ", ".join(f"{one.folder}: {one.ndim}D" for one in ours)
        msg = f"the models were trained for images of different dimensions ({each}); "
        msg += "give models that were all trained for images like yours"
        raise UserError(msg)
    for one in ours:
        check_image_axes(one.axes, one.channels, ndim, one.folder)
    if ours and settings.n_tiles is not None and len(settings.n_tiles) != ndim:
        msg = f"n_tiles {settings.n_tiles} has {len(settings.n_tiles)} numbers, expected {ndim}, "
        msg += "one an axis of what the networks see"
        raise UserError(msg)


def choose_percentiles(
    given: tuple[float | None, float | None], folders: list[Path]
) -> tuple[float, float]:
    """Choose the percentiles of the volume that become 0 and 1.

    Parameters
    ----------
    given : tuple of (float or None)
        The settings' `norm_low` and `norm_high`; None: those of the models' training.
    folders : list of Path
        The models' folders.

    Returns
    -------
    low, high : float

    Raises
    ------
    UserError
        If the models were trained with different ones and they are not given, or low is not below
        high.
    """
    trained = {folder: read_percentiles(folder) for folder in folders}
    if None in given and len(set(trained.values())) > 1:
        each = "; ".join(
            f"{folder}: {low:g} and {high:g}" for folder, (low, high) in trained.items()
        )
        msg = f"the models were trained with different percentiles ({each}): train one again, or "
        msg += f"choose with {option('norm_low')} and {option('norm_high')}"
        raise UserError(msg)
    low, high = next(iter(trained.values()), PERCENTILES)
    chosen = (low if given[0] is None else given[0], high if given[1] is None else given[1])
    if chosen[0] >= chosen[1]:
        msg = f"norm_low {chosen[0]:g} is not below norm_high {chosen[1]:g}"
        raise UserError(msg)
    for folder, own in trained.items():
        if own != chosen:
            _log.warning(
                "%s was trained with percentiles %g and %g, and sees %g and %g",
                folder,
                *own,
                *chosen,
            )
    return chosen
