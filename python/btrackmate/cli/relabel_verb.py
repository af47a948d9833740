"""`btrackmate relabel`: a label image by track."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import OUTPUT, PATH, calibration_options, common_options, with_console
from btrackmate.cli.run_options import input_settings, table_options
from btrackmate.core.files import write_together
from btrackmate.core.outputs import check_ending, check_outputs
from btrackmate.core.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10


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
    left, off = result.unpainted, result.off_cells
    click.echo(
        f"{result.n_cells - len(left)} of {result.n_cells} cells have one of "
        f"{result.n_numbers} {by}s"
    )
    for reason, group in left.groupby("reason", sort=True):
        click.echo(f"{len(group)} cells are 0, as {reason}: {_name(group, 'label')}")
    if len(off):
        click.echo(f"{len(off)} spots in a track lie on no cell: {_name(off, 'id')}")
    print_paths((output, unpainted))


def _name(table: "pd.DataFrame", column: str) -> str:
    """Name the first rows: ``label 7 in frame 0, 7 in frame 1, …``."""
    rows = zip(table[column].head(_SHOWN), table["frame"].head(_SHOWN), strict=True)
    names = ", ".join(f"{name} in frame {frame}" for name, frame in rows)
    return f"{column} {names}" + (", …" if len(table) > _SHOWN else "")
