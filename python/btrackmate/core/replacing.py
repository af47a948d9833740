"""Putting finished files in place of older ones: all of them at one moment.

No system call replaces several files at once, nor a folder that holds something. Here they are
replaced through symbolic links: each name becomes, by an atomic rename, a link through one
common pointer to what stood there; then the pointer is turned, in one rename, from ``old`` to
``new``; then each link becomes, by an atomic rename, what it leads to. Whoever looks at the names
sees all the old or all the new at every moment, and a process that is killed anywhere in between
leaves names that lead to one of the two; `settle` ends what it began.

Folders change places with their links by the exchange-rename of Linux and macOS. Where a file
system has none (NFS), or not for this folder (of a lower layer of an overlay, as in containers),
the files in a folder are replaced one by one in the same way. Where it has no symbolic links either
(FAT, some network disks, Windows without the right to make them), the old ones are moved aside and
the new ones to their place: killed in between, some are missing, none is lost, and `settle` puts
them in place. In all of these ways, what somebody else put at a name meanwhile is left there.

Others may save between the last look at a name and the moment in which it changes. What was there
is therefore looked at once more when it is away from its name, and put back if it is not what was
seen (``seen``): nobody can reach it any more, and the new one does not count yet. And who moves
files away, once they are there, may move a link: what it led to gets its name all the same.
"""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from btrackmate.core.disk import (
    exchange,
    is_folder,
    remove_tree,
    rename_apart,
    sync_file,
    sync_folder,
)
from btrackmate.core.errors import UserError
from btrackmate.core.stamps import LOOK_AT_IT, check_seen, stamp_output

NEW, OLD = "new", "old"
#: The pointer's name once all is in place.
ENDED = "ended"
_POINTER, _TURNED = "now", "now.next"
_LINK = "link"
_PLAN = "plan.json"
_MOVING = "moving.json"


def put_one(staging: Path, folder: Path, name: str, seen: Mapping[str, str]) -> bool:
    """Put one finished file or folder in place by one rename.

    Parameters
    ----------
    staging : Path
        Holds it as ``new/NAME``.
    folder : Path
    name : str
    seen : mapping of str to str
        Exact stamps of what stood at names when it was found that it may be replaced; what stands
        at others is.

    Returns
    -------
    bool
        False where that cannot be: folders cannot change places on this disk. Nothing has changed.

    Raises
    ------
    UserError
        If what stands there is not what was seen; it is left there.
    """
    source, target = staging / NEW / name, folder / name
    if name in seen and not os.path.lexists(target):
        with contextlib.suppress(FileExistsError):  # Just made: to be looked at.
            if rename_apart(source, target):
                sync_folder(folder)
                return True
    whole = is_folder(source) or is_folder(target)
    swaps = os.path.lexists(target) and (whole or name in seen)
    ours = _mark(source)
    if swaps and _swap(source, target):
        try:
            _check_taken(folder, name, source, seen)
        except UserError:
            _give_back(target, source, ours)
            raise
    elif swaps and whole and os.path.lexists(target):
        return False
    else:
        source.replace(target)
    sync_folder(folder)
    return True


def put_all(staging: Path, folder: Path, names: Sequence[str], seen: Mapping[str, str]) -> None:
    """Put finished files and folders in place, all in one moment.

    The caller holds a lock that keeps others from replacing the same names.

    Parameters
    ----------
    staging : Path
        Folder on the same disk; holds, as ``new/NAME``, what is finished and synced. A name that
        it does not hold is taken away from `folder`. What was replaced lies in it afterwards.
    folder : Path
    names : sequence of str
        The one that tells others that all is there last.
    seen : mapping of str to str
        See `put_one`.

    Raises
    ------
    UserError
        If what stood at a name was not what was seen; all is as it was then.
    """
    try:
        _put_all(staging, folder, names, seen, exchanges=True)
    except _CannotExchangeError:
        _put_all(staging, folder, names, seen, exchanges=False)


