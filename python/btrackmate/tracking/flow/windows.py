"""Overlapping windows of frames, so that memory does not grow with the movie."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from btrackmate.core.progress import Progress
from btrackmate.core.scratch import fill_array, make_array
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
) -> tuple[IntArray, IntArray, Floats]:
    """Choose links and divisions window by window.

    Returns
    -------
    source, target : (m,) ndarray of int
        Rows, sorted by source, then target; a division is two links.
    score : (m,) ndarray of float
        Log odds of the link, or of the division, against nothing.
    """
    n, frames = int(offsets[-1]), offsets.size - 1
    reach = make_reach(settings)
    used = fill_array(2 * n + 1, False, np.bool_)  # the last one stands for "no slot"
    source, target = make_array(2 * n, np.int64), make_array(2 * n, np.int64)
    score, count = make_array(2 * n, np.float64), 0
    for window in split_frames(offsets, settings.window_spots, settings.window_overlap):
        span = (window.begin, window.end)
        candidates = find_candidates(evidence.positions, offsets, motion, span, reach)
        free = np.flatnonzero(~used[list_slots(candidates, n)].any(axis=1))
        candidates = candidates.take(free)
        odds = evidence.score(candidates, settings.weights)
        low, high = offsets[window.begin], offsets[min(window.end + reach.max_gap, frames)]
        solution = solve(candidates.count_from(int(low)), odds, int(high - low))
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
        found = _list_links(part, odds[picked])
        here = slice(count, count + found[0].size)
        source[here], target[here], score[here] = found
        count = here.stop
        progress("choosing links", window.keep, frames)
    return source[:count], target[:count], score[:count]


def _list_links(chosen: Candidates, score: Floats) -> tuple[IntArray, IntArray, Floats]:
    """List the links of chosen candidates, sorted by source, then target."""
    division = chosen.second >= 0
    source = np.concatenate((chosen.source, chosen.source[division]))
    target = np.concatenate((chosen.first, chosen.second[division]))
    order = np.lexsort((target, source))
    return source[order], target[order], np.concatenate((score, score[division]))[order]
