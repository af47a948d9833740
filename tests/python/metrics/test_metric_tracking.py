"""Tracking scores of label movies, computed by hand."""

import json
import logging

import numpy as np
import pandas as pd
import pytest
from metrics.ctc_toy import read_toy, spoil
from metrics.drawn import graph, movie

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.metrics import GraphMovie, LabelMovie, score_tracking
from btrackmate.metrics.biology import score_cell_cycles
from btrackmate.metrics.nodes import TrackNodes

LINE = movie(["1"] * 4, (1, 0, 3, 0))
FAMILY = movie(["1.", "1.", "23", "23"], (1, 0, 1, 0), (2, 2, 3, 1), (3, 2, 3, 1))


def test_perfect_result_with_other_labels():
    result = movie(["5.", "5.", "87", "87"], (5, 0, 1, 0), (7, 2, 3, 5), (8, 2, 3, 5))
    scores = score_tracking(FAMILY, result)
    values = scores.to_dict()
    names = ("DET", "TRA", "LNK", "CT", "TF", "BC", "CHOTA", "link_f1", "division_f1", "BIO")
    assert {name: values[name] for name in names} == dict.fromkeys(names, 1.0)
    assert values["CCA"] is None  # no tracklet both begins and ends with a division
    assert (values["n_truth_divisions"], values["n_truth_links"]) == (1, 5)


def test_missing_node_and_link_over_the_gap(caplog):
    """Truth 0–1–2–3, result 0–1–––3: one node missed, two links missed, one link too many."""
    result = movie(["1", "1", ".", "1"], (1, 0, 3, 0))
    with caplog.at_level(logging.WARNING, "btrackmate.metrics"):
        scores = score_tracking(LINE, result)
    errors = scores.errors
    assert (errors.FN, errors.FP, errors.NS) == (1, 0, 0)
    assert (errors.ED, errors.EA, errors.EC) == (1, 2, 0)
    assert scores.DET == pytest.approx(1 - 10 / 40)
    assert scores.LNK == pytest.approx(1 - (1 + 3) / 4.5)
    assert scores.TRA == pytest.approx(1 - 14 / 44.5)
    assert scores.link_precision == 1 / 2
    assert scores.link_recall == pytest.approx(1 / 3)
    assert scores.link_f1 == pytest.approx(0.4)
    assert scores.TF == 0.5  # frames 0 and 1 are the longest run of four
    assert scores.CT == 0
    assert "result: 1 of 1 tracks lack frames between begin and end (first: track 1, 3 of 4" in (
        caplog.text
    )


def test_the_same_gap_in_the_truth_is_no_error():
    gapped = movie(["1", "1", ".", "1"], (1, 0, 3, 0))
    scores = score_tracking(gapped, gapped)
    assert (scores.errors.n_truth_links, scores.TRA, scores.CT, scores.TF) == (2, 1, 1, 1)


def test_one_result_object_over_two_truth_objects():
    """Both truth objects are matched to it: one split (5) of two nodes to make (20)."""
    scores = score_tracking(movie(["12"], (1, 0, 0, 0), (2, 0, 0, 0)), movie(["99"], (9, 0, 0, 0)))
    assert (scores.errors.TP, scores.errors.NS, scores.errors.FP) == (2, 1, 0)
    assert scores.DET == 0.75
    assert scores.LNK is None
    assert (scores.CT, scores.TF) == (0, 0)  # a shared match follows no track
    assert scores.to_dict()["n_result_nodes"] == 1


def test_false_positive_in_an_empty_truth_frame():
    scores = score_tracking(
        movie(["1", "."], (1, 0, 0, 0)), movie(["1", "2"], (1, 0, 0, 0), (2, 1, 1, 0))
    )
    assert (scores.errors.FP, scores.DET) == (1, 0.9)


def test_half_covered_object_is_missed():
    scores = score_tracking(movie(["11"], (1, 0, 0, 0)), movie(["3."], (3, 0, 0, 0)))
    assert (scores.errors.FN, scores.errors.FP, scores.DET) == (1, 1, 0)


