"""The file that tells a job queue (SLURM, PBS, LSF …) of the workers to start."""

import importlib.util
import shutil
from typing import Any, Literal

from pydantic import Field

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
    "htcondor": "HTCondorCluster",
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
        check_installed("dask_jobqueue", "dask-jobqueue")
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


def check_installed(module: str, package: str) -> None:
    """Refuse to go on without a package of the extra `cluster`."""
    if importlib.util.find_spec(module) is None:
        msg = f"workers need {package}, which is not installed; install it with: "
        msg += "pip install 'btrackmate[cluster]'"
        raise UserError(msg)
