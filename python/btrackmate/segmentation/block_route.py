"""VollSeg on volumes that do not fit into memory: block by block, with one pool of seeds.

The networks see the volume in tiles. What they find is thinned out to shapes (StarDist) and to
components (U-Net) of the whole volume, so that every cell has one seed with one number; each block
is then flooded, with a halo, from the seeds of the whole. A cell that lies across a seam is flooded
from the same seed on both sides and needs no stitching.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.segmentation import blocks as cut
from btrackmate.segmentation import seeds as pool
from btrackmate.segmentation.blocks import Volume
from btrackmate.segmentation.components import ComponentMap, Components
from btrackmate.segmentation.merging import find_owners, measure_walls
from btrackmate.segmentation.networks import Models
from btrackmate.segmentation.percentiles import find_percentiles
from btrackmate.segmentation.result import tabulate_cells
from btrackmate.segmentation.seeds import Seeds
from btrackmate.segmentation.segment import DEFAULT_BOUNDARY, check_models
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.segmentation.stardist import Shapes, interpolate_grid
from btrackmate.segmentation.tiling import Box, physical_memory
from btrackmate.segmentation.watershed import (
    complete_mask,
    fill_small_holes,
    flood,
    stamp_markers,
)

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
Write = Callable[[Box, NDArray[np.uint32]], None]

#: Memory of one tile or block, in bytes; less on machines with under 10 GB.
_MEMORY = 3e9
#: Halo where no shape tells how large cells are, in voxels.
_PLAIN_HALO = 32


@dataclass(frozen=True)
class BlockJob:
    """What is segmented in blocks, and with what.

    Parameters
    ----------
    volume : Volume
        One channel of one frame.
    calibration : Calibration
    settings : SegmentationSettings
        `block` is the size of the blocks; by memory if left out.
    models : Models
    scratch : Path
        Empty folder for what lies between the passes: about 25 bytes a voxel, compressed.
    roi : Volume, optional
        Cells are looked for where it is not 0.
    """

    volume: Volume
    calibration: Calibration
    settings: SegmentationSettings
    models: Models
    scratch: Path
    roi: Volume | None = None


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
    return _Route(job, progress).run(write)


class _Route:
    """One volume on its way through the passes."""

    def __init__(self, job: BlockJob, progress: Progress) -> None:
        self.job = job
        self.settings = job.settings
        self.volume = job.volume
        self.shape = job.volume.shape
        self.spacing = job.calibration.spacing(3)
        self.progress = progress
        self.memory = min(_MEMORY, physical_memory() / 4)
        self.norm = (0.0, 1.0)
        self.shapes: Shapes | None = None
        self.extent = np.zeros((0, 3), np.int64)
        self.arrays: dict[str, Any] = {}
        self.halo: tuple[int, ...] = (_PLAIN_HALO,) * 3
        self.blocks: list[Box] = []
        self.thresholds = (0.5, DEFAULT_BOUNDARY)
        self.roi_level = 0.5
        self.wall = 0.0

    def run(self, write: Write) -> pd.DataFrame:
        settings, models = self.settings, self.job.models
        if models.denoiser is not None:
            self.volume = self._denoise(models.denoiser)
        low, high = find_percentiles(self.volume.parts, models.percentiles)
        if high <= low:
            _log.warning("the image is constant: no cells")
            for box in cut.cut_blocks(self.shape, (64, 512, 512)):
                write(box, np.zeros([s.stop - s.start for s in box], np.uint32))
            return tabulate_cells(_no_seeds(), np.zeros(1, np.int64), None)
        self.norm = (low, high)
        if models.roi is not None:
            self._find_roi(models.roi)
        if settings.mode != "unet":
            self._find_shapes(models.stardist)
        if settings.mode != "stardist":
            self._find_tissue(models.unet)
        self._plan_blocks()
        if settings.mode == "stardist":
            return self._write_shapes(write)
        seeds, components = self._find_seeds()
        sizes = self._flood(seeds, components)
        return self._finish(seeds, sizes, write)

    def _read(self, box: Box) -> Float32:
        """Read a part, normalised as `normalise_volume` does."""
        low, high = (np.float32(self.norm[0]), np.float32(self.norm[1] - self.norm[0]))
        part = self.volume.read(box).astype(np.float32)
        return np.asarray((part - low) / high, np.float32)

    def _make(self, name: str, kind: Any, shape: tuple[int, ...] | None = None) -> Any:
        self.arrays[name] = cut.make_array(self.job.scratch, name, shape or self.shape, kind)
        return self.arrays[name]

    def _steps(self, name: str, boxes: list[Box]) -> Any:
        for done, box in enumerate(boxes):
            yield box
            self.progress(name, done + 1, len(boxes))

    def _denoise(self, model: Any) -> Volume:
        """Denoise the volume, in tiles, into an array on disk."""
        stored = self._make("denoised", np.float32)
        for done, (box, part) in enumerate(model.stream(self.volume, self.memory)):
            stored[box] = part
            self.progress("denoising", done + 1, 0)
        return Volume(self.shape, lambda box: np.asarray(stored[box]))

    def _find_roi(self, model: Any) -> None:
        """Run the network that tells where cells are looked for."""
        stored = self._make("roi", np.float32)
        for box, prediction in model.stream(self.shape, self._read, self.memory):
            stored[box] = prediction.foreground
        level = model.foreground_thresh
        self.roi_level = self._find_otsu("roi") if level is None else level

    def _find_shapes(self, model: Any) -> None:
        """Run StarDist over the tiles, and thin its candidates out to the shapes of the whole."""
        settings = self.settings
        prob = settings.prob_thresh if settings.prob_thresh is not None else model.prob_thresh
        nms = settings.nms_thresh if settings.nms_thresh is not None else model.nms_thresh
        grid = np.asarray(model.grid)
        sides = tuple(-(-n // g) for n, g in zip(self.shape, model.grid, strict=True))
        landscape = None
        if settings.mode == "both" and self._landscape() not in ("boundary", "flat"):
            landscape = self._make("landscape", np.float32, sides)
        tiles: list[tuple[Box, Any, Any, Any, str]] = []
        folder = self.job.scratch
        for box, maps in model.stream_maps(self.shape, self._read, self.memory):
            found = model.find_candidates(maps, prob, nms=settings.nms)
            points = found.points + cut.start_of(box) * grid
            extent = model.find_extent(found)
            stem = str(folder / f"candidates{len(tiles)}")
            np.save(f"{stem}.npy", found.distance)
            place = tuple(
                slice(s.start * g, s.stop * g) for s, g in zip(box, model.grid, strict=True)
            )
            tiles.append((place, points, found.scores, extent.max(axis=0, initial=0), stem))
            if landscape is not None:
                values = maps.probability
                if settings.landscape == "distance":
                    values = maps.distance.mean(axis=-1)
                landscape[box] = -values
            self.progress("StarDist", len(tiles), 0)
        reach = np.max([extent for *_, extent, _ in tiles], axis=0) * 2
        kept = []
        for place, *_ in tiles:
            near = cut.grow(place, tuple(int(r) for r in reach), self.shape)
            competing = []
            for _, points, scores, _, stem in tiles:
                rows = cut.select(points, near)
                if len(rows):
                    distance = np.load(f"{stem}.npy", mmap_mode="r")[rows]
                    competing.append(Shapes(points[rows], scores[rows], distance))
            if competing:
                left = model.suppress(_join(competing).sorted(), nms, nms=settings.nms)
                kept.append(left.where(cut.select(left.points, place)))
            self.progress("suppression", len(kept), len(tiles))
        for *_, stem in tiles:
            Path(f"{stem}.npy").unlink()
        self.shapes = model.find_nothing()
        if kept:
            self.shapes = model.suppress(_join(kept).sorted(), nms, nms=settings.nms)
        self.extent = model.find_extent(self.shapes)
        if len(self.extent):
            self.halo = tuple(int(n) for n in np.maximum(self.extent.max(axis=0) * 2, 4))

    def _find_tissue(self, model: Any) -> None:
        """Run the U-Net over the tiles, and settle the thresholds."""
        settings = self.settings
        foreground = self._make("foreground", np.float32)
        done = 0
        for box, prediction in model.stream(self.shape, self._read, self.memory):
            foreground[box] = prediction.foreground
            if prediction.boundary is not None:
                if "boundary" not in self.arrays:
                    self._make("boundary", np.float32)
                self.arrays["boundary"][box] = prediction.boundary
            done += 1
            self.progress("U-Net", done, 0)
        level = settings.unet_thresh
        if level is None:
            level = model.foreground_thresh
        if level is None:
            level = self._find_otsu("foreground")
        limit = settings.boundary_thresh
        if limit is None:
            limit = model.boundary_thresh
        self.thresholds = (level, DEFAULT_BOUNDARY if limit is None else limit)
        wall = settings.join_thresh
        if wall is None:
            wall = getattr(model, "wall_thresh", None)
        self.wall = (wall or 0.0) if "boundary" in self.arrays else 0.0

    def _find_otsu(self, name: str) -> float:
        """Find Otsu's threshold of a map, from 256 bins over its range."""
        from skimage.filters import threshold_otsu

        stored = Volume(self.shape, lambda box: np.asarray(self.arrays[name][box]))
        ends = [(float(part.min()), float(part.max())) for part in stored.parts()]
        low, high = min(a for a, _ in ends), max(b for _, b in ends)
        edges = np.linspace(low, high, 257)
        counts = sum(np.histogram(part, edges)[0] for part in stored.parts())
        level = float(threshold_otsu(hist=(counts, (edges[:-1] + edges[1:]) / 2)))
        _log.info("U-Net threshold by Otsu: %.3f", level)
        return level

    def _landscape(self) -> str:
        """Name the map that is flooded; the U-Net's boundaries may be missing."""
        unet = self.job.models.unet
        if self.settings.landscape == "boundary" and getattr(unet, "outputs", 2) < 2:
            return "probability"
        return self.settings.landscape

    def _plan_blocks(self) -> None:
        size = self.settings.block or cut.choose_block(self.shape, self.halo, self.memory)
        self.blocks = cut.cut_blocks(self.shape, size)
        sides = [max(s.stop - s.start for s in axis) for axis in zip(*self.blocks, strict=True)]
        self.halo = tuple(min(h, n) for h, n in zip(self.halo, sides, strict=True))
        _log.info(
            "%d blocks of up to %s voxels with a halo of %s",
            len(self.blocks), "×".join(map(str, sides)), "×".join(map(str, self.halo)),
        )  # fmt: skip

    def _render(self, region: Box) -> NDArray[np.int32]:
        """Draw the shapes of the whole volume into a part of it, with their own numbers."""
        sides = tuple(side.stop - side.start for side in region)
        if self.shapes is None:
            return np.zeros(sides, np.int32)
        inside = np.ones(len(self.shapes.points), bool)
        for axis, side in enumerate(region):
            place, reach = self.shapes.points[:, axis], self.extent[:, axis]
            inside &= (place + reach >= side.start) & (place - reach < side.stop)
        rows = np.flatnonzero(inside)
        near = self.shapes.where(rows)
        moved = Shapes(near.points - cut.start_of(region), near.scores, near.distance)
        drawn: Any = self.job.models.stardist.render(moved, sides)  # type: ignore[union-attr]
        numbers = np.concatenate([[0], rows + 1]).astype(np.int32)
        return np.asarray(numbers[drawn], np.int32)

    def _limit(self, region: Box) -> Mask | None:
        roi = self.job.roi
        inside = None if roi is None else np.asarray(roi.read(region) != 0)
        if "roi" in self.arrays:
            found = np.asarray(self.arrays["roi"][region]) > self.roi_level
            inside = found if inside is None else inside & found
        return inside

    def _thresholded(self, region: Box) -> Mask:
        """Give the U-Net's mask in a part of the volume."""
        foreground = np.asarray(self.arrays["foreground"][region])
        mask = fill_small_holes(foreground > self.thresholds[0], self.settings.min_size)
        roi = self._limit(region)
        return mask if roi is None else mask & roi

    def _tissue(self, region: Box, shapes: NDArray[np.int32]) -> tuple[Mask, Mask]:
        """Give the mask that is flooded and the U-Net's regions in a part of the volume."""
        settings = self.settings
        level, limit = self.thresholds
        foreground = np.asarray(self.arrays["foreground"][region])
        mask, roi = self._thresholded(region), self._limit(region)
        regions = mask
        if "boundary" in self.arrays:
            regions = mask & (np.asarray(self.arrays["boundary"][region]) < limit)
        if settings.mode == "both" and settings.complete_mask:
            mask = complete_mask(mask, shapes, foreground, level)
            if roi is not None:
                mask &= roi
            if "boundary" not in self.arrays:
                regions = mask
        return mask, regions

    def _find_seeds(self) -> tuple[Seeds, Components]:
        """Find a seed in each shape, and the components of the U-Net's regions."""
        components = ComponentMap(self._make("components", np.int32))
        mask_array, shape_array = self._make("mask", bool), self._make("shapes", np.int32)
        tissue = self._make("tissue", bool)
        ids, points = [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int64)]
        for box in self._steps("seeds", self.blocks):
            region = cut.grow(box, self.halo, self.shape)
            place = cut.within(box, region)
            shapes = self._render(region)
            mask, regions = self._tissue(region, shapes)
            components.add(box, regions[place])
            mask_array[box], shape_array[box] = mask[place], shapes[place]
            if self.settings.pooling == "basin":
                tissue[box] = self._thresholded(region)[place]
            if self.shapes is not None:
                own = np.zeros(len(self.shapes.points) + 1, bool)
                own[cut.select(self.shapes.points, box) + 1] = True
                found, at = pool.find_centres(np.where(own[shapes], shapes, 0), mask, self.spacing)
                ids.append(found)
                points.append(at + cut.start_of(region))
        every = np.concatenate(ids)
        order = np.argsort(every, kind="stable")
        seeds = _no_seeds().joined(np.concatenate(points)[order], pool.STARDIST)
        seeds = Seeds(seeds.points, seeds.origins, every[order])
        least = self.settings.min_size
        if "boundary" in self.arrays:
            least = max(least // 4, 1)
        merged = components.merge(least)
        if self.settings.mode == "unet":
            every = np.arange(1, len(merged) + 1)
            centres = merged.find_centres(every, self.arrays["mask"], self.blocks, self.spacing)
            return seeds.joined(centres, pool.UNET), merged
        return self._pool(seeds, merged), merged

    def _pool(self, seeds: Seeds, components: Components) -> Seeds:
        """Add the seeds of components that hold none, and those of the residual."""
        rule = self.settings.pooling
        if rule == "off":
            return seeds
        missing = components.without_seed(seeds.points, by_box=rule == "bbox")
        centres = components.find_centres(missing, self.arrays["mask"], self.blocks, self.spacing)
        seeds = seeds.joined(centres, pool.UNET)
        limit = self.thresholds[1]
        if rule == "basin" and self.wall > limit:
            for number, level in enumerate(((limit + self.wall) / 2, self.wall)):
                seeds = self._pool_basins(seeds, level, f"basins{number}")
        if rule != "residual" or self.shapes is None:
            return seeds
        sizes = np.zeros(len(self.shapes.points) + 1, np.int64)
        for box in self.blocks:
            sizes += np.bincount(self.arrays["shapes"][box].ravel(), minlength=len(sizes))
        radius = self.settings.residual_radius
        if radius is None:
            inner = pool.inner_radius(sizes[1:], self.spacing)
            radius = max(inner / 2, min(self.spacing))
        added = np.zeros(len(components) + 1, bool)
        added[missing] = True
        places, depths = [np.zeros((0, 3), np.int64)], [np.zeros(0)]
        for box in self._steps("residual", self.blocks):
            region = cut.grow(box, self.halo, self.shape)
            shapes = np.asarray(self.arrays["shapes"][region])
            _, regions = self._tissue(region, shapes)
            residual = regions & (shapes == 0) & ~added[components.read(region)]
            points, depth = pool.find_peaks(residual, radius, self.spacing)
            rows = cut.select(points + cut.start_of(region), box)
            places.append(points[rows] + cut.start_of(region))
            depths.append(depth[rows])
        peaks = pool.keep_deepest(np.concatenate(places), np.concatenate(depths), self.spacing)
        return seeds.joined(peaks, pool.RESCUED)

    def _pool_basins(self, seeds: Seeds, level: float, name: str) -> Seeds:
        """Add the seeds of regions below a higher boundary value that hold none."""
        found = ComponentMap(self._make(name, np.int32))
        for box in self.blocks:
            boundary = np.asarray(self.arrays["boundary"][box])
            tissue = np.asarray(self.arrays["tissue"][box]).astype(bool)
            found.add(box, tissue & (boundary < level))
        components = found.merge(max(self.settings.min_size // 2, 1))
        missing = components.without_seed(seeds.points, by_box=False)
        mask = self.arrays["mask"]
        return seeds.joined(
            components.find_centres(missing, mask, self.blocks, self.spacing), pool.UNET
        )

    def _join(self, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Join neighbours over weak walls, measured across all blocks."""
        walls = [
            measure_walls(*part) for box in self._steps("walls", self.blocks)
            for part in self._wall_parts(box)
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
            pairs, faces.astype(np.int64), heights.astype(np.float64), self.wall, width - 1
        )
        for box in self.blocks:
            self.arrays["labels"][box] = owner[np.asarray(self.arrays["labels"][box])]
        return np.bincount(owner, sizes, minlength=width).astype(np.int64)

    def _wall_parts(self, box: Box) -> list[tuple[NDArray[np.int32], Float32]]:
        """Give labels and boundaries of a block, and of its seams to the blocks before it.

        Planes of a seam are spread out so that only faces across it touch.
        """
        labels, boundary = self.arrays["labels"], self.arrays["boundary"]
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

    def _flood(self, seeds: Seeds, components: Components) -> NDArray[np.int64]:
        """Flood each block from the seeds of the whole; give the cells' sizes by number."""
        labels = self._make("labels", np.int32)
        count = len(components) if self.settings.mode == "unet" else len(seeds.points)
        sizes = np.zeros(count + 1, np.int64)
        for box in self._steps("watershed", self.blocks):
            region = cut.grow(box, self.halo, self.shape)
            mask = np.asarray(self.arrays["mask"][region]).astype(bool)
            if self.settings.mode == "unet":
                markers = components.read(region)
            else:
                rows = cut.select(seeds.points, region)
                points = seeds.points[rows] - cut.start_of(region)
                local = stamp_markers(points, mask, self.settings.marker_radius, self.spacing)
                markers = np.concatenate([[0], rows + 1]).astype(np.int32)[local]
            flooded = flood(self._relief(region), markers, mask)[cut.within(box, region)]
            labels[box] = flooded
            sizes += np.bincount(flooded.ravel(), minlength=len(sizes))
        small = (sizes > 0) & (sizes < self.settings.min_size)
        small[0] = False
        if small.any():
            sizes = self._flood_again(small, sizes)
        return self._join(sizes) if self.settings.mode == "both" and self.wall > 0 else sizes

    def _flood_again(self, small: Mask, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Let the neighbours of cells that are too small have their room."""
        labels = self.arrays["labels"]
        table = np.where(small, 0, np.arange(len(small))).astype(np.int32)
        sizes = np.zeros_like(sizes)
        for box in self._steps("small cells", self.blocks):
            core = np.asarray(labels[box])
            if small[core].any():
                region = cut.grow(box, self.halo, self.shape)
                mask = np.asarray(self.arrays["mask"][region]).astype(bool)
                markers = table[np.asarray(labels[region])]
                core = flood(self._relief(region), markers, mask)[cut.within(box, region)]
                labels[box] = core
            sizes += np.bincount(core.ravel(), minlength=len(sizes))
        return sizes

    def _relief(self, region: Box) -> Float32:
        """Give the landscape in a part of the volume."""
        flat = self.settings.mode == "both" and self.settings.landscape == "flat"
        if "boundary" in self.arrays and "landscape" not in self.arrays and not flat:
            return np.asarray(self.arrays["boundary"][region])
        if "landscape" not in self.arrays:
            return np.zeros([side.stop - side.start for side in region], np.float32)
        stored = self.arrays["landscape"]
        grid = self.job.models.stardist.grid  # type: ignore[union-attr]
        on_grid = tuple(
            slice(side.start // g, min(-(-side.stop // g) + 1, size))
            for side, g, size in zip(region, grid, stored.shape, strict=True)
        )
        first = tuple(side.start * g for side, g in zip(on_grid, grid, strict=True))
        sides = tuple(side.stop - start for side, start in zip(region, first, strict=True))
        values = interpolate_grid(np.asarray(stored[on_grid]), grid, sides)
        return values[
            tuple(
                slice(side.start - start, None) for side, start in zip(region, first, strict=True)
            )
        ]

    def _write_shapes(self, write: Write) -> pd.DataFrame:
        """Take StarDist's shapes as they are."""
        assert self.shapes is not None  # noqa: S101  (mode "stardist")
        labels, shapes = self._make("labels", np.int32), self._make("shapes", np.int32)
        sizes = np.zeros(len(self.shapes.points) + 1, np.int64)
        for box in self._steps("drawing", self.blocks):
            drawn = self._render(box)
            shapes[box] = drawn
            roi = self._limit(box)
            core = drawn if roi is None else np.where(roi, drawn, 0).astype(np.int32)
            labels[box] = core
            sizes += np.bincount(core.ravel(), minlength=len(sizes))
        ids = np.arange(1, len(sizes))
        origins = np.full(len(ids), pool.STARDIST, dtype="U8")
        return self._finish(Seeds(self.shapes.points, origins, ids), sizes, write)

    def _finish(self, seeds: Seeds, sizes: NDArray[np.int64], write: Write) -> pd.DataFrame:
        """Drop cells of the wrong size, number the others 1…n, write and describe them."""
        settings = self.settings
        keep = sizes >= max(settings.min_size, 1)
        if settings.max_size is not None:
            keep &= sizes <= settings.max_size
        keep[0] = False
        sizes = np.where(keep, sizes, 0)
        table = np.where(keep, np.cumsum(keep), 0).astype(np.uint32)
        n_shapes = 0 if self.shapes is None else len(self.shapes.points)
        own = np.concatenate([[0], seeds.shapes])
        shared = np.zeros(len(sizes), np.int64)
        shape_sizes = np.zeros(n_shapes + 1, np.int64)
        for box in self._steps("writing", self.blocks):
            labels = np.asarray(self.arrays["labels"][box])
            if self.shapes is not None:
                shapes = np.asarray(self.arrays["shapes"][box])
                same = (shapes > 0) & (own[labels] == shapes)
                shared += np.bincount(labels[same], minlength=len(shared))
                shape_sizes += np.bincount(shapes.ravel(), minlength=n_shapes + 1)
            write(box, table[labels])
        scores = None if self.shapes is None else (self.shapes.scores, shared, shape_sizes)
        return tabulate_cells(seeds, sizes, scores)


def _no_seeds() -> Seeds:
    return Seeds(np.zeros((0, 3), np.int64), np.zeros(0, "U8"), np.zeros(0, np.int64))


def _join(parts: list[Shapes]) -> Shapes:
    """Join shapes of several tiles."""
    return Shapes(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.distance for part in parts]),
    )
