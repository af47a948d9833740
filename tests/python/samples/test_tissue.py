import numpy as np
import pytest

from btrackmate_samples.fields import make_waves
from btrackmate_samples.pose import flat_pose, random_pose
from btrackmate_samples.tissue import estimate_radii, partition_voxels, wrap_cells

WHOLE = (slice(None),) * 3


def line(count, spacing=1.0):
    x = (np.arange(count) * spacing).astype(np.float32)[None, None]
    return np.zeros_like(x), np.zeros_like(x), x


def test_equal_cells_meet_half_way():
    """Cells at x = 2 and x = 8: the wall stands at 5."""
    part = partition_voxels(
        line(11), np.array([[0, 0, 2.0], [0, 0, 8.0]]), np.array([3.0, 3.0]), [WHOLE, WHOLE]
    )
    assert part.cell[0, 0].tolist() == [0] * 6 + [1] * 5
    assert part.neighbour[0, 0].tolist() == [1] * 6 + [0] * 5
    assert part.wall[0, 0, 2:9] == pytest.approx([3, 2, 1, 0, 1, 2, 3], abs=1e-6)


def test_the_larger_cell_takes_more():
    """Radii 4 and 2 at distance 6: the surfaces touch at x = 2 + 4."""
    part = partition_voxels(
        line(11), np.array([[0, 0, 2.0], [0, 0, 8.0]]), np.array([4.0, 2.0]), [WHOLE, WHOLE]
    )
    assert part.cell[0, 0].tolist() == [0] * 7 + [1] * 4


def test_a_third_cell_moves_the_second_place():
    """Cells at 0, 10 and 4: for the voxel at 1 the second nearest is the last given."""
    centres = np.array([[0, 0, 0.0], [0, 0, 10.0], [0, 0, 4.0]])
    part = partition_voxels(line(11), centres, np.ones(3), [WHOLE] * 3)
    assert part.neighbour[0, 0, [1, 4, 6, 10]].tolist() == [2, 0, 1, 2]


def test_voxels_out_of_every_window_have_no_cell():
    window = (slice(None), slice(None), slice(0, 4))
    part = partition_voxels(line(6), np.array([[0, 0, 1.0]]), np.array([2.0]), [window])
    assert part.cell[0, 0].tolist() == [0, 0, 0, 0, -1, -1]
    assert (part.neighbour == -1).all()


def test_radius_is_half_the_mean_distance_to_neighbours():
    positions = np.array([[0, 0, 0.0], [0, 0, 10.0], [0, 20.0, 0]])
    assert estimate_radii(positions, neighbours=1) == pytest.approx([5, 5, 10])
    assert estimate_radii(positions[:1]).tolist() == [10.0]


def test_hull_of_one_cell_is_its_ball():
    hull = wrap_cells(np.array([[5.0, 5.0, 5.0]]), np.array([10.0]))
    x = np.array([5.0, 13.0, 17.0, 20.0], np.float32)[None, None]
    depth = hull.sample((np.full_like(x, 5), np.full_like(x, 5), x))[0, 0]
    assert depth[0] > 5
    assert depth[1:] == pytest.approx([2, -2, -5], abs=0.8)


def test_hull_has_no_cavity_where_cells_enclose_a_hole():
    """A shell of balls around an empty middle: the middle counts as inside."""
    rng = np.random.default_rng(0)
    shell = rng.normal(size=(400, 3))
    shell *= 30 / np.linalg.norm(shell, axis=1, keepdims=True)
    hull = wrap_cells(shell, np.full(400, 6.0))
    middle = np.zeros((1, 1, 1), np.float32)
    assert hull.sample((middle, middle, middle))[0, 0, 0] > 10


def test_waves_are_smooth_and_the_same_at_every_resolution():
    waves = make_waves(np.random.default_rng(3), (20.0, 40.0))
    fine = np.arange(0, 30, 0.5)
    field = waves.sample((fine, fine, fine), 2.0)
    assert field[::4, ::4, ::4] == pytest.approx(waves.sample((fine[::4],) * 3, 2.0), abs=1e-5)
    assert np.abs(np.diff(field, axis=0)).max() < 1.0
    assert not np.allclose(field, waves.sample((fine, fine, fine), 3.0), atol=0.01)


def test_waves_have_mean_0_and_variance_1():
    values = [
        make_waves(np.random.default_rng(seed), (5.0, 10.0)).sample((np.arange(0, 60, 5.0),) * 3)
        for seed in range(10)
    ]
    assert np.mean(values) == pytest.approx(0, abs=0.05)
    assert np.var(values) == pytest.approx(1, abs=0.1)


def test_random_pose_keeps_distances_times_scale():
    positions = np.random.default_rng(1).normal(size=(6, 3)) * 10
    pose = random_pose(np.random.default_rng(5), positions, np.zeros(3), scales=(1.5, 1.5))
    placed = pose.apply(positions)
    before = np.linalg.norm(positions[0] - positions[1:], axis=1)
    assert np.linalg.norm(placed[0] - placed[1:], axis=1) == pytest.approx(1.5 * before)


def test_random_poses_are_mirrored_about_half_of_the_time():
    signs = [
        np.sign(np.linalg.det(random_pose(np.random.default_rng(i), np.eye(3), np.zeros(3)).matrix))
        for i in range(40)
    ]
    assert 8 <= signs.count(1.0) <= 32


def test_flat_pose_lays_the_short_side_along_z():
    """A slab 100 × 20 × 60 (z, y, x): longest to x, shortest to z, centred on the target."""
    corners = np.array([[z, y, x] for z in (0, 100.0) for y in (0, 20.0) for x in (0, 60.0)])
    placed = flat_pose(corners, np.array([50.0, 60.0, 70.0])).apply(corners)
    assert np.ptp(placed, axis=0) == pytest.approx([20, 60, 100])
    assert placed.mean(axis=0) == pytest.approx([50, 60, 70])
