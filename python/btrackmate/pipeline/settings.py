"""Settings of a whole run: those of every step."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from btrackmate.core.settings import Settings
from btrackmate.measurement.settings import MeasureSettings
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.tracking.feature_filter import FeatureFilter
from btrackmate.tracking.settings import PruneSettings, TrackerSettings, parse_tracker


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


class RunSettings(Settings):
    """Settings of a whole run."""

    input: InputSettings = Field(InputSettings(), description="How the input files are read")
    channel: int = Field(1, ge=1, description="Channel of the image to segment, from 1")
    segmentation: SegmentationSettings = Field(
        SegmentationSettings(), description="Segmentation, where no labels are given"
    )
    measure: MeasureSettings = Field(
        MeasureSettings(), description="Measuring, and the tissue mask's policy"
    )
    spot_filters: tuple[str, ...] = Field((), description="Spots that are linked: 'volume>50'")
    tracker: str = Field("flow", description="Tracker: our name or TrackMate's key")
    tracker_settings: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the tracker"
    )
    track_filters: tuple[str, ...] = Field((), description="Tracks that stay: 'duration>=5'")
    prune: PruneSettings = Field(PruneSettings(), description="Pruning of short tracklets")
    workers: int = Field(0, ge=0, description="Frames measured at a time; 0: one a core")

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        self.parse_tracker()
        for text in (*self.spot_filters, *self.track_filters):
            FeatureFilter.parse(text)
        return self

    def parse_tracker(self) -> TrackerSettings:
        """Give the settings of the tracker as its own class."""
        return parse_tracker(self.tracker, dict(self.tracker_settings))
