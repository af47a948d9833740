"""Every verb, killed or failed at its n-th call that changes a file: nothing lost, nothing mixed.

A sample of the calls here; `make test-long` tries all of them.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from survival.verbs import VERBS, Reference, quick_steps

#: Calls that are tried of each verb; the last ones put in place and clear up.
SAMPLE = 4


def _try(name: str, place: Path, points: int | None) -> None:
    with quick_steps():
        reference = Reference.make(VERBS[name], place)
        tried = range(1, reference.calls + 1)
        if points is not None:
            rng = np.random.default_rng(sum(name.encode()))
            early, late = np.array_split(np.array(tried), [-min(30, len(tried) // 2)])
            tried = sorted(
                int(at) for half in (early, late) for at in rng.choice(half, points // 2)
            )
        wrong = []
        for at in tried:
            for fail in (False, True) if points is None else (at % 2 == 0,):
                fault = reference.try_point(at, fail=fail)
                if fault:
                    wrong.append(f"{'failed' if fail else 'killed'} at call {at}: {fault}")
    if report := os.environ.get("BTRACKMATE_FAULT_REPORT"):
        with Path(report).open("a") as stream:
            stream.write(f"{name}: {reference.calls} calls, {len(wrong)} wrong\n")
            stream.writelines(f"  {line}\n" for line in wrong)
    assert not wrong, f"{len(wrong)} of {reference.calls} calls"


@pytest.mark.parametrize("name", VERBS)
def test_some_calls(tmp_path: Path, name: str) -> None:
    _try(name, tmp_path, SAMPLE)


@pytest.mark.long
@pytest.mark.parametrize("name", VERBS)
def test_all_calls(tmp_path: Path, name: str) -> None:
    _try(name, tmp_path, None)
