"""A frame as a task: what a worker does by itself, from the files to the tables and labels."""

import hashlib
import logging
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from btrackmate.core.errors import UserError, WorkersError
from btrackmate.core.progress import Progress
from btrackmate.core.words import command_line, is_command_line
from btrackmate.core.workplace import Workplace
from btrackmate.io.labels import LabelStore
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.frames import FrameWorker
from btrackmate.pipeline.inputs import OpenInputs
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
    on_command_line : bool
        How messages name options.
    """

    inputs: bytes
    settings: RunSettings
    work: Path
    labels: Path
    fingerprint: str
    holder: bytes
    measures: bool
    on_command_line: bool

    @classmethod
    def make(
        cls, inputs: OpenInputs, settings: RunSettings, work: WorkFolder, *, measures: bool
    ) -> "FrameJob":
        """Make the job of a work folder that is begun."""
        chosen = settings.segmentation
        paths = {
            name: value.absolute()
            for name in type(chosen).model_fields
            if isinstance(value := getattr(chosen, name), Path)
        }
        settings = settings.model_copy(update={"segmentation": chosen.model_copy(update=paths)})
        return cls(
            pickle.dumps(inputs), settings, work.path.absolute(), work.labels.absolute(),
            work.fingerprint, work.place.holder, measures, is_command_line(),
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
        WorkersError
        """
        if not self.place.is_held_by(self.holder):
            msg = f"{self.work}: the run that this frame belongs to has ended; it is left undone"
            raise WorkersError(msg)


@dataclass(frozen=True)
class Done:
    """A frame that is finished, and what was logged: levels and messages."""

    frame: int
    messages: tuple[tuple[int, str], ...]


def work_frames(
    job: FrameJob, pool: WorkerPool, frames: list[int], n_frames: int, progress: Progress
) -> None:
    """Let workers do frames; they write them, and only that they are done comes back.

    Parameters
    ----------
    job : FrameJob
    pool : WorkerPool
    frames : list of int
    n_frames : int
        Of the movie; the others count as done.
    progress : Progress

    Raises
    ------
    UserError
        If a worker does not see the files, or refuses a frame.
    WorkersError
        If workers are lost.
    """
    inputs: OpenInputs = pickle.loads(job.inputs)
    step = "measuring" if inputs.labels is not None else "segmenting"
    try:
        if frames:
            need = sum(_count_bytes(movie.shape, movie.dtype.itemsize, role)
                       for role, movie in inputs.movies().items())  # fmt: skip
            pool.check_memory(need, "one frame")
            pool.check(check_worker, job)
    finally:
        inputs.close()
    done = n_frames - len(frames)
    progress(step, done, n_frames)
    told: set[str] = set()
    tasks = pool.spread(do_frame, job, frames, step, prefers_gpu=step == "segmenting")
    for found in tasks:
        for level, message in found.messages:
            if message not in told:
                told.add(message)
                _log.log(level, "%s", message)
        done += 1
        progress(step, done, n_frames)


def _count_bytes(shape: tuple[int, ...], itemsize: int, role: str) -> int:
    _, channels, *space = shape
    count = channels if role == "image" else 1
    for side in space:
        count *= side
    return count * itemsize


def check_worker(job: FrameJob) -> None:
    """See, in a worker, that it reaches the work folder and the inputs, and has the networks.

    Raises
    ------
    UserError
    """
    if not job.place.is_held_by(job.holder):
        msg = f"a worker does not see {job.work}: workers need the inputs' and the output's "
        msg += "folders under the same paths, on a disk that they share"
        raise UserError(msg)
    with _words(job):
        try:
            _open(job)
        except UserError as error:
            msg = f"a worker cannot work on this: {error}"
            raise UserError(msg) from None


def do_frame(job: FrameJob, t: int) -> Done:
    """Segment and measure a frame in a worker, and write it."""
    job.confirm()
    with _words(job), _collect() as messages:
        _open(job).do(t)
    return Done(t, tuple(messages))


class _Worker:
    """A job that is open in this process."""

    def __init__(self, job: FrameJob) -> None:
        self._job = job
        self._inputs: OpenInputs = pickle.loads(job.inputs)
        self._work = WorkFolder(job.place, job.labels)
        self._work.fingerprint = job.fingerprint
        segments = self._inputs.labels is None
        models = load_models(job.settings.segmentation) if segments else None
        self._worker = FrameWorker(
            self._inputs, job.settings, self._work, models, measures=job.measures
        )
        self._segmenting = threading.Lock()  # Networks are not made for several threads.

    def do(self, t: int) -> None:
        """Do a frame, unless it is done."""
        if self._inputs.labels is not None:
            self._worker.measure(t, confirm=self._job.confirm)
            return
        with self._segmenting:
            main = self._inputs.main
            store = LabelStore.join(
                self._job.labels, (main.n_frames, *main.shape[2:]), self._job.fingerprint
            )
            self._worker.segment(t, store, confirm=self._job.confirm)


_open_jobs: dict[str, _Worker] = {}
_opening = threading.Lock()


def _open(job: FrameJob) -> _Worker:
    """Open a job once in this process."""
    key = job.key
    with _opening:
        if key not in _open_jobs:
            made = _Worker(job)
            while len(_open_jobs) >= _KEPT:
                _open_jobs.pop(next(iter(_open_jobs)))
            _open_jobs[key] = made
        return _open_jobs[key]


@contextmanager
def _words(job: FrameJob) -> Iterator[None]:
    """Name options as the sender does."""
    with command_line() if job.on_command_line else nullcontext():
        yield


class _Messages(logging.Handler):
    """Keep what one thread logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.kept: list[tuple[int, str]] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.kept.append((record.levelno, record.getMessage()))


@contextmanager
def _collect() -> Iterator[list[tuple[int, str]]]:
    """Collect what this thread logs, to be logged by the sender."""
    handler, logger = _Messages(), logging.getLogger("btrackmate")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield handler.kept
    finally:
        logger.removeHandler(handler)
