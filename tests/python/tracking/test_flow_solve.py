from itertools import combinations

import numpy as np
import pytest

from btrackmate.tracking.flow import solver
from btrackmate.tracking.flow.candidates import Candidates
from btrackmate.tracking.flow.solver import list_slots, relax, solve


def make(rows):
    """Make candidates of rows (source, first, second)."""
    array = np.array(rows, np.int64).reshape(-1, 3)
    return Candidates(array[:, 0], array[:, 1], array[:, 2], np.ones(len(array), np.int64))


def best_score(candidates, score, n):
    """Try every subset."""
    slots = list_slots(candidates, n)
    best = 0.0
    for size in range(1, len(candidates) + 1):
        for subset in combinations(range(len(candidates)), size):
            taken = slots[list(subset)]
            taken = taken[taken >= 0]
            if np.unique(taken).size == taken.size:
                best = max(best, score[list(subset)].sum())
    return best


def test_no_candidates():
    solution = solve(make([]), np.empty(0), 3)
    assert solution.chosen.size == 0
    assert solution.score == solution.bound == 0


def test_candidates_below_zero_are_never_chosen():
    assert solve(make([(0, 1, -1)]), np.array([-0.1]), 2).chosen.size == 0


def test_global_optimum_beats_the_greedy_choice():
    """0 and 1 want 2 and 3; the best single link (0→2, 5) costs 1 its only one (1→2, 4)."""
    candidates = make([(0, 2, -1), (0, 3, -1), (1, 2, -1)])
    solution = solve(candidates, np.array([5.0, 4.0, 4.0]), 4)
    assert solution.chosen.tolist() == [1, 2]
    assert solution.score == 8


def test_a_division_takes_both_daughters():
    """The division 0→(2, 3) scores 6, its rivals 0→2 and 1→3 together 7."""
    candidates = make([(0, 2, 3), (0, 2, -1), (1, 3, -1)])
    assert solve(candidates, np.array([6.0, 4.0, 3.0]), 4).chosen.tolist() == [1, 2]
    assert solve(candidates, np.array([8.0, 4.0, 3.0]), 4).chosen.tolist() == [0]


def test_a_spot_that_is_no_cell_takes_no_link():
    """Spot 1 is better no cell (3) than linked 0→1 (1) and 1→2 (1)."""
    candidates = make([(1, -1, -1), (0, 1, -1), (1, 2, -1)])
    assert solve(candidates, np.array([3.0, 1.0, 1.0]), 3).chosen.tolist() == [0]
    assert solve(candidates, np.array([1.5, 1.0, 1.0]), 3).chosen.tolist() == [1, 2]


def test_a_fractional_program_is_solved_in_integers(monkeypatch):
    """Three divisions that share a daughter two by two: halves of all score 4.5, one scores 3."""
    monkeypatch.setattr(solver, "_FEW", 0)
    candidates = make([(0, 3, 4), (1, 4, 5), (2, 3, 5)])
    solution = solve(candidates, np.array([3.0, 3.0, 3.0]), 6)
    assert solution.n_fractional == 3
    assert solution.score == solution.bound == 3
    assert relax(candidates, np.array([3.0, 3.0, 3.0]), 6).tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("few", [0, 300])
@pytest.mark.parametrize("seed", range(30))
def test_random_problems_are_solved_to_the_optimum(seed, few, monkeypatch):
    monkeypatch.setattr(solver, "_BATCH", 4)
    monkeypatch.setattr(solver, "_FEW", few)
    rng = np.random.default_rng(seed)
    rows = set()
    for _ in range(11):
        a, b = np.sort(rng.choice(np.arange(4, 8), 2, replace=False))
        kind = rng.integers(3)
        source = int(rng.integers(4))
        rows.add([(source, int(a), int(b)), (source, int(a), -1), (int(a), -1, -1)][kind])
    candidates = make(sorted(rows))
    score = rng.integers(-1, 9, len(candidates)).astype(float)
    solution = solve(candidates, score, 8)
    taken = list_slots(candidates, 8)[solution.chosen]
    taken = taken[taken >= 0]
    assert np.unique(taken).size == taken.size
    assert solution.score == score[solution.chosen].sum() == best_score(candidates, score, 8)
    assert solution.bound == pytest.approx(solution.score)
    value = relax(candidates, score, 8)
    assert score @ value >= solution.score - 1e-9
    if not (value % 1).any():
        assert score @ value == pytest.approx(solution.score)


def test_clear_choices_need_no_linear_program():
    candidates = make([(0, 2, -1), (0, 3, -1), (1, 2, -1), (1, 3, -1)])
    solution = solve(candidates, np.array([9.0, 2.0, 1.0, 9.0]), 4)
    assert solution.chosen.tolist() == [0, 3]
    assert solution.n_open == 0
