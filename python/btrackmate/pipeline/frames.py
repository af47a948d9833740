"""Frame by frame: segment, measure, keep; the part of a run that is resumed."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.progress import Progress
from btrackmate.io.labels import LabelStore
from btrackmate.measure import FrameMeasurement, MeasureResult, Tissue
from btrackmate.measure.measure import combine_frames, measure_one_frame
from btrackmate.pipeline.inputs import MovieFrames, OpenInputs
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.work import WorkFolder
from btrackmate.segmentation import Models, SegmentationResult
from btrackmate.segmentation.flat import needs_stacking, segment_frame
from btrackmate.segmentation.settings import SegmentationSettings

_log = logging.getLogger(__name__)

#: Code of a cell's origin in the column `origin` of the spots table.
ORIGINS = ("stardist", "unet", "rescued")


@dataclass(frozen=True)
class SegmentationJob:
    """What is segmented, and with what."""

    image: MovieFrames
    channel: int
    settings: SegmentationSettings
    models: Models


def segment_frames(
    job: SegmentationJob,
    work: WorkFolder,
    keep: Callable[[int, SegmentationResult, NDArray[Any]], None],
    progress: Progress,
) -> None:
    """Segment every frame that is not done yet into the work folder's labels.

    Parameters
    ----------
    job : SegmentationJob
    work : WorkFolder
    keep : callable
        Receives the frame's number, result and pixels (C, [Z,] Y, X); must save the frame's tables
        in `work`, which makes it count as done.
    progress : Progress
    """
    movie = job.image.movie
    n_frames = movie.n_frames
    todo = sorted(set(range(n_frames)) - set(work.done_frames()))
    store = LabelStore.open(
        work.labels,
        (n_frames, *movie.shape[2:]),
        movie.calibration,
        ndim=movie.ndim,
        fingerprint=work.fingerprint,
    )
    progress("segmenting", n_frames - len(todo), n_frames)
    if needs_stacking(movie.ndim, job.models):
        _log.warning(
            "2D images go through networks for volumes as stacks of equal slices; train 2D "
            "networks for better cells"
        )
    for count, t in enumerate(todo, start=1):
        channels = job.image.frame(t)
        result = segment_frame(
            channels[job.channel - 1], movie.calibration, job.settings, job.models
        )
        store.write(t, result.labels)
        keep(t, result, channels)
        progress("segmenting", n_frames - len(todo) + count, n_frames)


class FrameWorker:
    """Brings the frames of a run from pixels to tables; finished frames are not done twice.

    Parameters
    ----------
    inputs : OpenInputs
    settings : RunSettings
    work : WorkFolder
        Receives each frame's tables and, where frames are segmented, the labels.
    models : Models or None
        The networks; None where labels are given.
    """

    def __init__(
        self,
        inputs: OpenInputs,
        settings: RunSettings,
        work: WorkFolder,
        models: Models | None,
    ) -> None:
        self._inputs = inputs
        self._settings = settings
        self._work = work
        self._models = models
        self._static: Tissue | None = None

    def work_through(self, progress: Progress) -> None:
        """Segment (where no labels are given) and measure every frame that is not done yet."""
        n_frames = self._inputs.main.n_frames
        done = self._work.done_frames()
        todo = sorted(set(range(n_frames)) - set(done))
        if done:
            _log.info("%d of %d frames are done already", len(done), n_frames)
        if not todo:
            return
        self._prepare_mask()
        if self._inputs.labels is None:
            self._segment(progress)
        else:
            self._measure_given(todo, progress)

    def combine(self) -> MeasureResult:
        """Join the tables of all frames."""
        main = self._inputs.main
        frames = []
        for t in range(main.n_frames):
            tables = self._work.load_frame(t)
            frames.append(
                FrameMeasurement(tables["spots"], tables["dropped"], tables["disconnected"])
            )
        return combine_frames(frames, main.calibration, ndim=main.ndim, n_frames=main.n_frames)

    def _segment(self, progress: Progress) -> None:
        """Segment frame after frame; the networks use all cores within a frame."""
        if self._inputs.image is None or self._models is None:
            msg = "a run without labels needs an image and networks"
            raise ValueError(msg)

        def keep(t: int, result: SegmentationResult, channels: NDArray[Any]) -> None:
            self._keep(t, self._measure(t, result.labels, channels), result.cells)

        job = SegmentationJob(
            self._inputs.image, self._settings.channel, self._settings.segmentation, self._models
        )
        segment_frames(job, self._work, keep, progress)

    def _measure_given(self, todo: list[int], progress: Progress) -> None:
        """Measure labels that are given, several frames at a time."""
        labels, image = self._inputs.labels, self._inputs.image
        n_frames = self._inputs.main.n_frames

        def measure(t: int) -> None:
            channels = None if image is None else image.frame(t)
            self._keep(t, self._measure(t, labels.frame(t), channels), None)  # type: ignore[union-attr]

        finished = n_frames - len(todo)
        workers = self._settings.workers or os.cpu_count() or 1
        pool = ThreadPoolExecutor(workers)
        try:
            for _ in pool.map(measure, todo):
                finished += 1
                progress("measuring", finished, n_frames)
        finally:
            pool.shutdown(cancel_futures=True)

    def _prepare_mask(self) -> None:
        mask = self._inputs.mask
        if mask is None or mask.n_frames > 1:
            return
        measure = self._settings.measure
        self._static = Tissue(mask.frame(0), self._inputs.main.calibration, measure)
        if measure.boundary_distance:
            _ = self._static.distance  # made here once, before threads ask for it

    def _measure(
        self, t: int, labels: NDArray[Any], channels: NDArray[Any] | None
    ) -> FrameMeasurement:
        mask, calibration = self._inputs.mask, self._inputs.main.calibration
        tissue = self._static
        if mask is not None and tissue is None:
            tissue = Tissue(mask.frame(t), calibration, self._settings.measure)
        return measure_one_frame(t, labels, channels, tissue, calibration, self._settings.measure)

    def _keep(self, t: int, measured: FrameMeasurement, cells: pd.DataFrame | None) -> None:
        spots = measured.spots
        if cells is not None:
            spots = _add_segmentation(spots, cells)
        tables = {
            "spots": spots,
            "dropped": measured.dropped,
            "disconnected": measured.disconnected,
        }
        self._work.save_frame(t, tables)


def _add_segmentation(spots: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Add where each cell comes from, and the score and agreement of the networks."""
    row = pd.Index(cells["label"]).get_indexer(pd.Index(spots["label"]))
    codes = {name: float(code) for code, name in enumerate(ORIGINS)}
    origin = cells["origin"].map(codes).to_numpy(np.float64)
    return spots.assign(
        origin=origin[row],
        segmentation_score=cells["score"].to_numpy(np.float64)[row],
        agreement=cells["agreement"].to_numpy(np.float64)[row],
    )
