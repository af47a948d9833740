"""Java work that is waited for so that it can be stopped."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from btrackmate.core.errors import Cancelled
from btrackmate.core.progress import Progress
from btrackmate.fiji_bridge.console import JavaConsole
from btrackmate.fiji_bridge.jvm import java_class, leave_behind

_SECONDS_BETWEEN_LOOKS = 0.1
#: How long a job that was told to stop may take before it is left behind.
_SECONDS_TO_STOP = 10.0

STOPPED = "stopped by the user"

T = TypeVar("T")


class _TerminatedError(BaseException):
    """The process was asked to end (SIGTERM)."""


@contextlib.contextmanager
def _heed_sigterm() -> Iterator[None]:
    """Raise an exception at SIGTERM, which else ends the process at once, with Java at work.

    Where somebody handles the signal already, or outside the main thread, nothing is changed.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(*_: Any) -> None:
        raise _TerminatedError

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Job:
    """Work in a thread of its own, with its result or exception."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self.result: Any = None
        self.error: BaseException | None = None
        # Not Thread.join: interrupted, Python 3.11 takes the thread for dead.
        self.ended = threading.Event()
        # A daemon, so that a job that cannot be stopped does not keep Python from ending.
        self.thread = threading.Thread(target=self._run, name="BTrackMate-Java", daemon=True)

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001  (raised again in the thread that waits)
            self.error = error
        finally:
            self.ended.set()


class Interrupter:
    """Stops Java work that knows no better way, by interrupting its thread."""

    def __init__(self) -> None:
        self._thread: Any = None

    def watch(self) -> None:
        """Take the calling thread as the one to interrupt."""
        self._thread = java_class("java.lang.Thread").currentThread()

    def stop(self, reason: str) -> None:
        """Interrupt the thread."""
        del reason
        if self._thread is not None:
            self._thread.interrupt()


def wait_for(
    work: Callable[[], T],
    stop: Callable[[str], None],
    console: JavaConsole,
    progress: Progress,
    step: str,
) -> T:
    """Do Java work in a thread; log what Java prints, and stop it on Ctrl-C or by `progress`.

    At SIGTERM the work is stopped as well, and then the process ends by that signal.

    Parameters
    ----------
    work : callable
        What is done; it calls Java.
    stop : callable
        Tells Java to stop, with a reason.
    console : JavaConsole
    progress : Progress
        Called several times a second; may raise Cancelled.
    step : str
        What `progress` is told.

    Returns
    -------
    What `work` returns.

    Raises
    ------
    Cancelled
        If the user stopped it; Java was told so.
    """
    job = _Job(work)
    progress(step, 0, 1)
    try:
        with _heed_sigterm():
            job.thread.start()
            while not job.ended.wait(_SECONDS_BETWEEN_LOOKS):
                console.drain()
                progress(step, 0, 1)
    except _TerminatedError:
        stop("the process is ended")
        job.ended.wait(_SECONDS_TO_STOP)
        console.drain()
        logging.shutdown()
        os.kill(os.getpid(), signal.SIGTERM)
    except (KeyboardInterrupt, Cancelled):
        stop(STOPPED)
        if not job.ended.wait(_SECONDS_TO_STOP):
            leave_behind(job.ended)
        console.drain()
        raise Cancelled(STOPPED) from None
    if job.error is not None:
        raise job.error
    progress(step, 1, 1)
    return job.result  # type: ignore[no-any-return]
