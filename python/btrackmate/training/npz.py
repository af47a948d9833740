"""Training patches in one file, to train from on another machine or GPU."""

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.files import write_atomically
from btrackmate.core.progress import Progress
from btrackmate.core.reading import check_plain
from btrackmate.training.dataset import DataSet, Pair, number_labels
from btrackmate.training.patches import PatchSource, Targets, fit_patch
from btrackmate.training.settings import TrainSettings

FORMAT = "btrackmate-patches-1"
#: What numpy and its decoders raise on files that are damaged, or none of NPZ.
NPZ_FAULTS = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


#: Settings that decide which images are cut, and which validate.
_DECIDED = ("validation_split", "repeat", "min_cells")


def write_patches(path: Path, data: DataSet, settings: TrainSettings, progress: Progress) -> int:
    """Cut patches of the training images and write them, with the validation images, to a file.

    Parameters
    ----------
    path : Path
        The ``.npz`` file.
    data : DataSet
    settings : TrainSettings
        Patch size, patches an image, normalisation and seed.
    progress : Progress
        Called after each image.

    Returns
    -------
    int
        Number of patches.

    Notes
    -----
    Holds ``format``, ``settings`` (JSON), ``names`` and ``hashes`` (of each patch's image),
    ``images`` (n, [Z,] Y, X) float32, normalised, ``labels`` of the same shape, and of each
    validation image i ``held_image_i``, ``held_labels_i`` and its name and hash in
    ``held_names`` and ``held_hashes``. Random changes are made when training, not here.
    """
    patch = fit_patch(settings.patch_size, data.train + data.validation, (1,) * settings.ndim)
    images, labels = [], []
    for done, pair in enumerate(data.train):
        source = PatchSource([pair.image], [pair.labels], patch, _keep, settings.seed + done)
        batch, targets = source.batch(0, settings.n_patches_per_image)
        images.append(batch[..., 0])
        labels.append(targets)
        progress("patches", done + 1, len(data.train))
    arrays: dict[str, Any] = {
        "format": FORMAT,
        "settings": json.dumps(settings.model_dump(mode="json")),
        "images": np.concatenate(images),
        "labels": np.concatenate(labels),
        "names": np.repeat([pair.name for pair in data.train], settings.n_patches_per_image),
        "hashes": np.repeat([pair.sha256 for pair in data.train], settings.n_patches_per_image),
        "held_names": [pair.name for pair in data.validation],
        "held_hashes": [pair.sha256 for pair in data.validation],
    }
    for index, pair in enumerate(data.validation):
        arrays |= {f"held_image_{index}": pair.image, f"held_labels_{index}": pair.labels}
    with write_atomically(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    return len(arrays["images"])


def load_patches(path: Path, settings: TrainSettings) -> tuple[DataSet, TrainSettings]:
    """Read a file of patches.

    Parameters
    ----------
    path : Path
        From `write_patches`.
    settings : TrainSettings
        Must have the normalisation of those that it was made with.

    Returns
    -------
    DataSet
        Its training images are the patches.
    TrainSettings
        With what held when they were cut: which images validate, how often one counts.

    Raises
    ------
    UserError
        If the file is not one of patches, or was made with another normalisation, or with other
        settings than are given of what was decided when it was made.
    """
    check_plain(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except NPZ_FAULTS as error:
        msg = f"{path}: not readable as NPZ: {describe_error(error)}"
        raise UserError(msg) from None
    needed = {"settings", "images", "labels", "names", "hashes", "held_names", "held_hashes"}
    if str(arrays.get("format", "")) != FORMAT or not needed <= arrays.keys():
        msg = f"{path} is not a file of patches; make one with: btrackmate train … --npz-only"
        raise UserError(msg)
    made = json.loads(str(arrays["settings"]))
    given = [name for name in _DECIDED if name in settings.model_fields_set and name in made]
    for name in ("norm_low", "norm_high", *given):
        if made[name] != getattr(settings, name):
            msg = f"{path} was made with {name} {made[name]}, the settings have "
            msg += f"{getattr(settings, name)}; expected the same"
            raise UserError(msg)
    if arrays["images"].ndim - 1 > settings.ndim:
        msg = f"{path} holds patches of {arrays['images'].shape[1:]} voxels, but patch_size "
        msg += f"{settings.patch_size} has {settings.ndim} dimensions"
        raise UserError(msg)
    train = tuple(
        Pair(str(name), image, number_labels(labels, path), str(sha))
        for name, image, labels, sha in zip(
            arrays["names"], arrays["images"], arrays["labels"], arrays["hashes"], strict=True
        )
    )
    held = tuple(
        Pair(str(name), arrays[f"held_image_{i}"], arrays[f"held_labels_{i}"], str(sha))
        for i, (name, sha) in enumerate(
            zip(arrays["held_names"], arrays["held_hashes"], strict=True)
        )
    )
    decided = {name: made[name] for name in (*_DECIDED, "n_patches_per_image") if name in made}
    return DataSet(train, held, is_patches=True), settings.model_copy(update=decided)


def _keep(
    image: NDArray[np.float32], labels: NDArray[Any], _rng: np.random.Generator
) -> tuple[NDArray[np.float32], Targets]:
    return image, (labels,)
