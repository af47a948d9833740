"""`btrackmate train`: StarDist and U-Net from your own images."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.options import (
    PATH,
    common_options,
    given_values,
    parse_assignments,
    settings_options,
    with_console,
)
from btrackmate.core.progress import Progress
from btrackmate.core.settings import load_yaml
from btrackmate.training.settings import TrainSettings


@click.command("train")
@click.argument("data_dir", type=PATH)
@click.option("--name", required=True, help="Name of the models' folder.")
@click.option(
    "-o",
    "--output",
    type=PATH,
    default=Path("models"),
    show_default=True,
    help="Folder in which it is made.",
)
@click.option("--config", type=PATH, help="YAML file of training settings.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help='Any other setting, e.g. augmentation={"flips": false}; repeatable.',
)
@settings_options(TrainSettings)
@common_options
@with_console
def command(
    data_dir: Path,
    name: str,
    output: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    *,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Train StarDist and U-Net on DATA_DIR/Raw/ and DATA_DIR/Segmentation/ (same file names).

    Writes NAME/stardist and NAME/unet with weights, thresholds, training curve and model card; use
    them with `btrackmate segment --model-dir OUTPUT/NAME`. The defaults are the paper's and want a
    GPU; for a laptop, see models/README.md.
    """
    from btrackmate.training.train import train

    values = load_yaml(config) if config else {}
    values |= given_values(TrainSettings, options) | parse_assignments(assignments)
    settings = TrainSettings.parse(values, str(config or "options"))
    folders = train(data_dir, name, output, settings, progress=progress, overwrite=overwrite)
    for folder in folders.values():
        click.echo(folder)
