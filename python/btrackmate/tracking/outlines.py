"""Linking cells whose 2D outlines overlap from frame to frame."""

import logging
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.tracking.overlap import find_candidates
from btrackmate.tracking.settings import OverlapSettings

_log = logging.getLogger(__name__)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Corners of the polygon that stands for the circle of a spot without an outline.
_CIRCLE = 64


class Polygons(NamedTuple):
    """Outlines of the n spots of one frame, scaled.

    Parameters
    ----------
    corners : (m, 2) ndarray of float
        x and y; those of polygon i are ``corners[start[i]:start[i + 1]]``.
    start : (n + 1,) ndarray of int
    low, high : (n, 2) ndarray of float
        Edges of the bounding boxes.
    area : (n,) ndarray of float
        Of the polygons, or of their boxes.
    """

    corners: Floats
    start: Ints
    low: Floats
    high: Floats
    area: Floats


def track_outlines(
    spots: Spots, settings: OverlapSettings, progress: Progress = ignore_progress
) -> TrackGraph:
    """Link each cell to the cell of the frame before that its outline overlaps most.

    Parameters
    ----------
    spots : Spots
        The cells, with their outlines; one without is the circle of its radius. Not changed.
    settings : OverlapSettings
        Least overlap, scale factor, and whether outlines or their boxes are compared.
    progress : Progress, optional
        Called after each frame; may raise Cancelled.

    Returns
    -------
    TrackGraph
        The spots with their links; a link costs 1 − IoU.

    Raises
    ------
    UserError
        If a spot has neither an outline nor a radius.

    See Also
    --------
    btrackmate.tracking.overlap.track_overlap : The same for label images, also in 3D.

    Notes
    -----
    IoU = |A ∩ B| / |A ∪ B| of the polygons, each scaled about its spot's position, exactly; z plays
    no part. Which link is made follows the rules of `track_overlap`, and so TrackMate's.
    """
    if spots.ndim == 3:
        _log.warning("outlines are compared in x and y only, whatever their z")
    offsets = spots.frame_offsets
    filled = np.flatnonzero(np.diff(offsets))
    sources, targets, costs = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    before: Polygons | None = None
    for number, frame in enumerate(filled.tolist()):
        begin, end = int(offsets[frame]), int(offsets[frame + 1])
        now = _make_polygons(spots, begin, end, settings)
        if before is not None:
            candidates = find_candidates(
                before.low[:, 0], before.high[:, 0], now.low[:, 0], now.high[:, 0]
            )
            precise = settings.iou_calculation == "PRECISE"
            best, iou = _find_best(before, now, candidates, precise, settings.min_iou)
            linked = np.flatnonzero(best >= 0)
            sources.append(int(offsets[filled[number - 1]]) + best[linked])
            targets.append(begin + linked)
            costs.append(1 - iou[linked])
        before = now
        progress("linking frames", frame + 1, spots.n_frames)
    return TrackGraph.from_links(
        spots, np.concatenate(sources), np.concatenate(targets), np.concatenate(costs)
    )


def _make_polygons(spots: Spots, begin: int, end: int, settings: OverlapSettings) -> Polygons:
    """Take the outlines of some spots, scaled about their positions."""
    positions = spots.positions[begin:end, :2]
    parts = []
    for row, i in enumerate(spots.id[begin:end].tolist(), begin):
        outline = spots.contours.get(i)
        parts.append(_circle(spots, row) if outline is None else outline)
    sizes = np.array([len(part) for part in parts], np.int64)
    start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    centres = np.repeat(positions, sizes, axis=0)
    corners = centres + settings.scale_factor * np.concatenate(parts)
    low = np.minimum.reduceat(corners, start[:-1])
    high = np.maximum.reduceat(corners, start[:-1])
    area: Floats = (high - low).prod(axis=1)
    if settings.iou_calculation == "PRECISE":
        area = _areas(corners, start)
    return Polygons(corners, start, low, high, area)


def _circle(spots: Spots, row: int) -> Floats:
    radius = spots.feature("radius")[row] if "radius" in spots.table else np.nan
    if not np.isfinite(radius):
        msg = f"tracker overlap: spot {spots.id[row]} has neither an outline nor a radius; start "
        msg += "from the label images, or take another tracker"
        raise UserError(msg)
    angle = np.arange(_CIRCLE) * (2 * np.pi / _CIRCLE)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@njit(cache=True, nogil=True)
def _areas(corners: Floats, start: Ints) -> Floats:  # pragma: no cover (compiled)
    """Areas of polygons by the shoelace formula."""
    areas = np.empty(start.size - 1)
    for i in range(areas.size):
        total = 0.0
        last = start[i + 1] - 1
        for k in range(start[i], start[i + 1]):
            total += corners[last, 0] * corners[k, 1] - corners[k, 0] * corners[last, 1]
            last = k
        areas[i] = abs(total) / 2
    return areas


