"""`btrackmate demo`: the whole way on the sample that ships with the package."""

import sys
from pathlib import Path

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import OUTPUT, common_options, with_console
from btrackmate.core.progress import Progress


@click.command("demo")
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    default=Path("demo-output"),
    show_default=True,
    help="Folder for the inputs and the run.",
)
@common_options
@with_console
def command(output: Path, *, overwrite: bool, progress: Progress) -> None:
    """Segment, track and score the shipped sample, and make its report.

    The sample is a movie of an ascidian embryo: positions and divisions are real, pixels are
    rendered. Beside it a real, membrane-labelled stack of an ovule is segmented and scored.
    """
    from btrackmate.pipeline.demo import run_demo

    result = run_demo(output, overwrite=overwrite, progress=progress, command=tuple(sys.argv[1:]))
    for line in result.lines():
        click.echo(line)
    print_paths((output / "input", output / "ovule_labels.tif", result.run.folder))
    click.echo(f"Report: {result.run.report.absolute()}")
