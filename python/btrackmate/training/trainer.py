"""Training from a folder of images to finished model folders."""

import hashlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from btrackmate import __version__
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.outputs import check_apart, check_output
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.watching import watch_inputs
from btrackmate.core.words import flag, option
from btrackmate.io.images import hash_path
from btrackmate.segmentation.backend import (
    check_image_axes,
    find_model,
    find_weights,
    load_tensorflow,
    read_json,
    read_percentiles,
)
from btrackmate.segmentation.denoise import DenoiseModel
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel
from btrackmate.training.card import FUSED, warn_of_scores, write_card, write_curve
from btrackmate.training.dataset import DataSet, Pair, check_dimensions, load_dataset
from btrackmate.training.fit import TrainingFolder
from btrackmate.training.fusion import Fusion
from btrackmate.training.networks import TITLES, TRAINERS, check_settings
from btrackmate.training.npz import load_patches, write_patches
from btrackmate.training.objective import Objective
from btrackmate.training.settings import Kind, TrainSettings
from btrackmate.training.thresholds import Found, search_stardist, search_unet

_log = logging.getLogger(__name__)

PATCHES = "patches.npz"
#: What makes a training the same, of what stands in its card beside the settings.
_IN_CARD = ("training_images", "validation_images", "patches", "start_weights")


