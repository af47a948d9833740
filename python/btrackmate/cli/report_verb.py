"""`btrackmate report`: make report.html again."""

from pathlib import Path

import click

from btrackmate.cli.options import PATH


@click.command("report")
@click.argument("folder", type=PATH)
def command(folder: Path) -> None:
    """Make report.html of a run FOLDER again, from the files in it."""
    from btrackmate.report.html import build_report

    click.echo(build_report(folder))
