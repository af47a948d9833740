"""TIFF, OME-TIFF and ImageJ hyperstacks, read plane by plane."""

import contextlib
import logging
import math
import mmap
import re
import struct
import threading
import weakref
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.reading import check_plain
from btrackmate.core.tiff_sets import list_set, list_strangers
from btrackmate.core.watching import glance_at
from btrackmate.io.frame_source import Scale
from btrackmate.io.tiff_planes import walk_planes
from btrackmate.io.tiff_scale import read_imagej_scale, read_ome_scale

_log = logging.getLogger(__name__)

#: So many planes are listed whatever the metadata say.
_FEW_PLANES = 100_000
#: Files that a message names.
_SHOWN = 3

# What tifffile raises on damaged files.
_FAULTS = (
    tifffile.TiffFileError,
    OSError,
    ValueError,
    IndexError,
    KeyError,
    RuntimeError,
    SystemError,
    ArithmeticError,
    AssertionError,
    TypeError,
    struct.error,
    zlib.error,
)


class TiffSource:
    """The first image series of a TIFF file.

    Parameters
    ----------
    path : Path
        File to open.
    tell : bool
        Whether the log tells of what was never written, and of files of other sets; a file that is
        opened again has told.

    Raises
    ------
    UserError
        If the file is no TIFF or its structure is damaged.
    """

    def __init__(self, path: Path, *, tell: bool = True) -> None:
        self._path = path
        self._tell = tell
        self._turn = threading.Lock()
        check_plain(path)
        with _collect_complaints() as complaints:
            with _blame_file(path):
                self._file = tifffile.TiffFile(path)
            # A movie that nobody closes is closed when nobody uses it any more.
            self._closer = weakref.finalize(self, self._file.close)
            self._others = list_set(path)
            self.standing = self._glance()
            try:
                with _blame_file(path):
                    self._open()
            except UserError:
                self.close()
                raise
        if len(self._file.series) > 1:
            _log.warning(
                "%s holds %d image series; the first one is read", path, len(self._file.series)
            )
        for text in complaints:
            _log.warning("%s: %s", path, text)

    def _open(self) -> None:
        """Find the first series, and check that it is whole."""
        self._check_ome_planes()
        for path in self._others:
            _check_cut(path, tell=self._tell)
        if self._tell and (strangers := list_strangers(self._path, self._others)):
            names = ", ".join(path.name for path in strangers[:_SHOWN])
            _log.warning(
                "%s: names %d files that say they are of another set (their UUID is another): %s; "
                "if they are of another movie, so are these frames", self._path, len(strangers),
                names,
            )  # fmt: skip
        self._file.filehandle.set_lock(True)
        self._series = self._file.series[0]
        self._check_planes()
        self._check_end()
        self.kind = self._name_kind()
        self.axes = self._settle_axes()
        self.shape = tuple(int(length) for length in self._series.shape)
        self.dtype: np.dtype[Any] = np.dtype(self._series.dtype).newbyteorder("=")
        self.scale = self._read_scale()
        self._offset = self._find_contiguous()

    def read(self, axis: int | None, index: int) -> NDArray[Any]:
        """Read one part of the series (see :class:`FrameSource`)."""
        with _blame_file(self._path), self._refuse_changed():
            if self._offset is not None:
                where = () if axis is None else (slice(None),) * axis + (index,)
                return self._read_mapped(self._offset, where)
            return self._read_pages(axis, index)

    def read_part(self, where: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part of the series, plane by plane (see :class:`FrameSource`)."""
        with _blame_file(self._path), self._refuse_changed():
            if self._offset is not None:
                return self._read_mapped(self._offset, where)
            lead = len(self.shape) - len(self._series.keyframe.shape)
            numbers = np.arange(math.prod(self.shape[:lead])).reshape(self.shape[:lead])
            numbers = np.asarray(numbers[where[:lead]])
            planes = [self._read_page(int(n))[where[lead:]] for n in numbers.ravel()]
            return np.stack(planes).reshape(*numbers.shape, *planes[0].shape)

    def close(self) -> None:
        """Close the file."""
        self._closer()

    @contextlib.contextmanager
    def _refuse_changed(self) -> Iterator[None]:
        """Refuse what is read of a file that another program wrote into; replaced, it stays open.

        Nor is it read where it was cut, as bytes that are gone would end the process.
        """
        self._check_unchanged()
        yield
        self._check_unchanged()

    def _glance(self) -> object:
        """Look at the file that is open, and at those of its set, which are opened at each read."""
        return glance_at(self._file.filehandle.fileno(), *self._others)

    def _check_unchanged(self) -> None:
        if self._glance() != self.standing:
            msg = f"{self._path} was changed since it was opened: open it again"
            raise UserError(msg)

    def _check_ome_planes(self) -> None:
        """Refuse OME metadata that names more planes than the file can hold, before listing them.

        A page takes at least 18 bytes; planes in other files are named in the metadata.
        """
        xml = (self._file.ome_metadata or "") if self._file.is_ome else ""
        files = len(set(re.findall(r'FileName="([^"]*)"', xml))) or 1
        limit = files * (self._path.stat().st_size // 18 + 1)
        for pixels in re.findall(r"<(?:\w+:)?Pixels\b[^>]*>", xml):
            sizes = re.findall(r'\bSize[ZCT]="\s*(\d{1,18})\s*"', pixels)
            said = math.prod(int(size) for size in sizes)
            if files == 1 and said > limit and said > _FEW_PLANES:
                msg = f"{self._path}: its metadata name {said} planes, more than the file can "
                msg += "hold; copy or save it again"
                raise UserError(msg)

    def _check_planes(self) -> None:
        """Refuse a file that holds fewer planes than it says, as one cut off does."""
        said = int((self._file.imagej_metadata or {}).get("images", 1))
        held = math.prod(self._series.shape[:-2])
        if self._file.is_imagej and held < said:
            msg = f"{self._path}: holds {held} of the {said} planes that its metadata names; "
            msg += "copy or save it again"
            raise UserError(msg)
        if self._file.is_shaped and self._series.kind == "shaped":
            metadata: Sequence[Mapping[str, Any]] = self._file.shaped_metadata or ()
            named = tuple(metadata[0].get("shape", ())) if metadata else ()
            if math.prod(self._series.shape) < math.prod(named):
                msg = f"{self._path}: holds an image of shape {self._series.shape}, its metadata "
                msg += f"names {named}; copy or save it again"
                raise UserError(msg)

    def _check_end(self) -> None:
        """Refuse a file that was cut off, which may leave a shorter movie that looks whole.

        Where the metadata name the shape and all lies in one piece, that has been looked at.
        """
        counted = self._file.is_imagej or (self._file.is_shaped and self._series.kind == "shaped")
        if counted and self._series.dataoffset is not None:
            return
        _check_cut(self._path, tell=self._tell)

    def _name_kind(self) -> str:
        if self._file.is_ome:
            return "OME-TIFF"
        if self._file.is_imagej:
            return "ImageJ TIFF"
        return "TIFF"

    def _settle_axes(self) -> str:
        axes = str(self._series.axes).upper()
        # Colour samples of an RGB image are channels; the file's metadata says so.
        return axes.replace("S", "C") if "C" not in axes else axes

    def _find_contiguous(self) -> int | None:
        """Give where an uncompressed series begins that lies in one piece.

        Its pages are not even listed then.
        """
        offset = self._series.dataoffset
        if offset is None or math.prod(self.shape) == 0:
            return None
        size = math.prod(self.shape) * np.dtype(self._series.dtype).itemsize
        if offset + size > self._path.stat().st_size:
            msg = f"{self._path}: the file ends before its last plane; copy or save it again"
            raise UserError(msg)
        return int(offset)

    def _read_mapped(self, offset: int, where: tuple[int | slice, ...]) -> NDArray[Any]:
        """Copy a part of a series in one piece out of the mapped file.

        The file is mapped for each part, as pages that were read count as memory of the process.
        """
        dtype = np.dtype(self._series.dtype).newbyteorder(self._file.byteorder)
        handle = self._file.filehandle.fileno()
        with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as mapped:
            count = math.prod(self.shape)
            whole = np.frombuffer(mapped, dtype, count, offset).reshape(self.shape)
            part = np.array(whole[where], dtype=self.dtype)
            del whole
        return part

    def _read_pages(self, axis: int | None, index: int) -> NDArray[Any]:
        keyframe = self._series.keyframe
        lead = len(self.shape) - len(keyframe.shape)
        if axis is not None and axis >= lead:
            whole: NDArray[Any] = np.asarray(self._series.asarray())
            return whole[(slice(None),) * axis + (index,)]
        numbers: NDArray[Any] = np.arange(math.prod(self.shape[:lead]))
        numbers = numbers.reshape(self.shape[:lead])
        if axis is not None:
            numbers = numbers.take(index, axis=axis)
        result = np.empty((numbers.size, *keyframe.shape), self.dtype)
        for slot, number in enumerate(numbers.ravel()):
            self._read_page(int(number), result[slot])
        return result.reshape(*numbers.shape, *keyframe.shape)

    def _read_page(self, number: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        page = self._series.pages[number]
        if page is None:
            msg = f"plane {number} is missing in the file, or a file that its metadata name"
            raise ValueError(msg)
        handle = page.parent.filehandle
        if handle is self._file.filehandle:
            return np.asarray(page.asarray(out=out))
        with self._turn, contextlib.closing(handle):  # Of another file of the set.
            handle.open()
            return np.asarray(page.asarray(out=out))

    def _read_scale(self) -> Scale:
        if self._file.is_ome:
            return read_ome_scale(self._file.ome_metadata or "", str(self._path))
        if self._file.is_imagej:
            tags = self._file.pages[0].tags
            sizes = [_voxel_size(tags.get(name)) for name in ("XResolution", "YResolution")]
            return read_imagej_scale(self._file.imagej_metadata or {}, sizes, str(self._path))
        # Dots per inch of a plain TIFF say how to print it, not how large the cells are.
        return Scale()


def _check_cut(path: Path, *, tell: bool) -> None:
    """Refuse a file that was cut off; warn of strips and tiles that were never written."""
    found = walk_planes(path)
    if found.cut is not None:
        msg = f"{path}: damaged after plane {found.cut}, the file ends too early; copy or save it "
        msg += "again"
        raise UserError(msg)
    if found.unwritten and tell:
        _log.warning(
            "%s: strips or tiles of %d planes were never written and are read as 0: some writers "
            "leave out empty ones; if this one does not, the data are incomplete",
            path, found.unwritten,
        )  # fmt: skip


def read_tiff(path: Path, *, channels: bool = True) -> NDArray[Any]:
    """Read the first image series of a TIFF file whole.

    Parameters
    ----------
    path : Path
    channels : bool
        Whether it may have several channels, as colours.

    Raises
    ------
    UserError
        If the file is no TIFF or it is damaged, or has channels that it may not have.
    """
    with contextlib.closing(TiffSource(path)) as source:
        if not channels and "C" in source.axes and source.shape[source.axes.index("C")] > 1:
            msg = f"{path}: has {source.shape[source.axes.index('C')]} channels, expected labels"
            raise UserError(msg)
        return source.read(None, 0)


@contextlib.contextmanager
def _collect_complaints() -> Iterator[list[str]]:
    """Collect what tifffile logs about a file in this thread instead of showing it."""
    complaints: list[str] = []
    here = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        if record.thread != here:  # Another file's.
            return True
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            complaints.append(text.partition("> ")[2] if text.startswith("<") else text)
        return record.levelno < logging.WARNING

    logger = logging.getLogger("tifffile")
    logger.addFilter(keep)
    try:
        yield complaints
    finally:
        logger.removeFilter(keep)


@contextlib.contextmanager
def _blame_file(path: Path) -> Iterator[None]:
    """Turn what tifffile raises into one line that names the file."""
    try:
        yield
    except UserError:
        raise
    except _FAULTS as error:
        raise UserError(_damaged(path, error)) from None


def _damaged(path: Path, error: Exception) -> str:
    reason = describe_error(error)
    return f"{path}: not readable as a TIFF image ({reason}); copy or save it again"


def _voxel_size(tag: Any) -> float | None:
    if tag is None:
        return None
    pixels, units = tag.value
    return float(units) / float(pixels) if pixels and units else None
