"""Axes of a GEFF: which property is time, x, y and z, in which unit, and what frames follow."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.io.time_steps import JITTER, find_time_step, set_clock, warn_of_steps
from btrackmate.io.units import (
    TIMES,
    convert,
    normalise_space_unit,
    normalise_time_unit,
)

_log = logging.getLogger(__name__)

_TIME_NAMES = frozenset(("t", "time", "frame", "timepoint", "position_t", "time_point"))
_FRAME_NAMES = frozenset(("frame", "frames", "timepoint", "time_point"))


@dataclass(frozen=True)
class GeffAxes:
    """What the axes of a GEFF mean.

    Parameters
    ----------
    columns : dict from property to str
        "time", "x", "y" and perhaps "z"; "frame" for a second axis that counts frames.
    by_column : dict from column to Axis
        The axes as the geff package gives them.
    radius : str or None
        The property that is the radius of spheres.
    """

    columns: dict[str, str]
    by_column: dict[str, Any]
    radius: str | None


def find_axes(metadata: Any, properties: Sequence[str], path: Path) -> GeffAxes:
    """Find time, x, y and z among the axes, by their types, the display hints, or their names.

    Raises
    ------
    UserError
        If the file names no axes, or they are not time, x and y.
    """
    axes = list(metadata.axes or [])
    if not axes:
        msg = f"{path}: does not name its axes, so that nobody knows which property is time, x and "
        msg += f"y (it has {', '.join(properties) or 'none'}); write it with axes, which are "
        msg += "optional in GEFF"
        raise UserError(msg)
    columns = _find_space(axes, metadata.display_hints)
    times = [axis for axis in axes if axis.name not in columns and _is_time(axis)]
    if not times or not {"x", "y"} <= set(columns.values()):
        listed = ", ".join(f"{axis.name} ({axis.type or 'no type'})" for axis in axes)
        msg = f"{path}: its axes are {listed}, expected one of time, x and y (and z)"
        raise UserError(msg)
    frames = [axis for axis in times if _counts_frames(axis)]
    real = [axis for axis in times if axis not in frames]
    if frames and real:
        columns[frames[0].name] = "frame"
    columns[(real or frames)[0].name] = "time"
    by_column = {columns[axis.name]: axis for axis in axes if axis.name in columns}
    return GeffAxes(columns, by_column, metadata.sphere)


def _find_space(axes: Sequence[Any], hints: Any) -> dict[str, str]:
    columns: dict[str, str] = {}
    if hints is not None:
        hinted = {
            hints.display_horizontal: "x",
            hints.display_vertical: "y",
            hints.display_depth: "z",
        }
        known = {axis.name for axis in axes if axis.type in ("space", None)}
        columns = {str(name): letter for name, letter in hinted.items() if name in known}
    for axis in axes:
        letter = _letter(axis.name)
        free = letter and letter not in columns.values() and axis.name not in columns
        if free and (axis.type == "space" or (axis.type is None and not _is_time(axis))):
            columns[axis.name] = letter
    return columns


def _letter(name: str) -> str:
    """Give x, y or z of a name such as x, POSITION_X, cell_x or x_um, else nothing."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word in ("x", "y", "z")]
    if len(words) == 1:
        return words[0]
    last = name.lower()[-1:]
    return last if last in ("x", "y", "z") else ""


def _is_time(axis: Any) -> bool:
    return axis.type == "time" or (axis.type is None and axis.name.lower() in _TIME_NAMES)


def _counts_frames(axis: Any) -> bool:
    unit = normalise_time_unit(axis.unit or "")
    return unit not in TIMES and (axis.unit is not None or axis.name.lower() in _FRAME_NAMES)


def scale_positions(
    table: pd.DataFrame, axes: GeffAxes, path: Path
) -> tuple[pd.DataFrame, Calibration]:
    """Bring positions to one unit, by scale and offset of the axes.

    Returns
    -------
    table : DataFrame
        x, y and z replaced.
    calibration : Calibration
        The unit, and, where positions were in pixels, the voxel size that the scales are.
    """
    columns: dict[str, NDArray[np.float64]] = {}
    units: dict[str, str] = {}
    sizes = {"x": 1.0, "y": 1.0, "z": 1.0}
    for letter in ("x", "y", "z"):
        axis = axes.by_column.get(letter)
        if axis is None:
            continue
        values, unit, factor = apply_scale(table[letter].to_numpy(np.float64), axis, path)
        columns[letter], units[letter] = values, normalise_space_unit(unit)
        if factor is not None and normalise_space_unit(axis.unit or "") == "pixel":
            sizes[letter] = factor
    common = units["x"]
    for letter, unit in units.items():
        factor = convert(1.0, unit, common)
        if factor is None and unit != "pixel":
            msg = (
                f"{path}: its axes have the units {common!r} and {unit!r} ({letter}), which cannot "
            )
            msg += "be converted; give each axis a scale with a scaled_unit"
            raise UserError(msg)
        if factor is None:
            _log.warning("%s: axis %s states no unit; taken as %s", path, letter, common)
        columns[letter] = columns[letter] * (factor or 1.0)
        sizes[letter] *= factor or 1.0 if sizes[letter] != 1.0 else 1.0
    calibration = Calibration(sizes["x"], sizes["y"], sizes["z"], space_unit=common)
    return table.assign(**columns), calibration


def apply_scale(
    values: NDArray[np.float64], axis: Any, path: Path
) -> tuple[NDArray[np.float64], str, float | None]:
    """Apply scale and offset of an axis; give the values, their unit, and the scale applied."""
    offset = float(axis.offset or 0.0)
    if axis.scale is not None and axis.scaled_unit:
        return values * axis.scale + offset, str(axis.scaled_unit), float(axis.scale)
    if axis.scale is not None and axis.scale != 1:
        _log.warning(
            "%s: axis %s has the scale %g without a scaled_unit, so that nobody knows the unit of "
            "the product; it is not applied", path, axis.name, axis.scale,
        )  # fmt: skip
        return values, str(axis.unit or ""), None
    return values + offset, str(axis.unit or ""), None


