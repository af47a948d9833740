"""What a key or a button does: the one list of actions, with their shortcuts."""

from collections.abc import Callable
from dataclasses import dataclass

from btrackmate.core.errors import BTrackMateError, UserError
from btrackmate.napari_plugin.model.session import Session


@dataclass(frozen=True)
class Action:
    """An action of a person.

    Parameters
    ----------
    name : str
    keys : tuple of str
        As napari writes them.
    group : str
        Heading in the table of shortcuts: Look, Go, Correct.
    label : str
        On a button.
    text : str
        What it does, in a sentence without its full stop.
    do : callable
    """

    name: str
    keys: tuple[str, ...]
    group: str
    label: str
    text: str
    do: Callable[[Session], object]


def order_pair(session: Session) -> tuple[int, int]:
    """Give the two selected spots, the earlier first.

    Raises
    ------
    UserError
        If there are not two.
    """
    if session.spot is None or session.other is None:
        msg = "select two cells: click on one, then Shift-click on the other"
        raise UserError(msg)
    pair = (session.other, session.spot)
    first, last = sorted(pair, key=lambda spot: (session.now.frame(spot), pair.index(spot)))
    return first, last


def _selected(session: Session) -> int:
    if session.spot is None:
        msg = "select a cell first: click on it"
        raise UserError(msg)
    return session.spot


def _break(session: Session) -> None:
    """Break the link between the two selected cells, or of the selected one to its mother."""
    if session.other is not None and session.other in session.now:
        source, target = order_pair(session)
    else:
        target = _selected(session)
        parents = session.now.parents(target)
        if len(parents) != 1:
            what = "no link to an earlier cell" if not parents else f"{len(parents)} parents"
            msg = f"spot {target} has {what}; Shift-click the other end of the link to break"
            raise UserError(msg)
        source = parents[0]
    session.do("break_link", source=source, target=target)


def _connect(session: Session) -> None:
    source, target = order_pair(session)
    session.do("connect", source=source, target=target)


def _divide(session: Session) -> None:
    mother, daughter = order_pair(session)
    session.do("add_division", mother=mother, daughter=daughter)


def _undivide(session: Session) -> None:
    daughter = _selected(session)
    mothers = [one for one in session.now.parents(daughter) if len(session.now.children(one)) > 1]
    if not mothers:
        msg = f"spot {daughter} is no daughter of a division: select the first spot of a daughter"
        raise UserError(msg)
    session.do("remove_division", mother=mothers[0], daughter=daughter)


def _merge(session: Session) -> None:
    source, target = order_pair(session)
    session.do("merge", source=source, target=target)


def _swap(session: Session) -> None:
    one, other = order_pair(session)
    session.do("swap", one=one, other=other)


def _delete(session: Session) -> None:
    session.do("delete_spot", spot=_selected(session))


def _delete_track(session: Session) -> None:
    session.do("delete_track", spot=_selected(session))


def _toggle_only(session: Session) -> None:
    session.show_only_selected(not session.only_selected)


def _toggle_follow(session: Session) -> None:
    session.set_following(not session.following)


#: All actions; the table of shortcuts in the documentation and in the window is made from it.
ACTIONS = (
    Action("parent", ("Shift-Up",), "Go", "Parent",
           "to the parent of the selected cell", lambda s: s.step("parent")),
    Action("child", ("Shift-Down",), "Go", "Child",
           "to its child, the first daughter of a division", lambda s: s.step("child")),
    Action("sister", ("Shift-Right",), "Go", "Sister",
           "to the next sister after a division", lambda s: s.step("sister")),
    Action("next", ("N",), "Go", "Next track",
           "to the next track of the table", lambda s: s.next_track(1)),
    Action("previous", ("Shift-N",), "Go", "Previous track",
           "to the previous track of the table", lambda s: s.next_track(-1)),
    Action("jump", ("J",), "Go", "Jump",
           "to the selected cell, in space and time", lambda s: s.look()),
    Action("follow", ("F",), "Look", "Follow",
           "keep the selected cell in the middle while time runs, or stop it", _toggle_follow),
    Action("only", ("T",), "Look", "Only selected",
           "show only the selected tracks, or all again", _toggle_only),
    Action("nothing", ("Escape",), "Look", "Select nothing",
           "deselect", lambda s: s.select(None)),
    Action("break", ("B",), "Correct", "Break link",
           "break the link between the two selected cells; with one, that to its parent", _break),
    Action("connect", ("C",), "Correct", "Connect",
           "link the two selected cells, over missed frames if need be", _connect),
    Action("divide", ("D",), "Correct", "Add division",
           "make the later of the two selected cells one more daughter of the earlier", _divide),
    Action("undivide", ("U",), "Correct", "Remove division",
           "cut the selected daughter off her mother", _undivide),
    Action("merge", ("M",), "Correct", "Merge",
           "let the earlier of the two selected cells, an end, run into the later", _merge),
    Action("swap", ("X",), "Correct", "Swap from here",
           "let the two selected cells of a frame change tracks from here on", _swap),
    Action("delete", ("Delete", "Backspace"), "Correct", "Delete spot",
           "delete the selected spot and its links", _delete),
    Action("delete_track", ("Shift-Delete",), "Correct", "Delete track",
           "delete the whole track of the selected cell", _delete_track),
    Action("add", ("A",), "Correct", "Add spot",
           "add a spot under the mouse: from the label there, else a ball", lambda s: s.add_here()),
    Action("undo", ("Control-Z",), "Correct", "Undo",
           "take the last edit back, without limit", lambda s: s.undo()),
    Action("redo", ("Control-Shift-Z",), "Correct", "Redo",
           "make it again", lambda s: s.redo()),
    Action("save", ("Control-Alt-S",), "Correct", "Save",
           "save the tracks to the file that was opened", lambda s: s.save()),
)  # fmt: skip


def run_action(session: Session, action: Action) -> None:
    """Do it; what a person did wrong is told in a line."""
    try:
        action.do(session)
    except BTrackMateError as error:  # Also of a disk that is full.
        session.told.emit(str(error))


def write_shortcuts() -> str:
    """Write the table of shortcuts in Markdown."""
    lines = ["| key | does |", "| --- | --- |"]
    for action in ACTIONS:
        keys = " or ".join(f"`{key}`" for key in action.keys)
        lines.append(f"| {keys} | **{action.label}**: {action.text} |")
    lines += ["| click | select the cell (in the image, the tree or the table) |",
              "| `Shift`-click | select a second cell, for what needs two |"]  # fmt: skip
    return "\n".join(lines) + "\n"
