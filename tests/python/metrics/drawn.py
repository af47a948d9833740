"""Movies drawn as strings: one string a frame, one character a pixel, '.' is background."""

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.metrics import LabelMovie


def image(*rows):
    """Draw a 2D label image of one-digit ids."""
    return np.array([[0 if c == "." else int(c) for c in row] for row in rows], np.uint16)


def movie(frames, *tracks):
    """Draw a movie of one-row frames; tracks are (label, begin, end, parent)."""
    table = pd.DataFrame(list(tracks), columns=["label", "begin", "end", "parent"])
    return LabelMovie(np.stack([image(frame) for frame in frames]), table)


def graph(points, links, *, calibration=None, ndim=3, n_frames=None, **columns):
    """Make a graph from points (id, frame, x[, y, z]) and links (source id, target id)."""
    rows = [(*point, 0.0, 0.0)[:5] for point in points]
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y", "z"]).assign(**columns)
    spots = Spots.from_table(table, calibration or Calibration(), ndim=ndim, n_frames=n_frames)
    pairs = np.array(links, int).reshape(-1, 2)
    return TrackGraph.from_ids(spots, pairs[:, 0], pairs[:, 1])
