"""Arrays of large movies, which lie in files without a name."""

import errno
import mmap
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from btrackmate.core import scratch
from btrackmate.core.scratch import (
    GrowingColumn,
    copy_array,
    cut_rows,
    fill_array,
    make_array,
    take_rows,
)


@pytest.fixture
def in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let every array lie in a file, of a folder of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(scratch.tempfile, "tempdir", None)
    monkeypatch.setattr(scratch, "find_limit", lambda: 1)
    return tmp_path


def lies_in_file(array: np.ndarray) -> bool:
    """Tell whether an array's values are those of a mapped file."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap)


def test_small_arrays_lie_in_memory() -> None:
    assert not lies_in_file(make_array(1000, np.float64))


def test_large_arrays_lie_in_a_file_without_a_name(in_files: Path) -> None:
    array = make_array((1000, 3), np.float64)
    assert lies_in_file(array)
    assert array.shape == (1000, 3)
    assert array.flags.writeable and array.flags.c_contiguous
    array[:] = np.arange(3000.0).reshape(1000, 3)
    assert array.sum() == 2999 * 3000 / 2
    assert not list(in_files.iterdir())


def test_no_values_need_no_file(in_files: Path) -> None:
    assert make_array((0, 3), np.float64).shape == (0, 3)


def test_arrays_are_filled_copied_and_taken_piece_by_piece(
    in_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "ROWS", 3)
    values = np.arange(8)
    assert list(cut_rows(8)) == [slice(0, 3), slice(3, 6), slice(6, 8)]
    assert_array_equal(fill_array(8, 5, np.int32), [5] * 8)
    copied = copy_array(values, np.float64)
    assert copied.dtype == np.float64
    assert_array_equal(copied, values)
    assert_array_equal(take_rows(values, np.array([7, 0, 0, 3, 2])), [7, 0, 0, 3, 2])


def test_a_column_grows_and_knows_what_was_put(in_files: Path) -> None:
    column = GrowingColumn()
    column.put(slice(0, 2), np.array([1.0, 2]))
    column.put(slice(2, 4), np.array([3.0, 4]))
    column.put(slice(5000, 5001), np.array([5.0]))
    assert column.filled == [slice(0, 4), slice(5000, 5001)]
    assert_array_equal(column.view(slice(1, 4)), [2, 3, 4])
    assert column.view(slice(5000, 5001)) == 5
    assert lies_in_file(column.view(slice(0, 1)))


def test_what_has_no_room_on_the_disk_stays_in_memory(
    in_files: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    for _ in range(2):
        array = make_array((10, 3), np.float64)
        assert array.shape == (10, 3)
        assert not lies_in_file(array)
    assert len(caplog.messages) == 1
    assert f"in {in_files} (No space left on device), and stay in memory" in caplog.text
    assert not list(in_files.iterdir())


@pytest.mark.parametrize(
    ("group", "file"),
    [
        ("0::/job/step", "job/memory.max"),
        ("0::/job", "memory.max"),
        ("4:cpu,memory:/job", "memory/job/memory.limit_in_bytes"),
    ],
)
def test_memory_is_what_the_group_of_processes_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, file: str
) -> None:
    (tmp_path / "groups").write_text(f"7:cpuset:/job\n{group}\n")
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("123456789\n")
    monkeypatch.setattr(scratch, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(scratch, "_ROOT", tmp_path)
    assert scratch._find_memory() == 123456789


def test_memory_without_a_limit_is_that_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "groups").write_text("0::/job\n")
    (tmp_path / "memory.max").write_text("max\n")
    monkeypatch.setattr(scratch, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(scratch, "_ROOT", tmp_path)
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert scratch._find_memory() == machine


def test_files_lie_where_the_user_says_and_else_on_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    assert scratch.find_folder() == "/var/tmp"
    monkeypatch.setenv("TMPDIR", "/tmp")
    monkeypatch.setattr(scratch.tempfile, "tempdir", None)
    assert scratch.find_folder() == "/tmp"
