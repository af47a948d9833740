"""Times of spots beside a time step: a pause, drift, and a clock's jitter."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([0, 1, 2, 12, 13], True),
        ([0, 1.1, 2.3, 3.6, 5], True),
        ([0, 1.1, 2, 2.9, 4], False),
        ([5, 6, 7, 8, 9], False),
    ],
)
def test_times_that_are_not_even_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, times: list[float], told: bool
) -> None:
    rows = np.arange(5)
    table = pd.DataFrame({"id": rows, "frame": rows, "x": 1.0, "y": 1.0, "radius": 1.0})
    spots = Spots.from_table(table, Calibration(time_unit="min"), ndim=2, n_frames=5)
    path = tmp_path / "a.xml"
    write_tracks(path, TrackGraph.from_ids(spots, rows[:-1], rows[1:]))
    late = re.sub(
        r'POSITION_T="([\d.]+)"',
        lambda found: f'POSITION_T="{float(times[int(float(found[1]))])}"',
        path.read_text(),
    )
    path.write_text(late)
    for place in (path, tmp_path / "b.geff"):
        if place != path:
            write_tracks(place, read_tracks(path)[0])
        caplog.clear()
        found = read_tracks(place)[0].spots
        assert found.table["time"].tolist() == times
        assert found.calibration.dt == 1
        assert ("go up unevenly" in caplog.text) == told
