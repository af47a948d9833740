import numpy as np
import pytest
from skimage.segmentation import watershed

from btrackmate.segmentation import watershed as watershed_module
from btrackmate.segmentation.watershed import (
    complete_mask,
    fill_small_holes,
    flood,
    remove_by_size,
    stamp_markers,
)


def test_marker_is_a_ball_in_micrometres():
    """Radius 3 µm at 3 × 1 × 1 µm: one voxel up and down, three in the plane."""
    markers = stamp_markers(np.array([[2, 5, 5]]), np.ones((5, 11, 11), bool), 3, (3, 1, 1))
    assert markers[:, 5, 5].tolist() == [0, 1, 1, 1, 0]
    assert markers[2, 5].tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0]
    assert markers[2, 3, 3] == 1  # √8 < 3
    assert markers[2, 3, 2] == 0  # √13 > 3


def test_radius_below_a_voxel_marks_the_seed_alone():
    markers = stamp_markers(np.array([[1, 1]]), np.ones((3, 3), bool), 0, (1, 1))
    assert markers.sum() == markers[1, 1] == 1


def test_marker_stays_in_the_mask_and_in_the_volume(draw):
    mask = draw("11.", "11.", "...") > 0
    markers = stamp_markers(np.array([[0, 0]]), mask, 2, (1, 1))
    np.testing.assert_array_equal(markers, draw("11.", "11.", "..."))


def test_neighbours_share_by_distance_and_the_lower_number_takes_the_tie():
    """Seeds 1 and 2 four voxels apart: the voxel between them belongs to 1."""
    markers = stamp_markers(np.array([[0, 1], [0, 5]]), np.ones((1, 7), bool), 3, (1, 1))
    assert markers.tolist() == [[1, 1, 1, 1, 2, 2, 2]]


def test_marker_does_not_jump_a_gap_of_the_mask(draw):
    mask = draw("11.11") > 0
    markers = stamp_markers(np.array([[0, 1]]), mask, 3, (1, 1))
    assert markers.tolist() == [[1, 1, 0, 0, 0]]


def test_seed_outside_the_mask_has_no_marker(draw):
    mask = draw("11.11") > 0
    assert not stamp_markers(np.array([[0, 2]]), mask, 2, (1, 1)).any()


def test_two_seeds_in_one_voxel_give_one_marker():
    markers = stamp_markers(np.array([[1, 1], [1, 1]]), np.ones((3, 3), bool), 1, (1, 1))
    assert np.unique(markers).tolist() == [0, 1]


def test_more_than_65535_markers():
    points = np.stack(np.nonzero(np.ones((300, 300))), axis=1)
    markers = stamp_markers(points, np.ones((300, 300), bool), 0, (1, 1))
    assert markers[-1, -1] == 90_000


def test_flood_meets_on_the_ridge_and_stays_in_the_mask(draw):
    landscape = np.array([[0, 1, 5, 1, 0, 0]], np.float32)
    markers = draw("1...2.")
    mask = draw("11111.") > 0
    labels = flood(landscape, markers, mask)
    assert labels[0, :2].tolist() == [1, 1]
    assert labels[0, 3:].tolist() == [2, 2, 0]


@pytest.mark.parametrize("shape", [(11, 30, 40), (90, 110)])
def test_flood_equals_scikit_image_where_no_two_heights_are_equal(shape):
    rng = np.random.default_rng(5)
    heights = rng.permutation(np.arange(1, 65_535))[: np.prod(shape)].reshape(shape)
    heights.ravel()[:2] = 0, 65_535  # The flood's steps are then whole numbers.
    markers = np.zeros(shape, np.int32)
    markers.ravel()[rng.choice(markers.size, 40, replace=False)] = 70_000 + np.arange(40)
    mask = rng.random(shape) < 0.8
    mask.ravel()[:2] = True
    labels = flood(heights.astype(np.float32), markers, mask)
    np.testing.assert_array_equal(labels, watershed(heights, markers, mask=mask))
    assert len(np.unique(labels)) > 20


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (np.nan, [1, 1, 1, 1, 1, 2]),  # as low as the lowest: 1 goes on from it at once
        (-np.inf, [1, 1, 1, 1, 1, 2]),
        (np.inf, [1, 1, 1, 1, 2, 2]),  # as high as the highest: 2, which waits at 3, is earlier
    ],
)
def test_heights_that_are_not_finite_count_as_the_ends(odd, expected):
    landscape = np.array([[0, 1, 1, odd, 5, 3]], np.float32)
    markers = np.array([[1, 0, 0, 0, 0, 2]], np.int32)
    assert flood(landscape, markers, np.ones((1, 6), bool)).tolist() == [expected]


