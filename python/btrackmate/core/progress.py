"""The one way long loops report progress and are cancelled."""

from typing import Protocol


class Progress(Protocol):
    """Callback that long loops call after each unit of work.

    An implementation may raise :class:`btrackmate.core.errors.Cancelled` to stop the loop.
    """

    def __call__(self, step: str, done: int, total: int) -> None:
        """Report that `done` of `total` units of `step` are finished."""


def ignore_progress(step: str, done: int, total: int) -> None:
    """Report nothing (the default of every `progress` argument)."""
