"""What is known of voxel size and time step, and what files of one movie say about each other."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.io.frame_source import Scale
from btrackmate.io.units import convert, normalise_space_unit, normalise_time_unit

if TYPE_CHECKING:
    from btrackmate.io.images import Movie

_log = logging.getLogger(__name__)

#: Sizes that differ by less are the same: TIFF keeps pixel sizes as fractions of few digits.
_TOLERANCE = 2e-3
#: Sizes of pixels that microscopes have, in µm; the printing resolution of 72 dpi is 353 µm.
_PLAUSIBLE = (1e-3, 100.0)
#: Slices are further apart than pixels; more than this tells that frames may be slices.
_APART = 1.5


@dataclass(frozen=True)
class Given:
    """Voxel size and time step as the user gives them, None where not.

    Parameters
    ----------
    voxel_size : (Z, Y, X) or, of images without slices, (Y, X) tuple of float
        In `space_unit`.
    dt : float
        Time between frames in `time_unit`.
    space_unit, time_unit : str
    """

    voxel_size: tuple[float, ...] | None = None
    dt: float | None = None
    space_unit: str | None = None
    time_unit: str | None = None


#: For files whose sizes play no part: what they state is not looked at, and may be odd.
UNSIZED = Given((1.0, 1.0, 1.0), 1.0, "pixel", "frame")


@dataclass(frozen=True)
class Known:
    """Which parts of a calibration the user or the file states, in real units; others are 1."""

    size: bool = False
    depth: bool = False
    time: bool = False


class Stated(NamedTuple):
    """What a file states of its calibration, and which axes it has to apply it to."""

    path: Path
    calibration: Calibration
    known: Known
    ndim: int
    n_frames: int


def settle_calibration(
    found: Scale, given: Given, axes: str, has_slices: bool, path: Path
) -> tuple[Calibration, Known]:
    """Put together what the user gives and what the file states.

    Parameters
    ----------
    found : Scale
    given : Given
    axes : str
        Axes of the file; sizes that it states for an axis named otherwise are not used.
    has_slices : bool
        Whether there is more than one slice.
    path : Path
        For messages.

    Raises
    ------
    UserError
        If the voxel size has the wrong count of numbers, or the file's is odd and none is given.
    """
    _check_given(found, given, axes, has_slices, path)
    if given.voxel_size is None and "T" in axes and "Z" not in axes:
        _warn_of_slices(found, axes, path)
    dz = found.dz if "Z" in axes else None
    sizes: tuple[float | None, ...] = (dz, *_square_pixels(found))
    if given.voxel_size is not None:
        sizes = (1.0, *given.voxel_size)[-3:]
    elif (found.dx is None) != (found.dy is None):
        _log.warning(
            "%s: its metadata give the size of pixels along %s alone, %g %s: taken for both",
            path, "y" if found.dx is None else "x", sizes[-1], found.space_unit or "pixel",
        )  # fmt: skip
    space = normalise_space_unit(given.space_unit) if given.space_unit else found.space_unit
    if given.voxel_size is not None and given.space_unit is None and space in (None, "pixel"):
        space = "µm"
        _log.warning(
            "%s: no unit for the voxel size, taken as µm; name it with %s",
            path,
            option("space_unit"),
        )
    dt = given.dt if given.dt is not None else found.dt
    if found.doubt and given.dt is None and "T" in axes:
        _log.warning("%s: %s; give %s if that is wrong", path, found.doubt, option("dt"))
    time = normalise_time_unit(given.time_unit) if given.time_unit else found.time_unit
    if given.dt is not None and given.time_unit is None and time in (None, "frame"):
        time = "sec"
        _log.warning("%s: no unit for dt, taken as sec; name it with %s", path, option("time_unit"))
    real = space not in (None, "pixel") and sizes[-1] is not None
    known = Known(real, real and sizes[0] is not None, dt is not None and time != "frame")
    dz, dy, dx = (1.0 if size is None else float(size) for size in sizes)
    settled = Calibration(
        dx, dy, dz, 1.0 if dt is None else float(dt), space or "pixel", time or "frame"
    )
    if given is not UNSIZED:
        _warn_of_replaced(found, given, settled, axes, path)
    return settled, known


def _warn_of_replaced(
    found: Scale, given: Given, settled: Calibration, axes: str, path: Path
) -> None:
    """Say in the log where what is given, as by the settings of another movie, replaces a size."""
    stated = []
    if given.dt is not None:
        stated.append(("T", found.dt, settled.dt, found.time_unit, settled.time_unit))
    if given.voxel_size is not None:
        for axis in ("X", "Y", "Z")[: len(given.voxel_size)]:
            name, units = f"d{axis.lower()}", (found.space_unit, settled.space_unit)
            stated.append((axis, getattr(found, name), getattr(settled, name), *units))
    _warn_of_units(found, given, settled, axes, path)
    replaced = [
        f"{axis} {new:g} {new_unit} for {size:g} {unit}"
        for axis, size, new, unit, new_unit in stated
        if axis in axes
        and size is not None
        and unit not in (None, "pixel", "frame")
        and differ(new, new_unit, size, unit or "")
    ]
    if replaced:
        _log.warning(
            "%s: the sizes that are given replace those of the file: %s", path, ", ".join(replaced)
        )


def _warn_of_units(found: Scale, given: Given, settled: Calibration, axes: str, path: Path) -> None:
    """Say in the log where a unit alone is given, so that a number of the file has another."""
    for axis, number, size, own, unit, name in (
        ("T", given.dt, found.dt, found.time_unit, settled.time_unit, "dt"),
        ("X", given.voxel_size, found.dx, found.space_unit, settled.space_unit, "voxel_size"),
    ):
        stated = axis in axes and number is None and size is not None
        if stated and own not in (None, "pixel", "frame", unit):
            _log.warning(
                "%s: %g %s of the file is read as %g %s, as the unit alone is given; if wrong "
                "give %s too", path, size, own, size, unit, option(name),
            )  # fmt: skip


def _square_pixels(found: Scale) -> tuple[float | None, float | None]:
    """Give the size of pixels along y and x; where one is not stated it is the other."""
    return (found.dx if found.dy is None else found.dy, found.dy if found.dx is None else found.dx)


def _warn_of_slices(found: Scale, axes: str, path: Path) -> None:
    """Say in the log that a file with frames alone states how far apart its slices are."""
    if found.dz and found.dx and found.dz > _APART * found.dx:
        _log.warning(
            "%s: has frames and no slices, yet states a slice spacing of %g %s; if its frames are "
            "slices give %s", path, found.dz, found.space_unit or "pixel",
            option("axes", axes.replace("T", "Z")),
        )  # fmt: skip


def _check_given(found: Scale, given: Given, axes: str, has_slices: bool, path: Path) -> None:
    count = len(given.voxel_size) if given.voxel_size is not None else 3
    if count not in (2, 3) or (count == 2 and has_slices):
        expected = "3: Z,Y,X" if has_slices else "3: Z,Y,X, or 2: Y,X"
        msg = f"{path}: voxel size {given.voxel_size} has {count} numbers, expected {expected}"
        raise UserError(msg)
    for axis, what in found.odd.items():
        if axis == "T":
            needed, remedy = given.dt is None, f"{option('dt')} and {option('time_unit')}"
        else:
            needed = given.voxel_size is None
            remedy = f"{option('voxel_size', 'Z,Y,X')} and {option('space_unit')}"
        if needed and axis in axes:
            msg = f"{path}: its metadata give axis {axis} {what}; give {remedy}"
            raise UserError(msg)


def warn_of_unknown(movie: "Movie") -> None:
    """Say in the log what of a movie's calibration nobody states, and is 1 therefore."""
    known, space = movie.known, movie.calibration.space_unit
    spacing = movie.calibration.spacing(movie.ndim)
    if not known.size and set(spacing) == {1}:
        _log.warning("%s: no voxel size in its metadata, taken as 1 pixel", movie.path)
    elif not known.size:
        sizes = " × ".join(f"{size:g}" for size in spacing)
        _log.warning("%s: no unit of its voxel size %s, taken as pixels", movie.path, sizes)
    elif movie.ndim == 3 and not known.depth:
        _log.warning("%s: no slice spacing in its metadata, taken as 1 %s", movie.path, space)
    size = convert(movie.calibration.dx, space, "µm") if known.size else None
    if size is not None and not _PLAUSIBLE[0] <= size <= _PLAUSIBLE[1]:
        _log.warning(
            "%s: pixels of %g %s, which no microscope has: a printing resolution, or a wrong unit? "
            "Give %s and %s", movie.path, movie.calibration.dx, space,
            option("voxel_size", "Z,Y,X" if movie.ndim == 3 else "Y,X"), option("space_unit"),
        )  # fmt: skip


