"""Cycle times with censoring: by hand, as lifelines gives them, and of simulated movies."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.analysis import (
    compare_groups,
    estimate_survival,
    judge_log_rank,
    make_cycle_tables,
)
from btrackmate.analysis.survival import find_median

DATA = Path(__file__).parents[2] / "data" / "survival"


def cells(rows):
    """Make a table of tracklets of (time since birth, fate)."""
    return pd.DataFrame(rows, columns=["time_since_birth", "fate"])


def test_curve_is_that_of_the_textbook_by_hand():
    """Ages 2, 3+, 4, 4, 5+: 1 → 4/5 → 4/5·1/3."""
    time = np.array([2.0, 3, 4, 4, 5])
    curve = estimate_survival(time, np.array([True, False, True, True, False]))
    np.testing.assert_allclose(curve["undivided"], [1, 0.8, 0.8, 0.8 / 3, 0.8 / 3])
    assert curve["n_at_risk"].tolist() == [5, 5, 4, 3, 1]
    assert curve["n_divided"].tolist() == [0, 1, 0, 2, 0]
    assert curve["n_censored"].tolist() == [0, 0, 1, 0, 1]


def test_curve_and_log_rank_are_those_of_lifelines():
    table = pd.read_csv(DATA / "lifelines_cells.csv")
    truth = pd.read_csv(DATA / "lifelines_curve.csv")
    curve = estimate_survival(table["time"].to_numpy(float), table["event"].to_numpy(bool))
    np.testing.assert_allclose(curve["time"], truth["time"])
    np.testing.assert_allclose(curve["undivided"], truth["undivided"], atol=1e-6)
    known = curve["n_divided"].cumsum() > 0
    for name in ("ci_low", "ci_high"):
        np.testing.assert_allclose(curve[name][known], truth[name][known], atol=1e-6)
    n, value, degrees, p = judge_log_rank(
        table["time"].to_numpy(float), table["event"].to_numpy(bool), table["group"].to_numpy()
    )
    assert (n, degrees) == (3, 2)
    assert value == pytest.approx(3.764954964296928)  # lifelines 0.30.3
    assert p == pytest.approx(0.1522125344001122)


@pytest.mark.parametrize("n", range(2, 200))
def test_median_is_the_first_age_at_which_half_have_divided(n):
    """At ages 1 to n: rounding of the products never decides."""
    ages = np.arange(1.0, n + 1)
    curve = estimate_survival(ages, np.ones(n, bool))
    assert find_median(curve)[0] == (n + 1) // 2


def test_ages_of_movies_with_other_time_steps_are_ties_where_they_are_one():
    """3 × 0.1 is not 0.3 in floating point; 8 cells at risk, 2 divide at 0.3, 2 at 0.6."""
    ages = np.array([3 * 0.1, 0.3, 3 * 0.1, 0.3, 6 * 0.1, 0.6, 6 * 0.1, 0.6])
    event = np.array([True, True, False, False] * 2)
    curve = estimate_survival(ages, event)
    assert curve["n_at_risk"].tolist() == [8, 8, 4]
    np.testing.assert_allclose(curve["undivided"], [1, 0.75, 0.375])
    group = np.array(list("abab") * 2, object)
    assert judge_log_rank(ages, event, group) == judge_log_rank(ages.round(6), event, group)


def test_two_groups_are_tested_as_by_scipy():
    from scipy.stats import CensoredData, logrank

    rng = np.random.default_rng(1)
    time, event = rng.integers(1, 20, 80).astype(float), rng.random(80) < 0.6
    group = np.where(rng.random(80) < 0.5, "a", "b").astype(object)
    censored = [CensoredData.right_censored(time[group == g], ~event[group == g]) for g in "ab"]
    assert judge_log_rank(time, event, group)[3] == pytest.approx(logrank(*censored).pvalue)


def test_cells_that_end_without_reason_are_counted_both_ways():
    table = cells(
        [(10.0, "divides"), (10, "divides"), (12, "end of movie"), (4, "ends"), (4, "ends"),
         (6, "leaves by the image border"), (np.nan, "divides")]
    )  # fmt: skip
    curves, summary = make_cycle_tables(table, np.full(len(table), "all", object))
    rows = summary.set_index("lost_as")
    assert rows.loc["censored", ["n", "n_divided", "n_lost", "n_cut_off"]].tolist() == [6, 2, 2, 2]
    assert rows.loc["censored", "median"] == 10.0
    assert rows.loc["event", "median"] == 10.0
    ends = curves.groupby("lost_as")["undivided"].last()
    assert ends["censored"] == pytest.approx(1 / 3)
    assert ends["event"] == pytest.approx(4 / 6 * 1 / 3)


def test_cells_cut_off_by_the_end_are_not_short():
    """Cycles of 20 ± 3, seen for 5 to 40: the plain mean of what divided is too short."""
    rng = np.random.default_rng(2)
    true, seen = rng.normal(20, 3, 600), rng.uniform(5, 40, 600)
    table = cells(
        [
            (min(t, s), "divides" if t < s else "end of movie")
            for t, s in zip(true, seen, strict=True)
        ]
    )
    _, summary = make_cycle_tables(table, np.full(600, "all", object))
    row = summary.iloc[0]
    assert row["ci_low"] < 20 < row["ci_high"]
    assert row["median"] == pytest.approx(20, abs=0.5)
    assert row["ci_high"] - row["ci_low"] < 2


def test_groups_are_compared_and_one_group_is_not():
    rng = np.random.default_rng(3)
    table = cells([(t, "divides") for t in np.r_[rng.normal(20, 2, 30), rng.normal(24, 2, 30)]])
    group = np.repeat(np.array(["1", "2"], object), 30)
    test = compare_groups(table, group)
    assert (test["p_value"] < 1e-5).all()
    assert test["n_groups"].tolist() == [2, 2]
    alone = compare_groups(table, np.full(60, "1", object))
    assert alone["p_value"].isna().all()


def test_no_cells_and_no_divisions():
    assert len(estimate_survival(np.array([]), np.array([], bool))) == 1
    curve = estimate_survival(np.array([3.0, 5.0]), np.array([False, False]))
    assert curve["undivided"].tolist() == [1, 1, 1]
    curves, summary = make_cycle_tables(cells([]), np.array([], object))
    assert len(curves) == len(summary) == 0
    none = cells([(3.0, "end of movie")])
    assert make_cycle_tables(none, np.array(["all"], object))[1]["median"].isna().all()
