"""Thresholds of trained networks, searched on validation images."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.files import write_text
from btrackmate.core.progress import Progress
from btrackmate.metrics.overlap import Overlap, count_overlaps
from btrackmate.metrics.segmentation import match_instances
from btrackmate.segmentation.backend import read_json
from btrackmate.segmentation.merging import find_wall_threshold
from btrackmate.segmentation.networks import Models
from btrackmate.segmentation.segment import segment_volume
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel, UNetPrediction
from btrackmate.training.dataset import Pair
from btrackmate.training.objective import Objective

PROB_GRID = tuple(round(0.05 + 0.01 * i, 2) for i in range(91))
NMS_GRID = tuple(round(0.1 + 0.05 * i, 2) for i in range(11))
FOREGROUND_GRID = tuple(round(0.1 + 0.01 * i, 2) for i in range(81))
BOUNDARY_GRID = tuple(round(0.2 + 0.1 * i, 1) for i in range(7))
BOUNDARY_STEPS = (0.05, 0.025)


@dataclass(frozen=True)
class Found:
    """Best thresholds and their score.

    Parameters
    ----------
    thresholds : dict
        By name, as in ``thresholds.json``.
    scores : dict
        What they reach on the validation images.
    table : list of dict
        The thresholds tried and the score of each.
    """

    thresholds: dict[str, float]
    scores: dict[str, float]
    table: list[dict[str, float]] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write ``thresholds.json`` into the model's folder; other values in it are kept."""
        path = folder / "thresholds.json"
        text = json.dumps(read_json(path) | self.thresholds, indent=2) + "\n"
        write_text(path, text)


def score_hits(objective: Objective, hits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average F1 or AP over the IoU thresholds.

    Parameters
    ----------
    objective : Objective
    hits : (…, IoU thresholds, 3) ndarray
        True positives, false positives and false negatives, summed over the images.

    Returns
    -------
    (…) ndarray
        0 without any object.
    """
    weight = 2 if objective.metric == "f1" else 1
    found = weight * hits[..., 0]
    total = found + hits[..., 1] + hits[..., 2]
    result: NDArray[np.float64] = np.mean(found / np.maximum(total, 1), axis=-1)
    return result


def count_hits(objective: Objective, overlap: Overlap) -> NDArray[np.float64]:
    """Match one image's objects at every IoU threshold; (IoU thresholds, 3)."""
    scores = (match_instances(overlap, iou) for iou in objective.iou)
    return np.array([(s.tp, s.fp, s.fn) for s in scores], float)


def average_score(
    pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]], objective: Objective
) -> float:
    """Average F1 or AP over images and IoU thresholds.

    Parameters
    ----------
    pairs : iterable of (truth, result)
        Label images.
    objective : Objective

    Returns
    -------
    float
        Objects are pooled over the images; 0 without any.
    """
    hits = np.zeros((len(objective.iou), 3))
    for truth, result in pairs:
        hits += count_hits(objective, count_overlaps(truth, result))
    return float(score_hits(objective, hits))


def search_stardist(
    model: StarDistModel,
    pairs: tuple[Pair, ...],
    progress: Progress,
    objective: Objective | None = None,
) -> Found:
    """Search the probability and NMS thresholds that give StarDist the best score.

    Parameters
    ----------
    model : StarDistModel
    pairs : tuple of Pair
        Validation images.
    progress : Progress
        Called after each image and NMS threshold.
    objective : Objective, optional
        Mean F1 over IoU 0.3, 0.5 and 0.7 if left out.

    Returns
    -------
    Found
        ``prob`` and ``nms``; of equals, those nearest to the middle of the best.

    Notes
    -----
    Every pair of `PROB_GRID` and `NMS_GRID` is scored, yet the network runs once an image, and
    suppression and drawing once for each NMS threshold, at the lowest probability: a shape is
    only suppressed, and only covered, by more probable ones, so a higher threshold just leaves
    out the shapes below it.
    """
    objective = objective or Objective()
    hits = np.zeros((len(PROB_GRID), len(NMS_GRID), len(objective.iou), 3))
    for done, pair in enumerate(pairs):
        maps = model.predict_maps(pair.image)
        for column, nms in enumerate(NMS_GRID):
            shapes = model.find_shapes(maps, PROB_GRID[0], nms, nms="exact")
            overlap = count_overlaps(pair.labels, model.render(shapes, pair.image.shape))
            known: dict[int, NDArray[np.float64]] = {}
            for row, prob in enumerate(PROB_GRID):
                count = int(np.count_nonzero(shapes.scores > prob))
                if count not in known:
                    known[count] = count_hits(objective, _keep_first(overlap, count))
                hits[row, column] += known[count]
            progress(
                "thresholds StarDist", done * len(NMS_GRID) + column + 1, len(pairs) * len(NMS_GRID)
            )
    scores = score_hits(objective, hits)
    table = [
        {"prob": prob, "nms": nms, objective.title: float(scores[row, column])}
        for row, prob in enumerate(PROB_GRID)
        for column, nms in enumerate(NMS_GRID)
    ]
    prob, nms = middle_of_best({(t["prob"], t["nms"]): t[objective.title] for t in table})
    best = float(scores[PROB_GRID.index(prob), NMS_GRID.index(nms)])
    return Found({"prob": prob, "nms": nms}, {objective.title: best}, table)


