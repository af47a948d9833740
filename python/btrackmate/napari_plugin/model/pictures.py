"""Plots of the selected tracks, for the window and for files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from btrackmate.analysis import align_to_divisions, average_over_mothers, make_tracklets_table
from btrackmate.core.files import write_atomically
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import check_ending
from btrackmate.core.spots import Spots
from btrackmate.napari_plugin.model.curves import Curve, find_curves
from btrackmate.napari_plugin.model.session import MOST_IN_TREE, Session
from btrackmate.report.plots import COLOURS, GREEN, RED, draw_band, label_feature, say_n

_DARK, _LIGHT = "#262930", "#d0d4da"
_DISTANCE = "boundary_distance"
#: Frames before and after a division whose values are averaged.
_ALIGNED = 10
_NOTHING = "Select a track: click on a cell,\na branch or a row of the table"


class _Painted(Figure):
    """A figure whose axes have its colours."""

    ink = "black"

    def add_subplot(self, *where: Any, **options: Any) -> Any:
        """Add axes."""
        axis: Any = super().add_subplot(*where, **options)
        axis.set_facecolor(self.get_facecolor())
        for side in axis.spines.values():
            side.set_color(self.ink)
        axis.tick_params(colors=self.ink, labelsize=7)
        for label in (axis.xaxis.label, axis.yaxis.label, axis.title):
            label.set_color(self.ink)
            label.set_fontsize(8)
        return axis


def make_figure(width: float, height: float, *, dark: bool) -> Figure:
    """Make a figure, sizes in inches, in the colours of the window (dark) or of paper."""
    paper = _DARK if dark else "white"
    figure = _Painted(figsize=(width, height), layout="constrained", facecolor=paper, dpi=90)
    figure.ink = _LIGHT if dark else "black"
    return figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, SVG or PDF, with the colours that it has.

    Raises
    ------
    UserError
        If the name has another ending.
    """
    check_ending(path, ".png", ".svg", ".pdf", needed=True)
    with write_atomically(path) as temporary:
        form = path.suffix[1:].lower()
        figure.savefig(temporary, format=form, facecolor=figure.get_facecolor())
    return path


def choose_feature(names: list[str]) -> str:
    """Choose the feature that is plotted first."""
    wanted = ("mean_intensity_ch1", _DISTANCE, "volume", "z")
    return next((one for one in wanted if one in names), names[0])


def draw_plot(figure: Figure, session: Session, kind: str, feature: str) -> list[Curve]:
    """Draw a plot of the selected tracks into an empty figure.

    Parameters
    ----------
    figure : Figure
    session : Session
    kind : str
        One of `PLOTS`.
    feature : str
        Of the spots; some plots need none.

    Returns
    -------
    list of Curve
        Curves whose points a click may select in the first axes.
    """
    return PLOTS[kind](figure, session, feature)


def _say(figure: Figure, words: str) -> list[Curve]:
    axis = figure.add_subplot()
    axis.set_axis_off()
    axis.text(0.5, 0.5, words, ha="center", va="center", color=_ink(figure),
              transform=axis.transAxes)  # fmt: skip
    return []


def _ink(figure: Figure) -> str:
    return str(getattr(figure, "ink", "black"))


