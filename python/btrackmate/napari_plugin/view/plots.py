"""Plots of the selected tracks, linked with the selection."""

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from btrackmate.napari_plugin.model.curves import MOST_TRACKS, nearest_spot
from btrackmate.napari_plugin.model.pictures import (
    OF_FEW,
    PLOTS,
    choose_feature,
    draw_plot,
    make_figure,
    save_figure,
)
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.panel import SessionPanel


class Plots(SessionPanel):
    """Plot the selected tracks; a click on a curve selects the cell."""

    title = "Plots"

    def build(self, session: Session) -> QWidget:
        """Make the canvas."""
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.kind, self.feature = QComboBox(), QComboBox()
        self.kind.addItems(list(PLOTS))
        names = session.opened.graph.spots.features
        self.feature.addItems(names)
        self.feature.setCurrentText(choose_feature(names))
        row = QHBoxLayout()
        row.addWidget(self.kind)
        row.addWidget(self.feature, 1)
        box.addLayout(row)
        self.figure = make_figure(4.4, 5.2, dark=True)
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.mpl_connect("button_press_event", self._on_click)
        box.addWidget(self.canvas, 1)
        self.told = QLabel()
        self.told.setWordWrap(True)
        save = QPushButton("Save plot …")
        save.clicked.connect(self._on_save)
        bottom = QHBoxLayout()
        bottom.addWidget(self.told, 1)
        bottom.addWidget(save)
        box.addLayout(bottom)
        self.kind.currentTextChanged.connect(self.draw)
        self.feature.currentTextChanged.connect(self.draw)
        self.follow(session.selected, self.draw)
        self.follow(session.edited, self.draw)
        self.draw()
        return content

    def draw(self, *_: Any) -> None:
        """Draw the selected tracks."""
        self.figure.clear()
        kind, name = self.kind.currentText(), self.feature.currentText()
        self.curves = draw_plot(self.figure, self.session, kind, name)
        more = len(self.session.tracks) - MOST_TRACKS
        few = more > 0 and kind in OF_FEW
        self.told.setText(f"the first {MOST_TRACKS} selected tracks" if few else "")
        self.canvas.draw_idle()

    def _on_click(self, event: Any) -> None:
        if event.xdata is None or not self.curves:
            return
        axis = event.inaxes
        if axis is not self.figure.axes[0]:
            return
        dt = self.session.opened.graph.spots.calibration.dt
        left, right = axis.get_xlim()
        low, high = axis.get_ylim()
        aspect = (right - left) / dt / max(high - low, 1e-12)
        spot = nearest_spot(self.curves, event.xdata / dt, event.ydata, aspect)
        if spot is not None:
            self.session.select(spot, go=True)

    def _on_save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save plot", "tracks.png", "Pictures (*.png *.svg *.pdf)"
        )
        if chosen:
            self.guard(lambda: save_figure(self.figure, Path(chosen)))
