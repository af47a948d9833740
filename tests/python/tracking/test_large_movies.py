"""Movies whose spots do not fit into memory: frames are linked some at a time, from files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from btrackmate.core import scratch
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.tracking import (
    AdvancedKalmanSettings,
    FlowSettings,
    LapSettings,
    NearestSettings,
    TrackerSettings,
    frame_linking,
    track,
)
from btrackmate.tracking.flow import motion

FAR = {"linking_max_distance": 6.0}
SETTINGS = {
    "lap": LapSettings(
        **FAR, allow_track_merging=True, division_weight=0.5,
        linking_feature_penalties={"volume": 0.5}, gap_closing_feature_penalties={"radius": 0.5},
    ),
    "nearest": NearestSettings(**FAR),
    "advanced-kalman": AdvancedKalmanSettings(**FAR),
    "flow": FlowSettings(**FAR),
}  # fmt: skip


def make_crowd() -> Spots:
    """Make cells that walk, divide and are missed, and three frames without any."""
    rng = np.random.default_rng(3)
    place, rows = rng.uniform(0, 40, (30, 3)), []
    for frame in range(16):
        place = place + rng.normal(0, 0.8, place.shape)
        if frame % 4 == 2:
            place = np.vstack((place, place[:6] + rng.normal(0, 1, (6, 3))))
        if frame not in (7, 8, 9):
            rows.extend((frame, *one) for one in place[rng.random(len(place)) < 0.9])
    table = pd.DataFrame(rows, columns=["frame", "x", "y", "z"])
    for name in ("radius", "volume", "mean_intensity_ch1", "boundary_distance"):
        table[name] = rng.uniform(1, 9, len(table))
    table.loc[::17, "volume"] = np.nan
    return Spots.from_table(table, Calibration(space_unit="µm", dt=2.0, time_unit="min"))


@pytest.fixture
def make_large(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let all values lie in files and be worked on some at a time."""

    def patch() -> None:
        monkeypatch.setattr(scratch, "find_limit", lambda: 1)
        monkeypatch.setattr(scratch, "ROWS", 7)
        monkeypatch.setattr(frame_linking, "_CHUNK", 40)
        monkeypatch.setattr(motion, "_CHUNK", 5)

    return patch


def assert_same_tracks(one: TrackGraph, other: TrackGraph) -> None:
    """Compare links, what follows from them, and all columns of the spots."""
    for name in ("source", "target", "out_degree", "in_degree", "out_offsets", "track", "tracklet"):
        assert_array_equal(getattr(one, name), getattr(other, name), name)
    assert_allclose(one.cost, other.cost, rtol=1e-9)
    pd.testing.assert_frame_equal(one.tracklets, other.tracklets)
    pd.testing.assert_frame_equal(one.spots.table, other.spots.table)


@pytest.mark.parametrize("name", SETTINGS)
def test_links_are_those_of_all_frames_at_once(name: str, make_large: Callable[[], None]) -> None:
    settings: TrackerSettings = SETTINGS[name]
    whole = track(make_crowd(), settings)
    assert whole.n_links > 250
    if name in ("lap", "flow"):
        assert len(whole.divisions) > 1
        assert (np.diff(whole.spots.frame[[whole.source, whole.target]], axis=0) > 1).any()
    make_large()
    assert_same_tracks(track(make_crowd(), settings), whole)


@pytest.mark.parametrize("name", ["t.geff", "t.csv", "t.xml"])
def test_tracks_are_written_and_read_alike(
    tmp_path: Path, make_large: Callable[[], None], name: str
) -> None:
    whole = track(make_crowd(), SETTINGS["lap"])
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    one, other = tmp_path / "one" / name, tmp_path / "other" / name
    written = write_tracks(one, whole)
    read = read_tracks(one)[0]
    make_large()
    write_tracks(other, track(make_crowd(), SETTINGS["lap"]))
    assert_same_tracks(read_tracks(other)[0], read)
    for path in written:
        for file in [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]:
            twin = other.parent / file.relative_to(one.parent)
            assert file.read_bytes() == twin.read_bytes(), file.name
