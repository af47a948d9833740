"""Tables as text, row by row: numbers exactly, and fast where there are many."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.io.numbers import are_few, as_whole, format_numbers


@dataclass(frozen=True)
class Rows:
    """Finished rows, one after the other; `ends` is where each ends in `text` (UTF-8)."""

    text: memoryview
    ends: Sequence[int]

    def take(self, begin: int, end: int) -> memoryview:
        """Give the rows from `begin` to before `end` as one text in UTF-8, which is not copied."""
        first = self.ends[begin - 1] if begin else 0
        last = self.ends[end - 1] if end else 0
        return self.text[first:last]


NO_ROWS = Rows(memoryview(b""), [])


class _Column(NamedTuple):
    """A column between two pieces of text, which an absent row lacks, too."""

    before: str
    values: NDArray[Any] | Sequence[str]
    after: str
    absent: NDArray[np.bool_] | None


class RowFormat:
    """Format the columns of a table as text.

    Parameters
    ----------
    n : int
        Number of rows.
    ahead : int, optional
        Number of these rows and of those of the same table that come after them.
    """

    def __init__(self, n: int, ahead: int | None = None) -> None:
        self._n = n
        self._ahead = n if ahead is None else ahead
        self._columns: list[_Column] = []

    def add_constant(self, text: str) -> None:
        """Add the same text to all rows."""
        self._columns.append(_Column(text, (), "", None))

    def add_text(self, texts: Sequence[str]) -> None:
        """Add one piece of text a row, as it is."""
        self._columns.append(_Column("", texts, "", None))

    def add(
        self,
        before: str,
        values: NDArray[Any],
        after: str = "",
        *,
        is_int: bool = False,
        absent: NDArray[np.bool_] | None = None,
    ) -> None:
        """Add a column of numbers, of shape (n,).

        Parameters
        ----------
        before, after : str
            What stands around each number.
        values : (n,) ndarray
        is_int : bool
            Write whole numbers without a decimal point.
        absent : (n,) ndarray of bool, optional
            Rows where number, `before` and `after` are left out.
        """
        numbers: NDArray[Any] | Sequence[str]
        whole = as_whole(values) if is_int else None
        if whole is not None:
            numbers = whole
        elif is_int:
            numbers = format_numbers(values, is_int=True)
        else:
            numbers = values.astype(np.float64, copy=False)
        missing = absent if absent is not None and absent.any() else None
        self._columns.append(_Column(before, numbers, after, missing))

    def render(self) -> Rows:
        """Give the finished rows."""
        if not self._columns or not self._n:
            return Rows(NO_ROWS.text, [0] * self._n)
        if are_few(self._n * len(self._columns), self._ahead * len(self._columns)):
            return _render_plain(self._columns, self._n)
        return _render_compiled(self._columns, self._n)


def load_compiled() -> None:
    """Compile, or load, the loops that write many numbers."""
    _render_compiled([_Column("", np.zeros(1), "", None)], 1)


def _render_plain(columns: Sequence[_Column], n: int) -> Rows:
    template, filled = "", []
    for before, values, after, absent in columns:
        before, after = before.replace("%", "%%"), after.replace("%", "%%")
        if not len(values):
            template += before + after
            continue
        texts: Sequence[str] = values  # type: ignore[assignment]
        if isinstance(values, np.ndarray):
            texts = format_numbers(values, is_int=values.dtype.kind == "i")
        if absent is None:
            template += f"{before}%s{after}"
        else:
            template += "%s"
            around = f"{before}%s{after}"
            missing = absent.tolist()
            texts = ["" if m else around % t for t, m in zip(texts, missing, strict=True)]
        filled.append(texts)
    given = zip(*filled, strict=True) if filled else [()] * n
    rows = [(template % one).encode() for one in given]
    return Rows(memoryview(b"".join(rows)), list(accumulate(map(len, rows))))


def _render_compiled(columns: Sequence[_Column], n: int) -> Rows:
    from btrackmate.io import decimals

    kinds = np.full(len(columns), decimals.NOTHING)
    bits = np.zeros((len(columns), n + 1), np.int64)
    absent = np.zeros((len(columns), n), np.bool_)
    pieces: list[bytes] = [b""]
    texts = b""
    for number, (before, values, after, missing) in enumerate(_join_pieces(columns)):
        pieces += [before.encode(), after.encode()]
        if missing is not None:
            absent[number] = missing
        if isinstance(values, np.ndarray):
            kinds[number] = decimals.WHOLE if values.dtype.kind == "i" else decimals.FLOAT
            bits[number, 1:] = np.ascontiguousarray(values).view(np.int64)
        elif len(values):
            kinds[number] = decimals.TEXT
            encoded = [text.encode() for text in values]
            lengths = np.fromiter(map(len, encoded), np.int64, n)
            bits[number] = len(texts) + np.concatenate(([0], np.cumsum(lengths)))
            texts += b"".join(encoded)
    ends = np.cumsum(list(map(len, pieces)))
    space = n * (int(ends[-1]) + decimals.LONGEST * len(columns)) + len(texts)
    out = np.empty(space, np.uint8)
    stops = decimals.write_rows(
        kinds, bits, absent, _as_bytes(b"".join(pieces)), ends, _as_bytes(texts), out
    )
    return Rows(out.data, stops.tolist())


def _join_pieces(columns: Sequence[_Column]) -> list[_Column]:
    """Move what stands after a column before the next one, where no row lacks one of them."""
    joined = [*columns]
    for place, (one, other) in enumerate(pairwise(columns)):
        if one.absent is None and other.absent is None:
            joined[place] = joined[place]._replace(after="")
            joined[place + 1] = other._replace(before=one.after + other.before)
    return joined


def _as_bytes(text: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(text, np.uint8)
