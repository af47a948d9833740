"""Options of worker processes, which several verbs share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from btrackmate.cli.options import INT, PATH, apply_all, section

Function = Callable[..., Any]


def worker_options(function: Function) -> Function:
    """Add the options of workers; the command gets the argument `pool`, None for no workers."""

    @functools.wraps(function)
    def wrapped(
        *args: Any,
        processes: int | None,
        worker_memory: str | None,
        scheduler: str | None,
        cluster: Path | None,
        **kwargs: Any,
    ) -> Any:
        from btrackmate.pipeline.cluster import open_workers
        from btrackmate.pipeline.worker_choice import WorkerChoice

        with open_workers(WorkerChoice(processes, scheduler, cluster, worker_memory)) as pool:
            return function(*args, pool=pool, **kwargs)

    return section(
        "Workers (docs/cluster.md)",
        apply_all(
            [
                click.option(
                    "--processes",
                    type=INT,
                    help="Worker processes on this machine; each takes a frame at a time. The "
                    "result is the same for any number.  [default: none]",
                ),
                click.option(
                    "--worker-memory",
                    metavar="BYTES",
                    help="Memory that each of --processes may use, e.g. 4GB.  [default: its share]",
                ),
                click.option(
                    "--scheduler",
                    metavar="ADDRESS",
                    help="Workers of a dask scheduler that runs already, e.g. tcp://node1:8786.",
                ),
                click.option(
                    "--cluster",
                    type=PATH,
                    metavar="YAML",
                    help="Workers that a job queue (SLURM, PBS, LSF …) starts as this file says.",
                ),
            ]
        ),
    )(wrapped)
