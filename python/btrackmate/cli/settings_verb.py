"""`btrackmate settings`: a file of settings to begin with."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.options import PATH
from btrackmate.cli.run_options import merge_settings
from btrackmate.tracking.settings import TRACKERS, tracker_name


@click.command("settings")
@click.option("--tracker", help=f"{', '.join(TRACKERS)}, or TrackMate's key.  [default: flow]")
@click.option("--config", type=PATH, help="YAML file whose settings go over the defaults.")
@click.option(
    "--settings-from", type=PATH, metavar="TRACKMATE_XML", help="Take the tracker from TrackMate."
)
def command(config: Path | None, **options: Any) -> None:
    """Print every setting of a run, with what it means and the tracker's own, as YAML.

    The file goes to --config of run, track and measure, e.g. `btrackmate settings > mine.yaml`.
    What is left out of it keeps its default.
    """
    import btrackmate
    from btrackmate.core.fields import write_yaml

    settings = merge_settings(config, options)
    click.echo(f"# Settings of BTrackMate {btrackmate.__version__}, for --config")
    click.echo(write_yaml(settings, {"tracker": tracker_name(settings.tracker)}), nl=False)
