"""VollSeg, StarDist and U-Net on irregular cells: the paper's Figures 3 to 5, and ablations.

Trains small networks once (they are kept in --folder and loaded the next time), segments the test
volumes and prints markdown tables; --figures writes the figures.

    python benchmarks/segmentation.py [--folder build/segmentation] [--figures docs]

Data: rendered tissue of irregular cells at three signal-to-noise ratios (12 volumes for training,
3 for tuning, 6 for the test), and two real stacks that ship with the package: the half of the
ovule that the shipped networks have not seen, and the last 44 planes of the nuclei, of which
networks were trained on the first 40. See segmentation_data.py.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import segmentation_data as data
from numpy.typing import NDArray
from segmentation_figures import draw_views

from btrackmate.core.calibration import Calibration
from btrackmate.metrics import SegmentationScores
from btrackmate.metrics.segmentation import score_pairs
from btrackmate.report.scores import draw_matching, draw_shape
from btrackmate.segmentation import (
    Models,
    SegmentationResult,
    SegmentationSettings,
    normalise_volume,
    segment_volume,
)
from btrackmate.segmentation.denoise import DenoiseModel
from btrackmate.segmentation.merging import find_wall_threshold
from btrackmate.segmentation.shapes import StarDistPrediction
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel, UNetPrediction
from btrackmate.training.fusion import choose_rescue, choose_wall
from btrackmate.training.objective import Objective
from btrackmate.training.thresholds import average_score

HEAD = "| | AP@0.5 | AP@0.7 | F1@0.5 | F1@0.7 | TP, FP, FN @0.5 | SEG | MSE | SSIM |"
#: Chosen on the tuning volumes (tissue), the training half (ovule), the validation planes (nuclei).
CHOSEN: dict[str, dict[str, Any]] = {
    "tissue": {"marker_radius": 0.5, "pooling": "basin"},
    "ovule": {"marker_radius": 0.3},
    "nuclei": {"marker_radius": 0.5, "join_thresh": 0.5},
}
METHODS: dict[str, dict[str, Any]] = {
    "VollSeg": {},
    "StarDist": {"mode": "stardist"},
    "U-Net": {"mode": "unet"},
}


@dataclass(frozen=True)
class Seen:
    """A volume and what the networks see in it."""

    case: data.Case
    shapes: StarDistPrediction
    tissue: UNetPrediction


class Recorded:
    """Stands for a network whose prediction is known."""

    def __init__(self, prediction: Any, unet: UNetModel | None = None) -> None:
        self.prediction = prediction
        self.foreground_thresh = unet and unet.foreground_thresh
        self.boundary_thresh = unet and unet.boundary_thresh
        self.wall_thresh = unet and unet.wall_thresh

    def predict(self, *_arguments: Any, **_options: Any) -> Any:
        """Give it."""
        return self.prediction


@dataclass(frozen=True)
class Study:
    """Test volumes of one data set, with their networks and settings."""

    name: str
    unet: UNetModel
    volumes: list[Seen]
    settings: dict[str, Any]

    def score(self, segment: Callable[[Seen], NDArray[Any]]) -> SegmentationScores:
        """Score a way of segmenting on all volumes."""
        return score_pairs(
            (seen.case.name, seen.case.stack.labels, segment(seen)) for seen in self.volumes
        )

    def segment(self, seen: Seen, calibration: Calibration | None = None, **changes: Any) -> Any:
        """Segment one volume; give its label image."""
        return self.fuse(seen, calibration, **changes).labels

    def fuse(
        self, seen: Seen, calibration: Calibration | None = None, **changes: Any
    ) -> SegmentationResult:
        """Segment one volume from what the networks see; changes are of the settings."""
        settings = SegmentationSettings(**(self.settings | changes))
        models = Models(Recorded(seen.shapes), Recorded(seen.tissue, self.unet))
        stack = seen.case.stack
        return segment_volume(stack.image, calibration or stack.calibration, settings, models)

    def choose_wall(self) -> float:
        """Choose `join_thresh` on these volumes."""
        highest = find_wall_threshold(
            [seen.case.stack.labels for seen in self.volumes],
            [seen.tissue.boundary for seen in self.volumes],
        )

        def score(level: float) -> float:
            return average_score(
                (
                    (seen.case.stack.labels, self.segment(seen, join_thresh=level, rescue_thresh=0))
                    for seen in self.volumes
                ),
                Objective(),
            )

        wall = choose_wall(score, highest)
        print(
            f"join_thresh of {self.name}, from the tuning volumes: {wall:.3f} (1 %: {highest:.3f})"
        )
        return wall

    def choose_rescue(self) -> float:
        """Choose `rescue_thresh` on these volumes."""
        pairs = ((s.case.stack.labels, self.fuse(s, rescue_thresh=0)) for s in self.volumes)
        rescue, _ = choose_rescue(pairs, Objective(), 1)
        print(f"rescue_thresh of {self.name}, from the tuning volumes: {rescue}")
        return rescue

    def compare(self) -> dict[str, SegmentationScores]:
        """Score the three methods, and the U-Net's mask alone (the paper's U-Net)."""
        scores = {
            name: self.score(lambda seen, c=changes: self.segment(seen, **c))
            for name, changes in METHODS.items()
        }
        scores["U-Net, mask alone"] = self.score(self._split_mask)
        return scores

    def _split_mask(self, seen: Seen) -> Any:
        bare = replace(seen, tissue=UNetPrediction(seen.tissue.foreground, None))
        return self.segment(bare, mode="unet")


def look(
    models: Path | None, cases: Iterable[data.Case], clean: DenoiseModel | None = None
) -> tuple[UNetModel, list[Seen]]:
    """Run both networks on volumes; on denoised ones if a denoiser is given."""
    star, unet = StarDistModel.load(models, "stardist"), UNetModel.load(models, "unet")
    volumes = []
    for case in cases:
        image = case.stack.image if clean is None else clean.denoise(case.stack.image)
        image = normalise_volume(image)
        volumes.append(Seen(case, star.predict(image), unet.predict(image)))
    return unet, volumes


def row(name: str, scores: SegmentationScores) -> str:
    half, high = scores.at(0.5), scores.at(0.7)
    return (
        f"| {name} | {half.ap:.3f} | {high.ap:.3f} | {half.f1:.3f} | {high.f1:.3f} | "
        f"{half.tp}, {half.fp}, {half.fn} | {scores.SEG:.3f} | {scores.MSE:.4f} | "
        f"{scores.SSIM:.4f} |"
    )


def print_head(title: str) -> None:
    print(f"\n{title}\n\n{HEAD}\n{'| --- ' * 9}|")


def pick(scores: SegmentationScores, level: str) -> SegmentationScores:
    """Take the volumes of one signal-to-noise ratio."""
    chosen = [i for i, name in enumerate(scores.names) if name.startswith(level)]
    parts = [scores.images[i].instances for i in chosen]
    pooled = tuple(
        replace(
            column[0],
            **{
                field: sum(getattr(one, field) for one in column)
                for field in ("tp", "fp", "fn", "matched_iou")
            },
        )
        for column in zip(*parts, strict=True)
    )
    images = tuple(scores.images[i] for i in chosen)
    return SegmentationScores(images, pooled, tuple(scores.names[i] for i in chosen))


def ablate(study: Study) -> None:
    """Print what each part of the fusion brings."""
    print_head(f"Ablations, {study.name}: one thing changed at a time")
    settings = study.settings
    print(row("VollSeg as above", study.score(study.segment)))
    variants: dict[str, dict[str, Any]] = {
        f"landscape {kind}": {"landscape": kind} for kind in ("probability", "distance", "flat")
    }
    variants |= {
        f"landscape {kind}, no joining": {"landscape": kind, "join_thresh": 0}
        for kind in ("boundary", "probability", "distance", "flat")
    }
    variants |= {
        f"pooling {kind}": {"pooling": kind}
        for kind in ("bbox", "region", "basin", "residual", "off")
        if kind != settings.get("pooling")
    }
    variants["cells that only the U-Net sees need no probability"] = {"rescue_thresh": 0}
    variants["mask not completed"] = {"complete_mask": False}
    variants |= {f"marker radius {r:g} µm": {"marker_radius": r} for r in (0.0, 1.0, 2.0)}
    for name, changes in variants.items():
        print(row(name, study.score(lambda seen, c=changes: study.segment(seen, **c))), flush=True)
    for radius in (1, 2):
        ball = study.score(
            lambda seen, r=radius: study.segment(seen, Calibration(), marker_radius=r)
        )
        print(row(f"marker radius {radius} voxels in all axes", ball))
    paper = {"landscape": "flat", "pooling": "bbox", "marker_radius": 2, "join_thresh": 0}
    paper["rescue_thresh"] = 0
    old = study.score(lambda seen: study.segment(seen, Calibration(), **paper))
    print(row("the paper's rules: flat, bbox, ball of 2 voxels, no joining", old))


def ablate_noise(study: Study, models: Path) -> None:
    """Print what denoising brings where there is most noise; networks trained on noisy images."""
    noisy = replace(study, volumes=[s for s in study.volumes if s.case.name.startswith("low")])
    clean = DenoiseModel.load(models, "n2v")
    cleaned = replace(noisy, volumes=look(models, [seen.case for seen in noisy.volumes], clean)[1])
    print_head(f"Denoising, {study.name}: the volumes of low signal-to-noise ratio")
    for what, one in (("as they are", noisy), ("denoised by Noise2Void", cleaned)):
        for name, changes in METHODS.items():
            scores = one.score(lambda seen, o=one, c=changes: o.segment(seen, **c))
            print(row(f"{name}, {what}", scores), flush=True)


def make_studies(tissue: Path, nuclei: Path) -> list[Study]:
    """Run the networks of these folders, and the shipped ones, on the test volumes."""
    unet, tuning = look(tissue, data.make_tissue("tune"))
    settings = dict(CHOSEN["tissue"])
    settings["join_thresh"] = Study("tissue", unet, tuning, settings).choose_wall()
    settings["rescue_thresh"] = Study("tissue", unet, tuning, settings).choose_rescue()
    unet, volumes = look(tissue, data.make_tissue("test"))
    studies = [Study("tissue", unet, volumes, settings)]
    for name, models, known, case in (
        ("ovule", None, data.cut_ovule("train"), data.cut_ovule("test")),
        ("nuclei", nuclei, data.cut_nuclei("validation"), data.cut_nuclei("test")),
    ):
        unet, tuning = look(models, [known])
        settings = dict(CHOSEN[name])
        settings["rescue_thresh"] = Study(name, unet, tuning, settings).choose_rescue()
        studies.append(Study(name, unet, look(models, [case])[1], settings))
    return studies


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare VollSeg, StarDist and U-Net.")
    parser.add_argument("--folder", type=Path, default=Path("build/segmentation"))
    parser.add_argument("--figures", type=Path, help="folder for the figures")
    given = parser.parse_args()
    start = time.perf_counter()
    tissue, nuclei = data.train_tissue(given.folder), data.train_nuclei(given.folder)
    studies = make_studies(tissue, nuclei)
    for study in studies:
        scores = study.compare()
        cells = sum(image.n_truth for image in scores["VollSeg"].images)
        print_head(f"{study.name}: {len(study.volumes)} volumes, {cells} cells")
        for name, one in scores.items():
            print(row(name, one), flush=True)
        if study.name == "tissue":
            for level in data.PHOTONS:
                for name in METHODS:
                    print(row(f"{level} SNR: {name}", pick(scores[name], level)))
        if given.figures:
            three = {name: scores[name] for name in METHODS}
            draw_matching(three).savefig(
                given.figures / f"segmentation-{study.name}-matching.png", dpi=80
            )
            draw_shape(three).savefig(
                given.figures / f"segmentation-{study.name}-shape.png", dpi=80
            )
            seen = study.volumes[len(study.volumes) // 2]
            views = {name: study.segment(seen, **changes) for name, changes in METHODS.items()}
            figure = draw_views(seen.case.stack, views)
            figure.savefig(given.figures / f"segmentation-{study.name}-views.png", dpi=80)
    ablate(studies[0])
    ablate_noise(studies[0], tissue)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
