"""All tables in one go: groups, several movies, and input that lacks something."""

import numpy as np
import pandas as pd
import pytest
from tracking_movies import make_graph, make_spots

from btrackmate.analysis import (
    AnalysisSettings,
    Tracked,
    analyse_movies,
    analyse_tracks,
    join_conditions,
    make_tracklets_table,
    name_groups,
)
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots

ALWAYS = {
    "tracklets", "fates", "cycle_curves", "cycle_times", "cycle_tests", "rhythm",
    "rhythm_families", "motility", "msd", "msd_tracklets", "motion_fits",
    "velocity_autocorrelation", "turning_angles", "division_values", "division_means", "sisters",
    "sister_means", "neighbours", "crowding", "summary", "left_out",
}  # fmt: skip


def grow(seed=0, *, generations=3, life=12, time_unit="min", **features):
    """Cells that divide every `life` frames, wander, and have a volume."""
    rng = np.random.default_rng(seed)
    rows, links, place = [], [], [np.array([0.0, 0, 0]), np.array([40.0, 0, 0])]
    last = [None, None]
    for generation in range(generations):
        for step in range(life):
            frame = generation * life + step
            for k, spot in enumerate(last):
                place[k] = place[k] + rng.normal(0, 1, 3)
                rows.append((len(rows), frame, *place[k]))
                if spot is not None:
                    links.append((spot, len(rows) - 1))
                last[k] = len(rows) - 1
        place = [one + rng.normal(0, 2, 3) for one in place for _ in range(2)]
        last = [one for one in last for _ in range(2)]
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y", "z"])
    volume = 100 + 10 * np.cos(table["frame"] * 2 * np.pi / 5) + rng.normal(0, 1, len(table))
    table = table.assign(volume=volume, boundary_distance=table["x"], **features)
    table["tissue"] = np.where(table["x"] > 20, 2, 1)
    calibration = Calibration(dt=5.0, space_unit="µm", time_unit=time_unit)
    source, target = np.array(links).T
    return TrackGraph.from_ids(Spots.from_table(table, calibration), source, target)


def settings(**values):
    return AnalysisSettings.parse(values)


def test_all_tables_are_made_and_agree_on_the_tracklets():
    graph = grow()
    tables = analyse_tracks(graph)
    assert set(tables) == ALWAYS | {"boundary_distance", "boundary_approach"}
    number = tables["tracklets"]["tracklet"].tolist()
    assert len(number) == 2 + 4 + 8
    for name in ("motility", "neighbours", "boundary_approach"):
        assert tables[name]["tracklet"].tolist() == number
    assert set(tables["rhythm"]["feature"]) == {"volume", "boundary_distance"}
    volume = tables["rhythm"].query("feature == 'volume'")
    assert volume["rhythmic"].all()
    assert volume["period"].median() == pytest.approx(25, rel=0.03)
    curve = tables["cycle_curves"].query("lost_as == 'censored'").iloc[-1]
    assert (curve["time"], curve["n_divided"], curve["n_censored"]) == (60, 4, 8)  # 12 frames
    assert (tables["tracklets"]["cycle_time"].dropna() == 60).all()
    assert "group" not in tables["motility"]
    assert set(tables["msd"]["group"]) == {"all"}


def test_a_column_splits_every_table():
    graph = grow()
    tables = analyse_tracks(graph, settings(group_by="generation"))
    assert set(tables["motility"]["group"]) == {"0", "1", "2"}
    for name in ("msd", "motion_fits", "velocity_autocorrelation", "turning_angles", "crowding",
                 "cycle_times", "summary"):  # fmt: skip
        assert set(tables[name]["group"]) == {"all", "0", "1", "2"}, name
    assert set(tables["division_means"]["group"]) == {"all", "0", "1"}
    msd = tables["msd"].query("lag == 1").set_index("group")["n_pairs"]
    assert msd["all"] == msd[["0", "1", "2"]].sum()
    own = analyse_tracks(graph)["msd"]
    pd.testing.assert_frame_equal(tables["msd"].query("group == 'all'"), own)


