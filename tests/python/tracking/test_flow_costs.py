import math

import numpy as np
import pytest
from tracking_movies import make_spots

from btrackmate.tracking.flow.candidates import Candidates, Reach, find_candidates
from btrackmate.tracking.flow.costs import Evidence
from btrackmate.tracking.flow.motion import Motion
from btrackmate.tracking.flow.settings import WEIGHT_NAMES, FlowSettings, FlowWeights

#: A mother (row 0) seen before (none), daughters 1 and 2 in frame 1, and 3 and 4 in frame 2.
ROWS = [
    (0, 0, 0.0, 0.0, 0.0),
    (1, 1, -2.0, 1.0, 0.0),
    (2, 1, 4.0, 1.0, 0.0),
    (3, 2, -5.0, 0.0, 0.0),
    (4, 2, 5.0, 0.0, 0.0),
]


def make_motion(spots, **changes):
    n = len(spots)
    values = {
        "shift": np.zeros((n, 3)),
        "sigma": np.full(n, 2.0),
        "spacing": np.full(n, 12.0),
        "successor": np.array([-1, 3, 4, -1, -1]),
        "predecessor": np.array([-1, -1, -1, 1, 2]),
    }
    return Motion(**values | changes)


def measure(row, settings=None, motion=None, contrasts=(), **features):
    """Measure one candidate (source, first, second, gap) of the spots above."""
    spots = make_spots(ROWS, **features)
    evidence = Evidence(spots, motion or make_motion(spots), settings or FlowSettings())
    evidence.contrasts = dict(contrasts)
    candidate = Candidates(*(np.array([value]) for value in row))
    found = evidence.measure(candidate)[0]
    weights = FlowWeights(**{name: 0.5 + i for i, name in enumerate(WEIGHT_NAMES)})
    by_hand = sum((0.5 + i) * value for i, value in enumerate(found))
    assert evidence.score(candidate, weights)[0] == pytest.approx(by_hand)
    return {name: value for name, value in zip(WEIGHT_NAMES, found, strict=True) if value != 0}


def test_link_by_hand():
    """d² = 4 + 1 of σ² = 4 and spacing² = 144."""
    found = measure((0, 1, -1, 1))
    assert found == pytest.approx(
        {"link": 1, "link_distance": math.log(2.25), "link_distance_spacing": 5 / 144}
    )


def test_link_over_a_missed_frame_is_carried_twice():
    """0 moves with its surroundings by −2 a frame: 3 is 1 from where it is expected."""
    spots = make_spots(ROWS)
    shift = np.zeros((5, 3))
    shift[0, 0] = -2
    found = measure((0, 3, -1, 2), motion=make_motion(spots, shift=shift))
    assert found["link_gap"] == 1
    assert found["link_distance_spacing"] == pytest.approx(1 / 144)


def test_division_by_hand():
    """Midpoint (1, 1): 1 along and 1 across the axis; 6 apart, half the spacing; then 10 apart."""
    found = measure((0, 1, 2, 1))
    assert found == pytest.approx(
        {
            "division": 1,
            "division_across": math.log(1.25),
            "division_along": math.log(1.25),
            "division_across_spacing": 1 / 144,
            "division_along_spacing": 1 / 144,
            "division_asymmetry": 1 / 9,
            "division_separation": math.log(0.5),
            "division_separation_squared": math.log(0.5) ** 2,
            "division_later_known": 1,
            "division_later_growth": math.log(10 / 6),
        }
    )


def test_unknown_later_says_nothing():
    spots = make_spots(ROWS)
    motion = make_motion(spots, successor=np.array([-1, 3, -1, -1, -1]))
    assert not any("later" in name for name in measure((0, 1, 2, 1), motion=motion))


def test_border_of_the_movie_and_of_the_tissue():
    """0 is 6 from y = −6, half a spacing; 1 is 7 from it; z is 99 from its border."""
    bounds = FlowSettings(movie_bounds=((-50, -6, -99), (50, 60, 99)))
    found = measure((0, 1, -1, 1), bounds)
    assert found["border_source"] == pytest.approx(math.exp(-0.5))
    assert found["border_target"] == pytest.approx(math.exp(-7 / 12))
    found = measure((0, 1, -1, 1), boundary_distance=[12.0, -3.0, 1, 1, np.nan])
    assert found["border_source"] == pytest.approx(math.exp(-1))
    assert found["border_target"] == pytest.approx(1)


def test_candidates_are_those_within_reach():
    spots = make_spots(ROWS)
    reach = Reach(distance=5.0, division=4.5, nearest=4, max_gap=2)
    found = find_candidates(spots.positions, spots.frame_offsets, make_motion(spots), (0, 3), reach)
    rows = zip(found.source, found.first, found.second, found.gap, strict=True)
    assert sorted(tuple(map(int, row)) for row in rows) == [
        (0, -1, -1, 0),
        (0, 1, -1, 1),
        (0, 1, 2, 1),
        (0, 2, -1, 1),
        (0, 3, -1, 2),
        (0, 4, -1, 2),
        (1, -1, -1, 0),
        (1, 3, -1, 1),
        (2, -1, -1, 0),
        (2, 4, -1, 1),
        (3, -1, -1, 0),
        (4, -1, -1, 0),
    ]


def test_the_nearest_source_of_a_spot_is_a_candidate_too():
    """Nine spots crowd around 0, so that 10 is not among its two nearest, but 0 is 10's nearest."""
    crowd = [(i, 1, 0.1 * i) for i in range(1, 10)]
    spots = make_spots([(0, 0, 0.0), *crowd, (10, 1, 4.0)])
    motion = Motion(np.zeros((11, 3)), *(np.ones(11) for _ in range(2)), *[np.full(11, -1)] * 2)
    reach = Reach(distance=5.0, division=0.0, nearest=2, max_gap=1)
    found = find_candidates(spots.positions, spots.frame_offsets, motion, (0, 2), reach)
    assert 10 in found.first
    assert found.second.max() == -1
