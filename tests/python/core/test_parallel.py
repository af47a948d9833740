import threading
import traceback
from contextlib import closing

import pytest

from btrackmate.core.parallel import compute_ahead


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
