"""What stands at the name of an output: told by sizes and times, or by all that it holds."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from btrackmate.core.disk import is_folder
from btrackmate.core.errors import UserError
from btrackmate.core.reading import feed_hash

_HIDDEN = re.compile(r"\.(?!z)")
#: Nanoseconds to which FAT keeps times.
_COARSE = 2_000_000_000
LOOK_AT_IT = "look at it, and start again if it may be replaced"


def stamp_output(path: Path, *, exact: bool = False) -> str:
    """Tell what stands at a name by sizes and times of change; empty where nothing does.

    Of a folder all files count, but hidden ones that are not Zarr's. Times count to 2 s, as some
    disks (FAT) keep them, unless the stamp is `exact`: for as long as the disk is not taken away.
    """
    step = 1 if exact else _COARSE
    listed = list(_list_told(path))
    times = [f"{name}\0{told.st_mtime_ns // step}\n" for name, told in listed]
    return f"{_measure(path, listed)}/{_hash_lines(times)}" if listed or is_folder(path) else ""


def seal_output(path: Path) -> str:
    """Tell what stands at a name by its stamp and by a hash of all that it holds."""
    return f"{stamp_output(path)}/{_hash_content(path)}"


def stands_sealed(path: Path, seal: str) -> bool:
    """Tell by its stamp whether what was sealed stands at a name."""
    return bool(seal) and seal.rpartition("/")[0] == stamp_output(path)


def holds_sealed(path: Path, seal: str) -> bool:
    """Tell whether what was sealed stands at a name, perhaps a copy with other times."""
    size, _, content = seal.partition("/")
    content = content.rpartition("/")[2]
    return bool(size) and size == measure_output(path) and content == _hash_content(path)


def _hash_content(path: Path) -> str:
    digest = hashlib.sha256()
    for name, _ in _list_told(path):
        file = path / name if is_folder(path) else path
        digest.update(os.fsencode(name) + b"\0")
        if file.is_symlink():
            digest.update(os.fsencode(file.readlink()))
            continue
        feed_hash(digest, file)
    return digest.hexdigest()


def measure_output(path: Path) -> str:
    """Tell the names and sizes of a file, or of all files of a folder; empty where nothing is."""
    return _measure(path, list(_list_told(path)))


def _measure(path: Path, listed: Sequence[tuple[str, os.stat_result]]) -> str:
    if not is_folder(path):
        return "".join(str(told.st_size) for _, told in listed)
    return _hash_lines(f"{name}\0{told.st_size}\n" for name, told in listed)


def _list_told(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """List a file, or all files of a folder by their place in it, with what the system tells."""
    if not is_folder(path):
        if os.path.lexists(path):
            yield path.name, path.lstat()
        return
    for place, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not _HIDDEN.match(name))
        for name in sorted(name for name in names if not _HIDDEN.match(name)):
            file = Path(place, name)
            yield file.relative_to(path).as_posix(), file.lstat()


def _hash_lines(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(os.fsencode(line))
    return digest.hexdigest()


def check_seen(path: Path, seen: str, now: str, remedy: str = LOOK_AT_IT) -> None:
    """Refuse to replace what is not what was seen; where nothing stands, nothing is lost.

    Parameters
    ----------
    path : Path
    seen, now : str
        Exact stamps of what stood there, and of what stands there.
    remedy : str
        What to do, for the message.

    Raises
    ------
    UserError
        One line.
    """
    if now not in ("", seen):
        done = "changed" if seen else "made"
        msg = f"{path} was {done} by somebody else in the meantime and is left as it is: {remedy}"
        raise UserError(msg)
