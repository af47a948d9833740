"""Contingency of two label images."""

import numpy as np
import pytest
from metrics.drawn import image

from btrackmate.core.errors import UserError
from btrackmate.metrics.overlap import count_overlaps

TRUTH = image("11.22", "11.22")
RESULT = image("777.9", "77..9")


def test_sizes_and_shared_voxels():
    overlap = count_overlaps(TRUTH, RESULT)
    assert overlap.truth_ids.tolist() == [1, 2]
    assert overlap.truth_sizes.tolist() == [4, 4]
    assert overlap.result_ids.tolist() == [7, 9]
    assert overlap.result_sizes.tolist() == [5, 2]
    assert overlap.truth_index.tolist() == [0, 1]
    assert overlap.result_index.tolist() == [0, 1]
    assert overlap.shared.tolist() == [4, 2]
    assert (overlap.n_voxels, overlap.n_different) == (10, 3)
    assert overlap.iou.tolist() == [0.8, 0.5]


def test_exactly_half_does_not_cover():
    """Result 9 covers 2 of the 4 voxels of truth 2: not more than half."""
    assert count_overlaps(TRUTH, RESULT).covering.tolist() == [0, -1]


def test_one_result_may_cover_two_truths():
    overlap = count_overlaps(image("1122"), image("5555"))
    assert overlap.result_index[overlap.covering].tolist() == [0, 0]


def test_ids_up_to_32_bits_need_no_table_of_their_size():
    top = 2**32 - 1
    truth = np.array([[top, top, 0, 70_000]], np.uint64)
    result = np.array([[top, 5, 5, top - 1]], np.int64)
    overlap = count_overlaps(truth, result)
    assert overlap.truth_ids.tolist() == [70_000, top]
    assert overlap.result_ids.tolist() == [5, top - 1, top]
    pairs = [
        (overlap.truth_ids[i], overlap.result_ids[j], n)
        for i, j, n in zip(overlap.truth_index, overlap.result_index, overlap.shared, strict=True)
    ]
    assert pairs == [(70_000, top - 1, 1), (top, 5, 1), (top, top, 1)]


@pytest.mark.parametrize("kind", ["bool", "uint8", "int8", "int16", ">u2", "uint32", "int64"])
def test_integer_types_agree(kind):
    truth = image("1.1.0").astype(kind) if kind == "bool" else image("1.1.3").astype(kind)
    overlap = count_overlaps(truth, image("11111"))
    assert overlap.shared.tolist() == ([2] if kind == "bool" else [2, 1])


def test_views_that_are_not_contiguous():
    big = np.repeat(np.repeat(TRUTH, 2, axis=0), 2, axis=1)
    assert count_overlaps(big[::2, ::2], RESULT).shared.tolist() == [4, 2]


def test_3d_and_many_pairs_grow_the_table():
    """5,000 one-voxel objects in each image: more pairs than the first table holds."""
    truth = np.arange(1, 5001, dtype=np.uint32).reshape(5, 10, 100)
    overlap = count_overlaps(truth, truth[::-1].copy() + np.uint32(10_000))
    assert overlap.shared.tolist() == [1] * 5000
    assert overlap.result_ids[overlap.result_index[0]] == 10_000 + 4001


@pytest.mark.parametrize("shape", [(0, 4), (3, 4)])
def test_empty_images(shape):
    overlap = count_overlaps(np.zeros(shape, np.uint8), np.zeros(shape, np.uint16))
    assert overlap.truth_ids.size == overlap.result_ids.size == overlap.shared.size == 0
    assert overlap.n_voxels == shape[0] * shape[1]


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (TRUTH[:1], r"frame 3: the truth has shape \(1, 5\) and the result \(2, 5\)"),
        (TRUTH.astype(float), "frame 3: truth is of type float64, expected integer"),
        (TRUTH.astype(int) - 1, "frame 3: truth holds the negative label -1"),
        (TRUTH.astype(int) * 2**32, "frame 3: truth holds the label 8589934592"),
    ],
)
def test_bad_images_are_named(truth, words):
    with pytest.raises(UserError, match=words):
        count_overlaps(truth, RESULT, source="frame 3")


def test_equals_the_dense_count():
    rng = np.random.default_rng(1)
    truth, result = rng.integers(0, 40, (2, 6, 30, 30))
    dense = np.zeros((40, 40), int)
    np.add.at(dense, (truth.ravel(), result.ravel()), 1)
    overlap = count_overlaps(truth, result)
    sparse = np.zeros((40, 40), int)
    sparse[overlap.truth_ids[overlap.truth_index], overlap.result_ids[overlap.result_index]] = (
        overlap.shared
    )
    np.testing.assert_array_equal(sparse[1:, 1:], dense[1:, 1:])
    assert overlap.n_different == dense[0, 1:].sum() + dense[1:, 0].sum()
