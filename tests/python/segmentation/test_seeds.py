import numpy as np
import pytest

from btrackmate.segmentation import seeds as pool


def test_centre_is_the_voxel_at_the_centroid(draw):
    labels = draw("111..", "111.2", "111..")
    ids, points = pool.find_centres(labels, labels > 0, (1, 1))
    assert ids.tolist() == [1, 2]
    assert points.tolist() == [[1, 1], [1, 4]]


def test_centre_of_a_concave_cell_lies_in_it(draw):
    """The centroid of a C, (2, 1.25), rounds to a hole; (2, 0) is the nearest voxel of the C."""
    labels = draw("1111", "1...", "1...", "1...", "1111")
    _, points = pool.find_centres(labels, labels > 0, (1, 1))
    assert points.tolist() == [[2, 0]]


def test_nearest_is_physical(draw):
    """Centroid (1, 2) is a hole: with tall rows the columns beside it are nearer."""
    labels = draw("11111", "1...1", "11111")
    _, flat = pool.find_centres(labels, labels > 0, (1, 1))
    _, tall = pool.find_centres(labels, labels > 0, (5, 1))
    assert flat.tolist() == [[0, 2]]
    assert tall.tolist() == [[1, 0]]


def test_centre_lies_in_the_mask_and_labels_outside_have_none(draw):
    labels = draw("111..", "111.2", "111..")
    mask = draw("1....", ".....", ".....") > 0
    ids, points = pool.find_centres(labels, mask, (1, 1))
    assert ids.tolist() == [1]
    assert points.tolist() == [[0, 0]]


def test_ids_may_have_gaps_and_be_large():
    labels = np.zeros((2, 2, 3), np.int32)
    labels[0, 0, 0], labels[1, 1, 2] = 70_000, 5
    ids, points = pool.find_centres(labels, labels > 0, (3, 1, 1))
    assert ids.tolist() == [5, 70_000]
    assert points.tolist() == [[1, 1, 2], [0, 0, 0]]


def test_no_labels_give_no_seeds():
    labels = np.zeros((3, 3), np.int32)
    assert len(pool.seed_shapes(labels, labels == 0, (1, 1)).points) == 0


BOX_ROWS = ("11111", "1....", "1.2..", "1....")
"""Component 1 is an L whose bounding box holds component 2."""


def test_bbox_rule_counts_a_seed_in_the_box_of_a_region_that_it_is_not_in(draw):
    components = draw(*BOX_ROWS)
    seed = np.array([[2, 2]])
    assert pool.boxes_without_seed(components, seed).tolist() == []
    assert pool.regions_without_seed(components, seed).tolist() == [1]


def test_without_seeds_every_region_is_missing(draw):
    components = draw(*BOX_ROWS)
    none = np.zeros((0, 2), np.int64)
    assert pool.boxes_without_seed(components, none).tolist() == [1, 2]
    assert pool.regions_without_seed(components, none).tolist() == [1, 2]


def test_box_ends_with_the_region(draw):
    """A seed one voxel below the box of 1 is not in it, one in its last voxel is."""
    components = draw("11.", "11.", "...")
    assert pool.boxes_without_seed(components, np.array([[2, 1]])).tolist() == [1]
    assert pool.boxes_without_seed(components, np.array([[1, 1]])).tolist() == []


def test_bbox_rule_in_3d_agrees_with_the_pairwise_test():
    rng = np.random.default_rng(3)
    components = pool.label_components(rng.random((6, 12, 12)) < 0.12)
    points = np.stack([rng.integers(0, size, 9) for size in components.shape], axis=1)
    expected = []
    for i in range(1, components.max() + 1):
        voxels = np.argwhere(components == i)
        low, high = voxels.min(axis=0), voxels.max(axis=0)
        if not ((points >= low) & (points <= high)).all(axis=1).any():
            expected.append(i)
    assert expected
    assert pool.boxes_without_seed(components, points).tolist() == expected


def test_small_components_are_left_out_and_the_others_numbered_on(draw):
    mask = draw("1.11", "..11", "1...") > 0
    expected = draw("..11", "..11", "....")
    np.testing.assert_array_equal(pool.label_components(mask, 2), expected)


def test_residual_peak_is_the_middle_of_what_shapes_leave():
    """Rows and columns 2–8 are left; the middle, (5, 5), is 4 from the rim."""
    residual = np.zeros((11, 11), bool)
    residual[2:9, 2:9] = True
    assert pool.find_residual_peaks(residual, 3, (1, 1)).tolist() == [[5, 5]]
    assert pool.find_residual_peaks(residual, 4.5, (1, 1)).tolist() == []


def test_residual_radius_is_physical():
    residual = np.zeros((11, 11), bool)
    residual[2:9, 2:9] = True
    assert len(pool.find_residual_peaks(residual, 4.5, (2, 2))) == 1


def test_two_rooms_give_two_peaks():
    residual = np.zeros((9, 16), bool)
    residual[2:7, 2:7] = True
    residual[2:7, 9:14] = True
    points = pool.find_residual_peaks(residual, 2, (1, 1))
    assert sorted(points.tolist()) == [[4, 4], [4, 11]]


def test_along_a_ridge_peaks_lie_an_inscribed_ball_apart():
    """Columns 3–11 of row 4 are all 3 from the rim: 3, 6 and 9 stay."""
    residual = np.zeros((9, 15), bool)
    residual[2:7, 1:13] = True
    points = pool.find_residual_peaks(residual, 2, (1, 1))
    assert sorted(points.tolist()) == [[4, 3], [4, 6], [4, 9]]


def test_empty_and_full_residual_give_no_peaks():
    assert len(pool.find_residual_peaks(np.zeros((4, 4), bool), 1, (1, 1))) == 0
    assert len(pool.find_residual_peaks(np.ones((4, 4), bool), 1, (1, 1))) == 0


@pytest.mark.parametrize(("shape", "spacing"), [((9, 9), (2, 2)), ((9, 9, 9), (2, 2, 2))])
def test_inner_radius_of_a_block_is_that_of_the_ball_of_its_volume(shape, spacing):
    labels = np.ones(shape, np.int32)
    volume = 18 ** len(shape)
    radius = (volume / np.pi) ** 0.5 if len(shape) == 2 else (volume * 3 / (4 * np.pi)) ** (1 / 3)
    assert pool.estimate_inner_radius(labels, spacing) == pytest.approx(radius)
    assert pool.estimate_inner_radius(np.zeros(shape, np.int32), spacing) == 0


def test_joined_seeds_keep_their_order():
    seeds = pool.Seeds(np.array([[1, 1]]), np.array(["stardist"]), np.array([4]))
    both = seeds.joined(np.array([[2, 2], [3, 3]]), pool.RESCUED)
    assert both.origins.tolist() == ["stardist", "rescued", "rescued"]
    assert both.shapes.tolist() == [4, 0, 0]
