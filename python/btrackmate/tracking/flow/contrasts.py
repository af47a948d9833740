"""What sizes, intensities and shapes are worth in this movie, from what positions tell surely."""

import logging

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.scratch import fill_array
from btrackmate.core.spots import Spots
from btrackmate.tracking.flow.appearance import LINKS_AT_FIRST, Contrast, fit_contrast
from btrackmate.tracking.flow.candidates import Candidates, Reach, find_candidates, make_reach
from btrackmate.tracking.flow.costs import Evidence
from btrackmate.tracking.flow.motion import Floats, IntArray, Motion
from btrackmate.tracking.flow.settings import FlowSettings, FlowWeights
from btrackmate.tracking.flow.solver import list_slots

_log = logging.getLogger(__name__)

#: Spots that are looked at, spread over the movie.
_SPOTS = 20_000
#: By how much the log odds of what is sure exceed 0 and those of each rival.
_MARGIN = 2.0
#: Times that a movie is asked; from the second on, what the first told helps to be sure.
_ROUNDS = 2
#: Surely right links and divisions that the belief before counts for.
_FIRST_LINKS, _FIRST_DIVISIONS = 20.0, 10.0
#: Spots linked on both sides that are looked at, about.
_MOST_USUAL = 1 << 20
#: Measures that are 0 in the mean by their nature.
_CENTRED = ("link_size", "link_intensity", "division_size_halves", "division_intensity_halves")


def make_evidence(spots: Spots, motion: Motion, settings: FlowSettings) -> Evidence:
    """Give all evidence of a movie, with what appearance is worth in it."""
    evidence = Evidence(spots, motion, settings)
    if evidence.appearance.size is None and evidence.appearance.intensity is None:
        return evidence
    candidates = _gather(evidence.positions, spots.frame_offsets, motion, make_reach(settings))
    for _ in range(_ROUNDS):
        evidence.contrasts = learn_contrasts(
            evidence, candidates, spots.frame_offsets, motion, settings.weights
        )
    return evidence


def learn_contrasts(
    evidence: Evidence,
    candidates: Candidates,
    offsets: IntArray,
    motion: Motion,
    weights: FlowWeights,
) -> dict[str, Contrast]:
    """Learn how measures of appearance differ between right and wrong candidates of this movie.

    Parameters
    ----------
    evidence : Evidence
        All spots; without contrasts positions alone tell what is sure, with some those help.
    candidates : Candidates
        Links and divisions from frames to the next ones.
    offsets : (frames + 1,) ndarray of int
        Rows of each frame.
    motion : Motion
        Its links tell which spots have none.
    weights : FlowWeights
        Weights of the positions' evidence.

    Returns
    -------
    dict
        A contrast by the name of its weight; measures that tell nothing here are left out, so that
        they do no harm.

    Notes
    -----
    Links and divisions that beat nothing and each rival by
    2 in log odds are surely right; other links from the same spots, and divisions of spots that are
    surely linked on, are wrong. Spots that the motion's links leave alone on both sides are taken
    for no cells. A movie with few links is believed to be like the seeded ones; what few divisions
    or false spots there are must speak for themselves.
    """
    score = evidence.score(candidates, weights)
    sure = _find_sure(candidates, score, int(offsets[-1]))
    link = candidates.second < 0
    follower = fill_array(int(offsets[-1]) + 1, -1, np.int64)
    linked = sure & link & (candidates.first >= 0)
    follower[candidates.source[linked]] = candidates.first[linked]
    after = follower[candidates.source]
    other = link & (candidates.first >= 0) & (after >= 0) & (candidates.first != after)
    false = ~link & (after >= 0) & ((candidates.first == after) | (candidates.second == after))
    measures = evidence.appearance
    found = {
        name: (values, measures.measure_links(*_ends(candidates, other))[name])
        for name, values in measures.measure_links(*_ends(candidates, linked)).items()
    }
    right = measures.measure_divisions(*_family(candidates, sure & ~link))
    wrong = measures.measure_divisions(*_family(candidates, false))
    found |= {name: (values, wrong[name]) for name, values in right.items()}
    alone, among = _find_lone(motion, offsets)
    lone, usual = measures.measure_alone(alone), measures.measure_alone(among)
    found |= {name: (values, usual[name]) for name, values in lone.items()}
    return _fit(found)


