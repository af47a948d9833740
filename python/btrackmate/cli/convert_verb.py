"""`btrackmate convert`: from one track format to another."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import OUTPUT, PATH, calibration_options, common_options, with_console
from btrackmate.cli.run_options import input_settings, table_options
from btrackmate.core.files import write_together
from btrackmate.core.outputs import check_outputs
from btrackmate.core.progress import Progress


@click.command("convert")
@click.argument("source", type=PATH)
@click.argument("target", type=OUTPUT)
@click.option(
    "--labels",
    type=PATH,
    help="Label movie of the cells, of which a Challenge folder is made.  [default: the run's]",
)
@click.option(
    "--allow-loss", is_flag=True, help="Write TARGET although it cannot hold some cells or links."
)
@calibration_options
@table_options
@common_options
@with_console
def command(
    source: Path,
    target: Path,
    labels: Path | None,
    *,
    allow_loss: bool,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Convert tracks between TrackMate XML (.xml), GEFF (.geff), CSV (.csv) and Challenge folders.

    Prints what the target's format cannot hold. CSV makes two tables, NAME.spots.csv and
    NAME.links.csv. A TARGET without an ending, such as 01_RES, becomes a folder of the Cell
    Tracking Challenge; it needs the label images of the cells. SOURCE may be a run folder, a
    Challenge folder or a table with track ids, too.
    """
    from btrackmate.io.track_formats import name_inputs
    from btrackmate.io.unsaved_edits import warn_of_corrections
    from btrackmate.pipeline.converting import convert, name_targets

    targets = name_targets(target)
    check_outputs(targets, (*name_inputs(source), labels), overwrite=overwrite)
    warn_of_corrections(target)
    with write_together(overwrite=overwrite):
        lost = convert(
            source,
            target,
            labels=labels,
            options=input_settings(options),
            allow_loss=allow_loss,
            progress=progress,
        )
    for line in lost.to_list():
        click.echo(f"not kept: {line}")
    print_paths(targets)