def test_link_of_the_wrong_kind():
    """A tracklet cut in two with a parent link: the link is there, its kind is wrong."""
    scores = score_tracking(
        movie(["1", "1"], (1, 0, 1, 0)), movie(["1", "2"], (1, 0, 0, 0), (2, 1, 1, 1))
    )
    assert (scores.errors.EC, scores.errors.ED, scores.errors.EA) == (1, 0, 0)
    assert scores.LNK == pytest.approx(1 / 3)
    assert scores.link_f1 == 1
    assert (scores.CT, scores.TF) == (0, 0.5)
    assert scores.CHOTA == 1  # an only child is joined with its parent


def test_division_a_frame_late():
    """Daughters 2 and 4 begin in frame 3; 3 is a cell of one frame without links."""
    tracks = [(1, 0, 2, 0), (2, 3, 3, 1), (3, 2, 2, 0), (4, 3, 3, 1)]
    late = movie(["1.", "1.", "13", "24"], *tracks)
    exact = score_tracking(FAMILY, late)
    assert [scores.BC for scores in exact.branching] == [0, 1, 1, 1]
    assert (exact.BC, exact.division_f1) == (0, 0)
    loose = score_tracking(FAMILY, late, division_tolerance=1)
    assert (loose.division_precision, loose.division_recall, loose.division_f1) == (1, 1, 1)


def test_daughter_that_begins_a_frame_late():
    """The mother ends right, daughter 3 is seen from frame 3 only."""
    late = movie(["1.", "1.", "2.", "23"], (1, 0, 1, 0), (2, 2, 3, 1), (3, 3, 3, 1))
    assert [scores.BC for scores in score_tracking(FAMILY, late).branching] == [0, 1, 1, 1]


def test_division_with_a_wrong_daughter_is_wrong():
    """Truth: 1 → 2, 3. Result: 1 → 2, 4, where 4 is no cell of the truth."""
    truth = movie(["1..", "23."], (1, 0, 0, 0), (2, 1, 1, 1), (3, 1, 1, 1))
    result = movie(["1..", "2.4"], (1, 0, 0, 0), (2, 1, 1, 1), (4, 1, 1, 1))
    scores = score_tracking(truth, result)
    assert (scores.divisions.tp, scores.divisions.fp, scores.divisions.fn) == (0, 1, 1)


def test_invented_division():
    scores = score_tracking(
        movie(["1.", "1."], (1, 0, 1, 0)),
        movie(["1.", "23"], (1, 0, 0, 0), (2, 1, 1, 1), (3, 1, 1, 1)),
    )
    assert (scores.division_precision, scores.division_recall, scores.division_f1) == (0, None, 0)
    assert scores.BC is None  # the Challenge's BC is not defined without a true division


def test_chota_of_a_track_cut_in_two():
    """Each half shares 2 of 4 nodes: A = 1/2 for all 4 nodes; CHOTA = √(4·½/4)."""
    result = movie(["1", "1", "2", "2"], (1, 0, 1, 0), (2, 2, 3, 0))
    assert score_tracking(LINE, result).CHOTA == pytest.approx(np.sqrt(0.5))


def test_chota_sees_the_lineage():
    """A missed division: 2·4/6 + 2·4/4 + 2·2/4 over 6 nodes."""
    result = movie(["1.", "1.", "13", "13"], (1, 0, 3, 0), (3, 2, 3, 0))
    expected = np.sqrt((2 * 4 / 6 + 2 * 4 / 4 + 2 * 2 / 4) / 6)
    assert score_tracking(FAMILY, result).CHOTA == pytest.approx(expected)


def test_track_fractions_take_the_longest_run():
    """Followed by 1 for two frames, then by 2 for three: 3/5."""
    truth = movie(["1"] * 5, (1, 0, 4, 0))
    result = movie(["1", "1", "2", "2", "2"], (1, 0, 1, 0), (2, 2, 4, 0))
    assert score_tracking(truth, result).TF == 0.6


def test_track_fractions_stop_at_a_wholly_followed_track():
    """The Challenge's rule: 1 follows truth 1 wholly, so its 2/3 of truth 2 are not counted."""
    truth = movie(["1", "1", "2", "2", "2"], (1, 0, 1, 0), (2, 2, 4, 0))
    result = movie(["1", "1", "1", "1", "."], (1, 0, 3, 0))
    assert score_tracking(truth, result).TF == 1.0


