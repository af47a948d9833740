"""Search of thresholds for models that are trained already, on labelled images."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.io.images import open_movie
from btrackmate.segmentation.backend import read_json
from btrackmate.segmentation.networks import Models, choose_percentiles
from btrackmate.segmentation.segment import segment_volume
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.segmentation.shapes import StarDistPrediction, interpolate_grid
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel, UNetPrediction
from btrackmate.training.dataset import Pair, load_pairs, pair_files
from btrackmate.training.settings import TrainSettings
from btrackmate.training.thresholds import (
    PROB_GRID,
    Found,
    Objective,
    RecordedMask,
    average_score,
    search_stardist,
    search_unet,
)

Target = Literal["networks", "stardist", "unet", "vollseg"]

_STEPS = {"prob": (0.1, 0.05, 0.02), "boundary": (0.1, 0.05, 0.02), "foreground": (0.1, 0.05)}


class OptimiseSettings(Objective):
    """Settings of the search of thresholds."""

    target: Target = Field(
        default="networks",
        description="What is made good: networks (StarDist and U-Net, each alone), one of them, "
        "or vollseg (the two fused, from the networks' own optimum; slower).",
    )
    model_dir: Path | None = Field(
        default=None, description="Folder that holds the model folders; as for segment."
    )
    stardist: str = Field(default="stardist", description="Name of the StarDist model's folder.")
    unet: str = Field(default="unet", description="Name of the U-Net model's folder.")
    norm_low: float | None = Field(
        default=None, ge=0, lt=100, description="Percentile that becomes 0; the training's."
    )
    norm_high: float | None = Field(
        default=None, gt=0, le=100, description="Percentile that becomes 1; the training's."
    )


@dataclass(frozen=True)
class Optimised:
    """What a search found for one model, or for the two fused.

    Parameters
    ----------
    title : str
        ``"StarDist"``, ``"U-Net"`` or ``"VollSeg"``.
    folders : tuple of Path
        Model folders that the thresholds belong to.
    before : dict
        Thresholds until now.
    found : Found
    score_before : float or None
        Score of the thresholds until now, where it was measured.
    """

    title: str
    folders: tuple[Path, ...]
    before: dict[str, float]
    found: Found
    score_before: float | None

    def save(self) -> None:
        """Write the thresholds into ``thresholds.json`` of the folders they belong to."""
        for folder, names in zip(self.folders, _NAMES[self.title], strict=True):
            own = {k: v for k, v in self.found.thresholds.items() if k in names}
            Found(own, {}).save(folder)


_STARDIST_NAMES, _UNET_NAMES = ("prob", "nms"), ("foreground", "boundary")
_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "StarDist": (_STARDIST_NAMES,),
    "U-Net": (_UNET_NAMES,),
    "VollSeg": (_STARDIST_NAMES, _UNET_NAMES),
}


def optimise_thresholds(
    data_dir: Path, settings: OptimiseSettings, progress: Progress = ignore_progress
) -> list[Optimised]:
    """Search the thresholds of trained models on labelled images.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/`` and ``Segmentation/``; best images that did not train.
    settings : OptimiseSettings
    progress : Progress
        Called after each step.

    Returns
    -------
    list of Optimised
        One for each model, or one for the two fused; nothing is written.

    Raises
    ------
    UserError
        If the images don't pair, hold no label or don't fit the models.
    """
    star = unet = None
    if settings.target != "unet":
        star = StarDistModel.load(settings.model_dir, settings.stardist)
    if settings.target != "stardist":
        unet = UNetModel.load(settings.model_dir, settings.unet)
    folders = [model.folder for model in (star, unet) if model is not None]
    pairs = _load(data_dir, settings, folders)
    results = []
    if star is not None:
        found = search_stardist(star, pairs, progress, settings)
        before = {"prob": star.prob_thresh, "nms": star.nms_thresh}
        results.append(
            Optimised("StarDist", (star.folder,), before, found, _look_up(found, before))
        )
    if unet is not None:
        found = search_unet(unet, pairs, progress, settings)
        before = read_json(unet.folder / "thresholds.json")
        results.append(Optimised("U-Net", (unet.folder,), before, found, None))
    if settings.target == "vollseg" and star is not None and unet is not None:
        calibrations = [_read_calibration(raw) for raw, _ in pair_files(data_dir)]
        fused = _Fused(star, unet, pairs, calibrations, settings, progress)
        return [fused.search([result.before for result in results], [r.found for r in results])]
    return results


def _load(data_dir: Path, settings: OptimiseSettings, folders: list[Path]) -> tuple[Pair, ...]:
    """Read the images, normalised as in the models' training."""
    low, high = choose_percentiles((settings.norm_low, settings.norm_high), folders)
    return load_pairs(data_dir, TrainSettings.parse({"norm_low": low, "norm_high": high}))


