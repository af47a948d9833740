"""2D images through networks that were trained on volumes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.segmentation.networks import Models
from btrackmate.segmentation.result import SegmentationResult
from btrackmate.segmentation.segment import segment_volume
from btrackmate.segmentation.settings import SegmentationSettings

#: Equal slices that stand for one image; the middle one is kept.
SLICES = 9


def segment_frame(
    image: NDArray[Any],
    calibration: Calibration,
    settings: SegmentationSettings,
    models: Models,
    roi: NDArray[np.bool_] | None = None,
) -> SegmentationResult:
    """Segment one frame, also a 2D image with networks for volumes.

    Parameters
    ----------
    image : ([Z,] Y, X) ndarray
        One channel of one frame.
    calibration : Calibration
        Voxel size.
    settings : SegmentationSettings
    models : Models
    roi : ([Z,] Y, X) ndarray of bool, optional
        Cells are looked for inside it only.

    Returns
    -------
    SegmentationResult
        Of the image's shape.

    Raises
    ------
    UserError
        As :func:`btrackmate.segmentation.segment.segment_volume`.

    Notes
    -----
    A 2D image is repeated to a stack of equal slices, in which cells are columns, and the middle
    slice of the result is taken. Networks that were trained on 2D images do better.
    """
    if not needs_stacking(image.ndim, models):
        return segment_volume(image, calibration, settings, models, roi)
    scaled = settings.model_copy(
        update={
            "min_size": settings.min_size * SLICES,
            "max_size": settings.max_size and settings.max_size * SLICES,
        }
    )
    stack = np.repeat(image[np.newaxis], SLICES, axis=0)
    if roi is not None:
        roi = np.repeat(roi[np.newaxis], SLICES, axis=0)
    return _take_middle(segment_volume(stack, calibration, scaled, models, roi))


def needs_stacking(ndim: int, models: Models) -> bool:
    """Tell whether 2D images are to go through networks for volumes."""
    network = models.stardist or models.unet
    return ndim == 2 and getattr(network, "ndim", 2) == 3


def _take_middle(result: SegmentationResult) -> SegmentationResult:
    """Keep the middle slice, and number the cells that it holds 1…n."""
    middle = SLICES // 2
    plane = result.labels[middle]
    present, inverse = np.unique(plane, return_inverse=True)
    number = np.cumsum(present > 0).astype(np.uint32) * (present > 0)
    labels = number[inverse].reshape(plane.shape).astype(np.uint32)
    ids = present[present > 0]
    rows = np.searchsorted(result.cells["label"].to_numpy(), ids)
    cells = result.cells.iloc[rows].drop(columns="z", errors="ignore").reset_index(drop=True)
    cells["label"] = np.arange(1, len(ids) + 1)
    cells["voxels"] = np.bincount(labels.ravel(), minlength=len(ids) + 1)[1:]
    maps = (result.probability, result.foreground, result.boundary)
    return SegmentationResult(
        labels, cells, result.mask[middle], *(None if one is None else one[middle] for one in maps)
    )
