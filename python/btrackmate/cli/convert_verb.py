"""`btrackmate convert`: from one track format to another."""

from pathlib import Path

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import PATH, common_options, with_console
from btrackmate.core.progress import Progress


@click.command("convert")
@click.argument("source", type=PATH)
@click.argument("target", type=PATH)
@common_options
@with_console
def command(source: Path, target: Path, *, overwrite: bool, progress: Progress) -> None:
    """Convert tracks between TrackMate XML (.xml), GEFF (.geff) and CSV (.csv).

    Prints what the target's format cannot hold. CSV makes two tables, NAME.spots.csv and
    NAME.links.csv. SOURCE may be a run folder.
    """
    from btrackmate.io.convert import check_tracks_output, convert, name_outputs

    check_tracks_output(target, source, overwrite=overwrite)
    for line in convert(source, target):
        click.echo(f"not kept: {line}")
    print_paths(name_outputs(target))
