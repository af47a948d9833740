"""Where a layer lies, and where it is looked at from."""

from typing import Any

from btrackmate.core.calibration import Calibration


def find_camera(viewer: Any) -> Any:
    """Give the camera of a viewer, which has moved in napari 0.9."""
    scene = getattr(viewer, "scene", None)
    return viewer.camera if scene is None else scene.camera


def place_layer(own: Calibration, ndim: int, *, like: Calibration | None = None) -> dict[str, Any]:
    """Give scale and units of a layer over t, [z,] y, x.

    `like` is the calibration of the tracks: an image that states none of its own has theirs.
    """
    size = like if like is not None and own.space_unit == "pixel" else own
    time = like or own
    space = size.spacing(ndim)
    unit = size.space_unit if size.space_unit != "pixel" else "pixel"
    second = {"sec": "second", "h": "hour", "frame": "pixel"}.get(time.time_unit, time.time_unit)
    return {
        "scale": (time.dt, *space),
        "units": _known_units((second, *(unit,) * ndim)),
    }


def _known_units(units: tuple[str, ...]) -> tuple[str, ...]:
    """Give the units if napari knows all of them, else pixels."""
    import pint

    registry = pint.get_application_registry()
    try:
        for unit in units:
            registry.Unit(unit)
    except (pint.UndefinedUnitError, ValueError):
        return ("pixel",) * len(units)
    return units
