"""Bytes of a TrackMate file, unpacked, and their encoding."""

import gzip
import re
from pathlib import Path

from btrackmate.core.reading import check_plain

_GZIP = b"\x1f\x8b"


def read_bytes(path: Path) -> bytes:
    """Read a file; a gzipped one is unpacked."""
    check_plain(path)
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(_GZIP) else data


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


def as_utf8(data: bytes) -> bytes:
    """Give a file that says UTF-8, or nothing, but holds Windows' Latin-1, as UTF-8."""
    if not is_utf8(data[:200]) or decodes(data):
        return data
    return data.decode("cp1252", "replace").encode("utf-8")
