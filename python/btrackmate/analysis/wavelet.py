"""Periods over time: the ridge of a wavelet transform."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.analysis.rhythm import choose_series, make_treatment
from btrackmate.analysis.sampling import Floats, Sampling
from btrackmate.analysis.series import Series, list_left_out
from btrackmate.analysis.settings import RhythmSettings
from btrackmate.analysis.tracklets import Members
from btrackmate.core.graph import TrackGraph

#: Oscillations in the wavelet (times 1 / 2π): the compromise between time and frequency.
_OMEGA = 2 * np.pi
#: Scale of the wavelet in periods (reference 1, table 1).
_SCALE = (_OMEGA + np.sqrt(2 + _OMEGA**2)) / (4 * np.pi)
_N_PERIODS = 200


def transform(values: Floats, dt: float, periods: Floats) -> Floats:
    """Give the power of a series around each period and time, by Morlet's wavelet.

    Parameters
    ----------
    values : (n,) ndarray of float
        Every `dt` time units, detrended, none missing.
    dt : float
    periods : (m,) ndarray of float
        In the time unit, at least 2·dt.

    Returns
    -------
    (m, n) ndarray of float
        In parts of the variance: white noise has 1 on average, and more than 3 at 5 % of the
        places. Zero for a constant series.

    References
    ----------
    .. [1] C. Torrence, G. P. Compo, "A practical guide to wavelet analysis", Bulletin of the
       American Meteorological Society 79 (1998) 61–78, eq. 4 and 6, beyond the ends zeros
    """
    from scipy.fft import fft, fftfreq, ifft, next_fast_len

    variance = values.var()
    if not variance > 0:
        return np.zeros((periods.size, values.size))
    scale = _SCALE * periods / dt
    size = next_fast_len(values.size + int(np.ceil(12 * scale.max())))
    omega = 2 * np.pi * fftfreq(size)
    ahead = omega > 0
    wavelet = np.zeros((periods.size, size))
    wavelet[:, ahead] = np.exp(-((scale[:, None] * omega[ahead] - _OMEGA) ** 2) / 2)
    wavelet *= np.pi**-0.25 * np.sqrt(2 * np.pi * scale)[:, None]
    spectrum = fft(values - values.mean(), size)
    power: Floats = np.abs(ifft(spectrum * wavelet, axis=1)[:, : values.size]) ** 2 / variance
    return power


def follow_period(values: Floats, dt: float, periods: Floats | None = None) -> pd.DataFrame:
    """Follow the strongest period of a series over time.

    Parameters
    ----------
    values : (n,) ndarray of float
        Every `dt` time units, detrended; missing ones (NaN) are filled by straight lines.
    dt : float
    periods : (m,) ndarray of float, optional
        Periods to choose from, ascending; by default 200 from 2·dt to half the duration.

    Returns
    -------
    DataFrame
        One row a sample: time (from the first), period, power (see :func:`transform`), inside (the
        ends are further away than √2 scales, so that they do not matter there) and filled (there
        was no value).
    """
    missing = ~np.isfinite(values)
    time = np.arange(values.size) * dt
    if missing.any():
        values = np.interp(time, time[~missing], values[~missing])
    if periods is None:
        periods = np.linspace(2 * dt, max(values.size * dt / 2, 3 * dt), _N_PERIODS)
    power = transform(values, dt, periods)
    highest = power.argmax(axis=0)
    ridge = power[highest, np.arange(values.size)]
    period = np.where(ridge > 0, periods[highest], np.nan)
    to_end = np.minimum(time, time[-1] - time)
    return pd.DataFrame(
        {
            "time": time,
            "period": period,
            "power": ridge,
            "inside": to_end >= np.sqrt(2) * _SCALE * period,
            "filled": missing,
        }
    )


def follow_periods(
    graph: TrackGraph, tracklets: pd.DataFrame, features: Sequence[str], settings: RhythmSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow the period of features along tracklets.

    Returns
    -------
    table : DataFrame
        track, tracklet, feature, frame, time (in the movie), period, power, inside, filled.
    left_out : DataFrame
        analysis, tracklet and reason of those that could not be used.
    """
    dt = graph.spots.calibration.dt
    treatment = make_treatment(settings, dt)
    members = Members.of(graph)
    parts, left_out = [], []
    track = tracklets["track"]
    for feature in features:
        usable, reasons = choose_series(graph, tracklets, feature, settings, members)
        left_out.append(list_left_out(f"wavelet of {feature}", reasons))
        for series in usable:
            ridge = follow_period(_detrend(series, Sampling(series.present, treatment)), dt)
            frame = series.start + np.arange(len(ridge))
            start = {"track": track.loc[series.tracklet], "tracklet": series.tracklet}
            parts.append(ridge.assign(**start, feature=feature, frame=frame, time=frame * dt))
    columns = ["track", "tracklet", "feature", "frame", "time", "period", "power", "inside",
               "filled"]  # fmt: skip
    table = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    gone = pd.concat(left_out, ignore_index=True) if left_out else list_left_out("wavelet", [])
    return table, gone


def _detrend(series: Series, sampling: Sampling) -> NDArray[np.float64]:
    """Take the trend away (no window), NaN where there is no value."""
    values = np.full(series.present.size, np.nan)
    centred = series.values - series.values.mean()
    if np.ptp(centred) <= 1e-9 * np.abs(series.values).max():
        centred = np.zeros_like(centred)
    values[series.present] = (sampling.operator / sampling.weights[:, None]) @ centred
    return values
