"""Fields of a CSV file, column by column, with the lines that they stand on."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.io.numbers import parse_numbers

_MISSING = {"", "nan", "na"}


@dataclass(frozen=True)
class Cells:
    """The fields of a file, column by column.

    `lines` are the numbers of the rows' lines; `ragged` gives the number of fields of rows that
    have too few of them, or more than empty ones too many.
    """

    columns: list[list[str]]
    lines: NDArray[np.int64]
    ragged: dict[int, int]

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.lines.size)

    def skip(self, count: int) -> "Cells":
        """Leave out the first rows."""
        ragged = {row - count: fields for row, fields in self.ragged.items() if row >= count}
        return Cells([column[count:] for column in self.columns], self.lines[count:], ragged)


def read_cells(path: Path) -> tuple[list[str], Cells]:
    """Split a file into its header and its fields."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        msg = f"{path}: no such file; give the path of a CSV"
        raise UserError(msg) from None
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: not readable as text ({' '.join(str(error).split())}); give a CSV"
        raise UserError(msg) from None
    first = text.partition("\n")[0]
    if not first.strip():
        msg = f"{path}, line 1: empty, expected a header with frame, x, y, …"
        raise UserError(msg)
    separator = max(",;\t", key=first.count)
    rows = text.splitlines()
    width = first.count(separator) + 1
    blank = f"{separator} \t"
    regular = all(row.count(separator) == width - 1 and row.strip(blank) for row in rows)
    if regular and width > 1 and '"' not in text:
        # A regular file is split at once; with quotes or blank lines it goes the long way.
        fields = separator.join(rows).split(separator)
        columns = [fields[place + width :: width] for place in range(width)]
        return fields[:width], Cells(columns, np.arange(2, len(rows) + 1), {})
    return _split_lines(rows, separator)


def _split_lines(rows: list[str], separator: str) -> tuple[list[str], Cells]:
    """Split lines with quotes, blank lines or wrong numbers of fields."""
    reader = csv.reader(rows, delimiter=separator)
    header = next(reader)
    width = len(header)
    lines: list[int] = []
    fields: list[list[str]] = []
    ragged: dict[int, int] = {}
    for row in reader:
        if not any(word.strip() for word in row):
            continue
        if len(row) < width or any(word.strip() for word in row[width:]):
            ragged[len(lines)] = len(row)
        lines.append(reader.line_num)
        fields.append(row[:width] + [""] * (width - len(row)))
    columns = [list(column) for column in zip(*fields, strict=True)] or [[] for _ in header]
    return header, Cells(columns, np.array(lines, np.int64), ragged)


def to_numbers(texts: list[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read plain decimals; also tell which texts are neither a number nor missing."""
    count = len(texts)
    stripped = [text.strip() for text in texts]
    # Python's float() would take 1_000 for a number.
    fast = "_" not in "".join(stripped)
    values = parse_numbers([text.encode() for text in stripped]) if fast else np.empty(0, object)
    if values.dtype == object:
        column = pd.to_numeric(pd.Series(stripped, dtype=object), errors="coerce")
        values = column.to_numpy(np.float64, copy=True)
    is_text = np.zeros(count, bool)
    for row in np.flatnonzero(~np.isfinite(values)):
        is_text[row] = stripped[row].lower() not in _MISSING
    values[is_text] = np.nan
    return values, is_text
