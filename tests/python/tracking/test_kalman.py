import logging
import math

import numpy as np
import pandas as pd
import pytest
from tracking_movies import link_ids, make_spots

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import Cancelled, UserError
from btrackmate.core.spots import Spots
from btrackmate.tracking import (
    AdvancedKalmanSettings,
    KalmanSettings,
    LapSettings,
    link_costs,
    track,
)


def along_x(positions, *, first_id=0, dx=0.0):
    """Give rows (id, frame, x) of one cell; None where it is missed."""
    return [(first_id + f, f, x + dx) for f, x in enumerate(positions) if x is not None]


def link(rows, *, radius=1.0, n_frames=None, dt=1.0, ndim=3, **settings):
    spots = make_spots(rows, radius=radius, n_frames=n_frames, dt=dt, ndim=ndim)
    return track(spots, KalmanSettings(**settings))


def chain(ids):
    return list(zip(ids[:-1], ids[1:], strict=True))


#: Two cells that pass each other between frames 2 and 3; at frame 3 each is nearer to where the
#: other one was.
PASSING = along_x([0, 2, 4, 6, 8]) + along_x([11, 9, 7, 5, 3], first_id=10)


def test_cells_that_pass_each_other_keep_their_ways():
    graph = link(PASSING, linking_max_distance=3, kalman_search_radius=3)
    assert sorted(link_ids(graph)) == chain(range(5)) + chain(range(10, 15))


def test_without_prediction_they_are_exchanged():
    spots = make_spots(PASSING, radius=1.0)
    graph = track(spots, LapSettings(linking_max_distance=3, allow_track_splitting=False))
    assert (2, 13) in link_ids(graph)


def test_costs_follow_from_the_noise_by_hand():
    """Search radius 3: process variance 1. Radius 10 in frame 1: measurement variance 1.

    frame 1: 1, velocity 1. Frame 2: predicted 2, variance 1, gain 1/2, to 2.25, velocity 1;
    variances 1/2 and 1. Frame 3: predicted 3.25, variance 5/2, with velocity 1, gains 5/7 and
    2/7: from 3.95 to 3.75, velocity 1.2. Frame 4: predicted 4.95.
    """
    rows = along_x([0, 1, 2.5, 3.95, 5])
    graph = link(rows, radius=[1.0, 10, 2, 3, 4], linking_max_distance=2, kalman_search_radius=3)
    np.testing.assert_allclose(graph.cost, [1, 0.25, 0.49, 0.0025], rtol=1e-12)


def test_a_spot_without_radius_does_not_count_for_the_noise():
    rows = [*along_x([0, 1, 2.5, 3.95]), (70_001, 1, 60.0)]
    graph = link(rows, radius=[1.0, 10, 2, 3, math.nan], linking_max_distance=2,
                 kalman_search_radius=3)  # fmt: skip
    np.testing.assert_allclose(graph.cost, [1, 0.25, 0.49], rtol=1e-12)


@pytest.mark.parametrize("features", [{}, {"radius": math.nan}])
def test_without_radius_positions_are_exact_and_the_log_says_so(features, caplog):
    """Gain 1: frame 2 is predicted at 2 and found at 2.5; frame 3 is predicted at 2.5 + 1."""
    spots = make_spots(along_x([0, 1, 2.5, 3.6]), **features)
    with caplog.at_level(logging.WARNING):
        graph = track(spots, KalmanSettings(linking_max_distance=2, kalman_search_radius=3))
    np.testing.assert_allclose(graph.cost, [1, 0.25, 0.01], rtol=1e-9)
    assert "spots of frame 1 have no radius" in caplog.text


@pytest.mark.parametrize(("distance", "links"), [(2.0, 0), (2.01, 1)])
def test_the_first_link_stays_below_its_distance(distance, links):
    graph = link([(0, 0, 0), (1, 1, 2)], linking_max_distance=distance, kalman_search_radius=50)
    assert graph.n_links == links


@pytest.mark.parametrize(("radius", "links"), [(3.0, 1), (3.01, 2)])
def test_later_links_stay_below_the_search_radius(radius, links):
    """Spot 2 is 3 off its predicted position 2; 5 is more than the first link may be long."""
    rows = [(0, 0, 0), (1, 1, 1), (2, 2, 5)]
    graph = link(rows, linking_max_distance=2, kalman_search_radius=radius)
    assert graph.n_links == links


def test_predictions_are_served_before_new_tracks():
    """In frame 2 spot 3 lies at the prediction's 4 + 1; spot 9 of frame 1 is nearer to it."""
    rows = [(0, 0, 0), (1, 1, 2), (9, 1, 5.5), (3, 2, 5)]
    graph = link(rows, linking_max_distance=3, kalman_search_radius=3)
    assert link_ids(graph) == [(0, 1), (1, 3)]


