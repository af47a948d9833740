"""The arguments of an edit, as a person's script gives them: checked, and as plain values."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from btrackmate.core.arrays import unwrap
from btrackmate.core.errors import UserError

#: Ids and frames are stored as 64 bits.
_HIGHEST = 2**63


def read_arguments(operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of an operation as plain values that a journal can hold.

    Parameters
    ----------
    operation : str
        For messages.
    arguments : mapping
        By name; numpy's numbers and arrays are fine. What is None was not given.

    Raises
    ------
    UserError
        If a spot, a frame or a label is no whole number, or a position or radius no number: a truth
        value or a text is none.
    """
    given: dict[str, Any] = {}
    for name, value in arguments.items():
        if value is not None:
            read: Callable[[Any, str], Any] = _READERS.get(name, _read_whole)
            given[name] = read(value, f"{operation}: {name}")
    return given


def _read_whole(value: Any, what: str) -> int:
    number = _read_number(value, what, "a whole number")
    if number != math.floor(number):
        msg = f"{what} is {value!r}, expected a whole number"
        raise UserError(msg)
    return int(number)


def _read_number(value: Any, what: str, expected: str = "a finite number") -> int | float:
    plain = unwrap(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not _fits(plain):
        msg = f"{what} is {value!r}, expected {expected}"
        raise UserError(msg)
    return plain


def _fits(number: float) -> bool:
    """Tell whether a number is finite and, if whole, one of 64 bits."""
    return abs(number) < _HIGHEST if isinstance(number, int) else math.isfinite(number)


def _read_position(value: Any, what: str) -> tuple[float, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        msg = f"{what} is {value!r}, expected x, y and, in 3D, z"
        raise UserError(msg)
    return tuple(float(_read_number(one, what, "finite numbers")) for one in value)


def _read_features(value: Any, what: str) -> dict[str, int | float | str]:
    """Give features as plain values; those that are NaN are missing, and left out."""
    if not hasattr(value, "items"):
        msg = f"{what} is {value!r}, expected values by the name of their column"
        raise UserError(msg)
    given: dict[str, int | float | str] = {}
    for name, one in value.items():
        plain = unwrap(one)
        if isinstance(plain, float) and math.isnan(plain):
            continue
        is_plain = isinstance(plain, str | bool)
        given[str(name)] = plain if is_plain else _read_number(plain, f"{what}: {name}")
    return given


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "position": _read_position,
    "radius": _read_number,
    "features": _read_features,
}
