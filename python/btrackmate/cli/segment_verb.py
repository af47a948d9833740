"""`btrackmate segment`: VollSeg."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import (
    INT,
    OUTPUT,
    PATH,
    SectionedCommand,
    calibration_options,
    common_options,
    given_values,
    settings_options,
    with_console,
)
from btrackmate.cli.run_options import input_settings, ome_zarr_option
from btrackmate.cli.worker_options import worker_options
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.outputs import check_ending, check_outputs
from btrackmate.core.progress import Progress
from btrackmate.core.settings import load_yaml
from btrackmate.segmentation.settings import SegmentationSettings

if TYPE_CHECKING:
    from btrackmate.io.units import NgffVersion
    from btrackmate.pipeline.cluster import WorkerPool


@click.command("segment", cls=SectionedCommand)
@click.argument("image", type=PATH)
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    required=True,
    help="Label images: .tif or .ome.zarr (resumes); a folder where IMAGE is one.",
)
@click.option("--channel", type=INT, default=1, show_default=True, help="Channel, from 1.")
@click.option(
    "--cells",
    type=OUTPUT,
    help="Table of the cells: origin, score, agreement; .csv, in the folder of the labels.  "
    "[default: OUTPUT's name.cells.csv]",
)
@click.option(
    "--skip-bad-files", is_flag=True, help="Leave out images of a folder that cannot be read."
)
@click.option("--config", type=PATH, help="YAML file of segmentation settings.")
@settings_options(SegmentationSettings)
@ome_zarr_option
@calibration_options
@common_options
@worker_options
@with_console
def command(
    image: Path,
    output: Path,
    channel: int,
    cells: Path | None,
    skip_bad_files: bool,
    config: Path | None,
    ome_zarr: "NgffVersion | None",
    overwrite: bool,
    progress: Progress,
    pool: "WorkerPool | None",
    **options: Any,
) -> None:
    """Segment IMAGE, a movie, a single volume or a folder of them: VollSeg.

    A folder with one TIFF a frame (t000.tif, t001.tif, …) is one movie where OUTPUT is one file.

    StarDist and U-Net, seed pooling, watershed. Without --model-dir the small models that ship with
    the package are used; they know membrane-labelled tissue. Train your own with
    `btrackmate train`. Beside the labels stands a table of the cells: where each comes from
    (stardist, unet, rescued), StarDist's score, and its agreement (IoU) with StarDist's shape.
    Volumes that do not fit into memory are worked in blocks.
    """
    from btrackmate.io.ngff import is_zarr
    from btrackmate.io.tracks_csv import write_table
    from btrackmate.pipeline.segmenting import LabelFiles, segment_movie
    from btrackmate.pipeline.segmenting_folders import segment_folder

    values = load_yaml(config) if config else {}
    settings = SegmentationSettings.parse(
        values | given_values(SegmentationSettings, options), str(config or "options")
    )
    # One file of labels is one movie: then a folder is a movie with one file a frame.
    one = output.name.lower().endswith((".tif", ".tiff", ".zarr"))
    folder = image.is_dir() and not is_zarr(image) and not one
    if ome_zarr is not None and not output.name.lower().endswith(".zarr"):
        msg = f"{output} is no OME-Zarr: leave --ome-zarr out, or name an output .ome.zarr"
        raise UserError(msg)
    if cells is None:
        cells = output / "cells.csv" if folder else _name_cells(output)
    check_ending(cells, ".csv")
    if folder:
        check_outputs([cells], [image], overwrite=overwrite)
    inputs = input_settings(options)
    if folder:
        table = segment_folder(
            image,
            output,
            settings,
            inputs,
            table=cells,
            channel=channel,
            skip_bad_files=skip_bad_files,
            overwrite=overwrite,
            progress=progress,
            pool=pool,
        )
        with write_together(overwrite=overwrite):
            write_table(cells, table)
    else:
        files = LabelFiles(output, cells, overwrite, ome_zarr=ome_zarr or "0.4")
        table = segment_movie(
            image, files, settings, inputs, channel=channel, progress=progress, pool=pool
        )
    counts = ", ".join(f"{n} {origin}" for origin, n in table["origin"].value_counts().items())
    click.echo(f"{len(table)} cells ({counts})" if len(table) else "no cells")
    print_paths((cells, output))


def _name_cells(output: Path) -> Path:
    """Name the table that goes with a label file."""
    if not output.name:  # As of ".", which is refused later.
        return output / "cells.csv"
    name = output.name
    for ending in (".ome.zarr", ".zarr", ".tiff", ".tif"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return output.with_name(f"{name}.cells.csv")