def test_a_track_starts_later_from_what_is_left():
    rows = along_x([0, 1, 2, 3, 4]) + [(72, 2, 50), (73, 3, 51), (74, 4, 52)]
    graph = link(rows, linking_max_distance=2, kalman_search_radius=2)
    assert sorted(link_ids(graph)) == [*chain(range(5)), (72, 73), (73, 74)]


def test_a_missed_frame_is_bridged_along_the_prediction():
    """In frame 4 the cell is expected at 12, 6 from its last spot."""
    rows = along_x([0, 3, 6, None, 12, 15])
    graph = link(rows, linking_max_distance=4, kalman_search_radius=2, max_frame_gap=1)
    assert link_ids(graph) == [(0, 1), (1, 2), (2, 4), (4, 5)]
    np.testing.assert_allclose(graph.cost[2:], [0, 0], atol=1e-20)


@pytest.mark.parametrize(("gap", "bridged"), [(0, False), (1, False), (2, True)])
def test_two_missed_frames_need_a_gap_of_two(gap, bridged):
    rows = along_x([0, 3, 6, None, None, 15])
    graph = link(rows, linking_max_distance=4, kalman_search_radius=2, max_frame_gap=gap)
    assert ((2, 5) in link_ids(graph)) is bridged


def test_missed_frames_are_counted_over_the_whole_track():
    rows = along_x([0, 3, 6, None, 12, 15, None, 21])
    once = link(rows, linking_max_distance=4, kalman_search_radius=2, max_frame_gap=1)
    twice = link(rows, linking_max_distance=4, kalman_search_radius=2, max_frame_gap=2)
    assert link_ids(once) == [(0, 1), (1, 2), (2, 4), (4, 5)]
    assert link_ids(twice) == [*link_ids(once), (5, 7)]


def test_a_frame_without_spots_is_missed_by_all_tracks():
    rows = along_x([0, 1, 2, None, 4, 5]) + along_x([0, 2, 4, None, 8, 10], first_id=70_000, dx=90)
    graph = link(rows, linking_max_distance=3, kalman_search_radius=1, max_frame_gap=1)
    assert (2, 4) in link_ids(graph)
    assert (70_002, 70_004) in link_ids(graph)
    assert graph.n_links == 8


def test_the_first_tracks_start_between_the_first_frames_with_spots():
    """Frames 0, 2 and 4 are empty; displacement 2 is the velocity, so 9 is expected at frame 5.

    After frame 3 (5): 7 in frame 4 (empty), 9 in frame 5.
    """
    rows = [(0, 1, 3), (1, 3, 5), (2, 5, 9.5)]
    graph = link(rows, n_frames=8, linking_max_distance=3, kalman_search_radius=1, max_frame_gap=1)
    assert link_ids(graph) == [(0, 1), (1, 2)]
    np.testing.assert_allclose(graph.cost, [4, 0.25], rtol=1e-12)


def test_a_later_track_does_not_start_over_an_empty_frame():
    rows = along_x([0, 1, 2]) + [(8, 2, 50), (9, 4, 50.1)]
    graph = link(rows, linking_max_distance=2, kalman_search_radius=1)
    assert link_ids(graph) == [(0, 1), (1, 2)]


def test_two_frames_are_linked_though_trackmate_does_not():
    assert link_ids(link([(0, 0, 0), (1, 1, 1)], linking_max_distance=2)) == [(0, 1)]


@pytest.mark.parametrize(
    ("rows", "n_frames"), [([], 0), ([], 5), ([(7, 0, 0)], None), ([(7, 3, 0)], 9),
                           ([(7, 2, 0), (8, 2, 1)], 4)]
)  # fmt: skip
@pytest.mark.parametrize("settings", [KalmanSettings(), AdvancedKalmanSettings()])
def test_nothing_to_link(rows, n_frames, settings):
    graph = track(make_spots(rows, radius=1.0, n_frames=n_frames), settings)
    assert graph.n_links == 0
    assert len(graph.spots) == len(rows)


def test_all_three_axes_and_two_dimensions():
    rows = [(f, f, 2.0 * f, 3.0 * f, -1.0 * f) for f in range(5)]
    graph = link(rows, linking_max_distance=4, kalman_search_radius=0.5)
    assert graph.n_links == 4
    flat = [(f, f, 2.0 * f, 3.0 * f) for f in range(5)]
    graph = link(flat, ndim=2, linking_max_distance=4, kalman_search_radius=0.5)
    assert graph.n_links == 4


def test_velocity_is_per_frame_whatever_the_time_step():
    slow = link(PASSING, dt=1, linking_max_distance=3, kalman_search_radius=3)
    fast = link(PASSING, dt=0.01, linking_max_distance=3, kalman_search_radius=3)
    assert link_ids(slow) == link_ids(fast)
    assert slow.cost.tolist() == fast.cost.tolist()


