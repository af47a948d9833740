"""Work spread over threads, with results in order, and processes that do not outlive theirs."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from btrackmate.core.messages import as_this_job

Item = TypeVar("Item")
Result = TypeVar("Result")


def count_cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def end_with_parent() -> None:
    """End this process when the one that started it ends, however it does.

    To be called in a child of `multiprocessing`, e.g. as initializer of a ProcessPoolExecutor,
    whose processes wait for work for ever when theirs was killed.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="end-with-parent").start()


def compute_aside(work: Callable[[], Result]) -> "Future[Result]":
    """Begin to compute something in a thread, which does not keep the program from ending.

    Returns
    -------
    Future
        Its ``result()`` waits for the thread, and raises what that raised.
    """
    future: Future[Result] = Future()
    mine = as_this_job(work)

    def compute() -> None:
        try:
            future.set_result(mine())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=compute, daemon=True, name="aside").start()
    return future


def run_in_order(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """Yield the result of each item, in their order, with at most workers + 1 results in hand.

    Parameters
    ----------
    work : callable
        Called in a thread for each item; must let go of Python's lock to gain anything.
    items : sequence
        What to work on.
    workers : int
        Threads; 1 for none.
    """
    if workers <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    pending: deque[Future[Result]] = deque()
    mine = as_this_job(work)
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            pending.append(pool.submit(mine, item))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def compute_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield the items of an iterator; the next is computed while the caller works on one.

    Parameters
    ----------
    items : iterator
        Runs in a thread of its own, and there alone; must let go of Python's lock to gain anything.

    Notes
    -----
    One item is in the caller's hands and one in the making, never more. An error of `items` passes
    on to the caller. When the caller stops early, closing this generator waits for the item in the
    making and ends the thread; use `contextlib.closing` so that it happens at once.
    """
    end = object()

    @as_this_job
    def take() -> object:
        return next(items, end)

    pool = ThreadPoolExecutor(1)
    try:
        coming = pool.submit(take)
        while (item := coming.result()) is not end:
            coming = pool.submit(take)
            yield item  # type: ignore[misc]
    finally:
        pool.shutdown()
