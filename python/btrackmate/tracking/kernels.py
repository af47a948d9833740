"""Compiled loops of the linkers: grid, candidate search and sparse assignment.

All compiled code stands in this one file, because numba's cache notices changes of the file of a
function only. The functions are compiled once, and then loaded from the cache, when there is more
to do than loading it takes.
Spots are numbered here in the order of the grid (by frame, then cell), not by table row.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.loops import loop

Ints = NDArray[np.int64]
Rows = NDArray[np.int32]
Floats = NDArray[np.float64]

#: Largest number of candidate links held at once (0.4 GB in a frame pair).
MAX_CANDIDATES = 1 << 25

#: What a link of distance 0 costs (the smallest normal double, as in TrackMate).
SMALLEST_COST = 2.2250738585072014e-308


class Grid(NamedTuple):
    """Spots of all frames, sorted by frame and grid cell.

    Parameters
    ----------
    order : (n,) ndarray of int32
        Table row of each spot.
    xyz : (n, 3) ndarray of float
        Positions.
    offsets : (frames + 1,) ndarray of int
        Spots of frame f are ``offsets[f]:offsets[f + 1]``.
    first : (cells + 1,) ndarray of int32
        Spots of cell c are ``first[c]:first[c + 1]``; cells of all frames, z running fastest.
    frame_cell : (frames + 1,) ndarray of int
        Cells of frame f are ``frame_cell[f]:frame_cell[f + 1]``.
    origin, shape : (frames, 3) ndarray
        Lowest corner, and number of cells along x, y, z.
    inverse : (frames,) ndarray of float
        One over the size of a cell.
    """

    order: Rows
    xyz: Floats
    offsets: Ints
    first: Rows
    frame_cell: Ints
    origin: Floats
    shape: Ints
    inverse: Floats


@loop
def build_grid(positions: Floats, offsets: Ints, size: float) -> Grid:
    """Sort spots into cubic cells of at least `size`, at most about four a spot."""
    frames = offsets.size - 1
    n = positions.shape[0]
    origin = np.zeros((frames, 3))
    shape = np.ones((frames, 3), np.int64)
    inverse = np.ones(frames)
    frame_cell = np.zeros(frames + 1, np.int64)
    for f in range(frames):
        begin, end = offsets[f], offsets[f + 1]
        extent = np.zeros(3)
        for axis in range(3):
            if end > begin:
                low = high = positions[begin, axis]
                for i in range(begin, end):
                    low = min(low, positions[i, axis])
                    high = max(high, positions[i, axis])
                origin[f, axis] = low
                extent[axis] = high - low
        cell = size
        limit = 4.0 * (end - begin) + 64.0
        while (
            (extent[0] / cell + 1.0) * (extent[1] / cell + 1.0) * (extent[2] / cell + 1.0)
        ) > limit:
            cell *= 1.25
        inverse[f] = 1.0 / cell
        for axis in range(3):
            shape[f, axis] = int(extent[axis] * inverse[f]) + 1
        frame_cell[f + 1] = frame_cell[f] + shape[f, 0] * shape[f, 1] * shape[f, 2]
    first = np.zeros(frame_cell[frames] + 1, np.int32)
    cell_of = np.empty(n, np.int32)
    for f in range(frames):
        for i in range(offsets[f], offsets[f + 1]):
            c = 0
            for axis in range(3):
                c = c * shape[f, axis] + int((positions[i, axis] - origin[f, axis]) * inverse[f])
            cell_of[i] = frame_cell[f] + c
            first[cell_of[i] + 1] += 1
    for c in range(first.size - 1):
        first[c + 1] += first[c]
    cursor = first[:-1].copy()
    order = np.empty(n, np.int32)
    xyz = np.empty((n, 3))
    for i in range(n):
        s = cursor[cell_of[i]]
        cursor[cell_of[i]] += 1
        order[s] = i
        for axis in range(3):
            xyz[s, axis] = positions[i, axis]
    return Grid(order, xyz, offsets, first, frame_cell, origin, shape, inverse)


@loop
def _cell_range(grid: Grid, frame: int, axis: int, low: float, high: float) -> tuple[int, int]:
    """Give the first cell and one past the last that [low, high] touches along an axis."""
    origin, inverse = grid.origin[frame, axis], grid.inverse[frame]
    top = grid.shape[frame, axis]
    begin = math.floor((low - origin) * inverse)
    end = math.floor((high - origin) * inverse)
    if end < 0.0 or begin >= top:
        return 0, 0
    return int(max(begin, 0.0)), int(min(end, top - 1.0)) + 1


@loop
def find_near(
    grid: Grid,
    point: tuple[float, float, float],
    frame: int,
    radius: float,
    found: Rows,
    squared: Floats,
) -> int:
    """Write the spots of `frame` within `radius` of a point and their squared distances.

    Returns
    -------
    int
        Number of spots found.
    """
    x, y, z = point
    reach = radius * (1.0 + 1e-9)
    x0, x1 = _cell_range(grid, frame, 0, x - reach, x + reach)
    y0, y1 = _cell_range(grid, frame, 1, y - reach, y + reach)
    z0, z1 = _cell_range(grid, frame, 2, z - reach, z + reach)
    count = 0
    if grid.offsets[frame] == grid.offsets[frame + 1] or z0 == z1:
        return count
    limit = radius * radius
    for ix in range(x0, x1):
        for iy in range(y0, y1):
            row = (ix * grid.shape[frame, 1] + iy) * grid.shape[frame, 2] + grid.frame_cell[frame]
            for other in range(grid.first[row + z0], grid.first[row + z1]):
                dx = grid.xyz[other, 0] - x
                dy = grid.xyz[other, 1] - y
                dz = grid.xyz[other, 2] - z
                d2 = dx * dx + dy * dy + dz * dz
                if d2 <= limit:
                    found[count] = other
                    squared[count] = d2
                    count += 1
    return count


@loop
def penalised(d2: float, a: int, b: int, features: Floats, weights: Floats) -> float:
    """Give the cost of a link of squared distance `d2` between spots a and b."""
    if d2 == 0.0:
        return SMALLEST_COST
    factor = 1.0
    for k in range(weights.size):
        mean = abs((features[a, k] + features[b, k]) / 2.0)
        if mean > 0.0:  # false for a missing value
            factor += weights[k] * 1.5 * abs(features[a, k] - features[b, k]) / mean
    return d2 * factor * factor


@loop
def price_links(
    d2: Floats,
    source: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    target: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    features: Floats,
    weights: Floats,
) -> Floats:
    """Give the costs of links of squared distances `d2`, see :func:`penalised`."""
    costs = np.empty(d2.size)
    for i in range(d2.size):
        costs[i] = penalised(d2[i], source[i], target[i], features, weights)
    return costs


@loop
def _grow(indices: Rows, values: Floats) -> tuple[Rows, Floats]:
    more_indices = np.empty(2 * indices.size, np.int32)
    more_values = np.empty(2 * values.size)
    for i in range(indices.size):  # a slice assignment takes 4 s to compile
        more_indices[i] = indices[i]
        more_values[i] = values[i]
    return more_indices, more_values


@loop
def _by_row(grid: Grid, frame: int) -> Rows:
    """Give the spots of a frame, numbered from 0, in the order of their table rows."""
    begin = grid.offsets[frame]
    place = np.empty(grid.offsets[frame + 1] - begin, np.int32)
    for i in range(place.size):
        place[grid.order[begin + i] - begin] = i
    return place


class Points(NamedTuple):
    """Points that look for a spot each.

    Parameters
    ----------
    xyz : (m, 3) ndarray of float
        Where to look.
    spot : (m,) ndarray of int32
        Spot that each belongs to, whose features count.
    turns : (m,) ndarray of int32
        Points in the order in which they choose, which breaks ties between them.
    """

    xyz: Floats
    spot: Rows
    turns: Rows


@loop
def link_points(
    grid: Grid,
    frame: int,
    points: Points,
    free: NDArray[np.bool_],
    limits: tuple[float, float],
    penalties: tuple[Floats, Floats],
) -> tuple[Rows, Floats]:
    """Assign points to the spots of a frame at the lowest total cost.

    Parameters
    ----------
    grid : Grid
        All spots.
    frame : int
        Frame in which to look.
    points : Points
        The m points.
    free : (spots of the frame,) ndarray of bool
        Which spots may be taken.
    limits : tuple of float
        Maximum distance, and the alternative cost as a multiple of the largest cost.
    penalties : tuple of ndarray
        Features (n, k) in grid order, and their weights (k,).

    Returns
    -------
    spot : (m,) ndarray of int32
        Spot that each point got, −1 for none; of length m + 1 if there are too many candidates.
    cost : (m,) ndarray of float
        What it costs, NaN for none.
    """
    radius, factor = limits
    features, weights = penalties
    m, middle, end = points.spot.size, grid.offsets[frame], grid.offsets[frame + 1]
    found, squared = np.empty(end - middle, np.int32), np.empty(end - middle)
    column, value = np.empty(4 * m + 64, np.int32), np.empty(4 * m + 64)
    start = np.zeros(m + 1, np.int64)
    used, highest = 0, 0.0
    for i in range(m):
        point = points.xyz[i, 0], points.xyz[i, 1], points.xyz[i, 2]
        for k in range(find_near(grid, point, frame, radius, found, squared)):
            if not free[found[k] - middle]:
                continue
            c = penalised(squared[k], points.spot[i], found[k], features, weights)
            if c < radius * radius:
                if used == column.size:
                    if used >= MAX_CANDIDATES:
                        return np.empty(m + 1, np.int32), value
                    column, value = _grow(column, value)
                column[used] = found[k] - middle
                value[used] = c
                highest = max(highest, c)
                used += 1
        start[i + 1] = used
    match = assign(start, column, value, factor * highest, points.turns, grid.order[middle:end])
    spot, cost = np.full(m, -1, np.int32), np.full(m, math.nan)
    for i in range(m):
        if match[i] >= 0:
            spot[i] = column[match[i]] + middle
            cost[i] = value[match[i]]
    return spot, cost


@loop
def link_frames(
    grid: Grid,
    frames: tuple[int, int],
    limits: tuple[float, float],
    penalties: tuple[Floats, Floats],
    successor: Rows,
    cost: Floats,
) -> int:
    """Link the spots of each frame in a range to the next frame's.

    Parameters
    ----------
    grid : Grid
        All spots.
    frames : tuple of int
        First frame and one past the last to link from.
    limits : tuple of float
        Maximum distance, and the alternative cost as a multiple of the largest cost.
    penalties : tuple of ndarray
        Features (n, k) in grid order, and their weights (k,).
    successor, cost : (n,) ndarray
        Written for the linked spots: the spot linked to, and the link's cost.

    Returns
    -------
    int
        −1, or the frame with too many candidates.
    """
    for f in range(frames[0], frames[1]):
        begin, middle, end = grid.offsets[f], grid.offsets[f + 1], grid.offsets[f + 2]
        spots = np.empty(middle - begin, np.int32)
        for i in range(spots.size):
            spots[i] = begin + i
        points = Points(grid.xyz[begin:middle], spots, _by_row(grid, f))
        free = np.ones(end - middle, np.bool_)
        spot, value = link_points(grid, f + 1, points, free, limits, penalties)
        if spot.size > spots.size:
            return f
        for i in range(spots.size):
            if spot[i] >= 0:
                successor[begin + i] = spot[i]
                cost[begin + i] = value[i]
    return -1


@loop
def find_segment_links(
    grid: Grid,
    state: NDArray[np.uint8],
    query: tuple[int, int, int, int],
    radius: float,
    penalties: tuple[Floats, Floats],
) -> tuple[Rows, Rows, Floats]:
    """Find the candidate links between spots of two states.

    Parameters
    ----------
    grid : Grid
        All spots.
    state : (n,) ndarray of uint8
        State of each spot (start, end or middle of a segment).
    query : tuple of int
        State to search from, state to find, and the first and last frame difference.
    radius : float
        Largest square root of the cost.
    penalties : tuple of ndarray
        Features (n, k) in grid order, and their weights (k,).

    Returns
    -------
    searched, found : (m,) ndarray of int32
        Spots of each candidate; more than MAX_CANDIDATES of them mean that there are too many.
    cost : (m,) ndarray of float
    """
    wanted, sought, nearest, farthest = query
    features, weights = penalties
    frames = grid.offsets.size - 1
    largest = 0
    for f in range(frames):
        largest = max(largest, grid.offsets[f + 1] - grid.offsets[f])
    hits, squared = np.empty(largest, np.int32), np.empty(largest)
    searched, found, value = np.empty(1024, np.int32), np.empty(1024, np.int32), np.empty(1024)
    used = 0
    for f in range(frames):
        for s in range(grid.offsets[f], grid.offsets[f + 1]):
            if state[s] != wanted:
                continue
            for other in range(max(f + nearest, 0), min(f + farthest, frames - 1) + 1):
                point = grid.xyz[s, 0], grid.xyz[s, 1], grid.xyz[s, 2]
                for k in range(find_near(grid, point, other, radius, hits, squared)):
                    if state[hits[k]] != sought:
                        continue
                    c = penalised(squared[k], s, hits[k], features, weights)
                    if c > radius * radius:
                        continue
                    if used == value.size:
                        searched = _grow(searched, value)[0]
                        found, value = _grow(found, value)
                    searched[used], found[used], value[used] = s, hits[k], c
                    used += 1
                    if used > MAX_CANDIDATES:
                        return searched[:used], found[:used], value[:used]
    return searched[:used], found[:used], value[:used]


@loop
def link_nearest(
    grid: Grid, frames: tuple[int, int], radius: float, successor: Rows, cost: Floats
) -> int:
    """Link each spot, in table order, to the nearest spot of the next frame that is still free.

    Returns −1, or the frame with too many candidates.
    """
    for f in range(frames[0], frames[1]):
        looked_at = 0
        begin, middle, end = grid.offsets[f], grid.offsets[f + 1], grid.offsets[f + 2]
        found, squared = np.empty(end - middle, np.int32), np.empty(end - middle)
        taken = np.zeros(end - middle, np.bool_)
        for s in _by_row(grid, f):
            s += begin
            best, best_row = math.inf, 0
            point = grid.xyz[s, 0], grid.xyz[s, 1], grid.xyz[s, 2]
            count = find_near(grid, point, f + 1, radius, found, squared)
            looked_at += count
            if looked_at > MAX_CANDIDATES:
                return f
            for k in range(count):
                row = grid.order[found[k]]
                free = not taken[found[k] - middle]
                if free and (squared[k] < best or (squared[k] == best and row < best_row)):
                    best, best_row = squared[k], row
                    successor[s] = found[k]
                    cost[s] = best
            if best < math.inf:
                taken[successor[s] - middle] = True
    return -1


@loop
def _sift(heap: Rows, place: Rows, size: int, at: int, distance: Floats) -> None:
    """Restore the heap (lowest distance first) after entry `at` changed."""
    entry = heap[at]
    key = distance[entry]
    while at > 0 and key < distance[heap[(at - 1) // 2]]:
        heap[at] = heap[(at - 1) // 2]
        place[heap[at]] = at
        at = (at - 1) // 2
    while True:
        child = 2 * at + 1
        if child + 1 < size and distance[heap[child + 1]] < distance[heap[child]]:
            child += 1
        if child >= size or distance[heap[child]] >= key:
            break
        heap[at] = heap[child]
        place[heap[at]] = at
        at = child
    heap[at] = entry
    place[entry] = at


class _Prices(NamedTuple):
    """State of an assignment: dual prices of rows and columns, and who has what.

    `u` (n,) and `v` (columns,) are the prices; `match` (n,) the candidate of each row and `owner`
    (columns,) the row of each column, −1 for none.
    """

    u: Floats
    v: Floats
    match: Ints
    owner: Rows


@loop
def assign(
    start: Ints, column: Rows, value: Floats, alternative: float, turns: Rows, ranks: Rows
) -> Ints:
    """Assign each row to one of its columns or to nothing, at the lowest total cost.

    A row that gets no column costs `alternative`; a column that gets no row costs nothing. This
    has the same optimum as the square matrix of Jaqaman et al. with one alternative cost.

    Parameters
    ----------
    start : (n + 1,) ndarray of int
        Candidates of row i are ``start[i]:start[i + 1]``.
    column, value : (m,) ndarray
        Column and cost of each candidate.
    alternative : float
        Cost of no assignment.
    turns : (n,) ndarray of int32
        Rows in the order in which they choose, which breaks ties between them.
    ranks : (columns,) ndarray of int32
        Breaks ties between columns, the lowest first.

    Returns
    -------
    (n,) ndarray of int
        Number of the candidate taken, −1 for none.

    Notes
    -----
    Shortest augmenting paths with dual prices u, v; every row has a column of its own for "no
    assignment", which only this row can reach, so that a path may end there.

    References
    ----------
    Jonker & Volgenant, Computing 38, 325–340 (1987), doi:10.1007/BF02278710.
    """
    n, columns = turns.size, ranks.size
    state = _Prices(
        np.full(n, alternative),
        np.zeros(columns),
        np.full(n, -1, np.int64),
        np.full(columns, -1, np.int32),
    )
    pending = np.empty(n, np.int32)
    count = 0
    for i in turns:
        best = -1
        for k in range(start[i], start[i + 1]):
            if value[k] < state.u[i] or (
                best >= 0 and value[k] == state.u[i] and ranks[column[k]] < ranks[column[best]]
            ):
                best = k
                state.u[i] = value[k]
        if best >= 0 and state.owner[column[best]] < 0:
            state.owner[column[best]] = i
            state.match[i] = best
        elif best >= 0:
            pending[count] = i
            count += 1
    _augment(start, column, value, alternative, pending[:count], state)
    return state.match


@loop
def _augment(
    start: Ints, column: Rows, value: Floats, alternative: float, pending: Rows, state: _Prices
) -> None:
    """Find the shortest augmenting path from each pending row and follow it."""
    u, v, match, owner = state
    distance = np.full(v.size, math.inf)
    via = np.empty(v.size, np.int64)  # candidate by which a column was reached
    via_row = np.empty(v.size, np.int32)
    heap, place = np.empty(v.size, np.int32), np.full(v.size, -1, np.int32)
    settled, touched = np.empty(v.size, np.int32), np.empty(v.size, np.int32)
    for source in pending:
        i, base = source, 0.0
        size, n_settled, n_touched = 0, 0, 0
        free_cost, free_row, last = math.inf, source, -1
        while True:
            if base + alternative - u[i] < free_cost:
                free_cost, free_row = base + alternative - u[i], i
            for k in range(start[i], start[i + 1]):
                j = column[k]
                reached = base + value[k] - u[i] - v[j]
                if reached < distance[j] and reached <= free_cost and place[j] != -2:
                    if distance[j] == math.inf:
                        touched[n_touched] = j
                        n_touched += 1
                        heap[size] = j
                        place[j] = size
                        size += 1
                    distance[j] = reached
                    via[j], via_row[j] = k, i
                    _sift(heap, place, size, place[j], distance)
            if size == 0 or distance[heap[0]] > free_cost:
                end = free_cost
                break
            j = heap[0]
            end = distance[j]
            size -= 1
            if size > 0:
                heap[0] = heap[size]
                place[heap[0]] = 0
                _sift(heap, place, size, 0, distance)
            place[j] = -2
            if owner[j] < 0:
                last = j
                break
            settled[n_settled] = j
            n_settled += 1
            i, base = owner[j], end
        u[source] += end
        for q in range(n_settled):
            v[settled[q]] += distance[settled[q]] - end
            u[owner[settled[q]]] += end - distance[settled[q]]
        if last < 0 and free_row != source:  # free_row gives its column up
            last = column[match[free_row]]
            match[free_row] = -1
        while last >= 0:
            j, i = last, via_row[last]
            last = -1 if i == source else column[match[i]]
            match[i] = via[j]
            owner[j] = i
        for q in range(n_touched):
            distance[touched[q]] = math.inf
            place[touched[q]] = -1
