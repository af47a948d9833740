"""`btrackmate track`: link spots."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.engines import start_engine
from btrackmate.cli.options import (
    OUTPUT,
    PATH,
    SectionedCommand,
    calibration_options,
    common_options,
    role_axes_options,
    section,
    with_console,
)
from btrackmate.cli.run_options import (
    edits_option,
    linking_options,
    mask_options,
    measuring_options,
    merge_settings,
    table_options,
    threads_option,
    warn_of_idle,
)
from btrackmate.core.files import write_together
from btrackmate.core.progress import Progress


@click.command("track", cls=SectionedCommand)
@click.argument("source", type=PATH)
@click.option(
    "-o", "--output", type=OUTPUT, required=True, help="Tracks: .xml (TrackMate), .geff or .csv."
)
@click.option(
    "--image", type=PATH, help="Image of labels, measured with them and named in the XML."
)
@edits_option
@common_options
@linking_options
@section("Input", calibration_options, role_axes_options, table_options, threads_option)
@section("Tissue mask and measuring, of label images", mask_options, measuring_options)
@with_console
def command(
    source: Path,
    output: Path,
    image: Path | None,
    mask: Path | None,
    edits: Path | None,
    engine: str,
    config: Path | None,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Link the cells of SOURCE: a spots CSV, label images, or tracks whose links are made anew.

    Label images are a movie, or a folder with one TIFF a frame. Of a TrackMate file the session
    stays: image, settings, names, and hidden spots, which are not linked. To filter tracks and keep
    their links, see `btrackmate filter`.

    Filters are written as TrackMate's spot and track filters. Distances are in the space unit.
    """
    from btrackmate.io.track_formats import check_tracks_output, name_outputs
    from btrackmate.pipeline.relinking import track_cells
    from btrackmate.report.trust import check_result, log_notes

    check_tracks_output(output, source, image, mask, edits, config, overwrite=overwrite)
    settings = merge_settings(config, options, engine)
    warn_of_idle(options, image=image, mask=mask)
    linker = start_engine(engine, settings.tracker, options).linker
    with write_together(overwrite=overwrite):
        result = track_cells(
            source,
            output,
            settings,
            image=image,
            mask=mask,
            edits=edits,
            linker=linker,
            progress=progress,
        )
    graph = result.graph
    click.echo(
        f"{len(graph.spots)} spots, {graph.n_links} links, {graph.n_tracks} tracks, "
        f"{len(graph.divisions)} divisions; {len(result.dropped)} cells dropped, "
        f"{len(result.pruned)} spots and links pruned"
    )
    print_paths(name_outputs(output))
    log_notes(note.to_dict() for note in check_result(graph, result.tracker))
