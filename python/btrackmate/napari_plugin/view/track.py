"""The widget that tracks: every tracker with its settings, preview, pruning."""

from collections.abc import Iterable
from typing import Any

from napari.utils.notifications import show_info
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from btrackmate.core.graph import TrackGraph
from btrackmate.napari_plugin.model.linking import (
    PREVIEW,
    link,
    preview_pruning,
    prune_tracks,
    with_tracks,
)
from btrackmate.napari_plugin.model.opening import find_unseen
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.form import SettingsForm, WorkBar
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.napari_plugin.view.placing import place_layer
from btrackmate.napari_plugin.view.workspace import show
from btrackmate.tracking.settings import DEFAULT_TRACKER, TRACKERS

_PREVIEW = "preview of links"


class Track(SessionPanel):
    """Link the spots anew with any tracker, and prune short branches."""

    title = "Track"

    def build(self, session: Session) -> QWidget:
        """Make the forms."""
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.tracker = QComboBox()
        self.tracker.addItems(list(TRACKERS))
        self.tracker.setCurrentText(DEFAULT_TRACKER)
        self.tracker.currentTextChanged.connect(self._on_tracker)
        box.addWidget(self.tracker)
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        box.addWidget(self.scroll, 1)
        row = QHBoxLayout()
        self.preview = QPushButton(f"Preview {PREVIEW} frames")
        self.go = QPushButton("Track all")
        self.preview.clicked.connect(self._on_preview)
        self.go.clicked.connect(self._on_go)
        row.addWidget(self.preview)
        row.addWidget(self.go)
        box.addLayout(row)
        self.work = WorkBar()
        box.addWidget(self.work)
        box.addWidget(self._make_pruning())
        self._on_tracker(self.tracker.currentText())
        return content

    def _make_pruning(self) -> QGroupBox:
        group = QGroupBox("Prune short branches after divisions")
        box = QVBoxLayout(group)
        row = QHBoxLayout()
        self.length = QDoubleSpinBox()
        self.length.setRange(0, 1e6)
        self.length.setDecimals(1)
        self.length.setValue(3)
        self.unit = QComboBox()
        self.unit.addItems(["frames", "time"])
        look, go = QPushButton("Preview"), QPushButton("Prune")
        look.clicked.connect(lambda *_: self.guard(self._on_look))
        go.clicked.connect(lambda *_: self.guard(self._on_prune))
        for widget in (QLabel("shorter than"), self.length, self.unit):
            row.addWidget(widget)
        box.addLayout(row)
        row = QHBoxLayout()
        for button in (look, go):
            row.addWidget(button)
        box.addLayout(row)
        self.told = QLabel("What goes is shown first: Preview selects the tracks it changes.")
        self.told.setWordWrap(True)
        box.addWidget(self.told)
        return group

    def _on_tracker(self, name: str) -> None:
        self.form = SettingsForm(TRACKERS[name][1])
        self.scroll.setWidget(self.form)

    def _on_preview(self) -> None:
        settings: Any = self.guard(self.form.values)
        workspace, session = self.workspace, self.session
        if settings is None or workspace is None:
            return
        first = workspace.frame
        frames = range(first, min(first + PREVIEW, session.now.n_frames))
        self.work.run(lambda report: link(session, settings, frames, report), self._show_preview)

    def _show_preview(self, graph: TrackGraph) -> None:
        self.drop_layer(_PREVIEW)
        if not graph.n_links:
            show_info("No links in these frames; loosen the distances")
            return
        linked = graph.keep_spots(graph.track >= 0)
        tracks = linked.to_napari()
        spots = linked.spots
        tracks |= place_layer(spots.calibration, spots.ndim)
        tracks["data"][:, 2:] /= spots.calibration.spacing(spots.ndim)
        layer = self.viewer.add_tracks(
            **tracks, name=_PREVIEW, tail_width=5, head_length=PREVIEW, tail_length=PREVIEW
        )
        self.keep_preview(layer)
        show_info(f"{graph.n_links} links in {PREVIEW} frames, {len(graph.divisions)} divisions")

    def _on_go(self) -> None:
        session = self.session

        def begin() -> Any:
            session.check_kept()
            return self.form.values()

        settings: Any = self.guard(begin)
        if settings is None:
            return
        now, done = session.now.to_graph(), list(session.history.done)

        def take(graph: TrackGraph) -> None:
            if self.session is not session or session.history.done != done:
                show_info("The tracks were edited while they were linked: take Track all again")
                return
            hidden = graph.spots.id[find_unseen(session.opened, graph.spots)]
            self._take(graph, hidden.tolist(), 0)

        self.work.run(lambda report: link(session, settings, None, report, now), take)

    def _take(self, graph: TrackGraph, hidden: Iterable[int], carried: int) -> None:
        show(self.viewer, with_tracks(self.session.opened, graph, hidden, carried))
        show_info(f"{graph.n_tracks} tracks, {len(graph.divisions)} divisions: take Save as in "
                  "Correct to keep them")  # fmt: skip

    def _on_look(self) -> None:
        found = preview_pruning(self.session, self.length.value(), self.unit.currentText())
        self.told.setText(f"{found}.".capitalize())
        self.session.select_tracks(found.tracks)

    def _on_prune(self) -> None:
        graph = prune_tracks(self.session, self.length.value(), self.unit.currentText())
        self._take(graph, self.session.hidden_ids.tolist(), self.session.n_unkept)
