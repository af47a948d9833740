"""The list of planes in a TIFF file, walked to its end: a file that was cut off is found."""

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

#: Bytes of a value by the number of its type (TIFF 6.0, section 2; BigTIFF).
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4} | {
    16: 8, 17: 8, 18: 8
}  # fmt: skip
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES = 256, 257, 258, 259, 277
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
#: Tags that say what a plane is and where it lies. Others may be odd in files that are fine.
_NEEDED = frozenset(
    (_WIDTH, _HEIGHT, _BITS, _COMPRESSION, 262, 270, _STRIPS, _SAMPLES, 278, _STRIP_BYTES)
    + (284, 317, 322, 323, _TILES, _TILE_BYTES, 339)
)


class _Layout(NamedTuple):
    """How the file writes a list of tags: classic or BigTIFF, in its byte order."""

    order: str
    number: str
    offset: str

    @property
    def tag(self) -> struct.Struct:
        return struct.Struct(f"{self.order}HH{self.offset}{struct.calcsize(self.offset)}s")


class Walked(NamedTuple):
    """What a walk through the planes of a file found.

    Parameters
    ----------
    cut : int or None
        How many planes are whole before the first that is not; None where all that the planes name
        lies in the file.
    unwritten : int
        Planes some of whose strips or tiles were never written.
    """

    cut: int | None
    unwritten: int


def walk_planes(path: Path) -> Walked:
    """Find where a file ends too early, and what was never written.

    Parameters
    ----------
    path : Path
        A TIFF or BigTIFF file.

    Notes
    -----
    Each plane names the next one. A reader that trusts a name beyond the end of the file takes
    the planes before it for all.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        layout, at = _read_head(stream)
        seen: set[int] = set()
        unwritten = 0
        while at and at not in seen:
            page = _read_page(stream, layout, at)
            if page is None:
                return Walked(len(seen), unwritten)
            tags, following = page
            try:
                offsets, lengths = _find_data(dict(_read_values(stream, layout, tags, size)))
            except EOFError:
                return Walked(len(seen), unwritten)
            parts = list(zip(offsets, lengths, strict=False))
            if any(begin and begin + length > size for begin, length in parts):
                return Walked(len(seen), unwritten)
            unwritten += any(not begin or not length for begin, length in parts)
            seen.add(at)
            at = following
    return Walked(None, unwritten)


def _read_head(stream: IO[bytes]) -> tuple[_Layout, int]:
    """Read byte order and kind, and where the first plane's tags lie; 0 where it is no TIFF."""
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    layout = _Layout(order, "H", "I")
    if not order or len(head) < 8:
        return layout, 0
    kind, at = struct.unpack_from(f"{order}2xHI", head)
    if kind == 43 and len(head) == 16:
        return _Layout(order, "Q", "Q"), struct.unpack_from(f"{order}8xQ", head)[0]
    return layout, at if kind == 42 else 0


def _read_page(stream: IO[bytes], layout: _Layout, at: int) -> tuple[bytes, int] | None:
    """Read the tags at an offset, and the offset of the next ones; None where they are cut."""
    stream.seek(at)
    count = _unpack(layout.order + layout.number, stream)
    if count is None or count > 65_535:
        return None
    tags = stream.read(count * layout.tag.size)
    following = _unpack(layout.order + layout.offset, stream)
    if len(tags) < count * layout.tag.size or following is None:
        return None
    return tags, following


def _unpack(form: str, stream: IO[bytes]) -> int | None:
    read = stream.read(struct.calcsize(form))
    return struct.unpack(form, read)[0] if len(read) == struct.calcsize(form) else None


def _read_values(
    stream: IO[bytes], layout: _Layout, tags: bytes, size: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Read the whole numbers among the tags that are needed.

    Raises
    ------
    EOFError
        If one lies beyond the end of the file.
    """
    for name, kind, count, inside in layout.tag.iter_unpack(tags):
        if name not in _NEEDED or kind not in _SIZES:
            continue
        n_bytes = _SIZES[kind] * count
        if n_bytes > len(inside):
            at = struct.unpack(layout.order + layout.offset, inside)[0]
            if at + n_bytes > size:
                raise EOFError
            if kind not in _WHOLE:
                continue
            stream.seek(at)
            inside = stream.read(n_bytes)
        if kind in _WHOLE:
            yield name, struct.unpack_from(f"{layout.order}{count}{_WHOLE[kind]}", inside)


def _find_data(values: dict[int, tuple[int, ...]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give where a plane's strips or tiles begin, and their lengths."""
    offsets = values.get(_STRIPS) or values.get(_TILES) or ()
    lengths = values.get(_STRIP_BYTES) or values.get(_TILE_BYTES) or ()
    if values.get(_COMPRESSION, (1,)) == (1,) and _STRIPS in values and len(offsets) == 1:
        # Some programs write how long the strip could be, not how long it is.
        bits = math.prod(values.get(n, (0,))[0] for n in (_WIDTH, _HEIGHT))
        bits *= values.get(_BITS, (1,))[0] * values.get(_SAMPLES, (1,))[0]
        lengths = (min((*lengths[:1], -(-bits // 8))),)
    return offsets, lengths
