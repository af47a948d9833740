"""From values to HTML: the templates, and the pictures and tables that lie in the page itself."""

import base64
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from btrackmate.io.csv_formulas import format_rounded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TEMPLATES = Path(__file__).parent / "templates"
#: Longest table that is put into the page as a file, bytes.
_MOST_DOWNLOAD = 2_000_000


@dataclass(frozen=True)
class Embedded:
    """A picture or file that lies in the page itself, as a data: address."""

    title: str
    address: str


def render(template: str, **values: Any) -> Markup:
    """Fill a template of this folder; all that is no `Markup` is escaped.

    Raises
    ------
    jinja2.UndefinedError
        If the template asks for a value that is not given.
    """
    return Markup(_environment().get_template(template).render(values))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["shown"] = format_value
    made.tests["numeric"] = _is_number
    return made


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


def embed_table(table: pd.DataFrame, name: str) -> Embedded | None:
    """Put a table into the page as a CSV file to take away; None where it is too long."""
    data = format_rounded(table).encode("utf-8")
    return _embed(data, "text/csv", name) if len(data) <= _MOST_DOWNLOAD else None


def embed_svg(figure: "Figure", title: str) -> Embedded:
    """Put a plot into the page as SVG; the same plot gives the same bytes."""
    import matplotlib as mpl

    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "btrackmate"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return _embed(stream.getvalue(), "image/svg+xml", title)


def embed_png(figure: "Figure", title: str) -> Embedded:
    """Put a picture into the page at its own resolution."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return _embed(stream.getvalue(), "image/png", title)


def _embed(content: bytes, kind: str, title: str) -> Embedded:
    return Embedded(title, f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}")
