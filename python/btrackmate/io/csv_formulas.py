"""Names and texts that a spreadsheet would take for formulas, in tables that we write.

A column headed ``=1+1`` or ``@SUM(A:A)`` is computed by Excel and LibreOffice when the table is
opened, and a formula can start programs. An apostrophe before it makes it text. Readers take one
apostrophe away, so that names come back as they were; those that begin with one get another.
"""

import re

import pandas as pd

_NAME = re.compile(r"'*[=+\-@]")
#: A text such as ``+drug`` is a condition's name, and no formula that calls anything.
_TEXT = re.compile(r"'*(?:[=@]|[+\-].*[(|!])")


def guard_name(name: str) -> str:
    """Give what is written as the head of a column."""
    return f"'{name}" if _NAME.match(name) else name


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
    names = [guard_name(str(name)) for name in table.columns]
    texts = [name for name, values in table.items() if not pd.api.types.is_numeric_dtype(values)]
    changed = {name: table[name].map(_guard_text) for name in texts}
    return table.assign(**{str(k): v for k, v in changed.items()}).set_axis(names, axis=1)


def format_rounded(table: pd.DataFrame, digits: int = 6) -> str:
    """Write a table that people read as CSV: guarded, numbers with so many digits."""
    return guard_table(table).to_csv(index=False, float_format=f"%.{digits}g", lineterminator="\n")


def _guard_text(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and _TEXT.match(value) else value
