"""Local motion: what the neighbours of a cell do between two frames."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.neighbours import Neighbours
from btrackmate.core.progress import Progress
from btrackmate.core.scratch import copy_array, cut_rows, fill_array, make_array
from btrackmate.core.spots import Spots
from btrackmate.tracking import kernels
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.frame_linking import build_grid

_log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Fewest neighbours whose motion is believed.
_FEWEST = 3
#: Cost of no link, as a multiple of the largest candidate cost.
_NO_LINK = 1.05
#: Links that the whole movie's scale counts for beside those of a frame's surroundings.
_WHOLE_MOVIE = 30
#: Own displacements of a cell that tell about its next one.
_MEMORY = 3
#: Median of the squared length of a normal vector in 2 and in 3 dimensions.
_MEDIAN_OF_CHI2 = {2: 1.386, 3: 2.366}
#: Spots whose neighbours are looked at together.
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Motion:
    """Motion of each spot's surroundings, with the scales that distances are measured in.

    Parameters
    ----------
    shift : (n, 3) ndarray of float
        Displacement to the next frame that is expected [space unit]: that of the surroundings,
        and what cells repeat of their own last one.
    sigma : (n,) ndarray of float
        Standard deviation along one axis of the displacement against `shift`, of the
        spot's frame [space unit].
    spacing : (n,) ndarray of float
        Distance between neighbouring cells around the spot [space unit].
    successor, predecessor : (n,) ndarray of int
        Row linked to in the next and the previous frame by the last pass, −1 for none.
    """

    shift: Floats
    sigma: Floats
    spacing: Floats
    successor: IntArray
    predecessor: IntArray


def estimate_motion(spots: Spots, settings: FlowSettings, progress: Progress) -> Motion:
    """Link each frame to the next, take the neighbours' median motion, and link again.

    Parameters
    ----------
    spots : Spots
        The n spots.
    settings : FlowSettings
        Largest distance of a link from the predicted position, neighbours and passes.
    progress : Progress
        Called after each pass.

    Raises
    ------
    UserError
        If too many spots lie within reach of each other.
    """
    positions, offsets = spots.positions, spots.frame_offsets
    distance = known_distance(settings.linking_max_distance)
    near, spacing = _find_neighbours(positions, offsets, settings.neighbours, distance)
    shift = fill_array(positions.shape, 0, np.float64)
    for number in range(settings.motion_passes):
        successor, predecessor = _link(spots, positions, shift, distance)
        shift = _take_median(positions, successor, near)
        own = _measure_own(positions, shift, successor)
        sigma = _measure_scale(own, spots, distance)
        _carry_on(own, predecessor, sigma, shift)
        progress("estimating motion", number + 1, settings.motion_passes)
    sigma = _measure_scale(_measure_own(positions, shift, successor), spots, distance)
    return Motion(shift, sigma, spacing, successor, predecessor)


def _find_neighbours(
    positions: Floats, offsets: IntArray, count: int, lonely: float
) -> tuple[kernels.Rows, Floats]:
    """Give the rows of each spot's neighbours, −1 for none, and its local spacing.

    The spacing is `lonely` where no frame holds two spots.
    """
    n = positions.shape[0]
    near = fill_array((n, count), -1, np.int32)
    nearest = fill_array(n + 1, np.inf, np.float64)  # the last one stands for "no spot"
    for begin, end in zip(offsets[:-1], offsets[1:], strict=True):
        size = min(count, end - begin - 1)
        if size <= 0:
            continue
        here = positions[begin:end]
        distance, index = Neighbours(here).query(here, size + 1)
        # a spot may stand behind another one at the same place in its own list
        own = index == np.arange(end - begin)[:, None]
        own[~own.any(axis=1), -1] = True
        near[begin:end, :size] = begin + index[~own].reshape(-1, size)
        nearest[begin:end] = distance[~own].reshape(-1, size)[:, 0]
    spacing, known, count = make_array(n, np.float64), make_array(n, np.float64), 0
    for part in cut_rows(n, _CHUNK):
        around = np.column_stack((nearest[:n][part], nearest[near[part, :6]]))
        around[~np.isfinite(around)] = np.nan
        spacing[part] = _median(around)
        sure = spacing[part][spacing[part] > 0]
        known[count : count + sure.size] = sure
        count += sure.size
    fallback = float(np.median(known[:count], overwrite_input=True)) if count else lonely
    for part in cut_rows(n, _CHUNK):
        spacing[part][~(spacing[part] > 0)] = fallback
    return near, spacing


def _link(
    spots: Spots, positions: Floats, shift: Floats, distance: float
) -> tuple[IntArray, IntArray]:
    """Link the predicted positions of each frame's spots to the spots of the next frame.

    Returns
    -------
    successor, predecessor : (n,) ndarray of int
        Rows, −1 for none.
    """
    successor, predecessor = (fill_array(len(spots), -1, np.int64) for _ in range(2))
    offsets, occupied = spots.frame_offsets, spots.occupied_frames
    for f in occupied[:-1][np.diff(occupied) == 1].tolist():
        begin, end, last = (int(row) for row in offsets[f : f + 3])
        grid = build_grid(positions[end:last], np.array([0, last - end]), distance)
        turns = np.arange(end - begin, dtype=np.int32)
        points = kernels.Points(positions[begin:end] + shift[begin:end], turns, turns)
        free = np.ones(last - end, np.bool_)
        limits, none = (distance, _NO_LINK), (np.empty((0, 0)), np.empty(0))
        found, _ = kernels.link_points(grid, 0, points, free, limits, none)
        if found.size > end - begin:
            msg = f"frames {f} and {f + 1} ({end - begin} spots in frame {f}) have more than "
            msg += f"{kernels.MAX_CANDIDATES} candidate links within linking_max_distance "
            msg += f"{distance:g} {spots.calibration.space_unit}; lower it, or check the "
            msg += "calibration"
            raise UserError(msg)
        linked = np.flatnonzero(found >= 0)
        there = end + grid.order[found[linked]]
        successor[begin + linked] = there
        predecessor[there] = begin + linked
    return successor, predecessor


def _measure_own(positions: Floats, shift: Floats, successor: IntArray) -> Floats:
    """Give each spot's displacement against the expected one, NaN where it has none, (n, 3)."""
    own = make_array(positions.shape, np.float64)
    for part in cut_rows(len(positions), _CHUNK):
        after = successor[part]
        own[part] = positions[after] - positions[part] - shift[part]
        own[part][after < 0] = np.nan
    return own


