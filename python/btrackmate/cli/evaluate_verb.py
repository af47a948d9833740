"""`btrackmate evaluate`: scores against ground truth."""

import json
from pathlib import Path

import click

from btrackmate.cli.options import PATH, common_options, with_console
from btrackmate.core.files import check_output, write_atomically
from btrackmate.core.progress import Progress


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
@click.option("--axes", help="Axes of label movies whose metadata do not name them, e.g. TZYX.")
@click.option("--json", "json_file", type=PATH, help="Write all numbers to a JSON file.")
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
    json_file: Path | None,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Score a segmentation and/or tracking against ground truth.

    Truth and result are each a run folder, a Cell Tracking Challenge folder (man_track.txt or
    res_track.txt), a label movie (with --truth-tracks / --result-tracks: a CTC table or tracks
    whose spots have their label), or tracks (.xml, .geff, .csv). Without --segmentation or
    --tracking everything that the files allow is scored: SEG, AP, MSE, SSIM; DET, TRA, LNK, CT, TF,
    BC, CCA, CHOTA, link and division F1.
    """
    from btrackmate.pipeline.evaluation import evaluate, load_candidate

    if json_file is not None:
        check_output(json_file, overwrite=overwrite)
    scores = evaluate(
        load_candidate(truth, truth_tracks, axes),
        load_candidate(result, result_tracks, axes),
        segmentation=segmentation,
        tracking=tracking,
        max_distance=max_distance,
        progress=progress,
    ).to_dict()
    width = max(len(name) for name in scores)
    for name, value in scores.items():
        shown = "–" if value is None else f"{value:.4f}" if isinstance(value, float) else value
        click.echo(f"{name:{width}}  {shown}")
    if json_file is not None:
        with write_atomically(json_file) as temporary:
            temporary.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
