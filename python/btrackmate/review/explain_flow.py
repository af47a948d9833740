"""Explanations of the flow tracker: log odds, and the choice around a spot solved again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.progress import ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.review.candidate_pool import list_nearest
from btrackmate.review.explanation import Flip, LinkExplanation, Rival
from btrackmate.tracking.flow.candidates import Candidates, Reach, find_candidates, make_reach
from btrackmate.tracking.flow.contrasts import make_evidence
from btrackmate.tracking.flow.motion import Motion, estimate_motion
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.flow.solver import list_slots, relax, solve

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

#: How many times the reach of links the surroundings that are solved again go, and how many frames.
_AROUND, _FRAMES = 1.5, 1
#: Largest change of a weight that is tried, in how many steps, and how exactly it is told.
_LARGEST, _STEPS, _EXACT = 16.0, 12, 1e-6
#: Largest multiple of the reach at which a pair out of reach is still weighed.
_WIDEST = 3.0


@dataclass(frozen=True)
class _Problem:
    """Candidates around two spots, by row of all spots, with their log odds.

    `compact` are the same with the spots numbered from 0 to `size`, and `slots` what they take.
    """

    candidates: Candidates
    score: Floats
    compact: Candidates
    size: int
    slots: Rows

    @classmethod
    def make(cls, candidates: Candidates, score: Floats) -> "_Problem":
        """Give the spots numbers of their own."""
        ends = np.concatenate((candidates.source, candidates.first, candidates.second))
        rows = np.unique(ends[ends >= 0])
        source, first, second = (
            np.where(part >= 0, np.searchsorted(rows, part), -1)
            for part in (candidates.source, candidates.first, candidates.second)
        )
        compact = Candidates(source, first, second, candidates.gap)
        return cls(candidates, score, compact, rows.size, list_slots(compact, rows.size))

    def find(self, a: int, b: int) -> Rows:
        """Numbers of the candidates that link row a to row b: the link, and divisions."""
        c = self.candidates
        return np.flatnonzero((c.source == a) & ((c.first == b) | (c.second == b)))

    def choose(self, score: Floats, without: Rows | None = None) -> Rows:
        """Choose as the tracker does; numbers of candidates."""
        if without is not None:
            score = score.copy()
            score[without] = -np.inf
        return solve(self.compact, score, self.size).chosen

    def weigh(self, score: Floats, without: Rows) -> Floats:
        """Choose, by value; where much hangs together there may be fractions, as of a bound."""
        score = score.copy()
        score[without] = -np.inf
        return relax(self.compact, score, self.size)

    def find_rivals(self, number: int) -> Rows:
        """Numbers of the candidates that share a slot with one, itself among them."""
        taken = self.slots[number][self.slots[number] >= 0]
        return np.flatnonzero(np.isin(self.slots, taken).any(axis=1))


class FlowExplainer:
    """The evidence of the flow tracker again, and what would change its choice.

    Making it estimates the motion of the whole movie; a question then looks at the surroundings.

    Parameters
    ----------
    spots : Spots
    settings : FlowSettings
        Distances are known.
    """

    unit = "log odds against no link (more is better)"

    def __init__(self, spots: Spots, settings: FlowSettings) -> None:
        self.spots, self.settings = spots, settings
        self._motion = estimate_motion(spots, settings, ignore_progress)
        self._evidence = make_evidence(spots, self._motion, settings)
        self._reach = make_reach(settings)
        self._positions = self._evidence.positions
        self._frame, self._id, self._offsets = spots.frame, spots.id, spots.frame_offsets
        self._around: tuple[int, _Problem, Rows] | None = None
        # What appearance is worth is learnt with these weights, and again with others.
        self._sure = self._evidence.appearance.size is None
        self._sure &= self._evidence.appearance.intensity is None

    def explain(self, a: int, b: int, *, linked: bool) -> LinkExplanation:
        """Tell why row a links to row b, or does not."""
        gap = int(self._frame[b] - self._frame[a])
        ends = int(self._id[a]), int(self._id[b])
        if not 1 <= gap <= self._reach.max_gap:
            why = "links go forward in time"
            flips: tuple[Flip, ...] = ()
            if gap > 1:
                why = f"{gap} frames apart, and max_frame_gap is {self._reach.max_gap}"
                flips = (Flip({"max_frame_gap": gap - 0.5}, below=False, sure=False),)
            return LinkExplanation(*ends, linked, "link", why, flips=flips)
        problem, chosen = self._look_at(a, b, gap)
        own = problem.find(a, b)
        hit = own[np.isin(own, chosen)]
        if hit.size:
            return self._explain_chosen(a, b, problem, int(hit[0]), chosen, linked)
        return self._explain_rejected(a, b, gap, problem, chosen, linked)

    def suggest(self, row: int) -> Iterator[tuple[int, int]]:
        """Give pairs that a spot nearly had: nearest to where it goes, and where it came from."""
        problem = self._gather(row, row, 1)
        self._around = row, problem, problem.choose(problem.score)

        def off(rows: Rows, is_next: bool) -> NDArray[np.float64]:
            away: NDArray[np.float64] = self._positions[rows] - self._positions[row]
            return away - self._motion.shift[row] if is_next else away + self._motion.shift[rows]

        return list_nearest(row, int(self._frame[row]), self._offsets, off)

    def _explain_chosen(
        self, a: int, b: int, problem: _Problem, number: int, chosen: Rows, linked: bool
    ) -> LinkExplanation:
        score = float(problem.score[number])
        division = bool(problem.candidates.second[number] >= 0)
        kind = "division" if division else "link"
        other = problem.choose(problem.score, problem.find(a, b))
        lead = float(problem.score[chosen].sum() - problem.score[other].sum())
        reason = f"{kind} of log odds {score:.4g}; without it the best choice around is worth "
        reason += f"{lead:.4g} less"
        flips = self._turn(problem, problem.find(a, b), division=division, lower=True)
        if division:
            far = float(max(self._distance(a, int(problem.candidates.first[number])),
                            self._distance(a, int(problem.candidates.second[number]))))  # fmt: skip
            flips = (*flips, Flip({"splitting_max_distance": far}, below=True, sure=False))
        return LinkExplanation(
            int(self._id[a]), int(self._id[b]), linked, kind, reason, by_tracker=True, cost=score,
            limit=0.0, rivals=self._rivals(a, b, problem, number, chosen), flips=flips,
        )  # fmt: skip

    def _explain_rejected(
        self, a: int, b: int, gap: int, problem: _Problem, chosen: Rows, linked: bool
    ) -> LinkExplanation:
        """Tell of the candidate that is the best one for the pair: a division if a goes on."""
        candidates = problem.candidates
        own = problem.find(a, b)
        after = chosen[(candidates.source[chosen] == a) & (candidates.first[chosen] >= 0)]
        goes_on = bool(after.size) and gap == 1
        child = int(candidates.first[after[0]]) if after.size else -1
        division = candidates.second[own] >= 0
        if goes_on:
            with_child = (candidates.first[own] == child) | (candidates.second[own] == child)
            pick = own[division & with_child]
        else:
            pick = own[~division]
        kind = "division" if goes_on else "link"
        far = self._distance(a, b)
        limit = self._reach.division if kind == "division" else self._reach.distance
        name = "splitting_max_distance" if kind == "division" else "linking_max_distance"
        rivals = self._rivals(a, b, problem, int(pick[0]) if pick.size else -1, chosen)
        flips: tuple[Flip, ...] = ()
        score = None
        if kind == "division" and not self.settings.allow_track_splitting:
            reason = "divisions are switched off (allow_track_splitting)"
        elif not pick.size:
            reason = f"no candidate: {far:.4g} from where {self._id[a]} is expected, and {kind}s "
            reason += f"go to {limit:.4g}, to the {self._reach.nearest} nearest"
            flips = self._widen(name, far, limit, a, b, gap, child)
        else:
            score = float(problem.score[pick[0]])
            reason = f"{kind} of log odds {score:.4g}"
            reason += ", so that nothing is likelier" if score <= 0 else ", and others are worth "
            reason += "" if score <= 0 else "more in all"
            flips = self._turn(problem, pick[:1], division=goes_on, lower=False)
        return LinkExplanation(
            int(self._id[a]), int(self._id[b]), linked, kind, reason, cost=score, limit=0.0,
            rivals=rivals, flips=flips,
        )  # fmt: skip

    # The choice around a pair ------------------------------------------------------------------

    def _look_at(self, a: int, b: int, gap: int) -> tuple[_Problem, Rows]:
        """Give the candidates around two spots, and the chosen ones; known for a spot's pairs."""
        if self._around is not None and gap == 1 and self._around[0] in (a, b):
            return self._around[1:]
        problem = self._gather(a, b, gap)
        return problem, problem.choose(problem.score)

    def _gather(self, a: int, b: int, gap: int, reach: Reach | None = None) -> _Problem:
        """Find and weigh the candidates around two spots."""
        reach = reach or self._reach
        wide = _FRAMES + int(a == b)
        first = max(int(self._frame[a]) - wide, 0)
        last = min(int(self._frame[b]) + wide, self._offsets.size - 2)
        centre = (self._positions[a] + self._positions[b]) / 2
        radius = _AROUND * max(self._reach.distance, self._reach.division)
        rows = np.arange(self._offsets[first], self._offsets[last + 1])
        off = np.abs(self._positions[rows] - centre).max(axis=1)
        rows = rows[off <= radius]
        offsets = np.searchsorted(self._frame[rows], np.arange(first, last + 2))
        motion = self._motion
        near = Motion(
            motion.shift[rows], motion.sigma[rows], motion.spacing[rows],
            np.full(rows.size, -1), np.full(rows.size, -1),
        )  # fmt: skip
        found = find_candidates(self._positions[rows], offsets, near, (0, last - first + 1), reach)
        placed = Candidates(
            rows[found.source],
            np.where(found.first >= 0, rows[found.first], -1),
            np.where(found.second >= 0, rows[found.second], -1),
            found.gap,
        )
        return _Problem.make(placed, self._evidence.score(placed, self.settings.weights))

    def _turn(
        self, problem: _Problem, own: Rows, *, division: bool, lower: bool
    ) -> tuple[Flip, ...]:
        """Find how low, or high, the weight of all links, or divisions, must be to turn the choice.

        The difference of the best totals with and without the pair's candidates falls, piece by
        piece in a straight line, with the weight: Newton's steps find where it is 0. Totals are
        those of linear programs; where their optimum has fractions, the weight is told as about.
        """
        c = problem.candidates
        mask = c.second >= 0 if division else (c.second < 0) & (c.first >= 0)
        sign, change = (-1.0 if lower else 1.0), 0.0
        none, rivals = own[:0], problem.find_rivals(int(own[0]))
        for _ in range(_STEPS):
            score = problem.score + np.where(mask, sign * change, 0.0)
            rest = problem.weigh(score, own)
            if lower:
                best = problem.weigh(score, none)
                is_turned = not best[own].any()
            else:
                best = problem.weigh(score, rivals)
                best[own[0]] = 1.0
                is_turned = bool(score @ best > score @ rest)
            if is_turned:
                name = "division" if division else "link"
                value = getattr(self.settings.weights, name) + sign * change
                whole = not any((one % 1).any() for one in (best, rest))
                flip = Flip({f"weights.{name}": value}, below=lower, sure=self._sure and whole)
                return (flip,)
            slope = float(best[mask].sum() - rest[mask].sum())
            if slope <= 1e-9:
                break
            change += abs(float(score @ best - score @ rest)) / slope + _EXACT
            if change > _LARGEST:
                break
        return ()

    def _widen(
        self, name: str, far: float, limit: float, a: int, b: int, gap: int, child: int
    ) -> tuple[Flip, ...]:
        """Try a larger distance; that of links changes what is learnt of the motion, too."""
        if not limit < far <= _WIDEST * limit:
            return ()
        wide = far * (1 + 1e-6)
        if name == "splitting_max_distance":
            if self._distance(a, child) > wide:
                wide = self._distance(a, child) * (1 + 1e-6)
            reach = replace(self._reach, division=wide)
        else:
            reach = replace(self._reach, distance=wide)
        problem = self._gather(a, b, gap, reach)
        if not np.isin(problem.find(a, b), problem.choose(problem.score)).any():
            return ()
        return (Flip({name: wide / (1 + 1e-6)}, below=False, sure=False),)

    def _distance(self, a: int, b: int) -> float:
        """Distance of row b from where row a is expected to be then."""
        gap = int(self._frame[b] - self._frame[a])
        off = self._positions[b] - self._positions[a] - gap * self._motion.shift[a]
        return float(np.sqrt((off**2).sum()))

    def _rivals(
        self, a: int, b: int, problem: _Problem, number: int, best: Rows
    ) -> tuple[Rival, ...]:
        """Give the candidates that leave a or enter b, the likeliest first."""
        c = problem.candidates
        chosen = set(best.tolist())
        same = (c.source == a) | (c.first == b) | (c.second == b)
        rows = np.flatnonzero(same & (c.first >= 0))
        rows = rows[rows != number]
        rows = rows[np.argsort(-problem.score[rows], kind="stable")]
        return tuple(
            Rival(
                int(self._id[c.source[k]]),
                tuple(int(self._id[t]) for t in (c.first[k], c.second[k]) if t >= 0),
                "division" if c.second[k] >= 0 else "link",
                float(problem.score[k]),
                k in chosen,
            )
            for k in rows.tolist()
        )
