"""The best set of links and divisions over all frames at once: an exact set packing."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from btrackmate.tracking.flow.candidates import Candidates
from btrackmate.tracking.flow.motion import Floats, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_log = logging.getLogger(__name__)

#: Candidates in doubt, in all and in one component, up to which all choices are tried: loading
#: SciPy's solvers takes longer.
_FEW, _FEW_TOGETHER = 300, 20
#: Candidates solved in one linear program.
_BATCH = 20_000
#: Seconds that an integer program may take before its best solution and bound are taken.
_TIME_LIMIT = 20.0


@dataclass(frozen=True)
class Solution:
    """The chosen candidates, and how sure it is that no better choice exists.

    Parameters
    ----------
    chosen : (k,) ndarray of int
        Numbers of the candidates, ascending.
    score : float
        Their total score.
    bound : float
        No choice scores more than this.
    n_open : int
        Candidates that the linear program had to decide.
    n_fractional : int
        Candidates that the integer program had to decide.
    """

    chosen: IntArray
    score: float
    bound: float
    n_open: int
    n_fractional: int


def list_slots(candidates: Candidates, n: int) -> IntArray:
    """Give the slots that each candidate takes, (m, 3), −1 for none.

    Slot i is what spot i becomes, slot n + i where spot i comes from; each is taken once.
    """
    first = np.where(candidates.first >= 0, candidates.first, candidates.source)
    second = np.where(candidates.second >= 0, candidates.second + n, -1)
    return np.stack((candidates.source, first + n, second), axis=1)


def solve(candidates: Candidates, score: Floats, n: int) -> Solution:
    """Choose candidates that share no slot with the greatest total score.

    Parameters
    ----------
    candidates : Candidates
        m candidates among n spots.
    score : (m,) ndarray of float
        Log odds of each against nothing; those ≤ 0 are never chosen.
    n : int
        Number of spots.

    Notes
    -----
    A candidate that scores more than the best rivals in all its slots together is in every best
    solution: it is taken and its rivals go, until nothing changes. A division that scores no more
    than the link to one of its daughters goes too. What is left falls into components without a
    common slot; they are solved as linear programs, and as integer programs where the optimum is
    fractional. Everything is exact, up to the time limit of an integer program.
    """
    slots, sure, open_ = _find_sure(candidates, score, n)
    value, bound, fractional = _solve_components(slots[open_], score[open_])
    chosen = open_[value > 0.5]
    rows = np.sort(np.concatenate((sure, chosen)))
    total = float(score[rows].sum())
    missing = bound - float(score[chosen].sum())
    return Solution(rows, total, total + max(missing, 0.0), int(open_.size), fractional)


def relax(candidates: Candidates, score: Floats, n: int) -> Floats:
    """Solve as :func:`solve` does, but by linear programs alone, which are many times faster.

    Returns
    -------
    (m,) ndarray of float
        1 for a chosen candidate, else 0; fractions where the program's optimum has them, as in
        :func:`solve` before the integer program. Their total score is then a bound.
    """
    slots, sure, open_ = _find_sure(candidates, score, n)
    value = np.zeros(score.size)
    value[sure] = 1.0
    value[open_] = _solve_components(slots[open_], score[open_], whole=False)[0]
    return value


def _find_sure(
    candidates: Candidates, score: Floats, n: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Give the slots of all candidates, those that are sure to be chosen, and those in doubt."""
    slots = list_slots(candidates, n)
    open_ = np.flatnonzero(score > 0)
    open_ = open_[~_is_beaten(candidates, score, open_, n)]
    taken: list[IntArray] = []
    while open_.size:
        sure = _is_sure(slots[open_], score[open_], 2 * n)
        if not sure.any():
            break
        taken.append(open_[sure])
        used = np.zeros(2 * n + 1, np.bool_)  # the last one stands for slot −1
        used[slots[open_[sure]].ravel()] = True
        used[-1] = False
        open_ = open_[~used[slots[open_]].any(axis=1)]
    return slots, np.concatenate([np.empty(0, np.int64), *taken]), open_


def _is_beaten(candidates: Candidates, score: Floats, rows: IntArray, n: int) -> NDArray[np.bool_]:
    """Tell which divisions score no more than the link to one daughter."""
    chosen = candidates.take(rows)
    link = np.flatnonzero((chosen.second < 0) & (chosen.first >= 0))
    key = chosen.source[link] * n + chosen.first[link]
    order = np.argsort(key)
    key, value = key[order], score[rows[link[order]]]
    division = np.flatnonzero(chosen.second >= 0)
    beaten = np.zeros(rows.size, np.bool_)
    for daughter in (chosen.first, chosen.second):
        wanted = chosen.source[division] * n + daughter[division]
        place = np.minimum(np.searchsorted(key, wanted), max(key.size - 1, 0))
        if key.size:
            hit = key[place] == wanted
            beaten[division] |= hit & (value[place] >= score[rows[division]])
    return beaten


