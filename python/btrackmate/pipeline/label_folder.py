"""Folders of label images, paired by file name."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.io.ctc import CtcSegments
from btrackmate.io.folder import name_frame_axes, number_names
from btrackmate.io.image_calibration import UNSIZED
from btrackmate.io.image_pairs import list_by_name, pair_by_name
from btrackmate.io.images import Movie, open_movie
from btrackmate.io.tiff import TiffSource
from btrackmate.pipeline.inputs import MovieFrames

_log = logging.getLogger(__name__)


class LabelFolder:
    """The TIFF files of a folder by name.

    Parameters
    ----------
    folder : Path
        Files whose names begin with a dot are left out.
    axes : str, optional
        Axes of files whose metadata do not name them.

    Attributes
    ----------
    files : dict of str to Path
        By name without suffix, in the order of the names.

    Raises
    ------
    UserError
        If the folder holds no TIFF file, or two files have one name but for the suffix.
    """

    def __init__(self, folder: Path, axes: str | None = None) -> None:
        self.folder = folder
        self.axes = axes
        self.files = list_by_name(folder)
        if not self.files:
            msg = f"{folder}: holds no label image (.tif, .tiff), run or Cell Tracking Challenge "
            msg += "table; give a folder that does"
            raise UserError(msg)

    def open(self, path: Path, *, frame: bool = False) -> Movie:
        """Open a file; its voxel size is of no use here and may be missing.

        Parameters
        ----------
        path : Path
        frame : bool
            It is one frame of a series, so that pages that its metadata do not name are slices.
        """
        axes = self.axes
        if frame and axes is None:
            with closing(TiffSource(path)) as source:
                axes = name_frame_axes(source.axes, source.shape, path)
        return open_movie(path, axes=axes, role="labels", given=UNSIZED)


def read_pairs(
    truth: LabelFolder, result: LabelFolder
) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Read the images of two folders in pairs of the same file name.

    Yields
    ------
    (str, ([Z,] Y, X) ndarray, ([Z,] Y, X) ndarray)
        Name (with the frame, if the file is a movie), truth and result.

    Raises
    ------
    UserError
        If a file has no partner, or one with another number of frames; it is named.
    """
    for first, second in pair_by_name(truth.files, result.files):
        with truth.open(first) as one, result.open(second) as other:
            if one.n_frames != other.n_frames:
                msg = f"{one.path} has {one.n_frames} frames, {other.path} {other.n_frames}; "
                msg += "expected as many"
                raise UserError(msg)
            ndim = max(one.ndim, other.ndim)
            frames = MovieFrames(one, ndim), MovieFrames(other, ndim)
            for t in range(one.n_frames):
                label = first.stem if one.n_frames == 1 else f"{first.stem}, frame {t}"
                yield label, frames[0].frame(t), frames[1].frame(t)


class TrackedFrames(Sequence[NDArray[Any]]):
    """Frames that a function reads, as a sequence."""

    def __init__(self, count: int, read: Callable[[int], NDArray[Any]]) -> None:
        self._count = count
        self._read = read

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, t: Any) -> Any:
        """Read frame t."""
        if not 0 <= t < self._count:
            raise IndexError(t)
        return self._read(t)


class NumberedFrames:
    """Label images by the number of their frame.

    Parameters
    ----------
    path : Path
        Where they come from, for messages.
    labels : LabelFolder, CtcSegments or sequence of ([Z,] Y, X) ndarray

    Attributes
    ----------
    numbers : list of (int, int)
        Frames, and slices of them, −1 for whole frames.

    Raises
    ------
    UserError
        If the files of a folder are no series of frames.
    """

    def __init__(self, path: Path, labels: Any) -> None:
        self.path = path
        self._labels = labels
        self._files: dict[int, Path] = {}
        if isinstance(labels, CtcSegments):
            self.numbers = list(labels.paths)
            return
        if isinstance(labels, LabelFolder):
            try:
                numbers = number_names(list(labels.files), str(path))
            except UserError as error:
                msg = f"{error}; {path} is a folder of label images: give two folders, whose files "
                msg += "are paired by name, or two movies"
                raise UserError(msg) from None
            self._files = dict(zip(numbers, labels.files.values(), strict=True))
        self.numbers = [(t, -1) for t in sorted(self._files) or range(len(labels))]

    def read(self, frame: int, plane: int) -> NDArray[Any]:
        """Read a frame, or one slice of it, ([Z,] Y, X).

        Raises
        ------
        UserError
            If there is no such frame.
        """
        if (frame, plane) not in self.numbers and (frame, -1) not in self.numbers:
            known = [t for t, _ in self.numbers]
            msg = f"{self.path}: has no frame {frame}, which the truth has; it has {len(known)} "
            msg += f"frames from {min(known, default=0)} to {max(known, default=0)}"
            raise UserError(msg)
        if isinstance(self._labels, CtcSegments):
            whole = (frame, plane) not in self.numbers
            image = self._labels.read(frame, -1 if whole else plane)
        elif self._files:
            with self._labels.open(self._files[frame], frame=True) as movie:
                image, whole = MovieFrames(movie, movie.ndim).frame(0), True
        else:
            image, whole = self._labels[frame], True
        return image[plane] if whole and plane >= 0 and image.ndim == 3 else image


def pair_frames(
    truth: NumberedFrames, result: NumberedFrames
) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Read what the truth has, and the same frames of the result.

    Frames that the result alone has are warned of, unless the truth is one of chosen frames.

    Yields
    ------
    (str, ([Z,] Y, X) ndarray, ([Z,] Y, X) ndarray)
        Name, truth and result.
    """
    known, found = ({t for t, _ in one.numbers} for one in (truth, result))
    if known == set(range(len(known))) and found - known:
        _log.warning(
            "%s has %d frames and %s %d: the %d that the former lacks are not scored",
            truth.path, len(known), result.path, len(found), len(found - known),
        )  # fmt: skip
    for frame, plane in truth.numbers:
        name = f"frame {frame}" + (f", slice {plane}" if plane >= 0 else "")
        yield name, truth.read(frame, plane), result.read(frame, plane)
