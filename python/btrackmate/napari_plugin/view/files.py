"""Opening and saving, as napari asks for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMainWindow, QTabWidget

from btrackmate.core.paths import is_one_name
from btrackmate.io.track_formats import name_outputs, write_tracks
from btrackmate.napari_plugin.model.layers import LayerData, make_layers, read_layer
from btrackmate.napari_plugin.model.opening import Opened, is_tracks, open_tracks
from btrackmate.napari_plugin.model.samples import load_mask, open_sample
from btrackmate.napari_plugin.model.saving import check_saving
from btrackmate.napari_plugin.view.closing import guard_window
from btrackmate.napari_plugin.view.faults import FAULTS, show_fault
from btrackmate.napari_plugin.view.workspace import close, find_workspace, list_opened, show
from btrackmate.review import find_edited

#: Widgets that are docked with tracks; the others are in the menu Plugins.
_DOCKED = ("Inspector", "Correct", "Plots", "Explain")
#: What a reader gives that has added its layers itself.
_DONE: list[Any] = [(None,)]


def get_reader(path: str | list[str]) -> Callable[[Any], list[Any]] | None:
    """Give the function that opens a path; None for what holds no tracks."""
    if isinstance(path, list):
        path = path[0] if len(path) == 1 else ""
    return read if path and is_tracks(Path(path)) else None


def read(path: str | list[str]) -> list[LayerData] | list[Any]:
    """Open tracks with their image and labels.

    In a viewer they are shown with everything that belongs to them; without one, plain layers are
    given back.
    """
    one = Path(path[0] if isinstance(path, list) else path)
    viewer = napari.current_viewer()
    if viewer is None:
        return make_layers(open_tracks(one, edit=False))
    try:
        before = find_workspace(viewer)
        if before is not None:
            before.session.check_kept()
        if before is not None and _is_open(before.session.opened, one):
            close(viewer)  # the same tracks again: they can be held once only
        show(viewer, open_tracks(one))
    except FAULTS as error:
        show_fault(error)
        return _DONE
    open_widgets(viewer)
    return _DONE


def _is_open(opened: Opened, path: Path) -> bool:
    """Tell whether tracks are those that are open, by this name or another one."""
    if opened.edit is None:
        return is_one_name(opened.path, path)
    return path.exists() and is_one_name(opened.edit.path, find_edited(path))


def open_embryo() -> list[LayerData]:
    """Open the shipped sample; with it comes its tissue mask, hidden.

    Raises
    ------
    UserError
        If corrections that are open stand in no file; napari tells it.
    """
    viewer = napari.current_viewer()
    opened = open_sample()
    if viewer is None:
        return make_layers(opened)
    show(viewer, opened)
    open_widgets(viewer)
    scale = opened.graph.spots.calibration.spacing(3)
    return [(load_mask(), {"name": "tissue mask", "scale": scale, "visible": False}, "labels")]


def open_widgets(viewer: Any, *names: str) -> None:
    """Dock the widgets that tracks are looked at with, and others by name."""
    window = getattr(viewer, "window", None)
    if window is None:
        return
    docks = []
    for name in dict.fromkeys((*_DOCKED, *names)):
        docks.append(window.add_plugin_dock_widget("btrackmate", name, tabify=True)[0])
        docks[-1].setWindowTitle(name)
    main = docks[0].window()
    if isinstance(main, QMainWindow):  # Beside the widgets there is room for all their names.
        main.setTabPosition(Qt.RightDockWidgetArea, QTabWidget.East)
        guard_window(viewer, main)
    docks[0].show()
    docks[0].raise_()


def write_tracks_layer(path: str, data: Any, options: dict[str, Any]) -> list[str]:
    """Write a Tracks layer: of an open session with all that its file had, else what it shows.

    What belongs to the tracks that are open, in any window, is not replaced.
    """
    session = options.get("metadata", {}).get("btrackmate")
    target = Path(path)
    try:
        if session is not None:
            return [str(one) for one in session.save_as(target)]
        for opened in (None, *list_opened()):
            check_saving(opened, target, name_outputs(target))
        graph = read_layer(data, options, show_warning)
        return [str(one) for one in write_tracks(target, graph)]
    except FAULTS as error:  # Of those, napari would say that no plugin can write it.
        show_fault(error)
        return []
