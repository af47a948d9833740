"""Walls between touching labels, and joining over the weak ones."""

import numpy as np
import pytest
from scipy import ndimage

from btrackmate.segmentation.merging import (
    find_wall_threshold,
    join_over_weak_walls,
    measure_walls,
)


def row(*values, kind=np.float32):
    return np.array([values], kind)


def test_wall_is_the_mean_of_both_sides_over_all_faces():
    """Labels 1 | 2 over two faces and 2 | 5 over one; background has no wall."""
    labels = np.array([[1, 2, 0], [1, 2, 5]], np.int32)
    boundary = np.array([[0.2, 0.4, 9], [0.6, 0.8, 1.0]], np.float32)
    pairs, faces, heights = measure_walls(labels, boundary)
    assert pairs.tolist() == [[1, 2], [2, 5]]
    assert faces.tolist() == [2, 1]
    assert heights == pytest.approx([0.3 + 0.7, 0.9])


def test_weak_walls_go_and_the_lowest_number_stays():
    labels = row(4, 4, 2, 2, 7, kind=np.int32)
    boundary = row(0, 0.1, 0.3, 0.8, 1.0)
    assert join_over_weak_walls(labels, boundary, 0.5).tolist() == [[2, 2, 2, 2, 7]]
    assert join_over_weak_walls(labels, boundary, 0.2).tolist() == labels.tolist()
    assert join_over_weak_walls(labels, boundary, 1.0).tolist() == [[2] * 5]
    assert labels.tolist() == [[4, 4, 2, 2, 7]]


def test_walls_of_joined_pieces_are_measured_as_one():
    """2 | 3 is weak (0.4), but once 1 and 2 are one cell its wall to 3 is (0.4 + 0.8) / 2."""
    labels = np.array([[1, 3], [2, 3]], np.int32)
    boundary = np.array([[0.7, 0.9], [0.0, 0.8]], np.float32)
    # Walls: 1|2 0.35, 1|3 0.8, 2|3 0.4.
    assert join_over_weak_walls(labels, boundary, 0.5).tolist() == [[1, 3], [1, 3]]
    assert join_over_weak_walls(labels, boundary, 0.61).tolist() == [[1, 1], [1, 1]]


def test_nothing_to_join():
    empty = np.zeros((3, 3), np.int32)
    assert not join_over_weak_walls(empty, np.ones((3, 3), np.float32), 0.5).any()
    one = empty + 70_000
    assert (join_over_weak_walls(one, np.zeros((3, 3), np.float32), 0.5) == 70_000).all()


def test_joining_all_gives_the_connected_components():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 60, (6, 9, 9)).astype(np.int32)
    joined = join_over_weak_walls(labels, np.zeros(labels.shape, np.float32), 0.5)
    # A label may be in several places, so pieces of one component have one number at least.
    parts, count = ndimage.label(labels > 0)
    for part in range(1, count + 1):
        assert len(np.unique(joined[parts == part])) == 1


def test_threshold_leaves_a_fraction_of_the_true_walls_below():
    """100 walls of 10 faces, of height 0.005 to 0.995."""
    labels = np.repeat(np.arange(1, 102, dtype=np.int32)[None], 10, axis=0)
    height = np.repeat(np.linspace(0, 1, 101, dtype=np.float32)[None], 10, axis=0)
    found = find_wall_threshold([labels], [height], 0.5)
    assert found == pytest.approx(0.5, abs=1e-6)
    assert find_wall_threshold([labels[:9]], [height[:9]]) is None
    assert find_wall_threshold([labels[:, :15]], [height[:, :15]]) is None
