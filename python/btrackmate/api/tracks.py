"""Spots to tracks, and tracks to better ones."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from btrackmate.api.calibration import check_units, name_units, read_step
from btrackmate.api.images import Segmentation, measure, note_step, read_labels
from btrackmate.core.array_files import find_files
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.core.watching import watch_inputs
from btrackmate.io.time_steps import find_rise, warn_of_steps
from btrackmate.tracking.feature_filter import FeatureFilter
from btrackmate.tracking.settings import PruneSettings, parse_tracker, tracker_name

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from btrackmate.tracking.pruning import PruneResult

Distance = float | Literal["auto"]


def track(
    spots: "Spots | pd.DataFrame | ArrayLike | Segmentation",
    tracker: str = "flow",
    *,
    linking_max_distance: Distance = "auto",
    axes: str | None = None,
    voxel_size: tuple[float, ...] | None = None,
    dt: float | timedelta | None = None,
    space_unit: str | None = None,
    time_unit: str | None = None,
    progress: Progress = ignore_progress,
    **settings: Any,
) -> TrackGraph:
    """Link cells over time.

    Parameters
    ----------
    spots : Spots, DataFrame or (T, Z, Y, X) array of int
        Spots of :func:`measure`; a table with the columns frame, x, y (and z, id, features), in
        physical units; or label images, which are measured first.
    tracker : str
        ``"flow"`` (all frames at once), ``"lap"`` (as TrackMate), ``"simple-lap"``, ``"kalman"``,
        ``"advanced-kalman"``, ``"nearest"``, ``"overlap"`` (needs label images), or TrackMate's
        key.
    linking_max_distance : float or "auto"
        Largest distance of a link in the space unit; ``"auto"``: from the data, see
        :func:`btrackmate.tracking.auto.measure_distances`. Not for ``overlap``.
    axes, voxel_size, dt, space_unit, time_unit
        Of label images, as in :func:`measure`; of a table: its time step, which its times follow,
        and units, else µm and s. Spots have theirs.
    progress : callable
        Called with step, done and total.
    **settings
        Further settings of the tracker, ours or TrackMate's names, e.g.
        ``splitting_max_distance=10``, ``MAX_FRAME_GAP=3``.

    Returns
    -------
    TrackGraph
        Its record holds the tracker and its settings, distances from the data filled in.

    Raises
    ------
    UserError
        If a setting is wrong, is given for what does not take it, or the spots lack what the
        tracker needs.

    Examples
    --------
    Two cells in three frames, one of them missed in the second:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"frame": [0, 0, 1, 2, 2], "x": [0.0, 20, 1, 2, 21], "y": 0.0})
    >>> tracks = track(table)
    >>> tracks.to_dataframe("tracks")[["track", "n_spots", "n_gaps"]]
       track  n_spots  n_gaps
    0      0        3       0
    1      1        2       1
    >>> track(table, tracker="lap", linking_max_distance=0.5).n_links
    0
    """
    from btrackmate.tracking.auto import fill_distances
    from btrackmate.tracking.engine import track as link

    labels, files = None, find_files(spots)
    if isinstance(spots, pd.DataFrame):
        _refuse_given("a table, whose positions are physical", axes=axes, voxel_size=voxel_size)
        if dt is None:
            _refuse_given("a table without dt", time_unit=time_unit)
        check_units(space_unit=space_unit, time_unit=time_unit)
        calibration = Calibration(
            dt=1.0 if dt is None else read_step(dt, time_unit),
            space_unit=space_unit or "µm",
            time_unit="frame" if dt is None else time_unit or "s",
        )
        spots = _read_table(spots, name_units(calibration))
    elif isinstance(spots, Spots):
        given = {"dt": dt, "space_unit": space_unit, "time_unit": time_unit}
        _refuse_given("spots, which have their own", axes=axes, voxel_size=voxel_size, **given)
    else:
        labels = read_labels(spots, axes, voxel_size)
    values = dict(settings)
    if linking_max_distance != "auto":
        values["linking_max_distance"] = linking_max_distance
    with watch_inputs(*files):
        if not isinstance(spots, Spots):
            spots = measure(
                spots, axes=axes, voxel_size=voxel_size, dt=dt, space_unit=space_unit,
                time_unit=time_unit, progress=progress,
            )  # fmt: skip
        chosen = fill_distances(parse_tracker(tracker, values, "track"), spots)
        graph = link(spots, chosen, progress, labels)
    note = {"tracker": tracker_name(chosen), **chosen.model_dump(mode="json")}
    return replace(graph, record={**graph.record, **note_step("track", note)})


def filter(  # noqa: A001 - the field's word for it
    tracks: TrackGraph,
    *,
    spot_filters: str | Iterable[str] = (),
    track_filters: str | Iterable[str] = (),
) -> TrackGraph:
    """Keep spots and tracks that pass filters; what passes keeps its links.

    Parameters
    ----------
    tracks : TrackGraph
    spot_filters : str or iterable of str
        On any spot feature, e.g. ``"volume>50"``.
    track_filters : str or iterable of str
        On track features, e.g. ``"duration>=5"``, ``"n_divisions>0"``.

    Raises
    ------
    UserError
        If a filter is wrong or names a feature that is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"frame": [0, 1, 0, 1], "x": [0.0, 1, 50, 51], "y": 0.0})
    >>> filter(track(table), spot_filters="x>20").n_tracks
    1
    """
    from btrackmate.pipeline.filtering import filter_graph

    spots, whole = (
        [FeatureFilter.parse(text) for text in _as_list(given)]
        for given in (spot_filters, track_filters)
    )
    kept, dropped = filter_graph(tracks, spots, whole)
    note = {
        "spot_filters": list(map(str, spots)),
        "track_filters": list(map(str, whole)),
        "dropped": len(dropped),
    }
    return replace(kept, record={**tracks.record, **note_step("filter", note)})


def prune(
    tracks: TrackGraph,
    min_tracklet_length: float,
    *,
    unit: Literal["frames", "time"] = "frames",
    **settings: Any,
) -> TrackGraph:
    """Remove short tracklets after divisions: the track inspector.

    Parameters
    ----------
    tracks : TrackGraph
    min_tracklet_length : float
        Shortest tracklet that stays.
    unit : {"frames", "time"}
        Of `min_tracklet_length`: frames, or the movie's time unit.
    **settings
        Further fields of :class:`btrackmate.tracking.settings.PruneSettings`.

    See Also
    --------
    list_pruned : what would go, and by which rule.

    Examples
    --------
    A cell divides into one that stays and one that is seen in one frame only:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"id": range(6), "frame": [0, 1, 2, 2, 3, 4], "x": 0.0, "y": 0.0})
    >>> spots = Spots.from_table(table, Calibration(), ndim=2)
    >>> tracks = TrackGraph.from_ids(spots, [0, 1, 1, 2, 4], [1, 2, 3, 4, 5])
    >>> prune(tracks, 2).spots.id.tolist()
    [0, 1, 2, 4, 5]
    """
    chosen, found = _find_short(tracks, min_tracklet_length, unit, settings)
    note = note_step("prune", chosen.model_dump(mode="json"))
    return replace(found.graph, record={**tracks.record, **note})


def list_pruned(
    tracks: TrackGraph,
    min_tracklet_length: float,
    *,
    unit: Literal["frames", "time"] = "frames",
    **settings: Any,
) -> pd.DataFrame:
    """List the spots and links that :func:`prune` would remove, each with its rule.

    Returns
    -------
    DataFrame
        what (spot or link), id, frame, track, tracklet (of spots), source, target, cost (of links),
        rule.
    """
    from btrackmate.pipeline.linking import list_pruned as list_removed

    return list_removed(_find_short(tracks, min_tracklet_length, unit, settings)[1])


def _find_short(
    tracks: TrackGraph, length: float, unit: str, settings: dict[str, Any]
) -> "tuple[PruneSettings, PruneResult]":
    from btrackmate.tracking.pruning import prune as remove

    values = {"min_tracklet_length": length, "unit": unit, **settings}
    chosen = PruneSettings.parse(values, "prune")
    return chosen, remove(tracks, chosen)


def _as_list(given: Any) -> list[str]:
    if isinstance(given, str):
        return [given]
    listed = list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(one, str) for one in listed):
        msg = f"filters are {given!r}, expected a text such as 'volume>50', or a list of such"
        raise UserError(msg)
    return listed


def _read_table(table: pd.DataFrame, calibration: Calibration) -> Spots:
    """Make spots of a table; its owner may go on to change it, or the arrays it is made of."""
    ndim = 3 if "z" in table else 2
    spots = Spots.from_table(table.copy(), calibration, ndim=ndim, source="the table")
    remedy = "number the column frame by frames, and give dt="
    warn_of_steps(spots.occupied_frames, "the table", remedy)
    rise = find_rise(spots.frame, spots.feature("time"))
    if calibration.time_unit == "frame" and rise not in (None, 1.0):
        _log.warning(
            "the table: its times go up by %g a frame, which is taken as %g s; give dt= and "
            "time_unit= if that is wrong", rise, rise,
        )  # fmt: skip
        return spots.with_calibration(replace(calibration, dt=rise, time_unit="s"))
    time = spots.frame * calibration.dt
    if np.allclose(spots.feature("time"), time, 0, 0.01 * calibration.dt):
        return spots
    _log.warning(
        "the table: its column time is not used, as it is not frame × dt, with dt %g %s",
        calibration.dt, calibration.time_unit,
    )  # fmt: skip
    return spots.with_columns({"time": time})


def _refuse_given(what: str, **given: object) -> None:
    """Refuse arguments that would not be heeded."""
    names = [name for name, value in given.items() if value is not None]
    if names:
        msg = f"{', '.join(names)}: not for {what}; leave it out"
        raise UserError(msg)
