"""What goes wrong in worker processes: stands for `frame_jobs.do_frame`, and is imported there.

Where to hurt is told by files in the folder `hurt` beside the run folder: ``kill-3`` ends the
worker that is given frame 3, ``kill-3-once`` only the first one, ``scheduler`` holds the process id
of a scheduler that ends with frame 3, ``slow`` lets every frame take half a second.
"""

import os
import signal
import time
from pathlib import Path

from btrackmate.pipeline import frame_jobs

_do_frame = frame_jobs.do_frame


def do_frame(job: frame_jobs.FrameJob, t: int) -> frame_jobs.Done:
    folder = job.work.parent.parent / "hurt"
    if (folder / "slow").exists():
        time.sleep(0.5)
    if t == 3:
        _hurt(folder)
    return _do_frame(job, t)


def _hurt(folder: Path) -> None:
    if (folder / "kill-3").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if (folder / "kill-3-once").exists():
        (folder / "kill-3-once").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if (folder / "scheduler").exists():
        os.kill(int((folder / "scheduler").read_text()), signal.SIGKILL)
        time.sleep(60)
