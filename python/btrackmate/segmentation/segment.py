"""VollSeg: StarDist and U-Net, seed pooling and watershed, on one volume or image."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.segmentation import seeds as pool
from btrackmate.segmentation.merging import join_over_weak_walls
from btrackmate.segmentation.networks import MaskBackend, Models, ShapeBackend
from btrackmate.segmentation.normalisation import normalise_volume
from btrackmate.segmentation.result import SegmentationResult, describe_cells
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.segmentation.shapes import StarDistPrediction
from btrackmate.segmentation.unet import UNetPrediction
from btrackmate.segmentation.watershed import (
    complete_mask,
    fill_small_holes,
    flood,
    remove_by_size,
    stamp_markers,
)

_log = logging.getLogger(__name__)

Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Spacing = tuple[float, ...]

#: Boundary threshold of a network that brings none.
DEFAULT_BOUNDARY = 0.5


@dataclass(frozen=True)
class _Tissue:
    """The U-Net's prediction after its thresholds.

    `core` is None without boundaries; `wall` is the boundary value below which a wall is weak,
    0 for none; `rescue` the probability that cells without a StarDist shape need.
    """

    prediction: UNetPrediction
    mask: Mask
    core: Mask | None
    threshold: float
    limit: float
    wall: float
    rescue: float

    def basins(self, pooling: str) -> tuple[Mask, ...]:
        """Give the regions below two boundary values between `limit` and `wall`, if wanted."""
        boundary = self.prediction.boundary
        if pooling != "basin" or boundary is None or self.wall <= self.limit:
            return ()
        middle = (self.limit + self.wall) / 2
        return tuple(self.mask & (boundary < level) for level in (middle, self.wall))


def segment_volume(
    image: NDArray[Any],
    calibration: Calibration,
    settings: SegmentationSettings,
    models: Models,
    roi: Mask | None = None,
) -> SegmentationResult:
    """Segment the cells of one volume or image.

    Parameters
    ----------
    image : ([Z,] Y, X) ndarray
        One channel of one frame, any integer or float type.
    calibration : Calibration
        Voxel size.
    settings : SegmentationSettings
    models : Models
        From `load_models` with the same settings.
    roi : ([Z,] Y, X) ndarray of bool, optional
        Cells are looked for inside it only.

    Returns
    -------
    SegmentationResult

    Raises
    ------
    UserError
        If the image has NaN or infinities, does not fit the models or `roi`, or a network that
        the mode needs is missing.

    Notes
    -----
    Normalisation and thresholds are taken from the whole volume. Seeds are the centroids of
    the StarDist shapes and, by `settings.pooling`, of U-Net regions without one; the watershed
    floods the U-Net's mask from balls around them. Pieces over weak walls are joined
    (`join_thresh`), then cells without a StarDist shape go where its probability is too low
    (`rescue_thresh`).
    """
    _check_inputs(image, settings, models, roi)
    spacing = calibration.spacing(image.ndim)
    if models.denoiser is not None:
        image = models.denoiser.denoise(image, settings.n_tiles)
    normalised = normalise_volume(image, *models.percentiles)
    if not normalised.any():
        _log.warning("the image is constant: no cells")
        return _find_nothing(image.shape, settings)
    if models.roi is not None:
        seen = models.roi.predict(normalised, settings.n_tiles).foreground
        inside = seen > find_threshold(seen, models.roi)
        roi = inside if roi is None else roi & inside
    shapes = tissue = None
    if settings.mode != "unet" and models.stardist is not None:
        shapes = _find_shapes(normalised, settings, models.stardist)
    if settings.mode != "stardist" and models.unet is not None:
        tissue = _find_tissue(normalised, settings, models.unet, roi)
    if shapes is not None and tissue is not None:
        return _fuse(shapes, tissue, settings, spacing, roi)
    if shapes is not None:
        return _from_shapes(shapes, settings, roi)
    assert tissue is not None  # noqa: S101  (_check_inputs saw to it)
    return _from_mask(tissue, settings, spacing)


def _check_inputs(
    image: NDArray[Any], settings: SegmentationSettings, models: Models, roi: Mask | None
) -> None:
    if image.ndim not in (2, 3):
        msg = f"image has {image.ndim} dimensions {image.shape}, expected one frame of one "
        msg += "channel: (Z, Y, X) or (Y, X)"
        raise UserError(msg)
    if roi is not None and roi.shape != image.shape:
        msg = f"region of interest has shape {roi.shape}, expected the image's {image.shape}"
        raise UserError(msg)
    check_models(settings, models)


def check_models(settings: SegmentationSettings, models: Models) -> None:
    """Refuse a mode whose networks are not loaded.

    Raises
    ------
    UserError
        Naming the network.
    """
    needed = {"stardist": models.stardist, "unet": models.unet}
    for name, model in needed.items():
        if model is None and settings.mode in (name, "both"):
            msg = f"mode {settings.mode!r} needs the {name} model, which is not loaded; "
            msg += "load the models with the same settings, or choose another mode"
            raise UserError(msg)


def _find_nothing(shape: tuple[int, ...], settings: SegmentationSettings) -> SegmentationResult:
    """Make the result of an image without any contrast."""
    empty = np.zeros(shape, np.float32)
    points = np.zeros((0, len(shape)), np.int64)
    labels = np.zeros(shape, np.int32)
    shapes = StarDistPrediction(labels, points, np.zeros(0, np.float32), empty, empty)
    seeds = pool.Seeds(points, np.zeros(0, "U8"), np.zeros(0, np.int64))
    return describe_cells(
        labels,
        seeds,
        None if settings.mode == "unet" else shapes,
        None if settings.mode == "stardist" else UNetPrediction(empty, None),
        labels > 0,
    )


def _find_shapes(
    image: Float32, settings: SegmentationSettings, model: ShapeBackend
) -> StarDistPrediction:
    return model.predict(
        image,
        prob_thresh=settings.prob_thresh,
        nms_thresh=settings.nms_thresh,
        n_tiles=settings.n_tiles,
        nms=settings.nms,
    )


def _find_tissue(
    image: Float32, settings: SegmentationSettings, model: MaskBackend, roi: Mask | None
) -> _Tissue:
    """Predict and threshold: settings first, then the model's own, then Otsu's."""
    prediction = model.predict(image, settings.n_tiles)
    threshold = find_threshold(prediction.foreground, model, settings.unet_thresh)
    mask = fill_small_holes(prediction.foreground > threshold, settings.min_size)
    if roi is not None:
        mask &= roi
    rescue = find_rescue(settings, model)
    if prediction.boundary is None:
        return _Tissue(prediction, mask, None, threshold, 0.0, 0.0, rescue)
    limit, wall = find_boundary_levels(settings, model)
    core = mask & (prediction.boundary < limit)
    return _Tissue(prediction, mask, core, threshold, limit, wall, rescue)


def find_boundary_levels(settings: SegmentationSettings, model: MaskBackend) -> tuple[float, float]:
    """Give the boundary values that part interiors and that make a wall weak (0 for none)."""
    limit = settings.boundary_thresh
    if limit is None:
        limit = model.boundary_thresh
    wall = settings.join_thresh
    if wall is None:
        wall = getattr(model, "wall_thresh", None)  # A network from elsewhere knows none.
    return DEFAULT_BOUNDARY if limit is None else limit, wall or 0.0


def find_rescue(settings: SegmentationSettings, model: MaskBackend) -> float:
    """Give the StarDist probability that cells without a StarDist shape need; 0 for none."""
    given = settings.rescue_thresh
    if given is None and settings.shapes == "stardist":
        given = getattr(model, "rescue_thresh", None)  # A network from elsewhere knows none.
    return given or 0.0


def find_threshold(foreground: Float32, model: MaskBackend, given: float | None = None) -> float:
    """Give the U-Net's threshold: the one that is given, else the model's own, else Otsu's."""
    threshold = model.foreground_thresh if given is None else given
    if threshold is None:
        from skimage.filters import threshold_otsu

        threshold = float(threshold_otsu(foreground))
        _log.info("U-Net threshold by Otsu: %.3f", threshold)
    return threshold


