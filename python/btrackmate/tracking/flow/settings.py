"""Settings and weights of the flow tracker."""

import json
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from btrackmate.core.settings import Settings
from btrackmate.tracking.distances import AUTO, Distance

#: Headings of settings.
LINKING, SPLITTING, COSTS, _MOTION = "linking", "division", "costs", "motion and windows"

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Point = tuple[_Finite, _Finite, _Finite]


def _weight(default: float, text: str) -> float:
    value: float = Field(default, description=text)
    return value


class FlowWeights(Settings):
    """Weight of each piece of evidence: what a unit of it adds to the log odds.

    A candidate (a link, a division, a spot that is no cell) scores the sum of its evidence times
    these weights; a score above 0 speaks for it. σ is the spread of a cell's own motion along one
    axis against its neighbours', the spacing the distance between neighbouring cells.

    Notes
    -----
    What sizes, intensities and shapes are worth is learnt in each movie from what positions tell
    surely there, as log odds; their weights here say how far these are believed, so that features
    that tell nothing in a movie do no harm.

    The defaults were learnt from seeded point movies of random density, motion, noise, misses and
    false positives; those of appearance by `benchmarks/flow.py --learn`, with the others as they
    are. The movies have no shapes, so that the weight of a mother that rounds up was not learnt.
    """

    link: _Finite = _weight(9.574, "any link")
    link_distance: _Finite = _weight(-1.366, "ln(1 + d²/σ²), d from the predicted position")
    link_distance_spacing: _Finite = _weight(-6.778, "d²/spacing², at most 9")
    link_gap: _Finite = _weight(-5.239, "each missed frame")
    link_size: _Finite = _weight(0.415, "log odds of the target's size to the source's")
    link_intensity: _Finite = _weight(1.145, "log odds of the target's intensity to the source's")
    division: _Finite = _weight(7.782, "any division")
    division_across: _Finite = _weight(
        -0.399, "ln(1 + a²/σ²), a from the predicted mother to the daughters' axis"
    )
    division_along: _Finite = _weight(
        -0.446, "ln(1 + b²/σ²), b along the axis to the daughters' midpoint"
    )
    division_across_spacing: _Finite = _weight(-11.068, "a²/spacing², at most 9")
    division_along_spacing: _Finite = _weight(-13.640, "b²/spacing², at most 9")
    division_asymmetry: _Finite = _weight(-4.055, "(2b over the daughters' distance)², at most 4")
    division_separation: _Finite = _weight(-5.097, "ln(daughters' distance/spacing)")
    division_separation_squared: _Finite = _weight(-3.959, "the square of it")
    division_later_known: _Finite = _weight(0.577, "both daughters seen in the next frame")
    division_later: _Finite = _weight(0.239, "ln(1 + d²/σ²) of their midpoint there")
    division_later_asymmetry: _Finite = _weight(0.774, "asymmetry there")
    division_later_growth: _Finite = _weight(
        -1.209, "ln ratio of the daughters' distances there and here"
    )
    division_size_sum: _Finite = _weight(
        0.749, "log odds of the daughters' total size to the mother's"
    )
    division_size_halves: _Finite = _weight(2.195, "log odds of the ratio of the daughters' sizes")
    division_intensity_change: _Finite = _weight(
        0.083, "log odds of the daughters' intensity to the mother's"
    )
    division_intensity_halves: _Finite = _weight(
        1.508, "log odds of the ratio of the daughters' intensities"
    )
    division_mother_brighter: _Finite = _weight(
        0.755, "log odds of the mother's intensity to that in the frame before"
    )
    division_mother_rounder: _Finite = _weight(
        0.5, "log odds of the fall of the mother's elongation from the frame before"
    )
    no_cell: _Finite = _weight(-2.540, "a spot without any link")
    no_cell_size: _Finite = _weight(1.679, "log odds of its size to the frame's median")
    no_cell_intensity: _Finite = _weight(1.571, "log odds of its intensity to the frame's median")
    border_source: _Finite = _weight(-0.437, "exp(−distance of the source to the border/spacing)")
    border_target: _Finite = _weight(-1.734, "the same of each target")


#: Names of the weights, in the order of the columns of the evidence.
WEIGHT_NAMES = tuple(FlowWeights.model_fields)


def _field(default: Any, text: str, group: str) -> Any:
    return Field(default, description=text, json_schema_extra={"group": group})


class FlowSettings(Settings):
    """Linking, gap closing and divisions over all frames at once, led by the neighbours' motion."""

    linking_max_distance: Distance = _field(
        AUTO, "largest distance of a link from the predicted position [space unit]", LINKING
    )
    allow_track_splitting: bool = _field(True, "let cells divide", SPLITTING)
    splitting_max_distance: Distance = _field(
        AUTO,
        "largest distance of a daughter from the mother's predicted position [space unit]",
        SPLITTING,
    )
    max_frame_gap: Annotated[int, Field(ge=1)] = _field(
        2, "largest frame difference of a link; 2 bridges one missed frame", LINKING
    )
    feature_penalties: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict,
        description="what 1.5·|a − b|/mean of a spot feature takes from the score of a link",
        json_schema_extra={"group": COSTS},
    )
    use_size: bool = _field(True, "let volumes (or radii) count as evidence", COSTS)
    use_intensity: bool = _field(True, "let the mean intensity of channel 1 count", COSTS)
    movie_bounds: tuple[_Point, _Point] | None = _field(
        None,
        "lowest and highest x, y, z of the image, where cells come and go [space unit]",
        COSTS,
    )
    neighbours: Annotated[int, Field(ge=3, le=100)] = _field(
        20, "neighbours whose median motion predicts a cell's", _MOTION
    )
    motion_passes: Annotated[int, Field(ge=1, le=20)] = _field(
        3, "times that cells are linked and the neighbours' motion is taken", _MOTION
    )
    nearest: Annotated[int, Field(ge=2, le=20)] = _field(
        5, "largest number of candidate targets of a spot", _MOTION
    )
    window_spots: Annotated[int, Field(ge=1)] = _field(
        150_000, "spots whose links are decided together; bounds the memory", _MOTION
    )
    window_overlap: Annotated[int, Field(ge=1)] = _field(
        5, "frames that a window looks beyond those that it decides", _MOTION
    )
    weights: FlowWeights = Field(
        default_factory=FlowWeights,
        description="weights of the evidence",
        json_schema_extra={"group": COSTS},
    )

    @field_validator("weights", "feature_penalties", "movie_bounds", mode="before")
    @classmethod
    def _read_json(cls, value: Any) -> Any:
        """Read what a TrackMate file holds as JSON text."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value

    @model_validator(mode="after")
    def _check_bounds(self) -> "FlowSettings":
        if self.movie_bounds is not None:
            low, high = self.movie_bounds
            if any(a > b for a, b in zip(low, high, strict=True)):
                msg = f"movie_bounds go from {low} to {high}, expected the lowest corner first"
                raise ValueError(msg)
        return self
