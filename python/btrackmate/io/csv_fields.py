"""Columns of a CSV file: their fields as texts, or read as numbers at once where that is sure."""

import csv
import io
import re
import warnings
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.scratch import ROWS, cut_rows, make_array
from btrackmate.io.numbers import MAX_EXACT, parse_numbers

_MISSING = {"", "nan", "na", "none", "null", "n/a", "#n/a", "<na>"}
_INFINITE = {"inf", "infinity"}
_TRUTH = {"true": "1", "false": "0"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
#: What may be a number of thousands, or one with three decimals; and what stands beside the former.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_HUNDREDS = re.compile(r"[+-]?[1-9]\d{0,2}")
#: Before 3.1, pandas reads some numbers wrong in their last digit unless it is told not to.
_EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
    else {"float_precision": "round_trip"}
)  # fmt: skip


class Column(Protocol):
    """One column of a file, without its header."""

    @property
    def texts(self) -> list[str]:
        """The fields as they stand in the file."""

    def is_empty(self) -> bool:
        """Tell whether all fields are empty."""

    def has_point(self) -> bool:
        """Tell whether a point stands in any field."""

    def read_numbers(
        self, *, decimal_comma: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Read the numbers; also tell which fields are neither a number nor missing, both (n,)."""


class TextColumn:
    """A column of any texts.

    Parameters
    ----------
    texts : list of str
    """

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def is_empty(self) -> bool:
        """Tell whether all fields are empty."""
        return not any(text.strip() for text in self.texts)

    def has_point(self) -> bool:
        """Tell whether a point stands in any field."""
        return "." in "".join(self.texts)

    def read_numbers(
        self, *, decimal_comma: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Read the numbers; True and False throughout the column are 1 and 0."""
        stripped = [text.strip() for text in self.texts]
        if decimal_comma:
            stripped = [t.replace(",", ".") if _DECIMAL_COMMA.fullmatch(t) else t for t in stripped]
        values = parse_numbers([text.encode() for text in stripped])
        if values.dtype == object:
            words = {text.lower() for text in stripped} - _MISSING
            if words and words <= set(_TRUTH):
                stripped = [_TRUTH.get(text.lower(), text) for text in stripped]
            column = pd.to_numeric(pd.Series(stripped, dtype=object), errors="coerce")
            values = column.to_numpy(np.float64, copy=True)
        is_text = np.zeros(len(stripped), bool)
        for row in np.flatnonzero(~np.isfinite(values)):
            word = stripped[row].lower()
            infinite = word.lstrip("+-") in _INFINITE  # what is only too large is no number
            is_text[row] = word not in _MISSING and not infinite
            if infinite:
                values[row] = -np.inf if word.startswith("-") else np.inf
        values[is_text] = np.nan
        return values, is_text


def open_source(source: bytes | Path) -> IO[bytes]:
    """Open a text that is in memory, or a file."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


class RegularRows:
    """Rows of which each has as many fields as the header, without quotes.

    Parameters
    ----------
    source : bytes or Path
        Text in UTF-8, or the file that holds it; its rows end in a newline each, the last one
        perhaps not. A file is read again where texts are asked for.
    begin : int
        Where the rows begin in it.
    separator : str
    width : int
        Number of fields of a row.
    """

    def __init__(self, source: bytes | Path, begin: int, separator: str, width: int) -> None:
        self.source = source
        self.begin = begin
        self.separator = separator
        self.width = width

    def rows(self) -> Iterator[str]:
        """Yield the rows as texts."""
        with open_source(self.source) as stream:
            stream.seek(self.begin)
            for row in stream:
                yield row.decode().removesuffix("\n")

    @cached_property
    def fields(self) -> list[list[str]]:
        """The fields, column by column."""
        all_fields = self.separator.join(self.rows()).split(self.separator)
        return [all_fields[place :: self.width] for place in range(self.width)]

    def columns(self, n: int) -> list[Column]:
        """Give the columns of the n rows; what pandas reads as finite numbers is numbers."""
        if n == 0:
            return [TextColumn([]) for _ in range(self.width)]
        numbers = [make_array(n, np.float64) for _ in range(self.width)]
        kinds: list[set[str]] = [set() for _ in range(self.width)]
        used = 0
        for table in self._read_pieces():
            here = slice(used, used + len(table))
            used = here.stop
            for place in range(self.width):
                values = table[place].to_numpy()
                kinds[place].add(values.dtype.kind)
                if kinds[place] <= set("iuf"):
                    numbers[place][here] = values
                    if np.isinf(numbers[place][here]).any():
                        kinds[place].add("O")
        return [
            NumberColumn(self, place, numbers[place], "f" not in kinds[place])
            if kinds[place] <= set("iuf")
            else LazyTextColumn(self, place)
            for place in range(self.width)
        ]

    def _read_pieces(self) -> Iterator[pd.DataFrame]:
        with open_source(self.source) as stream, warnings.catch_warnings():
            stream.seek(self.begin)
            # a column may be numbers in one part of the file and none in another
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)
            yield from pd.read_csv(
                stream,
                sep=self.separator,
                header=None,
                names=range(self.width),
                index_col=False,
                quoting=csv.QUOTE_NONE,
                keep_default_na=False,
                na_values=[""],
                skip_blank_lines=False,
                low_memory=True,
                chunksize=ROWS,
                **_EXACT,
            )


class LazyTextColumn(TextColumn):
    """A column of any texts, which are cut out of their rows when they are asked for.

    Parameters
    ----------
    source : RegularRows
    place : int
        Number of the column, from 0.
    """

    def __init__(self, source: RegularRows, place: int) -> None:
        self.source = source
        self.place = place

    @cached_property
    def texts(self) -> list[str]:  # type: ignore[override]
        """The fields as they stand in the file."""
        return self.source.fields[self.place]


class NumberColumn:
    """A column of which every field is a finite number or empty.

    Parameters
    ----------
    source : RegularRows
    place : int
        Number of the column, from 0.
    numbers : (n,) ndarray of float
        NaN where a field is empty.
    is_whole : bool
        Whether all are written as whole numbers.
    """

    def __init__(
        self, source: RegularRows, place: int, numbers: NDArray[np.float64], is_whole: bool
    ) -> None:
        self.source = source
        self.place = place
        self.numbers = numbers
        self.is_whole = is_whole

    @property
    def texts(self) -> list[str]:
        """The fields as they stand in the file."""
        return self.source.fields[self.place]

    def is_empty(self) -> bool:
        """Tell whether all fields are empty."""
        return bool(np.isnan(self.numbers).all())

    def has_point(self) -> bool:
        """Tell whether a point stands in any field."""
        if self.is_whole:
            return False
        separator, place = self.source.separator, self.place
        return any("." in row.split(separator, place + 1)[place] for row in self.source.rows())

    def read_numbers(
        self, *, decimal_comma: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Give the numbers; there is no decimal comma among them."""
        return self.numbers, np.broadcast_to(np.False_, self.numbers.shape)


def read_whole_numbers(column: Column, numbers: NDArray[np.float64]) -> NDArray[Any]:
    """Read whole numbers as they stand in the file where they are too large for float64.

    Parameters
    ----------
    column : Column
    numbers : (n,) ndarray of float
        What `column.read_numbers` gave.

    Returns
    -------
    (n,) ndarray of int or float
        `numbers` where all are smaller, one is missing, or any is not written as a whole number or
        lies past 2⁶³.
    """
    if not _has_large(numbers):
        return numbers
    try:
        return np.array([int(text) for text in column.texts], np.int64)
    except (ValueError, OverflowError):
        return numbers


def read_whole_feature(column: Column, numbers: NDArray[np.float64]) -> tuple[Any, bool]:
    """Read a column of the user's own as :func:`read_whole_numbers` does, where some are missing.

    Returns
    -------
    values : (n,) ndarray or IntegerArray
    is_rounded : bool
        Whether there are whole numbers past 2⁶³, which stay rounded.
    """
    if not _has_large(numbers) or column.has_point():
        return numbers, False
    missing = np.isnan(numbers)
    pairs = zip(column.texts, missing.tolist(), strict=True)
    try:
        whole = np.array([0 if gone else int(text) for text, gone in pairs], np.int64)
    except (ValueError, OverflowError) as error:
        return numbers, isinstance(error, OverflowError)
    return (pd.arrays.IntegerArray(whole, missing) if missing.any() else whole), False


def _has_large(numbers: NDArray[np.float64]) -> bool:
    """Tell whether float64 may not hold every number as it stands in the file."""
    return any((np.abs(numbers[rows]) >= MAX_EXACT).any() for rows in cut_rows(numbers.size))


def find_decimal_comma(columns: list[Column], separator: str) -> str | None:
    """Give a number with a decimal comma, where no number has a decimal point.

    None where there is none, or where a comma may part thousands: points stand in the columns, too,
    or all that have a comma look like ``1,234``, and fields are parted by commas (as where commas
    part thousands), or numbers below 1,000 without one stand beside them.
    """
    found, sure = None, False
    for column in columns:
        joined = "".join(column.texts)
        if "." in joined and any(_DECIMAL_POINT.fullmatch(text.strip()) for text in column.texts):
            return None
        if "," in joined and not (found and sure):
            numbers = [text.strip() for text in column.texts]
            numbers = [text for text in numbers if _DECIMAL_COMMA.fullmatch(text)]
            found = found or next(iter(numbers), None)
            sure = sure or not all(map(_THOUSANDS.fullmatch, numbers))
    if found is None or sure:
        return found
    return None if separator == "," or any(map(_mixes_thousands, columns)) else found


def _mixes_thousands(column: Column) -> bool:
    """Tell whether whole numbers below 1,000 stand beside numbers with a comma."""
    texts = [text.strip() for text in column.texts]
    return any(map(_DECIMAL_COMMA.fullmatch, texts)) and any(map(_HUNDREDS.fullmatch, texts))