def _is_sure(slots: IntArray, score: Floats, n_slots: int) -> NDArray[np.bool_]:
    """Tell which candidates score more than the best rivals of all their slots together."""
    best, second = np.zeros(n_slots), np.zeros(n_slots)
    row, column = np.nonzero(slots >= 0)
    slot, value = slots[row, column], score[row]
    order = np.lexsort((value, slot))
    slot, value = slot[order], value[order]
    last = np.flatnonzero(np.append(slot[1:] != slot[:-1], True))
    best[slot[last]] = value[last]
    before = last[(last > 0) & (slot[last - 1] == slot[last])]
    second[slot[before]] = value[before - 1]
    rival = np.zeros(score.size)
    for here in slots.T:
        other = np.where(score >= best[here], second[here], best[here])
        rival += np.where(here >= 0, other, 0)
    return score > rival


def _solve_components(
    slots: IntArray, score: Floats, *, whole: bool = True
) -> tuple[Floats, float, int]:
    """Solve what is in doubt; give the candidates' values, the bound and the fractional ones."""
    m = score.size
    values = np.zeros(m)
    if m == 0:
        return values, 0.0, 0
    if m <= _FEW and (tried := _try_choices(slots, score)) is not None:
        values[tried] = 1.0
        return values, float(score[tried].sum()), 0
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import connected_components

    row, column = np.nonzero(slots >= 0)
    _, slot = np.unique(slots[row, column], return_inverse=True)
    matrix = csr_array(coo_array((np.ones(row.size), (slot, row)), shape=(slot.max() + 1, m)))
    member = connected_components(matrix.T @ matrix, directed=False)[1]
    order = np.argsort(member, kind="stable")
    sizes = np.bincount(member)
    ends = np.cumsum(sizes)
    begin, bound, fractional = 0, 0.0, 0
    while begin < m:
        end = int(ends[max(int(np.searchsorted(ends, begin + _BATCH, "right")) - 1, 0)])
        if end <= begin:
            end = int(ends[np.searchsorted(ends, begin, "right")])
        batch = order[begin:end]
        values[batch], best, count = _solve_batch(
            matrix[:, batch], score[batch], member[batch], whole=whole
        )
        bound += best
        fractional += count
        begin = end
    return values, bound, fractional


def _try_choices(slots: IntArray, score: Floats) -> IntArray | None:
    """Try all choices of each component; None where one is too large for that."""
    groups: list[tuple[set[int], list[int]]] = []
    for number, row in enumerate(slots.tolist()):
        taken, members = {slot for slot in row if slot >= 0}, [number]
        apart = []
        for group in groups:
            if taken.isdisjoint(group[0]):
                apart.append(group)
            else:
                taken |= group[0]
                members = group[1] + members
        groups = [*apart, (taken, members)]
    chosen: list[int] = []
    for _, members in groups:
        if len(members) > _FEW_TOGETHER:
            return None
        members.sort(key=lambda number: -score[number])
        sets = [{slot for slot in slots[number].tolist() if slot >= 0} for number in members]
        values = [float(score[number]) for number in members]
        chosen += [members[k] for k in _choose_best(sets, values)]
    return np.sort(np.array(chosen, np.int64))


def _choose_best(sets: list[set[int]], values: list[float]) -> list[int]:
    """Give the numbers of disjoint sets of the greatest total value, by branch and bound."""
    best, best_value = [], 0.0
    left = [sum(values[k:]) for k in range(len(values) + 1)]
    stack: list[tuple[int, list[int], set[int], float]] = [(0, [], set(), 0.0)]
    while stack:
        k, picked, used, value = stack.pop()
        if value > best_value:
            best, best_value = picked, value
        if k == len(sets) or value + left[k] <= best_value:
            continue
        stack.append((k + 1, picked, used, value))
        if used.isdisjoint(sets[k]):
            stack.append((k + 1, [*picked, k], used | sets[k], value + values[k]))
    return best


def _solve_batch(
    matrix: "csr_array", score: Floats, member: IntArray, *, whole: bool
) -> tuple[Floats, float, int]:
    from scipy.optimize import LinearConstraint, linprog, milp

    matrix = matrix[np.diff(matrix.indptr) > 1]
    if matrix.shape[0] == 0:
        return np.ones(score.size), float(score.sum()), 0
    result = linprog(
        -score, A_ub=matrix, b_ub=np.ones(matrix.shape[0]), bounds=(0, 1), method="highs"
    )
    value, rounded = result.x, np.round(result.x)
    bad = np.isin(member, np.unique(member[np.abs(value - rounded) > 1e-6]))
    value[~bad] = rounded[~bad]
    if not whole:
        return value, float(score @ value), 0
    bound, fractional = float(score[~bad] @ value[~bad]), 0
    for one in np.unique(member[bad]):
        rows = np.flatnonzero(member == one)
        value[rows] = 0.0
        inside = matrix[:, rows]
        inside = inside[np.diff(inside.indptr) > 0]
        best = milp(
            -score[rows],
            constraints=LinearConstraint(inside, ub=1),
            integrality=np.ones(rows.size),
            bounds=(0, 1),
            options={"time_limit": _TIME_LIMIT},
        )
        if best.x is None:
            continue
        value[rows] = best.x > 0.5
        bound += -float(best.mip_dual_bound)
        fractional += rows.size
    return value, bound, fractional
