"""Segmentation scores: instance matching, average precision, SEG, MSE and SSIM."""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.metrics.overlap import IntArray, Overlap, count_overlaps
from btrackmate.metrics.ratios import divide, f1_score
from btrackmate.metrics.similarity import SSIM_WINDOW, compare_structure

#: IoU thresholds τ at which objects are matched.
THRESHOLDS: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class InstanceScores:
    """Objects matched at one IoU threshold τ.

    A truth and a result object may be matched if their IoU is at least τ. Objects are matched one
    to one so that as many as possible are, and among such matchings the one with the largest sum
    of IoU over all assigned objects is taken (Hungarian; the rule of stardist.matching).

    Parameters
    ----------
    threshold : float
        τ.
    tp, fp, fn : int
        Matched pairs, unmatched result objects, unmatched truth objects.
    matched_iou : float
        Sum of the IoU of the matched pairs.
    """

    threshold: float
    tp: int
    fp: int
    fn: int
    matched_iou: float

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP); None where the result holds no object."""
        return divide(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """TP / (TP + FN); None where the truth holds no object."""
        return divide(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN): harmonic mean of precision and recall; None without objects."""
        return f1_score(self.tp, self.fp, self.fn)

    @property
    def ap(self) -> float | None:
        """Average precision TP / (TP + FP + FN), stardist's "accuracy"; None without objects."""
        return divide(self.tp, self.tp + self.fp + self.fn)

    @property
    def mean_true_score(self) -> float | None:
        """Sum of matched IoU over the number of truth objects; None where there are none."""
        return divide(self.matched_iou, self.tp + self.fn)

    @property
    def mean_matched_score(self) -> float | None:
        """Mean IoU of the matched pairs; None where nothing is matched."""
        return divide(self.matched_iou, self.tp)

    @property
    def panoptic_quality(self) -> float | None:
        """Sum of matched IoU / (TP + FP/2 + FN/2); None without objects.

        References
        ----------
        Kirillov et al. 2019, CVPR, eq. 1, doi:10.1109/CVPR.2019.00963
        """
        return divide(self.matched_iou, self.tp + self.fp / 2 + self.fn / 2)


@dataclass(frozen=True)
class ImageScores:
    """Scores of one label image against its truth.

    Parameters
    ----------
    n_truth, n_result : int
        Objects in each.
    covered_iou : float
        Sum over truth objects of the IoU with the result object that covers more than half of it.
    instances : tuple of InstanceScores
        One for each τ of :data:`THRESHOLDS`.
    n_voxels, n_different : int
        Voxels, and those that are object in one image and background in the other.
    SSIM : float or None
        Structural similarity of the binarised labels, see
        :func:`btrackmate.metrics.similarity.compare_structure`.
    ssim_window : int
        Edge of its window, voxels.
    """

    n_truth: int
    n_result: int
    covered_iou: float
    instances: tuple[InstanceScores, ...]
    n_voxels: int
    n_different: int
    SSIM: float | None
    ssim_window: int

    @property
    def SEG(self) -> float | None:
        """Mean of covered_iou over the truth objects; None where there are none."""
        return divide(self.covered_iou, self.n_truth)

    @property
    def MSE(self) -> float | None:
        """Mean squared error of the binarised labels: the fraction of voxels that differ."""
        return divide(self.n_different, self.n_voxels)

    def to_dict(self) -> dict[str, float | int | None]:
        """Give all numbers by the field's names, as `SegmentationScores.to_dict`."""
        return {
            "n_truth_objects": self.n_truth,
            "n_result_objects": self.n_result,
            "SEG": self.SEG,
            "MSE": self.MSE,
            "SSIM": self.SSIM,
            "SSIM_window": self.ssim_window,
            **_name_matchings(self.instances),
        }


