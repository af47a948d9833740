"""Locks: one process at a time works in a folder, on this machine and on shared disks."""

import contextlib
import importlib
import json
import logging
import os
import platform
import secrets
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from btrackmate.core.errors import UserError
from btrackmate.core.owners import Owner

fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None

_log = logging.getLogger(__name__)

#: A holder on another machine shows that it is alive by the time of change of its lock.
SECONDS_BETWEEN_SIGNS = 20.0
#: After so long without a sign, a holder on another machine counts as dead.
SECONDS_TO_DEATH = 300.0
_SECONDS_BETWEEN_TRIES = 0.02


class Lock:
    """A file that says which process works here.

    Parameters
    ----------
    path : Path
        The lock's file; the folder must be there. It holds, as JSON, process id, host and since
        when, for people, and what tells a process from a later one of the same id.
    what : str
        What is locked, for messages.
    shared : bool
        Other users may take over what a dead process left, whatever the umask.

    Notes
    -----
    The file is locked by the system (flock) too, which ends with the process, however it ends: so
    a lock that was left by a dead process is taken over at once. On file systems without such
    locks the process id and its start decide. A process on another machine, on a shared disk,
    counts as alive while it goes on touching the file, every 20 s, and as dead 5 min after the last
    time, by the clock of the disk's server.
    """

    def __init__(self, path: Path, what: str, *, shared: bool = False) -> None:
        self.path = path
        self._shared = shared
        self._what = what
        self._file: int | None = None
        self._text = b""
        self._before: Owner | None = None
        self._ended = threading.Event()

    def acquire(self, *, wait: float = 0, long: bool = True) -> None:
        """Take the lock.

        Parameters
        ----------
        wait : float
            Seconds to wait for another process that holds it.
        long : bool
            Give signs of life from now on, in a thread.

        Raises
        ------
        UserError
            If another process holds it; one line that names the process, its host and since when.
        """
        end = time.monotonic() + wait
        while not self._try():
            if time.monotonic() >= end:
                raise UserError(self._refusal())
            time.sleep(_SECONDS_BETWEEN_TRIES)
        if long:
            thread = threading.Thread(target=self._give_signs, daemon=True, name="btrackmate-lock")
            thread.start()

    def release(self) -> None:
        """Give the lock back, and take its file away."""
        self._ended.set()
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if self.is_ours:
                self.path.unlink()
        os.close(self._file)
        self._file = None

    @property
    def is_ours(self) -> bool:
        """Whether this still holds the lock: nobody took the process for dead."""
        if self._file is None:
            return False
        try:
            same = os.path.samestat(os.fstat(self._file), self.path.stat())
            return same and self.path.read_bytes() == self._text
        except OSError:
            return False

    @property
    def text(self) -> bytes:
        """What the lock's file holds while this holds it; no other lock ever holds the same."""
        return self._text

    @property
    def before(self) -> Owner | None:
        """The process that this lock was taken over from, as it had ended; None where none had."""
        return self._before

    def confirm(self) -> None:
        """Check, before something is put in place, that this still holds the lock.

        Raises
        ------
        UserError
            If another process took it over, or somebody removed its file.
        """
        if not os.path.lexists(self.path):
            msg = f"{self._what}: {self.path} was removed while this process worked there, and "
            msg += "perhaps more; nothing was put in place: start again"
            raise UserError(msg)
        if not self.is_ours:
            raise UserError(self._refusal())

    @contextlib.contextmanager
    def hold(self, *, wait: float = 0) -> Iterator[None]:
        """Hold the lock for a moment."""
        self.acquire(wait=wait, long=False)
        try:
            yield
        finally:
            self.release()

    def check(self) -> None:
        """Refuse at once where another process holds the lock; takes and makes nothing.

        Raises
        ------
        UserError
            As `acquire`.
        """
        if not self.path.is_file():
            return
        probe = Lock(self.path, self._what)
        if not probe._try(make=False):
            raise UserError(self._refusal())
        probe.release()

    def _try(self, *, make: bool = True) -> bool:
        """Try once; what a dead process left is taken over."""
        for _ in range(3):
            file, made = self._open(make=make)
            if file is None:
                return not make  # There is none.
            try:
                taken = self._take(file, made=made)
            except BaseException:
                if made:  # The disk is full: its name is not there, and nobody's.
                    with contextlib.suppress(OSError):
                        self.path.unlink()
                os.close(file)
                raise
            if taken:
                self._file = file
                self._ended.clear()
                return True
            os.close(file)
            if taken is False:
                return False
        return False

    def _open(self, *, make: bool) -> tuple[int | None, bool]:
        """Open the lock's file, and tell whether it was made; None where it is not to be made."""
        flags = os.O_RDWR | getattr(os, "O_BINARY", 0)
        if make:
            with contextlib.suppress(FileExistsError):
                file = os.open(self.path, flags | os.O_CREAT | os.O_EXCL, 0o666)
                if self._shared:
                    with contextlib.suppress(OSError):
                        self.path.chmod(0o666)
                return file, True
        try:
            return os.open(self.path, flags), False
        except FileNotFoundError:
            return None, False

    def _take(self, file: int, *, made: bool) -> bool | None:
        """Write our name into an opened file; False if another holds it, None to try again."""
        locked = _flock(file)
        if locked is False:
            return False
        try:
            if not os.path.samestat(os.fstat(file), self.path.stat()):
                return None  # Its holder took it away just now.
        except FileNotFoundError:
            return None
        if not made:
            if not self._is_left(file, locked=locked):
                return False
            if locked is None:  # Only one of several can make it again.
                with contextlib.suppress(OSError):
                    self.path.unlink()
                return None
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        told = {"host": platform.node(), "since": now, "key": secrets.token_hex(8)}
        told |= Owner.current().to_dict()
        self._text = json.dumps(told).encode()
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, self._text)
        return True

    def _is_left(self, file: int, *, locked: bool | None) -> bool:
        """Tell whether an opened lock was left by a process that is dead."""
        owner = Owner.from_dict(_parse(os.read(file, 1 << 16)))
        if owner is None:
            # Its maker was killed before it wrote its name, or writes it just now.
            return locked is True or _tell_age(self.path) > SECONDS_BETWEEN_SIGNS
        self._before = owner
        alive = owner.is_alive
        if alive is None:
            return _tell_age(self.path) > SECONDS_TO_DEATH
        return locked is True or not alive  # A living one of this machine would hold flock, too.

    def _give_signs(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_SIGNS):
            file = self._file
            if file is None or not self.is_ours:
                return
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def _refusal(self) -> str:
        """Say who holds the lock."""
        try:
            told = _parse(self.path.read_bytes())
        except OSError:
            told = {}
        host, pid = told.get("host", "?"), told.get("pid", "?")
        msg = f"{self._what} is in use by process {pid} on {host} since {told.get('since', '?')}: "
        msg += "wait until that has ended, or stop it"
        owner = Owner.from_dict(told)
        if owner is not None and owner.is_alive is None:
            msg += f"; if it is not there any more, delete {self.path}"
        return msg


@contextlib.contextmanager
def hold_contents(path: Path, what: str) -> Iterator[None]:
    """Hold a file by whatever of its names (hard links), where the system has such locks.

    Parameters
    ----------
    path : Path
        A folder, or what is not there, is not held.
    what : str
        What is locked, for messages.

    Raises
    ------
    UserError
        If another process, or this one, holds it.
    """
    if fcntl is None or not path.is_file():
        yield
        return
    file = os.open(path, os.O_RDONLY)
    try:
        if _flock(file) is False:
            msg = f"{what} is in use under another name (a hard link): wait until that has ended, "
            msg += "or take a copy of the file"
            raise UserError(msg)
        yield
    finally:
        os.close(file)


def _parse(text: bytes) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _flock(file: int) -> bool | None:
    """Take the system's lock of an opened file; None where there are no such locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def read_disk_clock(folder: Path) -> float:
    """Give the time (s) by the clock of the file system that a folder lies on.

    The machines that share it need not agree with it, nor with each other.
    """
    probe = folder / f".bt-{Owner.current().token}-probe"
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:
        now = time.time()
    return now


def _tell_age(path: Path) -> float:
    """Seconds since a file was touched."""
    return read_disk_clock(path.parent) - path.stat().st_mtime
