"""Writing the small tree around the spots and links as text."""

from collections.abc import Callable, Iterable, Iterator
from gzip import GzipFile
from io import TextIOWrapper
from typing import IO, Any
from xml.etree.ElementTree import Comment, Element, ProcessingInstruction

from btrackmate.core.errors import UserError

#: Levels of elements in a file; TrackMate's have six.
MOST_LEVELS = 200
#: What XML 1.0 cannot hold, whatever the escape, and what stands for it.
_ILLEGAL = {
    code: chr(code).encode("unicode_escape").decode("ascii")
    for code in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)
}
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;",
     "\t": "&#9;"}
)  # fmt: skip

#: A text, or one that is UTF-8 already.
Piece = str | memoryview
#: Writes the content of one element at a given depth, as lines that end with a newline.
Content = Callable[[], Iterator[Piece]]


class Utf8Writer:
    """Write texts, and those that are UTF-8 already as they are, to a stream of bytes.

    Parameters
    ----------
    stream : stream of bytes
    """

    def __init__(self, stream: IO[bytes] | GzipFile) -> None:
        # What a gzipped file holds depends on the pieces that it is given: always some kilobytes.
        packed = isinstance(stream, GzipFile)
        self._text = TextIOWrapper(stream, "utf-8", newline="\n") if packed else None
        self._stream = stream

    def write(self, text: Piece) -> None:
        """Write one text."""
        if self._text is not None:
            self._text.write(text if isinstance(text, str) else str(text, "utf-8"))
        else:
            self._stream.write(text.encode("utf-8") if isinstance(text, str) else text)

    def write_all(self, pieces: Iterable[Piece]) -> None:
        """Write some texts."""
        for piece in pieces:
            self.write(piece)

    def close(self) -> None:
        """Write what is left, and close the stream."""
        if self._text is not None:
            self._text.close()
        self._stream.close()


def clean_text(text: str) -> str:
    """Show the control characters and lone surrogates that XML cannot hold as their codes."""
    cleaned = text.translate(_ILLEGAL)
    return cleaned.encode("utf-8", "backslashreplace").decode("utf-8")


def escape_text(text: str) -> str:
    """Escape element text; a carriage return is kept as a reference."""
    return clean_text(text).translate(_TEXT)


def escape_attribute(text: str) -> str:
    """Escape an attribute value for double quotes; line breaks are kept as references."""
    return clean_text(text).translate(_ATTRIBUTE)


def write_element(
    element: Element, stream: Utf8Writer, contents: dict[int, Content], depth: int = 0
) -> None:
    """Write an element with two blanks of indentation a level.

    Parameters
    ----------
    element : Element
        Tree to write.
    stream : Utf8Writer
        Where to.
    contents : dict from id(element) to function
        Elements whose content is generated instead of walked.
    depth : int
        Level of `element`.
    """
    if depth > MOST_LEVELS:
        msg = f"an element {element.tag!r} lies more than {MOST_LEVELS} levels deep; no TrackMate "
        msg += "file is nested so deeply"
        raise UserError(msg)
    indent = "  " * depth
    tag: Any = element.tag
    if tag is Comment or tag is ProcessingInstruction:
        opening, closing = ("<!--", "-->") if tag is Comment else ("<?", "?>")
        stream.write(f"{indent}{opening}{element.text or ''}{closing}\n")
        return
    head = "".join(f' {key}="{escape_attribute(v)}"' for key, v in element.attrib.items())
    text = element.text or ""
    generator = contents.get(id(element))
    if generator is None and len(element) == 0:
        ending = f">{escape_text(text)}</{element.tag}>\n" if text else " />\n"
        stream.write(f"{indent}<{element.tag}{head}{ending}")
        return
    stream.write(f"{indent}<{element.tag}{head}>")
    stream.write(escape_text(text) if text.strip() else "\n")
    if generator is not None:
        stream.write_all(generator())
    for child in element:
        write_element(child, stream, contents, depth + 1)
        if child.tail and child.tail.strip():
            stream.write(escape_text(child.tail))
    stream.write(f"{indent}</{element.tag}>\n")