def _fit(found: dict[str, tuple[Floats, Floats]]) -> dict[str, Contrast]:
    contrasts = {}
    for name, (right, wrong) in found.items():
        is_link = name.startswith("link")
        first = LINKS_AT_FIRST if is_link else None
        weight = _FIRST_LINKS if is_link else _FIRST_DIVISIONS
        contrast = fit_contrast(right, wrong, first, weight, centred=name in _CENTRED)
        _log.info(
            "%s: %d right, %d wrong, %s", name, right.size, wrong.size, contrast or "tells nothing"
        )
        if contrast is not None:
            contrasts[name] = contrast
    return contrasts


def _gather(positions: Floats, offsets: IntArray, motion: Motion, reach: Reach) -> Candidates:
    """Find the candidates from a frame to the next in frames that are spread over the movie."""
    step = max(1, -(-int(offsets[-1]) // _SPOTS))
    near = Reach(reach.distance, reach.division, reach.nearest, max_gap=1)
    frames = np.arange(0, max(offsets.size - 2, 1), step)
    filled = frames[offsets[frames] < offsets[frames + 1]].tolist() or [0]
    return Candidates.join(
        [find_candidates(positions, offsets, motion, (f, f + 1), near) for f in filled]
    )


def _find_sure(candidates: Candidates, score: Floats, n: int) -> NDArray[np.bool_]:
    """Tell which candidates beat nothing and each that shares a slot with them by the margin."""
    slots = list_slots(candidates, n)
    row, column = np.nonzero(slots >= 0)
    slot = slots[row, column]
    order = np.lexsort((-score[row], slot))
    slot, row = slot[order], row[order]
    start = np.flatnonzero(np.diff(slot, prepend=-1))
    size = np.diff(np.append(start, slot.size))
    best = score[row[start]]
    second = np.full(start.size, -np.inf)
    several = size > 1
    second[several] = score[row[start[several] + 1]]
    group = np.repeat(np.arange(start.size), size)
    first = np.zeros(slot.size, np.bool_)
    first[start] = True
    rival = np.where(first, second[group], best[group])
    clear = score[row] >= np.maximum(rival, 0) + _MARGIN
    doubts = np.bincount(row[~clear], minlength=len(candidates))
    sure: NDArray[np.bool_] = (doubts == 0) & (candidates.first >= 0)
    return sure


def _ends(candidates: Candidates, chosen: NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    return candidates.source[chosen], candidates.first[chosen]


def _family(candidates: Candidates, chosen: NDArray[np.bool_]) -> tuple[IntArray, ...]:
    return candidates.source[chosen], candidates.first[chosen], candidates.second[chosen]


def _find_lone(motion: Motion, offsets: IntArray) -> tuple[IntArray, IntArray]:
    """Give the spots that the motion's links leave alone on both sides, and those linked on both.

    Those alone in the first and the last frame, and beside frames without spots, tell nothing. Of
    large movies some of those linked on both sides are given.
    """
    count = np.diff(offsets)
    inner = np.zeros(count.size, np.bool_)
    inner[1:-1] = (count[:-2] > 0) & (count[2:] > 0)
    step = max(1, int(offsets[-1]) // _MOST_USUAL)
    alone, among = [], []
    for f in np.flatnonzero(count).tolist():
        rows = slice(offsets[f], offsets[f + 1])
        before, after = motion.predecessor[rows] >= 0, motion.successor[rows] >= 0
        among.append(rows.start + np.flatnonzero(before & after)[::step])
        if inner[f]:
            alone.append(rows.start + np.flatnonzero(~before & ~after))
    none = np.empty(0, np.int64)
    return np.concatenate([none, *alone]), np.concatenate([none, *among])