def test_cell_cycle_accuracy():
    """Cycles of 2 and 3 frames against 2 and 2: the distributions differ by one half."""

    def tree(second_length):
        # 0 divides into 1 and 2, each of which divides again; tracklets 3 to 6 last one frame.
        spans = [(0, 0), (1, 2), (1, second_length), (3, 3), (3, 3), (5, 5), (5, 5)]
        frame = np.concatenate([np.arange(a, b + 1) for a, b in spans])
        tracklet = np.repeat(np.arange(7), [b - a + 1 for a, b in spans])
        return TrackNodes(frame, tracklet, np.array([0, 0, 1, 1, 2, 2]), np.arange(1, 7))

    assert score_cell_cycles(tree(3), tree(2)) == 0.5
    assert score_cell_cycles(tree(3), tree(3)) == 1
    childless = TrackNodes(*np.zeros((2, 1), int), *np.empty((2, 0), int))
    assert score_cell_cycles(tree(3), childless) == 0
    assert score_cell_cycles(childless, tree(3)) is None


def test_empty_result_scores_zero():
    scores = score_tracking(FAMILY, movie(["..", "..", "..", ".."]))
    values = scores.to_dict()
    for name in ("DET", "TRA", "LNK", "CT", "TF", "BC", "CHOTA", "link_f1", "division_f1"):
        assert values[name] == 0, name
    assert (values["link_precision"], values["FN"], values["EA"]) == (None, 6, 5)


def test_empty_truth_has_no_scores():
    values = score_tracking(movie([".", "."]), movie([".", "."])).to_dict()
    for name in ("DET", "TRA", "LNK", "CT", "TF", "BC", "CCA", "CHOTA", "link_f1", "division_f1"):
        assert values[name] is None, name


def test_single_spot():
    scores = score_tracking(movie(["1"], (1, 0, 0, 0)), movie(["1"], (1, 0, 0, 0)))
    assert (scores.DET, scores.TRA, scores.LNK, scores.CT, scores.CHOTA) == (1, 1, None, 1, 1)


def test_3d_and_labels_above_16_bits_change_nothing():
    late = movie(["1.", "1.", "1.", "23"], (1, 0, 2, 0), (2, 3, 3, 1), (3, 3, 3, 1))

    def lift(flat):
        frames = flat.frames.astype(np.uint32) * 70_001
        table = flat.tracks.assign(
            label=flat.tracks["label"] * 70_001, parent=flat.tracks["parent"] * 70_001
        )
        return LabelMovie(np.repeat(frames[:, None], 3, axis=1), table)

    expected = score_tracking(FAMILY, late).to_dict()
    assert score_tracking(lift(FAMILY), lift(late)).to_dict() == expected
    assert 0 < expected["TRA"] < 1


@pytest.mark.parametrize(
    ("tracks", "words"),
    [
        ([(1, 0, 3, 0), (1, 0, 3, 0)], "its label is not above 0 or stands twice"),
        ([(1, 3, 0, 0)], "its end lies before its begin"),
        ([(1, 0, 3, 8)], "its parent has no row"),
        ([(1, 0, 3, 1)], "its parent does not end before it begins"),
        ([(1, 0, 2, 0)], "label 1 stands in frame 3, but its track goes from 0 to 2"),
        ([(2, 0, 3, 0)], "label 1 stands in frame 0 but has no row"),
        ([(1, 0, 3, 0), (5, 0, 1, 0)], "track 5 .0 to 1. stands in none of the 4 frames"),
    ],
)
def test_a_table_that_contradicts_is_refused(tracks, words):
    with pytest.raises(UserError, match=words) as error:
        score_tracking(LINE, movie(["1"] * 4, *tracks))
    assert str(error.value).startswith("result: ")
    assert "\n" not in str(error.value)


def test_a_table_without_a_column_is_refused():
    broken = LabelMovie(LINE.frames, LINE.tracks.drop(columns="parent"))
    with pytest.raises(UserError, match="truth: the tracks table lacks parent"):
        score_tracking(broken, LINE)


def test_movies_of_other_length_are_refused():
    with pytest.raises(UserError, match="the truth has 4 frames and the result 1"):
        score_tracking(LINE, movie(["1"], (1, 0, 0, 0)))


def test_negative_tolerance_is_refused():
    with pytest.raises(UserError, match="division tolerance is -1"):
        score_tracking(LINE, LINE, division_tolerance=-1)


def test_progress_is_reported_for_each_frame():
    calls = []
    score_tracking(LINE, LINE, lambda *call: calls.append(call))
    assert calls == [("matching frames", t, 4) for t in range(1, 5)]


