"""Ctrl-C and SIGTERM that wait until a block has ended."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block has ended.

    For what takes a moment and must not be left half-done: putting files in place, clearing up.
    Outside the main thread, which alone receives signals, and for a signal that something other
    than Python handles, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, Any]] = []

    def note(number: int, frame: Any) -> None:
        came.append((number, frame))

    handled = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = {number: old for number, old in handled.items() if old is not None}
    for number in handled:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, old in handled.items():
            signal.signal(number, old)
        if came:
            first, frame = came[0]
            handler = handled[signal.Signals(first)]
            if callable(handler):
                handler(first, frame)
            elif handler is signal.SIG_DFL:
                os.kill(os.getpid(), first)


@contextlib.contextmanager
def shield_children() -> Iterator[None]:
    """Keep Ctrl-C from the processes that the block starts, and from threads that start more.

    A terminal sends it to all of them; the one that started them ends them as it sees fit. Here it
    waits until the block has ended. Where the system has no signal masks, nothing changes.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # It would let Ctrl-C through again when it starts.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
