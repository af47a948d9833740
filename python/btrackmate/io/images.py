"""Images, label images and masks: one way to open every format, read frame by frame."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.axes import to_canonical, validate_axes
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.io.frame_source import FrameSource, Scale
from btrackmate.io.ngff import NgffSource, is_zarr
from btrackmate.io.tiff import TiffSource
from btrackmate.io.units import normalise_space_unit, normalise_time_unit
from btrackmate.io.vendor import VENDOR_SUFFIXES, VendorSource

_log = logging.getLogger(__name__)

Role = Literal["image", "labels", "mask"]
_MAX_LABEL = 2**32 - 1
_HASH_BLOCK = 1 << 20


class Movie:
    """An opened image, label image or mask; pixels are read frame by frame.

    Make one with :func:`open_movie`. It can be pickled: the copy opens the file again.

    Attributes
    ----------
    path : Path
        File or folder.
    shape : (T, C, Z, Y, X) tuple of int
        Lengths in canonical order; an axis that the file lacks has length 1.
    axes : str
        Axes in the file's order, e.g. ``"TZYX"``.
    axes_source : str
        Where the axes come from: ``"--axes"`` or the format's metadata.
    calibration : Calibration
        Voxel size and time step.
    dtype : numpy dtype
        Type of the values, as stored.
    role : {"image", "labels", "mask"}
        What the pixels mean.
    """

    def __init__(
        self, source: FrameSource, path: Path, axes: str, role: Role, calibration: Calibration
    ) -> None:
        self._source = source
        self.path = path
        self.axes = axes
        self.axes_source = source.kind if axes == source.axes else "--axes"
        self.role: Role = role
        self.calibration = calibration
        self.dtype = source.dtype
        length = dict(zip(axes, source.shape, strict=True))
        self.shape: tuple[int, int, int, int, int] = (
            length.get("T", 1),
            length.get("C", 1),
            length.get("Z", 1),
            length["Y"],
            length["X"],
        )
        self._reopen: dict[str, Any] = {}

    @property
    def ndim(self) -> int:
        """Space dimensions: 3, or 2 where there is no Z or only one slice."""
        return 3 if self.shape[2] > 1 else 2

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return self.shape[0]

    def frame(self, t: int) -> NDArray[Any]:
        """Read one frame.

        Parameters
        ----------
        t : int
            Frame from 0; a mask or an image without time axis has the frame 0 only.

        Returns
        -------
        (C, Z, Y, X) ndarray
            In the file's dtype.

        Raises
        ------
        UserError
            If values are NaN or infinite, a label is negative or above 2³² − 1, or the file is
            damaged.
        IndexError
            If there is no such frame.
        """
        if not 0 <= t < self.n_frames:
            msg = f"{self.path} has frames 0 to {self.n_frames - 1}, not {t}"
            raise IndexError(msg)
        axis = self.axes.index("T") if "T" in self.axes else None
        part = self._source.read(axis, t)
        frame: NDArray[Any] = to_canonical(part, self.axes.replace("T", ""))[0]
        self._check(frame, t)
        return frame

    def region(self, t: int, channel: int, box: tuple[slice, ...]) -> NDArray[Any]:
        """Read a part of one channel of one frame; of large files only what is needed is read.

        Parameters
        ----------
        t, channel : int
            From 0.
        box : (z, y, x) tuple of slice

        Returns
        -------
        (z, y, x) ndarray
            In the file's dtype.

        Raises
        ------
        UserError
            As `frame`.
        """
        at: dict[str, int | slice] = {"T": t, "C": channel, "Z": box[0], "Y": box[1], "X": box[2]}
        part = self._source.read_part(tuple(at[letter] for letter in self.axes))
        left = self.axes.replace("T", "").replace("C", "")
        region: NDArray[Any] = to_canonical(part, left)[0, 0]
        self._check(region, t)
        return region

    def _check(self, values: NDArray[Any], t: int) -> None:
        """Refuse values of frame t that this role cannot have."""
        where = f"{self.path}, frame {t}"
        if self.role == "image":
            check_finite(values, where)
        else:
            _check_labels(values, where)

    def labels(self, t: int) -> NDArray[Any]:
        """Read one frame of a label image or mask as (Z, Y, X)."""
        return self.frame(t)[0]  # type: ignore[no-any-return]

    def frames(self) -> Iterator[NDArray[Any]]:
        """Read all frames in turn, each (C, Z, Y, X)."""
        for t in range(self.n_frames):
            yield self.frame(t)

    def check_values(self, progress: Progress = ignore_progress) -> None:
        """Read all frames of a floating-point image and refuse NaN and infinity.

        Integer images hold neither and are not read.

        Raises
        ------
        UserError
            At the first frame with such a value.
        """
        if self.dtype.kind != "f":
            return
        for t in range(self.n_frames):
            self.frame(t)
            progress("checking image", t + 1, self.n_frames)

    def sha256(self) -> str:
        """Hash the file, or all files of a folder with their names, as 64 hexadecimal digits."""
        return hash_path(self.path)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> "Movie":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_again, (self._reopen,)

    def __repr__(self) -> str:
        return (
            f"Movie({self.path}, {self.role}, axes {self.axes}, TCZYX {self.shape}, {self.dtype})"
        )


def open_movie(
    path: Path | str,
    axes: str | None = None,
    *,
    voxel_size: tuple[float, ...] | None = None,
    dt: float | None = None,
    space_unit: str | None = None,
    time_unit: str | None = None,
    role: Role = "image",
    require_time: bool = True,
) -> Movie:
    """Open an image, a label image or a mask without reading its pixels.

    Reads TIFF, OME-TIFF, ImageJ hyperstacks, OME-Zarr and, with the extra ``formats``, the
    files of microscope vendors.

    Parameters
    ----------
    path : Path or str
        File, or folder of an OME-Zarr.
    axes : str, optional
        One letter of TCZYX for each dimension of the file, e.g. ``"TZYX"``; by default what the
        metadata says. They are never guessed.
    voxel_size : (Z, Y, X) or (Y, X) tuple of float, optional
        In `space_unit`; by default from the metadata.
    dt : float, optional
        Time between frames in `time_unit`; by default from the metadata.
    space_unit, time_unit : str, optional
        Names of the units; by default from the metadata.
    role : {"image", "labels", "mask"}
        Labels and masks must be of an integer (a mask also of boolean) type with one channel.
    require_time : bool
        Refuse a file without a time axis.

    Returns
    -------
    Movie

    Raises
    ------
    UserError
        If the file is missing or no image, the metadata does not settle the axes, there is no
        time axis, or the type does not fit the role.
    """
    path = Path(path)
    source = _open_source(path)
    try:
        settled = _settle_axes(source, path, axes, require_time=require_time)
        given = Scale(None, None, None, dt, space_unit, time_unit)
        calibration = _settle_calibration(source, path, voxel_size, given, settled)
        _check_role(source, path, settled, role)
        movie = Movie(source, path, settled, role, calibration)
    except UserError:
        source.close()
        raise
    movie._reopen = {
        "path": path,
        "axes": axes,
        "voxel_size": voxel_size,
        "dt": dt,
        "space_unit": space_unit,
        "time_unit": time_unit,
        "role": role,
        "require_time": require_time,
    }
    _log.info(
        "%s: axes %s (from %s), TCZYX %s, %s, voxel Z,Y,X %s %s, dt %s %s",
        path, movie.axes, movie.axes_source, movie.shape, movie.dtype,
        calibration.spacing(3), calibration.space_unit, calibration.dt, calibration.time_unit,
    )  # fmt: skip
    return movie


def check_finite(image: NDArray[Any], where: str) -> None:
    """Refuse NaN and infinity.

    Parameters
    ----------
    image : ndarray
        Any shape; integers pass unread.
    where : str
        File and frame, for the message.

    Raises
    ------
    UserError
        Names the number of such values and the position of the first one.
    """
    if image.dtype.kind not in "fc":
        return
    bad = ~np.isfinite(image)
    count = int(np.count_nonzero(bad))
    if count:
        first = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), image.shape))
        msg = f"{where}: {count} values are NaN or infinite, the first at C,Z,Y,X = {first}; "
        msg += "replace them before this step"
        raise UserError(msg)


def hash_path(path: Path) -> str:
    """Hash a file, or a folder's files with their names, as 64 hexadecimal digits (SHA-256).

    Hidden files in a folder (names that begin with a dot) count only if Zarr made them.
    """
    digest = hashlib.sha256()
    if path.is_file():
        _hash_file(path, digest)
        return digest.hexdigest()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        name = file.relative_to(path)
        if any(part.startswith(".") and not part.startswith(".z") for part in name.parts):
            continue
        digest.update(name.as_posix().encode() + b"\0")
        _hash_file(file, digest)
    return digest.hexdigest()


def _hash_file(path: Path, digest: Any) -> None:
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)


def _open_again(arguments: dict[str, Any]) -> Movie:
    return open_movie(**arguments)


def _open_source(path: Path) -> FrameSource:
    if not path.exists():
        msg = f"{path}: no such file; give the path of an image"
        raise UserError(msg)
    if path.is_dir():
        if is_zarr(path):
            return NgffSource(path)
        msg = f"{path} is a folder, expected an image file or an OME-Zarr folder"
        raise UserError(msg)
    if path.suffix.lower() in VENDOR_SUFFIXES:
        return VendorSource(path)
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        msg = f"{path}: not an image (no TIFF signature); give a TIFF, OME-TIFF or OME-Zarr"
        raise UserError(msg)
    return TiffSource(path)


def _settle_axes(source: FrameSource, path: Path, axes: str | None, *, require_time: bool) -> str:
    read = f"{source.kind}, shape {source.shape}, axes {source.axes!r}"
    if axes is not None:
        settled = validate_axes(axes, len(source.shape), f"{path} ({read})")
    elif set(source.axes) <= set("TCZYX"):
        settled = validate_axes(source.axes, len(source.shape), str(path))
    else:
        msg = f"{path}: its metadata does not settle the axes ({read}); give --axes, one letter "
        msg += "of TCZYX for each dimension"
        raise UserError(msg)
    if require_time and "T" not in settled:
        msg = f"{path}: has no time axis ({read}); a movie is needed: give --axes with a T if one "
        msg += "of its dimensions is time"
        raise UserError(msg)
    if 0 in source.shape:
        msg = f"{path}: an empty image ({read}); give one with pixels"
        raise UserError(msg)
    return settled


def _check_role(source: FrameSource, path: Path, axes: str, role: Role) -> None:
    kind = source.dtype.kind
    if role == "image" and kind not in "buif":
        msg = f"{path}: pixels of type {source.dtype}, expected integer or floating point"
        raise UserError(msg)
    if role == "image":
        return
    if kind not in ("bui" if role == "mask" else "ui"):
        what = "label image" if role == "labels" else "mask"
        msg = f"{path}: a {what} of type {source.dtype}, expected an integer type; "
        msg += "save it as 16- or 32-bit integers"
        raise UserError(msg)
    channels = source.shape[axes.index("C")] if "C" in axes else 1
    if channels != 1:
        msg = f"{path}: {role} with {channels} channels, expected one; save one channel alone"
        raise UserError(msg)


def _check_labels(frame: NDArray[Any], where: str) -> None:
    if frame.dtype.kind == "i" and frame.size and int(frame.min()) < 0:
        msg = f"{where}: label {int(frame.min())}, expected labels ≥ 0 with 0 as background"
        raise UserError(msg)
    if frame.dtype.itemsize > 4 and frame.size and int(frame.max()) > _MAX_LABEL:
        msg = f"{where}: label {int(frame.max())}, expected labels up to {_MAX_LABEL}; relabel it"
        raise UserError(msg)


def _settle_calibration(
    source: FrameSource,
    path: Path,
    voxel_size: tuple[float, ...] | None,
    given: Scale,
    axes: str,
) -> Calibration:
    found = source.scale
    # Sizes that the file gives for a "Z" that the user names "T" are not to be used.
    dz_found = found.dz if "Z" in axes else None
    sizes: tuple[float | None, ...] = (dz_found, found.dy, found.dx)
    if voxel_size is not None:
        if len(voxel_size) not in (2, 3):
            msg = f"voxel size {voxel_size} has {len(voxel_size)} numbers, expected 3: Z,Y,X"
            raise UserError(msg)
        sizes = (1.0, *voxel_size)[-3:]
    space = normalise_space_unit(given.space_unit) if given.space_unit else found.space_unit
    if voxel_size is not None and given.space_unit is None and space in (None, "pixel"):
        space = "µm"
        _log.warning("%s: no unit for the voxel size, taken as µm; name it with --space-unit", path)
    dt = given.dt if given.dt is not None else found.dt
    time = normalise_time_unit(given.time_unit) if given.time_unit else found.time_unit
    if given.dt is not None and given.time_unit is None and time in (None, "frame"):
        time = "sec"
        _log.warning("%s: no unit for dt, taken as sec; name it with --time-unit", path)
    if sizes[-1] is None:
        _log.warning("%s: no voxel size in its metadata, taken as 1 pixel", path)
    dz, dy, dx = (1.0 if size is None else float(size) for size in sizes)
    if "Z" in axes and sizes[0] is None and sizes[-1] is not None:
        _log.warning("%s: no slice spacing in its metadata, taken as 1 %s", path, space)
    return Calibration(
        dx, dy, dz, 1.0 if dt is None else float(dt), space or "pixel", time or "frame"
    )
