"""`btrackmate view`: napari with tracks, image, labels and the widgets."""

import ctypes
import os
import sys
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
    check_screen()
    from btrackmate.napari_plugin.model.opening import open_tracks
    from btrackmate.napari_plugin.model.samples import open_sample

    opened = open_sample() if path is None else open_tracks(path, image, labels)
    from btrackmate.napari_plugin.view.window import open_window  # needs a screen

    open_window(opened)


def check_screen() -> None:
    """Refuse to go on without a screen, where Qt would end the process.

    Raises
    ------
    UserError
    """
    given = os.environ.get
    elsewhere = sys.platform in ("win32", "darwin", "cygwin")
    if elsewhere or given("QT_QPA_PLATFORM") or given("WAYLAND_DISPLAY"):
        return
    display = given("DISPLAY")
    if display and _answers():
        return
    what = f"the screen {display} (DISPLAY) does not answer" if display else "there is none"
    msg = f"view needs a screen: {what}; start it on a desktop, through `ssh -X` or with `xvfb-run`"
    raise UserError(msg)


def _answers() -> bool:
    """Tell whether the X server of DISPLAY takes us; where that cannot be asked, it may."""
    try:
        library = ctypes.CDLL("libX11.so.6")
    except OSError:
        return True
    library.XOpenDisplay.restype = ctypes.c_void_p
    library.XCloseDisplay.argtypes = [ctypes.c_void_p]
    opened = library.XOpenDisplay(None)
    if opened:
        library.XCloseDisplay(opened)
    return bool(opened)
