"""Every verb, killed or failed at its n-th call that changes a file: nothing lost, nothing mixed.

A sample of the calls here; `make test-long` tries all of them, or every k-th with
``BTRACKMATE_FAULT_STRIDE=k``.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from survival.every_call import Points
from survival.verbs import VERBS, Reference, prepare, quick_steps

#: The last calls put in place and clear up: half of the sample is from them.
LATE = 30


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survival") / "inputs"
    prepare(folder)
    return folder


def _sample(name: str, calls: int) -> list[tuple[int, bool]]:
    """Choose a call to be killed at and one to fail at, one of them among the last.

    Which of the two changes from verb to verb; most verbs stand here in two or three ways.
    """
    rng = np.random.default_rng(sum(name.encode()))
    early, late = np.array_split(np.arange(1, calls + 1), [-min(LATE, calls // 2)])
    fails_early = list(VERBS).index(name) % 2 == 0
    return [(int(rng.choice(early)), fails_early), (int(rng.choice(late)), not fails_early)]


def _try(
    reference: Reference,
    name: str,
    points: list[tuple[int, bool]],
    try_point: Callable[[int, bool], str],
) -> None:
    wrong = []
    for at, fail in points:
        if fault := try_point(at, fail):
            wrong.append(f"{'failed' if fail else 'killed'} at call {at}: {fault}")
    if report := os.environ.get("BTRACKMATE_FAULT_REPORT"):
        with Path(report).open("a") as stream:
            told = f"{reference.calls} calls, {len(points)} points, {len(wrong)} wrong"
            stream.write(f"{name}: {told}\n")
            stream.writelines(f"  {line}\n" for line in wrong)
    assert not wrong, f"{len(wrong)} of {len(points)} points"


@pytest.mark.parametrize("name", VERBS)
def test_some_calls(inputs: Path, tmp_path: Path, name: str) -> None:
    with quick_steps():
        reference = Reference.make(VERBS[name], inputs, tmp_path)
        sample = _sample(name, reference.calls)
        _try(reference, name, sample, lambda at, fail: reference.try_point(at, fail=fail))


@pytest.mark.long
@pytest.mark.parametrize("name", VERBS)
def test_all_calls(inputs: Path, tmp_path: Path, name: str) -> None:
    stride = int(os.environ.get("BTRACKMATE_FAULT_STRIDE", "1"))
    with quick_steps():
        reference = Reference.make(VERBS[name], inputs, tmp_path)
        points = Points(reference, tmp_path / "notes")
        tried = range(1, points.note_calls() + 1, stride)
        _try(
            reference,
            name,
            [(at, fail) for at in tried for fail in (False, True)],
            lambda at, fail: points.fail_at(at) if fail else points.kill_at(at),
        )
