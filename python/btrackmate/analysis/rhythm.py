"""Rhythms of features along tracklets: dominant frequency, amplitude, phase, and how sure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from btrackmate.analysis.noise import find_null_table, find_peaks
from btrackmate.analysis.sampling import Bools, Floats, Sampling, Treatment
from btrackmate.analysis.series import Series, iterate_series, list_left_out
from btrackmate.analysis.settings import RhythmSettings
from btrackmate.analysis.tracklets import Members
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph

#: Spread of values over their size under which a series is constant.
_CONSTANT = 1e-9
_COLUMNS = (
    "track", "tracklet", "feature", "n", "missed", "duration", "method", "dominant_frequency",
    "frequency_se", "period", "power", "share", "amplitude", "amplitude_se", "phase_start",
    "phase_end", "persistence", "p_white", "p_red", "p_value", "q_value", "rhythmic",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rhythms:
    """What was found in the series of all tracklets.

    Parameters
    ----------
    table : DataFrame
        One row a tracklet and feature; see :func:`find_rhythms`.
    left_out : DataFrame
        analysis, tracklet and reason of those that could not be used.
    """

    table: pd.DataFrame
    left_out: pd.DataFrame


def make_treatment(settings: RhythmSettings, dt: float) -> Treatment:
    """Make the treatment of series sampled every `dt` time units.

    Raises
    ------
    UserError
        If the running mean is narrower than three samples.
    """
    if settings.detrend_width is None:
        return Treatment(settings.detrend, 0, settings.window)
    half = round((settings.detrend_width / dt - 1) / 2)
    if half < 1:
        msg = f"detrend_width {settings.detrend_width:g} is less than three frames of {dt:g}; give "
        msg += "a wider running mean, or detrend linear"
        raise UserError(msg)
    return Treatment(settings.detrend, 2 * half + 1, settings.window)


def find_rhythms(
    graph: TrackGraph,
    tracklets: pd.DataFrame,
    features: Sequence[str],
    settings: RhythmSettings | None = None,
) -> Rhythms:
    """Look for a rhythm in each feature of each tracklet.

    Parameters
    ----------
    graph : TrackGraph
    tracklets : DataFrame
        As :func:`btrackmate.analysis.tracklets.make_tracklets_table` gives it.
    features : sequence of str
        Columns of the spots.
    settings : RhythmSettings, optional

    Returns
    -------
    Rhythms
        Its table has: track, tracklet, feature; n (values), missed (frames without one), duration;
        method (FFT; Lomb-Scargle where frames are missing); dominant_frequency ± frequency_se
        (1 / time unit) and period of the peak that stands out most from the noise of
        `settings.noise`; power (half the squared amplitude), share (part of the variance that is
        left after detrending); amplitude ± amplitude_se; phase_start, phase_end (radians, 0 at a
        maximum) at the first and last value; persistence (correlation of neighbouring values);
        p_white, p_red: probability of a peak as high in white and in red noise; p_value: that of
        the noise of the settings; q_value: corrected over the tracklets (Benjamini–Hochberg), for
        each feature by itself; rhythmic: q_value below `settings.significance`.

        A constant series has p 1 and no frequency, like one whose spectrum has no peak.

    Raises
    ------
    UserError
        If the spots have no such feature.

    Notes
    -----
    The frequency is that of the sinusoid of least squares near the peak, and its error
    √6·σ / (π·a·T·√n), with the amplitude a, the duration T and the standard deviation σ of what is
    left: the limit for white noise around one sinusoid.
    """
    settings = settings or RhythmSettings.model_validate({})
    dt = graph.spots.calibration.dt
    treatment = make_treatment(settings, dt)
    members = Members.of(graph)
    usable: list[Series] = []
    names, left_out = [], []
    for feature in features:
        found, reasons = choose_series(graph, tracklets, feature, settings, members)
        usable += found
        names += [feature] * len(found)
        left_out.append(list_left_out(f"rhythm of {feature}", reasons))
    # All features in one go: those of a tracklet are mostly sampled alike. The matrices are small:
    # several threads would only wait for each other.
    with threadpool_limits(1, user_api="blas"):
        whole = find_rhythm_each(usable, treatment, settings, dt)
    whole.insert(0, "track", tracklets["track"].reindex(whole["tracklet"]).to_numpy())
    whole.insert(2, "feature", np.array(names, object))
    parts = [_correct(part, settings) for _, part in whole.groupby("feature", sort=False)]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(_COLUMNS))
    gone = pd.concat(left_out, ignore_index=True) if left_out else list_left_out("rhythm", [])
    return Rhythms(table[list(_COLUMNS)], gone)


def find_rhythm(
    values: Floats, dt: float, settings: RhythmSettings | None = None
) -> "pd.Series[float]":
    """Look for a rhythm in one series.

    Parameters
    ----------
    values : (n,) ndarray of float
        Every `dt` time units; NaN where one is missing.
    dt : float
    settings : RhythmSettings, optional

    Returns
    -------
    Series
        The columns of :func:`find_rhythms` from n to p_value.

    Raises
    ------
    UserError
        If there are too few values, or too many are missing.
    """
    settings = settings or RhythmSettings.model_validate({})
    values = np.asarray(values, np.float64)
    seen = np.flatnonzero(np.isfinite(values))
    part = values[seen[0] : seen[-1] + 1] if seen.size else values[:0]
    series = Series(0, 0, np.isfinite(part), part[np.isfinite(part)])
    if reason := _refuse(series, settings):
        msg = f"no rhythm can be looked for in this series: {reason}"
        raise UserError(msg)
    row = find_rhythm_each([series], make_treatment(settings, dt), settings, dt).iloc[0]
    return row.drop("tracklet")


def choose_series(
    graph: TrackGraph,
    tracklets: pd.DataFrame,
    feature: str,
    settings: RhythmSettings,
    members: Members,
) -> tuple[list[Series], list[tuple[int, str]]]:
    """Give the series that a rhythm can be looked for in, and why not in the others."""
    usable, reasons = [], []
    for series in iterate_series(graph, feature, tracklets.index.to_numpy(), members):
        reason = _refuse(series, settings)
        if reason:
            reasons.append((series.tracklet, reason))
        else:
            usable.append(series)
    return usable, reasons


def _refuse(series: Series, settings: RhythmSettings) -> str:
    """Say why a series cannot be used; nothing if it can."""
    n, span = series.values.size, series.present.size
    if n < settings.min_samples:
        return f"fewer than {settings.min_samples} values"
    if span - n > settings.max_missing * span:
        return f"more than {settings.max_missing:.0%} of the frames have no value"
    return ""


def find_rhythm_each(
    usable: list[Series], treatment: Treatment, settings: RhythmSettings, dt: float
) -> pd.DataFrame:
    """Analyse series, those sampled alike together; one row each, in their order."""
    groups: dict[bytes, list[int]] = {}
    for place, series in enumerate(usable):
        groups.setdefault(series.present.tobytes(), []).append(place)
    parts: list[dict[str, NDArray[Any]]] = []
    places: list[int] = []
    for group in groups.values():
        present = usable[group[0]].present
        values = np.stack([usable[place].values for place in group])
        parts.append(_analyse_group(present, values, treatment, settings, dt))
        places += group
    columns = [name for name in _COLUMNS if name not in ("track", "feature", "q_value", "rhythmic")]
    if not parts:
        return pd.DataFrame(columns=columns)
    order = np.argsort(places)
    found = {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
    found["tracklet"] = np.array([one.tracklet for one in usable])
    return pd.DataFrame({name: found[name] for name in columns})


def _analyse_group(
    present: Bools, values: Floats, treatment: Treatment, settings: RhythmSettings, dt: float
) -> dict[str, NDArray[Any]]:
    """Analyse series (k, n) with the same samples; columns (k,) by name."""
    sampling = Sampling(present, treatment)
    size = np.abs(values).max(axis=1)
    values = values - values.mean(axis=1, keepdims=True)
    constant = np.ptp(values, axis=1) <= _CONSTANT * size
    values[constant] = 0.0
    table = find_null_table(present, treatment)
    peaks = find_peaks(sampling, values)
    at = peaks.ratio_at if settings.noise == "red" else peaks.share_at
    found = peaks.share > 0
    fit = _fit(sampling, values, _refine(sampling, values, sampling.frequencies[at]))
    p_white = np.where(found, table.judge_white(peaks, sampling), 1.0)
    p_red = np.where(found, table.judge_red(peaks), 1.0)
    columns: dict[str, Floats] = {
        "dominant_frequency": fit.frequency / dt,
        "frequency_se": fit.frequency_se / dt,
        "period": dt / fit.frequency,
        "power": fit.amplitude**2 / 2,
        "share": fit.share,
        "amplitude": fit.amplitude,
        "amplitude_se": fit.amplitude_se,
        "phase_start": fit.phase_start,
        "phase_end": fit.phase_end,
    }
    rows: dict[str, NDArray[Any]]
    rows = {name: np.where(found, one, np.nan) for name, one in columns.items()}
    k = len(values)
    rows["n"] = np.full(k, sampling.n)
    rows["missed"] = np.full(k, sampling.span - sampling.n)
    rows["duration"] = np.full(k, (sampling.span - 1) * dt)
    method = "FFT" if sampling.n == sampling.span else "Lomb-Scargle"
    rows["method"] = np.full(k, method, object)
    rows["persistence"] = np.where(constant, np.nan, peaks.persistence)
    rows |= {"p_white": p_white, "p_red": p_red}
    rows["p_value"] = p_red if settings.noise == "red" else p_white
    return rows


def _refine(sampling: Sampling, values: Floats, frequency: Floats) -> Floats:
    """Move each series' frequency (k,) to the top of its peak, by parabolas ever narrower."""
    step = (sampling.frequencies[1] - sampling.frequencies[0]) / 2
    shift = np.repeat([-1.0, 0.0, 1.0], frequency.size)
    columns = np.tile(values.T, 3)
    for _ in range(3):
        near = np.minimum(np.tile(frequency, 3) + step * shift, 0.5)
        first, second = sampling.make_filters(near)
        power = (columns * first).sum(axis=0) ** 2 + (columns * second).sum(axis=0) ** 2
        left, middle, right = power.reshape(3, -1)
        bend = left - 2 * middle + right
        move = np.divide(left - right, 2 * bend, out=np.zeros_like(bend), where=bend < 0)
        frequency = np.minimum(frequency + step * move.clip(-1, 1), 0.5)
        step /= 4
    return frequency


