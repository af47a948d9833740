"""Thresholds of StarDist and U-Net fused (VollSeg), searched on labelled images."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.progress import Progress
from btrackmate.metrics.overlap import count_overlaps
from btrackmate.segmentation.networks import Models
from btrackmate.segmentation.result import SegmentationResult
from btrackmate.segmentation.seeds import STARDIST, raise_support, start_support
from btrackmate.segmentation.segment import segment_volume
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.segmentation.shapes import StarDistPrediction
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel, UNetPrediction
from btrackmate.training.dataset import Pair
from btrackmate.training.objective import Objective
from btrackmate.training.thresholds import (
    PROB_GRID,
    RecordedMask,
    average_score,
    count_hits,
    middle_of_best,
    score_hits,
)

#: Probabilities that are tried for cells without a StarDist shape.
RESCUE_GRID = tuple(round(0.05 * i, 2) for i in range(20))

#: Boundary values that are tried for weak walls.
WALL_GRID = tuple(round(0.1 * i, 1) for i in range(10))

_STEPS = {"prob": (0.1, 0.05, 0.02), "boundary": (0.1, 0.05, 0.02), "foreground": (0.1, 0.05)}


@dataclass(frozen=True)
class _RecordedShapes:
    """Gives StarDist's shapes above a threshold without running the network."""

    prediction: StarDistPrediction
    prob: float

    def predict(self, *_arguments: Any, **_options: Any) -> StarDistPrediction:
        whole = self.prediction
        count = int(np.count_nonzero(whole.scores > self.prob))
        labels = np.where(whole.labels <= count, whole.labels, 0).astype(np.int32)
        return StarDistPrediction(
            labels, whole.points[:count], whole.scores[:count], whole.probability, whole.distance
        )


def choose_wall(score: Callable[[float], float], highest: float) -> float:
    """Choose the boundary value below which a wall is weak.

    Parameters
    ----------
    score : callable
        Gives the score with a value; the larger the better.
    highest : float
        Tried as well as the values of `WALL_GRID` below it.

    Returns
    -------
    float
        Of equals, the one nearest to their middle.
    """
    levels = [level for level in WALL_GRID if level < highest] + [highest]
    (wall,) = middle_of_best({(level,): score(level) for level in levels})
    return wall


def choose_rescue(
    pairs: Iterable[tuple[NDArray[Any], SegmentationResult]], objective: Objective, highest: float
) -> tuple[float, float]:
    """Choose the StarDist probability that cells without a StarDist shape should need.

    Parameters
    ----------
    pairs : iterable of (truth, result)
        Label images with known cells, and what was found with ``rescue_thresh`` 0.
    objective : Objective
    highest : float
        Levels of `RESCUE_GRID` up to this one are tried.

    Returns
    -------
    rescue : float
        0 if dropping cells does not raise the score; of equals, the one nearest to their middle.
    score : float
        With it.
    """
    levels = [level for level in RESCUE_GRID if level <= highest]
    hits = np.zeros((len(levels), len(objective.iou), 3))
    for truth, result in pairs:
        support = start_support((result.cells["origin"] != STARDIST).to_numpy())
        if result.probability is not None:
            raise_support(support, result.labels, result.probability)
        for row, level in enumerate(levels):
            kept = np.where(support[result.labels] >= level, result.labels, 0)
            hits[row] += count_hits(objective, count_overlaps(truth, kept))
    scores = score_hits(objective, hits)
    if scores[0] >= scores.max() - 1e-12:
        return 0.0, float(scores[0])
    (rescue,) = middle_of_best({(k,): float(v) for k, v in zip(levels, scores, strict=True)})
    return rescue, float(scores.max())


