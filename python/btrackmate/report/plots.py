"""What the plots of the analysis share: sizes, colours, labels with units, lines with bands."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from btrackmate.core.schema import find_column
from btrackmate.core.spots import Spots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Told apart with every kind of colour vision (Okabe and Ito, 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Mothers and daughters, as in the paper; circles and triangles tell them apart too.
GREEN, RED = "#009E73", "#D55E00"
#: Groups that one plot can hold.
MAX_GROUPS = 7


def new_figure(
    width: float, height: float, columns: int = 1, rows: int = 1
) -> "tuple[Figure, Sequence[Axes]]":
    """Make a figure of columns × rows plots, row by row; the size of one in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained", dpi=150)
    axes: Any = figure.subplots(rows, columns, squeeze=False)
    flat = list(axes.ravel())
    for axis in flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        for label in (axis.xaxis.label, axis.yaxis.label):
            label.set_fontsize(8)
    return figure, flat


def show_plainly(figure: "Figure") -> None:
    """Show names that hold $ as they stand; matplotlib would typeset what is between two."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        content = text.get_text()
        if "$" in content and not content.startswith(r"$\mathdefault"):  # Its own, of log axes.
            text.set_parse_math(False)


def label_feature(name: str, spots: Spots) -> str:
    """Give the name and unit of a feature of spots for an axis; in 2D a volume is an area."""
    column = find_column(name)
    if column is None:
        return name.replace("_", " ")
    column = column.in_space(spots.ndim)
    unit = column.unit(spots.calibration)
    for power, sign in (("^2", "²"), ("^3", "³")):
        unit = unit.replace(power, sign)
    return f"{column.label} ({unit})" if unit else column.label


def list_groups(table: pd.DataFrame) -> list[str]:
    """List the groups of a table that a plot shows: all, or the groups themselves."""
    names = [str(name) for name in table["group"].unique()] if len(table) else []
    others = [name for name in names if name != "all"]
    return others[:MAX_GROUPS] if others else names


def draw_band(
    axis: "Axes", table: pd.DataFrame, columns: tuple[str, str, str, str], colour: str, label: str
) -> None:
    """Draw a line and its band; `columns` are x, y, low and high."""
    x, y, low, high = (table[name].to_numpy(np.float64) for name in columns)
    axis.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axis.plot(x, y, color=colour, lw=1.5, marker="o", ms=2.5, label=label)


def add_legend(axis: "Axes", **options: Any) -> None:
    """Add a legend without a frame, where there is something to name."""
    if axis.get_legend_handles_labels()[1]:
        axis.legend(frameon=False, fontsize=7, **options)


def say_n(axis: "Axes", text: str) -> None:
    """Write how many there are above a plot."""
    axis.set_title(text, fontsize=8, loc="right", color="0.35")
