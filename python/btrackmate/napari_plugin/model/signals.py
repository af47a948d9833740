"""Telling others that something has changed."""

from collections.abc import Callable
from typing import Any


class Signal:
    """A list of functions that are called one after the other.

    Examples
    --------
    >>> told = []
    >>> changed = Signal()
    >>> changed.connect(told.append)
    >>> changed.emit(3)
    >>> told
    [3]
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[..., Any]] = []

    def connect(self, listener: Callable[..., Any]) -> None:
        """Call a function at each change from now on."""
        self._listeners.append(listener)

    def disconnect(self, listener: Callable[..., Any]) -> None:
        """Call it no more; one that was not connected is no mistake."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def emit(self, *values: Any) -> None:
        """Tell all listeners."""
        for listener in tuple(self._listeners):
            listener(*values)
