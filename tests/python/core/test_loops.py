"""Loops run as they stand while there is little to do, and compiled after that."""

import subprocess
import sys

import pytest

#: Links seeded spots with everything that calls loops, and prints all bits of what came out.
LINK = """
import sys
import numpy as np, pandas as pd
from btrackmate.core import loops
from btrackmate.core.calibration import Calibration
from btrackmate.core.spots import Spots
from btrackmate.tracking import parse_tracker, track

loops.BUDGET = int(sys.argv[1])
more = {"allow_gap_closing": True, "allow_track_splitting": True, "allow_track_merging": True,
        "linking_feature_penalties": {"radius": 1.0}, "linking_max_distance": 12.0}
for seed in range(8):
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 40, (12, 3)).astype(float)  # whole numbers: ties
    rows = []
    for frame in range(6):
        places = places + rng.integers(-3, 4, places.shape)
        places[:, 2] *= seed % 2  # flat in every second movie
        if frame == 3:
            places = np.vstack((places, places[:4] + 2))
        rows += [(frame, *place) for place in places[rng.random(len(places)) > 0.1]]
    table = pd.DataFrame(rows, columns=["frame", "x", "y", "z"])
    table["radius"] = rng.choice([2.0, 3.0, np.nan, np.inf], len(table))
    spots = Spots.from_table(table, Calibration())
    for name in ("lap", "advanced-kalman", "nearest", "kalman"):
        values = more if name in ("lap", "advanced-kalman") else {}
        graph = track(spots, parse_tracker(name, values))
        print(name, graph.source.tolist(), graph.target.tolist(), graph.cost.tobytes().hex())
print("numba" in sys.modules)
"""


def run(code: str, *words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_plain_and_compiled_loops_give_the_same_bits():
    *plain, numba_for_plain = run(LINK, "100000000")
    *compiled, numba_for_compiled = run(LINK, "0")
    assert (numba_for_plain, numba_for_compiled) == ("False", "True")
    assert len(plain) == 32
    assert plain == compiled


SPEND = """
import sys
import numpy as np
from btrackmate.core import loops

@loops.loop
def inner(values):
    return values[0]

@loops.loop
def outer(values, pair):
    return inner(values) + pair[0]

loops._compile = lambda one: setattr(one, "compiled", lambda *a: "compiled")
loops.BUDGET = 20
five = np.arange(5.0)
print(*(outer(five, (1.0, five)) for _ in range(3)))
"""


def test_the_compiler_is_loaded_when_the_budget_is_spent():
    """A call of 5 + 1 + 5 numbers, and what it calls is not counted: the second goes over 20."""
    assert run(SPEND) == ["1.0 compiled compiled"]


LATE = """
from btrackmate.core.loops import loop

@loop
def inner(values):
    return values[0] + 1.0

@loop
def outer(values):
    return 2.0 * inner(values)
"""


@pytest.mark.slow
def test_loops_of_a_module_that_is_read_after_compiling_find_each_other(tmp_path):
    """`warm-up` ended in a TypingError where numba's cache was empty."""
    (tmp_path / "late.py").write_text(LATE)
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import numpy as np
from btrackmate.core import loops
loops.compile_loops()
import late
print(late.outer(np.arange(3.0)))
"""
    assert run(code) == ["2.0"]
