"""Long work beside the window: it reports, can be cancelled, and never stops the window."""

import threading
from collections.abc import Callable
from typing import Any

from btrackmate.core.errors import Cancelled
from btrackmate.core.progress import Progress


class Job:
    """One piece of work in a thread of its own.

    Parameters
    ----------
    work : callable
        Takes a Progress and gives the result.

    Attributes
    ----------
    step, done, total
        What was reported last.
    """

    def __init__(self, work: Callable[[Progress], Any]) -> None:
        self.step, self.done, self.total = "", 0, 0
        self.result: Any = None
        self.error: BaseException | None = None
        self._work = work
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Job":
        """Begin."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Stop it at its next report."""
        self._cancelled.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; tell whether it has come."""
        self._thread.join(seconds)
        return not self.is_running

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended."""
        return self._thread.is_alive()

    @property
    def was_cancelled(self) -> bool:
        """Whether it ended because it was cancelled."""
        return isinstance(self.error, Cancelled)

    def _report(self, step: str, done: int, total: int) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self.step, self.done, self.total = step, done, total

    def _run(self) -> None:
        try:
            self.result = self._work(self._report)
            if self._cancelled.is_set():
                self.result, self.error = None, Cancelled()
        except Exception as error:  # noqa: BLE001 - told in the window, which decides
            self.error = error
