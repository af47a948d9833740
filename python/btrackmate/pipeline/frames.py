"""Frame by frame: segment, measure, keep; the part of a run that is resumed."""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.files import make_folder, remove
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.io.labels import LabelStore, has_markers
from btrackmate.io.units import NgffVersion
from btrackmate.measurement import FrameMeasurement, MeasureResult
from btrackmate.measurement.movie import (
    FrameMeasurer,
    combine_frames,
    measure_frames,
    measure_one_frame,
)
from btrackmate.pipeline.inputs import MovieFrames, OpenInputs, open_mask, open_shapes
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.work import WorkFolder
from btrackmate.segmentation import Models
from btrackmate.segmentation.block_route import segment_in_blocks
from btrackmate.segmentation.block_state import BlockJob
from btrackmate.segmentation.blocks import Volume, needs_blocks
from btrackmate.segmentation.flat import needs_stacking, segment_frame
from btrackmate.segmentation.networks import check_networks
from btrackmate.segmentation.other_shapes import LabelShapes
from btrackmate.segmentation.result import SegmentationResult
from btrackmate.segmentation.settings import SegmentationSettings

_log = logging.getLogger(__name__)

#: Code of a cell's origin in the column `origin` of the spots table.
ORIGINS = ("stardist", "unet", "rescued")


@dataclass(frozen=True)
class SegmentationJob:
    """What is segmented, and with what.

    Parameters
    ----------
    image : MovieFrames
    channel : int
        From 1.
    settings : SegmentationSettings
    models : Models
    roi : MovieFrames or None
        Cells are looked for where it is not 0; one frame or as many as the image.
    shapes : MovieFrames or None
        Label images of the shapes, where no network gives them.
    """

    image: MovieFrames
    channel: int
    settings: SegmentationSettings
    models: Models
    roi: MovieFrames | None = None
    shapes: MovieFrames | None = None

    @classmethod
    def open(
        cls, image: MovieFrames, channel: int, settings: SegmentationSettings, models: Models
    ) -> Self:
        """Make a job, with the mask and the labels that the settings name.

        Raises
        ------
        UserError
            If they are missing or do not fit the image, or the networks do not.
        """
        movie = image.movie
        seen = 3 if needs_stacking(movie.ndim, models) else movie.ndim
        check_networks(models, settings, seen)
        roi = None
        if settings.roi is not None:
            roi = MovieFrames(open_mask(settings.roi, movie), movie.ndim)
        return cls(image, channel, settings, models, roi, open_shapes(settings.shape_labels, movie))

    @property
    def in_blocks(self) -> bool:
        """Whether the frames are worked in blocks."""
        shape = self.image.movie.shape[2:]
        wanted = self.settings.block is not None or needs_blocks(shape)
        if self.image.ndim == 2 or not wanted:
            return False
        return self.shapes is None and self.models.can_stream

    def segment(self, t: int, channels: NDArray[Any] | None = None) -> SegmentationResult:
        """Segment one frame in one piece; `channels` are its pixels, where they are read already.

        Inside the region of interest, and with the shapes that label images give.
        """
        models, roi = self.models, None
        if self.shapes is not None:
            models = replace(models, stardist=LabelShapes(self.shapes.frame(t)))
        image = (self.image.frame(t) if channels is None else channels)[self.channel - 1]
        if self.roi is not None:
            inside = self.roi.frame(t if self.roi.n_frames > 1 else 0) > 0
            roi = np.broadcast_to(inside, image.shape)
        return segment_frame(image, self.image.movie.calibration, self.settings, models, roi)


@dataclass(frozen=True)
class LabelledFrame:
    """A segmented frame: its table, and pixels that are read when they are asked for."""

    cells: pd.DataFrame
    labels: Callable[[], NDArray[Any]]
    channels: Callable[[], NDArray[Any]]


def warn_of_detours(job: SegmentationJob) -> None:
    """Say in the log where frames are not segmented as one might think."""
    if needs_stacking(job.image.ndim, job.models):
        _log.warning(
            "2D images go through networks for volumes as stacks of equal slices; train 2D "
            "networks for better cells"
        )
    if job.settings.block is not None and not job.in_blocks:
        _log.warning("blocks are for volumes and networks of ours: segmented in one piece")


def segment_one(
    job: SegmentationJob, t: int, store: LabelStore, work: WorkFolder, progress: Progress
) -> LabelledFrame:
    """Segment one frame into a store, in one piece or in blocks."""
    if job.in_blocks:
        return _segment_blocks(job, t, store, work, progress)
    return _segment_whole(job, t, store)


def open_store(job: SegmentationJob, work: WorkFolder, version: NgffVersion) -> LabelStore:
    """Open the labels of the work folder; frames whose labels are not whole are not done."""
    movie = job.image.movie
    if work.labels.exists() and not has_markers(work.labels):
        remove(work.labels)  # It was finished, but what was made of it had other settings.
    store = LabelStore.open(
        work.labels,
        (movie.n_frames, *movie.shape[2:]),
        movie.calibration,
        ndim=movie.ndim,
        version=version,
        fingerprint=work.fingerprint,
        confirm=work.place.confirm,
    )
    for t in sorted(set(work.done_frames()) - store.done):
        _log.warning("the labels of frame %d were damaged and are made again", t)
        work.forget_frame(t)
    return store


