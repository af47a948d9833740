"""The widget for corrections: buttons, the list of edits, saving."""

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from btrackmate.napari_plugin.model.actions import ACTIONS
from btrackmate.napari_plugin.model.edit_words import describe_change
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.panel import SessionPanel

#: Edits that are listed, the last ones.
_MOST_LISTED = 200


class Correct(SessionPanel):
    """Correct tracks by buttons and keys; undo without limit; save."""

    title = "Correct"

    def build(self, session: Session) -> QWidget:
        """Make the buttons and the list."""
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        self.selection = QLabel()
        self.selection.setWordWrap(True)
        box.addWidget(self.selection)
        grid = QGridLayout()
        actions = [one for one in ACTIONS if one.group == "Correct" and one.name != "save"]
        for number, action in enumerate(actions):
            button = self.make_button(action.name, f"{action.label}  [{action.keys[0]}]")
            grid.addWidget(button, number // 2, number % 2)
        box.addLayout(grid)
        self.state = QLabel()
        self.state.setWordWrap(True)
        box.addWidget(self.state)
        self.edits = QListWidget()
        box.addWidget(self.edits)
        row = QHBoxLayout()
        row.addWidget(self.make_button("save"))
        save_as = QPushButton("Save as …")
        save_as.setToolTip("Write the tracks as they are now: .xml (TrackMate), .geff or .csv")
        save_as.clicked.connect(self._on_save_as)
        row.addWidget(save_as)
        box.addLayout(row)
        self.buttons["save"].clicked.connect(self._on_edited)
        self.follow(session.selected, self._on_selected)
        self.follow(session.edited, self._on_edited)
        self._on_selected()
        self._on_edited()
        return content

    def _on_selected(self) -> None:
        session = self.session
        if session.spot is None:
            self.selection.setText("Click on a cell; Shift-click on a second for what needs two.")
            return
        words = [self._describe(session.spot, "yellow")]
        if session.other is not None:
            words.append(self._describe(session.other, "cyan"))
        self.selection.setText("\n".join(words))

    def _describe(self, spot: int, colour: str) -> str:
        now = self.session.now
        track = now.track(spot)
        where = f"track {track}" if track >= 0 else "no track"
        return f"{colour}: spot {spot}, frame {now.frame(spot)}, {where}"

    def _on_edited(self, *_: Any) -> None:
        session = self.session
        done = session.history.done
        self.edits.clear()
        first = max(0, len(done) - _MOST_LISTED)
        for number, change in enumerate(done[first:], first + 1):
            self.edits.addItem(f"{number}. {describe_change(change)}")
        self.edits.scrollToBottom()
        kept = session.opened.edit is not None
        if not done and not session.history.undone:
            words = "No edits yet."
        else:
            words = f"{len(done)} edits, {len(session.history.undone)} undone."
            words += " All are in the file." if session.is_saved else " Not saved to the file yet"
            if not session.is_saved:
                words += ", but kept in the journal beside it." if kept else ": save under a name."
        self.state.setText(words)

    def _on_save_as(self) -> None:
        start = self.session.opened.tracks_path or Path("tracks.xml")
        names = "Tracks (*.xml *.geff *.csv)"
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save tracks", str(start.with_name(f"corrected_{start.name}")), names
        )
        if chosen:
            self.guard(lambda: self._save_as(Path(chosen)))

    def _save_as(self, path: Path) -> None:
        written = self.session.save_as(path)
        self.session.told.emit("Saved " + ", ".join(map(str, written)))
        self._on_edited()
