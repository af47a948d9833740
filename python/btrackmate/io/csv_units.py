"""Units of a table of cells: those that its header states, and physical ones from pixels."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.schema import find_column
from btrackmate.core.words import option
from btrackmate.io.csv_columns import ColumnNames
from btrackmate.io.size_units import SizeScale
from btrackmate.io.units import convert

_log = logging.getLogger(__name__)

_AXES = {"x": "dx", "y": "dy", "z": "dz"}


def take_units(
    columns: ColumnNames, calibration: Calibration, *, pixels: bool, path: Path
) -> Calibration:
    """Take the units of the header where none are given; the log warns where they contradict.

    Parameters
    ----------
    columns : ColumnNames
    calibration : Calibration
        Its units are unknown where they are pixel and frame.
    pixels : bool
        Whether positions are said to be in pixels.
    path : Path
        For messages.
    """
    stated = {name: columns.unit(name) for name in "xyz"}
    space = {unit for unit in stated.values() if unit}
    known = calibration.space_unit
    if len(space) > 1:
        listed = ", ".join(f"{name} {unit}" for name, unit in stated.items() if unit)
        _log.warning("%s: its header states different units: %s", path, listed)
    elif space and pixels and space != {"pixel"}:
        _log.warning(
            "%s: its header states positions in %s, read as pixels; if that is wrong leave out "
            "%s", path, *space, option("csv_units", "pixels"),
        )  # fmt: skip
    elif space and not pixels and known == "pixel" and space != {"pixel"}:
        calibration = replace(calibration, space_unit=space.pop())
    elif space and not pixels and known not in space:
        remedy = option("space_unit", min(space))
        if space == {"pixel"}:
            remedy = option("csv_units", "pixels")
        _log.warning(
            "%s: its header states positions in %s, read as %s; if that is wrong give %s",
            path, min(space), known, remedy,
        )  # fmt: skip
    time = columns.unit("time")
    if time and calibration.time_unit == "frame":
        calibration = replace(calibration, time_unit=time)
    for names, unit in (("xyz", calibration.space_unit), (("time",), calibration.time_unit)):
        unknown = {columns.stated_unit(name) for name in names if not columns.unit(name)}
        if unknown := unknown - {"", unit}:
            _log.warning(
                "%s: its header states %s in %s, which is no unit that is known: read as %s",
                path, "times" if names == ("time",) else "positions", min(unknown), unit,
            )  # fmt: skip
    return calibration


def convert_times(
    times: "pd.Series[float]", columns: ColumnNames, calibration: Calibration
) -> "pd.Series[float]":
    """Convert times from the unit that the header states to that of the calibration."""
    unit = columns.unit("time")
    factor = convert(1.0, unit, calibration.time_unit) if unit else None
    return times if factor in (None, 1.0) else times * factor


@dataclass(frozen=True)
class ColumnScale:
    """By what the columns of a table are multiplied, so that all are in one unit.

    Parameters
    ----------
    columns : ColumnNames
        With the units that the header states.
    calibration : Calibration
        With the unit of the table.
    ndim : int
        Space dimensions, 2 or 3.
    pixels : bool
        Whether x, y, z, and radius and volume without a stated unit, are in pixels.
    sized : bool
        Whether the voxel size is known, and not 1 for want of a better one.
    """

    columns: ColumnNames
    calibration: Calibration
    ndim: int
    pixels: bool
    sized: bool

    def factor(self, name: str) -> float | None:
        """Give the factor of a column, None if its stated unit cannot be converted."""
        size = self.calibration
        if name in _AXES:
            return float(getattr(size, _AXES[name])) if self.pixels else 1.0
        return self.sizes().factor(name, self.columns.stated_unit(name))

    def sizes(self) -> SizeScale:
        """Give by what sizes are multiplied."""
        unit = self._unit_of_positions()
        return SizeScale(self.calibration, self.ndim, unit, self.pixels, self.sized)

    def _unit_of_positions(self) -> str:
        """Give the unit that positions are in; where it is read as another, all units are."""
        stated = {self.columns.unit(name) for name in _AXES} - {"", "pixel"}
        same = len(stated) == 1 and not self.pixels
        return stated.pop() if same else self.calibration.space_unit


def to_physical(table: pd.DataFrame, scale: "ColumnScale", *, path: Path) -> pd.DataFrame:
    """Convert lengths, areas and volumes to the table's unit, and compute radii that are missing.

    Parameters
    ----------
    table : DataFrame
        Columns of ours, as numbers; not changed.
    scale : ColumnScale
    path : Path
        For messages: the log warns of units that cannot be converted.
    """
    factors, sizes = {}, scale.sizes()
    for name in table:
        factor = scale.factor(str(name))
        if factor is None:
            _log.warning(
                "%s: its header states %s in %s, which is not converted to %s: correct the "
                "header, or leave the column out",
                path, name, scale.columns.stated_unit(str(name)), sizes.name_unit(str(name)),
            )  # fmt: skip
        elif factor != 1:
            factors[str(name)] = factor
    table = table.assign(**{name: table[name] * factor for name, factor in factors.items()})
    ndim = scale.ndim
    if "volume" in table:
        volume = table["volume"]
        radius = np.cbrt(0.75 / np.pi * volume) if ndim == 3 else np.sqrt(volume / np.pi)
        table = table.assign(radius=table["radius"].fillna(radius) if "radius" in table else radius)
    whole = [
        name
        for name in table.columns
        if (column := find_column(str(name))) is not None
        and column.kind == "int"
        and not table[name].isna().any()
    ]
    return table.astype(dict.fromkeys(whole, np.int64))
