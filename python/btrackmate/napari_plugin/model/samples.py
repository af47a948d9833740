"""The shipped sample as tracks with image and labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.io.ctc_tracks import link_tracklets
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
    graph = TrackGraph.from_links(spots, *link_tracklets(spots.frame, label, tracks))
    return Opened(paths.image, None, graph, image=image, labels=labels)
