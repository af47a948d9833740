"""What is measured, and which cells the tissue mask keeps."""

from typing import Literal

from pydantic import Field, field_validator

from btrackmate.core.errors import UserError
from btrackmate.core.settings import Settings
from btrackmate.core.words import is_command_line, option

MaskPolicy = Literal["keep-touching", "centroid", "fraction", "clip"]


class MaskSettings(Settings):
    """How a tissue mask decides on cells.

    A cell without one voxel in counted tissue goes under every policy. Of the others,
    ``keep-touching`` keeps all; ``centroid`` those whose centroid lies in tissue; ``fraction``
    those with at least `fraction` of their voxels in tissue; ``clip`` keeps all, without their
    voxels outside.
    """

    policy: MaskPolicy = Field(
        default="keep-touching", description="Which cells the tissue mask keeps"
    )
    fraction: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Least fraction of a cell's voxels inside (policy fraction)",
    )
    tissues: tuple[int, ...] | None = Field(
        default=None, description="Tissue ids of the mask that count as tissue; all by default"
    )

    @field_validator("tissues")
    @classmethod
    def _check_tissues(cls, tissues: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if tissues is not None and min(tissues, default=1) < 1:
            msg = "expected ids of tissues from 1; 0 is outside of all tissue"
            raise ValueError(msg)
        return tissues

    def check_fraction(self, fraction: float | None) -> None:
        """Refuse a fraction that was given, None if none was, under a policy that needs none.

        Raises
        ------
        UserError
            One line.
        """
        if fraction is not None and self.policy != "fraction":
            name = "mask_fraction" if is_command_line() else "fraction"
            msg = f"{option(name, f'{fraction:g}')} has no effect under the policy {self.policy}: "
            msg += f"give {option('mask_policy', 'fraction')} too, or leave it out"
            raise UserError(msg)


class MeasureSettings(Settings):
    """What is measured of each cell."""

    mask: MaskSettings = Field(
        default=MaskSettings(), description="How the tissue mask decides on cells"
    )
    boundary_distance: bool = Field(
        default=True, description="Measure the signed distance to the tissue surface (needs a mask)"
    )
    border_is_surface: bool = Field(
        default=False,
        description="Let the image border count as tissue surface where tissue meets it",
    )
    median: bool = Field(default=True, description="Measure the median intensity of each channel")
    surface: bool = Field(
        default=True,
        description="Measure surface (3D) or perimeter (2D), and count the label's pieces",
    )
    outlines: bool = Field(
        default=True,
        description="Trace outlines of 2D cells, for TrackMate and the overlap tracker",
    )
    bounding_box: bool = Field(
        default=False,
        description="Add the bounding box in voxels: box_min_x, box_max_x, ... (inclusive)",
    )
