"""Arrays straight to the plugin's detector in TrackMate, and a TrackMate file out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_atomically
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.fiji_bridge.images import labels_to_imageplus, to_imageplus
from btrackmate.fiji_bridge.jobs import wait_for
from btrackmate.fiji_bridge.jvm import Fiji, java_class
from btrackmate.fiji_bridge.linking import to_java
from btrackmate.fiji_bridge.plugin import load_plugin_class
from btrackmate.io.trackmate.plugin import PRUNING
from btrackmate.measurement.settings import MaskSettings
from btrackmate.tracking.distances import AUTO
from btrackmate.tracking.settings import (
    AdvancedKalmanSettings,
    LapSettings,
    OverlapSettings,
    PruneSettings,
    SimpleLapSettings,
    TrackerSettings,
    to_trackmate,
    tracker_name,
)

_OURS = "io.github.btrackmate.trackmate."
_FACTORIES = {
    LapSettings: "PrunedTrackerFactory$Lap",
    AdvancedKalmanSettings: "PrunedTrackerFactory$AdvancedKalman",
    OverlapSettings: "PrunedTrackerFactory$Overlap",
}


@dataclass(frozen=True)
class MovieSettings:
    """What TrackMate and the plugin do with a label movie.

    Parameters
    ----------
    tracker : LapSettings, AdvancedKalmanSettings or OverlapSettings
    prune : PruneSettings
        Minimum tracklet length; the two options of Python alone are refused.
    mask : MaskSettings
        Policy of the tissue mask.
    """

    tracker: TrackerSettings = field(default_factory=LapSettings)
    prune: PruneSettings = field(default_factory=PruneSettings)
    mask: MaskSettings = field(default_factory=MaskSettings)


@dataclass(frozen=True, eq=False)
class LabelMovie:
    """Arrays of one movie.

    Parameters
    ----------
    labels : ndarray or DataArray of int
    axes : str, optional
        Axes of `labels`, e.g. ``"TZYX"``.
    calibration : Calibration, optional
    image : ndarray or DataArray of uint8, uint16 or float32, optional
        Intensities that TrackMate measures; without it those of the labels.
    image_axes : str, optional
        Axes of `image`, e.g. ``"TCZYX"``; by default those of `labels`.
    mask : ndarray or DataArray of int, optional
        Tissue ids, 0 outside.
    mask_axes : str, optional
        Axes of `mask`, e.g. ``"ZYX"`` for one of all frames.
    """

    labels: Any
    axes: str | None = None
    calibration: Calibration | None = None
    image: Any = None
    image_axes: str | None = None
    mask: Any = None
    mask_axes: str | None = None


def track_movie(
    fiji: Fiji,
    movie: LabelMovie,
    output: Path,
    settings: MovieSettings | None = None,
    progress: Progress = ignore_progress,
) -> Any:
    """Detect, track and prune a label movie in TrackMate, and write a TrackMate file.

    Parameters
    ----------
    fiji : Fiji
        Running, with the plugin's jars.
    movie : LabelMovie
    output : Path
        The .xml; it names no image, since there is no file of it.
    settings : MovieSettings, optional
    progress : Progress, optional

    Returns
    -------
    fiji.plugin.trackmate.TrackMate
        With its model and settings, for whatever else TrackMate can do.

    Raises
    ------
    UserError
        If the arrays do not fit ImageJ or each other, or the plugin or TrackMate refuses.

    See Also
    --------
    btrackmate.io.trackmate.read_trackmate : Reads `output` into a TrackGraph.
    """
    settings = settings or MovieSettings()
    trackmate = _prepare(movie, settings)

    def process() -> None:
        if not trackmate.checkInput() or not trackmate.process():
            raise UserError(" ".join(str(trackmate.getErrorMessage()).split()))

    try:
        wait_for(process, trackmate.cancel, fiji.console, progress, "tracking in TrackMate")
    finally:
        fiji.console.finish()
    with write_atomically(output) as temporary:
        _save(trackmate, temporary)
    return trackmate


def _prepare(movie: LabelMovie, settings: MovieSettings) -> Any:
    """Set TrackMate up with images, detector and tracker."""
    labels = labels_to_imageplus(movie.labels, movie.axes, movie.calibration)
    image = labels
    if movie.image is not None:
        image = to_imageplus(movie.image, movie.image_axes or movie.axes, movie.calibration)
    mask = None
    if movie.mask is not None:
        mask = labels_to_imageplus(movie.mask, movie.mask_axes, movie.calibration, "tissue mask")
    model = java_class("fiji.plugin.trackmate.Model")()
    calibration = image.getCalibration()
    model.setPhysicalUnits(calibration.getXUnit(), calibration.getTimeUnit())
    model.setLogger(java_class("fiji.plugin.trackmate.Logger").VOID_LOGGER)
    job = java_class("fiji.plugin.trackmate.Settings")(image)
    job.detectorFactory = _ours("LabelMaskDetectorFactory")(labels, mask)
    job.detectorSettings = job.detectorFactory.getDefaultSettings()
    job.detectorSettings.putAll(to_java(_masking(settings.mask)))
    job.trackerFactory = _find_tracker(settings.tracker)
    job.trackerSettings = job.trackerFactory.getDefaultSettings()
    job.trackerSettings.putAll(
        to_java(
            to_trackmate(settings.tracker)[1]
            | _distances(settings.tracker, job.trackerFactory, _largest_side(image))
            | _pruning(settings.prune)
        )
    )
    for fault in (
        job.detectorFactory.checkSettings(job.detectorSettings),
        job.trackerFactory.checkSettings(job.trackerSettings),
    ):
        if fault is not None and str(fault).strip():
            raise UserError(" ".join(str(fault).split()))
    job.addAllAnalyzers()
    return java_class("fiji.plugin.trackmate.TrackMate")(model, job)


def _find_tracker(settings: TrackerSettings) -> Any:
    name = _FACTORIES.get(type(settings))
    if name is None or isinstance(settings, SimpleLapSettings):
        msg = f"the plugin has no tracker {tracker_name(settings)} with pruning; it has lap, "
        msg += "advanced-kalman and overlap"
        raise UserError(msg)
    return _ours(name)()


def _distances(settings: TrackerSettings, factory: Any, voxel: float) -> dict[str, Any]:
    """Ask the plugin for distances from the data, where they are to be; those given stay."""
    names = {
        name: str(field.alias)
        for name, field in type(settings).model_fields.items()
        if name.endswith(("_max_distance", "_radius"))
    }
    given = {names[name]: value for name in names if (value := getattr(settings, name)) != AUTO}
    if len(given) == len(names):
        return {}
    factory.keepDistances(to_java(given))
    return dict.fromkeys(names.values(), 10 * voxel) | {"AUTO_DISTANCES": True}


def _largest_side(image: Any) -> float:
    """Give the largest side of a voxel, of a pixel in 2D."""
    calibration = image.getCalibration()
    sides = [calibration.pixelWidth, calibration.pixelHeight]
    return float(max(sides + [calibration.pixelDepth] * (int(image.getNSlices()) > 1)))


def _pruning(settings: PruneSettings) -> dict[str, Any]:
    given = settings.model_dump()
    return {name: given[ours] for name, ours in PRUNING.items()}


def _masking(settings: MaskSettings) -> dict[str, Any]:
    return {
        "MASK_POLICY": settings.policy,
        "MASK_FRACTION": settings.fraction,
        "MASK_TISSUES": ",".join(map(str, settings.tissues or ())),
    }


def _ours(name: str) -> Any:
    return load_plugin_class(_OURS + name)


def _save(trackmate: Any, path: Path) -> None:
    writer = java_class("fiji.plugin.trackmate.io.TmXmlWriter")(
        java_class("java.io.File")(str(path.absolute())),
        java_class("fiji.plugin.trackmate.Logger").VOID_LOGGER,
    )
    style = java_class("fiji.plugin.trackmate.gui.displaysettings.DisplaySettings").defaultStyle()
    writer.appendModel(trackmate.getModel())
    writer.appendSettings(trackmate.getSettings())
    writer.appendGUIState("ConfigureViews")
    writer.appendDisplaySettings(style)
    writer.writeToFile()
