"""Distance to the tissue's boundary along tracklets: over time, at both ends, rate of approach."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.analysis.sampling import Bools, Floats
from btrackmate.analysis.series import list_left_out
from btrackmate.analysis.tracklets import Ints, Members
from btrackmate.core.graph import TrackGraph

#: Column of the spots.
DISTANCE = "boundary_distance"
#: Largest correlation of neighbouring residuals that the error of a rate is corrected for.
_MAX_CORRELATION = 0.95


def list_distances(graph: TrackGraph, tracklets: pd.DataFrame) -> pd.DataFrame:
    """List the distance to the boundary over time.

    Returns
    -------
    DataFrame
        One row a spot in a track: track, tracklet, dividing (its track has divisions), id, frame,
        time, time_in_track (since the track's first spot), boundary_distance (space unit, inside
        +, outside −, NaN where there is none).
    """
    rows = Members.of(graph).rows
    rows = rows[np.isin(graph.tracklet[rows], tracklets.index.to_numpy())]
    owner = tracklets.loc[graph.tracklet[rows]]
    start = tracklets.groupby("track")["start"].min()
    frame, dt = graph.spots.frame[rows], graph.spots.calibration.dt
    track = owner["track"].to_numpy()
    return pd.DataFrame(
        {
            "track": track,
            "tracklet": graph.tracklet[rows],
            "dividing": np.isin(track, _list_dividing(tracklets)),
            "id": graph.spots.id[rows],
            "frame": frame,
            "time": frame * dt,
            "time_in_track": (frame - start.loc[track].to_numpy()) * dt,
            DISTANCE: graph.spots.feature(DISTANCE)[rows],
        }
    )


def measure_approach(
    graph: TrackGraph, tracklets: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure where each tracklet starts and ends, and how fast it nears the boundary.

    Returns
    -------
    table : DataFrame
        One row a tracklet that has a distance: track, tracklet, role ("mother" divides, "daughter"
        was born by a division, "mother and daughter", "whole track" neither), n (distances);
        start_x, start_y, start_z, end_x, … (of its first and last spot), start_distance,
        end_distance (first and last that is known), change (end − start); rate ± rate_se (space
        unit / time unit; negative: towards the boundary, and out of the tissue), p_value (of no
        change); NaN for fewer than three distances.
    left_out : DataFrame
        analysis, tracklet and reason of those without distance or rate.

    Notes
    -----
    The rate is the slope of the line of least squares. Distances of neighbouring frames are alike,
    so that its error is taken for n·(1 − r)/(1 + r) distances, with r the correlation of
    neighbouring residuals (0 if negative, at most 0.95); p from Student's t with that many − 2.
    """
    from scipy.special import stdtr  # scipy.stats takes a second to import

    members = Members.of(graph)
    number = tracklets.index.to_numpy()
    distance, dt = graph.spots.feature(DISTANCE), graph.spots.calibration.dt
    rows = members.rows
    rows = rows[np.isfinite(distance[rows]) & np.isin(graph.tracklet[rows], number)]
    group = np.searchsorted(number, graph.tracklet[rows])
    n = np.bincount(group, minlength=number.size)
    fit = _fit_lines(group, graph.spots.frame[rows] * dt, distance[rows], number.size)
    has = n > 0
    first = np.concatenate(([0], np.cumsum(n)[:-1]))
    known = np.append(distance[rows], np.nan)
    start = np.where(has, known[np.where(has, first, -1)], np.nan)
    end = np.where(has, known[np.where(has, first + n - 1, -1)], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * stdtr(fit["freedom"].clip(min=1), -np.abs(fit["rate"] / fit["rate_se"]))
    columns = {"n": n, **_list_ends(graph, members, number)}
    columns |= {"start_distance": start, "end_distance": end, "change": end - start}
    columns |= {"rate": fit["rate"], "rate_se": fit["rate_se"], "p_value": p_value}
    table = pd.DataFrame(columns, index=tracklets.index)
    table.insert(0, "role", name_roles(tracklets))
    table.insert(0, "track", tracklets["track"])
    reasons = [(int(i), "no distance is known") for i in number[~has]]
    reasons += [(int(i), "fewer than three distances: no rate") for i in number[has & (n < 3)]]
    return table[has].reset_index(), list_left_out("boundary distance", sorted(reasons))


def name_roles(tracklets: pd.DataFrame) -> NDArray[np.object_]:
    """Name each tracklet's role at divisions: mother, daughter, both, or whole track."""
    divides = tracklets["fate"].to_numpy() == "divides"
    born = tracklets["origin"].to_numpy() == "birth"
    roles = np.where(divides, "mother", np.where(born, "daughter", "whole track")).astype(object)
    roles[divides & born] = "mother and daughter"
    return roles


def _list_dividing(tracklets: pd.DataFrame) -> Ints:
    divides = tracklets["fate"].to_numpy() == "divides"
    return np.asarray(tracklets["track"].to_numpy()[divides], np.int64)


def _list_ends(graph: TrackGraph, members: Members, number: Ints) -> dict[str, Floats]:
    place = graph.spots.positions
    ends = {"start": members.rows[members.offsets[number]],
            "end": members.rows[members.offsets[number + 1] - 1]}  # fmt: skip
    return {
        f"{end}_{axis}": place[rows, i]
        for end, rows in ends.items()
        for i, axis in enumerate("xyz"[: graph.spots.ndim])
    }


def _fit_lines(group: Ints, time: NDArray[Any], value: Floats, count: int) -> dict[str, Floats]:
    """Fit a line to each group's values: rate, rate_se and freedom, (count,) each."""

    def add(values: NDArray[Any], of: Ints = group) -> Floats:
        return np.bincount(of, values, minlength=count).astype(np.float64)

    n = np.bincount(group, minlength=count)
    many = np.maximum(n, 1)
    time = time - (add(time) / many)[group]
    value = value - (add(value) / many)[group]
    spread = add(time**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where((n > 2) & (spread > 0), add(time * value) / spread, np.nan)
        rest = value - np.nan_to_num(rate)[group] * time
        squares = add(rest**2)
        next_too: Bools = group[1:] == group[:-1]
        product = add((rest[1:] * rest[:-1])[next_too], group[1:][next_too])
        alike = np.where(squares > 0, product / squares, 0.0).clip(0, _MAX_CORRELATION)
        effective = n * (1 - alike) / (1 + alike)
        freedom = np.maximum(effective - 2, 1.0)
        rate_se = np.sqrt(squares / np.maximum(n, 1) * effective / freedom / spread)
        rate_se *= np.sqrt((1 + alike) / (1 - alike))
    return {"rate": rate, "rate_se": np.where(np.isfinite(rate), rate_se, np.nan),
            "freedom": freedom}  # fmt: skip
