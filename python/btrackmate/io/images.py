"""Images, label images and masks: one way to open every format, read frame by frame."""

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.arrays import ArrayMovie
from btrackmate.core.axes import to_canonical
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.paths import explain_missing
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.reading import check_plain, feed_hash
from btrackmate.core.watching import list_files
from btrackmate.io.folder import FolderSource
from btrackmate.io.frame_source import FrameSource, Scale
from btrackmate.io.image_axes import OPTIONS, Model, Role, settle_axes
from btrackmate.io.image_calibration import Given, Known, Stated, settle_calibration
from btrackmate.io.label_values import as_labels
from btrackmate.io.ngff import NgffSource, is_zarr
from btrackmate.io.tiff import TiffSource
from btrackmate.io.vendor import OTHER_FORMATS, VENDOR_SUFFIXES, VendorSource

_log = logging.getLogger(__name__)

__all__ = ["Movie", "Role", "check_finite", "hash_path", "open_movie", "view_array"]


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
        Where the axes come from: the options, the format's metadata, or another file's shape.
    calibration : Calibration
        Voxel size and time step.
    known : Known
        Which parts of the calibration are stated; the others are 1.
    dtype : numpy dtype
        Type of the values, as stored.
    role : {"image", "labels", "mask"}
        What the pixels mean.
    """

    def __init__(
        self,
        source: FrameSource,
        path: Path,
        axes: tuple[str, str],
        role: Role,
        calibration: tuple[Calibration, Known],
    ) -> None:
        self._source = source
        self.path = path
        self.axes, self.axes_source = axes
        self.role: Role = role
        self.calibration, self.known = calibration
        self.dtype = source.dtype
        length = dict(zip(self.axes, source.shape, strict=True))
        self.shape: tuple[int, int, int, int, int] = (
            length.get("T", 1),
            length.get("C", 1),
            length.get("Z", 1),
            length["Y"],
            length["X"],
        )

    @property
    def file_shape(self) -> tuple[int, ...]:
        """Lengths in the order of `axes`."""
        return self._source.shape

    @property
    def ndim(self) -> int:
        """Space dimensions: 3, or 2 where there is no Z or only one slice."""
        return 3 if self.shape[2] > 1 else 2

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return self.shape[0]

    @property
    def first_number(self) -> int | None:
        """The number in the name of the first frame, of a folder of several; else None."""
        return getattr(self._source, "first_number", None) if self.n_frames > 1 else None

    @property
    def origin(self) -> tuple[float, float, float] | None:
        """Where the first voxel lies, z, y and x in voxels; None where the file does not say."""
        return self._source.scale.origin

    @property
    def stated(self) -> Stated:
        """What the file states of its calibration."""
        return Stated(self.path, self.calibration, self.known, self.ndim, self.n_frames)

    @property
    def standing(self) -> object:
        """What told, when it was opened, which file stood there; None where nothing does."""
        return getattr(self._source, "standing", None)

    def frame(self, t: int) -> NDArray[Any]:
        """Read one frame.

        Parameters
        ----------
        t : int
            Frame from 0; a mask or an image without time axis has the frame 0 only.

        Returns
        -------
        (C, Z, Y, X) ndarray
            In the file's dtype; labels that are kept as floating point as uint32.

        Raises
        ------
        UserError
            If values are NaN or infinite, a label is no whole number from 0 to 2³² − 1, or the
            file is damaged.
        IndexError
            If there is no such frame.
        """
        if not 0 <= t < self.n_frames:
            msg = f"{self.path} has frames 0 to {self.n_frames - 1}, not {t}"
            raise IndexError(msg)
        axis = self.axes.index("T") if "T" in self.axes else None
        part = self._source.read(axis, t)
        frame: NDArray[Any] = to_canonical(part, self.axes.replace("T", ""))[0]
        return self._admit(frame, t)

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
            As `frame`.

        Raises
        ------
        UserError
            As `frame`.
        """
        at: dict[str, int | slice] = {"T": t, "C": channel, "Z": box[0], "Y": box[1], "X": box[2]}
        part = self._source.read_part(tuple(at[letter] for letter in self.axes))
        left = self.axes.replace("T", "").replace("C", "")
        region: NDArray[Any] = to_canonical(part, left)[0, 0]
        return self._admit(region, t)

    def _admit(self, values: NDArray[Any], t: int) -> NDArray[Any]:
        """Refuse values of frame t that this role cannot have; labels become integers."""
        where = f"{self.path}, frame {t}"
        if self.role != "image":
            return as_labels(values, where)
        check_finite(values, where)
        return values

    def labels(self, t: int) -> NDArray[Any]:
        """Read one frame of a label image or mask as (Z, Y, X)."""
        return self.frame(t)[0]  # type: ignore[no-any-return]

    def frames(self) -> Iterator[NDArray[Any]]:
        """Read all frames in turn, each (C, Z, Y, X)."""
        for t in range(self.n_frames):
            yield self.frame(t)

    def check_values(self, progress: Progress = ignore_progress) -> None:
        """Read all frames of a floating-point file and refuse values that its role cannot have.

        Integer files are not read.

        Raises
        ------
        UserError
            At the first frame with such a value.
        """
        if self.dtype.kind != "f":
            return
        for t in range(self.n_frames):
            self.frame(t)
            progress(f"checking {self.role}", t + 1, self.n_frames)

    def sha256(self) -> str:
        """Hash the file, or all files of a folder with their names, as 64 hexadecimal digits."""
        return hash_path(self.path)

    def with_calibration(self, calibration: Calibration, known: Known) -> "Movie":
        """Give the same opened file with another calibration."""
        axes = (self.axes, self.axes_source)
        return Movie(self._source, self.path, axes, self.role, (calibration, known))

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> "Movie":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_again(self) -> "Movie":
        """Open what stands there now, perhaps another file, with the same axes and calibration.

        Raises
        ------
        UserError
            If it is no image any more.
        """
        make, arguments = self.__reduce__()
        found: Movie = make(*arguments)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        axes = (self.axes, self.axes_source)
        return _open_again, (self.path.absolute(), axes, self.role, (self.calibration, self.known))

    def __repr__(self) -> str:
        return (
            f"Movie({self.path}, {self.role}, axes {self.axes}, TCZYX {self.shape}, {self.dtype})"
        )


