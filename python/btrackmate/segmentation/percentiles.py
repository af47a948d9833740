"""Percentiles of an image that is read part by part; exact, whatever the type."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError

Parts = Callable[[], Iterable[NDArray[Any]]]


def find_percentiles(parts: Parts, percentiles: tuple[float, ...]) -> tuple[float, ...]:
    """Find percentiles, interpolated linearly between values as NumPy does.

    Parameters
    ----------
    parts : callable
        Gives the image's parts, whenever it is called; integers of up to 16 bits are read once,
        32-bit types twice, 64-bit types four times.
    percentiles : tuple of float
        0–100.

    Returns
    -------
    tuple of float

    Raises
    ------
    UserError
        If a value is NaN or infinite.
    """
    total = sum(part.size for part in parts())
    places = [(total - 1) * p / 100 for p in percentiles]
    ranks = sorted({int(np.floor(p)) for p in places} | {int(np.ceil(p)) for p in places})
    values = dict(zip(ranks, _find_ranks(parts, ranks), strict=True))
    result = []
    for place in places:
        low, high = values[int(np.floor(place))], values[int(np.ceil(place))]
        result.append(low + (high - low) * (place - np.floor(place)))
    return tuple(result)


def _find_ranks(parts: Parts, ranks: list[int]) -> list[float]:
    """Find the values of these ranks (from 0) by their bits, 16 at a time, highest first."""
    prefixes = [0] * len(ranks)
    left = list(ranks)
    bits, dtype = 64, np.dtype(np.uint64)
    done = 0
    while done < bits:
        counts: dict[int, NDArray[np.int64]] = {}
        for part in parts():
            dtype, keys, bits = part.dtype, *_to_keys(part)
            shift = max(bits - done - 16, 0)
            for prefix in set(prefixes):
                chosen = keys if done == 0 else keys[keys >> np.uint64(bits - done) == prefix]
                digits = (chosen >> np.uint64(shift)) & np.uint64(0xFFFF)
                count = np.bincount(digits.astype(np.int64), minlength=1 << 16)
                counts[prefix] = counts.get(prefix, np.zeros(1 << 16, np.int64)) + count
        width = min(16, bits - done)
        for i, prefix in enumerate(prefixes):
            below = np.cumsum(counts[prefix])
            digit = int(np.searchsorted(below, left[i], side="right"))
            left[i] -= int(below[digit - 1]) if digit else 0
            prefixes[i] = (prefix << width) | digit
        done += width
    return [_from_key(key, dtype) for key in prefixes]


def _to_keys(part: NDArray[Any]) -> tuple[NDArray[np.uint64], int]:
    """Turn values into unsigned integers of the same order, and give their bits."""
    kind, bits = part.dtype.kind, part.dtype.itemsize * 8
    flat = part.ravel()
    if kind in "bu":
        return flat.astype(np.uint64), bits
    sign = np.uint64(1 << (bits - 1))
    if kind == "i":
        raw = flat.astype(f"<i{bits // 8}").view(f"<u{bits // 8}").astype(np.uint64)
        return raw ^ sign, bits
    if kind != "f":
        msg = f"image of type {part.dtype}, expected integers or floats"
        raise UserError(msg)
    if not np.isfinite(flat).all():
        msg = f"image: {np.count_nonzero(~np.isfinite(flat))} voxels of a part are NaN or infinite"
        msg += "; expected finite grey values: replace them before segmenting"
        raise UserError(msg)
    raw = flat.astype(f"<f{bits // 8}").view(f"<u{bits // 8}").astype(np.uint64)
    every = np.uint64((1 << bits) - 1)
    return np.where(raw & sign, raw ^ every, raw ^ sign), bits


def _from_key(key: int, dtype: np.dtype[Any]) -> float:
    bits = dtype.itemsize * 8
    if dtype.kind in "bu":
        return float(key)
    sign = 1 << (bits - 1)
    if dtype.kind == "i":
        return float(key - sign)
    raw = key ^ sign if key & sign else key ^ ((1 << bits) - 1)
    return float(np.array(raw, f"<u{bits // 8}").view(f"<f{bits // 8}"))
