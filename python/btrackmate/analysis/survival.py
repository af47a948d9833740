"""Cell-cycle times, with cells that were not seen to divide counted as long as they were seen."""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.analysis.sampling import Bools, Floats
from btrackmate.analysis.tracklets import Fate

#: How tracklets count that end without a reason: as not seen any longer, or as cycles that ended.
Lost = Literal["censored", "event"]
LOST: tuple[Lost, ...] = ("censored", "event")
#: Part by which ages, and halves of all cells, may differ as they are rounded.
_ROUNDED = 1e-9
#: Normal deviate of a two-sided 95 % interval.
_NORMAL_95 = 1.959963984540054


def estimate_survival(time: Floats, event: Bools) -> pd.DataFrame:
    """Estimate which part of cells has not divided at each age (Kaplan–Meier).

    Parameters
    ----------
    time : (n,) ndarray of float
        Age at division, or when last seen, in the time unit.
    event : (n,) ndarray of bool
        Whether it was a division.

    Returns
    -------
    DataFrame
        time, undivided (from 1 at time 0), ci_low, ci_high (95 %, NaN once all have divided),
        n_at_risk (just before), n_divided, n_censored (at this age).

    References
    ----------
    .. [1] E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", Journal
       of the American Statistical Association 53 (1958) 457–481
    .. [2] J. D. Kalbfleisch, R. L. Prentice, The Statistical Analysis of Failure Time Data, Wiley
       1980: the band, symmetric for log(−log S), with Greenwood's variance
    """
    time = _merge_ages(time)
    ages = np.concatenate(([0.0], np.unique(time)))
    at = np.searchsorted(ages, time)
    divided = np.bincount(at[event], minlength=ages.size)
    gone = np.bincount(at, minlength=ages.size)
    at_risk = time.size - np.concatenate(([0], np.cumsum(gone)[:-1]))
    undivided = np.cumprod(1 - divided / np.maximum(at_risk, 1))
    left = at_risk - divided
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(divided / (at_risk * left))
        spread = _NORMAL_95 * np.sqrt(greenwood) / np.abs(np.log(undivided))
        low, high = (undivided ** np.exp(sign * spread) for sign in (1, -1))
    whole = undivided == 1
    return pd.DataFrame(
        {
            "time": ages,
            "undivided": undivided,
            "ci_low": np.where(whole, 1.0, low),
            "ci_high": np.where(whole, 1.0, high),
            "n_at_risk": at_risk,
            "n_divided": divided,
            "n_censored": gone - divided,
        }
    )


def _merge_ages(time: Floats) -> Floats:
    """Give ages that differ by rounding alone, as of movies with other time steps, one value."""
    values, at = np.unique(time, return_inverse=True)
    if not values.size:
        return time
    starts = np.append(True, np.diff(values) > _ROUNDED * values[1:])
    merged: Floats = values[starts][np.cumsum(starts) - 1][at]
    return merged


def find_median(curve: pd.DataFrame) -> tuple[float, float, float]:
    """Find the median age at division and its 95 % interval; NaN where the curve ends before.

    References
    ----------
    .. [1] R. Brookmeyer, J. Crowley, "A confidence interval for the median survival time",
       Biometrics 38 (1982) 29–41
    """
    found = []
    for name in ("undivided", "ci_low", "ci_high"):
        below = curve.loc[curve[name] <= 0.5 + _ROUNDED, "time"]
        found.append(float(below.iloc[0]) if len(below) else np.nan)
    return found[0], found[1], found[2]


def select_cycles(tracklets: pd.DataFrame, lost: Lost) -> tuple[Floats, Bools]:
    """Select the tracklets that were born by a division: age when last seen, and whether it ended.

    Parameters
    ----------
    tracklets : DataFrame
        As :func:`btrackmate.analysis.tracklets.make_tracklets_table` gives it.
    lost : {"censored", "event"}
        How those that end without a reason count.
    """
    born = tracklets[tracklets["time_since_birth"].notna()]
    fate = born["fate"].to_numpy()
    event = fate == Fate.DIVIDES
    if lost == "event":
        event |= fate == Fate.ENDS
    return born["time_since_birth"].to_numpy(np.float64), event