def _put_all(
    staging: Path, folder: Path, names: Sequence[str], seen: Mapping[str, str], *, exchanges: bool
) -> None:
    remove_tree(staging / OLD)  # What an earlier one that was taken back left.
    for name in (_POINTER, _TURNED, _LINK):
        if is_folder(staging / name):  # Of a copy that was made meanwhile, and has no links.
            remove_tree(staging / name)
    (staging / OLD).mkdir()
    can_link = _can_link(staging)
    plan = _make_plan(staging, folder, names, exchanges=exchanges) if can_link else None
    if plan is not None:
        file = staging / _PLAN
        file.write_text(json.dumps(plan._asdict()), encoding="ascii")
        sync_file(file)
    try:
        if plan is None:
            _move_all(staging, folder, names)
        else:
            _turn_all(staging, folder, plan, seen)
    except BaseException:
        with contextlib.suppress(OSError):
            settle(staging, folder)
        raise


def has_begun(staging: Path) -> bool:
    """Tell whether names lead into a hidden folder, or are being moved: it must not be removed."""
    return (staging / _POINTER).is_symlink() or (staging / _MOVING).exists()


def has_ended(staging: Path) -> bool:
    """Tell whether all that a hidden folder held was put in place."""
    return os.path.lexists(staging / ENDED)


def leads_aside(path: Path) -> bool:
    """Tell whether a name is a link for now: its file is being replaced together with others.

    Or a process was killed while it did that, in a hidden folder beside the name.
    """
    if not path.is_symlink():
        return False
    hidden, *rest = path.readlink().parts
    pointer = path.parent / hidden / _POINTER
    return hidden.startswith(".") and rest == [_POINTER, path.name] and pointer.is_symlink()


def _check_taken(folder: Path, name: str, kept: Path, seen: Mapping[str, str]) -> None:
    """Look once more at what was taken away from a name, if it is known what it should be."""
    if name in seen:
        check_seen(folder / name, seen[name], stamp_output(kept, exact=True))


def _give_back(visible: Path, aside: Path, ours: tuple[int, ...]) -> None:
    """Let what somebody saved, and lies aside, stand at its name again, in the place of ours.

    What they save there in this moment, too, is newer, and stands there in its place.
    """
    while True:
        theirs = _mark(aside)
        if not _swap(visible, aside):
            _put_apart(aside, visible)
            return
        if _mark(aside) == ours:
            return
        ours = theirs


def _swap(one: Path, other: Path) -> bool:
    """Let two names change places; False, too, where one was moved away in this moment."""
    try:
        return exchange(one, other)
    except FileNotFoundError:
        return False


def _mark(path: Path) -> tuple[int, ...]:
    """Tell a file or folder from all others that may come to its name."""
    told = path.lstat()
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


def settle(staging: Path, folder: Path) -> None:
    """End what a killed or failed `put_all` began: all new ones in place, or all old ones.

    Can itself be stopped, and done again. Nothing happens where nothing was begun.
    """
    pointer = staging / _POINTER
    if pointer.is_symlink():
        _show_all(staging, folder, _read_plan(staging), str(pointer.readlink()))
    elif (staging / _MOVING).exists():
        _move_all(staging, folder, ())


class _Plan(NamedTuple):
    """What changes: files or whole folders, and folders to make and to take away around them."""

    names: list[str]
    made: list[str]
    gone: list[str]
    exchanges: bool


class _CannotExchangeError(OSError):
    """A folder cannot change places though others on the disk can, as below an overlay."""


def _make_plan(
    staging: Path, folder: Path, names: Sequence[str], *, exchanges: bool
) -> _Plan | None:
    """Plan a replacement through links; None where a folder and a file would change places."""
    new = staging / NEW
    folders = [n for n in names if is_folder(new / n) or is_folder(folder / n)]
    if not folders or (exchanges and _can_exchange(staging)):
        return _Plan(list(names), [], [], bool(folders))
    leaves: list[str] = []
    made: list[str] = []
    gone: list[str] = []
    for name in names:
        if name not in folders:
            leaves.append(name)
            continue
        here, coming = _list_tree(folder, name), _list_tree(new, name)
        if here.folders & coming.files or here.files & coming.folders:
            return None
        leaves += sorted(here.files | coming.files)
        made += sorted(coming.folders - here.folders)
        gone += sorted(here.folders - coming.folders)
    return _Plan(leaves, made, gone, exchanges=False)