@dataclass(frozen=True, eq=False)
class _Fit:
    """Sinusoids of k series, frequencies in cycles per sample."""

    frequency: Floats
    frequency_se: Floats
    share: Floats
    amplitude: Floats
    amplitude_se: Floats
    phase_start: Floats
    phase_end: Floats


def _fit(sampling: Sampling, values: Floats, frequency: Floats) -> _Fit:
    """Fit a sinusoid of each series' frequency, treated like the series, by least squares."""
    turn = 2 * np.pi * sampling.time[:, None] * frequency
    cosine, sine = sampling.operator @ np.cos(turn), sampling.operator @ np.sin(turn)
    rest = sampling.operator @ values.T
    cc, ss, cs = (cosine**2).sum(axis=0), (sine**2).sum(axis=0), (cosine * sine).sum(axis=0)
    cy, sy = (cosine * rest).sum(axis=0), (sine * rest).sum(axis=0)
    determinant = cc * ss - cs**2
    alone = determinant <= 1e-9 * cc * cc  # at the highest frequency the sine is zero everywhere
    safe = np.where(alone, 1.0, determinant)
    a = np.where(alone, cy / np.maximum(cc, 1e-300), (ss * cy - cs * sy) / safe)
    b = np.where(alone, 0.0, (cc * sy - cs * cy) / safe)
    total = (rest**2).sum(axis=0)
    left = ((rest - a * cosine - b * sine) ** 2).sum(axis=0)
    amplitude = np.hypot(a, b)
    scatter = np.sqrt(left / max(sampling.freedom - 3, 1.0))
    n, span = sampling.n, sampling.span
    with np.errstate(divide="ignore", invalid="ignore"):
        frequency_se = np.sqrt(6 / n) * scatter / (np.pi * amplitude * span)
        share = np.where(total > 0, 1 - left / total, 0.0)
    start = np.arctan2(-b, a)
    end = start + 2 * np.pi * frequency * (span - 1)
    return _Fit(
        frequency, frequency_se, share, amplitude, scatter * np.sqrt(2 / n),
        _wrap(start), _wrap(end),
    )  # fmt: skip


