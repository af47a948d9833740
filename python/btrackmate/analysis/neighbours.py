"""Neighbours of cells: how many, how near, how often they change, and the nearest relative."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from btrackmate.analysis.paths import sum_by
from btrackmate.analysis.sampling import Bools, Floats
from btrackmate.analysis.tracklets import Ints
from btrackmate.core.graph import TrackGraph

#: Neighbours are nearer than this many times the median distance to the nearest one.
_REACH = 1.8


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Neighbours of every spot.

    Parameters
    ----------
    reach : float
        Largest distance of neighbours, in the space unit.
    first, second : (m,) ndarray of int
        Rows of each pair of neighbours; ``first < second``, sorted.
    number : (n,) ndarray of int
        Neighbours of each spot.
    nearest, relative : (n,) ndarray of float
        Distance to the nearest cell, and to the nearest one of the same track, in the same frame;
        NaN where there is none.
    kept, lost, gained : (n,) ndarray of int
        From each spot to its successor in the next frame: neighbours that are neighbours again
        (themselves or a daughter), that are no longer, though still tracked, and new ones that were
        tracked before. 0 where the cell itself is not seen in the next frame, or divides.
    """

    reach: float
    first: Ints
    second: Ints
    number: Ints
    nearest: Floats
    relative: Floats
    kept: Ints
    lost: Ints
    gained: Ints


def find_neighbours(graph: TrackGraph, reach: float | None = None) -> Neighbours:
    """Find the neighbours of every spot.

    Parameters
    ----------
    graph : TrackGraph
    reach : float, optional
        Largest distance between centres, in the space unit; by default 1.8 times the median
        distance to the nearest cell.
    """
    n = len(graph.spots)
    nearest, relative = _find_nearest(graph)
    if reach is None:
        known = nearest[np.isfinite(nearest)]
        reach = _REACH * float(np.median(known)) if known.size else 0.0
    first, second = _find_pairs(graph, reach)
    number = np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
    kept, lost, gained = _follow_pairs(graph, first, second)
    return Neighbours(reach, first, second, number, nearest, relative, kept, lost, gained)


def make_neighbours_table(
    graph: TrackGraph, tracklets: pd.DataFrame, found: Neighbours
) -> pd.DataFrame:
    """Make a table of neighbours, one row a tracklet.

    Returns
    -------
    DataFrame
        track, tracklet; mean_neighbours, mean_nearest_distance, mean_relative_distance (to the
        nearest cell of the same track; NaN if there was none); kept, lost, gained (neighbours, from
        one frame to the next); exchange_rate: lost / (kept + lost) per time unit.
    """
    chosen = np.isin(graph.tracklet, tracklets.index.to_numpy())
    group = np.searchsorted(tracklets.index.to_numpy(), graph.tracklet[chosen])
    count = len(tracklets)

    def average(values: Floats) -> Floats:
        known = np.bincount(group[np.isfinite(values[chosen])], minlength=count)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(known > 0, sum_by(group, values[chosen], count) / known, np.nan)

    kept, lost, gained = (
        np.bincount(group, one[chosen], minlength=count).astype(np.int64)
        for one in (found.kept, found.lost, found.gained)
    )
    return pd.DataFrame(
        {
            "track": tracklets["track"].to_numpy(),
            "tracklet": tracklets.index.to_numpy(),
            "mean_neighbours": average(found.number.astype(np.float64)),
            "mean_nearest_distance": average(found.nearest),
            "mean_relative_distance": average(found.relative),
            "kept": kept,
            "lost": lost,
            "gained": gained,
            "exchange_rate": _rate(kept, lost, graph.spots.calibration.dt),
        }
    )


def make_crowding_table(
    graph: TrackGraph, found: Neighbours, chosen: Bools | None = None
) -> pd.DataFrame:
    """Make a table of neighbours over time, one row a frame with cells.

    Parameters
    ----------
    graph : TrackGraph
    found : Neighbours
    chosen : (n,) ndarray of bool, optional
        Spots that count, all by default; their neighbours may be any.

    Returns
    -------
    DataFrame
        frame, time, n_cells, mean_neighbours, median_nearest_distance, exchange_rate (from this
        frame to the next, per time unit).
    """
    spots = graph.spots
    table = pd.DataFrame(
        {"frame": spots.frame, "number": found.number, "nearest": found.nearest,
         "kept": found.kept, "lost": found.lost}
    )  # fmt: skip
    table = table if chosen is None else table[chosen]
    frames = table.groupby("frame")
    sums = frames[["kept", "lost"]].sum()
    dt = spots.calibration.dt
    return pd.DataFrame(
        {
            "frame": sums.index,
            "time": sums.index * dt,
            "n_cells": frames.size().to_numpy(),
            "mean_neighbours": frames["number"].mean().to_numpy(),
            "median_nearest_distance": frames["nearest"].median().to_numpy(),
            "exchange_rate": _rate(sums["kept"].to_numpy(), sums["lost"].to_numpy(), dt),
        }
    )


