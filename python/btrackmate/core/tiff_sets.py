"""Which files an OME-TIFF consists of: one movie may lie in several that name each other."""

import html
import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO

#: How names of TIFFs end.
ENDINGS = (".tif", ".tiff", ".tf8", ".tf2", ".btf")
_DESCRIPTION = 270
#: Entries of a first directory, and bytes of a description, beyond which a file is no image.
_MOST_TAGS, _LONGEST = 4096, 1 << 28
_FILE_NAME = re.compile(rb"<(?:\w+:)?UUID\b[^>]*\bFileName\s*=\s*[\"']([^\"']*)[\"']")
#: The same with its UUID, and the UUID of the file itself.
_NAMED = re.compile(rb"<(?:\w+:)?UUID\b[^>]*\bFileName\s*=\s*[\"']([^\"']*)[\"'][^>]*>([^<]*)<")
_OWN = re.compile(rb"<(?:\w+:)?OME\b[^>]*\bUUID\s*=\s*[\"']([^\"']*)[\"']")


def list_set(path: Path) -> list[Path]:
    """List the other files that hold planes of an OME-TIFF's movie.

    Parameters
    ----------
    path : Path
        Any file; what is no OME-TIFF has none.

    Returns
    -------
    list of Path
        By name, from its folder, and there; not the file itself.

    References
    ----------
    OME schema 2016-06, attribute FileName of TiffData's UUID; TIFF 6.0, tag ImageDescription.
    """
    if not path.name.lower().endswith(ENDINGS):
        return []
    try:
        with path.open("rb") as stream:
            text = _read_description(stream)
    except (OSError, struct.error):
        return []
    names = {html.unescape(os.fsdecode(name)) for name in _FILE_NAME.findall(text)}
    others = (path.parent / name for name in sorted(names))
    return [other for other in others if other.is_file() and not other.samefile(path)]


def list_strangers(path: Path, others: Sequence[Path]) -> list[Path]:
    """List the files that an OME-TIFF names by another UUID than they have, as of another movie.

    Of `others`, which `list_set` gives. Those that state none, or that it names without, are none.

    References
    ----------
    OME schema 2016-06: attribute UUID of OME, and the text of TiffData's UUID.
    """
    if not others:
        return []
    with path.open("rb") as stream:
        told = {
            html.unescape(os.fsdecode(name)): number.strip().lower()
            for name, number in _NAMED.findall(_read_description(stream))
        }
    found = []
    for other in others:
        with other.open("rb") as stream:
            own = _OWN.search(_read_description(stream))
        named = told.get(other.relative_to(path.parent).as_posix())
        if own is not None and named and own[1].strip().lower() != named:
            found.append(other)
    return found


def _read_description(stream: IO[bytes]) -> bytes:
    """Read tag ImageDescription of the first directory; empty if there is none."""
    order = {b"II": "<", b"MM": ">"}.get(stream.read(2))
    if order is None:
        return b""
    version = _read(stream, f"{order}H")[0]
    if version not in (42, 43):
        return b""
    word, counted = ("Q", "Q") if version == 43 else ("I", "H")  # BigTIFF, TIFF
    if version == 43:
        stream.seek(8)
    stream.seek(_read(stream, order + word)[0])
    for _ in range(min(_read(stream, order + counted)[0], _MOST_TAGS)):
        tag, _, length = _read(stream, f"{order}HH{word}")
        value = stream.read(struct.calcsize(word))
        if tag == _DESCRIPTION and length <= len(value):
            return value[:length]
        if tag == _DESCRIPTION:
            stream.seek(struct.unpack(order + word, value)[0])
            return stream.read(min(length, _LONGEST))
    return b""


def _read(stream: IO[bytes], form: str) -> tuple[int, ...]:
    return struct.unpack(form, stream.read(struct.calcsize(form)))
