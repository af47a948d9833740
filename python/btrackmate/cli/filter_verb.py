"""`btrackmate filter`: keep what passes, with its links."""

from pathlib import Path

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import OUTPUT, PATH, common_options, filter_options, with_console
from btrackmate.core.files import write_together
from btrackmate.core.progress import Progress


@click.command("filter")
@click.argument("tracks", type=PATH)
@click.option(
    "-o", "--output", type=OUTPUT, required=True, help="Filtered tracks: .xml, .geff or .csv."
)
@filter_options
@click.option("--dropped", type=OUTPUT, help="Table of the spots that went, and why, .csv.")
@common_options
@with_console
def command(
    tracks: Path,
    output: Path,
    spot_filters: tuple[str, ...],
    track_filters: tuple[str, ...],
    dropped: Path | None,
    *,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Keep the spots and tracks of TRACKS (.xml, .geff, .csv or a run folder) that pass.

    Links between spots that stay are kept as they are; nothing is linked anew (`btrackmate track`
    does that). Spot filters count first: a track that loses a spot in its middle falls apart.
    A missing value passes; with a track filter, spots in no track go. Names are columns of a spots
    table and of a run's track_features.csv, or TrackMate's keys.
    """
    from btrackmate.io.track_formats import check_tracks_output, name_outputs
    from btrackmate.io.tracks_csv import write_cells
    from btrackmate.pipeline.filtering import filter_file

    check_tracks_output(output, tracks, table=dropped, overwrite=overwrite)
    with write_together(overwrite=overwrite):
        before, after, gone = filter_file(tracks, output, spot_filters, track_filters)
        if dropped is not None:
            write_cells(dropped, gone)
    for reason, count in gone["reason"].value_counts(sort=False).items():
        click.echo(f"{count} spots dropped: {reason}")
    click.echo(
        f"left: {len(after.spots)} of {len(before.spots)} spots, {after.n_links} of "
        f"{before.n_links} links, {len(after.divisions)} of {len(before.divisions)} divisions; "
        f"{after.n_tracks} tracks, {before.n_tracks} before"  # A track can fall apart into more.
    )
    print_paths((*name_outputs(output), dropped))
