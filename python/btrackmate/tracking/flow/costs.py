"""What speaks for a link, a division or an empty spot, and the score that weights make of it."""

from collections.abc import Iterator, Mapping

import numpy as np

from btrackmate.core.scratch import cut_rows, make_array
from btrackmate.core.spots import Spots
from btrackmate.tracking.costs import gather_features
from btrackmate.tracking.flow.appearance import Appearance, Contrast, score_contrasts
from btrackmate.tracking.flow.candidates import Candidates
from btrackmate.tracking.flow.motion import Floats, IntArray, Motion
from btrackmate.tracking.flow.settings import WEIGHT_NAMES, FlowSettings, FlowWeights

#: Candidates measured at a time.
_CHUNK = 200_000
#: Nearest daughters are taken to be this far apart, in spacings, so that logarithms exist.
_SMALL = 1e-3


class Evidence:
    """Positions, motion and appearance of all spots, ready to measure candidates.

    Parameters
    ----------
    spots : Spots
        The spots. `boundary_distance` tells how near the tissue's border is; for sizes, intensities
        and shapes see :class:`btrackmate.tracking.flow.appearance.Appearance`.
    motion : Motion
        Predicted displacements and scales.
    settings : FlowSettings
        What is used, the movie's bounds, and feature penalties.

    Attributes
    ----------
    contrasts : mapping
        What each measure of appearance is worth in this movie; none counts until it is set.

    Raises
    ------
    UserError
        If the spots lack a penalised feature.
    """

    def __init__(self, spots: Spots, motion: Motion, settings: FlowSettings) -> None:
        self.positions = spots.positions
        self._motion = motion
        self.appearance = Appearance(spots, motion, settings)
        self.contrasts: Mapping[str, Contrast] = {}
        self._border = _find_border(spots, self.positions, motion.spacing, settings)
        self._features, self._penalties = gather_features(
            spots, settings.feature_penalties, "feature_penalties"
        )

    def measure(self, candidates: Candidates) -> Floats:
        """Measure the evidence for each candidate.

        Returns
        -------
        (m, k) ndarray of float
            One column a weight, in the order of :data:`WEIGHT_NAMES`; 0 where one does not apply.
        """
        evidence = np.zeros((len(candidates), len(WEIGHT_NAMES)))
        for rows, found in self._measure_kinds(candidates):
            for name, values in found.items():
                evidence[rows, WEIGHT_NAMES.index(name)] = values
        return evidence

    def score(self, candidates: Candidates, weights: FlowWeights) -> Floats:
        """Give the log odds of each candidate against nothing, (m,), penalties included."""
        score = np.zeros(len(candidates))
        for rows, found in self._measure_kinds(candidates):
            for name, values in found.items():
                score[rows] += getattr(weights, name) * values
        if self._penalties.size:
            for target in (candidates.first, candidates.second):
                linked = np.flatnonzero(target >= 0)
                score[linked] -= self._penalise(candidates.source[linked], target[linked])
        return score

    def _measure_kinds(
        self, candidates: Candidates
    ) -> Iterator[tuple[IntArray, dict[str, Floats]]]:
        """Give rows of one kind of candidates and what speaks for them, piece by piece."""
        division = candidates.second >= 0
        alone = candidates.first < 0
        for chosen, measure in (
            (~division & ~alone, self._measure_links),
            (division, self._measure_divisions),
            (alone, self._measure_lone),
        ):
            rows = np.flatnonzero(chosen)
            for begin in range(0, rows.size, _CHUNK):
                piece = rows[begin : begin + _CHUNK]
                yield piece, measure(candidates.take(piece))

    def _measure_links(self, links: Candidates) -> dict[str, Floats]:
        i, j = links.source, links.first
        motion = self._motion
        off = self.positions[j] - self.positions[i] - links.gap[:, None] * motion.shift[i]
        squared = (off**2).sum(axis=1)
        found = {
            "link": np.ones(i.size),
            "link_distance": np.log1p(squared / motion.sigma[i] ** 2),
            "link_distance_spacing": np.minimum(squared / motion.spacing[i] ** 2, 9),
            "link_gap": links.gap - 1.0,
        }
        found |= score_contrasts(self.appearance.measure_links(i, j), self.contrasts)
        return found | self._measure_border(i, [j])

    def _measure_divisions(self, divisions: Candidates) -> dict[str, Floats]:
        i, j, k = divisions.source, divisions.first, divisions.second
        motion = self._motion
        sigma, spacing = motion.sigma[i], motion.spacing[i]
        across, along, apart = self._measure_pair(self.positions[i] + motion.shift[i], j, k)
        apart = np.maximum(apart, _SMALL * spacing)
        separation = np.clip(np.log(apart / spacing), -3, 3)
        found = {
            "division": np.ones(i.size),
            "division_across": np.log1p(across / sigma**2),
            "division_along": np.log1p(along / sigma**2),
            "division_across_spacing": np.minimum(across / spacing**2, 9),
            "division_along_spacing": np.minimum(along / spacing**2, 9),
            "division_asymmetry": np.minimum(4 * along / apart**2, 4),
            "division_separation": separation,
            "division_separation_squared": separation**2,
        }
        found |= self._measure_later(i, j, k, apart)
        found |= score_contrasts(self.appearance.measure_divisions(i, j, k), self.contrasts)
        return found | self._measure_border(i, [j, k])

    def _measure_later(
        self, i: IntArray, j: IntArray, k: IntArray, apart: Floats
    ) -> dict[str, Floats]:
        """Look at the daughters where the motion's own links carry them one frame on."""
        motion = self._motion
        later_j, later_k = motion.successor[j], motion.successor[k]
        known = (later_j >= 0) & (later_k >= 0)
        carried = self.positions[i] + motion.shift[i] + (motion.shift[j] + motion.shift[k]) / 2
        across, along, then = self._measure_pair(carried, later_j, later_k)
        then = np.maximum(then, _SMALL * motion.spacing[i])
        found = {
            "division_later_known": np.ones(i.size),
            "division_later": np.log1p((across + along) / motion.sigma[i] ** 2),
            "division_later_asymmetry": np.minimum(4 * along / then**2, 4),
            "division_later_growth": np.clip(np.log(then / apart), -2, 2),
        }
        return {name: np.where(known, values, 0.0) for name, values in found.items()}

    def _measure_lone(self, alone: Candidates) -> dict[str, Floats]:
        found = {"no_cell": np.ones(len(alone))}
        measures = self.appearance.measure_alone(alone.source)
        return found | score_contrasts(measures, self.contrasts)

    def _measure_pair(self, expected: Floats, a: IntArray, b: IntArray) -> tuple[Floats, ...]:
        """Give the midpoint's squared distance across and along the axis of a pair, its length."""
        off = (self.positions[a] + self.positions[b]) / 2 - expected
        axis = self.positions[b] - self.positions[a]
        length = np.sqrt((axis**2).sum(axis=1))
        dot = (off * axis).sum(axis=1)
        along = np.divide(dot, length, out=np.zeros_like(dot), where=length > 0) ** 2
        return np.maximum((off**2).sum(axis=1) - along, 0), along, length

    def _measure_border(self, source: IntArray, targets: list[IntArray]) -> dict[str, Floats]:
        if self._border is None:
            return {}
        target = sum((self._border[rows] for rows in targets), np.zeros(source.size))
        return {"border_source": self._border[source], "border_target": target}

    def _penalise(self, a: IntArray, b: IntArray) -> Floats:
        first, second = self._features[a], self._features[b]
        mean = np.abs((first + second) / 2)
        ratio = np.divide(np.abs(first - second), mean, out=np.zeros_like(mean), where=mean > 0)
        total: Floats = (1.5 * self._penalties * ratio).sum(axis=1)
        return total


def _find_border(
    spots: Spots, positions: Floats, spacing: Floats, settings: FlowSettings
) -> Floats | None:
    """Give exp(−distance to the nearest border/spacing) of each spot; None if none is known."""
    near: Floats = make_array(len(spots), np.float64)
    known = False
    for part in cut_rows(len(spots)):
        nearest = np.full(part.stop - part.start, np.inf)
        if settings.movie_bounds is not None:
            low, high = np.array(settings.movie_bounds)
            inside = np.minimum(positions[part] - low, high - positions[part])
            nearest = inside[:, : spots.ndim].min(axis=1)
        if "boundary_distance" in spots.features:
            distance = spots.between(part.start, part.stop).feature("boundary_distance")
            nearest = np.fmin(nearest, distance)
        known |= bool(np.isfinite(nearest).any())
        near[part] = np.exp(-np.maximum(nearest, 0) / spacing[part])
    return near if known else None
