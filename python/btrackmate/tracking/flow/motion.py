"""Local motion: what the neighbours of a cell do between two frames."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.neighbours import Neighbours
from btrackmate.core.progress import Progress
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
    positions = spots.positions
    distance = known_distance(settings.linking_max_distance)
    near, spacing = _find_neighbours(positions, spots.frame_offsets, settings.neighbours, distance)
    grid = build_grid(positions, spots.frame_offsets, distance)
    shift = np.zeros_like(positions)
    for number in range(settings.motion_passes):
        successor = _link(spots, grid, positions + shift, distance)
        linked = np.flatnonzero(successor >= 0)
        predecessor = np.full(len(spots), -1, np.int64)
        predecessor[successor[linked]] = linked
        shift = _take_median(positions, successor, near)
        own = positions[successor[linked]] - positions[linked] - shift[linked]
        sigma = _measure_scale((own**2).sum(axis=1), spots, linked, distance)
        shift += _carry_on(own, linked, predecessor, sigma)
        progress("estimating motion", number + 1, settings.motion_passes)
    own = positions[successor[linked]] - positions[linked] - shift[linked]
    sigma = _measure_scale((own**2).sum(axis=1), spots, linked, distance)
    return Motion(shift, sigma, spacing, successor, predecessor)


def _find_neighbours(
    positions: Floats, offsets: IntArray, count: int, lonely: float
) -> tuple[kernels.Rows, Floats]:
    """Give the rows of each spot's neighbours, −1 for none, and its local spacing.

    The spacing is `lonely` where no frame holds two spots.
    """
    n = positions.shape[0]
    near = np.full((n, count), -1, np.int32)
    nearest = np.full(n + 1, np.inf)  # the last one stands for "no spot"
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
    spacing = np.empty(n)
    for part in _cut(n):
        around = np.column_stack((nearest[:n][part], nearest[near[part, :6]]))
        around[~np.isfinite(around)] = np.nan
        spacing[part] = _median(around)
    known = np.isfinite(spacing) & (spacing > 0)
    fallback = float(np.median(spacing[known])) if known.any() else lonely
    return near, np.where(known, spacing, fallback)


def _link(spots: Spots, grid: kernels.Grid, predicted: Floats, distance: float) -> IntArray:
    """Link the predicted positions of each frame's spots to the spots of the next frame."""
    n = len(spots)
    offsets, successor = grid.offsets, np.full(n, -1, np.int64)
    place = np.empty(n, np.int32)
    place[grid.order] = np.arange(n, dtype=np.int32)
    penalties = (np.empty((n, 0)), np.empty(0))
    occupied = spots.occupied_frames
    for f in occupied[:-1][np.diff(occupied) == 1].tolist():
        begin, end, last = (int(row) for row in offsets[f : f + 3])
        points = kernels.Points(
            predicted[begin:end], place[begin:end], np.arange(end - begin, dtype=np.int32)
        )
        free = np.ones(last - end, np.bool_)
        limits = (distance, _NO_LINK)
        found, _ = kernels.link_points(grid, f + 1, points, free, limits, penalties)
        if found.size > end - begin:
            msg = f"frames {f} and {f + 1} ({end - begin} spots in frame {f}) have more than "
            msg += f"{kernels.MAX_CANDIDATES} candidate links within linking_max_distance "
            msg += f"{distance:g} {spots.calibration.space_unit}; lower it, or check the "
            msg += "calibration"
            raise UserError(msg)
        linked = np.flatnonzero(found >= 0)
        successor[begin + linked] = grid.order[found[linked]]
    return successor


def _cut(n: int) -> Iterator[slice]:
    """Cut n rows into parts, so that what is made of each takes little memory."""
    for begin in range(0, n, _CHUNK):
        yield slice(begin, begin + _CHUNK)


