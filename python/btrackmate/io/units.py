"""Names of units: the many spellings in image files, and the one that we use."""

from btrackmate.core.errors import UserError

_SPACE = {
    "µm": ("um", "µm", "\u03bcm", "micron", "microns", "micrometer", "micrometers", "micrometre"),
    "nm": ("nm", "nanometer", "nanometers", "nanometre"),
    "mm": ("mm", "millimeter", "millimeters", "millimetre"),
    "pixel": ("", "pixel", "pixels", "px", "voxel", "voxels"),
}
_TIME = {
    "sec": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "millisecond", "milliseconds"),
    "min": ("min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hour", "hours"),
    "day": ("d", "day", "days"),
    "frame": ("", "frame", "frames"),
}
_SPACE_OF = {spelling: unit for unit, spellings in _SPACE.items() for spelling in spellings}
_TIME_OF = {spelling: unit for unit, spellings in _TIME.items() for spelling in spellings}
_METRES = {"nm": 1e-9, "µm": 1e-6, "mm": 1e-3}

#: Names that OME-Zarr asks for (UDUNITS); units that it does not know are left out of the file.
NGFF_NAMES = {
    "µm": "micrometer",
    "nm": "nanometer",
    "mm": "millimeter",
    "sec": "second",
    "ms": "millisecond",
    "min": "minute",
    "h": "hour",
    "day": "day",
}


def normalise_space_unit(text: str) -> str:
    r"""Give our name of a length unit: ``"\u00B5m"``, ``"micron"``, ``"um"`` are ``"µm"``.

    A unit that is not known is returned as it stands.
    """
    spelled = text.strip().replace("\\u00B5", "µ").replace("\\u00b5", "µ")
    return _SPACE_OF.get(spelled.lower(), spelled)


def normalise_time_unit(text: str) -> str:
    """Give our name of a time unit: ``"s"``, ``"second"`` are ``"sec"``, TrackMate's name.

    A unit that is not known is returned as it stands.
    """
    spelled = text.strip()
    return _TIME_OF.get(spelled.lower(), spelled)


def convert_length(value: float, unit: str, wanted: str, source: str) -> float:
    """Convert a length between two units.

    Raises
    ------
    UserError
        If the units differ and one of them is no length that we know.
    """
    if unit == wanted:
        return value
    if unit not in _METRES or wanted not in _METRES:
        msg = f"{source}: its axes have the units {wanted!r} and {unit!r}; "
        msg += "give --voxel-size Z,Y,X and --space-unit"
        raise UserError(msg)
    return value * _METRES[unit] / _METRES[wanted]