def test_penalties_count_between_a_tracks_last_spot_and_the_found_one():
    """Predicted at 2; spots at 2.5 (twice as bright) and 1.4: (½·2)² = 1 against .36."""
    rows = [(0, 0, 0), (1, 1, 1), (2, 2, 2.5), (3, 2, 1.4)]
    spots = make_spots(rows, radius=1.0, brightness=[10.0, 10, 20, 10])
    settings = {"linking_max_distance": 2, "kalman_search_radius": 3}
    plain = track(spots, AdvancedKalmanSettings(**settings))
    penalised = track(
        spots, AdvancedKalmanSettings(**settings, linking_feature_penalties={"brightness": 1.0})
    )
    assert link_ids(plain) == [(0, 1), (1, 2)]
    assert link_ids(penalised) == [(0, 1), (1, 3)]
    np.testing.assert_allclose(penalised.cost[1], 0.36, rtol=1e-12)
    penalty = link_costs(spots, np.array([1]), np.array([2]), {"brightness": 1.0})
    assert penalty[0] / 1.5**2 == pytest.approx(4)  # twice the mean difference: factor (1 + 1)²


def test_penalty_on_a_feature_that_spots_lack_is_named():
    settings = AdvancedKalmanSettings(linking_feature_penalties={"Elongation": 1.0})
    with pytest.raises(UserError, match="linking_feature_penalties names the feature 'Elongat"):
        track(make_spots(PASSING, radius=1.0), settings)


def test_advanced_splits_after_kalman_linking():
    """Spot 20 in frame 3 starts a segment beside 2, in the middle of the other."""
    rows = along_x([0, 1, 2, 3, 4, 5]) + [(20, 3, 3, 2), (21, 4, 4, 2.2), (22, 5, 5, 2.4)]
    settings = {"linking_max_distance": 1.5, "kalman_search_radius": 1}
    plain = track(make_spots(rows, radius=1.0), KalmanSettings(**settings))
    split = track(
        make_spots(rows, radius=1.0), AdvancedKalmanSettings(**settings, splitting_max_distance=3)
    )
    assert set(link_ids(split)) - set(link_ids(plain)) == {(2, 20)}
    assert len(split.divisions) == 1


def test_advanced_closes_gaps_that_no_prediction_bridges():
    """The cell stops where frames are missed, so it is 4 from its predicted position."""
    rows = along_x([0, 2, 4, None, 4, 4.2])
    settings = {"linking_max_distance": 3, "kalman_search_radius": 1}
    spots = make_spots(rows, radius=1.0)
    assert (2, 4) not in link_ids(track(spots, KalmanSettings(**settings)))
    closed = track(
        spots,
        AdvancedKalmanSettings(**settings, allow_gap_closing=True, gap_closing_max_distance=1),
    )
    assert (2, 4) in link_ids(closed)


@pytest.fixture(scope="module")
def movie():
    rng = np.random.default_rng(8)
    start = rng.random((60, 3)) * 40
    speed = rng.normal(size=(60, 3))
    rows = [np.c_[np.full(60, f), start + f * speed + rng.normal(size=(60, 3)) * 0.3]
            for f in range(12)]  # fmt: skip
    table = pd.DataFrame(np.concatenate(rows), columns=["frame", "x", "y", "z"])
    table = table.assign(id=rng.permutation(len(table)) + 100_000, radius=2.0)
    return table[rng.random(len(table)) < 0.93]


def test_order_of_rows_plays_no_part(movie):
    settings = KalmanSettings(linking_max_distance=5, kalman_search_radius=4)
    first = track(Spots.from_table(movie, Calibration()), settings)
    shuffled = movie.sample(frac=1, random_state=1)
    second = track(Spots.from_table(shuffled, Calibration()), settings)
    pd.testing.assert_frame_equal(first.links_table(), second.links_table())
    assert first.n_links > 500


def test_no_spot_has_two_links_in_or_out(movie):
    graph = track(Spots.from_table(movie, Calibration()), KalmanSettings(linking_max_distance=5))
    assert np.unique(graph.source).size == graph.n_links
    assert np.unique(graph.target).size == graph.n_links


def test_progress_reaches_the_total_and_can_cancel(movie):
    spots = Spots.from_table(movie, Calibration())
    seen = []
    track(spots, KalmanSettings(), lambda *step: seen.append(step))
    assert seen[-1] == ("linking frames", 11, 11)

    def cancel(step, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        track(spots, KalmanSettings(), cancel)


def test_too_many_spots_within_reach_are_refused_by_frame(monkeypatch):
    """The limit itself is met in test_frame_linking: the compiled loop is the same."""

    def overflow(grid, frame, points, *rest):
        return np.empty(points.spot.size + 1, np.int32), np.empty(0)

    monkeypatch.setattr("btrackmate.tracking.kernels.link_points", overflow)
    message = r"frame 1 \(2 spots\) has more than \d+ candidate links within 6 pixel; lower kalman_"
    with pytest.raises(UserError, match=message):
        link(PASSING, kalman_search_radius=6)
