"""A TrackMate file, read piece by piece: whole blocks of spots and of tracks, and the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Finds whole blocks between two positions, as (begin, end).
Split = Callable[[bytes, int, int], Iterator[tuple[int, int]]]


@dataclass(frozen=True)
class Section:
    """An element that consists of blocks.

    Parameters
    ----------
    tag : str
    split : callable
        Finds blocks.
    take : callable
        Takes a block, or gives False.
    is_open : callable
        Tells whether what was parsed last is the opening tag, and no comment that names it.
    """

    tag: str
    split: Split
    take: Callable[[bytes], bool]
    is_open: Callable[[], bool]


class Window:
    """The part of a file that is in memory.

    Parameters
    ----------
    pieces : iterator of bytes
        The file.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.data = b""

    def grow(self) -> bool:
        """Read on, at least as much as there is; tell whether there was more."""
        read = [self.data]
        size = 0
        for piece in self._pieces:
            read.append(piece)
            size += len(piece)
            if size >= len(self.data):
                break
        self.data = b"".join(read)
        return size > 0

    def drop(self, size: int) -> None:
        """Forget what is done."""
        self.data = self.data[size:]


def feed(window: Window, parse: Callable[[bytes, bool], object], *sections: Section) -> None:
    """Give a parser a whole file, but for the blocks that are taken; `sections` in their order."""
    for section in sections:
        if _feed_opening(window, parse, f"<{section.tag}".encode()) and section.is_open():
            _feed_blocks(window, parse, section)
    while window.data or window.grow():
        parse(window.data, False)
        window.data = b""
    parse(b"", True)


def _feed_opening(window: Window, parse: Callable[[bytes, bool], object], tag: bytes) -> bool:
    """Parse up to and with an opening tag; give False where there is none."""
    while True:
        begin = window.data.find(tag)
        stop = window.data.find(b">", begin) + 1 if begin >= 0 else 0
        # of a tag that is not there yet there may be the beginning
        done = stop if stop or begin >= 0 else max(len(window.data) - len(tag), 0)
        parse(window.data[:done], False)
        window.drop(done)
        if stop:
            return True
        if not window.grow():
            return False


def _feed_blocks(window: Window, parse: Callable[[bytes, bool], object], section: Section) -> None:
    """Take the blocks of a section up to something unknown; parse those that are not taken."""
    closing = f"</{section.tag}>".encode()
    while True:
        end = window.data.find(closing)
        position = 0
        for begin, stop in section.split(window.data, 0, len(window.data) if end < 0 else end):
            if window.data[position:begin].strip():  # unknown elements, or comments
                window.drop(position)
                return
            if not section.take(window.data[begin:stop]):
                parse(window.data[position:stop], False)
            position = stop
        window.drop(position)
        if end >= 0 or not window.grow():
            return
