"""Rhythms of series whose period is known, of noise, and of tracklets."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tracking_movies import make_graph, make_spots

from btrackmate.analysis import (
    RhythmSettings,
    compare_families,
    find_rhythm,
    find_rhythms,
    follow_period,
    make_spectrum,
    make_tracklets_table,
)
from btrackmate.analysis.sampling import Treatment
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph

DATA = Path(__file__).parents[2] / "data" / "rhythm"


def settings(**values):
    return RhythmSettings.model_validate(values)


def chain_graph(columns, *, n_frames=None, dt=1.0, skip=()):
    """One track a column of values, a spot in every frame but those of `skip`."""
    rows, links, values = [], [], []
    for cell, series in enumerate(columns):
        frames = [f for f in range(len(series)) if f not in skip]
        ids = [1000 * cell + f for f in frames]
        rows += [(i, f, 10.0 * cell) for i, f in zip(ids, frames, strict=True)]
        links += list(zip(ids[:-1], ids[1:], strict=True))
        values += [(i, series[f]) for i, f in zip(ids, frames, strict=True)]
    order = sorted(range(len(rows)), key=lambda k: (rows[k][1], rows[k][0]))
    spots = make_spots(
        [rows[k] for k in order], n_frames=n_frames, dt=dt, signal=[values[k][1] for k in order]
    )
    source, target = np.array(links).T
    return TrackGraph.from_ids(spots, source, target)


def wave(n, frequency, *, amplitude=1.0, phase=0.0, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    turn = 2 * np.pi * frequency * np.arange(n)
    return amplitude * np.cos(turn + phase) + noise * rng.standard_normal(n)


def test_a_short_tracklet_in_a_long_movie_has_its_own_frequencies():
    """40 frames with f = 0.1/frame of a 200-frame movie: it must not be read as 40/200 · 0.1."""
    graph = chain_graph([wave(40, 0.1)], n_frames=200)
    found = find_rhythms(graph, make_tracklets_table(graph), ["signal"]).table.iloc[0]
    assert found["dominant_frequency"] == pytest.approx(0.1, rel=1e-3)
    assert found["p_value"] < 1e-3
    frequency, power = make_spectrum(wave(40, 0.1), 1.0, Treatment())
    assert frequency[power.argmax()] == pytest.approx(0.1)
    assert frequency[-1] == 0.5


@pytest.mark.parametrize("skip", [(), (3, 4, 11, 17)])
def test_frequency_period_power_and_phase_are_in_the_movies_units(skip):
    """Amplitude 3, one cycle in 8 frames of 5 min, and its maximum at the first frame."""
    graph = chain_graph([7 + wave(41, 1 / 8, amplitude=3.0)], dt=5.0, skip=skip)
    found = find_rhythms(
        graph, make_tracklets_table(graph), ["signal"], settings(detrend="constant")
    ).table.iloc[0]
    assert found["period"] == pytest.approx(40.0, rel=1e-5)
    assert found["dominant_frequency"] == pytest.approx(1 / 40, rel=1e-5)
    assert found["amplitude"] == pytest.approx(3.0, rel=1e-4)
    assert found["power"] == pytest.approx(4.5, rel=1e-4)
    assert found["phase_start"] == pytest.approx(0.0, abs=1e-3)
    assert found["phase_end"] == pytest.approx(0.0, abs=1e-3)  # 40 frames: five cycles
    assert found["duration"] == 200.0
    assert (found["n"], found["missed"]) == (41 - len(skip), len(skip))
    assert found["method"] == ("Lomb-Scargle" if skip else "FFT")


def test_spectrum_holds_the_power_of_a_sinusoid_at_its_frequency():
    for missing in ([], [5, 6, 20]):
        values = wave(40, 0.2, amplitude=2.0)
        values[missing] = np.nan
        frequency, power = make_spectrum(values, 0.5, Treatment("constant"))
        assert frequency[power.argmax()] == pytest.approx(0.4)
        assert power.max() == pytest.approx(2.0, rel=0.05)


def test_spectrum_obeys_parseval():
    values = np.random.default_rng(1).standard_normal(31)
    _, power = make_spectrum(values, 1.0, Treatment("constant"))
    assert power.sum() == pytest.approx(values.var())


def test_order_of_the_spots_in_the_table_does_not_matter():
    """Ids against time: the last frame has the lowest id."""
    values = wave(30, 0.1)
    spots = make_spots([(100 - f, f, 0.0) for f in range(30)], signal=values)
    ids = np.arange(100, 70, -1)
    graph = TrackGraph.from_ids(spots, ids[:-1], ids[1:])
    found = find_rhythms(graph, make_tracklets_table(graph), ["signal"]).table.iloc[0]
    assert found["dominant_frequency"] == pytest.approx(0.1, rel=1e-2)


def test_constant_series_have_no_rhythm_and_rounding_is_none():
    for values in (np.full(20, 3.0), 3 + 1e-13 * wave(20, 0.2), np.zeros(20)):
        found = find_rhythm(values, 1.0)
        assert found["p_value"] == found["p_white"] == 1.0
        assert np.isnan(found["period"])


def test_a_trend_is_no_rhythm():
    values = 0.3 * np.arange(40) + np.random.default_rng(0).standard_normal(40)
    assert find_rhythm(values, 1.0)["p_value"] > 0.05


@pytest.mark.slow
def test_moving_average_takes_slow_rhythms_away():
    values = wave(120, 1 / 60, amplitude=5.0) + wave(120, 1 / 8)
    fast = find_rhythm(values, 2.0, settings(detrend="moving-average", detrend_width=30.0))
    assert fast["period"] == pytest.approx(16.0, rel=0.02)
    with pytest.raises(UserError, match="wider running mean"):
        find_rhythm(values, 2.0, settings(detrend="moving-average", detrend_width=3.0))


@pytest.mark.slow
def test_a_strong_slow_rhythm_is_not_mistaken_for_its_side_lobes():
    for seed in range(20):
        found = find_rhythm(wave(100, 0.027, amplitude=5.0, noise=1.0, seed=seed), 1.0)
        assert found["dominant_frequency"] == pytest.approx(0.027, abs=0.01)


def test_series_that_are_too_short_or_too_torn_are_listed_with_the_reason():
    torn = wave(30, 0.1)
    torn[2:24] = np.nan
    whole = wave(30, 0.1)
    graph = chain_graph([whole, torn, whole[:5], np.full(30, np.nan)])
    found = find_rhythms(graph, make_tracklets_table(graph), ["signal"])
    assert found.table["tracklet"].tolist() == [0]
    reasons = found.left_out.set_index("tracklet")["reason"]
    assert reasons.to_dict() == {
        1: "more than 50% of the frames have no value",
        2: "fewer than 8 values",
        3: "fewer than 8 values",
    }
    assert set(found.left_out["analysis"]) == {"rhythm of signal"}


def test_a_feature_that_is_not_there_is_named_with_those_that_are():
    graph = chain_graph([wave(10, 0.1)])
    with pytest.raises(UserError, match="no feature 'volume'; they have .*signal"):
        find_rhythms(graph, make_tracklets_table(graph), ["volume"])


def test_q_values_are_those_of_benjamini_and_hochberg():
    from scipy.stats import false_discovery_control

    noise = np.random.default_rng(2).standard_normal((9, 25))
    graph = chain_graph([*noise, wave(25, 0.2, amplitude=4)])
    table = find_rhythms(graph, make_tracklets_table(graph), ["signal"]).table
    np.testing.assert_allclose(table["q_value"], false_discovery_control(table["p_value"]))
    assert table.index[table["rhythmic"]].tolist() == [9]


@pytest.mark.slow
def test_periods_and_amplitudes_are_those_of_cosinorpy():
    series = pd.read_csv(DATA / "cosinorpy_series.csv")
    for row in pd.read_csv(DATA / "cosinorpy.csv").itertuples():
        values = series.loc[series["series"] == row.series, "value"].to_numpy()
        found = find_rhythm(values, 1.0, settings(detrend="constant"))
        assert found["period"] == pytest.approx(row.period, rel=1e-3)
        assert found["amplitude"] == pytest.approx(row.amplitude, rel=1e-3)


def test_ridge_is_that_of_pyboat():
    """PyBOAT's comes one sample late (its wavelet has an even number of samples)."""
    table = pd.read_csv(DATA / "pyboat.csv")
    periods = np.linspace(12, 200, 150)
    values = table["value"].to_numpy()
    found = follow_period(values - values.mean(), 5.0, periods)
    step = periods[1] - periods[0]
    difference = np.abs(found["period"].to_numpy()[1:-2] - table["ridge"].to_numpy()[2:-1])
    assert difference.max() < 1.01 * step
    assert np.median(difference) == pytest.approx(0.0, abs=1e-3)
    assert found["inside"].sum() > 90
    assert not found["inside"].iloc[[0, -1]].any()