def _wrap(angle: Floats) -> Floats:
    """Bring angles to −π … π."""
    wrapped: Floats = (angle + np.pi) % (2 * np.pi) - np.pi
    return wrapped


def _correct(table: pd.DataFrame, settings: RhythmSettings) -> pd.DataFrame:
    """Add q values (Benjamini–Hochberg) and what they say."""
    p = table["p_value"].to_numpy(np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    q = np.empty(p.size)
    q[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(0, 1)
    return table.assign(q_value=q, rhythmic=q < settings.significance)


def compare_families(rhythms: pd.DataFrame, tracklets: pd.DataFrame) -> pd.DataFrame:
    """Put the rhythms of mothers and daughters side by side.

    Parameters
    ----------
    rhythms : DataFrame
        The table of :func:`find_rhythms`.
    tracklets : DataFrame
        As :func:`btrackmate.analysis.tracklets.make_tracklets_table` gives it.

    Returns
    -------
    DataFrame
        One row a daughter and feature whose mother's rhythm was looked for as well: feature, track,
        mother, daughter; mother_period, daughter_period, mother_q, daughter_q; phase_at_division
        (the mother's, at her last value) and phase_at_birth (the daughter's, at her first), radians
        with 0 at a maximum; sister, sister_period, sister_q (missing where there is none).
    """
    kin = tracklets[["mother", "sister"]]
    born = tracklets.index[tracklets["origin"].to_numpy() == "birth"]
    table = rhythms[rhythms["tracklet"].isin(born)].copy()
    table["mother"] = kin["mother"].loc[table["tracklet"]].to_numpy()
    table["sister"] = kin["sister"].loc[table["tracklet"]].to_numpy()
    known = rhythms[["tracklet", "feature", "period", "q_value", "phase_end"]]
    mothers, sisters = (
        known.rename(
            columns={"tracklet": relative}
            | {name: f"{relative}_{name}" for name in ("period", "q_value", "phase_end")}
        )
        for relative in ("mother", "sister")
    )
    table = table.merge(mothers, on=["mother", "feature"], how="inner")
    table = table.merge(sisters, on=["sister", "feature"], how="left")
    return pd.DataFrame(
        {
            "feature": table["feature"],
            "track": table["track"],
            "mother": table["mother"],
            "daughter": table["tracklet"],
            "mother_period": table["mother_period"],
            "daughter_period": table["period"],
            "mother_q": table["mother_q_value"],
            "daughter_q": table["q_value"],
            "phase_at_division": table["mother_phase_end"],
            "phase_at_birth": table["phase_start"],
            "sister": table["sister"],
            "sister_period": table["sister_period"],
            "sister_q": table["sister_q_value"],
        }
    ).reset_index(drop=True)
