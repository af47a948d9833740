"""`btrackmate prune`: the track inspector."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import (
    OUTPUT,
    PATH,
    common_options,
    given_values,
    settings_options,
    with_console,
)
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.progress import Progress
from btrackmate.tracking.settings import PruneSettings


@click.command("prune")
@click.argument("tracks", type=PATH)
@click.option("-o", "--output", type=OUTPUT, help="Pruned tracks: .xml, .geff or .csv.")
@click.option("--dry-run", is_flag=True, help="Only list what would go, and why.")
@settings_options(PruneSettings)
@common_options
@with_console
def command(
    tracks: Path,
    output: Path | None,
    *,
    dry_run: bool,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Remove short tracklets after divisions from TRACKS (.xml, .geff, .csv, a run).

    A leaf tracklet goes if it ends less than --min-tracklet-length after its division and before
    the movie's last frame; no mother is ever removed. Lists every spot and link that goes.
    """
    from btrackmate.io.track_formats import check_tracks_output, name_outputs
    from btrackmate.pipeline.steps import prune_tracks

    settings = PruneSettings.parse(given_values(PruneSettings, options), "options")
    if output is None and not dry_run:
        msg = "give -o OUT for the pruned tracks, or --dry-run"
        raise UserError(msg)
    if output is not None and not dry_run:
        check_tracks_output(output, tracks, overwrite=overwrite)
    with write_together(overwrite=overwrite):
        graph, table = prune_tracks(tracks, None if dry_run else output, settings)
    if len(table):
        click.echo(table.to_csv(index=False, sep="\t"), nl=False)
    links = int((table["what"] == "link").sum())
    verb = "would go" if dry_run else "removed"
    click.echo(
        f"{len(table) - links} spots and {links} links {verb}; left: {len(graph.spots)} "
        f"spots, {graph.n_tracks} tracks, {len(graph.divisions)} divisions"
    )
    if output is not None and not dry_run:
        print_paths(name_outputs(output))
