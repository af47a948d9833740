"""Closing gaps, and splitting and merging track segments."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress
from btrackmate.core.scratch import cut_rows, fill_array
from btrackmate.core.spots import Spots
from btrackmate.tracking import kernels
from btrackmate.tracking.costs import gather_terms
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.frame_linking import FrameLinks, cut_frames, open_window
from btrackmate.tracking.kernels import Floats, Rows
from btrackmate.tracking.settings import LapSettings

#: States of a spot: without links, first, inner and last one of a segment.
ALONE, START, MIDDLE, END = range(4)
#: The steps of segment linking, and the setting that allows each.
STEPS = {
    "gap_closing": "allow_gap_closing",
    "splitting": "allow_track_splitting",
    "merging": "allow_track_merging",
}

Links = tuple[Rows, Rows, Floats]
States = np.ndarray[tuple[int], np.dtype[np.uint8]]


class Query(NamedTuple):
    """Which spots to link: the state to search from, that to find, and frame differences."""

    wanted: int
    sought: int
    nearest: int
    farthest: int


def link_segments(
    spots: Spots, links: FrameLinks, settings: LapSettings, progress: Progress
) -> Links:
    """Close gaps, split and merge the segments that frame linking made, in one assignment.

    Segment ends link to starts up to `max_frame_gap` frames later (gap closing); spots inside a
    segment link to starts in the next frame (splitting); ends link to spots inside a segment in
    the next frame (merging). A link costs at most its squared maximum distance; no link costs
    `alternative_linking_cost_factor` times the `cutoff_percentile` of all candidate costs. Single
    spots are no segments.

    Parameters
    ----------
    spots : Spots
        The spots.
    links : FrameLinks
        Links between successive frames.
    settings : LapSettings
        What is allowed, distances and penalties.
    progress : Progress
        Called after each kind of candidates and the assignment.

    Returns
    -------
    source, target : (m,) ndarray of int32
        Spots of the new links, in the order of the grid.
    cost : (m,) ndarray of float
        Their costs.

    Raises
    ------
    UserError
        If the spots lack a penalised feature, or there are too many candidates for the memory.

    References
    ----------
    Jaqaman et al., Nature Methods 5, 695–702 (2008), doi:10.1038/nmeth.1237.
    """
    found: list[Links] = []
    state = find_states(links)
    for number, (kind, switch) in enumerate(STEPS.items(), 1):
        if getattr(settings, switch):
            found.append(find_candidates(spots, links, state, settings, kind))
            progress("linking segments", number, 4)
    source, target, cost = (np.concatenate(part) for part in zip(*found, strict=True))
    alternative = take_alternative(cost, settings)
    chosen = choose(source, target, cost, alternative, links.order)
    progress("linking segments", 4, 4)
    return source[chosen], target[chosen], cost[chosen]


def find_candidates(
    spots: Spots, links: FrameLinks, state: States, settings: LapSettings, kind: str
) -> Links:
    """Find what one step may link, with costs; see `link_segments`.

    Parameters
    ----------
    spots : Spots
    links : FrameLinks
    state : (n,) ndarray of uint8
        From :func:`find_states`.
    settings : LapSettings
    kind : {"gap_closing", "splitting", "merging"}

    Returns
    -------
    source, target : (m,) ndarray of int32
        Spots in the order of the grid.
    cost : (m,) ndarray of float
    """
    if kind == "gap_closing":
        query = Query(END, START, 1, settings.max_frame_gap)
        return _find_links(spots, links, state, query, settings, kind)
    if kind == "merging":
        return _find_links(spots, links, state, Query(END, MIDDLE, 1, 1), settings, kind)
    query = Query(START, MIDDLE, -1, -1)
    start, middle, cost = _find_links(spots, links, state, query, settings, kind)
    return _weigh_divisions(spots, links, (middle, start, cost), settings)


def find_states(links: FrameLinks) -> States:
    """Tell which spots begin, continue and end the segments of frame linking."""
    n = links.successor.size
    state, has_previous = fill_array(n, ALONE, np.uint8), fill_array(n, False, np.bool_)
    for rows in cut_rows(n):
        successor = links.successor[rows]
        has_previous[successor[successor >= 0]] = True
    for rows in cut_rows(n):
        follows, precedes = has_previous[rows], links.successor[rows] >= 0
        state[rows] = np.select(
            (precedes & ~follows, precedes & follows, follows), (START, MIDDLE, END), ALONE
        )
    return state


def _find_links(
    spots: Spots,
    links: FrameLinks,
    state: States,
    query: Query,
    settings: LapSettings,
    kind: str,
) -> Links:
    """Find the candidates of one kind, looking from some frames at a time."""
    radius = known_distance(getattr(settings, f"{kind}_max_distance"))
    gather_terms(spots.between(0, 0), settings, kind)  # says at once what they lack
    most, count = max(kernels.MAX_CANDIDATES, len(spots)), 0
    found: list[Links] = [(links.order[:0], links.order[:0], links.cost[:0])]
    for part in _look_around(spots, links, state, query, radius, settings, kind):
        count += part[0].size
        limit = most if part[0].size <= kernels.MAX_CANDIDATES else kernels.MAX_CANDIDATES
        if count > limit:
            msg = f"{kind.replace('_', ' ')} has more than {limit} candidate links within "
            msg += f"{kind}_max_distance {radius:g} {spots.calibration.space_unit}; lower it, or "
            msg += "check the calibration"
            raise UserError(msg)
        found.append(part)
    source, target, cost = (np.concatenate(part) for part in zip(*found, strict=True))
    return source, target, cost


def _look_around(
    spots: Spots,
    links: FrameLinks,
    state: States,
    query: Query,
    radius: float,
    settings: LapSettings,
    kind: str,
) -> Iterator[Links]:
    """Find the candidates of some frames at a time, in a window that holds what they may link."""
    offsets, frames = spots.frame_offsets, spots.n_frames
    for first, end in cut_frames(offsets):
        around = max(first + min(query.nearest, 0), 0), min(end + max(query.farthest, 0), frames)
        window = open_window(spots, offsets, around, links.size)
        begin, n = window.begin, len(window.spots)
        own = state[begin : begin + n].copy()
        for others in (slice(0, offsets[first] - begin), slice(offsets[end] - begin, n)):
            own[others][own[others] == query.wanted] = ALONE  # they may be found, not search
        penalties = window.gather(settings, kind)
        source, target, cost = kernels.find_segment_links(
            window.grid, own, tuple(query), radius, penalties
        )
        yield source + np.int32(begin), target + np.int32(begin), cost


def _weigh_divisions(
    spots: Spots, links: FrameLinks, splits: Links, settings: LapSettings
) -> Links:
    """Multiply the costs of splitting links by what speaks against a division; drop the too dear.

    The factor is (1 + w·(a + v + i))²: a = 2·|midpoint of the daughters − mother|/|daughters'
    distance|, v = |ln(daughters' volume/mother's)|, i = |ln(daughters' mean intensity/mother's)|,
    each at most 2, and 0 where a value is missing.
    """
    if settings.division_weight == 0:
        return splits
    mother, second, cost = splits
    rows = [links.order[one] for one in (mother, links.successor[mother], second)]
    before, one, other = (spots.place(row) for row in rows)
    off = np.linalg.norm((one + other) / 2 - before, axis=1)
    apart = np.linalg.norm(one - other, axis=1)
    against = np.minimum(2 * off, 2 * apart) / np.maximum(apart, np.finfo(float).tiny)
    for name, share in (("volume", 1.0), ("mean_intensity_ch1", 0.5)):
        if name in spots.features:
            values = (spots.feature(name)[row] for row in rows)
            of_mother, *of_both = (np.where(one > 0, one, np.nan) for one in values)
            ratio = share * (of_both[0] + of_both[1]) / of_mother
            against += np.nan_to_num(np.minimum(np.abs(np.log(ratio)), 2))
    cost = cost * (1 + settings.division_weight * against) ** 2
    near = cost <= known_distance(settings.splitting_max_distance) ** 2
    return mother[near], second[near], cost[near]


def take_alternative(cost: Floats, settings: LapSettings) -> float:
    """Give the cost of no link, from those of all candidates."""
    if cost.size == 0:
        return 0.0
    rank = math.floor((cost.size - 1) * settings.cutoff_percentile + 0.5)
    return float(settings.alternative_linking_cost_factor * np.partition(cost, rank)[rank])


def choose(
    source: Rows, target: Rows, cost: Floats, alternative: float, order: Rows
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Solve the assignment; give the numbers of the chosen candidates."""
    if cost.size == 0:
        return np.empty(0, np.int64)
    by_source = np.lexsort((target, source))
    rows, row = np.unique(source[by_source], return_inverse=True)
    columns, column = np.unique(target[by_source], return_inverse=True)
    start = np.searchsorted(row, np.arange(rows.size + 1))
    match = kernels.assign(
        start,
        column.astype(np.int32),
        cost[by_source],
        alternative,
        np.argsort(order[rows]).astype(np.int32),
        order[columns],
    )
    chosen: np.ndarray[tuple[int], np.dtype[np.int64]] = by_source[match[match >= 0]]
    return chosen
