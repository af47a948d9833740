"""Folders of images, one a frame (``t000.tif``, ``t001.tif``, …), as a movie."""

import contextlib
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.watching import glance_at
from btrackmate.core.words import option
from btrackmate.io.frame_source import Scale
from btrackmate.io.image_calibration import differ
from btrackmate.io.tiff import TiffSource

_log = logging.getLogger(__name__)

_SUFFIXES = (".tif", ".tiff")
_DIGITS = re.compile(r"(\d+)")
#: The word in front of a number in a name, with what stands between.
_WORD = re.compile(r"([A-Za-z]*)[^A-Za-z0-9]*$")
#: Words whose numbers count frames, positions of the stage, and slices or channels.
_FRAME_WORDS = {"t", "tp", "time", "timepoint", "frame"}
_PLACE_WORDS = {"xy", "pos", "position", "site", "field", "fov", "scene", "well", "stage", "tile"}
_PART_WORDS = {"z", "slice", "plane", "c", "ch", "channel", "w"}
#: Part by which sizes of frames may differ, as programs round them.
_SAME = 1e-3
#: Positions that a message names.
_SHOWN = 5


def list_frames(folder: Path) -> list[Path]:
    """List the TIFF files of a folder in order of the number in which their names differ.

    Parameters
    ----------
    folder : Path
        Other files, and those whose names begin with a dot, are left alone.

    Raises
    ------
    UserError
        If there is no TIFF file, the files are of several positions, the names are no series that
        differs in one number, or one is missing in it.
    """
    files = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if not files:
        inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
        held = f"; it holds the folders {', '.join(inside[:5])}: give one of them" if inside else ""
        msg = f"{folder} is a folder without .tif files, expected an image, an OME-Zarr, or one "
        msg += f"TIFF a frame (t000.tif, t001.tif, …){held}"
        raise UserError(msg)
    stems = [path.stem for path in files]
    what, found = _list_movies(stems)
    if len(found) > 1:
        shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        msg = f"{folder}: holds {len(found)} {what} ({shown}), and a movie is one of them: put the "
        msg += "files of each into a folder of its own and give one; a single file is given itself"
        raise UserError(msg)
    numbers = number_names(stems, str(folder))
    numbered = dict(zip(numbers, files, strict=True))
    first, last = min(numbered), max(numbered)
    if len(numbered) < len(files):
        twice = next(n for n in numbers if numbers.count(n) > 1)
        msg = f"{folder}: two files of frame {twice}; keep one"
        raise UserError(msg)
    if last - first + 1 > len(numbered):
        lost = next(n for n in range(first, last) if n not in numbered)
        msg = f"{folder}: no image of frame {lost} between {numbered[first].name} and "
        msg += f"{numbered[last].name}; a movie has one a frame"
        raise UserError(msg)
    return [numbered[number] for number in sorted(numbered)]


def _list_movies(stems: list[str]) -> tuple[str, list[str]]:
    """Tell which movies files belong to by their names: what they are called, and each one.

    Positions are told by words (XY01, pos2); else names of frames (…_t1, …_t2) that differ in more
    than the frame's number are several series (A01_t…, B01_t…), unless that counts slices or
    channels. Names that tell nothing are no movies.
    """
    parts = [_DIGITS.split(stem) for stem in stems]
    places = range(1, min(len(one) for one in parts), 2)
    words = {
        place: {_WORD.search(one[place - 1])[1].lower() for one in parts}  # type: ignore[index]
        for place in places
    }
    varying = [place for place in places if len({one[place] for one in parts}) > 1]
    positions = [place for place in varying if words[place] <= _PLACE_WORDS]
    if positions:
        named = {
            "_".join(_WORD.search(one[place - 1])[0] + one[place] for place in positions)  # type: ignore[index]
            for one in parts
        }
        return "positions", sorted(named)
    frames = [place for place in places if words[place] <= _FRAME_WORDS]
    same_text = all(one[::2] == parts[0][::2] for one in parts)
    counts_parts = any(words[place] <= _PART_WORDS for place in varying)
    if not frames or (same_text and counts_parts):
        return "", []
    at = frames[-1]
    series = {"".join(one[:at]) + "…" + "".join(one[at + 1 :]) for one in parts}
    return "series of frames", sorted(series) if len(series) < len(stems) else []


