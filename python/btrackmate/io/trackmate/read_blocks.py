"""Blocks of equal Spot, Track and Edge elements, taken apart as a whole.

An XML parser spends most of its time on the tags of a large file. TrackMate writes the elements
of a frame with the same attributes in the same order, so what stands between their values is the
same again and again. A block that does not fit completely (other attributes, references,
comments, children) is left to the XML parser: nothing is guessed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from btrackmate.io.numbers import are_few

_CHUNK = 1 << 20
_ATTRIBUTE = re.compile(rb'\s([A-Za-z_][A-Za-z0-9_.\-]*)="')
_FRAME = re.compile(rb'<SpotsInFrame\s+frame="([0-9]+)"\s*(/?)>')


@dataclass(frozen=True)
class EqualRows:
    """Attributes of n elements with the same c attributes.

    Parameters
    ----------
    text : bytes
        The elements.
    values : (c, n) ndarray of float
        The numbers that were read.
    read : (c, n) ndarray of bool
        Where a number was read; elsewhere the text tells what it is.
    begins, ends : (c, n) ndarray of int
        Where the texts stand.
    """

    text: bytes
    values: NDArray[np.float64]
    read: NDArray[np.bool_]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of elements."""
        return int(self.values.shape[1])

    def texts(self, column: int, rows: Sequence[int] | None = None) -> list[bytes]:
        """Give the texts of one attribute, of some or all elements."""
        chosen = slice(None) if rows is None else rows
        begins, ends = self.begins[column, chosen], self.ends[column, chosen]
        return [self.text[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]


#: Values of equal elements; in the list, the texts of each attribute.
Values = list[tuple[bytes, ...]] | EqualRows


@dataclass(frozen=True)
class FrameBlock:
    """The spots of one SpotsInFrame element, and those of their outlines that it has."""

    frame: int
    layout: tuple[str, ...]
    spots: Values
    outlines: tuple[bytes, ...]


@dataclass(frozen=True)
class TrackBlock:
    """Some Track elements and their edges; `sizes` is the number of edges of each."""

    track_layout: tuple[str, ...]
    tracks: list[tuple[bytes, ...]]
    edge_layout: tuple[str, ...]
    edges: Values
    sizes: list[int]


def split_frames(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Find the SpotsInFrame elements between two positions, as (begin, end)."""
    while True:
        found = _FRAME.search(data, begin, end)
        if found is None:
            return
        stop = found.end()
        if not found[2]:
            closing = data.find(b"</SpotsInFrame>", stop, end)
            if closing < 0:
                return
            stop = closing + len(b"</SpotsInFrame>")
        yield found.start(), stop
        begin = stop


def split_tracks(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut the Track elements between two positions into pieces of about a megabyte."""
    begin = data.find(b"<Track", begin, end)
    while 0 <= begin < end:
        closing = data.find(b"</Track>", min(begin + _CHUNK, end), end)
        if closing < 0:
            closing = data.rfind(b"</Track>", begin, end)
        if closing < 0:
            return
        stop = closing + len(b"</Track>")
        yield begin, stop
        begin = data.find(b"<Track", stop, end)


def match_frame(block: bytes) -> FrameBlock | None:
    """Match a whole SpotsInFrame element, or give None."""
    head = _FRAME.match(block)
    if head is None:
        return None
    frame = int(head[1])
    if head[2]:
        return FrameBlock(frame, (), [], ())
    end = len(block) - len(b"</SpotsInFrame>")
    count = block.count(b"<", head.end(), end)
    if count == 0:
        return FrameBlock(frame, (), [], ())
    layout = _layout(block, b"<Spot", head.end())
    if layout is None:
        return None
    equal = _split_equal(block[head.end() : end], b"<Spot", layout)
    if equal is not None:
        return FrameBlock(frame, layout, equal, ())
    rows = _pattern("Spot", layout, body=True).findall(block, head.end(), end)
    columns = list(zip(*rows, strict=True))
    # Every "<" belongs to a match: an opening tag each, and a closing one where there is a body.
    if not rows or count != len(rows) + sum(map(bool, columns[-1])):
        return None
    return FrameBlock(frame, layout, columns[:-2], columns[-2])


def match_tracks(block: bytes) -> TrackBlock | None:
    """Match a run of whole Track elements, or give None."""
    track_layout = _layout(block, b"<Track", 0)
    if track_layout is None:
        return None
    pattern = _pattern("Track", track_layout, body=False)
    tracks = pattern.findall(block)
    sizes = [piece.count(b"<Edge") for piece in block.split(b"</Track>")[:-1]]
    if len(sizes) != len(tracks) or block.count(b"<") != 2 * len(tracks) + sum(sizes):
        return None
    edges: Values = []
    edge_layout = _layout(block, b"<Edge", 0) or ()
    if sum(sizes):
        only_edges = pattern.sub(b"", block).replace(b"</Track>", b"")
        found = _split_equal(only_edges, b"<Edge", edge_layout) if edge_layout else None
        if found is None or count_values(found) != sum(sizes):
            return None
        edges = found
    return TrackBlock(track_layout, list(zip(*tracks, strict=True)), edge_layout, edges, sizes)


def count_values(values: Values) -> int:
    """Give the number of elements."""
    return len(values[0]) if isinstance(values, list) else values.n


def _split_equal(text: bytes, tag: bytes, layout: tuple[str, ...]) -> Values | None:
    """Split empty elements with the attributes of `layout` into values, or give None.

    Between two values stands always the same, white space aside; else nothing is returned.
    """
    most = text.count(tag)
    if not are_few(most * len(layout)):
        from btrackmate.io.trackmate.read_equal import read_equal  # loads the compiler

        return read_equal(text, tag, layout, most) or _split_texts(text, tag, layout)
    return _split_texts(text, tag, layout)


def _split_texts(
    text: bytes, tag: bytes, layout: tuple[str, ...]
) -> list[tuple[bytes, ...]] | None:
    """Split them at the quotes."""
    pieces = text.split(b'"')
    step = 2 * len(layout)
    count, rest = divmod(len(pieces) - 1, step)
    if rest or count == 0 or b"&" in text or text.count(b"<") != count:
        return None
    if b"".join(pieces[0].split()) != tag + layout[0].encode() + b"=":
        return None
    for position, name in enumerate(layout):
        between = pieces[2 * position + (0 if position else step) : -1 : step]
        equals = (b"" if position else b"/>" + tag) + name.encode() + b"="
        # Most files repeat the very bytes of the first element: counting is faster than a set.
        different = set(between[:1])
        if between and between.count(between[0]) != len(between):
            different = set(between)
        if any(b"".join(piece.split()) != equals for piece in different):
            return None
    if b"".join(pieces[-1].split()) != b"/>":
        return None
    return [tuple(pieces[2 * position + 1 :: step]) for position in range(len(layout))]


def _layout(block: bytes, tag: bytes, begin: int) -> tuple[str, ...] | None:
    """Give the attribute names of the first element of a kind."""
    start = block.find(tag, begin)
    stop = block.find(b">", start)
    if start < 0 or stop < 0:
        return None
    names = tuple(name.decode() for name in _ATTRIBUTE.findall(block, start, stop))
    # A single group would give strings instead of tuples; no such element is real.
    return names if len(set(names)) == len(names) and len(names) > 1 else None


@lru_cache(maxsize=64)
def _pattern(tag: str, layout: tuple[str, ...], *, body: bool) -> re.Pattern[bytes]:
    attributes = "".join(rf'\s+{re.escape(name)}="([^"<&]*)"' for name in layout)
    # With a body: two more groups, the outline and whether there is a closing tag.
    ending = r"\s*(?:/>|>([^<&]*)(</Spot\s*>))" if body else r"\s*>"
    return re.compile(rf"<{tag}{attributes}{ending}".encode())