def test_groups_of_spots_are_those_of_most_spots():
    graph = make_graph({1: 0, 2: 1, 3: 2, 4: 0, 5: 1}, [(1, 2), (2, 3), (4, 5)])
    tissue = pd.Series([1, 2, 2, 5, 4], index=[1, 2, 3, 4, 5])[graph.spots.id].to_numpy()
    graph = graph.with_spots(graph.spots.with_columns({"tissue": tissue}))
    table = make_tracklets_table(graph)
    assert name_groups(graph, table, "tissue").tolist() == ["2", "4"]  # 5 and 4: the lower
    with pytest.raises(
        UserError, match=r"no column 'colour' to group by; there are track, .*tissue"
    ):
        name_groups(graph, table, "colour")


def test_the_users_conditions_group_tracks():
    graph = grow()
    conditions = pd.DataFrame({"track": [0], "drug": ["yes"]})
    tables = analyse_tracks(Tracked(graph, conditions=conditions), settings(group_by="drug"))
    groups = tables["tracklets"].groupby("track")["group"].unique()
    assert groups[0].tolist() == ["yes"]
    assert groups[1].tolist() == ["no group"]
    assert tables["cycle_tests"]["n_groups"].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"cell": [0], "drug": ["a"]}, "lacks a column track or tracklet; has cell, drug"),
        ({"track": [0, 0], "drug": ["a", "b"]}, "track 0 stands there twice"),
        ({"track": [77], "drug": ["a"]}, "none of its 1 track numbers .* e.g. 0"),
        ({"track": [0], "fate": ["a"]}, "has a column 'fate', which tracklets have already"),
    ],
)
def test_conditions_that_do_not_fit_are_refused(conditions, message):
    graph = make_graph({1: 0, 2: 1}, [(1, 2)])
    with pytest.raises(UserError, match=message.replace("e.g.", r"\(e\.g\.")):
        join_conditions(make_tracklets_table(graph), pd.DataFrame(conditions))


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ([20260101, 20260102], ["20260101", "20260102"]),
        ([20260101.0, np.nan], ["20260101", "no group"]),
        ([0.1, 0.10000001], ["0.1", "0.10000001"]),
        ([True, False], ["True", "False"]),
    ],
)
def test_groups_that_differ_have_names_that_differ(values, groups):
    """Dates became one group, 2.02601e+07."""
    graph = make_graph({1: 0, 2: 0}, [])
    table = make_tracklets_table(graph).assign(day=values)
    assert name_groups(graph, table, "day").tolist() == groups


@pytest.mark.parametrize("name", ["all", "no group"])
def test_no_group_has_a_name_of_ours(name):
    graph = make_graph({1: 0, 2: 0}, [])
    table = make_tracklets_table(graph).assign(drug=[name, "none"])
    with pytest.raises(UserError, match=f"a group of drug is named '{name}'"):
        name_groups(graph, table, "drug")


def test_a_group_called_none_is_one_of_its_own():
    graph = make_graph({1: 0, 2: 0}, [])
    table = make_tracklets_table(graph).assign(drug=["none", np.nan])
    assert name_groups(graph, table, "drug").tolist() == ["none", "no group"]


def test_rows_of_groups_without_a_track_are_warned_of(caplog):
    graph = make_graph({1: 0, 2: 1}, [(1, 2)])
    conditions = pd.DataFrame({"track": [0, 8, 9], "drug": ["a", "b", "c"]})
    join_conditions(make_tracklets_table(graph), conditions, "g.csv")
    assert "g.csv: 2 of its 3 rows name no track that there is (first: 8)" in caplog.text


def test_features_that_are_asked_for_must_be_there():
    graph = grow()
    tables = analyse_tracks(graph, settings(features=["x"]))
    assert set(tables["rhythm"]["feature"]) == {"x"}
    with pytest.raises(UserError, match="no feature 'mean_intensity_ch2'; they have .*volume"):
        analyse_tracks(graph, settings(features=["mean_intensity_ch2"]))


