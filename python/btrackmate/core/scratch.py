"""Arrays with a value for each spot of a large movie, which may be larger than the memory.

Large ones lie in files that have no name any more: the system writes out what is not looked at and
reads it in again, so that memory need only hold what is worked on, frame after frame. Nothing is
left behind, however the process ends.
"""

import contextlib
import logging
import mmap
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from btrackmate.core.errors import describe_fault

_log = logging.getLogger(__name__)

#: Rows that are looked at together, so that what is made of them on the way takes little memory.
ROWS = 1 << 20
#: Arrays of this part of the memory, and at least of so many bytes, lie in files.
_PART, _SMALL = 1 / 64, 1 << 24
#: Where Linux tells how much memory the processes of a container or a job may take.
_GROUPS = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


def make_array(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Make an array without values, as `numpy.empty`; a large one lies in a file.

    Where the disk has no room for it, it lies in memory, and the log says so.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
    """
    kind = np.dtype(dtype)
    sides = (shape,) if isinstance(shape, int) else shape
    size = prod(sides) * kind.itemsize
    mapped = _map_file(size) if size >= find_limit() else None
    return np.empty(sides, kind) if mapped is None else np.frombuffer(mapped, kind).reshape(sides)


def fill_array(shape: int | tuple[int, ...], value: Any, dtype: DTypeLike) -> NDArray[Any]:
    """Make an array of one value, as `numpy.full`; see :func:`make_array`."""
    array = make_array(shape, dtype)
    array[...] = value
    return array


def copy_array(values: Any, dtype: DTypeLike) -> NDArray[Any]:
    """Copy an array, or whatever is indexed like one, piece by piece; see :func:`make_array`."""
    array = make_array(tuple(values.shape), dtype)
    for part in cut_rows(array.shape[0]):
        array[part] = values[part]
    return array


def take_rows(values: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Give ``values[rows]`` of long arrays; see :func:`make_array`."""
    taken = make_array(rows.shape, values.dtype)
    for part in cut_rows(rows.size):
        taken[part] = values[rows[part]]
    return taken


class GrowingColumn:
    """Numbers of a column whose length is not known before; see :func:`make_array`.

    Attributes
    ----------
    filled : list of slice
        Rows that were put, ascending; of the others nothing is known.
    """

    def __init__(self) -> None:
        self.filled: list[slice] = []
        self._values: NDArray[np.float64] = make_array(1024, np.float64)

    def put(self, rows: slice, values: NDArray[np.float64]) -> None:
        """Put the values of rows that come after all before."""
        if rows.stop > self._values.size:
            longer = make_array(max(rows.stop, 2 * self._values.size), np.float64)
            for part in cut_rows(self._values.size):
                longer[part] = self._values[part]
            self._values = longer
        self._values[rows] = values
        if self.filled and self.filled[-1].stop == rows.start:
            rows = slice(self.filled.pop().start, rows.stop)
        self.filled.append(rows)

    def view(self, rows: slice) -> NDArray[np.float64]:
        """Give the values of rows that were put."""
        return self._values[rows]


def cut_rows(n: int, most: int | None = None) -> Iterator[slice]:
    """Cut n rows into parts of at most `most` rows, by default :data:`ROWS`."""
    step = most or ROWS
    for begin in range(0, n, step):
        yield slice(begin, min(begin + step, n))


@cache
def find_limit() -> int:
    """Give the number of bytes from which on arrays lie in files."""
    return max(int(_find_memory() * _PART), _SMALL)


def _find_memory() -> int:
    """Give the bytes of memory that this process may take at most."""
    found = list(_list_limits())
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=1 << 40)


def _list_limits() -> Iterator[int]:
    """Give the limits of the groups of processes that this one belongs to, on Linux."""
    lines = _GROUPS.read_text().splitlines() if _GROUPS.is_file() else []
    for _, kinds, group in (line.split(":", 2) for line in lines):
        if kinds and "memory" not in kinds.split(","):
            continue
        top, name = (_ROOT / "memory", "memory.limit_in_bytes") if kinds else (_ROOT, "memory.max")
        place = top / group.lstrip("/")
        for folder in (place, *place.parents):
            with contextlib.suppress(OSError, ValueError):
                yield int((folder / name).read_text())


def _map_file(size: int) -> mmap.mmap | None:
    folder = find_folder()
    try:
        with tempfile.TemporaryFile(dir=folder, prefix="btrackmate-") as file:
            if hasattr(os, "posix_fallocate"):  # else a full disk would end the process later
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        _tell_full(folder, describe_fault(error))
        return None


@cache
def _tell_full(folder: str, fault: str) -> None:
    """Say once that a folder takes no files."""
    _log.warning(
        "large tables would lie in files in %s (%s), and stay in memory: set TMPDIR to a folder "
        "on a disk with room", folder, fault,
    )  # fmt: skip


def find_folder() -> str:
    """Give the folder for files without a name: TMPDIR, or one that lies on a disk."""
    given = any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    lasting = "/var/tmp"  # noqa: S108 - what lies in /tmp is often kept in memory
    if not given and os.path.isdir(lasting) and os.access(lasting, os.W_OK):  # noqa: PTH112
        return lasting
    return tempfile.gettempdir()
