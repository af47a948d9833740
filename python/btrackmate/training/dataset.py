"""Training data: ``Raw/`` and ``Segmentation/`` images paired by name."""

import hashlib
import logging
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from btrackmate.core.errors import UserError
from btrackmate.core.watching import watch_inputs
from btrackmate.io.image_calibration import Stated, list_differences
from btrackmate.io.image_pairs import list_by_name, pair_by_name
from btrackmate.io.images import open_movie
from btrackmate.io.label_values import as_labels
from btrackmate.io.tiff import TiffSource, read_tiff
from btrackmate.segmentation.normalisation import normalise_volume
from btrackmate.training.settings import TrainSettings

_log = logging.getLogger(__name__)

#: Labels that are smaller on average are no cells.
_LEAST_VOXELS = 4


@dataclass(frozen=True)
class Pair:
    """An image and its labels.

    Parameters
    ----------
    name : str
        Name of both files.
    image : ([Z,] Y, X) ndarray of float32
        Normalised as in prediction.
    labels : ([Z,] Y, X) ndarray of int32
        Cells 1…n, 0 is background; all 0 (and not writable) where only images are needed.
    sha256 : str
        Of the two files' bytes; of a denoised copy also of the denoiser.
    """

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.int32]
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """Images for training and for validation.

    Parameters
    ----------
    train : tuple of Pair
        An image that counts several times stands in it as often.
    validation : tuple of Pair
    is_patches : bool
        The training images are patches cut before, each of which counts once an epoch.
    sha256 : str or None
        Of the file of such patches.
    """

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    is_patches: bool = False
    sha256: str | None = None


def pair_files(data_dir: Path) -> list[tuple[Path, Path]]:
    """Pair the images of ``Raw/`` with those of ``Segmentation/`` by file name.

    Parameters
    ----------
    data_dir : Path
        Folder that holds the two.

    Returns
    -------
    list of (Path, Path)
        Image and labels, in the order of their names.

    Raises
    ------
    UserError
        If a folder is missing or empty, or a file has no partner; it is named.
    """
    return pair_by_name(list_images(data_dir, "Raw"), list_images(data_dir, "Segmentation"))


def list_images(data_dir: Path, name: str) -> dict[str, Path]:
    """List the TIFF files of a folder by their names without suffix.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/`` and ``Segmentation/``.
    name : str
        Which of the two.

    Returns
    -------
    dict of str to Path
        In the order of the names.

    Raises
    ------
    UserError
        If the folder is missing, or two files have the same name but for the suffix.
    """
    folder = data_dir / name
    if not folder.is_dir():
        msg = f"training data: no folder {folder}; expected {data_dir} to hold Raw/ and "
        msg += "Segmentation/ with TIFF files of the same names"
        raise UserError(msg)
    return list_by_name(folder)


def load_dataset(data_dir: Path, settings: TrainSettings, *, labels: bool = True) -> DataSet:
    """Read, check, normalise and split training data.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/`` and ``Segmentation/``.
    settings : TrainSettings
        Normalisation, split and seed.
    labels : bool
        Read ``Segmentation/``; without, one image is enough and also validates.

    Returns
    -------
    DataSet
        Split by image.

    Raises
    ------
    UserError
        If files don't pair, differ in shape, are not of the expected dimensions, or hold no or
        too few labels.
    """
    if labels:
        files = pair_files(data_dir)
        pairs = [_load_pair(raw, truth, settings) for raw, truth in files]
        _warn_of_sizes(files)
    else:
        pairs = [_load_image(raw, settings) for raw in list_images(data_dir, "Raw").values()]
    if labels and pairs and not any(pair.labels.any() for pair in pairs):
        msg = f"training data in {data_dir}: no Segmentation image holds a label above 0"
        raise UserError(msg)
    if len(pairs) == 1 and not labels:
        _log.warning("%s holds one image: the training is validated on it too", data_dir)
        return DataSet((pairs[0],), (pairs[0],))
    if len(pairs) < 2:
        msg = f"training data in {data_dir}: {len(pairs)} image{' pairs' if labels else 's'}, "
        msg += "expected at least 2 (one is kept for validation)"
        raise UserError(msg)
    data = _split(pairs, data_dir, settings)
    if labels:
        _check_cells(data, data_dir, settings.min_cells)
    return data


