import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import closing
from pathlib import Path

import pytest

from btrackmate.core.parallel import compute_ahead, compute_aside


def count_threads():
    return threading.active_count()


def test_the_next_item_is_made_while_the_caller_has_one_and_no_more():
    begun = [threading.Event() for _ in range(4)]
    threads = set()

    def make():
        for number, event in enumerate(begun):
            event.set()
            threads.add(threading.get_ident())
            yield number

    taken = []
    for item in compute_ahead(make()):
        taken.append(item)
        if item < 3:
            assert begun[item + 1].wait(10)
        assert not any(event.is_set() for event in begun[item + 2 :])
    assert taken == [0, 1, 2, 3]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_nothing_to_compute():
    assert list(compute_ahead(iter(()))) == []


def test_an_error_comes_after_the_items_before_it_with_its_traceback():
    before, taken = count_threads(), []

    def break_down():
        yield 1
        msg = "no more"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="no more") as error:
        for item in compute_ahead(break_down()):
            taken.append(item)
    assert taken == [1]
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "break_down"
    assert count_threads() == before


def test_what_is_computed_aside_is_waited_for_and_its_error_raised():
    go = threading.Event()
    found = compute_aside(lambda: go.wait(10) and threading.get_ident())
    assert not found.done()
    go.set()
    assert found.result() not in (False, threading.get_ident())
    with pytest.raises(ZeroDivisionError):
        compute_aside(lambda: 1 / 0).result()


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_the_thread_ends_when_the_caller_stops(kind):
    before, made = count_threads(), []

    def make():
        for number in range(9):
            made.append(number)
            yield number

    with pytest.raises(kind), closing(compute_ahead(make())) as items:
        for item in items:
            if item == 1:
                raise kind
    assert count_threads() == before
    assert made == [0, 1, 2]


def test_a_process_of_a_pool_ends_with_a_parent_that_is_killed(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from btrackmate.core.parallel import end_with_parent\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(1, get_context('spawn'), end_with_parent)\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    time.sleep(600)\n",
        encoding="utf-8",
    )
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    with parent:
        child = int(parent.stdout.readline())
        os.kill(child, 0)  # it is there
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 60
    while is_running(child):
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(process: int) -> bool:
    """A process that has ended may stay in the table until somebody asks for its exit code."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return False
    return state[0] != "Z"
