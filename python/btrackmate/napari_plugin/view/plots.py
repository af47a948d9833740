"""Plots of the selected tracks: courses and spectra, positions of starts and ends."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from btrackmate.core.files import write_atomically
from btrackmate.core.outputs import check_ending
from btrackmate.napari_plugin.model.curves import MOST_TRACKS, find_curves, nearest_spot
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.report.plots import COLOURS, GREEN, RED, label_feature

_DARK, _LIGHT = "#262930", "#d0d4da"
_KINDS = ("course and spectrum", "start and end")


def dark_figure(width: float, height: float) -> Figure:
    """Make a figure in the colours of the window."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor=_DARK, dpi=90)
    old = figure.add_subplot

    def add(*where: Any, **options: Any) -> Any:
        axis = old(*where, **options)
        axis.set_facecolor(_DARK)
        for side in axis.spines.values():
            side.set_color(_LIGHT)
        axis.tick_params(colors=_LIGHT, labelsize=7)
        for label in (axis.xaxis.label, axis.yaxis.label, axis.title):
            label.set_color(_LIGHT)
            label.set_fontsize(8)
        return axis

    figure.add_subplot = add  # type: ignore[method-assign]
    return figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, SVG or PDF, with the colours that it has.

    Raises
    ------
    UserError
        If the name has another ending.
    """
    check_ending(path, ".png", ".svg", ".pdf")
    with write_atomically(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], facecolor=figure.get_facecolor())
    return path


class Plots(SessionPanel):
    """Plot the selected tracks; a click on a curve selects the cell."""

    title = "Plots"

    def build(self, session: Session) -> QWidget:
        """Make the canvas."""
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.kind, self.feature = QComboBox(), QComboBox()
        self.kind.addItems(_KINDS)
        names = session.opened.graph.spots.features
        self.feature.addItems(names)
        wanted = ("mean_intensity_ch1", "boundary_distance", "volume", "z")
        self.feature.setCurrentText(next((one for one in wanted if one in names), names[0]))
        row = QHBoxLayout()
        row.addWidget(self.kind)
        row.addWidget(self.feature, 1)
        box.addLayout(row)
        self.figure = dark_figure(4.4, 5.2)
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
        session, name = self.session, self.feature.currentText()
        self.curves = find_curves(session, name)
        self.figure.clear()
        more = len(session.tracks) - MOST_TRACKS
        self.told.setText(f"the first {MOST_TRACKS} selected tracks" if more > 0 else "")
        if not self.curves:
            axis = self.figure.add_subplot()
            axis.set_axis_off()
            axis.text(0.5, 0.5, "Select a track: click on a cell,\na branch or a row of the table",
                      ha="center", va="center", color=_LIGHT, transform=axis.transAxes)  # fmt: skip
        elif self.kind.currentText() == _KINDS[0]:
            self._draw_courses(name)
        else:
            self._draw_ends()
        self.canvas.draw_idle()

    def _draw_courses(self, name: str) -> None:
        size = self.session.opened.graph.spots.calibration
        first, second = (self.figure.add_subplot(2, 1, row) for row in (1, 2))
        for number, curve in enumerate(self.curves):
            colour = COLOURS[:-1][number % (len(COLOURS) - 1)]
            words = f"track {curve.track}, {'mother' if curve.is_mother else 'daughter'}"
            first.plot(curve.frame * size.dt, curve.values, "-o", ms=3, lw=1.2, color=colour,
                       label=words)  # fmt: skip
            frequency, power = curve.spectrum(size.dt)
            if frequency.size:
                second.plot(frequency, power, "-o", ms=3, lw=1, color=colour)
        spot = self.session.spot
        for curve in self.curves:
            at = np.flatnonzero(curve.spots == spot)
            first.plot(curve.frame[at] * size.dt, curve.values[at], "o", ms=9, mfc="none",
                       mec="yellow")  # fmt: skip
        first.set(xlabel=f"time ({size.time_unit})", ylabel=label_feature(name, size))
        second.set(xlabel=f"frequency (1/{size.time_unit})", ylabel="power")
        if not second.lines:
            second.text(0.5, 0.5, "no tracklet has four values", ha="center", color=_LIGHT,
                        transform=second.transAxes)  # fmt: skip
        if len(self.curves) <= len(COLOURS):
            first.legend(fontsize=6, frameon=False, labelcolor=_LIGHT)

    def _draw_ends(self) -> None:
        """Mark where tracklets start and end: mothers green, daughters red."""
        size = self.session.opened.graph.spots.calibration
        axis = self.figure.add_subplot()
        named = set()
        for curve in self.curves:
            colour, words = (GREEN, "mother") if curve.is_mother else (RED, "daughter")
            y, x = curve.points[:, -2], curve.points[:, -1]
            axis.plot(x, y, lw=0.8, color=colour, alpha=0.6)
            label = None if words in named else f"{words}: ○ start, ■ end"
            axis.plot(x[:1], y[:1], "o", ms=6, mfc="none", color=colour, label=label)
            axis.plot(x[-1:], y[-1:], "s", ms=5, color=colour)
            named.add(words)
        axis.set(xlabel=f"x ({size.space_unit})", ylabel=f"y ({size.space_unit})")
        axis.set_aspect("equal", "datalim")
        axis.invert_yaxis()
        axis.legend(fontsize=7, frameon=False, labelcolor=_LIGHT)

    def _on_click(self, event: Any) -> None:
        if event.xdata is None or self.kind.currentText() != _KINDS[0] or not self.curves:
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
