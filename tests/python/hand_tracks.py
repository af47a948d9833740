"""Tracks by hand for the plugin's model."""

from pathlib import Path

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.napari_plugin.model.opening import Opened
from btrackmate.napari_plugin.model.session import Session

#: Frames 0 … 4 downwards; 3 and 4 are daughters of 1, 9 comes after a gap, 12 is a merge:
#:
#:     0        5     7    10  11      13 (alone)
#:     1        6     |      12
#:    3 4             8
#:    | |             |
#:   30 40            9
FRAMES = {0: 0, 5: 0, 7: 0, 10: 0, 11: 0, 13: 0, 1: 1, 6: 1, 12: 1, 3: 2, 4: 2, 8: 2, 30: 3,
          40: 3, 9: 4}  # fmt: skip
LINKS = [(0, 1), (1, 3), (1, 4), (3, 30), (4, 40), (5, 6), (7, 8), (8, 9), (10, 12), (11, 12)]


def make_graph(ndim: int = 3) -> TrackGraph:
    """Make the tracks above; x is ten times the id, volume is the id + 1."""
    table = pd.DataFrame({"id": list(FRAMES), "frame": list(FRAMES.values())})
    table["x"] = table["id"] * 10.0
    table["y"] = table["id"] * 2.0
    table["z"] = 4.0 if ndim == 3 else 0.0
    table["radius"] = 3.0
    table["label"] = table["id"] + 1
    table["volume"] = (table["id"] + 1.0).where(table["id"] != 40, np.nan)
    size = Calibration(dx=0.5, dy=0.5, dz=2.0, dt=3.0, space_unit="µm", time_unit="min")
    spots = Spots.from_table(table, size, ndim=ndim)
    source, target = np.array(LINKS).T
    return TrackGraph.from_ids(spots, source, target)


def make_session(ndim: int = 3) -> Session:
    """Make a session of them without a file."""
    return Session(Opened(Path("tracks.xml"), None, make_graph(ndim)))
