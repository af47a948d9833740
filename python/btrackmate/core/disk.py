"""What the system does with files and folders on the disk, as every system can."""

import contextlib
import ctypes
import errno
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_UNSUPPORTED = frozenset(
    getattr(errno, name)
    for name in ("ENOSYS", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "EXDEV", "EPERM", "EACCES")
)

#: Flags of the system's renaming: let names change places, or replace nothing.
_EXCHANGE = 2
_APART = 4 if sys.platform == "darwin" else 1
#: Where Linux keeps lists of who may do what with a file.
_ACL, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    sys.audit("btrackmate.sync", str(path))
    file = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        _flush(file)
    finally:
        os.close(file)


def check_room(path: Path, size: int) -> None:
    """Raise OSError where the disk, or the user's part of it, has no room for a file of `size`.

    For files that a library writes by itself which a full disk makes crash. Nothing is left.
    """
    if not hasattr(os, "posix_fallocate"):  # Windows, macOS.
        return
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(file)
        path.unlink()


def _flush(file: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # Not on every disk.
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)
            return
    os.fsync(file)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can tell."""
    sys.audit("btrackmate.sync", str(path))
    if os.name == "nt":
        return
    file = os.open(path, os.O_RDONLY)
    try:
        _flush(file)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(file)


def sync_tree(path: Path) -> None:
    """Wait until a file, or a folder with all that it holds, is on the disk."""
    if path.is_symlink():
        return
    if not path.is_dir():
        sync_file(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            if not file.is_symlink():
                sync_file(file)
        sync_folder(Path(folder))


def keep_rights(old: Path, new: Path) -> None:
    """Give what replaces a file or folder its owner, group and rights, as far as the system lets.

    All that a folder holds has those of the folder. Where nothing, or something else, stands at
    `old`, nothing is done: what is new has the rights that the process gives.

    Parameters
    ----------
    old : Path
        What stands there, perhaps under a link.
    new : Path
        What is to be put in its place.
    """
    if os.name == "nt" or not old.exists() or old.is_dir() != is_folder(new):
        return
    told, lists = old.stat(), {name: _read_list(old, name) for name in (_ACL, _DEFAULT)}
    for path in (new, *new.rglob("*")) if is_folder(new) else (new,):
        if not path.is_symlink():
            with contextlib.suppress(OSError):  # Not on every disk.
                _give_lists(path, lists)  # Whose mask is the group's part of the rights.
                _give_rights(path, told, is_part=path != new)


def _read_list(path: Path, name: str) -> bytes | None:
    """Read an access list; None where there is none, or the system has none."""
    try:
        return os.getxattr(path, name)
    except (OSError, AttributeError):
        return None


def _give_lists(path: Path, lists: Mapping[str, bytes | None]) -> None:
    """Give access lists, and take away those that the folder above handed down."""
    for name, content in lists.items():
        if content is not None and (name == _ACL or is_folder(path)):
            os.setxattr(path, name, content)
        elif _read_list(path, name) is not None:
            os.removexattr(path, name)


def _give_rights(path: Path, told: os.stat_result, *, is_part: bool) -> None:
    mode = stat.S_IMODE(told.st_mode)
    here = path.stat()
    if (here.st_uid, here.st_gid) != (told.st_uid, told.st_gid):
        try:
            os.chown(path, told.st_uid, told.st_gid)
        except OSError:
            try:
                os.chown(path, -1, told.st_gid)
            except OSError:  # Its group is not ours: it gets what all others have.
                mode = (mode & ~0o070) | ((mode & 0o007) << 3)
    if is_folder(path):
        mode |= 0o700
    else:
        mode = (mode & 0o666 if is_part else mode) | 0o400
    if mode != stat.S_IMODE(here.st_mode):
        path.chmod(mode)


def remove_tree(path: Path) -> None:
    """Remove a file or a folder, whatever it holds; nothing there is fine."""
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_empty(folder: Path) -> None:
    """Remove a folder if it holds nothing."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder itself, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def exchange(one: Path, other: Path) -> bool:
    """Let two names change places in one moment.

    Returns
    -------
    bool
        False where the system or the file system cannot do that; nothing has changed then.
    """
    return _rename(one, other, _EXCHANGE)


def rename_apart(path: Path, target: Path) -> bool:
    """Give a file or folder another name, unless that is somebody's by now.

    Returns
    -------
    bool
        False where the system or the file system cannot do that; nothing has changed then.

    Raises
    ------
    FileExistsError
        If something has the name.
    """
    return _rename(path, target, _APART)


def _rename(one: Path, other: Path, flag: int) -> bool:
    call = _find_rename()
    if call is None:
        return False
    sys.audit("btrackmate.exchange", str(one), str(other))
    if call(os.fsencode(one), os.fsencode(other), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _find_rename() -> Any:
    """Find the system call that takes a flag, None where there is none."""
    library = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return library.renamex_np  # type: ignore[union-attr]
    if hasattr(library, "renameat2"):
        here = -100  # AT_FDCWD
        return lambda a, b, f: library.renameat2(here, a, here, b, f)  # type: ignore[union-attr]
    return None
