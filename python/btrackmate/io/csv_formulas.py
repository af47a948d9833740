"""Names and texts that others would take for something else, in tables that we write.

A column headed ``=1+1`` or ``@SUM(A:A)`` is computed by Excel and LibreOffice when the table is
opened, and a formula can start programs. An apostrophe before it makes it text. Readers take one
apostrophe away, so that names come back as they were; those that begin with one get another.

Ends of lines and control characters, with which a file is no table of lines, or no text, to
readers, are written as codes (as a backslash and n), and the log says so.
"""

import logging
import re
from collections.abc import Iterable

import pandas as pd

from btrackmate.core.errors import escape_controls

_log = logging.getLogger(__name__)

_NAME = re.compile(r"'*[=+\-@]")
#: A text such as ``+drug`` is a condition's name, and no formula that calls anything.
_TEXT = re.compile(r"'*(?:[=@]|[+\-].*[(|!])")
#: What ends a line, or is no text: control characters but the tab, halves of characters.
_UNREADABLE = re.compile("[\0-\x08\n-\x1f\x7f-\x9f\ud800-\udfff]")


def guard_names(names: Iterable[object]) -> list[str]:
    """Give what is written as the heads of columns."""
    found = [str(name) for name in names]
    shown = [_show_codes(name) for name in found]
    if shown != found:
        _warn_of_codes("names of columns")
    return [f"'{name}" if _NAME.match(name) else name for name in shown]


def read_name(text: str) -> str:
    """Give the name of a column by what is written as its head."""
    return text[1:] if text.startswith("'") and _NAME.match(text) else text


def guard_table(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table with heads and texts that are no formulas; the same where none is.

    Parameters
    ----------
    table : DataFrame
        Not changed.
    """
    names = guard_names(table.columns)
    texts = [name for name, values in table.items() if not pd.api.types.is_numeric_dtype(values)]
    changed = {name: table[name].map(_guard_text) for name in texts}
    coded = [str(name) for name in texts if table[name].map(_is_unreadable).any()]
    if coded:
        _warn_of_codes(f"texts of {', '.join(coded)}")
    return table.assign(**{str(k): v for k, v in changed.items()}).set_axis(names, axis=1)


def format_rounded(table: pd.DataFrame, digits: int = 6) -> str:
    """Write a table that people read as CSV: guarded, numbers with so many digits."""
    return guard_table(table).to_csv(index=False, float_format=f"%.{digits}g", lineterminator="\n")


def _guard_text(value: object) -> object:
    if not isinstance(value, str):
        return value
    shown = _show_codes(value)
    return f"'{shown}" if _TEXT.match(shown) else shown


def _is_unreadable(value: object) -> bool:
    return isinstance(value, str) and _UNREADABLE.search(value) is not None


def _show_codes(text: str) -> str:
    """Give a text of one line that every reader takes for text."""
    shown = _UNREADABLE.sub(lambda one: escape_controls(one[0]), text)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def _warn_of_codes(what: str) -> None:
    _log.warning("%s: ends of lines and control characters are written as codes, as \\n", what)
