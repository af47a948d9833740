"""Scores as text: each with what it means."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from btrackmate.metrics.meanings import COLUMN_MEANINGS, MEANINGS

if TYPE_CHECKING:
    from btrackmate.metrics.segmentation import ImageScores, SegmentationScores

_COLUMNS = ("precision", "recall", "F1", "AP", "mean_true_score", "panoptic_quality")
_IMAGE_COLUMNS = ("n_truth_objects", "n_result_objects", "AP_0.5", "F1_0.5", "SEG", "MSE", "SSIM")
_MOST_IMAGES = 40


def show_segmentation(scores: "SegmentationScores", *, each_image: bool) -> None:
    """Print what is pooled, a row for each τ, and, if asked for, a row for each image."""
    values = scores.to_dict()
    names = ("n_images", "n_truth_objects", "n_result_objects", "SEG", "MSE", "SSIM", "SSIM_window")
    show_values({name: values[name] for name in names})
    click.echo(f"\n{'IoU ≥':>6}{'TP':>7}{'FP':>7}{'FN':>7}" + _heads(_COLUMNS))
    for one in scores.instances:
        tau = f"{one.threshold:g}"
        counts = f"{tau:>6}{one.tp:>7}{one.fp:>7}{one.fn:>7}"
        click.echo(counts + _cells(_COLUMNS, [values[f"{name}_{tau}"] for name in _COLUMNS]))
    _show_meanings(COLUMN_MEANINGS.items())
    if each_image and len(scores.images) > 1:
        _show_images(scores.names, scores.images)
    click.echo()


def show_values(scores: Mapping[str, float | int | None]) -> None:
    """Print one score a line, and what it means."""
    width = max(len(name) for name in scores)
    shown = {name: _format(value) for name, value in scores.items()}
    place = max(map(len, shown.values()))
    for name, value in shown.items():
        click.echo(f"{name:{width}}  {value:{place}}  {MEANINGS.get(name, '')}".rstrip())


def _show_images(names: tuple[str, ...], images: "tuple[ImageScores, ...]") -> None:
    width = max(5, *map(len, names))
    click.echo(f"\n{'image':{width}}" + _heads(_IMAGE_COLUMNS))
    for name, image in list(zip(names, images, strict=True))[:_MOST_IMAGES]:
        values = image.to_dict()
        cells = _cells(_IMAGE_COLUMNS, [values[column] for column in _IMAGE_COLUMNS])
        click.echo(f"{name:{width}}" + cells)
    if len(names) > _MOST_IMAGES:
        click.echo(f"… the first {_MOST_IMAGES} of {len(names)} images; --table FILE has all")


def _show_meanings(meanings: Iterable[tuple[str, str]]) -> None:
    for name, text in meanings:
        click.echo(f"  {name}: {text}")


def _heads(columns: tuple[str, ...]) -> str:
    return "".join(f"  {name:>8}" for name in columns)


def _cells(columns: tuple[str, ...], values: list[float | int | None]) -> str:
    return "".join(
        f"  {_format(value):>{max(8, len(name))}}"
        for name, value in zip(columns, values, strict=True)
    )


def _format(value: float | int | None) -> str:
    return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