class _Tree(NamedTuple):
    files: set[str]
    folders: set[str]


def _list_tree(root: Path, name: str) -> _Tree:
    """List a folder, or nothing, as paths from `root`."""
    top = root / name
    if not is_folder(top):
        return _Tree({name} if os.path.lexists(top) else set(), set())
    found = _Tree(set(), {name})
    for place, folders, files in os.walk(top):
        at = Path(place).relative_to(root)
        for one in folders:
            is_link = Path(place, one).is_symlink()
            (found.files if is_link else found.folders).add((at / one).as_posix())
        found.files.update((at / one).as_posix() for one in files)
    return found


def _turn_all(staging: Path, folder: Path, plan: _Plan, seen: Mapping[str, str]) -> None:
    """Hide each name behind a link to the old one, turn the pointer, show the new ones."""
    _point(staging, OLD)
    sync_folder(staging)
    for name in plan.made:
        (folder / name).mkdir(exist_ok=True)
    hidden = [n for n in plan.names if _hide(staging, folder, n, exchanges=plan.exchanges)]
    _sync_around(folder, plan)
    _check_hidden(staging, folder, plan, hidden, seen)
    _point(staging, NEW)
    try:
        _check_hidden(staging, folder, plan, hidden, seen)  # Others may have come between.
    except UserError:
        _point(staging, OLD)
        raise
    sync_folder(staging)
    _show_all(staging, folder, plan, NEW)


def _check_hidden(
    staging: Path, folder: Path, plan: _Plan, hidden: Iterable[str], seen: Mapping[str, str]
) -> None:
    """Look whether others wrote through the links, or moved those away that led to the old ones."""
    for name in hidden:
        _check_taken(folder, name, staging / OLD / name, seen)
    for name in plan.names:
        if os.path.lexists(staging / OLD / name) and not os.path.lexists(folder / name):
            msg = f"{folder / name} was moved away by somebody else in the meantime, and stands at "
            msg += f"its name again: {LOOK_AT_IT}"
            raise UserError(msg)


def _point(staging: Path, side: str) -> None:
    """Turn the pointer, in one moment."""
    turned = staging / _TURNED
    turned.unlink(missing_ok=True)
    turned.symlink_to(side)
    turned.replace(staging / _POINTER)


def _lead(staging: Path, folder: Path, name: str) -> str:
    """Give the text of the link that stands for a name."""
    return os.path.relpath(staging / _POINTER / name, (folder / name).parent)


def _hide(staging: Path, folder: Path, name: str, *, exchanges: bool) -> bool:
    """Let a name be a link to what stands there, which moves or is linked to ``old/NAME``.

    Tells whether that is what stood there itself, or nothing, but no copy of it or of a link of
    the user's.
    """
    visible, kept = folder / name, staging / OLD / name
    text = _lead(staging, folder, name)
    if not os.path.lexists(visible):
        with contextlib.suppress(FileExistsError):  # Just made: treated as what stood there.
            if os.path.lexists(staging / NEW / name):
                visible.symlink_to(text)
            return True
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not visible.is_symlink():
        kept.symlink_to(text)
        if _swap(visible, kept):
            return True
        kept.unlink()
        if not os.path.lexists(visible):  # Moved away just now.
            return _hide(staging, folder, name, exchanges=exchanges)
        if exchanges or is_folder(visible):
            raise _CannotExchangeError(errno.EPERM, os.strerror(errno.EPERM), str(visible))
    moved = _keep(visible, kept)
    link = staging / _LINK
    link.unlink(missing_ok=True)
    link.symlink_to(text)
    link.replace(visible)
    return moved


