"""How high the peaks of a spectrum rise by chance, in white noise and in red noise."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from btrackmate.analysis.sampling import Bools, Floats, Sampling, Treatment

#: Persistences that red noise is simulated with, and those that backgrounds are tabulated for.
_SIMULATED = (-0.35, 0.985)
_TABULATED = np.linspace(-0.6, 0.99, 54)
#: Series simulated for a table: fewest, most, and multiplications that they may take.
_FEWEST, _MOST, _WORK = 5_000, 20_000, 1.2e9
#: Part of the simulated series that count as near in persistence.
_NEAR = 0.06
#: Probability below which the tail's shape is trusted more than counting, and part that fits it.
_RARE, _TAIL = 0.02, 0.1
#: Patterns of missing samples that one table is made of.
_PATTERNS = 8
#: Spans up to this have tables of their own; above, neighbours whose spans differ less than a step
#: share one.
_SHORT, _STEP = 24, 1.1
#: Missing samples up to which their number counts exactly; above, in twos.
_FEW_MISSING = 3
#: Series up to which backgrounds are made one by one.
_FEW = 6
#: Parts of the samples that are missing, for which there are tables.
_MISSING = (0.0, 0.04, 0.08, 0.13, 0.2, 0.3, 0.4, 0.5)
#: Part of the highest peak's power that others need to count; the side lobes of a single sinusoid
#: have less than half of it.
_SIDE = 0.1
_SEED = 20_260
_CHUNK = 1_000
#: Columns that are correlated at a time.
_COLUMNS = 256


@dataclass(frozen=True, eq=False)
class Peaks:
    """The highest peak of each of k spectra, by two measures, and the persistence of each series.

    Parameters
    ----------
    share, share_at : (k,) ndarray
        Part of the sum of squares (after the treatment) that the peak's sinusoid takes away, 0
        where there is no peak; and the peak's place among the frequencies.
    ratio, ratio_at : (k,) ndarray
        The peak that stands highest above the background of red noise, as a multiple of it.
    persistence : (k,) ndarray of float
        Correlation of neighbouring samples, the trend taken away.
    """

    share: Floats
    share_at: NDArray[np.int64]
    ratio: Floats
    ratio_at: NDArray[np.int64]
    persistence: Floats


def find_peaks(sampling: Sampling, values: Floats) -> Peaks:
    """Find the highest peak of the spectrum of each series.

    Parameters
    ----------
    sampling : Sampling
    values : (k, n) ndarray of float

    Notes
    -----
    A peak is higher than both of its neighbours; the highest frequency counts as one, the lowest
    does not (it is what a slow drift leaves), nor does one of less than a tenth of the highest
    one's power. The background is the power that red noise of the
    series' persistence φ (an AR(1) process, correlation φ^lag) has on average, per sum of squares,
    sampled and treated in the same way.
    """
    power, total = sampling.measure_power(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total[:, None] > 0, power / total[:, None], 0.0)
    peak = np.zeros(share.shape, np.bool_)
    peak[:, 1:] = share[:, 1:] >= share[:, :-1]
    peak[:, 1:-1] &= share[:, 1:-1] >= share[:, 2:]
    share[~peak] = 0.0
    share[share < _SIDE * share.max(axis=1, keepdims=True)] = 0.0
    persistence = measure_persistence(sampling, values)
    if len(values) > _TABULATED.size:
        step = _TABULATED[1] - _TABULATED[0]
        near = np.round((persistence - _TABULATED[0]) / step).astype(np.int64)
        near = near.clip(0, _TABULATED.size - 1)
        ratio = share / _measure_background(sampling, _TABULATED)[near]
    else:
        ratio = share / _measure_background(sampling, persistence.clip(*_TABULATED[[0, -1]]))
    rows = np.arange(len(values))
    highest, above = share.argmax(axis=1), ratio.argmax(axis=1)
    return Peaks(share[rows, highest], highest, ratio[rows, above], above, persistence)


def measure_persistence(sampling: Sampling, values: Floats) -> Floats:
    """Measure the correlation of neighbouring samples of series (k, n), the trend taken away."""
    rest = values @ sampling.line
    near = np.diff(sampling.time) == 1
    before, after = rest[:, :-1][:, near], rest[:, 1:][:, near]
    norm = np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1))
    product = (before * after).sum(axis=1)
    found: Floats = np.divide(product, norm, out=np.zeros(len(values)), where=norm > 0)
    return found


def _measure_background(sampling: Sampling, persistence: Floats) -> Floats:
    """Give the mean power of red noise per mean sum of squares; (k, n_frequencies).

    The mean of (uᵀy)² is Σ φ^lag · (autocorrelation of u at the lag); for a few series, uᵀCu with
    C the correlations φ^|lag| is faster.
    """
    if persistence.size <= _FEW:
        return np.stack([_measure_one_background(sampling, one) for one in persistence])
    powers = persistence[:, None] ** np.arange(sampling.span)
    powers[:, 1:] *= 2
    first, second = sampling.filters
    filters = _correlate(sampling, first) + _correlate(sampling, second)
    total = _correlate(sampling, sampling.operator.T).sum(axis=1)
    mean = (powers @ filters) / (powers @ total)[:, None]
    positive: Floats = np.maximum(mean, np.finfo(np.float64).tiny)
    return positive


def _measure_one_background(sampling: Sampling, persistence: float) -> Floats:
    correlation = persistence ** np.arange(sampling.span)
    correlation = correlation[np.abs(sampling.time[:, None] - sampling.time)]
    mean = sum((one * (correlation @ one)).sum(axis=0) for one in sampling.filters)
    total = float((sampling.operator * (sampling.operator @ correlation)).sum())
    positive: Floats = np.maximum(mean / total, np.finfo(np.float64).tiny)
    return positive


def _correlate(sampling: Sampling, columns: Floats) -> Floats:
    """Give the autocorrelation of columns (n, m) at the lags 0 … span − 1; (span, m)."""
    from scipy.fft import irfft, next_fast_len, rfft

    found = np.zeros((sampling.span, columns.shape[1]))
    size = next_fast_len(2 * sampling.span, real=True)
    for begin in range(0, columns.shape[1], _COLUMNS):
        some = slice(begin, begin + _COLUMNS)
        full = np.zeros((sampling.span, columns[:, some].shape[1]))
        full[sampling.time] = columns[:, some]
        spectrum = rfft(full, size, axis=0)
        lags = irfft(spectrum.real**2 + spectrum.imag**2, size, axis=0)
        found[:, some] = lags[: sampling.span]
    return found


class NullTable:
    """Peaks of many simulated series of one sampling, from which probabilities are read.

    Parameters
    ----------
    patterns : list of (span,) ndarray of bool
        Samples that are there, as many in each; the series are spread over the patterns.
    treatment : Treatment
    seed : int

    Notes
    -----
    White noise: Gaussian. Red noise: AR(1) of any persistence; a series is compared only with
    simulated ones whose *measured* persistence is near its own. Persistence and sum of squares
    are, but for the ends, sufficient statistics of an AR(1) process, so that given them its
    spectrum's shape no longer depends on the true persistence, which is not known.

    Probabilities under 0.02 follow an exponential tail, fitted to the highest tenth: of
    −ν/2·ln(1 − share) for white noise, whose single frequencies are distributed so exactly, and of
    the ratio for red noise, where it is on the safe side in short series.
    """

    def __init__(self, patterns: list[Bools], treatment: Treatment, seed: int) -> None:
        rng = np.random.default_rng(seed)
        white, red, measured = [], [], []
        for present in patterns:  # One after the other: their filters are large in long series.
            sampling = Sampling(present, treatment)
            work = 2 * sampling.n * sampling.frequencies.size
            count = int(np.clip(_WORK / work, _FEWEST, _MOST)) // len(patterns)
            for size in _split(count):
                noise = rng.standard_normal((size, sampling.n))
                white.append(_bend(find_peaks(sampling, noise).share, sampling))
            for size in _split(count):
                persistence = rng.uniform(*_SIMULATED, size)
                noise = make_red_noise(persistence, sampling.span, rng)
                found = find_peaks(sampling, noise[:, sampling.present])
                red.append(found.ratio)
                measured.append(found.persistence)
        self._white = _Tail.of(np.sort(np.concatenate(white)))
        self._split_by_persistence(np.concatenate(red), np.concatenate(measured))

    def _split_by_persistence(self, red: Floats, measured: Floats) -> None:
        """Sort the ratios of series of similar persistence, in windows that overlap by half."""
        order = np.argsort(measured, kind="stable")
        width = int(_NEAR * order.size)
        starts = np.unique(np.append(np.arange(0, order.size - width, width // 2),
                                     order.size - width))  # fmt: skip
        windows = order[starts[:, None] + np.arange(width)]
        self._centres = np.median(measured[windows], axis=1)
        self._red = [_Tail.of(one) for one in np.sort(red[windows], axis=1)]

    def judge_white(self, peaks: Peaks, sampling: Sampling) -> Floats:
        """Give the probability of a peak as high in white noise, (k,)."""
        return self._white.read(_bend(peaks.share, sampling))

    def judge_red(self, peaks: Peaks) -> Floats:
        """Give the probability of a peak as high above red noise, (k,)."""
        upper = np.searchsorted(self._centres, peaks.persistence).clip(1, self._centres.size - 1)
        low, high = self._centres[upper - 1], self._centres[upper]
        part = ((peaks.persistence - low) / (high - low)).clip(0, 1)
        result = np.zeros(len(part))
        for window in np.unique(np.concatenate([upper - 1, upper])).tolist():
            for weight, mine in ((1 - part, upper - 1 == window), (part, upper == window)):
                found = self._red[window].read(peaks.ratio[mine])
                result[mine] += weight[mine] * np.log(found)
        return np.exp(result)


def _bend(share: Floats, sampling: Sampling) -> Floats:
    """Turn shares into −ν/2·ln(1 − share), the −ln of one frequency's probability."""
    freedom = max(sampling.freedom - 2, 1.0)
    bent: Floats = -freedom / 2 * np.log1p(-np.minimum(share, 1 - 1e-15))
    return bent


