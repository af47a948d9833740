"""The widget that writes files: tracks, pictures of the view, plots."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from btrackmate.core.files import write_atomically
from btrackmate.core.outputs import check_ending
from btrackmate.napari_plugin.model.exporting import (
    CHOICES,
    check_export,
    export_tracks,
    take_tracks,
)
from btrackmate.napari_plugin.model.pictures import (
    PLOTS,
    choose_feature,
    draw_plot,
    draw_view,
    make_figure,
    save_figure,
)
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.form import WorkBar
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.napari_plugin.view.placing import find_camera

_VIEW = (
    "As it is shown now. In SVG the tracks are lines that can be edited, in 2D; image, labels and "
    "cells are pixels."
)


class Export(SessionPanel):
    """Write tracks, the view and plots into files."""

    title = "Export"

    def build(self, session: Session) -> QWidget:
        """Make a box for each kind of file."""
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.which, self.kind, self.feature = QComboBox(), QComboBox(), QComboBox()
        self.which.addItems(CHOICES)
        self.kind.addItems(list(PLOTS))
        names = session.opened.graph.spots.features
        self.feature.addItems(names)
        self.feature.setCurrentText(choose_feature(names))
        self.save_tracks = self._make_save("Save tracks …", self._on_tracks)
        self.save_view = self._make_save("Save view …", self._on_view)
        self.save_plot = self._make_save("Save plot …", self._on_plot)
        words = QLabel(_VIEW)
        words.setWordWrap(True)
        for title, rows, button in (
            ("Tracks: TrackMate XML, GEFF, CSV", (("which", self.which),), self.save_tracks),
            ("View: PNG, SVG", (("", words),), self.save_view),
            ("Plot of the selected tracks: PNG, SVG, PDF",
             (("plot", self.kind), ("feature", self.feature)), self.save_plot),
        ):  # fmt: skip
            group = QGroupBox(title)
            form = QFormLayout(group)
            form.setFieldGrowthPolicy(QFormLayout.ExpandingFieldsGrow)
            for label, widget in rows:
                form.addRow(label, widget) if label else form.addRow(widget)
            form.addRow(button)
            box.addWidget(group)
        self.work = WorkBar()
        box.addWidget(self.work)
        box.addStretch(1)
        return content

    def _make_save(self, label: str, do: Any) -> QPushButton:
        button = QPushButton(label)
        button.clicked.connect(do)
        return button

    def _ask(self, title: str, name: str, endings: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(self, title, name, endings)
        return Path(chosen) if chosen else None

    def _on_tracks(self) -> None:
        path = self._ask("Save tracks", "tracks.xml", "Tracks (*.xml *.geff *.csv)")
        if path is not None:
            self.guard(lambda: self.write_tracks(path))

    def _on_view(self) -> None:
        path = self._ask("Save view", "view.png", "Pictures (*.png *.svg)")
        if path is not None:
            self.guard(lambda: self.write_view(path))

    def _on_plot(self) -> None:
        path = self._ask("Save plot", "plot.svg", "Pictures (*.png *.svg *.pdf)")
        if path is not None:
            self.guard(lambda: self.write_plot(path))

    def write_tracks(self, path: Path) -> None:
        """Write the tracks as they are now, beside the window.

        Raises
        ------
        UserError
            If there are none, or the name is wrong.
        """
        session = self.session
        check_export(session, path)
        graph = take_tracks(session, self.which.currentText())

        def tell(written: Any) -> None:
            session.told.emit(
                f"{len(graph.spots)} spots in {graph.n_tracks} tracks: "
                + ", ".join(map(str, written))
            )

        ids = session.now.name_tracks(graph)  # As they are now, as the tracks.
        self.work.run(lambda _: export_tracks(session, graph, path, ids), tell)

    def write_view(self, path: Path) -> None:
        """Write what the window shows of the movie.

        Raises
        ------
        UserError
            If the name has another ending.
        """
        check_ending(path, ".png", ".svg", needed=True)
        if path.suffix.lower() == ".png":
            with write_atomically(path) as temporary:
                imsave(temporary, self._take(), format="png")
        else:
            save_figure(self._draw_view(), path)
        self.session.told.emit(f"The view: {path}")

    def write_plot(self, path: Path) -> None:
        """Write a plot of the selected tracks, on white.

        Raises
        ------
        UserError
            If the name has another ending.
        """
        figure = make_figure(4.4, 4.4, dark=False)
        draw_plot(figure, self.session, self.kind.currentText(), self.feature.currentText())
        save_figure(figure, path)
        self.session.told.emit(f"The plot: {path}")

    def _take(self) -> NDArray[np.uint8]:
        workspace = self.workspace
        if workspace is not None:
            workspace.draw()
        picture: NDArray[np.uint8] = self.viewer.screenshot(canvas_only=True, flash=False)
        return picture[..., :3]

    def _draw_view(self) -> Any:
        """Draw tracks as lines above the rest; in 3D all are pixels."""
        workspace, dims = self.workspace, self.viewer.dims
        if workspace is None or not workspace.links.visible or dims.ndisplay == 3:
            return draw_view(self._take(), np.empty((0, 2, 2)), np.empty((0, 4), np.float32))
        links = workspace.links
        links.visible = False
        try:
            picture = self._take()
        finally:
            links.visible = True
        lines, colours = links.lines(dims.displayed)
        camera = find_camera(self.viewer)
        height, width = picture.shape[:2]
        pixels = camera.zoom * self.devicePixelRatioF()
        centre = np.array(camera.center[-2:])
        places = (lines - centre) * pixels + np.array([height, width]) / 2
        return draw_view(picture, places[..., ::-1], colours)
