"""Tracking scores: DET, TRA, LNK, CT, TF, BC(i), CCA, CHOTA, link and division F1."""

from dataclasses import dataclass

import numpy as np

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.metrics.aogm import GraphErrors, count_errors
from btrackmate.metrics.biology import (
    DivisionScores,
    score_cell_cycles,
    score_complete_tracks,
    score_divisions,
    score_track_fractions,
)
from btrackmate.metrics.chota import score_lineages
from btrackmate.metrics.movies import TrackedLabels, match_movies
from btrackmate.metrics.nodes import NodeMatch, TrackNodes
from btrackmate.metrics.points import match_points
from btrackmate.metrics.ratios import divide, f1_score

#: Frame tolerances i for which BC(i) is always given.
BRANCHING_TOLERANCES: tuple[int, ...] = (0, 1, 2, 3)


@dataclass(frozen=True)
class TrackingScores:
    """Scores of a tracking result; None where the truth has nothing that could be scored.

    Parameters
    ----------
    errors : GraphErrors
        Counts of node and link errors.
    CT, TF, CCA, CHOTA : float or None
        Complete tracks, track fractions, cell cycle accuracy, cell-specific higher order tracking
        accuracy.
    divisions : DivisionScores
        Divisions found within the tolerance asked for (0: mother and daughters exact).
    branching : tuple of DivisionScores
        The same for each tolerance of :data:`BRANCHING_TOLERANCES`.
    n_truth_tracklets, n_result_tracklets : int
        Tracklets of each.

    See Also
    --------
    score_tracking : label movies.
    score_points : graphs of spots.
    score_same_spots : other links of the same spots.
    """

    errors: GraphErrors
    CT: float | None
    TF: float | None
    CCA: float | None
    CHOTA: float | None
    divisions: DivisionScores
    branching: tuple[DivisionScores, ...]
    n_truth_tracklets: int
    n_result_tracklets: int

    @property
    def DET(self) -> float | None:
        """Detection accuracy, 0 … 1."""
        return self.errors.DET

    @property
    def TRA(self) -> float | None:
        """Tracking accuracy, 0 … 1."""
        return self.errors.TRA

    @property
    def LNK(self) -> float | None:
        """Linking accuracy, 0 … 1."""
        return self.errors.LNK

    @property
    def BC(self) -> float | None:
        """Branching correctness at the tolerance asked for; None without truth divisions."""
        return self.divisions.BC

    @property
    def BIO(self) -> float | None:
        """Mean of those of CT, TF, BC and CCA that there are."""
        parts = [part for part in (self.CT, self.TF, self.BC, self.CCA) if part is not None]
        return divide(sum(parts), len(parts))

    @property
    def link_precision(self) -> float | None:
        """Fraction of result links that are right; None where the result has none."""
        return divide(self.errors.link_tp, self.errors.n_result_links)

    @property
    def link_recall(self) -> float | None:
        """Fraction of truth links that are found; None where the truth has none."""
        return divide(self.errors.link_tp, self.errors.n_truth_links)

    @property
    def link_f1(self) -> float | None:
        """Harmonic mean of link precision and recall; None where there is no link at all."""
        wrong = self.errors.n_result_links - self.errors.link_tp
        missed = self.errors.n_truth_links - self.errors.link_tp
        return f1_score(self.errors.link_tp, wrong, missed)

    @property
    def division_precision(self) -> float | None:
        """Fraction of result divisions that are right."""
        return self.divisions.precision

    @property
    def division_recall(self) -> float | None:
        """Fraction of truth divisions that are found."""
        return self.divisions.recall

    @property
    def division_f1(self) -> float | None:
        """Harmonic mean of division precision and recall."""
        return self.divisions.f1

    def to_dict(self) -> dict[str, float | int | None]:
        """Give all numbers by the field's names, e.g. DET, TRA, link_f1, BC_1."""
        names = ("DET", "TRA", "LNK", "CT", "TF", "BC", "CCA", "CHOTA", "BIO")
        f1_names = [
            f"{kind}_{what}"
            for kind in ("link", "division")
            for what in ("precision", "recall", "f1")
        ]
        values: dict[str, float | int | None] = {
            name: getattr(self, name) for name in (*names, *f1_names)
        }
        values |= {f"BC_{scores.tolerance}": scores.BC for scores in self.branching}
        counts = ("TP", "FN", "FP", "NS", "ED", "EA", "EC")
        values |= {name: getattr(self.errors, name) for name in counts}
        return values | {
            "division_tolerance": self.divisions.tolerance,
            "n_truth_nodes": self.errors.n_truth_nodes,
            "n_result_nodes": self.n_result_nodes,
            "n_truth_links": self.errors.n_truth_links,
            "n_result_links": self.errors.n_result_links,
            "n_truth_tracklets": self.n_truth_tracklets,
            "n_result_tracklets": self.n_result_tracklets,
            "n_truth_divisions": self.divisions.tp + self.divisions.fn,
            "n_result_divisions": self.divisions.tp + self.divisions.fp,
        }

    @property
    def n_result_nodes(self) -> int:
        """Number of result nodes."""
        return self.errors.TP - self.errors.NS + self.errors.FP


