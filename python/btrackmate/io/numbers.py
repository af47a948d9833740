"""Many numbers from text and to text, exactly and fast."""

import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json, to_json

#: Numbers that a process reads and writes before it loads the compiler, which takes as long.
BUDGET = 1_000_000

_spent = 0
_JAVA_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
#: From here on float64 does not hold every whole number.
MAX_EXACT = 2.0**53
_PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.0|\.\d*[1-9])?([eE][+-]?\d+)?|NaN|-?Infinity")
_NUMBER_BYTES = b"0123456789+-.eE,"


def are_few(count: int, ahead: int | None = None) -> bool:
    """Tell whether so many numbers more are too few to load the compiler for them.

    Parameters
    ----------
    count : int
        Numbers that are read or written now.
    ahead : int, optional
        These and those that come after them.
    """
    global _spent  # noqa: PLW0603
    if "btrackmate.io.decimals" in sys.modules:
        return False
    before, _spent = _spent, _spent + count
    return before + (count if ahead is None else ahead) <= BUDGET


def parse_numbers(texts: Sequence[bytes]) -> NDArray[Any]:
    """Convert many numbers, or give them as object array of str if one is no number.

    The JSON parser, which rounds as exactly as float(), is three times as fast; what JSON does
    not know (NaN, 007) goes to float(). A decimal comma, or 1_000, is no number.
    """
    joined = b",".join(texts)
    if not joined.translate(None, _NUMBER_BYTES):
        try:
            numbers = np.array(from_json(b"[" + joined + b"]"), np.float64)
        except (ValueError, OverflowError):
            numbers = np.empty(0)
        if numbers.size == len(texts):  # "10,5" would count as two
            return numbers
    try:
        if b"_" not in joined:
            return np.array(list(map(float, texts)), np.float64)
    except ValueError:
        pass
    return np.array([text.decode("utf-8") for text in texts], object)


def find_text(texts: Sequence[str | None]) -> int:
    """Give the place of the first text that is no number, −1 where all are; None is passed over."""
    for place, text in enumerate(texts):
        if text is not None and parse_numbers([text.encode()]).dtype == object:
            return place
    return -1


def is_plain_number(text: str) -> bool:
    """Tell whether a number is spelled as programs print it: 1.5 and 10, not 007, 1.10 or +3."""
    return _PLAIN.fullmatch(text) is not None


def format_number(value: float) -> str:
    """Write a number as Java reads it: shortest exact decimal, ``NaN``, ``Infinity``."""
    text = repr(value)
    return _JAVA_NAMES.get(text, text)


def as_whole(values: NDArray[Any]) -> NDArray[np.int64] | None:
    """Give numbers as int64 where all of them are whole and fit, else None."""
    if values.dtype.kind == "u":
        fits = values.size == 0 or int(values.max()) < 2**63
    else:
        fits = values.dtype.kind == "i" or bool(_find_whole(values).all())
    return values.astype(np.int64, copy=False) if fits else None


def _find_whole(values: NDArray[Any]) -> NDArray[np.bool_]:
    whole: NDArray[np.bool_] = np.isfinite(values) & (np.abs(values) <= MAX_EXACT)
    whole &= np.rint(values) == values
    return whole


def format_numbers(values: NDArray[Any], *, is_int: bool = False) -> list[str]:
    """Write numbers as Java reads them, whole ones without a decimal point if `is_int`."""
    if values.size == 0:
        return []
    if is_int:
        if values.dtype.kind in "iu":
            return list(map(str, values.tolist()))
        whole = _find_whole(values)
        if whole.all():
            return list(map(str, values.astype(np.int64).tolist()))
        texts = format_numbers(values)
        return [
            str(int(v)) if w else t
            for v, w, t in zip(values.tolist(), whole.tolist(), texts, strict=True)
        ]
    # The JSON writer gives the shortest exact decimal, as repr() does, three times as fast.
    numbers = values.astype(np.float64, copy=False).tolist()
    return to_json(numbers, inf_nan_mode="constants").decode()[1:-1].split(",")
