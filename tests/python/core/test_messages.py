"""What a job logs is heard by that job alone."""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from btrackmate.core.messages import JobHandler, hear_job
from btrackmate.core.parallel import compute_ahead, compute_aside, run_in_order

_log = logging.getLogger("btrackmate.test")


class Kept(JobHandler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def test_jobs_in_threads_hear_their_own_messages_and_those_of_nobody() -> None:
    barrier = Barrier(2, timeout=20)

    def say(text: str) -> str:
        _log.info(text)
        return text

    def work(name: str) -> list[str]:
        kept = Kept()
        with hear_job(kept):
            barrier.wait()
            say(f"{name} itself")
            list(run_in_order(say, [f"{name} 1", f"{name} 2"], 2))
            list(compute_ahead(say(text) for text in (f"{name} 3", f"{name} 4")))
            compute_aside(lambda: say(f"{name} 5")).result()
            barrier.wait()
            if name == "a":
                with ThreadPoolExecutor(1) as nobody:
                    nobody.submit(say, "nobody").result()
            barrier.wait()
        return sorted(kept.messages)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(work, "ab"))
    for name, messages in zip("ab", found, strict=True):
        numbers = [f"{name} {number}" for number in range(1, 6)]
        assert messages == sorted([*numbers, f"{name} itself", "nobody"])


def test_the_level_is_restored_when_the_last_job_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("btrackmate")
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    logger.setLevel(logging.ERROR)
    first, second = Kept(), Kept()
    one, two = hear_job(first), hear_job(second)
    one.__enter__()
    two.__enter__()
    two.__exit__(None, None, None)
    assert logger.isEnabledFor(logging.INFO)
    one.__exit__(None, None, None)
    assert logger.level == logging.ERROR
