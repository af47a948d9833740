"""What the metadata of TIFFs say of voxel size and time step: ImageJ's and OME's."""

import contextlib
import logging
import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from btrackmate.io.frame_source import Scale
from btrackmate.io.units import convert, normalise_space_unit, normalise_time_unit

_log = logging.getLogger(__name__)

#: Steps that differ by less are one: microscopes keep time roughly.
_STEP_TOLERANCE = 0.02


def read_imagej_scale(
    metadata: Mapping[str, Any], sizes: Sequence[float | None], source: str
) -> Scale:
    """Read voxel size and time step as ImageJ writes them.

    Parameters
    ----------
    metadata : mapping
        ImageJ's key = value description: unit, yunit, zunit, spacing, finterval, tunit.
    sizes : [dx, dy]
        Width and height of a pixel in `unit`, from the resolution tags.
    source : str
        File, for messages.
    """
    _warn_of_signed(metadata, source)
    unit = normalise_space_unit(str(metadata.get("unit", "")))
    dx, dy = sizes
    if unit == "inch":
        # ImageJ keeps the printing resolution of imported images as inches.
        dx, dy, unit = None, None, "pixel"
    odd: dict[str, str] = {}
    dz = _positive(metadata.get("spacing"), "Z", "spacing", odd, signed=True)
    units = [
        normalise_space_unit(str(metadata[name])) if metadata.get(name) else unit
        for name in ("unit", "yunit", "zunit")
    ]
    scaled = {
        axis: (size, text) for axis, size, text in zip("XYZ", (dx, dy, dz), units, strict=True)
    }
    if dx is None:
        scaled = {}
    dt = _positive(metadata.get("finterval"), "T", "finterval", odd)
    scale = Scale.of_axes(scaled, (dt, normalise_time_unit(str(metadata.get("tunit", "sec")))), odd)
    return scale if dx is not None else replace(scale, dz=dz)


def _warn_of_signed(metadata: Mapping[str, Any], source: str) -> None:
    """Warn of ImageJ's signed 16 bits: unsigned ones, of which it shows 32768 less."""
    if (metadata.get("cf"), metadata.get("c0"), metadata.get("c1")) == (0, -32768, 1):
        _log.warning(
            "%s: an image of signed 16 bits, of ImageJ: its values are read as stored, 32768 "
            "higher than ImageJ shows them, and as TrackMate measures them; convert it to 32 bits "
            "or, labels and masks, to unsigned 16 bits",
            source,
        )


def read_ome_scale(xml: str, source: str) -> Scale:
    """Read voxel size and time step of the first image of an OME-XML text.

    References
    ----------
    OME schema 2016-06, element Pixels: PhysicalSizeX/Y/Z (µm where no unit is named),
    TimeIncrement (s where no unit is named); element Plane: DeltaT, when it was taken.
    """
    try:
        root = ET.fromstring(xml)
    except ET.ParseError as error:
        _log.warning("%s: its OME metadata is not readable (%s); no voxel size", source, error)
        return Scale()
    pixels = next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None:
        return Scale()
    odd: dict[str, str] = {}
    sizes = {
        axis: (
            _positive(pixels.get(f"PhysicalSize{axis}"), axis, f"PhysicalSize{axis}", odd),
            normalise_space_unit(pixels.get(f"PhysicalSize{axis}Unit", "µm")),
        )
        for axis in "XYZ"
    }
    dt = _positive(pixels.get("TimeIncrement"), "T", "TimeIncrement", odd)
    step = (dt, normalise_time_unit(pixels.get("TimeIncrementUnit", "s")))
    step, doubt = _settle_step(step, _measure_step(pixels))
    return replace(Scale.of_axes(sizes, step, odd), doubt=doubt)


def _measure_step(pixels: ET.Element) -> tuple[float, str] | None:
    """Measure how long after each other frames were taken: first planes of the first and last."""
    taken: dict[int, tuple[float, str]] = {}
    for plane in pixels.iterfind("{*}Plane"):
        if plane.get("TheZ") == plane.get("TheC") == "0" and plane.get("DeltaT"):
            unit = normalise_time_unit(plane.get("DeltaTUnit", "s"))
            with contextlib.suppress(ValueError):
                taken[int(plane.get("TheT", ""))] = (float(plane.get("DeltaT", "")), unit)
    if not taken:
        return None
    first, last = min(taken), max(taken)
    step = (taken[last][0] - taken[first][0]) / max(last - first, 1)
    one_unit = taken[first][1] == taken[last][1]
    return (step, taken[last][1]) if one_unit and 0 < step < math.inf else None


def _settle_step(
    stated: tuple[float | None, str], taken: tuple[float, str] | None
) -> tuple[tuple[float | None, str], str]:
    """Give the time step that is stated, else that at which frames were taken, and what to tell."""
    if taken is None:
        return stated, ""
    dt, unit = stated
    shown = f"its frames were taken every {taken[0]:g} {taken[1]} (DeltaT)"
    if dt is None:
        return taken, f"its metadata state no time step; {shown}, which is used"
    same = convert(taken[0], taken[1], unit)
    if same is not None and abs(same - dt) <= _STEP_TOLERANCE * dt:
        return stated, ""
    return stated, f"its metadata state a time step of {dt:g} {unit}, which is used, but {shown}"


def _positive(
    value: Any, axis: str, name: str, odd: dict[str, str], *, signed: bool = False
) -> float | None:
    """Read a size, None where there is none; what is no number is noted as odd."""
    if value is None or value == "":
        return None
    try:
        size = float(value)
    except ValueError:
        odd[axis] = f"{name} {value!r}, which is no number"
        return None
    size = abs(size) if signed else size
    if -math.inf < size < 0:
        odd[axis] = f"{name} {value}, which is below 0"
    return size if math.isfinite(size) and size > 0 else None
