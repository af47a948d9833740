"""Edge and track features with TrackMate's keys and rules, and the table of tracks."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import TRACK_FEATURES
from btrackmate.core.scratch import cut_rows, fill_array, make_array, take_rows

FloatArray = NDArray[np.float64]
Features = dict[str, FloatArray]

#: Track features that count something.
_COUNTS = {"n_spots", "n_divisions", "n_merges", "n_complex", "n_gaps", "longest_gap"}


def compute_edge_features(graph: TrackGraph) -> Features:
    """Compute TrackMate's edge features, each (m,), in the order of the graph's links.

    Returns
    -------
    dict from key to (m,) ndarray
        DISPLACEMENT (space unit), SPEED (space / time unit), EDGE_TIME (time unit),
        EDGE_X/Y/Z_LOCATION (space unit): half-way between the two spots;
        DIRECTIONAL_CHANGE_RATE (radians / time unit): angle between this displacement and the one
        that leads to the source, over the time step; NaN where the source has not exactly one
        predecessor. VELOCITY is SPEED under the name that it had before TrackMate 7.

    References
    ----------
    TrackMate 8.1.6, fiji.plugin.trackmate.features.edges
    """
    names = (
        "DIRECTIONAL_CHANGE_RATE", "SPEED", "DISPLACEMENT", "EDGE_TIME",
        "EDGE_X_LOCATION", "EDGE_Y_LOCATION", "EDGE_Z_LOCATION",
    )  # fmt: skip
    features: Features = {name: make_array(graph.n_links, np.float64) for name in names}
    time, link_into = _time(graph), _find_links_into(graph)
    for links in cut_rows(graph.n_links):
        source, target = graph.source[links], graph.target[links]
        begin, end = graph.spots.place(source), graph.spots.place(target)
        dt, step = time[target] - time[source], end - begin
        length = np.sqrt((step**2).sum(axis=1))
        features["DISPLACEMENT"][links] = length
        with np.errstate(divide="ignore", invalid="ignore"):
            features["SPEED"][links] = length / np.abs(dt)
            angle = _turning_angle(graph, link_into[source], step)
            features["DIRECTIONAL_CHANGE_RATE"][links] = angle / dt
        features["EDGE_TIME"][links] = 0.5 * (time[source] + time[target])
        for axis, letter in enumerate("XYZ"):
            features[f"EDGE_{letter}_LOCATION"][links] = 0.5 * (begin[:, axis] + end[:, axis])
    return {**features, "VELOCITY": features["SPEED"]}


def compute_track_features(graph: TrackGraph, edges: Features) -> Features:
    """Compute TrackMate's track features, each (n_tracks,), in the order of ``graph.track``.

    Parameters
    ----------
    graph : TrackGraph
        Spots and links.
    edges : dict
        What :func:`compute_edge_features` gives for `graph`.

    Returns
    -------
    dict from key to (n_tracks,) ndarray
        All features of TrackMate 8's track analyzers but TRACK_INDEX and TRACK_ID. NaN where a
        feature is not defined, e.g. TRACK_STD_SPEED of a track with one link.

    Notes
    -----
    The median speed is the upper median; the standard deviation divides by n − 1. Where several
    spots share the first or last time of a track (after a division), TRACK_DISPLACEMENT and what
    follows from it depend on which of them is taken. TrackMate takes the first that its set of
    the track's spots gives; that is Java's HashSet, whose order follows from the ids and the
    number of spots, and is followed here.

    References
    ----------
    TrackMate 8.1.6, fiji.plugin.trackmate.features.track
    """
    rows = np.flatnonzero(graph.track >= 0)
    member, count = take_rows(graph.track, rows), graph.n_tracks
    features = _branching(graph, rows, member, count)
    start, stop = _first_and_last(graph, rows, member, count)
    place, time = graph.spots.place, _time(graph)
    features["TRACK_DURATION"] = time[stop] - time[start]
    features["TRACK_START"] = time[start]
    features["TRACK_STOP"] = time[stop]
    features["TRACK_DISPLACEMENT"] = _distance(place(start), place(stop))
    for name in "xyz":
        values = take_rows(graph.spots.feature(name), rows)
        features[f"TRACK_{name.upper()}_LOCATION"] = _mean(member, values, count)
    features |= _speeds(graph, edges["SPEED"], count)
    features |= _quality(graph, rows, member, count)
    features |= _motility(graph, edges, features, start)
    return features


def _time(graph: TrackGraph) -> FloatArray:
    return graph.spots.feature("time")


def _find_links_into(graph: TrackGraph) -> NDArray[np.int64]:
    """Give the only link into each spot, −1 where there is not one, (n,)."""
    link_into = fill_array(len(graph.spots), -1, np.int64)
    for links in cut_rows(graph.n_links):
        target = graph.target[links]
        link_into[target] = np.where(
            graph.in_degree[target] == 1, np.arange(links.start, links.stop), -1
        )
    return link_into


def _turning_angle(graph: TrackGraph, before: NDArray[np.int64], step: FloatArray) -> FloatArray:
    """Angle between displacements and those of the links before, NaN where there is none (−1)."""
    defined = before >= 0
    links = before[defined]
    source, target = graph.source[links], graph.target[links]
    a, b, c = (graph.spots.place(target) - graph.spots.place(source)).T
    x, y, z = step[defined].T
    angle = np.full(before.size, np.nan)
    cross = np.sqrt((b * z - c * y) ** 2 + (c * x - a * z) ** 2 + (a * y - b * x) ** 2)
    # Added one by one, as in Java: the sum of three −0.0 is −0.0, which turns an angle of 0 to π.
    angle[defined] = np.arctan2(cross, a * x + b * y + c * z)
    return angle


def _branching(
    graph: TrackGraph, rows: NDArray[np.int64], member: NDArray[np.int64], count: int
) -> Features:
    earlier, later = graph.in_degree[rows], graph.out_degree[rows]
    gap = graph.spots.frame[graph.target] - graph.spots.frame[graph.source] - 1
    track_of_link = take_rows(graph.track, graph.source)
    longest = np.zeros(count)
    np.maximum.at(longest, track_of_link, gap)
    return {
        "NUMBER_SPOTS": _count(member, count),
        "NUMBER_GAPS": _count(track_of_link[gap > 0], count),
        "NUMBER_SPLITS": _count(member[(earlier <= 1) & (later > 1)], count),
        "NUMBER_MERGES": _count(member[(later <= 1) & (earlier > 1)], count),
        "NUMBER_COMPLEX": _count(member[(later > 1) & (earlier > 1)], count),
        "LONGEST_GAP": longest,
    }


def _first_and_last(
    graph: TrackGraph, rows: NDArray[np.int64], member: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the spots with the lowest and the highest time of each track, in Java's order."""
    time, ids = _time(graph)[rows], graph.spots.id[rows]
    bucket = _java_bucket(ids, np.bincount(member, minlength=count)[member])
    ends = []
    for signed in (time, -time):
        best = np.full(count, np.inf)
        np.fmin.at(best, member, signed)
        # the few at the end of their track; among these the order counts
        last = np.flatnonzero(~(signed > best[member]))
        order = last[np.lexsort((ids[last], bucket[last], signed[last], member[last]))]
        first = np.searchsorted(member[order], np.arange(count))
        ends.append(rows[order[first]])
    return ends[0], ends[1]


