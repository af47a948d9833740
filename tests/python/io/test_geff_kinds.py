"""GEFF as other programs write it: names, axes, units, scales and times."""

from pathlib import Path
from typing import Any

import geff
import numpy as np
import pandas as pd
import pytest
import zarr
from geff.core_io import write_arrays
from geff_spec import Axis, DisplayHint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trackmate_structure import check_structure

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.geff import make_identifiers, write_geff
from btrackmate.io.geff_reader import list_left_out, read_geff
from btrackmate.pipeline.converting import convert

Props = dict[str, Any]


def write(
    path: Path,
    props: Props,
    axes: list[dict[str, Any]],
    edge_props: Props | None = None,
    **metadata: Any,
) -> Path:
    """Write a chain of nodes 10, 11, …."""
    n = len(next(iter(props.values())))
    ids = np.arange(10, 10 + n, dtype=np.uint64)
    edges = np.stack([ids[:-1], ids[1:]], axis=1)
    write_arrays(
        path,
        ids,
        {name: {"values": np.asarray(values), "missing": None} for name, values in props.items()},
        edges,
        {
            name: {"values": np.asarray(values), "missing": None}
            for name, values in (edge_props or {}).items()
        },
        geff.GeffMetadata(
            directed=True,
            axes=[Axis(**axis) for axis in axes] if axes else None,
            node_props_metadata={},
            edge_props_metadata={},
            **metadata,
        ),
        structure_validation=False,
    )
    return path


def axes(t: Any = "t", x: Any = "x", y: Any = "y", **z: Any) -> list[dict[str, Any]]:
    """Give axes; each is a name or a dict of more."""
    given = {"time": [t], "space": [x, y, *z.values()]}
    return [
        {"type": kind} | (one if isinstance(one, dict) else {"name": one})
        for kind, ones in given.items()
        for one in ones
    ]


def trackmate_like(n: int = 4) -> Props:
    """What pycellin and TrackMate 9 write."""
    return {
        "POSITION_T": np.arange(n) * 5.0,
        "POSITION_X": np.arange(n) + 1.5,
        "POSITION_Y": np.full(n, 2.5),
        "POSITION_Z": np.full(n, 0.5),
        "FRAME": np.arange(n),
        "QUALITY": np.full(n, 7.0),
        "RADIUS": np.full(n, 0.909),
        "VISIBILITY": np.ones(n, int),
        "MEAN_INTENSITY_CH1": np.full(n, 100.0),
        "ID": np.arange(10, 10 + n),
        "name": np.array([f"cell {i}" for i in range(n)]),
    }


TRACKMATE_AXES = axes(
    {"name": "POSITION_T", "unit": "minute"},
    {"name": "POSITION_X", "unit": "micrometer"},
    {"name": "POSITION_Y", "unit": "micrometer"},
    z={"name": "POSITION_Z", "unit": "micrometer"},
)


def test_trackmates_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = write(tmp_path / "a.geff", trackmate_like(), TRACKMATE_AXES, {"LINK_COST": [1.0, 2, 3]})
    convert(path, tmp_path / "a.xml")
    root = check_structure(tmp_path / "a.xml")
    first = next(root.iter("Spot")).attrib
    wanted = {"ID": "10", "FRAME": "0", "RADIUS": "0.909", "QUALITY": "7.0", "POSITION_X": "1.5"}
    assert {key: first[key] for key in wanted} == wanted
    assert not [key for key in first if key.endswith(("_2", "_property"))]
    graph = read_geff(path)
    assert graph.spots.frame.tolist() == [0, 1, 2, 3]
    assert graph.spots.table["time"].tolist() == [0, 5, 10, 15]
    calibration = graph.spots.calibration
    assert (calibration.dt, calibration.time_unit, calibration.space_unit) == (5.0, "min", "µm")
    assert graph.cost.tolist() == [1, 2, 3]
    assert "properties that are no numbers are left out: name" in caplog.text


