"""The window of `btrackmate view`."""

import napari

from btrackmate.napari_plugin.model.opening import Opened
from btrackmate.napari_plugin.view.files import open_widgets
from btrackmate.napari_plugin.view.workspace import close, show


def open_window(opened: Opened) -> None:
    """Show tracks in a new window with all widgets, and wait until it is closed."""
    viewer = napari.Viewer(title="BTrackMate")
    show(viewer, opened)
    open_widgets(viewer)
    try:
        napari.run()
    finally:
        close(viewer)