def _look_up(found: Found, before: dict[str, float]) -> float | None:
    """Find the score of given thresholds in the table, at its resolution."""
    where = {name: round(value, 2) for name, value in before.items()}
    for row in found.table:
        if all(abs(row[name] - value) < 1e-9 for name, value in where.items()):
            return next(v for k, v in row.items() if k not in where)
    return None


def _read_calibration(path: Path) -> Calibration:
    """Read an image's voxel size; 1 where it has none."""
    try:
        movie = open_movie(path, require_time=False)
    except UserError:
        return Calibration()
    try:
        return movie.calibration
    finally:
        movie.close()


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


@dataclass
class _Fused:
    """Search of the thresholds of VollSeg, one after the other, around the networks' own."""

    star: StarDistModel
    unet: UNetModel
    pairs: tuple[Pair, ...]
    calibrations: list[Calibration]
    settings: OptimiseSettings
    progress: Progress
    _names: tuple[str, ...] = ()
    _shapes: list[StarDistPrediction] = field(default_factory=list)
    _masks: list[UNetPrediction] = field(default_factory=list)
    _tried: dict[tuple[float, ...], float] = field(default_factory=dict)

    def search(self, before: list[dict[str, float]], start: list[Found]) -> Optimised:
        """Go along each threshold in turn, in ever smaller steps, while the score rises."""
        current = start[0].thresholds | start[1].thresholds
        self._names = tuple(current)
        self._predict(current["nms"])
        old = before[0] | before[1]
        score_before = None
        if set(old) >= set(current) and abs(old["nms"] - current["nms"]) < 1e-9:
            score_before = self._score({name: old[name] for name in self._names})
        best = self._score(current)
        for level in range(max(map(len, _STEPS.values()))):
            for name, steps in _STEPS.items():
                if name in current and level < len(steps):
                    current, best = self._climb(current, best, name, steps[level])
        table = [
            dict(zip(self._names, key, strict=True)) | {self.settings.title: value}
            for key, value in self._tried.items()
        ]
        folders = (self.star.folder, self.unet.folder)
        found = Found(current, {self.settings.title: best}, table)
        return Optimised("VollSeg", folders, old, found, score_before)

    def _climb(
        self, current: dict[str, float], best: float, name: str, step: float
    ) -> tuple[dict[str, float], float]:
        for sign in (-1, 1):
            while True:
                value = round(current[name] + sign * step, 4)
                if not PROB_GRID[0] <= value < 1:
                    break
                score = self._score(current | {name: value})
                if score <= best + 1e-12:
                    break
                current, best = current | {name: value}, score
        return current, best

    def _predict(self, nms: float) -> None:
        """Run both networks once an image."""
        for done, pair in enumerate(self.pairs):
            maps = self.star.predict_maps(pair.image)
            shapes = self.star.find_shapes(maps, PROB_GRID[0], nms, nms="exact")
            shape = pair.image.shape
            self._shapes.append(
                StarDistPrediction(
                    self.star.render(shapes, shape),
                    shapes.points,
                    shapes.scores,
                    interpolate_grid(maps.probability, self.star.grid, shape),
                    interpolate_grid(maps.distance.mean(axis=-1), self.star.grid, shape),
                )
            )
            self._masks.append(self.unet.predict(pair.image))
            self.progress("predict", done + 1, len(self.pairs))

    def _score(self, thresholds: dict[str, float]) -> float:
        key = tuple(thresholds[name] for name in self._names)
        if key not in self._tried:
            labels = []
            for i, pair in enumerate(self.pairs):
                models = Models(
                    _RecordedShapes(self._shapes[i], thresholds["prob"]),
                    RecordedMask(
                        self._masks[i],
                        thresholds["foreground"],
                        thresholds.get("boundary"),
                        self.unet.wall_thresh,
                    ),
                )
                result = segment_volume(
                    pair.image, self.calibrations[i], SegmentationSettings(), models
                )
                labels.append((pair.labels, result.labels))
            self._tried[key] = average_score(labels, self.settings)
            self.progress("thresholds VollSeg", len(self._tried), max(30, len(self._tried)))
        return self._tried[key]