@dataclass(frozen=True, eq=False)
class _Tail:
    """Probabilities of large values, from a sample in ascending order."""

    sample: Floats
    start: float
    decay: float

    @classmethod
    def of(cls, ascending: Floats) -> "_Tail":
        size = ascending.size
        base = ascending[int(size * (1 - _TAIL)) :]
        decay = max(float(base.mean() - base[0]), np.finfo(np.float64).tiny)
        return cls(ascending, float(ascending[int(size * (1 - _RARE))]), decay)

    def read(self, values: Floats) -> Floats:
        """Give the probability of values at least as large."""
        size = self.sample.size
        below = np.searchsorted(self.sample, values, side="left")
        counted = (size - below + 1) / (size + 1)
        rare = _RARE * np.exp(-np.minimum((values - self.start) / self.decay, 690.0))
        found: Floats = np.where(values > self.start, np.minimum(rare, _RARE), counted)
        return found


def make_red_noise(persistence: Floats, span: int, rng: np.random.Generator) -> Floats:
    """Simulate stationary AR(1) series of variance 1, (k, span), one of each persistence (k,)."""
    noise = rng.standard_normal((persistence.size, span))
    fresh = np.sqrt(1 - persistence**2)
    for i in range(1, span):
        noise[:, i] = persistence * noise[:, i - 1] + fresh * noise[:, i]
    return noise


