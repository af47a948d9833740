"""Plots of the report: cells per frame, track lengths, displacements, lineages."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.report.montage import rank_tracks, track_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

#: Lineages, and their lines, that can still be read.
MAX_LINEAGES = 40
MAX_LINES = 120
#: Frames of a movie that are each drawn as a dot.
_MOST_DOTS = 10_000
_LINE_HEIGHT = 0.12  # inches
_MOST_HEIGHT = 20.0
_BLUE, _ORANGE = "#2f6f9f", "#d98032"


def draw_cells_per_frame(graph: TrackGraph, dropped: pd.DataFrame | None) -> "Figure":
    """Plot the number of tracked, unlinked and dropped cells in every frame."""
    figure, axis = new_figure(4.6, 2.8)
    lost = dropped["frame"].to_numpy() if dropped is not None else np.empty(0, np.int64)
    n_frames = graph.spots.n_frames
    frames = _shown_frames(np.concatenate((graph.spots.frame, lost)), n_frames)
    few = n_frames <= _MOST_DOTS
    in_track = graph.track >= 0
    count = _count(graph.spots.frame, frames)
    axis.plot(frames, count, color=_BLUE, marker="o" if few else "", ms=3, label="cells")
    if not in_track.all():
        unlinked = _count(graph.spots.frame[~in_track], frames)
        axis.plot(frames, unlinked, color="0.5", marker=".", ms=4, label="of these in no track")
    if lost.size:
        axis.plot(frames, _count(lost, frames), color=_ORANGE, marker=".", ms=4, label="dropped")
    span = (-0.02 * n_frames - 0.2, n_frames - 0.8 + 0.02 * n_frames)
    axis.set(xlabel="frame", ylabel="cells", ylim=(0, None), xlim=span)
    count_whole(axis.xaxis, axis.yaxis)
    if len(axis.lines) > 1:
        axis.legend(frameon=False, fontsize=8)
    return figure


def draw_track_lengths(graph: TrackGraph) -> "Figure":
    """Plot how many tracks last how many frames."""
    figure, axis = new_figure(4.6, 2.8)
    length = track_durations(graph) + 1
    bins = np.arange(0.5, max(graph.spots.n_frames, 1) + 1.5, max(1, graph.spots.n_frames // 40))
    axis.hist(length, bins=bins.tolist(), color=_BLUE, edgecolor="white", linewidth=0.5)
    axis.set(xlabel="frames from first to last spot of the track", ylabel="tracks")
    count_whole(axis.xaxis, axis.yaxis)
    return figure


def draw_displacements(graph: TrackGraph, limit: float | None) -> "Figure | None":
    """Plot how far cells move from one frame to the next, and the largest distance of a link.

    Parameters
    ----------
    graph : TrackGraph
        Links over missed frames are left out.
    limit : float or None
        Largest distance of a link, in the space unit; a line marks it.

    Returns
    -------
    Figure or None
        None where no link joins two successive frames.
    """
    steps = measure_steps(graph)
    if not steps.size:
        return None
    figure, axis = new_figure(4.6, 2.8)
    unit = graph.spots.calibration.space_unit
    top = float(steps.max()) or 1.0
    if limit is not None and limit < 4 * top:  # a limit far away would squeeze the steps
        top = max(top, limit)
    axis.hist(steps, bins=40, range=(0, top), color=_BLUE, edgecolor="white", linewidth=0.5)
    axis.set(xlabel=f"displacement between two frames ({unit})", ylabel="links")
    count_whole(axis.yaxis)
    if limit is not None and limit <= top:
        axis.axvline(limit, color=_ORANGE, lw=1.5, ls="--", label=f"linking limit {limit:.4g}")
        axis.legend(frameon=False, fontsize=8)
    elif limit is not None:
        text = f"linking limit {limit:.4g} {unit}, beyond the plot"
        axis.set_title(text, fontsize=8, loc="right")
    return figure


def measure_steps(graph: TrackGraph) -> NDArray[np.float64]:
    """Give the length of every link between two successive frames, in the space unit."""
    frame, places = graph.spots.frame, graph.spots.positions
    near = frame[graph.target] - frame[graph.source] == 1
    steps: NDArray[np.float64] = np.sqrt(
        ((places[graph.target[near]] - places[graph.source[near]]) ** 2).sum(axis=1)
    )
    return steps


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
    """Choose as many tracks as can be read, those with most divisions, then most spots.

    At least one is chosen, however many lines it has.
    """
    order = rank_tracks(graph)
    lines = count_lines(graph)
    fits = np.cumsum(lines[order] + 1) <= MAX_LINES
    fits[:1] = True
    return np.sort(order[fits][:MAX_LINEAGES])


def count_lines(graph: TrackGraph) -> NDArray[np.int64]:
    """Count the lines that each track takes: its tracklets that do not divide, (n_tracks,)."""
    tracklets = graph.tracklets
    leaf = np.ones(len(tracklets), np.bool_)
    leaf[tracklets["parent"][tracklets["parent"] >= 0]] = False
    owner = tracklets["track"].to_numpy()
    return np.bincount(owner[leaf & (owner >= 0)], minlength=graph.n_tracks).astype(np.int64)


def draw_lineages(graph: TrackGraph, ids: NDArray[np.int64] | None = None) -> "Figure | None":
    """Draw the lineage trees of the tracks that divide most; None where there are no tracks.

    Every tracklet is a horizontal line over time; a division is a vertical line. The id of each
    track stands at its start; time stands above, frames below.

    Parameters
    ----------
    graph : TrackGraph
    ids : (n_tracks,) ndarray of int, optional
        Ids of the tracks; 0 … n−1 if left out.
    """
    chosen = choose_lineages(graph)
    if not chosen.size:
        return None
    tracklets = graph.tracklets
    shown = tracklets[tracklets["track"].isin(chosen)]
    height = place_tracklets(shown)
    n_lines = int(max(height.values())) + 1
    tall = float(np.clip(1.0 + _LINE_HEIGHT * n_lines, 2.0, _MOST_HEIGHT))
    figure, axis = new_figure(10.8, tall)
    colours = dict(zip(chosen.tolist(), track_colours(chosen) * 0.85, strict=True))
    frame = graph.spots.frame
    parents, children = graph.tracklet_links
    columns = (shown.index, shown["track"], shown["start"], shown["end"], shown["parent"])
    names = np.arange(graph.n_tracks) if ids is None else ids
    for number, track, start, end, parent in zip(*(c.tolist() for c in columns), strict=True):
        y, colour = height[number], colours[track]
        axis.plot([start, end], [y, y], color=colour, lw=1.4, solid_capstyle="butt")
        if start == end:
            axis.plot([start], [y], color=colour, marker=".", ms=3)
        if parent < 0:
            axis.annotate(
                f"{names[track]}", (start, y), (-4, 0), textcoords="offset points", ha="right",
                va="center", fontsize=6.5, color=colour * 0.75, annotation_clip=False,
            )  # fmt: skip
    for parent, child in zip(parents.tolist(), children.tolist(), strict=True):
        if parent in height:
            _draw_branch(axis, graph, (parent, child), height, colours)
    last = max(int(frame.max()), 1)
    axis.set(xlabel="frame", yticks=[], xlim=(-0.03 * last, last * 1.01))
    axis.set_ylabel("track", fontsize=8)
    axis.set_ylim(n_lines + 0.5, -1.5)
    axis.spines["left"].set_visible(False)
    count_whole(axis.xaxis)
    add_time(axis, graph)
    return figure


def add_time(axis: "Axes", graph: TrackGraph) -> None:
    """Add the time above the frames, where the time step is known."""
    calibration = graph.spots.calibration
    if calibration.time_unit == "frame" and calibration.dt == 1:
        return
    functions = (partial(np.multiply, calibration.dt), partial(np.multiply, 1 / calibration.dt))
    above = axis.secondary_xaxis("top", functions=functions)
    above.set_xlabel(f"time ({calibration.time_unit})", fontsize=8)
    above.tick_params(labelsize=8)


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


def place_tracklets(table: pd.DataFrame) -> dict[int, float]:
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
    ordered = np.sort(frame)
    ends = np.searchsorted(ordered, frames, side="right")
    return ends - np.searchsorted(ordered, frames, side="left")


def _shown_frames(occupied: NDArray[np.int64], n_frames: int) -> NDArray[np.int64]:
    """List all frames; of a long movie those with cells and those beside them."""
    if n_frames <= _MOST_DOTS:
        return np.arange(n_frames)
    beside = np.unique(occupied)[:, None] + np.array([-1, 0, 1])
    return np.unique(np.clip(np.append(beside.ravel(), (0, n_frames - 1)), 0, n_frames - 1))


def count_whole(*axes: "Axis") -> None:
    """Put whole numbers on axes that count."""
    from matplotlib.ticker import MaxNLocator

    for axis in axes:
        axis.set_major_locator(MaxNLocator("auto", integer=True))


def new_figure(width: float, height: float) -> "tuple[Figure, Axes]":
    """Make a figure with one plot; sizes in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    return figure, axis