def make_cycle_tables(
    tracklets: pd.DataFrame, group: NDArray[np.object_]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate cycle times in each group, once for each way to count lost cells.

    Parameters
    ----------
    tracklets : DataFrame
    group : (n_tracklets,) ndarray of str
        Group of each; groups are taken in their order in the alphabet.

    Returns
    -------
    curves : DataFrame
        group, lost_as ("censored" or "event"), and the columns of :func:`estimate_survival`.
    summary : DataFrame
        One row a group and way: n (born by a division), n_divided, n_lost (end without reason),
        n_cut_off (by the movie's end, the image border, the tissue's edge, a merge), median,
        ci_low, ci_high (time unit, NaN: not reached).
    """
    curves, rows = [], []
    for name in sorted(set(group)):
        part = tracklets[group == name]
        fates = part.loc[part["time_since_birth"].notna(), "fate"].value_counts()
        n, divided = int(fates.sum()), int(fates.get(Fate.DIVIDES, 0))
        lost_cells = int(fates.get(Fate.ENDS, 0))
        counts = (n, divided, lost_cells, n - divided - lost_cells)
        for way in LOST:
            curve = estimate_survival(*select_cycles(part, way))
            rows.append((name, way, *counts, *find_median(curve)))
            curve.insert(0, "lost_as", way)
            curve.insert(0, "group", name)
            curves.append(curve)
    names = ["group", "lost_as", "n", "n_divided", "n_lost", "n_cut_off", "median", "ci_low",
             "ci_high"]  # fmt: skip
    whole = pd.concat(curves, ignore_index=True) if curves else _no_curves()
    return whole, pd.DataFrame(rows, columns=names)


def _no_curves() -> pd.DataFrame:
    curve = estimate_survival(np.empty(0), np.empty(0, np.bool_)).iloc[:0]
    return curve.assign(group="", lost_as="")[["group", "lost_as", *curve.columns]]


def compare_groups(tracklets: pd.DataFrame, group: NDArray[np.object_]) -> pd.DataFrame:
    """Test whether groups divide at the same ages (log-rank).

    Returns
    -------
    DataFrame
        One row a way to count lost cells: lost_as, n_groups (with cells), chi2, degrees, p_value;
        NaN where there is only one group, or no division.

    References
    ----------
    .. [1] R. Peto, J. Peto, "Asymptotically efficient rank invariant test procedures", Journal of
       the Royal Statistical Society A 135 (1972) 185–207
    """
    born = tracklets["time_since_birth"].notna().to_numpy()
    rows = []
    for way in LOST:
        time, event = select_cycles(tracklets, way)
        rows.append((way, *judge_log_rank(time, event, group[born])))
    return pd.DataFrame(rows, columns=["lost_as", "n_groups", "chi2", "degrees", "p_value"])


def judge_log_rank(
    time: Floats, event: Bools, group: NDArray[np.object_]
) -> tuple[int, float, int, float]:
    """Test two groups or more; give their number, χ², degrees of freedom and p-value."""
    from scipy.special import chdtrc  # scipy.stats takes a second to import

    names, member = np.unique(group.astype(str), return_inverse=True)
    if names.size < 2 or not event.any():
        return names.size, np.nan, max(names.size - 1, 0), np.nan
    time = _merge_ages(time)
    ages = np.unique(time[event])
    one = np.eye(names.size)[member]
    at_risk = np.stack([one[time >= age].sum(axis=0) for age in ages])
    divided = np.stack([one[(time == age) & event].sum(axis=0) for age in ages])
    all_risk, all_divided = at_risk.sum(axis=1), divided.sum(axis=1)
    share = at_risk / all_risk[:, None]
    excess = (divided - share * all_divided[:, None]).sum(axis=0)
    factor = np.where(
        all_risk > 1, all_divided * (all_risk - all_divided) / np.maximum(all_risk - 1, 1), 0.0
    )
    spread = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    value = float(excess[1:] @ np.linalg.pinv(spread[1:, 1:]) @ excess[1:])
    degrees = int(np.linalg.matrix_rank(spread[1:, 1:]))
    return names.size, value, degrees, float(chdtrc(degrees, value)) if degrees else np.nan
