"""Features around divisions, and sisters drifting apart: means with bands over mothers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from btrackmate.analysis.tracklets import Members
from btrackmate.core.graph import TrackGraph

_RESAMPLED = 1_000
_ENOUGH = 3


def align_to_divisions(
    graph: TrackGraph, tracklets: pd.DataFrame, features: Sequence[str], window: int
) -> pd.DataFrame:
    """List the values of features around divisions.

    Parameters
    ----------
    graph : TrackGraph
    tracklets : DataFrame
        As :func:`btrackmate.analysis.tracklets.make_tracklets_table` gives it.
    features : sequence of str
    window : int
        Frames before and after.

    Returns
    -------
    DataFrame
        One row a division, frame and feature: track, mother, feature, lag (frames from the mother's
        last spot: 0 and less are hers, more are her daughters'), time_from_division, value (mean of
        the daughters there are), n_cells.
    """
    rows = Members.of(graph).rows
    number, frame = graph.tracklet[rows], graph.spots.frame[rows]
    index = tracklets.index.to_numpy()
    end = graph.tracklets["end"].to_numpy()
    divides = tracklets["fate"].to_numpy() == "divides"
    born = tracklets["origin"].to_numpy() == "birth"
    own, mothers = np.full((2, len(graph.tracklets)), -1)
    own[index[divides]] = index[divides]
    mothers[index[born]] = tracklets["mother"].to_numpy()[born]
    parts = []
    for owner in (own, mothers):
        mother = owner[number]
        lag = frame - end[mother]
        near = (mother >= 0) & (np.abs(lag) <= window)
        parts.append((rows[near], mother[near], lag[near]))
    at, mother, lag = (np.concatenate(one) for one in zip(*parts, strict=True))
    tables = []
    for feature in features:
        values = graph.spots.feature(feature)[at]
        table = pd.DataFrame({"mother": mother, "lag": lag, "value": values}).dropna()
        means = table.groupby(["mother", "lag"])["value"].agg(["mean", "size"]).reset_index()
        means = means.rename(columns={"mean": "value", "size": "n_cells"})
        tables.append(means.assign(feature=feature))
    columns = ["track", "mother", "feature", "lag", "time_from_division", "value", "n_cells"]
    if not tables:
        return pd.DataFrame(columns=columns)
    table = pd.concat(tables, ignore_index=True)
    table["track"] = tracklets["track"].loc[table["mother"]].to_numpy()
    table["time_from_division"] = table["lag"] * graph.spots.calibration.dt
    return table[columns]


def measure_sisters(graph: TrackGraph, tracklets: pd.DataFrame) -> pd.DataFrame:
    """Measure the distance of sisters over time, as long as both are there.

    Returns
    -------
    DataFrame
        One row a pair and frame: track, mother, first, second (tracklets), frame, lag (frames from
        the mother's last spot), time_from_division, distance (space unit). Of three sisters each
        pair has its rows.
    """
    born = tracklets[tracklets["origin"].to_numpy() == "birth"]
    kin = pd.DataFrame({"mother": born["mother"], "child": born.index})
    pairs = kin.merge(kin, on="mother", suffixes=("", "_2"))
    pairs = pairs[pairs["child"] < pairs["child_2"]]
    place = pd.DataFrame(graph.spots.positions, columns=["x", "y", "z"])
    place = place.assign(tracklet=graph.tracklet, frame=graph.spots.frame)
    place = place[place["tracklet"].isin(born.index)]
    one = pairs.merge(place, left_on="child", right_on="tracklet")
    both = one.merge(
        place, left_on=["child_2", "frame"], right_on=["tracklet", "frame"], suffixes=("", "_2")
    )
    gap = both[["x", "y", "z"]].to_numpy() - both[["x_2", "y_2", "z_2"]].to_numpy()
    lag = both["frame"].to_numpy() - tracklets["end"].loc[both["mother"]].to_numpy()
    table = pd.DataFrame(
        {
            "track": tracklets["track"].loc[both["mother"]].to_numpy(),
            "mother": both["mother"],
            "first": both["child"],
            "second": both["child_2"],
            "frame": both["frame"],
            "lag": lag,
            "time_from_division": lag * graph.spots.calibration.dt,
            "distance": np.sqrt((gap**2).sum(axis=1)),
        }
    )
    return table.sort_values(["first", "second", "frame"], ignore_index=True)


def average_over_mothers(table: pd.DataFrame, value: str, dt: float, seed: int = 0) -> pd.DataFrame:
    """Average values at each lag, with a band by bootstrap over mothers.

    Parameters
    ----------
    table : DataFrame
        mother, lag, and `value`; several rows of one mother and lag are averaged first.
    value : str
        Column to average.
    dt : float
        Time unit per frame.
    seed : int

    Returns
    -------
    DataFrame
        lag, time_from_division, mean, ci_low, ci_high (95 %: percentiles of the means of 1000
        resampled sets of mothers; NaN for fewer than three mothers), n_mothers.
    """
    grid = table.pivot_table(index="mother", columns="lag", values=value, aggfunc="mean")
    lags = grid.columns.to_numpy(np.int64)
    values = grid.to_numpy(np.float64)
    known = np.isfinite(values)
    n = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=0) / np.maximum(n, 1)
    low = high = np.full(lags.size, np.nan)
    if len(values) >= _ENOUGH:
        rng = np.random.default_rng(seed)
        weight = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), _RESAMPLED)
        weight = weight.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = (weight @ filled) / (weight @ known)
        enough = n >= _ENOUGH
        low, high = np.full((2, lags.size), np.nan)
        if enough.any():
            band = np.nanpercentile(means[:, enough], [2.5, 97.5], axis=0)
            low[enough], high[enough] = band
    return pd.DataFrame(
        {"lag": lags, "time_from_division": lags * dt, "mean": mean, "ci_low": low,
         "ci_high": high, "n_mothers": n}
    )  # fmt: skip
