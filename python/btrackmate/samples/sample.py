"""Load the samples that ship with the package."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.files import write_atomically, write_text
from btrackmate.samples.files import read_stack, write_stack


@dataclass(frozen=True)
class SampleMovie:
    """A movie with ground truth.

    Parameters
    ----------
    image : (T, Z, Y, X) ndarray of uint8
        Membrane-labelled tissue.
    truth : (T, Z, Y, X) ndarray of uint16, 0 is background
        Labels are tracklets: the same cell has the same label in every frame, and daughters
        have new ones.
    mask : (Z, Y, X) ndarray of uint8
        Tissue of interest, 0 outside.
    calibration : Calibration
        In µm and minutes, nominal.
    man_track : DataFrame
        Columns L, B, E, P of the Cell Tracking Challenge.
    positions : DataFrame
        Real positions: id, frame, z, y, x (µm in the image), parent, tracklet.
    """

    image: NDArray[Any]
    truth: NDArray[Any]
    mask: NDArray[Any]
    calibration: Calibration
    man_track: pd.DataFrame
    positions: pd.DataFrame

    @property
    def n_divisions(self) -> int:
        """Number of divisions in the movie."""
        mothers = self.man_track.loc[self.man_track["P"] > 0, "P"].value_counts()
        return int((mothers >= 2).sum())


@dataclass(frozen=True)
class SamplePaths:
    """Files of the sample movie.

    Parameters
    ----------
    image : Path
        Movie, T Z Y X, 8 bit.
    truth : Path
        Ground truth labels, T Z Y X, 16 bit; labels are tracklets.
    mask : Path
        Tissue mask, Z Y X.
    man_track : Path
        Cell Tracking Challenge table: L B E P, no header.
    positions : Path
        CSV of the real positions: id, frame, z, y, x (µm), parent, tracklet.
    """

    image: Path
    truth: Path
    mask: Path
    man_track: Path
    positions: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "SamplePaths":
        """Name the files of a sample movie in a folder."""
        return cls(
            folder / "embryo.tif",
            folder / "embryo_truth.tif",
            folder / "embryo_mask.tif",
            folder / "embryo_man_track.txt",
            folder / "embryo_positions.csv",
        )


def sample_paths() -> SamplePaths:
    """Return the paths of the shipped sample movie's files."""
    return SamplePaths.in_folder(_data_folder())


def load_sample(paths: SamplePaths | None = None) -> SampleMovie:
    """Load the sample movie: an ascidian embryo, real positions and rendered pixels.

    Parameters
    ----------
    paths : SamplePaths, optional
        Files that `write_sample` wrote; default is the shipped movie.

    Returns
    -------
    SampleMovie
        Image, truth, mask, calibration, man_track and positions.
    """
    paths = paths or sample_paths()
    image, calibration = read_stack(paths.image)
    return SampleMovie(
        image,
        read_stack(paths.truth)[0],
        read_stack(paths.mask)[0],
        calibration,
        pd.read_csv(paths.man_track, sep=" ", header=None, names=["L", "B", "E", "P"]),
        pd.read_csv(paths.positions),
    )


def write_sample(movie: SampleMovie, folder: Path) -> SamplePaths:
    """Write a movie as the files that `SamplePaths` names.

    Parameters
    ----------
    movie : SampleMovie
    folder : Path
        Made if missing; files of the same names are replaced, others stay.
    """
    paths = SamplePaths.in_folder(folder)
    arrays = {paths.image: movie.image, paths.truth: movie.truth, paths.mask: movie.mask}
    for path, array in arrays.items():
        with write_atomically(path) as temporary:
            write_stack(temporary, array, movie.calibration)
    table = movie.man_track.to_csv(sep=" ", header=False, index=False, lineterminator="\n")
    write_text(paths.man_track, table)
    table = movie.positions.to_csv(index=False, float_format="%.3f", lineterminator="\n")
    write_text(paths.positions, table)
    return paths


