"""The lineage tree: a canvas on the graphics card, linked with the selection."""

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget
from vispy import scene
from vispy.scene.cameras import PanZoomCamera

from btrackmate.napari_plugin.model.actions import ACTIONS, run_action
from btrackmate.napari_plugin.model.session import Session

if TYPE_CHECKING:
    from btrackmate.napari_plugin.model.lineage import TreeLayout

#: Spots up to which each has a dot.
_MOST_DOTS = 3_000
#: Pixels that the mouse may move in a click.
_CLICK = 4
_BACKGROUND, _TEXT = "#262930", "#c8ccd4"
_KEYS = {"Up", "Down", "Left", "Right", "Delete", "Backspace", "Escape"}


class FrameAxis(QWidget):
    """Frames beside the tree, by Qt: the canvas would need half a second to make its letters."""

    _WIDTH, _TICK, _APART = 58, 5, 34  # pixels: of all, of a tick, between ticks at least

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(self._WIDTH)
        self._low, self._high = 0.0, 1.0

    def show_range(self, low: float, high: float) -> None:
        """Show other frames: those at the upper and the lower end."""
        if (low, high) != (self._low, self._high):
            self._low, self._high = low, high
            self.update()

    def find_ticks(self) -> list[int]:
        """Give the frames that are named: every 1st, 2nd, 5th, 10th, … that there is room for."""
        least = max(self._APART * (self._high - self._low) / max(self.height(), 1), 1)
        power = 10 ** int(np.log10(least))
        step = next(one * power for one in (1, 2, 5, 10) if one * power >= least)
        first = int(np.ceil(self._low / step)) * step
        return list(range(first, int(np.floor(self._high)) + 1, step))

    def find_pixel(self, frame: float) -> float:
        """Give the pixel, from above, at which a frame lies, here and in the canvas."""
        return float((frame - self._low) / (self._high - self._low) * self.height())

    def paintEvent(self, _: Any) -> None:  # noqa: N802 - Qt's name
        """Draw line, ticks, numbers and the word."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(_BACKGROUND))
            painter.setPen(QColor(_TEXT))
            right, bottom = self.width() - 1, self.height()
            painter.drawLine(right, 0, right, bottom)
            for frame in self.find_ticks():
                y = round(self.find_pixel(frame))
                painter.drawLine(right - self._TICK, y, right, y)
                box = QRect(0, y - 10, right - self._TICK - 3, 20)
                painter.drawText(box, Qt.AlignRight | Qt.AlignVCenter, str(frame))
            painter.translate(0, bottom)
            painter.rotate(-90)
            painter.drawText(QRect(0, 0, bottom, 16), Qt.AlignCenter, "frame")


class LineageTree(QWidget):
    """Trees of the selected tracks, or of all in the table: time runs downwards.

    Drag moves, the wheel zooms, a click selects, Shift-click selects a second spot; all keys of
    the image work here, too.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.layout_shown: TreeLayout | None = None
        self._of: tuple[int, ...] | None = None
        self.canvas = scene.SceneCanvas(keys=None, bgcolor=_BACKGROUND, parent=self)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self.axis = FrameAxis()
        box.addWidget(self.axis)
        box.addWidget(self.canvas.native)
        self._message = QLabel("no tracks to show", self.canvas.native)
        self._message.setStyleSheet(f"color: {_TEXT}; background: transparent")
        self._message.move(12, 8)
        self.setMinimumHeight(140)
        self._build()
        self.canvas.events.mouse_press.connect(self._on_press)
        self.canvas.events.mouse_release.connect(self._on_release)
        self.canvas.events.key_press.connect(self._on_key)
        self.rebuild()

    def show_frame(self, frame: int) -> None:
        """Move the line of the current frame."""
        wide = 1e7
        self._now.set_data(pos=np.array([[-wide, frame], [wide, frame]]))

    def rebuild(self, *_: Any) -> None:
        """Lay the trees out anew."""
        self._of = self.session.tracks
        self.layout_shown = self.session.tree()
        self.draw()
        self.fit()

    def fit(self) -> None:
        """Show the whole tree."""
        found = self.layout_shown
        if found is None or not found.rows.size:
            self._view.camera.rect = (-1, -1, 2, 2)
            return
        wide = max(float(found.x.max()) + 1.0, 2.0)
        low, high = int(found.frame.min()), int(found.frame.max())
        left = float(found.x.min()) - 0.5 if found.x.max() >= 1 else -1.0
        self._view.camera.rect = (left, low - 0.7, wide, high - low + 1.4)

    def _build(self) -> None:
        self._view = self.canvas.central_widget.add_view(camera=PanZoomCamera(), border_color=None)
        self._view.camera.flip = (False, True, False)
        self._view.scene.transform.changed.connect(self._on_view)
        nothing = np.zeros((1, 2))
        self._now = scene.Line(nothing, color=(1, 1, 1, 0.35), parent=self._view.scene)
        self._lines = scene.Line(nothing, width=2, parent=self._view.scene)
        self._dots = scene.Markers(parent=self._view.scene)
        self._marks = scene.Markers(parent=self._view.scene)

    def draw(self, *_: Any) -> None:
        """Draw the trees as they were laid out."""
        found = self.layout_shown
        empty = found is None or not found.rows.size
        self._message.setVisible(empty)
        for one in (self._lines, self._dots, self._marks):
            one.visible = not empty
        if found is None or empty:
            return
        pos = np.column_stack((found.x, found.frame)).astype(np.float32)
        colours = self.session.colouring.map(
            self.session.values(self.session.colouring.feature, found.rows)
        )
        links = np.column_stack((found.source, found.target)).astype(np.uint32)
        self._lines.set_data(pos=pos, connect=links, color=colours)
        self._lines.visible = bool(len(links))
        self._dots.visible = len(pos) <= _MOST_DOTS
        if self._dots.visible:
            self._dots.set_data(pos, face_color=colours, edge_width=0, size=5)
        self._mark()

    def _mark(self) -> None:
        """Mark the selected spots."""
        found, session = self.layout_shown, self.session
        chosen = [
            (scene_row, colour)
            for spot, colour in ((session.spot, (1, 1, 0, 1)), (session.other, (0, 1, 1, 1)))
            if spot is not None and (scene_row := session.scene.row(spot)) >= 0
        ]
        places, colours = [], []
        for row, colour in chosen:
            at = int(np.searchsorted(found.rows, row)) if found is not None else 0
            if found is not None and at < found.rows.size and found.rows[at] == row:
                places.append((found.x[at], found.frame[at]))
                colours.append(colour)
        self._marks.visible = bool(places)
        if places:
            self._marks.set_data(
                np.array(places, np.float32), face_color=(0, 0, 0, 0), edge_width=2,
                edge_color=np.array(colours), size=13,
            )  # fmt: skip

    def show_selected(self) -> None:
        """Show the selected tracks; another spot of the same ones only moves the mark."""
        if self.session.tracks != self._of:
            self.rebuild()
        else:
            self._mark()

    def show_listed(self) -> None:
        """Lay out the tracks of the table, if none is selected."""
        if not self.session.tracks:
            self.rebuild()

    def _on_view(self, *_: Any) -> None:
        """Name the frames that are seen."""
        seen = self._view.camera.rect
        self.axis.show_range(seen.bottom, seen.top)

    def _on_press(self, event: Any) -> None:
        self._pressed = np.array(event.pos[:2])

    def _on_release(self, event: Any) -> None:
        pressed = getattr(self, "_pressed", None)
        if pressed is None or np.abs(np.array(event.pos[:2]) - pressed).max() > _CLICK:
            return
        spot = self.spot_at(event.pos[:2])
        if spot is not None:
            second = "Shift" in [key.name for key in event.modifiers or ()]
            self.session.select(spot, go=True, second=second)

    def spot_at(self, pixel: Any) -> int | None:
        """Give the spot nearest to a pixel of the canvas."""
        if self.layout_shown is None:
            return None
        transform = self.canvas.scene.node_transform(self._view.scene)
        x, frame = transform.map(np.array([*pixel, 0, 1]))[:2]
        aside = transform.map(np.array([pixel[0] + 1, pixel[1] + 1, 0, 1]))[:2]
        aspect = abs(aside[0] - x) / max(abs(aside[1] - frame), 1e-12)
        row = self.layout_shown.nearest(x, frame, aspect=aspect)
        return None if row is None else int(self.session.scene.id[row])

    def _on_key(self, event: Any) -> None:
        """Do what the key does in the image."""
        name = event.key.name if event.key is not None else ""
        name = name if name in _KEYS else name.upper()
        held = [key.name for key in event.modifiers or ()]
        order = [one for one in ("Control", "Shift", "Alt") if one in held]
        wanted = "-".join((*order, name))
        for action in ACTIONS:
            if wanted in (_sort_keys(key) for key in action.keys):
                run_action(self.session, action)
                return


def _sort_keys(key: str) -> str:
    *held, name = key.split("-")
    return "-".join([one for one in ("Control", "Shift", "Alt") if one in held] + [name])