def _split(count: int) -> list[int]:
    whole, rest = divmod(count, _CHUNK)
    return [_CHUNK] * whole + [rest] * (rest > 0)


def find_null_table(present: Bools, treatment: Treatment) -> NullTable:
    """Give the table for series with these samples; similar ones share a table.

    Parameters
    ----------
    present : (span,) ndarray of bool
        Which samples are there; the first and the last are.
    treatment : Treatment
    """
    span, missing = present.size, int(np.count_nonzero(~present))
    if missing > _FEW_MISSING:
        missing = _FEW_MISSING + 2 * round((missing - _FEW_MISSING) / 2)
    if span > _SHORT:
        part = min(_MISSING, key=lambda one: abs(one - missing / span))
        steps = round(float(np.log(span / _SHORT) / np.log(_STEP)))
        span = round(_SHORT * _STEP**steps)
        missing = round(part * span)
    return _make_table(span, missing, treatment)


@lru_cache(maxsize=512)
def _make_table(span: int, missing: int, treatment: Treatment) -> NullTable:
    seed = [_SEED, span, missing]
    if not missing:
        return NullTable([np.ones(span, np.bool_)], treatment, hash_seed(seed))
    rng = np.random.default_rng(seed)
    patterns = []
    for _ in range(_PATTERNS):
        present = np.ones(span, np.bool_)
        present[rng.choice(np.arange(1, span - 1), missing, replace=False)] = False
        patterns.append(present)
    return NullTable(patterns, treatment, hash_seed(seed))


def hash_seed(parts: list[int]) -> int:
    """Make one seed of several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