@dataclass(frozen=True)
class Stack:
    """A real image stack with ground truth.

    Parameters
    ----------
    image : (Z, Y, X) ndarray of uint8
    labels : (Z, Y, X) ndarray of uint16, 0 is background
    calibration : Calibration
        In µm.
    """

    image: NDArray[Any]
    labels: NDArray[Any]
    calibration: Calibration


@dataclass(frozen=True)
class Halves:
    """A stack cut in two along x, for training on one half and scoring on the other.

    Parameters
    ----------
    train, test : Stack
        The halves share no voxel.
    shared : frozenset of int
        Labels of the cells that the cut goes through: they have voxels in both halves, so the
        training has seen a part of each.
    """

    train: Stack
    test: Stack
    shared: frozenset[int]

    @property
    def n_unseen(self) -> int:
        """Number of cells of the test half of which the training has seen nothing."""
        return len(np.setdiff1d(self.test.labels, [0, *self.shared]))

    def drop_shared(self, labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Take the cut cells out of a result and of the truth, to score unseen cells only.

        Parameters
        ----------
        labels : (Z, Y, X) ndarray of int, 0 is background
            Segmentation of the test half.

        Returns
        -------
        truth, result : (Z, Y, X) ndarrays
            Copies of the test half's truth without the cut cells, and of `labels` without the
            cells that lie mostly (by voxels) in cut cells.
        """
        cut = np.isin(self.test.labels, sorted(self.shared))
        ids, position = np.unique(labels, return_inverse=True)
        position = position.reshape(labels.shape)
        inside = np.bincount(position[cut], minlength=len(ids))
        dropped = 2 * inside > np.bincount(position.ravel(), minlength=len(ids))
        result = np.where(dropped[position], labels.dtype.type(0), labels)
        return np.where(cut, self.test.labels.dtype.type(0), self.test.labels), result


def load_ovule(min_size: int = 100) -> Stack:
    """Load a real confocal stack of an *Arabidopsis* ovule, membrane-labelled.

    Parameters
    ----------
    min_size : int
        Labels with fewer voxels become background: the file holds some scraps.

    Returns
    -------
    Stack
        (32, 128, 128) voxels; the cells fill it without background.

    References
    ----------
    Wolny et al., Accurate and versatile 3D segmentation of plant tissues at cellular
    resolution, eLife 9:e57613 (2020), doi:10.7554/eLife.57613.
    """
    return _load_stack("ovule", min_size)


def load_nuclei(min_size: int = 100) -> Stack:
    """Load a real confocal stack of nuclei at low signal-to-noise ratio.

    Parameters
    ----------
    min_size : int
        Labels with fewer voxels become background: scraps at the border.

    Returns
    -------
    Stack
        (100, 100, 100) voxels.
    """
    return _load_stack("nuclei", min_size)


def split_ovule(min_size: int = 100) -> Halves:
    """Cut the ovule at the middle of x: train on the low half, test on the high one.

    Parameters
    ----------
    min_size : int
        As in `load_ovule`.
    """
    stack = load_ovule(min_size)
    middle = stack.image.shape[2] // 2
    train, test = (
        Stack(stack.image[..., part], stack.labels[..., part], stack.calibration)
        for part in (slice(None, middle), slice(middle, None))
    )
    shared = np.intersect1d(train.labels, test.labels)
    return Halves(train, test, frozenset(int(one) for one in shared if one > 0))


def _load_stack(name: str, min_size: int) -> Stack:
    """Load an image and its labels; small labels become background."""
    folder = _data_folder()
    image, calibration = read_stack(folder / f"{name}.tif")
    labels, _ = read_stack(folder / f"{name}_labels.tif")
    sizes = np.bincount(labels.ravel())
    labels = np.where(sizes[labels] >= min_size, labels, labels.dtype.type(0))
    return Stack(image, labels, calibration)


def _data_folder() -> Path:
    """Folder of the shipped data."""
    return Path(str(files("btrackmate.samples") / "data"))
