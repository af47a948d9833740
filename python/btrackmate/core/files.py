"""The one way to write: whole or not at all, whatever stops the process.

What a verb writes is made in a hidden folder beside it, waited for until it is on the disk, and
then put in place: one file or folder by one rename, several together (`write_together`) so that at
every moment all the old or all the new ones stand (see `replacing`). A process that fails takes
away what it made; what a killed one left is found and cleared by the next that writes there. No
other room opens a file for writing, renames or removes anything.

The hidden folders are called ``.bt-`` and who made them (see `owners`), so that a living process
is left alone, and the names in them are those of the results: no name is longer than these.
"""

import contextlib
import contextvars
import itertools
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from btrackmate.core.errors import StorageError, UserError
from btrackmate.core.interrupts import hold_interrupts
from btrackmate.core.locks import Lock
from btrackmate.core.owners import Owner
from btrackmate.core.paths import is_inside, is_same, overlap
from btrackmate.core.replacing import (
    NEW,
    has_begun,
    put_all,
    put_one,
    remove_tree,
    settle,
    sync_file,
    sync_folder,
    sync_tree,
)
from btrackmate.core.words import flag

_log = logging.getLogger(__name__)

_PREFIX = ".bt-"
_LOCK = ".bt-lock"
#: Seconds that one process may take to rename a few files, while others wait.
_PATIENCE = 60.0
#: What a process of another machine left unchanged for so long is cleared away.
_SECONDS_TO_CLEAR = 86_400.0
#: A folder that holds one of these is one image or graph.
_ZARR_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
_counter = itertools.count()


@dataclass
class _Batch:
    """What is finished and waits to be put in place together."""

    overwrite: bool = True
    waiting: list[tuple[Path, Path]] = field(default_factory=list)  # staging folder, target


_batch: contextvars.ContextVar[_Batch | None] = contextvars.ContextVar("batch", default=None)


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Yield a path to write at; what is there at the end gets the name `path`.

    The caller writes a file or a folder at the yielded path. On an exception it is removed and
    whatever stood at `path` is left as it was.

    Parameters
    ----------
    path : Path
        Where the finished file or folder shall stand; replaced if it exists. Inside
        `write_together` that happens at its end.

    Yields
    ------
    Path
        Path of the same name in a hidden folder beside `path`; nothing is there yet.

    Raises
    ------
    UserError
        If the folder cannot be made or written.
    StorageError
        If the disk is full or refuses for another reason.
    """
    _check_folder(path)
    make_folder(path.parent)
    clear_leftovers(path.parent)
    with _report(path):
        staging = _make_staging(path.parent)
    batch = _batch.get()
    try:
        with _report(path):
            yield staging / NEW / path.name
            sync_tree(staging / NEW / path.name)
        if batch is not None:
            batch.waiting.append((staging, path))
        else:
            with _report(path), hold_interrupts():
                _put(staging, path.parent, [path.name])
    finally:
        if batch is None or (staging, path) not in batch.waiting:
            _discard(staging, path.parent)


@contextlib.contextmanager
def write_stream(path: Path, mode: str = "w", *, newline: str | None = "") -> Iterator[IO[Any]]:
    """Yield a stream, of UTF-8 text or bytes, whose content gets the name `path` at the end.

    Parameters
    ----------
    path : Path
        See `write_atomically`.
    mode : {"w", "wb"}
    newline : str, optional
        As in `open`; by default lines end as they are written.
    """
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": newline}
    with write_atomically(path) as temporary, temporary.open(mode, **text) as stream:
        yield stream


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; see `write_atomically`."""
    with write_stream(path) as stream:
        stream.write(text)


def copy_file(path: Path, target: Path) -> Path:
    """Copy a file; see `write_atomically`. Gives the copy's path."""
    with write_atomically(target) as temporary:
        shutil.copyfile(path, temporary)
    return target


def append_text(path: Path, text: str, *, wait: bool = False) -> None:
    """Add lines at the end of a log: the one kind of file that grows in its place.

    Parameters
    ----------
    path : Path
    text : str
        Lines, each with its end.
    wait : bool
        Wait until they are on the disk, and take away what was written of them if that fails.
    """
    size = path.stat().st_size if wait and path.exists() else 0
    with _report(path):
        try:
            with path.open("a", encoding="utf-8", newline="") as stream:
                stream.write(text)
            if wait:
                sync_file(path)
                if size == 0:
                    sync_folder(path.parent)
        except OSError:
            if wait and path.exists():
                with contextlib.suppress(OSError):
                    os.truncate(path, size)
            raise


