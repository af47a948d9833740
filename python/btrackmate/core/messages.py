"""What one job logs, apart from the jobs of other threads of the process."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_logger = logging.getLogger("btrackmate")
_job: ContextVar[object] = ContextVar("job", default=None)
_levels = threading.Lock()
_heard = 0
_level = logging.NOTSET


class JobHandler(logging.Handler):
    """Base of handlers of the messages, from INFO, of the job that began them.

    What a thread logs that belongs to no job is everybody's.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is this job's, or nobody's."""
        return _job.get() in (None, self) and bool(super().filter(record))


@contextmanager
def hear_job(handler: JobHandler) -> Iterator[None]:
    """Let a handler hear what the block logs, and threads that :func:`as_this_job` sends off.

    The loggers let messages from INFO through as long as one such block goes on.
    """
    token = _job.set(handler)
    _raise_level()
    _logger.addHandler(handler)
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        _restore_level()
        _job.reset(token)


def as_this_job(work: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Make work that another thread can do as part of the job of this one."""
    job = _job.get()

    def do(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        token = _job.set(job)
        try:
            return work(*args, **kwargs)
        finally:
            _job.reset(token)

    return do


def _raise_level() -> None:
    global _heard, _level  # noqa: PLW0603
    with _levels:
        if not _heard:
            _level = _logger.level
            if not _logger.isEnabledFor(logging.INFO):
                _logger.setLevel(logging.INFO)
        _heard += 1


def _restore_level() -> None:
    global _heard  # noqa: PLW0603
    with _levels:
        _heard -= 1
        if not _heard:
            _logger.setLevel(_level)
