"""Sizes, intensities and shapes as evidence, as far as they tell right from wrong in this movie."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from btrackmate.core.scratch import cut_rows, make_array
from btrackmate.core.spots import Spots
from btrackmate.tracking.flow.motion import Floats, IntArray, Motion
from btrackmate.tracking.flow.settings import FlowSettings

#: Log ratios beyond this tell no more.
_WIDEST = 2.0
#: Log odds beyond this are not believed.
_SUREST = 3.0
#: Smallest spread of a measure, so that values without noise do not decide alone.
_NARROWEST = 0.02
#: Links from frame to frame that the median of all counts for beside those of one frame.
_FEW_LINKS = 10


@dataclass(frozen=True)
class Contrast:
    """How a measure is spread where something is right and where it is wrong.

    Parameters
    ----------
    right, wrong : tuple of float
        Centre and mean absolute deviation from it of two Laplace distributions.
    """

    right: tuple[float, float]
    wrong: tuple[float, float]

    def log_odds(self, values: Floats) -> Floats:
        """Give ln(p(value | right)/p(value | wrong)), within ±3, and 0 where a value is missing.

        Notes
        -----
        |x − cʷ|/bʷ − |x − cʳ|/bʳ + ln(bʷ/bʳ), of Laplace distributions of centre c and mean
        absolute deviation b.
        """
        (c_right, b_right), (c_wrong, b_wrong) = self.right, self.wrong
        x = np.clip(values, -_WIDEST, _WIDEST)
        odds = np.abs(x - c_wrong) / b_wrong - np.abs(x - c_right) / b_right
        odds = np.clip(odds + np.log(b_wrong / b_right), -_SUREST, _SUREST)
        known: Floats = np.nan_to_num(odds)
        return known


#: What links are like before a movie has told: the seeded movies' medians.
LINKS_AT_FIRST = Contrast((0.0, 0.19), (0.0, 0.77))


def fit_contrast(
    right: Floats, wrong: Floats, first: Contrast | None, weight: float, *, centred: bool
) -> Contrast | None:
    """Fit the two distributions of a measure.

    Parameters
    ----------
    right, wrong : (n,), (m,) ndarray of float
        Values where something is surely right, and where it is surely wrong; NaN where missing.
    first : Contrast or None
        What is believed before; None: that right is like wrong.
    weight : float
        Number of values that this belief counts for.
    centred : bool
        The centres are 0.

    Returns
    -------
    Contrast or None
        None where the measure tells nothing.
    """
    found = []
    for values in (right, wrong):
        known = np.clip(values[np.isfinite(values)], -_WIDEST, _WIDEST)
        centre = 0.0 if centred or not known.size else float(np.median(known))
        spread = float(np.abs(known - centre).mean()) if known.size else 0.0
        found.append((known.size, centre, max(spread, _NARROWEST)))
    seen, other = found
    if first is None:
        if seen[0] == 0 or other[0] == 0:
            return None
        first = Contrast(other[1:], other[1:])
    pulled = []
    for (count, centre, spread), believed in ((seen, first.right), (other, first.wrong)):
        share = count / (count + weight)
        pulled.append(
            (
                share * centre + (1 - share) * believed[0],
                share * spread + (1 - share) * believed[1],
            )
        )
    contrast = Contrast(*pulled)
    if centred and contrast.right[1] >= contrast.wrong[1]:
        return None
    return contrast


class Appearance:
    """Logarithms of size, intensity and elongation, and how candidates differ in them.

    Parameters
    ----------
    spots : Spots
        Size is `volume`, or else `radius`; intensity is `mean_intensity_ch1`; elongation is the
        longest over the shortest of `ellipsoid_a`, `_b` and `_c`. A column with one value only
        tells nothing.
    motion : Motion
        Its links from frame to frame tell by how much all cells change alike (bleaching, growth),
        which is taken out.
    settings : FlowSettings
        What is used.
    """

    def __init__(self, spots: Spots, motion: Motion, settings: FlowSettings) -> None:
        self._motion = motion
        self._frame, self._offsets = spots.frame, spots.frame_offsets
        self.size = self.intensity = self.elongation = None
        if settings.use_size:
            self.size = self._even_out(_take_size(spots), spots.n_frames)
        if settings.use_intensity:
            values = _take_logarithm(spots, "mean_intensity_ch1")
            self.intensity = self._even_out(values, spots.n_frames)
        self.elongation = _take_elongation(spots)
        self._medians = {
            name: _take_medians(values, self._offsets)
            for name, values in (("size", self.size), ("intensity", self.intensity))
            if values is not None
        }

    def measure_links(self, i: IntArray, j: IntArray) -> dict[str, Floats]:
        """Give the log ratios of target to source of each link."""
        return {
            f"link_{name}": values[j] - values[i]
            for name, values in (("size", self.size), ("intensity", self.intensity))
            if values is not None
        }

    def measure_divisions(self, i: IntArray, j: IntArray, k: IntArray) -> dict[str, Floats]:
        """Compare the daughters j and k with each other and the mother i; log ratios."""
        found = {}
        if self.size is not None:
            with np.errstate(invalid="ignore"):  # where one is missing
                both = np.logaddexp(self.size[j], self.size[k])
            found["division_size_sum"] = both - self.size[i]
            found["division_size_halves"] = self.size[j] - self.size[k]
        if self.intensity is not None:
            mean = (self.intensity[j] + self.intensity[k]) / 2
            found["division_intensity_change"] = mean - self.intensity[i]
            found["division_intensity_halves"] = self.intensity[j] - self.intensity[k]
            found["division_mother_brighter"] = self._measure_change(self.intensity, i)
        if self.elongation is not None:
            found["division_mother_rounder"] = -self._measure_change(self.elongation, i)
        return found

    def measure_alone(self, i: IntArray) -> dict[str, Floats]:
        """Give the log ratio of each spot to its frame's median."""
        found = {}
        for name, values in (("size", self.size), ("intensity", self.intensity)):
            if values is not None:
                found[f"no_cell_{name}"] = values[i] - self._medians[name][self._frame[i]]
        return found

    def _measure_change(self, values: Floats, i: IntArray) -> Floats:
        before = self._motion.predecessor[i]
        change: Floats = np.where(before >= 0, values[i] - values[before], np.nan)
        return change

    def _even_out(self, values: Floats | None, n_frames: int) -> Floats | None:
        """Take out what all cells change alike from frame to frame."""
        if values is None:
            return None
        common = np.zeros(n_frames)
        for f in np.flatnonzero(np.diff(self._offsets)).tolist():
            rows = slice(self._offsets[f], self._offsets[f + 1])
            after = self._motion.successor[rows]
            linked = after >= 0
            change = values[after[linked]] - values[rows][linked]
            change = change[np.isfinite(change)]
            if change.size:
                common[f + 1] = np.median(change) * change.size / (change.size + _FEW_LINKS)
        common = np.cumsum(common)
        for part in cut_rows(values.size):
            values[part] -= common[self._frame[part]]
        return values


