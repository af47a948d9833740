"""The one way to write: whole or not at all, whatever stops the process.

What a verb writes is made in a hidden folder beside it (see `staging`), waited for until it is on
the disk, and then put in place: one file or folder by one rename, several together
(`write_together`) so that at every moment all the old or all the new ones stand (see `replacing`).
A process that fails takes away what it made; what a killed one left is found and cleared by the
next that writes there. No other room opens a file for writing, renames or removes anything.
"""

import contextlib
import contextvars
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from btrackmate.core.disk import keep_rights, remove_tree, sync_file, sync_folder, sync_tree
from btrackmate.core.errors import StorageError, describe_fault
from btrackmate.core.interrupts import hold_interrupts
from btrackmate.core.outputs import (
    ANALYSIS,
    blame_output,
    check_folder,
    check_kind,
    check_outputs,
    check_unchanged,
    check_unmade,
    check_whole,
    forget_outputs,
)
from btrackmate.core.replacing import NEW, leads_aside, put_all, put_one
from btrackmate.core.staging import (
    PREFIX,
    clear_leftovers,
    end_staging,
    hold_folder,
    make_staging,
    name_hidden,
    watch_folder,
)
from btrackmate.core.stamps import stamp_output
from btrackmate.core.words import flag

#: Links that a name may lead through.
_MOST_LINKS = 40
#: Names of files that are not UTF-8 are told with their bytes as \udc80 to \udcff.
_TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace"}


@dataclass
class _Batch:
    """What is finished and waits to be put in place together."""

    overwrite: bool | None = None
    check: Callable[[], None] | None = None
    waiting: list[tuple[Path, Path]] = field(default_factory=list)  # staging folder, target

    @property
    def is_checked(self) -> bool:
        """Whether others are kept from the folders while it is looked what stands there."""
        return self.overwrite is not None or self.check is not None


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
        `write_together` that happens at its end, but for what lies in a folder that is made itself.

    Yields
    ------
    Path
        Path of the same name in a hidden folder beside `path`; nothing is there yet.

    Raises
    ------
    UserError
        If the folder cannot be made or written, or a folder stands where a file is written.
    StorageError
        If the disk is full or refuses for another reason.
    """
    check_folder(path)
    make_folder(path.parent)
    clear_leftovers(path.parent)
    with _report(path):
        staging = make_staging(path.parent)
    batch = None if _is_staged(path) else _batch.get()
    try:
        with _report(path), watch_folder(staging / NEW):
            yield staging / NEW / path.name
            check_kind(path, staging / NEW / path.name)
            keep_rights(path, staging / NEW / path.name)
            sync_tree(staging / NEW / path.name)
        if batch is not None:
            batch.waiting.append((staging, path))
        else:
            with _report(path), hold_interrupts():
                _put(staging, path.parent, [path.name], {})
    finally:
        if batch is None or (staging, path) not in batch.waiting:
            end_staging(staging, path.parent)


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
    text: dict[str, Any] = {} if "b" in mode else {**_TEXT, "newline": newline}
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

    Where it has a second name, as in a backup made of hard links, it becomes a file of its own
    first: what stands under the other name stays as it is.

    Parameters
    ----------
    path : Path
    text : str
        Lines, each with its end.
    wait : bool
        Wait until they are on the disk, and take away what was written of them if that fails.
    """
    told = path.stat() if path.exists() else None
    size = 0 if told is None else told.st_size
    if told is not None and told.st_nlink > 1:
        _part_names(follow_link(path))
    with _report(path):
        try:
            with path.open("a", newline="", **_TEXT) as stream:
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


def _part_names(path: Path) -> None:
    """Make a file that has several names one of its own, at once."""
    held = _batch.set(None)
    try:
        copy_file(path, path)
    finally:
        _batch.reset(held)


@contextlib.contextmanager
def write_together(
    *, overwrite: bool | None = None, check: Callable[[], None] | None = None
) -> Iterator[None]:
    """Put all that is written in the block in place at its end, in each folder at one moment.

    Blocks inside each other end with the outermost. An exception leaves everything as it was.

    Parameters
    ----------
    overwrite : bool, optional
        Outputs were checked before: look again, at the end, that nothing stands there by now or,
        where it may be replaced, that nobody changed it, or put something of their own into it.
    check : callable, optional
        Called at the end, too, just before: raises if nothing shall be put in place.

    Raises
    ------
    UserError
        If an output stands there by now and `overwrite` is false, was changed, or holds what would
        be lost.
    StorageError
        If the disk refuses.
    """
    if _batch.get() is not None:
        yield
        return
    batch = _Batch(overwrite, check)
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
            end_staging(staging, path.parent)


