import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from btrackmate.tracking import kernels


def solve(costs, alternative, rows=None, columns=None):
    """Solve for a full matrix with inf for "no candidate"; give the column of each row."""
    costs = np.asarray(costs, float)
    row, column = np.nonzero(np.isfinite(costs))
    start = np.searchsorted(row, np.arange(costs.shape[0] + 1))
    rank = [
        np.arange(size, dtype=np.int32) if given is None else np.array(given, np.int32)
        for size, given in zip(costs.shape, (rows, columns), strict=True)
    ]
    turns = np.argsort(rank[0]).astype(np.int32)
    match = kernels.assign(
        start, column.astype(np.int32), costs[row, column], float(alternative), turns, rank[1]
    )
    return [int(column[m]) if m >= 0 else -1 for m in match]


def total(costs, alternative, match):
    return sum(alternative if j < 0 else costs[i][j] for i, j in enumerate(match))


def jaqaman_total(costs, alternative):
    """Lowest total of the literal matrix of Jaqaman et al., less what the columns add."""
    n, m = costs.shape
    full = np.full((n + m, n + m), 1e9)
    full[:n, :m] = np.where(np.isfinite(costs), costs, 1e9)
    full[range(n), m + np.arange(n)] = alternative
    full[n + np.arange(m), range(m)] = alternative
    full[n:, m:] = np.where(np.isfinite(costs.T), alternative, 1e9)
    row, column = linear_sum_assignment(full)
    return full[row, column].sum() - m * alternative


def test_the_sum_counts_and_not_the_nearest():
    # Row 1 would take column 0 for 1, but then row 0 has nothing: 1 + 16 > 4 + 4.
    costs = [[4, np.inf], [1, 4]]
    assert solve(costs, 16) == [0, 1]
    assert solve(costs, 5) == [-1, 0]


def test_a_row_gives_its_column_up_when_no_link_is_cheaper():
    # Row 0 takes column 0 first; row 1 needs it more.
    assert solve([[3], [1]], 4) == [-1, 0]


def test_a_candidate_dearer_than_no_link_is_never_taken():
    assert solve([[5.0]], 4) == [-1]


def test_long_augmenting_path():
    # Every row prefers the column of the row before; the last has only that one.
    costs = np.full((5, 5), np.inf)
    for i in range(5):
        costs[i, i] = 2
        if i:
            costs[i, i - 1] = 1
    assert solve(costs, 100) == [0, 1, 2, 3, 4]
    costs[0, 0] = np.inf
    assert solve(costs, 100) == [-1, 0, 1, 2, 3]


def test_no_rows_no_candidates():
    assert solve(np.empty((0, 0)), 1) == []
    assert solve(np.full((2, 3), np.inf), 1) == [-1, -1]


def test_ties_go_to_the_lower_rank():
    assert solve([[1, 1]], 2) == [0]
    assert solve([[1, 1]], 2, columns=[8, 3]) == [1]
    assert solve([[1], [1]], 2) == [0, -1]
    assert solve([[1], [1]], 2, rows=[8, 3]) == [-1, 0]


@pytest.mark.parametrize("density", [0.1, 0.3, 1.0])
def test_total_is_that_of_the_literal_matrix(density):
    rng = np.random.default_rng(7)
    for _ in range(60):
        n, m = rng.integers(1, 12, 2)
        costs = rng.integers(0, 30, (n, m)).astype(float)
        costs[rng.random((n, m)) > density] = np.inf
        for alternative in (3.0, 11.0, 40.0):
            match = solve(costs, alternative)
            taken = [j for j in match if j >= 0]
            assert len(set(taken)) == len(taken)
            assert total(costs, alternative, match) == pytest.approx(
                jaqaman_total(costs, alternative)
            )


def test_large_dense_problem():
    rng = np.random.default_rng(1)
    costs = rng.random((150, 120))
    expected = sum(costs[i, j] for i, j in zip(*linear_sum_assignment(costs), strict=True))
    assert total(costs, 10.0, solve(costs, 10.0)) == pytest.approx(expected + 30 * 10.0)