def _rate(kept: Ints, lost: Ints, dt: float) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(kept + lost > 0, lost / (kept + lost) / dt, np.nan)


def _find_nearest(graph: TrackGraph) -> tuple[Floats, Floats]:
    """Give the distance to the nearest cell, and to the nearest one of the same track."""
    from scipy.spatial import cKDTree

    spots, track = graph.spots, graph.track
    nearest, relative = np.full((2, len(spots)), np.nan)
    offsets, place = spots.frame_offsets, spots.positions
    far = 4 * float(np.ptp(place, axis=0).sum()) + 1 if len(spots) else 1.0
    for t in spots.occupied_frames:
        rows = slice(offsets[t], offsets[t + 1])
        if offsets[t + 1] - offsets[t] < 2:
            continue
        here = place[rows]
        nearest[rows] = cKDTree(here).query(here, k=2)[0][:, 1]
        linked = np.flatnonzero(track[rows] >= 0)
        if linked.size < 2:
            continue
        # tracks are put far apart along a fourth axis: the nearest other is one of the same track
        apart = np.column_stack([here[linked], far * track[rows][linked]])
        distance = cKDTree(apart).query(apart, k=2)[0][:, 1]
        relative[offsets[t] + linked] = np.where(distance < far / 2, distance, np.nan)
    return nearest, relative


def _find_pairs(graph: TrackGraph, reach: float) -> tuple[Ints, Ints]:
    from scipy.spatial import cKDTree

    offsets, place = graph.spots.frame_offsets, graph.spots.positions
    parts = [np.empty((0, 2), np.int64)]
    for t in graph.spots.occupied_frames:
        here = place[offsets[t] : offsets[t + 1]]
        if len(here) > 1 and reach > 0:
            pairs = cKDTree(here).query_pairs(reach, output_type="ndarray")
            parts.append(pairs.astype(np.int64) + offsets[t])
    pairs = np.concatenate(parts)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[order, 0], pairs[order, 1]


def _follow_pairs(graph: TrackGraph, first: Ints, second: Ints) -> tuple[Ints, Ints, Ints]:
    """Count for each spot the neighbours that are kept, lost and gained in the next frame."""
    n = len(graph.spots)
    frame = graph.spots.frame
    close = frame[graph.target] - frame[graph.source] == 1
    source, target = graph.source[close], graph.target[close]
    n_after = np.bincount(source, minlength=n)
    n_before = np.bincount(target, minlength=n)
    after, before = np.full(n, -1), np.full(n, -1)
    after[source], before[target] = target, source
    single = (n_after == 1) & (graph.out_degree == 1)
    both = np.concatenate([first, second]), np.concatenate([second, first])
    keys = np.sort(both[0] * n + both[1])

    # forward: cells that go on, and neighbours that go on or divide (then any daughter will do)
    cell, other = (one[single[both[0]] & (n_after[both[1]] > 0)] for one in both)
    begin = np.searchsorted(source, other)
    stays = np.zeros(cell.size, np.bool_)
    for k in range(int(n_after.max(initial=0))):
        has = n_after[other] > k
        daughter = target[np.where(has, begin + k, 0)] if target.size else np.empty(0, np.int64)
        stays |= has & _contains(keys, after[cell] * n + daughter)
    kept = np.bincount(cell[stays], minlength=n)
    lost = np.bincount(cell[~stays], minlength=n)

    # backward: neighbours of the successor that were tracked before, but no neighbours
    late, new = (one[(n_before[both[0]] == 1) & (n_before[both[1]] > 0)] for one in both)
    cell = before[late]
    going = single[cell]
    cell, was = cell[going], before[new[going]]
    gained = np.bincount(cell[(was != cell) & ~_contains(keys, cell * n + was)], minlength=n)
    return kept, lost, gained


def _contains(keys: Ints, wanted: Ints) -> Bools:
    """Tell which numbers are among ascending ones."""
    if not keys.size:
        return np.zeros(wanted.size, np.bool_)
    at = np.searchsorted(keys, wanted).clip(max=keys.size - 1)
    return np.asarray(keys[at] == wanted)
