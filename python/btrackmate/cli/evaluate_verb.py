"""`btrackmate evaluate`: scores against ground truth."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import btrackmate
from btrackmate.cli.console import print_paths
from btrackmate.cli.options import (
    FLOAT,
    INT,
    OUTPUT,
    PATH,
    common_options,
    given_values,
    with_console,
)
from btrackmate.cli.run_options import mask_options, warn_of_idle
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_stream, write_text, write_together
from btrackmate.core.outputs import check_ending, check_outputs
from btrackmate.core.progress import Progress
from btrackmate.core.watching import watch_inputs

if TYPE_CHECKING:
    import pandas as pd

    from btrackmate.metrics.segmentation import SegmentationScores
    from btrackmate.pipeline.evaluation import Candidate, Evaluation

_log = logging.getLogger(__name__)

_PLOT_SUFFIXES = (".png", ".svg", ".pdf")
_FILES = ("json_file", "table_file", "plot_file", "differences_file")


@click.command("evaluate")
@click.option("--truth", type=PATH, required=True, help="Ground truth.")
@click.option("--result", type=PATH, required=True, help="What is scored.")
@click.option("--truth-tracks", type=PATH, help="Tracks of a truth that is a label movie.")
@click.option("--result-tracks", type=PATH, help="Tracks of a result that is a label movie.")
@click.option("--segmentation", is_flag=True, help="Score the segmentation only.")
@click.option("--tracking", is_flag=True, help="Score the tracking only.")
@click.option(
    "--max-distance",
    type=FLOAT,
    help="Largest distance of spots that can be the same cell, for tracks without labels, in the "
    "space unit.  [default: spots with the same ids or positions are]",
)
@mask_options
@click.option("--axes", help="Axes of label images whose metadata do not name them, e.g. TZYX.")
@click.option(
    "--ssim-window", type=INT, default=7, show_default=True, help="Edge of the SSIM window, voxels."
)
@click.option("--json", "json_file", type=OUTPUT, help="Write all numbers to a JSON file.")
@click.option(
    "--table",
    "table_file",
    type=OUTPUT,
    help="Write segmentation scores, a row an image, to a CSV.",
)
@click.option(
    "--plot", "plot_file", type=OUTPUT, help="Plot segmentation scores to a .png, .svg or .pdf."
)
@click.option(
    "--differences",
    "differences_file",
    type=OUTPUT,
    help="Write the links that are missed or false, and why, to a CSV.",
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
    mask: Path | None,
    axes: str | None,
    ssim_window: int,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Score a segmentation and/or tracking against ground truth.

    Truth and result are each a run folder, a Cell Tracking Challenge folder (man_track.txt or
    res_track.txt), a folder of label images (paired by file name), a label movie (with
    --truth-tracks / --result-tracks: a CTC table or tracks whose spots have their label), or tracks
    (.xml, .geff, .csv). Without --segmentation or --tracking everything that the files allow is
    scored: SEG, AP, MSE, SSIM; DET, TRA, LNK, CT, TF, BC, CCA, CHOTA, link and division F1. What
    each means is printed beside it; 1 is perfect, 0 the worst. A result that was made with a tissue
    mask is scored inside it with --mask (and the run's --mask-policy): cells of truth and result
    outside are left out.
    """
    from btrackmate.io.run_folder import name_run_movies
    from btrackmate.io.track_formats import name_inputs
    from btrackmate.pipeline.evaluation import evaluate, load_candidate
    from btrackmate.pipeline.label_folder import LabelFolder

    files = {name: options[name] for name in _FILES}
    named = [one for one in (truth, result, truth_tracks, result_tracks) if one is not None]
    read = [one for path in named for one in (*name_inputs(path), *name_run_movies(path))]
    _check_outputs(files, (*named, *read, mask), overwrite=overwrite)
    warn_of_idle(options, mask=mask)
    with watch_inputs(*read, mask):
        candidates = (
            load_candidate(truth, truth_tracks, axes),
            load_candidate(result, result_tracks, axes),
        )
        each_image = isinstance(candidates[0].labels, LabelFolder)
        scores = evaluate(
            *_apply_mask(candidates, mask, options),
            segmentation=segmentation,
            tracking=tracking,
            max_distance=max_distance,
            progress=progress,
            ssim_window=ssim_window,
        )
    _check_scores(scores, files)
    _show(scores, each_image=each_image)
    origin = {
        "btrackmate": btrackmate.__version__,
        "inputs": {
            name: None if path is None else str(path)
            for name, path in (
                ("truth", truth),
                ("result", result),
                ("truth_tracks", truth_tracks),
                ("result_tracks", result_tracks),
                ("mask", mask),
            )
        },
        "settings": {
            "segmentation": segmentation,
            "tracking": tracking,
            "max_distance": max_distance,
            "axes": axes,
            "ssim_window": ssim_window,
            "mask_policy": options["mask_policy"],
            "mask_fraction": options["mask_fraction"],
            "mask_tissues": options["mask_tissues"],
        },
    }
    with write_together(overwrite=overwrite):
        _write(scores, files, result, origin)
    print_paths(files.values())


