"""The octahedron |z| + |y| + |x| ≤ r: six rays along the axes, eight triangles, volume 4/3 r³."""

import itertools

import numpy as np
import pytest
from extras import needs

from btrackmate.segmentation import polyhedra, ray_table
from btrackmate.segmentation.backend import load_tensorflow, quiet_networks

AXES = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
FACES = np.array(list(itertools.product((0, 1), (2, 3), (4, 5))), np.int32)


def octahedra(points, radii):
    points = np.array(points, np.int64)
    distance = np.repeat(np.array(radii, np.float32)[:, None], 6, axis=1)
    table = ray_table.make_table(AXES, FACES, ray_table.find_boxes(points, distance, AXES))
    return points, distance, AXES, table


def test_volume():
    volumes = ray_table.measure_volumes(octahedra([[0, 0, 0]] * 2, [1, 3])[1], AXES, FACES)
    assert volumes == pytest.approx([4 / 3, 36])


def test_boxes_are_rounded_and_hold_their_ends():
    points, distance, _, _ = octahedra([[5, 5, 5]], [2.6])
    assert ray_table.find_boxes(points, distance, AXES).tolist() == [[-3, -3, -3, 3, 3, 3]]


def test_drawing_holds_the_voxels_up_to_the_surface():
    labels = polyhedra.draw(*octahedra([[2, 2, 2]], [2]), (5, 5, 5))
    away = np.abs(np.indices((5, 5, 5)) - 2).sum(axis=0)
    np.testing.assert_array_equal(labels, away <= 2)


def test_drawing_is_cut_at_the_border_and_the_first_shape_is_seen():
    """Row x of two octahedra of radius 1 at the first voxel and two further."""
    labels = polyhedra.draw(*octahedra([[0, 0, 0], [0, 0, 2]], [1, 1]), (1, 1, 4))
    assert labels.tolist() == [[[1, 1, 2, 2]]]


def test_overlap_is_shared_voxels_over_the_smaller_volume():
    """Radius 2, three voxels apart: 2 shared voxels (1 and 2 from the first), volume 32/3."""
    shapes = octahedra([[9, 9, 9], [9, 9, 12]], [2, 2])
    assert polyhedra.suppress(*shapes, 2 / (32 / 3) - 0.01).tolist() == [True, False]
    assert polyhedra.suppress(*shapes, 2 / (32 / 3) + 0.01).tolist() == [True, True]


def test_suppressed_shapes_suppress_none():
    """A row of three, each overlapping the next: the first takes the second, so the third stays."""
    shapes = octahedra([[9, 9, 9], [9, 9, 11], [9, 9, 13]], [2, 2, 2])
    assert polyhedra.suppress(*shapes, 0.3).tolist() == [True, False, True]


def test_small_shape_in_a_large_one_goes():
    shapes = octahedra([[9, 9, 9], [9, 9, 10], [9, 30, 9]], [6, 1, 1])
    assert polyhedra.suppress(*shapes, 0.5).tolist() == [True, False, True]


def test_too_large_shapes_have_no_table():
    boxes = np.array([[-300, -300, -300, 300, 300, 300]], np.int32)
    assert ray_table.make_table(AXES, FACES, boxes) is None


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5])
@needs("stardist")
def test_equals_stardist_on_crowded_shapes(threshold):
    """Rough shapes of many sizes in each other's way.

    StarDist decides some pairs by bounds of the exact volume before it counts voxels, so a pair
    just at the threshold may differ.
    """
    load_tensorflow()
    with quiet_networks():
        from stardist.geometry import polyhedron_to_label
        from stardist.nms import non_maximum_suppression_3d_inds
        from stardist.rays3d import Rays_GoldenSpiral
    rays = Rays_GoldenSpiral(32, anisotropy=(2.0, 1.0, 1.0))
    rng = np.random.default_rng(4)
    points = rng.integers(0, (12, 40, 40), (600, 3))
    size = rng.uniform(3, 9, (600, 1))
    distance = (size * rng.uniform(0.8, 1.2, (600, 32))).astype(np.float32)
    scores = np.linspace(1, 0.5, 600, dtype=np.float32)
    vertices, faces = rays.vertices.astype(np.float32), rays.faces.astype(np.int32)
    table = ray_table.make_table(vertices, faces, ray_table.find_boxes(points, distance, vertices))
    kept = polyhedra.suppress(points, distance, vertices, table, threshold)
    with quiet_networks():
        theirs = non_maximum_suppression_3d_inds(
            distance, points, rays, scores, thresh=threshold, verbose=False
        )
        labels = polyhedron_to_label(
            distance[kept], points[kept], rays, (12, 40, 40), prob=scores[kept], verbose=False
        )
    assert 10 < np.count_nonzero(kept) < 300
    assert np.count_nonzero(kept != theirs) <= 2
    drawn = polyhedra.draw(points[kept], distance[kept], vertices, table, (12, 40, 40))
    np.testing.assert_array_equal(drawn, labels)
