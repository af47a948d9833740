"""Mean squared displacement and velocity autocorrelation, and what is fitted to them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.analysis.motility import divide, norm, pair_steps
from btrackmate.analysis.paths import Paths, sum_by
from btrackmate.analysis.sampling import Floats
from btrackmate.analysis.tracklets import Ints

#: Groups of tracklets that are left out in turn to get the errors of fits.
_JACKKNIFE = 20


@dataclass(frozen=True, eq=False)
class LagSums:
    """Sums over pairs of places, by tracklet and lag.

    Parameters
    ----------
    tracklet : (k,) ndarray of int
    lags : (m,) ndarray of int
        In frames.
    count, total : (k, m) ndarray of float
        Pairs, and the sum of the quantity over them.
    """

    tracklet: Ints
    lags: Ints
    count: Floats
    total: Floats

    def select(self, tracklets: Ints) -> "LagSums":
        """Keep some tracklets."""
        kept = np.isin(self.tracklet, tracklets)
        return LagSums(self.tracklet[kept], self.lags, self.count[kept], self.total[kept])

    def average(self) -> tuple[Floats, Floats, Floats, Ints]:
        """Average over all pairs.

        Returns
        -------
        mean, error : (m,) ndarray of float
            Mean over the pairs, and its standard error, tracklets being the independent units
            (pairs of one tracklet are not): √(k/(k−1)·Σ (Sᵢ − mean·Nᵢ)²) / ΣNᵢ.
        pairs : (m,) ndarray of float
        tracklets : (m,) ndarray of int
        """
        pairs = self.count.sum(axis=0)
        mean = divide(self.total.sum(axis=0), pairs)
        used = (self.count > 0).sum(axis=0)
        rest = ((self.total - mean * self.count) ** 2).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(rest * used / (used - 1.0)) / pairs
        return mean, np.where(used > 1, error, np.nan), pairs, used


def choose_lags(paths: Paths, max_lag: int) -> Ints:
    """Choose the lags 1, 2, … frames: up to `max_lag`, and to the longest tracklet's."""
    if not paths.frame.size:
        return np.empty(0, np.int64)
    sizes = np.diff(np.append(paths.first, paths.frame.size))
    longest = int((paths.frame[paths.first + sizes - 1] - paths.frame[paths.first]).max(initial=0))
    return np.arange(1, min(max_lag, longest) + 1, dtype=np.int64)


def sum_squares(paths: Paths, lags: Ints) -> LagSums:
    """Sum the squared displacements over all pairs of places, by tracklet and lag.

    A pair needs a spot at both of its ends only, so that a gap takes away just the pairs that it
    would have been an end of.
    """
    group = _number(paths)
    total, count = (np.zeros((paths.first.size, lags.size)) for _ in range(2))
    for column, lag in enumerate(lags.tolist()):
        early, late = paths.find_pairs(lag)
        squares = ((paths.place[late] - paths.place[early]) ** 2).sum(axis=1)
        total[:, column] = sum_by(group[early], squares, paths.first.size)
        count[:, column] = np.bincount(group[early], minlength=paths.first.size)
    return LagSums(paths.tracklet[paths.first], lags, count, total)


def make_msd_table(sums: LagSums, dt: float) -> pd.DataFrame:
    """Make the table of mean squared displacements.

    Returns
    -------
    DataFrame
        lag (frames), time; msd ± msd_se: over all pairs of all tracklets; msd_of_tracklets: mean of
        the tracklets' own means, each counting the same; n_pairs, n_tracklets.
    """
    mean, error, pairs, used = sums.average()
    own = divide(sums.total, sums.count)
    each = divide(np.nansum(own, axis=0), used.astype(np.float64))
    return pd.DataFrame(
        {
            "lag": sums.lags,
            "time": sums.lags * dt,
            "msd": mean,
            "msd_se": error,
            "msd_of_tracklets": each,
            "n_pairs": pairs.astype(np.int64),
            "n_tracklets": used,
        }
    )


def make_tracklet_msd(sums: LagSums, dt: float) -> pd.DataFrame:
    """Make the table of each tracklet's own, time-averaged mean squared displacement.

    Returns
    -------
    DataFrame
        tracklet, lag (frames), time, msd, n_pairs; lags with no pair are left out.
    """
    row, column = np.nonzero(sums.count)
    return pd.DataFrame(
        {
            "tracklet": sums.tracklet[row],
            "lag": sums.lags[column],
            "time": sums.lags[column] * dt,
            "msd": sums.total[row, column] / sums.count[row, column],
            "n_pairs": sums.count[row, column].astype(np.int64),
        }
    )


def make_autocorrelation_table(paths: Paths, lags: Ints) -> pd.DataFrame:
    """Make the table of the velocity's autocorrelation.

    Returns
    -------
    DataFrame
        lag (frames, from 0), time; correlation ± correlation_se: mean product v(t)·v(t + lag) of
        the velocities of single steps, in (space unit / time unit)²; normalised: divided by that at
        lag 0; cosine: mean cosine of the angle between them; n_pairs, n_tracklets.
    """
    group = _number(paths)
    count = paths.first.size
    rows = []
    for lag in [0, *lags.tolist()]:
        at, first, second = pair_steps(paths, lag)
        product = (first * second).sum(axis=1)
        cosine = divide(product, norm(first) * norm(second))
        sums = LagSums(
            paths.tracklet[paths.first],
            np.array([lag]),
            np.bincount(group[at], minlength=count).astype(np.float64)[:, None],
            sum_by(group[at], product / paths.dt**2, count)[:, None],
        )
        mean, error, pairs, used = sums.average()
        seen = np.isfinite(cosine)
        middle = float(cosine[seen].mean()) if seen.any() else np.nan
        rows.append((lag, lag * paths.dt, mean[0], error[0], middle, int(pairs[0]), int(used[0])))
    names = ["lag", "time", "correlation", "correlation_se", "cosine", "n_pairs", "n_tracklets"]
    table = pd.DataFrame(rows, columns=names)
    zero = table["correlation"].iloc[0]
    normalised = table["correlation"] / zero if zero > 0 else np.nan
    table.insert(4, "normalised", normalised)
    return table