@dataclass(frozen=True)
class SegmentationScores:
    """Scores of a set of label images, pooled over all objects and voxels.

    Parameters
    ----------
    images : tuple of ImageScores
        Scores of each image.
    instances : tuple of InstanceScores
        Matching at each τ, counts summed over images.
    names : tuple of str
        Name of each image.

    References
    ----------
    SEG: Maška et al. 2014, Bioinformatics 30:1609–1617, doi:10.1093/bioinformatics/btu080
    """

    images: tuple[ImageScores, ...]
    instances: tuple[InstanceScores, ...]
    names: tuple[str, ...]

    @property
    def SEG(self) -> float | None:
        """Mean over all truth objects of the IoU with the result object covering most of it.

        0 for a truth object of which no result object covers more than half; None where the
        truth holds no object.
        """
        covered = sum(image.covered_iou for image in self.images)
        return divide(covered, sum(image.n_truth for image in self.images))

    @property
    def MSE(self) -> float | None:
        """Mean squared error of the binarised labels over all voxels of all images."""
        different = sum(image.n_different for image in self.images)
        return divide(different, sum(image.n_voxels for image in self.images))

    @property
    def SSIM(self) -> float | None:
        """Mean over images of the structural similarity of the binarised labels."""
        values = [image.SSIM for image in self.images if image.SSIM is not None]
        return divide(sum(values), len(values))

    def at(self, threshold: float) -> InstanceScores:
        """Give the matching at one τ of :data:`THRESHOLDS`."""
        return self.instances[THRESHOLDS.index(threshold)]

    def to_dict(self) -> dict[str, float | int | None]:
        """Give all pooled numbers by the field's names, e.g. SEG, AP_0.5, F1_0.5, MSE, SSIM."""
        return {
            "n_images": len(self.images),
            "n_truth_objects": sum(image.n_truth for image in self.images),
            "n_result_objects": sum(image.n_result for image in self.images),
            "SEG": self.SEG,
            "MSE": self.MSE,
            "SSIM": self.SSIM,
            "SSIM_window": min((image.ssim_window for image in self.images), default=None),
            **_name_matchings(self.instances),
        }

    def to_table(self) -> pd.DataFrame:
        """Give one row an image and one for all of them, `pooled`; columns as `to_dict`."""
        rows = [image.to_dict() for image in self.images]
        pooled = {name: value for name, value in self.to_dict().items() if name != "n_images"}
        table = pd.DataFrame([*rows, pooled])
        table.insert(0, "image", [*self.names, "pooled"])
        return table


def _name_matchings(instances: tuple[InstanceScores, ...]) -> dict[str, float | int | None]:
    values: dict[str, float | int | None] = {}
    for scores in instances:
        tau = f"{scores.threshold:g}"
        values |= {
            f"AP_{tau}": scores.ap,
            f"precision_{tau}": scores.precision,
            f"recall_{tau}": scores.recall,
            f"F1_{tau}": scores.f1,
            f"mean_true_score_{tau}": scores.mean_true_score,
            f"mean_matched_score_{tau}": scores.mean_matched_score,
            f"panoptic_quality_{tau}": scores.panoptic_quality,
            f"TP_{tau}": scores.tp,
            f"FP_{tau}": scores.fp,
            f"FN_{tau}": scores.fn,
        }
    return values


def score_segmentation(
    truth_frames: Iterable[NDArray[Any]],
    result_frames: Iterable[NDArray[Any]],
    *,
    progress: Progress = ignore_progress,
    ssim_window: int = SSIM_WINDOW,
) -> SegmentationScores:
    """Score label images against their truth, one by one and pooled.

    Parameters
    ----------
    truth_frames, result_frames : iterable of ([Z,] Y, X) ndarray of int
        Label images in the same order, e.g. a (T, [Z,] Y, X) array; 0 is background, ids up to
        2³²−1. Ids need not agree. They are read one pair at a time.
    progress : callable
        See :class:`btrackmate.core.progress.Progress`.
    ssim_window : int
        Edge of the SSIM window, voxels, odd.

    Raises
    ------
    UserError
        If the numbers of images or their shapes differ, there is no image, or an image is no
        label image.
    """
    total = len(truth_frames) if isinstance(truth_frames, Sized) else 0
    pairs = _pair_frames(truth_frames, result_frames)
    return score_pairs(pairs, total, progress=progress, ssim_window=ssim_window)


