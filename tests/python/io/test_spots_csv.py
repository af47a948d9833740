"""Tables of cells: the golden cases that Java reads too, and round trips."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.spots_csv import CsvOptions, read_spots_csv
from btrackmate.io.tracks_csv import read_links_csv, write_links_csv, write_spots_csv

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "csv").glob("*.json"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    given = case["options"]
    spacing = given["spacing"]
    calibration = Calibration(
        spacing[-1], spacing[-2], spacing[0] if len(spacing) == 3 else 1.0, given["dt"]
    )
    options = CsvOptions(
        given["units"],
        given["skip_bad_rows"],
        ndim=len(spacing),
        time=given.get("time", "frames"),
    )
    file = path.with_name(case["file"])
    if "error" in case:
        with pytest.raises(UserError) as caught:
            read_spots_csv(file, calibration, options)
        assert f"line {case['error']['line']}:" in str(caught.value)
        assert case["error"]["column"] in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    read = read_spots_csv(file, calibration, options)
    assert read.skipped_lines == case["skipped_lines"]
    assert [name.strip() for name in read.ignored_columns] == case["ignored_columns"]
    assert read.lines.tolist() == [spot["line"] for spot in case["spots"]]
    if "stated" in case:
        found, stated = read.spots.calibration, case["stated"]
        assert found.space_unit == (stated["space_unit"] or "pixel")
        assert found.time_unit == (stated["time_unit"] or "frame")
        assert found.dt == pytest.approx(stated["dt"] or 1.0)
    for (_, row), spot in zip(read.rows.iterrows(), case["spots"], strict=True):
        features = spot.pop("features")
        spot.pop("line")
        if "z" not in row:
            assert spot.pop("z") == 0
        for name, value in (spot | features).items():
            if value is None:
                assert name not in row or np.isnan(row[name]), name
            else:
                assert row[name] == pytest.approx(value, rel=1e-6), name


def test_golden_cases_are_there() -> None:
    assert len(GOLDEN) >= 14


def test_round_trip_to_the_bit(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "id": [7, 3],
            "frame": [0, 2],
            "x": [0.1, 1 / 3],
            "y": [2.0, 1e-17],
            "z": [1.0, 2.0],
            "label": [4_294_967_295, 70_000],
            "volume": [np.nan, 1 / 7],
            "mean_intensity_ch2": [5.5, 6.25],
            "my own": [1.5, np.nan],
        }
    )
    spots = Spots.from_table(table, Calibration(dt=0.1))
    write_spots_csv(tmp_path / "s.csv", spots)
    again = read_spots_csv(tmp_path / "s.csv", Calibration(dt=0.1)).spots
    expected = spots.table.assign(radius=np.cbrt(0.75 / np.pi * spots.table["volume"]))
    pd.testing.assert_frame_equal(again.table, expected, check_like=True, check_exact=True)


def test_links_round_trip(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [7, 3], "frame": [0, 2], "x": [0.0, 1], "y": [0.0, 0]})
    spots = Spots.from_table(table, Calibration(), ndim=2)
    graph = TrackGraph.from_ids(spots, np.array([7]), np.array([3]), np.array([0.1 + 0.2]))
    write_links_csv(tmp_path / "l.csv", graph)
    again = read_links_csv(tmp_path / "l.csv", spots)
    pd.testing.assert_frame_equal(again.links_table(), graph.links_table(), check_exact=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "line 1: empty"), ("frame,x\n0,1\n", "lacks a column y"), ("\n", "line 1: empty")],
)
def test_header_faults(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_spots_csv(tmp_path / "s.csv")


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_spots_csv(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01")
    with pytest.raises(UserError, match="not readable as text"):
        read_spots_csv(tmp_path / "b.csv")


@pytest.mark.parametrize("tail", ["", ",,\n", "\n\n", " , ,\t\n"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_blank_lines_and_quotes(tmp_path: Path, tail: str, quote: str) -> None:
    """The quick way of regular files and the long way of others give the same."""
    text = f"{quote}frame{quote},x,y\n0,1.5,2\n{tail}3,4,5e-1\n"
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    read = read_spots_csv(tmp_path / "s.csv")
    assert read.spots.table[["frame", "x", "y"]].to_numpy().tolist() == [[0, 1.5, 2], [3, 4, 0.5]]
    assert read.lines.tolist() == [2, 3 + tail.count("\n")]


@pytest.mark.parametrize("text", ["1_000", "0x1", "1.5.2", "1e999", "٣"])
def test_what_is_no_plain_decimal(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.csv").write_text(f"frame,x,y\n0,1,1\n1,{text},2\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"line 3: x is '{text}', expected a number"):
        read_spots_csv(tmp_path / "s.csv")


def test_text_columns_are_written(tmp_path: Path) -> None:
    table = pd.DataFrame({"frame": [0], "x": [1.0], "y": [2.0], "note": ["a, b"]})
    write_spots_csv(tmp_path / "s.csv", Spots.from_table(table, Calibration(), ndim=2))
    assert (tmp_path / "s.csv").read_text().splitlines()[1].endswith('"a, b"')