def load_pairs(data_dir: Path, settings: TrainSettings) -> tuple[Pair, ...]:
    """Read labelled images without splitting them, 2D or 3D, one or more.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/`` and ``Segmentation/``.
    settings : TrainSettings
        Normalisation.

    Returns
    -------
    tuple of Pair

    Raises
    ------
    UserError
        If files don't pair or differ in shape or dimensions, or there is no label.
    """
    if check_dimensions(data_dir) == 2:
        settings = settings.for_images()
    pairs = tuple(_load_pair(raw, truth, settings) for raw, truth in pair_files(data_dir))
    if not any(pair.labels.any() for pair in pairs):
        msg = f"{data_dir}: no Segmentation image holds a label above 0"
        raise UserError(msg)
    return pairs


def check_dimensions(data_dir: Path) -> int:
    """Read how many dimensions the first image has, without reading its pixels.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/``.

    Returns
    -------
    int
        Axes of more than one pixel; 0 if there is no readable image.
    """
    for path in list_images(data_dir, "Raw").values():
        try:
            with closing(TiffSource(path)) as source:
                return sum(size > 1 for size in source.shape)
        except UserError:
            return 0
    return 0


def _split(pairs: list[Pair], data_dir: Path, settings: TrainSettings) -> DataSet:
    """Draw the images for validation; those that count several times are for training."""
    counts = [_count(pair.name, settings.repeat) for pair in pairs]
    free = [i for i, count in enumerate(counts) if count == 1]
    if not free:
        msg = f"training data in {data_dir}: repeat {settings.repeat} takes every image for "
        msg += "training; leave at least one for validation"
        raise UserError(msg)
    order = np.random.default_rng(settings.seed).permutation(free)
    most = len(free) if len(free) < len(pairs) else len(free) - 1
    held = set(order[: min(max(1, round(settings.validation_split * len(pairs))), most)].tolist())
    return DataSet(
        tuple(
            pair
            for i, (pair, count) in enumerate(zip(pairs, counts, strict=True))
            if i not in held
            for _ in range(count)
        ),
        tuple(pair for i, pair in enumerate(pairs) if i in held),
    )


def _check_cells(data: DataSet, data_dir: Path, least: int) -> None:
    names = {pair.name: int(pair.labels.max()) for pair in data.train}
    if sum(names.values()) < least:
        msg = f"training data in {data_dir}: the {len(names)} training images hold "
        msg += f"{sum(names.values())} labelled cells, expected at least {least}; "
        msg += "label more cells (or lower min_cells)"
        raise UserError(msg)


def _count(name: str, repeat: dict[str, int]) -> int:
    """How many times an image counts: by the first pattern that fits its name."""
    return next((n for pattern, n in repeat.items() if fnmatch(name, pattern)), 1)


def _load_pair(raw: Path, truth: Path, settings: TrainSettings) -> Pair:
    with watch_inputs(raw, truth):
        image, labels = read_training_image(raw), read_training_image(truth)
        digest = hashlib.sha256(raw.read_bytes() + truth.read_bytes()).hexdigest()
    if image.shape != labels.shape:
        msg = f"{raw} has shape {image.shape}, its labels {truth} have {labels.shape}; "
        msg += "expected the same shape"
        raise UserError(msg)
    _check_image(image, raw, settings)
    normalised = normalise_volume(image, settings.norm_low, settings.norm_high, str(raw))
    return Pair(raw.stem, normalised, number_labels(labels, truth), digest)


