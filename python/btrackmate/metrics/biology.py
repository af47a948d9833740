"""Scores of whole tracks, divisions and cell cycles: CT, TF, BC(i), CCA."""

from dataclasses import dataclass

import numpy as np

from btrackmate.metrics.nodes import IntArray, NodeMatch, TrackNodes
from btrackmate.metrics.ratios import divide, f1_score


@dataclass(frozen=True)
class DivisionScores:
    """Divisions found within a frame tolerance.

    Parameters
    ----------
    tolerance : int
        Frames that mother's end and daughters' begin may be off.
    tp, fp, fn : int
        Divisions found, invented and missed.
    """

    tolerance: int
    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP); None where the result has no division."""
        return divide(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """TP / (TP + FN); None where the truth has no division."""
        return divide(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN); None where there is no division at all."""
        return f1_score(self.tp, self.fp, self.fn)

    @property
    def BC(self) -> float | None:
        """Branching correctness BC(tolerance): the F1, but None where the truth has no division."""
        return self.f1 if self.tp + self.fn else None


def score_complete_tracks(truth: TrackNodes, result: TrackNodes, match: NodeMatch) -> float | None:
    """Give CT, the F1 of tracklets found from their first to their last frame.

    A truth tracklet is found if all its nodes are matched, each alone, to nodes of one result
    tracklet that begins and ends in the same frames. CT = 2·found / (truth + result tracklets);
    None where there is no tracklet.

    References
    ----------
    Ulman et al. 2017, Nat. Methods 14:1141–1152, doi:10.1038/nmeth.4473
    """
    follows = _followed_tracklet(result, match)
    lowest = np.full(truth.n_tracklets, np.iinfo(np.int64).max)
    highest = np.full(truth.n_tracklets, -1)
    np.minimum.at(lowest, truth.tracklet, follows)
    np.maximum.at(highest, truth.tracklet, follows)
    one = np.flatnonzero((lowest == highest) & (lowest >= 0))
    same = (truth.begin[one] == result.begin[lowest[one]]) & (
        truth.end[one] == result.end[lowest[one]]
    )
    return divide(2 * int(same.sum()), truth.n_tracklets + result.n_tracklets)


def score_track_fractions(truth: TrackNodes, result: TrackNodes, match: NodeMatch) -> float | None:
    """Give TF, the mean longest fraction of a truth tracklet that one result tracklet follows.

    Of a truth tracklet the longest run of successive nodes matched, each alone, to one result
    tracklet counts, over the number of its nodes. The mean goes over truth tracklets that are
    found at all; 0 where none is, None where the truth has none.

    Notes
    -----
    As in the Challenge's own program, a result tracklet that follows one truth tracklet wholly
    is not counted for truth tracklets of higher number, which makes the score depend on the
    order of labels in rare cases (a result that strings several truth tracklets together).

    References
    ----------
    Ulman et al. 2017, Nat. Methods 14:1141–1152, doi:10.1038/nmeth.4473
    """
    if truth.n_tracklets == 0:
        return None
    follows = _followed_tracklet(result, match)[truth.order]
    member = truth.tracklet[truth.order]
    new_run = np.ones(follows.size, np.bool_)
    new_run[1:] = (np.diff(member) != 0) | (np.diff(follows) != 0)
    starts = np.flatnonzero(new_run)
    lengths = np.diff(np.append(starts, follows.size))
    real = follows[starts] >= 0
    runs = np.column_stack((follows[starts], member[starts], lengths))[real]
    # Longest run of each pair: by result, then truth, then length; the last of a pair is longest.
    runs = runs[np.lexsort((runs[:, 2], runs[:, 1], runs[:, 0]))]
    final = np.ones(len(runs), np.bool_)
    final[:-1] = (np.diff(runs[:, :2], axis=0) != 0).any(axis=1)
    best = np.zeros(truth.n_tracklets)
    spent = -1
    for follower, followed, length in runs[final].tolist():
        if follower == spent or best[followed] == 1:
            continue
        fraction = length / int(truth.sizes[followed])
        best[followed] = max(best[followed], fraction)
        if fraction == 1:
            spent = follower
    return divide(best.sum(), int((best > 0).sum())) or 0.0


