"""Writing so that nothing is ever half-written."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from btrackmate.core.errors import UserError


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
        If `path` exists and `overwrite` is false, or its folder is missing or not writable.
    """
    if path.exists() and not overwrite:
        msg = f"{path} exists already: give another output, or --overwrite"
        raise UserError(msg)
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
    check_output(path, overwrite=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(path.suffixes[-2:])
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.tmp{suffix}"
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
