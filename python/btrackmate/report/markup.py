"""Pieces of HTML: sections, tables, pictures."""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from btrackmate.io.csv_formulas import guard_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Longest table that is put into the page as a file, bytes.
_MOST_DOWNLOAD = 2_000_000


def make_section(title: str, body: str) -> str:
    """Make a section; nothing where the body is empty."""
    return f"<section><h2>{title}</h2>{body}</section>" if body else ""


def make_table(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Make a table; numbers are aligned."""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(map(_make_cell, row))}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _make_cell(value: Any) -> str:
    kind = " class=num" if _is_number(value) else ""
    return f"<td{kind}>{html.escape(format_value(value))}</td>"


def make_download(table: pd.DataFrame, name: str) -> str:
    """Make a link to a table that lies in the page itself; nothing where it is too long."""
    text = guard_table(table).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    data = text.encode("utf-8")
    if len(data) > _MOST_DOWNLOAD:
        return ""
    code = base64.b64encode(data).decode("ascii")
    safe = html.escape(name, quote=True)
    return f'<a download="{safe}" href="data:text/csv;base64,{code}">{safe}</a>'


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float):
        return True
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def format_value(value: Any) -> str:
    """Write a value with four digits; a missing one as a dash."""
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}" if not float(value).is_integer() else f"{value:g}"
    return str(value)


def embed_svg(figure: "Figure", title: str) -> str:
    """Put a plot into the page as SVG; the same plot gives the same bytes."""
    import matplotlib as mpl

    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "btrackmate"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return _embed(stream.getvalue(), "image/svg+xml", title)


def embed_png(figure: "Figure", title: str) -> str:
    """Put a picture into the page at its own resolution."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return _embed(stream.getvalue(), "image/png", title)


def _embed(content: bytes, kind: str, title: str) -> str:
    code = base64.b64encode(content).decode("ascii")
    return f'<img alt="{html.escape(title)}" src="data:{kind};base64,{code}">'
