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


class AnalysisSettings(Settings):
    """What is measured of tracks, and how."""

    features: tuple[str, ...] | None = Field(
        None,
        description="Features whose rhythm and course around divisions are looked at; by default "
        "mean intensities, volume and distance to the boundary, of those that there are.",
    )
    rhythm: RhythmSettings = Field(
        default_factory=lambda: RhythmSettings.model_validate({}), description="Search for rhythms."
    )
    drift: Literal["none", "global", "local"] = Field(
        "none",
        description="Motion taken away before motility is measured: that of all cells (global) or "
        "of each cell's neighbours (local).",
    )
    drift_neighbours: int = Field(
        10, ge=1, description="Neighbours whose mean motion is the local drift."
    )
    max_lag: int | None = Field(
        None,
        ge=1,
        description="Largest lag of squared displacements and velocity correlations, in frames; by "
        "default a quarter of the longest tracklet, at least 4 and at most 50.",
    )
    fit_lags: int = Field(
        10,
        ge=2,
        description="Lags from 1 that diffusion and persistence are fitted to, in frames; never "
        "more than there are.",
    )
    align_window: int = Field(20, ge=1, description="Frames shown before and after a division.")
    neighbour_reach: float | None = Field(
        None,
        gt=0,
        description="Largest distance of neighbours' centres, in the space unit; by default 1.8 "
        "times the median distance to the nearest cell.",
    )
    group_by: str | None = Field(
        None,
        description="Column that splits tables and plots: of the tracklets (generation, origin, "
        "fate), of the spots (tissue) or of the table of groups.",
    )
