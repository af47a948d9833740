"""Label movies, written frame by frame: a resumable OME-Zarr and a TIFF for Fiji."""

import hashlib
import json
import logging
import math
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import tifffile
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.disk import sync_folder, sync_tree
from btrackmate.core.errors import UserError
from btrackmate.core.files import make_folder, remove, write_atomically, write_text
from btrackmate.io.label_levels import (
    create_arrays,
    fill_levels,
    list_factors,
    name_frame,
    open_arrays,
)
from btrackmate.io.label_values import MAX_LABEL
from btrackmate.io.units import NgffVersion

_log = logging.getLogger(__name__)

#: How zarr names a chunk while it writes it; a killed process leaves it.
_PARTIAL = ".partial"
_STATE = ".btrackmate"
_MAX_UINT16 = 2**16 - 1
#: ImageJ reads hyperstacks up to 4 GiB; larger movies become OME-TIFF.
_MAX_IMAGEJ_BYTES = 2**32 - 2**24


class LabelStore:
    """A label movie in an OME-Zarr folder that is written frame by frame and can be resumed.

    Make one with :meth:`open`. NGFF 0.4 on Zarr 2, which napari, Fiji (n5-zarr) and bioio read, or
    0.5 on Zarr 3; uint32, axes TZYX, or TYX in 2D; movies of more than 512 rows or columns have
    smaller copies for viewers. A frame counts as done once its marker, written when all its chunks
    are on the disk, stands in the folder and holds their checksum: a process killed inside a frame,
    and a chunk that was damaged or lost, leave it undone.

    Attributes
    ----------
    path : Path
        The folder.
    shape : (T, Z, Y, X) tuple of int
        Lengths; Z is 1 in 2D.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int, int],
        levels: list[Any],
        confirm: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path
        self.shape = shape
        self._array = levels[0]
        self._levels = levels
        self._confirm = confirm

    @classmethod
    def open(
        cls,
        path: Path,
        shape: tuple[int, int, int, int],
        calibration: Calibration,
        *,
        ndim: int = 3,
        version: NgffVersion = "0.4",
        fingerprint: str = "",
        confirm: Callable[[], None] = lambda: None,
    ) -> Self:
        """Make a store, or go on with the one that stands there.

        Parameters
        ----------
        path : Path
            Folder, by convention ``….ome.zarr``.
        shape : (T, Z, Y, X) tuple of int
            Lengths of the movie.
        calibration : Calibration
            Voxel size and time step.
        ndim : int
            Space dimensions, 3 or 2.
        version : str
            Of NGFF.
        fingerprint : str
            What the labels depend on (hashes of inputs, settings). A store made with another
            fingerprint, shape, calibration or version is emptied, and the log says so.
        confirm : callable
            Called before anything is written; raises where it is not wanted any more.

        Raises
        ------
        UserError
            If `path` exists and is no label store of ours, or the folder cannot be written.
        """
        state = {
            "shape": list(shape),
            "ndim": ndim,
            "spacing": list(calibration.spacing(3)),
            "dt": calibration.dt,
            "fingerprint": fingerprint,
        }
        if factors := list_factors(shape):
            state["factors"] = factors
        if version != "0.4":
            state["version"] = version
        if path.exists():
            if _read_state(path) == state and (levels := open_arrays(path)) is not None:
                store = cls(path, shape, levels, confirm)
                store.clear_partial()
                return store
            _log.warning(
                "%s was made with other inputs or settings, or is damaged: it is made anew", path
            )
        with write_atomically(path) as temporary:
            create_arrays(temporary, path.name, shape, calibration, ndim=ndim, version=version)
            make_folder(temporary / _STATE)
            write_text(temporary / _STATE / "state.json", json.dumps(state, indent=1) + "\n")
        levels = open_arrays(path)
        if levels is None:
            msg = f"{path}: was changed while it was made: start again"
            raise UserError(msg)
        return cls(path, shape, levels, confirm)

    @classmethod
    def join(
        cls,
        path: Path,
        shape: tuple[int, int, int, int],
        fingerprint: str,
        confirm: Callable[[], None],
    ) -> Self:
        """Open a store that another process made, to write frames into it beside others.

        Parameters
        ----------
        path, shape, fingerprint
            As `open` takes them; the store is left as it is.
        confirm : callable
            Called before anything is written; raises where it is not wanted any more.

        Raises
        ------
        UserError
            If it is not there, is damaged, or was made for something else.
        """
        state = _read_state(path) or {}
        levels = open_arrays(path)
        same = (state.get("shape"), state.get("fingerprint")) == (list(shape), fingerprint)
        if levels is None or not same:
            msg = f"{path}: these are not the labels of this run any more: start again"
            raise UserError(msg)
        return cls(path, shape, levels, confirm)

    def clear_partial(self) -> None:
        """Remove what killed processes left of chunks; none may write meanwhile."""
        for left in self.path.rglob(f"*{_PARTIAL}"):
            remove(left)

    @property
    def done(self) -> frozenset[int]:
        """Frames that are finished and whole; reads their chunks."""
        names = (marker.name for marker in (self.path / _STATE).iterdir())
        return frozenset(t for t in map(int, filter(str.isdecimal, names)) if self._is_done(t))

    def _is_done(self, t: int) -> bool:
        """Tell whether a frame's chunks are those that its marker tells of."""
        try:
            told = (self.path / _STATE / str(t)).read_text(encoding="ascii", errors="replace")
        except OSError:
            return False
        return told.strip() == self._hash_chunks(t)

    def _hash_chunks(self, t: int) -> str:
        """Hash a frame's chunks as they lie on the disk; empty ones are not written."""
        digest = hashlib.sha256()
        for folder in self._list_folders(t):
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                digest.update(file.relative_to(folder).as_posix().encode() + b"\0")
                digest.update(file.read_bytes())
        return digest.hexdigest()

    def _list_folders(self, t: int) -> list[Path]:
        """List the folders of a frame's chunks, of the voxels and of the smaller copies."""
        return [
            self.path / str(level) / name_frame(array, t)
            for level, array in enumerate(self._levels)
        ]

    @property
    def is_complete(self) -> bool:
        """Whether every frame is finished."""
        return len(self.done) == self.shape[0]

    def write(self, t: int, labels: NDArray[Any]) -> None:
        """Write one frame and mark it done.

        Parameters
        ----------
        t : int
            Frame from 0.
        labels : (Z, Y, X) or, in 2D, (Y, X) ndarray of int
            0 is background, ids up to 2³² − 1.

        Raises
        ------
        UserError
            If the shape or type is wrong, or an id does not fit.
        """
        expected = self.shape[1:]
        if labels.ndim == 2 and expected[0] == 1:
            labels = labels[np.newaxis]
        _check_frame(labels, expected, MAX_LABEL, f"{self.path}, frame {t}")
        self._confirm()
        remove(self.path / _STATE / str(t))
        frame = labels.astype(np.uint32, copy=False)
        self._array[t] = frame.reshape(self._array.shape[1:])
        self.finish(t)

    def write_part(self, t: int, box: tuple[slice, ...], labels: NDArray[Any]) -> None:
        """Write a part of one frame; `finish` marks the frame done.

        Parameters
        ----------
        t : int
            Frame from 0.
        box : (z, y, x) tuple of slice
        labels : (z, y, x) ndarray of int
            0 is background, ids up to 2³² − 1.
        """
        expected = tuple(side.stop - side.start for side in box)
        _check_frame(labels, expected, MAX_LABEL, f"{self.path}, frame {t}")
        self._confirm()
        remove(self.path / _STATE / str(t))
        self._array[(t, *box)] = labels.astype(np.uint32, copy=False)

    def finish(self, t: int) -> None:
        """Make the smaller copies of a frame whose parts are all written, and mark it done."""
        fill_levels(self._levels, t)
        for chunks in self._list_folders(t):
            if chunks.is_dir():
                sync_tree(chunks)
                sync_folder(chunks.parent)
        self._confirm()
        write_text(self.path / _STATE / str(t), self._hash_chunks(t) + "\n")

    def read(self, t: int) -> NDArray[np.uint32]:
        """Read one finished frame as (Z, Y, X).

        Raises
        ------
        UserError
            If the frame is not finished.
        """
        if not os.path.lexists(self.path / _STATE / str(t)):
            msg = f"{self.path}: frame {t} is not finished; run again to go on"
            raise UserError(msg)
        return np.asarray(self._array[t], np.uint32).reshape(self.shape[1:])

    def frames(self) -> Iterator[NDArray[np.uint32]]:
        """Read all frames in turn."""
        for t in range(self.shape[0]):
            yield self.read(t)


