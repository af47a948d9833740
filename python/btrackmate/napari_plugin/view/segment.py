"""The widget that segments the open image with VollSeg."""

from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.notifications import show_info
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from btrackmate.napari_plugin.model.opening import Opened
from btrackmate.napari_plugin.model.segmenting import segment_frames, segment_movie, take_image
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.form import SettingsForm, WorkBar
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.napari_plugin.view.placing import place_layer
from btrackmate.napari_plugin.view.workspace import show
from btrackmate.segmentation.settings import SegmentationSettings

_PREVIEW = "preview of cells"


class Segment(SessionPanel):
    """Segment the open image: a preview of the shown frame, then the whole movie."""

    title = "Segment"
    _is_whole = False

    def build(self, session: Session) -> QWidget:
        """Make the form."""
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.channel = QSpinBox()
        self._list_channels()
        self.follow(session.found, self._list_channels, when_hidden=True)
        row = QHBoxLayout()
        row.addWidget(QLabel("channel"))
        row.addWidget(self.channel, 1)
        box.addLayout(row)
        self.form = SettingsForm(SegmentationSettings)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.form)
        box.addWidget(scroll, 1)
        row = QHBoxLayout()
        self.preview, self.go = QPushButton("Preview this frame"), QPushButton("Segment all …")
        self.preview.clicked.connect(lambda *_: self.guard(self._on_preview))
        self.go.clicked.connect(lambda *_: self.guard(self._on_go))
        row.addWidget(self.preview)
        row.addWidget(self.go)
        box.addLayout(row)
        if not self._goes_on():
            self.work = WorkBar()
        box.addWidget(self.work)
        self.work.setVisible(self.work.job is not None)
        return content

    def _goes_on(self) -> bool:
        """Tell whether a whole movie is being segmented, whatever is opened meanwhile."""
        return self._is_whole and self.work.job is not None

    def _clear(self) -> None:
        if self._goes_on():
            self.work.setParent(self)  # Else it goes with the content.
        super()._clear()

    def _drop_work(self) -> None:
        if not self._goes_on():
            super()._drop_work()

    def _list_channels(self) -> None:
        image = self.session.opened.image
        self.channel.setRange(1, 1 if image is None else image.shape[1])

    def _on_preview(self) -> None:
        self._is_whole = self._goes_on()
        settings: Any = self.form.values()
        image, channel = take_image(self.session.opened), self.channel.value()
        workspace = self.workspace
        frame = 0 if workspace is None else workspace.frame
        frames = range(frame, frame + 1)
        self.work.run(
            lambda report: (frame, next(segment_frames(image, channel, frames, settings, report))),
            self._show_preview,
        )

    def _show_preview(self, found: tuple[int, Any]) -> None:
        _, labels = found
        self.drop_layer(_PREVIEW)
        spots = self.session.opened.graph.spots
        placing = {
            key: value[1:] for key, value in place_layer(spots.calibration, spots.ndim).items()
        }
        self.keep_preview(self.viewer.add_labels(labels, name=_PREVIEW, **placing))
        show_info(f"{np.unique(labels).size - 1} cells in this frame")

    def _on_go(self) -> None:
        self.session.check_kept()
        settings: Any = self.form.values()
        opened, channel = self.session.opened, self.channel.value()
        take_image(opened)
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Labels of the whole movie", "labels.tif", "Labels (*.tif)"
        )
        if chosen:
            path = Path(chosen)
            session = self.session

            def take(made: Opened) -> None:
                if self._session is not session or session.n_unkept:
                    show_info(
                        f"Segmented into {path}; other tracks were opened meanwhile, or they were "
                        "edited, and stay as they are: save them, then open the labels"
                    )
                else:
                    self._take(made)

            self._is_whole = self._goes_on() or self.work.job is None
            self.work.run(
                lambda report: segment_movie(opened, path, channel, settings, report), take
            )

    def _take(self, opened: Opened) -> None:
        show(self.viewer, opened)
        show_info("Segmented and measured: link the cells with Track")
