import numpy as np
import pandas as pd
import pytest
from tracking_movies import link_ids, make_spots

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import Cancelled, UserError
from btrackmate.core.spots import Spots
from btrackmate.tracking import FlowSettings, LapSettings, NearestSettings, link_costs, track

EVERYTHING = LapSettings(
    linking_max_distance=6,
    allow_gap_closing=True,
    allow_track_merging=True,
    linking_feature_penalties={"radius": 0.5},
)


@pytest.fixture
def table():
    rng = np.random.default_rng(5)
    n = 400
    return pd.DataFrame(
        {
            "id": rng.permutation(n) + 70_000,
            "frame": rng.integers(0, 8, n),
            "x": rng.random(n) * 30,
            "y": rng.random(n) * 30,
            "z": rng.random(n) * 30,
            "radius": rng.random(n) + 3,
        }
    )


def test_order_of_rows_plays_no_part(table):
    spots = Spots.from_table(table, Calibration())
    shuffled = Spots.from_table(table.sample(frac=1, random_state=1), Calibration())
    first, second = track(spots, EVERYTHING), track(shuffled, EVERYTHING)
    pd.testing.assert_frame_equal(first.links_table(), second.links_table())
    assert first.n_links > 200


def test_costs_are_those_of_the_links(table):
    spots = Spots.from_table(table, Calibration())
    graph = track(
        spots,
        LapSettings(
            **{
                **EVERYTHING.model_dump(),
                "allow_gap_closing": False,
                "allow_track_splitting": False,
                "allow_track_merging": False,
            }
        ),
    )
    costs = link_costs(spots, graph.source, graph.target, {"RADIUS": 0.5})
    np.testing.assert_allclose(graph.cost, costs, rtol=1e-12)


def test_link_costs_by_hand():
    """Distance² 4; radii 10 and 20 double the square root; a missing one adds nothing."""
    spots = make_spots([(0, 0, 0), (1, 1, 2), (2, 2, 2)], radius=[10.0, 20.0, np.nan])
    costs = link_costs(spots, np.array([0, 0, 1]), np.array([1, 2, 2]), {"radius": 1.0})
    assert costs.tolist() == [16, 4, np.finfo(float).tiny]


def test_link_costs_name_a_missing_feature():
    spots = make_spots([(0, 0, 0), (1, 1, 2)])
    with pytest.raises(UserError, match="penalties names the feature 'Shape'"):
        link_costs(spots, np.array([0]), np.array([1]), {"Shape": 1.0})


@pytest.mark.parametrize("settings", [EVERYTHING, NearestSettings()])
def test_progress_reaches_the_total_and_can_cancel(table, settings):
    spots = Spots.from_table(table, Calibration())
    seen = []
    track(spots, settings, lambda *step: seen.append(step))
    assert seen[0][0] == "linking frames"
    assert seen[-1][1] == seen[-1][2]

    def cancel(step, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        track(spots, settings, cancel)


def test_input_is_left_as_it_was(table):
    spots = Spots.from_table(table, Calibration())
    before = spots.table.copy()
    track(spots, EVERYTHING)
    pd.testing.assert_frame_equal(spots.table, before)


def test_many_frames_are_linked_in_chunks(monkeypatch):
    monkeypatch.setattr("btrackmate.tracking.frame_linking._CHUNK", 3)
    rows = [(10 * f + i, f, 5.0 * i) for f in range(7) for i in range(4) if f != 4]
    graph = track(make_spots(rows, n_frames=9), NearestSettings(linking_max_distance=2))
    expected = [(10 * f + i, 10 * f + 10 + i) for f in (0, 1, 2, 5) for i in range(4)]
    assert link_ids(graph) == expected
    frames_only = {"allow_gap_closing": False, "allow_track_splitting": False}
    lap = LapSettings(linking_max_distance=2, **frames_only)
    assert link_ids(track(make_spots(rows, n_frames=9), lap)) == expected


def at_one_point(n: int) -> Spots:
    """n spots at (3, 4, 0) in frame 1, and one elsewhere in frames 0 and 1."""
    table = pd.DataFrame({"frame": [1] * n + [0, 1], "x": [3.0] * n + [3, 9], "y": 4.0, "z": 0.0})
    return Spots.from_table(table, Calibration())


@pytest.mark.parametrize("settings", [LapSettings(), NearestSettings(), FlowSettings()])
def test_many_spots_at_one_point_are_refused_at_once(settings):
    with pytest.raises(UserError, match=r"^frame 1: 501 spots lie at one point, x 3, y 4, z 0, .*"):
        track(at_one_point(501), settings)


def test_some_spots_at_one_point_are_linked():
    spots = at_one_point(500)
    assert track(spots, NearestSettings(linking_max_distance=5)).n_links == 1
