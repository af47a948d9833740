"""Units of a table of cells: those that its header states, and physical ones from pixels."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.schema import find_column
from btrackmate.core.words import option
from btrackmate.io.csv_columns import ColumnNames

_log = logging.getLogger(__name__)


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
    return calibration


def to_physical(
    table: pd.DataFrame, calibration: Calibration, ndim: int, *, pixels: bool
) -> pd.DataFrame:
    """Multiply pixels by the calibration, and compute radii that are not given.

    Parameters
    ----------
    table : DataFrame
        Columns of ours, as numbers; not changed.
    calibration : Calibration
    ndim : int
        Space dimensions, 2 or 3.
    pixels : bool
        Whether x, y, z, radius and volume are in pixels.
    """
    if pixels:
        factors = {"x": calibration.dx, "y": calibration.dy, "z": calibration.dz}
        factors |= {"radius": calibration.dx, "volume": calibration.voxel_volume(ndim)}
        table = table.assign(**{k: table[k] * f for k, f in factors.items() if k in table})
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
