"""The networks that segmentation works with."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Models:
    """The loaded networks.

    Parameters
    ----------
    stardist : ShapeBackend or None
    unet : MaskBackend or None
    """

    stardist: ShapeBackend | None
    unet: MaskBackend | None


def load_models(settings: SegmentationSettings) -> Models:
    """Load the networks that the settings name.

    Parameters
    ----------
    settings : SegmentationSettings

    Returns
    -------
    Models
        Without the network that `settings.mode` does not use.

    Raises
    ------
    UserError
        If a model's folder or weights are missing, or the packages are not installed.
    """
    use_stardist, use_unet = settings.mode != "unet", settings.mode != "stardist"
    return Models(
        StarDistModel.load(settings.model_dir, settings.stardist) if use_stardist else None,
        UNetModel.load(settings.model_dir, settings.unet) if use_unet else None,
    )
