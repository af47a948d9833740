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
