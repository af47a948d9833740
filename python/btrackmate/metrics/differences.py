"""Where the links of a result differ from the truth's, one by one."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.metrics.aogm import find_common_links
from btrackmate.metrics.nodes import IntArray, NodeMatch, TrackNodes

COLUMNS = (
    "what",
    "why",
    "source_frame",
    "target_frame",
    "truth_source",
    "truth_target",
    "result_source",
    "result_target",
    "in_division",
)


def list_differences(
    truth: TrackNodes, result: TrackNodes, match: NodeMatch, ids: tuple[IntArray, IntArray]
) -> pd.DataFrame:
    """List the links that are in one of truth and result only.

    Parameters
    ----------
    truth, result : TrackNodes
        Nodes and links of each.
    match : NodeMatch
        Which nodes are the same cell.
    ids : tuple of (n,) ndarray of int
        The id by which each node of the truth, and of the result, is named.

    Returns
    -------
    DataFrame
        what: ``missed_link`` (the truth's) or ``false_link`` (the result's). why: which of its two
        cells is not there on the other side (``source``, ``target``, ``source_and_target``), is
        one with another cell there (``merged``), or, with both there, ``other_link``.
        source_frame, target_frame. truth_source, truth_target, result_source, result_target: ids of
        the two cells on either side, missing where a cell is not there. in_division: whether the
        link leaves a cell that divides. By frame, missed links first.

    Notes
    -----
    The links counted in link_f1: n_truth_links − missed = n_result_links − false.
    """
    of_truth, of_result = find_common_links(truth, result, match)
    missed = np.setdiff1d(np.arange(truth.n_links), of_truth)
    false = np.setdiff1d(np.arange(result.n_links), of_result)
    back = _find_truth(match, truth.n_nodes)
    ours = _describe(truth, missed, match.mate, match.sole_mate >= 0)
    theirs = _describe(result, false, back, match.truth_of >= 0)
    ours = ours.assign(what="missed_link").rename(columns=_SIDES)
    theirs = theirs.assign(what="false_link").rename(columns=_OTHER_SIDES)
    rows = pd.concat([table for table in (ours, theirs) if len(table)] or [ours])
    for side, names in (("truth", ids[0]), ("result", ids[1])):
        for end in ("source", "target"):
            node = rows[f"{side}_{end}"].to_numpy(np.int64)
            known = node >= 0
            values = pd.array(np.where(known, np.append(names, 0)[node], 0), dtype="Int64")
            values[~known] = pd.NA
            rows[f"{side}_{end}"] = values
    order = ["source_frame", "target_frame", "what", "truth_source", "result_source"]
    rows = rows.sort_values(order, ascending=[True, True, False, True, True], kind="stable")
    return rows[list(COLUMNS)].reset_index(drop=True)


_SIDES = {
    "source": "truth_source",
    "target": "truth_target",
    "other_source": "result_source",
    "other_target": "result_target",
}
_OTHER_SIDES = {
    "source": "result_source",
    "target": "result_target",
    "other_source": "truth_source",
    "other_target": "truth_target",
}


def _find_truth(match: NodeMatch, n_truth: int) -> IntArray:
    """Give a truth node that each result node is matched to, the first of several, −1 for none."""
    back = np.full(match.n_result, -1, np.int64)
    nodes = np.arange(n_truth)[::-1]
    matched = nodes[match.mate[nodes] >= 0]
    back[match.mate[matched]] = matched
    return back


def _describe(
    nodes: TrackNodes, chosen: IntArray, mate: IntArray, alone: NDArray[np.bool_]
) -> pd.DataFrame:
    """Describe links of one side: their nodes, those of the other side, and what is wrong."""
    source, target = nodes.source[chosen], nodes.target[chosen]
    lacks = np.stack([mate[source] < 0, mate[target] < 0])
    merged = (~alone[source] & ~lacks[0]) | (~alone[target] & ~lacks[1])
    why = np.select(
        [lacks.all(axis=0), lacks[0], lacks[1], merged],
        ["source_and_target", "source", "target", "merged"],
        "other_link",
    )
    return pd.DataFrame(
        {
            "why": why,
            "source_frame": nodes.frame[source],
            "target_frame": nodes.frame[target],
            "source": source,
            "target": target,
            "other_source": mate[source],
            "other_target": mate[target],
            "in_division": np.isin(nodes.tracklet[source], nodes.dividing)
            & nodes.is_parent_link[chosen],
        }
    )
