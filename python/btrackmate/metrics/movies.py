"""Label movies with a tracks table, as in the Cell Tracking Challenge, and their matching."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.measurement.painting import (
    find_misplaced,
    find_voxels,
    paint_labels,
    tell_misplaced,
)
from btrackmate.metrics.nodes import IntArray, NodeMatch, TrackNodes
from btrackmate.metrics.overlap import Overlap, as_unsigned, count_overlaps

_LOG = logging.getLogger(__name__)
_COLUMNS = ("label", "begin", "end", "parent")


class TrackedLabels(Protocol):
    """A label movie whose ids are tracklets, and the table that says how these hang together."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""

    @property
    def tracks(self) -> pd.DataFrame:
        """One row a tracklet: label, begin and end (frames, both included), parent (0 for none)."""

    def frame(self, t: int) -> NDArray[Any]:
        """Give the label image of frame t, ([Z,] Y, X) int, 0 is background."""

    def node_ids(self, nodes: TrackNodes) -> IntArray:
        """Give the id by which a user finds each node of this movie, (n,)."""


@dataclass(frozen=True, eq=False)
class LabelMovie:
    """A label movie in memory (or memory-mapped) with its tracks table.

    Parameters
    ----------
    frames : (T, [Z,] Y, X) ndarray of int or sequence of ([Z,] Y, X) ndarray
        Label images, 0 is background.
    tracks : DataFrame
        Columns label, begin, end, parent, as in a CTC man_track.txt or res_track.txt.
    """

    frames: NDArray[Any] | Sequence[NDArray[Any]]
    tracks: pd.DataFrame

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.frames)

    def frame(self, t: int) -> NDArray[Any]:
        """Give the label image of frame t."""
        image: NDArray[Any] = self.frames[t]
        return image

    def node_ids(self, nodes: TrackNodes) -> IntArray:
        """Give the label of each node, (n,)."""
        labels: IntArray = np.sort(self.tracks["label"].to_numpy(np.int64))
        return labels[nodes.tracklet]


@dataclass(frozen=True, eq=False)
class GraphMovie:
    """A label movie seen through a track graph made from it: labels become tracklets.

    The graph's spots carry the label id of their object in the column `label`. An object without
    a spot (filtered or pruned) is background. Tracklet number i of the graph gets the label
    i + 1. Where a merge gives a tracklet several parents, the lowest stands in the table.

    Parameters
    ----------
    frames : (T, [Z,] Y, X) ndarray of int or sequence of ([Z,] Y, X) ndarray
        Label images that the spots were measured in.
    graph : TrackGraph
        Spots with a column `label`, and links.
    size : Calibration, optional
        Voxel size by which positions become voxels, to see whether spots lie on other cells than
        they name; not looked at by default.
    """

    frames: NDArray[Any] | Sequence[NDArray[Any]]
    graph: TrackGraph
    size: Calibration | None = None
    misplaced: dict[int, IntArray] = field(default_factory=dict, init=False, repr=False)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.frames)

    @property
    def tracks(self) -> pd.DataFrame:
        """One row a tracklet: label, begin, end, parent; none without a spot that has a label."""
        spots, parent = self.graph.spots, self.graph.tracklets["parent"] + 1
        named = ~np.isnan(spots.feature("label")) if "label" in spots.table else slice(None)
        frames = pd.Series(spots.frame[named]).groupby(self.graph.tracklet[named] + 1)
        table = frames.agg(begin="min", end="max").rename_axis("label").reset_index()
        parents = parent.set_axis(parent.index + 1)[table["label"]].to_numpy()
        return table.assign(parent=np.where(np.isin(parents, table["label"]), parents, 0))

    def frame(self, t: int) -> NDArray[Any]:
        """Give frame t with tracklet numbers + 1 in place of labels, (..., Y, X) uint32.

        Raises
        ------
        UserError
            If the spots have no column `label`, or two spots of the frame name one label.
        """
        spots = self.graph.spots
        if "label" not in spots.table:
            msg = "the spots have no column 'label', so their objects cannot be found in the label "
            msg += "images; measure the labels, or score the spots as points"
            raise UserError(msg)
        named = spots.feature("label")  # a spot that was added by hand may have none
        rows = np.flatnonzero((spots.frame == t) & np.isfinite(named))
        labels = named[rows].astype(np.int64)
        order = np.argsort(labels)
        rows, labels = rows[order], labels[order]
        doubled = np.flatnonzero(np.diff(labels) == 0)
        if doubled.size:
            msg = (
                f"two spots of frame {t} name label {labels[doubled[0]]}, expected one spot a label"
            )
            raise UserError(msg)
        image = as_unsigned(self.frames[t], f"frame {t}")
        if self.size is not None and t not in self.misplaced:
            voxels = find_voxels(spots.positions[rows], self.size)
            self.misplaced[t] = rows[find_misplaced(image, labels, voxels)]
        return paint_labels(image, labels, self.graph.tracklet[rows] + 1)

    def warn_of_spots(self, source: str) -> None:
        """Warn of spots that lie on other cells than they name, or that name none."""
        nameless = np.isnan(self.graph.spots.feature("label"))
        if nameless.any():
            _LOG.warning(
                "%d of %d spots of %s have no label (first: spot %d in frame %d), so that they "
                "cannot be found in its label images; they are scored as missing",
                int(nameless.sum()),
                nameless.size,
                source,
                self.graph.spots.id[nameless][0],
                self.graph.spots.frame[nameless][0],
            )
        found = [rows for _, rows in sorted(self.misplaced.items()) if rows.size]
        if found:
            rows = np.concatenate(found)
            _LOG.warning("%s", tell_misplaced(self.graph.spots, rows, "its label images", source))

    def node_ids(self, nodes: TrackNodes) -> IntArray:
        """Give the spot id of each node, (n,)."""
        return self.graph.spots.id[self.find_rows(nodes)]

    def find_rows(self, nodes: TrackNodes) -> IntArray:
        """Give the row of the spot of each node, (n,)."""
        places = pd.MultiIndex.from_arrays([self.graph.tracklet, self.graph.spots.frame])
        rows = places.get_indexer(pd.MultiIndex.from_arrays([nodes.tracklet, nodes.frame]))
        return rows.astype(np.int64)


