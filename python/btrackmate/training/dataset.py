"""Training data: ``Raw/`` and ``Segmentation/`` images paired by name."""

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.segmentation.normalisation import normalise_volume
from btrackmate.training.settings import TrainSettings

_SUFFIXES = (".tif", ".tiff")


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
        Cells 1…n, 0 is background.
    sha256 : str
        Of the two files' bytes.
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
    """

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]


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
    sides: list[dict[str, Path]] = []
    for name in ("Raw", "Segmentation"):
        folder = data_dir / name
        if not folder.is_dir():
            msg = f"training data: no folder {folder}; expected {data_dir} to hold Raw/ and "
            msg += "Segmentation/ with TIFF files of the same names"
            raise UserError(msg)
        files = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in _SUFFIXES]
        sides.append({p.stem: p for p in files if not p.name.startswith(".")})
    raw, truth = sides
    alone = [f"Raw/{raw[name].name}" for name in sorted(raw.keys() - truth.keys())]
    alone += [f"Segmentation/{truth[name].name}" for name in sorted(truth.keys() - raw.keys())]
    if alone:
        more = f" and {len(alone) - 5} more" if len(alone) > 5 else ""
        msg = f"training data in {data_dir}: no partner of the same name for "
        msg += f"{', '.join(alone[:5])}{more}; add the partner or remove the file"
        raise UserError(msg)
    if len(raw) < 2:
        msg = f"training data in {data_dir}: {len(raw)} image pairs, expected at least 2 "
        msg += "(one is kept for validation)"
        raise UserError(msg)
    return [(raw[name], truth[name]) for name in sorted(raw)]


def load_dataset(data_dir: Path, settings: TrainSettings) -> DataSet:
    """Read, check, normalise and split training data.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/`` and ``Segmentation/``.
    settings : TrainSettings
        Normalisation, split and seed.

    Returns
    -------
    DataSet
        Split by image.

    Raises
    ------
    UserError
        If files don't pair, differ in shape, are not of the expected dimensions, or hold no
        labels.
    """
    pairs = [_load_pair(raw, truth, settings) for raw, truth in pair_files(data_dir)]
    if not any(pair.labels.any() for pair in pairs):
        msg = f"training data in {data_dir}: no Segmentation image holds a label above 0"
        raise UserError(msg)
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


def _count(name: str, repeat: dict[str, int]) -> int:
    """How many times an image counts: by the first pattern that fits its name."""
    return next((n for pattern, n in repeat.items() if fnmatch(name, pattern)), 1)


def _load_pair(raw: Path, truth: Path, settings: TrainSettings) -> Pair:
    image, labels = _read(raw), _read(truth)
    if image.shape != labels.shape:
        msg = f"{raw} has shape {image.shape}, its labels {truth} have {labels.shape}; "
        msg += "expected the same shape"
        raise UserError(msg)
    if image.ndim != settings.ndim:
        msg = f"{raw} has {image.ndim} dimensions {image.shape}, but patch_size "
        msg += f"{settings.patch_size} has {settings.ndim}; expected one channel of one frame"
        raise UserError(msg)
    if labels.dtype.kind not in "ui" or labels.min() < 0:
        msg = f"{truth} is {labels.dtype} from {labels.min()}, expected integer labels ≥ 0"
        raise UserError(msg)
    digest = hashlib.sha256(raw.read_bytes() + truth.read_bytes()).hexdigest()
    ids, numbered = np.unique(labels, return_inverse=True)
    numbered = numbered.reshape(labels.shape) + (1 if ids[0] != 0 else 0)
    normalised = normalise_volume(image, settings.norm_low, settings.norm_high, str(raw))
    return Pair(raw.stem, normalised, numbered.astype(np.int32), digest)


def _read(path: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.squeeze(tifffile.imread(path)))
    except (tifffile.TiffFileError, OSError, ValueError) as error:
        msg = f"{path}: not readable as TIFF: {' '.join(str(error).split())}"
        raise UserError(msg) from None