def _from_shapes(
    shapes: StarDistPrediction, settings: SegmentationSettings, roi: Mask | None
) -> SegmentationResult:
    """Take StarDist's shapes as they are."""
    labels = shapes.labels if roi is None else np.where(roi, shapes.labels, 0).astype(np.int32)
    ids = np.arange(1, len(shapes.points) + 1)
    seeds = pool.Seeds(shapes.points, np.full(len(ids), pool.STARDIST, dtype="U8"), ids)
    labels = remove_by_size(labels, settings.min_size, settings.max_size)
    return describe_cells(labels, seeds, shapes, None, labels > 0)


def _from_mask(
    tissue: _Tissue, settings: SegmentationSettings, spacing: Spacing
) -> SegmentationResult:
    """Take the U-Net's connected components, grown back from the interiors into the mask."""
    components = _label_regions(tissue.mask, tissue.core, settings.min_size)
    ids, points = pool.find_centres(components, components > 0, spacing)
    seeds = pool.Seeds(points, np.full(len(ids), pool.UNET, dtype="U8"), np.zeros_like(ids))
    landscape = tissue.prediction.boundary
    if landscape is None:
        landscape = np.zeros(tissue.mask.shape, np.float32)
    labels = _flood_by_size(landscape, components, tissue.mask, settings)
    return describe_cells(labels, seeds, None, tissue.prediction, tissue.mask)