def follow_link(path: Path) -> Path:
    """Give the file that a name leads to, where it is a link of the user's.

    Names of files that are being replaced together are links, too (`leads_aside`): what a killed
    process began is ended, if it can be, and the name is that of the file itself.
    """
    place = path
    for _ in range(_MOST_LINKS):
        if leads_aside(place):
            clear_leftovers(place.parent)
            return place
        if not place.is_symlink():
            break
        place = place.parent / place.readlink()
    try:
        return path.resolve() if path.is_symlink() else path
    except RuntimeError:  # It leads to itself: whoever reads it says so.
        return path


def find_written(path: Path) -> Path:
    """Give where a file or folder lies that was written: aside, until what goes with it is."""
    batch = _batch.get()
    waiting = [] if batch is None else batch.waiting
    aside = [staging / NEW / path.name for staging, other in waiting if other == path]
    return aside[-1] if aside else path


def _put_batch(batch: _Batch) -> None:
    last = {path: staging for staging, path in batch.waiting}
    folders: dict[Path, list[Path]] = {}
    for path in last:
        folders.setdefault(path.parent, []).append(path)
    for paths in folders.values():
        with _report(paths[0]):
            staging = last[paths[-1]]
            for path in paths[:-1]:
                (last[path] / NEW / path.name).replace(staging / NEW / path.name)
            sync_folder(staging / NEW)
    with contextlib.ExitStack() as held:
        for folder in sorted(folders) if batch.is_checked else ():
            with _report(folders[folder][0]):
                held.enter_context(hold_folder(folder))
        seen = _check_batch(batch, last)  # No other process of ours puts anything there from here.
        for folder, paths in folders.items():
            with _report(paths[0]):
                names = [path.name for path in paths]
                there = {path.name: seen[path] for path in paths if path in seen}
                _put(last[paths[-1]], folder, names, there, held=batch.is_checked)
            forget_outputs(paths)


def _check_batch(batch: _Batch, last: Mapping[Path, Path]) -> dict[Path, str]:
    """Refuse to replace what somebody made or changed; `last` gives the hidden folders.

    Gives exact stamps of what may be replaced.
    """
    seen = {path: stamp_output(path, exact=True) for path in last if batch.is_checked}
    for path, staging in last.items():
        if batch.overwrite is False:
            check_unmade(path, f"give another output, or {flag('overwrite')}")
        elif batch.overwrite:
            check_whole(path, analysis=(staging / NEW / path.name / ANALYSIS).is_file())
            check_unchanged(path)
    if batch.check is not None:
        batch.check()
    return seen


def _put(
    staging: Path, folder: Path, names: list[str], seen: Mapping[str, str], *, held: bool = False
) -> None:
    """Put in place what a hidden folder holds; `held`: others are kept from the folder already."""
    if len(names) == 1 and put_one(staging, folder, names[0], seen):
        return
    with contextlib.nullcontext() if held else hold_folder(folder):
        put_all(staging, folder, names, seen)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for an output; one that is there is left as it is.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    with contextlib.nullcontext() if _is_staged(folder) else blame_output(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _is_staged(path: Path) -> bool:
    return any(part.startswith(PREFIX) for part in path.parts)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that it holds; nothing there is fine.

    Raises
    ------
    StorageError
        If the file system refuses.
    """
    with _report(path, "remove"), hold_interrupts():
        remove_tree(path)


def discard(folder: Path) -> None:
    """Take a folder's name away at one moment, then remove it; a killed one's rest is found.

    Raises
    ------
    StorageError
        If the file system refuses.
    """
    with _report(folder, "remove"), hold_interrupts():
        hidden = name_hidden(folder.parent)
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


def clear_below(folder: Path) -> None:
    """Clear what is left hidden anywhere in a folder that this process alone works in.

    Its own too: what the disk refused to remove when it was done.
    """
    for path in sorted(folder.rglob(f"{PREFIX}*")):
        if path.is_dir():
            end_staging(path, path.parent)
        elif os.path.lexists(path):
            remove(path)


@contextlib.contextmanager
def _report(path: Path, what: str = "write") -> Iterator[None]:
    """Turn what the file system refuses, and others say of it, into one line.

    Inside a hidden folder that of the output tells it, by the output's name.
    """
    try:
        yield
    except OSError as error:
        if _is_staged(path):
            raise
        kept = "; what stood there is left as it was" if what == "write" else ""
        msg = f"cannot {what} {path}: {describe_fault(error)}{kept}"
        raise StorageError(msg) from error


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
