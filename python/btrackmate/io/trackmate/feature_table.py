"""Attributes of many equal XML elements as columns, collected and formatted fast."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

_FLUSH = 20_000
_JAVA_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_MAX_EXACT = 2.0**53


@dataclass(frozen=True)
class FeatureTable:
    """Attributes of n XML elements.

    Parameters
    ----------
    n : int
        Number of elements.
    columns : dict from attribute name to (n,) ndarray
        float64, or object (str or None) where a value is no number. A missing value is NaN or
        None.
    absent : dict from attribute name to (n,) ndarray of bool
        Where the attribute is missing; only for attributes that some element lacks. So a value
        "NaN" that stands in the file is told from one that does not stand there.
    """

    n: int
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    absent: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    def take(self, rows: NDArray[Any]) -> "FeatureTable":
        """Keep some rows (row numbers or boolean mask)."""
        count = int(np.count_nonzero(rows)) if rows.dtype == bool else rows.size
        return FeatureTable(
            count,
            {key: values[rows] for key, values in self.columns.items()},
            {key: values[rows] for key, values in self.absent.items()},
        )

    def explicit_nan(self, key: str) -> NDArray[np.bool_] | None:
        """Tell where the file says "NaN", (n,); None where it never does."""
        values = self.columns[key]
        if values.dtype == object:
            return None
        named: NDArray[np.bool_] = np.isnan(values)
        if key in self.absent:
            named &= ~self.absent[key]
        return named if named.any() else None


class FeatureCollector:
    """Collect the attributes of elements one by one; numbers are converted in blocks.

    Elements with the same attribute names in the same order share one layout, so that the cost
    for an element is one look-up and one list extension.
    """

    def __init__(self) -> None:
        self.n = 0
        self._layouts: dict[tuple[str, ...], tuple[list[int], list[str]]] = {}
        self._blocks: list[tuple[NDArray[np.int64], str, NDArray[Any]]] = []

    def add(self, attributes: list[str]) -> None:
        """Add one element; `attributes` alternates names and values."""
        layout = tuple(attributes[::2])
        try:
            rows, values = self._layouts[layout]
        except KeyError:
            rows, values = self._layouts[layout] = ([], [])
        rows.append(self.n)
        values += attributes[1::2]
        self.n += 1
        if self.n % _FLUSH == 0:
            self._flush()

    def finish(self) -> FeatureTable:
        """Give the table of all elements added."""
        self._flush()
        columns: dict[str, NDArray[Any]] = {}
        present: dict[str, NDArray[np.bool_]] = {}
        textual = {key for _, key, values in self._blocks if values.dtype == object}
        for rows, key, values in self._blocks:
            if key not in columns:
                empty = None if key in textual else np.nan
                columns[key] = np.full(self.n, empty, object if key in textual else np.float64)
                present[key] = np.zeros(self.n, np.bool_)
            if key in textual and values.dtype != object:
                values = np.array(list(map(format_number, values.tolist())), object)
            columns[key][rows] = values
            present[key][rows] = True
        absent = {key: ~there for key, there in present.items() if not there.all()}
        return FeatureTable(self.n, columns, absent)

    def _flush(self) -> None:
        for layout, (rows, values) in self._layouts.items():
            if not rows:
                continue
            index = np.array(rows, np.int64)
            for position, key in enumerate(layout):
                self._blocks.append((index, key, _to_array(values[position :: len(layout)])))
            rows.clear()
            values.clear()


def _to_array(texts: list[str]) -> NDArray[Any]:
    try:
        return np.array(list(map(float, texts)), np.float64)
    except ValueError:
        return np.array(texts, object)


def format_number(value: float) -> str:
    """Write a number as Java reads it: shortest exact decimal, ``NaN``, ``Infinity``."""
    text = repr(value)
    return _JAVA_NAMES.get(text, text)


def format_attributes(
    key: str,
    values: NDArray[Any],
    *,
    is_int: bool = False,
    absent: NDArray[np.bool_] | None = None,
) -> list[str]:
    """Write one column as XML attributes, one string ``' KEY="value"'`` a row.

    Parameters
    ----------
    key : str
        Attribute name.
    values : (n,) ndarray
        Numbers or strings.
    is_int : bool
        Write whole numbers without a decimal point.
    absent : (n,) ndarray of bool, optional
        Rows that get an empty string; by default none, or None values of strings.
    """
    if values.dtype == object:
        texts = ["" if v is None else f" {key}={quoteattr(str(v))}" for v in values.tolist()]
    else:
        convert = _pick_format(values, is_int=is_int)
        head = f' {key}="'
        texts = [f'{head}{text}"' for text in map(convert, values.tolist())]
    if absent is not None and absent.any():
        for row in np.flatnonzero(absent).tolist():
            texts[row] = ""
    return texts


def _pick_format(values: NDArray[Any], *, is_int: bool) -> Callable[[Any], str]:
    if values.dtype.kind in "iu":
        return str if is_int else _int_as_float
    if is_int:
        return _whole_number
    return repr if bool(np.isfinite(values).all()) else format_number


def _int_as_float(value: int) -> str:
    return f"{value}.0"


def _whole_number(value: float) -> str:
    if value.is_integer() and abs(value) <= _MAX_EXACT:
        return str(int(value))
    return format_number(value)


def join_rows(columns: list[list[str]]) -> list[str]:
    """Join the columns' strings row by row."""
    return ["".join(row) for row in zip(*columns, strict=True)]
