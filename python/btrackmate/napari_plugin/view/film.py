"""The widget that records: key frames, the selected cell followed, MP4 and GIF."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.notifications import show_warning
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_atomically
from btrackmate.core.outputs import check_ending, check_unchanged
from btrackmate.napari_plugin.model.film import Film, View, run_through
from btrackmate.napari_plugin.model.saving import check_saving
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.napari_plugin.view.placing import find_camera
from btrackmate.napari_plugin.view.plots import Plots


class Animation(SessionPanel):
    """Record a film of the view: through time, along key frames, or following the cell."""

    title = "Animation"

    def __init__(self, napari_viewer: Any) -> None:
        self._timer = QTimer()
        self._timer.timeout.connect(lambda: self._next())
        self._filmed: Session | None = None
        super().__init__(napari_viewer)

    def build(self, session: Session) -> QWidget:
        """Make the list of key frames and the buttons."""
        self.film = Film()
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.keys = QListWidget()
        box.addWidget(QLabel("Key frames; without any, the film goes through all frames."))
        box.addWidget(self.keys)
        row = QHBoxLayout()
        for label, do in (("Add this view", self._on_add), ("Remove", self._on_remove)):
            button = QPushButton(label)
            button.clicked.connect(do)
            row.addWidget(button)
        box.addLayout(row)
        form = QFormLayout()
        self.steps, self.rate, self.repeat = QSpinBox(), QSpinBox(), QSpinBox()
        for spin, value, high in ((self.steps, 15, 10_000), (self.rate, 10, 60),
                                  (self.repeat, 1, 20)):  # fmt: skip
            spin.setRange(1, high)
            spin.setValue(value)
        self.follow_cell = QCheckBox("keep the selected cell in the middle")
        self.beside = QCheckBox("plot of the selected track beside")
        form.addRow("pictures to the next key frame", self.steps)
        form.addRow("pictures a second", self.rate)
        form.addRow("pictures a frame (no key frames)", self.repeat)
        form.addRow(self.follow_cell)
        form.addRow(self.beside)
        box.addLayout(form)
        self.record = QPushButton("Record …")
        self.record.clicked.connect(self._on_record)
        self.stop = QPushButton("Stop")
        self.stop.setEnabled(False)
        self.stop.clicked.connect(self._on_stop)
        self.bar = QProgressBar()
        self.bar.setVisible(False)
        row = QHBoxLayout()
        row.addWidget(self.record)
        row.addWidget(self.stop)
        box.addLayout(row)
        box.addWidget(self.bar)
        return content

    def view_now(self) -> View:
        """Give what the window shows."""
        camera = find_camera(self.viewer)
        workspace = self.workspace
        frame = 0 if workspace is None else workspace.frame
        z, y, x = (0.0, *map(float, camera.center))[-3:]
        a, b, c = map(float, camera.angles)
        dims = self.viewer.dims
        plane = float(dims.point[-3]) if dims.ndim > 3 else None
        return View(frame, (z, y, x), float(camera.zoom), (a, b, c), plane, int(dims.ndisplay))

    def views(self) -> list[View]:
        """Give the view of each picture of the film."""
        if self.film.keys:
            return self.film.views()
        n_frames = 1 if self.workspace is None else self.workspace.n_frames
        return run_through(self.view_now(), n_frames, self.repeat.value())

    def _on_add(self) -> None:
        view = self.view_now()
        self.film.add(view, self.steps.value())
        n = len(self.film.keys)
        words = f"{n}. frame {view.frame:g}, zoom {view.zoom:.3g}"
        if view.ndisplay == 3:
            words += ", 3D"
        elif view.plane is not None:
            words += f", z {view.plane:.3g}"
        if n > 1:
            words += f", {self.steps.value()} pictures from the one before"
        self.keys.addItem(words)

    def _on_remove(self) -> None:
        row = self.keys.currentRow()
        if row >= 0:
            self.film.remove(row)
            self.keys.takeItem(row)

    def _on_record(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Film", "film.mp4", "Films (*.mp4 *.gif)")
        if chosen:
            self.guard(lambda: self.start(Path(chosen)))

    def start(self, path: Path) -> None:
        """Begin to record.

        Raises
        ------
        UserError
            If the name has another ending or is one of the movie's files, there is one key frame
            only, or no cell to follow.
        """
        check_ending(path, ".mp4", ".gif", needed=True)
        check_saving(self.session.opened, path)
        views = self.views()
        if self.follow_cell.isChecked() and self.session.spot is None:
            msg = "select the cell that the film shall follow, then record again"
            raise UserError(msg)
        self._work, self._filmed = self._make(path, views), self.session
        self.bar.setRange(0, len(views))
        self.bar.setVisible(True)
        self.record.setEnabled(False)
        self.stop.setEnabled(True)
        self._timer.start(0)

    @property
    def is_recording(self) -> bool:
        """Whether a film is being made."""
        return bool(self._timer.isActive())

    def _next(self) -> None:
        """Take one picture, so that the window goes on in between."""
        if self._session is not self._filmed:  # A film shows one movie.
            self._timer.stop()
            self._work.close()
            show_warning("The film was stopped and is not kept: its tracks were closed")
            return
        done = self.guard(lambda: next(self._work, None))
        if done is None:
            self._end()
        else:
            self.bar.setValue(done)

    def _on_stop(self) -> None:
        self._work.close()
        self._end()

    def _end(self) -> None:
        self._timer.stop()
        self.bar.setVisible(False)
        self.record.setEnabled(True)
        self.stop.setEnabled(False)

    def _make(self, path: Path, views: list[View]) -> Generator[int]:
        """Write the film picture by picture; nothing is left of one that is stopped."""
        import imageio.v2 as films

        plots = self._make_plots()
        spot = self.session.spot
        rate = self.rate.value()
        options: dict[str, Any] = {"duration": 1000 / rate, "loop": 0}
        if path.suffix.lower() == ".mp4":
            options = {"fps": rate, "codec": "libx264", "pixelformat": "yuv420p",
                       "macro_block_size": 2, "quality": 8}  # fmt: skip
        with write_atomically(path) as temporary:
            writer: Any
            with films.get_writer(temporary, **options) as writer:
                size: tuple[int, ...] = ()
                for number, view in enumerate(views, 1):
                    picture = self.take(view, plots)
                    size = size or picture.shape
                    if picture.shape != size:
                        msg = f"{path}: the window changed its size while the film was made, from "
                        msg += f"{size[1]} × {size[0]} to {picture.shape[1]} × {picture.shape[0]} "
                        msg += "pixels, and nothing is kept: record it again"
                        raise UserError(msg)
                    writer.append_data(picture)
                    yield number
            check_unchanged(path)
        if plots is not None:
            plots.deleteLater()
        if spot is not None and spot in self.session.now:
            self.session.select(spot)
        self.session.told.emit(f"{len(views)} pictures in {path}")

    def take(self, view: View, plots: Plots | None = None) -> NDArray[np.uint8]:
        """Go to a view and take its picture, (height, width, 3)."""
        workspace = self.workspace
        if workspace is None:
            raise RuntimeError
        camera, dims = find_camera(self.viewer), self.viewer.dims
        if dims.ndisplay != view.ndisplay:  # Which moves the camera.
            dims.ndisplay = view.ndisplay
        if view.plane is not None:
            dims.set_point(dims.ndim - 3, view.plane)
        workspace.go_to(round(view.frame))
        camera.zoom, camera.angles, camera.center = view.zoom, view.angles, view.center
        if self.follow_cell.isChecked():
            self.session.follow(workspace.frame)
            workspace.centre_on_selected()
        workspace.draw()
        picture: NDArray[np.uint8] = self.viewer.screenshot(canvas_only=True, flash=False)[..., :3]
        picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 4 * 4]
        if plots is None:
            return picture
        plots.draw()  # it is not in the window, and follows nothing
        plots.canvas.draw()
        beside = np.asarray(plots.canvas.buffer_rgba())[..., :3]
        rows = np.linspace(0, beside.shape[0] - 1, picture.shape[0]).astype(int)
        columns = np.linspace(0, beside.shape[1] - 1, picture.shape[1] // 2).astype(int)
        return np.ascontiguousarray(np.hstack((picture, beside[rows][:, columns])))

    def _make_plots(self) -> Plots | None:
        if not self.beside.isChecked():
            return None
        plots = Plots(self.viewer)
        height, width = self.viewer.screenshot(canvas_only=True, flash=False).shape[:2]
        plots.canvas.resize(width // 4 * 2, height // 2 * 2)
        plots.figure.set_size_inches(width // 4 * 2 / plots.figure.dpi, height / plots.figure.dpi)
        return plots
