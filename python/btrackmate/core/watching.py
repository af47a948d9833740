"""Inputs that must stay as they are while they are read: which files they are, and their state."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.tiff_sets import list_set


@contextmanager
def watch_inputs(*paths: Path | None) -> Iterator[None]:
    """Refuse, at the end of the block, inputs that were changed in it.

    What was read of them may be half of the one and half of the other, which also explains what a
    reader refused. Put around what reads, and inside `write_together`, so that nothing is put in
    place.

    Parameters
    ----------
    *paths : Path or None
        Files and folders; None, and what is not there, are fine.

    Raises
    ------
    UserError
        One line that names the input.
    """
    before = {path: stamp_files(path) for path in paths if path is not None}
    found = ""
    try:
        yield
    except UserError as error:
        found = f" ({error})"
        if not _list_changed(before):
            raise
    for path in _list_changed(before):
        msg = f"{path} was changed while it was read: start again when it is finished{found}"
        raise UserError(msg)


def _list_changed(before: Mapping[Path, str]) -> list[Path]:
    return [path for path, stamp in before.items() if stamp_files(path) != stamp]


def stamp_files(path: Path) -> str:
    """Hash the names, sizes and times of change of an input's files, see `list_files`.

    The times are those of the content's change and of any change, which no program can set; of a
    link also what it leads to.
    """
    digest = hashlib.sha256()
    for name, file in list_files(path):
        told = file.stat()
        text = f"{name}\0{told.st_size} {told.st_mtime_ns} {told.st_ctime_ns}"
        text += f" {file.readlink()}\n" if file.is_symlink() else "\n"
        digest.update(os.fsencode(text))
    return digest.hexdigest()


def glance_at(*paths: Path | int) -> tuple[tuple[int, ...] | None, ...]:
    """Tell which files and folders stand at some paths, quickly enough for each read of them.

    An open file may be given by its number. Of files with their size and time of change; of a
    folder not what lies in it. None for what is not there.
    """
    return tuple(map(_glance, paths))


def _glance(path: Path | int) -> tuple[int, ...] | None:
    try:
        told = os.stat(path)  # noqa: PTH116 - of open files too
    except OSError:
        return None
    if stat.S_ISDIR(told.st_mode):
        return told.st_dev, told.st_ino
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


def list_files(path: Path) -> list[tuple[str, Path]]:
    """List what an input consists of: a file and those of its set, or a folder's files, by name.

    Hidden files in a folder (names that begin with a dot) count only if Zarr made them. What lies
    behind links to other folders, as on another disk, counts too, once.

    Returns
    -------
    list of (str, Path)
        Name in the folder, with slashes (empty for the file that is named), and path.
    """
    if path.is_file():
        return [("", path), *((os.path.relpath(one, path.parent), one) for one in list_set(path))]
    found = []
    seen = set[tuple[int, int]]()
    for place, folders, names in os.walk(path, followlinks=True):
        told = os.stat(place)  # noqa: PTH116 - of many folders
        if (told.st_dev, told.st_ino) in seen:
            folders.clear()
            continue
        seen.add((told.st_dev, told.st_ino))
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in names:
            file = Path(place, name)
            if not _is_hidden(name) and file.is_file():
                found.append((file.relative_to(path), file))
    return [(name.as_posix(), file) for name, file in sorted(found)]


def list_linked(folder: Path) -> list[Path]:
    """List where links in a folder, at any depth, lead: other folders, and the folders of files."""
    found, seen = set[str](), set[str]()
    for place, folders, _ in os.walk(folder, followlinks=True):
        here = os.path.realpath(place)
        if here in seen:
            folders.clear()
            continue
        seen.add(here)
        with os.scandir(place) as entries:
            links = [entry for entry in entries if entry.is_symlink()]
        for link in links:
            real = os.path.realpath(link.path)
            found.add(real if link.is_dir() else str(Path(real).parent))
    return sorted(map(Path, found))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and not name.startswith(".z")
