"""Writing the small tree around the spots and links as text."""

from collections.abc import Callable, Iterator
from typing import Any, TextIO
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

#: Writes the content of one element at a given depth, as lines that end with a newline.
Content = Callable[[], Iterator[str]]


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
    element: Element, stream: TextIO, contents: dict[int, Content], depth: int = 0
) -> None:
    """Write an element with two blanks of indentation a level.

    Parameters
    ----------
    element : Element
        Tree to write.
    stream : text stream
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
        stream.writelines(generator())
    for child in element:
        write_element(child, stream, contents, depth + 1)
        if child.tail and child.tail.strip():
            stream.write(escape_text(child.tail))
    stream.write(f"{indent}</{element.tag}>\n")
