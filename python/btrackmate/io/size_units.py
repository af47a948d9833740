"""Sizes of cells, lengths, areas and volumes, brought to one unit from those that are stated."""

from dataclasses import dataclass

from btrackmate.core.calibration import Calibration
from btrackmate.core.schema import Dimension, find_column
from btrackmate.io.units import convert, read_unit

#: Dimensions of sizes, and the power of a length that each is.
SIZES = {Dimension.LENGTH: 1, Dimension.AREA: 2, Dimension.VOLUME: 3}
#: Sizes that are in pixels where positions are and nothing is stated of them.
_AS_POSITIONS = ("radius", "volume")


@dataclass(frozen=True)
class SizeScale:
    """By what sizes are multiplied, so that all are in the unit of the positions.

    Parameters
    ----------
    calibration : Calibration
        With the unit of the table, and the voxel size.
    ndim : int
        Space dimensions, 2 or 3.
    unit : str
        Unit that positions are stated in, by which others go.
    pixels : bool
        Whether positions, and radius and volume without a stated unit, are in pixels.
    sized : bool
        Whether the voxel size is known, and not 1 for want of a better one.
    """

    calibration: Calibration
    ndim: int
    unit: str
    pixels: bool
    sized: bool

    def factor(self, name: str, stated: str) -> float | None:
        """Give the factor of a column, None if its stated unit cannot be converted.

        Parameters
        ----------
        name : str
            Column of ours, or a feature of the user's own, which is as it stands.
        stated : str
            Unit that is stated of it, empty if none is.
        """
        column = find_column(name)
        power = SIZES.get(column.in_space(self.ndim).dimension) if column else None
        if power is None or not stated:
            as_voxels = self.pixels and name in _AS_POSITIONS
            return self._voxel(name, power or 1) if as_voxels else 1.0
        unit, exponent = read_unit(stated)
        if exponent not in (None, power):
            return None
        if unit == "pixel":
            known = self.pixels or self.sized or self.calibration.space_unit == "pixel"
            return self._voxel(name, power) if known else None
        one = convert(1.0, unit, self.unit)
        return None if one is None else one**power

    def name_unit(self, name: str) -> str:
        """Name the unit that a column gets, empty if it has none."""
        column = find_column(name)
        return column.in_space(self.ndim).unit(self.calibration) if column else ""

    def _voxel(self, name: str, power: int) -> float | None:
        """Give what a pixel is of a length, area or volume; None where that has a direction."""
        if power == self.ndim:
            return self.calibration.voxel_volume(self.ndim)
        alike = len(set(self.calibration.spacing(self.ndim))) == 1
        return self.calibration.dx**power if alike or name == "radius" else None
