"""What the search of thresholds makes as large as possible, and its settings."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from btrackmate.core.settings import Settings

Target = Literal["networks", "stardist", "unet", "vollseg"]


class Objective(Settings):
    """What the search makes as large as possible."""

    metric: Literal["f1", "ap"] = Field(
        default="f1",
        description="f1: 2 TP / (2 TP + FP + FN); ap: TP / (TP + FP + FN), StarDist's accuracy.",
    )
    iou: tuple[float, ...] = Field(
        default=(0.3, 0.5, 0.7), description="Mean over the matchings at these IoU thresholds."
    )

    @model_validator(mode="after")
    def _check_iou(self) -> Self:
        if not self.iou or min(self.iou) <= 0 or max(self.iou) > 1:
            msg = f"iou {self.iou} must be one or more numbers above 0, up to 1"
            raise ValueError(msg)
        return self

    @property
    def title(self) -> str:
        """Name in tables and model cards."""
        return self.metric.upper()


class OptimiseSettings(Objective):
    """Settings of the search of thresholds."""

    target: Target = Field(
        default="networks",
        description="What is made good: networks (StarDist and U-Net, each alone; then rescue), "
        "one of them, or vollseg (the two fused, from the networks' own optimum; slower).",
    )
    model_dir: Path | None = Field(
        default=None, description="Folder that holds the model folders; as for segment."
    )
    stardist: str = Field(default="stardist", description="Name of the StarDist model's folder.")
    unet: str = Field(default="unet", description="Name of the U-Net model's folder.")
    norm_low: float | None = Field(
        default=None, ge=0, lt=100, description="Percentile that becomes 0; the training's."
    )
    norm_high: float | None = Field(
        default=None, gt=0, le=100, description="Percentile that becomes 1; the training's."
    )
