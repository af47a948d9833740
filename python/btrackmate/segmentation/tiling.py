"""Running a network over an image of any size: padding, tiles with overlap, memory."""

import contextlib
import itertools
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.words import option

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]
Box = tuple[slice, ...]
Network = Callable[[Float32], Sequence[Float32]]

#: A tile's outputs are held as the network gave them and as they are used.
OUTPUT_COPIES = 2


class OutOfMemory(Exception):
    """A tile was too large for the memory of the GPU or the machine."""


@dataclass(frozen=True)
class TilePlan:
    """What a network asks of its tiles, one number an axis.

    Parameters
    ----------
    divisor : tuple of int
        Tiles' sides are multiples of it.
    overlap : tuple of int
        Voxels that a tile sees beyond its part.
    grid : tuple of int
        Step of the output.
    bytes_per_voxel : float
        Memory that a tile needs per voxel.
    output_bytes : float
        Memory per voxel of a tile's outputs, which are in use while the next tile is computed.
    """

    divisor: tuple[int, ...]
    overlap: tuple[int, ...]
    grid: tuple[int, ...]
    bytes_per_voxel: float
    output_bytes: float

    def choose_tiles(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Choose the number of tiles by the machine's memory; see `choose_tiles`."""
        return choose_tiles(shape, self.bytes_per_voxel, None, self.overlap)

    def choose_stream(self, shape: tuple[int, ...], memory: float) -> tuple[int, ...]:
        """Choose the number of tiles by the memory (bytes) of one and of the outputs before it."""
        return choose_tiles(shape, self.bytes_per_voxel + self.output_bytes, memory, self.overlap)

    def predict(
        self, network: Network, image: Float32, n_tiles: tuple[int, ...] | None
    ) -> list[Float32]:
        """Run a network in tiles, their number by memory if None; see `predict_in_tiles`."""
        return predict_in_tiles(
            network,
            image,
            self.divisor,
            n_tiles=self.choose_tiles(image.shape) if n_tiles is None else n_tiles,
            overlap=self.overlap,
            grid=self.grid,
        )


def plan_unet(config: Any, ndim: int) -> TilePlan:
    """Say what a CSBDeep (CARE) U-Net asks of its tiles.

    Parameters
    ----------
    config : csbdeep.models.Config
        With `unet_n_depth`, `unet_kern_size`, `unet_n_first` and `n_channel_out`.
    ndim : int
        Dimensions of its images.
    """
    depth, kernel = int(config.unet_n_depth), int(config.unet_kern_size)
    return TilePlan(
        (2**depth,) * ndim,
        (view_radius(depth, kernel),) * ndim,
        (1,) * ndim,
        26.0 * config.unet_n_first,  # 24 were measured.
        OUTPUT_COPIES * 4.0 * config.n_channel_out,
    )


#: Tiles that are tried before a network that finds no memory is given up.
_MAX_SPLITS = 8


def predict_in_tiles(
    network: Network,
    image: Float32,
    divisor: tuple[int, ...],
    *,
    n_tiles: tuple[int, ...],
    overlap: tuple[int, ...],
    grid: tuple[int, ...],
) -> list[Float32]:
    """Run a network on an image, padded to what it divides by, in overlapping tiles.

    Parameters
    ----------
    network : callable
        Takes (1, [Z,] Y, X, 1), returns its outputs as (1, [z,] y, x, channels), with one value
        at every `grid`-th voxel.
    image : ([Z,] Y, X) ndarray of float32
    divisor : tuple of int
        Tiles' sides are multiples of it.
    n_tiles : tuple of int
        Tiles along each axis.
    overlap : tuple of int
        Voxels that a tile sees beyond its part, at least the network's field of view.
    grid : tuple of int
        Step of the output along each axis; divides `divisor`.

    Returns
    -------
    list of ([z,] y, x, channels) ndarray of float32
        The outputs; sides are the image's over `grid`, rounded up.

    Raises
    ------
    UserError
        If `n_tiles` has not one number an axis, or the memory does not suffice for the smallest
        tiles either.

    Notes
    -----
    Where a tile finds no memory, the image begins anew with twice as many tiles, and the log says
    so.
    """
    if len(n_tiles) != image.ndim:
        msg = f"n_tiles {n_tiles} has {len(n_tiles)} numbers, expected {image.ndim}, one an axis"
        raise UserError(msg)
    for _ in range(_MAX_SPLITS):
        try:
            return _predict(network, image, divisor, n_tiles=n_tiles, overlap=overlap, grid=grid)
        except OutOfMemory:
            more = split_longest(image.shape, n_tiles, divisor)
            if more == n_tiles:
                break
            _log.warning(
                "out of memory with %s tiles: again with %s; give %s to start there",
                _times(n_tiles), _times(more), option("n_tiles"),
            )  # fmt: skip
            n_tiles = more
    msg = f"out of memory: the network does not fit with {_times(n_tiles)} tiles either; "
    msg += "use a smaller network or a machine with more memory"
    raise UserError(msg)


def split_longest(
    shape: tuple[int, ...], n_tiles: tuple[int, ...], divisor: tuple[int, ...]
) -> tuple[int, ...]:
    """Double the tiles along the axis where they are longest; the same where none can be cut."""
    sides = [
        size / count if size > step * count else 0.0
        for size, count, step in zip(shape, n_tiles, divisor, strict=True)
    ]
    longest = max(range(len(shape)), key=lambda axis: sides[axis])
    if sides[longest] == 0:
        return n_tiles
    return tuple(n * 2 if axis == longest else n for axis, n in enumerate(n_tiles))


def _times(n_tiles: tuple[int, ...]) -> str:
    return "×".join(str(count) for count in n_tiles)


def _predict(
    network: Network,
    image: Float32,
    divisor: tuple[int, ...],
    *,
    n_tiles: tuple[int, ...],
    overlap: tuple[int, ...],
    grid: tuple[int, ...],
) -> list[Float32]:
    """Run a network on an image in tiles; see `predict_in_tiles`."""
    outputs: list[Float32] = []
    for seen, kept, place in _cut_tiles(image.shape, n_tiles, divisor, overlap, grid):
        results = _run_tile(network, image[seen], divisor)
        if not outputs:
            sides = [-(-size // step) for size, step in zip(image.shape, grid, strict=True)]
            outputs = [np.empty((*sides, result.shape[-1]), np.float32) for result in results]
        for output, result in zip(outputs, results, strict=True):
            output[place] = result[kept]
    return outputs


def _run_tile(network: Network, part: Float32, divisor: tuple[int, ...]) -> list[Float32]:
    """Run a network on one tile, padded to what it divides by; the outputs stay padded."""
    padding = [(0, -size % step) for size, step in zip(part.shape, divisor, strict=True)]
    padded = np.pad(part, padding, mode="reflect") if any(p for _, p in padding) else part
    return [result[0] for result in network(padded[None, ..., None])]


def stream_tiles(
    network: Network,
    shape: tuple[int, ...],
    read: Callable[[Box], Float32],
    plan: TilePlan,
    memory: float,
) -> Iterator[tuple[Box, list[Float32]]]:
    """Run a network on an image that is read tile by tile.

    Parameters
    ----------
    network : callable
        See `predict_in_tiles`.
    shape : tuple of int
        Of the image.
    read : callable
        Takes slices, one an axis; returns that part, normalised.
    plan : TilePlan
    memory : float
        Bytes that a tile, with the outputs of the one before, may take.

    Yields
    ------
    box : tuple of slice
        A part of the outputs' grid; all of them together are the whole grid.
    outputs : list of ([z,] y, x, channels) ndarray of float32
        The outputs in that part, the same as those of `predict_in_tiles`.
    """
    n_tiles = plan.choose_stream(shape, memory)
    for seen, kept, place in _cut_tiles(shape, n_tiles, plan.divisor, plan.overlap, plan.grid):
        outputs = plan.predict(network, read(seen), (1,) * len(shape))
        yield place, [output[kept] for output in outputs]


def _cut_tiles(
    shape: tuple[int, ...],
    n_tiles: tuple[int, ...],
    divisor: tuple[int, ...],
    overlap: tuple[int, ...],
    grid: tuple[int, ...],
) -> Iterator[tuple[Box, Box, Box]]:
    """Cut an image into tiles.

    Yields
    ------
    seen : tuple of slice
        What the tile sees of the image.
    kept : tuple of slice
        What is kept of the tile's outputs.
    place : tuple of slice
        Its place in the outputs of the whole.
    """
    cuts = [
        _cut_axis(size + -size % step, step, count, margin)
        for size, step, count, margin in zip(shape, divisor, n_tiles, overlap, strict=True)
    ]
    for parts in itertools.product(*cuts):
        seen, kept, place = [], [], []
        for (low, high, start, stop), size, g in zip(parts, shape, grid, strict=True):
            stop = min(stop, size)
            seen.append(slice(low, min(high, size)))
            kept.append(slice((start - low) // g, -(-(stop - low) // g)))
            place.append(slice(start // g, -(-stop // g)))
        yield tuple(seen), tuple(kept), tuple(place)


def _cut_axis(size: int, step: int, count: int, margin: int) -> list[tuple[int, int, int, int]]:
    """Windows (seen from, seen to, kept from, kept to) of the tiles along one axis."""
    units = size // step
    count = min(count, units)
    edges = [units * i // count * step for i in range(count + 1)]
    reach = -(-margin // step) * step
    return [
        (max(start - reach, 0), min(stop + reach, size), start, stop)
        for start, stop in itertools.pairwise(edges)
    ]


def view_radius(depth: int, kernel: int) -> int:
    """Return how far a U-Net sees, at most, in voxels.

    Parameters
    ----------
    depth : int
        Number of poolings by 2, with two convolutions at each level on the way down and up.
    kernel : int
        Side of the convolutions.

    Returns
    -------
    int
    """
    half = kernel // 2
    return half * (4 * ((1 << depth) - 1) + 2 * (1 << depth)) + (1 << depth)


def choose_tiles(
    shape: tuple[int, ...],
    bytes_per_voxel: float,
    memory: float | None = None,
    overlap: tuple[int, ...] | None = None,
) -> tuple[int, ...]:
    """Choose the number of tiles along each axis so that a tile fits into memory.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image.
    bytes_per_voxel : float
        Memory that the network needs per voxel of a tile.
    memory : float or None
        Bytes that a tile may take; None: a quarter of the machine's memory.
    overlap : tuple of int or None
        Voxels that a tile sees beyond its part, on either side.

    Returns
    -------
    tuple of int
        The longest side of a tile is halved (…thirded) first; sides below 64 are not split.
    """
    if memory is None:
        memory = physical_memory() / 4
    margins = overlap if overlap is not None else (0,) * len(shape)
    tiles = [1] * len(shape)
    while True:
        sides = [size / count for size, count in zip(shape, tiles, strict=True)]
        seen = [min(a + 2 * m, n) for a, m, n in zip(sides, margins, shape, strict=True)]
        longest = max(range(len(shape)), key=lambda axis: sides[axis])
        if float(np.prod(seen)) * bytes_per_voxel <= memory or sides[longest] <= 64:
            return tuple(tiles)
        tiles[longest] += 1


def run_keras(model: Any) -> Network:
    """Wrap a Keras model so that it always returns a list of arrays, and names a lack of memory."""
    from btrackmate.segmentation.backend import load_tensorflow

    exhausted = (load_tensorflow().errors.ResourceExhaustedError, MemoryError)

    def run(batch: Float32) -> Sequence[Float32]:
        try:
            result = model.predict_on_batch(batch)
        except exhausted as error:
            raise OutOfMemory(str(error)) from None
        outputs = result if isinstance(result, list | tuple) else [result]
        return [np.asarray(output, np.float32) for output in outputs]

    return run


def physical_memory() -> float:
    """Give the memory in bytes that this process may have; 8 GB where it cannot be told.

    That of the machine or, where it is less, of the container or the job of a scheduler.
    """
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        whole = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        return min(whole, find_memory_limit())
    return 8e9


def find_memory_limit(
    groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> float:
    """Find the least memory limit of the control groups of this process, bytes; inf for none.

    References
    ----------
    Linux kernel, admin-guide/cgroup-v1/memory and admin-guide/cgroup-v2: memory.limit_in_bytes of
    the controller memory, and memory.max.
    """
    limits = [math.inf]
    try:
        lines = groups.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return math.inf
    for line in lines:
        _, _, told = line.partition(":")
        controllers, _, path = told.partition(":")
        if controllers not in ("", "memory"):
            continue
        top = root / controllers
        file = "memory.limit_in_bytes" if controllers else "memory.max"
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            with contextlib.suppress(OSError, ValueError):  # "max" is none.
                limits.append(float(int((folder / file).read_text(encoding="ascii"))))
            if folder == top:
                break
    return min(limits)
