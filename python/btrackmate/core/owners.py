"""Which process a lock or an unfinished file belongs to, and whether it is still at work."""

import functools
import hashlib
import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

_TOKEN = re.compile(r"([0-9a-f]{6})-([0-9a-f]{4})-([0-9a-f]+)-([0-9a-f]+)")


@dataclass(frozen=True)
class Owner:
    """A process on a machine.

    Parameters
    ----------
    pid : int
    ticks : int
        When it began, in the system's ticks; 0 where the system does not tell.
    machine : str
        Six digits that stand for the machine's name and identity and, in a container, for that.
    boot : str
        Four digits that stand for the system's last start.
    """

    pid: int
    ticks: int
    machine: str
    boot: str

    @classmethod
    def current(cls) -> Self:
        """Give the process that runs this."""
        pid = os.getpid()
        return cls(pid, _read_ticks(pid) or 0, _name_machine(), _name_boot())

    @classmethod
    def from_token(cls, token: str) -> Self | None:
        """Read what `token` gives; None for any other text."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        return cls(int(found[3], 16), int(found[4], 16), found[1], found[2])

    @classmethod
    def from_dict(cls, values: Any) -> Self | None:
        """Read what `to_dict` gives; None for anything else."""
        try:
            found = cls(**{name: values[name] for name in cls.__dataclass_fields__})
        except (TypeError, KeyError):
            return None
        whole = isinstance(found.pid, int) and isinstance(found.ticks, int)
        return found if whole and isinstance(found.machine, str) else None

    @property
    def token(self) -> str:
        """A short text for names of files."""
        return f"{self.machine}-{self.boot}-{self.pid:x}-{self.ticks:x}"

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self)

    @property
    def is_alive(self) -> bool | None:
        """Whether the process is at work; None where another machine would have to tell."""
        if self.machine != _name_machine():
            return None
        if self.boot != _name_boot():
            return False
        ticks = _read_ticks(self.pid)
        return ticks is not None and (ticks == self.ticks or 0 in (ticks, self.ticks))


def _digits(text: str, count: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:count]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


@functools.cache
def _name_machine() -> str:
    """Tell machines apart, and containers, whose process ids count for themselves."""
    try:
        container = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        container = ""
    return _digits(f"{platform.node()} {_read('/etc/machine-id')} {container}", 6)


@functools.cache
def _name_boot() -> str:
    return _digits(_read("/proc/sys/kernel/random/boot_id"), 4)


def _read_ticks(pid: int) -> int | None:
    """Tell when a process began, 0 where that is not known; None if there is none (any more)."""
    if os.name == "nt":
        return 0 if _is_running_windows(pid) else None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (PermissionError, OverflowError):
        pass
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if len(fields) < 20:
        return 0
    return None if fields[0] in "ZX" else int(fields[19])  # a dead one whose parent has not seen it


def _is_running_windows(pid: int) -> bool:
    """Ask Windows, where signal 0 is Ctrl-C and would stop the process."""
    import ctypes

    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009  (not there elsewhere)
    handle = kernel.OpenProcess(0x00100000, 0, pid)  # SYNCHRONIZE
    if not handle:
        return False
    running = kernel.WaitForSingleObject(handle, 0) == 0x102  # WAIT_TIMEOUT
    kernel.CloseHandle(handle)
    return bool(running)
