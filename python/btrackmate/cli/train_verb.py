"""`btrackmate train`: StarDist, U-Net and Noise2Void from your own images."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.options import (
    OUTPUT,
    PATH,
    common_options,
    given_values,
    parse_assignments,
    settings_options,
    with_console,
)
from btrackmate.core.progress import Progress
from btrackmate.core.settings import load_yaml
from btrackmate.training.presets import PRESETS
from btrackmate.training.settings import TrainSettings


@click.command("train")
@click.argument("data_dir", type=PATH)
@click.option("--name", required=True, help="Name of the models' folder.")
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    default=Path("models"),
    show_default=True,
    help="Folder in which it is made.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="paper (the defaults; wants a GPU) or small (minutes on a laptop: starts from the shipped "
    "networks); what else is given counts more.",
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
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    *,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Train StarDist and U-Net on DATA_DIR/Raw/ and DATA_DIR/Segmentation/ (same file names).

    Writes NAME/stardist, NAME/unet and, with --only n2v or all, NAME/n2v (Noise2Void, which needs
    no Segmentation/), each with weights, thresholds, training curve and model card; use them with
    `btrackmate segment --model-dir OUTPUT/NAME`. A training that was stopped goes on when it is
    started again. A U-Net whose StarDist is there also gets the threshold for cells that only the
    U-Net sees (--rescue-thresh of `btrackmate segment`). To split the work over GPUs, write
    NAME/patches.npz with --npz-only, then give it as DATA_DIR with --only stardist and --only
    unet, and run `btrackmate optimize-thresholds` at the end, as neither waits for the other.
    --set takes the paper's names as well: NetworkDepth, Epochs, LearningRate, Kernel, Rays,
    PatchX, PatchY, PatchZ.
    """
    from btrackmate.training.card import describe_scores
    from btrackmate.training.trainer import train

    values = load_yaml(config) if config else {}
    if preset is not None:
        values["preset"] = preset
    values |= given_values(TrainSettings, options) | parse_assignments(assignments)
    settings = TrainSettings.parse(values, str(config or "options"))
    folders = train(data_dir, name, output, settings, progress=progress, overwrite=overwrite)
    for kind, folder in folders.items():
        if kind != "npz":
            click.echo(describe_scores(folder))
        click.echo(folder)
