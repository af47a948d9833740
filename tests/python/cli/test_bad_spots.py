"""`btrackmate track` on tables that are wrong or odd, with each tracker that takes points."""

from pathlib import Path

import pandas as pd
import pytest

from btrackmate.cli.main import run_command
from btrackmate.io.track_formats import read_tracks

POINT_TRACKERS = ("lap", "advanced-kalman", "kalman", "nearest", "flow")
#: Four cells in five frames; the last digit of an id is the cell.
GOOD = [(10 * f + cell, f, 9.0 * cell, 1.0 * f, 0.0) for f in range(5) for cell in range(4)]
LINKS = [(10 * f + cell, 10 * f + 10 + cell) for f in range(4) for cell in range(4)]


def track_rows(
    rows: list[tuple[float, ...]], folder: Path, tracker: str, *more: str
) -> tuple[int, list[tuple[int, int]]]:
    """Write a table, track it; give the exit code and the links."""
    source, target = folder / "cells.csv", folder / "tracks.csv"
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y", "z"])
    table.assign(radius=2.0).to_csv(source, index=False)
    words = ["track", source, "-o", target, "--tracker", tracker, "--quiet", *more]
    code = run_command([str(word) for word in words])
    if code:
        assert not list(folder.glob("tracks*"))
        return code, []
    links = read_tracks(target)[0].links_table()
    return code, sorted(zip(links["source"].tolist(), links["target"].tolist(), strict=True))


@pytest.mark.parametrize("tracker", POINT_TRACKERS)
@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (2, float("nan"), "line 9: x is missing, expected a finite number"),
        (3, float("inf"), "line 9: y is inf, expected a finite number"),
        (0, 3, "line 9: id is 3, expected an id that stands once"),
        (1, -1, "line 9: frame is -1, expected a whole number"),
    ],
)
def test_bad_rows_are_named(
    column: int,
    value: float,
    message: str,
    tracker: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [list(row) for row in GOOD]
    rows[7][column] = value
    code, _ = track_rows([tuple(row) for row in rows], tmp_path, tracker)
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("tracker", POINT_TRACKERS)
def test_order_of_rows_plays_no_part(tracker: str, tmp_path: Path) -> None:
    rows = [GOOD[(7 * i) % len(GOOD)] for i in range(len(GOOD))]
    assert track_rows(rows, tmp_path, tracker) == (0, LINKS)


@pytest.mark.parametrize("tracker", POINT_TRACKERS)
def test_empty_frames_at_start_and_in_the_middle(tracker: str, tmp_path: Path) -> None:
    """Frames 0, 1 and 5 to 7 are empty: three frames are too many to bridge."""
    rows = [(i, f + 2 + 3 * (f > 2), x, y, z) for i, f, x, y, z in GOOD]
    code, links = track_rows(rows, tmp_path, tracker)
    assert code == 0
    assert links == [link for link in LINKS if link[0] // 10 != 2]


@pytest.mark.parametrize("tracker", POINT_TRACKERS)
@pytest.mark.parametrize("rows", [[], [(1, 0, 1.0, 1.0, 1.0)]], ids=["none", "one"])
def test_no_spot_and_one_spot(rows: list[tuple[float, ...]], tracker: str, tmp_path: Path) -> None:
    assert track_rows(rows, tmp_path, tracker) == (0, [])


@pytest.mark.parametrize(
    ("tracker", "setting"),
    [
        ("lap", "linking_feature_penalties"),
        ("lap", "splitting_feature_penalties"),
        ("advanced-kalman", "linking_feature_penalties"),
        ("flow", "feature_penalties"),
    ],
)
def test_a_penalty_on_a_missing_feature_is_named(
    tracker: str, setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = track_rows(GOOD, tmp_path, tracker, "--set", f'{setting}={{"elongation": 1}}')
    error = capsys.readouterr().err
    assert code == 2
    assert f"{setting} names the feature 'elongation', which the spots lack" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("value", ["0", "-3", "NaN", "Infinity"])
@pytest.mark.parametrize("tracker", POINT_TRACKERS)
def test_a_distance_must_be_above_zero_and_finite(
    tracker: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = track_rows(GOOD, tmp_path, tracker, "--set", f"linking_max_distance={value}")
    error = capsys.readouterr().err
    assert code == 2
    assert "linking_max_distance: expected auto or a finite number above 0" in error
    assert len(error.splitlines()) == 1
