"""What kind of file an input is, before it is opened: some are never read to their end."""

import logging
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from btrackmate.core.errors import UserError

if TYPE_CHECKING:
    import hashlib

_log = logging.getLogger(__name__)

#: Bytes that are hashed at once.
_HASH_BLOCK = 1 << 20


def read_whole(path: Path, most: int | None = None) -> bytes:
    """Read a file, or a pipe such as ``<(zcat cells.csv.gz)``, to its end.

    Parameters
    ----------
    path : Path
    most : int, optional
        Bytes that it may have.

    Raises
    ------
    OSError
        If it is not there, or not readable.
    UserError
        If it is a device or a socket, or has more bytes.
    """
    if is_pipe(path):
        _log.info("%s is a pipe: it is read until its writer ends", path)
    else:
        check_plain(path)
    with path.open("rb") as stream:
        data = stream.read() if most is None else stream.read(most + 1)
    if most is not None and len(data) > most:
        msg = f"{path} has more than {most / 1e6:.0f} MB, which is too much for such a file: is it "
        msg += "the right one?"
        raise UserError(msg)
    return data


def feed_hash(digest: "hashlib._Hash", path: Path) -> None:
    """Take the content of a file, of any size, into a hash."""
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)


def is_pipe(path: Path) -> bool:
    """Tell whether a path is a pipe, which can be read once."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


def check_plain(path: Path) -> None:
    """Refuse a pipe, a device or a socket where a file or a folder is needed.

    The null device, which is an empty file, and what is not there are fine.

    Raises
    ------
    UserError
        One line.
    """
    if not path.exists() or path.is_file() or path.is_dir() or path.samefile(os.devnull):
        return
    kind = "a pipe" if is_pipe(path) else "a device or a socket"
    msg = f"{path} is {kind}, expected a file; save what it gives to a file first"
    raise UserError(msg)
