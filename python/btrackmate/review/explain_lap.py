"""Explanations of the trackers that link frames, then segments, by linear assignment."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from btrackmate.core.progress import ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.review.candidate_pool import Pool, Rows, list_nearest
from btrackmate.review.explanation import Flip, LinkExplanation, Rival
from btrackmate.tracking.costs import step_costs
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.frame_linking import link_frames
from btrackmate.tracking.segment_linking import (
    END,
    MIDDLE,
    START,
    STEPS,
    choose,
    find_candidates,
    find_states,
    take_alternative,
)
from btrackmate.tracking.settings import LapSettings

#: By how much a threshold is passed when it is tried.
_BEYOND = 1e-6
#: What a distance that is just enough is multiplied by where it is not.
_LARGER = (1.0, 1.05, 1.1, 1.2, 1.3, 1.5)
#: How many times the largest distance of a step candidates are looked for.
_WIDEST = 4.0
#: Candidates that hang together up to which an assignment is solved again.
_MOST = 20_000


class LapExplainer:
    """The steps of the LAP tracker again, and what would change them.

    Making it links all frames once; a question then looks at two frames, or at the candidates that
    hang together with those asked for.

    Parameters
    ----------
    spots : Spots
    settings : LapSettings
        Distances are known.
    """

    unit = "squared space unit"

    def __init__(self, spots: Spots, settings: LapSettings) -> None:
        self.spots, self.settings = spots, settings
        self._links = link_frames(spots, settings, ignore_progress)
        order = self._links.order
        n = len(spots)
        self.successor, self.predecessor = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
        linked = self._links.successor >= 0
        self.successor[order[linked]] = order[self._links.successor[linked]]
        self.predecessor[self.successor[order[linked]]] = order[linked]
        self._grid_state = find_states(self._links)
        self._state = np.empty(n, np.uint8)
        self._state[order] = self._grid_state
        self._offsets = spots.frame_offsets
        self._positions, self._frame, self._id = spots.positions, spots.frame, spots.id
        self._pools: dict[str, Pool] = {}
        self._pairs: dict[tuple[Any, ...], Rows] = {}
        self._allowed = [kind for kind, switch in STEPS.items() if getattr(settings, switch)]
        for kind in self._allowed:
            self._pool(kind, self._radius(kind))
        self._alternative = self._measure_alternative({})

    def explain(self, a: int, b: int, *, linked: bool) -> LinkExplanation:
        """Tell why row a links to row b, or does not."""
        gap = int(self._frame[b] - self._frame[a])
        if gap == 1 and self.successor[a] == b:
            return self._explain_frame_link(a, b, linked)
        kind = self._name_step(a, b, gap)
        if kind is None:
            if gap == 1:
                return self._explain_taken(a, b, linked)
            return self._told(a, b, linked, "gap_closing", self._why_no_gap(a, b, gap),
                              flips=self._flip_gap(a, b, gap))  # fmt: skip
        return self._explain_segment(a, b, kind, linked)

    def suggest(self, row: int) -> Iterator[tuple[int, int]]:
        """Give pairs that a spot nearly had: the nearest of the next and the previous frame."""
        return list_nearest(
            row, int(self._frame[row]), self._offsets,
            lambda rows, _: self._positions[rows] - self._positions[row],
        )  # fmt: skip

    # Links from a frame to the next -----------------------------------------------------------

    def _explain_frame_link(self, a: int, b: int, linked: bool) -> LinkExplanation:
        distance = known_distance(self.settings.linking_max_distance)
        cost = self._cost(a, b, "linking")
        limits = {"linking_max_distance": float(np.sqrt(cost))}
        for kind in self._allowed:  # where another step would link them again
            other = float(np.sqrt(self._cost(a, b, kind)))
            if other <= self._radius(kind):
                limits[f"{kind}_max_distance"] = other
        reason = f"frame linking, cost {cost:.4g} of less than {distance**2:.4g}"
        return self._told(
            a, b, linked, "linking", reason, by_tracker=True, cost=cost, limit=distance**2,
            rivals=self._frame_rivals(a, b), flips=(Flip(limits, below=True),),
        )  # fmt: skip

    def _explain_taken(self, a: int, b: int, linked: bool) -> LinkExplanation:
        """Explain a pair of successive frames of which one is taken by frame linking."""
        distance = known_distance(self.settings.linking_max_distance)
        cost = self._cost(a, b, "linking")
        rivals = self._frame_rivals(a, b)
        if cost >= distance**2:
            reason = f"too far: frame linking would cost {cost:.4g}, allowed is less than "
            reason += f"{distance**2:.4g}"
        else:
            reason = f"frame linking would cost {cost:.4g}, but others cost less in all"
        if self.successor[a] < 0 and self.predecessor[a] < 0:
            reason += f"; spot {self._id[a]} is alone, which segment linking passes over"
        elif self.predecessor[b] >= 0:
            reason += f"; spot {self._id[b]} comes from {self._id[self.predecessor[b]]}, and only "
            reason += "a spot that frame linking leaves without a parent can be a second daughter"
        tried = sorted({cost, *(r.cost for r in rivals if r.chosen)})
        return self._told(
            a, b, linked, "linking", reason, cost=cost, limit=distance**2, rivals=rivals,
            flips=self._flip_frames(a, b, cost, tried),
        )  # fmt: skip

    def _flip_frames(self, a: int, b: int, cost: float, tried: list[float]) -> tuple[Flip, ...]:
        """Try distances just beyond some costs on the two frames alone."""
        distance = known_distance(self.settings.linking_max_distance)
        for value in tried:
            root = float(np.sqrt(value))
            below = root < distance
            radius = root * (1 - _BEYOND) if below else root * (1 + _BEYOND)
            if radius > 0 and self._relink(int(self._frame[a]), radius)[a] == b:
                return (Flip({"linking_max_distance": root}, below=below),)
        return ()

    def _relink(self, frame: int, distance: float) -> dict[int, int]:
        """Link two frames as the tracker does, with another distance."""
        begin, end = int(self._offsets[frame]), int(self._offsets[frame + 2])
        table = self.spots.table.iloc[begin:end].reset_index(drop=True)
        pair = replace(
            self.spots, table=table.assign(frame=table["frame"] - frame), n_frames=2, contours={}
        )
        chosen = self.settings.model_copy(update={"linking_max_distance": distance})
        links = link_frames(pair, chosen, ignore_progress)
        order = links.order
        rows = np.full(end - begin, -1, np.int64)
        found = links.successor >= 0
        rows[order[found]] = begin + order[links.successor[found]]
        return dict(enumerate(rows.tolist(), begin))

    def _frame_rivals(self, a: int, b: int) -> tuple[Rival, ...]:
        """Give the other candidates of frame linking for either spot."""
        distance = known_distance(self.settings.linking_max_distance)
        sources = self._near(b, int(self._frame[a]), distance)
        targets = self._near(a, int(self._frame[b]), distance)
        pairs = {(int(s), b) for s in sources} | {(a, int(t)) for t in targets}
        for s, t in ((a, int(self.successor[a])), (int(self.predecessor[b]), b)):
            if s >= 0 and t >= 0:
                pairs.add((s, t))
        pairs -= {(a, b)}
        if not pairs:
            return ()
        source, target = np.array(sorted(pairs)).T
        cost = step_costs(self.spots, source, target, self.settings, "linking")
        allowed = np.flatnonzero(cost < distance**2)
        return tuple(
            self._rival(int(source[k]), int(target[k]), "link", float(cost[k]),
                        self.successor[source[k]] == target[k])
            for k in allowed[np.argsort(cost[allowed], kind="stable")]
        )  # fmt: skip

    # Gaps, divisions and merges ----------------------------------------------------------------

    def _name_step(self, a: int, b: int, gap: int) -> str | None:
        """Name the step of segment linking that could link two spots."""
        states = int(self._state[a]), int(self._state[b])
        if states == (END, START) and 1 <= gap <= self.settings.max_frame_gap:
            return "gap_closing"
        if states == (MIDDLE, START) and gap == 1:
            return "splitting"
        return "merging" if states == (END, MIDDLE) and gap == 1 else None

    def _explain_segment(self, a: int, b: int, kind: str, linked: bool) -> LinkExplanation:
        radius, allowed = self._radius(kind), kind in self._allowed
        cost = self._find_cost(a, b, kind)
        solved = self._solve(a, b, {}, self._alternative) if allowed else set[tuple[int, int]]()
        chosen = (a, b) in solved
        name = kind.replace("_", " ")
        if chosen:
            reason = f"{name}, cost {cost:.4g} of at most {radius**2:.4g}; no link costs "
            reason += f"{self._alternative:.4g}"
            flips: tuple[Flip, ...] = (
                Flip({f"{kind}_max_distance": float(np.sqrt(cost))}, below=True),
            )
        else:
            reason = self._why_no_segment(cost, radius, kind)
            flips = self._flip_segment(a, b, kind, cost)
        rivals = self._segment_rivals(a, b, solved) if allowed else ()
        return self._told(
            a, b, linked, kind, reason, by_tracker=chosen, cost=cost, limit=radius**2,
            no_link=self._alternative, rivals=rivals, flips=flips,
        )  # fmt: skip

    def _why_no_segment(self, cost: float, radius: float, kind: str) -> str:
        name = kind.replace("_", " ")
        if kind not in self._allowed:
            return f"{name} is switched off; it would cost {cost:.4g} of at most {radius**2:.4g}"
        if cost > radius**2:
            return f"too far: {name} would cost {cost:.4g}, allowed is at most {radius**2:.4g}"
        if cost >= self._alternative:
            return f"{name} would cost {cost:.4g}, and no link costs {self._alternative:.4g}"
        return f"{name} would cost {cost:.4g}, but others cost less in all"

    def _flip_segment(self, a: int, b: int, kind: str, cost: float) -> tuple[Flip, ...]:
        """Try a larger distance, a higher percentile, or the step switched on."""
        found: list[Flip] = []
        radius, root = self._radius(kind), float(np.sqrt(cost))
        if kind not in self._allowed:
            trial = {kind: max(radius, root * (1 + _BEYOND) if root > radius else radius)}
            if root <= radius and self._would_choose(a, b, trial):
                found.append(Flip({STEPS[kind]: True}, below=False))
            return tuple(found)
        if root > radius:
            # The cost of no link grows with the distance, so that more than the cost may be needed.
            for tried in (root * step for step in _LARGER if root * step <= _WIDEST * radius):
                if self._would_choose(a, b, {kind: tried * (1 + _BEYOND)}):
                    found.append(Flip({f"{kind}_max_distance": tried}, below=False))
                    break
        elif cost >= self._alternative:
            percentile = self._find_percentile(a, b, cost)
            if percentile is not None:
                found.append(Flip({"cutoff_percentile": percentile}, below=False))
        return tuple(found)

    def _find_percentile(self, a: int, b: int, cost: float) -> float | None:
        """Give the percentile above which no link costs more than a candidate, and it is chosen."""
        costs = np.sort(np.concatenate([pool.cost for pool in self._current({}).values()]))
        factor = self.settings.alternative_linking_cost_factor
        rank = int(np.searchsorted(costs * factor, cost, "right"))
        if rank >= costs.size:
            return None
        percentile = max((rank - 0.5) / max(costs.size - 1, 1), 0.0)
        if (a, b) not in self._solve(a, b, {}, float(factor * costs[rank])):
            return None
        return float(percentile)

    def _would_choose(self, a: int, b: int, radii: dict[str, float]) -> bool:
        return (a, b) in self._solve(a, b, radii, self._measure_alternative(radii))

    def _segment_rivals(self, a: int, b: int, chosen: set[tuple[int, int]]) -> tuple[Rival, ...]:
        found = []
        for kind, one in self._current({}).items():
            same = np.flatnonzero((one.source == a) | (one.target == b))
            for k in same.tolist():
                pair = int(one.source[k]), int(one.target[k])
                if pair != (a, b):
                    found.append(self._rival(*pair, kind, float(one.cost[k]), pair in chosen))
        return tuple(sorted(found, key=lambda rival: (rival.cost, rival.source, rival.targets)))

    def _solve(
        self, a: int, b: int, radii: dict[str, float], alternative: float
    ) -> set[tuple[int, int]]:
        """Solve the assignment of the candidates that hang together with two spots.

        A candidate that costs as much as no link is never chosen, so that it joins nothing.
        """
        pools = self._current(radii).values()
        source = np.concatenate([pool.source for pool in pools])
        target = np.concatenate([pool.target for pool in pools])
        cost = np.concatenate([pool.cost for pool in pools])
        good = cost < alternative
        source, target, cost = source[good], target[good], cost[good]
        sources, targets = {a}, {b}
        size = -1
        inside = np.zeros(source.size, np.bool_)
        while size < np.count_nonzero(inside) <= _MOST or size < 0:
            size = int(np.count_nonzero(inside))
            inside = np.isin(source, list(sources)) | np.isin(target, list(targets))
            sources.update(source[inside].tolist())
            targets.update(target[inside].tolist())
            if size == np.count_nonzero(inside):
                break
        rows = np.flatnonzero(inside)
        picked = rows[
            choose(
                source[rows],
                target[rows],
                cost[rows],
                alternative,
                np.arange(len(self.spots), dtype=np.int32),
            )
        ]
        return set(zip(source[picked].tolist(), target[picked].tolist(), strict=True))

    # Gaps that are out of reach ----------------------------------------------------------------

    def _why_no_gap(self, a: int, b: int, gap: int) -> str:
        if gap < 1:
            return "links go forward in time"
        if int(self._state[a]) != END:
            why = "goes on" if self.successor[a] >= 0 else "is alone"
            return f"spot {self._id[a]} {why}, and gap closing starts at the end of a segment"
        if int(self._state[b]) != START:
            why = "has a parent" if self.predecessor[b] >= 0 else "is alone"
            return f"spot {self._id[b]} {why}, and gap closing ends at the start of a segment"
        return f"{gap} frames apart, and max_frame_gap is {self.settings.max_frame_gap}"

    def _flip_gap(self, a: int, b: int, gap: int) -> tuple[Flip, ...]:
        states = int(self._state[a]), int(self._state[b])
        if states != (END, START) or gap <= self.settings.max_frame_gap:
            return ()
        if np.sqrt(self._cost(a, b, "gap_closing")) > self._radius("gap_closing"):
            return ()
        return (Flip({"max_frame_gap": gap - 0.5}, below=False, sure=False),)

    # Costs and pools ---------------------------------------------------------------------------

    def _radius(self, kind: str) -> float:
        return known_distance(getattr(self.settings, f"{kind}_max_distance"))

    def _cost(self, a: int, b: int, kind: str) -> float:
        one, other = np.array([a]), np.array([b])
        return float(step_costs(self.spots, one, other, self.settings, kind)[0])

    def _find_cost(self, a: int, b: int, kind: str) -> float:
        """Give the cost as the step has it, with what speaks against a division."""
        plain = self._cost(a, b, kind)
        if kind != "splitting" or self.settings.division_weight == 0:
            return plain
        radius = min(max(self._radius(kind), np.sqrt(plain) * 1.5), _WIDEST * self._radius(kind))
        known = self._pool(kind, float(radius)).find(a, b)
        return plain if known is None else known

    def _pool(self, kind: str, radius: float) -> Pool:
        """Find the candidates of a step up to a distance; a wider search is kept."""
        known = self._pools.get(kind)
        if known is None or known.radius < radius:
            wide = radius if known is None else max(radius, 1.5 * known.radius)
            update = {f"{kind}_max_distance": wide, STEPS[kind]: True}
            chosen = LapSettings.model_construct(**{**dict(self.settings), **update})
            source, target, cost = find_candidates(
                self.spots, self._links, self._grid_state, chosen, kind
            )
            order = self._links.order
            known = Pool(wide, order[source].astype(np.int64), order[target].astype(np.int64), cost)
            self._pools[kind] = known
        return known.within(radius)

    def _current(self, radii: dict[str, float]) -> dict[str, Pool]:
        """Give the candidates of all steps that are on, some of them with other distances."""
        kinds = dict.fromkeys([*self._allowed, *radii])
        return {kind: self._pool(kind, radii.get(kind, self._radius(kind))) for kind in kinds}

    def _measure_alternative(self, radii: dict[str, float]) -> float:
        costs = [pool.cost for pool in self._current(radii).values()]
        return take_alternative(np.concatenate([np.empty(0), *costs]), self.settings)

    def _near(self, row: int, frame: int, radius: float) -> Rows:
        rows = np.arange(self._offsets[frame], self._offsets[frame + 1])
        away = ((self._positions[rows] - self._positions[row]) ** 2).sum(axis=1)
        near: Rows = rows[away <= radius * radius]
        return near

    def _rival(self, a: int, b: int, kind: str, cost: float, chosen: bool) -> Rival:
        return Rival(int(self._id[a]), (int(self._id[b]),), kind, cost, bool(chosen))

    def _told(self, a: int, b: int, linked: bool, kind: str, reason: str, **more: Any
              ) -> LinkExplanation:  # fmt: skip
        ends = int(self._id[a]), int(self._id[b])
        return LinkExplanation(*ends, linked, kind, reason, **more)
