"""Spots to tracks with any of the trackers."""

import logging
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.scratch import cut_rows, make_array
from btrackmate.core.spots import Spots
from btrackmate.measurement.frames import FrameSource
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.settings import (
    AdvancedKalmanSettings,
    KalmanSettings,
    LapSettings,
    NearestSettings,
    OverlapSettings,
    TrackerSettings,
    tracker_name,
)

if TYPE_CHECKING:
    from btrackmate.tracking.frame_linking import FrameLinks
    from btrackmate.tracking.segment_linking import Links

_log = logging.getLogger(__name__)

#: Spots of a frame at one point: beyond that they were not placed, and linking them takes minutes.
_MOST_AT_ONE_POINT = 500


def track(
    spots: Spots,
    settings: TrackerSettings,
    progress: Progress = ignore_progress,
    labels: FrameSource | None = None,
) -> TrackGraph:
    """Link spots over time.

    Parameters
    ----------
    spots : Spots
        The spots; not changed.
    settings : TrackerSettings
        Their class says which tracker to use; distances that are ``"auto"`` are taken from the
        spots (:func:`btrackmate.tracking.auto.measure_distances`).
    progress : Progress, optional
        Called now and then; may raise Cancelled.
    labels : FrameSource, optional
        The label images that the spots come from; only the overlap tracker looks at them, and at
        the spots' outlines where there are none.

    Returns
    -------
    TrackGraph
        The spots with their links and the links' costs [space unit²; 1 − IoU from overlap;
        −ln of a probability from flow].

    Raises
    ------
    UserError
        If the spots lack a penalised feature, too many spots lie within reach of each other or
        more than 500 of a frame at one point, or the overlap tracker has no labels.

    See Also
    --------
    btrackmate.tracking.pruning.prune : Remove short tracklets afterwards.
    """
    # numba, SciPy and the compiled loops are loaded here, by who needs them
    from btrackmate.tracking.auto import fill_distances

    if not isinstance(settings, OverlapSettings):
        _check_places(spots)
    settings = fill_distances(settings, spots)
    if isinstance(settings, OverlapSettings):
        graph = _track_labels(spots, settings, progress, labels)
    elif isinstance(settings, FlowSettings):
        from btrackmate.tracking.flow.tracker import link_flow

        graph = link_flow(spots, settings, progress)
    else:
        graph = _track_points(spots, settings, progress)
    _log.info("%s: %d spots, %d links", tracker_name(settings), len(spots), graph.n_links)
    return graph


def _check_places(spots: Spots) -> None:
    """Refuse many spots at one point, before any time is spent on them."""
    if len(spots) <= _MOST_AT_ONE_POINT:
        return
    from btrackmate.tracking.frame_linking import cut_frames

    offsets = spots.frame_offsets
    for frames in cut_frames(offsets):
        begin, end = offsets[list(frames)]
        _check_some_places(spots.between(int(begin), int(end)))


def _check_some_places(spots: Spots) -> None:
    """Check the spots of some frames."""
    if len(spots) <= _MOST_AT_ONE_POINT:
        return
    columns = [*spots.positions.T, spots.frame.astype(np.float64)]
    if _longest_run(np.sort(_mix(columns))) <= _MOST_AT_ONE_POINT:
        return
    table = spots.table
    order = np.lexsort(columns)
    first = np.any([np.diff(column[order]) != 0 for column in columns], axis=0)
    begins = np.concatenate(([0], np.flatnonzero(first) + 1))
    counts = np.diff(begins, append=len(order))
    most = int(counts.argmax())
    if counts[most] > _MOST_AT_ONE_POINT:
        one = table.iloc[order[begins[most]]]
        msg = f"frame {int(one['frame'])}: {counts[most]} spots lie at one point, x {one['x']:g}, "
        msg += f"y {one['y']:g}, z {one['z']:g}, where at most {_MOST_AT_ONE_POINT} can be told "
        msg += "apart: are their positions missing? Correct or filter them"
        raise UserError(msg)


