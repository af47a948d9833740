"""Passes of the block route that run a network over tiles, and thin out what it finds."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.files import remove
from btrackmate.core.parallel import compute_ahead
from btrackmate.segmentation import blocks as cut
from btrackmate.segmentation.block_state import BlockState
from btrackmate.segmentation.blocks import DiskArray, Volume
from btrackmate.segmentation.segment import find_boundary_levels
from btrackmate.segmentation.shapes import Shapes
from btrackmate.segmentation.tiling import Box

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]


def _ahead(tiles: Iterator[Any]) -> AbstractContextManager[Iterator[Any]]:
    """Run the network on the next tile while what it found in one is kept."""
    return closing(compute_ahead(tiles))


def denoise(state: BlockState, model: Any) -> Volume:
    """Denoise the volume, in tiles, into an array on disk."""
    stored = state.make("denoised", np.float32)
    with _ahead(model.stream(state.volume, state.memory)) as tiles:
        for done, (box, part) in enumerate(tiles):
            stored[box] = part
            state.progress("denoising", done + 1, 0)
    return Volume(state.shape, lambda box: np.asarray(stored[box]))


def find_roi(state: BlockState, model: Any) -> None:
    """Run the network that tells where cells are looked for."""
    state.arrays.roi = stored = state.make("roi", np.float32)
    with _ahead(model.stream(state.normalised, state.memory)) as tiles:
        for box, prediction in tiles:
            stored[box] = prediction.foreground
    level = model.foreground_thresh
    state.roi_level = _find_otsu(state, stored) if level is None else level


def find_shapes(state: BlockState, model: Any) -> None:
    """Run StarDist over the tiles, and thin its candidates out to the shapes of the whole."""
    settings = state.settings
    nms = settings.nms_thresh if settings.nms_thresh is not None else model.nms_thresh
    tiles = _find_candidates(state, model)
    kept = _thin_out(state, model, tiles, nms)
    state.shapes = model.find_nothing()
    if kept:
        state.shapes = model.suppress(Shapes.join(kept).sorted(), nms, nms=settings.nms)
    state.extent = model.find_extent(state.shapes)
    if len(state.extent):
        state.halo = tuple(int(n) for n in np.maximum(state.extent.max(axis=0) * 2, 4))


@dataclass(frozen=True)
class _Tile:
    """The candidates whose points lie in one tile; their distances wait on disk."""

    place: Box
    points: NDArray[np.int64]
    scores: Float32
    reach: NDArray[np.int64]
    file: Path

    def select(self, box: Box) -> Shapes | None:
        """Read the candidates in a box; None if there are none."""
        rows = cut.select(self.points, box)
        if len(rows) == 0:
            return None
        distance = np.load(self.file, mmap_mode="r")[rows]
        return Shapes(self.points[rows], self.scores[rows], distance)


def _find_candidates(state: BlockState, model: Any) -> list[_Tile]:
    """Run StarDist over the tiles; keep its candidates and the maps that are needed later."""
    settings = state.settings
    prob = settings.prob_thresh if settings.prob_thresh is not None else model.prob_thresh
    grid = np.asarray(model.grid)
    sides = tuple(-(-n // g) for n, g in zip(state.shape, model.grid, strict=True))
    kept = {state.landscape()} & {"probability", "distance"} if settings.mode == "both" else set()
    if state.rescue > 0:
        kept.add("probability")
    probability = state.make("probability", np.float32, sides) if "probability" in kept else None
    distance = state.make("distance", np.float32, sides) if "distance" in kept else None
    state.arrays.probability, state.arrays.distance = probability, distance
    tiles: list[_Tile] = []
    with _ahead(model.stream(state.normalised, state.memory)) as stream:
        for box, maps in stream:
            found = model.find_candidates(maps, prob, nms=settings.nms)
            points = found.points + cut.start_of(box) * grid
            reach = model.find_extent(found).max(axis=0, initial=0)
            file = state.job.scratch / f"candidates{len(tiles)}.npy"
            np.save(file, found.distance)
            place = tuple(
                slice(s.start * g, s.stop * g) for s, g in zip(box, model.grid, strict=True)
            )
            tiles.append(_Tile(place, points, found.scores, reach, file))
            if probability is not None:
                probability[box] = maps.probability
            if distance is not None:
                distance[box] = maps.distance.mean(axis=-1)
            state.progress("StarDist", len(tiles), 0)
    return tiles


def _thin_out(state: BlockState, model: Any, tiles: list[_Tile], nms_thresh: float) -> list[Shapes]:
    """Suppress each tile's candidates among all within reach of it."""
    reach = np.max([tile.reach for tile in tiles], axis=0) * 2
    kept = []
    for tile in tiles:
        near = cut.grow(tile.place, tuple(int(r) for r in reach), state.shape)
        parts = [part for part in (other.select(near) for other in tiles) if part is not None]
        if parts:
            left = model.suppress(Shapes.join(parts).sorted(), nms_thresh, nms=state.settings.nms)
            kept.append(left.where(cut.select(left.points, tile.place)))
        state.progress("suppression", len(kept), len(tiles))
    for tile in tiles:
        remove(tile.file)
    return kept


def find_tissue(state: BlockState, model: Any) -> None:
    """Run the U-Net over the tiles, and settle the thresholds."""
    settings = state.settings
    arrays = state.arrays
    with _ahead(model.stream(state.normalised, state.memory)) as tiles:
        for done, (box, prediction) in enumerate(tiles):
            arrays.foreground[box] = prediction.foreground
            if prediction.boundary is not None:
                if arrays.boundary is None:
                    arrays.boundary = state.make("boundary", np.float32)
                arrays.boundary[box] = prediction.boundary
            state.progress("U-Net", done + 1, 0)
    level = settings.unet_thresh
    if level is None:
        level = model.foreground_thresh
    if level is None:
        level = _find_otsu(state, arrays.foreground)
    limit, wall = find_boundary_levels(settings, model)
    state.thresholds = (level, limit)
    state.wall = 0.0 if arrays.boundary is None else wall


def _find_otsu(state: BlockState, map_: DiskArray) -> float:
    """Find Otsu's threshold of a map, from 256 bins over its range."""
    from skimage.filters import threshold_otsu

    stored = Volume(state.shape, lambda box: np.asarray(map_[box]))
    ends = [(float(part.min()), float(part.max())) for part in stored.parts()]
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    edges = np.linspace(low, high, 257)
    counts = sum(np.histogram(part, edges)[0] for part in stored.parts())
    level = float(threshold_otsu(hist=(counts, (edges[:-1] + edges[1:]) / 2)))
    _log.info("U-Net threshold by Otsu: %.3f", level)
    return level
