"""The shipped sample as tracks with image and labels."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.io.images import open_movie
from btrackmate.measurement import MeasureSettings
from btrackmate.measurement.movie import measure_movie
from btrackmate.napari_plugin.model.opening import Opened
from btrackmate.pipeline.inputs import MovieFrames
from btrackmate.samples import load_sample, sample_paths


def load_mask() -> NDArray[np.integer[Any]]:
    """Load the tissue mask of the embryo, (Z, Y, X)."""
    return load_sample().mask


def open_sample() -> Opened:
    """Open the embryo: its image, and its true labels and tracks."""
    paths = sample_paths()
    movie = load_sample()
    image = open_movie(paths.image)
    labels = open_movie(paths.truth, role="labels", model=image)
    spots = measure_movie(
        MovieFrames(labels, 3), MovieFrames(image, 3), None, movie.calibration, MeasureSettings()
    ).spots
    label = spots.table["label"].to_numpy(np.int64)
    tracks = movie.man_track.rename(columns={"L": "label", "P": "parent"})
    graph = TrackGraph.from_links(spots, *find_links(spots.frame, label, tracks))
    return Opened(paths.image, None, graph, image=image, labels=labels)


def find_links(
    frame: NDArray[np.int64], label: NDArray[np.int64], tracks: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Link spots of one label from each to the next, and the first to the last of its parent.

    Parameters
    ----------
    frame, label : (n,) ndarray of int
        Of the spots.
    tracks : DataFrame
        label and parent, 0 for none.

    Returns
    -------
    source, target : (m,) ndarray of int
        Rows of spots.
    """
    order = np.lexsort((frame, label))
    same = label[order][1:] == label[order][:-1]
    first = order[np.concatenate(([True], ~same))]
    last = order[np.concatenate((~same, [True]))]
    begins = pd.Series(first, index=label[first])
    ends = pd.Series(last, index=label[last])
    known = tracks[tracks["label"].isin(begins.index) & tracks["parent"].isin(ends.index)]
    mother = ends.loc[known["parent"]].to_numpy(np.int64)
    daughter = begins.loc[known["label"]].to_numpy(np.int64)
    forward = frame[mother] < frame[daughter]
    source = np.concatenate((order[:-1][same], mother[forward]))
    target = np.concatenate((order[1:][same], daughter[forward]))
    return source, target