@njit(cache=True, nogil=True)
def _find_best(
    sources: Polygons,
    targets: Polygons,
    candidates: tuple[Ints, Ints, Ints],
    precise: bool,
    least: float,
) -> tuple[Ints, Floats]:  # pragma: no cover (compiled)
    """Find the source of the highest IoU, above `least`, of each target.

    Returns
    -------
    best : (targets,) ndarray of int
        Source of each target, −1 for none.
    iou : (targets,) ndarray of float
        Its IoU.
    """
    order, begin, end = candidates
    best = np.full(begin.size, -1, np.int64)
    iou = np.full(begin.size, least)
    for t in range(begin.size):
        there = targets.corners[targets.start[t] : targets.start[t + 1]]
        for k in range(begin[t], end[t]):
            s = order[k]
            shared = 1.0
            for axis in range(2):
                low = max(sources.low[s, axis], targets.low[t, axis])
                shared *= max(min(sources.high[s, axis], targets.high[t, axis]) - low, 0.0)
            if shared > 0.0 and precise:
                here = sources.corners[sources.start[s] : sources.start[s + 1]]
                shared = _intersect(here, there)
            if shared > 0.0:
                value = shared / (sources.area[s] + targets.area[t] - shared)
                if value > iou[t] or (value == iou[t] and 0 <= s < best[t]):
                    best[t] = s
                    iou[t] = value
    return best, iou


@njit(cache=True, nogil=True)
def _intersect(a: Floats, b: Floats) -> float:  # pragma: no cover (compiled)
    """Give the area that two polygons share, strip by strip along y.

    Between the heights of corners and crossings the shared width is linear in y, so that its value
    in the middle, times the height of the strip, is exact.
    """
    low = max(a[:, 1].min(), b[:, 1].min())
    high = min(a[:, 1].max(), b[:, 1].max())
    heights = np.empty(len(a) + len(b) + 18)
    heights[0], heights[1] = low, high
    count = 2
    for polygon in (a, b):
        for k in range(len(polygon)):
            if low < polygon[k, 1] < high:
                heights[count] = polygon[k, 1]
                count += 1
    lower = np.minimum(b[:, 1], np.roll(b[:, 1], 1))  # of the edge that ends at each corner
    tallest = np.abs(b[:, 1] - np.roll(b[:, 1], 1)).max()
    order = np.argsort(lower)
    ascending = lower[order]
    for i in range(len(a)):
        y0, y1 = min(a[i - 1, 1], a[i, 1]), max(a[i - 1, 1], a[i, 1])
        for k in range(np.searchsorted(ascending, y0 - tallest), len(b)):
            if ascending[k] >= y1:
                break
            j = order[k]
            crossing, y = _cross(a[i - 1], a[i], b[j - 1], b[j])
            if crossing and low < y < high:
                if count == heights.size:
                    heights = np.concatenate((heights, np.empty_like(heights)))
                heights[count] = y
                count += 1
    heights = np.sort(heights[:count])
    spans_a, spans_b = np.empty(len(a)), np.empty(len(b))
    total = 0.0
    for k in range(1, count):
        height = heights[k] - heights[k - 1]
        if height > 0.0:
            y = 0.5 * (heights[k] + heights[k - 1])
            n_a, n_b = _fill_spans(a, y, spans_a), _fill_spans(b, y, spans_b)
            total += height * _shared_width(spans_a[:n_a], spans_b[:n_b])
    return total


@njit(cache=True, nogil=True)
def _cross(
    p: Floats, q: Floats, r: Floats, s: Floats
) -> tuple[bool, float]:  # pragma: no cover (compiled)
    """Tell whether the edges p → q and r → s cross inside, and at what y."""
    if max(p[1], q[1]) <= min(r[1], s[1]) or min(p[1], q[1]) >= max(r[1], s[1]):
        return False, 0.0
    if max(p[0], q[0]) <= min(r[0], s[0]) or min(p[0], q[0]) >= max(r[0], s[0]):
        return False, 0.0
    dx, dy = q[0] - p[0], q[1] - p[1]
    ex, ey = s[0] - r[0], s[1] - r[1]
    area = dx * ey - dy * ex
    if area == 0.0:  # Parallel edges shift no width between their corners' heights.
        return False, 0.0
    u = ((r[0] - p[0]) * ey - (r[1] - p[1]) * ex) / area
    v = ((r[0] - p[0]) * dy - (r[1] - p[1]) * dx) / area
    return 0.0 < u < 1.0 and 0.0 < v < 1.0, p[1] + u * dy


@njit(cache=True, nogil=True)
def _fill_spans(polygon: Floats, y: float, xs: Floats) -> int:  # pragma: no cover (compiled)
    """Put the x at which a polygon's edges cross a height into `xs`: in, out, in, out, ….

    Returns
    -------
    int
        How many there are; they ascend.
    """
    count = 0
    for k in range(len(polygon)):
        y0, y1 = polygon[k - 1, 1], polygon[k, 1]
        if (y0 < y) != (y1 < y):
            share = (y - y0) / (y1 - y0)
            x = polygon[k - 1, 0] + share * (polygon[k, 0] - polygon[k - 1, 0])
            place = count
            while place and xs[place - 1] > x:
                xs[place] = xs[place - 1]
                place -= 1
            xs[place] = x
            count += 1
    return count


@njit(cache=True, nogil=True)
def _shared_width(a: Floats, b: Floats) -> float:  # pragma: no cover (compiled)
    """Give the length that two sets of intervals share."""
    total = 0.0
    i = j = 0
    while i + 1 < a.size and j + 1 < b.size:
        total += max(min(a[i + 1], b[j + 1]) - max(a[i], b[j]), 0.0)
        if a[i + 1] < b[j + 1]:
            i += 2
        else:
            j += 2
    return total
