"""Spectra of series: one-sided FFT where no sample is missing, else Lomb–Scargle."""

import numpy as np

from btrackmate.analysis.sampling import Floats, Sampling, Treatment


def make_spectrum(values: Floats, dt: float, treatment: Treatment) -> tuple[Floats, Floats]:
    """Make the one-sided power spectrum of a series.

    Parameters
    ----------
    values : (n,) ndarray of float
        Samples at times 0, dt, 2·dt …; NaN where one is missing.
    dt : float
        Time between samples, in the time unit.
    treatment : Treatment
        Detrending and window.

    Returns
    -------
    frequency : (m,) ndarray of float
        In 1 / time unit, from one cycle in the whole series to 1/(2·dt).
    power : (m,) ndarray of float
        In squares of the values' unit: a sinusoid of amplitude a has a²/2 at its frequency. Zero
        everywhere for a constant series; empty if there are fewer than four samples.

    Notes
    -----
    The frequencies are k / (n·dt) with n the length of this series, whatever the length of the
    movie it is from.

    References
    ----------
    See :class:`btrackmate.analysis.sampling.Sampling` for the Lomb–Scargle case.
    """
    present = np.isfinite(values)
    seen = np.flatnonzero(present)
    if seen.size < 4:
        return np.empty(0), np.empty(0)
    part = slice(seen[0], seen[-1] + 1)
    values, sampling = values[part], Sampling(present[part], treatment)
    if sampling.n == sampling.span:
        frequency, power = _transform(sampling, values)
    else:
        # The mean is taken away before: it would only cost digits.
        sums, _ = sampling.measure_power((values - np.nanmean(values))[None, sampling.present])
        frequency, power = sampling.frequencies, sums[0] / sampling.n
        whole = frequency >= (1 - 1e-9) / sampling.span
        frequency, power = frequency[whole], power[whole]
    return frequency / dt, power


def _transform(sampling: Sampling, values: Floats) -> tuple[Floats, Floats]:
    from scipy.fft import rfft, rfftfreq

    weight = sampling.weights
    spectrum = rfft(sampling.operator @ (values - values.mean()))
    power = 2 * np.abs(spectrum) ** 2 / weight.sum() ** 2
    if values.size % 2 == 0:
        power[-1] /= 2
    return rfftfreq(values.size)[1:], power[1:]
