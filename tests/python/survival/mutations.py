"""Small changes to files, as a bad copy, an editor or another program make them."""

import re
from pathlib import Path

from hypothesis import strategies as st

#: What numbers are replaced by.
ODD = (
    "-1", "0", "0.5", "1e400", "-1e-400", "nan", "inf", "1e9", "99999999999999999999", "2147483648",
    "4294967296", "9223372036854775808", "1,5", "0x10", "x", "", "True", "null", "[]", "{}", "é",
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_]{3,}")

#: (kind, place from 0 to 1, another place, a number), each of which any content can take.
CHANGES = st.tuples(
    st.sampled_from(
        ("cut", "flip", "flip", "number", "number", "number", "lines", "double", "drop", "word")
        + ("insert", "gone", "empty")
    ),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 255),
)
Change = tuple[str, float, float, int]


def change(content: bytes, one: Change) -> bytes:
    """Give a changed content; "gone" is for the caller."""
    kind, place, other, number = one
    at = int(place * len(content))
    if kind == "cut":
        return content[:at]
    if kind == "empty":
        return b""
    if kind == "flip" and content:
        return content[:at] + bytes([content[at] ^ (1 << number % 8)]) + content[at + 1 :]
    if kind == "insert":
        return content[:at] + bytes([number]) * (1 + number % 9) + content[at:]
    if kind in ("number", "word"):
        return _replace_word(content, kind, place, number)
    return _change_lines(content, kind, place, other)


def _replace_word(content: bytes, kind: str, place: float, number: int) -> bytes:
    found = list((_NUMBER if kind == "number" else _WORD).finditer(content[: 1 << 16]))
    if not found:
        return content
    one = found[int(place * len(found))]
    new = ODD[number % len(ODD)].encode() if kind == "number" else one[0][::-1]
    return content[: one.start()] + new + content[one.end() :]


def _change_lines(content: bytes, kind: str, place: float, other: float) -> bytes:
    mark = b">" if b">" in content and content.count(b"\n") < 4 else b"\n"
    lines = content.split(mark)
    one, two = int(place * len(lines)), int(other * len(lines))
    if kind == "lines":
        lines[one], lines[two] = lines[two], lines[one]
    elif kind == "double":
        lines.insert(two, lines[one])
    elif kind == "drop":
        del lines[one]
    return mark.join(lines)


def damage(folder: Path, changes: list[Change]) -> None:
    """Change files below a folder, each chosen by its change's second place."""
    for one in changes:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            return
        file = files[int(one[2] * 997) % len(files)]
        if one[0] == "gone":
            file.unlink()
        else:
            file.write_bytes(change(file.read_bytes(), one))
