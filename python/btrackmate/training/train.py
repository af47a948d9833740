"""Training from a folder of images to finished model folders."""

from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.files import check_output, write_atomically
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.segmentation.backend import load_tensorflow
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel
from btrackmate.training.card import write_card, write_curve
from btrackmate.training.dataset import DataSet, load_dataset
from btrackmate.training.networks import Curve, train_stardist, train_unet
from btrackmate.training.settings import TrainSettings
from btrackmate.training.thresholds import Found, search_stardist, search_unet


def train(
    data_dir: Path,
    name: str,
    model_dir: Path,
    settings: TrainSettings | None = None,
    *,
    progress: Progress = ignore_progress,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Train StarDist and U-Net on ``Raw/`` and ``Segmentation/`` images.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/`` and ``Segmentation/`` with TIFF files of the same names.
    name : str
        Name of the folder of both models.
    model_dir : Path
        Where that folder is made: ``model_dir/name/stardist`` and ``model_dir/name/unet``.
    settings : TrainSettings, optional
        The paper's defaults if left out.
    progress : Progress
        Called after each epoch and step of the threshold search.
    overwrite : bool
        Replace models of that name.

    Returns
    -------
    dict of str to Path
        ``"stardist"`` and ``"unet"``: the folders made, each with ``config.json``,
        ``weights_best.h5``, ``thresholds.json``, ``training_curve.csv``/``.png`` and
        ``model_card.json``/``.md``.

    Raises
    ------
    UserError
        If the data don't fit, a model of that name exists, or the packages are not installed.

    Notes
    -----
    A model's folder appears when it is finished; a training that is stopped leaves none.
    Segment with ``SegmentationSettings(model_dir=model_dir / name)``.
    """
    settings = TrainSettings() if settings is None else settings
    if not name or Path(name).name != name:
        msg = f"model name {name!r}: expected a plain folder name"
        raise UserError(msg)
    kinds = [kind for kind in ("stardist", "unet") if settings.only in (kind, "both")]
    folders = {kind: model_dir / name / kind for kind in kinds}
    for folder in folders.values():
        check_output(folder, overwrite=overwrite)
    data = load_dataset(data_dir, settings)
    load_tensorflow()
    for kind, folder in folders.items():
        with write_atomically(folder) as temporary:
            curve, found, title = _fit(kind, temporary, data, settings, progress)
            found.save(temporary)
            write_curve(temporary, curve, title)
            write_card(temporary, title, data, settings, (curve, found))
    return folders


def _fit(
    kind: str, folder: Path, data: DataSet, settings: TrainSettings, progress: Progress
) -> tuple[Curve, Found, str]:
    """Train one network and search its thresholds."""
    if kind == "stardist":
        curve = train_stardist(folder, data, settings, progress)
        found = search_stardist(StarDistModel(folder), data.validation, progress)
        return curve, found, "StarDist"
    curve = train_unet(folder, data, settings, progress)
    return curve, search_unet(UNetModel(folder), data.validation, progress), "U-Net"
