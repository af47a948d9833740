"""Fields of a CSV file, column by column, with the lines that they stand on."""

import contextlib
import csv
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.paths import explain_missing
from btrackmate.core.reading import read_whole
from btrackmate.io.csv_fields import (
    Column,
    RegularRows,
    TextColumn,
    find_decimal_comma,
    open_source,
)

_log = logging.getLogger(__name__)

#: What is looked at no further in search of control characters: plain ASCII, line ends, form feed.
_PLAIN = bytes(range(32, 127)) + b"\t\n\f\r\x1a"
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_SEPARATORS = ",;\t"
#: Fields that a table separated by spaces (btrack's) has at least; a title may have fewer.
_LEAST_WORDS = 3
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
#: Lines of title that some programs (Imaris) put above the header.
_MOST_TITLES = 10
#: Bytes whose rows are looked at in one go, and of a file that is not kept in memory.
_PIECE, _LARGE = 1 << 24, 1 << 26
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "an Excel workbook or another zip file; save the sheet as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook; save the sheet as CSV (UTF-8)"),
    (b"\x1f\x8b", "a gzipped file; unpack it"),
    (b"%PDF", "a PDF; give the table as CSV"),
)


@dataclass(frozen=True)
class Cells:
    """The fields of a file, column by column.

    `header` are the fields of the header, `separator` is what parts them, `lines` are the numbers
    of the rows' lines; `ragged` gives the number of fields of rows that have too few of them, or
    more than empty ones too many.
    """

    header: list[str]
    header_line: int
    separator: str
    columns: list[Column]
    lines: NDArray[np.int64]
    ragged: dict[int, int]

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.lines.size)

    def skip(self, count: int) -> "Cells":
        """Leave out the first rows."""
        ragged = {row - count: fields for row, fields in self.ragged.items() if row >= count}
        columns: list[Column] = [TextColumn(column.texts[count:]) for column in self.columns]
        return replace(self, columns=columns, lines=self.lines[count:], ragged=ragged)

    def keep(self, columns: Sequence[int]) -> "Cells":
        """Keep some columns."""
        return replace(
            self,
            header=[self.header[place] for place in columns],
            columns=[self.columns[place] for place in columns],
        )

    def decimal_comma(self) -> str | None:
        """Give a number of the file with a decimal comma, where no number has a decimal point.

        None where there is none, or both stand in the file: then a comma may part thousands.
        """
        return find_decimal_comma(self.columns, self.separator)


def read_cells(path: Path) -> Cells:
    """Split a file into its header and its fields.

    Parameters
    ----------
    path : Path
        Text in UTF-8, UTF-16 or Windows-1252, separated by comma, semicolon, tab or, where none of
        these stands in the first lines, spaces.

    Raises
    ------
    UserError
        If the file is missing, is no text, or has no header.
    """
    large = path.is_file() and path.stat().st_size > _LARGE
    data = b"" if large else _read(path)
    with contextlib.suppress(OSError):  # _read says what is wrong with the file
        plain = _read_plain(path if large else data)
        if plain is not None:
            return plain
    data = data or _read(path)
    text = _decode(data, path)
    del data
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if rows and not rows[-1]:
        rows.pop()
    above, separator = _find_header(rows, path)
    header_line, rows = above + 1, rows[above:]
    rows[0] = rows[0].removeprefix("#").lstrip(" ")
    if separator == " ":
        rows = [" ".join(row.split()) for row in rows]
    width = rows[0].count(separator) + 1
    blank = f"{separator} \t"
    regular = all(row.count(separator) == width - 1 and row.strip(blank) for row in rows)
    if not (regular and width > 1 and '"' not in text):  # the long way
        return _split_lines(rows, separator, header_line, path)
    del text  # the rows hold it, too
    header = rows[0].split(separator)
    text = "\n".join(rows[1:])
    columns = RegularRows(text.encode(), 0, separator, width).columns(len(rows) - 1)
    lines = np.arange(header_line + 1, header_line + len(rows))
    return Cells(header, header_line, separator, columns, lines, {})


def _read_plain(source: bytes | Path) -> Cells | None:
    """Split a regular table of plain ASCII, or give None; no text of a row is kept."""
    with open_source(source) as stream:
        first = stream.readline(_PIECE)
        if not _is_plain(first):
            return None
        separator = max(_SEPARATORS, key=first.decode().count)
        width = first.count(separator.encode()) + 1
        header = first.decode().rstrip("\n").removeprefix("#").lstrip(" ")
        named = _SEPARATOR_LINE.fullmatch(header.strip(" "))
        if width == 1 or named or not header.strip(f"{separator} \t"):
            return None
        n = _count_rows(stream, separator, width)
    if n < 0:
        return None
    columns = RegularRows(source, len(first), separator, width).columns(n)
    return Cells(header.split(separator), 1, separator, columns, np.arange(2, 2 + n), {})


