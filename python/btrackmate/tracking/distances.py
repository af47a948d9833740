"""Distances in the settings of trackers: a number, or to be taken from the data."""

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

#: Stands for a distance that the data tell; see :mod:`btrackmate.tracking.auto`.
AUTO: Literal["auto"] = "auto"


def _check(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() == AUTO:
        return AUTO
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        msg = "expected auto or a finite number above 0"
        raise ValueError(msg)
    return number


Distance = Annotated[float | Literal["auto"], BeforeValidator(_check)]


def known_distance(value: Distance) -> float:
    """Give a distance that is known.

    Raises
    ------
    ValueError
        If it is ``"auto"``: `btrackmate.tracking.auto.fill_distances` was not called.
    """
    if isinstance(value, str):
        msg = f"a distance is {value!r}: call fill_distances before linking"
        raise ValueError(msg)
    return value
