"""`btrackmate report`: a report of a run folder, or of any tracks."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import OUTPUT, PATH, calibration_options, common_options, with_console
from btrackmate.cli.run_options import input_settings, table_options
from btrackmate.core.outputs import check_apart, check_ending, check_output
from btrackmate.core.progress import Progress


@click.command("report")
@click.argument("source", type=PATH)
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    help="Report, .html.  [default: report.html in the run folder, or NAME.report.html beside the "
    "tracks]",
)
@click.option("--image", type=PATH, help="Image to show the tracks on.")
@click.option("--labels", type=PATH, help="Label images whose outlines are shown.")
@click.option("--mask", type=PATH, help="Tissue mask whose border is shown.")
@click.option("--table", type=OUTPUT, help="Write the table of tracks too, a row a track, .csv.")
@calibration_options
@table_options
@common_options
@with_console
def command(
    source: Path,
    output: Path | None,
    image: Path | None,
    labels: Path | None,
    mask: Path | None,
    table: Path | None,
    *,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Make the report of SOURCE: a run folder (again), or any tracks (.xml, .geff, .csv).

    Shows numbers, frames with outlines and tails, lengths, displacements, lineages and the table
    of tracks. A run folder and a TrackMate file name their images themselves; give --image or
    --labels where they are gone or there are none. What TrackMate hides is left out.
    """
    from btrackmate.io.run_folder import name_run_movies
    from btrackmate.io.track_formats import name_inputs
    from btrackmate.pipeline.inputs import RunInputs
    from btrackmate.pipeline.reporting import name_report, report_tracks

    own = name_report(source)
    path = output or own
    made_again = path == own and path.parent == source
    check_ending(path, ".html", ".htm")
    check_ending(table, ".csv")
    read = (*name_inputs(source), *name_run_movies(source))
    check_apart((path, table), (*read, image, labels, mask))
    check_output(path, overwrite=overwrite or made_again)
    if table is not None:
        check_output(table, overwrite=overwrite)
    inputs = RunInputs(image=image, labels=labels, mask=mask)
    again = overwrite or made_again
    report_tracks(source, path, inputs, input_settings(options), table, overwrite=again)
    print_paths((table, path))
