"""What stands beside a model's weights: training curve and model card."""

import csv
import json
import logging
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from btrackmate import __version__
from btrackmate.core.files import write_stream, write_text
from btrackmate.io.images import hash_path
from btrackmate.segmentation.backend import find_weights, read_json
from btrackmate.training.dataset import DataSet, Pair
from btrackmate.training.fit import Curve
from btrackmate.training.settings import TrainSettings
from btrackmate.training.thresholds import Found

_log = logging.getLogger(__name__)

#: What the names of scores begin with that StarDist and U-Net reach together (VollSeg).
FUSED = "VollSeg_"
#: With a lower F1 less than half of the cells are found right; a mask as poor misses its cells.
LEAST_SCORE = 0.5
_ADVICE = (
    "label more cells, in images like those that you will segment; train longer (more epochs); "
    "check that Segmentation/ holds one number a cell, and Raw/ the channel that shows the cells"
)
_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "csbdeep", "stardist", "numpy")


def write_curve(folder: Path, curve: Curve, title: str) -> None:
    """Write ``training_curve.csv`` and ``training_curve.png``.

    Parameters
    ----------
    folder : Path
        The model's folder.
    curve : Curve
    title : str
        Of the plot.
    """
    from matplotlib.figure import Figure

    epochs = range(1, len(curve.loss) + 1)
    with write_stream(folder / "training_curve.csv") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["epoch", "loss", "val_loss"])
        for row in zip(epochs, curve.loss, curve.val_loss, strict=True):
            writer.writerow([row[0], f"{row[1]:.6g}", f"{row[2]:.6g}"])
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(epochs, curve.loss, label="training")
    axes.plot(epochs, curve.val_loss, label="validation")
    axes.set(xlabel="epoch", ylabel="loss", yscale="log", title=title)
    axes.legend()
    with write_stream(folder / "training_curve.png", "wb") as file:
        figure.savefig(file, format="png", dpi=100)


def write_card(
    folder: Path,
    kind: str,
    data: DataSet,
    settings: TrainSettings,
    results: tuple[Curve, Found],
    start: str | None = None,
) -> None:
    """Write ``model_card.json`` and, for people, ``model_card.md``.

    Parameters
    ----------
    folder : Path
        The model's folder, with its weights.
    kind : str
        ``"StarDist"``, ``"U-Net"`` or ``"Noise2Void"``.
    data : DataSet
    settings : TrainSettings
    results : (Curve, Found)
        Training curve; thresholds and their scores on the validation images.
    start : str or None
        Hash of the weights that the training started from.
    """
    curve, found = results
    card: dict[str, Any] = {
        "network": kind,
        "axes": "ZYX"[-settings.ndim :],
        "settings": settings.model_dump(mode="json"),
        "training_images": {pair.name: pair.sha256 for pair in data.train},
        "validation_images": {pair.name: pair.sha256 for pair in data.validation},
        "cells": {
            "training": _count_cells(data.train),
            "validation": _count_cells(data.validation),
        },
        "patches": data.sha256,
        "start_weights": start,
        "weights": hash_path(find_weights(folder)),
        "epochs": len(curve.loss),
        "best_val_loss": min(curve.val_loss),
        "thresholds": found.thresholds,
        "validation_scores": found.scores,
        "versions": {"python": platform.python_version(), "btrackmate": __version__, **_versions()},
    }
    text = json.dumps(card, indent=2) + "\n"
    write_text(folder / "model_card.json", text)
    write_text(folder / "model_card.md", _describe(card))


def read_scores(folder: Path) -> dict[str, float]:
    """Read what a trained model reached on its validation images, by name; empty for none."""
    return dict(read_json(folder / "model_card.json").get("validation_scores", {}))


def describe_scores(folder: Path) -> str:
    """Say in one line what a trained model reached on its validation images."""
    card = read_json(folder / "model_card.json")
    scores = read_scores(folder)
    if not scores:
        return f"{card['network']}: best validation loss {card['best_val_loss']:.4g}"
    alone = [f"{name} {value:.3f}" for name, value in scores.items() if FUSED not in name]
    fused = [
        f"with StarDist (VollSeg) {name.removeprefix(FUSED)} {value:.3f}"
        for name, value in scores.items()
        if FUSED in name
    ]
    count = len(card["validation_images"])
    images = "1 validation image" if count == 1 else f"{count} validation images"
    return f"{card['network']}: {', '.join(alone + fused)} on {images}"


def warn_of_scores(folders: list[Path]) -> None:
    """Warn of trained models that are of little use, and say what to do.

    Where StarDist and U-Net were tried together, what the two reach counts; else each alone.
    """
    scores = {folder: read_scores(folder) for folder in folders}
    fused = {
        folder: {name: value for name, value in values.items() if FUSED in name}
        for folder, values in scores.items()
    }
    judged = fused if any(fused.values()) else scores
    for folder, values in judged.items():
        poor = [f"{name} {value:.3f}" for name, value in values.items() if value < LEAST_SCORE]
        if poor:
            _log.warning(
                "%s: only %s on the validation images, so that it is of little use as it is: %s",
                folder,
                ", ".join(poor),
                _ADVICE,
            )


def _count_cells(pairs: tuple[Pair, ...]) -> int:
    """Count the labels; copies of an image share theirs."""
    return sum({id(pair.labels): int(pair.labels.max()) for pair in pairs}.values())


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _describe(card: dict[str, Any]) -> str:
    """Write the card for people; hashes and all settings are in the JSON."""
    settings, cells = card["settings"], card["cells"]
    scores = ", ".join(f"{name} {value:.3f}" for name, value in card["validation_scores"].items())
    thresholds = ", ".join(f"{name} {value:g}" for name, value in card["thresholds"].items())
    versions = ", ".join(f"{name} {value}" for name, value in card["versions"].items())
    rows = [
        ("Network", f"{card['network']}, axes {card['axes']}"),
        ("Trained by", "`btrackmate train`"),
        ("Training", f"{len(card['training_images'])} images, {cells['training']} cells"),
        ("Validation", f"{len(card['validation_images'])} images, {cells['validation']} cells"),
        ("Epochs", f"{card['epochs']}, best validation loss {card['best_val_loss']:.4g}"),
        ("Filters, depth", f"{settings['startfilter']}, {settings['depth']}"),
        ("Patch", " × ".join(str(side) for side in settings["patch_size"])),
        ("Thresholds", thresholds),
        ("Scores on the validation images", scores),
        ("Versions", versions),
    ]
    lines = [f"# {card['network']} model", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in rows if value]
    lines += ["", "Hashes of the training data and all settings: `model_card.json`."]
    if scores:
        lines += [
            "",
            "F1 is the mean over IoU 0.3, 0.5 and 0.7 of this network alone, VollSeg_F1 that of",
            "StarDist and U-Net together; the thresholds were chosen on the same images, so it is",
            "not a test score.",
        ]
    return "\n".join(lines) + "\n"
