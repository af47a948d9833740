"""Passes of the block route that flood each block from the seeds of the whole volume."""

import numpy as np
from numpy.typing import NDArray

from btrackmate.segmentation import blocks as cut
from btrackmate.segmentation.block_state import BlockState, present
from btrackmate.segmentation.components import Components
from btrackmate.segmentation.merging import find_owners, measure_walls
from btrackmate.segmentation.seeds import Seeds, raise_support, start_support
from btrackmate.segmentation.tiling import Box
from btrackmate.segmentation.watershed import flood, stamp_markers

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]


def flood_blocks(state: BlockState, seeds: Seeds, components: Components) -> NDArray[np.int64]:
    """Flood each block from the seeds of the whole; give the cells' sizes by number."""
    labels = state.arrays.labels
    count = len(components) if state.settings.mode == "unet" else len(seeds.points)
    sizes = np.zeros(count + 1, np.int64)
    for box in state.steps("watershed", state.blocks):
        region = cut.grow(box, state.halo, state.shape)
        mask = np.asarray(state.arrays.mask[region]).astype(bool)
        if state.settings.mode == "unet":
            markers = components.read(region)
        else:
            rows = cut.select(seeds.points, region)
            points = seeds.points[rows] - cut.start_of(region)
            local = stamp_markers(points, mask, state.settings.marker_radius, state.spacing)
            markers = np.concatenate([[0], rows + 1]).astype(np.int32)[local]
        flooded = flood(state.relief(region), markers, mask)[cut.within(box, region)]
        labels[box] = flooded
        sizes += np.bincount(flooded.ravel(), minlength=len(sizes))
    small = (sizes > 0) & (sizes < state.settings.min_size)
    small[0] = False
    if small.any():
        sizes = _flood_again(state, small, sizes)
    if state.settings.mode == "both" and state.wall > 0:
        sizes = _join(state, sizes)
    return _drop_unsupported(state, seeds, sizes) if state.rescue > 0 else sizes


def _drop_unsupported(
    state: BlockState, seeds: Seeds, sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Drop the cells without a StarDist shape in which its probability is too low."""
    support = start_support(seeds.shapes == 0)
    for box in state.steps("support", state.blocks):
        labels = np.asarray(state.arrays.labels[box])
        raise_support(support, labels, state.on_voxels(state.arrays.probability, box))
    return np.where(support >= state.rescue, sizes, 0)


def _flood_again(state: BlockState, small: Mask, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Let the neighbours of cells that are too small have their room."""
    labels = state.arrays.labels
    table = np.where(small, 0, np.arange(len(small))).astype(np.int32)
    sizes = np.zeros_like(sizes)
    for box in state.steps("small cells", state.blocks):
        core = np.asarray(labels[box])
        if small[core].any():
            region = cut.grow(box, state.halo, state.shape)
            mask = np.asarray(state.arrays.mask[region]).astype(bool)
            markers = table[np.asarray(labels[region])]
            core = flood(state.relief(region), markers, mask)[cut.within(box, region)]
            labels[box] = core
        sizes += np.bincount(core.ravel(), minlength=len(sizes))
    return sizes


def _join(state: BlockState, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join neighbours over weak walls, measured across all blocks."""
    walls = [
        measure_walls(*part) for box in state.steps("walls", state.blocks)
        for part in _wall_parts(state, box)
    ]  # fmt: skip
    width = len(sizes)
    keys = np.concatenate([pairs[:, 0] * width + pairs[:, 1] for pairs, _, _ in walls])
    unique, inverse = np.unique(keys, return_inverse=True)
    faces, heights = (
        np.bincount(inverse, np.concatenate([one[k] for one in walls]), minlength=len(unique))
        for k in (1, 2)
    )
    pairs = np.stack([unique // width, unique % width], axis=1)
    owner = find_owners(
        pairs, faces.astype(np.int64), heights.astype(np.float64), state.wall, width - 1
    )
    for box in state.blocks:
        state.arrays.labels[box] = owner[np.asarray(state.arrays.labels[box])]
    return np.bincount(owner, sizes, minlength=width).astype(np.int64)


def _wall_parts(state: BlockState, box: Box) -> list[tuple[NDArray[np.int32], Float32]]:
    """Give labels and boundaries of a block, and of its seams to the blocks before it.

    Planes of a seam are spread out so that only faces across it touch.
    """
    labels, boundary = state.arrays.labels, present(state.arrays.boundary)
    parts = [(np.asarray(labels[box]), np.asarray(boundary[box]))]
    for axis, side in enumerate(box):
        if side.start == 0:
            continue
        seam = list(box)
        seam[axis] = slice(side.start - 1, side.start + 1)
        both = [
            np.moveaxis(np.asarray(one[tuple(seam)]), axis, 0).reshape(2, -1)
            for one in (labels, boundary)
        ]
        apart = np.zeros((2, 2 * both[0].shape[1]), np.int32)
        apart[:, ::2] = both[0]
        parts.append((apart, np.repeat(both[1], 2, axis=1)))
    return parts