def test_what_links_have_beside_costs_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A second cost is no cost of ours either."""
    edge_props = {"cost": [1.0, 2, 3], "score": [0.1, 0.2, 0.3], "LINK_COST": [4.0, 5, 6]}
    path = write(tmp_path / "a.geff", trackmate_like(), TRACKMATE_AXES, edge_props)
    assert read_geff(path).cost.tolist() == [1, 2, 3]
    assert "a.geff: properties of links are left out: LINK_COST, score" in caplog.text


def test_what_stands_beside_the_metadata_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "a.geff", trackmate_like(), TRACKMATE_AXES)
    zarr.open_group(path, mode="r+").attrs["napari"] = {"colours": "inferno"}
    read_geff(path)
    assert "a.geff: metadata are left out: napari" in caplog.text


def test_frames_are_followed_where_they_have_gaps(tmp_path: Path) -> None:
    props = trackmate_like() | {"FRAME": [0, 2, 3, 7], "POSITION_T": [3.0, 13, 18, 38]}
    spots = read_geff(write(tmp_path / "a.geff", props, TRACKMATE_AXES)).spots
    assert spots.frame.tolist() == [0, 2, 3, 7]
    assert spots.table["time"].tolist() == [3, 13, 18, 38]
    assert spots.calibration.dt == 5.0


def test_two_properties_never_share_a_column(tmp_path: Path) -> None:
    props = trackmate_like() | {
        "x": np.zeros(4), "radius": np.full(4, 3.0), "frame": np.full(4, 9), "time": np.zeros(4),
        "z": np.zeros(4), "quality": np.zeros(4), "id": np.zeros(4, int), "t": np.zeros(4),
    }  # fmt: skip
    path = write(tmp_path / "a.geff", props, TRACKMATE_AXES)
    convert(path, tmp_path / "a.xml")
    root = check_structure(tmp_path / "a.xml")
    spots = read_geff(path).spots
    assert spots.table["x"].tolist() == [1.5, 2.5, 3.5, 4.5]
    assert spots.table["radius"].tolist() == [0.909] * 4  # as the axes, in TrackMate's names
    assert spots.table["radius_property"].tolist() == [3.0] * 4
    assert spots.frame.tolist() == [0, 1, 2, 3]
    assert len(next(root.iter("Spot")).attrib) == len(set(next(root.iter("Spot")).attrib))


def test_the_radius_of_spheres(tmp_path: Path) -> None:
    props = {"t": [0, 1], "x": [1.0, 2], "y": [1.0, 2], "r_cell": [4.0, 5]}
    path = write(tmp_path / "a.geff", props, axes(), sphere="r_cell")
    assert read_geff(path).spots.table["radius"].tolist() == [4, 5]


# Scales and units.


def scaled(name: str, scale: float, unit: str | None, **more: Any) -> dict[str, Any]:
    return {"name": name, "unit": "pixel", "scale": scale, "scaled_unit": unit, **more}


def test_scales_make_positions_physical(tmp_path: Path) -> None:
    props = {"t": [0, 1], "x": [10.0, 20], "y": [10.0, 20], "z": [1.0, 2], "radius": [4.0, 5]}
    given = axes(
        {"name": "t", "unit": "frame", "scale": 30.0, "scaled_unit": "second"},
        scaled("x", 0.5, "micrometer"),
        scaled("y", 0.25, "micrometer", offset=1.0),
        z=scaled("z", 2000.0, "nanometer"),
    )
    spots = read_geff(write(tmp_path / "a.geff", props, given)).spots
    assert spots.positions.tolist() == [[5, 3.5, 2], [10, 6, 4]]
    assert spots.table["radius"].tolist() == [2, 2.5]
    assert spots.frame.tolist() == [0, 1]
    assert spots.calibration == Calibration(0.5, 0.25, 2.0, 30.0, "µm", "sec")


def test_a_scale_without_a_unit_is_not_applied(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    props = {"t": [0, 1], "x": [10.0, 20], "y": [10.0, 20]}
    given = axes(
        {"name": "t", "scale": 30.0}, {"name": "x", "scale": 0.5}, {"name": "y", "scale": 0.5}
    )
    spots = read_geff(write(tmp_path / "a.geff", props, given)).spots
    assert spots.table["x"].tolist() == [10, 20]
    assert (spots.calibration.dt, spots.calibration.space_unit) == (1, "pixel")
    assert caplog.text.count("without a scaled_unit") == 3


def test_axes_of_different_units(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    props = {"t": [0, 1], "x": [1.0, 2], "y": [1000.0, 2000], "z": [3.0, 4]}
    given = axes(x={"name": "x", "unit": "micrometer"}, y={"name": "y", "unit": "nanometer"}, z="z")
    spots = read_geff(write(tmp_path / "a.geff", props, given)).spots
    assert spots.positions.tolist() == [[1, 1, 3], [2, 2, 4]]
    assert "axis z states no unit; taken as µm" in caplog.text
    given[2] = {"type": "space", "name": "y", "unit": "parsec"}
    with pytest.raises(UserError, match=r"the units 'µm' and 'parsec' \(y\)"):
        read_geff(write(tmp_path / "b.geff", props, given))


# Times.


@pytest.mark.parametrize(
    ("times", "unit", "frames", "dt"),
    [
        ([0, 2.5, 5, 10], "second", [0, 1, 2, 4], 2.5),
        ([100, 102.5, 105, 107.5], "second", [40, 41, 42, 43], 2.5),
        ([101, 103.5, 106, 111], "minute", [0, 1, 2, 4], 2.5),
        ([0, 60, 120, 300], "second", [0, 1, 2, 5], 60),
        ([-5.0, 0, 5, 10], "hour", [0, 1, 2, 3], 5),
        ([0, 29.9, 60.2, 120.1], "second", [0, 1, 2, 4], 30.3),
        ([0, 2, 5, 7], "second", [0, 2, 5, 7], 1),
        ([0.1, 0.2, 0.3, 0.7], "day", [1, 2, 3, 7], 0.1),
    ],
)
def test_real_times(
    tmp_path: Path, times: list[float], unit: str, frames: list[int], dt: float
) -> None:
    props = {"t": np.array(times, float), "x": np.arange(4.0), "y": np.arange(4.0)}
    path = write(tmp_path / "a.geff", props, axes({"name": "t", "unit": unit}))
    for chain in ("b.xml", "c.geff"):
        spots = read_geff(path).spots if path.suffix == ".geff" else None
        if spots is not None:
            assert spots.frame.tolist() == frames
            assert spots.table["time"].tolist() == pytest.approx(times)
            assert spots.calibration.dt == pytest.approx(dt, rel=0.02)
        convert(path, tmp_path / chain)
        path = tmp_path / chain


def test_times_without_a_step(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    props = {"t": [0, 1.0, 7.3, 8.05], "x": np.arange(4.0), "y": np.arange(4.0)}
    given = axes({"name": "t", "unit": "second"})
    spots = read_geff(write(tmp_path / "a.geff", props, given)).spots
    assert spots.frame.tolist() == [0, 1, 2, 3]
    assert spots.table["time"].tolist() == [0, 1, 7.3, 8.05]
    assert "have no common step" in caplog.text


def test_two_time_axes(tmp_path: Path) -> None:
    props = trackmate_like()
    given = [*TRACKMATE_AXES, {"name": "FRAME", "type": "time"}]
    spots = read_geff(write(tmp_path / "a.geff", props, given)).spots
    assert (spots.frame.tolist(), spots.calibration.dt) == ([0, 1, 2, 3], 5.0)
    given = axes({"name": "t", "unit": "frame"}, "x", "y") + [
        {"name": "seconds", "type": "time", "unit": "second"}
    ]
    props = {"t": [3, 4, 6], "seconds": [6.0, 8, 12], "x": np.arange(3.0), "y": np.arange(3.0)}
    spots = read_geff(write(tmp_path / "b.geff", props, given)).spots
    assert spots.frame.tolist() == [3, 4, 6]
    assert spots.table["time"].tolist() == [6, 8, 12]


@pytest.mark.parametrize("name", ["frame", "timepoint", "FRAME"])
def test_a_property_of_frames_that_contradicts_the_axis_is_a_feature(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Some programs count the age of a track so."""
    props = {"t": [0.0, 1, 2, 3], name: [0, 1, 0, 1], "x": np.arange(4.0), "y": np.arange(4.0)}
    given = axes({"name": "t", "unit": "second"})
    spots = read_geff(write(tmp_path / "a.geff", props, given)).spots
    assert spots.frame.tolist() == [0, 1, 2, 3]
    assert spots.feature("frame_property").tolist() == [0, 1, 0, 1]
    assert "does not go with its axis t" in caplog.text
    given += [{"name": name, "type": "time", "unit": "frame"}]
    with pytest.raises(UserError, match=f"axes t and {name} contradict each other"):
        read_geff(write(tmp_path / "b.geff", props, given))


