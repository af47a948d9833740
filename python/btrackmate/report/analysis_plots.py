"""All pictures of the analysis of one movie, by name."""

from typing import TYPE_CHECKING

import numpy as np

from btrackmate.analysis import AnalysisSettings
from btrackmate.analysis.tables import Tables
from btrackmate.analysis.tracklets import Ints
from btrackmate.core.graph import TrackGraph
from btrackmate.report.boundary_plots import draw_distances, draw_ends, draw_tree
from btrackmate.report.motility_plots import (
    draw_cycles,
    draw_divisions,
    draw_fates,
    draw_motility,
    draw_neighbours,
)
from btrackmate.report.plots import list_groups, show_plainly
from btrackmate.report.rhythm_plots import draw_families, draw_periods, draw_ridges, draw_series

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

#: Features that have pictures of their own, at most.
_MOST_FEATURES = 3
#: Letters of a group in the name of a file, at most.
_LONGEST = 60


def draw_analysis(
    graph: TrackGraph, tables: Tables, settings: AnalysisSettings, ids: Ints
) -> "dict[str, Figure]":
    """Draw all pictures that the tables have something for.

    Parameters
    ----------
    graph : TrackGraph
    tables : dict of DataFrame
        Of :func:`btrackmate.analysis.analyse_tracks`, of this graph.
    settings : AnalysisSettings
    ids : (n_tracks,) ndarray of int
        Ids of the tracks.

    Returns
    -------
    dict of Figure
        By the name of its file, in the order of the report.
    """
    size, ndim = graph.spots.calibration, graph.spots.ndim
    found = {
        **_split("fates", draw_fates, tables),
        "cycle_times": draw_cycles(tables, size),
        **_split("periods", lambda some: draw_periods(some, size), tables),
        **_split("rhythm_families", lambda some: draw_families(some, size), tables),
        **_split("rhythm_ridges", lambda some: draw_ridges(some, size), tables),
        **_split("boundary_distance", lambda some: draw_distances(some, size), tables),
        **_split("boundary_ends", lambda some: draw_ends(some, size), tables),
        "motility": draw_motility(tables, size, ndim),
        "divisions": draw_divisions(tables, graph.spots),
        "neighbours": draw_neighbours(tables, size),
    }
    features = list(dict.fromkeys(tables["rhythm"]["feature"]))[:_MOST_FEATURES]
    for name in features:
        found[f"series_{name}"] = draw_series(graph, tables, name, settings.rhythm)
    for name in features or ["z" if graph.spots.ndim == 3 else "y"]:
        if np.isfinite(graph.spots.feature(name)).any():
            found[f"lineages_{name}"] = draw_tree(graph, name, ids)
    drawn = {name: figure for name, figure in found.items() if figure is not None}
    for figure in drawn.values():
        show_plainly(figure)
    return drawn


def _split(
    name: str, draw: "Callable[[Tables], Figure | None]", tables: Tables
) -> "dict[str, Figure | None]":
    """Draw a picture of all tracklets and, where there are groups, one of each."""
    found = {name: draw(tables)}
    if "group" not in tables["tracklets"]:
        return found
    taken: set[str] = set()
    for group in list_groups(tables["tracklets"]):
        part = {
            key: table[table["group"] == group] if "group" in table else table
            for key, table in tables.items()
        }
        figure = draw(part)
        if figure is not None:
            figure.suptitle(group, fontsize=9)
            safe = name_file(group, taken)
            found[f"{name}_{safe}"] = figure
    return found


def name_file(group: str, taken: set[str]) -> str:
    """Give a group a name for a file that no other group has, in whatever case."""
    stem = "".join(c if c.isalnum() else "_" for c in group)[:_LONGEST]
    safe, number = stem, 2
    while safe.lower() in taken:
        safe, number = f"{stem}_{number}", number + 1
    taken.add(safe.lower())
    return safe
