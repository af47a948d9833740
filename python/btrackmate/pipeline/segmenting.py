"""Segmentation by itself: a movie, a volume or a folder of them to label files."""

import logging
import shutil
from pathlib import Path

import pandas as pd

from btrackmate import __version__ as version
from btrackmate.core.errors import UserError
from btrackmate.core.files import make_folder, write_atomically
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.words import flag
from btrackmate.io.image_calibration import warn_of_unknown
from btrackmate.io.images import Movie, open_movie
from btrackmate.io.labels import remove_markers, write_tiff_movie
from btrackmate.pipeline.frames import LabelledFrame, SegmentationJob, segment_frames
from btrackmate.pipeline.inputs import MovieFrames, check_channel, open_calibrated
from btrackmate.pipeline.record import describe_models
from btrackmate.pipeline.settings import InputSettings
from btrackmate.pipeline.work import WorkFolder, describe_files
from btrackmate.segmentation import Models, load_models
from btrackmate.segmentation.settings import SegmentationSettings

_log = logging.getLogger(__name__)

#: Voxels of labels that are copied at a time.
_SLAB = 1 << 25


def segment_movie(
    image: Path,
    output: Path,
    settings: SegmentationSettings,
    options: InputSettings,
    *,
    channel: int = 1,
    progress: Progress = ignore_progress,
) -> pd.DataFrame:
    """Segment a movie or a single volume into a label file.

    A run that was stopped goes on when it is started again: finished frames are kept beside the
    output under a hidden name.

    Parameters
    ----------
    image : Path
    output : Path
        ``.tif`` (16 bit while ids fit, else 32) or ``.ome.zarr``.
    settings : SegmentationSettings
        Volumes that are too large for memory are worked in blocks.
    options : InputSettings
    channel : int
        From 1.
    progress : Progress

    Returns
    -------
    DataFrame
        The cells that were found in this call: frame, label, z, y, x (voxels), origin, score,
        voxels, agreement.

    Raises
    ------
    UserError
        If the image, a model or the output's name is wrong.
    """
    zarr = _is_zarr(output)
    movie = open_calibrated(image, options)
    warn_of_unknown(movie)
    check_channel(movie, channel)
    movie.check_values(progress)
    models = load_models(settings)
    return _segment_opened(movie, output, settings, models, options, channel, progress, zarr=zarr)


def segment_folder(
    folder: Path,
    output: Path,
    settings: SegmentationSettings,
    options: InputSettings,
    *,
    channel: int = 1,
    skip_bad_files: bool = False,
    overwrite: bool = False,
    progress: Progress = ignore_progress,
) -> pd.DataFrame:
    """Segment every image of a folder.

    Parameters
    ----------
    folder : Path
        Its .tif, .tiff and .zarr files are segmented, by name; others are left alone.
    output : Path
        Folder for ``NAME.tif`` (labels) and ``NAME.cells.csv`` of each image.
    settings : SegmentationSettings
    options : InputSettings
    channel : int
        From 1.
    skip_bad_files : bool
        Leave out images that cannot be read, with a warning, instead of stopping.
    overwrite : bool
        Segment images anew whose labels are there.
    progress : Progress

    Returns
    -------
    DataFrame
        As `segment_movie`, after a column file.

    Raises
    ------
    UserError
        If there is no image, or one cannot be read; those before it are finished then.
    """
    images = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in (".tif", ".tiff", ".zarr") and not path.name.startswith(".")
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
    models = load_models(settings)
    make_folder(output)
    tables = []
    for number, (image, name) in enumerate(zip(images, names, strict=True), start=1):
        labels, cells = output / f"{name}.tif", output / f"{name}.cells.csv"
        if labels.exists() and cells.exists() and not overwrite:
            remedy = flag("overwrite")
            _log.warning("%s exists already and is kept; %s makes it anew", labels, remedy)
            tables.append(pd.read_csv(cells).assign(file=image.name))
            continue
        try:
            with open_calibrated(image, options) as movie:
                check_channel(movie, channel)
                movie.check_values(progress)
                table = _segment_opened(
                    movie, labels, settings, models, options, channel, progress, zarr=False
                )
        except UserError as error:
            if not skip_bad_files:
                msg = f"{error} (image {number} of {len(images)} in {folder}; "
                msg += f"{flag('skip_bad_files')} leaves out what cannot be read)"
                raise UserError(msg) from None
            _log.warning("skipped: %s", error)
            shutil.rmtree(labels.parent / f".{labels.name}.work", ignore_errors=True)
            continue
        table.to_csv(cells, index=False, lineterminator="\n")
        tables.append(table.assign(file=image.name))
    if not tables:
        msg = f"{folder}: none of its {len(images)} images could be read"
        raise UserError(msg)
    joined = pd.concat(tables, ignore_index=True)
    joined.insert(0, "file", joined.pop("file"))
    return joined


def _segment_opened(
    movie: Movie,
    output: Path,
    settings: SegmentationSettings,
    models: Models,
    options: InputSettings,
    channel: int,
    progress: Progress,
    *,
    zarr: bool,
) -> pd.DataFrame:
    """Segment an opened movie into a label file."""
    job = SegmentationJob.open(MovieFrames(movie, movie.ndim), channel, settings, models)
    files = {"image": movie.path, "roi": settings.roi, "shapes": settings.shape_labels}
    described = {
        "version": version,
        "inputs": describe_files({role: path for role, path in files.items() if path is not None}),
        "models": describe_models(settings),
        "settings": settings.model_dump(mode="json"),
        "options": options.model_dump(mode="json"),
        "channel": channel,
    }
    work = WorkFolder(output.parent / f".{output.name}.work", described)

    def keep(t: int, frame: LabelledFrame) -> None:
        work.save_frame(t, {"cells": frame.cells.assign(frame=t)})

    try:
        segment_frames(job, work, keep, progress)
    except UserError:
        if not work.done_frames():  # Nothing that a later call could go on from.
            shutil.rmtree(work.path)
        raise
    frames = range(movie.n_frames)
    cells = pd.concat([work.load_frame(t)["cells"] for t in frames], ignore_index=True)
    cells.insert(0, "frame", cells.pop("frame"))
    _put_labels(work, output, movie, int(cells["label"].max()) if len(cells) else 0, zarr=zarr)
    shutil.rmtree(work.path)
    return cells


def _is_zarr(output: Path) -> bool:
    name = output.name.lower()
    if name.endswith(".zarr"):
        return True
    if name.endswith((".tif", ".tiff")):
        return False
    msg = f"{output}: labels are written as .tif or .ome.zarr; give such a name"
    raise UserError(msg)


def _put_labels(work: WorkFolder, output: Path, movie: Movie, max_id: int, *, zarr: bool) -> None:
    """Put the finished labels where they belong."""
    if zarr:
        remove_markers(work.labels)
        with write_atomically(output) as temporary:
            work.labels.rename(temporary)
        return
    with open_movie(work.labels, role="labels") as labels:
        shape = (movie.n_frames, *movie.shape[2:])
        step = max(1, _SLAB // (shape[2] * shape[3]))
        rest = (slice(0, shape[2]), slice(0, shape[3]))
        frames = (
            labels.region(t, 0, (slice(z, min(z + step, shape[1])), *rest))
            for t in range(shape[0])
            for z in range(0, shape[1], step)
        )
        write_tiff_movie(output, frames, shape, movie.calibration, max_id=max_id)
