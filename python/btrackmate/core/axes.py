"""Axis names and the canonical array order T, C, Z, Y, X."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.words import option

CANONICAL = "TCZYX"
#: Of a voxel: the first lies at 0, or at half a voxel where its edge does; further off is another.
FROM_ZERO = 0.51


def validate_axes(axes: str, ndim: int, source: str = "image") -> str:
    """Check an axis string against an array's number of dimensions.

    Parameters
    ----------
    axes : str
        One letter of T, C, Z, Y, X for each array dimension, any case, e.g. ``"TZYX"``.
    ndim : int
        Number of array dimensions.
    source : str
        What the axes belong to, for the message.

    Returns
    -------
    str
        The axes in upper case.

    Raises
    ------
    UserError
        If letters repeat, are unknown, do not match `ndim`, or Y or X is missing.
    """
    upper = axes.upper()
    problem = ""
    if len(upper) != ndim:
        problem = f"has {len(upper)} letters for an array of {ndim} dimensions"
    elif len(set(upper)) != len(upper):
        problem = "names an axis twice"
    elif unknown := sorted(set(upper) - set(CANONICAL)):
        problem = f"has unknown axes {', '.join(unknown)}"
    elif not {"Y", "X"} <= set(upper):
        problem = "lacks Y or X"
    if problem:
        msg = f"{source}: axes {axes!r} {problem}; expected letters of {CANONICAL}, "
        msg += f"one a dimension, e.g. {option('axes', 'TZYX')}"
        raise UserError(msg)
    return upper


def to_canonical(array: NDArray[Any], axes: str) -> NDArray[Any]:
    """Reorder an array to (T, C, Z, Y, X), adding missing axes with length 1.

    Parameters
    ----------
    array : ndarray
        Image or labels with one dimension for each letter of `axes`.
    axes : str
        Axes of `array`, e.g. ``"ZYX"``.

    Returns
    -------
    (T, C, Z, Y, X) ndarray
        A view where possible.
    """
    axes = validate_axes(axes, array.ndim)
    order = [axes.index(letter) for letter in CANONICAL if letter in axes]
    result = np.transpose(array, order)
    for position, letter in enumerate(CANONICAL):
        if letter not in axes:
            result = np.expand_dims(result, position)
    return result
