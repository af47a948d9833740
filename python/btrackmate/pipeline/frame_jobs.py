"""A frame as a task: what a worker does by itself, from the files to the tables and labels."""

import hashlib
import logging
import pickle
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from btrackmate import __version__ as version
from btrackmate.core.errors import UserError, WorkersError
from btrackmate.core.messages import JobHandler, hear_job
from btrackmate.core.progress import Progress
from btrackmate.core.words import command_line, is_command_line
from btrackmate.core.workplace import Workplace
from btrackmate.io.labels import LabelStore
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.frames import FrameWorker, open_store, warn_of_detours
from btrackmate.pipeline.inputs import OpenInputs
from btrackmate.pipeline.record import describe_models
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.work import WorkFolder
from btrackmate.segmentation import load_models

_log = logging.getLogger(__name__)

#: Jobs that a worker process keeps open, the newest last.
_KEPT = 2


@dataclass(frozen=True)
class FrameJob:
    """What a worker has to know; small, as it goes with every frame.

    Parameters
    ----------
    inputs : bytes
        Pickled OpenInputs: paths, axes and calibration; pixels are read by the worker.
    settings : RunSettings
        With absolute paths.
    work, labels : Path
        The work folder, and where its labels are stored.
    fingerprint : str
        Of the work folder's job.
    holder : bytes
        What the work folder's lock tells of the process that sends this.
    measures : bool
        Whether cells are measured; else only segmented.
    models : dict
        Hash of each network; none where labels are measured.
    on_command_line : bool
        How messages name options.
    version : str
        Of BTrackMate.
    """

    inputs: bytes
    settings: RunSettings
    work: Path
    labels: Path
    fingerprint: str
    holder: bytes
    measures: bool
    models: dict[str, str]
    on_command_line: bool
    version: str

    @classmethod
    def make(cls, worker: FrameWorker) -> "FrameJob":
        """Make the job of a work folder that is begun."""
        from btrackmate.segmentation.other_shapes import find_cellpose

        work, chosen = worker.work, worker.settings.segmentation.make_absolute()
        file = find_cellpose(chosen.cellpose) if chosen.shapes == "cellpose" else None
        if file is not None:  # Workers may have another folder.
            chosen = chosen.model_copy(update={"cellpose": str(file)})
        settings = worker.settings.model_copy(update={"segmentation": chosen})
        return cls(
            pickle.dumps(worker.inputs), settings, work.path.absolute(), work.labels.absolute(),
            work.fingerprint, work.place.holder, worker.measures,
            _hash_models(settings) if worker.inputs.labels is None else {},
            is_command_line(), version,
        )  # fmt: skip

    @property
    def key(self) -> str:
        """Text that no other job has."""
        parts = self.holder + self.inputs + self.fingerprint.encode()
        return hashlib.sha256(parts).hexdigest()[:16]

    @property
    def place(self) -> Workplace:
        """The work folder, which only the process that sent this may take."""
        return Workplace(self.work, self.work.parent, str(self.work))

    def confirm(self) -> None:
        """Stop where the sender has ended, or another run has taken the folder.

        Raises
        ------
        UserError
            If the folder is not there for this worker, or it has another version of BTrackMate.
        WorkersError
            If it is not the sender's any more.
        """
        if self.version != version:
            msg = (
                f"a worker on {platform.node()} has btrackmate {version}, expected {self.version}: "
            )
            msg += "install the same version everywhere"
            raise UserError(msg)
        if not self.work.is_dir():
            msg = f"a worker on {platform.node()} does not see {self.work}: workers need the "
            msg += "folders of inputs and output under the same paths, on a disk that they share"
            raise UserError(msg)
        if not self.place.is_held_by(self.holder):
            msg = f"{self.work}: the run that this frame belongs to has ended; it is left undone"
            raise WorkersError(msg)


@dataclass(frozen=True)
class Done:
    """A frame that is finished.

    Parameters
    ----------
    messages : tuple of (int, str)
        What was logged: levels and texts.
    cpu_seconds : float
        Processor time that the worker has spent since it told of it last.
    """

    messages: tuple[tuple[int, str], ...]
    cpu_seconds: float


def spread_frames(worker: FrameWorker, pool: WorkerPool, progress: Progress) -> tuple[float, str]:
    """Let workers do the frames that are not done yet; they write them, and only tell of it.

    Parameters
    ----------
    worker : FrameWorker
        Of a work folder that is begun, in this process.
    pool : WorkerPool
    progress : Progress

    Returns
    -------
    seconds : float
        Processor time that the workers spent.
    workers : str
        Which they were.

    Raises
    ------
    UserError
        If a worker does not see the files, or refuses a frame.
    WorkersError
        If workers are lost.
    """
    segments, n_frames = worker.inputs.labels is None, worker.inputs.main.n_frames
    step = "segmenting" if segments else "measuring"
    store = None
    if segments:
        store = open_store(worker.job, worker.work, worker.settings.ome_zarr)
        warn_of_detours(worker.job)
    todo = worker.list_undone()
    if not todo:
        return 0.0, pool.describe()
    job = FrameJob.make(worker)
    pool.check_memory(_count_bytes(worker.inputs), "one frame", prefers_gpu=segments)
    workers = pool.describe()
    pool.check(check_worker, job, prefers_gpu=segments)
    done, cpu_seconds = n_frames - len(todo), 0.0
    progress(step, done, n_frames)
    told = _Teller(todo)
    for t, found in pool.spread(do_frame, job, todo, step, prefers_gpu=segments):
        told.tell(t, found.messages)
        cpu_seconds += found.cpu_seconds
        done += 1
        progress(step, done, n_frames)
    if store is not None:
        store.clear_partial()
    return cpu_seconds, workers