def test_frames_may_be_of_another_pace(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    props = {
        "t": [0.0, 1, 1.9, 5.2],
        "frame": np.arange(4),
        "x": np.arange(4.0),
        "y": np.arange(4.0),
    }
    given = axes({"name": "t", "unit": "second"})
    spots = read_geff(write(tmp_path / "a.geff", props, given)).spots
    assert spots.frame.tolist() == [0, 1, 2, 3]
    assert spots.feature("time").tolist() == [0, 1, 1.9, 5.2]
    assert "does not go with" not in caplog.text


def test_frames_in_steps_look_like_times(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    props = {"t": [0, 24, 48], "x": np.arange(3.0), "y": np.arange(3.0)}
    spots = read_geff(write(tmp_path / "a.geff", props, axes())).spots
    assert spots.frame.tolist() == [0, 24, 48]
    assert "steps of 24 with nothing between" in caplog.text
    assert "give the axis t the unit of its times" in caplog.text


# Axes.


TRACKMATE = ("POSITION_T", "POSITION_X", "POSITION_Y", "POSITION_Z")


@pytest.mark.parametrize(
    "names", ["txyz", ("time", "X", "Y", "Z"), ("FRAME", "pos_x", "pos_y", "pos_z"), TRACKMATE]
)
def test_axes_without_types_go_by_their_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    props = dict(zip(names, np.arange(1, 9).reshape(2, 4).T.astype(float), strict=True))
    path = write(tmp_path / "a.geff", props, [{"name": name} for name in names])
    assert read_geff(path).spots.positions.tolist() == [[2, 3, 4], [6, 7, 8]]


def test_axes_go_by_the_display_hints(tmp_path: Path) -> None:
    props = {"when": [0, 1], "a": [1.0, 2], "b": [3.0, 4], "c": [5.0, 6]}
    hints = DisplayHint(
        display_horizontal="b", display_vertical="a", display_depth="c", display_time="when"
    )
    given = axes("when", "a", "b", c="c")
    spots = read_geff(write(tmp_path / "a.geff", props, given, display_hints=hints)).spots
    assert spots.positions.tolist() == [[3, 1, 5], [4, 2, 6]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "does not name its axes"),
        (
            [{"name": "t", "type": "time"}],
            r"its axes are t \(time\), expected one of time",
        ),
        ([{"name": "x"}, {"name": "y"}], r"its axes are x \(no type\), y \(no type\), expected"),
        (axes(y="r")[:2], "expected one of time, x and y"),
    ],
)
def test_axes_that_do_not_tell(tmp_path: Path, given: list[dict[str, Any]], message: str) -> None:
    props = {"t": [0, 1], "x": [1.0, 2], "y": [1.0, 2], "r": [1.0, 2]}
    with pytest.raises(UserError, match=message) as caught:
        read_geff(write(tmp_path / "a.geff", props, given))
    assert "\n" not in str(caught.value)