def write_tiff_movie(
    path: Path,
    frames: Iterable[NDArray[Any]],
    shape: tuple[int, int, int, int],
    calibration: Calibration,
    *,
    max_id: int,
) -> None:
    """Write a label movie as one TIFF file that Fiji and napari open with axes and calibration.

    Parameters
    ----------
    path : Path
        File to write; replaced if it exists.
    frames : iterable of (Z, Y, X) ndarray of int
        One a frame, read one after the other; large frames may come as slabs of planes.
    shape : (T, Z, Y, X) tuple of int
        Lengths of the movie.
    calibration : Calibration
        Voxel size and time step.
    max_id : int
        The highest id of all frames. Up to 65,535 the file is an ImageJ hyperstack of uint16,
        above it an OME-TIFF of uint32 (an ImageJ hyperstack holds no 32-bit integers).

    Raises
    ------
    UserError
        If a frame has another shape, a float type or an id above `max_id`.
    """
    dtype = np.dtype(np.uint16 if max_id <= _MAX_UINT16 else np.uint32)
    limit = min(max_id, MAX_LABEL)
    size = math.prod(shape) * dtype.itemsize
    imagej = dtype == np.uint16 and size < _MAX_IMAGEJ_BYTES

    def planes() -> Iterator[NDArray[Any]]:
        count = 0
        for frame in frames:
            stack = frame[np.newaxis] if frame.ndim == 2 else frame
            inside = 0 < len(stack) <= shape[1] - count % shape[1]
            wanted = (len(stack), *shape[2:]) if inside else shape[1:]
            _check_frame(stack, wanted, limit, f"{path}, frame {count // shape[1]}")
            yield from stack.astype(dtype, copy=False)
            count += len(stack)
        if count != shape[0] * shape[1]:
            msg = f"{path}: got {count / shape[1]:g} frames, expected {shape[0]}"
            raise UserError(msg)

    options: dict[str, Any] = {"bigtiff": True, "ome": True}
    metadata = _ome_metadata(calibration) | {"UUID": _name_movie(path, shape, calibration)}
    if imagej:
        options, metadata = {"imagej": True}, _imagej_metadata(calibration)
    if shape[1] == 1:  # Readers take a depth of what has no slices for a sign that frames are them.
        for name in ("spacing", "PhysicalSizeZ", "PhysicalSizeZUnit"):
            metadata.pop(name, None)
    with (
        write_atomically(path) as temporary,
        tifffile.TiffWriter(temporary, **options) as writer,
    ):
        writer.write(
            planes(),
            shape=shape,
            dtype=dtype,
            photometric="minisblack",
            resolution=(1 / calibration.dx, 1 / calibration.dy) if imagej else None,
            metadata={"axes": "TZYX", **metadata},
        )


