"""Worker processes on dask: on this machine, at a scheduler's address, or in a job queue."""

import asyncio
import logging
import platform
import queue
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any, Self, TypeVar

import btrackmate
from btrackmate.core.errors import UserError, WorkersError
from btrackmate.core.interrupts import shield_children
from btrackmate.core.parallel import count_cores
from btrackmate.core.words import option
from btrackmate.pipeline.worker_choice import (
    LEAST_MEMORY,
    ClusterFile,
    WorkerChoice,
    check_installed,
    read_memory,
)

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

#: Seconds that a scheduler, and then the first of its workers, may take to answer.
PATIENCE = 10.0
#: How often a frame whose worker was killed is tried with another one.
_RETRIES = 1
#: A worker never waits for memory that nothing will free: it works on, or is ended by its nanny.
#: It gets one frame a thread at a time, so that the frame that ended it is known.
_CONFIG = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.scheduler.allowed-failures": _RETRIES,
    "distributed.scheduler.worker-saturation": 1.0,
}
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NUMBA_NUM_THREADS")


class WorkerPool:
    """Workers that are opened when they are first needed; a context manager closes them.

    Parameters
    ----------
    choice : WorkerChoice

    Raises
    ------
    UserError
        If the choice, or its file, is wrong.
    """

    def __init__(self, choice: WorkerChoice) -> None:
        choice.check()
        self._choice = choice
        self._file = ClusterFile.from_yaml(choice.cluster) if choice.cluster else None
        self._closing = ExitStack()
        self._client: Any = None
        self._is_warned = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client = None
        self._closing.close()

    def start(self) -> None:
        """Open the workers, unless they are open, and see that one of them can work for us.

        Raises
        ------
        UserError
            If dask is not installed, the scheduler does not answer or has no workers, or a worker
            has other versions.
        """
        if self._client is not None:
            return
        check_installed("distributed", "distributed")
        import dask

        self._closing.enter_context(dask.config.set(_CONFIG | self._limit_threads()))
        try:
            self._client = self._connect()
            self.check_versions()
            self._wait_for_worker()
            self.check_versions()
        except BaseException:
            self._client = None
            self._closing.close()
            raise
        ours = self._choice.scheduler is None
        if ours and find_spec("bokeh") is None:
            _log.info("%s; for a dashboard: pip install bokeh", self.describe())
        else:
            _log.info("%s; dashboard: %s", self.describe(), self._client.dashboard_link)

    def describe(self) -> str:
        """Say how many workers there are, and their memory."""
        workers = list(self._list_workers().values())
        limits = {f"{one['memory_limit'] / 1e9:.3g} GB" for one in workers if one["memory_limit"]}
        text = f"{len(workers)} worker process{'es' if len(workers) != 1 else ''}"
        return text + (f" of {' or '.join(sorted(limits))}" if limits else "")

    def check(
        self, function: Callable[[Any], None], job: Any, *, prefers_gpu: bool = False
    ) -> None:
        """Run a check on every worker that is there; the first refusal is raised.

        Raises
        ------
        UserError
            What the check raised, or that it ended a worker.
        """
        self.start()
        workers, _ = self._choose_workers(prefers_gpu=prefers_gpu)
        try:
            self._client.run(_run_aside, function, job, workers=workers)
        except OSError:
            msg = "a worker ended while it opened the inputs: most likely it has too little memory "
            msg += f"for that: {self._advise_memory()}"
            raise UserError(msg) from None

    def check_memory(self, need: int, what: str, *, prefers_gpu: bool = False) -> None:
        """Refuse workers whose memory (bytes) is less than what one frame's pixels take."""
        self.start()
        need += LEAST_MEMORY
        chosen, _ = self._choose_workers(prefers_gpu=prefers_gpu)
        workers = self._list_workers()
        limits = [workers[address]["memory_limit"] for address in chosen if address in workers]
        known = [limit for limit in limits if limit]
        if known and min(known) < need:
            msg = f"{what} in a worker takes {need / 1e9:.3g} GB or more, and a worker has "
            msg += f"{min(known) / 1e9:.3g} GB: {self._advise_memory()}"
            raise UserError(msg)

    def spread(
        self,
        function: Callable[[Any, int], Result],
        job: Any,
        frames: Sequence[int],
        name: str,
        *,
        prefers_gpu: bool = False,
    ) -> Iterator[tuple[int, Result]]:
        """Work on frames; yield them, and what the function gives, as they are done.

        Parameters
        ----------
        function : callable
            Takes job and frame, in a worker; importable there.
        job : object
            Small: it is sent with every frame.
        frames : sequence of int
        name : str
            Of the tasks, on the dashboard.
        prefers_gpu : bool
            Where workers have dask's resource ``GPU``, only they work, one frame a ``GPU``.

        Raises
        ------
        UserError
            What the function raised in a worker.
        WorkersError
            If the scheduler was lost, or a frame killed its workers.
        """
        self.start()
        _, resources = self._choose_workers(prefers_gpu=prefers_gpu)
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        left = {}
        for t in frames:
            future = self._client.submit(
                function, job, t, key=f"{name}-{t}-{uuid.uuid4().hex}", pure=False, priority=-t,
                resources=resources,
            )  # fmt: skip
            left[future.key] = (future, t)
            future.add_done_callback(done.put)
        try:
            while left:
                future, t = left.pop(self._wait_for(done).key)
                yield t, self._take(future, t)
        except BaseException:
            self._stop([future for future, _ in left.values()])
            raise

    def _stop(self, futures: list[Any]) -> None:
        """Let no worker begin another frame; end those that are ours, whatever they do."""
        if self._client.status == "running":
            self._client.cancel(futures, force=True)
        if self._choice.scheduler is None:
            self.__exit__()

    def _choose_workers(self, *, prefers_gpu: bool) -> tuple[list[str], dict[str, int] | None]:
        """Give the addresses of the workers that are there now, and what a frame takes of them."""
        workers = self._list_workers()
        with_gpu = [at for at, told in workers.items() if "GPU" in told.get("resources", {})]
        return (with_gpu, {"GPU": 1}) if prefers_gpu and with_gpu else (list(workers), None)

    def _take(self, future: Any, t: int) -> Any:
        """Take a frame's result; say what killed its worker."""
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        if future.status == "cancelled":
            raise WorkersError(self._tell_lost())
        try:
            return future.result()
        except CommClosedError:
            raise WorkersError(self._tell_lost()) from None
        except KilledWorker as error:
            msg = f"frame {t} ended {error.allowed_failures + 1} workers: most likely they had too "
            msg += f"little memory for it: {self._advise_memory()}; what is finished is kept"
            raise WorkersError(msg) from None

    def _wait_for(self, done: "queue.SimpleQueue[Any]") -> Any:
        """Wait for the next frame, and watch the scheduler and its workers."""
        lost, looked = None, time.monotonic()
        while True:
            try:
                return done.get(timeout=0.5)
            except queue.Empty:
                pass
            if self._client.status == "running":
                lost = None
                if time.monotonic() - looked > PATIENCE:
                    looked = time.monotonic()
                    self._warn_of_none()
                continue
            lost = lost or time.monotonic()
            if self._client.status == "closed" or time.monotonic() - lost > PATIENCE / 2:
                raise WorkersError(self._tell_lost())

    def _warn_of_none(self) -> None:
        """Say, once, that there is no worker left."""
        if self._list_workers():
            self._is_warned = False
        elif not self._is_warned:
            self._is_warned = True
            _log.warning(
                "no worker is left; waiting for new ones (Ctrl-C stops, what is finished is kept)"
            )

    def _limit_threads(self) -> dict[str, int]:
        """Share this machine's cores among the processes, also within a frame."""
        if self._choice.processes is None:
            return {}
        share = max(1, count_cores() // self._choice.processes)
        return {f"distributed.nanny.pre-spawn-environ.{name}": share for name in _THREADS}

    def _connect(self) -> Any:
        """Open a client, and where it is ours the cluster."""
        from distributed import Client, LocalCluster
        from distributed.system import MEMORY_LIMIT
        from distributed.versions import VersionMismatchWarning

        for name in ("distributed", "distributed.client", "distributed.core"):
            self._silence(logging.getLogger(name))
        choice = self._choice
        target: Any = choice.scheduler
        if choice.processes is not None:
            share = int(MEMORY_LIMIT // choice.processes)
            with shield_children():
                target = LocalCluster(
                    n_workers=choice.processes,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=read_memory(choice.worker_memory or "") or share,
                    silence_logs=logging.CRITICAL,
                )
                self._closing.enter_context(target)
        elif self._file is not None:
            target = self._file.open(str(choice.cluster))
            self._closing.callback(target.close)
            self._file.check_queue(target)
            target.scale(jobs=self._file.jobs)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", VersionMismatchWarning)  # Refused in one line.
                if choice.scheduler is not None:
                    _knock(choice.scheduler)
                client = Client(target, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            self._closing.close()
            reason = " ".join(str(error).split()) or type(error).__name__
            msg = f"no dask scheduler answers at {choice.scheduler or 'its address'} ({reason}): "
            msg += "start one there (dask scheduler), or give the address that it printed"
            raise UserError(msg) from None
        self._closing.callback(client.close, timeout=PATIENCE / 2)
        return client

    def _silence(self, logger: logging.Logger) -> None:
        """Log nothing of dask's while the workers are open: what matters is told in one line."""
        self._closing.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL)

    def _wait_for_worker(self) -> None:
        """Wait for the first worker; in a job queue as long as it takes."""
        if self._file is not None:
            _log.info("%d jobs are submitted; waiting for the first", self._file.jobs)
        count = self._choice.processes or 1
        patience = None if self._file is not None else 6 * PATIENCE
        try:
            self._client.wait_for_workers(count, timeout=patience)
        except TimeoutError:
            at = self._choice.scheduler or "this machine's"
            msg = f"the scheduler at {at} has no worker: start some (dask worker ADDRESS)"
            raise UserError(msg) from None

    def check_versions(self) -> None:
        """Refuse a scheduler or workers of other versions, which would give other bytes."""
        from distributed.versions import get_versions

        found = self._client.get_versions(packages=["btrackmate"])
        ours = get_versions(packages=["btrackmate"])
        names = {"python": _short(platform.python_version()), "distributed": ""}
        names["distributed"] = ours["packages"]["distributed"]
        places = {"the scheduler": found["scheduler"]}
        places |= {f"the worker {at}": told for at, told in found["workers"].items()}
        for where, told in places.items():
            packages = told["packages"]
            for name, wanted in names.items():
                got = str(packages.get(name) or "none")
                got = _short(got) if name == "python" else got
                if got != wanted:
                    msg = f"{where} has {name} {got}, expected {wanted} as here: install the same "
                    msg += "versions everywhere"
                    raise UserError(msg)
            version = packages.get("btrackmate")
            if where != "the scheduler" and version != btrackmate.__version__:
                msg = f"{where} has btrackmate {version or '(not installed)'}, expected "
                msg += f"{btrackmate.__version__} as here: pip install it where workers run"
                raise UserError(msg)

    def _list_workers(self) -> dict[str, Any]:
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        return dict(found)

    def _advise_memory(self) -> str:
        if self._file is not None:
            return "set a larger memory, or fewer processes, in the file of the workers"
        if self._choice.scheduler is not None:
            return "start its workers with a larger memory limit"
        more = option("worker_memory")
        return f"give fewer {option('processes')}, or more {more} (e.g. 8GB)"

    def _tell_lost(self) -> str:
        where = f" at {self._choice.scheduler}" if self._choice.scheduler else ""
        return f"the scheduler{where} was lost; what is finished is kept: start again to go on"


@contextmanager
def open_workers(choice: WorkerChoice) -> Iterator[WorkerPool | None]:
    """Give a pool for a choice, None where it asks for no workers, and close it afterwards.

    Raises
    ------
    UserError
        If the choice, or its file, is wrong.
    """
    choice.check()
    if not choice.is_given:
        yield None
        return
    with WorkerPool(choice) as pool:
        yield pool


def _knock(address: str) -> None:
    """Connect as a client does, which itself would wait for an answer for ever."""

    async def connect_once() -> None:
        from distributed.core import connect
        from distributed.security import Security

        given = Security().get_connection_args("client")
        trying = connect(address, timeout=PATIENCE, **given)
        (await asyncio.wait_for(trying, 1.5 * PATIENCE)).abort()

    try:
        with ThreadPoolExecutor(1) as thread:  # A notebook's own loop runs in this one.
            thread.submit(asyncio.run, connect_once()).result()
    except OSError:
        raise
    except Exception as error:  # Bytes of anything are taken for lengths, names and numbers.
        msg = "another program does"
        raise OSError(msg) from error


async def _run_aside(function: Callable[[Any], None], job: Any) -> None:
    """Run a function in a worker that goes on answering meanwhile."""
    await asyncio.to_thread(function, job)


def _short(version: str) -> str:
    """Give 3.11 for 3.11.9.final.0."""
    return ".".join(version.split(".")[:2])
