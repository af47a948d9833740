"""Progress and log lines on a terminal or in a file of plain lines."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from btrackmate.core.errors import escape_controls

_SECONDS_BETWEEN_LINES = 5.0


class ConsoleProgress:
    """Show progress as a bar on a terminal, else as a plain line every few seconds.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._step = ""
        self._last_line = 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """Report that `done` of `total` units of `step` are finished."""
        if self._quiet:
            return
        with contextlib.suppress(OSError):
            if self._terminal:
                self._draw(step, done, total)
            else:
                self._print(step, done, total)

    def write(self, line: str) -> None:
        """Write a line to stderr, above the bar if there is one."""
        line = escape_controls(line)
        with contextlib.suppress(OSError):  # Nobody reads it; the work goes on.
            if self._bar is not None:
                self._bar.write(line, file=sys.stderr)
            else:
                click.echo(line, err=True)

    def close(self) -> None:
        """Finish the bar that is shown."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, step: str, done: int, total: int) -> None:
        if self._bar is None or step != self._step:
            from tqdm import tqdm

            self.close()
            self._step = step
            self._bar = tqdm(total=total, desc=step, leave=True, file=sys.stderr)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()
            self._step = ""

    def _print(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        new = step != self._step
        if new or done >= total or now - self._last_line >= _SECONDS_BETWEEN_LINES:
            click.echo(f"{step}: {done}/{total}", err=True)
            self._last_line = now
        self._step = "" if done >= total else step


@contextlib.contextmanager
def console(*, quiet: bool = False) -> Iterator[ConsoleProgress]:
    """Show log messages and progress of one verb on stderr.

    Parameters
    ----------
    quiet : bool
        Show warnings only, and no progress.

    Yields
    ------
    ConsoleProgress
        Callback for the `progress` arguments.
    """
    progress = ConsoleProgress(quiet=quiet)
    handler = _EchoHandler(progress)
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    logger = logging.getLogger("btrackmate")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield progress
    finally:
        progress.close()
        logger.removeHandler(handler)
        logger.setLevel(level)


def print_paths(paths: Iterable[Path | None]) -> None:
    """Print the files and folders that a verb wrote, one a line; None stands for none."""
    shown = escape_controls if sys.stdout.isatty() else str
    for path in paths:
        if path is not None:
            click.echo(shown(str(path)))


class _EchoHandler(logging.Handler):
    """Write log records as plain lines that do not break a progress bar."""

    def __init__(self, progress: ConsoleProgress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        self._progress.write(prefix + record.getMessage())
