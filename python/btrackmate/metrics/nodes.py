"""Tracks as nodes (one a cell and frame) and links: what every tracking score reads."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TrackNodes:
    """Nodes in tracklets, and which tracklet continues which.

    Links follow from these: each node is linked to the next one of its tracklet (over missed
    frames too), and the last node of a parent tracklet to the first node of its child.

    Parameters
    ----------
    frame : (n,) ndarray of int
        Frame of each node.
    tracklet : (n,) ndarray of int
        Tracklet of each node, 0 … k−1; every tracklet has a node, at most one a frame.
    parent, child : (p,) ndarray of int
        Tracklets joined by a parent link. A CTC track has at most one parent.
    """

    frame: IntArray
    tracklet: IntArray
    parent: IntArray
    child: IntArray

    @classmethod
    def from_graph(cls, graph: TrackGraph) -> "TrackNodes":
        """Take spots as nodes, in row order, and the graph's tracklets.

        A gap inside a tracklet is no parent link; links at divisions and merges are.
        """
        parent, child = graph.tracklet_links
        return cls(graph.spots.frame, graph.tracklet, parent, child)

    @property
    def n_nodes(self) -> int:
        """Number of nodes n."""
        return int(self.frame.size)

    @property
    def n_links(self) -> int:
        """Number of links m."""
        return int(self.source.size)

    @cached_property
    def n_tracklets(self) -> int:
        """Number of tracklets k."""
        return int(self.tracklet.max(initial=-1)) + 1

    @cached_property
    def order(self) -> IntArray:
        """Nodes by tracklet, then frame, (n,)."""
        return np.lexsort((self.frame, self.tracklet))

    @cached_property
    def offsets(self) -> IntArray:
        """Nodes of tracklet i are ``order[offsets[i]:offsets[i + 1]]``, (k + 1,)."""
        counts = np.bincount(self.tracklet, minlength=self.n_tracklets)
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    @cached_property
    def sizes(self) -> IntArray:
        """Number of nodes of each tracklet, (k,)."""
        return np.diff(self.offsets)

    @cached_property
    def first(self) -> IntArray:
        """First node of each tracklet, (k,)."""
        return self.order[self.offsets[:-1]]

    @cached_property
    def last(self) -> IntArray:
        """Last node of each tracklet, (k,)."""
        return self.order[self.offsets[1:] - 1]

    @cached_property
    def begin(self) -> IntArray:
        """Frame of the first node of each tracklet, (k,)."""
        return self.frame[self.first]

    @cached_property
    def end(self) -> IntArray:
        """Frame of the last node of each tracklet, (k,)."""
        return self.frame[self.last]

    @cached_property
    def source(self) -> IntArray:
        """Node that each link leaves, (m,): links inside tracklets, then parent links."""
        inside = np.diff(self.tracklet[self.order]) == 0
        return np.concatenate((self.order[:-1][inside], self.last[self.parent]))

    @cached_property
    def target(self) -> IntArray:
        """Node that each link enters, (m,), in the order of :attr:`source`."""
        inside = np.diff(self.tracklet[self.order]) == 0
        return np.concatenate((self.order[1:][inside], self.first[self.child]))

    @cached_property
    def is_parent_link(self) -> NDArray[np.bool_]:
        """Whether each link joins two tracklets, (m,)."""
        return np.arange(self.n_links) >= self.n_links - self.parent.size

    @cached_property
    def n_children(self) -> IntArray:
        """Number of children of each tracklet, (k,)."""
        return np.bincount(self.parent, minlength=self.n_tracklets).astype(np.int64)

    @cached_property
    def dividing(self) -> IntArray:
        """Tracklets with two or more children, ascending: the divisions."""
        return np.flatnonzero(self.n_children >= 2)

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """Children of each dividing tracklet, ascending."""
        result: dict[int, list[int]] = {int(mother): [] for mother in self.dividing}
        order = np.lexsort((self.child, self.parent))
        for mother, child in zip(
            self.parent[order].tolist(), self.child[order].tolist(), strict=True
        ):
            if mother in result:
                result[mother].append(child)
        return result

    def node_at(self, tracklet: int, frame: int) -> int:
        """Give a tracklet's node in a frame, −1 where it has none."""
        nodes = self.order[self.offsets[tracklet] : self.offsets[tracklet + 1]]
        place = int(np.searchsorted(self.frame[nodes], frame))
        if place < nodes.size and self.frame[nodes[place]] == frame:
            return int(nodes[place])
        return -1


@dataclass(frozen=True, eq=False)
class NodeMatch:
    """Which result node each truth node is matched to.

    Parameters
    ----------
    mate : (n,) ndarray of int
        Result node of each truth node, −1 for none. Several truth nodes may share one.
    n_result : int
        Number of result nodes.
    """

    mate: IntArray
    n_result: int

    @cached_property
    def hits(self) -> IntArray:
        """Number of truth nodes matched to each result node, (n_result,)."""
        return np.bincount(self.mate[self.mate >= 0], minlength=self.n_result).astype(np.int64)

    @cached_property
    def sole_mate(self) -> IntArray:
        """Result node that each truth node alone is matched to, −1 for none, (n,)."""
        if self.n_result == 0:
            return np.full_like(self.mate, -1)
        alone = (self.mate >= 0) & (self.hits[self.mate] == 1)
        return np.where(alone, self.mate, -1)

    @cached_property
    def truth_of(self) -> IntArray:
        """Truth node of each result node that is matched to exactly one, else −1, (n_result,)."""
        truth = np.full(self.n_result, -1, np.int64)
        alone = np.flatnonzero(self.sole_mate >= 0)
        truth[self.sole_mate[alone]] = alone
        return truth
