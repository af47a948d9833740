"""`btrackmate run`: the whole way, from a movie to a report."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.engines import start_engine
from btrackmate.cli.options import (
    INT,
    OUTPUT,
    PATH,
    SectionedCommand,
    calibration_options,
    common_options,
    role_axes_options,
    section,
    settings_options,
    with_console,
)
from btrackmate.cli.run_options import (
    edits_option,
    linking_options,
    mask_options,
    measuring_options,
    merge_settings,
    ome_zarr_option,
    table_options,
    threads_option,
    warn_of_idle,
)
from btrackmate.cli.worker_options import worker_options
from btrackmate.core.progress import Progress
from btrackmate.segmentation.settings import SegmentationSettings

if TYPE_CHECKING:
    from btrackmate.pipeline.cluster import WorkerPool


@click.command("run", cls=SectionedCommand)
@click.argument("image", type=PATH, required=False)
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    required=True,
    help="Run folder. An unfinished run in it goes on where it was stopped.",
)
@click.option("--labels", type=PATH, help="Label images, instead of segmenting.")
@click.option(
    "--spots",
    type=PATH,
    help="Cells, instead of pixels: a CSV, or spots of a TrackMate XML or GEFF.",
)
@edits_option
@common_options
@linking_options
@section("Input", calibration_options, role_axes_options, table_options, threads_option)
@section("Tissue mask and measuring", mask_options, measuring_options)
@section(
    "Segmentation",
    click.option("--channel", type=INT, help="Channel to segment, from 1.  [default: 1]"),
    settings_options(SegmentationSettings),
    ome_zarr_option,
)
@worker_options
@with_console
def command(
    image: Path | None,
    output: Path,
    labels: Path | None,
    spots: Path | None,
    mask: Path | None,
    edits: Path | None,
    engine: str,
    config: Path | None,
    overwrite: bool,
    progress: Progress,
    pool: "WorkerPool | None",
    **options: Any,
) -> None:
    """Go the whole way: from a movie IMAGE, --labels or --spots to tracks and a report.

    Segments (unless labels or spots are given), measures, applies the tissue mask, links, prunes,
    and writes a run folder: run.yaml, labels, spots.csv, tracks.xml (TrackMate), tracks.geff,
    tracked_spots.csv, track_features.csv (a row a track), pruned.csv, dropped.csv, report.html,
    log.txt; with --edits also edits.csv (which corrections fit) and their journal. Lengths are in
    the image's unit (µm), times in its time unit.
    """
    from btrackmate.io.run_folder import TRACKS, list_run_files
    from btrackmate.io.unsaved_edits import name_journal
    from btrackmate.pipeline.inputs import RunInputs
    from btrackmate.pipeline.run import run

    settings = merge_settings(config, options, engine)
    warn_of_idle(options, image=image, labels=labels, spots=spots, mask=mask)
    started = start_engine(engine, settings.tracker, options)
    result = run(
        RunInputs(image=image, labels=labels, spots=spots, mask=mask, edits=edits),
        output,
        settings,
        linker=started.linker,
        engine=started.name,
        overwrite=overwrite,
        progress=progress,
        command=tuple(sys.argv[1:]),
        pool=pool,
    )
    click.echo(result.summary())
    journal = None if edits is None else name_journal(result.folder / TRACKS)
    print_paths((journal, *list_run_files(result.folder)))