@contextlib.contextmanager
def write_together(*, overwrite: bool = True) -> Iterator[None]:
    """Put all that is written in the block in place at its end, in each folder at one moment.

    Blocks inside each other end with the outermost. An exception leaves everything as it was.

    Parameters
    ----------
    overwrite : bool
        Refuse, at the end, to replace what was not there when the outputs were checked.

    Raises
    ------
    UserError
        If an output stands there by now and `overwrite` is false.
    StorageError
        If the disk refuses.
    """
    if _batch.get() is not None:
        yield
        return
    batch = _Batch(overwrite)
    token = _batch.set(batch)
    try:
        yield
        _batch.reset(token)
        with hold_interrupts():
            _put_batch(batch)
    finally:
        if _batch.get() is batch:
            _batch.reset(token)
        for staging, path in batch.waiting:
            _discard(staging, path.parent)


def _put_batch(batch: _Batch) -> None:
    last = {path: staging for staging, path in batch.waiting}
    if not batch.overwrite:
        for path in last:
            if os.path.lexists(path):
                msg = f"{path} was made by somebody else in the meantime and is left as it is: "
                msg += f"give another output, or {flag('overwrite')}"
                raise UserError(msg)
    folders: dict[Path, list[Path]] = {}
    for path in last:
        folders.setdefault(path.parent, []).append(path)
    for folder, paths in folders.items():
        with _report(paths[0]):
            staging = last[paths[-1]]
            for path in paths[:-1]:
                (last[path] / NEW / path.name).replace(staging / NEW / path.name)
            sync_folder(staging / NEW)
            _put(staging, folder, [path.name for path in paths])


def _put(staging: Path, folder: Path, names: list[str]) -> None:
    """Put in place what a hidden folder holds."""
    if len(names) == 1 and put_one(staging, folder, names[0]):
        return
    with hold_folder(folder):
        put_all(staging, folder, names)


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep others, for the moment that it takes, from replacing several names in a folder."""
    with Lock(folder / _LOCK, str(folder)).hold(wait=_PATIENCE):
        yield


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for an output; one that is there is left as it is.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    with _blame_output(folder):
        folder.mkdir(parents=True, exist_ok=True)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that it holds; nothing there is fine.

    Raises
    ------
    StorageError
        If the file system refuses.
    """
    with _report(path), hold_interrupts():
        remove_tree(path)