def _apply_mask(
    candidates: "tuple[Candidate, Candidate]", mask: Path | None, options: dict[str, Any]
) -> "tuple[Candidate, Candidate]":
    """Take the cells outside the mask out of both; say so where a masked run is scored without."""
    from btrackmate.measurement.settings import MaskSettings
    from btrackmate.pipeline.evaluation import find_run_mask, mask_candidate

    if mask is not None:
        named = {name: options[f"mask_{name}"] for name in MaskSettings.model_fields}
        settings = MaskSettings.parse(given_values(MaskSettings, named), "options")
        settings.check_fraction(named["fraction"])
        return (
            mask_candidate(candidates[0], mask, settings),
            mask_candidate(candidates[1], mask, settings),
        )
    used = [find_run_mask(one.path) for one in candidates]
    if used[0] != used[1]:
        _log.warning(
            "only one of the two was made with the tissue mask %s: cells outside it count as "
            "missed or false; score inside it with --mask",
            used[0] or used[1],
        )
    return candidates


def _check_outputs(
    files: dict[str, Path | None], inputs: Iterable[Path | None], *, overwrite: bool
) -> None:
    plot = files["plot_file"]
    if plot is not None and plot.suffix.lower() not in _PLOT_SUFFIXES:
        msg = f"--plot {plot}: expected a name that ends in {', '.join(_PLOT_SUFFIXES)}"
        raise UserError(msg)
    check_ending(files["json_file"], ".json")
    for name in ("table_file", "differences_file"):
        check_ending(files[name], ".csv")
    check_outputs(files.values(), inputs, overwrite=overwrite)


def _check_scores(scores: "Evaluation", files: dict[str, Path | None]) -> None:
    """Refuse files of scores that these inputs do not give, before anything is written."""
    if scores.segmentation is None and (files["table_file"] or files["plot_file"]):
        msg = "--table and --plot are of the segmentation, which these files do not allow to score"
        raise UserError(msg)
    if scores.differences is None and files["differences_file"]:
        msg = "--differences is of the tracking, which these files do not allow to score"
        raise UserError(msg)


def _show(scores: "Evaluation", *, each_image: bool) -> None:
    from btrackmate.cli.score_tables import show_segmentation, show_values

    if scores.segmentation is not None:
        show_segmentation(scores.segmentation, each_image=each_image)
    if scores.tracking is not None:
        show_values(scores.tracking.to_dict())


def _write(
    scores: "Evaluation", files: dict[str, Path | None], result: Path, origin: dict[str, Any]
) -> None:
    """Write the files that are asked for; `origin` says in the JSON what the scores are of."""
    shapes = scores.segmentation
    if files["json_file"] is not None:
        values: dict[str, object] = {**origin, **scores.to_dict()}
        if shapes is not None:
            named = zip(shapes.names, shapes.images, strict=True)
            values["images"] = [{"image": name, **image.to_dict()} for name, image in named]
        write_text(files["json_file"], json.dumps(values, indent=1) + "\n")
    if shapes is not None:
        _write_table(shapes.to_table(), files["table_file"])
        _plot(shapes, files["plot_file"], result)
    if scores.differences is not None:
        _write_table(scores.differences, files["differences_file"])


def _write_table(table: "pd.DataFrame", path: Path | None) -> None:
    if path is not None:
        from btrackmate.io.csv_formulas import format_rounded

        write_text(path, format_rounded(table))


def _plot(shapes: "SegmentationScores", path: Path | None, result: Path) -> None:
    if path is None:
        return
    from btrackmate.report.scores import draw_scores

    figure = draw_scores({result.name: shapes}, title=str(result))
    with write_stream(path, "wb") as stream:
        figure.savefig(stream, format=path.suffix[1:].lower(), dpi=120)
