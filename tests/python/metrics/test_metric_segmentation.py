"""Segmentation scores: hand-computed numbers, and equality with stardist and skimage."""

import json

import numpy as np
import pytest
from metrics.drawn import image
from skimage.metrics import mean_squared_error, structural_similarity

from btrackmate.core.errors import UserError
from btrackmate.metrics import score_segmentation
from btrackmate.metrics.overlap import count_overlaps
from btrackmate.metrics.segmentation import THRESHOLDS, match_instances
from btrackmate.metrics.similarity import compare_structure

TRUTH = image("11.22", "11.22")  # IoU of 1 with 7 is 4/5, of 2 with 9 it is 2/4
RESULT = image("777.9", "77..9")


def random_pair(seed, shape):
    """Boxes in random order, the result's moved a little, dropped or invented."""
    rng = np.random.default_rng(seed)
    truth, result = np.zeros((2, *shape), np.uint16)
    for label in range(1, 25):
        start = [int(rng.integers(0, n - 3)) for n in shape]
        size = [int(rng.integers(2, 9)) for _ in shape]
        truth[tuple(slice(a, a + b) for a, b in zip(start, size, strict=True))] = label * 3
        start = [max(a + int(rng.integers(-1, 3)), 0) for a in start]
        if rng.random() < 0.9:
            result[tuple(slice(a, a + b) for a, b in zip(start, size, strict=True))] = 80 - label
    return truth, result


def test_numbers_by_hand():
    scores = score_segmentation([TRUTH], [RESULT])
    assert scores.SEG == 0.4  # (0.8 + 0) / 2: only half of object 2 is covered
    assert scores.MSE == 0.3  # 3 of 10 pixels differ
    half = scores.at(0.5)
    assert (half.tp, half.fp, half.fn) == (2, 0, 0)
    assert (half.precision, half.recall, half.f1, half.ap) == (1, 1, 1, 1)
    assert half.mean_matched_score == half.mean_true_score == half.panoptic_quality == 0.65
    high = scores.at(0.8)
    assert (high.tp, high.fp, high.fn) == (1, 1, 1)
    assert (high.precision, high.recall, high.f1) == (0.5, 0.5, 0.5)
    assert high.ap == pytest.approx(1 / 3)
    assert (high.mean_true_score, high.mean_matched_score, high.panoptic_quality) == (0.4, 0.8, 0.4)
    assert scores.at(0.9).tp == 0


def test_as_many_objects_as_possible_are_matched():
    """A–X has the best IoU (1/2), but A–Y (1/3) and B–X (1/4) match two objects."""
    overlap = count_overlaps(image("1111112222"), image("44333333.."))
    scores = match_instances(overlap, 0.1)
    assert scores.tp == 2
    assert scores.matched_iou == pytest.approx(1 / 3 + 1 / 4)


def test_the_number_of_objects_counts_more_than_the_sum_of_iou():
    """A–X alone has IoU 10/14; A–Y and B–X have 2/12 each, but are two."""
    overlap = count_overlaps(image("11111111111122"), image("44333333333333"))
    assert match_instances(overlap, 0.1).matched_iou == pytest.approx(2 / 12 + 2 / 12)
    assert match_instances(overlap, 0.2).matched_iou == pytest.approx(10 / 14)


def test_an_iou_equal_to_the_threshold_matches():
    assert match_instances(count_overlaps(image("1111"), image("33..")), 0.5).tp == 1


def test_pooled_counts_objects_not_images():
    """One image with 2 objects found, one with 1 object missed."""
    scores = score_segmentation([TRUTH, image("1....", ".....")], [TRUTH, image(".....", ".....")])
    assert scores.SEG == pytest.approx(2 / 3)
    assert scores.at(0.5).recall == pytest.approx(2 / 3)
    assert scores.MSE == pytest.approx(1 / 20)
    assert [one.SEG for one in scores.images] == [1, 0]


def test_dictionary_has_the_fields_names():
    values = json.loads(json.dumps(score_segmentation([TRUTH], [RESULT]).to_dict()))
    assert values["SEG"] == 0.4
    assert [values[f"AP_0.{i}"] for i in range(1, 10)] == [1.0] * 5 + [1 / 3] * 3 + [0.0]
    assert {"MSE", "SSIM", "SSIM_window", "F1_0.5", "panoptic_quality_0.5"} <= set(values)


