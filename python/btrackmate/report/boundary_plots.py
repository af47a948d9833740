"""Plots of the distance to the boundary, and lineage trees coloured by any feature."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from btrackmate.analysis.boundary import DISTANCE
from btrackmate.analysis.tables import Tables
from btrackmate.analysis.tracklets import Ints
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.report.figures import add_time, choose_lineages, count_whole, place_tracklets
from btrackmate.report.plots import GREEN, RED, add_legend, label_feature, new_figure, say_n

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Lines that one plot can hold.
_MOST_LINES = 60
_ROW = 0.12  # inches a line of a lineage tree


def draw_distances(tables: Tables, calibration: Calibration) -> "Figure | None":
    """Plot the distance over time: whole tracks that do not divide, tracklets of those that do."""
    table = tables.get("boundary_distance")
    if table is None or not table[DISTANCE].notna().any():
        return None
    table = table.dropna(subset=[DISTANCE])
    kinds = [(False, "tracks without division"), (True, "tracklets of dividing tracks")]
    kinds = [kind for kind in kinds if (table["dividing"] == kind[0]).any()]
    figure, axes = new_figure(4.6, 3.0, len(kinds))
    for axis, (dividing, words) in zip(axes, kinds, strict=True):
        part = table[table["dividing"] == dividing]
        number = part.groupby("tracklet").size().sort_values(ascending=False, kind="stable")
        colours = _colour_by_role(tables["tracklets"])
        for name in number.index[:_MOST_LINES]:
            mine = part[part["tracklet"] == name]
            colour = colours.get(name, "0.4") if dividing else "#0072B2"
            axis.plot(mine["time_in_track" if dividing else "time"], mine[DISTANCE], lw=0.8,
                      alpha=0.7, color=colour)  # fmt: skip
        axis.axhline(0, color="0.4", lw=0.8, ls="--")
        since = "time since the track's start" if dividing else "time"
        axis.set(xlabel=f"{since} ({calibration.time_unit})",
                 ylabel=f"distance to the boundary ({calibration.space_unit})")  # fmt: skip
        axis.set_title(words, fontsize=8, loc="left")
        shown, total = min(_MOST_LINES, len(number)), len(number)
        say_n(axis, f"n = {total:,}" if shown == total else f"longest {shown} of {total:,}")
        if dividing:
            _name_roles(axis)
    return figure


def draw_ends(tables: Tables, calibration: Calibration) -> "Figure | None":
    """Plot where mothers (green) and daughters (red) start and end, and how distances change."""
    table = tables.get("boundary_approach")
    if table is None or not len(table):
        return None
    figure, axes = new_figure(4.6, 3.6, 2)
    shown = False
    for role, colour, marker in (("mother", GREEN, "o"), ("daughter", RED, "^")):
        part = table[table["role"].isin([role, "mother and daughter"])]
        if not len(part):
            continue
        shown = True
        for end, face in (("start", "none"), ("end", colour)):
            axes[0].scatter(part[f"{end}_x"], part[f"{end}_y"], s=18, marker=marker,
                            edgecolor=colour, facecolor=face, linewidth=0.8, alpha=0.8,
                            label=f"{role}s, {end}: n = {len(part)}")  # fmt: skip
    if not shown:
        axes[0].scatter(table["start_x"], table["start_y"], s=14, facecolor="none",
                        edgecolor="#0072B2", label=f"start: n = {len(table)}")  # fmt: skip
        axes[0].scatter(table["end_x"], table["end_y"], s=14, color="#0072B2", label="end")
    space = calibration.space_unit
    axes[0].set(xlabel=f"x ({space})", ylabel=f"y ({space})", aspect="equal")
    axes[0].invert_yaxis()
    add_legend(axes[0])
    for role, colour, marker in (("whole track", "#0072B2", "s"), ("mother", GREEN, "o"),
                                 ("daughter", RED, "^")):  # fmt: skip
        part = table[table["role"].isin([role, "mother and daughter"]) if role != "whole track"
                     else table["role"] == role]  # fmt: skip
        axes[1].scatter(part["start_distance"], part["end_distance"], s=16, marker=marker,
                        color=colour, alpha=0.7, linewidth=0,
                        label=f"{role}s: n = {len(part)}" if len(part) else None)  # fmt: skip
    values = table[["start_distance", "end_distance"]].to_numpy(float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    axes[1].plot([low, high], [low, high], color="0.6", lw=0.8)
    axes[1].set(xlabel=f"distance to the boundary at the start ({space})",
                ylabel=f"at the end ({space})")  # fmt: skip
    add_legend(axes[1])
    return figure


def draw_tree(graph: TrackGraph, feature: str, ids: Ints) -> "Figure | None":
    """Draw lineage trees with every spot in the colour of a feature; None without tracks."""
    from matplotlib.collections import LineCollection

    chosen = choose_lineages(graph)
    if not chosen.size:
        return None
    table = graph.tracklets
    shown = table[table["track"].isin(chosen)]
    height = place_tracklets(shown)
    lines = int(max(height.values())) + 1
    figure, (axis,) = new_figure(9.0, float(np.clip(1.2 + _ROW * lines, 2.0, 18.0)))
    level = pd.Series(height).reindex(range(len(table))).to_numpy()
    frame, number = graph.spots.frame, graph.tracklet
    values = graph.spots.feature(feature)
    known = np.isfinite(level[number])
    inside = known[graph.source]
    source, target = graph.source[inside], graph.target[inside]
    start = np.column_stack([frame[source], level[number[source]]])
    end = np.column_stack([frame[target], level[number[target]]])
    corner = np.column_stack([frame[source], level[number[target]]])
    paths: Any = np.stack([start, corner, end], axis=1)
    finite = values[known][np.isfinite(values[known])]
    limits = np.percentile(finite, [2, 98]) if finite.size else (0.0, 1.0)
    trees = LineCollection(paths, cmap="viridis", linewidths=2.2, capstyle="butt")
    trees.set_array(values[target])
    trees.set_clim(limits[0], limits[1])
    trees.cmap = trees.get_cmap().with_extremes(bad="0.8")
    axis.add_collection(trees)
    roots = shown[shown["parent"] < 0]
    columns = (roots.index.tolist(), roots["track"].tolist(), roots["start"].tolist())
    for root, track, first in zip(*columns, strict=True):
        axis.annotate(
            str(ids[track]), (first, level[root]), (-4, 0), textcoords="offset points", ha="right",
            va="center", fontsize=6.5, color="0.35", annotation_clip=False,
        )  # fmt: skip
    last = max(int(frame.max()), 1)
    axis.set(xlabel="frame", yticks=[], xlim=(-0.03 * last, last * 1.01),
             ylim=(lines + 0.5, -1.5), ylabel="track")  # fmt: skip
    axis.spines["left"].set_visible(False)
    count_whole(axis.xaxis)
    add_time(axis, graph)
    bar = figure.colorbar(trees, ax=axis, pad=0.01, aspect=30)
    bar.set_label(label_feature(feature, graph.spots), fontsize=8)
    bar.ax.tick_params(labelsize=7)
    axis.set_title(f"{chosen.size} of {graph.n_tracks:,} tracks", fontsize=8, loc="left",
                   color="0.35")  # fmt: skip
    return figure


def _colour_by_role(tracklets: pd.DataFrame) -> dict[int, str]:
    born = tracklets["origin"] == "birth"
    return dict(zip(tracklets["tracklet"].tolist(), np.where(born, RED, GREEN), strict=True))


def _name_roles(axis: "Axes") -> None:
    for colour, name in ((GREEN, "first mothers"), (RED, "daughters")):
        axis.plot([], [], color=colour, label=name)
    add_legend(axis)
