"""How often rhythms are seen in noise, and how often, and how well, in sinusoids with noise."""

import numpy as np
import pytest

from btrackmate.analysis.noise import make_red_noise
from btrackmate.analysis.rhythm import find_rhythm_each, make_treatment
from btrackmate.analysis.series import Series
from btrackmate.analysis.settings import RhythmSettings

SETTINGS = RhythmSettings.model_validate({})


def analyse(values, present):
    """Analyse series (k, span), of which the samples `present` (k, span) are there."""
    series = [
        Series(i, 0, here, row[here])
        for i, (row, here) in enumerate(zip(values, present, strict=True))
    ]
    return find_rhythm_each(series, make_treatment(SETTINGS, 1.0), SETTINGS, 1.0)


def draw_present(count, span, missing, rng, patterns=10):
    """Leave samples out, in a few patterns."""
    present = np.ones((patterns, span), bool)
    for row in present:
        row[rng.choice(np.arange(1, span - 1), round(missing * span), replace=False)] = False
    return present[np.arange(count) % patterns]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("span", "missing"), [(10, 0.0), (24, 0.0), (24, 0.15), (60, 0.0), (60, 0.15)]
)
@pytest.mark.parametrize("persistence", [0.0, 0.5])
def test_false_positives_are_five_in_a_hundred_of_ten_thousand(span, missing, persistence):
    """White noise is judged by both p-values, red noise by its own."""
    rng = np.random.default_rng([span, round(100 * missing), round(10 * persistence)])
    values = make_red_noise(np.full(10_000, persistence), span, rng)
    table = analyse(values, draw_present(10_000, span, missing, rng))
    assert (table["p_red"] < 0.05).mean() == pytest.approx(0.05, abs=0.01)
    white = (table["p_white"] < 0.05).mean()
    if persistence:
        assert white > 0.06  # what the red noise is for
    else:
        assert white == pytest.approx(0.05, abs=0.01)


def test_false_positives_are_few_in_very_red_noise():
    """Where persistence is all but that of a random walk, the test is on the safe side."""
    rng = np.random.default_rng(9)
    values = make_red_noise(np.full(10_000, 0.9), 40, rng)
    table = analyse(values, np.ones(values.shape, bool))
    assert 0.03 < (table["p_red"] < 0.05).mean() < 0.06
    assert (table["p_white"] < 0.05).mean() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "snr", "missing", "right"),
    [
        (10, 5, 0.0, 0.97), (20, 2, 0.0, 0.96), (20, 2, 0.2, 0.94), (40, 2, 0.2, 0.96),
        (40, 5, 0.2, 0.98), (100, 1, 0.2, 0.95), (200, 1, 0.0, 0.98), (200, 5, 0.2, 0.98),
    ],
)  # fmt: skip
def test_period_is_within_one_bin_where_there_is_enough_to_see(n, snr, missing, right):
    """SNR: amplitude over the noise's standard deviation. Two cycles or more, f ≤ 0.4 a frame."""
    rng = np.random.default_rng([n, snr])
    count = 200
    frequency = rng.uniform(2 / n, 0.4, count)
    phase = rng.uniform(0, 2 * np.pi, count)
    turn = 2 * np.pi * frequency[:, None] * np.arange(n) + phase[:, None]
    values = snr * np.cos(turn) + rng.standard_normal((count, n))
    table = analyse(values, draw_present(count, n, missing, rng))
    near = np.abs(table["dominant_frequency"].to_numpy() - frequency) < 1 / n
    assert near.mean() >= right
    assert near[table["p_value"] < 0.05].mean() >= right


def test_stated_error_of_the_frequency_is_right():
    rng = np.random.default_rng(4)
    frequency = rng.uniform(0.05, 0.4, 500)
    turn = 2 * np.pi * frequency[:, None] * np.arange(60) + rng.uniform(0, 6, (500, 1))
    values = 2 * np.cos(turn) + rng.standard_normal((500, 60))
    table = analyse(values, np.ones(values.shape, bool))
    score = (table["dominant_frequency"] - frequency) / table["frequency_se"]
    assert score.abs().median() / 0.6745 == pytest.approx(1.0, abs=0.15)
