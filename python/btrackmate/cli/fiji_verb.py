"""`btrackmate fiji`: the plugin and scripts in headless Fiji, and what is found of it."""

from pathlib import Path
from typing import Any

import click

from btrackmate.cli.engines import fiji_options
from btrackmate.cli.options import (
    OUTPUT,
    PATH,
    common_options,
    given_values,
    settings_options,
    split_assignment,
    with_console,
)
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.outputs import check_outputs
from btrackmate.core.progress import Progress
from btrackmate.core.watching import watch_inputs
from btrackmate.fiji_bridge.plugin import PluginSettings
from btrackmate.fiji_bridge.settings import FijiSettings


@click.group("fiji")
def command() -> None:
    """Headless Fiji: run the plugin, run a Jython script, say what is found.

    Needs `pip install 'btrackmate[fiji]'`, Java 21 or later, and a Fiji with TrackMate 8 (or
    TrackMate from Maven).
    """


@command.command("run")
@click.argument("image", type=PATH)
@click.option("-o", "--output", type=OUTPUT, required=True, help="TrackMate file, .xml.")
@click.option("--labels", type=PATH, help="Label images; else a channel of IMAGE.")
@click.option("--csv", "table", type=PATH, help="CSV of cells, instead of label images.")
@click.option("--mask", type=PATH, help="Tissue mask: one plane or all, one frame or all.")
@settings_options(PluginSettings)
@fiji_options
@common_options
@with_console
def run(
    image: Path,
    output: Path,
    labels: Path | None,
    table: Path | None,
    mask: Path | None,
    *,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Track the cells of IMAGE with BTrackMate's plugin: what Batch… does in Fiji's menu.

    IMAGE and the other images are files that ImageJ opens, IMAGE calibrated. Detects, links and
    prunes in TrackMate, and saves its file.
    """
    from btrackmate.fiji_bridge.plugin import check_files, check_plugin, run_plugin

    check_files(image, output, labels=labels, table=table, mask=mask)
    check_outputs([output], (image, labels, table, mask), overwrite=overwrite)
    settings = PluginSettings.parse(given_values(PluginSettings, options), "options")
    check_plugin(_parse(options))
    fiji = _start(options)
    files = {"labels": labels, "table": table, "mask": mask}
    with write_together(overwrite=overwrite), watch_inputs(image, *files.values()):
        spots, tracks = run_plugin(fiji, image, output, settings, **files, progress=progress)
    click.echo(f"{spots} spots, {tracks} tracks")
    click.echo(output)


@command.command("script")
@click.argument("script", type=PATH)
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@fiji_options
@click.option("--quiet", is_flag=True, help="No progress; warnings only.")
@with_console
def script(script: Path, values: tuple[str, ...], progress: Progress, **options: Any) -> None:
    """Run the Jython SCRIPT with values for its #@ parameters, without a dialog.

    E.g. btrackmate fiji script track_labels.py image=movie.tif labels=labels.tif output=t.xml.
    Parameters that are not given have the script's defaults.
    """
    from btrackmate.fiji_bridge.scripts import check_script, run_script

    named = _split(values)
    check_script(script)
    outputs = run_script(_start(options), script, named, progress)
    for name, value in outputs.items():
        click.echo(f"{name}: {value}")


@command.command("doctor")
@fiji_options
@click.option("--no-start", is_flag=True, help="Only look; do not start Java.")
@click.option("--quiet", is_flag=True, help="Warnings only.")
@with_console
def doctor(*, no_start: bool, progress: Progress, **options: Any) -> int:
    """Say what is found of Java, Fiji, TrackMate and the plugin, and what to do where it lacks.

    Exit code 0 if --engine trackmate can be used, else 2.
    """
    from btrackmate.fiji_bridge.doctor import examine

    findings = examine(_parse(options), start=not no_start)
    for finding in findings:
        click.echo(finding)
    usable = all(finding.usable for finding in findings)
    click.echo("TrackMate can be used." if usable else "TrackMate cannot be used as it is.")
    return 0 if usable else 2


def _parse(options: dict[str, Any]) -> FijiSettings:
    return FijiSettings.parse(given_values(FijiSettings, options), "options")


def _start(options: dict[str, Any]) -> Any:
    from btrackmate.fiji_bridge.jvm import start_fiji

    return start_fiji(_parse(options))


def _split(words: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in words:
        name, value = split_assignment(word, "image=movie.tif")
        if name in values:
            msg = f"parameter {name} is given twice; give it once"
            raise UserError(msg)
        values[name] = value
    return values