def fit_motion(sums: LagSums, dt: float, ndim: int, n_fit: int) -> pd.DataFrame:
    """Fit anomalous diffusion and a persistent random walk to the mean squared displacement.

    Parameters
    ----------
    sums : LagSums
        Of :func:`sum_squares`.
    dt : float
    ndim : int
        Space dimensions.
    n_fit : int
        Lags that are used, from 1.

    Returns
    -------
    DataFrame
        model, parameter, value, error, unit ("space²/time^α", "time" or "space/time"), fit_from and
        fit_to (time unit), n_lags, n_tracklets. NaN where there are too few lags or nothing moves.
        Errors are those of a jackknife over tracklets (up to 20 groups).

    Notes
    -----
    Anomalous diffusion: MSD = 2·d·D·t^α, a straight line of log MSD over log t, weighted by the
    number of pairs. Persistent random walk (Fürth): MSD = 2·S²·P·(t − P·(1 − e^(−t/P))), speed S,
    persistence time P; weights 1 / MSD², times the number of pairs. Error of position adds a
    constant to the MSD, which makes α and P smaller than they are.

    References
    ----------
    .. [1] R. Fürth, "Die Brownsche Bewegung bei Berücksichtigung einer Persistenz der
       Bewegungsrichtung", Zeitschrift für Physik 2 (1920) 244–256, doi:10.1007/BF01328731
    """
    used = sums.lags <= n_fit
    time = sums.lags[used] * dt
    count, total = sums.count[:, used], sums.total[:, used]
    whole = _fit_both(time, count.sum(axis=0), total.sum(axis=0), ndim)
    moving = np.flatnonzero(count.any(axis=1))
    groups = np.array_split(np.random.default_rng(0).permutation(moving), _JACKKNIFE)
    groups = [one for one in groups if one.size]
    error = np.full(4, np.nan)
    if len(groups) > 1:
        parts = np.stack(
            [
                _fit_both(
                    time,
                    count.sum(axis=0) - count[one].sum(axis=0),
                    total.sum(axis=0) - total[one].sum(axis=0),
                    ndim,
                )
                for one in groups
            ]
        )
        factor = (len(groups) - 1) / len(groups)
        error = np.sqrt(factor * ((parts - parts.mean(axis=0)) ** 2).sum(axis=0))
    names = (
        ("anomalous diffusion", "exponent", ""),
        ("anomalous diffusion", "diffusion_coefficient", "space²/time^α"),
        ("persistent random walk", "speed", "space/time"),
        ("persistent random walk", "persistence_time", "time"),
    )
    span = (time[0], time[-1]) if time.size else (np.nan, np.nan)
    rows = [
        (*name, value, spread, *span, time.size, moving.size)
        for name, value, spread in zip(names, whole, error, strict=True)
    ]
    table = pd.DataFrame(
        rows,
        columns=["model", "parameter", "unit", "value", "error", "fit_from", "fit_to", "n_lags",
                 "n_tracklets"],
    )  # fmt: skip
    return table


def _fit_both(time: NDArray[Any], count: Floats, total: Floats, ndim: int) -> Floats:
    """Give α, D, S and P, NaN where they cannot be fitted."""
    msd = divide(total, count)
    good = np.isfinite(msd) & (msd > 0)
    time, msd, count = time[good], msd[good], count[good]
    result = np.full(4, np.nan)
    if time.size < 2:
        return result
    weight = count / count.sum()
    log_time, log_msd = np.log(time), np.log(msd)
    mean_time, mean_msd = weight @ log_time, weight @ log_msd
    off = log_time - mean_time
    result[0] = (weight * off) @ (log_msd - mean_msd) / ((weight * off) @ off)
    result[1] = np.exp(mean_msd - result[0] * mean_time) / (2 * ndim)
    if time.size > 2:
        result[2:] = _fit_persistence(time, msd, weight)
    return result


def _fit_persistence(time: Floats, msd: Floats, weight: Floats) -> tuple[float, float]:
    """Fit Fürth's formula: S² by least squares for each P, P by a search of log P."""
    from scipy.optimize import minimize_scalar

    def shape(log_p: float) -> Floats:
        p = np.exp(log_p)
        return np.asarray(2 * p * (time + p * np.expm1(-time / p)), np.float64)

    def loss(log_p: float) -> float:
        model = shape(log_p) / msd
        scale = (weight @ model) / (weight @ model**2)
        return float(weight @ (1 - scale * model) ** 2)

    low, high = np.log(time[0] / 100), np.log(time[-1] * 100)
    grid = np.linspace(low, high, 40)
    losses = np.array([loss(one) for one in grid])
    best = int(losses.argmin())
    if best in (0, grid.size - 1):
        return np.nan, np.nan  # no turn from straight to wandering within the lags
    found = minimize_scalar(loss, bounds=(grid[best - 1], grid[best + 1]), method="bounded").x
    model = shape(found) / msd
    square = (weight @ model) / (weight @ model**2)
    return float(np.sqrt(square)), float(np.exp(found))


def _number(paths: Paths) -> Ints:
    """Give the number of each place's tracklet, 0 … k − 1."""
    sizes = np.diff(np.append(paths.first, paths.frame.size))
    return np.repeat(np.arange(paths.first.size), sizes)
