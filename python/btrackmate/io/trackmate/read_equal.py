"""Compiled loops: the attributes of many equal XML elements, as numbers and as places of texts."""

from typing import Any

import numpy as np

from btrackmate.core.compiled import njit
from btrackmate.io.decimals import read_float
from btrackmate.io.trackmate.read_blocks import EqualRows


def read_equal(text: bytes, tag: bytes, layout: tuple[str, ...], most: int) -> EqualRows | None:
    """Read up to `most` empty elements that differ in their values alone, or give None.

    Between two values stands what stands there in the first element; between two elements, white
    space.
    """
    pieces, position = [], text.find(tag)
    for name in layout:
        opened = text.find(name.encode() + b'="', position) + len(name) + 2
        closed = text.find(b'"', opened)
        pieces.append(text[position:opened])
        if closed < 0 or pieces[-1].count(b'"') != min(len(pieces), 2):
            return None
        position = closed
    pieces.append(text[position : text.find(b">", position) + 1])
    if b"".join(pieces[-1].split()) != b'"/>':
        return None
    bits = np.empty((len(layout), most), np.int64)
    read = np.empty(bits.shape, np.bool_)
    begins, ends = np.empty_like(bits), np.empty_like(bits)
    n = _read(
        np.frombuffer(text, np.uint8), np.frombuffer(b"".join(pieces), np.uint8),
        np.cumsum([0, *map(len, pieces)]), bits, read, begins, ends,
    )  # fmt: skip
    if n < 1:
        return None
    return EqualRows(text, bits[:, :n].view(np.float64), read[:, :n], begins[:, :n], ends[:, :n])


def repeats(rows: EqualRows, column: int, prefix: bytes, other: int) -> bool:
    """Tell whether an attribute is, everywhere, a prefix and then another attribute's text."""
    spans = (rows.begins[column], rows.ends[column], rows.begins[other], rows.ends[other])
    start = np.frombuffer(prefix, np.uint8)
    return bool(_repeat(np.frombuffer(rows.text, np.uint8), start, *spans))


@njit(cache=True, nogil=True)
def _read(
    text: Any, pieces: Any, places: Any, bits: Any, read: Any, begins: Any, ends: Any
) -> Any:  # pragma: no cover (compiled)
    """Fill the tables; give the number of elements, −1 where the text is anything else."""
    at = 0
    for row in range(bits.shape[1] + 1):
        while at < text.size and (text[at] == 32 or 9 <= text[at] <= 13):
            at += 1
        if at == text.size:
            return row
        if row == bits.shape[1]:
            break
        for column in range(places.size - 1):
            size = places[column + 1] - places[column]
            if at + size > text.size:
                return -1
            for place in range(size):
                if text[at + place] != pieces[places[column] + place]:
                    return -1
            at += size
            if column == bits.shape[0]:
                break
            begins[column, row] = at
            while at < text.size and text[at] != 34:
                if text[at] == 38 or text[at] == 60:  # & and <
                    return -1
                at += 1
            ends[column, row] = at
            read[column, row], bits[column, row] = read_float(text, begins[column, row], at)
    return -1


@njit(cache=True, nogil=True)
def _repeat(
    text: Any, prefix: Any, begins: Any, ends: Any, other_begins: Any, other_ends: Any
) -> Any:  # pragma: no cover (compiled)
    for row in range(begins.size):
        size = ends[row] - begins[row] - prefix.size
        if size != other_ends[row] - other_begins[row]:
            return False
        for place in range(prefix.size):
            if text[begins[row] + place] != prefix[place]:
                return False
        for place in range(size):
            if text[begins[row] + prefix.size + place] != text[other_begins[row] + place]:
                return False
    return True
