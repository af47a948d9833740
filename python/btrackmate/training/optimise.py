"""Search of thresholds for models that are trained already, on labelled images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.io.images import open_movie
from btrackmate.segmentation.backend import find_model, read_json
from btrackmate.segmentation.networks import choose_percentiles
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetModel
from btrackmate.training.dataset import Pair, load_pairs, pair_files
from btrackmate.training.fusion import Fusion
from btrackmate.training.objective import OptimiseSettings
from btrackmate.training.settings import TrainSettings
from btrackmate.training.thresholds import Found, search_stardist, search_unet


@dataclass(frozen=True)
class Optimised:
    """What a search found for one model, or for the two fused.

    Parameters
    ----------
    title : str
        ``"StarDist"``, ``"U-Net"`` or ``"VollSeg"``.
    folders : tuple of Path
        Model folders that the thresholds belong to.
    before : dict
        Thresholds until now.
    found : Found
    score_before : float or None
        Score of the thresholds until now, where it was measured.
    """

    title: str
    folders: tuple[Path, ...]
    before: dict[str, float]
    found: Found
    score_before: float | None

    def save(self) -> None:
        """Write the thresholds into ``thresholds.json`` of the folders they belong to."""
        for folder, names in zip(self.folders, _NAMES[self.title], strict=True):
            own = {k: v for k, v in self.found.thresholds.items() if k in names}
            Found(own, {}).save(folder)


def check_found(results: Sequence[Optimised]) -> None:
    """Refuse thresholds of which none finds a cell of the truth: nothing says that they are better.

    Raises
    ------
    UserError
        Names the model.
    """
    for result in results:
        if not any(result.found.scores.values()):
            msg = f"no thresholds of {result.title} find a cell of the labels: do image, labels "
            msg += "and models belong together? thresholds.json is as it was"
            raise UserError(msg)


_STARDIST_NAMES = ("prob", "nms")
_UNET_NAMES = ("foreground", "boundary", "wall", "rescue")
_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "StarDist": (_STARDIST_NAMES,),
    "U-Net": (_UNET_NAMES,),
    "VollSeg": (_STARDIST_NAMES, _UNET_NAMES),
}


def find_models(settings: OptimiseSettings) -> list[Path]:
    """Find the folders of the networks whose thresholds are searched.

    Raises
    ------
    UserError
        If one is missing.
    """
    networks = [("StarDist", "stardist", settings.stardist), ("U-Net", "unet", settings.unet)]
    other = {"stardist": "unet", "unet": "stardist"}.get(settings.target)
    return [
        find_model(settings.model_dir, name, title)
        for title, kind, name in networks
        if kind != other
    ]


def optimise_thresholds(
    data_dir: Path, settings: OptimiseSettings, progress: Progress = ignore_progress
) -> list[Optimised]:
    """Search the thresholds of trained models on labelled images.

    Parameters
    ----------
    data_dir : Path
        Folder that holds ``Raw/`` and ``Segmentation/``; best images that did not train.
    settings : OptimiseSettings
    progress : Progress
        Called after each step.

    Returns
    -------
    list of Optimised
        One for each model, or one for the two fused; nothing is written.

    Raises
    ------
    UserError
        If the images don't pair, hold no label or don't fit the models.
    """
    star = unet = None
    folders = find_models(settings)
    if settings.target != "unet":
        star = StarDistModel(folders[0])
    if settings.target != "stardist":
        unet = UNetModel(folders[-1])
    pairs = _load(data_dir, settings, folders)
    results = []
    if star is not None:
        found = search_stardist(star, pairs, progress, settings)
        before = {"prob": star.prob_thresh, "nms": star.nms_thresh}
        results.append(
            Optimised("StarDist", (star.folder,), before, found, _look_up(found, before))
        )
    if unet is not None:
        found = search_unet(unet, pairs, progress, settings)
        before = read_json(unet.folder / "thresholds.json")
        results.append(Optimised("U-Net", (unet.folder,), before, found, None))
    if star is not None and unet is not None:
        calibrations = [_read_calibration(raw) for raw, _ in pair_files(data_dir)]
        nms = results[0].found.thresholds["nms"]
        fusion = Fusion(star, unet, pairs, calibrations, nms, settings, progress)
        if settings.target == "vollseg":
            return [_optimise_fused(fusion, results)]
        thresholds = results[0].found.thresholds | results[1].found.thresholds
        shared, _ = fusion.find_shared(thresholds)
        results[1].found.thresholds.update(shared)
    return results


def _optimise_fused(fusion: Fusion, alone: list[Optimised]) -> Optimised:
    """Start from the networks' own thresholds."""
    start = alone[0].found.thresholds | alone[1].found.thresholds
    old = alone[0].before | alone[1].before
    score_before = None
    if set(old) >= set(start) and abs(old["nms"] - start["nms"]) < 1e-9:
        score_before = fusion.score({name: old[name] for name in (*start, "rescue") if name in old})
    highest = {name: start[name] for name in ("wall",) if name in start}
    shared, _ = fusion.find_shared(start)
    best, _ = fusion.climb(start | {name: shared[name] for name in highest})
    shared, score = fusion.find_shared(best | highest)
    title = fusion.objective.title
    found = Found(best | shared, {title: score}, fusion.table)
    folders = (fusion.star.folder, fusion.unet.folder)
    return Optimised("VollSeg", folders, old, found, score_before)


def _load(data_dir: Path, settings: OptimiseSettings, folders: list[Path]) -> tuple[Pair, ...]:
    """Read the images, normalised as in the models' training."""
    low, high = choose_percentiles((settings.norm_low, settings.norm_high), folders)
    return load_pairs(data_dir, TrainSettings.parse({"norm_low": low, "norm_high": high}))


def _look_up(found: Found, before: dict[str, float]) -> float | None:
    """Find the score of given thresholds in the table, at its resolution."""
    where = {name: round(value, 2) for name, value in before.items()}
    for row in found.table:
        if all(abs(row[name] - value) < 1e-9 for name, value in where.items()):
            return next(v for k, v in row.items() if k not in where)
    return None


def _read_calibration(path: Path) -> Calibration:
    """Read an image's voxel size; 1 where it has none."""
    try:
        movie = open_movie(path)
    except UserError:
        return Calibration()
    try:
        return movie.calibration
    finally:
        movie.close()