def complete_calibration(main: "Movie", others: Sequence["Movie"]) -> "Movie":
    """Take over from other files of the same movie what `main` does not state.

    Parameters
    ----------
    main : Movie
        Its calibration is that of the whole; not changed.
    others : sequence of Movie
        Labels, mask, image: the first one that states what is missing gives it.

    Returns
    -------
    Movie
        `main`, or a copy with a more complete calibration.

    Notes
    -----
    Where an other states what `main` states differently, after conversion of units, the log warns.
    """
    calibration, known = main.calibration, main.known
    for other in others:
        theirs = other.calibration
        if other.known.size and not known.size:
            calibration = replace(
                calibration, dx=theirs.dx, dy=theirs.dy, space_unit=theirs.space_unit
            )
            known = replace(known, size=True, depth=False)
            _tell(main, other, "voxel size")
        if other.known.depth and known.size and not known.depth and other.ndim == main.ndim == 3:
            dz = convert(theirs.dz, theirs.space_unit, calibration.space_unit)
            if dz is not None:
                calibration, known = replace(calibration, dz=dz), replace(known, depth=True)
                _tell(main, other, "slice spacing")
        if other.known.time and not known.time and other.n_frames > 1:
            calibration = replace(calibration, dt=theirs.dt, time_unit=theirs.time_unit)
            known = replace(known, time=True)
            _tell(main, other, "time step")
    result = main if known == main.known else main.with_calibration(calibration, known)
    for other in others:
        warn_of_difference(result.stated, other.stated)
    return result


