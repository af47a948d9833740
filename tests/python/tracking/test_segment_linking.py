import numpy as np
import pandas as pd
import pytest
from tracking_movies import link_ids, make_spots

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.tracking import LapSettings, track

OFF = {
    "allow_gap_closing": False,
    "allow_track_splitting": False,
    "linking_max_distance": 3.0,
    "gap_closing_max_distance": 15.0,
    "splitting_max_distance": 15.0,
    "merging_max_distance": 15.0,
}


def link(rows, *, spots=None, **settings):
    return track(make_spots(rows) if spots is None else spots, LapSettings(**OFF | settings))


def segment(first_id, frames, x, y=0.0):
    return [(first_id + i, frame, x, y, 0) for i, frame in enumerate(frames)]


def test_gap_over_one_missed_frame():
    """0-1 in frames 0, 1 and 2-3 in frames 3, 4, half a unit aside."""
    rows = segment(0, [0, 1], 0) + segment(2, [3, 4], 0.5)
    graph = link(rows, allow_gap_closing=True)
    assert link_ids(graph) == [(0, 1), (1, 2), (2, 3)]
    assert graph.cost[1] == 0.25
    assert link_ids(link(rows)) == [(0, 1), (2, 3)]


def test_longest_gap():
    rows = segment(0, [0, 1], 0) + segment(2, [4, 5], 0.5)
    assert link(rows, allow_gap_closing=True, max_frame_gap=2).n_links == 2
    assert link(rows, allow_gap_closing=True, max_frame_gap=3).n_links == 3


def test_gap_closing_also_joins_successive_frames_farther_apart():
    rows = segment(0, [0, 1], 0) + segment(2, [2, 3], 4)
    assert link(rows, allow_gap_closing=True).n_links == 3


def test_gap_distance_may_equal_the_maximum():
    rows = segment(0, [0, 1], 0) + segment(2, [3, 4], 4)
    assert link(rows, allow_gap_closing=True, gap_closing_max_distance=4).n_links == 3
    assert link(rows, allow_gap_closing=True, gap_closing_max_distance=3.99).n_links == 2


def test_single_spots_are_no_segments():
    rows = [*segment(0, [0, 1], 0), (2, 3, 0.5)]
    assert link(rows, allow_gap_closing=True).n_links == 1


def test_split_from_inside_a_segment():
    """Mother 0-1-2-3 along x = 0; 4-5 starts in frame 2 at x = 2.5: the link is 1 → 4."""
    rows = segment(0, [0, 1, 2, 3], 0) + segment(4, [2, 3], 3.5)
    graph = link(rows, allow_track_splitting=True)
    assert (1, 4) in link_ids(graph)
    assert graph.divisions.tolist() == [1]
    assert graph.cost[link_ids(graph).index((1, 4))] == 12.25
    assert link(rows).divisions.size == 0


def test_no_split_from_the_first_spot_of_a_segment():
    rows = segment(0, [0, 1, 2], 0) + segment(3, [1, 2], 3.5)
    assert link(rows, allow_track_splitting=True).n_links == 3


def test_no_split_over_a_missed_frame():
    rows = segment(0, [0, 1, 2, 3, 4], 0) + segment(5, [3, 4], 3.5, 0)
    rows = [row for row in rows if row[0] != 2]
    assert link(rows, allow_track_splitting=True).divisions.size == 0


def test_split_distance():
    rows = segment(0, [0, 1, 2, 3], 0) + segment(4, [2, 3], 4)
    settings = {"allow_track_splitting": True}
    assert link(rows, **settings, splitting_max_distance=4).n_links == 5
    assert link(rows, **settings, splitting_max_distance=3.9).n_links == 4


def test_a_spot_splits_once():
    """Two segments start beside the mother; the nearer one gets the link."""
    rows = segment(0, [0, 1, 2, 3], 0) + segment(4, [2, 3], 3.5) + segment(6, [2, 3], -3.2)
    graph = link(rows, allow_track_splitting=True)
    assert [pair for pair in link_ids(graph) if pair[0] == 1] == [(1, 2), (1, 6)]


def test_merge_into_a_segment():
    """0-1 ends beside 2-3-4-5 in frame 1; the link is 1 → 4."""
    rows = segment(0, [0, 1], 3.5) + segment(2, [0, 1, 2, 3], 0)
    graph = link(rows, allow_track_merging=True)
    assert (1, 4) in link_ids(graph)
    assert graph.merges.size == 1
    assert link(rows).merges.size == 0


def test_gap_and_split_compete():
    """The start 6 may continue 1 (cost 2² + 3² = 13) or split from 3 (cost 9): the cheaper wins."""
    rows = segment(0, [0, 1], 0) + segment(2, [0, 1, 2, 3], 5) + segment(6, [2, 3], 2, 0)
    spots = make_spots([row if row[0] > 1 else (*row[:3], 0, 3) for row in rows])
    both = {"allow_gap_closing": True, "allow_track_splitting": True}
    near = {"gap_closing_max_distance": 8, "splitting_max_distance": 8}
    graph = link([], spots=spots, **both, **near)
    assert (3, 6) in link_ids(graph)
    assert (1, 6) not in link_ids(graph)


