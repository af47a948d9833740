"""Sparse contingency table of two label images: which object overlaps which, by how much."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
from btrackmate.core.errors import UserError
from btrackmate.core.hashing import find_slot
from btrackmate.io.label_values import MAX_LABEL

IntArray = NDArray[np.int64]

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32}


@dataclass(frozen=True, eq=False)
class Overlap:
    """How the objects of two label images of one shape overlap; background (0) is no object.

    Parameters
    ----------
    truth_ids, result_ids : (p,), (q,) ndarray of int
        Label ids that stand in each image, ascending.
    truth_sizes, result_sizes : (p,), (q,) ndarray of int
        Voxels of each object.
    truth_index, result_index : (k,) ndarray of int
        Pairs of objects that share a voxel, as positions in the id arrays, sorted by truth, then
        result.
    shared : (k,) ndarray of int
        Voxels that each pair shares.
    n_voxels : int
        Voxels of the image.
    n_different : int
        Voxels that are object in one image and background in the other.
    """

    truth_ids: IntArray
    truth_sizes: IntArray
    result_ids: IntArray
    result_sizes: IntArray
    truth_index: IntArray
    result_index: IntArray
    shared: IntArray
    n_voxels: int
    n_different: int

    @cached_property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each pair, (k,)."""
        sizes = self.truth_sizes[self.truth_index] + self.result_sizes[self.result_index]
        return self.shared / (sizes - self.shared)

    @cached_property
    def covering(self) -> IntArray:
        """Pair in which a result object covers more than half of each truth object, (p,).

        −1 where there is none. At most one result object can do so; one result object may cover
        several truth objects. This is the marker test of the Cell Tracking Challenge.
        """
        most = 2 * self.shared > self.truth_sizes[self.truth_index]
        pair = np.full(self.truth_ids.size, -1, np.int64)
        pair[self.truth_index[most]] = np.flatnonzero(most)
        return pair


def count_overlaps(
    truth: NDArray[Any], result: NDArray[Any], *, source: str = "label images"
) -> Overlap:
    """Count the voxels that each pair of objects shares, in one pass.

    Parameters
    ----------
    truth, result : ([Z,] Y, X) ndarray of int
        Label images of one shape, 0 is background, ids up to 2³²−1.
    source : str
        What the images are, for messages.

    Returns
    -------
    Overlap
        Ids, sizes and pairs; memory grows with the number of pairs, not with the ids.

    Raises
    ------
    UserError
        If the shapes differ or an image holds no integer ids between 0 and 2³²−1.
    """
    if truth.shape != result.shape:
        msg = f"{source}: the truth has shape {truth.shape} and the result {result.shape}; "
        msg += "give two label images of one shape"
        raise UserError(msg)
    first = as_unsigned(truth, f"{source}: truth").reshape(-1)
    second = as_unsigned(result, f"{source}: result").reshape(-1)
    wider = np.promote_types(first.dtype, second.dtype)
    flat = [image.astype(wider, copy=False).view() for image in (first, second)]
    for image in flat:
        image.flags.writeable = False  # one compiled function for arrays of either kind
    keys, counts = _count_pairs(flat[0], flat[1])
    order = np.argsort(keys)
    keys, counts = keys[order], counts[order]
    truth_of = (keys >> np.uint64(32)).astype(np.int64)
    result_of = (keys & np.uint64(MAX_LABEL)).astype(np.int64)
    truth_ids, truth_sizes = _sum_sizes(truth_of, counts)
    result_ids, result_sizes = _sum_sizes(result_of, counts)
    both = (truth_of > 0) & (result_of > 0)
    return Overlap(
        truth_ids,
        truth_sizes,
        result_ids,
        result_sizes,
        np.searchsorted(truth_ids, truth_of[both]),
        np.searchsorted(result_ids, result_of[both]),
        counts[both],
        int(truth.size),
        int(counts[(truth_of > 0) != (result_of > 0)].sum()),
    )


def as_unsigned(labels: NDArray[Any], source: str) -> NDArray[Any]:
    """Give a label image as a contiguous unsigned array of at most 32 bits; copy only if needed.

    Raises
    ------
    UserError
        If the image is not of an integer (or boolean) type, or an id is not between 0 and 2³²−1.
    """
    if labels.dtype.kind not in "biu":
        msg = f"{source} is of type {labels.dtype}, expected integer label ids"
        raise UserError(msg)
    labels = np.ascontiguousarray(labels.astype(labels.dtype.newbyteorder("="), copy=False))
    if labels.dtype.kind == "i" and labels.size and int(labels.min()) < 0:
        msg = f"{source} holds the negative label {labels.min()}, expected 0 for background and "
        msg += "ids above"
        raise UserError(msg)
    if labels.dtype.itemsize <= 4:
        return labels.view(_UNSIGNED[labels.dtype.itemsize])
    if labels.size and int(labels.max()) > MAX_LABEL:
        msg = f"{source} holds the label {labels.max()}, expected ids up to {MAX_LABEL}; relabel"
        raise UserError(msg)
    return labels.astype(np.uint32)


def _sum_sizes(ids: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Sum the voxels of each id, background left out."""
    unique, inverse = np.unique(ids, return_inverse=True)
    sizes = np.zeros(unique.size, np.int64)
    np.add.at(sizes, inverse, counts)
    start = int(unique.size > 0 and unique[0] == 0)
    return unique[start:], sizes[start:]


@njit(cache=True)
def _count_pairs(
    first: NDArray[Any], second: NDArray[Any]
) -> tuple[NDArray[np.uint64], IntArray]:  # pragma: no cover (compiled)
    """Count equal (first, second) pairs run by run; the key is first · 2³² + second."""
    keys = np.zeros(1024, np.uint64)
    counts = np.zeros(1024, np.int64)
    used = 0
    background = 0  # of both: its key would be 0, a free slot
    begin = 0
    size = first.size
    for i in range(1, size + 1):
        if i < size and first[i] == first[begin] and second[i] == second[begin]:
            continue
        if size == 0:
            break
        key = (np.uint64(first[begin]) << np.uint64(32)) | np.uint64(second[begin])
        if key == np.uint64(0):
            background += i - begin
            begin = i
            continue
        slot = find_slot(keys, key)
        if counts[slot] == 0:
            keys[slot] = key
            used += 1
        counts[slot] += i - begin
        begin = i
        if 2 * used > keys.size:
            keys, counts = _grow(keys, counts)
    if background > 0:
        slot = np.flatnonzero(keys == np.uint64(0))[0]
        counts[slot] = background
    filled = counts > 0
    return keys[filled], counts[filled]


@njit(cache=True)
def _grow(
    keys: NDArray[np.uint64], counts: IntArray
) -> tuple[NDArray[np.uint64], IntArray]:  # pragma: no cover (compiled)
    """Move a hash table into one of four times the size."""
    new_keys = np.zeros(4 * keys.size, np.uint64)
    new_counts = np.zeros(4 * keys.size, np.int64)
    for i in range(keys.size):
        if counts[i] > 0:
            slot = find_slot(new_keys, keys[i])
            new_keys[slot] = keys[i]
            new_counts[slot] = counts[i]
    return new_keys, new_counts