def _segment_whole(job: SegmentationJob, t: int, store: LabelStore) -> LabelledFrame:
    """Segment a frame in one piece."""
    channels = job.image.frame(t)
    result = job.segment(t, channels)
    store.write(t, result.labels)
    return LabelledFrame(result.cells, lambda: result.labels, lambda: channels)


def _segment_blocks(
    job: SegmentationJob, t: int, store: LabelStore, work: WorkFolder, progress: Progress
) -> LabelledFrame:
    """Segment a frame block by block."""
    movie = job.image.movie
    scratch = work.path / "scratch" / str(t)
    remove(scratch)
    make_folder(scratch)
    roi = None
    if job.roi is not None:
        mask, at = job.roi.movie, t if job.roi.n_frames > 1 else 0
        flat = mask.shape[2] == 1

        def read_roi(box: tuple[slice, ...]) -> NDArray[Any]:
            part = mask.region(at, 0, (slice(0, 1), *box[1:]) if flat else box)
            return np.broadcast_to(part, [side.stop - side.start for side in box])

        roi = Volume(movie.shape[2:], read_roi)
    volume = Volume(movie.shape[2:], lambda box: movie.region(t, job.channel - 1, box))
    block_job = BlockJob(volume, movie.calibration, job.settings, job.models, scratch, roi)
    cells = segment_in_blocks(
        block_job, lambda box, labels: store.write_part(t, box, labels), progress
    )
    store.finish(t)
    remove(scratch)
    return LabelledFrame(cells, lambda: store.read(t), lambda: job.image.frame(t))


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
    measures : bool
        Whether cells are measured; else their segmentation is kept alone.
    """

    def __init__(
        self,
        inputs: OpenInputs,
        settings: RunSettings,
        work: WorkFolder,
        models: Models | None,
        *,
        measures: bool = True,
    ) -> None:
        self.inputs = inputs
        self.settings = settings
        self.work = work
        self.measures = measures
        self._models = models

    def list_undone(self) -> list[int]:
        """Give the frames that are to be done."""
        return sorted(set(range(self.inputs.main.n_frames)) - set(self.work.done_frames()))

    def work_through(self, progress: Progress) -> None:
        """Segment (where no labels are given) and measure every frame that is not done yet."""
        todo = self.list_undone()
        labels = self.inputs.labels
        if labels is None:
            self._segment(progress)
        elif todo:
            workers = self.settings.workers
            kept = measure_frames(
                labels, self._measurer, todo, self._keep, workers=workers, progress=progress
            )
            for _ in kept:
                pass

    def prepare(self) -> None:
        """Open what every frame needs, before several threads ask for it."""
        if self.inputs.labels is None:
            _ = self.job
        if self.measures:
            _ = self._measurer

    def do(self, t: int, store: LabelStore | None, progress: Progress = ignore_progress) -> None:
        """Do one frame; where it is segmented, into an opened store."""
        if store is not None:
            self._keep_segmented(t, segment_one(self.job, t, store, self.work, progress))
        elif self.inputs.labels is not None:
            self._keep(t, self._measurer.measure(t, self.inputs.labels.frame(t)))

    @functools.cached_property
    def job(self) -> SegmentationJob:
        """What is segmented."""
        if self.inputs.image is None or self._models is None:
            msg = "a run without labels needs an image and networks"
            raise ValueError(msg)
        settings = self.settings
        return SegmentationJob.open(
            self.inputs.image, settings.channel, settings.segmentation, self._models
        )

    @functools.cached_property
    def _measurer(self) -> FrameMeasurer:
        inputs = self.inputs
        return FrameMeasurer(
            inputs.image,
            inputs.mask,
            inputs.main.calibration,
            self.settings.measure,
            measure=measure_one_frame,
        )

    def _segment(self, progress: Progress) -> None:
        """Segment frame after frame; the networks use all cores within one."""
        store = open_store(self.job, self.work, self.settings.ome_zarr)
        n_frames, todo = self.inputs.main.n_frames, self.list_undone()
        progress("segmenting", n_frames - len(todo), n_frames)
        warn_of_detours(self.job)
        for count, t in enumerate(todo, start=1):
            self.do(t, store, progress)
            progress("segmenting", n_frames - len(todo) + count, n_frames)

    def combine(self) -> MeasureResult:
        """Join the tables of all frames."""
        main = self.inputs.main
        frames = []
        for t in range(main.n_frames):
            tables = self.work.load_frame(t)
            names = ("spots", "dropped", "disconnected", "outlines")
            frames.append(FrameMeasurement(*(tables[name] for name in names)))
        return combine_frames(frames, main.calibration, ndim=main.ndim, n_frames=main.n_frames)

    def _keep_segmented(self, t: int, frame: LabelledFrame) -> None:
        if not self.measures:
            self.work.save_frame(t, {"cells": frame.cells.assign(frame=t)})
            return
        measured = self._measurer.measure(t, frame.labels(), frame.channels())
        self._keep(t, measured, frame.cells)

    def _keep(self, t: int, measured: FrameMeasurement, cells: pd.DataFrame | None = None) -> None:
        spots = measured.spots
        if cells is not None:
            spots = _add_segmentation(spots, cells)
        tables = {
            "spots": spots,
            "dropped": measured.dropped,
            "disconnected": measured.disconnected,
            "outlines": measured.outlines,
        }
        self.work.save_frame(t, tables)


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
