"""`btrackmate warm-up` compiles every loop, so that no verb has to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Counts what is compiled from here on, functions of the package only.
COUNT = """
from numba.core import event
compiled = []
class Count(event.Listener):
    def on_start(self, started):
        compiled.append(str(started.data["dispatcher"].py_func))
    def on_end(self, ended):
        pass
event.register("numba:compile", Count())
"""

#: Names the compiled functions that Python calls and the warm-up does not.
IDLE = """
import importlib, pkgutil, btrackmate
from numba.core.dispatcher import Dispatcher
from btrackmate.pipeline.warm_up import warm_up
modules = []
for place in ("core", "io", "io.trackmate", "measurement", "metrics", "segmentation", "tracking"):
    package = importlib.import_module(f"btrackmate.{place}")
    for info in pkgutil.iter_modules(package.__path__):
        modules.append(importlib.import_module(f"{package.__name__}.{info.name}"))
warm_up()
loops = {}
for module in modules:
    for name, value in vars(module).items():
        if isinstance(value, Dispatcher):
            loops[f"{module.__name__.split('.')[-1]}.{name}"] = value
assert len(loops) > 40, len(loops)
called = {name for loop in loops.values() for name in loop.py_func.__code__.co_names}
roots = [name for name in loops if name.split(".")[1] not in called]
assert len(roots) > 15, roots
idle = [name for name in roots if not loops[name].signatures]
assert not idle, idle
"""

#: Uses the loops as the verbs do, with arrays that may be written and that may not.
USE = """
import numpy as np
from btrackmate.core.calibration import Calibration
from btrackmate.measurement import ArrayFrames, MaskSettings, MeasureSettings, measure_movie
from btrackmate.metrics.overlap import count_overlaps
from btrackmate_samples.points import make_point_movie
from btrackmate.tracking import TRACKERS, parse_tracker, track

spots = make_point_movie("S", 3).observed
more = {"allow_gap_closing": True, "allow_track_splitting": True, "allow_track_merging": True}
for name in TRACKERS:
    if name != "overlap":
        track(spots, parse_tracker(name, more if name in ("lap", "advanced-kalman") else {}))
track(spots, parse_tracker("lap", {"linking_feature_penalties": {"radius": 1, "volume": 1}}))
rng = np.random.default_rng(1)
for kind in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">u2"):
    for writeable in (True, False):
        labels = np.kron(rng.integers(0, 90, (3, 1, 8, 8)), np.ones((1, 3, 4, 4), int))
        image = rng.integers(0, 100, (3, 1, *labels.shape[1:])).astype(kind)
        labels = labels.astype("u2" if "f" in kind else kind)
        mask = (labels[:1] % 2 == 0).astype(labels.dtype)
        for array in (labels, image, mask):
            array.flags.writeable = writeable
        for policy in ("keep-touching", "clip", "centroid"):
            settings = MeasureSettings(mask=MaskSettings(policy=policy))
            sources = ArrayFrames(labels, 3), ArrayFrames(image, 3), ArrayFrames(mask, 3)
            measured = measure_movie(*sources, Calibration(), settings)
        alone = measure_movie(sources[0], None, None, Calibration(), MeasureSettings())
        track(alone.spots, parse_tracker("overlap", {}), labels=sources[0])
        count_overlaps(labels[0], labels[1])
assert not compiled, compiled
"""


def run(code: str, **environment: str) -> str:
    """Run code in a new process, which shares the cache of this one; give its messages."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
def test_every_loop_is_called_and_then_no_other_process_compiles():
    run(IDLE)
    run(COUNT + USE)


LOG = """
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
from btrackmate.core.loops import compile_loops
from btrackmate.tracking.kernels import penalised
import numpy as np
compile_loops()
penalised(4.0, 0, 1, np.ones((2, 1)), np.ones(1))
"""


@pytest.mark.slow
def test_a_cold_compile_is_said_once(tmp_path: Path):
    cold = run(LOG, NUMBA_CACHE_DIR=str(tmp_path))
    assert cold.count("compiling loops for this machine, once") == 1
    assert "compiling" not in run(LOG, NUMBA_CACHE_DIR=str(tmp_path))


NOWHERE = """
from numba.core import caching
for locator in caching.CacheImpl._locator_classes[1:]:
    locator.from_function = classmethod(lambda cls, function, file: None)
"""


@pytest.mark.slow
def test_without_a_writable_folder_loops_still_run_and_the_log_says_so(tmp_path: Path):
    said = run(NOWHERE + LOG, TMPDIR=str(tmp_path), NUMBA_CACHE_DIR="")
    assert "set NUMBA_CACHE_DIR to a folder that stays" in said
    assert not any(tmp_path.glob("btrackmate-numba-*"))  # nothing stays
