"""Stop or fail a piece of work at its n-th call that changes a file system.

The work runs in a forked child, which ends by SIGKILL at that call, or gets "No space left on
device" from it. Calls are seen through Python's audit events; those of the package's own system
calls (fsync, exchange-rename) are events of their own.
"""

import contextlib
import errno
import gc
import itertools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = frozenset(
    (
        "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink",
        "os.truncate", "btrackmate.exchange", "btrackmate.sync",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, −9 for SIGKILL, and how many calls it made."""

    code: int
    calls: int

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


def changes_files(event: str, arguments: tuple[Any, ...], folder: str) -> bool:
    """Tell whether an audit event is a call that changes a file below `folder`."""
    if event == "open":
        path, _, flags = arguments
        return (
            isinstance(path, str | bytes | os.PathLike)
            and bool(isinstance(flags, int) and flags & _WRITING)
            and str(Path(os.fsdecode(path)).absolute()).startswith(folder)
        )
    if event not in _CHANGING:
        return False
    if any(isinstance(one, int) and one > 2 for one in arguments):
        return True  # an opened file, or relative to an opened folder as in shutil.rmtree
    return str(Path(os.fsdecode(arguments[0])).absolute()).startswith(folder)


def run_child(
    work: Callable[[], object],
    folder: Path,
    *,
    at: int = 0,
    fail: bool = False,
    strike: Callable[[], object] | None = None,
    watch: Callable[[int], object] | None = None,
) -> Ended:
    """Run work in a child that is stopped at its `at`-th call (from 1; 0: never).

    Parameters
    ----------
    work : callable
        Its exception, but SystemExit, is exit code 70.
    folder : Path
        Calls elsewhere are not counted.
    at : int
    fail : bool
        Let the call fail instead, as on a full disk.
    strike : callable, optional
        What somebody else does before the call, instead.
    watch : callable, optional
        What is done before every call, with its number; other threads wait meanwhile.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        struck = strike or (_fail if fail else _kill)
        _be_child(work, str(folder), watch or (lambda n: struck() if n == at else None), writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        counted = stream.read()
    status = os.waitpid(pid, 0)[1]
    return Ended(os.waitstatus_to_exitcode(status), len(counted))


def run_forked(
    work: Callable[[], object], *, before: Callable[[], object] = lambda: None
) -> tuple[int, str]:
    """Run a command in a forked child, which has all imported already; give its code and stderr.

    Parameters
    ----------
    work : callable
        Its exception, but SystemExit, is exit code 70.
    before : callable
        What is done in the child at first: limits, signals, patches.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 2)
        sys.stderr = os.fdopen(2, "w", errors="backslashreplace", buffering=1)
        before()
        os._exit(_work(work))
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read().decode(errors="replace")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), told


def _work(work: Callable[[], object]) -> int:
    """Do a child's work; give its exit code."""
    gc.freeze()  # TensorFlow, if a test before has loaded it, aborts when a child collects it
    try:
        work()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _fail() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _be_child(
    work: Callable[[], object], folder: str, act: Callable[[int], object], writing: int
) -> None:
    on, acting = True, False
    counter = itertools.count(1)
    lock = threading.RLock()  # Zarr writes in threads: each call has a number of its own.

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal acting
        if not on or not changes_files(event, arguments, folder):
            return
        with lock:
            if acting:
                return  # What is done before a call.
            os.write(writing, b".")
            acting = True
            try:
                act(next(counter))
            finally:
                acting = False

    sys.addaudithook(watch)
    code = _work(work)
    on = False
    os._exit(code)


@contextlib.contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """Work in another folder for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def read_tree(folder: Path, *, hidden: bool = True) -> dict[str, bytes | None]:
    """Give the content of all files below a folder, None for folders; links are followed."""
    found: dict[str, bytes | None] = {}
    for place, folders, files in os.walk(folder, followlinks=True):
        at = Path(place).relative_to(folder)
        for name in folders:
            found[(at / name).as_posix()] = None
        for name in files:
            path = Path(place, name)
            if path.exists():
                found[(at / name).as_posix()] = path.read_bytes()
    if not hidden:
        found = {
            name: content
            for name, content in found.items()
            if not any(part.startswith((".bt-", ".work")) for part in Path(name).parts)
        }
    return found
