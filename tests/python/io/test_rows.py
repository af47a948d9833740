"""Tables as text: the compiled writer gives the bytes of the plain one."""

import numpy as np
import pytest

from btrackmate.io import numbers, rows
from btrackmate.io.numbers import format_numbers
from btrackmate.io.rows import RowFormat

SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1.7976931348623157e308,
           2.2250738585072014e-308, 0.1, 0.3, 1 / 3, 100.0, -1234.5, 1e15, 1e16, 1.5e16, 1e21, 1e22,
           1e23, 9007199254740993.0, 1e-4, 1e-5, 1.5e-5, 9.5e-6, 1e-6, 1.234e20, 12345e-9,
           123456789012345680.0]  # fmt: skip


@pytest.fixture(params=["plain", "compiled"])
def way(request, monkeypatch):
    monkeypatch.setattr(rows, "are_few", lambda *_: request.param == "plain")


def read(done, begin, end):
    return bytes(done.take(begin, end)).decode()


def write(values, **options):
    made = RowFormat(len(values))
    made.add("", np.asarray(values), "\n", **options)
    return read(made.render(), 0, len(values)).splitlines()


def test_floats_are_the_shortest_decimals_that_are_read_back(way):
    assert write([0.1, 1 / 3, 1e16, 1.5e-7, -2.0, 0.00001, 5e-324]) == [
        "0.1", "0.3333333333333333", "1e16", "1.5e-7", "-2.0", "0.00001", "5e-324"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        np.array(SPECIAL + [-v for v in SPECIAL]),
        2.0 ** np.arange(-1074, 1024),  # the interval below a power of two is half as wide
        np.nextafter(2.0 ** np.arange(-1073, 1024), 0),
        10.0 ** np.arange(-323, 309),
        np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 20_000).view(np.float64),
        np.random.default_rng(1).uniform(0, 1000, 20_000).round(3),
        np.random.default_rng(2).integers(0, 2**60, 20_000).astype(np.float64),
    ],
    ids=["special", "powers of 2", "below powers of 2", "powers of 10", "bits", "short", "whole"],
)
def test_compiled_floats_are_those_of_the_json_writer(values, monkeypatch):
    monkeypatch.setattr(rows, "are_few", lambda *_: False)
    assert write(values) == format_numbers(values)


def test_whole_numbers_have_no_point(way):
    assert write(np.array([0, -1, 2**63 - 1, -(2**63)]), is_int=True) == [
        "0", "-1", "9223372036854775807", "-9223372036854775808"
    ]  # fmt: skip
    assert write(np.array([2**64 - 1], np.uint64), is_int=True) == ["18446744073709551615"]
    assert write(np.array([3.0, -0.0]), is_int=True) == ["3", "0"]
    assert write(np.array([3.0, 0.5, np.nan]), is_int=True) == ["3", "0.5", "NaN"]
    assert write(np.array([1, 200], np.uint8), is_int=True) == ["1", "200"]


def test_absent_rows_lack_what_stands_around_the_number(way):
    made = RowFormat(2)
    made.add_constant("100% ")
    made.add('a="', np.array([1.5, 2.0], np.float32), '" ', absent=np.array([True, False]))
    made.add_text(["é", "%s"])
    made.add_constant("\n")
    done = made.render()
    assert read(done, 0, 1) == "100% é\n"
    assert read(done, 1, 2) == '100% a="2.0" %s\n'
    assert read(done, 1, 1) == ""


def test_columns_that_do_not_lie_in_one_piece_and_text_of_two_columns(way):
    table = np.arange(6.0).reshape(3, 2)
    made = RowFormat(3)
    made.add_text(["a", "", "ccc"])
    made.add(" ", table[:, 1], " ")
    made.add_text(["x", "yy", ""])
    assert read(made.render(), 0, 3) == "a 1.0 x 3.0 yyccc 5.0 "


def test_no_rows_and_no_columns(way):
    assert read(RowFormat(0).render(), 0, 0) == ""
    assert read(RowFormat(2).render(), 0, 2) == ""


def test_many_numbers_load_the_compiler_and_few_do_not(monkeypatch):
    monkeypatch.setattr(numbers, "BUDGET", 10)
    monkeypatch.setattr(numbers, "_spent", 0)
    monkeypatch.setattr(numbers, "sys", type("Sys", (), {"modules": {}}))
    assert [numbers.are_few(count) for count in (4, 6, 1)] == [True, True, False]


def test_the_compiler_is_loaded_at_once_for_what_is_many(monkeypatch):
    """The first of the parts of a large table was written without it, as if it were all."""
    monkeypatch.delitem(numbers.sys.modules, "btrackmate.io.decimals", raising=False)
    monkeypatch.setattr(numbers, "_spent", 0)
    assert numbers.are_few(10, numbers.BUDGET)
    assert not numbers.are_few(10, numbers.BUDGET)
    assert numbers.are_few(10, numbers.BUDGET - 20)