class _Array:
    """An array as what a reader of files gives."""

    kind = "an array"

    def __init__(self, movie: ArrayMovie) -> None:
        self._array, self.axes, self.scale = movie.array, movie.axes, Scale()
        self.shape, self.dtype = tuple(movie.array.shape), np.dtype(movie.array.dtype)

    def read(self, axis: int | None, index: int) -> NDArray[Any]:
        return self.read_part(() if axis is None else (*(slice(None),) * axis, index))

    def read_part(self, where: tuple[int | slice, ...]) -> NDArray[Any]:
        return np.asarray(self._array[where])

    def close(self) -> None:
        """Do nothing: an array stays."""


def view_array(array: ArrayMovie, calibration: Calibration) -> Movie:
    """View an array as the image that files are opened as; in messages it is ``image``.

    Parameters
    ----------
    array : ArrayMovie
    calibration : Calibration
        Voxel size and time step, for `Movie.calibration`.
    """
    settled = (array.axes, "the array")
    return Movie(_Array(array), Path("image"), settled, "image", (calibration, Known()))


def open_movie(
    path: Path | str,
    axes: str | None = None,
    *,
    role: Role = "image",
    given: Given | None = None,
    model: Movie | None = None,
) -> Movie:
    """Open an image, a label image or a mask without reading its pixels.

    Reads TIFF, OME-TIFF, ImageJ hyperstacks, OME-Zarr, folders with one TIFF a frame and, with the
    extra ``formats``, the files of microscope vendors.

    Parameters
    ----------
    path : Path or str
        File, or folder of an OME-Zarr or of frames.
    axes : str, optional
        One letter of TCZYX for each dimension of the file, e.g. ``"TZYX"``; by default what the
        metadata says. A file without T is one frame.
    role : {"image", "labels", "mask"}
        Labels and masks have one channel and whole numbers (a mask may be boolean).
    given : Given, optional
        Voxel size and time step; by default from the metadata.
    model : Movie, optional
        The movie whose shape the file must have: axes that the metadata do not settle follow from
        it.

    Returns
    -------
    Movie

    Raises
    ------
    UserError
        If the file is missing or no image, nothing settles the axes, or the type does not fit the
        role.
    """
    path = Path(path)
    source = _open_source(path)
    shape = Model(model.path, model.shape) if model is not None else None
    try:
        settled = settle_axes(source, path, axes, role, shape)
        slices = source.shape[settled[0].index("Z")] if "Z" in settled[0] else 1
        calibration = settle_calibration(
            source.scale, given or Given(), settled[0], slices > 1, path
        )
        _check_role(source, path, settled[0], role)
        movie = Movie(source, path, settled, role, calibration)
    except UserError:
        source.close()
        raise
    _log.info(
        "%s: axes %s (from %s), TCZYX %s, %s, voxel Z,Y,X %s %s, dt %s %s",
        path, movie.axes, movie.axes_source, movie.shape, movie.dtype,
        movie.calibration.spacing(3), movie.calibration.space_unit, movie.calibration.dt,
        movie.calibration.time_unit,
    )  # fmt: skip
    if role != "image" and source.dtype.kind == "f":
        _log.info("%s: %s of floating point, read as whole numbers", path, role)
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

    Which files of a folder count, `list_files` says.
    """
    digest = hashlib.sha256()
    for name, file in list_files(path):
        if name:
            digest.update(os.fsencode(name) + b"\0")
        feed_hash(digest, file)
    return digest.hexdigest()


def _open_again(
    path: Path, axes: tuple[str, str], role: Role, calibration: tuple[Calibration, Known]
) -> Movie:
    return Movie(_open_source(path), path, axes, role, calibration)


def _open_source(path: Path) -> FrameSource:
    if not path.exists():
        msg = f"{path}: {explain_missing(path)}; give the path of an image"
        raise UserError(msg)
    if path.is_dir():
        return NgffSource(path) if is_zarr(path) else FolderSource(path)
    check_plain(path)
    suffix = path.suffix.lower()
    if suffix in VENDOR_SUFFIXES:
        return VendorSource(path)
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        msg = f"{path}: not an image (no TIFF signature); "
        msg += OTHER_FORMATS.get(suffix, "give a TIFF, OME-TIFF, OME-Zarr or a folder of TIFFs")
        raise UserError(msg)
    return TiffSource(path)


def _check_role(source: FrameSource, path: Path, axes: str, role: Role) -> None:
    kind = source.dtype.kind
    if role == "image" and kind not in "buif":
        msg = f"{path}: pixels of type {source.dtype}, expected integer or floating point"
        raise UserError(msg)
    if role == "image":
        return
    if kind not in ("buif" if role == "mask" else "uif"):
        what = "label image" if role == "labels" else "mask"
        msg = f"{path}: a {what} of type {source.dtype}, expected whole numbers; "
        msg += "save it as 16- or 32-bit integers"
        raise UserError(msg)
    channels = source.shape[axes.index("C")] if "C" in axes else 1
    if channels != 1:
        msg = f"{path}: {role} with {channels} channels ({axes}), expected one; save one channel "
        msg += f"alone, or, if these are slices or frames, give {OPTIONS[role]}"
        raise UserError(msg)
