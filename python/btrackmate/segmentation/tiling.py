"""Running a network over an image of any size: padding, tiles with overlap, memory."""

import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError

Float32 = NDArray[np.float32]
Network = Callable[[Float32], Sequence[Float32]]


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
        If `n_tiles` has not one number an axis.
    """
    if len(n_tiles) != image.ndim:
        msg = f"n_tiles {n_tiles} has {len(n_tiles)} numbers, expected {image.ndim}, one an axis"
        raise UserError(msg)
    padding = [(0, -size % step) for size, step in zip(image.shape, divisor, strict=True)]
    padded = np.pad(image, padding, mode="reflect") if any(p for _, p in padding) else image
    cuts = [
        _cut_axis(size, step, count, margin)
        for size, step, count, margin in zip(padded.shape, divisor, n_tiles, overlap, strict=True)
    ]
    outputs: list[Float32] = []
    for parts in itertools.product(*cuts):
        seen = tuple(slice(low, high) for low, high, _, _ in parts)
        results = network(padded[seen][None, ..., None])
        if not outputs:
            sides = [size // step for size, step in zip(padded.shape, grid, strict=True)]
            outputs = [np.empty((*sides, r.shape[-1]), np.float32) for r in results]
        source = tuple(
            slice((start - low) // g, (stop - low) // g)
            for (low, _, start, stop), g in zip(parts, grid, strict=True)
        )
        target = tuple(
            slice(start // g, stop // g) for (_, _, start, stop), g in zip(parts, grid, strict=True)
        )
        for output, result in zip(outputs, results, strict=True):
            output[target] = result[0][source]
    crop = tuple(slice(-(-size // g)) for size, g in zip(image.shape, grid, strict=True))
    return [np.ascontiguousarray(output[crop]) for output in outputs]


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
    shape: tuple[int, ...], bytes_per_voxel: float, memory: float | None = None
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

    Returns
    -------
    tuple of int
        The longest side of a tile is halved (…thirded) first; sides below 64 are not split.
    """
    if memory is None:
        memory = _physical_memory() / 4
    tiles = [1] * len(shape)
    while True:
        sides = [size / count for size, count in zip(shape, tiles, strict=True)]
        longest = max(range(len(shape)), key=lambda axis: sides[axis])
        if float(np.prod(sides)) * bytes_per_voxel <= memory or sides[longest] <= 64:
            return tuple(tiles)
        tiles[longest] += 1


def run_keras(model: Any) -> Network:
    """Wrap a Keras model so that it always returns a list of arrays."""

    def run(batch: Float32) -> Sequence[Float32]:
        result = model.predict_on_batch(batch)
        outputs = result if isinstance(result, list | tuple) else [result]
        return [np.asarray(output, np.float32) for output in outputs]

    return run


def _physical_memory() -> float:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return 8e9
