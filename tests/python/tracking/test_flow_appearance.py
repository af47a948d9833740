import math

import numpy as np
import pytest
from test_flow_costs import ROWS, make_motion, measure
from tracking_movies import make_spots

from btrackmate.metrics.nodes import NodeMatch, TrackNodes
from btrackmate.metrics.tracking import score_nodes
from btrackmate.tracking import FlowSettings, track
from btrackmate.tracking.flow.appearance import Appearance, Contrast, fit_contrast
from btrackmate_samples.points import make_point_movie, truth_links_of_observed

NOTHING = np.empty(0)


def look(settings=None, motion=None, **features):
    spots = make_spots(ROWS, **features)
    return Appearance(spots, motion or make_motion(spots, **STILL), settings or FlowSettings())


#: No links from frame to frame, so that nothing is taken out as common to all cells.
STILL = {"successor": np.full(5, -1), "predecessor": np.array([-1, -1, -1, 1, 2])}


def at(*rows):
    return [np.array([row]) for row in rows]


def test_log_odds_by_hand():
    """Right: 0 ± 0.1, wrong: 0 ± 0.5; at 0.2 it is 0.4 − 2 + ln 5, at 0 ln 5, missing 0."""
    contrast = Contrast((0.0, 0.1), (0.0, 0.5))
    found = contrast.log_odds(np.array([0.2, 0.0, np.nan, 1.9]))
    assert found == pytest.approx([0.4 - 2 + math.log(5), math.log(5), 0, -3])


def test_centres_count():
    """A mother that is brighter by 0.3 where right; at 0.3 it is 0.3/0.1, at most 3."""
    contrast = Contrast((0.3, 0.1), (0.0, 0.1))
    assert contrast.log_odds(np.array([0.3, 0.15, 0.0])) == pytest.approx([3, 0, -3])


def test_fit_takes_medians_and_mean_deviations():
    found = fit_contrast(np.array([0.1, 0.2, 0.6]), np.array([-1.0, 0, 1]), None, 0, centred=False)
    assert found.right == pytest.approx((0.2, 0.5 / 3))
    assert found.wrong == pytest.approx((0.0, 2 / 3))


def test_few_values_are_pulled_to_what_is_believed_first():
    """Ten values of 1 beside a belief of 0 ± 0.2 that counts for ten: centre 0.5."""
    first = Contrast((0.0, 0.2), (0.0, 0.8))
    found = fit_contrast(np.ones(10), NOTHING, first, 10, centred=False)
    assert found.right[0] == pytest.approx(0.5)
    assert found.wrong == (0.0, 0.8)


def test_without_belief_nothing_is_told_by_nothing():
    assert fit_contrast(NOTHING, np.ones(5), None, 10, centred=True) is None
    assert fit_contrast(np.ones(5), NOTHING, None, 10, centred=True) is None


def test_a_measure_that_is_wider_where_right_tells_nothing():
    wide, narrow = np.array([-1.0, 1]), np.array([-0.1, 0.1])
    assert fit_contrast(wide, narrow, None, 0, centred=True) is None
    assert fit_contrast(narrow, wide, None, 0, centred=True) is not None


def test_volumes_and_intensities_of_a_division():
    """Daughters of 30 and 60 of a mother of 100; brightnesses 50 and 100 of 100."""
    values = {"volume": [100.0, 30, 60, 50, 50], "mean_intensity_ch1": [100.0, 50, 100, 100, 100]}
    found = look(**values).measure_divisions(*at(0, 1, 2))
    assert found["division_size_sum"] == pytest.approx(math.log(0.9))
    assert found["division_size_halves"] == pytest.approx(math.log(0.5))
    assert found["division_intensity_change"] == pytest.approx(-math.log(2) / 2)
    assert found["division_intensity_halves"] == pytest.approx(-math.log(2))


def test_mother_that_becomes_brighter():
    found = look(mean_intensity_ch1=[1.0, 10, 10, 15, 1]).measure_divisions(*at(3, 1, 2))
    assert found["division_mother_brighter"] == pytest.approx(math.log(1.5))


