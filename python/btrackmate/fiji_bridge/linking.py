"""The real TrackMate as tracking engine: same spots, same settings, its links."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.schema import find_column
from btrackmate.core.spots import Spots
from btrackmate.core.words import option
from btrackmate.fiji_bridge.jobs import wait_for
from btrackmate.fiji_bridge.jvm import Fiji, java_class
from btrackmate.measurement.frames import FrameSource
from btrackmate.tracking.auto import fill_distances
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.settings import (
    OverlapSettings,
    TrackerSettings,
    to_trackmate,
    tracker_name,
)

_log = logging.getLogger(__name__)

_TRACKING = "fiji.plugin.trackmate.tracking."
#: Factory of each tracker of TrackMate, by its key.
_FACTORIES = {
    "SPARSE_LAP_TRACKER": "jaqaman.SparseLAPTrackerFactory",
    "SIMPLE_SPARSE_LAP_TRACKER": "jaqaman.SimpleSparseLAPTrackerFactory",
    "NEAREST_NEIGHBOR_TRACKER": "kdtree.NearestNeighborTrackerFactory",
    "KALMAN_TRACKER": "kalman.KalmanTrackerFactory",
    "ADVANCED_KALMAN_TRACKER": "kalman.AdvancedKalmanTrackerFactory",
    "OVERLAP_TRACKER": "overlap.OverlapTrackerFactory",
}

_LARGEST_INT = 2**31 - 1
#: Features that every TrackMate spot has, by our column names.
_BASIC = ("x", "y", "z", "radius", "quality", "frame", "time")


def check_tracker(settings: TrackerSettings) -> None:
    """Refuse a tracker that TrackMate does not have; needs no JVM.

    Raises
    ------
    UserError
        For the flow tracker.
    """
    if isinstance(settings, FlowSettings):
        msg = "tracker flow is BTrackMate's own, TrackMate has none like it; take "
        msg += f"{option('engine', 'builtin')}, or another tracker (lap, advanced-kalman, …)"
        raise UserError(msg)


@dataclass(frozen=True)
class TrackMateLinker:
    """A tracking engine for the pipeline: the trackers of a running TrackMate.

    Parameters
    ----------
    fiji : Fiji
        From :func:`~btrackmate.fiji_bridge.start_fiji`.

    Notes
    -----
    Pruning and filters stay BTrackMate's, so that only the linking differs between engines.
    """

    fiji: Fiji

    def __call__(
        self,
        spots: Spots,
        settings: TrackerSettings,
        progress: Progress = ignore_progress,
        labels: FrameSource | None = None,
    ) -> TrackGraph:
        """Link spots over time.

        Parameters
        ----------
        spots : Spots
        settings : TrackerSettings
            Given to TrackMate under its own names.
        progress : Progress, optional
            May raise Cancelled; TrackMate is told to stop then, as with Ctrl-C.
        labels : FrameSource, optional
            Not looked at: TrackMate's trackers see spots, with their outlines in 2D.

        Returns
        -------
        TrackGraph
            The same spots, with TrackMate's links and costs.

        Raises
        ------
        UserError
            If TrackMate has no such tracker, cannot do it justice, or refuses its settings.
        """
        check_tracker(settings)
        settings = fill_distances(settings, spots)
        if isinstance(settings, OverlapSettings):
            _check_outlines(spots)
        if not len(spots):
            none = np.empty(0, np.int64)
            return TrackGraph.from_links(spots, none, none)
        trackmate = prepare_trackmate(spots, settings)

        def link() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
            if not trackmate.execTracking():
                msg = f"TrackMate: {_one_line(trackmate.getErrorMessage())}"
                raise UserError(msg)
            return read_links(trackmate.getModel())

        try:
            source, target, cost = wait_for(
                link, trackmate.cancel, self.fiji.console, progress, "linking in TrackMate"
            )
        finally:
            self.fiji.console.finish()
        graph = _from_keys(spots, source, target, cost)
        name = tracker_name(settings)
        _log.info("%s in %s: %d spots, %d links", name, self.fiji, len(spots), graph.n_links)
        return graph


def to_model(spots: Spots, features: list[str] | None = None) -> Any:
    """Make a TrackMate model of spots.

    Parameters
    ----------
    spots : Spots
        Their ids become TrackMate's where they fit a Java int, else rows do.
    features : list of str, optional
        Columns that the spots get as features under TrackMate's keys, beside position, radius,
        quality and time; by default all numeric ones. A missing value becomes NaN.

    Returns
    -------
    fiji.plugin.trackmate.Model
        All its spots are visible; it has no tracks.
    """
    names = spots.features if features is None else features
    model = java_class("fiji.plugin.trackmate.Model")()
    model.setPhysicalUnits(spots.calibration.space_unit, spots.calibration.time_unit)
    model.setLogger(java_class("fiji.plugin.trackmate.Logger").VOID_LOGGER)
    collection = java_class("fiji.plugin.trackmate.SpotCollection")()
    columns = [(_key(name), spots.feature(name).tolist()) for name in names if name not in _BASIC]
    make_spot = java_class("fiji.plugin.trackmate.Spot")
    roi = java_class("fiji.plugin.trackmate.SpotRoi") if spots.contours else None
    double = java_class("java.lang.Double")
    integer = java_class("java.lang.Integer")
    x, y, z = spots.positions.T.tolist()
    radius = _column_or(spots, "radius", 1.0)
    quality = _column_or(spots, "quality", 1.0)
    time = spots.feature("time").tolist()
    for row, (number, frame) in enumerate(zip(_keys(spots), spots.frame.tolist(), strict=True)):
        spot = make_spot(integer(number))
        spot.setName(f"ID{number}")
        for key, value in (
            ("POSITION_X", x[row]), ("POSITION_Y", y[row]), ("POSITION_Z", z[row]),
            ("POSITION_T", time[row]), ("RADIUS", radius[row]), ("QUALITY", quality[row]),
        ):  # fmt: skip
            spot.putFeature(key, double(value))
        for key, column in columns:
            spot.putFeature(key, double(column[row]))
        if roi is not None:
            outline = spots.contours.get(int(spots.id[row]))
            if outline is not None:
                spot.setRoi(roi(outline[:, 0].tolist(), outline[:, 1].tolist()))
        collection.add(spot, integer(frame))
    collection.setVisible(True)
    model.setSpots(collection, False)
    return model


def to_java(values: dict[str, Any]) -> Any:
    """Make a settings map of TrackMate: numbers as the Java objects that it expects."""
    result = java_class("java.util.HashMap")()
    for name, value in values.items():
        result.put(name, _to_object(value))
    return result


def prepare_trackmate(spots: Spots, settings: TrackerSettings) -> Any:
    """Set a TrackMate up with spots and tracker, ready for `execTracking()`.

    Raises
    ------
    UserError
        If TrackMate refuses the settings, or the spots lack a penalised feature.
    """
    key, values = to_trackmate(settings)
    penalised = {
        feature
        for name, weights in values.items()
        if name.endswith("FEATURE_PENALTIES")
        for feature in weights
    }
    by_key = {_key(name): name for name in spots.features}
    missing = sorted(penalised - set(by_key))
    if missing:
        msg = f"spots have no feature {missing[0]!r}; they have {', '.join(by_key)}"
        raise UserError(msg)
    factory = java_class(_TRACKING + _FACTORIES[key])()
    chosen = java_class("fiji.plugin.trackmate.Settings")()
    chosen.trackerFactory = factory
    chosen.trackerSettings = to_java(values)
    fault = factory.checkSettings(chosen.trackerSettings)
    if fault is not None and str(fault).strip():
        msg = f"TrackMate refuses the settings of {key}: {_one_line(fault)}"
        raise UserError(msg)
    model = to_model(spots, sorted(by_key[feature] for feature in penalised))
    return java_class("fiji.plugin.trackmate.TrackMate")(model, chosen)


def _check_outlines(spots: Spots) -> None:
    """Refuse spots whose overlap TrackMate would take from discs in the x, y plane."""
    advice = f"{option('engine', 'builtin')} compares the label images themselves"
    if spots.ndim == 3:
        msg = "TrackMate's overlap tracker ignores z and would take 3D cells for discs in x and y; "
        raise UserError(msg + advice)
    lacking = sum(number not in spots.contours for number in spots.id.tolist())
    if lacking:
        msg = f"TrackMate's overlap tracker compares outlines, but {lacking} of {len(spots)} spots "
        msg += f"have none (a TrackMate file with outlines has them); {advice}"
        raise UserError(msg)


def read_links(model: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Give the links of a TrackMate model: source and target (spots' numbers there), cost."""
    tracks = model.getTrackModel()
    links = [
        (
            int(tracks.getEdgeSource(edge).ID()),
            int(tracks.getEdgeTarget(edge).ID()),
            float(tracks.getEdgeWeight(edge)),
        )
        for edge in tracks.edgeSet()
    ]
    table = np.array(links, np.float64).reshape(-1, 3)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2]


