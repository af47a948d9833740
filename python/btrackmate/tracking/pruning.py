"""The track inspector: what is too short to be a cell goes, with a list of what and why."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.tracking.settings import PruneSettings

Ints = NDArray[np.int64]


class Rule(IntEnum):
    """Why a spot or link was removed; the names in lower case stand in the tables."""

    KEPT = 0
    SHORT_LEAF = 1
    ALL_SHORT = 2
    SHORT_INTERNAL = 3
    SHORT_TRACK = 4


@dataclass(frozen=True)
class PruneResult:
    """A pruned graph and what was removed from it.

    Parameters
    ----------
    graph : TrackGraph
        What is left.
    removed_spots : DataFrame
        Columns id, frame, track, tracklet (numbers in the graph before) and rule, by id.
    removed_links : DataFrame
        Columns source, target (spot ids), cost and rule, by source and target.
    """

    graph: TrackGraph
    removed_spots: pd.DataFrame
    removed_links: pd.DataFrame

    @property
    def counts(self) -> dict[str, int]:
        """Number of spots, links, tracks and divisions that are left."""
        return {
            "spots": len(self.graph.spots),
            "links": self.graph.n_links,
            "tracks": self.graph.n_tracks,
            "divisions": int(self.graph.divisions.size),
        }


def prune(graph: TrackGraph, settings: PruneSettings) -> PruneResult:
    """Remove short tracklets; no mother is ever removed.

    Parameters
    ----------
    graph : TrackGraph
        The tracks; not changed.
    settings : PruneSettings
        Minimum length and which rules apply.

    Returns
    -------
    PruneResult
        The graph that is left and the tables of what went, with the rule of each row.

    Notes
    -----
    1. *Leaves*, from the latest division to the earliest: a daughter tracklet that ends, has no
       other mother, is shorter than the minimum (last frame − division frame) and does not reach
       the movie's end goes (``short_leaf``). If all daughters are like that, the longest (tie:
       lower link cost, then lower id) continues the mother and the others go (``all_short``).
    2. *Internal*, if asked for: a division less than the minimum after another one is undone; the
       daughter that is followed longest continues, the links to the others are cut
       (``short_internal``).
    3. *Short tracks*, if asked for: whole tracks shorter than the minimum that do not touch the
       movie's end go (``short_track``).

    1 and 2 are repeated until nothing changes.
    """
    spot_rule = np.zeros(len(graph.spots), np.int8)
    link_rule = np.zeros(graph.n_links, np.int8)
    left = graph
    if settings.min_tracklet_length > 0:
        spots, links = np.arange(len(graph.spots)), np.arange(graph.n_links)
        again = True
        while again:
            tree = _TrackletTree(left, settings)
            tree.prune_leaves()
            again = tree.undo_internal_divisions() if settings.prune_internal else False
            rows, cut = tree.spot_rules(), tree.link_rules()
            spot_rule[spots], link_rule[links] = rows, cut
            spots, links = spots[rows == 0], links[cut == 0]
            left = left.keep_links(cut == 0).keep_spots(rows == 0)
        if settings.prune_short_tracks:
            rows = np.where(_in_short_track(left, settings), np.int8(Rule.SHORT_TRACK), np.int8(0))
            spot_rule[spots], link_rule[links] = rows, rows[left.target]
            left = left.keep_spots(rows == 0)
    return PruneResult(left, _list_spots(graph, spot_rule), _list_links(graph, link_rule))


class _TrackletTree:
    """Tracklets and the links between them, while rules are applied.

    Where a division has only one daughter left, mother and daughter form a chain, which counts
    as one tracklet from then on.
    """

    def __init__(self, graph: TrackGraph, settings: PruneSettings) -> None:
        self.graph = graph
        self.is_short = _make_test(graph, settings)
        self.last_frame = _movie_end(graph, settings)
        table = graph.tracklets
        self.end: list[int] = table["end"].tolist()
        self.first_id: list[int] = graph.spots.id[table["first_row"].to_numpy()].tolist()
        parent, self.link_child = graph.tracklet_links
        number = graph.tracklet
        inner = (number[graph.source] == number[graph.target]) if graph.n_links else []
        self.link_row = np.flatnonzero(~np.asarray(inner, bool))
        self.child: list[int] = self.link_child.tolist()
        self.parent: list[int] = parent.tolist()
        self.cost: list[float] = np.nan_to_num(graph.cost[self.link_row], nan=np.inf).tolist()
        count = len(self.end)
        self.mothers: list[int] = np.bincount(self.link_child, minlength=count).tolist()
        self.daughters: list[list[int]] = [[] for _ in range(count)]
        for link, tracklet in enumerate(self.parent):
            self.daughters[tracklet].append(link)
        self.leaf_end = [
            -1 if links else end for links, end in zip(self.daughters, self.end, strict=True)
        ]
        self.next = [-1] * count
        self.previous = [-1] * count
        self.rule = np.zeros(count, np.int8)
        self.link_rule = np.zeros(len(self.child), np.int8)

    def prune_leaves(self) -> None:
        """Apply rule 1."""
        divided = [t for t, links in enumerate(self.daughters) if len(links) > 1]
        for tracklet in sorted(divided, key=lambda t: -self.end[t]):
            links = self.daughters[tracklet]
            short = [link for link in links if self._is_short_leaf(tracklet, self.child[link])]
            rule = Rule.SHORT_LEAF
            if len(short) == len(links):
                rule = Rule.ALL_SHORT
                short.remove(min(short, key=lambda link: self._order(link, self.leaf_end)))
            for link in short:
                self.link_rule[link] = rule
                self._remove_chain(self.child[link], rule)
            if short:
                self._continue_with(tracklet, [link for link in links if link not in short])

    def undo_internal_divisions(self) -> bool:
        """Apply rule 2; tell whether a cut link led to a merge, which may change more."""
        freed = False
        reach = list(self.end)
        came_from: list[list[int]] = [[] for _ in self.end]
        for links in self.daughters:
            for link in links:
                came_from[self.child[link]].append(link)
        alive = [t for t in range(len(self.end)) if self.rule[t] == 0]
        for tracklet in sorted(alive, key=lambda t: -self.end[t]):
            links = self.daughters[tracklet]
            if not links:
                continue
            reach[tracklet] = max(reach[self.child[link]] for link in links)
            if len(links) == 1 or not self._is_soon(tracklet, came_from):
                continue
            kept = min(links, key=lambda link: self._order(link, reach))
            for link in links:
                if link != kept:
                    self.link_rule[link] = Rule.SHORT_INTERNAL
                    self.mothers[self.child[link]] -= 1
                    came_from[self.child[link]].remove(link)
                    freed = freed or self.mothers[self.child[link]] > 0
            self._continue_with(tracklet, [kept])
        return freed

    def spot_rules(self) -> NDArray[np.int8]:
        """Rule by which each spot goes, 0 if it stays."""
        return self.rule[self.graph.tracklet]

    def link_rules(self) -> NDArray[np.int8]:
        """Rule by which each link goes, 0 if it stays."""
        rules = self.spot_rules()[self.graph.target]
        cut = self.link_rule != 0
        rules[self.link_row[cut]] = self.link_rule[cut]
        return rules

    def _is_short_leaf(self, mother: int, daughter: int) -> bool:
        end = self.leaf_end[daughter]
        if end < 0 or self.mothers[daughter] > 1 or end >= self.last_frame:
            return False
        return self.is_short(end - self.end[mother])

    def _is_soon(self, tracklet: int, came_from: list[list[int]]) -> bool:
        """Tell whether a division follows another one within less than the minimum."""
        head = tracklet
        while self.previous[head] >= 0:
            head = self.previous[head]
        if len(came_from[head]) != 1:
            return False
        mother = self.parent[came_from[head][0]]
        return len(self.daughters[mother]) > 1 and self.is_short(
            self.end[tracklet] - self.end[mother]
        )

    def _order(self, link: int, reach: list[int]) -> tuple[int, float, int]:
        """Sort key of daughters: the one that continues the mother comes first."""
        child = self.child[link]
        return -reach[child], self.cost[link], self.first_id[child]

    def _continue_with(self, mother: int, links: list[int]) -> None:
        self.daughters[mother] = links
        if len(links) == 1 and self.mothers[self.child[links[0]]] == 1:
            daughter = self.child[links[0]]
            self.next[mother], self.previous[daughter] = daughter, mother
            self.leaf_end[mother] = self.leaf_end[daughter]

    def _remove_chain(self, tracklet: int, rule: Rule) -> None:
        while tracklet >= 0:
            self.rule[tracklet] = rule
            self.daughters[tracklet] = []
            tracklet = self.next[tracklet]


def _make_test(graph: TrackGraph, settings: PruneSettings) -> Callable[[int], bool]:
    """Give the test whether a number of frames is short; rounding never decides."""
    minimum, dt = settings.min_tracklet_length, graph.spots.calibration.dt
    if settings.unit == "frames":
        return lambda length: length < minimum
    return lambda length: length * dt < minimum * (1 - 1e-9)


def _movie_end(graph: TrackGraph, settings: PruneSettings) -> int:
    """Give the frame from which on a tracklet is censored, not short."""
    return graph.spots.n_frames + 1 if settings.prune_censored else graph.spots.ends[1]


def _in_short_track(graph: TrackGraph, settings: PruneSettings) -> NDArray[np.bool_]:
    """Mark the spots of rule 3, (n,)."""
    track = graph.track.copy()
    lone = np.flatnonzero(track < 0)
    track[lone] = graph.n_tracks + np.arange(lone.size)
    count = graph.n_tracks + lone.size
    first, last = np.full(count, graph.spots.n_frames), np.full(count, -1)
    np.minimum.at(first, track, graph.spots.frame)
    np.maximum.at(last, track, graph.spots.frame)
    is_short, end = _make_test(graph, settings), _movie_end(graph, settings)
    lengths, inverse = np.unique(last - first, return_inverse=True)
    short = np.array([is_short(int(length)) for length in lengths], bool)[inverse]
    marked: NDArray[np.bool_] = (short & (last < end))[track]
    return marked


def _list_spots(graph: TrackGraph, rule: NDArray[np.int8]) -> pd.DataFrame:
    rows = np.flatnonzero(rule)
    table = pd.DataFrame(
        {
            "id": graph.spots.id[rows],
            "frame": graph.spots.frame[rows],
            "track": graph.track[rows] if rows.size else rows,
            "tracklet": graph.tracklet[rows] if rows.size else rows,
            "rule": _name_rules(rule[rows]),
        }
    )
    return table.sort_values("id", ignore_index=True)


def _list_links(graph: TrackGraph, rule: NDArray[np.int8]) -> pd.DataFrame:
    rows = np.flatnonzero(rule)
    table = pd.DataFrame(
        {
            "source": graph.spots.id[graph.source[rows]],
            "target": graph.spots.id[graph.target[rows]],
            "cost": graph.cost[rows],
            "rule": _name_rules(rule[rows]),
        }
    )
    return table.sort_values(["source", "target"], ignore_index=True)


def _name_rules(rule: NDArray[np.int8]) -> NDArray[np.object_]:
    return np.array([entry.name.lower() for entry in Rule], dtype=object)[rule]