def test_mother_that_rounds_up():
    """Spot 3 follows spot 1: its axes go from 3:1 to 2:1; an unknown axis says nothing."""
    short = [1.0, 1, 1, 1, 2]
    axes = {"ellipsoid_b": short, "ellipsoid_c": short}
    found = look(ellipsoid_a=[3.0, 3, 3, 2, 3], **axes).measure_divisions(*at(3, 1, 2))
    assert found["division_mother_rounder"] == pytest.approx(math.log(1.5))
    without = look(ellipsoid_a=[3.0, 3, 3, 2, 3]).measure_divisions(*at(3, 1, 2))
    assert "division_mother_rounder" not in without
    unknown = look(ellipsoid_a=[3.0, np.nan, 3, 2, 3], **axes).measure_divisions(*at(3, 1, 2))
    assert np.isnan(unknown["division_mother_rounder"])


def test_radius_stands_for_volume():
    found = look(radius=[2.0, 2.2, 1, 1, 1]).measure_links(*at(0, 1))
    assert found["link_size"] == pytest.approx(3 * math.log(1.1))


def test_uniform_and_unused_features_are_no_measures():
    assert look(volume=[7.0] * 5).measure_links(*at(0, 1)) == {}
    assert look(FlowSettings(use_size=False), volume=[1.0, 2, 3, 4, 5]).size is None


def test_what_all_cells_change_alike_is_taken_out():
    """20 cells fade by a half from frame 0 to 1: the ratio of a link is 1 after 20/(20 + 10)."""
    rows = [(f * 20 + i, f, 10.0 * i) for f in range(2) for i in range(20)]
    grey = np.repeat([100.0, 50.0], 20)
    spots = make_spots(rows, mean_intensity_ch1=grey)
    after, before = np.full(40, -1), np.full(40, -1)
    after[:20], before[20:] = np.arange(20, 40), np.arange(20)
    values = {"shift": np.zeros((40, 3)), "sigma": np.ones(40), "spacing": np.ones(40)}
    motion = make_motion(spots, successor=after, predecessor=before, **values)
    found = Appearance(spots, motion, FlowSettings()).measure_links(*at(0, 20))
    assert found["link_intensity"] == pytest.approx(-math.log(2) / 3)


def test_a_spot_beside_its_frames_median():
    """50 beside 100 in its frame: ln of 50 over the geometric mean."""
    found = look(volume=[100.0, 100, 50, 100, 100]).measure_alone(np.array([2]))
    assert found["no_cell_size"] == pytest.approx(math.log(50 / math.sqrt(5000)))


def test_only_measures_with_a_contrast_count():
    contrast = Contrast((0.0, 0.1), (0.0, 0.5))
    values = {"volume": [100.0, 110, 60, 50, 50]}
    motion = make_motion(make_spots(ROWS), **STILL)
    found = measure((0, 1, -1, 1), motion=motion, contrasts={"link_size": contrast}, **values)
    odds = math.log(1.1) / 0.5 - math.log(1.1) / 0.1 + math.log(5)
    assert found["link_size"] == pytest.approx(odds)
    assert "link_size" not in measure((0, 1, -1, 1), motion=motion, **values)


@pytest.fixture(scope="module")
def movie():
    return truth_links_of_observed(make_point_movie("S", 2))


def score_divisions(truth, **features):
    spots = truth.spots
    table = spots.table.assign(**features)
    graph = truth.with_spots(type(spots)(table, spots.calibration, spots.ndim, spots.n_frames))
    found = track(graph.spots, FlowSettings(linking_max_distance=8, splitting_max_distance=9))
    match = NodeMatch(np.arange(len(spots)), len(spots))
    nodes = TrackNodes.from_graph(truth), TrackNodes.from_graph(found)
    return score_nodes(*nodes, match).divisions.f1


def test_features_that_tell_nothing_do_no_harm(movie):
    """Sizes and intensities of noise: with weights that hold for any movie F1 fell by 0.36."""
    rng = np.random.default_rng(0)
    n = len(movie.spots)
    plain = score_divisions(movie, volume=1.0, radius=1.0, mean_intensity_ch1=1.0)
    noise = {
        "volume": 300 * np.exp(rng.normal(0, 0.4, n)),
        "mean_intensity_ch1": 170 * np.exp(rng.normal(0, 0.3, n)),
    }
    assert score_divisions(movie, **noise) > plain - 0.05


def test_features_that_tell_help(movie):
    plain = score_divisions(movie, volume=1.0, radius=1.0, mean_intensity_ch1=1.0)
    assert score_divisions(movie) > plain + 0.05
