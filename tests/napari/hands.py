"""What a person does with mouse and keys in the window."""

import time
from pathlib import Path

import numpy as np

from btrackmate.napari_plugin.model.opening import open_tracks


def settle() -> None:
    """Let Qt do what it has to do, as its event loop would: also delete what is to go."""
    from qtpy.QtCore import QEvent
    from qtpy.QtWidgets import QApplication

    for _ in range(4):
        QApplication.instance().processEvents()
    QApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def pixel_of(viewer, point: np.ndarray) -> tuple[int, int]:
    """Give the pixel of the canvas at which a place (z, y, x) is shown in 2D."""
    from btrackmate.napari_plugin.view.placing import find_camera

    camera, canvas = find_camera(viewer), viewer.window._qt_viewer.canvas
    size = np.array(canvas._scene_canvas.size)
    y, x = (np.asarray(point[-2:]) - np.array(camera.center[-2:])) * camera.zoom
    return int(size[0] / 2 + x), int(size[1] / 2 + y)


def click(viewer, point: np.ndarray, *, shift: bool = False) -> None:
    """Click with the left button where a spot is shown."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    native = viewer.window._qt_viewer.canvas.native
    held = Qt.ShiftModifier if shift else Qt.NoModifier
    where = QPoint(*pixel_of(viewer, point))
    QTest.mouseMove(native, where)
    settle()
    QTest.mousePress(native, Qt.LeftButton, held, where)
    settle()
    QTest.mouseRelease(native, Qt.LeftButton, held, where)
    settle()


def press(viewer, key: str, *held: str) -> None:
    """Press a key over the image."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    modifiers = Qt.NoModifier
    for one in held:
        modifiers |= {"Shift": Qt.ShiftModifier, "Control": Qt.ControlModifier}[one]
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, getattr(Qt, f"Key_{key}"), modifiers)
    settle()


def show(viewer, path: Path):
    from btrackmate.napari_plugin.view import workspace
    from btrackmate.napari_plugin.view.placing import find_camera

    found = workspace.show(viewer, open_tracks(path))
    find_camera(viewer).zoom = 1.2
    settle()
    return found


def go(work, spot: int) -> np.ndarray:
    """Go to a spot's frame; give its place."""
    session = work.session
    row = session.scene.row(spot)
    session.moved.emit(int(session.scene.frame[row]), session.scene.points[row])
    settle()
    return session.scene.points[row]


def push(button) -> None:
    """Click on a button."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    assert button.isEnabled()
    QTest.mouseClick(button, Qt.LeftButton)
    settle()


def push_named(widget, label: str) -> None:
    """Click on the button that has a label."""
    from qtpy.QtWidgets import QPushButton

    push(next(one for one in widget.findChildren(QPushButton) if one.text() == label))


def type_into(field, text: str) -> None:
    """Replace the text of a field by keys, and leave it with Return."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text) if text else QTest.keyClick(field, Qt.Key_Delete)
    QTest.keyClick(field, Qt.Key_Return)
    settle()


def choose(box, text: str) -> None:
    """Go to an entry of a combo box by keys."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    by = box.findText(text) - box.currentIndex()
    assert box.findText(text) >= 0
    for _ in range(abs(by)):
        QTest.keyClick(box, Qt.Key_Down if by > 0 else Qt.Key_Up)
    assert box.currentText() == text
    settle()


def click_plot(canvas, axis, x: float, y: float) -> None:
    """Click on a place of a plot."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    canvas.draw()
    at = axis.transData.transform((x, y)) / canvas.device_pixel_ratio
    height = canvas.height()
    QTest.mouseClick(canvas, Qt.LeftButton, Qt.NoModifier, QPoint(int(at[0]), int(height - at[1])))
    settle()


def wait(bar, seconds: float = 60) -> None:
    """Wait for work beside the window."""
    end = time.monotonic() + seconds
    while bar.job is not None:
        assert time.monotonic() < end
        settle()
        time.sleep(0.01)
    settle()


def dock(viewer, kind):
    """Put a widget beside the image, in a tab if there is another."""
    widget = kind(viewer)
    viewer.window.add_dock_widget(widget, area="right", tabify=True)
    bring(widget)
    return widget


def bring(widget) -> None:
    """Go to a widget's tab."""
    widget.parentWidget().raise_()
    settle()
