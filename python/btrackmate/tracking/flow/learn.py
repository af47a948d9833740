"""Learning the weights of the flow tracker from tracks that are right."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.sparse import csr_array

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_text
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import check_output
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.tracking.flow.candidates import Candidates, find_candidates, make_reach
from btrackmate.tracking.flow.contrasts import make_evidence
from btrackmate.tracking.flow.motion import Floats, IntArray, estimate_motion
from btrackmate.tracking.flow.settings import WEIGHT_NAMES, FlowSettings, FlowWeights
from btrackmate.tracking.flow.solver import list_slots
from btrackmate.tracking.flow.tracker import link_flow

_log = logging.getLogger(__name__)

#: Pull that keeps a weight where it is.
_FIXED = 1e12
#: Newton steps at most.
_STEPS = 60
#: What the weight of divisions may be raised by.
_RAISES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)


@dataclass(frozen=True)
class Example:
    """Choices of one movie: of the candidates that share a slot, one, or none, is right.

    Parameters
    ----------
    evidence : (m, k) ndarray of float
        Evidence for each candidate.
    right : (m,) ndarray of bool
        Whether each is in the truth.
    row : (q,) ndarray of int
        Candidates, slot by slot; a candidate stands once for each slot that it takes.
    start : (slots,) ndarray of int
        Where each slot begins in `row`.
    """

    evidence: Floats
    right: NDArray[np.bool_]
    row: IntArray
    start: IntArray


def train_linking(
    graphs: TrackGraph | Sequence[TrackGraph],
    settings: FlowSettings | Sequence[FlowSettings] | None = None,
    *,
    ridge: float = 10.0,
    keep: Collection[str] = (),
    progress: Progress = ignore_progress,
) -> FlowWeights:
    """Learn weights from graphs whose links are right.

    Parameters
    ----------
    graphs : TrackGraph or sequence of TrackGraph
        Spots as they are detected, with their true links; spots without a link are no cells.
        Merges count as if the link were not known.
    settings : FlowSettings or sequence, optional
        Distances and other limits of tracking, one for all movies or one each; their weights are
        where learning starts from, and what it returns to where the movies say nothing.
    ridge : float
        Strength of the pull towards the starting weights, > 0.
    keep : collection of str
        Names of weights that stay as they start.
    progress : Progress, optional
        Called after each movie and each step.

    Returns
    -------
    FlowWeights

    Raises
    ------
    UserError
        If there is nothing to learn from, or `ridge` is not above 0.

    Notes
    -----
    Where a spot goes and where it comes from are two choices, each among the candidates that
    take it and nothing. The probability of a candidate in a choice is exp(score)/(1 + Σ
    exp(score)) (conditional logit); the weights have the greatest likelihood of all choices less
    ridge/2·Σ(change·scale)², where the scale is the root mean square of the evidence. This is
    convex and solved by Newton steps. Choices whose truth is no candidate are left out.

    The likelihood weighs a missed division as any other fault, so that rare divisions are missed
    rather than invented. Therefore the weight `division` is then raised by the step of 0.5, from
    0 to 4, that gives the best F1 of exact divisions when the same movies are tracked (not where
    it is kept).

    References
    ----------
    McFadden 1974, Conditional logit analysis of qualitative choice behavior, in Frontiers in
    Econometrics.
    """
    movies = [graphs] if isinstance(graphs, TrackGraph) else list(graphs)
    if settings is None or isinstance(settings, FlowSettings):
        settings = [settings or FlowSettings()] * len(movies)
    if not (np.isfinite(ridge) and ridge > 0):
        msg = f"ridge is {ridge}, expected a finite number above 0"
        raise UserError(msg)
    examples = []
    for number, (movie, one) in enumerate(zip(movies, settings, strict=True)):
        example = make_example(movie, one)
        if example.start.size:
            examples.append(example)
        progress("measuring evidence", number + 1, len(movies))
    if not examples:
        msg = f"none of the {len(movies)} graphs has a link within reach to learn from; give "
        msg += "tracks that are right, and distances that cover their steps"
        raise UserError(msg)
    prior = np.array([getattr(settings[0].weights, name) for name in WEIGHT_NAMES])
    pull = np.where(np.isin(WEIGHT_NAMES, list(keep)), _FIXED, ridge)
    fitted = np.round(fit_weights(examples, prior, pull, progress), 3)
    weights = FlowWeights(**dict(zip(WEIGHT_NAMES, fitted.tolist(), strict=True)))
    if "division" in keep:
        return weights
    return _balance_divisions(movies, settings, weights, progress)


def _balance_divisions(
    movies: Sequence[TrackGraph],
    settings: Sequence[FlowSettings],
    weights: FlowWeights,
    progress: Progress,
) -> FlowWeights:
    """Raise the weight of divisions to the best F1 of exact divisions; the lowest of equals."""
    truth = [_list_divisions(movie) for movie in movies]
    best, chosen = 0.0, weights
    for number, raised in enumerate(_RAISES):
        tried = weights.model_copy(update={"division": round(weights.division + raised, 3)})
        hits, total = 0, 0
        for movie, one, true in zip(movies, settings, truth, strict=True):
            result = link_flow(movie.spots, one.model_copy(update={"weights": tried}))
            found = _list_divisions(result)
            hits += len(found & true)
            total += len(found) + len(true)
        f1 = 2 * hits / total if total else 0.0
        _log.info("divisions raised by %.1f: F1 %.4f", raised, f1)
        if f1 > best:
            best, chosen = f1, tried
        progress("balancing divisions", number + 1, len(_RAISES))
    return chosen


def _list_divisions(graph: TrackGraph) -> set[tuple[int, ...]]:
    """Give mother and daughters of each division, as rows."""
    return {(int(row), *graph.children(row).tolist()) for row in graph.divisions}


def write_weights(weights: FlowWeights, path: Path, *, overwrite: bool = False) -> None:
    """Write weights as YAML, each with a word on what it weighs.

    Read them with ``FlowWeights.from_yaml(path)``.

    Raises
    ------
    UserError
        If the file is there and `overwrite` is not given, or it can't be written.
    """
    lines = []
    for name, field in FlowWeights.model_fields.items():
        lines.append(f"# {field.description}")
        lines.append(yaml.safe_dump({name: getattr(weights, name)}).strip())
    check_output(path, overwrite=overwrite)
    write_text(path, "\n".join(lines) + "\n")


def make_example(graph: TrackGraph, settings: FlowSettings) -> Example:
    """Measure all candidates of a movie and tell which are right."""
    spots, n = graph.spots, len(graph.spots)
    motion = estimate_motion(spots, settings, ignore_progress)
    evidence = make_evidence(spots, motion, settings)
    candidates = find_candidates(
        evidence.positions, spots.frame_offsets, motion, (0, spots.n_frames), make_reach(settings)
    )
    right, known = _find_right(candidates, graph)
    slots = list_slots(candidates, n)
    row, column = np.nonzero((slots >= 0) & known[slots])
    slot = slots[row, column]
    order = np.argsort(slot, kind="stable")
    slot, row = slot[order], row[order]
    start = np.flatnonzero(np.diff(slot, prepend=-1))
    used, place = np.unique(row, return_inverse=True)
    return Example(evidence.measure(candidates.take(used)), right[used], place, start)


def _find_right(candidates: Candidates, graph: TrackGraph) -> tuple[NDArray[np.bool_], ...]:
    """Tell which candidates the graph holds, (m,), and which slots' truth is known, (2n + 1,).

    A slot's truth is known if a candidate that takes it is right, or if nothing is.
    """
    n = len(graph.spots)
    first, second = np.full(n, -1), np.full(n, -1)
    linked = np.flatnonzero(graph.out_degree > 0)
    first[linked] = graph.target[graph.out_offsets[linked]]
    pair = np.flatnonzero(graph.out_degree == 2)
    second[pair] = graph.target[graph.out_offsets[pair] + 1]
    odd = np.zeros(n + 1, np.bool_)  # three daughters, or more than one mother; −1 is not odd
    odd[:-1] = (graph.out_degree > 2) | (graph.in_degree > 1)
    unlinked = (graph.out_degree == 0) & (graph.in_degree == 0)
    source = candidates.source
    right = (first[source] == candidates.first) & (second[source] == candidates.second)
    right &= ~(odd[source] | odd[candidates.first] | odd[candidates.second])
    right = np.where(candidates.first < 0, unlinked[source], right)
    known = np.zeros(2 * n + 1, np.bool_)
    known[list_slots(candidates.take(right), n)] = True
    known[-1] = False
    known[:n] |= (graph.out_degree == 0) & ~unlinked
    known[n:-1] |= (graph.in_degree == 0) & ~unlinked
    return right, known


def fit_weights(
    examples: Sequence[Example], prior: Floats, ridge: Floats | float, progress: Progress
) -> Floats:
    """Give the weights of greatest penalised likelihood, (k,), by Newton steps.

    They are pulled towards `prior`, (k,), by `ridge`, one for all or (k,).
    """
    ridge = np.full_like(prior, ridge)
    squares = sum((one.evidence**2).sum(axis=0) for one in examples)
    counts = sum((one.evidence != 0).sum(axis=0) for one in examples)
    scale = np.sqrt(squares / np.maximum(counts, 1))
    scale[scale == 0] = 1
    scaled = [Example(one.evidence / scale, one.right, one.row, one.start) for one in examples]
    centre = prior * scale
    at = centre
    loss, slope, curve = _measure_loss(scaled, at, centre, ridge)
    for number in range(_STEPS):
        step = np.linalg.solve(curve, slope)
        part = 1.0
        while True:
            new = _measure_loss(scaled, at - part * step, centre, ridge)
            if new[0] <= loss - 1e-4 * part * float(slope @ step) or part < 1e-6:
                break
            part /= 2
        gained = loss - new[0]
        if gained <= 0:
            break
        at = at - part * step
        loss, slope, curve = new
        progress("fitting weights", number + 1, _STEPS)
        if gained < 1e-7 * abs(loss):
            break
    progress("fitting weights", _STEPS, _STEPS)
    _log.info("fitted weights in %d steps, penalised −ln likelihood %.2f", number + 1, loss)
    weights: Floats = at / scale
    return weights


def _measure_loss(
    examples: Sequence[Example], at: Floats, centre: Floats, ridge: Floats
) -> tuple[float, Floats, Floats]:
    """Give the penalised −ln likelihood, its gradient (k,) and its Hessian (k, k)."""
    loss = float((ridge * (at - centre) ** 2).sum()) / 2
    slope, curve = ridge * (at - centre), np.diag(ridge)
    for one in examples:
        score = (one.evidence @ at)[one.row]
        counts = np.diff(np.append(one.start, one.row.size))
        top = np.maximum(np.maximum.reduceat(score, one.start), 0)
        power = np.exp(score - np.repeat(top, counts))
        total = np.add.reduceat(power, one.start) + np.exp(-top)
        chance = power / np.repeat(total, counts)
        hit = one.right[one.row]
        loss += float((top + np.log(total)).sum() - score[hit].sum())
        m = one.right.size
        slope = slope + one.evidence.T @ np.bincount(one.row, chance - hit, minlength=m)
        expected = np.bincount(one.row, chance, minlength=m)
        curve = curve + one.evidence.T @ (expected[:, None] * one.evidence)
        bounds = np.append(one.start, one.row.size)
        mean = csr_array((chance, one.row, bounds), shape=(one.start.size, m)) @ one.evidence
        curve = curve - mean.T @ mean
    return loss, slope, curve
