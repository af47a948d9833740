"""CHOTA: detection and association over whole lineages in one number."""

import numpy as np
from scipy.sparse import csr_array, identity

from btrackmate.metrics.nodes import IntArray, NodeMatch, TrackNodes

_CHUNK = 4096


def score_lineages(truth: TrackNodes, result: TrackNodes, match: NodeMatch) -> float | None:
    """Give CHOTA, the cell-specific higher order tracking accuracy.

    Parameters
    ----------
    truth, result : TrackNodes
        Nodes and links of each.
    match : NodeMatch
        Which nodes are the same cell.

    Returns
    -------
    float or None
        0 … 1; None where neither holds a node.

    Notes
    -----
    A tracklet that is the only child of its parent is joined with it. The clique of a tracklet is
    the tracklet itself, its ancestors and its descendants. For each pair of matched nodes, with
    tracklets i and j, A = TPA / (TPA + FNA + FPA), where TPA counts matches between the cliques
    of i and j, FNA the other nodes of the clique of i, and FPA the other nodes of that of j.
    CHOTA = √(Σ A / (TP + FP + FN)). All tracklets are worked at once on sparse matrices.

    References
    ----------
    Kaiser, Ulman, Rosenhahn 2024, "CHOTA: A Higher Order Accuracy Metric for Cell Tracking",
    doi:10.48550/arXiv.2408.11571
    """
    matched = np.flatnonzero(match.mate >= 0)
    n_all = truth.n_nodes + int((match.hits == 0).sum())
    if n_all == 0:
        return None
    if matched.size == 0:
        return 0.0
    ours, theirs = _join_only_children(truth), _join_only_children(result)
    rows = ours[truth.tracklet[matched]]
    columns = theirs[result.tracklet[match.mate[matched]]]
    shape = (int(ours.max()) + 1, int(theirs.max()) + 1)
    shared = csr_array((np.ones(matched.size), (rows, columns)), shape=shape)
    shared.sum_duplicates()
    our_cliques = _cliques(truth, ours)
    their_cliques = _cliques(result, theirs)
    our_sizes = our_cliques @ np.bincount(ours[truth.tracklet], minlength=shape[0])
    # A result node that several truth nodes share counts once for each, an unmatched one once.
    weights = np.maximum(match.hits, 1)
    their_sizes = their_cliques @ np.bincount(
        theirs[result.tracklet], weights=weights, minlength=shape[1]
    )
    between = our_cliques @ shared
    pairs = shared.tocoo()
    total = 0.0
    for start in range(0, pairs.nnz, _CHUNK):
        part = slice(start, start + _CHUNK)
        i, j = pairs.row[part], pairs.col[part]
        tpa = between[i].multiply(their_cliques[j]).sum(axis=1)
        total += float((pairs.data[part] * tpa / (our_sizes[i] + their_sizes[j] - tpa)).sum())
    return float(np.sqrt(total / n_all))


def _join_only_children(nodes: TrackNodes) -> IntArray:
    """Give tracklets numbers from 0, an only child that of its parent, (k,)."""
    n_parents = np.bincount(nodes.child, minlength=nodes.n_tracklets)
    only = (nodes.n_children[nodes.parent] == 1) & (n_parents[nodes.child] == 1)
    root = np.arange(nodes.n_tracklets)
    root[nodes.child[only]] = nodes.parent[only]
    while not np.array_equal(root, root[root]):
        root = root[root]
    return np.unique(root, return_inverse=True)[1].astype(np.int64)


def _cliques(nodes: TrackNodes, joined: IntArray) -> csr_array:
    """Mark ancestors, descendants and itself for each joined tracklet, (k, k) matrix of 0 and 1."""
    count = int(joined.max()) + 1
    parent, child = joined[nodes.parent], joined[nodes.child]
    real = parent != child
    step = csr_array((np.ones(int(real.sum())), (child[real], parent[real])), shape=(count, count))
    ancestors = csr_array((count, count))
    reached = step
    while reached.nnz:
        reached.data[:] = 1
        ancestors = ancestors + reached
        reached = reached @ step
    both = (ancestors + ancestors.T + identity(count, format="csr")).tocsr()
    both.data[:] = 1
    return csr_array(both)
