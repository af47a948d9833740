"""Physical size of voxels and frames."""

import math
from dataclasses import dataclass

from btrackmate.core.errors import UserError
from btrackmate.core.words import option

#: Sizes and times in any unit; squares and volumes of others are no numbers any more.
SMALLEST, LARGEST = 1e-30, 1e30


@dataclass(frozen=True)
class Calibration:
    """Physical size of a voxel and of the time step.

    Parameters
    ----------
    dx, dy, dz : float
        Voxel size in `space_unit`; `dz` is 1 for 2D images.
    dt : float
        Time between two frames in `time_unit`.
    space_unit, time_unit : str
        Names of the units, e.g. ``"µm"`` and ``"min"``; ``"pixel"`` and ``"frame"`` where unknown.

    Notes
    -----
    The centre of voxel *i* lies at *i* × spacing (TrackMate's rule).
    """

    dx: float = 1.0
    dy: float = 1.0
    dz: float = 1.0
    dt: float = 1.0
    space_unit: str = "pixel"
    time_unit: str = "frame"

    def __post_init__(self) -> None:
        for name in ("dx", "dy", "dz", "dt"):
            value = getattr(self, name)
            if not SMALLEST <= value <= LARGEST:
                msg = f"calibration {name} is {value}, expected a number from {SMALLEST:g} to "
                msg += f"{LARGEST:g}; "
                msg += "check the file's metadata or give "
                msg += f"{option('voxel_size', 'Z,Y,X')} and {option('dt')}"
                raise UserError(msg)

    def spacing(self, ndim: int) -> tuple[float, ...]:
        """Voxel size in array order: (dz, dy, dx) for `ndim` 3, (dy, dx) for 2."""
        return (self.dz, self.dy, self.dx)[3 - ndim :]

    def voxel_volume(self, ndim: int) -> float:
        """Volume (`ndim` 3) or area (2) of one voxel in `space_unit` to the power `ndim`."""
        return math.prod(self.spacing(ndim))
