"""Loops that are compiled once they have enough to do.

Loading numba and its compiled code takes about a second, as long as a plain Python loop over some
hundred spots. Functions decorated with :func:`loop` therefore run as they stand until, in all, they
were given more than `BUDGET` numbers; then all of them are compiled, and stay so.
"""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

#: Numbers in the arguments of loops that a process runs before it loads the compiler.
BUDGET = 20_000

_lock = threading.Lock()
_waiting: list["Loop"] = []
_here = threading.local()
_spent = 0
_compiled = False


class Loop:
    """A function over numbers and arrays that numba can compile.

    Parameters
    ----------
    function : callable
        May call other loops of its module, by their names.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.compiled: Any = None
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def __call__(self, *arguments: Any) -> Any:
        """Run compiled, or as it stands while there is little to do."""
        if self.compiled is None and getattr(_here, "inside", False):
            return self.function(*arguments)
        if self.compiled is None and _may_run_plain(arguments):
            _here.inside = True
            try:
                with np.errstate(all="ignore"):  # as when it is compiled
                    return self.function(*arguments)
            finally:
                _here.inside = False
        compile_loops()
        return self.compiled(*arguments)


def loop(function: Callable[..., Any]) -> Loop:
    """Make a function a loop.

    A plain run and a compiled one give the same values: such a function uses no integer overflow,
    no division by zero and no negative index, all of which Python and numba treat differently.
    """
    made = Loop(function)
    _waiting.append(made)
    return made


def compile_loops() -> None:
    """Compile all loops from now on; what is in numba's cache is loaded when it is called.

    Loops of modules that are imported later are compiled at their first call: while its module is
    read, the name of a loop is not bound yet.
    """
    global _compiled  # noqa: PLW0603
    with _lock:
        _compiled = True
        while _waiting:
            _compile(_waiting[0])
            del _waiting[0]


def _compile(one: Loop) -> None:
    """Put the compiled function where other compiled functions of its module look for it."""
    from btrackmate.core.compiled import njit

    one.compiled = njit(cache=True, nogil=True)(one.function)
    one.function.__globals__[one.__name__] = one.compiled


def _may_run_plain(arguments: tuple[Any, ...]) -> bool:
    """Take a call's size from the budget; tell whether it was enough."""
    global _spent  # noqa: PLW0603
    if _compiled:
        return False
    _spent += _count_numbers(arguments)
    return _spent <= BUDGET


def _count_numbers(values: tuple[Any, ...]) -> int:
    return sum(
        value.size
        if isinstance(value, np.ndarray)
        else _count_numbers(value)
        if isinstance(value, tuple)
        else 1
        for value in values
    )