def _keep(visible: Path, kept: Path) -> bool:
    """Give what stands at a name, or what a link of the user's leads to, a second name."""
    if visible.is_symlink():
        kept.symlink_to(visible.resolve())
        return False
    try:
        os.link(visible, kept)
    except OSError:  # A disk without hard links.
        shutil.copy2(visible, kept)
        sync_file(kept)
        return False
    return True


def _show_all(staging: Path, folder: Path, plan: _Plan, side: str) -> None:
    """Let every link be what it leads to; then nothing leads into the staging folder any more."""
    for name in plan.names:
        _show(staging, folder, name, staging / side / name)
    goes = plan.gone if side == NEW else plan.made
    for name in sorted(goes, reverse=True):
        with contextlib.suppress(OSError):  # Somebody put something in.
            (folder / name).rmdir()
    _sync_around(folder, plan)
    if side == NEW:
        (staging / _POINTER).replace(staging / ENDED)
    else:
        (staging / _POINTER).unlink()


def _show(staging: Path, folder: Path, name: str, real: Path) -> None:
    visible, text = folder / name, _lead(staging, folder, name)
    if not _is_link(visible, text):
        if os.path.lexists(real) and not _is_link(real, text):
            _put_apart(real, visible)
        return
    if not os.path.lexists(real):
        visible.unlink()
        return
    ours = _mark(real)
    if _swap(visible, real):
        if not _is_link(real, text):  # Somebody saved there in this moment.
            _give_back(visible, real, ours)
        return
    if is_folder(real):
        visible.unlink(missing_ok=True)
    real.replace(visible)


def _put_apart(real: Path, visible: Path) -> None:
    """Give what somebody moved the link to away its name; what has it by now is left there."""
    with contextlib.suppress(FileExistsError):
        if not rename_apart(real, visible) and not os.path.lexists(visible):
            real.replace(visible)


def _is_link(path: Path, text: str) -> bool:
    return path.is_symlink() and str(path.readlink()) == text


def _sync_around(folder: Path, plan: _Plan) -> None:
    for parent in {(folder / name).parent for name in plan.names}:
        if parent.is_dir():
            sync_folder(parent)


def _read_plan(staging: Path) -> _Plan:
    return _Plan(**json.loads((staging / _PLAN).read_text(encoding="ascii")))


def _move_all(staging: Path, folder: Path, names: Sequence[str]) -> None:
    """Move the old ones aside, the last first, then the new ones to their place."""
    new, old, moving = staging / NEW, staging / OLD, staging / _MOVING
    if not moving.exists():
        put = [name for name in names if os.path.lexists(new / name)]
        told: dict[str, Any] = {"put": put, "gone": [name for name in names if name not in put]}
        told["there"] = {name: stamp_output(folder / name) for name in names}
        begun = staging / f"{_MOVING}.next"
        begun.write_text(json.dumps(told), encoding="ascii")
        sync_file(begun)
        begun.replace(moving)
        sync_folder(staging)
    told = json.loads(moving.read_text(encoding="ascii"))
    waiting = [name for name in told["put"] if os.path.lexists(new / name)]
    for name in reversed([*told["gone"], *waiting]):
        was = told["there"].get(name)
        if was and was == stamp_output(folder / name) and not os.path.lexists(old / name):
            (folder / name).replace(old / name)
    for name in waiting:
        if not os.path.lexists(folder / name):  # Else somebody made or changed it meanwhile.
            (new / name).replace(folder / name)
    sync_folder(folder)
    moving.replace(staging / ENDED)


def _can_link(staging: Path) -> bool:
    """Try whether this disk has symbolic links."""
    link = staging / _LINK
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(NEW)
    except (OSError, NotImplementedError):
        return False
    link.unlink()
    return True


def _can_exchange(staging: Path) -> bool:
    """Try whether names can change places on this disk."""
    one, other = staging / "one", staging / "other"
    for path in (one, other):
        if os.path.lexists(path):  # Left by one that was killed here, perhaps exchanged.
            remove_tree(path)
    one.mkdir()
    other.touch()
    try:
        return exchange(one, other)
    finally:
        for path in (one, other):
            remove_tree(path)
