"""The lineage tree: a canvas on the graphics card, linked with the selection."""

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QVBoxLayout, QWidget
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
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.canvas.native)
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
        grid = self.canvas.central_widget.add_grid(spacing=0)
        axis = scene.AxisWidget(
            orientation="left", axis_label="frame", text_color=_TEXT, axis_color=_TEXT,
            tick_color=_TEXT, axis_font_size=8, tick_font_size=7, axis_label_margin=38,
            tick_label_margin=14,
        )  # fmt: skip
        axis.width_max = 62
        grid.add_widget(axis, row=0, col=0)
        self._view = grid.add_view(row=0, col=1, camera=PanZoomCamera(), border_color=None)
        self._view.camera.flip = (False, True, False)
        axis.link_view(self._view)
        nothing = np.zeros((1, 2))
        self._now = scene.Line(nothing, color=(1, 1, 1, 0.35), parent=self._view.scene)
        self._lines = scene.Line(nothing, width=2, parent=self._view.scene)
        self._dots = scene.Markers(parent=self._view.scene)
        self._marks = scene.Markers(parent=self._view.scene)
        self._message = scene.Text("", color=_TEXT, font_size=10, parent=self.canvas.scene)

    def draw(self, *_: Any) -> None:
        """Draw the trees as they were laid out."""
        found = self.layout_shown
        empty = found is None or not found.rows.size
        self._message.text = "no tracks to show" if empty else ""
        self._message.pos = (self.canvas.size[0] / 2, self.canvas.size[1] / 2)
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