def match_movies(
    truth: TrackedLabels, result: TrackedLabels, progress: Progress = ignore_progress
) -> tuple[TrackNodes, TrackNodes, NodeMatch]:
    """Read two label movies once and match their objects by the CTC marker test.

    A result object is matched to a truth object if it covers more than half of its voxels. A
    truth object is matched to at most one result object; one result object may be matched to
    several truth objects.

    Parameters
    ----------
    truth, result : TrackedLabels
        Movies of one length and one frame shape.
    progress : callable
        See :class:`btrackmate.core.progress.Progress`.

    Returns
    -------
    truth_nodes, result_nodes : TrackNodes
        One node for each label and frame in which it stands; tracklets in the order of their
        labels. A frame inside begin … end that lacks the label is a gap, and linked over.
    match : NodeMatch
        Matched nodes.

    Raises
    ------
    UserError
        If lengths or shapes differ, or a tracks table contradicts itself or the frames.
    """
    if truth.n_frames != result.n_frames:
        msg = f"the truth has {truth.n_frames} frames and the result {result.n_frames}, expected "
        msg += "as many; cut the longer one"
        raise UserError(msg)
    overlaps: list[Overlap] = []
    for t in range(truth.n_frames):
        overlaps.append(count_overlaps(truth.frame(t), result.frame(t), source=f"frame {t}"))
        progress("matching frames", t + 1, truth.n_frames)
    for movie, source in ((truth, "the truth"), (result, "the result")):
        if isinstance(movie, GraphMovie):
            movie.warn_of_spots(source)
    mates = []
    offset = 0
    for overlap in overlaps:
        mate = overlap.covering.copy()
        found = mate >= 0
        mate[found] = offset + overlap.result_index[mate[found]]
        mates.append(mate)
        offset += overlap.result_ids.size
    truth_nodes = make_nodes([overlap.truth_ids for overlap in overlaps], truth.tracks, "truth")
    result_nodes = make_nodes([overlap.result_ids for overlap in overlaps], result.tracks, "result")
    mate = np.concatenate(mates) if mates else np.empty(0, np.int64)
    return truth_nodes, result_nodes, NodeMatch(mate, offset)


