"""The widget that analyses all tracks: tables, pictures, and a folder of both."""

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from btrackmate.analysis import AnalysisSettings, Tracked, analyse_tracks
from btrackmate.core.files import write_together
from btrackmate.core.progress import Progress
from btrackmate.io.tracks_csv import write_table
from btrackmate.napari_plugin.model.pictures import save_figure
from btrackmate.napari_plugin.model.saving import check_saving
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.form import SettingsForm, WorkBar
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.report.analysis_plots import draw_analysis
from btrackmate.report.data import lengthen

#: Pixels an inch of pictures in the window.
_DPI = 80


class Analysis(SessionPanel):
    """Analyse all tracks: lineages, cycles, rhythms, boundary distance, motility, divisions."""

    title = "Analysis"

    def build(self, session: Session) -> QWidget:
        """Make the form and the place for pictures."""
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.form = SettingsForm(AnalysisSettings, skip=("rhythm",))
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.form)
        scroll.setMaximumHeight(170)
        box.addWidget(scroll)
        row = QHBoxLayout()
        self.go, self.save = QPushButton("Analyse"), QPushButton("Save tables and pictures …")
        self.go.clicked.connect(self._on_go)
        self.save.clicked.connect(self._on_save)
        self.save.setEnabled(False)
        row.addWidget(self.go)
        row.addWidget(self.save)
        box.addLayout(row)
        self.work = WorkBar()
        box.addWidget(self.work)
        self.told = QLabel(
            "All tracks are analysed as they are now, with your corrections, but for those that "
            "TrackMate hides."
        )
        self.told.setWordWrap(True)
        box.addWidget(self.told)
        self.picture = QComboBox()
        self.picture.currentTextChanged.connect(self._show)
        box.addWidget(self.picture)
        self.place = QVBoxLayout()
        box.addLayout(self.place, 2)
        self.tables: dict[str, Any] = {}
        self.pictures: dict[str, Any] = {}
        self.follow(session.edited, self._on_edited, when_hidden=True)
        return content

    def _on_edited(self, *_: Any) -> None:
        """Let nothing be saved that is of the tracks before a correction."""
        if self.tables:
            self.save.setEnabled(False)
            self.told.setText("The tracks were corrected since: analyse them again to save.")

    def _on_go(self) -> None:
        settings: Any = self.guard(self.form.values)
        if settings is None:
            return
        session = self.session
        opened = session.opened
        graph = lengthen(session.shown_graph(), opened.image, opened.labels)

        def work(report: Progress) -> Any:
            ids = session.ids_of(graph)
            tracked = Tracked(graph, opened.border, ids)
            tables = analyse_tracks(tracked, settings, report)
            return tables, draw_analysis(graph, tables, settings, ids)

        begun = session.n_edits
        self.work.run(work, lambda found: self._take(found, begun))

    def _take(self, found: Any, begun: int) -> None:
        self.tables, self.pictures = found
        n = len(self.tables["tracklets"])
        self.told.setText(
            f"{n} tracklets; {len(self.tables)} tables, {len(self.pictures)} pictures"
        )
        self.picture.clear()
        self.picture.addItems(list(self.pictures))
        self.save.setEnabled(begun == self.session.n_edits)
        if begun != self.session.n_edits:
            self._on_edited()

    def _show(self, name: str) -> None:
        while self.place.count():
            old = self.place.takeAt(0).widget()
            FigureCanvasAgg(old.widget().figure)  # the figure is kept, to be saved and shown again
            old.hide()
            old.deleteLater()
        if name in self.pictures:
            figure = self.pictures[name]
            figure.set_dpi(_DPI)
            canvas = FigureCanvasQTAgg(figure)
            canvas.setFixedSize(*(round(_DPI * inches) for inches in figure.get_size_inches()))
            scroll = QScrollArea()
            scroll.setWidget(canvas)
            self.place.addWidget(scroll)

    def _on_save(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for tables and pictures")
        if chosen:
            self.guard(lambda: self.write(Path(chosen)))

    def write(self, folder: Path) -> None:
        """Write all tables (.csv) and pictures (.png, .svg) into a folder.

        Raises
        ------
        UserError
            If one of them is there already.
        """
        names = [f"{name}.csv" for name in self.tables]
        names += [f"{name}.{ending}" for name in self.pictures for ending in ("png", "svg")]
        check_saving(self.session.opened, folder, [folder / name for name in names])
        with write_together(overwrite=True):
            for name, table in self.tables.items():
                write_table(folder / f"{name}.csv", table)
            for name, figure in self.pictures.items():
                for ending in ("png", "svg"):
                    save_figure(figure, folder / f"{name}.{ending}")
        self.session.told.emit(f"{len(self.tables)} tables and {len(self.pictures)} pictures "
                               f"in {folder}")  # fmt: skip
