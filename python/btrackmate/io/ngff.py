"""OME-Zarr (NGFF 0.1 to 0.5, Zarr 2 and 3) and plain Zarr arrays, read chunk by chunk."""

import logging
import lzma
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr
import zarr.errors
from numpy.typing import NDArray

from btrackmate.core.axes import FROM_ZERO
from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.watching import glance_at, list_files
from btrackmate.io.frame_source import Scale
from btrackmate.io.units import normalise_space_unit, normalise_time_unit
from btrackmate.io.zarr_store import ReadingStore

_log = logging.getLogger(__name__)

#: What Zarr and its decoders raise on damaged metadata and chunks.
ZARR_FAULTS = (
    zarr.errors.BaseZarrError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    zlib.error,
)
#: So many chunks, and so many for each file that is there, are believed.
_FEW_CHUNKS, _CHUNKS_PER_FILE = 1_000_000, 1_000
#: Frames that a message names.
_SHOWN = 10
#: Files that describe an array.
_METADATA = (".zarray", "zarr.json")
#: NGFF before 0.3 had no axis names but fixed them (https://ngff.openmicroscopy.org/0.1/).
_FIXED_AXES = "TCZYX"


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a Zarr group or array."""
    return any((path / name).is_file() for name in (*_METADATA, ".zgroup", ".zattrs"))


class _Placed(NamedTuple):
    """Where the voxels of an array lie: of each axis scale and translation, None if not stated.

    `unread` is the type of a transformation that is of another kind, or empty.
    """

    scale: NDArray[np.float64] | None
    translation: NDArray[np.float64] | None
    unread: str


def _join_steps(steps: Sequence[Mapping[str, Any]], ndim: int) -> _Placed:
    """Join transformations, which are made in their order."""
    scale: NDArray[np.float64] | None = None
    translation: NDArray[np.float64] | None = None
    unread = ""
    for step in steps:
        kind = str(step["type"])
        if kind == "scale" and kind in step:
            by = np.asarray(step[kind], np.float64)
            scale = by if scale is None else scale * by
            translation = None if translation is None else translation * by
        elif kind == "translation" and kind in step:
            by = np.asarray(step[kind], np.float64)
            translation = by if translation is None else translation + by
        elif kind != "identity":
            unread = kind
    for values in (scale, translation):
        if values is not None and values.shape != (ndim,):
            msg = f"a transformation of shape {values.shape} for {ndim} axes"
            raise ValueError(msg)
    return _Placed(scale, translation, unread)


class NgffSource:
    """The full-resolution array of an OME-Zarr image, or a plain Zarr array.

    Parameters
    ----------
    path : Path
        Folder of the image, or of one image or label group inside an OME-Zarr.

    Raises
    ------
    UserError
        If the folder is no Zarr image.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.kind = "OME-Zarr"
        self.scale = Scale()
        try:
            node = zarr.open(ReadingStore(path), mode="r")
            if isinstance(node, zarr.Group):
                self._array, self.axes = self._open_image(node)
            else:
                self._array, self.axes = node, _named_dimensions(node)
                self.kind = "Zarr array"
        except UserError:
            raise
        except ZARR_FAULTS as error:
            raise UserError(_damaged(path, error)) from None
        self.shape = tuple(int(length) for length in self._array.shape)
        self.dtype: np.dtype[Any] = np.dtype(self._array.dtype)
        inside = path / self._array.path
        self._parts = (path, inside, *(inside / name for name in _METADATA))
        self.standing = glance_at(*self._parts)
        self._warn_of_missing_chunks()

    def read(self, axis: int | None, index: int) -> NDArray[Any]:
        """Read one part of the array (see :class:`FrameSource`)."""
        where: list[Any] = [slice(None)] * len(self.shape)
        if axis is not None:
            where[axis] = index
        return self.read_part(tuple(where))

    def read_part(self, where: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part of the array (see :class:`FrameSource`)."""
        try:
            part = np.asarray(self._array[where])
        except ZARR_FAULTS as error:
            self._check_standing()
            raise UserError(_damaged(self._path, error)) from None
        self._check_standing()
        return part

    def _check_standing(self) -> None:
        """Refuse what was read of another image, which stands there by now."""
        if glance_at(*self._parts) != self.standing:
            msg = f"{self._path} was changed or replaced since it was opened: open it again"
            raise UserError(msg)

    def close(self) -> None:
        """Do nothing: a Zarr folder keeps no file open."""

    def _warn_of_missing_chunks(self) -> None:
        try:
            missing = list_missing_chunks(self._array)
        except ZARR_FAULTS as error:
            raise UserError(_damaged(self._path, error)) from None
        if not missing:
            return
        where, count = "", math.prod(_file_counts(self._array))
        if self.axes.startswith("T"):
            frames = sorted({chunk[0] for chunk in missing})
            length = int(_file_shape(self._array)[0])
            named = ", ".join(str(t * length) for t in frames[:_SHOWN])
            where = f" in frame {named}" + (", …" if len(frames) > _SHOWN else "")
        _log.warning(
            "%s: %d of %d chunks are not there%s and are read as %s: writers leave out empty ones; "
            "if this one does not, the data are incomplete",
            self._path, len(missing), count, where, self._array.fill_value,
        )  # fmt: skip

    def _warn_of_others(self, names: list[str]) -> None:
        """Warn of images in the folder that are not read."""
        if names:
            shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
            _log.warning(
                "%s: holds %d images; the first is read, not %s", self._path, len(names) + 1, shown
            )

    def _open_image(self, group: zarr.Group) -> tuple[Any, str]:
        attributes = _ome_attributes(group)
        if "multiscales" not in attributes and "bioformats2raw.layout" in attributes:
            others = sorted((name for name in group.group_keys() if name.isdigit()), key=int)[1:]
            self._warn_of_others([f"{self._path}/{name}" for name in others])
            group = group["0"]
            attributes = _ome_attributes(group)
        if "multiscales" not in attributes:
            msg = f"{self._path}: a Zarr group without OME-Zarr 'multiscales', "
            msg += f"it holds {', '.join(sorted(group.keys())) or 'nothing'}; "
            msg += "give the path of an image in it"
            raise UserError(msg)
        image, *others = attributes["multiscales"]
        self._warn_of_others([str(other.get("name") or "without a name") for other in others])
        dataset = image["datasets"][0]
        array = group[dataset["path"]]
        named = image.get("axes", list(_FIXED_AXES[-array.ndim :]))
        described = [axis if isinstance(axis, dict) else {"name": axis} for axis in named]
        axes = "".join(_axis_letter(str(axis["name"])) for axis in described)
        steps = [
            step for of in (dataset, image) for step in of.get("coordinateTransformations", [])
        ]
        found = _join_steps(steps, array.ndim)
        if found.scale is not None:
            units = [axis.get("unit") for axis in described]
            self.scale = _to_scale(axes, list(found.scale), units)
        if found.unread:
            odd = f"the transformation {found.unread!r}, which is not read"
            self.scale = replace(self.scale, odd=dict.fromkeys("XYZ", odd))
        if found.translation is not None:
            scale = 1.0 if found.scale is None else found.scale
            self.scale = replace(
                self.scale, origin=self._find_origin(axes, found.translation / scale)
            )
        return array, axes

    def _find_origin(self, axes: str, moved: NDArray[np.float64]) -> tuple[float, float, float]:
        """Give where the first voxel (z, y, x) lies, in voxels; the log tells if that is not 0."""
        along = dict(zip(axes, moved.tolist(), strict=True))
        z, y, x = (float(along.get(letter, 0.0)) for letter in "ZYX")
        if max(map(abs, (z, y, x))) > FROM_ZERO:
            _log.warning(
                "%s: begins %g, %g, %g voxels (z, y, x) from the origin; positions are counted "
                "from its first voxel, as 0", self._path, z, y, x,
            )  # fmt: skip
        return z, y, x


def list_missing_chunks(array: Any) -> list[tuple[int, ...]]:
    """List the chunks of a Zarr array that are not there; of one in shards, its shards.

    Raises
    ------
    ValueError
        If its metadata tell of far more chunks than there are files.
    """
    if array.ndim == 0:
        return []
    folder = Path(str(array.store_path.store.root)) / array.store_path.path
    counts = _file_counts(array)
    if math.prod(counts) > _FEW_CHUNKS:
        files = len(list_files(folder))
        if math.prod(counts) > _CHUNKS_PER_FILE * files:
            msg = f"shape {array.shape} in chunks of {_file_shape(array)}, but {files} files are "
            msg += "there"
            raise ValueError(msg)
    if array.shards is None and array.nchunks_initialized >= array.nchunks:
        return []
    empty = array.shards is not None  # Read as one that is not there; other empty ones are refused.
    found = []
    for place in np.ndindex(*counts):
        file = folder / array.metadata.encode_chunk_key(place)
        if not file.exists() or (empty and file.stat().st_size == 0):
            found.append(place)
    return found


def _file_shape(array: Any) -> tuple[int, ...]:
    """Give the shape of what lies in one file: a shard, or a chunk."""
    return tuple(array.shards or array.chunks)


def _file_counts(array: Any) -> list[int]:
    return [-(-n // c) for n, c in zip(array.shape, _file_shape(array), strict=True)]


def _ome_attributes(group: Any) -> dict[str, Any]:
    """Give the NGFF attributes, which stand under "ome" since version 0.5."""
    attributes = dict(group.attrs)
    return dict(attributes.get("ome", attributes))


def _axis_letter(name: str) -> str:
    letter = name.upper()
    return letter if letter in _FIXED_AXES else "?"


def _named_dimensions(array: Any) -> str:
    names = getattr(array.metadata, "dimension_names", None) or [""] * array.ndim
    return "".join(_axis_letter(str(name)) if name else "?" for name in names)


def _to_scale(axes: str, factors: list[float], units: list[str | None]) -> Scale:
    """Turn factors and units per axis into a scale; without a unit a factor of 1 says nothing."""
    stated = {
        letter: (float(factor), unit or "")
        for letter, factor, unit in zip(axes, factors, units, strict=True)
        if unit is not None or factor != 1
    }
    sizes: dict[str, tuple[float | None, str]] = {
        letter: (stated[letter][0], normalise_space_unit(stated[letter][1]))
        for letter in "XYZ"
        if letter in stated
    }
    dt, unit = stated.get("T", (None, ""))
    return Scale.of_axes(sizes, (dt, normalise_time_unit(unit)))


def _damaged(path: Path, error: Exception) -> str:
    reason = describe_error(error)
    return f"{path}: not readable as an OME-Zarr image ({reason}); give an image that is complete"
