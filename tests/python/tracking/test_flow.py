import math

import numpy as np
import pandas as pd
import pytest
from tracking_movies import link_ids, make_spots

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import Cancelled, UserError
from btrackmate.core.spots import Spots
from btrackmate.tracking import FlowSettings, FlowWeights, LapSettings, parse_tracker, track

WEIGHTS = FlowWeights(
    link=5,
    link_distance=-0.1,
    link_distance_spacing=-3,
    link_gap=-2,
    link_size=1,
    division=7,
    division_across_spacing=-4,
    division_asymmetry=-3,
    no_cell=0.5,
)
#: Five cells at rest, 10 apart: they make the spacing 10 and the motion 0.
REST = [(10 * f + i, f, 10.0 * i) for f in range(4) for i in range(5)]


def settings(**values):
    return FlowSettings(
        **{"weights": WEIGHTS, "linking_max_distance": 6, "splitting_max_distance": 6} | values
    )


def links_of(rows, known=(), **values):
    """Give the links of a movie but those of the cells at rest."""
    graph = track(make_spots(REST + rows), settings(**values))
    return [link for link in link_ids(graph) if min(link) >= 100]


def test_cells_at_rest_are_linked():
    graph = track(make_spots(REST), settings())
    assert link_ids(graph) == [(i, i + 10) for i in range(30) if i % 10 < 5]


def test_symmetric_daughters_are_a_division():
    """100 at y = 20 goes, 101 and 102 come at y = 17 and 23."""
    rows = [(100, 0, 20, 20, 0), (101, 1, 20, 17, 0), (102, 1, 20, 23, 0)]
    assert links_of(rows) == [(100, 101), (100, 102)]
    assert links_of(rows, allow_track_splitting=False) in ([(100, 101)], [(100, 102)])


def test_a_newcomer_beside_a_cell_at_rest_is_no_daughter():
    """101 stands where 100 was; 102 is 5 away."""
    assert links_of([(100, 0, 20, 20, 0), (101, 1, 20, 20, 0), (102, 1, 20, 25, 0)]) == [(100, 101)]


def test_a_daughter_beyond_the_splitting_distance_is_none():
    rows = [(100, 0, 20, 20, 0), (101, 1, 20, 17, 0), (102, 1, 20, 23, 0)]
    assert len(links_of(rows, splitting_max_distance=2.9)) == 1


def test_a_missed_frame_is_bridged_if_asked_for():
    rows = [(100, 0, 20, 20, 0), (101, 2, 20, 20, 0)]
    assert links_of(rows) == [(100, 101)]
    assert links_of(rows, max_frame_gap=1) == []


def test_motion_of_the_neighbours_predicts():
    """All move by 4; a false spot stands where the middle one was."""
    rows = [(10 * f + i, f, 10.0 * i + 4 * f) for f in range(2) for i in range(5)]
    spots = make_spots([*rows, (99, 1, 20.0)])
    assert (2, 12) in link_ids(track(spots, settings()))
    plain = LapSettings(linking_max_distance=6, allow_track_splitting=False)
    assert (2, 99) in link_ids(track(spots, plain))


def test_size_tells_two_crossing_cells_apart():
    """Both targets are as far from both sources; volumes 100 and 200 are kept."""
    rows = [(100, 0, 20, 20, 0), (101, 0, 20, 24, 0), (102, 1, 18, 22, 0), (103, 1, 22, 22, 0)]
    volume = [150.0] * 20 + [100, 200, 200, 100]
    table = make_spots(REST + rows).table.set_index("id").loc[[r[0] for r in REST + rows]]
    spots = Spots.from_table(table.assign(volume=volume).reset_index(), Calibration())
    values = settings(splitting_max_distance=1)
    found = [link for link in link_ids(track(spots, values)) if min(link) >= 100]
    assert found == [(100, 103), (101, 102)]
    penalised = values.model_copy(update={"use_size": False, "feature_penalties": {"volume": 1.0}})
    found = [link for link in link_ids(track(spots, penalised)) if min(link) >= 100]
    assert found == [(100, 103), (101, 102)]


