"""The calibration that a caller states, or that coordinates of arrays do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from btrackmate.core.arrays import ArrayMovie, unwrap
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.io.units import convert, normalise_space_unit, normalise_time_unit


def calibrate(
    movie: ArrayMovie,
    voxel_size: tuple[float, ...] | None,
    space_unit: str | None,
    dt: float | timedelta | None,
    time_unit: str | None,
    *others: ArrayMovie | None,
) -> Calibration:
    """Give the calibration that is stated, else those of the first arrays that have them."""
    found = [one.calibration for one in (movie, *others) if one is not None and one.calibration]
    calibration = _join(found)
    check_units(space_unit=space_unit, time_unit=time_unit)
    if voxel_size is not None:
        size = _read_sizes(voxel_size)
        if len(size) != movie.ndim:
            axes = "Z, Y, X" if movie.ndim == 3 else "Y, X"
            msg = f"voxel_size has {len(size)} numbers, expected {axes} for {movie.ndim}D"
            raise UserError(msg)
        z = size[0] if movie.ndim == 3 else 1.0
        unit = space_unit or "µm"
        calibration = replace(calibration, dx=size[-1], dy=size[-2], dz=z, space_unit=unit)
    elif space_unit is not None:
        known = calibration.space_unit if found else None
        _check_named(space_unit, known, normalise_space_unit, "space_unit", "voxel_size")
        calibration = replace(calibration, space_unit=space_unit)
    if dt is not None:
        step = read_step(dt, time_unit)
        calibration = replace(calibration, dt=step, time_unit=time_unit or "s")
    elif time_unit is not None:
        known = calibration.time_unit if found else None
        _check_named(time_unit, known, normalise_time_unit, "time_unit", "dt")
        calibration = replace(calibration, time_unit=time_unit)
    return name_units(calibration)


def _join(found: list[Calibration]) -> Calibration:
    """Take the voxel size of the first that states one, and the time step of the first."""
    none = Calibration()
    size = next((one for one in found if _size_of(one) != _size_of(none)), none)
    time = next((one for one in found if _time_of(one) != _time_of(none)), none)
    return replace(size, dt=time.dt, time_unit=time.time_unit)


def _size_of(calibration: Calibration) -> tuple[object, ...]:
    return (*calibration.spacing(3), calibration.space_unit)


def _time_of(calibration: Calibration) -> tuple[object, ...]:
    return calibration.dt, calibration.time_unit


def name_units(calibration: Calibration) -> Calibration:
    """Give a calibration with our names of its units, which formats have theirs for."""
    space = normalise_space_unit(calibration.space_unit)
    return replace(
        calibration, space_unit=space, time_unit=normalise_time_unit(calibration.time_unit)
    )


def _check_named(
    unit: str, known: str | None, normalise: Callable[[str], str], name: str, size: str
) -> None:
    """Refuse a unit without what it is the unit of; `known` is that of coordinates, None of none.

    Coordinates without a unit are in pixels, or frames.
    """
    if known is None:
        msg = f"{name} is {unit!r}, but there is no {size}, nor are there coordinates: give {size}"
        raise UserError(msg)
    if normalise(known) not in ("pixel", "frame", normalise(unit)):
        msg = f"{name} is {unit!r}, but the coordinates are in {known}, and are not converted: "
        msg += f"leave it out, or give {size} too"
        raise UserError(msg)


def _read_sizes(given: Any) -> tuple[float, ...]:
    is_list = isinstance(given, list | tuple | np.ndarray | pd.Series) and np.ndim(given) == 1
    listed = list(given) if is_list else [given]
    if not all(_is_number(value) for value in listed):
        msg = f"voxel_size is {given!r}, expected numbers in the order of the axes: (Z, Y, X)"
        raise UserError(msg)
    return tuple(float(value) for value in listed)


def read_step(dt: Any, time_unit: str | None) -> float:
    """Read a time step: a number, or a timedelta (also numpy's, pandas'), in `time_unit`, else s.

    Raises
    ------
    UserError
        If it is something else, or a timedelta cannot be told in that unit.
    """
    if isinstance(dt, timedelta | np.timedelta64):
        seconds = pd.Timedelta(dt).total_seconds()
        step = convert(seconds, *map(normalise_time_unit, ("s", time_unit or "s")))
        if step is None:
            msg = f"dt is {dt!r}, which can't be told in {time_unit}: give a unit of time"
            raise UserError(msg)
        return step
    if not _is_number(dt):
        msg = f"dt is {dt!r}, expected a number or a timedelta"
        raise UserError(msg)
    return float(dt)


def _is_number(value: Any) -> bool:
    plain = unwrap(value)
    return isinstance(plain, int | float) and not isinstance(plain, bool)


def check_units(**units: object) -> None:
    """Refuse names of units that are no text; None is fine."""
    for name, unit in units.items():
        if unit is not None and not isinstance(unit, str):
            msg = f"{name} is {unit!r}, expected a text such as 'µm' or 's'"
            raise UserError(msg)