# What we write.


def graph_of(columns: dict[str, Any], ndim: int = 3) -> TrackGraph:
    table = pd.DataFrame({"id": [1, 2, 3], "frame": [0, 1, 2], "x": 1.0, "y": 2.0, "z": 3.0})
    spots = Spots.from_table(table.assign(**columns), Calibration(), ndim=ndim)
    return TrackGraph.from_ids(spots, np.array([1, 2]), np.array([2, 3]))


HEADERS = [
    *("a/b", "..", ".", " ", "a%b", "zarr.json", ".zattrs", "x" * 300, "Area", "area", "track"),
    *("a\\b", "c:d", "µ²", "细胞", "tail.", "FRAME", "POSITION_X", "ID", "Radius", "name"),
]


def test_links_back_in_time_are_turned_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nodes 10 → 11 → 12 in frames 1, 0 and 2: the first link goes back."""
    props = {"t": [1, 0, 2], "x": np.arange(3.0), "y": np.arange(3.0)}
    graph = read_geff(write(tmp_path / "a.geff", props, axes()))
    told = "a.geff: 1 of its 2 links go back in time and are turned round: from spot 10 (frame 1) "
    assert f"{told}to 11 (frame 0); if that is wrong" in caplog.text
    assert graph.links_table()[["source", "target"]].values.tolist() == [[11, 10], [11, 12]]


def check_all_formats(path: Path, graph: TrackGraph, names: list[str]) -> None:
    write_geff(path / "a.geff", graph)
    geff.validate_structure(path / "a.geff")
    again = read_geff(path / "a.geff").spots
    pd.testing.assert_frame_equal(again.table[names], graph.spots.table[names])
    convert(path / "a.geff", path / "a.xml")
    check_structure(path / "a.xml")


def test_any_header_comes_back(tmp_path: Path) -> None:
    columns = {name: [n + 0.5, n + 1.5, n + 2.5] for n, name in enumerate(HEADERS)}
    check_all_formats(tmp_path, graph_of(columns), HEADERS)
    convert(tmp_path / "a.xml", tmp_path / "b.geff")
    kept = read_geff(tmp_path / "b.geff").spots.table
    values = {tuple(kept[name]) for name in kept.select_dtypes("number")}
    assert {tuple(map(float, column)) for column in columns.values()} <= values


@pytest.mark.slow
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1, max_size=12), min_size=16, max_size=40, unique=True))
def test_any_text_is_a_header(tmp_path: Path, names: list[str]) -> None:
    ours = ("id", "frame", "time", "x", "y", "z", "track", "tracklet", "radius", "label", "tissue")
    names = [name for name in names if name.strip() and name not in ours]
    names = [name for name in names if name == name.encode("utf-8", "ignore").decode()]
    columns = {name: [n + 0.5, n + 1.5, n + 2.5] for n, name in enumerate(names)}
    check_all_formats(tmp_path, graph_of(columns), names)


def test_volumes_of_a_graph_in_pixels_are_scaled(tmp_path: Path) -> None:
    props = {"t": [0, 1], "x": [10.0, 20], "y": [10.0, 20], "z": [1.0, 2], "volume": [64.0, 8]}
    given = [
        {"type": "time", "name": "t"},
        *(
            {"type": "space", "name": n, "unit": "pixel", "scale": s, "scaled_unit": "micrometer"}
            for n, s in (("z", 2.0), ("y", 0.5), ("x", 0.5))
        ),
    ]
    spots = read_geff(write(tmp_path / "a.geff", props, given)).spots
    assert spots.positions.tolist() == [[5, 5, 2], [10, 10, 4]]
    assert spots.table["volume"].tolist() == [32.0, 4.0]


def test_times_that_contradict_the_time_step_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As GEFFs that were made of a TrackMate file whose interval had been changed."""
    table = pd.DataFrame({"frame": [1, 2, 4], "time": [60.0, 120, 240], "x": 1.0})
    table = table.assign(y=1.0, z=1.0)
    for dt in (60.0, 30.0):
        spots = Spots.from_table(table, Calibration(dt=dt, time_unit="sec"))
        write_geff(tmp_path / "a.geff", TrackGraph.from_links(spots, np.array([0]), np.array([1])))
        assert read_geff(tmp_path / "a.geff").spots.calibration.dt == 60
        assert ("(time) go up by 60 a frame, and the time step is 30" in caplog.text) == (dt == 30)


