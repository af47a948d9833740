"""Matching of spots without labels, by distance."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.metrics.nodes import IntArray, NodeMatch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PointMatch:
    """Spots of a truth and a result that are the same cell, one to one.

    Parameters
    ----------
    truth_row, result_row : (k,) ndarray of int
        Rows of the spots, ascending by `truth_row`.
    distance : (k,) ndarray of float
        Distance of each pair, in the spots' space unit.
    n_truth, n_result : int
        Number of spots of each.
    """

    truth_row: IntArray
    result_row: IntArray
    distance: NDArray[np.float64]
    n_truth: int
    n_result: int

    @property
    def nodes(self) -> NodeMatch:
        """The match as tracking scores read it."""
        mate = np.full(self.n_truth, -1, np.int64)
        mate[self.truth_row] = self.result_row
        return NodeMatch(mate, self.n_result)


def match_same_spots(truth: TrackGraph, result: TrackGraph) -> NodeMatch | None:
    """Match spots that are the same in both: by their ids, or else by their positions.

    Parameters
    ----------
    truth, result : TrackGraph
        One may lack spots of the other, or have more.

    Returns
    -------
    NodeMatch or None
        None where neither at least half of the ids of the smaller one stand in the other one, all
        in the same frame and at the same place, nor half of its places. Places are the same within
        1e-5 of the extent of the truth, as tables are rounded.

    Raises
    ------
    UserError
        If they are in two space units, but pixels, as tables are that state none.
    """
    smaller = min(len(truth.spots), len(result.spots))
    if not smaller:
        return None
    _warn_of_lengths(truth, result)
    _check_units(truth, result, ("pixel",))
    places = truth.spots.positions, result.spots.positions
    near = max(float(np.ptp(places[0], axis=0).max()) * 1e-5, 1e-9)
    mate = result.spots.find_rows(truth.spots.id)
    both = np.flatnonzero(mate >= 0)
    there = mate[both]
    same = truth.spots.frame[both] == result.spots.frame[there]
    same &= (np.abs(places[0][both] - places[1][there]) <= near).all(axis=1)
    if same.all() and 2 * both.size >= smaller:
        return NodeMatch(mate, len(result.spots))
    by_place = _match_places(truth, result, near)
    return by_place.nodes if 2 * by_place.truth_row.size >= smaller else None


def match_points(truth: TrackGraph, result: TrackGraph, max_distance: float) -> PointMatch:
    """Match the spots of two graphs one to one, frame by frame.

    Parameters
    ----------
    truth, result : TrackGraph
        Graphs in one space unit; links play no part.
    max_distance : float
        Spots farther apart are never matched; in the space unit, > 0, itself included.

    Returns
    -------
    PointMatch
        Of all ways to pair spots of a frame, that with the smallest sum of distances, where an
        unmatched truth spot counts max_distance (Hungarian, exact).

    Raises
    ------
    UserError
        If `max_distance` is not a finite number above 0, or the space units differ.

    References
    ----------
    The gated distance between sets of Chenouard et al. 2014, Nat. Methods 11:281–289,
    doi:10.1038/nmeth.2808
    """
    if not (np.isfinite(max_distance) and max_distance > 0):
        msg = f"max_distance is {max_distance}, expected a finite distance above 0"
        raise UserError(msg)
    _check_units(truth, result)
    _warn_of_lengths(truth, result)
    return _match_places(truth, result, max_distance)


def _check_units(truth: TrackGraph, result: TrackGraph, free: Collection[str] = ()) -> None:
    """Refuse tracks in two space units, neither of which is free to mean the other."""
    units = truth.spots.calibration.space_unit, result.spots.calibration.space_unit
    if units[0] != units[1] and not set(units) & set(free):
        msg = f"the truth is in {units[0]} and the result in {units[1]}; bring both to one unit"
        raise UserError(msg)


def _warn_of_lengths(truth: TrackGraph, result: TrackGraph) -> None:
    """Say that one ends before the other, whose later cells nothing can match."""
    lengths = truth.spots.n_frames, result.spots.n_frames
    shared = min(lengths)
    missed, false = (int((graph.spots.frame >= shared).sum()) for graph in (truth, result))
    if missed or false:
        _log.warning(
            "the truth has %d frames and the result %d: %d cells after frame %d count as %s; cut "
            "the longer one if the other was not to have them",
            *lengths, missed or false, shared - 1, "missed" if missed else "false",
        )  # fmt: skip


def _match_places(truth: TrackGraph, result: TrackGraph, max_distance: float) -> PointMatch:
    places = truth.spots.positions, result.spots.positions
    offsets = truth.spots.frame_offsets, result.spots.frame_offsets
    rows, columns, distances = [], [], []
    for t in np.intersect1d(truth.spots.occupied_frames, result.spots.occupied_frames):
        (a, b), (c, d) = (offset[t] for offset in offsets), (offset[t + 1] for offset in offsets)
        i, j, distance = _match_frame(places[0][a:c], places[1][b:d], max_distance)
        rows.append(a + i)
        columns.append(b + j)
        distances.append(distance)
    return PointMatch(
        np.concatenate(rows) if rows else np.empty(0, np.int64),
        np.concatenate(columns) if columns else np.empty(0, np.int64),
        np.concatenate(distances) if distances else np.empty(0),
        len(truth.spots),
        len(result.spots),
    )


def _match_frame(
    truth: NDArray[np.float64], result: NDArray[np.float64], max_distance: float
) -> tuple[IntArray, IntArray, NDArray[np.float64]]:
    """Match (p, 3) with (q, 3) positions; return the pairs, ascending by truth, and distances."""
    near = cKDTree(truth).sparse_distance_matrix(
        cKDTree(result), max_distance, output_type="ndarray"
    )
    i, j, distance = near["i"].astype(np.int64), near["j"].astype(np.int64), near["v"]
    if np.unique(i).size < i.size or np.unique(j).size < j.size:
        # One private column a truth spot means "unmatched". All costs are raised by max_distance,
        # which changes nothing and keeps zeros out of the sparse matrix.
        n = truth.shape[0]
        unmatched = np.full(n, max_distance * (2 + 1e-9))
        cost = np.concatenate((distance + max_distance, unmatched))
        row = np.concatenate((i, np.arange(n)))
        column = np.concatenate((j, result.shape[0] + np.arange(n)))
        matrix = csr_array((cost, (row, column)), shape=(n, result.shape[0] + n))
        matched_row, matched_column = min_weight_full_bipartite_matching(matrix)
        chosen = np.isin(i * matrix.shape[1] + j, matched_row * matrix.shape[1] + matched_column)
        i, j, distance = i[chosen], j[chosen], distance[chosen]
    order = np.argsort(i)
    return i[order], j[order], distance[order]
