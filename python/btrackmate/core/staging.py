"""The hidden folders in which outputs are made, and what killed processes left of them.

They are called ``.bt-`` and who made them (see `owners`), so that a living process is left alone,
and the names in them are those of the results: no name is longer than these.
"""

import contextlib
import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from btrackmate.core.disk import remove_empty, remove_tree
from btrackmate.core.errors import UserError
from btrackmate.core.interrupts import hold_interrupts
from btrackmate.core.locks import Lock, read_disk_clock
from btrackmate.core.owners import Owner
from btrackmate.core.replacing import NEW, has_begun, settle

#: How the names of hidden folders begin.
PREFIX = ".bt-"
_LOCK = ".bt-lock"
#: Seconds that one process may take to rename a few files, while others wait.
_PATIENCE = 60.0
#: What a process of another machine left unchanged for so long is cleared away.
_SECONDS_TO_CLEAR = 86_400.0
_counter = itertools.count()


def make_staging(folder: Path) -> Path:
    """Make a hidden folder for what is written, named after this process."""
    staging = name_hidden(folder)
    staging.mkdir(parents=True)
    try:
        (staging / NEW).mkdir()
    except OSError:  # A disk without room for one more.
        remove_empty(staging)
        raise
    return staging


def name_hidden(folder: Path) -> Path:
    """Give a name of this process that nothing in a folder has; nothing is made."""
    return folder / f"{PREFIX}{Owner.current().token}-{next(_counter):x}"


@contextlib.contextmanager
def watch_folder(folder: Path) -> Iterator[None]:
    """Notice at the end of the block that somebody removed a folder, even where it is there again.

    Some writers, such as Zarr's threads, make a folder anew that they miss, and go on.

    Raises
    ------
    FileNotFoundError
        If it is another folder now, or none.
    """
    if os.name != "posix":  # Windows opens no folders
        yield
        return
    handle = os.open(folder, os.O_RDONLY)  # no other folder gets its number while it is open
    try:
        yield
        if not os.path.samestat(os.fstat(handle), folder.stat()):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    finally:
        os.close(handle)


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep others, for the moment that it takes, from replacing names in a folder.

    Raises
    ------
    UserError
        If another process holds it all the time, or left it under another user's rights.
    """
    path = folder / _LOCK
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(Lock(path, str(folder), shared=True).hold(wait=_PATIENCE))
        except PermissionError:
            if not path.exists():
                raise
            msg = f"{path} was left by another user's process: let that user, or who may, remove it"
            raise UserError(msg) from None
        yield


def clear_leftovers(folder: Path) -> None:
    """Clear what killed processes left in a folder, so that old or new files stand whole.

    What a living process works on is left alone, and so is what one on another machine changed
    within a day. Where nothing can be written, nothing is done.
    """
    with contextlib.suppress(OSError):
        left = [entry for entry in os.scandir(folder) if entry.name.startswith(PREFIX)]
        for entry in left:
            if entry.name == _LOCK:
                continue
            owner = Owner.from_token(entry.name.removeprefix(PREFIX).rpartition("-")[0])
            if owner is not None and _is_dead(owner, Path(entry)):
                end_staging(Path(entry), folder)
        if any(entry.name == _LOCK for entry in left):
            with contextlib.suppress(UserError), Lock(folder / _LOCK, str(folder)).hold():
                pass


def _is_dead(owner: Owner, path: Path) -> bool:
    alive = owner.is_alive
    if alive is None:
        newest = max(one.lstat().st_mtime for one in (path, *path.rglob("*")))
        return read_disk_clock(path.parent) - newest > _SECONDS_TO_CLEAR
    return not alive


def end_staging(staging: Path, folder: Path) -> None:
    """End a replacement that was stopped, and remove the hidden folder; else leave it for later."""
    with hold_interrupts(), contextlib.suppress(OSError):
        if has_begun(staging):
            with hold_folder(folder):
                settle(staging, folder)
        remove_tree(staging)
