"""Counts of what must be mended to turn the result's graph into the truth's (AOGM)."""

from dataclasses import dataclass

import numpy as np

from btrackmate.metrics.nodes import IntArray, NodeMatch, TrackNodes
from btrackmate.metrics.ratios import divide

#: Cell Tracking Challenge weights: split, missed and false nodes; false, missed and wrong links.
WEIGHT_NS, WEIGHT_FN, WEIGHT_FP = 5.0, 10.0, 1.0
WEIGHT_ED, WEIGHT_EA, WEIGHT_EC = 1.0, 1.5, 1.0


@dataclass(frozen=True)
class GraphErrors:
    """Errors of nodes and links.

    Parameters
    ----------
    TP, FN, FP : int
        Truth nodes that are matched, truth nodes that are not, result nodes that are not.
    NS : int
        Splits needed: truth nodes beyond the first that share one result node.
    ED : int
        Links to delete: between result nodes matched to one truth node each, not in the truth.
    EA : int
        Links to add: truth links without a result link between the matched nodes.
    EC : int
        Links of the wrong kind: found, but inside a tracklet in one and parent link in the other.
    link_tp : int
        Truth links that the result has, of either kind.
    n_truth_nodes, n_truth_links, n_result_links : int
        Totals.

    References
    ----------
    Matula et al. 2015, PLoS ONE 10(12):e0144959, doi:10.1371/journal.pone.0144959
    """

    TP: int
    FN: int
    FP: int
    NS: int
    ED: int
    EA: int
    EC: int
    link_tp: int
    n_truth_nodes: int
    n_truth_links: int
    n_result_links: int

    @property
    def node_cost(self) -> float:
        """Weighted sum of node errors."""
        return WEIGHT_NS * self.NS + WEIGHT_FN * self.FN + WEIGHT_FP * self.FP

    @property
    def link_cost(self) -> float:
        """Weighted sum of link errors."""
        return WEIGHT_ED * self.ED + WEIGHT_EA * self.EA + WEIGHT_EC * self.EC

    @property
    def DET(self) -> float | None:
        """1 − min(node cost, cost of an empty result) / that; None without truth nodes."""
        return _score(self.node_cost, WEIGHT_FN * self.n_truth_nodes)

    @property
    def LNK(self) -> float | None:
        """1 − min(link cost, cost of an empty result) / that; None without truth links."""
        return _score(self.link_cost, WEIGHT_EA * self.n_truth_links)

    @property
    def TRA(self) -> float | None:
        """1 − min(AOGM, AOGM of an empty result) / that; None without truth nodes."""
        empty = WEIGHT_FN * self.n_truth_nodes + WEIGHT_EA * self.n_truth_links
        return _score(self.node_cost + self.link_cost, empty)


def count_errors(truth: TrackNodes, result: TrackNodes, match: NodeMatch) -> GraphErrors:
    """Count the errors of a result's nodes and links.

    Parameters
    ----------
    truth, result : TrackNodes
        Nodes and links of each.
    match : NodeMatch
        Which nodes are the same cell.
    """
    matched = int((match.mate >= 0).sum())
    used = int((match.hits > 0).sum())
    inner = (match.truth_of[result.source] >= 0) & (match.truth_of[result.target] >= 0)
    of_truth, of_result = find_common_links(truth, result, match)
    kind = truth.is_parent_link[of_truth] != result.is_parent_link[of_result]
    return GraphErrors(
        TP=matched,
        FN=truth.n_nodes - matched,
        FP=result.n_nodes - used,
        NS=matched - used,
        ED=int(inner.sum()) - of_result.size,
        EA=truth.n_links - of_truth.size,
        EC=int(kind.sum()),
        link_tp=of_truth.size,
        n_truth_nodes=truth.n_nodes,
        n_truth_links=truth.n_links,
        n_result_links=result.n_links,
    )


def find_common_links(
    truth: TrackNodes, result: TrackNodes, match: NodeMatch
) -> tuple[IntArray, IntArray]:
    """Find the links that both have: between nodes that are matched to each other alone.

    Returns
    -------
    of_truth, of_result : (k,) ndarray of int
        Number of each such link in either.
    """
    ends = match.truth_of[result.source], match.truth_of[result.target]
    inner = np.flatnonzero((ends[0] >= 0) & (ends[1] >= 0))
    found = ends[0][inner] * truth.n_nodes + ends[1][inner]
    wanted = truth.source * truth.n_nodes + truth.target
    _, of_truth, place = np.intersect1d(wanted, found, return_indices=True)
    return of_truth.astype(np.int64), inner[place]


def _score(cost: float, empty: float) -> float | None:
    ratio = divide(min(cost, empty), empty)
    return None if ratio is None else 1 - ratio
