"""Worker processes on dask: on this machine, at a scheduler's address, or in a job queue."""

import importlib.util
import logging
import platform
import queue
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field

import btrackmate
from btrackmate.core.errors import UserError, WorkersError
from btrackmate.core.settings import Settings
from btrackmate.core.words import option

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

#: Seconds that a scheduler, and then the first of its workers, may take to answer.
PATIENCE = 10.0
#: How often a frame whose worker was killed is tried with another one.
_RETRIES = 1
_QUEUES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
    "htcondor": "HTCondorCluster",
}
#: A worker never waits for memory that nothing will free: it works on, or is ended by its nanny.
_CONFIG = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.scheduler.allowed-failures": _RETRIES,
}


class ClusterFile(Settings):
    """Workers that a job queue starts; the names are those of dask-jobqueue."""

    kind: Literal["slurm", "pbs", "lsf", "sge", "oar", "moab", "htcondor"] = Field(
        description="The job queue"
    )
    jobs: int = Field(ge=1, description="Jobs that are asked for")
    cores: int = Field(ge=1, description="Processor cores of a job")
    memory: str = Field(description="Memory of a job, e.g. 16GB; its processes share it")
    processes: int = Field(1, ge=1, description="Worker processes of a job, which share its cores")
    queue: str | None = Field(None, description="Queue or partition")
    account: str | None = Field(None, description="Account or project that pays")
    walltime: str | None = Field(None, description="Longest time of a job, e.g. 08:00:00")
    interface: str | None = Field(None, description="Network interface of the nodes, e.g. ib0")
    python: str | None = Field(None, description="Python on the nodes; else the one of this run")
    local_directory: str | None = Field(None, description="Scratch folder on the nodes")
    log_directory: str | None = Field(None, description="Folder for what the jobs print")
    job_extra_directives: tuple[str, ...] = Field((), description="Further lines of the job's head")
    job_script_prologue: tuple[str, ...] = Field((), description="Commands before the worker")
    worker_extra_args: tuple[str, ...] = Field(
        (), description="Further words for dask worker, e.g. --resources GPU=1"
    )

    def open(self) -> Any:
        """Make dask's cluster, without any job yet.

        Raises
        ------
        UserError
            If dask-jobqueue is not installed, or a value is not one that it takes.
        """
        _check_installed("dask_jobqueue", "dask-jobqueue")
        import dask_jobqueue

        values = self.model_dump(exclude={"kind", "jobs", "account"}, exclude_none=True)
        values = {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
        if self.account is not None:
            values["project" if self.kind in ("lsf", "sge", "oar") else "account"] = self.account
        if self.kind == "htcondor":
            values.setdefault("disk", "1GB")
            values.pop("queue", None)
            values.pop("walltime", None)
        try:
            return getattr(dask_jobqueue, _QUEUES[self.kind])(**values)
        except (ValueError, TypeError, RuntimeError) as error:
            msg = f"the workers' file: {' '.join(str(error).split())}"
            raise UserError(msg) from None

    def check_queue(self, cluster: Any) -> None:
        """Refuse a machine that jobs cannot be submitted from."""
        command = cluster.job_cls.submit_command.split()[0]
        if shutil.which(command) is None:
            msg = f"{command} is not found on this machine: start where {self.kind} jobs are "
            msg += f"submitted, or give {option('processes')}"
            raise UserError(msg)


@dataclass(frozen=True)
class WorkerChoice:
    """Which workers are to be used; one of the first three.

    Parameters
    ----------
    processes : int, optional
        Worker processes on this machine.
    scheduler : str, optional
        Address of a dask scheduler, e.g. ``tcp://node1:8786``.
    cluster : Path, optional
        YAML file, see :class:`ClusterFile`.
    memory : str, optional
        Memory of each of `processes`, e.g. ``4GB``; else their share of the machine's.
    """

    processes: int | None = None
    scheduler: str | None = None
    cluster: Path | None = None
    memory: str | None = None

    def check(self) -> None:
        """Refuse what does not go together."""
        given = {"processes": self.processes, "scheduler": self.scheduler, "cluster": self.cluster}
        named = [option(name) for name, value in given.items() if value is not None]
        if len(named) > 1:
            msg = f"{' and '.join(named)} are given; give one of them"
            raise UserError(msg)
        if self.processes is not None and self.processes < 1:
            msg = f"{option('processes')} is {self.processes}, expected 1 or more"
            raise UserError(msg)
        if self.memory is not None and self.processes is None:
            msg = f"{option('worker_memory')} goes with {option('processes')} only: other workers "
            msg += "are told their memory where they are started"
            raise UserError(msg)


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
        _check_installed("distributed", "distributed")
        import dask

        self._closing.enter_context(dask.config.set(_CONFIG))
        self._client = self._connect()
        try:
            self._wait_for_worker()
            self._check_versions()
        except BaseException:
            self._client = None
            self._closing.close()
            raise
        _log.info("%s", self._describe())

    @property
    def cores(self) -> int:
        """Threads of all workers that are there now."""
        return sum(worker["nthreads"] for worker in self._list_workers().values())

    def check(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Run a check on every worker that is there; the first one's refusal is raised."""
        self.start()
        self._client.run(function, *arguments)

    def check_memory(self, need: int, what: str) -> None:
        """Refuse workers whose memory (bytes) is less than what one frame's pixels take."""
        self.start()
        limits = [worker["memory_limit"] for worker in self._list_workers().values()]
        known = [limit for limit in limits if limit]
        if known and min(known) < need:
            msg = f"{what} takes {need / 1e9:.3g} GB or more, and a worker has "
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
    ) -> Iterator[Result]:
        """Work on frames and yield what the function gives, as they are done.

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
        workers = self._list_workers().values()
        has_gpu = prefers_gpu and any("GPU" in one.get("resources", {}) for one in workers)
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        futures = {}
        for t in frames:
            future = self._client.submit(
                function, job, t, key=f"{name}-{t}-{id(done):x}", pure=False, priority=-t,
                resources={"GPU": 1} if has_gpu else None,
            )  # fmt: skip
            futures[future.key] = (future, t)
            future.add_done_callback(done.put)
        try:
            while futures:
                future, t = futures.pop(self._wait_for(done).key)
                yield self._take(future, t)
        finally:
            if futures and self._client is not None and self._client.status == "running":
                self._client.cancel([future for future, _ in futures.values()], force=True)

    def _take(self, future: Any, t: int) -> Any:
        """Take a frame's result; say what killed its worker."""
        from distributed.scheduler import KilledWorker

        if future.status == "cancelled":
            raise WorkersError(self._tell_lost())
        try:
            return future.result()
        except KilledWorker as error:
            msg = f"frame {t} ended {error.allowed_failures + 1} workers: most likely they had too "
            msg += f"little memory for it: {self._advise_memory()}; what is finished is kept"
            raise WorkersError(msg) from None

    def _wait_for(self, done: "queue.SimpleQueue[Any]") -> Any:
        """Wait for the next frame, and watch the scheduler."""
        lost = None
        while True:
            try:
                return done.get(timeout=0.5)
            except queue.Empty:
                pass
            if self._client.status == "running":
                lost = None
                continue
            lost = lost or time.monotonic()
            if self._client.status == "closed" or time.monotonic() - lost > PATIENCE / 2:
                raise WorkersError(self._tell_lost())

    def _connect(self) -> Any:
        """Open a client, and where it is ours the cluster."""
        from distributed import Client, LocalCluster

        choice = self._choice
        target: Any = choice.scheduler
        if choice.processes is not None:
            target = self._closing.enter_context(
                LocalCluster(
                    n_workers=choice.processes,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=_share_memory(choice.processes, choice.memory),
                    silence_logs=logging.CRITICAL,
                )
            )
        elif self._file is not None:
            target = self._file.open()
            self._closing.callback(target.close)
            self._file.check_queue(target)
            target.scale(jobs=self._file.jobs)
        for name in ("distributed", "distributed.client", "distributed.core"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # What matters is told in one line.
        try:
            client = Client(target, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            self._closing.close()
            reason = " ".join(str(error).split()) or type(error).__name__
            msg = f"no dask scheduler answers at {choice.scheduler or 'its address'} ({reason}): "
            msg += "start one there (dask scheduler), or give the address that it printed"
            raise UserError(msg) from None
        self._closing.callback(client.close, timeout=PATIENCE / 2)
        return client

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

    def _check_versions(self) -> None:
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

    def _describe(self) -> str:
        """Say how many workers there are, their memory, and where to look at them."""
        workers = list(self._list_workers().values())
        limits = {f"{one['memory_limit'] / 1e9:.3g} GB" for one in workers if one["memory_limit"]}
        text = f"{len(workers)} worker{'s' if len(workers) > 1 else ''}"
        text += f" of {' or '.join(sorted(limits))}" if limits else ""
        text += f"; dashboard: {self._client.dashboard_link}"
        if importlib.util.find_spec("bokeh") is None:
            text += " (its pages need: pip install bokeh)"
        return text

    def _advise_memory(self) -> str:
        if self._file is not None:
            return "set a larger memory, or fewer processes, in the file of the workers"
        if self._choice.scheduler is not None:
            return "start workers with a larger --memory-limit"
        more = option("worker_memory")
        return f"give fewer {option('processes')}, or more {more} (e.g. 8GB)"

    def _tell_lost(self) -> str:
        where = f" at {self._choice.scheduler}" if self._choice.scheduler else ""
        return f"the scheduler{where} was lost; what is finished is kept: start again to go on"


def _share_memory(processes: int, memory: str | None) -> int:
    """Give the bytes that a worker on this machine may use."""
    from dask.utils import parse_bytes
    from distributed.system import MEMORY_LIMIT

    share = int(MEMORY_LIMIT // processes)
    if memory is None:
        return share
    try:
        wanted = int(parse_bytes(memory))
    except ValueError:
        wanted = 0
    if wanted <= 0:
        msg = f"{option('worker_memory')} is {memory!r}, expected e.g. 4GB"
        raise UserError(msg)
    return wanted


def _short(version: str) -> str:
    """Give 3.11 for 3.11.9.final.0."""
    return ".".join(version.split(".")[:2])


def _check_installed(module: str, package: str) -> None:
    if importlib.util.find_spec(module) is None:
        msg = f"workers need {package}, which is not installed; install it with: "
        msg += "pip install 'btrackmate[cluster]'"
        raise UserError(msg)