def _mix(columns: list[NDArray[np.float64]]) -> NDArray[np.uint64]:
    """Give one number a row, the same for equal rows and hardly ever for others."""
    mixed = np.zeros(columns[0].size, np.uint64)
    for column in columns:
        mixed = (mixed ^ (column + 0.0).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
    return mixed


def _longest_run(values: NDArray[np.uint64]) -> int:
    """Give how often the most frequent one of ascending values stands there."""
    begins = np.flatnonzero(np.diff(values, prepend=~values[:1]))
    return int(np.diff(begins, append=values.size).max())


def _track_labels(
    spots: Spots, settings: OverlapSettings, progress: Progress, labels: FrameSource | None
) -> TrackGraph:
    if labels is None and spots.contours:
        from btrackmate.tracking.outlines import track_outlines

        return track_outlines(spots, settings, progress)
    if labels is None:
        msg = "tracker overlap compares cells in label images, or 2D outlines (ROI) of a TrackMate "
        msg += (
            "file, but there are spots only; start from the label images, or take another tracker"
        )
        raise UserError(msg)
    from btrackmate.tracking.overlap import track_overlap

    return track_overlap(spots, labels, settings, progress)


def _track_points(
    spots: Spots,
    settings: LapSettings | NearestSettings | KalmanSettings,
    progress: Progress,
) -> TrackGraph:
    """Link each spot to at most one other, then, with LAP settings, the segments."""
    from btrackmate.tracking.frame_linking import link_frames, link_nearest
    from btrackmate.tracking.kalman import link_kalman
    from btrackmate.tracking.segment_linking import link_segments

    if isinstance(settings, KalmanSettings | AdvancedKalmanSettings):
        links = link_kalman(spots, settings, progress)
    elif isinstance(settings, LapSettings):
        links = link_frames(spots, settings, progress)
    else:
        links = link_nearest(spots, known_distance(settings.linking_max_distance), progress)
    none = links.order[:0]
    more = (none, none, links.cost[:0])
    if isinstance(settings, LapSettings) and (
        settings.allow_gap_closing or settings.allow_track_splitting or settings.allow_track_merging
    ):
        more = link_segments(spots, links, settings, progress)
    return TrackGraph.from_links(spots, *_list_links(spots, links, more))


def _list_links(
    spots: Spots, links: "FrameLinks", more: "Links"
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """List all links by table rows: source, target and cost, sorted by source, then target.

    Parameters
    ----------
    spots : Spots
    links : FrameLinks
        Those of frame linking.
    more : tuple of ndarray
        Source, target and cost of further links, in the order of the grid.
    """
    from btrackmate.tracking.frame_linking import cut_frames

    order, offsets = links.order, spots.frame_offsets
    by_source = np.argsort(order[more[0]], kind="stable")
    more_source, more_target = order[more[0][by_source]], order[more[1][by_source]]
    more_cost = more[2][by_source]
    count = more_source.size + sum(
        int(np.count_nonzero(links.successor[rows] >= 0)) for rows in cut_rows(order.size)
    )
    source, target = make_array(count, np.int64), make_array(count, np.int64)
    cost = make_array(count, np.float64)
    used = 0
    for frames in cut_frames(offsets):
        begin, end = offsets[list(frames)]
        linked = begin + np.flatnonzero(links.successor[begin:end] >= 0)
        also = slice(*np.searchsorted(more_source, (begin, end)))
        found = (
            np.concatenate((order[linked], more_source[also])),
            np.concatenate((order[links.successor[linked]], more_target[also])),
            np.concatenate((links.cost[linked], more_cost[also])),
        )
        in_order = np.lexsort((found[1], found[0]))
        here = slice(used, used + in_order.size)
        source[here], target[here], cost[here] = (values[in_order] for values in found)
        used += in_order.size
    return source, target, cost
