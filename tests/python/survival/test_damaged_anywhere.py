"""Every reader on thousands of damaged inputs: one line or a result, in seconds and little memory.

`make test-long` tries 100,000. What was found is kept in tests/data/fuzz, one folder each.
"""

import contextlib
import os
import resource
import shutil
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from survival.mutations import CHANGES, damage
from survival.readers import READERS

from btrackmate.core.errors import UserError

#: Cases in `make test`, and in `make test-long`.
FEW, MANY = 2_100, 105_000
#: Seconds and bytes that a damaged input of some kilobytes may take.
SECONDS, MEMORY = 20, 2 << 30
FOUND = Path(__file__).parents[2] / "data" / "fuzz"


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """End what takes too long or too much memory by an exception."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)

    def stop(*_: object) -> None:
        msg = f"more than {SECONDS} CPU seconds"
        raise AssertionError(msg)

    handler = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, before[1]))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGVTALRM, handler)


def check(name: str, folder: Path) -> None:
    """Read a damaged input: the only exception is one line for the user."""
    with warnings.catch_warnings(), _limits():
        warnings.simplefilter("ignore")
        try:
            READERS[name].read(folder)
        except UserError as error:
            said = str(error)
            assert "\n" not in said, said
            assert len(said) < 1200, said


def _fuzz(name: str, place: Path, n: int) -> None:
    whole, work = place / "whole", place / "work"
    whole.mkdir()
    READERS[name].make(whole)
    READERS[name].read(whole)

    @seed(int(os.environ.get("BTRACKMATE_FUZZ_SEED", "0")))
    @settings(
        max_examples=n,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(CHANGES, min_size=1, max_size=3))
    def one_case(changes: list[tuple[str, float, float, int]]) -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(whole, work)
        damage(work, changes)
        check(name, work)

    one_case()


@pytest.mark.parametrize("name", READERS)
def test_some_damage(tmp_path: Path, name: str) -> None:
    _fuzz(name, tmp_path, round(FEW * READERS[name].share))


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_much_damage(tmp_path: Path, name: str) -> None:
    _fuzz(name, tmp_path, round(MANY * READERS[name].share))


@pytest.mark.parametrize("case", sorted(path.name for path in FOUND.iterdir()))
def test_what_was_found(case: str) -> None:
    """Folders are called READER-WHAT."""
    name = max((one for one in READERS if case.startswith(f"{one}-")), key=len)
    check(name, FOUND / case)


def test_shares_are_all() -> None:
    assert sum(reader.share for reader in READERS.values()) == pytest.approx(1)