def _take_median(positions: Floats, successor: IntArray, near: kernels.Rows) -> Floats:
    own = np.full((len(positions) + 1, 3), np.nan)  # the last row stands for "no spot"
    linked = np.flatnonzero(successor >= 0)
    own[linked] = positions[successor[linked]] - positions[linked]
    shift = np.empty_like(positions)
    for part in _cut(len(positions)):
        around = near[part]
        for axis in range(3):
            shift[part, axis] = _median(own[around, axis])
        known = np.isfinite(own[around, 0]).sum(axis=1) >= _FEWEST
        shift[part][~known] = 0
    return shift


def _carry_on(own: Floats, linked: IntArray, predecessor: IntArray, sigma: Floats) -> Floats:
    """Give what each spot's own last displacements tell about its next one, (n, 3).

    Each of the last `_MEMORY` counts by a share, one number for the movie, from a ridge regression:
    above 0 where cells keep their way, below 0 where noise of a position throws them back.
    Displacements beyond four times sigma in length tell nothing.
    """
    n = predecessor.size
    now = np.zeros((n + 1, 3))  # the last row stands for "no spot"
    now[linked] = own
    now[:n][(now[:n] ** 2).sum(axis=1) > (4 * sigma) ** 2] = 0
    before = np.append(predecessor, -1)

    def look_back(rows: IntArray) -> Floats:
        """Give the last displacements of some spots, (rows, lags, 3)."""
        past = np.empty((rows.size, _MEMORY, 3))
        for lag in range(_MEMORY):
            rows = before[rows]
            past[:, lag] = now[rows]
        return past

    moved = np.asarray(now.any(axis=1))
    told = np.flatnonzero(moved[:n] & moved[predecessor])
    past = look_back(told).transpose(1, 0, 2)
    matrix = np.einsum("ank,bnk->ab", past, past)
    vector = np.einsum("ank,nk->a", past, now[told])
    size = float(np.trace(matrix)) / _MEMORY
    if size == 0:
        return np.zeros((n, 3))
    ridge = size * _WHOLE_MOVIE / (told.size + _WHOLE_MOVIE)
    shares = np.linalg.solve(matrix + ridge * np.eye(_MEMORY), vector)
    _log.info("cells repeat %s of their own last displacements", shares.round(2).tolist())
    carried = np.empty((n, 3))
    for part in _cut(n):
        past = look_back(np.arange(n)[part]).transpose(1, 0, 2)
        carried[part] = np.einsum("a,ank->nk", shares, np.ascontiguousarray(past))
    return carried


def _median(values: Floats) -> Floats:
    """Give the median of each row without its NaN; NaN for a row of NaN only."""
    count = np.isfinite(values).sum(axis=1)
    ordered = np.sort(values, axis=1)
    rows = np.arange(values.shape[0])
    low = ordered[rows, np.maximum(count - 1, 0) // 2]
    high = ordered[rows, np.minimum(count // 2, values.shape[1] - 1)]
    return np.where(count > 0, (low + high) / 2, np.nan)


def _measure_scale(squared: Floats, spots: Spots, linked: IntArray, distance: float) -> Floats:
    """Give each spot the standard deviation along an axis that squared residuals tell.

    It follows from their median over the links of five frames, and a little of the whole movie.
    """
    overall = float(np.median(squared)) if squared.size else distance**2
    bounds = np.searchsorted(spots.frame[linked], np.arange(spots.n_frames + 1))
    variance = np.empty(spots.n_frames)
    for f in spots.occupied_frames.tolist():
        near = squared[bounds[max(f - 2, 0)] : bounds[min(f + 3, spots.n_frames)]]
        here = float(np.median(near)) if near.size else overall
        variance[f] = (near.size * here + _WHOLE_MOVIE * overall) / (near.size + _WHOLE_MOVIE)
    own = variance[spots.frame] / _MEDIAN_OF_CHI2[spots.ndim]
    sigma: Floats = np.sqrt(np.maximum(own, (distance * 1e-4) ** 2))
    return sigma