def score_pairs(
    pairs: Iterable[tuple[str, NDArray[Any], NDArray[Any]]],
    total: int = 0,
    *,
    progress: Progress = ignore_progress,
    ssim_window: int = SSIM_WINDOW,
) -> SegmentationScores:
    """Score named label images against their truth, as `score_segmentation`.

    Parameters
    ----------
    pairs : iterable of (str, ndarray, ndarray)
        Name, truth and result of each image.
    total : int
        How many there are, for the progress; 0 if that is not known.
    progress : callable
    ssim_window : int
    """
    images: list[ImageScores] = []
    names: list[str] = []
    for name, truth, result in pairs:
        images.append(_score_image(truth, result, f"label image {name}", ssim_window))
        names.append(name)
        count = len(images)
        progress("scoring segmentation", count, total if total >= count else count + 1)
    if not images:
        msg = "got no label image, expected at least one of truth and result"
        raise UserError(msg)
    if len(images) != total:
        progress("scoring segmentation", len(images), len(images))
    return SegmentationScores(tuple(images), _pool(images), tuple(names))


def _pair_frames(
    truth_frames: Iterable[NDArray[Any]], result_frames: Iterable[NDArray[Any]]
) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    for number, (truth, result) in enumerate(zip_longest(truth_frames, result_frames)):
        if truth is None or result is None:
            msg = f"the {'truth' if truth is None else 'result'} ends after {number} label images, "
            msg += "the other does not; give as many results as truths"
            raise UserError(msg)
        yield str(number), truth, result


def match_instances(overlap: Overlap, threshold: float) -> InstanceScores:
    """Match objects one to one at an IoU threshold τ.

    Parameters
    ----------
    overlap : Overlap
        Contingency of truth and result, from :func:`btrackmate.metrics.overlap.count_overlaps`.
    threshold : float
        τ, 0 < τ ≤ 1.
    """
    n_truth, n_result = overlap.truth_ids.size, overlap.result_ids.size
    good = overlap.iou >= threshold
    rows, columns = overlap.truth_index[good], overlap.result_index[good]
    if np.unique(rows).size < rows.size or np.unique(columns).size < columns.size:
        matched = _assign(overlap, good)
    else:
        matched = np.flatnonzero(good)
    tp = int(matched.size)
    return InstanceScores(
        threshold, tp, n_result - tp, n_truth - tp, float(overlap.iou[matched].sum())
    )


def _assign(overlap: Overlap, good: NDArray[np.bool_]) -> IntArray:
    """Pick the best pairs by one sparse assignment and return those that are good.

    The gain of a pair is 1 if it is good plus IoU/(2·min(p, q)); each truth object has a private
    column of gain 0, "not assigned". All gains are turned into costs by one constant, which
    changes nothing as every truth object is assigned once.
    """
    n_truth, n_result = overlap.truth_ids.size, overlap.result_ids.size
    gain = good + overlap.iou / (2 * min(n_truth, n_result))
    rows = np.concatenate((overlap.truth_index, np.arange(n_truth)))
    columns = np.concatenate((overlap.result_index, n_result + np.arange(n_truth)))
    cost = 2.0 - np.concatenate((gain, np.zeros(n_truth)))
    matrix = csr_array((cost, (rows, columns)), shape=(n_truth, n_result + n_truth))
    assigned_row, assigned_column = min_weight_full_bipartite_matching(matrix)
    width = n_result + n_truth
    chosen = assigned_row.astype(np.int64) * width + assigned_column
    pair = overlap.truth_index * width + overlap.result_index
    return np.flatnonzero(good & np.isin(pair, chosen))


def _score_image(
    truth: NDArray[Any], result: NDArray[Any], source: str, ssim_window: int
) -> ImageScores:
    overlap = count_overlaps(truth, result, source=source)
    covered = overlap.covering[overlap.covering >= 0]
    ssim, window = compare_structure(truth, result, ssim_window)
    return ImageScores(
        overlap.truth_ids.size,
        overlap.result_ids.size,
        float(overlap.iou[covered].sum()),
        tuple(match_instances(overlap, threshold) for threshold in THRESHOLDS),
        overlap.n_voxels,
        overlap.n_different,
        ssim,
        window,
    )


def _pool(images: list[ImageScores]) -> tuple[InstanceScores, ...]:
    """Sum counts and matched IoU over images at each τ."""
    pooled = []
    for number, threshold in enumerate(THRESHOLDS):
        parts = [image.instances[number] for image in images]
        pooled.append(
            InstanceScores(
                threshold,
                sum(part.tp for part in parts),
                sum(part.fp for part in parts),
                sum(part.fn for part in parts),
                sum(part.matched_iou for part in parts),
            )
        )
    return tuple(pooled)
