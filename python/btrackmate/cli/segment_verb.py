"""`btrackmate segment`: VollSeg."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.options import (
    PATH,
    calibration_options,
    common_options,
    given_values,
    settings_options,
    with_console,
)
from btrackmate.cli.run_options import input_settings
from btrackmate.core.files import check_output
from btrackmate.core.progress import Progress
from btrackmate.core.settings import load_yaml
from btrackmate.segmentation.settings import SegmentationSettings


@click.command("segment")
@click.argument("image", type=PATH)
@click.option(
    "-o", "--output", type=PATH, required=True, help="Label images: .tif or .ome.zarr (resumes)."
)
@click.option("--channel", type=int, default=1, show_default=True, help="Channel, from 1.")
@click.option("--cells", type=PATH, help="Table of the cells, their origin and score, .csv.")
@click.option("--config", type=PATH, help="YAML file of segmentation settings.")
@settings_options(SegmentationSettings)
@calibration_options
@common_options
@with_console
def command(
    image: Path,
    output: Path,
    channel: int,
    cells: Path | None,
    config: Path | None,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Segment IMAGE, a movie or a single volume: StarDist + U-Net, seed pooling, watershed.

    Without --model-dir the small models that ship with the package are used; they know
    membrane-labelled tissue. Train your own with `btrackmate train`.
    """
    from btrackmate.pipeline.steps import segment_movie

    for path in (output, cells):
        if path is not None:
            check_output(path, overwrite=overwrite)
    values = load_yaml(config) if config else {}
    settings = SegmentationSettings.parse(
        values | given_values(SegmentationSettings, options), str(config or "options")
    )
    table = segment_movie(
        image, output, settings, input_settings(options), channel=channel, progress=progress
    )
    if cells is not None:
        table.to_csv(cells, index=False, lineterminator="\n")
    counts = ", ".join(f"{n} {origin}" for origin, n in table["origin"].value_counts().items())
    click.echo(f"{len(table)} cells ({counts})" if len(table) else "no cells")
    click.echo(output)
