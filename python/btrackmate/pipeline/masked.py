"""Truth and result as a tissue mask leaves them, so that a masked run is scored inside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.measurement import (
    FrameSource,
    MaskSettings,
    MeasureSettings,
    apply_mask,
    mask_spots,
)
from btrackmate.measurement.painting import list_labels, paint_labels
from btrackmate.measurement.tissue import check_mask_length, check_tissues
from btrackmate.metrics import GraphMovie, TrackedLabels
from btrackmate.metrics.movies import make_nodes
from btrackmate.metrics.nodes import TrackNodes
from btrackmate.metrics.overlap import as_unsigned
from btrackmate.pipeline.inputs import MovieFrames


@dataclass(frozen=True, eq=False)
class MaskedFrames(Sequence[NDArray[Any]]):
    """Label images without the cells that a tissue mask drops.

    Parameters
    ----------
    frames : sequence of ([Z,] Y, X) ndarray of int
    mask : FrameSource
        One frame or as many as the label images.
    settings : MaskSettings
        The policy.
    """

    frames: Sequence[NDArray[Any]]
    mask: FrameSource
    settings: MaskSettings

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, t: Any) -> Any:
        """Read frame t, ([Z,] Y, X) uint32."""
        if isinstance(t, slice):
            return [self[i] for i in range(len(self))[t]]
        mask = self.mask.frame(t if self.mask.n_frames > 1 else 0)
        masked = apply_mask(self.frames[t], mask, self.settings, f"frame {t}")
        kept = masked.kept["label"].to_numpy(np.int64)
        return paint_labels(as_unsigned(masked.labels, f"frame {t}"), kept, kept)


def mask_labels(
    frames: Sequence[NDArray[Any]], mask: FrameSource, settings: MaskSettings
) -> MaskedFrames:
    """Take the cells outside the mask out of label images.

    Raises
    ------
    UserError
        If the mask has another number of frames, or no tissue that is asked for.
    """
    check_mask_length(mask, len(frames))
    check_tissues(mask, settings)
    return MaskedFrames(frames, mask, settings)


def mask_tracked(tracked: TrackedLabels, frames: MaskedFrames, source: str) -> GraphMovie:
    """Take the cells outside the mask out of a tracked label movie.

    Parameters
    ----------
    tracked : TrackedLabels
        As it is without the mask.
    frames : MaskedFrames
        Its label images.
    source : str
        Whose they are, for messages.

    Returns
    -------
    GraphMovie
        Links between cells that stay; where a cell is outside for a while, its track is cut.
    """
    kept = [list_labels(frames[t]) for t in range(len(frames))]
    if isinstance(tracked, GraphMovie):
        spots = tracked.graph.spots
        inside = np.zeros(len(spots), np.bool_)
        for t, labels in enumerate(kept):
            rows = spots.frame == t
            named = spots.feature("label")[rows]
            inside[rows] = np.isin(named, labels) | np.isnan(named)  # the latter are warned of
        return GraphMovie(frames, tracked.graph.keep_spots(inside), tracked.size)
    every = [list_labels(as_unsigned(tracked.frame(t), f"frame {t}")) for t in range(len(frames))]
    nodes = make_nodes(every, tracked.tracks, source)
    table = pd.DataFrame({"frame": nodes.frame, "label": np.concatenate(every)})
    spots = Spots.from_table(
        table.assign(x=0.0, y=0.0, z=0.0), Calibration(), n_frames=len(frames), source=source
    )
    stays = [np.isin(labels, left) for labels, left in zip(every, kept, strict=True)]
    graph = TrackGraph.from_links(spots, nodes.source, nodes.target)
    return _LabelledMovie(frames, graph.keep_spots(np.concatenate(stays)))


class _LabelledMovie(GraphMovie):
    """A movie whose cells have no ids but their labels."""

    def node_ids(self, nodes: TrackNodes) -> NDArray[np.int64]:
        """Give the label of each node, (n,)."""
        return self.graph.spots.table["label"].to_numpy(np.int64)[self.find_rows(nodes)]


def mask_points(graph: TrackGraph, mask: MovieFrames, settings: MaskSettings) -> TrackGraph:
    """Take the spots outside the mask out of tracks without labels; policy centroid only.

    Raises
    ------
    UserError
        If another policy was asked for, or the mask has another number of frames.
    """
    if "policy" not in settings.model_fields_set:
        settings = MaskSettings(policy="centroid", tissues=settings.tissues)
    spots = graph.spots
    if mask.n_frames > 1:  # a table does not say how long the movie is
        spots = replace(spots, n_frames=max(spots.n_frames, mask.n_frames))
    measure = MeasureSettings(mask=settings, boundary_distance=False)
    inside, _ = mask_spots(spots, MovieFrames(mask.movie, spots.ndim), measure)
    return graph.keep_spots(np.isin(graph.spots.id, inside.id))
