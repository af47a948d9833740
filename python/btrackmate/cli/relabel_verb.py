"""`btrackmate relabel`: a label image by track."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import OUTPUT, PATH, calibration_options, common_options, with_console
from btrackmate.cli.run_options import input_settings, table_options
from btrackmate.core.files import write_together
from btrackmate.core.outputs import check_ending, check_outputs
from btrackmate.core.progress import Progress


@click.command("relabel")
@click.argument("tracks", type=PATH)
@click.argument("labels", type=PATH)
@click.option("-o", "--output", type=OUTPUT, required=True, help="Label images of 32 bit, .tif.")
@click.option(
    "--by",
    type=click.Choice(["track", "lineage", "tracklet"]),
    default="track",
    show_default=True,
    help="track, lineage: a cell and all its descendants have one number; tracklet: a new number "
    "after each division.",
)
@click.option(
    "--unpainted", type=OUTPUT, help="Table of the cells that became background, and why, .csv."
)
@calibration_options
@table_options
@common_options
@with_console
def command(
    tracks: Path,
    labels: Path,
    output: Path,
    by: Any,
    unpainted: Path | None,
    *,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Give every cell of LABELS the number of its track in TRACKS, + 1.

    TRACKS: .xml, .geff, .csv or a run folder; LABELS: the label images that its spots were measured
    in. Cells are found by their label, where the tracks know it, else by the spot's position. Cells
    without a (visible) track become 0, and are counted and named. Numbers are those of
    TrackMate's tracks, or of `track` and `tracklet` in a run's tracked_spots.csv, + 1.
    """
    from btrackmate.io.track_formats import name_inputs
    from btrackmate.io.tracks_csv import write_table
    from btrackmate.pipeline.relabelling import relabel

    check_ending(unpainted, ".csv")
    check_outputs((output, unpainted), (*name_inputs(tracks), labels), overwrite=overwrite)
    with write_together(overwrite=overwrite):
        result = relabel(tracks, labels, output, by, input_settings(options), progress)
        if unpainted is not None:
            write_table(unpainted, result.unpainted)
    left = result.unpainted
    click.echo(
        f"{result.n_cells - len(left)} of {result.n_cells} cells have one of "
        f"{result.n_numbers} {by}s"
    )
    for line in result.describe_left():
        click.echo(line)
    print_paths((output, unpainted))