def _fuse(
    shapes: StarDistPrediction,
    tissue: _Tissue,
    settings: SegmentationSettings,
    spacing: Spacing,
    roi: Mask | None,
) -> SegmentationResult:
    """Pool the seeds of both networks and flood the mask."""
    mask = tissue.mask
    if settings.complete_mask:
        mask = complete_mask(mask, shapes.labels, tissue.prediction.foreground, tissue.threshold)
        if roi is not None:
            mask &= roi
    basins = tissue.basins(settings.pooling)
    seeds = pool_seeds(shapes.labels, mask, tissue.core, settings, spacing, basins)
    markers = stamp_markers(seeds.points, mask, settings.marker_radius, spacing)
    if settings.landscape == "distance":
        landscape = -shapes.distance
    elif settings.landscape == "flat":
        landscape = np.zeros(mask.shape, np.float32)
    elif settings.landscape == "boundary" and tissue.prediction.boundary is not None:
        landscape = tissue.prediction.boundary
    else:
        landscape = -shapes.probability
    labels = _flood_by_size(landscape, markers, mask, settings)
    if tissue.prediction.boundary is not None and tissue.wall > 0:
        labels = join_over_weak_walls(labels, tissue.prediction.boundary, tissue.wall)
        labels = remove_by_size(labels, 0, settings.max_size)
    if tissue.rescue > 0:
        support = pool.start_support(seeds.shapes == 0)
        pool.raise_support(support, labels, shapes.probability)
        labels = np.where(support[labels] >= tissue.rescue, labels, 0).astype(np.int32)
    return describe_cells(labels, seeds, shapes, tissue.prediction, mask)


def pool_seeds(
    shapes: Labels,
    mask: Mask,
    core: Mask | None,
    settings: SegmentationSettings,
    spacing: Spacing,
    basins: tuple[Mask, ...] = (),
) -> pool.Seeds:
    """Pool the seeds of StarDist shapes and of U-Net regions that hold none.

    Parameters
    ----------
    shapes : ([Z,] Y, X) ndarray of int
        StarDist's label image.
    mask : ([Z,] Y, X) ndarray of bool
        Tissue.
    core : ([Z,] Y, X) ndarray of bool or None
        Cells' interiors, where known: their connected components are the U-Net's regions, else
        those of the mask.
    settings : SegmentationSettings
        `pooling`, `min_size` and `residual_radius`.
    spacing : tuple of float
        Voxel size, in array order.
    basins : tuple of ([Z,] Y, X) ndarray of bool
        Wider interiors, in which further regions without a seed are looked for, one after the
        other.

    Returns
    -------
    Seeds
        StarDist's first, by label.
    """
    seeds = pool.seed_shapes(shapes, mask, spacing)
    if settings.pooling == "off":
        return seeds
    components = _label_regions(mask, core, settings.min_size)
    if settings.pooling == "bbox":
        missing = pool.boxes_without_seed(components, seeds.points)
    else:
        missing = pool.regions_without_seed(components, seeds.points)
    added = _keep_labels(components, missing)
    seeds = seeds.joined(pool.find_centres(added, mask, spacing)[1], pool.UNET)
    for basin in basins:
        components = pool.label_components(basin, max(settings.min_size // 2, 1))
        missing = pool.regions_without_seed(components, seeds.points)
        centres = pool.find_centres(_keep_labels(components, missing), mask, spacing)[1]
        seeds = seeds.joined(centres, pool.UNET)
    if settings.pooling == "residual":
        radius = settings.residual_radius
        if radius is None:
            radius = max(pool.estimate_inner_radius(shapes, spacing) / 2, min(spacing))
        residual = (mask if core is None else core) & (shapes == 0) & (added == 0)
        peaks = pool.find_residual_peaks(residual, radius, spacing)
        seeds = seeds.joined(peaks, pool.RESCUED)
    return seeds


def _keep_labels(labels: Labels, kept: NDArray[np.int64]) -> Labels:
    table = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    table[kept] = kept
    return np.asarray(table[labels], np.int32)


def _label_regions(mask: Mask, core: Mask | None, min_size: int) -> Labels:
    """Label the U-Net's regions; interiors may be smaller than their cells."""
    if core is None:
        return pool.label_components(mask, min_size)
    return pool.label_components(core, max(min_size // 4, 1))


def _flood_by_size(
    landscape: Float32, markers: Labels, mask: Mask, settings: SegmentationSettings
) -> Labels:
    """Flood, drop cells of the wrong size and let their neighbours have the small ones' room."""
    labels = flood(landscape, markers, mask)
    sizes = np.bincount(labels.ravel())
    small = (sizes > 0) & (sizes < settings.min_size)
    small[0] = False
    if small.any():
        table = np.arange(len(sizes), dtype=np.int32)
        table[small] = 0
        labels = flood(landscape, table[labels], mask)
    return remove_by_size(labels, settings.min_size, settings.max_size)
