"""Corrections that stand in no file when the window is closed."""

import weakref
from typing import Any

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMainWindow, QMessageBox

from btrackmate.napari_plugin.view.workspace import find_workspace


def guard_window(viewer: Any, window: QMainWindow) -> None:
    """Ask before a person closes a window and corrections that stand in no file would be gone."""
    if window.findChild(_Guard) is None:
        window.installEventFilter(_Guard(viewer, window))


class _Guard(QObject):
    def __init__(self, viewer: Any, window: QMainWindow) -> None:
        super().__init__(window)
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Keep the window open where the person wants to save first."""
        workspace = find_workspace(self._viewer()) if event.type() == QEvent.Close else None
        if workspace is None or not _shows_anything(watched):
            return False
        if not workspace.session.n_unkept or _confirm(watched, workspace.session.n_unkept):
            return False
        event.ignore()
        return True


def _shows_anything(window: Any) -> bool:
    """Tell whether a person closes it: a script takes away what is in it first."""
    inside = window.centralWidget().children()
    return any(one.isVisible() for one in inside if one.isWidgetType())


def _confirm(window: Any, n: int) -> bool:
    answer = QMessageBox.warning(
        window,
        "Corrections in no file",
        f"{n} corrections stand in no file and would be gone. Save as in Correct keeps them.",
        QMessageBox.Discard | QMessageBox.Cancel,
        QMessageBox.Cancel,
    )
    return bool(answer == QMessageBox.Discard)
