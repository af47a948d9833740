"""Tables that a spreadsheet opens: names and texts are no formulas, and come back as they were."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.spots import Spots
from btrackmate.io.csv_formulas import guard_table
from btrackmate.io.spots_csv import read_spots_csv
from btrackmate.io.tracks_csv import write_spots_csv, write_table

NAMES = ["=1+1", "+a", "-b c", "@SUM(A1)", "'=2", "''-3", "'d", "plain", "a=b"]
WRITTEN = ["'=1+1", "'+a", "'-b c", "'@SUM(A1)", "''=2", "'''-3", "'d", "plain", "a=b"]


def test_names_go_out_guarded_and_come_back(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"frame": [0], "x": [1.0], "y": [2.0], "z": [0.0]} | {n: [0.5] for n in NAMES}
    )
    write_spots_csv(tmp_path / "a.csv", Spots.from_table(table, Calibration()))
    with (tmp_path / "a.csv").open(encoding="utf-8") as stream:
        assert next(csv.reader(stream))[-len(NAMES) :] == WRITTEN
    found = read_spots_csv(tmp_path / "a.csv").spots.table
    assert [name for name in found if name in NAMES] == NAMES


def test_tables_with_text_are_guarded_too(tmp_path: Path) -> None:
    """A condition such as +drug is no formula; a call is."""
    texts = ["=1", "@a", "+drug", "-drug", "+cmd|' /C calc'!A0", "-f(1)", "wild type"]
    table = pd.DataFrame({"=n": np.arange(7), "condition": texts})
    write_table(tmp_path / "a.csv", table)
    found = pd.read_csv(tmp_path / "a.csv")
    assert list(found.columns) == ["'=n", "condition"]
    told = ["'=1", "'@a", "+drug", "-drug", "'+cmd|' /C calc'!A0", "'-f(1)", "wild type"]
    assert list(found["condition"]) == told
    assert list(table["condition"]) == texts


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_texts_and_numbers_stay(missing: float | None) -> None:
    table = pd.DataFrame({"a": ["=1", missing], "b": [1, 2], "c": [True, False]})
    guarded = guard_table(table)
    assert guarded["a"].isna().tolist() == [False, True]
    assert guarded[["b", "c"]].equals(table[["b", "c"]])


@pytest.mark.parametrize("odd", ["a\nb", "a\rb", "a\x01b", "a\x85b", "a\ud800b", "a\x1a"])
def test_texts_that_are_no_line_of_text_are_written_as_codes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, odd: str
) -> None:
    table = pd.DataFrame({"frame": [0, 1], "x": 1.0, "y": 2.0, "z": [0.0, 1.0]})
    table["note"] = pd.Series([odd, "plain\t"], dtype=object)
    write_spots_csv(tmp_path / "a.csv", Spots.from_table(table, Calibration()))
    assert "texts of note: ends of lines and control characters are written as" in caplog.text
    assert len(read_spots_csv(tmp_path / "a.csv").spots) == 2
    told = [odd.encode("unicode_escape").decode(), "plain\t"]
    assert list(pd.read_csv(tmp_path / "a.csv")["note"]) == told


def test_names_that_are_no_line_of_text_are_written_as_codes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = pd.DataFrame({"frame": [0], "x": 1.0, "y": 2.0, "z": 0.0, "a\rb": 0.5, "\0": 2.5})
    write_spots_csv(tmp_path / "a.csv", Spots.from_table(table, Calibration()))
    assert "names of columns: ends of lines and control characters" in caplog.text
    found = read_spots_csv(tmp_path / "a.csv").spots.table
    assert found[["a\\rb", "\\x00"]].iloc[0].tolist() == [0.5, 2.5]


def test_features_with_names_of_ours_are_told_apart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """T and ID, beside frame and id, would be refused by who reads them, vol read as volume."""
    table = pd.DataFrame({"frame": [3], "x": 1.0, "y": 2.0, "z": 0.0, "id": 7})
    table = table.assign(T=0.5, ID=1.5, vol=2.5)
    write_spots_csv(tmp_path / "a.csv", Spots.from_table(table, Calibration()))
    assert "written under new ones: T as T_property, ID as ID_property" in caplog.text
    found = read_spots_csv(tmp_path / "a.csv").spots.table.iloc[0]
    assert found[["id", "frame", "T_property", "ID_property"]].tolist() == [7, 3, 0.5, 1.5]
    assert found["vol_property"] == 2.5
    assert "volume" not in found


@pytest.mark.parametrize("odd", [2**32 + 5, -1, 1.5])
def test_labels_that_no_image_holds_come_back_under_another_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, odd: float
) -> None:
    """Of a GEFF of another program; the table was refused by whoever read it."""
    table = pd.DataFrame({"frame": [0, 0], "x": 1.0, "y": 2.0, "z": 0.0, "label": [3, odd]})
    write_spots_csv(tmp_path / "a.csv", Spots.from_table(table, Calibration()))
    assert "label as label_property" in caplog.text
    found = read_spots_csv(tmp_path / "a.csv").spots.table
    assert found["label_property"].tolist() == [3, odd]
    assert "label" not in found


@pytest.mark.parametrize("name", ["radius", "volume"])
def test_sizes_that_are_none_are_left_empty(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What we write we read: TrackMate files of other programs hold spots with radius 0."""
    table = pd.DataFrame({"frame": [0, 1, 2], "x": 1.0, "y": 2.0, "z": 3.0, name: [0.0, 2.0, -1]})
    write_spots_csv(tmp_path / "a.csv", Spots.from_table(table, Calibration()))
    assert f"a {name} is above 0: 2 are not, and are left empty" in caplog.text
    found = read_spots_csv(tmp_path / "a.csv").spots.table[name]
    assert found.isna().tolist() == [True, False, True]