def _tell(main: "Movie", other: "Movie", what: str) -> None:
    _log.info("%s states no %s; that of %s is taken", main.path, what, other.path)


def warn_of_difference(main: Stated, other: Stated) -> None:
    """Warn where two files of one movie state different voxel sizes or time steps."""
    found = list_differences(main, other)
    if found:
        _log.warning(
            "%s and %s are calibrated differently: %s; the first is used, and where that is wrong "
            "all sizes are: correct one, or give %s and %s",
            main.path, other.path, ", ".join(found), option("voxel_size"), option("dt"),
        )  # fmt: skip


def list_differences(main: Stated, other: Stated) -> list[str]:
    """List where two files are calibrated differently, of what both state and both have."""
    mine, theirs = main.calibration, other.calibration
    parts = []
    if main.known.size and other.known.size:
        parts += [("X", mine.dx, theirs.dx), ("Y", mine.dy, theirs.dy)]
        if main.known.depth and other.known.depth and main.ndim == other.ndim == 3:
            parts.append(("Z", mine.dz, theirs.dz))
    found = [
        f"{axis} {a:g} {mine.space_unit} and {b:g} {theirs.space_unit}"
        for axis, a, b in parts
        if differ(a, mine.space_unit, b, theirs.space_unit)
    ]
    both = main.known.time and other.known.time and min(main.n_frames, other.n_frames) > 1
    if both and differ(mine.dt, mine.time_unit, theirs.dt, theirs.time_unit):
        found.append(f"dt {mine.dt:g} {mine.time_unit} and {theirs.dt:g} {theirs.time_unit}")
    return found


def states_size(calibration: Calibration, ndim: int) -> bool:
    """Tell whether tracks state their voxel size: formats that know none say 1 along each axis."""
    return set(calibration.spacing(ndim)) != {1.0}


def find_size(movie: Stated, tracks: Calibration, *, is_table: bool = False) -> Calibration:
    """Give the voxel size by which positions of tracks become voxels of their movie.

    Parameters
    ----------
    movie : Stated
        The image, or labels, that they were made of.
    tracks : Calibration
        Their unit, and voxel size where they state one, which counts then.
    is_table : bool
        They are a table: where its unit is not known, its positions are in the movie's.

    Returns
    -------
    Calibration
        In the tracks' unit where that is known; the tracks' own where nobody states a size.
    """
    if states_size(tracks, movie.ndim) or not movie.known.size:
        return tracks
    if tracks.space_unit == "pixel":
        return movie.calibration if is_table else tracks
    return convert_size(movie.calibration, tracks.space_unit) or tracks


def describe_taken(movie: Stated, tracks: Calibration) -> str:
    """Say that a movie's voxel size counts, and not the 1 of the tracks, which may be meant."""
    taken = find_size(movie, tracks)
    if taken == tracks:
        return ""
    unit, own = tracks.space_unit, movie.calibration
    return (
        f"the tracks state voxels of 1 {unit}, as formats do that know no size: those of "
        f"{movie.path} are taken, of {own.dx:g} {own.space_unit} along x"
    )


def convert_size(size: Calibration, unit: str) -> Calibration | None:
    """Give a voxel size in another unit; None where that cannot be told."""
    factor = 1.0 if size.space_unit == unit else convert(1.0, size.space_unit, unit)
    if factor is None:
        return None
    dx, dy, dz = (factor * one for one in (size.dx, size.dy, size.dz))
    return replace(size, dx=dx, dy=dy, dz=dz, space_unit=unit)


def differ(a: float, unit: str, b: float, other_unit: str, tolerance: float = _TOLERANCE) -> bool:
    """Tell whether two sizes differ by more than a part; units that cannot be converted do."""
    same = convert(b, other_unit, unit)
    return same is None or abs(a - same) > tolerance * max(a, same)