def _take_median(positions: Floats, successor: IntArray, near: kernels.Rows) -> Floats:
    """Give the median displacement of each spot's neighbours, 0 where too few have one."""
    moved = fill_array((len(positions) + 1, 3), np.nan, np.float64)  # the last row: "no spot"
    for part in cut_rows(len(positions), _CHUNK):
        after = successor[part]
        moved[part] = positions[after] - positions[part]
        moved[part][after < 0] = np.nan
    shift = make_array(positions.shape, np.float64)
    for part in cut_rows(len(positions), _CHUNK):
        around = near[part]
        for axis in range(3):
            shift[part, axis] = _median(moved[around, axis])
        known = np.isfinite(moved[around, 0]).sum(axis=1) >= _FEWEST
        shift[part][~known] = 0
    return shift


def _carry_on(own: Floats, predecessor: IntArray, sigma: Floats, shift: Floats) -> None:
    """Add to each spot's shift what its own last displacements tell about its next one.

    Each of the last `_MEMORY` counts by a share, one number for the movie, from a ridge regression:
    above 0 where cells keep their way, below 0 where noise of a position throws them back.
    Displacements beyond four times sigma in length tell nothing.
    """
    n = predecessor.size
    now = make_array((n + 1, 3), np.float64)  # the last row stands for "no spot"
    now[n] = 0
    for part in cut_rows(n, _CHUNK):
        now[part] = np.nan_to_num(own[part])
        now[part][(now[part] ** 2).sum(axis=1) > (4 * sigma[part]) ** 2] = 0

    def look_back(rows: IntArray) -> Floats:
        """Give the last displacements of some spots, (rows, lags, 3)."""
        past = np.empty((rows.size, _MEMORY, 3))
        for lag in range(_MEMORY):
            rows = np.where(rows >= 0, predecessor[rows], -1)
            past[:, lag] = now[rows]
        return past

    matrix, vector, count = np.zeros((_MEMORY, _MEMORY)), np.zeros(_MEMORY), 0
    for part in cut_rows(n):
        moved = now[part].any(axis=1) & now[predecessor[part]].any(axis=1)
        told = part.start + np.flatnonzero(moved)
        past = look_back(told).transpose(1, 0, 2)
        matrix += np.einsum("ank,bnk->ab", past, past)
        vector += np.einsum("ank,nk->a", past, now[told])
        count += told.size
    size = float(np.trace(matrix)) / _MEMORY
    if size == 0:
        return
    ridge = size * _WHOLE_MOVIE / (count + _WHOLE_MOVIE)
    shares = np.linalg.solve(matrix + ridge * np.eye(_MEMORY), vector)
    _log.info("cells repeat %s of their own last displacements", shares.round(2).tolist())
    for part in cut_rows(n, _CHUNK):
        past = look_back(np.arange(part.start, part.stop)).transpose(1, 0, 2)
        shift[part] += np.einsum("a,ank->nk", shares, np.ascontiguousarray(past))


def _median(values: Floats) -> Floats:
    """Give the median of each row without its NaN; NaN for a row of NaN only."""
    count = np.isfinite(values).sum(axis=1)
    ordered = np.sort(values, axis=1)
    rows = np.arange(values.shape[0])
    low = ordered[rows, np.maximum(count - 1, 0) // 2]
    high = ordered[rows, np.minimum(count // 2, values.shape[1] - 1)]
    return np.where(count > 0, (low + high) / 2, np.nan)


def _measure_scale(own: Floats, spots: Spots, distance: float) -> Floats:
    """Give each spot the standard deviation along an axis that the links' own displacements tell.

    It follows from the median of their squares over the links of five frames, and a little of the
    whole movie.
    """
    offsets = spots.frame_offsets
    squared, ends, used = make_array(len(spots), np.float64), np.zeros(offsets.size, np.int64), 0
    for f in spots.occupied_frames.tolist():
        here = (own[offsets[f] : offsets[f + 1]] ** 2).sum(axis=1)
        here = here[np.isfinite(here)]
        squared[used : used + here.size] = here
        used += here.size
        ends[f + 1] = used
    np.maximum.accumulate(ends, out=ends)
    whole = copy_array(squared[:used], np.float64)
    overall = float(np.median(whole, overwrite_input=True)) if used else distance**2
    variance = np.empty(spots.n_frames)
    for f in spots.occupied_frames.tolist():
        near = squared[ends[max(f - 2, 0)] : ends[min(f + 3, spots.n_frames)]]
        here = float(np.median(near)) if near.size else overall
        variance[f] = (near.size * here + _WHOLE_MOVIE * overall) / (near.size + _WHOLE_MOVIE)
    sigma: Floats = make_array(len(spots), np.float64)
    for part in cut_rows(len(spots), _CHUNK):
        along = variance[spots.frame[part]] / _MEDIAN_OF_CHI2[spots.ndim]
        sigma[part] = np.sqrt(np.maximum(along, (distance * 1e-4) ** 2))
    return sigma