@dataclass
class Fusion:
    """Both networks' predictions of labelled images, and the search of thresholds on them.

    Parameters
    ----------
    star : StarDistModel
    unet : UNetModel
    pairs : tuple of Pair
    calibrations : list of Calibration
        Of each pair's image.
    nms : float
        Threshold of StarDist's suppression.
    objective : Objective
    progress : Progress
        Called after each image and each set of thresholds.
    """

    star: StarDistModel
    unet: UNetModel
    pairs: tuple[Pair, ...]
    calibrations: list[Calibration]
    nms: float
    objective: Objective
    progress: Progress
    _seen: list[tuple[StarDistPrediction, UNetPrediction]] = field(default_factory=list)
    _tried: dict[tuple[tuple[str, float], ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for done, pair in enumerate(self.pairs):
            shapes = self.star.predict(
                pair.image, prob_thresh=PROB_GRID[0], nms_thresh=self.nms, nms="exact"
            )
            self._seen.append((shapes, self.unet.predict(pair.image)))
            self.progress("predict", done + 1, len(self.pairs))

    @property
    def table(self) -> list[dict[str, float]]:
        """Thresholds that were tried, and the score of each set."""
        return [dict(key) | {self.objective.title: v} for key, v in self._tried.items()]

    def climb(self, current: dict[str, float]) -> tuple[dict[str, float], float]:
        """Go along each threshold in turn, in ever smaller steps, while the score rises.

        Parameters
        ----------
        current : dict
            Thresholds to start from, by their names in ``thresholds.json``.

        Returns
        -------
        thresholds : dict
        score : float
        """
        best = self.score(current)
        for level in range(max(map(len, _STEPS.values()))):
            for name, steps in _STEPS.items():
                if name in current and level < len(steps):
                    current, best = self._climb(current, best, name, steps[level])
        return current, best

    def _climb(
        self, current: dict[str, float], best: float, name: str, step: float
    ) -> tuple[dict[str, float], float]:
        for sign in (-1, 1):
            while True:
                value = round(current[name] + sign * step, 4)
                if not PROB_GRID[0] <= value < 1:
                    break
                score = self.score(current | {name: value})
                if score <= best + 1e-12:
                    break
                current, best = current | {name: value}, score
        return current, best

    def score(self, thresholds: dict[str, float]) -> float:
        """Score the fused cells of all images; without ``rescue`` none needs StarDist's vote."""
        key = tuple(thresholds.items())
        if key not in self._tried:
            results = self._segment(thresholds)
            pairs = ((p.labels, r.labels) for p, r in zip(self.pairs, results, strict=True))
            self._tried[key] = average_score(pairs, self.objective)
            self.progress("thresholds VollSeg", len(self._tried), max(30, len(self._tried) + 1))
        return self._tried[key]

    def find_shared(self, thresholds: dict[str, float]) -> tuple[dict[str, float], float]:
        """Find the thresholds that only the fusion has: of weak walls, then of rescued cells.

        Parameters
        ----------
        thresholds : dict
            All others; ``wall`` is the highest that is tried, and left out where it is.

        Returns
        -------
        thresholds : dict
            ``wall`` and ``rescue``.
        score : float
            With all.
        """
        shared = {}
        if "wall" in thresholds:
            shared["wall"] = choose_wall(
                lambda level: self.score(thresholds | {"wall": level, "rescue": 0}),
                thresholds["wall"],
            )
        shared["rescue"], score = self.find_rescue(thresholds | shared)
        return shared, score

    def find_rescue(self, thresholds: dict[str, float]) -> tuple[float, float]:
        """Find the StarDist probability that cells without a StarDist shape should need.

        Parameters
        ----------
        thresholds : dict
            All others; a ``rescue`` among them does not count.

        Returns
        -------
        rescue, score : float
            See `choose_rescue`.
        """
        results = self._segment(thresholds | {"rescue": 0})
        pairs = zip((pair.labels for pair in self.pairs), results, strict=True)
        return choose_rescue(pairs, self.objective, thresholds["prob"])

    def _segment(self, thresholds: dict[str, float]) -> Iterator[SegmentationResult]:
        settings = SegmentationSettings(rescue_thresh=thresholds.get("rescue", 0))
        for (shapes, mask), pair, calibration in zip(
            self._seen, self.pairs, self.calibrations, strict=True
        ):
            models = Models(
                _RecordedShapes(shapes, thresholds["prob"]),
                RecordedMask(
                    mask,
                    thresholds["foreground"],
                    thresholds.get("boundary"),
                    thresholds.get("wall", self.unet.wall_thresh),
                ),
            )
            yield segment_volume(pair.image, calibration, settings, models)
