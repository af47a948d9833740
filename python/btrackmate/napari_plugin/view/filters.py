"""The widget for filters on spots and tracks, with histograms."""

from typing import Any

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from btrackmate.core.errors import UserError
from btrackmate.napari_plugin.model.linking import keep, with_tracks
from btrackmate.napari_plugin.model.pictures import make_figure
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.napari_plugin.view.workspace import show

_BINS = 60


class Filters(SessionPanel):
    """Filter spots and tracks by any feature: what passes is shown, then kept."""

    title = "Filter"

    def build(self, session: Session) -> QWidget:
        """Make the histogram and the list of filters."""
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.what, self.feature, self.sign = QComboBox(), QComboBox(), QComboBox()
        self.what.addItems(["tracks", "spots"])
        self.sign.addItems([">=", "<=", ">", "<"])
        self.value = QLineEdit()
        self.value.setPlaceholderText("click in the histogram, or type")
        grid = QGridLayout()
        for column, widget in enumerate((self.what, self.feature)):
            grid.addWidget(widget, 0, column)
        grid.addWidget(self.sign, 1, 0)
        grid.addWidget(self.value, 1, 1)
        box.addLayout(grid)
        self.figure = make_figure(4, 2.2, dark=True)
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.setMinimumHeight(170)
        self.canvas.mpl_connect("button_press_event", self._on_click)
        box.addWidget(self.canvas)
        row = QHBoxLayout()
        for label, do in (("Add filter", self._on_add), ("Remove", self._on_remove),
                          ("Keep only what passes", self._on_keep)):  # fmt: skip
            button = QPushButton(label)
            button.clicked.connect(do)
            row.addWidget(button)
        box.addLayout(row)
        self.list = QListWidget()
        box.addWidget(self.list)
        self.told = QLabel()
        self.told.setWordWrap(True)
        box.addWidget(self.told)
        self.what.currentTextChanged.connect(self._on_what)
        self.feature.currentTextChanged.connect(self._draw)
        self._on_what()
        self._busy = False
        self._reload()
        self.follow(session.shown, self._reload)
        self.follow(session.edited, self._on_edited)
        return content

    def _on_edited(self, *_: Any) -> None:
        self._draw()
        if self.list.count():
            self._tell()

    def _reload(self, *_: Any) -> None:
        """List the filters that count: of a widget that was closed, or of the Inspector."""
        filters = self.session.filters
        if self.chosen != filters and not self._busy:
            self.list.clear()
            for kind, texts in filters.items():
                self.list.addItems([f"{kind}: {text}" for text in texts])
            self._tell()

    @property
    def chosen(self) -> dict[str, list[str]]:
        """The filters of the list, by what they are on."""
        found: dict[str, list[str]] = {"spots": [], "tracks": []}
        for number in range(self.list.count()):
            kind, text = self.list.item(number).text().split(": ", 1)
            found[kind].append(text)
        return found

    def _on_what(self, *_: Any) -> None:
        self.feature.blockSignals(True)
        self.feature.clear()
        if self.what.currentText() == "tracks":
            self.feature.addItems(list(self.session.table.table.columns))
            self.feature.setCurrentText("duration")
        else:
            self.feature.addItems(self.session.opened.graph.spots.features)
        self.feature.blockSignals(False)
        self._draw()

    def _values(self) -> Any:
        name = self.feature.currentText()
        if self.what.currentText() == "tracks":
            return self.session.table.table[name].to_numpy(np.float64)
        scene = self.session.scene
        return self.session.values(name, np.flatnonzero(scene.alive))

    def _draw(self, *_: Any) -> None:
        self.figure.clear()
        axis = self.figure.add_subplot()
        values = self._values()
        values = values[np.isfinite(values)]
        if values.size:
            axis.hist(values, bins=_BINS, color="#56B4E9")
        else:
            axis.text(0.5, 0.5, "no values", ha="center", transform=axis.transAxes)
        axis.set(xlabel=self.feature.currentText().replace("_", " "), ylabel="count")
        axis.tick_params(labelsize=7)
        self.canvas.draw_idle()

    def _on_click(self, event: Any) -> None:
        if event.xdata is None:
            return
        self.value.setText(f"{event.xdata:.4g}")
        self._draw()
        self.figure.axes[0].axvline(event.xdata, color="#D55E00")
        self.canvas.draw_idle()

    def _on_add(self) -> None:
        text = f"{self.feature.currentText()}{self.sign.currentText()}{self.value.text().strip()}"
        self.list.addItem(f"{self.what.currentText()}: {text}")
        if not self._show():
            self.list.takeItem(self.list.count() - 1)

    def _on_remove(self) -> None:
        row = self.list.currentRow()
        self.list.takeItem(row if row >= 0 else self.list.count() - 1)
        self._show()

    def _show(self) -> bool:
        """Show what passes; False if a filter is wrong."""
        session, chosen = self.session, self.chosen
        self._busy = True
        try:
            session.filter_spots(chosen["spots"])
            session.filter_tracks(filters=chosen["tracks"])
        except UserError as error:
            session.told.emit(str(error))
            return False
        finally:
            self._busy = False
        self._tell()
        return True

    def _tell(self) -> None:
        """Say what is shown."""
        session = self.session
        shown = session.visible_rows()
        n = int(session.scene.alive.sum() if shown is None else (shown & session.scene.alive).sum())
        told = f"{len(session.table.order)} of {len(session.table)} tracks, "
        told += f"{n} of {session.now.n_spots} spots are shown"
        self.told.setText(told + self._tell_kept(n))

    def _tell_kept(self, shown: int) -> str:
        """Say how many spots would be kept, where that is not what is shown.

        Tracks are shown by the whole of them, and kept by what the filters of spots leave.
        """
        chosen = self.chosen
        if not (chosen["spots"] and chosen["tracks"]):
            return ""
        try:
            kept = len(keep(self.session, chosen["spots"], chosen["tracks"]).spots)
        except UserError:
            kept = 0
        if kept == shown:
            return ""
        return f"; {kept} are kept, as tracks are judged by the spots of them that pass then"

    def _on_keep(self) -> None:
        session, chosen = self.session, self.chosen
        graph = self.guard(lambda: keep(session, chosen["spots"], chosen["tracks"]))
        if graph is not None:
            show(
                self.viewer,
                with_tracks(session.opened, graph, session.hidden_ids.tolist(), session.n_unkept),
            )