def test_without_any_finite_height_the_landscape_is_a_plain():
    landscape = np.full((1, 6), np.nan, np.float32)
    markers = np.array([[1, 0, 0, 0, 0, 2]], np.int32)
    assert flood(landscape, markers, np.ones((1, 6), bool)).tolist() == [[1, 1, 1, 2, 2, 2]]


def test_components_flooded_in_threads_give_the_same_labels(monkeypatch):
    """Forty separate discs in steps of six heights, so that ties are many."""
    rng = np.random.default_rng(1)
    y, x = np.indices((100, 160))
    mask = (y % 20 - 10) ** 2 + (x % 20 - 10) ** 2 < 80
    landscape = rng.integers(0, 6, mask.shape).astype(np.float32)
    landscape[10, 10] = 9
    markers = np.zeros(mask.shape, np.int32)
    markers.ravel()[rng.choice(mask.size, 150, replace=False)] = np.arange(1, 151)
    alone = flood(landscape, markers, mask)
    monkeypatch.setattr(watershed_module, "_LEAST_SHARED", 0)
    for cores in (2, 3):
        monkeypatch.setattr(watershed_module, "count_cores", lambda n=cores: n)
        components, share = watershed_module._share_components(mask[None], cores)
        voxels = np.bincount(share, np.bincount(components.ravel()) * (share >= 0))
        assert len(voxels) == cores
        assert voxels[1:].min() > 0.2 * np.count_nonzero(mask)
        np.testing.assert_array_equal(flood(landscape, markers, mask), alone)
    assert len(np.unique(alone)) > 50


def test_one_large_component_is_not_shared(monkeypatch, draw):
    monkeypatch.setattr(watershed_module, "_LEAST_SHARED", 0)
    mask = draw("1111111.11") > 0
    assert watershed_module._share_components(mask, 4)[1].tolist() == [0]


def test_on_a_plain_voxels_go_to_the_marker_that_reaches_them_first(draw):
    labels = flood(np.zeros((1, 8), np.float32), draw("1......2"), np.ones((1, 8), bool))
    assert labels.tolist() == [[1, 1, 1, 1, 2, 2, 2, 2]]


def test_component_without_marker_stays_background(draw):
    mask = draw("11.11") > 0
    labels = flood(np.zeros((1, 5), np.float32), draw("1...."), mask)
    assert labels.tolist() == [[1, 1, 0, 0, 0]]


def test_nothing_to_flood_gives_background():
    empty = np.zeros((2, 3), np.int32)
    assert not flood(np.zeros((2, 3), np.float32), empty, np.ones((2, 3), bool)).any()
    assert not flood(np.zeros((2, 3), np.float32), empty + 1, np.zeros((2, 3), bool)).any()


def test_shape_mostly_outside_the_mask_is_added_whole(draw):
    mask = draw("11..", "11..") > 0
    shapes = draw("1122", "1122")
    seen = np.where(mask, 1.0, 0.46).astype(np.float32)
    completed = complete_mask(mask, shapes, seen, 0.5)
    np.testing.assert_array_equal(completed, draw("1111", "1111") > 0)
    shapes = draw("1.22", "....")  # Shape 1 is in the mask, shape 3 for a half.
    shapes[1] = [0, 3, 3, 0]
    completed = complete_mask(mask, shapes, seen, 0.5)
    np.testing.assert_array_equal(completed, draw("1111", "11..") > 0)


def test_shape_that_the_u_net_hardly_sees_is_not_added(draw):
    """The foreground is 0.44 in shape 2, below 0.9 of the threshold 0.5."""
    mask = draw("11..", "11..") > 0
    seen = np.where(mask, 1.0, 0.44).astype(np.float32)
    np.testing.assert_array_equal(complete_mask(mask, draw("1122", "1122"), seen, 0.5), mask)


def test_small_inner_holes_are_filled_and_others_not(draw):
    mask = draw("11111", "1.1.1", "111.1", "11111", ".1111") > 0
    filled = draw("11111", "111.1", "111.1", "11111", ".1111") > 0
    np.testing.assert_array_equal(fill_small_holes(mask, 2), filled)


def test_size_limits(draw):
    labels = draw("1222", "3333", "3333")
    np.testing.assert_array_equal(remove_by_size(labels, 2, None), draw(".222", "3333", "3333"))
    np.testing.assert_array_equal(remove_by_size(labels, 0, 3), draw("1222", "....", "...."))