class _Teller:
    """Log what workers logged in the order of the frames, each text once.

    Parameters
    ----------
    frames : list of int
        In their order.
    """

    def __init__(self, frames: list[int]) -> None:
        self._frames = frames
        self._next = 0
        self._kept: dict[int, tuple[tuple[int, str], ...]] = {}
        self._told: set[str] = set()

    def tell(self, t: int, messages: tuple[tuple[int, str], ...]) -> None:
        """Log a frame's messages when those before it are logged."""
        self._kept[t] = messages
        while self._next < len(self._frames) and self._frames[self._next] in self._kept:
            for level, message in self._kept.pop(self._frames[self._next]):
                if message not in self._told:
                    self._told.add(message)
                    _log.log(level, "%s", message)
            self._next += 1


def _count_bytes(inputs: OpenInputs) -> int:
    """Count the bytes of one frame's pixels."""
    count = 0
    for movie in inputs.movies().values():
        _, *space = movie.shape
        size = movie.dtype.itemsize
        for side in space:
            size *= side
        count += size
    return count


def check_worker(job: FrameJob) -> None:
    """See, in a worker, that it reaches the work folder and the inputs, and has the networks.

    Raises
    ------
    UserError
    """
    with _words(job):
        job.confirm()
        try:
            _open(job)
        except UserError as error:
            msg = f"a worker on {platform.node()} cannot do this: {error}"
            raise UserError(msg) from None


def do_frame(job: FrameJob, t: int) -> Done:
    """Segment and measure a frame in a worker, and write it.

    Raises
    ------
    WorkersError
        If the worker has not enough memory, or the run has ended.
    """
    with _words(job), _collect() as messages:
        job.confirm()
        try:
            opened = _open(job)
            opened.do(t)
        except MemoryError as error:
            msg = f"frame {t} does not fit into the memory of a worker ({error}): give workers "
            msg += "more of it, or fewer threads"
            raise WorkersError(msg) from None
    return Done(tuple(messages), opened.count_cpu_seconds())


def _hash_models(settings: RunSettings) -> dict[str, str]:
    """Hash the networks, wherever each machine has them."""
    described = describe_models(settings.segmentation)
    return {role: str(model["sha256"]) for role, model in described.items()}


class _Worker:
    """A job that is open in this process."""

    def __init__(self, job: FrameJob) -> None:
        self._counted = time.process_time()
        self._job = job
        self._inputs: OpenInputs = pickle.loads(job.inputs)
        work = WorkFolder(job.place, job.labels)
        work.fingerprint = job.fingerprint
        self._segments = self._inputs.labels is None
        models = load_models(job.settings.segmentation) if self._segments else None
        if self._segments and _hash_models(job.settings) != job.models:
            msg = "a model was changed since the work began: start again"
            raise UserError(msg)
        self._worker = FrameWorker(self._inputs, job.settings, work, models, measures=job.measures)
        self._worker.prepare()
        self._segmenting = threading.Lock()  # Networks are not made for several threads.
        self._counting = threading.Lock()

    def do(self, t: int) -> None:
        """Do a frame."""
        if not self._segments:
            self._worker.do(t, None)
            return
        main, job = self._inputs.main, self._job
        shape = (main.n_frames, *main.shape[2:])
        with self._segmenting:
            store = LabelStore.join(job.labels, shape, job.fingerprint, job.confirm)
            self._worker.do(t, store)

    def count_cpu_seconds(self) -> float:
        """Give the processor time of this process since this was asked last."""
        with self._counting:
            now = time.process_time()
            spent, self._counted = now - self._counted, now
        return spent

    def close(self) -> None:
        """Close the inputs."""
        self._inputs.close()


_open_jobs: dict[str, _Worker] = {}
_opening = threading.Lock()


def _open(job: FrameJob) -> _Worker:
    """Open a job once in this process."""
    key = job.key
    with _opening:
        if key not in _open_jobs:
            made = _Worker(job)
            while len(_open_jobs) >= _KEPT:
                _open_jobs.pop(next(iter(_open_jobs))).close()
            _open_jobs[key] = made
        return _open_jobs[key]


@contextmanager
def _words(job: FrameJob) -> Iterator[None]:
    """Name options as the sender does."""
    with command_line() if job.on_command_line else nullcontext():
        yield


class _Messages(JobHandler):
    """Keep what a frame logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.kept: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append((record.levelno, record.getMessage()))


@contextmanager
def _collect() -> Iterator[list[tuple[int, str]]]:
    """Collect what a frame logs, to be logged by the sender."""
    handler = _Messages()
    with hear_job(handler):
        yield handler.kept