def _warn_of_sizes(files: list[tuple[Path, Path]]) -> None:
    """Say in the log where images of a training, or image and labels, have other voxel sizes."""
    stated = [(_read_stated(raw), _read_stated(truth)) for raw, truth in files]
    first = next((one for one, _ in stated if one is not None and one.known.size), None)
    beside = [two for image, labels in stated for two in ((image, labels), (first, image))]
    found = [
        (one.path, other.path, differences)
        for one, other in beside
        if one is not None and other is not None
        if (differences := list_differences(one, other))
    ]
    if found:
        one, other, differences = found[0]
        _log.warning(
            "%s and %s have other voxel sizes%s: %s; networks learn in voxels, so cells of one "
            "size are learnt as of several: resample them, or correct the sizes that are wrong",
            one, other, f" (and {len(found) - 1} more)" if len(found) > 1 else "",
            ", ".join(differences),
        )  # fmt: skip


def _read_stated(path: Path) -> Stated | None:
    """Read what a file states of its voxel size; None where its axes are not known."""
    try:
        with closing(open_movie(path)) as movie:
            return movie.stated
    except UserError:
        return None


def _load_image(raw: Path, settings: TrainSettings) -> Pair:
    with watch_inputs(raw):
        image = read_training_image(raw)
        digest = hashlib.sha256(raw.read_bytes()).hexdigest()
    _check_image(image, raw, settings)
    normalised = normalise_volume(image, settings.norm_low, settings.norm_high, str(raw))
    return Pair(raw.stem, normalised, np.broadcast_to(np.int32(0), image.shape), digest)


def _check_image(image: NDArray[Any], path: Path, settings: TrainSettings) -> None:
    if image.ndim != settings.ndim:
        msg = f"{path} has {image.ndim} dimensions {image.shape}, but patch_size "
        msg += f"{settings.patch_size} has {settings.ndim}; expected one channel of one frame"
        raise UserError(msg)


def number_labels(labels: NDArray[Any], source: Path) -> NDArray[np.int32]:
    """Give the labels of an image the numbers 1…n.

    Parameters
    ----------
    labels : ndarray of int
        0 is background.
    source : Path
        Their file, for messages.

    Returns
    -------
    ndarray of int32
        Same shape.

    Raises
    ------
    UserError
        If they are not integers from 0.
    """
    if labels.dtype.kind == "f":
        labels = as_labels(labels, str(source))
    if labels.dtype.kind not in "ui" or labels.min() < 0:
        msg = f"{source} is {labels.dtype} from {labels.min():g}, expected integer labels ≥ 0; "
        msg += "save the labels as 8-, 16- or 32-bit integers"
        raise UserError(msg)
    ids, numbered = np.unique(labels, return_inverse=True)
    numbered = numbered.reshape(labels.shape) + (1 if ids[0] != 0 else 0)
    _warn_of_odd_labels(numbered, ids, source)
    return numbered.astype(np.int32)


def _warn_of_odd_labels(numbered: NDArray[Any], ids: NDArray[Any], source: Path) -> None:
    """Say in the log where labels look like a mask, or like an image."""
    highest = int(numbered.max())
    pieces = ndimage.label(numbered)[1] if highest == 1 else 1
    if pieces > 1:
        _log.warning(
            "%s has one label, %d, in %d pieces, which is learnt as one cell: is it a mask? Give "
            "each cell a label of its own, e.g. by skimage.measure.label", source, ids[-1], pieces,
        )  # fmt: skip
    elif highest and np.count_nonzero(numbered) < _LEAST_VOXELS * highest:
        _log.warning(
            "%s has %d labels of %.2g voxels on average: is it an image, not labels?",
            source, highest, np.count_nonzero(numbered) / highest,
        )  # fmt: skip


def read_training_image(path: Path) -> NDArray[Any]:
    """Read a TIFF file; axes of one pixel go.

    Raises
    ------
    UserError
        If it is not readable.
    """
    return np.asarray(np.squeeze(read_tiff(path)))
