"""`btrackmate evaluate`: scores against ground truth."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from btrackmate.cli.options import PATH, common_options, with_console
from btrackmate.core.errors import UserError
from btrackmate.core.files import check_output, write_atomically
from btrackmate.core.progress import Progress

if TYPE_CHECKING:
    from btrackmate.metrics.segmentation import ImageScores, SegmentationScores

_PLOT_SUFFIXES = (".png", ".svg", ".pdf")


@click.command("evaluate")
@click.option("--truth", type=PATH, required=True, help="Ground truth.")
@click.option("--result", type=PATH, required=True, help="What is scored.")
@click.option("--truth-tracks", type=PATH, help="Tracks of a truth that is a label movie.")
@click.option("--result-tracks", type=PATH, help="Tracks of a result that is a label movie.")
@click.option("--segmentation", is_flag=True, help="Score the segmentation only.")
@click.option("--tracking", is_flag=True, help="Score the tracking only.")
@click.option(
    "--max-distance",
    type=float,
    help="Largest distance of spots that can be the same cell, for tracks without labels, in the "
    "space unit.",
)
@click.option("--axes", help="Axes of label images whose metadata do not name them, e.g. TZYX.")
@click.option(
    "--ssim-window", type=int, default=7, show_default=True, help="Edge of the SSIM window, voxels."
)
@click.option("--json", "json_file", type=PATH, help="Write all numbers to a JSON file.")
@click.option(
    "--table", "table_file", type=PATH, help="Write segmentation scores, a row an image, to a CSV."
)
@click.option(
    "--plot", "plot_file", type=PATH, help="Plot segmentation scores to a .png, .svg or .pdf."
)
@common_options
@with_console
def command(
    truth: Path,
    result: Path,
    truth_tracks: Path | None,
    result_tracks: Path | None,
    *,
    segmentation: bool,
    tracking: bool,
    max_distance: float | None,
    axes: str | None,
    ssim_window: int,
    json_file: Path | None,
    table_file: Path | None,
    plot_file: Path | None,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Score a segmentation and/or tracking against ground truth.

    Truth and result are each a run folder, a Cell Tracking Challenge folder (man_track.txt or
    res_track.txt), a folder of label images (paired by file name), a label movie (with
    --truth-tracks / --result-tracks: a CTC table or tracks whose spots have their label), or tracks
    (.xml, .geff, .csv). Without --segmentation or --tracking everything that the files allow is
    scored: SEG, AP, MSE, SSIM; DET, TRA, LNK, CT, TF, BC, CCA, CHOTA, link and division F1.
    """
    from btrackmate.pipeline.evaluation import evaluate, load_candidate

    _check_outputs(json_file, table_file, plot_file, overwrite=overwrite)
    scores = evaluate(
        load_candidate(truth, truth_tracks, axes),
        load_candidate(result, result_tracks, axes),
        segmentation=segmentation,
        tracking=tracking,
        max_distance=max_distance,
        progress=progress,
        ssim_window=ssim_window,
    )
    shapes = scores.segmentation
    if shapes is None and (table_file or plot_file):
        msg = "--table and --plot are of the segmentation, which these files do not allow to score"
        raise UserError(msg)
    if shapes is not None:
        _show_segmentation(shapes)
    if scores.tracking is not None:
        _show_values(scores.tracking.to_dict())
    if json_file is not None:
        values: dict[str, object] = dict(scores.to_dict())
        if shapes is not None:
            named = zip(shapes.names, shapes.images, strict=True)
            values["images"] = [{"image": name, **image.to_dict()} for name, image in named]
        with write_atomically(json_file) as temporary:
            temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    if shapes is not None and table_file is not None:
        with write_atomically(table_file) as temporary:
            shapes.to_table().to_csv(
                temporary, index=False, float_format="%.6g", lineterminator="\n", encoding="utf-8"
            )
    if shapes is not None and plot_file is not None:
        from btrackmate.report.scores import draw_scores

        with write_atomically(plot_file) as temporary:
            kind = plot_file.suffix[1:].lower()
            draw_scores({result.name: shapes}, title=str(result)).savefig(
                temporary, format=kind, dpi=120
            )


def _check_outputs(
    json_file: Path | None, table_file: Path | None, plot_file: Path | None, *, overwrite: bool
) -> None:
    if plot_file is not None and plot_file.suffix.lower() not in _PLOT_SUFFIXES:
        msg = f"--plot {plot_file}: expected a name that ends in {', '.join(_PLOT_SUFFIXES)}"
        raise UserError(msg)
    for path in (json_file, table_file, plot_file):
        if path is not None:
            check_output(path, overwrite=overwrite)


def _show_segmentation(scores: "SegmentationScores") -> None:
    """Print what is pooled, a row for each τ, and, of several images, a row for each."""
    values = scores.to_dict()
    names = ("n_images", "n_truth_objects", "n_result_objects", "SEG", "MSE", "SSIM", "SSIM_window")
    _show_values({name: values[name] for name in names})
    columns = ("precision", "recall", "F1", "AP", "mean_true_score", "panoptic_quality")
    click.echo(f"\n{'IoU ≥':>6}{'TP':>7}{'FP':>7}{'FN':>7}" + _heads(columns))
    for one in scores.instances:
        tau = f"{one.threshold:g}"
        counts = f"{tau:>6}{one.tp:>7}{one.fp:>7}{one.fn:>7}"
        click.echo(counts + _cells(columns, [values[f"{name}_{tau}"] for name in columns]))
    if len(scores.images) > 1:
        _show_images(scores.names, scores.images)


def _show_images(names: tuple[str, ...], images: "tuple[ImageScores, ...]") -> None:
    columns = ("n_truth_objects", "n_result_objects", "AP_0.5", "F1_0.5", "SEG", "MSE", "SSIM")
    width = max(5, *map(len, names))
    click.echo(f"\n{'image':{width}}" + _heads(columns))
    for name, image in zip(names, images, strict=True):
        values = image.to_dict()
        click.echo(f"{name:{width}}" + _cells(columns, [values[column] for column in columns]))


def _heads(columns: tuple[str, ...]) -> str:
    return "".join(f"  {name:>8}" for name in columns)


def _cells(columns: tuple[str, ...], values: list[float | int | None]) -> str:
    return "".join(
        f"  {_format(value):>{max(8, len(name))}}"
        for name, value in zip(columns, values, strict=True)
    )


def _show_values(scores: Mapping[str, float | int | None]) -> None:
    width = max(len(name) for name in scores)
    for name, value in scores.items():
        click.echo(f"{name:{width}}  {_format(value)}")


def _format(value: float | int | None) -> str:
    return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