def score_tracking(
    truth: TrackedLabels,
    result: TrackedLabels,
    progress: Progress = ignore_progress,
    *,
    division_tolerance: int = 0,
) -> TrackingScores:
    """Score a tracked label movie against its truth.

    Parameters
    ----------
    truth, result : TrackedLabels
        Movies of one length and shape, e.g. :class:`btrackmate.metrics.movies.LabelMovie`. Objects
        are matched by :func:`btrackmate.metrics.movies.match_movies` (result covers more than
        half of the truth object).
    progress : callable
        See :class:`btrackmate.core.progress.Progress`.
    division_tolerance : int
        Frames that a division may be off to count in BC and division F1, ≥ 0.

    Raises
    ------
    UserError
        If the movies do not fit each other, a tracks table contradicts its frames, or the
        tolerance is negative.
    """
    return score_nodes(*match_movies(truth, result, progress), division_tolerance)


def score_points(
    truth: TrackGraph,
    result: TrackGraph,
    max_distance: float,
    *,
    division_tolerance: int = 0,
) -> TrackingScores:
    """Score a graph of spots against its truth, without labels.

    Parameters
    ----------
    truth, result : TrackGraph
        Graphs in one space unit.
    max_distance : float
        Largest distance at which two spots may be the same cell, in the space unit; see
        :func:`btrackmate.metrics.points.match_points` for the rule.
    division_tolerance : int
        Frames that a division may be off to count in BC and division F1, ≥ 0.

    Raises
    ------
    UserError
        If the distance is not above 0, the units differ, or the tolerance is negative.
    """
    match = match_points(truth, result, max_distance).nodes
    nodes = TrackNodes.from_graph(truth), TrackNodes.from_graph(result)
    return score_nodes(*nodes, match, division_tolerance)


def score_same_spots(
    truth: TrackGraph, result: TrackGraph, *, division_tolerance: int = 0
) -> TrackingScores:
    """Score other links of the same spots: spots of one id are the same cell.

    Parameters
    ----------
    truth, result : TrackGraph
        Graphs whose spots have the same ids where they are the same; the result may lack some,
        or have more.
    division_tolerance : int
        Frames that a division may be off to count in BC and division F1, ≥ 0.

    Raises
    ------
    UserError
        If a spot stands in another frame than its namesake, or the tolerance is negative.
    """
    mate = result.spots.find_rows(truth.spots.id)
    both = np.flatnonzero(mate >= 0)
    moved = both[truth.spots.frame[both] != result.spots.frame[mate[both]]]
    if moved.size:
        first = moved[0]
        msg = f"spot {truth.spots.id[first]} stands in frame {truth.spots.frame[first]} of the "
        msg += f"truth, but in frame {result.spots.frame[mate[first]]} of the result; are these "
        msg += "the same spots? match by distance otherwise"
        raise UserError(msg)
    nodes = TrackNodes.from_graph(truth), TrackNodes.from_graph(result)
    return score_nodes(*nodes, NodeMatch(mate, len(result.spots)), division_tolerance)


def score_nodes(
    truth: TrackNodes, result: TrackNodes, match: NodeMatch, division_tolerance: int = 0
) -> TrackingScores:
    """Score nodes that are matched already.

    Parameters
    ----------
    truth, result : TrackNodes
        Nodes and links of each.
    match : NodeMatch
        Which nodes are the same cell.
    division_tolerance : int
        Frames that a division may be off to count in BC and division F1, ≥ 0.

    Raises
    ------
    UserError
        If the tolerance is negative.
    """
    if division_tolerance < 0:
        msg = f"division tolerance is {division_tolerance} frames, expected 0 or more"
        raise UserError(msg)
    return TrackingScores(
        errors=count_errors(truth, result, match),
        CT=score_complete_tracks(truth, result, match),
        TF=score_track_fractions(truth, result, match),
        CCA=score_cell_cycles(truth, result),
        CHOTA=score_lineages(truth, result, match),
        divisions=score_divisions(truth, result, match, division_tolerance),
        branching=tuple(
            score_divisions(truth, result, match, tolerance) for tolerance in BRANCHING_TOLERANCES
        ),
        n_truth_tracklets=truth.n_tracklets,
        n_result_tracklets=result.n_tracklets,
    )