class TestGraphMovie:
    """Labels 4, 4 → 7, 9 of frames whose ids do not follow the tracks."""

    frames = movie(["4.", "9.", "74"]).frames
    graph = graph(
        [(0, 0, 0.0), (1, 1, 0.0), (2, 2, 0.0), (3, 2, 1.0)],
        [(0, 1), (1, 2), (1, 3)],
        calibration=Calibration(dx=0.5, dy=0.5, dz=2.0, dt=30.0),
        ndim=2,
        label=[4, 9, 7, 4],
    )
    truth = movie(["1.", "1.", "23"], (1, 0, 1, 0), (2, 2, 2, 1), (3, 2, 2, 1))

    def test_labels_become_tracklets(self):
        seen = GraphMovie(self.frames, self.graph)
        assert [seen.frame(t).tolist() for t in range(3)] == [[[1, 0]], [[1, 0]], [[2, 3]]]
        assert seen.tracks.to_numpy().tolist() == [[1, 0, 1, 0], [2, 2, 2, 1], [3, 2, 2, 1]]
        assert score_tracking(self.truth, seen).to_dict()["TRA"] == 1

    def test_an_object_without_spot_is_background(self):
        kept = self.graph.keep_spots(np.array([True, True, True, False]))
        assert GraphMovie(self.frames, kept).frame(2).tolist() == [[1, 0]]

    def test_spots_added_by_hand_without_a_label_are_warned_of(self, caplog):
        """Two of a frame are not one cell, and no label is looked up for them."""
        spots = self.graph.spots.with_columns({"label": np.array([4, 9, np.nan, np.nan])})
        seen = GraphMovie(self.frames, self.graph.with_spots(spots))
        assert seen.frame(2).tolist() == [[0, 0]]
        seen.warn_of_spots("the truth")
        assert "2 of 4 spots of the truth have no label (first: spot 2 in frame 2)" in caplog.text

    def test_a_lone_spot_without_a_label_is_no_track(self):
        spots = self.graph.spots.with_columns({"label": np.array([4, 9, 7, np.nan])})
        seen = GraphMovie(self.frames, self.graph.with_spots(spots))
        assert seen.tracks.to_numpy().tolist() == [[1, 0, 1, 0], [2, 2, 2, 1]]
        assert 0 < score_tracking(self.truth, seen).to_dict()["TRA"] < 1

    def test_two_spots_of_one_label_are_refused(self):
        doubled = self.graph.with_spots(self.graph.spots.with_columns({"label": np.full(4, 7)}))
        with pytest.raises(UserError, match="two spots of frame 2 name label 7"):
            GraphMovie(self.frames, doubled).frame(2)

    def test_spots_without_labels_are_refused(self):
        bare = graph([(0, 0, 0.0)], [])
        with pytest.raises(UserError, match="the spots have no column 'label'"):
            GraphMovie(self.frames, bare).frame(0)


def test_ctc_toy_is_perfect():
    truth, _, result = read_toy()
    values = json.loads(json.dumps(score_tracking(truth, result).to_dict()))
    for name in ("DET", "TRA", "LNK", "CT", "TF", "CHOTA", "link_f1"):
        assert values[name] == 1, name
    assert values["n_truth_nodes"] == 18


def test_spoiled_ctc_toy_has_the_numbers_of_ctcmetrics():
    """Numbers recorded from py-ctcmetrics 1.3.3."""
    truth, _, result = read_toy()
    values = score_tracking(truth, spoil(result)).to_dict()
    expected = {
        "DET": 0.9166666666666666,
        "TRA": 0.8765432098765432,
        "LNK": 0.5555555555555556,
        "CT": 0.0,
        "TF": 0.5555555555555555,
        "CHOTA": 0.7779194882240258,
        "BIO": 0.27777777777777773,
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    counts = {"FN": 1, "FP": 0, "NS": 1, "ED": 1, "EA": 6, "EC": 0}
    assert {name: values[name] for name in counts} == counts
    assert (values["BC_0"], values["CCA"]) == (None, None)


def test_tables_with_other_columns_and_order():
    shuffled = FAMILY.tracks[["parent", "end", "begin", "label"]].iloc[::-1].assign(note="x")
    again = LabelMovie(FAMILY.frames, pd.DataFrame(shuffled))
    assert score_tracking(FAMILY, again).TRA == 1
