"""What stands beside a model's weights: training curve and model card."""

import csv
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from btrackmate.training.dataset import DataSet, Pair
from btrackmate.training.fit import Curve
from btrackmate.training.settings import TrainSettings
from btrackmate.training.thresholds import Found

_PACKAGES = ("btrackmate", "tensorflow", "tensorflow-cpu", "keras", "csbdeep", "stardist", "numpy")


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
    with (folder / "training_curve.csv").open("w", newline="", encoding="utf-8") as file:
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
    figure.savefig(folder / "training_curve.png", dpi=100)


def write_card(
    folder: Path,
    kind: str,
    data: DataSet,
    settings: TrainSettings,
    results: tuple[Curve, Found],
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
        "epochs": len(curve.loss),
        "best_val_loss": min(curve.val_loss),
        "thresholds": found.thresholds,
        "validation_scores": found.scores,
        "versions": {"python": platform.python_version(), **_versions()},
    }
    text = json.dumps(card, indent=2) + "\n"
    (folder / "model_card.json").write_text(text, encoding="utf-8")
    (folder / "model_card.md").write_text(_describe(card), encoding="utf-8")


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
            "F1 is the mean over IoU 0.3, 0.5 and 0.7 of this network alone; the thresholds were",
            "chosen on the same images, so it is not a test score.",
        ]
    return "\n".join(lines) + "\n"
