"""What is known of a volume that is segmented in blocks, and its parts as they are asked for."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.progress import Progress
from btrackmate.segmentation import blocks as cut
from btrackmate.segmentation.blocks import DiskArray, Volume
from btrackmate.segmentation.networks import Models
from btrackmate.segmentation.segment import DEFAULT_BOUNDARY, find_rescue
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.segmentation.shapes import Shapes, interpolate_grid
from btrackmate.segmentation.tiling import Box, physical_memory
from btrackmate.segmentation.watershed import complete_mask, fill_small_holes

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

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


@dataclass
class BlockArrays:
    """What lies between the passes, on disk; empty until a pass fills it in.

    Parameters
    ----------
    labels, shapes, components : (Z, Y, X) array of int32
        Cells by number of their seed; StarDist's shapes by theirs; regions of the U-Net.
    mask, tissue : (Z, Y, X) array of bool
        What is flooded; the U-Net's mask.
    foreground : (Z, Y, X) array of float32
        Of the U-Net.
    boundary, roi : (Z, Y, X) array of float32, optional
        Of the U-Net, and the foreground of the network for the region.
    probability, distance : (z, y, x) array of float32, optional
        StarDist's maps on its grid, where they are needed again.
    """

    labels: DiskArray
    shapes: DiskArray
    components: DiskArray
    mask: DiskArray
    tissue: DiskArray
    foreground: DiskArray
    boundary: DiskArray | None = None
    roi: DiskArray | None = None
    probability: DiskArray | None = None
    distance: DiskArray | None = None

    @classmethod
    def make(cls, folder: Path, shape: tuple[int, ...]) -> Self:
        """Make those that every volume needs; they take no room before they are written."""
        numbers = dict.fromkeys(("labels", "shapes", "components"), "int32")
        kinds = numbers | dict.fromkeys(("mask", "tissue"), "bool") | {"foreground": "float32"}
        return cls(**{name: cut.make_array(folder, name, shape, kinds[name]) for name in kinds})


def present(array: DiskArray | None) -> DiskArray:
    """Give an array that an earlier pass made."""
    if array is None:
        msg = "the pass that makes this array has not run"
        raise ValueError(msg)
    return array


class BlockState:
    """One volume on its way through the passes, which fill in what they find.

    Parameters
    ----------
    job : BlockJob
    progress : Progress

    Attributes
    ----------
    memory : float
        Bytes that one tile or block may take.
    norm : tuple of float
        Grey values that become 0 and 1.
    shapes, extent
        StarDist's shapes of the whole volume, and how far each reaches, in voxels.
    arrays : BlockArrays
        On disk: what lies between the passes.
    thresholds : tuple of float
        Of the U-Net's foreground and boundary; `roi_level` and `wall` are those of the network for
        the region and of joining over weak walls, `rescue` the probability that cells without a
        StarDist shape need.
    blocks, halo
        The blocks, and the voxels that each sees beyond them.
    """

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
        self.arrays = BlockArrays.make(job.scratch, self.shape)
        self.halo: tuple[int, ...] = (_PLAIN_HALO,) * 3
        self.blocks: list[Box] = []
        self.thresholds = (0.5, DEFAULT_BOUNDARY)
        self.roi_level = 0.5
        self.wall = 0.0
        unet = job.models.unet
        both = job.settings.mode == "both" and unet is not None
        self.rescue = find_rescue(job.settings, unet) if both else 0.0  # type: ignore[arg-type]

    @property
    def normalised(self) -> Volume:
        """The volume, normalised as `normalise_volume` does."""
        low, width = np.float32(self.norm[0]), np.float32(self.norm[1] - self.norm[0])

        def read(box: Box) -> Float32:
            part = self.volume.read(box).astype(np.float32)
            return np.asarray((part - low) / width, np.float32)

        return Volume(self.shape, read)

    def make(self, name: str, kind: Any, shape: tuple[int, ...] | None = None) -> DiskArray:
        """Make an array on disk, zero everywhere."""
        return cut.make_array(self.job.scratch, name, shape or self.shape, kind)

    def steps(self, name: str, boxes: list[Box]) -> Iterator[Box]:
        """Go through boxes and report progress."""
        for done, box in enumerate(boxes):
            yield box
            self.progress(name, done + 1, len(boxes))

    def landscape(self) -> str:
        """Name the map that is flooded; the U-Net's boundaries may be missing."""
        bare = getattr(self.job.models.unet, "outputs", 2) < 2
        if self.settings.mode == "unet":
            return "flat" if bare else "boundary"
        name = self.settings.landscape
        return "probability" if bare and name == "boundary" else name

    def plan_blocks(self) -> None:
        """Choose the blocks and, with what is known of the shapes, their halo."""
        size = self.settings.block or cut.choose_block(self.shape, self.halo, self.memory)
        self.blocks = cut.cut_blocks(self.shape, size)
        sides = [max(s.stop - s.start for s in axis) for axis in zip(*self.blocks, strict=True)]
        self.halo = tuple(min(h, n) for h, n in zip(self.halo, sides, strict=True))
        _log.info(
            "%d blocks of up to %s voxels with a halo of %s",
            len(self.blocks), "×".join(map(str, sides)), "×".join(map(str, self.halo)),
        )  # fmt: skip

    def render(self, region: Box) -> NDArray[np.int32]:
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

    def limit(self, region: Box) -> Mask | None:
        """Tell where cells are looked for in a part of the volume; None: everywhere."""
        roi = self.job.roi
        inside = None if roi is None else np.asarray(roi.read(region) != 0)
        if self.arrays.roi is not None:
            found = np.asarray(self.arrays.roi[region]) > self.roi_level
            inside = found if inside is None else inside & found
        return inside

    def thresholded(self, region: Box) -> Mask:
        """Give the U-Net's mask in a part of the volume."""
        foreground = np.asarray(self.arrays.foreground[region])
        mask = fill_small_holes(foreground > self.thresholds[0], self.settings.min_size)
        roi = self.limit(region)
        return mask if roi is None else mask & roi

    def tissue(self, region: Box, shapes: NDArray[np.int32]) -> tuple[Mask, Mask]:
        """Give the mask that is flooded and the U-Net's regions in a part of the volume."""
        settings = self.settings
        level, limit = self.thresholds
        foreground = np.asarray(self.arrays.foreground[region])
        mask, roi = self.thresholded(region), self.limit(region)
        regions = mask
        if self.arrays.boundary is not None:
            regions = mask & (np.asarray(self.arrays.boundary[region]) < limit)
        if settings.mode == "both" and settings.complete_mask:
            mask = complete_mask(mask, shapes, foreground, level)
            if roi is not None:
                mask &= roi
            if self.arrays.boundary is None:
                regions = mask
        return mask, regions

    def relief(self, region: Box) -> Float32:
        """Give the landscape in a part of the volume."""
        name = self.landscape()
        if name == "flat":
            return np.zeros([side.stop - side.start for side in region], np.float32)
        if name == "boundary":
            return np.asarray(present(self.arrays.boundary)[region])
        arrays = self.arrays
        return -self.on_voxels(
            arrays.distance if name == "distance" else arrays.probability, region
        )

    def on_voxels(self, map_: DiskArray | None, region: Box) -> Float32:
        """Bring a map of StarDist's from its grid to the voxels of a part of the volume."""
        stored = present(map_)
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
