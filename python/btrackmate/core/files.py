"""Writing so that nothing is ever half-written."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.words import flag

# A name of up to 255 bytes, a file system's limit, has a temporary one that is no longer.
_LONGEST_STEM = 40
_LONGEST_SUFFIX = 16


def check_output(path: Path, *, overwrite: bool = False) -> None:
    """Refuse an output path that exists already or cannot be written.

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
        if path.exists() and not overwrite:
            msg = f"{path} exists already: give another output, or {flag('overwrite')}"
            raise UserError(msg)
        _check_folder(path)
        _try_folder(path)


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


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for an output; one that is there is left as it is.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    with _blame_output(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def _blame_output(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into one line that names the output."""
    try:
        yield
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}; give another output"
        raise UserError(msg) from None


def _try_folder(path: Path) -> None:
    """Make an output's folder and a file in it, and take both away again."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    probe = _name_temporary(path)
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):  # Not there, or somebody uses it by now.
                folder.rmdir()


def _name_temporary(path: Path) -> Path:
    """Name a file beside `path`, with the same suffixes, that does not exist yet."""
    suffix = "".join(path.suffixes[-2:])
    if len(suffix) > _LONGEST_SUFFIX:
        suffix = path.suffix[:_LONGEST_SUFFIX]
    return path.parent / f".{path.name[:_LONGEST_STEM]}.{uuid.uuid4().hex[:8]}.tmp{suffix}"


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and rename it to `path` on success.

    The caller writes a file or a folder at the yielded path. On an exception the temporary
    output is removed and whatever stood at `path` is left as it was.

    Parameters
    ----------
    path : Path
        Where the finished file or folder shall stand; replaced if it exists.

    Yields
    ------
    Path
        Path in the same folder, with the same suffixes, that does not exist yet.

    Raises
    ------
    UserError
        If the folder cannot be made or written.
    """
    _check_folder(path)
    make_folder(path.parent)
    temporary = _name_temporary(path)
    try:
        yield temporary
        if path.is_dir() and not path.is_symlink() or (path.exists() and temporary.is_dir()):
            _replace_folder(temporary, path)
        else:
            temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


def _replace_folder(temporary: Path, path: Path) -> None:
    """Rename where one of the two is a folder, which no single system call does."""
    aside = temporary.with_name(temporary.name + ".old")
    path.rename(aside)
    try:
        temporary.rename(path)
    except OSError:
        aside.rename(path)
        raise
    if aside.is_dir():
        shutil.rmtree(aside)
    else:
        aside.unlink()