def _read_state(path: Path) -> dict[str, Any] | None:
    """Read how a store was made; refuse to touch what is no store of ours."""
    file = path / _STATE / "state.json"
    if not file.is_file():
        msg = f"{path} exists and is no label movie of BTrackMate; give another output"
        raise UserError(msg)
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return state if isinstance(state, dict) else None


def remove_markers(path: Path) -> None:
    """Remove what a store needs only for resuming, e.g. before it is handed on."""
    remove(path / _STATE)


def has_markers(path: Path) -> bool:
    """Tell whether a store can be resumed: its markers are there."""
    return (path / _STATE / "state.json").is_file()


def _imagej_metadata(calibration: Calibration) -> dict[str, Any]:
    return {
        "unit": "um" if calibration.space_unit == "µm" else calibration.space_unit,
        "spacing": calibration.dz,
        "finterval": calibration.dt,
        "tunit": calibration.time_unit,
    }


def _ome_metadata(calibration: Calibration) -> dict[str, Any]:
    """Give tifffile's names of OME attributes; OME knows no unit "frame"."""
    space = {"pixel": "pixel"}.get(calibration.space_unit, calibration.space_unit)
    values: dict[str, Any] = {}
    for axis, size in zip("XYZ", (calibration.dx, calibration.dy, calibration.dz), strict=True):
        values[f"PhysicalSize{axis}"] = size
        values[f"PhysicalSize{axis}Unit"] = space
    time = {"sec": "s", "frame": None}.get(calibration.time_unit, calibration.time_unit)
    if time is not None:
        values |= {"TimeIncrement": calibration.dt, "TimeIncrementUnit": time}
    return values


def _name_movie(path: Path, shape: tuple[int, ...], calibration: Calibration) -> str:
    """Give the id that OME wants of a file; tifffile's is another one at each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{path.name} {tuple(shape)} {calibration}"))


def _check_frame(labels: NDArray[Any], shape: tuple[int, ...], limit: int, where: str) -> None:
    if labels.dtype.kind not in "ui":
        msg = f"{where}: labels of type {labels.dtype}, expected an integer type"
        raise UserError(msg)
    if labels.shape != tuple(shape):
        msg = f"{where}: labels of shape {labels.shape}, expected {tuple(shape)} (Z, Y, X)"
        raise UserError(msg)
    if labels.size == 0:
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > limit:
        msg = f"{where}: label {low if low < 0 else high}, expected 0 to {limit}"
        raise UserError(msg)
