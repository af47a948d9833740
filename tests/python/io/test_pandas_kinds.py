"""Columns of pandas' own types, with missing values: written so that they can be read again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.geff import write_geff
from btrackmate.io.geff_reader import read_geff
from btrackmate.io.spots_csv import read_spots_csv
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.review import EditSession

BIG = 2**60 + 1


def make_graph(**columns: object) -> TrackGraph:
    """Three spots in a row."""
    table = pd.DataFrame({"frame": [0, 1, 2], "x": [0.0, 1.0, 2.0], "y": 0.0, "radius": 1.0})
    spots = Spots.from_table(table.assign(**columns), Calibration(), ndim=2)
    return TrackGraph.from_ids(spots, np.array([0, 1]), np.array([1, 2]))


WHOLE = pd.array([1, None, 3], dtype="Int64")
TRUTH = pd.array([True, None, False], dtype="boolean")
FLOATS = pd.array([1.5, None, 3], dtype="Float64")


@pytest.mark.parametrize("ending", ["xml", "geff", "csv"])
def test_missing_values_of_every_kind_stay_missing(tmp_path: Path, ending: str) -> None:
    """Whole numbers, yes/no and numbers, in each format."""
    path = tmp_path / f"t.{ending}"
    write_tracks(path, make_graph(whole=WHOLE, truth=TRUTH, floats=FLOATS), None)
    spots = read_tracks(path)[0].spots
    for name, values in (("whole", [1, 3]), ("truth", [1, 0]), ("floats", [1.5, 3])):
        assert np.isnan(spots.feature(name)[1]), name
        assert spots.feature(name)[[0, 2]].tolist() == values, name


def test_tracks_with_a_spot_added_by_hand_can_be_opened_again(tmp_path: Path) -> None:
    """It has no label and no number of voxels; the others keep theirs."""
    path = tmp_path / "t.geff"
    write_geff(path, make_graph(label=[4, 5, 6], voxels=[7, 8, 9]))
    with EditSession.open(path) as session:
        session.do("add_spot", frame=1, position=(9.0, 9.0), radius=1.0)
        session.save()
    spots = read_geff(path).spots
    np.testing.assert_array_equal(spots.feature("label"), [4, 5, np.nan, 6])
    with EditSession.open(path) as session:
        assert session.is_saved


def test_whole_numbers_past_what_floats_hold_stay_exact_in_geff(tmp_path: Path) -> None:
    """Also where some are missing."""
    write_geff(tmp_path / "t.geff", make_graph(hash=pd.array([BIG, None, 3], dtype="Int64")))
    assert read_geff(tmp_path / "t.geff").spots.table["hash"].tolist() == [BIG, pd.NA, 3]


def test_trackmate_files_round_them_and_say_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """None becomes another sign, as 2⁶³ did."""
    hashes = np.array([BIG, 2**63 + 5, 3], np.uint64)
    write_tracks(tmp_path / "t.xml", make_graph(hash=hashes), None)
    assert "'hash' has whole numbers past 2⁵³" in caplog.text
    read = read_tracks(tmp_path / "t.xml")[0].spots.feature("hash")
    np.testing.assert_allclose(read, hashes.astype(float), rtol=1e-15)


def test_columns_of_text_that_geff_cannot_hold_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Small floats, which GEFF has no name for, are written as wider ones."""
    small = np.array([1, np.nan, 3], np.float16)
    write_geff(tmp_path / "t.geff", make_graph(note=["a", "b", "c"], small=small))
    assert caplog.messages == [f"{tmp_path}/t.geff: columns of text are left out: note"]
    np.testing.assert_array_equal(read_geff(tmp_path / "t.geff").spots.feature("small"), small)


@pytest.mark.parametrize("ending", ["xml", "geff", "csv"])
def test_infinite_values_and_costs_come_back(tmp_path: Path, ending: str) -> None:
    """One of them in a CSV that we wrote cost the whole column, or the whole file."""
    ratio = np.array([1.0, np.inf, -np.inf])
    graph = make_graph(ratio=ratio).keep_links(np.array([True, True]))
    graph = replace(graph, cost=np.array([np.inf, 2.0]))
    path = tmp_path / f"t.{ending}"
    write_tracks(path, graph, None)
    read = read_tracks(path)[0]
    assert read.spots.feature("ratio").tolist() == ratio.tolist()
    assert read.cost.tolist() == [np.inf, 2.0]


@pytest.mark.parametrize("name", ["frame", "x", "id"])
def test_an_infinite_position_frame_or_id_is_refused(tmp_path: Path, name: str) -> None:
    row = {"id": "2", "frame": "1", "x": "0", "y": "0", name: "inf"}
    path = tmp_path / "t.csv"
    path.write_text("id,frame,x,y\n1,0,0,0\n" + ",".join(row.values()) + "\n", encoding="ascii")
    with pytest.raises(UserError, match=f"line 3: {name} is inf"):
        read_spots_csv(path)


def test_an_infinite_end_of_a_link_is_refused(tmp_path: Path) -> None:
    write_tracks(tmp_path / "t.csv", make_graph(), None)
    (tmp_path / "t.links.csv").write_text("source,target\n0,inf\n", encoding="ascii")
    with pytest.raises(UserError, match="line 2: target is 'inf', expected a spot id"):
        read_tracks(tmp_path / "t.csv")


def test_tables_that_arrow_holds_are_tracked_and_written(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    plain = pd.DataFrame({"frame": [0, 1, 2], "x": [0.0, 1.5, 2.5], "y": 0.0, "radius": 1.0})
    plain = plain.assign(id=[4, 5, 6], whole=WHOLE, truth=TRUTH, floats=FLOATS, sure=True)
    spots = Spots.from_table(plain.convert_dtypes(dtype_backend="pyarrow"), Calibration(), ndim=2)
    assert not [one for one in spots.table.dtypes if isinstance(one, pd.ArrowDtype)]
    graph = TrackGraph.from_ids(spots, [4, 5], [5, 6])
    for ending in ("xml", "geff", "csv"):
        write_tracks(tmp_path / f"t.{ending}", graph, None)
        read = read_tracks(tmp_path / f"t.{ending}")[0].spots
        for name in ("id", "x", "whole", "truth", "floats", "sure"):
            values = plain[name].to_numpy(float, na_value=np.nan)
            np.testing.assert_array_equal(read.table[name].to_numpy(float, na_value=np.nan), values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("frame", [False, True, True]),
        ("x", [1 + 1j, 2, 3]),
        ("x", pd.to_datetime([0, 1, 2])),
        ("time", ["a", "b", "c"]),
    ],
)
def test_columns_that_are_no_numbers_are_refused(name: str, values: object) -> None:
    with pytest.raises(UserError, match=f"the column {name} is of type .*, expected numbers"):
        make_graph(**{name: values})
