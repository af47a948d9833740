"""Small movies for the tracking tests."""

import math

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots


def make_spots(rows, *, ndim=3, n_frames=None, dt=1.0, **features):
    """Make spots of rows (id, frame, x) or (id, frame, x, y, z)."""
    full = [(*row, 0.0, 0.0)[:5] for row in rows]
    table = pd.DataFrame(full, columns=["id", "frame", "x", "y", "z"]).assign(**features)
    return Spots.from_table(table, Calibration(dt=dt), ndim=ndim, n_frames=n_frames)


def make_graph(frames, links, *, n_frames=None, dt=1.0):
    """Make a graph of frames by spot id, and of links (source, target[, cost])."""
    spots = make_spots([(i, f, 0.0) for i, f in frames.items()], n_frames=n_frames, dt=dt)
    rows = [(*link, math.nan)[:3] for link in links]
    array = np.array(rows, float).reshape(-1, 3)
    return TrackGraph.from_ids(spots, array[:, 0].astype(int), array[:, 1].astype(int), array[:, 2])


def link_ids(graph):
    """Give the links as (source id, target id)."""
    table = graph.links_table()
    return list(zip(table["source"].tolist(), table["target"].tolist(), strict=True))
