"""Data and networks of the segmentation benchmark: what is trained, tuned and tested on what."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from btrackmate.samples import Stack, load_nuclei, split_ovule
from btrackmate.samples.files import write_stack
from btrackmate.training import TrainSettings, train
from btrackmate_samples.membranes import PHOTONS, MembraneSettings, make_membranes

#: Volumes of each signal-to-noise ratio, and the first seed, of each part.
TISSUE_PARTS = {"train": (4, 100), "tune": (1, 200), "test": (2, 300)}

#: z planes of the parts of the nuclei stack; no nucleus of the test part reaches into training.
NUCLEI_PARTS = {"train": slice(0, 40), "validation": slice(40, 56), "test": slice(56, None)}

COMMON = {"depth": 2, "batch_size": 2, "patch_size": (16, 64, 64), "startfilter": 8}
COMMON |= {"learning_rate": 1e-3}
SETTINGS: dict[str, dict[str, Any]] = {
    # As a user would: the shipped design, starting from the shipped weights.
    "stardist": {"preset": "small", "n_patches_per_image": 10},
    "unet": {"epochs": 24, "n_patches_per_image": 14, **COMMON},
    "n2v": {"epochs": 8, "n_patches_per_image": 8, **COMMON},
}


@dataclass(frozen=True)
class Case:
    """One volume to segment.

    Parameters
    ----------
    name : str
    stack : Stack
        Image, truth and calibration.
    """

    name: str
    stack: Stack


def make_tissue(part: str) -> Iterator[Case]:
    """Render the volumes of one part of the synthetic tissue, all signal-to-noise ratios."""
    count, first = TISSUE_PARTS[part]
    for level, (snr, photons) in enumerate(PHOTONS.items()):
        for index in range(count):
            seed = first + 10 * level + index
            stack = make_membranes(MembraneSettings(photons=photons, seed=seed))
            yield Case(f"{snr}_{seed}", stack)


def cut_nuclei(part: str) -> Case:
    """Cut one part out of the stack of nuclei."""
    stack, planes = load_nuclei(), NUCLEI_PARTS[part]
    return Case(part, Stack(stack.image[planes], stack.labels[planes], stack.calibration))


def cut_ovule(part: str) -> Case:
    """Take a half of the ovule; the shipped networks have not seen that for the test."""
    halves = split_ovule()
    return Case(part, halves.test if part == "test" else halves.train)


def train_tissue(folder: Path) -> Path:
    """Train the networks on the synthetic tissue, unless they are there; give their folder."""
    return _train(folder, "tissue", lambda: make_tissue("train"), ("stardist", "unet", "n2v"), {})


def train_nuclei(folder: Path) -> Path:
    """Train both networks on a part of the nuclei, unless they are there; give their folder."""
    parts = ("train", "validation")
    cases = (cut_nuclei(part) for part in parts)
    return _train(folder, "nuclei", lambda: cases, ("stardist", "unet"), {"train": 9})


def _train(
    folder: Path,
    name: str,
    cases: Callable[[], Iterator[Case]],
    kinds: tuple[str, ...],
    repeat: dict[str, int],
) -> Path:
    models = folder / "models" / name
    data = folder / "data" / name
    missing = [kind for kind in kinds if not (models / kind).is_dir()]
    if missing and not data.is_dir():
        for part in ("Raw", "Segmentation"):
            (data / part).mkdir(parents=True)
        for case in cases():
            _write(data, case)
    for kind in missing:
        start = time.perf_counter()
        own = {"only": kind, "repeat": repeat, "validation_split": 0.25, "seed": 0}
        settings = TrainSettings.parse(own | SETTINGS[kind])
        train(data, name, folder / "models", settings)
        print(f"trained {name} {kind} in {time.perf_counter() - start:.0f} s", flush=True)
    return models


def _write(data: Path, case: Case) -> None:
    calibration = case.stack.calibration
    write_stack(data / "Raw" / f"{case.name}.tif", case.stack.image, calibration)
    write_stack(data / "Segmentation" / f"{case.name}.tif", case.stack.labels, calibration)
