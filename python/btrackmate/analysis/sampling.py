"""Evenly spaced times with gaps, and sinusoids fitted to what was sampled at them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Detrend = Literal["constant", "linear", "moving-average"]
Window = Literal["none", "hann"]

#: Frequencies looked at in each 1 / duration: a peak between two loses at most 5 % of its power.
_OVERSAMPLING = 4
#: Lowest frequency looked at, in cycles in the whole duration; a peak must lie above it.
_LOWEST = 0.5
#: Part of a sinusoid's norm that the trend must leave for it to be told from one.
_VISIBLE = 1e-5


@dataclass(frozen=True)
class Treatment:
    """What is done to a series before its spectrum is taken.

    Parameters
    ----------
    detrend : {"constant", "linear", "moving-average"}
        Take the mean, the straight line of least squares, or the running mean away.
    width : int
        Samples of the running mean, odd; near the ends it is that of the samples there are.
    window : {"none", "hann"}
        Weights of the samples.
    """

    detrend: Detrend = "linear"
    width: int = 0
    window: Window = "none"


@dataclass(frozen=True, eq=False)
class Sampling:
    """The samples that a series has, out of evenly spaced ones, and how they are treated.

    Parameters
    ----------
    present : (span,) ndarray of bool
        Which samples are there; the first and the last are.
    treatment : Treatment

    Notes
    -----
    All that is done to a series before it is compared with sinusoids is linear, a matrix A. At each
    frequency f the pair A·cos, A·sin is made orthonormal (columns of U_f), so that the power
    P(f) = |U_fᵀ·A·y|² is the part of |A·y|² that the best sinusoid of this frequency takes away.
    Without missing samples, with the mean taken away and at the Fourier frequencies this is the
    periodogram; with missing ones it is the Lomb–Scargle periodogram with floating mean [1]_, or
    floating trend.

    References
    ----------
    .. [1] M. Zechmeister, M. Kürster, "The generalised Lomb-Scargle periodogram", Astronomy &
       Astrophysics 496 (2009) 577–584, doi:10.1051/0004-6361:200811296, eq. 4 and 5
    """

    present: Bools
    treatment: Treatment

    @property
    def span(self) -> int:
        """Number of samples from the first to the last, missing ones included."""
        return int(self.present.size)

    @property
    def n(self) -> int:
        """Number of samples that are there."""
        return int(self.time.size)

    @cached_property
    def time(self) -> NDArray[np.int64]:
        """Index of each sample that is there, (n,)."""
        return np.flatnonzero(self.present)

    @cached_property
    def frequencies(self) -> Floats:
        """Frequencies that are looked at, ascending, in cycles per sample, (n_frequencies,)."""
        step = 1 / (_OVERSAMPLING * self.span)
        count = int(np.floor((0.5 - _LOWEST / self.span) / step + 1e-9)) + 1
        return np.asarray(_LOWEST / self.span + step * np.arange(count), np.float64)

    @cached_property
    def operator(self) -> Floats:
        """A: takes the trend away and weighs the samples, (n, n)."""
        n, kind = self.n, self.treatment.detrend
        result: Floats
        if kind == "moving-average":
            half = self.treatment.width // 2
            near = np.abs(self.time[:, None] - self.time) <= half
            part = near / near.sum(axis=1, keepdims=True)
            result = np.eye(n) - part
            result -= result.mean(axis=0)
        else:
            result = self.line
        return np.asarray(self.weights[:, None] * result, np.float64)

    @cached_property
    def weights(self) -> Floats:
        """Weight of each sample, (n,)."""
        if self.treatment.window == "none":
            return np.ones(self.n)
        weights: Floats = np.sin(np.pi * (self.time + 0.5) / self.span) ** 2
        return weights

    @cached_property
    def filters(self) -> tuple[Floats, Floats]:
        """AᵀU_f: two (n, n_frequencies) arrays; P(f) is the sum of squares of y times each."""
        return self.make_filters(self.frequencies)

    @cached_property
    def freedom(self) -> float:
        """Degrees of freedom that the treatment leaves; n − 2 where a straight line is taken."""
        square = self.operator.T @ self.operator
        return float(np.trace(square) ** 2 / (square**2).sum())

    @cached_property
    def line(self) -> Floats:
        """Takes a trend away and does nothing else, (n, n): the mean, or the straight line."""
        degrees = 1 if self.treatment.detrend == "constant" else 2
        q = np.linalg.qr(np.vander(self.time / self.span - 0.5, degrees))[0]
        result: Floats = np.eye(self.n) - q @ q.T
        return result

    def make_filters(self, frequencies: Floats) -> tuple[Floats, Floats]:
        """Make AᵀU_f for other frequencies than those of :attr:`frequencies`."""
        turn = 2 * np.pi * self.time[:, None] * frequencies
        cosine, sine = self.operator @ np.cos(turn), self.operator @ np.sin(turn)
        first = _normalise(cosine, self.n)
        second = _normalise(sine - first * (first * sine).sum(axis=0), self.n)
        return self.operator.T @ first, self.operator.T @ second

    def measure_power(self, values: Floats) -> tuple[Floats, Floats]:
        """Measure the power of series at each frequency.

        Parameters
        ----------
        values : (k, n) ndarray of float

        Returns
        -------
        power : (k, n_frequencies) ndarray of float
        total : (k,) ndarray of float
            Sum of squares after the treatment.
        """
        first, second = self.filters
        power = (values @ first) ** 2
        power += (values @ second) ** 2
        return power, ((values @ self.operator.T) ** 2).sum(axis=1)


def _normalise(columns: Floats, n: int) -> Floats:
    """Give columns the norm 1; those of which the treatment leaves nothing become 0."""
    norm = np.sqrt((columns**2).sum(axis=0))
    seen = norm > _VISIBLE * np.sqrt(n)
    result: Floats = columns * np.where(seen, 1 / np.where(seen, norm, 1), 0)
    return result