def test_tracks_of_other_programs_are_features(tmp_path: Path) -> None:
    props = {"t": [0, 1], "x": [1.0, 2], "y": [1.0, 2], "track": [7, 7], "tracklet": [8, 9]}
    graph = read_geff(write(tmp_path / "a.geff", props, axes()))
    assert graph.spots.table[["track", "tracklet"]].to_numpy().tolist() == [[7, 8], [7, 9]]
    table = graph.spots_table()
    names = ["track", "tracklet", "track_property", "tracklet_property"]
    assert table[names].to_numpy().tolist() == [[0, 0, 7, 8], [0, 0, 7, 9]]
    write_geff(tmp_path / "b.geff", graph)
    back = read_geff(tmp_path / "b.geff")
    assert back.spots.table[["track", "tracklet"]].to_numpy().tolist() == [[7, 8], [7, 9]]
    assert back.spots_table()[names].to_numpy().tolist() == table[names].to_numpy().tolist()


def test_identifiers_are_folders_of_any_system() -> None:
    made = make_identifiers(HEADERS)
    assert made["area"] == "area_2"
    assert len({one.lower() for one in made.values()}) == len(HEADERS)
    for one in made.values():
        assert len(one) < 80
        assert not set(one) & set('/\\:*?"<>|%')
        assert one.strip(" .") == one
    assert made["µ²"] == "µ²"
    assert make_identifiers(["NUL", "com1"]) == {"NUL": "NUL_2", "com1": "com1_2"}