def test_a_missing_penalised_feature_is_named():
    with pytest.raises(UserError, match="feature_penalties names the feature 'Shape'"):
        track(make_spots(REST), settings(feature_penalties={"Shape": 1.0}))


@pytest.mark.parametrize("size", [1, 10, 10_000])
def test_windows_do_not_change_clear_links(size):
    rows = [(100, 0, 20, 20, 0), (101, 2, 20, 20, 0), (102, 3, 20, 17, 0), (103, 3, 20, 23, 0)]
    graph = track(make_spots(REST + rows), settings(window_spots=size, window_overlap=1))
    everything = [(i, i + 10) for i in range(30) if i % 10 < 5]
    assert sorted(link_ids(graph)) == [*everything, (100, 101), (101, 102), (101, 103)]


def test_cost_is_the_log_probability_against_nothing():
    """Two spots: no motion is known, so the residual is 0 and the score that of any link."""
    graph = track(make_spots([(70_001, 0, 3.0), (90_000, 1, 3.0)], dt=2.5), settings())
    assert link_ids(graph) == [(70_001, 90_000)]
    assert graph.cost[0] == pytest.approx(math.log(1 + math.exp(-5)))


@pytest.mark.parametrize("ndim", [2, 3])
def test_no_spots_one_spot_and_empty_frames(ndim):
    assert track(make_spots([], ndim=ndim), settings()).n_links == 0
    assert track(make_spots([], ndim=ndim, n_frames=3), settings()).n_links == 0
    assert track(make_spots([(7, 2, 1.0)], ndim=ndim, n_frames=9), settings()).n_links == 0
    spots = make_spots([(0, 1, 0.0), (1, 2, 0.0), (2, 5, 0.0)], ndim=ndim, n_frames=8)
    assert link_ids(track(spots, settings())) == [(0, 1)]


def test_order_of_rows_plays_no_part_and_input_stays():
    rng = np.random.default_rng(3)
    n = 300
    place = rng.random((n, 3)) * 30
    table = pd.DataFrame({"id": rng.permutation(n) + 70_000, "frame": rng.integers(0, 6, n)})
    table[["x", "y", "z"]] = place
    spots = Spots.from_table(table, Calibration())
    before = spots.table.copy()
    first = track(spots, settings())
    pd.testing.assert_frame_equal(spots.table, before)
    shuffled = Spots.from_table(table.sample(frac=1, random_state=1), Calibration())
    pd.testing.assert_frame_equal(first.links_table(), track(shuffled, settings()).links_table())
    assert first.n_links > 100
    assert first.out_degree.max() <= 2
    assert first.in_degree.max() == 1


def test_progress_reaches_the_total_and_can_cancel():
    spots, seen = make_spots(REST), []
    track(spots, settings(window_spots=6), lambda *step: seen.append(step))
    assert {step for step, _, _ in seen} == {"estimating motion", "choosing links"}
    assert seen[-1] == ("choosing links", 4, 4)

    def cancel(step, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        track(spots, settings(), cancel)


def test_settings_are_parsed_by_name():
    values = {"linking_max_distance": 4, "weights": {"link": 1.5}}
    parsed = parse_tracker("flow", values)
    assert isinstance(parsed, FlowSettings)
    assert parsed.weights.link == 1.5
    assert parsed.weights.division == FlowWeights().division
    with pytest.raises(UserError, match="unknown setting 'weights.lnk'"):
        parse_tracker("flow", {"weights": {"lnk": 1.5}})


def test_bounds_the_wrong_way_round_are_refused():
    with pytest.raises(UserError, match="lowest corner first"):
        FlowSettings.parse({"movie_bounds": ((0, 0, 5), (9, 9, 1))})