def score_contrasts(
    found: Mapping[str, Floats], contrasts: Mapping[str, Contrast]
) -> dict[str, Floats]:
    """Turn measures into log odds; those that tell nothing in this movie are left out."""
    return {
        name: contrasts[name].log_odds(values)
        for name, values in found.items()
        if name in contrasts
    }


def _take_medians(values: Floats, offsets: IntArray) -> Floats:
    """Give the median of each frame, NaN where none is known."""
    medians = np.full(offsets.size - 1, np.nan)
    for f in np.flatnonzero(np.diff(offsets)).tolist():
        known = values[offsets[f] : offsets[f + 1]]
        known = known[np.isfinite(known)]
        if known.size:
            medians[f] = np.median(known)
    return medians


def _take_size(spots: Spots) -> Floats | None:
    volume = _take_logarithm(spots, "volume")
    if volume is not None:
        return volume
    radius = _take_logarithm(spots, "radius")
    if radius is not None:
        radius *= spots.ndim
    return radius


def _take_elongation(spots: Spots) -> Floats | None:
    """Give ln of the longest over the shortest semi-axis, None if they are not known."""
    longest = _take_logarithm(spots, "ellipsoid_a")
    shortest = _take_logarithm(spots, "ellipsoid_c" if spots.ndim == 3 else "ellipsoid_b")
    if longest is None or shortest is None:
        return None
    longest -= shortest
    return longest


def _take_logarithm(spots: Spots, name: str) -> Floats | None:
    """Give the logarithm of a feature, NaN where it is missing or ≤ 0; None if it tells nothing."""
    if name not in spots.features:
        return None
    logarithm = make_array(len(spots), np.float64)
    low, high = np.inf, -np.inf
    for part in cut_rows(len(spots)):
        values = spots.between(part.start, part.stop).feature(name)
        values = np.where(values > 0, values, np.nan)
        known = values[np.isfinite(values)]
        low, high = known.min(initial=low), known.max(initial=high)
        logarithm[part] = np.log(values)
    return None if high - low <= 1e-9 * high else logarithm
