"""Settings of the analysis of tracks."""

from typing import Literal, Self

from pydantic import Field, model_validator

from btrackmate.core.settings import Settings


class RhythmSettings(Settings):
    """How rhythms are looked for in the features of tracklets."""

    detrend: Literal["constant", "linear", "moving-average"] = Field(
        "linear",
        description="What is taken away first: the mean, a straight line, or a running mean.",
    )
    detrend_width: float | None = Field(
        None,
        gt=0,
        description="Width of the running mean, in time units; rhythms slower than it go with it.",
    )
    window: Literal["none", "hann"] = Field(
        "none",
        description="Weights of the samples: hann parts rhythms of a long series better, but "
        "sees weak ones in short series less often.",
    )
    noise: Literal["red", "white"] = Field(
        "red",
        description="Noise that a rhythm must stand out of: red (each value depends on the one "
        "before, AR(1)) also covers white; white alone takes slow wandering for rhythm.",
    )
    significance: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="False discovery rate below which a tracklet counts as rhythmic.",
    )
    min_samples: int = Field(
        8, ge=6, description="Fewest values of a tracklet that its rhythm is looked for in."
    )
    max_missing: float = Field(
        0.5, ge=0, le=0.5, description="Largest part of a tracklet's frames without a value."
    )
    wavelet: bool = Field(
        False, description="Follow the period over time too (wavelet ridge); takes longer."
    )

    @model_validator(mode="after")
    def _check_width(self) -> Self:
        if (self.detrend == "moving-average") != (self.detrend_width is not None):
            msg = "detrend moving-average needs detrend_width (time units), and only it has one"
            raise ValueError(msg)
        return self