def number_names(stems: list[str], where: str) -> list[int]:
    """Give the number in which names of one series differ, e.g. 0 and 1 of t000 and t001.

    A single name has the last number in it.

    Raises
    ------
    UserError
        If the names differ in anything but one number.
    """
    parts = [_DIGITS.split(stem) for stem in stems]
    for stem, one in zip(stems, parts, strict=True):
        if one[::2] != parts[0][::2]:
            msg = f"{where}: {stems[0]} and {stem} are no series of frames; expected names that "
            msg += "differ in the number of the frame only: move other images elsewhere"
            raise UserError(msg)
    places = range(1, len(parts[0]), 2)
    varying = [place for place in places if len({int(one[place]) for one in parts}) > 1]
    if len(stems) == 1:
        varying = list(places)[-1:]
    if len(varying) != 1:
        what = f"{len(varying)} numbers vary in the names" if varying else "names without a number"
        msg = f"{where}: {what} ({stems[0]}, {stems[-1]}), expected one: that of the frame, and a "
        msg += "file that holds all slices and channels of it"
        raise UserError(msg)
    return [int(one[varying[0]]) for one in parts]


class FolderSource:
    """A folder with one TIFF file a frame.

    Parameters
    ----------
    path : Path
        Folder.

    Raises
    ------
    UserError
        If its files are no series, differ in shape, or hold several frames each.
    """

    kind = "folder of frames"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = list_frames(path)
        self.standing = {file: glance_at(file) for file in self._files}
        kinds: list[np.dtype[Any]] = []
        other: list[Path] = []
        for file in self._files:
            with contextlib.closing(TiffSource(file)) as source:
                if not kinds:
                    self._shape, inner, self.scale = source.shape, source.axes, source.scale
                    self.axes = "T" + name_frame_axes(inner, source.shape, file)
                if source.shape != self._shape:
                    msg = f"{file}: shape {source.shape}, expected {self._shape} as in "
                    msg += f"{self._files[0].name}"
                    raise UserError(msg)
                kinds.append(source.dtype)
                if not _is_as_large(source.scale, self.scale):
                    other.append(file)
        if other:
            _log.warning(
                "%s: %d of %d frames state another voxel size than the first (%s): that of the "
                "first is taken for all; if wrong, give %s", path, len(other), len(self._files),
                other[0].name, option("voxel_size"),
            )  # fmt: skip
        # Label images of one movie may be of 8 bit while there are few cells, and of 16 later.
        self.dtype: np.dtype[Any] = np.result_type(*kinds)
        self.shape = (len(self._files), *self._shape)

    @property
    def first_number(self) -> int:
        """The number that the first frame has in its name."""
        return number_names([file.stem for file in self._files], str(self._path))[0]

    def read(self, axis: int | None, index: int) -> NDArray[Any]:
        """Read one frame, or a part of all (see :class:`FrameSource`)."""
        where: list[int | slice] = [slice(None)] * len(self.shape)
        if axis is not None:
            where[axis] = index
        return self.read_part(tuple(where))

    def read_part(self, where: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part of one frame or of several (see :class:`FrameSource`)."""
        first, *rest = where
        if isinstance(first, int):
            return self._read_file(self._files[first], tuple(rest))
        return np.stack([self._read_file(file, tuple(rest)) for file in self._files[first]])

    def _read_file(self, file: Path, where: tuple[int | slice, ...]) -> NDArray[Any]:
        with contextlib.closing(TiffSource(file, tell=False)) as source:
            if glance_at(file) != self.standing[file]:
                msg = f"{file} was changed or replaced since {self._path} was opened: open it again"
                raise UserError(msg)
            return source.read_part(where).astype(self.dtype, copy=False)

    def close(self) -> None:
        """Do nothing: each file is opened for itself."""


def _is_as_large(one: Scale, first: Scale) -> bool:
    """Tell whether two frames state one voxel size, as far as both state it."""
    mine, theirs = one.space_unit, first.space_unit
    if mine in (None, "pixel") or theirs in (None, "pixel"):
        return True
    sizes = ((one.dx, first.dx), (one.dy, first.dy), (one.dz, first.dz))
    return not any(
        differ(other, theirs, size, mine, _SAME)
        for size, other in sizes
        if size is not None and other is not None
    )


def name_frame_axes(axes: str, shape: Iterable[int], file: Path) -> str:
    """Name the axes of one frame's file: pages that the metadata do not name are slices."""
    named = ""
    for letter, length in zip(axes, shape, strict=True):
        if letter == "T" and length > 1:
            msg = f"{file}: holds {length} frames itself, expected one file a frame; give the file"
            raise UserError(msg)
        free = [one for one in "ZC" if one not in axes and one not in named]
        if (letter == "T" or letter not in "CZYX") and free:
            letter = free[0]
        named += letter
    return named