def score_divisions(
    truth: TrackNodes, result: TrackNodes, match: NodeMatch, tolerance: int = 0
) -> DivisionScores:
    """Count the divisions that are found within a frame tolerance i.

    A division is found if mother and result mother end at most i frames apart and are matched,
    alone, in the last frame of the one that ends first; both have as many daughters; and each
    truth daughter has a result daughter of its own that begins at most i frames apart and is
    matched to it, alone, in the first frame of the one that begins last. With i = 0 mother and
    daughters are exact. BC(i) is the F1 of these.

    References
    ----------
    Ulman et al. 2017, Nat. Methods 14:1141–1152, doi:10.1038/nmeth.4473
    """
    found = 0
    for mother in truth.dividing.tolist():
        candidates: set[int] = set()
        for frame in range(int(truth.end[mother]) - tolerance, int(truth.end[mother]) + 1):
            mate = _sole_mate_at(truth, match, mother, frame)
            if mate >= 0:
                candidates.add(int(result.tracklet[mate]))
        pairs = ((mother, other) for other in candidates if result.n_children[other] >= 2)
        found += sum(_same_division(truth, result, match, pair, tolerance) for pair in pairs)
    n_truth, n_result = truth.dividing.size, result.dividing.size
    return DivisionScores(tolerance, found, n_result - found, n_truth - found)


def score_cell_cycles(truth: TrackNodes, result: TrackNodes) -> float | None:
    """Give CCA, 1 − the largest gap between the two distributions of cell cycle length.

    A cell cycle is a tracklet that begins and ends with a division; its length is last − first
    frame. None where the truth has none, 0 where only the result has none.

    References
    ----------
    Ulman et al. 2017, Nat. Methods 14:1141–1152, doi:10.1038/nmeth.4473
    """
    lengths = [_cycle_lengths(nodes) for nodes in (truth, result)]
    if lengths[0].size == 0:
        return None
    if lengths[1].size == 0:
        return 0.0
    bins = int(max(part.max() for part in lengths)) + 1
    below = [np.cumsum(np.bincount(part, minlength=bins) / part.size) for part in lengths]
    return float(1 - np.abs(below[0] - below[1]).max())


def _followed_tracklet(result: TrackNodes, match: NodeMatch) -> IntArray:
    """Give the result tracklet that each truth node alone is matched to, −1 for none."""
    mate = match.sole_mate
    follows = np.full(mate.size, -1, np.int64)
    follows[mate >= 0] = result.tracklet[mate[mate >= 0]]
    return follows


def _cycle_lengths(nodes: TrackNodes) -> IntArray:
    born = np.zeros(nodes.n_tracklets, np.bool_)
    born[nodes.child[nodes.n_children[nodes.parent] >= 2]] = True
    whole = born & (nodes.n_children >= 2)
    return (nodes.end - nodes.begin)[whole]


def _sole_mate_at(truth: TrackNodes, match: NodeMatch, tracklet: int, frame: int) -> int:
    node = truth.node_at(tracklet, frame)
    return int(match.sole_mate[node]) if node >= 0 else -1


def _same_division(
    truth: TrackNodes,
    result: TrackNodes,
    match: NodeMatch,
    mothers: tuple[int, int],
    tolerance: int,
) -> bool:
    ours, theirs = mothers
    daughters, others = truth.children[ours], result.children[theirs]
    ends = int(truth.end[ours]), int(result.end[theirs])
    if len(daughters) != len(others) or abs(ends[0] - ends[1]) > tolerance:
        return False
    mate = _sole_mate_at(truth, match, ours, min(ends))
    if mate < 0 or result.tracklet[mate] != theirs:
        return False
    taken: set[int] = set()
    for daughter in daughters:
        for other in others:
            begins = int(truth.begin[daughter]), int(result.begin[other])
            mate = _sole_mate_at(truth, match, daughter, max(begins))
            near = abs(begins[0] - begins[1]) <= tolerance
            if near and mate >= 0 and result.tracklet[mate] == other:
                taken.add(other)
                break
    return len(taken) == len(daughters)