def train(
    data_dir: Path,
    name: str,
    model_dir: Path,
    settings: TrainSettings | None = None,
    *,
    progress: Progress = ignore_progress,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Train StarDist, U-Net and Noise2Void on ``Raw/`` and ``Segmentation/`` images.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/`` and ``Segmentation/`` with TIFF files of the same names
        (Noise2Void alone needs ``Raw/`` only), or a ``patches.npz`` made before.
    name : str
        Name of the folder of the models.
    model_dir : Path
        Where that folder is made: ``model_dir/name/stardist``, ``…/unet`` and ``…/n2v``.
    settings : TrainSettings, optional
        The paper's defaults if left out.
    progress : Progress
        Called after each epoch and step of the threshold search.
    overwrite : bool
        Replace models of that name, and begin an unfinished training anew.

    Returns
    -------
    dict of str to Path
        ``"stardist"``, ``"unet"``, ``"n2v"``: the folders made, each with ``config.json``,
        ``weights_best.h5``, ``thresholds.json`` (not for Noise2Void),
        ``training_curve.csv``/``.png`` and ``model_card.json``/``.md``. With
        ``settings.npz_only`` ``"npz"``: the file of patches.

    Raises
    ------
    UserError
        If the data don't fit, a model of that name exists, or the packages are not installed.

    Notes
    -----
    A model's folder appears when it is finished. A training that was stopped or killed leaves
    ``.stardist.training`` (…) beside it and goes on after its last finished epoch when it is
    started again with the same settings and data; networks that it had finished are kept.
    Segment with ``SegmentationSettings(model_dir=model_dir / name)``.
    """
    settings = TrainSettings() if settings is None else settings
    if not name or Path(name).name != name:
        msg = f"model name {name!r}: expected a plain folder name"
        raise UserError(msg)
    root = model_dir / name
    patches = [root / PATCHES] if settings.npz_only else []
    read = [path for kind in settings.kinds for path in settings.for_network(kind).list_paths()]
    check_apart([*patches, *(root / kind for kind in settings.kinds)], [data_dir, *read])
    if settings.npz_only:
        return {"npz": _make_patches(data_dir, root / PATCHES, settings, progress, overwrite)}
    outputs = {kind: root / kind for kind in settings.kinds}
    finished = _check_outputs(outputs, overwrite)
    settings, data = _load_data(data_dir, settings)
    for kind in outputs:
        check_settings(data, settings.for_network(kind), kind)
    if settings.denoiser is not None and settings.augmentation.denoised:
        data = _add_denoised(data, settings.denoiser)
    load_tensorflow()
    for kind, folder in outputs.items():
        if kind in finished:
            _check_finished(kind, folder, data, settings.for_network(kind))
        else:
            _train_one(kind, folder, data, settings, progress, overwrite)
        if kind == "n2v" and settings.augmentation.denoised:
            data = _add_denoised(data, folder)
    warn_of_scores(list(outputs.values()))
    return {str(kind): folder for kind, folder in outputs.items()}


def _check_outputs(outputs: dict[Kind, Path], overwrite: bool) -> set[Kind]:
    """Refuse models that exist; return those that an unfinished run of several left finished.

    Networks are trained one after the other: what stands where one is still to be trained, or
    after that, is not of the run that was stopped, but what that was going to replace.
    """
    unfinished = {kind: TrainingFolder(folder).is_unfinished() for kind, folder in outputs.items()}
    if any(unfinished.values()) and not overwrite:
        finished: set[Kind] = set()
        for number, (kind, folder) in enumerate(outputs.items()):
            if not folder.exists():
                continue
            if unfinished[kind] or len(finished) < number:
                msg = f"{folder} exists already, and is not of the training that was stopped: move "
                msg += f"it away to go on, or {flag('overwrite')} to begin anew"
                raise UserError(msg)
            finished.add(kind)
        return finished
    for folder in outputs.values():
        check_output(folder, overwrite=overwrite)
    return set()


def _check_finished(kind: Kind, folder: Path, data: DataSet, settings: TrainSettings) -> None:
    """Check that a model was trained as the unfinished run would."""
    card = read_json(folder / "model_card.json")
    told = _describe_training(kind, data, settings)
    hashes = {pair.name: pair.sha256 for pair in data.train}
    settings_made = {name: card.get("settings", {}).get(name) for name in told["settings"]}
    held = {pair.name: pair.sha256 for pair in data.validation}
    made = (
        card.get("versions", {}).get("btrackmate"),
        settings_made,
        *(card.get(name) for name in _IN_CARD),
    )
    now = (told["version"], told["settings"], hashes, held, told["patches"], told["start_weights"])
    if made != now:
        msg = f"{folder} exists already, trained with other settings or data: give another name, "
        msg += f"the networks that are missing ({option('only')}), or {flag('overwrite')}"
        raise UserError(msg)
    if hash_path(find_weights(folder)) != card.get("weights"):
        msg = f"{folder} does not hold the weights that it was trained to, as its card tells: copy "
        msg += f"them again, or {flag('overwrite')} to train all anew"
        raise UserError(msg)
    _log.info("%s is finished already", folder)


def _load_data(data_dir: Path, settings: TrainSettings) -> tuple[TrainSettings, DataSet]:
    """Read the images, and adapt the settings to 2D ones."""
    if data_dir.suffix.lower() == ".npz":
        with watch_inputs(data_dir):
            data, settings = load_patches(data_dir, settings)
            data = replace(data, sha256=hash_path(data_dir))
        flat = data.train[0].image.ndim < settings.ndim
        return settings.for_images() if flat else settings, data
    if settings.ndim == 3 and check_dimensions(data_dir) == 2:
        settings = settings.for_images()
        _log.info("2D images: patches of %s pixels, grid %s", settings.patch_size, settings.grid)
    return settings, load_dataset(data_dir, settings, labels=settings.kinds != ("n2v",))


def _make_patches(
    data_dir: Path, path: Path, settings: TrainSettings, progress: Progress, overwrite: bool
) -> Path:
    check_output(path, overwrite=overwrite)
    if data_dir.suffix.lower() == ".npz":
        msg = f"{data_dir} holds patches already; give the folder of Raw/ and Segmentation/"
        raise UserError(msg)
    settings, data = _load_data(data_dir, settings)
    for kind in settings.kinds:
        check_settings(data, settings.for_network(kind), kind)
    with write_together(overwrite=overwrite):
        write_patches(path, data, settings, progress)
    return path


def _add_denoised(data: DataSet, folder: Path) -> DataSet:
    """Add a denoised copy of every training image; its hash is that of image and model."""
    copies: dict[int, Pair] = {}
    with watch_inputs(folder):
        model, by = DenoiseModel(folder), hash_path(folder)
        for pair in data.train:
            if id(pair) not in copies:
                image = model.predict(pair.image)
                made = hashlib.sha256(f"{pair.sha256} {by}".encode()).hexdigest()
                name = f"{pair.name} (denoised)"
                copies[id(pair)] = replace(pair, name=name, image=image, sha256=made)
    return replace(data, train=data.train + tuple(copies[id(pair)] for pair in data.train))


def _train_one(
    kind: Kind,
    folder: Path,
    data: DataSet,
    settings: TrainSettings,
    progress: Progress,
    overwrite: bool,
) -> None:
    """Train one network in its working folder, which becomes the model's when it is done."""
    own, work = settings.for_network(kind), TrainingFolder(folder)
    try:
        told = _describe_training(kind, data, own)
        if not work.begin(told, overwrite=overwrite, beside=_hash_partner(kind, folder)):
            work.mark_finished(_fit(kind, work, data, own, told["start_weights"], progress))
        work.publish(overwrite=overwrite)
    finally:
        work.leave()


def _fit(
    kind: Kind,
    work: TrainingFolder,
    data: DataSet,
    settings: TrainSettings,
    start: str | None,
    progress: Progress,
) -> str | None:
    """Train a network, search its thresholds, and write its curve and card; see `_hash_partner`."""
    own = settings
    if start is not None and settings.start_from is not None:
        place = work.copy_start(settings.start_from, start)
        own = settings.model_copy(update={"start_from": place})
    try:
        curve = TRAINERS[kind](work.model, data, own, progress)
    except UserError:
        work.give_up()  # Nothing that could go on.
        raise
    beside = _hash_partner(kind, work.folder)
    with watch_inputs(work.folder.with_name("stardist") if beside else None):
        found = _search(kind, work, settings, data, progress)
    if found.thresholds:
        found.save(work.model)
    write_curve(work.model, curve, TITLES[kind])
    write_card(work.model, TITLES[kind], data, settings, (curve, found), start)
    return beside


def _search(
    kind: Kind, work: TrainingFolder, settings: TrainSettings, data: DataSet, progress: Progress
) -> Found:
    """Search thresholds; a U-Net beside a StarDist also gets those of the two fused."""
    if kind == "stardist":
        return search_stardist(StarDistModel(work.model), data.validation, progress)
    if kind == "n2v":
        return Found({}, {})
    model = UNetModel(work.model)
    found = search_unet(model, data.validation, progress)
    star = _load_partner(work.folder.with_name("stardist"), model, settings)
    if star is None:
        return found
    voxels = [Calibration()] * len(data.validation)
    fusion = Fusion(star, model, data.validation, voxels, star.nms_thresh, Objective(), progress)
    shared, score = fusion.find_shared({"prob": star.prob_thresh} | found.thresholds)
    return replace(
        found,
        thresholds=found.thresholds | shared,
        scores=found.scores | {f"{FUSED}{fusion.objective.title}": score},
    )


def _hash_partner(kind: Kind, folder: Path) -> str | None:
    """Hash the StarDist that a U-Net's thresholds are searched together with, if there is one."""
    star = folder.with_name("stardist")
    return hash_path(star) if kind == "unet" and star.is_dir() else None


def _load_partner(folder: Path, unet: UNetModel, settings: TrainSettings) -> StarDistModel | None:
    """Load the StarDist beside a new U-Net; None where none goes with it."""
    if not folder.is_dir():
        return None
    try:
        star = StarDistModel(folder)
        check_image_axes(star.axes, star.channels, unet.ndim, folder)
        if read_percentiles(folder) != (settings.norm_low, settings.norm_high):
            msg = f"{folder} was trained with other percentiles"
            raise UserError(msg)
    except UserError as error:
        _log.warning("all cells that only the U-Net sees will be kept (%s)", error)
        return None
    return star


def _describe_training(kind: Kind, data: DataSet, settings: TrainSettings) -> dict[str, Any]:
    """Collect what makes a training the same, the weights that it starts from included."""
    ignored = {"only", "npz_only", "networks"}
    start = settings.start_from
    if start is not None:
        start = find_weights(find_model(start.parent, start.name, "trained"))
    return {
        "version": __version__,
        "patches": data.sha256,
        "start_weights": None if start is None else hash_path(start),
        "network": kind,
        "settings": settings.model_dump(mode="json", exclude=ignored),
        "training": [[pair.name, pair.sha256] for pair in data.train],
        "validation": [[pair.name, pair.sha256] for pair in data.validation],
    }
