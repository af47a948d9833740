"""Which worker processes are to be used, and the file that tells a job queue of them."""

import importlib.util
import re
import shutil
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from btrackmate.core.errors import UserError
from btrackmate.core.settings import Settings
from btrackmate.core.words import option

_QUEUES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
}
#: As of the workers on this machine: none waits for memory that nothing will free.
_PROLOGUE = tuple(
    f"export DASK_DISTRIBUTED__WORKER__MEMORY__{name}=False"
    for name in ("TARGET", "SPILL", "PAUSE")
)
#: Bytes that a worker takes for itself, before any pixel.
LEAST_MEMORY = 350_000_000
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b", re.IGNORECASE)
_ADDRESS = re.compile(r"([a-z]+://)?[^\s/]+:\d+/?")


class ClusterFile(Settings):
    """Workers that a job queue starts; the names are those of dask-jobqueue."""

    kind: Literal["slurm", "pbs", "lsf", "sge", "oar", "moab"] = Field(description="The job queue")
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
        (), description="Further words for dask worker, e.g. ['--resources', 'GPU=1']"
    )

    @field_validator("walltime", mode="before")
    @classmethod
    def _refuse_seconds(cls, value: Any) -> Any:
        """YAML takes 1:30:00 for a number, and queues differ in what 12:00 is."""
        if isinstance(value, int):
            msg = f"walltime is read as the number {value}; put it in quotes: '08:00:00'"
            raise UserError(msg)
        return value

    @field_validator("memory")
    @classmethod
    def _check_memory(cls, value: str) -> str:
        if read_memory(value) is None:
            msg = f"memory is {value!r}, expected e.g. 16GB"
            raise UserError(msg)
        return value

    def open(self, source: str) -> Any:
        """Make dask's cluster, without any job yet.

        Parameters
        ----------
        source : str
            Where the values come from, for the message.

        Raises
        ------
        UserError
            If dask-jobqueue is not installed, or a value is not one that it takes.
        """
        check_installed("dask_jobqueue", "dask-jobqueue")
        dask_jobqueue = _import_jobqueue()
        values = self.model_dump(exclude={"kind", "jobs", "account"}, exclude_none=True)
        values = {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
        values["job_script_prologue"] = [*_PROLOGUE, *self.job_script_prologue]
        if self.account is not None:
            values["project" if self.kind in ("lsf", "sge", "oar") else "account"] = self.account
        try:
            return getattr(dask_jobqueue, _QUEUES[self.kind])(**values)
        except (ValueError, TypeError, RuntimeError) as error:
            msg = f"{source}: {' '.join(str(error).split())}"
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
    worker_memory : str, optional
        Memory of each of `processes`, e.g. ``4GB``; else their share of the machine's.
    """

    processes: int | None = None
    scheduler: str | None = None
    cluster: Path | None = None
    worker_memory: str | None = None

    @property
    def is_given(self) -> bool:
        """Whether there are to be workers."""
        return (self.processes, self.scheduler, self.cluster) != (None, None, None)

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
        if self.scheduler is not None and not _ADDRESS.fullmatch(self.scheduler):
            msg = f"{option('scheduler')} is {self.scheduler!r}, expected an address such as "
            msg += "tcp://node1:8786, as the scheduler prints it"
            raise UserError(msg)
        if self.worker_memory is not None and self.processes is None:
            msg = f"{option('worker_memory')} goes with {option('processes')} only: other workers "
            msg += "are told their memory where they are started"
            raise UserError(msg)
        if self.worker_memory is not None and (read_memory(self.worker_memory) or 0) < LEAST_MEMORY:
            msg = f"{option('worker_memory')} is {self.worker_memory!r}, expected e.g. 4GB; "
            msg += f"a worker takes {LEAST_MEMORY / 1e6:g}MB without any frame"
            raise UserError(msg)


def _import_jobqueue() -> Any:
    """Import dask-jobqueue, which takes SIGINT and SIGTERM for itself when it is read."""
    names = (signal.SIGINT, signal.SIGTERM)
    kept = [signal.getsignal(one) for one in names]
    import dask_jobqueue

    if threading.current_thread() is threading.main_thread():
        for one, handler in zip(names, kept, strict=True):
            if handler is not None:
                signal.signal(one, handler)
    return dask_jobqueue


def read_memory(text: str) -> int | None:
    """Read a number of bytes, e.g. 4GB or 3.5 GiB; None where it is none."""
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        return None
    number, letter, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(letter.lower() or " "))


def check_installed(module: str, package: str) -> None:
    """Refuse to go on without a package of the extra `cluster`."""
    if importlib.util.find_spec(module) is None:
        msg = f"workers need {package}, which is not installed; install it with: "
        msg += "pip install 'btrackmate[cluster]'"
        raise UserError(msg)
