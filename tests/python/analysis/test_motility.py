"""Motion of cells: hand-computed, of simulated walks, and as celltrackR and trackpy measure it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tracking_movies import make_spots

from btrackmate.analysis import (
    Paths,
    choose_lags,
    find_turns,
    fit_motion,
    make_autocorrelation_table,
    make_msd_table,
    make_tracklet_msd,
    make_tracklets_table,
    measure_motility,
    sum_squares,
)
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots

DATA = Path(__file__).parents[2] / "data"


def link_chains(table, dt=1.0, ndim=3):
    """Link the rows of each `cell` in time; ids are row numbers."""
    table = table.reset_index(drop=True).assign(id=np.arange(len(table)))
    spots = Spots.from_table(table, Calibration(dt=dt), ndim=ndim)
    order = table.sort_values(["cell", "frame"])
    same = order["cell"].to_numpy()[1:] == order["cell"].to_numpy()[:-1]
    ids = order["id"].to_numpy()
    return TrackGraph.from_ids(spots, ids[:-1][same], ids[1:][same])


def walk(places, frames=None, dt=1.0):
    """One 2D cell."""
    places = np.array(places, float)
    frames = np.arange(len(places)) if frames is None else frames
    table = pd.DataFrame({"cell": 0, "frame": frames, "x": places[:, 0], "y": places[:, 1]})
    return link_chains(table, dt, ndim=2)


@pytest.fixture(scope="module")
def t_cells():
    names = ["row", "cell", "t", "x", "y", "z"]
    table = pd.read_csv(DATA / "gpl" / "t-cells.txt.gz", sep=" ", header=None, names=names)
    table["frame"] = (table["t"] / 24).round().astype(int)
    return table[["cell", "frame", "x", "y", "z"]]


def test_a_walk_around_a_corner_is_measured_by_hand():
    """(0,0) → (3,0) → (3,4), a frame every 2 s: path 7, displacement 5, one turn of 90°."""
    graph = walk([(0, 0), (3, 0), (3, 4)], dt=2.0)
    row = measure_motility(Paths.of(graph), make_tracklets_table(graph)).iloc[0]
    assert row[["n_steps", "duration", "path_length", "displacement"]].tolist() == [2, 4, 7, 5]
    assert row["mean_speed"] == 7 / 4
    assert row["max_speed"] == 2.0
    assert row["straightness"] == 5 / 7
    assert row["mean_turning_angle"] == pytest.approx(90.0)
    assert row["n_turns"] == 1


def test_a_gap_is_one_step_of_several_frames_and_no_turn():
    graph = walk([(0, 0), (3, 0), (3, 4)], frames=[0, 1, 4])
    paths = Paths.of(graph)
    row = measure_motility(paths, make_tracklets_table(graph)).iloc[0]
    assert row[["n_steps", "n_single_steps", "n_turns"]].tolist() == [2, 1, 0]
    assert row["mean_speed"] == 7 / 4
    assert row["max_speed"] == 3.0
    assert np.isnan(row["mean_turning_angle"])
    msd = make_msd_table(sum_squares(paths, choose_lags(paths, 10)), 1.0).set_index("lag")
    assert msd["n_pairs"].to_dict() == {1: 1, 2: 0, 3: 1, 4: 1}
    assert msd["msd"].dropna().to_dict() == {1: 9.0, 3: 16.0, 4: 25.0}


def test_a_cell_at_rest_and_a_cell_of_one_spot():
    rest = walk([(1, 1), (1, 1), (1, 1)])
    row = measure_motility(Paths.of(rest), make_tracklets_table(rest)).iloc[0]
    assert (row["path_length"], row["mean_speed"]) == (0.0, 0.0)
    assert row[["straightness", "mean_turning_angle", "asphericity"]].isna().all()
    spots = make_spots([(0, 0, 0.0), (1, 1, 1.0), (2, 1, 5.0)])
    graph = TrackGraph.from_ids(spots, np.array([0, 0]), np.array([1, 2]))
    table = measure_motility(Paths.of(graph), make_tracklets_table(graph))
    assert table["n_steps"].tolist() == [0, 0, 0]
    assert table["path_length"].isna().all()
    assert len(choose_lags(Paths.of(graph), 10)) == 0


def test_tracks_are_measured_as_celltrackr_measures_them(t_cells):
    """Every track; where there are gaps, turns are not compared: celltrackR does not see gaps."""
    graph = link_chains(t_cells, dt=24.0)
    table = measure_motility(Paths.of(graph), make_tracklets_table(graph))
    cell = pd.Series(t_cells["cell"].to_numpy())[graph.spots.id[graph.tracklets["first_row"]]]
    found = table.set_index(cell.to_numpy()[table["tracklet"]])
    truth = pd.read_csv(DATA / "motility" / "celltrackr_tracks.csv").set_index("track")
    found = found.loc[truth.index]
    assert len(found) == 258
    for ours, theirs in {
        "duration": "duration", "path_length": "path_length", "mean_speed": "speed",
        "displacement": "displacement", "max_displacement": "max_displacement",
        "straightness": "straightness", "outreach_ratio": "outreach_ratio",
    }.items():  # fmt: skip
        np.testing.assert_allclose(found[ours], truth[theirs], rtol=1e-6, err_msg=ours)
    long = truth["n"] > 2
    np.testing.assert_allclose(found["asphericity"][long], truth["asphericity"][long], rtol=1e-6)
    whole = truth["gaps"] == 0
    angles = truth["mean_turning_angle"][whole]
    np.testing.assert_allclose(found["mean_turning_angle"][whole], angles, rtol=1e-6)


def test_lags_are_measured_as_celltrackr_measures_them(t_cells):
    """Over all subtracks of the tracks without gaps."""
    gaps = t_cells.sort_values(["cell", "frame"]).groupby("cell")["frame"].diff().fillna(1) > 1
    whole = t_cells[~t_cells["cell"].isin(t_cells.loc[gaps.index[gaps], "cell"])]
    paths = Paths.of(link_chains(whole, dt=24.0))
    truth = pd.read_csv(DATA / "motility" / "celltrackr_lags.csv")
    lags = choose_lags(paths, 10)
    msd = make_msd_table(sum_squares(paths, lags), 24.0)
    np.testing.assert_allclose(msd["msd"], truth["msd"], rtol=1e-6)
    np.testing.assert_array_equal(msd["n_pairs"], truth["n"])
    velocity = make_autocorrelation_table(paths, lags).iloc[1:]
    np.testing.assert_allclose(velocity["correlation"] * 24**2, truth["dot"], rtol=1e-6)
    np.testing.assert_allclose(velocity["cosine"], truth["cosine"], rtol=1e-6)


def test_msd_is_trackpys_where_all_tracks_are_equally_long(t_cells):
    first = t_cells.sort_values(["cell", "frame"]).groupby("cell").head(20)
    size = first.groupby("cell")["frame"].agg(["size", np.ptp])
    whole = size.index[(size["size"] == 20) & (size["ptp"] == 19)]
    paths = Paths.of(link_chains(first[first["cell"].isin(whole)], dt=24.0))
    truth = pd.read_csv(DATA / "motility" / "trackpy_emsd.csv")
    msd = make_msd_table(sum_squares(paths, choose_lags(paths, 10)), 24.0)
    np.testing.assert_allclose(msd["time"], truth["lagt"])
    np.testing.assert_allclose(msd["msd"], truth["msd"], rtol=1e-5)
    np.testing.assert_allclose(msd["msd_of_tracklets"], truth["msd"], rtol=1e-5)


def simulate(count, n, step, *, missing=0.0, ndim=3, seed=0):
    """Brownian cells; some of their frames are missing."""
    rng = np.random.default_rng(seed)
    places = np.cumsum(step * rng.standard_normal((count, n, ndim)), axis=1)
    table = pd.DataFrame(
        {"cell": np.repeat(np.arange(count), n), "frame": np.tile(range(n), count)}
    )
    table[["x", "y", "z"][:ndim]] = places.reshape(-1, ndim)
    return table[rng.random(len(table)) >= missing]


@pytest.mark.slow
@pytest.mark.parametrize(("missing", "ndim"), [(0.0, 3), (0.3, 3), (0.0, 2)])
def test_diffusion_of_brownian_cells_is_found_and_its_error_is_right(missing, ndim):
    """D = step²/(2·dt) = 0.25·0.5/5, α = 1, whether there are gaps or not."""
    scores = []
    for seed in range(20):
        table = simulate(60, 40, 0.5, missing=missing, ndim=ndim, seed=seed)
        paths = Paths.of(link_chains(table, dt=5.0, ndim=ndim))
        fit = fit_motion(sum_squares(paths, choose_lags(paths, 8)), 5.0, ndim, 8)
        fit = fit.set_index("parameter")
        scores.append((fit["value"] - [1, 0.025, np.nan, np.nan]) / fit["error"])
        assert fit.loc["diffusion_coefficient", "value"] == pytest.approx(0.025, rel=0.15)
        assert (fit["fit_from"] == 5).all()
        assert (fit["fit_to"] == 40).all()
    spread = pd.DataFrame(scores)["exponent"]
    assert 0.6 < spread.std() < 1.5
    assert abs(spread.mean()) < 0.7


@pytest.mark.slow
def test_errors_of_the_msd_are_those_of_repetition():
    """The scatter of the MSD over 200 repetitions is its stated error, at long lags as well."""
    found = []
    for seed in range(200):
        paths = Paths.of(link_chains(simulate(30, 20, 1.0, seed=seed)))
        found.append(make_msd_table(sum_squares(paths, np.array([1, 5, 12])), 1.0))
    msd = np.stack([one["msd"] for one in found])
    stated = np.stack([one["msd_se"] for one in found]).mean(axis=0)
    np.testing.assert_allclose(msd.std(axis=0), stated, rtol=0.2)
    np.testing.assert_allclose(msd.mean(axis=0), [3, 15, 36], rtol=0.05)


def test_persistence_time_and_speed_of_a_persistent_walk_are_found():
    """Ornstein–Uhlenbeck velocities: P = 6 frames of 2 min, speed 1.5 µm/min (all axes)."""
    rng = np.random.default_rng(3)
    fine, persistence, count, n = 20, 12.0, 200, 80
    dt = 2.0 / fine
    decay = np.exp(-dt / persistence)
    sigma = 1.5 / np.sqrt(3)
    v = sigma * rng.standard_normal((count, 3))
    place, places = np.zeros((count, 3)), []
    for i in range(n * fine):
        if i % fine == 0:
            places.append(place.copy())
        place += v * dt
        v = decay * v + sigma * np.sqrt(1 - decay**2) * rng.standard_normal((count, 3))
    table = pd.DataFrame({"cell": np.tile(range(count), n), "frame": np.repeat(range(n), count)})
    table[["x", "y", "z"]] = np.concatenate(places)
    paths = Paths.of(link_chains(table, dt=2.0))
    fit = fit_motion(sum_squares(paths, choose_lags(paths, 25)), 2.0, 3, 25).set_index("parameter")
    assert fit.loc["persistence_time", "value"] == pytest.approx(12.0, rel=0.1)
    assert fit.loc["speed", "value"] == pytest.approx(1.5, rel=0.05)
    velocity = make_autocorrelation_table(paths, np.arange(1, 10)).set_index("lag")["normalised"]
    assert velocity[6] / velocity[0] == pytest.approx(np.exp(-1), abs=0.06)


def test_turns_of_brownian_cells_are_isotropic():
    angle, _ = find_turns(Paths.of(link_chains(simulate(100, 50, 1.0))))
    assert angle.mean() == pytest.approx(90, abs=1.5)
    assert (angle < 60).mean() == pytest.approx(0.25, abs=0.015)  # (1 − cos 60°)/2 in 3D


@pytest.mark.parametrize("drift", ["global", "local"])
def test_common_drift_is_taken_away(drift):
    table = simulate(60, 20, 0.1, missing=0.1, seed=5)
    table["x"] += 30 * (table["cell"] % 8)
    moved = table.assign(x=table["x"] + 2.0 * table["frame"], z=table["z"] - 1.0 * table["frame"])
    still, found = (Paths.of(link_chains(one)).remove_drift(drift) for one in (table, moved))
    np.testing.assert_allclose(still.step, found.step, atol=1e-9)
    raw = Paths.of(link_chains(moved))
    assert np.nanmean(raw.length) > 5 * np.nanmean(found.length)


def test_local_drift_is_that_of_the_neighbours():
    """Two crowds move apart: the global drift is none, the local one is theirs."""
    table = simulate(40, 10, 0.01, seed=1)
    side = np.where(table["cell"] % 2, 1.0, -1.0)
    table["x"] += side * (100 + table["frame"])
    paths = Paths.of(link_chains(table))
    assert np.nanmedian(paths.remove_drift("global").length) == pytest.approx(1.0, abs=0.05)
    assert np.nanmax(paths.remove_drift("local", 5).length) < 0.1
    assert paths.remove_drift("none") is paths


@pytest.mark.parametrize("others", [1, 2, 3])
@pytest.mark.parametrize("n_neighbours", [1, 2, 3, 10])
@pytest.mark.parametrize("gap", [False, True])
def test_local_drift_over_a_gap_is_that_of_the_nearest_that_there_are(others, n_neighbours, gap):
    """A resting cell; beside it, ever farther, others that step 1, 2 and 6 a frame."""
    steps = np.array([0.0, 1, 2, 6][: others + 1])
    frame, cell = (one.ravel() for one in np.indices((3, steps.size)))
    table = pd.DataFrame({"cell": cell, "frame": frame, "x": steps[cell] * frame})
    table = table.assign(y=10.0 * cell, z=0.0)
    if gap:
        table = table[(cell > 0) | (frame != 1)]
    paths = Paths.of(link_chains(table)).remove_drift("local", n_neighbours)
    rests = np.flatnonzero((paths.place[:, 1] == 0) & (paths.frame == 2))
    drift = steps[1 : n_neighbours + 1].mean()
    np.testing.assert_allclose(paths.place[rests, 0], -2 * drift)


def test_each_tracklet_has_its_own_msd():
    graph = link_chains(simulate(3, 6, 1.0, missing=0.2))
    paths = Paths.of(graph)
    sums = sum_squares(paths, choose_lags(paths, 3))
    table = make_tracklet_msd(sums, 2.0)
    one = table[(table["tracklet"] == 0) & (table["lag"] == 1)].iloc[0]
    first = paths.find_pairs(1)
    mine = paths.tracklet[first[0]] == 0
    squares = ((paths.place[first[1]] - paths.place[first[0]]) ** 2).sum(axis=1)[mine]
    assert one["msd"] == pytest.approx(squares.mean())
    assert one["n_pairs"] == mine.sum()
