"""Edits that were made, and the way back and forth."""

import inspect
from typing import Any

from btrackmate.core.errors import UserError
from btrackmate.review.arguments import read_arguments
from btrackmate.review.changes import Change
from btrackmate.review.operations import OPERATIONS
from btrackmate.review.tracks import EditableTracks


class History:
    """Tracks with all changes that were made to them.

    Parameters
    ----------
    tracks : EditableTracks
        Edited from now on by this history only.
    """

    def __init__(self, tracks: EditableTracks) -> None:
        self.tracks = tracks
        self.done: list[Change] = []
        self.undone: list[Change] = []

    def do(self, operation: str, **arguments: Any) -> Change:
        """Make an edit.

        Parameters
        ----------
        operation : str
            Name of one of :data:`btrackmate.review.operations.OPERATIONS`.
        **arguments
            Its arguments.

        Raises
        ------
        UserError
            If it may not be made; nothing has changed then.
        """
        return self.make(plan(self.tracks, operation, arguments))

    def make(self, change: Change) -> Change:
        """Make a planned edit."""
        change = self.tracks.apply(change)
        self.done.append(change)
        self.undone.clear()
        return change

    def check_undo(self) -> None:
        """Refuse if there is nothing to undo."""
        if not self.done:
            msg = "there is nothing to undo"
            raise UserError(msg)

    def check_redo(self) -> None:
        """Refuse if there is nothing to redo."""
        if not self.undone:
            msg = "there is nothing to redo"
            raise UserError(msg)

    def undo(self) -> Change:
        """Take the last edit back.

        Raises
        ------
        UserError
            If there is none.
        """
        self.check_undo()
        change = self.tracks.apply(self.done[-1].inverse())
        self.undone.append(self.done.pop())
        return change

    def redo(self) -> Change:
        """Make the edit again that was taken back last.

        Raises
        ------
        UserError
            If there is none.
        """
        self.check_redo()
        change = self.tracks.apply(self.undone[-1])
        self.done.append(self.undone.pop())
        return change


def plan(tracks: EditableTracks, operation: str, arguments: dict[str, Any]) -> Change:
    """Plan an edit by its name, without making it.

    Raises
    ------
    UserError
        If there is no such operation, an argument is wrong, or it may not be made.
    """
    found = OPERATIONS.get(operation)
    if found is None:
        msg = f"there is no operation {operation!r}; there are {', '.join(OPERATIONS)}"
        raise UserError(msg)
    known = (*found.spots, *found.values)
    foreign = [name for name in arguments if name not in known]
    parameters = list(inspect.signature(found.plan).parameters.values())[1:]
    needed = [one.name for one in parameters if one.default is one.empty]
    if foreign or any(arguments.get(name) is None for name in needed):
        msg = f"{operation}: got {', '.join(arguments) or 'nothing'}, expected {', '.join(known)}"
        raise UserError(msg)
    return found.plan(tracks, **read_arguments(operation, arguments))