def _keep_first(overlap: Overlap, count: int) -> Overlap:
    """Take result objects with a label above `count` away, as if they had not been drawn."""
    kept = int(np.searchsorted(overlap.result_ids, count, side="right"))
    pairs = overlap.result_index < kept
    return Overlap(
        overlap.truth_ids,
        overlap.truth_sizes,
        overlap.result_ids[:kept],
        overlap.result_sizes[:kept],
        overlap.truth_index[pairs],
        overlap.result_index[pairs],
        overlap.shared[pairs],
        overlap.n_voxels,
        overlap.n_different,
    )


def search_unet(
    model: UNetModel,
    pairs: tuple[Pair, ...],
    progress: Progress,
    objective: Objective | None = None,
) -> Found:
    """Search the foreground threshold with the best overlap, then the best boundary threshold.

    Parameters
    ----------
    model : UNetModel
    pairs : tuple of Pair
        Validation images.
    progress : Progress
        Called after each image and boundary threshold.
    objective : Objective, optional
        For the boundary threshold; mean F1 over IoU 0.3, 0.5 and 0.7 if left out.

    Returns
    -------
    Found
        ``foreground`` by the intersection over union of the mask, and, if the network predicts
        boundaries, ``boundary`` by the score of the cells that the U-Net finds alone: on
        `BOUNDARY_GRID`, then by `BOUNDARY_STEPS` around the best. ``wall``: the boundary value
        below which lies one in a hundred of the true walls, if there are enough; see
        `Fusion.find_shared`.
    """
    objective = objective or Objective()
    predictions = []
    for done, pair in enumerate(pairs):
        predictions.append(model.predict(pair.image))
        progress("predict U-Net", done + 1, len(pairs))
    overlap = measure_foreground(pairs, predictions)
    table = [{"foreground": level, "IoU": value} for (level,), value in overlap.items()]
    (foreground,) = middle_of_best(overlap)
    thresholds = {"foreground": foreground}
    scores = {"foreground_IoU": overlap[(foreground,)]}
    if model.outputs == 2:
        tried: dict[tuple[float, ...], float] = {}
        total = len(BOUNDARY_GRID) + 2 * len(BOUNDARY_STEPS)

        def try_level(level: float) -> None:
            if (level,) not in tried and 0 < level < 1:
                found = (_unet_cells(p, foreground, level) for p in predictions)
                truths = (pair.labels for pair in pairs)
                tried[(level,)] = average_score(zip(truths, found, strict=True), objective)
                progress("thresholds U-Net", min(len(tried), total), total)

        for level in BOUNDARY_GRID:
            try_level(level)
        for step in BOUNDARY_STEPS:
            (middle,) = middle_of_best(tried)
            try_level(round(middle - step, 4))
            try_level(round(middle + step, 4))
        (thresholds["boundary"],) = middle_of_best(tried)
        scores[objective.title] = tried[(thresholds["boundary"],)]
        table += [{"boundary": k, objective.title: v} for (k,), v in sorted(tried.items())]
        wall = find_wall_threshold(
            (pair.labels for pair in pairs),
            (p.boundary for p in predictions if p.boundary is not None),
        )
        if wall is not None:
            thresholds["wall"] = round(wall, 4)
    return Found(thresholds, scores, table)


def measure_foreground(
    pairs: tuple[Pair, ...], predictions: list[UNetPrediction]
) -> dict[tuple[float, ...], float]:
    """Measure the mask's intersection over union with the cells at every foreground threshold.

    Parameters
    ----------
    pairs : tuple of Pair
    predictions : list of UNetPrediction
        Of each pair's image.

    Returns
    -------
    dict of (float,) to float
        By threshold, over all images' voxels; one pass over them whatever the thresholds.
    """
    edges = np.array([-np.inf, *FOREGROUND_GRID, np.inf], np.float32)  # As masks are compared.
    inside, outside = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    for pair, prediction in zip(pairs, predictions, strict=True):
        # A value above the threshold is tissue, so one on it belongs to the bin below.
        bins = np.searchsorted(edges, prediction.foreground, side="left") - 1
        counts = np.bincount(
            (2 * bins + (pair.labels > 0)).ravel(), minlength=2 * len(inside)
        ).reshape(-1, 2)
        outside += counts[:, 0]
        inside += counts[:, 1]
    shared = np.cumsum(inside[::-1])[::-1][1:]
    union = inside.sum() + np.cumsum(outside[::-1])[::-1][1:]
    values = shared / np.maximum(union, 1)
    return {(level,): float(v) for level, v in zip(FOREGROUND_GRID, values, strict=True)}


@dataclass(frozen=True)
class RecordedMask:
    """Gives a U-Net prediction made before instead of running the network."""

    prediction: UNetPrediction
    foreground_thresh: float | None
    boundary_thresh: float | None
    wall_thresh: float | None = None

    def predict(self, *_arguments: Any, **_options: Any) -> UNetPrediction:
        """Return the recorded prediction."""
        return self.prediction


def _unet_cells(
    prediction: UNetPrediction, foreground: float, boundary: float
) -> NDArray[np.uint32]:
    settings = SegmentationSettings(mode="unet")
    models = Models(None, RecordedMask(prediction, foreground, boundary))
    image = prediction.foreground
    return segment_volume(image, Calibration(), settings, models).labels


def middle_of_best(scores: dict[tuple[float, ...], float]) -> tuple[float, ...]:
    """Thresholds of the best score; of equals, the one nearest to the middle of them."""
    best = max(scores.values())
    keys = sorted(key for key, value in scores.items() if value >= best - 1e-12)
    centre = np.mean(keys, axis=0)
    return min(keys, key=lambda key: (float(np.abs(np.array(key) - centre).sum()), key))
