"""The networks that segmentation works with."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from btrackmate.segmentation.denoise import DenoiseModel
from btrackmate.segmentation.other_shapes import CellposeShapes
from btrackmate.segmentation.settings import SegmentationSettings, Suppression
from btrackmate.segmentation.stardist import StarDistModel, StarDistPrediction
from btrackmate.segmentation.unet import UNetModel, UNetPrediction

Float32 = NDArray[np.float32]


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
    """

    stardist: ShapeBackend | None
    unet: MaskBackend | None
    roi: MaskBackend | None = None
    denoiser: Denoiser | None = None

    @property
    def can_stream(self) -> bool:
        """Whether volumes can be segmented in blocks."""
        return (self.stardist is None or hasattr(self.stardist, "stream_maps")) and all(
            one is None or hasattr(one, "stream") for one in (self.unet, self.roi)
        )


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
        If a model's folder or weights are missing, or the packages are not installed.
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
    return Models(stardist, unet, roi, denoiser)