def pairs(costs_apart):
    """Make one gap pair a distance, far from each other."""
    rows = []
    for i, apart in enumerate(costs_apart):
        rows += segment(4 * i, [0, 1], 0, 1000 * i) + segment(4 * i + 2, [3, 4], apart, 1000 * i)
    return rows


def test_alternative_cost_follows_the_percentile():
    """Eleven candidates, ten of cost 1 and one of 9: the 90th percentile is 1."""
    rows = pairs([1] * 10 + [3])
    assert link(rows, allow_gap_closing=True).n_links == 22 + 10
    assert link(rows, allow_gap_closing=True, cutoff_percentile=1).n_links == 22 + 11


def test_percentile_takes_the_nearest_rank():
    """Four candidates: round(3 × 0.9) = 3 is the largest; round(3 × 0.5) = 2 (halves go up)."""
    rows = pairs([1, 1, 2, 3])
    assert link(rows, allow_gap_closing=True).n_links == 8 + 4
    assert link(rows, allow_gap_closing=True, cutoff_percentile=0.5).n_links == 8 + 3


def test_each_kind_has_its_own_penalties():
    rows = segment(0, [0, 1], 0) + segment(2, [3, 4], 2)
    spots = make_spots(rows, radius=[10.0, 10.0, 20.0, 20.0])
    settings = {"allow_gap_closing": True, "gap_closing_feature_penalties": {"radius": 1}}
    assert link([], spots=spots, **settings).cost.max() == 16
    assert link([], spots=spots, **settings, gap_closing_max_distance=3.9).n_links == 2


@pytest.mark.parametrize(
    ("kind", "allow"),
    [
        ("gap_closing", "allow_gap_closing"),
        ("splitting", "allow_track_splitting"),
        ("merging", "allow_track_merging"),
    ],
)
def test_missing_feature_is_named(kind, allow):
    with pytest.raises(UserError, match=f"{kind}_feature_penalties names the feature 'Shape'"):
        link(segment(0, [0, 1], 0), **{allow: True, f"{kind}_feature_penalties": {"Shape": 1}})


def test_nothing_to_join():
    on = {"allow_gap_closing": True, "allow_track_splitting": True, "allow_track_merging": True}
    assert link([], **on).n_links == 0
    assert link(segment(0, [0, 1, 2], 0), **on).n_links == 2


@pytest.mark.slow
def test_too_many_segments_within_reach_are_refused():
    """6,000 tracks end in frame 1 and as many start in frame 3, all within reach of each other."""
    n = 6000
    place = np.repeat([np.arange(n)], 4, axis=0).ravel() % 100, np.tile(np.arange(n) // 100, 4)
    table = pd.DataFrame({"frame": np.repeat([0, 1, 3, 4], n), "x": place[0], "y": place[1]})
    spots = Spots.from_table(table.assign(z=0.0), Calibration())
    settings = LapSettings(
        linking_max_distance=0.5, allow_gap_closing=True, gap_closing_max_distance=200
    )
    with pytest.raises(UserError, match=r"gap closing has more than \d+ candidate links within"):
        track(spots, settings)


def divide(*, weight, off=0.0, **features):
    """Mother 0, 1 at x = 0 goes on as 2, 3 at x = −2 + off; 4, 5 start at x = 2 + off."""
    rows = [(0, 0, 0.0), (1, 1, 0.0), (2, 2, -2.0 + off), (3, 3, -2.0 + off)]
    rows += [(4, 2, 2.0 + off), (5, 3, 2.0 + off)]
    settings = {"linking_max_distance": 3.1, "allow_track_splitting": True}
    distance = {"splitting_max_distance": 5.0, "division_weight": weight}
    graph = link([], spots=make_spots(rows, **features), **settings | distance)
    return dict(zip(link_ids(graph), graph.cost.tolist(), strict=True)).get((1, 4))


def test_division_weight_raises_the_cost_of_uneven_daughters():
    """Midpoint 0.5 off, daughters 4 apart: a = 2 · 0.5 / 4; the daughter's d² is 2.5²."""
    assert divide(weight=0) == 4
    assert divide(weight=2) == 4
    assert divide(weight=0, off=0.5) == 6.25
    assert divide(weight=2, off=0.5) == pytest.approx(6.25 * (1 + 2 * 0.25) ** 2)


def test_division_weight_compares_volumes_and_intensities():
    """Daughters of 60 and 60 of a mother of 100 (v = ln 1.2), as bright as 75 to her 100."""
    volume = {"volume": [100.0, 100, 60, 60, 60, 60]}
    grey = {"mean_intensity_ch1": [100.0, 100, 70, 70, 80, 80]}
    assert divide(weight=0, **volume, **grey) == 4
    assert divide(weight=1, **volume) == pytest.approx(4 * (1 + np.log(1.2)) ** 2)
    assert divide(weight=1, **grey) == pytest.approx(4 * (1 - np.log(0.75)) ** 2)
    volume["volume"][1] = np.nan
    assert divide(weight=1, **volume) == 4


def test_a_division_that_becomes_too_dear_is_none():
    """4 · (1 + 4 · ln 1.5)² is 27.4, above 5²."""
    volume = [100.0, 100, 75, 75, 75, 75]
    assert divide(weight=3, volume=volume) == pytest.approx(4 * (1 + 3 * np.log(1.5)) ** 2)
    assert divide(weight=4, volume=volume) is None
