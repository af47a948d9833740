"""VollSeg on volumes that do not fit into memory: block by block, with one pool of seeds.

The networks see the volume in tiles. What they find is thinned out to shapes (StarDist) and to
components (U-Net) of the whole volume, so that every cell has one seed with one number; each block
is then flooded, with a halo, from the seeds of the whole. A cell that lies across a seam is flooded
from the same seed on both sides and needs no stitching.
"""

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.segmentation import blocks as cut
from btrackmate.segmentation import seeds as pool
from btrackmate.segmentation.block_flood import flood_blocks
from btrackmate.segmentation.block_networks import denoise, find_roi, find_shapes, find_tissue
from btrackmate.segmentation.block_seeds import find_seeds, no_seeds
from btrackmate.segmentation.block_state import BlockJob, BlockState
from btrackmate.segmentation.percentiles import find_percentiles
from btrackmate.segmentation.result import tabulate_cells
from btrackmate.segmentation.seeds import Seeds
from btrackmate.segmentation.segment import check_models
from btrackmate.segmentation.tiling import Box

_log = logging.getLogger(__name__)

Write = Callable[[Box, NDArray[np.uint32]], None]


def segment_in_blocks(
    job: BlockJob, write: Write, progress: Progress = ignore_progress
) -> pd.DataFrame:
    """Segment a volume block by block; memory does not grow with it.

    Parameters
    ----------
    job : BlockJob
    write : callable
        Receives a box and its labels (uint32), once for every part of the volume.
    progress : Progress

    Returns
    -------
    DataFrame
        The cells, as in `SegmentationResult.cells`.

    Raises
    ------
    UserError
        If the volume holds NaN or infinity, or a network is missing or does not fit.

    Notes
    -----
    Percentiles and thresholds are those of the whole volume, exactly; components and seeds too.
    Non-maximum suppression sees every shape within reach of a tile and then, once more, all that
    are left. The halo of a block is the largest shape, at most the block itself.
    """
    check_models(job.settings, job.models)
    if len(job.volume.shape) != 3:
        msg = f"image has the shape {job.volume.shape}; blocks are for volumes (Z, Y, X)"
        raise UserError(msg)
    return _run(BlockState(job, progress), write)


def _run(state: BlockState, write: Write) -> pd.DataFrame:
    settings, models = state.settings, state.job.models
    if models.denoiser is not None:
        state.volume = denoise(state, models.denoiser)
    low, high = find_percentiles(state.volume.parts, models.percentiles)
    if high <= low:
        _log.warning("the image is constant: no cells")
        for box in cut.cut_blocks(state.shape, (64, 512, 512)):
            write(box, np.zeros([s.stop - s.start for s in box], np.uint32))
        return tabulate_cells(no_seeds(), np.zeros(1, np.int64), None)
    state.norm = (low, high)
    if models.roi is not None:
        find_roi(state, models.roi)
    if settings.mode != "unet":
        find_shapes(state, models.stardist)
    if settings.mode != "stardist":
        find_tissue(state, models.unet)
    state.plan_blocks()
    if settings.mode == "stardist":
        return _write_shapes(state, write)
    seeds, components = find_seeds(state)
    sizes = flood_blocks(state, seeds, components)
    return _finish(state, seeds, sizes, write)


def _write_shapes(state: BlockState, write: Write) -> pd.DataFrame:
    """Take StarDist's shapes as they are."""
    assert state.shapes is not None  # noqa: S101  (mode "stardist")
    labels, shapes = state.arrays.labels, state.arrays.shapes
    sizes = np.zeros(len(state.shapes.points) + 1, np.int64)
    for box in state.steps("drawing", state.blocks):
        drawn = state.render(box)
        shapes[box] = drawn
        roi = state.limit(box)
        core = drawn if roi is None else np.where(roi, drawn, 0).astype(np.int32)
        labels[box] = core
        sizes += np.bincount(core.ravel(), minlength=len(sizes))
    ids = np.arange(1, len(sizes))
    origins = np.full(len(ids), pool.STARDIST, dtype="U8")
    return _finish(state, Seeds(state.shapes.points, origins, ids), sizes, write)


def _finish(
    state: BlockState, seeds: Seeds, sizes: NDArray[np.int64], write: Write
) -> pd.DataFrame:
    """Drop cells of the wrong size, number the others 1…n, write and describe them."""
    settings = state.settings
    keep = sizes >= max(settings.min_size, 1)
    if settings.max_size is not None:
        keep &= sizes <= settings.max_size
    keep[0] = False
    sizes = np.where(keep, sizes, 0)
    table = np.where(keep, np.cumsum(keep), 0).astype(np.uint32)
    n_shapes = 0 if state.shapes is None else len(state.shapes.points)
    own = np.concatenate([[0], seeds.shapes])
    shared = np.zeros(len(sizes), np.int64)
    shape_sizes = np.zeros(n_shapes + 1, np.int64)
    for box in state.steps("writing", state.blocks):
        labels = np.asarray(state.arrays.labels[box])
        if state.shapes is not None:
            shapes = np.asarray(state.arrays.shapes[box])
            same = (shapes > 0) & (own[labels] == shapes)
            shared += np.bincount(labels[same], minlength=len(shared))
            shape_sizes += np.bincount(shapes.ravel(), minlength=n_shapes + 1)
        write(box, table[labels])
    scores = None if state.shapes is None else (state.shapes.scores, shared, shape_sizes)
    return tabulate_cells(seeds, sizes, scores)
