"""What all dock widgets share: they show the session that is open in their viewer."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from btrackmate.napari_plugin.model.actions import ACTIONS, run_action
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.model.signals import Signal
from btrackmate.napari_plugin.view import workspace as workspaces
from btrackmate.napari_plugin.view.faults import FAULTS, show_fault
from btrackmate.napari_plugin.view.workspace import Workspace, find_workspace

#: Width of a dock widget at first, and the least, in pixels.
_WIDTH, _LEAST_WIDTH = 430, 300
_NOTHING = (
    "Nothing is open yet.\n\nDrop tracks on the window (TrackMate XML, GEFF, CSV, a run folder, "
    "a folder of the Cell Tracking Challenge), or take File ▸ Open Sample ▸ BTrackMate."
)


class SessionPanel(QWidget):
    """A dock widget that is made anew when another session is opened in its viewer.

    While it is hidden, behind another tab or because its dock was closed (napari keeps the widget
    of a closed dock), it does no work: what it missed is made up for when it is shown.

    Subclasses have a `title` and `build`.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    title = ""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self.buttons: dict[str, QPushButton] = {}
        self._content: QWidget | None = None  # None when another session was opened unseen
        self._session: Session | None = None
        self._followed: list[tuple[Signal, Callable[..., Any]]] = []
        self._missed: dict[Callable[..., Any], None] = {}  # in order, each once
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Expanding)
        box = QVBoxLayout(self)
        box.setContentsMargins(2, 2, 2, 2)
        workspaces.opened.connect(self._on_opened)
        self.destroyed.connect(lambda *_: self._let_go())
        self._show_session()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Make up for what was missed, now that the widget is seen."""
        super().paintEvent(event)
        if self._content is None or self._missed:
            QTimer.singleShot(0, self._catch_up)

    @property
    def is_seen(self) -> bool:
        """Whether any of it is on the screen: Qt says visible also of what is behind a tab."""
        return self.isVisible() and not self.visibleRegion().isEmpty()

    def _catch_up(self) -> None:
        if self._content is None:
            self._show_session()
        missed, self._missed = self._missed, {}
        for listener in missed:
            listener()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for a third of a small window."""
        return QSize(_WIDTH, 640)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Leave room for the image, also on small screens."""
        return QSize(_LEAST_WIDTH, 200)

    @property
    def workspace(self) -> Workspace | None:
        """What is open in the viewer."""
        return find_workspace(self.viewer)

    @property
    def session(self) -> Session:
        """The session that is shown."""
        if self._session is None:
            raise RuntimeError
        return self._session

    def build(self, session: Session) -> QWidget:
        """Make the content for a session."""
        raise NotImplementedError

    def follow(
        self, signal: Signal, listener: Callable[..., Any], *, when_hidden: bool = False
    ) -> None:
        """Listen to the session, until another one is opened.

        Parameters
        ----------
        signal : Signal
        listener : callable
            Called, without values, when the widget is shown again and has missed something.
        when_hidden : bool
            Call it at once, also while the widget is hidden.
        """

        def hear(*values: Any) -> None:
            if when_hidden or self.is_seen:
                listener(*values)
            else:
                self._missed[listener] = None

        signal.connect(hear)
        self._followed.append((signal, hear))

    def make_button(self, name: str, label: str | None = None) -> QPushButton:
        """Make the button of an action; its tooltip names the shortcut."""
        action = next(one for one in ACTIONS if one.name == name)
        button = QPushButton(label or action.label)
        button.setToolTip(f"{action.label}: {action.text} ({' or '.join(action.keys)})")
        button.clicked.connect(lambda *_: run_action(self.session, action))
        self.buttons[name] = button
        return button

    def guard(self, do: Callable[[], Any]) -> Any:
        """Do something; what goes wrong for a reason that we know is told, without a traceback."""
        try:
            return do()
        except FAULTS as error:
            show_fault(error)
            return None

    def drop_layer(self, name: str) -> None:
        """Remove a layer of the viewer, e.g. a preview, if it is there."""
        if name in self.viewer.layers:
            self.viewer.layers.remove(name)

    def keep_preview(self, layer: Any) -> None:
        """Let a preview go with the tracks that it was made of."""
        if self.workspace is not None:
            self.workspace.previews.append(layer)
        self.focus_links()

    def focus_links(self) -> None:
        """Make the tracks the active layer again, so that clicks and keys reach them."""
        if self.workspace is not None:
            self.viewer.layers.selection.active = self.workspace.links

    def _let_go(self) -> None:
        """Follow nothing more: the widget was closed."""
        workspaces.opened.disconnect(self._on_opened)
        self._unfollow()

    def _unfollow(self) -> None:
        for signal, listener in self._followed:
            signal.disconnect(listener)
        self._followed, self._session = [], None

    def _on_opened(self, viewer: Any) -> None:
        if viewer is not self.viewer:
            return
        self._clear()
        if self.is_seen:
            self._show_session()

    def _clear(self) -> None:
        """Drop what was made for the session before."""
        self._unfollow()
        self._missed = {}
        self.buttons = {}
        self._drop_work()
        if self._content is not None:
            self.layout().removeWidget(self._content)
            self._content.deleteLater()
            self._content = None

    def _drop_work(self) -> None:
        """Stop what is done for the session before; its timer runs until Qt deletes the content."""
        work = getattr(self, "work", None)
        if work is not None:
            work.drop()

    def _show_session(self) -> None:
        """Make the content for what is open."""
        workspace = self.workspace
        self._session = None if workspace is None else workspace.session
        if self._session is None:
            empty = QLabel(_NOTHING)
            empty.setWordWrap(True)
            empty.setAlignment(Qt.AlignTop)
            self._content = empty
        else:
            self._content = self.build(self._session)
        self.layout().addWidget(self._content)