def _keys(spots: Spots) -> list[int]:
    """Give the spots their numbers in Java: by id where all fit an int, else by row."""
    if len(spots) and int(spots.id.max()) > _LARGEST_INT:
        return list(range(len(spots)))
    return spots.id.tolist()  # type: ignore[no-any-return]


def _from_keys(
    spots: Spots, source: NDArray[np.int64], target: NDArray[np.int64], cost: NDArray[np.float64]
) -> TrackGraph:
    keys = np.asarray(_keys(spots), np.int64)
    order = np.argsort(keys)
    rows = [order[np.searchsorted(keys, ids, sorter=order)] for ids in (source, target)]
    return TrackGraph.from_links(spots, rows[0], rows[1], cost)


def _key(name: str) -> str:
    column = find_column(name)
    return column.key if column else name


def _column_or(spots: Spots, name: str, default: float) -> list[float]:
    """Give a column, with a default where the table or a spot lacks it."""
    if name not in spots.features:
        return [default] * len(spots)
    values = spots.feature(name)
    return np.where(np.isfinite(values), values, default).tolist()  # type: ignore[no-any-return]


def _to_object(value: Any) -> Any:
    """Wrap a plain value as the Java object of its kind."""
    if isinstance(value, bool):
        return java_class("java.lang.Boolean")(value)
    if isinstance(value, int):
        return java_class("java.lang.Integer")(value)
    if isinstance(value, float):
        return java_class("java.lang.Double")(value)
    if isinstance(value, dict):
        weights = {name: float(weight) for name, weight in value.items()}
        return to_java(weights)
    return java_class("java.lang.String")(str(value))


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())
