"""What a run notes while it goes on: times, cost, warnings and its log."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from btrackmate.core.errors import escape_controls
from btrackmate.core.files import append_text
from btrackmate.core.messages import JobHandler, hear_job

_FORMAT = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")


class Cost:
    """Count the processor time that a run takes, from now on, and the cells that it does with it.

    Attributes
    ----------
    cells : int
        Cells of the frames that this run did; those of frames that were finished before do not
        count, as they cost nothing now.
    """

    def __init__(self) -> None:
        self.cells = 0
        self._start = time.process_time()
        self._worker_seconds = 0.0
        self._workers: str | None = None

    def add_workers(self, seconds: float, workers: str) -> None:
        """Add the processor time (s) of worker processes, and say which they were."""
        self._worker_seconds += seconds
        self._workers = workers

    def to_dict(self) -> dict[str, Any]:
        """Give workers, cells, processor time (s) and cells per core-hour until now."""
        seconds = time.process_time() - self._start + self._worker_seconds
        told: dict[str, Any] = {} if self._workers is None else {"workers": self._workers}
        told |= {"cells": self.cells, "core_seconds": round(seconds, 1)}
        rate = round(self.cells * 3600 / seconds) if seconds > 0 and self.cells else None
        return told | {"cells_per_core_hour": rate}


class RunDiary:
    """Collect the time of every step, all warnings, and the log of a run, not of another's.

    Parameters
    ----------
    output : Path
        The run folder.
    new : Path
        Hidden folder in which its files are made: they are named as if they lay in the run folder,
        where they will lie.

    Attributes
    ----------
    timing : list of dict
        step and seconds, in the order in which the steps began.
    warnings : list of str
        Warnings of the `btrackmate` loggers, each once.
    """

    def __init__(self, output: Path, new: Path) -> None:
        self.timing: list[dict[str, float | str]] = []
        self.warnings: list[str] = []
        self._handler = _DiaryHandler(self.warnings, output, new)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            self.timing.append({"step": name, "seconds": round(seconds, 3)})

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Collect all messages while the run goes on."""
        try:
            with hear_job(self._handler):
                yield
        finally:
            self._handler.write_to(None)

    def write_to(self, path: Path) -> None:
        """Append what was and will be logged to a file."""
        self._handler.write_to(path)

    @contextmanager
    def keep_warnings(self, path: Path) -> Iterator[None]:
        """Keep the warnings of the block in a file, and take those that stand there.

        For frames, which are not done again when a run goes on.
        """
        self._handler.keep_to(path)
        try:
            yield
        finally:
            self._handler.keep_to(None)


class _DiaryHandler(JobHandler):
    """Keep warnings, and lines until there is a file to write them to."""

    def __init__(self, warnings: list[str], output: Path, new: Path) -> None:
        super().__init__(logging.INFO)
        self._hidden = f"{new}{os.sep}", f"{output}{os.sep}"
        self.setFormatter(_FORMAT)
        self._warnings = warnings
        self._lines: list[str] = []
        self._path: Path | None = None
        self._kept: Path | None = None

    def emit(self, record: logging.LogRecord) -> None:
        message = escape_controls(record.getMessage().replace(*self._hidden))
        if record.levelno >= logging.WARNING and message not in self._warnings:
            self._warnings.append(message)
            if self._kept is not None:
                append_text(self._kept, f"{message}\n")
        self._lines.append(escape_controls(self.format(record).replace(*self._hidden)))
        self._flush_lines()

    def write_to(self, path: Path | None) -> None:
        """Write to a file from now on, and what was kept so far."""
        self._path = path
        self._flush_lines()

    def keep_to(self, path: Path | None) -> None:
        """Keep warnings in a file from now on, and take those that stand there."""
        self._kept = path
        if path is not None and path.is_file():
            told = path.read_text(encoding="utf-8", errors="replace").splitlines()
            self._warnings += [line for line in told if line not in self._warnings]

    def _flush_lines(self) -> None:
        if self._path is None:
            return
        append_text(self._path, "".join(line + "\n" for line in self._lines))
        self._lines.clear()
