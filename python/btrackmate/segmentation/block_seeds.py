"""Passes of the block route that find the seeds of the whole volume."""

import numpy as np

from btrackmate.segmentation import blocks as cut
from btrackmate.segmentation import seeds as pool
from btrackmate.segmentation.block_state import BlockState, present
from btrackmate.segmentation.components import ComponentMap, Components
from btrackmate.segmentation.seeds import Seeds


def no_seeds() -> Seeds:
    """Give a pool without seeds."""
    return Seeds(np.zeros((0, 3), np.int64), np.zeros(0, "U8"), np.zeros(0, np.int64))


def find_seeds(state: BlockState) -> tuple[Seeds, Components]:
    """Find a seed in each shape, and the components of the U-Net's regions."""
    arrays = state.arrays
    components = ComponentMap(arrays.components)
    ids, points = [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int64)]
    for box in state.steps("seeds", state.blocks):
        region = cut.grow(box, state.halo, state.shape)
        place = cut.within(box, region)
        shapes = state.render(region)
        mask, regions = state.tissue(region, shapes)
        components.add(box, regions[place])
        arrays.mask[box], arrays.shapes[box] = mask[place], shapes[place]
        if state.settings.pooling == "basin":
            arrays.tissue[box] = state.thresholded(region)[place]
        if state.shapes is not None:
            own = np.zeros(len(state.shapes.points) + 1, bool)
            own[cut.select(state.shapes.points, box) + 1] = True
            found, at = pool.find_centres(np.where(own[shapes], shapes, 0), mask, state.spacing)
            ids.append(found)
            points.append(at + cut.start_of(region))
    every = np.concatenate(ids)
    order = np.argsort(every, kind="stable")
    seeds = no_seeds().joined(np.concatenate(points)[order], pool.STARDIST)
    seeds = Seeds(seeds.points, seeds.origins, every[order])
    least = state.settings.min_size
    if arrays.boundary is not None:
        least = max(least // 4, 1)
    merged = components.merge(least)
    if state.settings.mode == "unet":
        every = np.arange(1, len(merged) + 1)
        centres = merged.find_centres(every, state.arrays.mask, state.blocks, state.spacing)
        return seeds.joined(centres, pool.UNET), merged
    return _pool(state, seeds, merged), merged


def _pool(state: BlockState, seeds: Seeds, components: Components) -> Seeds:
    """Add the seeds of components that hold none, and those of the residual."""
    rule = state.settings.pooling
    if rule == "off":
        return seeds
    missing = components.without_seed(seeds.points, by_box=rule == "bbox")
    centres = components.find_centres(missing, state.arrays.mask, state.blocks, state.spacing)
    seeds = seeds.joined(centres, pool.UNET)
    limit = state.thresholds[1]
    if rule == "basin" and state.wall > limit:
        for number, level in enumerate(((limit + state.wall) / 2, state.wall)):
            seeds = _pool_basins(state, seeds, level, f"basins{number}")
    if rule != "residual" or state.shapes is None:
        return seeds
    sizes = np.zeros(len(state.shapes.points) + 1, np.int64)
    for box in state.blocks:
        sizes += np.bincount(state.arrays.shapes[box].ravel(), minlength=len(sizes))
    radius = state.settings.residual_radius
    if radius is None:
        inner = pool.inner_radius(sizes[1:], state.spacing)
        radius = max(inner / 2, min(state.spacing))
    added = np.zeros(len(components) + 1, bool)
    added[missing] = True
    places, depths = [np.zeros((0, 3), np.int64)], [np.zeros(0)]
    for box in state.steps("residual", state.blocks):
        region = cut.grow(box, state.halo, state.shape)
        shapes = np.asarray(state.arrays.shapes[region])
        _, regions = state.tissue(region, shapes)
        residual = regions & (shapes == 0) & ~added[components.read(region)]
        points, depth = pool.find_peaks(residual, radius, state.spacing)
        rows = cut.select(points + cut.start_of(region), box)
        places.append(points[rows] + cut.start_of(region))
        depths.append(depth[rows])
    peaks = pool.keep_deepest(np.concatenate(places), np.concatenate(depths), state.spacing)
    return seeds.joined(peaks, pool.RESCUED)


def _pool_basins(state: BlockState, seeds: Seeds, level: float, name: str) -> Seeds:
    """Add the seeds of regions below a higher boundary value that hold none."""
    found = ComponentMap(state.make(name, np.int32))
    for box in state.blocks:
        boundary = np.asarray(present(state.arrays.boundary)[box])
        tissue = np.asarray(state.arrays.tissue[box]).astype(bool)
        found.add(box, tissue & (boundary < level))
    components = found.merge(max(state.settings.min_size // 2, 1))
    missing = components.without_seed(seeds.points, by_box=False)
    mask = state.arrays.mask
    return seeds.joined(
        components.find_centres(missing, mask, state.blocks, state.spacing), pool.UNET
    )
