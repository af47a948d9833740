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
from btrackmate.report.rhythm_plots import draw_families, draw_periods, draw_ridges, draw_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Features that have pictures of their own, at most.
_MOST_FEATURES = 3


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
        "fates": draw_fates(tables),
        "cycle_times": draw_cycles(tables, size),
        "periods": draw_periods(tables, size),
        "rhythm_families": draw_families(tables, size),
        "rhythm_ridges": draw_ridges(tables, size),
        "boundary_distance": draw_distances(tables, size),
        "boundary_ends": draw_ends(tables, size),
        "motility": draw_motility(tables, size, ndim),
        "divisions": draw_divisions(tables, size),
        "neighbours": draw_neighbours(tables, size),
    }
    features = list(dict.fromkeys(tables["rhythm"]["feature"]))[:_MOST_FEATURES]
    for name in features:
        found[f"series_{name}"] = draw_series(graph, tables, name, settings.rhythm)
    for name in features or ["z" if graph.spots.ndim == 3 else "y"]:
        if np.isfinite(graph.spots.feature(name)).any():
            found[f"lineages_{name}"] = draw_tree(graph, name, ids)
    return {name: figure for name, figure in found.items() if figure is not None}