def test_depth_is_written_where_there_is_one(tmp_path: Path) -> None:
    write_geff(tmp_path / "a.geff", graph_of({}, ndim=2))
    assert read_geff(tmp_path / "a.geff").spots.table["z"].tolist() == [3.0] * 3


def test_units_that_the_package_does_not_know_are_no_warning(tmp_path: Path) -> None:
    """TrackMate's "sec" and "micron", which geff.convert and pycellin pass on."""
    props = {"t": [0.0, 2, 4], "x": np.arange(3.0), "y": np.arange(3.0)}
    path = write(tmp_path / "a.geff", props, axes())
    file = path / ".zattrs"
    text = file.read_text(encoding="utf-8")
    for axis, unit in (("t", "sec"), ("x", "micron"), ("y", "micron")):
        before, after = text.split(f'"name": "{axis}"', 1)
        text = f'{before}"name": "{axis}"' + after.replace('"unit": null', f'"unit": "{unit}"', 1)
    file.write_text(text, encoding="utf-8")
    calibration = read_geff(path).spots.calibration
    assert (calibration.dt, calibration.time_unit, calibration.space_unit) == (2, "sec", "µm")


def test_links_to_nowhere_name_the_file_and_high_ids_are_as_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path / "a.geff", {"t": [0, 1], "x": [1.0, 2], "y": [1.0, 2]}, axes())
    group = zarr.open_group(path, mode="r+")
    group["edges/ids"][0] = [10, 77]
    with pytest.raises(UserError, match=r"a\.geff: a link names spot 77, which is not"):
        read_geff(path)
    group["nodes/ids"][1] = 2**63 + 9
    with pytest.raises(UserError, match=f"a.geff: has node {2**63 + 9}, expected ids below 2⁶³"):
        read_geff(path)


# Units of sizes.


def with_units(path: Path, **units: str) -> Path:
    told = geff.GeffMetadata.read(path)
    for name, unit in units.items():
        told.node_props_metadata[name].unit = unit
    told.write(path)
    return path


SIZES = {
    "t": [0, 1],
    "x": [1.0, 2],
    "y": [1.0, 2],
    "z": [1.0, 2],
    "radius": [4000.0, 4000],
    "perimeter": [0.02, 0.02],
    "surface": [200.0, 200],
    "VOLUME": [268e9, 268e9],
    "boundary_distance": [7.0, 7],
    "ellipsoid_a": [50.0, 50],
}
UNITS = {
    "radius": "nanometer",
    "perimeter": "mm",
    "surface": "µm^2",
    "VOLUME": "nm³",
    "boundary_distance": "furlong",
    "ellipsoid_a": "angstrom",
}


