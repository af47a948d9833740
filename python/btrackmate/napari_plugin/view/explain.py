"""The panel that tells why the selected cell is linked as it is."""

from typing import Any

from qtpy.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from btrackmate.core.errors import UserError
from btrackmate.napari_plugin.model.explaining import (
    explain_selection,
    follow_edit,
    make_explainer,
)
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.view.form import WorkBar
from btrackmate.napari_plugin.view.panel import SessionPanel
from btrackmate.review import Change, Explainer

_HELP = (
    "For the selected cell: what each link costs, the rivals, and the setting beyond which the "
    "tracker would decide otherwise. Shift-click a second cell to ask why the two are linked, or "
    "not. Preparing takes about as long as tracking; each question then takes no time."
)


class Explain(SessionPanel):
    """Tell of the selected cell: costs, rivals, thresholds."""

    title = "Explain"

    def build(self, session: Session) -> QWidget:
        """Make the text."""
        self.explainer: Explainer | None = None
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(2, 2, 2, 2)
        words = QLabel(_HELP)
        words.setWordWrap(True)
        box.addWidget(words)
        self.prepare = QPushButton("Prepare")
        self.prepare.clicked.connect(self.start)
        box.addWidget(self.prepare)
        self.work = WorkBar()
        box.addWidget(self.work)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        box.addWidget(self.text, 1)
        self.follow(session.selected, self._tell)
        self.follow(session.edited, self._on_edited, when_hidden=True)
        return content

    def start(self, *_: Any) -> None:
        """Prepare the explanations, beside the window."""
        session, begun = self.session, self.session.n_edits
        self.work.run(
            lambda report: make_explainer(session, report), lambda made: self._take(made, begun)
        )

    def _take(self, explainer: Explainer, begun: int) -> None:
        self.prepare.setText("Prepare again")
        if begun != self.session.n_edits:  # It may be of the cells from before.
            self._ask_again()
            return
        self.explainer = explainer
        self._tell()

    def _ask_again(self) -> None:
        self.explainer = None
        self.text.setPlainText("The cells have changed: press Prepare again.")

    def _on_edited(self, change: Change) -> None:
        if self.explainer is None:
            return
        if follow_edit(self.session, self.explainer, change):
            self._tell()
        else:
            self._ask_again()

    def _tell(self) -> None:
        if self.explainer is None:
            return
        try:
            told = explain_selection(self.session, self.explainer)
        except UserError as error:
            self.text.setPlainText(str(error))
            return
        self.text.setPlainText("Select a cell: click on it." if told is None else str(told))
