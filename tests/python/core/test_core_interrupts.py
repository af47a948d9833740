"""Ctrl-C and SIGTERM wait where something must not be left half-done."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import run_child

from btrackmate.core.interrupts import hold_interrupts


@pytest.fixture(autouse=True)
def heed_ctrl_c() -> Iterator[None]:
    """A shell lets its background jobs ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_waits_for_the_end() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), hold_interrupts():
        with hold_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigterm_ends_the_process_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "done"

    def work() -> None:
        with hold_interrupts():
            os.kill(os.getpid(), signal.SIGTERM)
            file.touch()
        (tmp_path / "too far").touch()

    assert run_child(work, tmp_path).code == -signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["done"]


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    def work() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with hold_interrupts():
            os.kill(os.getpid(), signal.SIGINT)

    assert run_child(work, tmp_path).code == 0
