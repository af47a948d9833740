"""Names of units: the many spellings in image files, and the one that we use."""

from typing import Literal

_SPACE = {
    "µm": ("um", "µm", "\u03bcm", "micron", "microns", "micrometer", "micrometers", "micrometre"),
    "nm": ("nm", "nanometer", "nanometers", "nanometre"),
    "mm": ("mm", "millimeter", "millimeters", "millimetre"),
    "cm": ("cm", "centimeter", "centimeters", "centimetre"),
    "m": ("m", "meter", "meters", "metre"),
    "Å": ("å", "angstrom", "angstroms"),
    "pm": ("pm", "picometer", "picometers", "picometre"),
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
_METRES = {"pm": 1e-12, "Å": 1e-10, "nm": 1e-9, "µm": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0}
_SECONDS = {"ms": 1e-3, "sec": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}
#: Our names of the units of length and of time that can be converted into each other.
LENGTHS, TIMES = frozenset(_METRES), frozenset(_SECONDS)

#: Versions of OME-Zarr that label movies are written in: 0.4 on Zarr 2, 0.5 on Zarr 3.
NgffVersion = Literal["0.4", "0.5"]
#: Names that OME-Zarr asks for (UDUNITS); units that it does not know are left out of the file.
NGFF_NAMES = {
    "µm": "micrometer",
    "nm": "nanometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
    "Å": "angstrom",
    "pm": "picometer",
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


def read_unit(text: str) -> tuple[str, int | None]:
    """Read a unit of length, area, volume or time.

    Parameters
    ----------
    text : str
        E.g. ``"um"``, ``"\u00b5m^3"``, ``"nm³"``, ``"voxels"``, ``"s"``.

    Returns
    -------
    unit : str
        Our name of the unit, ``"pixel"`` for pixels and voxels; empty for what is no unit.
    power : int or None
        2 of an area, 3 of a volume; None where the text has no exponent.
    """
    spelled = text.strip().replace("²", "2").replace("³", "3")
    base, exponent = spelled, None
    if spelled[-1:] in ("2", "3"):
        base, exponent = spelled[:-1].rstrip("^ "), int(spelled[-1])
    for normalise, known in ((normalise_space_unit, LENGTHS), (normalise_time_unit, TIMES)):
        if base and normalise(base) in known:
            return normalise(base), exponent
    return ("pixel", exponent) if base and normalise_space_unit(base) == "pixel" else ("", exponent)


def convert(value: float, unit: str, wanted: str) -> float | None:
    """Convert a length or a time between two of our units, None where that cannot be."""
    if unit == wanted:
        return value
    for table in (_METRES, _SECONDS):
        if unit in table and wanted in table:
            return value * table[unit] / table[wanted]
    return None
