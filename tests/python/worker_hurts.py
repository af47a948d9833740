"""What goes wrong in worker processes: stands for `frame_jobs.do_frame`, and is imported there.

Where to hurt is told by files in the folder `hurt` beside the output: ``kill`` ends the first
worker that is given frame 3, with ``hoard`` each of them takes 1 GB, ``scheduler`` holds the
process id of a scheduler that is killed, ``hold`` lets frames 4 and later wait until it is gone;
``threshold`` replaces the networks.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage

from btrackmate.pipeline import frame_jobs, frames
from btrackmate.segmentation import Models, SegmentationResult

_do_frame, _check_worker = frame_jobs.do_frame, frame_jobs.check_worker


def check_worker(job: frame_jobs.FrameJob) -> None:
    _replace_networks(job)
    _check_worker(job)


def do_frame(job: frame_jobs.FrameJob, t: int) -> frame_jobs.Done:
    _replace_networks(job)
    while t > 3 and _find(job, "hold").exists():
        time.sleep(0.05)
    if t == 3:
        _hurt(job)
    return _do_frame(job, t)


def _find(job: frame_jobs.FrameJob, name: str) -> Path:
    beside = job.work.parent / "hurt"  # of a file; else of a run folder
    return (beside if beside.exists() else job.work.parent.parent / "hurt") / name


def _replace_networks(job: frame_jobs.FrameJob) -> None:
    if _find(job, "threshold").exists():
        frames.segment_frame = segment
        frame_jobs.load_models = load_no_models


def _hurt(job: frame_jobs.FrameJob) -> None:
    if _find(job, "kill").exists():
        _find(job, "kill").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if _find(job, "hoard").exists():
        hoard = np.ones(1 << 27)
        time.sleep(30)
        del hoard
    if _find(job, "scheduler").exists():
        os.kill(int(_find(job, "scheduler").read_text()), signal.SIGKILL)
        time.sleep(30)


def serve_scheduler(address: str) -> None:
    """Be the scheduler at an address until killed."""
    from distributed import Scheduler

    _, _, place = address.partition("://")
    host, _, port = place.partition(":")
    _serve(lambda: Scheduler(host=host, port=int(port), dashboard=False))


def serve_worker(address: str) -> None:
    """Be a worker of one thread, as `dask worker` starts it, until killed."""
    from distributed import Worker

    _serve(lambda: Worker(address, nthreads=1, dashboard=False))


def _serve(make: Callable[[], Any]) -> None:
    async def serve() -> None:
        async with make() as server:
            await server.finished()

    asyncio.run(serve())


def load_no_models(_: Any) -> Models:
    return Models(None, None)


def segment(image: Any, *_: Any) -> SegmentationResult:
    """Segment by a threshold at 50."""
    labels, n = ndimage.label(image > 50)
    cells = pd.DataFrame(
        {
            "label": np.arange(1, n + 1),
            "origin": np.full(n, "stardist"),
            "score": np.full(n, 0.9),
            "agreement": np.full(n, 0.8),
            "voxels": np.bincount(labels.ravel())[1:],
        }
    )
    return SegmentationResult(labels.astype(np.uint32), cells, labels > 0, None, None, None)