def test_empty_truth_and_result_have_no_score():
    blank = np.zeros((9, 9), np.uint8)
    scores = score_segmentation([blank], [blank])
    assert scores.SEG is None
    assert scores.at(0.5).f1 is None
    assert (scores.MSE, scores.SSIM) == (0.0, 1.0)


def test_empty_result_scores_zero():
    scores = score_segmentation([TRUTH], [np.zeros_like(TRUTH)])
    assert (scores.SEG, scores.at(0.5).f1, scores.at(0.5).ap) == (0.0, 0.0, 0.0)
    assert scores.at(0.5).precision is None


def test_ssim_of_full_against_empty():
    """No variance: SSIM = C1·C2 / ((1 + C1)·C2) = 1e-4 / 1.0001."""
    full = np.ones((3, 3), np.uint8)
    ssim, window = compare_structure(full, 0 * full, 7)
    assert window == 3
    assert ssim == pytest.approx(1e-4 / 1.0001)


@pytest.mark.parametrize("shape", [(1, 9), (2, 9, 9), (9,)])
def test_no_window_fits(shape):
    assert compare_structure(np.ones(shape, np.uint8), np.ones(shape, np.uint8))[0] is None


@pytest.mark.parametrize("window", [4, 1, 103])
def test_bad_window_is_named(window):
    with pytest.raises(UserError, match=f"SSIM window is {window}"):
        score_segmentation([TRUTH], [RESULT], ssim_window=window)


def test_unequal_numbers_of_images_are_named():
    with pytest.raises(UserError, match="the result ends after 1 label images"):
        score_segmentation([TRUTH, TRUTH], [RESULT])
    with pytest.raises(UserError, match="got no label image"):
        score_segmentation([], [])


def test_progress_is_reported_for_each_image():
    calls = []
    score_segmentation([TRUTH] * 2, [RESULT] * 2, progress=lambda *call: calls.append(call))
    assert calls == [("scoring segmentation", 1, 2), ("scoring segmentation", 2, 2)]


@pytest.mark.parametrize("shape", [(40, 50), (12, 30, 25), (1, 20, 30), (5, 20, 20)])
@pytest.mark.parametrize("window", [7, 3])
def test_ssim_and_mse_equal_skimage(shape, window):
    truth, result = random_pair(5, shape if shape[0] > 4 else (20, 30))
    truth, result = truth.reshape(-1, *shape[1:]), result.reshape(-1, *shape[1:])
    truth, result = np.squeeze(truth.reshape(shape)), np.squeeze(result.reshape(shape))
    expected = structural_similarity(
        (truth > 0).astype(float),
        (result > 0).astype(float),
        data_range=1.0,
        win_size=min(window, min(truth.shape)),
    )
    ssim, used = compare_structure(truth.reshape(shape), result.reshape(shape), window)
    assert used == min(window, min(truth.shape))
    assert ssim == pytest.approx(expected, abs=1e-9)
    mse = mean_squared_error((truth > 0).astype(float), (result > 0).astype(float))
    assert score_segmentation([truth], [result]).MSE == pytest.approx(mse, abs=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("seed", "shape"), [(1, (60, 60)), (2, (14, 24, 24)), (3, (20, 200))])
def test_matching_equals_stardist(seed, shape):
    stardist = pytest.importorskip("stardist.matching", reason="needs the package stardist")
    pairs = [random_pair(10 * seed + i, shape) for i in range(3)]
    ours = score_segmentation(*zip(*pairs, strict=True))
    per_image = [stardist.matching(*pair, thresh=THRESHOLDS) for pair in pairs]
    pooled = stardist.matching_dataset(
        *zip(*pairs, strict=True), thresh=THRESHOLDS, show_progress=False
    )
    for image_scores, expected in [
        *zip([one.instances for one in ours.images], per_image, strict=True),
        (ours.instances, pooled),
    ]:
        for one, peer in zip(image_scores, expected, strict=True):
            assert (one.tp, one.fp, one.fn) == (peer.tp, peer.fp, peer.fn)
            for name, value in [
                ("precision", one.precision),
                ("recall", one.recall),
                ("accuracy", one.ap),
                ("f1", one.f1),
                ("mean_true_score", one.mean_true_score),
                ("mean_matched_score", one.mean_matched_score),
                ("panoptic_quality", one.panoptic_quality),
            ]:
                assert (value or 0.0) == pytest.approx(getattr(peer, name), abs=1e-6), name
    assert 0 < ours.instances[8].tp < ours.instances[0].tp < 24 * 3  # the case is no trivial one
