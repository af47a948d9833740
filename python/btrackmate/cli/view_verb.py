"""`btrackmate view`: napari with tracks, image, labels and the widgets."""

from importlib.util import find_spec
from pathlib import Path

import click

from btrackmate.cli.options import PATH
from btrackmate.core.errors import UserError


@click.command("view")
@click.argument("path", type=PATH, required=False)
@click.option("--image", type=PATH, help="Image, in place of the one that the tracks name.")
@click.option("--labels", type=PATH, help="Label images that the spots were measured in.")
def command(path: Path | None, image: Path | None, labels: Path | None) -> None:
    """Look at PATH in napari, and correct it: a run folder, .xml, .geff, .csv or CTC folder.

    Without PATH the sample that ships with the package is shown. Edits are kept in a journal
    beside the tracks as they are made.
    """
    if find_spec("napari") is None:
        msg = "napari is not installed: pip install 'btrackmate[napari]'"
        raise UserError(msg)
    from btrackmate.napari_plugin.model.opening import open_tracks
    from btrackmate.napari_plugin.model.samples import open_sample

    opened = open_sample() if path is None else open_tracks(path, image, labels)
    from btrackmate.napari_plugin.view.window import open_window  # needs a screen

    open_window(opened)
