"""A user's own features of cells."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.schema import find_column
from btrackmate.measurement.runs import find_runs

#: What measures a cell: its region (boolean, cut to its box), and, with two arguments, the
#: intensities there, ([Z,] Y, X), or (C, [Z,] Y, X) of several channels; gives one number.
Extra = Mapping[str, Callable[..., float]]


def measure_extra(
    labels: NDArray[Any],
    channels: NDArray[Any] | None,
    spots: pd.DataFrame,
    extra: Extra,
    where: str,
) -> pd.DataFrame:
    """Measure a user's own features of the cells of one frame.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int
    channels : (C, [Z,] Y, X) ndarray or None
    spots : DataFrame
        Cells of this frame, with their label.
    extra : mapping from str to callable
        Functions by the feature's name: ``function(region)`` or ``function(region, intensity)``,
        as in scikit-image's ``extra_properties``, where ``region`` is ([Z,] Y, X) bool, the cell in
        its bounding box, and ``intensity`` its pixels there, of the same shape; of several
        channels (C, [Z,] Y, X).
    where : str
        Which frame it is, for messages.

    Returns
    -------
    DataFrame
        `spots` with a column a feature.

    Raises
    ------
    UserError
        If a name is one of ours, a function wants an image that is not there, fails, or gives no
        number.
    """
    _check_extra(extra)
    for name in extra:
        if find_column(name) is not None or name in ("id", "frame", "time"):
            msg = f"extra feature {name!r} has the name of a column that is measured already; "
            msg += "choose another"
            raise UserError(msg)
    cells = find_runs(labels, f"labels, {where}")
    place = {int(label): row for row, label in enumerate(cells.labels)}
    boxes = []
    for label in spots["label"].tolist():
        row = place[int(label)]
        first, last = cells.box.first[row], cells.box.last[row]
        box = tuple(slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
        boxes.append((int(label), box[3 - labels.ndim :]))
    columns = {}
    for name, function in extra.items():
        wants_image = _count_arguments(function) > 1
        if wants_image and channels is None:
            msg = f"extra feature {name!r} wants intensities, but there is no image; give image="
            raise UserError(msg)
        values = []
        for label, box in boxes:
            region = labels[box] == label
            given = [region]
            if wants_image and channels is not None:
                pixels = channels[(slice(None), *box)]
                given.append(pixels[0] if len(pixels) == 1 else pixels)
            value = _call(function, given, name, f"label {label} in {where}")
            values.append(_as_number(value, name, label, where))
        columns[name] = np.array(values, np.float64)
    return spots.assign(**columns)


def _check_extra(extra: Any) -> None:
    """Refuse what is no functions by name."""
    if not isinstance(extra, Mapping):
        msg = f"extra is {extra!r}, expected functions by the feature's name, {{name: function}}"
        raise UserError(msg)
    for name, function in extra.items():
        if not (isinstance(name, str) and callable(function)):
            msg = f"extra feature {name!r} is {function!r}, expected a function by its name, which "
            msg += "is text"
            raise UserError(msg)


def _call(function: Callable[..., float], given: list[Any], name: str, where: str) -> Any:
    """Call a user's function; what it raises comes with the cell, and stays the error's cause."""
    try:
        return function(*given)
    except Exception as error:
        msg = f"extra feature {name!r} of {where}: its function failed with "
        msg += f"{type(error).__name__}: {describe_error(error)}"
        raise UserError(msg) from error


def _count_arguments(function: Callable[..., float]) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # e.g. some of numpy's own
        return 1
    return sum(one.default is one.empty and one.kind in _POSITIONAL for one in parameters)


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _as_number(value: Any, name: str, label: int, where: str) -> float:
    if np.ndim(value) != 0 or not isinstance(value, int | float | np.number | np.bool_):
        msg = (
            f"extra feature {name!r} of label {label} in {where} is {value!r}, expected one number"
        )
        raise UserError(msg)
    return float(value)
