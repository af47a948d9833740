"""Thresholds of trained networks, searched on the validation images."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.progress import Progress
from btrackmate.metrics.overlap import count_overlaps
from btrackmate.metrics.segmentation import match_instances
from btrackmate.segmentation.networks import Models
from btrackmate.segmentation.segment import segment_volume
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel, UNetPrediction
from btrackmate.training.dataset import Pair

IOU_THRESHOLDS = (0.3, 0.5, 0.7)
"""Matching thresholds over which F1 is averaged, as StarDist does."""

PROB_GRID = tuple(round(0.2 + 0.05 * i, 2) for i in range(13))
NMS_GRID = (0.2, 0.3, 0.4, 0.5)
FOREGROUND_GRID = tuple(round(0.2 + 0.05 * i, 2) for i in range(13))
BOUNDARY_GRID = tuple(round(0.2 + 0.1 * i, 1) for i in range(7))


@dataclass(frozen=True)
class Found:
    """Best thresholds and their score.

    Parameters
    ----------
    thresholds : dict
        By name, as in ``thresholds.json``.
    scores : dict
        What they reach on the validation images.
    """

    thresholds: dict[str, float]
    scores: dict[str, float]

    def save(self, folder: Path) -> None:
        """Write ``thresholds.json`` into the model's folder."""
        text = json.dumps(self.thresholds, indent=2) + "\n"
        (folder / "thresholds.json").write_text(text, encoding="utf-8")


def average_f1(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Average F1 over images and `IOU_THRESHOLDS`.

    Parameters
    ----------
    pairs : iterable of (truth, result)
        Label images.

    Returns
    -------
    float
        Objects are pooled over the images; 0 without any.
    """
    hits = np.zeros((len(IOU_THRESHOLDS), 3))
    for truth, result in pairs:
        overlap = count_overlaps(truth, result)
        for row, iou in zip(hits, IOU_THRESHOLDS, strict=True):
            scores = match_instances(overlap, iou)
            row += (scores.tp, scores.fp, scores.fn)
    total = 2 * hits[:, 0] + hits[:, 1] + hits[:, 2]
    return float(np.mean(2 * hits[:, 0] / np.maximum(total, 1)))


def search_stardist(model: StarDistModel, pairs: tuple[Pair, ...], progress: Progress) -> Found:
    """Search the probability and NMS thresholds that give StarDist the best F1.

    Parameters
    ----------
    model : StarDistModel
    pairs : tuple of Pair
        Validation images.
    progress : Progress
        Called after each image.

    Returns
    -------
    Found
        ``prob`` and ``nms``; of equals, those nearest to the middle of the best.

    Notes
    -----
    The network and, for each NMS threshold, the suppression run once: a higher probability
    threshold only drops shapes from the result of a lower one.
    """
    results: dict[tuple[float, ...], list[tuple[NDArray[Any], NDArray[Any]]]] = {}
    for done, pair in enumerate(pairs):
        maps = model.predict_maps(pair.image)
        for nms in NMS_GRID:
            shapes = model.find_shapes(maps, min(PROB_GRID), nms, candidate_filter=True)
            for prob in PROB_GRID:
                labels = model.render(shapes.above(prob), pair.image.shape)
                results.setdefault((prob, nms), []).append((pair.labels, labels))
        progress("thresholds StarDist", done + 1, len(pairs))
    scores = {key: average_f1(value) for key, value in results.items()}
    prob, nms = _middle_of_best(scores)
    return Found({"prob": prob, "nms": nms}, {"F1": scores[prob, nms]})


def search_unet(model: UNetModel, pairs: tuple[Pair, ...], progress: Progress) -> Found:
    """Search the foreground threshold with the best overlap, then the best boundary threshold.

    Parameters
    ----------
    model : UNetModel
    pairs : tuple of Pair
        Validation images.
    progress : Progress
        Called after each image and boundary threshold.

    Returns
    -------
    Found
        ``foreground`` by the intersection over union of the mask, and, if the network predicts
        boundaries, ``boundary`` by the F1 of the cells that the U-Net finds alone.
    """
    steps = len(pairs) + (len(BOUNDARY_GRID) if model.outputs == 2 else 0)
    predictions = []
    for done, pair in enumerate(pairs):
        predictions.append(model.predict(pair.image))
        progress("thresholds U-Net", done + 1, steps)
    overlap: dict[tuple[float, ...], float] = {}
    for level in FOREGROUND_GRID:
        shared = union = 0
        for pair, prediction in zip(pairs, predictions, strict=True):
            mask, truth = prediction.foreground > level, pair.labels > 0
            shared += int(np.count_nonzero(mask & truth))
            union += int(np.count_nonzero(mask | truth))
        overlap[(level,)] = shared / max(union, 1)
    (foreground,) = _middle_of_best(overlap)
    thresholds = {"foreground": foreground}
    scores = {"foreground_IoU": overlap[(foreground,)]}
    if model.outputs == 2:
        f1: dict[tuple[float, ...], float] = {}
        for done, level in enumerate(BOUNDARY_GRID):
            found = [_unet_cells(p, foreground, level) for p in predictions]
            f1[(level,)] = average_f1(
                (pair.labels, labels) for pair, labels in zip(pairs, found, strict=True)
            )
            progress("thresholds U-Net", len(pairs) + done + 1, steps)
        (thresholds["boundary"],) = _middle_of_best(f1)
        scores["F1"] = f1[(thresholds["boundary"],)]
    return Found(thresholds, scores)


@dataclass(frozen=True)
class _Recorded:
    """Gives a prediction made before instead of running the network."""

    prediction: UNetPrediction
    foreground_thresh: float | None
    boundary_thresh: float | None

    def predict(
        self, image: NDArray[np.float32], n_tiles: tuple[int, ...] | None
    ) -> UNetPrediction:
        return self.prediction


def _unet_cells(
    prediction: UNetPrediction, foreground: float, boundary: float
) -> NDArray[np.uint32]:
    settings = SegmentationSettings(mode="unet")
    models = Models(None, _Recorded(prediction, foreground, boundary))
    image = prediction.foreground
    return segment_volume(image, Calibration(), settings, models).labels


def _middle_of_best(scores: dict[tuple[float, ...], float]) -> tuple[float, ...]:
    """Thresholds of the best score; of equals, the one nearest to the middle of them."""
    best = max(scores.values())
    keys = sorted(key for key, value in scores.items() if value >= best - 1e-12)
    centre = np.mean(keys, axis=0)
    return min(keys, key=lambda key: (float(np.abs(np.array(key) - centre).sum()), key))
