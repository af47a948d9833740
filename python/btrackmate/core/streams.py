"""The process that a verb runs in: its standard streams, and the signal that asks it to end."""

import os
import signal
import sys
import threading
from typing import Any


def open_standard_streams() -> None:
    """Open what is closed of stdin, stdout and stderr.

    Else the next file that is opened for writing is number 1 or 2, and what a library prints goes
    into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # Takes the lowest number that is free.
        if getattr(sys, name) is None:
            stream = open(os.devnull, "r" if number == 0 else "w", encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, stream)


def discard_output() -> None:
    """Let what was printed and cannot be written out go nowhere, so that the end is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def stop_at_sigterm() -> None:
    """Let SIGTERM end the work as Ctrl-C does, where nothing else handles it."""
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _stop)


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt
