"""Settings of a whole run: those of every step."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from btrackmate.core.errors import UserError
from btrackmate.core.settings import Settings
from btrackmate.io.units import NgffVersion
from btrackmate.measurement.settings import MeasureSettings
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.tracking.feature_filter import FeatureFilter
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.settings import DEFAULT_TRACKER, AnyTracker, PruneSettings


class InputSettings(Settings):
    """How the input files are read."""

    axes: str | None = Field(
        None, description="Axes of the image and of labels beside it, e.g. TZYX; else the metadata"
    )
    image_axes: str | None = Field(None, description="Axes of the image alone")
    label_axes: str | None = Field(
        None,
        description="Axes of the labels; else the metadata, or the image whose shape they have",
    )
    mask_axes: str | None = Field(
        None, description="Axes of the mask; else the metadata, or the movie whose shape it has"
    )
    voxel_size: tuple[float, float, float] | tuple[float, float] | None = Field(
        None, description="Voxel size Z,Y,X (2D: Y,X) in space_unit; else the file's metadata"
    )
    space_unit: str | None = Field(None, description="Unit of the voxel size")
    dt: float | None = Field(None, gt=0, description="Time between frames in time_unit")
    time_unit: str | None = Field(None, description="Unit of dt")
    csv_units: Literal["pixels", "physical"] = Field(
        "physical", description="Unit of positions in a spots CSV"
    )
    csv_time: Literal["frames", "time"] = Field(
        "frames", description="What t (or frame) counts in a spots CSV: frames, or time by dt"
    )
    skip_bad_rows: bool = Field(False, description="Skip bad rows of a spots CSV, and list them")


Filters = tuple[
    Annotated[FeatureFilter, BeforeValidator(FeatureFilter.read), PlainSerializer(str)], ...
]


class RunSettings(Settings):
    """Settings of a whole run.

    The tracker's settings stand under its name: ``tracker: {name: lap, max_frame_gap: 3}``. The
    older form, a name under ``tracker`` and the settings under ``tracker_settings``, is read too.
    """

    input: InputSettings = Field(InputSettings(), description="How the input files are read")
    channel: int = Field(1, ge=1, description="Channel of the image to segment, from 1")
    segmentation: SegmentationSettings = Field(
        SegmentationSettings(), description="Segmentation, where no labels are given"
    )
    ome_zarr: NgffVersion = Field(
        "0.4", description="OME-Zarr of segmented labels: 0.4 (Zarr 2) or 0.5 (Zarr 3)"
    )
    measure: MeasureSettings = Field(
        MeasureSettings(), description="Measuring, and the tissue mask's policy"
    )
    spot_filters: Filters = Field((), description="Spots that are linked: 'volume>50'")
    tracker: AnyTracker = Field(
        FlowSettings(), description="Tracker and its settings: our name or TrackMate's key"
    )
    track_filters: Filters = Field((), description="Tracks that stay: 'duration>=5'")
    prune: PruneSettings = Field(PruneSettings(), description="Pruning of short tracklets")
    workers: int = Field(0, ge=0, description="Frames measured at a time; 0: one a core")

    @model_validator(mode="before")
    @classmethod
    def _join_tracker(cls, values: Any) -> Any:
        """Read the older form of a tracker's settings."""
        if not isinstance(values, dict) or "tracker_settings" not in values:
            return values
        name, settings = split_tracker(values)
        rest = {key: value for key, value in values.items() if key != "tracker_settings"}
        return rest | {"tracker": {"name": name or DEFAULT_TRACKER, **settings}}


def split_tracker(values: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Take a tracker's name and settings out of the values of a YAML file, in either form.

    Returns
    -------
    name : str or None
        None if no tracker is named.
    settings : dict
        By lower-case name.

    Raises
    ------
    UserError
        If they are no name and no names and values, or a setting stands twice.
    """
    tracker, settings = values.get("tracker"), values.get("tracker_settings", {})
    name, own = tracker, {}
    if isinstance(tracker, dict):
        own = {key: value for key, value in tracker.items() if key != "name"}
        name = tracker.get("name")
    for key, value, expected in (
        ("tracker_settings", settings, dict),
        ("tracker", name, str | None),
    ):
        if not isinstance(value, expected):
            what = "names and values" if expected is dict else "a name, or a name and settings"
            msg = f"{key} is {value!r}, expected {what}"
            raise UserError(msg)
    both = [*own.items(), *settings.items()]
    lower = {str(key).lower(): value for key, value in both}
    if len(lower) < len(both):
        names = ", ".join(str(key) for key, _ in both)
        msg = f"a tracker's setting is given twice among {names}; give it once"
        raise UserError(msg)
    return name, lower