def remove_empty(folder: Path) -> None:
    """Remove a folder if it holds nothing."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def discard(folder: Path) -> None:
    """Take a folder's name away at one moment, then remove it; a killed one's rest is found.

    Raises
    ------
    StorageError
        If the file system refuses.
    """
    with _report(folder), hold_interrupts():
        hidden = _name_hidden(folder.parent)
        folder.replace(hidden)
        sync_folder(folder.parent)
        remove_tree(hidden)


def move(path: Path, target: Path) -> None:
    """Give a file or folder another name on the same disk, in place of what stands there.

    Folders replace nothing.

    Raises
    ------
    StorageError
        If the file system refuses.
    """
    with _report(target), hold_interrupts():
        path.replace(target)
        sync_folder(target.parent)


def clear_leftovers(folder: Path) -> None:
    """Clear what killed processes left in a folder, so that old or new files stand whole.

    What a living process works on is left alone, and so is what one on another machine changed
    within a day. Where nothing can be written, nothing is done.
    """
    with contextlib.suppress(OSError):
        left = [entry for entry in os.scandir(folder) if entry.name.startswith(_PREFIX)]
        for entry in left:
            if entry.name == _LOCK:
                continue
            owner = Owner.from_token(entry.name.removeprefix(_PREFIX).rpartition("-")[0])
            if owner is not None and _is_dead(owner, Path(entry)):
                _discard(Path(entry), folder)
        if any(entry.name == _LOCK for entry in left):
            with contextlib.suppress(UserError), Lock(folder / _LOCK, str(folder)).hold():
                pass


def _is_dead(owner: Owner, path: Path) -> bool:
    alive = owner.is_alive
    if alive is None:
        newest = max(one.lstat().st_mtime for one in (path, *path.rglob("*")))
        return time.time() - newest > _SECONDS_TO_CLEAR
    return not alive


def _make_staging(folder: Path) -> Path:
    """Make a hidden folder for what is written, named after this process."""
    staging = _name_hidden(folder)
    (staging / NEW).mkdir(parents=True)
    return staging


def _name_hidden(folder: Path) -> Path:
    return folder / f"{_PREFIX}{Owner.current().token}-{next(_counter):x}"


def _discard(staging: Path, folder: Path) -> None:
    """End a replacement that was stopped, and remove the hidden folder; else leave it for later."""
    with hold_interrupts(), contextlib.suppress(OSError):
        if has_begun(staging):
            with hold_folder(folder):
                settle(staging, folder)
        remove_tree(staging)


@contextlib.contextmanager
def _report(path: Path) -> Iterator[None]:
    """Turn what the file system refuses, and others say of it, into one line."""
    try:
        yield
    except OSError as error:
        msg = f"cannot write {path}: {describe_fault(error)}; what stood there is left as it was"
        raise StorageError(msg) from error


def describe_fault(error: OSError) -> str:
    """Say in words what the system refused, without the names that only we know."""
    return error.strerror or " ".join(str(error).split()) or type(error).__name__


def check_output(path: Path, *, overwrite: bool = False) -> None:
    """Refuse an output path that exists already or cannot be written.

    What a killed process left in its folder is cleared before.

    Parameters
    ----------
    path : Path
        File or folder that is about to be written.
    overwrite : bool
        Accept an existing one.

    Raises
    ------
    UserError
        If `path` exists and `overwrite` is false, or it cannot be made: tried, and undone.
    """
    with _blame_output(path):
        clear_leftovers(path.absolute().parent)
        if path.exists() and not overwrite:
            msg = f"{path} exists already: give another output, or {flag('overwrite')}"
            raise UserError(msg)
        _check_folder(path)
        _try_folder(path)


def check_outputs(
    outputs: Iterable[Path | None], inputs: Iterable[Path | None] = (), *, overwrite: bool = False
) -> None:
    """Refuse outputs that are inputs or each other, exist already, or cannot be written.

    Parameters
    ----------
    outputs : iterable of (Path or None)
        Files and folders that are about to be written or replaced; None stands for none.
    inputs : iterable of (Path or None)
        Files and folders that are read. What is read from a folder that is no image or graph
        itself may have outputs beside it.
    overwrite : bool
        Accept existing outputs that are no inputs.

    Raises
    ------
    UserError
        One line, the first fault.
    """
    written = [path for path in outputs if path is not None]
    check_apart(written, inputs)
    for output in written:
        check_output(output, overwrite=overwrite)


def check_ending(path: Path | None, *endings: str) -> None:
    """Refuse a name whose ending says another format than what is written.

    None, and a name without an ending, are fine.

    Parameters
    ----------
    path : Path or None
        An output.
    *endings : str
        Those that it may have, in any case.
    """
    if path is not None and path.suffix and not path.name.lower().endswith(endings):
        msg = f"{path}: what is written there is {' or '.join(endings)}; end the name in that"
        raise UserError(msg)


def check_apart(outputs: Iterable[Path | None], inputs: Iterable[Path | None] = ()) -> None:
    """Refuse outputs that are inputs or each other; see `check_outputs`."""
    written = [path for path in outputs if path is not None]
    sources = [path for path in inputs if path is not None]
    for place, output in enumerate(written):
        for other in written[:place]:
            if overlap(output, other):
                msg = f"{other} and {output} are one file, or one lies in the other: give each "
                msg += "output a name of its own"
                raise UserError(msg)
        for source in sources:
            _check_source(output, source)


@contextlib.contextmanager
def claim_outputs(
    outputs: Iterable[Path | None], inputs: Iterable[Path | None] = (), *, overwrite: bool = False
) -> Iterator[None]:
    """Check outputs (`check_outputs`), and put all that the block writes in place at its end.

    See `write_together`.
    """
    check_outputs(outputs, list(inputs), overwrite=overwrite)
    with write_together(overwrite=overwrite):
        yield


def _check_source(output: Path, source: Path) -> None:
    if is_same(output, source):
        msg = f"{output} is an input and would be replaced: give another output"
        raise UserError(msg)
    if is_inside(source, output):
        msg = f"{source}, an input, lies in {output}, which would be replaced: give another output"
        raise UserError(msg)
    whole = any((source / name).is_file() for name in _ZARR_FILES)
    if whole and is_inside(output, source):
        msg = f"{output} lies in {source}, an input: give an output outside it"
        raise UserError(msg)


def _check_folder(path: Path) -> None:
    """Refuse an output whose folder, or the lowest one above it that is there, can't take it."""
    with _blame_output(path):
        folder = path.absolute().parent
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            msg = f"cannot write {path}: {folder} is a file, expected a folder; give another output"
            raise UserError(msg)
        if not os.access(folder, os.W_OK):
            msg = f"cannot write {path}: no permission in folder {folder}; give another output"
            raise UserError(msg)


@contextlib.contextmanager
def _blame_output(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into one line that names the output."""
    try:
        yield
    except OSError as error:
        msg = f"cannot write {path}: {describe_fault(error)}; give another output"
        raise UserError(msg) from None


def _try_folder(path: Path) -> None:
    """Make an output's folder, and a file of its name in a hidden one; take all away again."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    staging = None
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging = _make_staging(path.absolute().parent)
        (staging / NEW / path.name).touch()
    finally:
        with hold_interrupts():
            if staging is not None:
                remove_tree(staging)
            for folder in missing:
                remove_empty(folder)  # Not there, or somebody uses it by now.
