"""`btrackmate measure`: label images to a spots table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from btrackmate.cli.console import print_paths
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
    mask_options,
    measuring_options,
    merge_settings,
    threads_option,
    warn_of_idle,
)
from btrackmate.cli.worker_options import worker_options
from btrackmate.core.files import write_together
from btrackmate.core.outputs import check_ending, check_outputs
from btrackmate.core.progress import Progress

if TYPE_CHECKING:
    from btrackmate.pipeline.cluster import WorkerPool


@click.command("measure", cls=SectionedCommand)
@click.argument("labels", type=PATH)
@click.option("-o", "--output", type=OUTPUT, required=True, help="Spots table, .csv.")
@click.option("--image", type=PATH, help="Image whose intensities are measured.")
@click.option("--dropped", type=OUTPUT, help="Table of the cells that the mask dropped, .csv.")
@click.option(
    "--config", type=PATH, help="YAML file of settings, e.g. a run.yaml: its measure and input."
)
@threads_option
@common_options
@section("Tissue mask", mask_options)
@section("Measuring", measuring_options)
@section("Input", calibration_options, role_axes_options)
@worker_options
@with_console
def command(
    labels: Path,
    output: Path,
    image: Path | None,
    mask: Path | None,
    dropped: Path | None,
    config: Path | None,
    overwrite: bool,
    progress: Progress,
    pool: "WorkerPool | None",
    **options: Any,
) -> None:
    """Measure the cells of LABELS: position, volume, shape, intensities, distance to the boundary.

    LABELS are a label movie, a volume, or a folder with one TIFF a frame. Positions are centroids
    in the space unit, one row a cell and frame. In 2D the columns volume and voxels are the area
    and the number of pixels.
    """
    from btrackmate.io.tracks_csv import write_cells, write_spots_csv
    from btrackmate.pipeline.inputs import RunInputs
    from btrackmate.pipeline.measuring import measured_cells

    for path in (output, dropped):
        check_ending(path, ".csv")
    check_outputs((output, dropped), (labels, image, mask), overwrite=overwrite)
    settings = merge_settings(config, options)
    warn_of_idle(options, image=image, mask=mask)
    inputs = RunInputs(image=image, labels=labels, mask=mask)
    with measured_cells(inputs, settings, output, pool=pool, progress=progress) as result:
        with write_together(overwrite=overwrite):
            write_spots_csv(output, result.spots)
            if dropped is not None:
                write_cells(dropped, result.dropped)
    left_out = "" if mask is None else f"; {len(result.dropped)} dropped by the mask"
    click.echo(f"{len(result.spots)} cells{left_out}")
    print_paths((output, dropped))
