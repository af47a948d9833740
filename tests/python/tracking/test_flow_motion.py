import numpy as np
import pytest
from tracking_movies import make_spots

from btrackmate.core.errors import UserError
from btrackmate.core.progress import ignore_progress
from btrackmate.tracking import kernels
from btrackmate.tracking.flow.motion import estimate_motion
from btrackmate.tracking.flow.settings import FlowSettings

ROW = [(i, 0, 10.0 * i) for i in range(5)]


def estimate(spots, **settings):
    return estimate_motion(
        spots,
        FlowSettings(**{"linking_max_distance": 15, "neighbours": 3} | settings),
        ignore_progress,
    )


def test_neighbours_motion_not_the_own_one():
    """All move by 2 but the one in the middle, which moves by 4: it is predicted to move by 2."""
    moved = [(i + 5, 1, 10.0 * i + (4 if i == 2 else 2)) for i in range(5)]
    motion = estimate(make_spots(ROW + moved), linking_max_distance=6)
    np.testing.assert_allclose(motion.shift[:5, 0], 2)
    assert motion.shift[:, 1:].any() == 0
    assert motion.successor.tolist() == [5, 6, 7, 8, 9] + [-1] * 5
    assert motion.predecessor.tolist() == [-1] * 5 + [0, 1, 2, 3, 4]


def test_further_passes_link_from_the_predicted_position():
    """Four move by 4.5, the last by 5.5, which one pass with a reach of 5 does not link."""
    moved = [(i + 5, 1, 10.0 * i + (4.5 if i < 4 else 5.5)) for i in range(5)]
    spots = make_spots(ROW + moved)
    once = estimate(spots, linking_max_distance=5, motion_passes=1)
    twice = estimate(spots, linking_max_distance=5, motion_passes=2)
    assert once.successor[4] == -1
    assert twice.successor[4] == 9


def test_too_few_neighbours_predict_rest():
    spots = make_spots([(0, 0, 0.0), (1, 0, 10.0), (2, 1, 1.0), (3, 1, 11.0)])
    motion = estimate(spots)
    assert motion.shift.any() == 0
    assert motion.successor.tolist() == [2, 3, -1, -1]


def test_sigma_is_the_spread_along_an_axis():
    """Squared own displacements of 2.366 σ² are the median in 3D, 1.386 σ² in 2D."""
    moved = [(i + 5, 1, 10.0 * i + (1 if i % 2 else -1)) for i in range(5)]
    for ndim, factor in ((3, 2.366), (2, 1.386)):
        motion = estimate(make_spots(ROW + moved, ndim=ndim), motion_passes=1)
        own = np.median((np.array([-1, 1, -1, 1, -1]) - motion.shift[:5, 0]) ** 2)
        np.testing.assert_allclose(motion.sigma, np.sqrt(own / factor))


def test_cells_that_keep_their_way_are_predicted_to():
    """Cells far apart go their own ways for six frames; noise alone would throw them back."""
    rng = np.random.default_rng(0)
    home = np.array([(x, y, 0) for x in range(0, 300, 30) for y in range(0, 300, 30)], float)
    velocity = rng.normal(size=home.shape)
    keep = [(100 * f + i, f, *(home[i] + f * velocity[i])) for f in range(6) for i in range(100)]
    motion = estimate_motion(
        make_spots(keep), FlowSettings(linking_max_distance=15), ignore_progress
    )
    expected = np.tile(velocity, (4, 1))
    error = np.abs(motion.shift[100:500] - expected).mean()
    noise = rng.normal(size=(6, 100, 3))
    shake = [(100 * f + i, f, *(home[i] + noise[f, i])) for f in range(6) for i in range(100)]
    thrown = estimate_motion(
        make_spots(shake), FlowSettings(linking_max_distance=15), ignore_progress
    )
    own = home[None] + noise - home
    assert error < 0.4 * np.abs(expected).mean()
    back = (thrown.shift[100:500] * (own[1:5] - own[:4]).reshape(-1, 3)).sum()
    assert back < 0


def test_spacing_is_that_of_the_neighbours():
    motion = estimate(make_spots(ROW))
    np.testing.assert_allclose(motion.spacing, 10)


def test_spots_at_one_place_are_not_their_own_neighbours():
    motion = estimate(make_spots([(i, 0, 0.0) for i in range(6)]))
    assert (motion.spacing > 0).all()


def test_empty_frames_and_no_spots():
    assert estimate(make_spots([], n_frames=3)).shift.shape == (0, 3)
    motion = estimate(make_spots([(0, 1, 0.0), (1, 3, 0.0)], n_frames=5))
    assert motion.successor.tolist() == [-1, -1]
    assert np.isfinite(motion.sigma).all()


def test_too_many_candidates_are_refused(monkeypatch):
    def refuse(grid, frame, points, free, limits, penalties):
        return np.empty(points.spot.size + 1, np.int32), np.empty(0)

    monkeypatch.setattr(kernels, "link_points", refuse)
    with pytest.raises(UserError, match="frames 0 and 1 .* lower it"):
        estimate(make_spots([(0, 0, 0.0), (1, 1, 0.0)]))
