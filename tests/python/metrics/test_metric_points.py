"""Tracking scores of graphs of spots."""

import numpy as np
import pytest
from metrics.drawn import graph

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.metrics import match_points, score_points, score_same_spots

# 0 ── 1 ─┬─ 2 ── 4        x = 0 for 0, 1, 2, 4; x = 10 for 3, 5
#         └─ 3 ── 5
POINTS = [(0, 0, 0.0), (1, 1, 0.0), (2, 2, 0.0), (3, 2, 10.0), (4, 3, 0.0), (5, 3, 10.0)]
LINKS = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 5)]
FAMILY = graph(POINTS, LINKS)


def pairs(match):
    return list(zip(match.truth_row.tolist(), match.result_row.tolist(), strict=True))


def test_sum_of_distances_counts_not_the_number_of_pairs():
    """x = 0, 5 against 4, 9.5 within 5: pairing only 5–4 costs 1 + 5, pairing both 4 + 4.5."""
    match = match_points(
        graph([(0, 0, 0.0), (1, 0, 5.0)], []), graph([(0, 0, 4.0), (1, 0, 9.5)], []), 5.0
    )
    assert pairs(match) == [(1, 0)]
    assert match.distance.tolist() == [1.0]


def test_two_spots_compete_for_one():
    match = match_points(graph([(0, 0, 0.0), (1, 0, 3.0)], []), graph([(0, 0, 2.0)], []), 5.0)
    assert pairs(match) == [(1, 0)]


def test_best_sum_not_nearest_first():
    """x = 0, 3 against 2, 6: nearest first pairs 3–2 (1) and loses 0; the best sum is 2 + 3."""
    match = match_points(
        graph([(0, 0, 0.0), (1, 0, 3.0)], []), graph([(0, 0, 2.0), (1, 0, 6.0)], []), 5.0
    )
    assert pairs(match) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("others", [[(0, 0, 5.0)], [(0, 0, 5.0), (1, 0, -5.0)]])
def test_exactly_the_largest_distance_matches(others):
    assert len(pairs(match_points(graph([(0, 0, 0.0)], []), graph(others, []), 5.0))) == 1


def test_farther_than_the_largest_distance_does_not():
    assert pairs(match_points(graph([(0, 0, 0.0)], []), graph([(0, 0, 5.001)], []), 5.0)) == []


def test_equal_positions_match():
    assert pairs(match_points(FAMILY, FAMILY, 1e-9)) == [(i, i) for i in range(6)]


def test_distance_is_3d_and_physical():
    """One slice of 3 µm apart: too far for 2 µm, whatever the voxels are."""
    voxels = Calibration(dx=0.5, dy=0.5, dz=3.0)
    truth = graph([(0, 0, 0.0, 0.0, 0.0)], [], calibration=voxels)
    result = graph([(0, 0, 0.0, 0.0, 3.0)], [], calibration=voxels)
    assert pairs(match_points(truth, result, 2.0)) == []
    assert match_points(truth, result, 4.0).distance.tolist() == [3.0]


def test_spots_of_other_frames_do_not_match():
    late = graph([(0, 1, 0.0)], [])
    assert pairs(match_points(graph([(0, 0, 0.0)], []), late, 5.0)) == []


def test_perfect_family():
    values = score_points(FAMILY, FAMILY, 1.0).to_dict()
    names = ("DET", "TRA", "LNK", "CT", "TF", "BC", "CHOTA", "link_f1", "division_f1")
    assert {name: values[name] for name in names} == dict.fromkeys(names, 1.0)


def test_missed_division():
    """Without link 1–3 of 5: recall 4/5; link 1–2 is found, but of the wrong kind."""
    scores = score_points(FAMILY, graph(POINTS, [link for link in LINKS if link != (1, 3)]), 1.0)
    assert (scores.link_precision, scores.link_recall) == (1, 0.8)
    assert (scores.errors.EA, scores.errors.EC, scores.errors.ED) == (1, 1, 0)
    assert scores.LNK == pytest.approx(1 - 2.5 / 7.5)
    assert scores.TRA == pytest.approx(1 - 2.5 / 67.5)
    assert (scores.division_f1, scores.BC, scores.DET) == (0, 0, 1)


def test_links_over_a_gap_count_when_the_truth_has_them():
    gapped = graph([(0, 0, 0.0), (1, 2, 0.0)], [(0, 1)])
    whole = graph([(0, 0, 0.0), (7, 1, 0.0), (1, 2, 0.0)], [(0, 7), (7, 1)])
    assert score_points(gapped, gapped, 1.0).link_f1 == 1
    scores = score_points(whole, gapped, 1.0)
    assert (scores.link_f1, scores.errors.ED, scores.errors.FN) == (0, 1, 1)


def test_merges_are_scored():
    """Two cells that merge: both links into the merge are parent links."""
    merge = graph([(0, 0, 0.0), (1, 0, 9.0), (2, 1, 4.0)], [(0, 2), (1, 2)])
    assert score_points(merge, merge, 1.0).TRA == 1
    half = graph([(0, 0, 0.0), (1, 0, 9.0), (2, 1, 4.0)], [(0, 2)])
    scores = score_points(merge, half, 1.0)
    assert (scores.errors.EA, scores.errors.EC) == (1, 1)


def test_unlinked_spots_are_nodes():
    scores = score_points(FAMILY, graph(POINTS, []), 1.0)
    assert (scores.DET, scores.LNK, scores.link_precision, scores.link_f1) == (1, 0, None, 0)


def test_empty_result():
    scores = score_points(FAMILY, graph([], []), 1.0)
    assert (scores.DET, scores.TRA, scores.LNK, scores.CHOTA) == (0, 0, 0, 0)


def test_movies_of_other_length():
    longer = graph([*POINTS, (6, 9, 0.0)], LINKS)
    scores = score_points(FAMILY, longer, 1.0)
    assert (scores.errors.FP, scores.link_f1) == (1, 1)


@pytest.mark.parametrize("distance", [0.0, -1.0, np.nan, np.inf])
def test_bad_distance_is_named(distance):
    with pytest.raises(UserError, match=f"max_distance is {distance}"):
        match_points(FAMILY, FAMILY, distance)


def test_other_units_are_refused():
    microns = graph(POINTS, LINKS, calibration=Calibration(space_unit="µm"))
    with pytest.raises(UserError, match="in µm and the result in pixel; bring both to one unit"):
        match_points(microns, FAMILY, 1.0)


def test_same_spots_match_by_id_wherever_they_lie():
    far = graph([(i, t, x + 500) for i, t, x in POINTS], LINKS[:-1])
    scores = score_same_spots(FAMILY, far)
    assert (scores.link_recall, scores.link_precision, scores.division_f1) == (0.8, 1, 1)


def test_spots_missing_in_the_result_are_missed():
    part = graph([point for point in POINTS if point[0] != 4], [(0, 1), (1, 2), (1, 3), (3, 5)])
    scores = score_same_spots(FAMILY, part)
    assert (scores.errors.FN, scores.link_recall) == (1, 0.8)


def test_spot_of_one_id_in_another_frame_is_refused():
    moved = graph([*POINTS[:-1], (5, 4, 10.0)], [])
    with pytest.raises(UserError, match="spot 5 stands in frame 3 of the truth, but in frame 4"):
        score_same_spots(FAMILY, moved)