def _draw_courses(figure: Figure, session: Session, name: str) -> list[Curve]:
    """Draw a feature over time, and the spectrum of each tracklet."""
    curves = find_curves(session, name)
    if not curves:
        return _say(figure, _NOTHING)
    spots = session.opened.graph.spots
    size = spots.calibration
    first, second = (figure.add_subplot(2, 1, row) for row in (1, 2))
    for number, curve in enumerate(curves):
        colour = COLOURS[:-1][number % (len(COLOURS) - 1)]
        role = "mother" if curve.is_mother else "daughter"
        first.plot(curve.frame * size.dt, curve.values, "-o", ms=3, lw=1.2, color=colour,
                   label=f"track {curve.track}, {role}")  # fmt: skip
        frequency, power = curve.spectrum(size.dt)
        if frequency.size:
            second.plot(frequency, power, "-o", ms=3, lw=1, color=colour)
    _mark_selected(first, session, curves)
    first.set(xlabel=f"time ({size.time_unit})", ylabel=label_feature(name, spots))
    second.set(xlabel=f"frequency (1/{size.time_unit})", ylabel="power")
    if not second.lines:
        second.text(0.5, 0.5, "no tracklet has four values", ha="center", color=_ink(figure),
                    transform=second.transAxes)  # fmt: skip
    if len(curves) <= len(COLOURS):
        first.legend(fontsize=6, frameon=False, labelcolor=_ink(figure))
    return curves


def _draw_ends(figure: Figure, session: Session, name: str) -> list[Curve]:
    """Mark where tracklets start and end: mothers green, daughters red."""
    curves = find_curves(session, name)
    if not curves:
        return _say(figure, _NOTHING)
    size = session.opened.graph.spots.calibration
    axis = figure.add_subplot()
    for curve, colour, label in _by_role(curves, ": ○ start, ■ end"):
        y, x = curve.points[:, -2], curve.points[:, -1]
        axis.plot(x, y, lw=0.8, color=colour, alpha=0.6)
        axis.plot(x[:1], y[:1], "o", ms=6, mfc="none", color=colour, label=label)
        axis.plot(x[-1:], y[-1:], "s", ms=5, color=colour)
    axis.set(xlabel=f"x ({size.space_unit})", ylabel=f"y ({size.space_unit})")
    axis.set_aspect("equal", "datalim")
    axis.invert_yaxis()
    axis.legend(fontsize=7, frameon=False, labelcolor=_ink(figure))
    return []


def _draw_boundary(figure: Figure, session: Session, name: str) -> list[Curve]:
    """Draw the distance to the tissue's surface over time: mothers green, daughters red."""
    if _DISTANCE not in session.opened.graph.spots.features:
        words = "The spots have no distance to the boundary:\nbtrackmate measure … --mask FILE"
        return _say(figure, words)
    curves = find_curves(session, _DISTANCE)
    if not curves:
        return _say(figure, _NOTHING)
    size = session.opened.graph.spots.calibration
    axis = figure.add_subplot()
    for curve, colour, label in _by_role(curves, ""):
        axis.plot(
            curve.frame * size.dt, curve.values, "-o", ms=3, lw=1.2, color=colour, label=label
        )
    axis.axhline(0, color=_ink(figure), lw=0.8, ls=":")
    _mark_selected(axis, session, curves)
    axis.set(xlabel=f"time ({size.time_unit})",
             ylabel=f"distance to the boundary, inside + ({size.space_unit})")  # fmt: skip
    axis.legend(fontsize=7, frameon=False, labelcolor=_ink(figure))
    return curves


def _draw_aligned(figure: Figure, session: Session, name: str) -> list[Curve]:
    """Average a feature around divisions, of the selected tracks, else of those in the table."""
    graph = _cut_out(session, name)
    tracklets = make_tracklets_table(graph)
    table = align_to_divisions(graph, tracklets, [name], _ALIGNED)
    size = graph.spots.calibration
    if not len(table):
        return _say(figure, "None of these tracks divides")
    means = average_over_mothers(table, "value", size.dt)
    axis = figure.add_subplot()
    columns = ("time_from_division", "mean", "ci_low", "ci_high")
    for part, colour, label in (
        (means[means["lag"] <= 0], GREEN, "mother"),
        (means[means["lag"] > 0], RED, "mean of the daughters"),
    ):
        draw_band(axis, part, columns, colour, label)
    axis.axvline(0, color=_ink(figure), lw=0.8, ls=":")
    axis.set(xlabel=f"time from the mother's last frame ({size.time_unit})",
             ylabel=label_feature(name, graph.spots))  # fmt: skip
    n = table["mother"].nunique()
    say_n(axis, f"{n} divisions, band: 95 %" if n > 2 else f"{n} divisions")
    axis.legend(fontsize=7, frameon=False, labelcolor=_ink(figure))
    return []


