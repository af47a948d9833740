"""Measuring by itself: a label movie to its cells, by this process or by workers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from btrackmate import __version__ as version
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.watching import watch_inputs
from btrackmate.core.workplace import Workplace, name_workplace
from btrackmate.io.run_folder import LABELS
from btrackmate.measurement import MeasureResult
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.frame_jobs import spread_frames
from btrackmate.pipeline.frames import FrameWorker
from btrackmate.pipeline.inputs import OpenInputs, RunInputs, open_inputs
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.steps import measure_opened
from btrackmate.pipeline.work import WorkFolder, describe_files


@contextmanager
def measured_cells(
    inputs: RunInputs,
    settings: RunSettings,
    output: Path,
    *,
    pool: WorkerPool | None = None,
    progress: Progress = ignore_progress,
) -> Iterator[MeasureResult]:
    """Measure the cells of a label movie, and yield them to be written.

    Workers write each frame into a hidden folder beside the output; what is finished there is not
    done again when they are stopped. The folder goes when the block has ended well.

    Parameters
    ----------
    inputs : RunInputs
        Labels, and perhaps an image and a mask.
    settings : RunSettings
        Its input, measure and workers.
    output : Path
        The table that the block writes.
    pool : WorkerPool, optional
        Worker processes; else this process measures. The caller closes it.
    progress : Progress

    Raises
    ------
    UserError
        If a file is wrong or they do not fit each other.
    WorkersError
        If workers are lost; what they finished is kept.
    """
    if pool is None:
        with _open(inputs, settings, progress) as opened:
            found = measure_opened(opened, settings, progress)
        yield found
        return
    place = Workplace(name_workplace(output, ".work"), output.parent, str(output))
    work = WorkFolder(place, place.path / LABELS)
    try:
        with _open(inputs, settings, progress) as opened:
            opened.check_tissues(settings.measure.mask)
            pool.start()
            work.begin(_describe(inputs, settings))
            worker = FrameWorker(opened, settings, work, None)
            spread_frames(worker, pool, progress)
            found = worker.combine()
        yield found
        place.remove()
    finally:
        work.give_up()


@contextmanager
def _open(inputs: RunInputs, settings: RunSettings, progress: Progress) -> Iterator[OpenInputs]:
    """Open the inputs, which must stay as they are in the block."""
    with (
        watch_inputs(*inputs.paths().values()),
        closing(open_inputs(inputs, settings.input, 1, progress)) as opened,
    ):
        yield opened


def _describe(inputs: RunInputs, settings: RunSettings) -> dict[str, Any]:
    """Name all that the cells depend on."""
    return {
        "version": version,
        "inputs": describe_files({**inputs.paths()}),
        "settings": settings.model_dump(mode="json", include={"input", "measure"}),
    }
