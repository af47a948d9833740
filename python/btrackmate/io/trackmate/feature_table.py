"""Attributes of many equal XML elements as columns, collected and formatted fast."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.scratch import GrowingColumn, fill_array
from btrackmate.io.numbers import format_numbers, is_plain_number, parse_numbers
from btrackmate.io.rows import RowFormat
from btrackmate.io.trackmate.read_blocks import EqualRows, Values, count_values
from btrackmate.io.trackmate.write_tree import escape_attribute

_FLUSH = 20_000
#: Numbers of elements.
Elements = NDArray[np.int64] | slice


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

    Attributes
    ----------
    numeric : set of str
        Attributes that are declared as numbers. Of any other the texts are kept as well: it is a
        number only if every text is spelled as programs print numbers, so that "007" stays. The
        attribute "name" is text throughout.
    default_names : bool
        Names that are "ID" and then the attribute ID need not be kept.
    """

    def __init__(self, *, default_names: bool = False) -> None:
        self.n = 0
        self.default_names = default_names
        self.numeric: set[str] = set()
        self._layouts: dict[tuple[str, ...], tuple[list[int], list[str]]] = {}
        self._blocks: dict[str, list[_Block]] = {}
        self._numbers: dict[str, GrowingColumn] = {}

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

    def add_block(self, layout: tuple[str, ...], values: Values) -> None:
        """Add many elements with the same attributes."""
        count = count_values(values)
        rows = slice(self.n, self.n + count)
        for place, key in enumerate(layout):
            if isinstance(values, EqualRows):
                self._add_equal(rows, layout, place, values)
            else:
                self._add_column(rows, key, values[place])
        self.n += count

    def _add_equal(
        self, rows: slice, layout: tuple[str, ...], place: int, values: EqualRows
    ) -> None:
        key = layout[place]
        if key == "name" and self.default_names and "ID" in layout:
            from btrackmate.io.trackmate.read_equal import repeats  # loads the compiler

            if repeats(values, place, b"ID", layout.index("ID")):
                return
        unread = np.flatnonzero(~values.read[place]).tolist() if key in self.numeric else []
        others = parse_numbers(values.texts(place, unread)) if unread else None
        if key not in self.numeric or (others is not None and others.dtype == object):
            self._add_column(rows, key, values.texts(place))
            return
        numbers = values.values[place]
        if others is not None:
            numbers = numbers.copy()
            numbers[unread] = others
        self._blocks.setdefault(key, [])  # columns come in the order of the file
        self._numbers.setdefault(key, GrowingColumn()).put(rows, numbers)

    def finish(self) -> FeatureTable:
        """Give the table of all elements added; the collector is empty then."""
        self._flush()
        columns: dict[str, NDArray[Any]] = {}
        absent: dict[str, NDArray[np.bool_]] = {}
        while self._blocks:
            key = next(iter(self._blocks))
            numbers = self._numbers.pop(key, GrowingColumn())
            blocks = [_Block(rows, numbers.view(rows), ()) for rows in numbers.filled]
            columns[key], missing = self._join([*blocks, *self._blocks.pop(key)])
            if missing.any():
                absent[key] = missing
        return FeatureTable(self.n, columns, absent)

    def _join(self, blocks: "list[_Block]") -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Give the values of one attribute, and where it is missing."""
        textual = any(block.values.dtype == object for block in blocks)
        column: NDArray[Any] = (
            np.full(self.n, None, object) if textual else fill_array(self.n, np.nan, np.float64)
        )
        missing = fill_array(self.n, True, np.bool_)
        for rows, values, texts in blocks:
            if textual and values.dtype != object:
                spelt = texts or format_numbers(values)
                values = np.array([_decode(text) for text in spelt], object)
            column[rows] = values
            missing[rows] = False
        return column, missing

    def _flush(self) -> None:
        for layout, (rows, values) in self._layouts.items():
            if not rows:
                continue
            index = np.array(rows, np.int64)
            for position, key in enumerate(layout):
                texts = values[position :: len(layout)]
                self._add_column(index, key, [text.encode() for text in texts])
            rows.clear()
            values.clear()

    def _add_column(self, rows: Elements, key: str, texts: Sequence[bytes]) -> None:
        """Add the values of one attribute; of one that may be text, with the texts."""
        if key in self.numeric:
            self._blocks.setdefault(key, []).append(_Block(rows, parse_numbers(texts), ()))
            return
        values: NDArray[Any] = np.array([_decode(text) for text in texts], object)
        if key != "name" and all(map(is_plain_number, values)):
            values = parse_numbers(texts)
        self._blocks.setdefault(key, []).append(_Block(rows, values, texts))


class _Block(NamedTuple):
    """Values of one attribute of some elements, and their texts where the attribute may be text."""

    rows: Elements
    values: NDArray[Any]
    texts: Sequence[bytes]


def _decode(text: bytes | str) -> str:
    return text if isinstance(text, str) else text.decode("utf-8")


def add_attribute(
    rows: RowFormat,
    key: str,
    values: NDArray[Any],
    *,
    is_int: bool = False,
    absent: NDArray[np.bool_] | None = None,
) -> None:
    """Add an attribute to rows of XML elements.

    Parameters
    ----------
    rows : RowFormat
    key : str
        Attribute name.
    values : (n,) ndarray
        Numbers or strings; None among strings is left out.
    is_int : bool
        Write whole numbers without a decimal point.
    absent : (n,) ndarray of bool, optional
        Rows where the attribute is left out.
    """
    if values.dtype == object:
        rows.add_text(
            ["" if v is None else f' {key}="{escape_attribute(v)}"' for v in values.tolist()]
        )
        return
    rows.add(f' {key}="', values, '"', is_int=is_int, absent=absent)
