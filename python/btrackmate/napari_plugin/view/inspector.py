"""The inspector: the table of tracks, what is shown, colours, and the lineage tree."""

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from btrackmate.core.errors import UserError
from btrackmate.io.images import Role
from btrackmate.napari_plugin.model.colours import COLOUR_MAPS
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.model.track_table import KINDS, unit_of_column
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.napari_plugin.view.tree import LineageTree

#: Tracks that a click in the table may select at once.
_MOST_SELECTED = 500


class TrackTableModel(QAbstractTableModel):
    """The listed tracks for Qt: a row a track, a column a feature."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.names = ["track", *session.table.table.columns]
        self._values = np.empty((0, 0))
        self.reload()

    def reload(self) -> None:
        """Take the tracks that are listed now."""
        self.beginResetModel()
        listed = self.session.table.listed()
        self._values = np.column_stack((listed.index.to_numpy(np.float64), listed.to_numpy(float)))
        self.endResetModel()

    def row_of(self, track: int) -> int:
        """Give the row of a track, −1 if it is not listed."""
        found = np.flatnonzero(self._values[:, 0] == track)
        return int(found[0]) if found.size else -1

    def track_at(self, row: int) -> int:
        """Give the id of the track in a row."""
        return int(self._values[row, 0])

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Give the number of tracks."""
        return 0 if parent is not None and parent.isValid() else len(self._values)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Give the number of features."""
        return 0 if parent is not None and parent.isValid() else len(self.names)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        """Give a value as text; nothing where it is missing."""
        if role == Qt.TextAlignmentRole:
            return Qt.AlignRight | Qt.AlignVCenter
        if role != Qt.DisplayRole:
            return None
        value = self._values[index.row(), index.column()]
        return "" if np.isnan(value) else f"{value:.5g}"

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Any, role: int = Qt.DisplayRole
    ) -> Any:
        """Name a feature, with its unit."""
        if orientation != Qt.Horizontal:
            return None
        name = self.names[section]
        if role == Qt.DisplayRole:
            return name.replace("_", " ")
        if role == Qt.ToolTipRole:
            return unit_of_column(name, self.session.opened.graph.spots.calibration)
        return None

    def sort(self, column: int, order: Any = Qt.AscendingOrder) -> None:
        """List the tracks by a feature."""
        self.session.table.sort(self.names[column], ascending=order == Qt.AscendingOrder)
        self.reload()


class Inspector(SessionPanel):
    """Table of tracks and lineage tree of what is open in a viewer."""

    title = "Inspector"

    def build(self, session: Session) -> QWidget:
        """Make the table and the tree of a session."""
        self._busy = False
        self.model = TrackTableModel(session)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.AscendingOrder)
        self.table.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.horizontalHeader().setDefaultSectionSize(84)
        self.table.selectionModel().selectionChanged.connect(self._on_rows)
        self.tree = LineageTree(session)
        top = QWidget()
        box = QVBoxLayout(top)
        box.setContentsMargins(2, 2, 2, 2)
        box.addLayout(self._make_filters(session))
        box.addLayout(self._make_buttons())
        missing = self._make_finders(session)
        if missing is not None:
            box.addLayout(missing)
        self.count = QLabel()
        box.addWidget(self.count)
        box.addWidget(self.table)
        splitter = QSplitter(Qt.Vertical)
        splitter.addWidget(top)
        splitter.addWidget(self.tree)
        splitter.setSizes([420, 300])
        self.follow(session.selected, self.tree.show_selected)
        self.follow(session.edited, self.tree.rebuild)
        self.follow(session.shown, self.tree.show_listed)
        self.follow(session.coloured, self.tree.draw)
        self.follow(session.selected, self._on_selected)
        self.follow(session.edited, self._on_listed)
        self.follow(session.shown, self._on_listed)
        if self.workspace is not None:
            self.follow(self.workspace.framed, self._on_frame)
        self._on_listed()
        self._on_frame()
        self._on_selected()
        return splitter

    def _make_filters(self, session: Session) -> QGridLayout:
        self.kind = QComboBox()
        self.kind.addItems(KINDS)
        self.filters = QLineEdit()
        self.filters.setPlaceholderText("filter, e.g. duration>=20; mean_speed<2")
        self.longest = QSpinBox()
        self.longest.setRange(0, 10**7)
        self.longest.setSpecialValueText("all")
        self.longest.setToolTip("List only so many, the longest tracks; 0 for all")
        self.colour = QComboBox()
        for box in (self.kind, self.colour):
            box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.colour.addItems(session.features)
        self.colour.setToolTip(
            "track: the whole lineage, also in the labels; tracklet: each cell between divisions; "
            "a feature: cells, tails and tree, while the labels stay by track"
        )
        self.colour_map = QComboBox()
        self.colour_map.addItems(COLOUR_MAPS)
        self.kind.currentTextChanged.connect(self._on_filter)
        self.filters.editingFinished.connect(self._on_filter)
        self.longest.editingFinished.connect(self._on_filter)
        self.colour.currentTextChanged.connect(self._on_colour)
        self.colour_map.currentTextChanged.connect(self._on_colour)
        grid = QGridLayout()
        for column, (label, widget) in enumerate(
            (("tracks", self.kind), ("longest", self.longest))
        ):
            grid.addWidget(QLabel(label), 0, 2 * column)
            grid.addWidget(widget, 0, 2 * column + 1)
        grid.addWidget(QLabel("filter"), 1, 0)
        grid.addWidget(self.filters, 1, 1, 1, 3)
        grid.addWidget(QLabel("colour"), 2, 0)
        grid.addWidget(self.colour, 2, 1)
        grid.addWidget(QLabel("map"), 2, 2)
        grid.addWidget(self.colour_map, 2, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        return grid

    def _make_buttons(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(3)
        rows = (("previous", "next", "follow", "only"), ("parent", "child", "sister", "jump"))
        short = {"previous": "◀ Track", "next": "Track ▶", "only": "Selected only"}
        for number, names in enumerate(rows):
            for column, name in enumerate(names):
                grid.addWidget(self.make_button(name, short.get(name)), number, column)
        for name in ("follow", "only"):
            self.buttons[name].setCheckable(True)
        return grid

    def _make_finders(self, session: Session) -> QHBoxLayout | None:
        """Make buttons that ask for the image and the labels, where they were not found."""
        row = QHBoxLayout()
        roles: tuple[Role, ...] = ("image", "labels")
        for role in roles:
            if getattr(session.opened, role) is None:
                button = QPushButton(f"Find {role} …")
                button.setToolTip(f"Show the {role} of these tracks from another place")
                button.clicked.connect(lambda *_, role=role, button=button: self._ask(role, button))
                row.addWidget(button)
        return row if row.count() else None

    def _ask(self, role: Role, button: QPushButton) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, f"Find {role}")
        if chosen:
            self.guard(lambda: self.find(Path(chosen), role, button))

    def find(self, path: Path, role: Role, button: QPushButton) -> None:
        """Show an image or labels; the button has done its work then."""
        workspace = self.workspace
        if workspace is not None:
            workspace.find_movie(path, role)
            button.setVisible(False)

    def _on_filter(self, *_: Any) -> None:
        session = self.session
        texts = [one for one in self.filters.text().split(";") if one.strip()]
        longest = self.longest.value() or None
        try:
            session.filter_tracks(kind=self.kind.currentText(), filters=texts, longest=longest)
        except UserError as error:
            session.told.emit(str(error))

    def _on_colour(self, *_: Any) -> None:
        try:
            self.session.colour_by(self.colour.currentText(), self.colour_map.currentText())
        except UserError as error:
            self.session.told.emit(str(error))

    def _on_listed(self, *_: Any) -> None:
        self._busy = True
        self.model.reload()
        self._busy = False
        n, every = len(self.session.table.order), len(self.session.table)
        words = f"{n} of {every} tracks" if n < every else f"{n} tracks"
        self.count.setText(f"{words}, {self.session.now.n_spots} spots")
        self._on_selected()

    def _on_rows(self, *_: Any) -> None:
        """Select the tracks of the rows that a person chose."""
        if self._busy:
            return
        rows = [one.row() for one in self.table.selectionModel().selectedRows()]
        tracks = tuple(self.model.track_at(row) for row in rows[:_MOST_SELECTED])
        self._busy = True
        self.session.spot = None
        self.session.select_tracks(tracks, go=True)
        self._busy = False

    def _on_selected(self) -> None:
        """Mark the rows of the selected tracks."""
        self.buttons["follow"].setChecked(self.session.following)
        self.buttons["only"].setChecked(self.session.only_selected)
        if self._busy:
            return
        self._busy = True
        chosen = self.table.selectionModel()
        chosen.clearSelection()
        rows = [self.model.row_of(track) for track in self.session.tracks]
        flags = QItemSelectionModel.Select | QItemSelectionModel.Rows
        for row in rows:
            if row >= 0:
                chosen.select(self.model.index(row, 0), flags)
        if rows and rows[0] >= 0:
            self.table.scrollTo(self.model.index(rows[0], 0))
        self._busy = False

    def _on_frame(self, *_: Any) -> None:
        workspace = self.workspace
        if workspace is not None:
            self.tree.show_frame(workspace.frame)