def test_ridge_of_a_gap_is_filled_and_said():
    values = wave(60, 1 / 12)
    values[20:22] = np.nan
    found = follow_period(values, 2.0)
    assert found.index[found["filled"]].tolist() == [20, 21]
    inside = found[found["inside"]]
    assert inside["period"].median() == pytest.approx(24.0, rel=0.03)
    assert np.isnan(follow_period(np.zeros(20), 1.0)["period"]).all()


def test_mothers_and_daughters_stand_side_by_side():
    """A mother of 20 frames (period 5) with daughters of 20 frames (periods 5 and 10)."""
    frames = {i: i for i in range(20)} | {100 + i: 20 + i for i in range(20)}
    frames |= {200 + i: 20 + i for i in range(20)}
    links = [(i, i + 1) for i in range(19)] + [(19, 100), (19, 200)]
    links += [(k + i, k + i + 1) for k in (100, 200) for i in range(19)]
    graph = make_graph(frames, links)
    ids, frame = graph.spots.id, graph.spots.frame
    signal = np.where(ids >= 200, np.cos(2 * np.pi * frame / 10), np.cos(2 * np.pi * frame / 5))
    graph = graph.with_spots(graph.spots.with_columns({"signal": signal}))
    tracklets = make_tracklets_table(graph)
    found = find_rhythms(graph, tracklets, ["signal"])
    pairs = compare_families(found.table, tracklets)
    assert pairs["mother"].tolist() == [0, 0]
    assert pairs["mother_period"].tolist() == pytest.approx([5.0, 5.0], rel=0.02)
    assert sorted(pairs["daughter_period"]) == pytest.approx([5.0, 10.0], rel=0.05)
    # frame 19 of period 5 is one frame (72°) before the maximum in frame 20
    np.testing.assert_allclose(pairs["phase_at_division"], -2 * np.pi / 5, atol=0.1)
    np.testing.assert_allclose(pairs["phase_at_birth"], 0.0, atol=0.15)
    assert pairs["sister_period"].tolist() == pairs["daughter_period"].tolist()[::-1]


def test_no_features_or_no_tracklets_give_empty_tables():
    graph = chain_graph([wave(10, 0.1)])
    tracklets = make_tracklets_table(graph)
    assert len(find_rhythms(graph, tracklets, []).table) == 0
    empty = find_rhythms(graph, tracklets.iloc[:0], ["signal"])
    assert len(empty.table) == len(empty.left_out) == 0
    assert len(compare_families(empty.table, tracklets)) == 0