def settle_frames(
    table: pd.DataFrame, axes: GeffAxes, calibration: Calibration, path: Path
) -> tuple[pd.DataFrame, Calibration]:
    """Give each node a frame and a time, and find the time step.

    Parameters
    ----------
    table : DataFrame
        With `time`, the values of the time axis, and perhaps `frame`.
    axes : GeffAxes
    calibration : Calibration
        Gets time step and unit.
    path : Path
        For messages.
    """
    if not len(table):
        return table.assign(frame=np.empty(0, np.int64)).drop(columns="time"), calibration
    axis = axes.by_column["time"]
    raw = table["time"].to_numpy(np.float64)
    time, unit_text, factor = apply_scale(raw, axis, path)
    unit = normalise_time_unit(unit_text)
    if not np.isfinite(raw).all():
        msg = f"{path}: a node has no {axis.name}, the time; give each one"
        raise UserError(msg)
    if "frame" in table and not _are_frames_of(table["frame"].to_numpy(np.float64), time):
        table = _pass_over_frames(table, axes, path)
    if "frame" in table:
        frame = table["frame"].to_numpy(np.int64)
        step = _fit_step(frame, time, path)
    elif _are_frames(raw) and (factor is not None or unit not in TIMES):
        frame, step = raw.astype(np.int64), factor or 1.0
        warn_of_steps(frame, str(path), f"then give the axis {axis.name} the unit of its times")
    else:
        frame, step = _count_frames(time, path)
    table = table.assign(frame=frame, time=time)
    unit = unit if unit in TIMES else ("frame" if step == 1 else "sec")
    if unit == "sec" and normalise_time_unit(unit_text) not in TIMES:
        _log.warning("%s: axis %s states no unit of time; taken as sec", path, axis.name)
    return table, replace(calibration, dt=step, time_unit=unit)


def _are_frames(values: NDArray[np.float64]) -> bool:
    return bool(np.all((values >= 0) & (values % 1 == 0)))


def _are_frames_of(frames: NDArray[np.float64], time: NDArray[np.float64]) -> bool:
    """Tell whether numbers are frames that go with times: each frame is later than those before.

    Within a frame times may differ, as those of slices do.
    """
    if not _are_frames(frames):
        return False
    order = np.lexsort((time, frames))
    starts = np.flatnonzero(np.diff(frames[order], prepend=-1.0))
    first = time[order][starts]
    last = time[order][np.append(starts[1:], frames.size) - 1]
    if first.size == 1:
        return bool(first[0] == last[0])
    return bool(np.all(last[:-1] < first[1:]))


def _pass_over_frames(table: pd.DataFrame, axes: GeffAxes, path: Path) -> pd.DataFrame:
    """Take the declared times instead of a property that counts otherwise, and keep that.

    Raises
    ------
    UserError
        If the frames are declared as an axis too.
    """
    time = axes.by_column["time"].name
    if "frame" in axes.by_column:
        frame = axes.by_column["frame"].name
        msg = f"{path}: its axes {time} and {frame} contradict each other, as later frames have "
        msg += "earlier times, or are no whole numbers from 0; declare the one that is right"
        raise UserError(msg)
    name = "frame_property"
    while name in table:
        name += "_property"
    _log.warning(
        "%s: its property of frames does not go with its axis %s, as later frames have earlier "
        "times, or it is no whole number from 0: the axis counts, and the property is kept as %s",
        path, time, name,
    )  # fmt: skip
    return table.rename(columns={"frame": name})


def _fit_step(frame: NDArray[np.int64], time: NDArray[np.float64], path: Path) -> float:
    """Give the time between two frames, 1 where there is one frame only.

    Where frames are not evenly apart it is the median, and the log warns.
    """
    first, last = int(np.argmin(frame)), int(np.argmax(frame))
    frames = int(frame[last] - frame[first])
    if not frames:
        return 1.0
    step = float(time[last] - time[first]) / frames
    off = time - time[first] - (frame - frame[first]) * step
    if np.abs(off).max() <= JITTER * step:
        return step
    at, rows = np.unique(frame, return_index=True)
    steps = np.diff(time[rows]) / np.diff(at)
    step = float(np.median(steps))
    _log.warning(
        "%s: its frames are not evenly apart in time, %g to %g: the time step is taken as the "
        "median, %g, which durations and speeds go by", path, steps.min(), steps.max(), step,
    )  # fmt: skip
    return step


def _count_frames(time: NDArray[np.float64], path: Path) -> tuple[NDArray[np.int64], float]:
    """Count frames from times; missing time points stay gaps."""
    step = find_time_step(time)
    if step is None and np.unique(time).size > 1:
        order = np.unique(time, return_inverse=True)[1].astype(np.int64)
        _log.warning(
            "%s: its times have no common step; time points are numbered in their order, so that "
            "a gap is none", path
        )  # fmt: skip
        return order, float(np.median(np.diff(np.unique(time))))
    clock = set_clock(time, step or 1.0)
    if step is None:
        return np.zeros(time.size, np.int64), 1.0
    frame = clock.steps(time)
    whole = np.round(frame)
    if np.abs(frame - whole).max() > JITTER:
        msg = f"{path}: its times are no whole steps of {step:g}"
        raise UserError(msg)
    _log.info("%s: frames are counted in steps of %g from %g", path, step, clock.start)
    return whole.astype(np.int64), step
