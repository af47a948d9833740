"""Locks: held by one process, left by dead ones, and by machines that can't be asked."""

import errno
import json
import os
import stat
import time
from pathlib import Path

import pytest
from faults import run_child

from btrackmate.core import locks
from btrackmate.core.errors import UserError
from btrackmate.core.locks import SECONDS_TO_DEATH, Lock
from btrackmate.core.owners import Owner
from btrackmate.core.staging import hold_folder


@pytest.fixture(params=["flock", "no flock"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock's file, on disks with and without the system's locks."""
    if request.param == "no flock":
        monkeypatch.setattr(locks, "fcntl", None)
    return tmp_path / "lock"


def hold_in_child(path: Path, release: bool = False) -> int:
    """Take the lock in a child that dies with or without giving it back; its exit code."""

    def work() -> None:
        lock = Lock(path, "out")
        try:
            lock.acquire()
        except UserError:
            raise SystemExit(3) from None
        if release:
            lock.release()

    return run_child(work, path.parent).code


def test_one_at_a_time(path: Path) -> None:
    lock = Lock(path, "the run folder out")
    lock.acquire()
    for attempt in (
        Lock(path, "the run folder out").acquire,
        Lock(path, "the run folder out").check,
    ):
        with pytest.raises(UserError) as caught:
            attempt()
        line = str(caught.value)
        assert line.startswith(f"the run folder out is in use by process {os.getpid()} on ")
        assert "\n" not in line
        assert "delete" not in line
    assert hold_in_child(path) == 3
    told = json.loads(path.read_text())
    assert {"pid", "host", "since"} <= set(told)
    lock.confirm()
    lock.release()
    assert not path.exists()
    assert hold_in_child(path, release=True) == 0
    assert not path.exists()


def test_left_by_a_dead_process(path: Path) -> None:
    assert hold_in_child(path) == 0
    assert path.exists()
    Lock(path, "out").check()
    lock = Lock(path, "out")
    lock.acquire()
    assert json.loads(path.read_text())["pid"] == os.getpid()
    lock.release()


def test_a_later_process_of_the_same_id_is_another_one(path: Path) -> None:
    """As after a reboot, or once the system gave the number again."""
    now = Owner.current()
    for left in (Owner(now.pid, now.ticks + 1, now.machine, now.boot),
                 Owner(now.pid, now.ticks, now.machine, "0000")):  # fmt: skip
        path.write_text(json.dumps({"host": "here", "since": "then", **left.to_dict()}))
        assert left.is_alive is False
        Lock(path, "out").check()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": "x"}', "\0" * 80])
def test_a_damaged_lock_is_left(path: Path, text: str) -> None:
    """A power cut leaves it empty or full of zeros; its maker may be about to write it, too."""
    path.write_text(text)
    os.utime(path, (time.time() - 60, time.time() - 60))
    lock = Lock(path, "out")
    lock.acquire()
    lock.release()


def test_another_machine(path: Path) -> None:
    """It shows that it is alive by touching the file."""
    now = Owner.current()
    other = Owner(now.pid, now.ticks, "abcdef", now.boot)
    assert other.is_alive is None
    path.write_text(json.dumps({"host": "far", "since": "then", **other.to_dict()}))
    with pytest.raises(UserError, match=f"process {now.pid} on far since then.*delete {path}"):
        Lock(path, "out").acquire()
    then = time.time() - SECONDS_TO_DEATH - 1
    os.utime(path, (then, then))
    lock = Lock(path, "out")
    lock.acquire()
    lock.release()
    assert list(path.parent.iterdir()) == []


def test_signs_of_life(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "SECONDS_BETWEEN_SIGNS", 0.01)
    lock = Lock(path, "out")
    lock.acquire()
    os.utime(path, (0, 0))
    end = time.monotonic() + 10
    while path.stat().st_mtime == 0 and time.monotonic() < end:
        time.sleep(0.01)
    assert path.stat().st_mtime > 0
    lock.release()


def test_a_lock_that_was_taken_over(path: Path) -> None:
    """By a machine that took this process for dead, e.g. while the laptop slept."""
    lock = Lock(path, "out")
    lock.acquire()
    mine = path.read_text()
    path.write_text(json.dumps(json.loads(mine) | {"machine": "abcdef", "host": "far"}))
    with pytest.raises(UserError, match="in use by process .* on far"):
        lock.confirm()
    lock.release()
    assert path.exists(), "it is not ours to take away"


def test_waiting(path: Path) -> None:
    with Lock(path, "out").hold(), pytest.raises(UserError), Lock(path, "out").hold(wait=0.1):
        pytest.fail("must not be entered")
    with Lock(path, "out").hold(wait=5):
        pass


def test_tokens() -> None:
    now = Owner.current()
    assert Owner.from_token(now.token) == now
    assert now.is_alive
    assert len(now.token) < 40
    for text in ("", "x", now.token + "-", "lock"):
        assert Owner.from_token(text) is None
    assert Owner.from_dict(now.to_dict()) == now


def test_no_room_for_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk a lock can be made and not be written: it goes again."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(OSError, match="No space left"):
            Lock(path, "out").acquire()
    assert not path.exists()


def test_a_lock_that_was_removed(path: Path) -> None:
    lock = Lock(path, "out")
    lock.acquire()
    path.unlink()
    with pytest.raises(UserError, match=r"^out: .* was removed while this process worked there"):
        lock.confirm()
    lock.release()


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_a_lock_of_a_moment_can_be_taken_over_by_other_users(tmp_path: Path) -> None:
    """Left by a killed process, it would keep a group out of its own folder."""
    before = os.umask(0o077)
    try:
        with hold_folder(tmp_path):
            (lock,) = tmp_path.iterdir()
            assert stat.S_IMODE(lock.stat().st_mode) == 0o666
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_only_another_user_can_remove_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".bt-lock").write_text("x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Lock, "acquire", refuse)
    with pytest.raises(UserError, match=r"\.bt-lock was left by another user's process"):
        with hold_folder(tmp_path):
            pass
    (tmp_path / ".bt-lock").unlink()
    with pytest.raises(PermissionError):
        with hold_folder(tmp_path):
            pass