def _count_rows(stream: IO[bytes], separator: str, width: int) -> int:
    """Count rows, some at a time; give −1 where one is blank, odd, or has too many fields."""
    n = 0
    while piece := stream.read(_PIECE):
        piece += stream.readline()
        if not _is_plain(piece):
            return -1
        letters = np.frombuffer(piece, np.uint8)
        ends = np.flatnonzero(letters == ord("\n"))
        if letters[-1] != ord("\n"):
            ends = np.append(ends, letters.size)
        begins = np.concatenate(([0], ends[:-1] + 1))
        parts = np.flatnonzero(letters == ord(separator))
        if parts.size != ends.size * (width - 1):
            return -1
        regular = (parts[:: width - 1] >= begins) & (parts[width - 2 :: width - 1] < ends)
        if not regular.all() or _has_blank(piece, letters, begins, ends, separator, width):
            return -1
        n += ends.size
    return n


def _has_blank(
    piece: bytes,
    letters: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    separator: str,
    width: int,
) -> bool:
    """Tell whether a row of as many fields as the header has nothing in them."""
    if b" " not in piece and (separator == "\t" or b"\t" not in piece):
        return bool((ends - begins == width - 1).any())
    filled = np.ones(256, np.bool_)
    filled[list(f"{separator} \t\n".encode())] = False
    return not np.logical_or.reduceat(filled[letters], begins).all()


def _is_plain(text: bytes) -> bool:
    """Tell whether a text is ASCII without quotes, carriage returns and control characters."""
    odd = b'"' in text or b"\r" in text or b"\x1a" in text
    return not odd and text.isascii() and not text.translate(None, _PLAIN)


def _read(path: Path) -> bytes:
    try:
        data = read_whole(path)
    except FileNotFoundError:
        msg = f"{path}: {explain_missing(path)}; give the path of a CSV"
        raise UserError(msg) from None
    except OSError as error:
        msg = f"{path}: not readable ({error.strerror}); give a CSV"
        raise UserError(msg) from None
    for magic, what in _NO_TEXT:
        if data.startswith(magic):
            msg = f"{path}: is {what}"
            raise UserError(msg)
    return data


def _decode(data: bytes, path: Path) -> str:
    """Give a file as text; say in the log what encoding was taken, if it is not UTF-8."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None and data[:2000].count(0) > len(data[:2000]) // 4:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        encoding = "Windows-1252"
        text = data.decode(encoding, "replace")
    if _CONTROL.search(text.encode().translate(None, _PLAIN).decode()):
        msg = f"{path}: not readable as text; give a CSV"
        raise UserError(msg)
    if encoding == "Windows-1252":
        _log.warning("%s: is not UTF-8; read as %s; save it as UTF-8", path, encoding)
    return text.rstrip("\x1a")


def _find_header(rows: list[str], path: Path) -> tuple[int, str]:
    """Find the header's row, below lines of title, and the separator."""
    for above, row in enumerate(rows[: _MOST_TITLES + 1]):
        separator = max(_SEPARATORS, key=row.count)
        if named := _SEPARATOR_LINE.fullmatch(row.strip(' "')):  # Excel's own line
            if above + 1 < len(rows):
                return above + 1, named[1]
            break
        if separator in row:
            return above, separator
    first = rows[0] if rows else ""
    if not first.strip():
        msg = f"{path}, line 1: empty, expected a header with frame, x, y, …"
        raise UserError(msg)
    return 0, " " if len(first.split()) >= _LEAST_WORDS else _SEPARATORS[0]


def _split_lines(rows: list[str], separator: str, header_line: int, path: Path) -> Cells:
    """Split lines with quotes, blank lines or wrong numbers of fields."""
    try:
        return _split_quoted(rows, separator, header_line, path)
    except csv.Error as error:
        msg = f"{path}: not readable as CSV: {error}; is a quote not closed?"
        raise UserError(msg) from None


def _split_quoted(rows: list[str], separator: str, header_line: int, path: Path) -> Cells:
    reader = csv.reader((f"{row}\n" for row in rows), delimiter=separator)
    header = next(reader)
    width = len(header)
    lines: list[int] = []
    fields: list[list[str]] = []
    ragged: dict[int, int] = {}
    end = reader.line_num
    for row in reader:
        begin, end = end + 1, reader.line_num
        if end > begin:
            msg = f"{path}, line {begin + header_line - 1}: a text in quotes goes on to line "
            msg += f"{end + header_line - 1}; is a quote not closed?"
            raise UserError(msg)
        if not any(word.strip() for word in row):
            continue
        if len(row) < width or any(word.strip() for word in row[width:]):
            ragged[len(lines)] = len(row)
        lines.append(reader.line_num + header_line - 1)
        fields.append(row[:width] + [""] * (width - len(row)))
    texts = [list(column) for column in zip(*fields, strict=True)] or [[] for _ in header]
    columns: list[Column] = [TextColumn(column) for column in texts]
    return Cells(header, header_line, separator, columns, np.array(lines, np.int64), ragged)
