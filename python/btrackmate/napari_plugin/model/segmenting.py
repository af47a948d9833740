"""Segmentation of the open image, in a process of its own.

TensorFlow and the drawing libraries of a machine without a graphics card do not bear each other in
one process; in another one it can be stopped at any moment, too.
"""

import functools
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import check_apart
from btrackmate.core.parallel import end_with_parent
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.watching import watch_inputs
from btrackmate.io.image_calibration import differ
from btrackmate.io.images import Movie, open_movie
from btrackmate.io.label_values import MAX_LABEL
from btrackmate.io.labels import write_tiff_movie
from btrackmate.measurement import MeasureSettings
from btrackmate.measurement.movie import measure_movie
from btrackmate.napari_plugin.model.linking import with_tracks
from btrackmate.napari_plugin.model.opening import Opened
from btrackmate.napari_plugin.model.saving import check_saving
from btrackmate.pipeline.inputs import MovieFrames, check_channel
from btrackmate.segmentation.settings import SegmentationSettings

#: Seconds between two looks at the other process.
_LOOK = 0.1


def segment_frames(
    movie: Movie,
    channel: int,
    frames: range,
    settings: SegmentationSettings,
    progress: Progress = ignore_progress,
) -> Iterator[NDArray[np.uint32]]:
    """Segment frames one after the other; each ([Z,] Y, X).

    Parameters
    ----------
    movie : Movie
    channel : int
        From 1.
    frames : range
    settings : SegmentationSettings
    progress : Progress
        Asked all the time, so that a cancelled segmentation stops at once.

    Raises
    ------
    UserError
        If models are missing or do not fit the image.
    """
    check_channel(movie, channel)
    pool = ProcessPoolExecutor(1, get_context("spawn"), end_with_parent)
    try:
        for done, t in enumerate(frames):
            progress("segmenting", done, len(frames))
            job = pool.submit(_segment_one, movie, movie.standing, channel, t, settings)
            yield _wait(job, progress, done, len(frames))
        progress("segmenting", len(frames), len(frames))
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)


def segment_movie(
    opened: Opened,
    output: Path,
    channel: int,
    settings: SegmentationSettings,
    progress: Progress = ignore_progress,
) -> Opened:
    """Segment the whole movie into a TIFF, and measure its cells: spots without links.

    The image is opened again, as it may have been replaced since it was.

    Raises
    ------
    UserError
        If there is no image, it is changed meanwhile, the name is no TIFF's, or `segment_frames`
        refuses.
    """
    image = take_image(opened).open_again()
    if output.suffix.lower() not in (".tif", ".tiff"):
        msg = f"{output}: labels are written as TIFF; end the name in .tif"
        raise UserError(msg)
    check_saving(opened, output)
    read = settings.list_paths()  # The region of interest, and labels whose shapes are taken.
    check_apart([output], read)
    every = range(image.n_frames)
    frames = segment_frames(image, channel, every, settings, progress)
    volumes = (one if one.ndim == 3 else one[None] for one in frames)
    calibration = opened.graph.spots.calibration
    # Until it was measured; and nothing of two images is put there.
    with watch_inputs(image.path):
        with write_together(overwrite=True), watch_inputs(image.path, *read):
            write_tiff_movie(
                output, volumes, (image.n_frames, *image.shape[2:]), calibration, max_id=MAX_LABEL
            )
        labels = open_movie(output, role="labels", model=image)
        ndim = image.ndim
        spots = measure_movie(
            MovieFrames(labels, ndim), MovieFrames(image, ndim), None, calibration,
            MeasureSettings(), progress=progress,
        ).spots  # fmt: skip
    none = np.empty(0, np.int64)
    made = with_tracks(opened, TrackGraph.from_links(spots, none, none))
    notes = (*made.notes, *_tell_sizes(image, calibration))
    # What the tracks before came with is of other cells.
    return replace(made, image=image, labels=labels, base=None, record=None, notes=notes)


def _tell_sizes(image: Movie, taken: Calibration) -> list[str]:
    """Say so where an image states other sizes than are taken, as one that was exported again."""
    with open_movie(image.path, image.axes) as now:
        own, known = now.calibration, now.known
    other = []
    if known.size:
        units = own.space_unit, taken.space_unit
        sizes = [(own.dx, taken.dx), (own.dy, taken.dy), (own.dz, taken.dz)][: image.ndim]
        other = [
            f"voxels of {one:g} {units[0]} and not {two:g} {units[1]}"
            for one, two in sizes
            if differ(one, units[0], two, units[1])
        ]
    if known.time and differ(own.dt, own.time_unit, taken.dt, taken.time_unit):
        other.append(f"{own.dt:g} {own.time_unit} a frame and not {taken.dt:g} {taken.time_unit}")
    if not other:
        return []
    told = f"{image.path.name} states {other[0]}, which is taken, as the open tracks do: to take "
    return [f"{told}its own, open it anew"]


def take_image(opened: Opened) -> Movie:
    """Give the open image.

    Raises
    ------
    UserError
        If there is none.
    """
    if opened.image is None:
        msg = "there is no image to segment: open tracks with one, or btrackmate view --image"
        raise UserError(msg)
    return opened.image


def _wait(
    job: "Future[NDArray[np.uint32]]", progress: Progress, done: int, total: int
) -> NDArray[np.uint32]:
    while True:
        try:
            return job.result(_LOOK)
        except TimeoutError:
            progress("segmenting", done, total)
        except BrokenProcessPool:
            msg = "the process that segments ended by itself; there may be too little memory: give "
            msg += "n_tiles or block"
            raise UserError(msg) from None


@functools.cache
def _load(text: str) -> Any:
    from btrackmate.segmentation import load_models

    return load_models(SegmentationSettings.model_validate_json(text))


def _segment_one(
    movie: Movie, standing: object, channel: int, t: int, settings: SegmentationSettings
) -> NDArray[np.uint32]:
    """Segment one frame, in the other process, of the image that is open in this one."""
    from btrackmate.pipeline.frames import SegmentationJob

    if movie.standing != standing:
        msg = f"{movie.path} was changed or replaced since it was opened: open it again"
        raise UserError(msg)
    models = _load(settings.model_dump_json())
    job = SegmentationJob.open(MovieFrames(movie, movie.ndim), channel, settings, models)
    return job.segment(t).labels
