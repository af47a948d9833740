"""Numbers as people write them: in plain decimals, which Python reads more than."""

import re

_PLAIN = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)
#: Spellings of what is no finite number, for whoever checks that to say so.
_WORDS = re.compile(r"\s*[-+]?(nan|inf|infinity)\s*", re.ASCII | re.IGNORECASE)


def read_decimal(text: str) -> float:
    """Read a number in plain decimals.

    Parameters
    ----------
    text : str
        E.g. ``3``, ``-0.5``, ``1e-3``; also ``nan`` and ``inf``.

    Raises
    ------
    ValueError
        If it is something else: Python's ``float`` takes ``1_0`` and digits of other scripts, too.
    """
    if not (_PLAIN.fullmatch(text) or _WORDS.fullmatch(text)):
        msg = f"{text!r} is no plain decimal number"
        raise ValueError(msg)
    return float(text)


def is_odd_number(text: str) -> bool:
    """Tell whether a text is a number to Python, but not one in plain decimals."""
    try:
        float(text)
    except ValueError:
        return False
    return not (_PLAIN.fullmatch(text) or _WORDS.fullmatch(text))