def test_units_of_all_sizes_are_heeded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "a.geff", SIZES, axes(z="z"))
    assert "not converted" not in caplog.text
    told = geff.GeffMetadata.read(path)
    for axis in told.axes or []:
        if axis.type == "space":
            axis.unit = "micrometer"
    told.write(path)
    table = read_geff(with_units(path, **UNITS)).spots.table
    wanted = {"radius": 4, "perimeter": 20, "surface": 200, "volume": 268, "ellipsoid_a": 0.005}
    assert {name: table[name][0] for name in wanted} == pytest.approx(wanted)
    assert table["boundary_distance"][0] == 7
    assert "states boundary_distance in furlong, which is not converted to µm" in caplog.text
    assert caplog.text.count("not converted") == 1
    left_out = ["units, names or descriptions of properties boundary_distance"]
    assert list_left_out(path) == left_out


def test_areas_in_pixels_are_scaled_in_2d_and_lengths_where_pixels_are_square(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    props = {"t": [0, 1], "x": [10.0, 20], "y": [10.0, 20]}
    props |= {"perimeter": [40.0, 40], "volume": [100.0, 100], "boundary_distance": [3.0, 3]}
    for dy, perimeter in ((0.5, 20.0), (0.25, 40.0)):
        given = axes(
            x={"name": "x", "unit": "pixel", "scale": 0.5, "scaled_unit": "micrometer"},
            y={"name": "y", "unit": "pixel", "scale": dy, "scaled_unit": "micrometer"},
        )
        path = write(tmp_path / f"{dy}.geff", props, given)
        table = read_geff(
            with_units(path, perimeter="pixel", volume="pixel^2", boundary_distance="um")
        ).spots.table
        assert table["volume"][0] == pytest.approx(100 * 0.5 * dy)
        assert table["perimeter"][0] == perimeter
        assert table["boundary_distance"][0] == 3
        assert ("states perimeter in pixel, which is not converted" in caplog.text) == (dy != 0.5)


def test_a_unit_that_contradicts_its_property_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = axes(z="z")
    path = with_units(write(tmp_path / "a.geff", SIZES, given), surface="mm^3", radius="pixel")
    table = read_geff(path).spots.table
    assert (table["surface"][0], table["radius"][0]) == (200, 4000)
    assert "states surface in mm^3" in caplog.text


def test_sizes_of_ours_in_which_another_program_stated_another_unit(tmp_path: Path) -> None:
    row = np.arange(2)
    table = pd.DataFrame({"id": row, "frame": row, "x": 1.0, "y": 1.0, "z": 1.0, "surface": 5.0})
    spots = Spots.from_table(
        table, Calibration(0.5, 0.5, 2.0, 30.0, "µm", "sec"), ndim=3, n_frames=2
    )
    write_geff(tmp_path / "a.geff", TrackGraph.from_ids(spots, row[:1], row[1:]))
    path = with_units(tmp_path / "a.geff", surface="mm^2")
    assert read_geff(path).spots.table["surface"][0] == pytest.approx(5e6)


def test_a_flat_cell_of_a_movie_in_3d_is_as_it_was_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = np.arange(2)
    table = pd.DataFrame({"id": row, "frame": row, "x": 1.0, "y": 1.0, "z": 0.0, "volume": 5.0})
    for unit in ("µm", "pixel", "furlong"):
        spots = Spots.from_table(table, Calibration(0.5, 0.5, 2.0, space_unit=unit), n_frames=2)
        path = tmp_path / f"{unit}.geff"
        write_geff(path, TrackGraph.from_ids(spots, row[:1], row[1:]))
        assert read_geff(path).spots.table["volume"].tolist() == [5, 5]
    assert not caplog.text


@pytest.mark.parametrize("odd", [3, [1], [1, 2, 3], ["a", "b"], [-1, 1], [0, 9], None])
def test_an_interval_that_is_none_is_passed_over(tmp_path: Path, odd: Any) -> None:
    row = np.arange(2)
    table = pd.DataFrame({"id": row, "frame": row, "x": 1.0, "y": 1.0, "z": 1.0})
    spots = Spots.from_table(table, Calibration(), n_frames=4)
    write_geff(tmp_path / "a.geff", TrackGraph.from_ids(spots, row[:1], row[1:]))
    told = geff.GeffMetadata.read(tmp_path / "a.geff")
    assert told.extra is not None
    told.extra["btrackmate"]["searched"] = odd
    told.write(tmp_path / "a.geff")
    assert read_geff(tmp_path / "a.geff").spots.ends == (0, 3)