def test_movies_stand_below_each_other_and_cycles_are_those_of_all():
    movies = {"a": Tracked(grow(0)), "b": Tracked(grow(1, generations=2))}
    tables = analyse_movies(movies)
    assert tables["tracklets"].groupby("movie").size().to_dict() == {"a": 14, "b": 6}
    n = tables["cycle_times"].query("lost_as == 'event'").set_index("movie")["n"]
    assert n.to_dict() == {"a": 12, "b": 4, "all": 16}
    one = analyse_tracks(movies["b"].graph)["msd"]
    both = tables["msd"].query("movie == 'b'").drop(columns="movie").reset_index(drop=True)
    pd.testing.assert_frame_equal(both, one)


def test_movies_of_different_units_are_refused():
    movies = {"a": Tracked(grow(0)), "b": Tracked(grow(1, time_unit="s"))}
    with pytest.raises(UserError, match="b is in µm and s, a in µm and min"):
        analyse_movies(movies)


def test_wavelets_are_made_where_they_are_asked_for():
    tables = analyse_tracks(grow(), settings(rhythm={"wavelet": True}, features=["volume"]))
    ridges = tables["rhythm_ridges"]
    assert ridges["period"].median() == pytest.approx(25, rel=0.15)
    assert set(ridges["tracklet"]) == set(tables["tracklets"]["tracklet"])


def test_drift_is_taken_away_on_request():
    graph = grow()
    moved = graph.spots.with_columns({"x": graph.spots.table["x"] + 9.0 * graph.spots.frame})
    graph = graph.with_spots(moved)
    raw, cleaned = (
        analyse_tracks(graph, settings(drift=drift))["motility"]["mean_speed"].mean()
        for drift in ("none", "global")
    )
    assert raw > 3 * cleaned


@pytest.mark.parametrize("links", [[], [(1, 2)], [(1, 3), (2, 3)]])
def test_tracks_of_almost_nothing_give_tables_and_say_what_is_left_out(links):
    graph = make_graph({1: 0, 2: 1, 3: 2}, links)
    tables = analyse_tracks(graph)
    assert set(tables) == ALWAYS
    assert len(tables["tracklets"]) == {0: 0, 1: 1, 2: 3}[len(links)]
    listed = tables["left_out"].query("analysis == 'motility'")
    assert len(listed) == {0: 0, 1: 0, 2: 3}[len(links)]


def test_no_spots_at_all_and_all_values_missing():
    empty = TrackGraph.from_ids(make_spots([]), np.array([], int), np.array([], int))
    assert set(analyse_tracks(empty)) == ALWAYS
    assert set(analyse_tracks(empty, settings(group_by="generation"))) == ALWAYS
    graph = grow()
    nothing = graph.spots.with_columns({"volume": np.full(len(graph.spots), np.nan)})
    tables = analyse_tracks(graph.with_spots(nothing), settings(features=["volume"]))
    assert len(tables["rhythm"]) == len(tables["division_means"]) == 0
    assert len(tables["left_out"].query("analysis == 'rhythm of volume'")) == 14


def test_two_dimensions_and_the_same_tables_every_time():
    rows = [(i, i // 2, float(i % 2), float(i // 2)) for i in range(40)]
    spots = make_spots(rows, ndim=2)
    graph = TrackGraph.from_ids(spots, np.arange(38), np.arange(2, 40))
    first, second = (analyse_tracks(graph) for _ in range(2))
    for name in first:
        pd.testing.assert_frame_equal(first[name], second[name])
    assert (first["turning_angles"]["aimless_share"] == 1 / 18).all()
    assert (first["motility"]["straightness"] == 1).all()


def test_cells_in_no_track_are_in_no_group() -> None:
    """Also where one group holds all tracks."""
    rows = [(t, 20.0 * cell, 5.0) for t in range(3) for cell in range(4)]
    spots = Spots.from_table(pd.DataFrame(rows, columns=["frame", "x", "y"]), Calibration(), ndim=2)
    source = np.array([i for i in range(8) if i % 4 < 3])
    graph = TrackGraph.from_links(spots, source, source + 4)
    groups = pd.DataFrame({"track": range(3), "drug": "yes"})
    settings = AnalysisSettings(group_by="drug")
    crowding = analyse_tracks(Tracked(graph, conditions=groups), settings)["crowding"]
    assert crowding.groupby("group")["n_cells"].unique().to_dict() == {"all": [4], "yes": [3]}
