"""Links that come and go, by row of the spots."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.review.growing import Growing

Rows = NDArray[np.int64]

_NONE = -1
#: Spots up to which a loop is faster than arrays.
_FEW = 16


class LinkStore:
    """Links of a graph as chains: of those that leave, and of those that enter, each spot.

    Parameters
    ----------
    graph : TrackGraph
        Its links are the first ones.

    Notes
    -----
    Each spot knows its first link on either side, and each link the next one of the same source
    and of the same target, so that adding and removing a link costs no more than the spot has
    links. Removed links keep their place, with source −1.
    """

    def __init__(self, graph: TrackGraph) -> None:
        n, m = len(graph.spots), graph.n_links
        self._source = Growing(graph.source.astype(np.int32))
        self._target = Growing(graph.target.astype(np.int32))
        self._cost = Growing(graph.cost.copy())
        self._confidence = Growing(graph.confidence.copy())
        by_target = np.argsort(graph.target, kind="stable")
        self._ahead = _make_chains(n, np.arange(m), graph.source)
        self._behind = _make_chains(n, by_target, graph.target[by_target])
        self._mark = Growing(np.zeros(n, np.int32))
        self._stamp = 0
        self.n_links = m

    def add_spot(self) -> None:
        """Make place for one more spot, the last row."""
        for first, _ in (self._ahead, self._behind):
            first.append(_NONE)
        self._mark.append(0)

    def children(self, row: int) -> list[int]:
        """Rows that a spot links to."""
        rows: list[int] = self._target.values[self._chain(self._ahead, row)].tolist()
        return rows

    def parents(self, row: int) -> list[int]:
        """Rows that link to a spot."""
        rows: list[int] = self._source.values[self._chain(self._behind, row)].tolist()
        return rows

    def find(self, source: int, target: int) -> tuple[float, float] | None:
        """Give cost and confidence of a link, None where there is none."""
        link = self._find(source, target)
        if link == _NONE:
            return None
        return float(self._cost.values[link]), float(self._confidence.values[link])

    def add(self, source: int, target: int, cost: float, confidence: float) -> None:
        """Add a link that is not there yet."""
        link = len(self._source)
        for column, value in (
            (self._source, source),
            (self._target, target),
            (self._cost, cost),
            (self._confidence, confidence),
        ):
            column.append(value)
        for (first, following), row in ((self._ahead, source), (self._behind, target)):
            following.append(first.values[row])
            first.values[row] = link
        self.n_links += 1

    def remove(self, source: int, target: int) -> None:
        """Remove a link that is there."""
        link = self._find(source, target)
        for (first, following), row in ((self._ahead, source), (self._behind, target)):
            chain = self._chain((first, following), row)
            place = chain.index(link)
            after = following.values[link]
            if place == 0:
                first.values[row] = after
            else:
                following.values[chain[place - 1]] = after
        self._source.values[link] = _NONE
        self.n_links -= 1

    def list_all(self) -> tuple[Rows, Rows, NDArray[np.float64], NDArray[np.float64]]:
        """Give source and target rows, costs and confidences of all links."""
        kept = self._source.values >= 0
        return (
            self._source.values[kept].astype(np.int64),
            self._target.values[kept].astype(np.int64),
            self._cost.values[kept],
            self._confidence.values[kept],
        )

    def part(self, one: int, other: int) -> tuple[Rows, bool] | None:
        """Find one of the two parts that two spots, unlinked just now, lie in.

        Both are searched at once, so that it takes no longer than the smaller part needs.

        Returns
        -------
        (rows, is_first) or None
            All spots of a part, and whether it is that of `one`; None if both still hang together.
        """
        marks = (self._stamp + 1, self._stamp + 2)
        self._stamp += 2
        mark = self._mark.values
        parts = [[np.array([one])], [np.array([other])]]
        sizes = [1, 1]
        mark[one], mark[other] = marks
        while True:
            side = 0 if sizes[0] <= sizes[1] else 1
            fresh = self._step(parts[side][-1], marks[side], marks[1 - side])
            if fresh is None:
                return None
            if not fresh.size:
                return np.concatenate(parts[side]), side == 0
            parts[side].append(fresh)
            sizes[side] += fresh.size

    def _step(self, rows: Rows, own: int, foreign: int) -> Rows | None:
        """Mark the spots linked to some, and give those that had not this mark before.

        Returns
        -------
        ndarray of int or None
            None if one has the foreign mark.
        """
        mark = self._mark.values
        if rows.size > _FEW:
            near = self._neighbours(rows)
            found = mark[near]
            if (found == foreign).any():
                return None
            fresh = np.unique(near[found != own])
            mark[fresh] = own
            return fresh
        found_here: list[int] = []
        for row in rows.tolist():
            for first, following, ends in self._sides():
                link = first.item(row)
                while link >= 0:
                    end = ends.item(link)
                    before = mark.item(end)
                    if before == foreign:
                        return None
                    if before != own:
                        mark[end] = own
                        found_here.append(end)
                    link = following.item(link)
        return np.array(found_here, np.int64)

    def _sides(self) -> tuple[tuple[NDArray[np.int32], ...], ...]:
        """First link of each spot, next one of each link, and its other end, ahead and behind."""
        return tuple(
            (first.values, following.values, ends.values)
            for (first, following), ends in (
                (self._ahead, self._target),
                (self._behind, self._source),
            )
        )

    def _neighbours(self, rows: Rows) -> Rows:
        """Rows that any of some rows has a link with."""
        found = []
        for first, following, ends in self._sides():
            link = first[rows]
            while True:
                link = link[link >= 0]
                if not link.size:
                    break
                found.append(ends[link])
                link = following[link]
        return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)

    def _chain(self, chains: tuple[Growing, Growing], row: int) -> list[int]:
        first, following = chains
        links, link = [], int(first.values[row])
        while link != _NONE:
            links.append(link)
            link = int(following.values[link])
        return links

    def _find(self, source: int, target: int) -> int:
        for link in self._chain(self._ahead, source):
            if self._target.values[link] == target:
                return link
        return _NONE


def _make_chains(n: int, links: Rows, rows: NDArray[Any]) -> tuple[Growing, Growing]:
    """Chain links, given in the order of the spots that they belong to."""
    first, following = np.full(n, _NONE, np.int32), np.full(links.size, _NONE, np.int32)
    begins = np.flatnonzero(np.diff(rows, prepend=-1))
    first[rows[begins]] = links[begins]
    same = np.flatnonzero(rows[1:] == rows[:-1])
    following[links[same]] = links[same + 1]
    return Growing(first), Growing(following)