def _draw_tree(figure: Figure, session: Session, name: str) -> list[Curve]:
    """Draw the lineage tree as it is in the inspector."""
    found = session.tree()
    if not found.rows.size:
        return _say(figure, "There are no tracks")
    colours = session.colouring.map(session.values(session.colouring.feature, found.rows))
    places = np.column_stack((found.x, found.frame))
    lines = np.stack((places[found.source], places[found.target]), axis=1)
    axis = figure.add_subplot()
    axis.add_collection(LineCollection(list(lines), colors=colours[found.target], linewidths=1.2))
    axis.plot(*places.T, alpha=0)  # for the limits
    axis.invert_yaxis()
    axis.set(ylabel="frame", xticks=[])
    return []


#: Plots that can be drawn, by the name that a person chooses.
PLOTS: dict[str, Callable[[Figure, Session, str], list[Curve]]] = {
    "course and spectrum": _draw_courses,
    "start and end": _draw_ends,
    "distance to the boundary": _draw_boundary,
    "average around divisions": _draw_aligned,
    "lineage tree": _draw_tree,
}
#: Those that show no more than `MOST_TRACKS` tracks.
OF_FEW = ("course and spectrum", "start and end", "distance to the boundary")


def _by_role(curves: list[Curve], more: str) -> list[tuple[Curve, str, str | None]]:
    """Give each curve its colour, and the first of each role a label."""
    found, named = [], set[str]()
    for curve in curves:
        role, colour = ("mother", GREEN) if curve.is_mother else ("daughter", RED)
        found.append((curve, colour, None if role in named else f"{role}{more}"))
        named.add(role)
    return found


def _mark_selected(axis: Axes, session: Session, curves: list[Curve]) -> None:
    dt = session.opened.graph.spots.calibration.dt
    for curve in curves:
        at = np.flatnonzero(curve.spots == session.spot)
        axis.plot(curve.frame[at] * dt, curve.values[at], "o", ms=9, mfc="none", mec="#d0a000")


def _cut_out(session: Session, feature: str) -> TrackGraph:
    """Give the selected tracks, else the first of the table, as they are now, with a feature."""
    scene, base = session.scene, session.opened.graph.spots
    tracks = np.array(session.tracks or session.table.first(MOST_IN_TREE), np.int64)
    rows = scene.rows_of(tracks)
    table = pd.DataFrame({"id": scene.id[rows], "frame": scene.frame[rows]})
    points = scene.points[rows]
    for number, axis in enumerate(("x", "y", "z")):
        table[axis] = points[:, -1 - number] if number < scene.ndim else 0.0
    table[feature] = session.values(feature, rows)
    spots = Spots.from_table(
        table,
        base.calibration,
        ndim=base.ndim,
        n_frames=base.n_frames,
        searched=base.searched,
    )
    source, target = scene.links_of(rows)
    return TrackGraph.from_ids(spots, scene.id[source], scene.id[target])


def draw_view(
    picture: NDArray[np.uint8], lines: NDArray[np.float64], colours: NDArray[np.float32]
) -> Figure:
    """Draw a picture of the view with the tracks above it as lines, a pixel a point.

    Parameters
    ----------
    picture : (height, width, 3) ndarray of uint8
    lines : (n, 2, 2) ndarray of float
        Ends of lines, x and y in pixels.
    colours : (n, 4) ndarray of float
        RGBA.
    """
    height, width = picture.shape[:2]
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.imshow(picture, extent=(0, width, height, 0), interpolation="nearest")
    axis.add_collection(LineCollection(list(lines), colors=colours, linewidths=1.5))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.set_axis_off()
    return figure