def _java_bucket(ids: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bucket of a spot id in a Java HashSet that holds `size` spots.

    The hash of an id is id XOR (id >>> 16); the table has 16 buckets and doubles when it is more
    than three quarters full (java.util.HashMap).
    """
    capacity = 2 ** np.ceil(np.log2(np.maximum(size / 0.75, 16))).astype(np.int64)
    return (ids ^ (ids >> 16)) & (capacity - 1)


def _speeds(graph: TrackGraph, speed: FloatArray, count: int) -> Features:
    track_of_link = take_rows(graph.track, graph.source)
    order = np.argsort(speed)  # NaN last; then by track, which is quicker than both at once
    ordered = speed[order[np.argsort(track_of_link[order], kind="stable")]]
    n = np.bincount(track_of_link, minlength=count)
    begin = np.cumsum(n) - n
    mean = _mean(track_of_link, speed, count)
    squares = np.bincount(track_of_link, (speed - mean[track_of_link]) ** 2, minlength=count)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(squares / (n - 1))
    return {
        "TRACK_MEAN_SPEED": mean,
        "TRACK_MAX_SPEED": ordered[begin + n - 1],
        "TRACK_MIN_SPEED": ordered[begin],
        "TRACK_MEDIAN_SPEED": ordered[begin + n // 2],
        "TRACK_STD_SPEED": deviation,
    }


def _quality(
    graph: TrackGraph, rows: NDArray[np.int64], member: NDArray[np.int64], count: int
) -> Features:
    if "quality" not in graph.spots.table:
        return {}
    return {"TRACK_MEAN_QUALITY": _mean(member, graph.spots.feature("quality")[rows], count)}


def _motility(
    graph: TrackGraph, edges: Features, features: Features, first: NDArray[np.int64]
) -> Features:
    track_of_link, count = take_rows(graph.track, graph.source), first.size
    total: FloatArray = np.bincount(track_of_link, edges["DISPLACEMENT"], minlength=count).astype(
        np.float64
    )
    farthest = np.zeros(count)
    for links in cut_rows(graph.n_links):
        track, spots = track_of_link[links], graph.spots
        away = _distance(spots.place(first[track]), spots.place(graph.target[links]))
        np.maximum.at(farthest, track, away)
    net, duration = features["TRACK_DISPLACEMENT"], features["TRACK_DURATION"]
    turning = edges["DIRECTIONAL_CHANGE_RATE"]
    known = ~np.isnan(turning)
    with np.errstate(divide="ignore", invalid="ignore"):
        straight = net / duration
        return {
            "TOTAL_DISTANCE_TRAVELED": total,
            "MAX_DISTANCE_TRAVELED": farthest,
            "CONFINEMENT_RATIO": net / total,
            "MEAN_STRAIGHT_LINE_SPEED": straight,
            "LINEARITY_OF_FORWARD_PROGRESSION": straight / features["TRACK_MEAN_SPEED"],
            "MEAN_DIRECTIONAL_CHANGE_RATE": _mean(track_of_link[known], turning[known], count),
        }


def _count(member: NDArray[Any], count: int) -> FloatArray:
    return np.bincount(member, minlength=count).astype(np.float64)


def _mean(member: NDArray[Any], values: FloatArray, count: int) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.bincount(member, values, minlength=count) / np.bincount(member, minlength=count)


def _distance(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.sqrt(((a - b) ** 2).sum(axis=1))  # type: ignore[no-any-return]


def make_tracks_table(graph: TrackGraph, ids: NDArray[np.int64] | None = None) -> pd.DataFrame:
    """Make a table of tracks, divisions included, one row each.

    Parameters
    ----------
    graph : TrackGraph
        n tracks; a spot without links belongs to none.
    ids : (n,) ndarray of int, optional
        Ids of the tracks, e.g. TrackMate's; 0 … n−1 as in :meth:`TrackGraph.spots_table` if left
        out.

    Returns
    -------
    DataFrame
        track; first_frame, last_frame; n_tracklets; n_generations (tracklets in the
        longest line of descent); then
        the features that track filters know, by the names that they have there: times (duration,
        start, stop) in the time unit, lengths in the space unit, speeds in space / time unit,
        directional_change in radians / time unit. A feature that is not defined is missing.
    """
    count = graph.n_tracks
    rows = np.flatnonzero(graph.track >= 0)
    number, frame = graph.track[rows], graph.spots.frame[rows]
    first, last = np.full(count, graph.spots.n_frames), np.zeros(count, np.int64)
    np.minimum.at(first, number, frame)
    np.maximum.at(last, number, frame)
    tracklets = graph.tracklets[graph.tracklets["track"] >= 0]
    owner = tracklets["track"].to_numpy()
    deepest = np.zeros(count, np.int64)
    np.maximum.at(deepest, owner, tracklets["generation"].to_numpy())
    table = {
        "track": np.arange(count) if ids is None else ids,
        "first_frame": first,
        "last_frame": last,
        "n_tracklets": np.bincount(owner, minlength=count),
        "n_generations": deepest + 1,
    }
    features = compute_track_features(graph, compute_edge_features(graph))
    for name, key in TRACK_FEATURES.items():
        if key in features:
            values = features[key]
            table[name] = values.astype(np.int64) if name in _COUNTS else values
    return pd.DataFrame(table)
