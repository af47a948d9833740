"""Linking cells whose shapes overlap from frame to frame."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.measurement.frames import FrameSource
from btrackmate.measurement.runs import CELL, LabelRuns, find_runs
from btrackmate.tracking.settings import OverlapSettings

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Shapes(NamedTuple):
    """The n cells of one frame, in the order of their spots; axes are (z, y, x), in voxels.

    Parameters
    ----------
    runs : (k, 4) ndarray of int32
        Runs as in :class:`btrackmate.measurement.runs.LabelRuns`, sorted by cell, row and x.
    start : (n + 1,) ndarray of int
        Runs of cell i are ``start[i]:start[i + 1]``.
    centre : (n, 3) ndarray of float
        Centroids, about which the cells are scaled.
    low, high : (n, 3) ndarray of float
        Edges of the scaled bounding boxes.
    size : (n,) ndarray of float
        Scaled volumes, of the cells or of their boxes.
    """

    runs: NDArray[np.int32]
    start: Ints
    centre: Floats
    low: Floats
    high: Floats
    size: Floats


def track_overlap(
    spots: Spots,
    labels: FrameSource,
    settings: OverlapSettings,
    progress: Progress = ignore_progress,
) -> TrackGraph:
    """Link each cell to the cell of the frame before that it overlaps most.

    Parameters
    ----------
    spots : Spots
        The cells, with their `label`; not changed.
    labels : FrameSource
        The label images that the spots come from, ([Z,] Y, X) a frame; labels that belong to no
        spot do not count.
    settings : OverlapSettings
        Least overlap, scale factor, and whether shapes or boxes are compared.
    progress : Progress, optional
        Called after each frame; may raise Cancelled.

    Returns
    -------
    TrackGraph
        The spots with their links; a link costs 1 − IoU.

    Raises
    ------
    UserError
        If the spots have no labels, two of a frame have the same one, or the images lack a label
        or a frame.

    Notes
    -----
    IoU = |A ∩ B| / |A ∪ B| of the voxel sets, in 3D or 2D, each scaled about its own centroid;
    exact for any scale factor, and independent of the voxel size. A link needs more than
    `min_iou`; of several sources that overlap a cell equally the one with the lowest id is taken.
    A cell may have several daughters, but only one mother. Frames without spots are passed over:
    the next frame with spots is compared to the last one before them. So far as TrackMate's
    overlap tracker, which however looks at outlines in x and y only.

    References
    ----------
    Jaccard, New Phytol. 11, 37–50 (1912), doi:10.1111/j.1469-8137.1912.tb05611.x.
    """
    ids = _check_labels(spots, labels)
    offsets = spots.frame_offsets
    filled = np.flatnonzero(np.diff(offsets))
    sources, targets, costs = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    before: Shapes | None = None
    for number, frame in enumerate(filled.tolist()):
        begin, end = int(offsets[frame]), int(offsets[frame + 1])
        image = labels.frame(frame)
        cells = find_runs(image, f"labels, frame {frame}")
        now = _make_shapes(cells, ids[begin:end], settings, f"frame {frame}")
        if before is not None:
            best, iou = _find_best(
                before,
                now,
                find_candidates(before.low[:, 2], before.high[:, 2], now.low[:, 2], now.high[:, 2]),
                settings.iou_calculation == "PRECISE",
                (settings.scale_factor, settings.min_iou),
                image.shape[-2],
            )
            linked = np.flatnonzero(best >= 0)
            sources.append(int(offsets[filled[number - 1]]) + best[linked])
            targets.append(begin + linked)
            costs.append(1 - iou[linked])
        before = now
        progress("linking frames", frame + 1, spots.n_frames)
    return TrackGraph.from_links(
        spots, np.concatenate(sources), np.concatenate(targets), np.concatenate(costs)
    )


def _check_labels(spots: Spots, labels: FrameSource) -> Ints:
    """Give the label of each spot, (n,)."""
    if not len(spots):
        return np.empty(0, np.int64)
    if "label" not in spots.features:
        msg = (
            "tracker overlap: the spots have no column 'label', which says what cell of the label "
        )
        msg += f"images each is; they have {', '.join(spots.features)}"
        raise UserError(msg)
    last = int(spots.frame[-1])
    if last >= labels.n_frames:
        msg = f"tracker overlap: there are spots in frame {last}, but the label movie has "
        msg += f"{labels.n_frames} frames; give the labels that the spots were measured in"
        raise UserError(msg)
    values = spots.feature("label")
    return np.where(np.isfinite(values), values, 0).astype(np.int64)


def _make_shapes(cells: LabelRuns, ids: Ints, settings: OverlapSettings, where: str) -> Shapes:
    """Take the cells that the spots of a frame are, in the order of the spots."""
    cell = _find_cells(cells, ids, where)
    spot_of = np.full(len(cells), -1, np.int64)
    spot_of[cell] = np.arange(cell.size)
    owner = spot_of[cells.runs[:, CELL]]
    by_spot = np.argsort(owner, kind="stable")
    by_spot = by_spot[owner[by_spot] >= 0]
    start = np.searchsorted(owner[by_spot], np.arange(cell.size + 1)).astype(np.int64)
    grow, centre = settings.scale_factor - 1, cells.centroid[cell]
    low, high = cells.box.first[cell] - 0.5, cells.box.last[cell] + 0.5
    low, high = low + grow * (low - centre), high + grow * (high - centre)
    size: Floats = (high - low).prod(axis=1)
    if settings.iou_calculation == "PRECISE":
        size = cells.voxels[cell].astype(np.float64) * settings.scale_factor**3
    return Shapes(cells.runs[by_spot], start, centre, low, high, size)


def _find_cells(cells: LabelRuns, ids: Ints, where: str) -> Ints:
    """Find the cell of each label id."""
    unique, count = np.unique(ids, return_counts=True)
    if unique.size < ids.size:
        msg = f"tracker overlap: {count.max()} spots of {where} have the label "
        msg += f"{unique[count.argmax()]}, expected one spot a label"
        raise UserError(msg)
    known = cells.labels[cells.order]
    place = np.minimum(np.searchsorted(known, ids), max(known.size - 1, 0))
    lost = ids if not known.size else ids[known[place] != ids]
    if lost.size:
        msg = f"tracker overlap: the label image of {where} lacks the label {lost[0]} of a spot "
        msg += f"({lost.size} such spots); give the labels that the spots were measured in"
        raise UserError(msg)
    return cells.order[place]


def find_candidates(
    source_low: Floats, source_high: Floats, target_low: Floats, target_high: Floats
) -> tuple[Ints, Ints, Ints]:
    """Find the sources whose boxes may meet each target's along x.

    Parameters
    ----------
    source_low, source_high : (sources,) ndarray of float
        Left and right edges of the sources' boxes.
    target_low, target_high : (targets,) ndarray of float
        Of the targets'.

    Returns
    -------
    order : (sources,) ndarray of int
        Sources by their left edge.
    begin, end : (targets,) ndarray of int
        Candidates of target t are ``order[begin[t]:end[t]]``.
    """
    order = np.argsort(source_low, kind="stable").astype(np.int64)
    reach = np.maximum.accumulate(source_high[order])
    begin = np.searchsorted(reach, target_low, side="right")
    end = np.searchsorted(source_low[order], target_high)
    return order, begin.astype(np.int64), end.astype(np.int64)


@njit(cache=True, nogil=True)
def _find_best(
    sources: Shapes,
    targets: Shapes,
    candidates: tuple[Ints, Ints, Ints],
    precise: bool,
    limits: tuple[float, float],
    ny: int,
) -> tuple[Ints, Floats]:  # pragma: no cover (compiled)
    """Find the source of the highest IoU, above the limit, of each target.

    Parameters
    ----------
    sources, targets : Shapes
        Cells of two frames.
    candidates : tuple of ndarray
        As :func:`find_candidates` gives them.
    precise : bool
        Compare the cells, else their boxes.
    limits : tuple of float
        Scale factor, and the IoU to be exceeded.
    ny : int
        Rows of a plane.

    Returns
    -------
    best : (targets,) ndarray of int
        Source of each target, −1 for none.
    iou : (targets,) ndarray of float
        Its IoU.
    """
    scale, least = limits
    order, begin, end = candidates
    best = np.full(begin.size, -1, np.int64)
    iou = np.full(begin.size, least)
    for t in range(begin.size):
        for k in range(begin[t], end[t]):
            s = order[k]
            shared = 1.0
            for axis in range(3):
                low = max(sources.low[s, axis], targets.low[t, axis])
                shared *= max(min(sources.high[s, axis], targets.high[t, axis]) - low, 0.0)
            if shared > 0.0 and precise:
                shared = _intersect(sources, s, targets, t, scale, ny)
            if shared > 0.0:
                value = shared / (sources.size[s] + targets.size[t] - shared)
                if value > iou[t] or (value == iou[t] and 0 <= s < best[t]):
                    best[t] = s
                    iou[t] = value
    return best, iou


@njit(cache=True, nogil=True)
def _intersect(
    sources: Shapes, s: int, targets: Shapes, t: int, scale: float, ny: int
) -> float:  # pragma: no cover (compiled)
    """Give the volume that a source and a target share after scaling.

    A scaled voxel is a box, so that the shared volume is a sum of products of overlaps along the
    axes.
    """
    grow = scale - 1.0
    here, there = sources.centre[s], targets.centre[t]
    low, high = targets.low[t], targets.high[t]
    total = 0.0
    for run in range(sources.start[s], sources.start[s + 1]):
        row = sources.runs[run, 0]
        z0, z1 = _scaled(row // ny, row // ny + 1, here[0], grow)
        y0, y1 = _scaled(row % ny, row % ny + 1, here[1], grow)
        x0, x1 = _scaled(sources.runs[run, 1], sources.runs[run, 2], here[2], grow)
        if z1 <= low[0] or z0 >= high[0] or y1 <= low[1] or y0 >= high[1]:
            continue
        if x1 <= low[2] or x0 >= high[2]:
            continue
        first_z, last_z = _touched(z0, z1, there[0], scale)
        first_y, last_y = _touched(y0, y1, there[1], scale)
        for z in range(first_z, last_z):
            a0, a1 = _scaled(z, z + 1, there[0], grow)
            depth = min(z1, a1) - max(z0, a0)
            for y in range(max(first_y, 0), min(last_y, ny)):
                a0, a1 = _scaled(y, y + 1, there[1], grow)
                width = min(y1, a1) - max(y0, a0)
                if depth <= 0.0 or width <= 0.0:
                    continue
                other = _first_run(targets, t, z * ny + y)
                while other < targets.start[t + 1] and targets.runs[other, 0] == z * ny + y:
                    a0, a1 = _scaled(targets.runs[other, 1], targets.runs[other, 2], there[2], grow)
                    total += max(min(x1, a1) - max(x0, a0), 0.0) * depth * width
                    other += 1
    return total


@njit(cache=True, nogil=True)
def _scaled(
    first: int, stop: int, centre: float, grow: float
) -> tuple[float, float]:  # pragma: no cover (compiled)
    """Give the edges of voxels first … stop − 1 along an axis after scaling about `centre`.

    Without scaling (`grow` 0) they are exact.
    """
    low, high = first - 0.5, stop - 0.5
    return low + grow * (low - centre), high + grow * (high - centre)


@njit(cache=True, nogil=True)
def _touched(
    low: float, high: float, centre: float, scale: float
) -> tuple[int, int]:  # pragma: no cover (compiled)
    """Give the first voxel, and one past the last, whose scaled extent touches [low, high]."""
    shift = (scale - 1.0) * centre
    first = math.floor((low + shift) / scale + 0.5)
    stop = math.ceil((high + shift) / scale + 0.5)
    return int(first), int(stop)


@njit(cache=True, nogil=True)
def _first_run(shapes: Shapes, cell: int, row: int) -> int:  # pragma: no cover (compiled)
    """Find the first run of a cell that is not before a row."""
    low, high = shapes.start[cell], shapes.start[cell + 1]
    while low < high:
        middle = (low + high) // 2
        if shapes.runs[middle, 0] < row:
            low = middle + 1
        else:
            high = middle
    return int(low)
