"""Cutting a volume into blocks, and arrays on disk that hold what lies between two passes."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

from btrackmate.core.errors import UserError
from btrackmate.segmentation.tiling import Box, physical_memory

#: Memory that working on a block needs per voxel, its halo included (measured: 210).
BLOCK_BYTES = 230.0
#: Memory that segmenting a volume in one piece needs per voxel, networks aside.
WHOLE_BYTES = 230.0
#: Part of the machine's memory that a segmentation may take before it works in blocks.
_SHARE = 0.5
_CHUNK = (32, 128, 128)


@dataclass(frozen=True)
class Volume:
    """A volume that is read part by part.

    Parameters
    ----------
    shape : (Z, Y, X) tuple of int
    read : callable
        Takes slices, one an axis, and returns that part.
    """

    shape: tuple[int, ...]
    read: Callable[[Box], NDArray[Any]]

    def parts(self) -> Any:
        """Read the volume in slabs of planes of about 32 million voxels."""
        plane = int(np.prod(self.shape[1:]))
        step = max(1, (1 << 25) // max(plane, 1))
        rest = tuple(slice(0, size) for size in self.shape[1:])
        for start in range(0, self.shape[0], step):
            yield self.read((slice(start, min(start + step, self.shape[0])), *rest))


def needs_blocks(shape: tuple[int, ...], memory: float | None = None) -> bool:
    """Tell whether a volume is too large to be segmented in one piece.

    Parameters
    ----------
    shape : tuple of int
    memory : float, optional
        Of the machine, in bytes.
    """
    total = physical_memory() if memory is None else memory
    return len(shape) == 3 and float(np.prod(shape)) * WHOLE_BYTES > _SHARE * total


def cut_blocks(shape: tuple[int, ...], block: tuple[int, ...]) -> list[Box]:
    """Cut a volume into blocks of at most this size, in scan order.

    Raises
    ------
    UserError
        If `block` has not one number an axis.
    """
    if len(block) != len(shape):
        msg = f"block {block} has {len(block)} numbers, expected {len(shape)}, one an axis: Z,Y,X"
        raise UserError(msg)
    sides = []
    for size, wanted in zip(shape, block, strict=True):
        count = -(-size // wanted)
        edges = [size * i // count for i in range(count + 1)]
        sides.append([slice(a, b) for a, b in itertools.pairwise(edges)])
    return [tuple(box) for box in itertools.product(*sides)]


def choose_block(shape: tuple[int, ...], halo: tuple[int, ...], memory: float) -> tuple[int, ...]:
    """Choose the size of blocks that with their halo fit into memory.

    Parameters
    ----------
    shape : tuple of int
    halo : tuple of int
        Voxels that a block sees on either side.
    memory : float
        Bytes.
    """
    sides = list(shape)
    while True:
        seen = [min(a + 2 * h, n) for a, h, n in zip(sides, halo, shape, strict=True)]
        longest = max(range(len(shape)), key=lambda axis: sides[axis])
        if float(np.prod(seen)) * BLOCK_BYTES <= memory or sides[longest] <= 32:
            return tuple(sides)
        sides[longest] = -(-sides[longest] * 3 // 4)


def grow(box: Box, halo: tuple[int, ...], shape: tuple[int, ...]) -> Box:
    """Add a halo to a block, inside the volume."""
    return tuple(
        slice(max(side.start - margin, 0), min(side.stop + margin, size))
        for side, margin, size in zip(box, halo, shape, strict=True)
    )


def within(box: Box, region: Box) -> Box:
    """Give a block's place in a region that holds it."""
    return tuple(
        slice(side.start - other.start, side.stop - other.start)
        for side, other in zip(box, region, strict=True)
    )


def start_of(box: Box) -> NDArray[np.int64]:
    """Give the first voxel of a block."""
    return np.array([side.start for side in box], np.int64)


def select(points: NDArray[Any], box: Box) -> NDArray[np.intp]:
    """Give the rows of the points that lie in a block."""
    inside = np.ones(len(points), bool)
    for axis, side in enumerate(box):
        inside &= (points[:, axis] >= side.start) & (points[:, axis] < side.stop)
    return np.flatnonzero(inside)


class DiskArray(Protocol):
    """An array on disk, of which parts are read and written."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of its axes."""

    def __getitem__(self, box: Box) -> NDArray[Any]: ...

    def __setitem__(self, box: Box, values: NDArray[Any]) -> None: ...


def make_array(folder: Path, name: str, shape: tuple[int, ...], kind: Any) -> DiskArray:
    """Make an array on disk, zero everywhere."""
    array: DiskArray = zarr.create_array(
        str(folder / name),
        shape=shape,
        chunks=tuple(min(c, n) for c, n in zip(_CHUNK[-len(shape) :], shape, strict=True)),
        dtype=kind,
        compressors=BloscCodec(cname="lz4", clevel=1),
        fill_value=0,
    )
    return array
