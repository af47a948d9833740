"""Bytes of a TrackMate file, unpacked and in pieces, and their encoding."""

import codecs
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from btrackmate.core.reading import check_plain

#: Bytes that are read at a time.
PIECE = 1 << 24
_GZIP = b"\x1f\x8b"


def read_pieces(path: Path, *, latin: bool = False) -> Iterator[bytes]:
    """Read a file piece by piece; a gzipped one is unpacked, Windows' Latin-1 is made UTF-8."""
    check_plain(path)
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if packed else file
        while piece := stream.read(PIECE):
            yield piece.decode("cp1252", "replace").encode("utf-8") if latin else piece


def is_utf8(head: bytes) -> bool:
    """Tell whether the XML declaration leaves the encoding at UTF-8."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    named = re.search(rb"""encoding=["']([^"']*)""", head)
    return named is None or named[1].lower() in (b"utf-8", b"utf8", b"us-ascii")


def decodes(block: bytes) -> bool:
    """Tell whether bytes are UTF-8."""
    if block.isascii():
        return True
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def find_encoding(path: Path) -> tuple[bool, bool]:
    """Tell whether a file says UTF-8, or nothing, and whether it then holds Windows' Latin-1."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    first = True
    for piece in read_pieces(path):
        if first and not is_utf8(piece[:200]):
            return False, False
        first = False
        if decoder.getstate()[0] or not piece.isascii():
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                return True, True
    return True, bool(decoder.getstate()[0])
