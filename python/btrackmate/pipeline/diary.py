"""What a run notes while it goes on: times, warnings and its log."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RunDiary:
    """Collect the time of every step, all warnings, and the log of a run.

    Attributes
    ----------
    timing : list of dict
        step and seconds, in the order in which the steps began.
    warnings : list of str
        Warnings of the `btrackmate` loggers, each once.
    """

    def __init__(self) -> None:
        self.timing: list[dict[str, float | str]] = []
        self.warnings: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            self.timing.append({"step": name, "seconds": round(seconds, 3)})
            logging.getLogger(__name__).debug("%s: %.2f s", name, seconds)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Collect warnings while the run goes on."""
        handler = _Collector(self.warnings)
        logger = logging.getLogger("btrackmate")
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)


@contextmanager
def log_to_file(path: Path) -> Iterator[None]:
    """Append all log messages of BTrackMate to a file, with their time."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
    )
    logger = logging.getLogger("btrackmate")
    level = logger.level
    if not logger.isEnabledFor(logging.INFO):
        logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


class _Collector(logging.Handler):
    def __init__(self, warnings: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._warnings = warnings

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message not in self._warnings:
            self._warnings.append(message)