def make_nodes(ids: Sequence[IntArray], tracks: pd.DataFrame, source: str) -> TrackNodes:
    """Make the nodes of a movie from the labels of its frames and its tracks table.

    Parameters
    ----------
    ids : sequence of (n,) ndarray of int
        Labels that stand in each frame.
    tracks : DataFrame
        label, begin, end, parent.
    source : str
        Whose they are, for messages.

    Raises
    ------
    UserError
        If the table contradicts itself or the frames.
    """
    table = _check_tracks(tracks, source)
    labels = table["label"].to_numpy()
    frame = np.repeat(np.arange(len(ids)), [part.size for part in ids])
    label = np.concatenate(ids) if ids else np.empty(0, np.int64)
    row = np.searchsorted(labels, label)
    unknown = row == labels.size
    unknown[~unknown] = labels[row[~unknown]] != label[~unknown]
    if unknown.any():
        node = int(np.flatnonzero(unknown)[0])
        msg = f"{source}: label {label[node]} stands in frame {frame[node]} but has no row in the "
        msg += "tracks table; add the row or remove the object"
        raise UserError(msg)
    _check_times(table, row, frame, len(ids), source)
    parent = table["parent"].to_numpy()
    child = np.flatnonzero(parent > 0)
    return TrackNodes(frame, row, np.searchsorted(labels, parent[child]), child)


def _check_tracks(tracks: pd.DataFrame, source: str) -> pd.DataFrame:
    """Check a tracks table against itself; return it sorted by label."""
    missing = [name for name in _COLUMNS if name not in tracks]
    if missing:
        msg = f"{source}: the tracks table lacks {', '.join(missing)}; expected {_COLUMNS}"
        raise UserError(msg)
    table = tracks[list(_COLUMNS)].astype(np.int64).sort_values("label", ignore_index=True)
    problem = ""
    bad_label = (table["label"] <= 0) | table["label"].duplicated()
    bad_time = (table["begin"] > table["end"]) | (table["begin"] < 0)
    end = table.drop_duplicates("label").set_index("label")["end"]
    has_parent = table["parent"] != 0
    orphan = has_parent & ~table["parent"].isin(table["label"])
    late = has_parent & (table["parent"].map(end).fillna(-1) >= table["begin"])
    for bad, words in (
        (bad_label, "label is not above 0 or stands twice"),
        (bad_time, "end lies before its begin, or its begin before frame 0"),
        (orphan, "parent has no row"),
        (late, "parent does not end before it begins"),
    ):
        if bad.any() and not problem:
            row = table[bad].iloc[0]
            problem = f"track {row['label']} ({row['begin']} to {row['end']}, parent "
            problem += f"{row['parent']}): its {words}"
    if problem:
        msg = f"{source}: tracks table, {problem}; correct the table"
        raise UserError(msg)
    return table


def _check_times(
    table: pd.DataFrame, row: IntArray, frame: IntArray, n_frames: int, source: str
) -> None:
    """Check that each track stands in the frames, and only where its row says."""
    label, begin, end = (table[name].to_numpy() for name in ("label", "begin", "end"))
    counts = np.bincount(row, minlength=label.size)
    outside = np.flatnonzero((frame < begin[row]) | (frame > end[row]))
    if outside.size:
        node = outside[0]
        track = row[node]
        msg = f"{source}: label {label[track]} stands in frame {frame[node]}, but its track goes "
        msg += f"from {begin[track]} to {end[track]}; correct the tracks table"
        raise UserError(msg)
    if (counts == 0).any():
        track = int(np.flatnonzero(counts == 0)[0])
        msg = f"{source}: track {label[track]} ({begin[track]} to {end[track]}) stands in none of "
        msg += f"the {n_frames} frames; remove its row or restore the object"
        raise UserError(msg)
    short = np.flatnonzero(counts != end - begin + 1)
    if short.size:
        track = int(short[0])
        _LOG.warning(
            "%s: %d of %d tracks lack frames between begin and end (first: track %d, %d of %d "
            "frames); they are scored by the frames in which they stand, and linked over gaps",
            source,
            short.size,
            label.size,
            label[track],
            counts[track],
            end[track] - begin[track] + 1,
        )
