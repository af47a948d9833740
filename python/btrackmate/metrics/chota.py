"""CHOTA: detection and association over whole lineages in one number."""

import numpy as np
from scipy.sparse import csr_array

from btrackmate.metrics.nodes import NodeMatch, TrackNodes

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
    The clique of a tracklet is the tracklet itself, its ancestors and its descendants (so a
    tracklet cut in two with a parent link scores as if it were whole). For each pair of matched
    nodes, with tracklets i and j, A = TPA / (TPA + FNA + FPA), where TPA counts matches between
    the cliques of i and j, FNA the other nodes of the clique of i, and FPA the other nodes of that
    of j. CHOTA = √(Σ A / (TP + FP + FN)). All tracklets are worked at once on sparse matrices.

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
    rows = truth.tracklet[matched]
    columns = result.tracklet[match.mate[matched]]
    shape = (truth.n_tracklets, result.n_tracklets)
    shared = csr_array((np.ones(matched.size), (rows, columns)), shape=shape)
    shared.sum_duplicates()
    our_cliques, their_cliques = _cliques(truth), _cliques(result)
    our_sizes = our_cliques @ truth.sizes
    # A result node that several truth nodes share counts once for each, an unmatched one once.
    weights = np.maximum(match.hits, 1)
    their_sizes = their_cliques @ np.bincount(result.tracklet, weights=weights)
    between = our_cliques @ shared
    pairs = shared.tocoo()
    total = 0.0
    for start in range(0, pairs.nnz, _CHUNK):
        part = slice(start, start + _CHUNK)
        i, j = pairs.row[part], pairs.col[part]
        tpa = between[i].multiply(their_cliques[j]).sum(axis=1)
        total += float((pairs.data[part] * tpa / (our_sizes[i] + their_sizes[j] - tpa)).sum())
    return float(np.sqrt(total / n_all))


def _cliques(nodes: TrackNodes) -> csr_array:
    """Mark ancestors, descendants and itself for each tracklet, (k, k) matrix of 0 and 1."""
    shape = (nodes.n_tracklets, nodes.n_tracklets)
    step = csr_array((np.ones(nodes.child.size), (nodes.child, nodes.parent)), shape=shape)
    own = np.arange(nodes.n_tracklets)
    below, above = [own], [own]
    reached = step
    while reached.nnz:  # one generation more at each turn
        pairs = reached.tocoo()
        below += [pairs.row, pairs.col]
        above += [pairs.col, pairs.row]
        reached = reached @ step
        reached.data[:] = 1
    rows, columns = np.concatenate(below), np.concatenate(above)
    cliques = csr_array((np.ones(rows.size), (rows, columns)), shape=shape)
    cliques.data[:] = 1
    return cliques
