"""Folders of label images, paired by file name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.io.image_calibration import Given
from btrackmate.io.image_pairs import list_by_name, pair_by_name
from btrackmate.io.images import Movie, open_movie
from btrackmate.pipeline.inputs import MovieFrames


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

    def open(self, path: Path) -> Movie:
        """Open a file; its voxel size is of no use here and may be missing."""
        given = Given((1.0, 1.0, 1.0), space_unit="pixel")
        return open_movie(path, axes=self.axes, role="labels", given=given)


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
