"""Overlapping windows of frames, so that memory does not grow with the movie."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from btrackmate.core.progress import Progress
from btrackmate.tracking.flow.candidates import Candidates, find_candidates, make_reach
from btrackmate.tracking.flow.costs import Evidence
from btrackmate.tracking.flow.motion import Floats, IntArray, Motion
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.flow.solver import list_slots, solve

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Window:
    """Frames whose links are decided together.

    Parameters
    ----------
    begin, end : int
        First frame and one past the last whose candidates are looked at.
    keep : int
        One past the last frame whose decisions stand; the next window starts there.
    """

    begin: int
    end: int
    keep: int


def split_frames(offsets: IntArray, size: int, overlap: int) -> Iterator[Window]:
    """Cut a movie into windows of about `size` spots, at least one decided frame each.

    Parameters
    ----------
    offsets : (frames + 1,) ndarray of int
        Rows of each frame.
    size : int
        Spots of the decided frames of a window.
    overlap : int
        Frames looked at beyond them.
    """
    frames, begin = offsets.size - 1, 0
    while begin < frames:
        keep = int(np.searchsorted(offsets, offsets[begin] + size, "right")) - 1
        keep = min(max(keep, begin + 1), frames)
        end = min(keep + overlap, frames)
        if end == frames and offsets[frames] - offsets[begin] <= size:
            keep = frames
        yield Window(begin, end, keep)
        begin = keep


def choose_links(
    evidence: Evidence,
    offsets: IntArray,
    motion: Motion,
    settings: FlowSettings,
    progress: Progress,
) -> tuple[Candidates, Floats]:
    """Choose links and divisions window by window.

    Returns
    -------
    chosen : Candidates
        Links and divisions, no empty spots.
    score : (m,) ndarray of float
        Their log odds against nothing.
    """
    n, frames = int(offsets[-1]), offsets.size - 1
    reach = make_reach(settings)
    used = np.zeros(2 * n + 1, np.bool_)  # the last one stands for "no slot"
    parts, scores = [], []
    for window in split_frames(offsets, settings.window_spots, settings.window_overlap):
        span = (window.begin, window.end)
        candidates = find_candidates(evidence.positions, offsets, motion, span, reach)
        free = np.flatnonzero(~used[list_slots(candidates, n)].any(axis=1))
        candidates = candidates.take(free)
        score = evidence.score(candidates, settings.weights)
        low, high = offsets[window.begin], offsets[min(window.end + reach.max_gap, frames)]
        solution = solve(candidates.count_from(int(low)), score, int(high - low))
        _log.info(
            "flow, frames %d to %d: %d candidates, %d left to the linear program, %d of them to "
            "the integer program, score %.1f, at most %.3g below the best",
            window.begin,
            window.end - 1,
            len(candidates),
            solution.n_open,
            solution.n_fractional,
            solution.score,
            solution.bound - solution.score,
        )
        picked = solution.chosen[candidates.source[solution.chosen] < offsets[window.keep]]
        picked = picked[candidates.first[picked] >= 0]
        part = candidates.take(picked)
        used[list_slots(part, n)] = True
        used[-1] = False
        parts.append(part)
        scores.append(score[picked])
        progress("choosing links", window.keep, frames)
    if not parts:
        none = np.empty(0, np.int64)
        return Candidates(none, none, none, none), np.empty(0)
    return Candidates.join(parts), np.concatenate(scores)
