"""Segmentation of every image of a folder; what is there already of the same is kept."""

import logging
from pathlib import Path

import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.files import make_folder
from btrackmate.core.outputs import check_apart
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.staging import clear_leftovers
from btrackmate.core.words import flag
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.inputs import check_channel, open_calibrated
from btrackmate.pipeline.record import describe_models
from btrackmate.pipeline.segmenting import SUFFIXES, LabelFiles, Segmenting
from btrackmate.pipeline.settings import InputSettings
from btrackmate.segmentation import load_models
from btrackmate.segmentation.result import join_cells
from btrackmate.segmentation.settings import SegmentationSettings

_log = logging.getLogger(__name__)

#: How the names end of what is written for an image: labels, their cells, what they were made from.
_ENDINGS = (".tif", ".cells.csv", ".segment.json")


def segment_folder(
    folder: Path,
    output: Path,
    settings: SegmentationSettings,
    options: InputSettings,
    *,
    table: Path | None = None,
    channel: int = 1,
    skip_bad_files: bool = False,
    overwrite: bool = False,
    progress: Progress = ignore_progress,
    pool: WorkerPool | None = None,
) -> pd.DataFrame:
    """Segment every image of a folder.

    Parameters
    ----------
    folder : Path
        Its .tif, .tiff and .zarr files are segmented, by name; others are left alone.
    output : Path
        Folder for ``NAME.tif`` (labels), ``NAME.cells.csv`` and ``NAME.segment.json`` (what they
        were made from) of each image.
    settings : SegmentationSettings
    options : InputSettings
    table : Path, optional
        Where the caller writes what is given back: no image and nothing that is written.
    channel : int
        From 1.
    skip_bad_files : bool
        Leave out images that cannot be read, with a warning, instead of stopping.
    overwrite : bool
        Segment images anew whose labels are there.
    progress : Progress
    pool : WorkerPool, optional
        As `segment_movie` takes it; the images are worked one after the other.

    Returns
    -------
    DataFrame
        As `segment_movie`, after a column file.

    Raises
    ------
    UserError
        If there is no image, or one cannot be read; those before it are finished then. If labels
        that stand there were made from another image, or with other settings or models.
    """
    images = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    if not images:
        msg = f"{folder}: holds no image, expected .tif, .tiff or .zarr files"
        raise UserError(msg)
    if output.exists() and not output.is_dir():
        msg = f"{output} is a file, expected a folder for the labels of the images in {folder}"
        raise UserError(msg)
    names = [path.name.removesuffix(path.suffix).removesuffix(".ome") for path in images]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"{folder}: several images are named {twice[0]}; give them different names"
        raise UserError(msg)
    described = describe_models(settings)
    models = load_models(settings)
    written = [output / f"{name}{ending}" for name in names for ending in _ENDINGS]
    check_apart([*written, table], images)
    make_folder(output)
    clear_leftovers(output)
    jobs = []
    for image, name in zip(images, names, strict=True):
        labels, cells, record = (output / f"{name}{ending}" for ending in _ENDINGS)
        files = LabelFiles(labels, cells, overwrite, record)
        jobs.append(Segmenting(image, files, settings, options, channel))
    _warn_of_others(output, set(names), folder)
    tables = []
    for number, (image, made) in enumerate(zip(images, jobs, strict=True), start=1):
        if (kept := made.read_kept()) is not None:
            tables.append(kept.assign(file=image.name))
            continue
        try:
            if not made.is_finished():
                made.check_models(described)
                with open_calibrated(image, options) as movie:
                    check_channel(movie, channel)
                    movie.check_values(progress)
                    made.segment(movie, models, progress, pool)
            tables.append(made.publish().assign(file=image.name))
        except UserError as error:
            if not skip_bad_files:
                msg = f"{error} (image {number} of {len(images)} in {folder}; "
                msg += f"{flag('skip_bad_files')} leaves out what cannot be read)"
                raise UserError(msg) from None
            _log.warning("skipped: %s", error)
        finally:
            made.close()
    if not tables:
        msg = f"{folder}: none of its {len(images)} images could be read"
        raise UserError(msg)
    return join_cells(tables, "file")


def _warn_of_others(output: Path, names: set[str], folder: Path) -> None:
    """Tell of labels that were segmented from images that are not in the folder any more."""
    found = (path.name.removesuffix(".segment.json") for path in output.glob("*.segment.json"))
    others = sorted(name for name in found if name not in names)
    if others:
        _log.warning(
            "%s: holds labels of %d images that are not in %s (%s.tif first); they are left there",
            output, len(others), folder, others[0],
        )  # fmt: skip
