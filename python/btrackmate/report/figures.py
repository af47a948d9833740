"""Plots of the report: cells per frame, track lengths, lineages."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.report.montage import track_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_LINEAGES = 40
MAX_TRACKLETS = 400
_BLUE, _ORANGE = "#2f6f9f", "#d98032"


def draw_cells_per_frame(graph: TrackGraph, dropped: pd.DataFrame) -> "Figure":
    """Plot the number of tracked, unlinked and dropped cells in every frame."""
    figure, axis = _new_figure(5.2, 2.8)
    frames = np.arange(graph.spots.n_frames)
    in_track = graph.track >= 0
    count = _count(graph.spots.frame, frames)
    axis.plot(frames, count, color=_BLUE, marker="o", ms=3, label="cells")
    if not in_track.all():
        unlinked = _count(graph.spots.frame[~in_track], frames)
        axis.plot(frames, unlinked, color="0.5", marker=".", ms=4, label="of these in no track")
    if len(dropped):
        lost = _count(dropped["frame"].to_numpy(), frames)
        axis.plot(frames, lost, color=_ORANGE, marker=".", ms=4, label="dropped")
    axis.set(xlabel="frame", ylabel="cells", ylim=(0, None))
    axis.legend(frameon=False, fontsize=8)
    return figure


def draw_track_lengths(graph: TrackGraph) -> "Figure":
    """Plot how many tracks last how many frames."""
    figure, axis = _new_figure(5.2, 2.8)
    length = track_durations(graph) + 1
    bins = np.arange(0.5, max(graph.spots.n_frames, 1) + 1.5, max(1, graph.spots.n_frames // 40))
    axis.hist(length, bins=bins.tolist(), color=_BLUE, edgecolor="white", linewidth=0.5)
    axis.set(xlabel="frames from first to last spot of the track", ylabel="tracks")
    return figure


def track_durations(graph: TrackGraph) -> NDArray[np.int64]:
    """Give last − first frame of every track, (n_tracks,)."""
    linked = graph.track >= 0
    number, frame = graph.track[linked], graph.spots.frame[linked]
    first = np.full(graph.n_tracks, graph.spots.n_frames, np.int64)
    last = np.zeros(graph.n_tracks, np.int64)
    np.minimum.at(first, number, frame)
    np.maximum.at(last, number, frame)
    return last - first


def choose_lineages(graph: TrackGraph) -> NDArray[np.int64]:
    """Choose the tracks to draw: most divisions first, then most spots."""
    linked = graph.track >= 0
    spots = np.bincount(graph.track[linked], minlength=graph.n_tracks)
    divisions = np.bincount(graph.track[graph.divisions], minlength=graph.n_tracks)
    order = np.lexsort((np.arange(graph.n_tracks), -spots, -divisions))
    tracklets = graph.tracklets
    size = np.bincount(tracklets["track"][tracklets["track"] >= 0], minlength=graph.n_tracks)
    fits = np.cumsum(size[order]) <= MAX_TRACKLETS
    fits[:1] = True
    return np.sort(order[fits][:MAX_LINEAGES])


def draw_lineages(graph: TrackGraph) -> "Figure | None":
    """Draw the lineage trees of the tracks that divide most; None where there are no tracks.

    Every tracklet is a horizontal line over time; a division is a vertical line.
    """
    chosen = choose_lineages(graph)
    if not chosen.size:
        return None
    tracklets = graph.tracklets
    shown = tracklets[tracklets["track"].isin(chosen)]
    height = _place_tracklets(shown)
    n_rows = int(max(height.values())) + 1
    figure, axis = _new_figure(9.6, float(np.clip(0.9 + 0.085 * n_rows, 2.4, 16)))
    colours = dict(zip(chosen.tolist(), track_colours(chosen) * 0.85, strict=True))
    frame = graph.spots.frame
    parents, children = graph.tracklet_links
    columns = (shown.index, shown["track"], shown["start"], shown["end"])
    for number, track, start, end in zip(*(column.tolist() for column in columns), strict=True):
        y, colour = height[number], colours[track]
        axis.plot([start, end], [y, y], color=colour, lw=1.4, solid_capstyle="butt")
        if start == end:
            axis.plot([start], [y], color=colour, marker=".", ms=3)
    for parent, child in zip(parents.tolist(), children.tolist(), strict=True):
        if parent in height:
            _draw_branch(axis, graph, (parent, child), height, colours)
    axis.set(xlabel="frame", yticks=[], xlim=(-0.5, max(int(frame.max()), 1) + 0.5))
    axis.set_ylim(n_rows + 0.5, -1.5)
    axis.spines["left"].set_visible(False)
    return figure


def _draw_branch(
    axis: "Axes",
    graph: TrackGraph,
    pair: tuple[int, int],
    height: dict[int, float],
    colours: dict[int, NDArray[np.float64]],
) -> None:
    parent, child = pair
    table = graph.tracklets
    x0, x1 = int(table["end"].to_numpy()[parent]), int(table["start"].to_numpy()[child])
    colour = colours[int(table["track"].to_numpy()[child])]
    axis.plot([x0, x0, x1], [height[parent], height[child], height[child]], color=colour, lw=1.0)


def _place_tracklets(table: pd.DataFrame) -> dict[int, float]:
    """Give every tracklet a row, a mother halfway between her daughters' subtrees.

    Leaves take the next free row in depth-first order; a blank row parts the tracks.
    """
    children: dict[int, list[int]] = {}
    for number, parent in zip(table.index.tolist(), table["parent"].tolist(), strict=True):
        children.setdefault(parent, []).append(number)
    place: dict[int, float] = {}
    free, last_track = 0, -1
    for root in children.get(-1, []):
        track = int(table["track"].loc[root])
        free += int(last_track >= 0 and track != last_track)
        last_track = track
        stack = [(root, False)]
        while stack:
            number, settled = stack.pop()
            mine = children.get(number, [])
            if settled:
                place[number] = (place[mine[0]] + place[mine[-1]]) / 2
            elif mine:
                stack.append((number, True))
                stack.extend((child, False) for child in reversed(mine))
            else:
                place[number] = free
                free += 1
    return place


def _count(frame: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.bincount(frame, minlength=frames.size)[: frames.size]


def _new_figure(width: float, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    return figure, axis
