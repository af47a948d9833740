"""Scoring a result against its truth, whatever files the two lie in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress
from btrackmate.core.spots import Spots
from btrackmate.io.convert import read_tracks
from btrackmate.io.ctc import CtcSegments, find_ctc, read_ctc, read_tracks_table
from btrackmate.io.image_calibration import UNSIZED
from btrackmate.io.images import open_movie
from btrackmate.io.ngff import is_zarr
from btrackmate.metrics import (
    GraphMovie,
    LabelMovie,
    SegmentationScores,
    TrackedLabels,
    TrackingScores,
    score_pairs,
    score_points,
    score_segmentation,
    score_tracking,
)
from btrackmate.metrics.similarity import SSIM_WINDOW
from btrackmate.pipeline.inputs import MovieFrames
from btrackmate.pipeline.label_folder import (
    LabelFolder,
    NumberedFrames,
    TrackedFrames,
    pair_frames,
    read_pairs,
)
from btrackmate.report.data import open_labels

_GRAPH_SUFFIXES = (".xml", ".geff", ".csv", ".gz")


@dataclass(frozen=True)
class Candidate:
    """A truth or a result as it can be scored.

    Parameters
    ----------
    path : Path
    labels : sequence of ([Z,] Y, X) ndarray, LabelFolder or None
        Label images, for segmentation scores.
    tracked : TrackedLabels or None
        Labels with their tracks.
    graph : TrackGraph or None
        Tracks of points, where there are no labels.
    """

    path: Path
    labels: Any
    tracked: TrackedLabels | None
    graph: TrackGraph | None


@dataclass(frozen=True)
class Evaluation:
    """Scores of a result, None for what was not asked for or could not be had."""

    segmentation: SegmentationScores | None
    tracking: TrackingScores | None

    def to_dict(self) -> dict[str, float | int | None]:
        """Give all numbers by the field's names."""
        values: dict[str, float | int | None] = {}
        if self.segmentation is not None:
            values |= self.segmentation.to_dict()
        if self.tracking is not None:
            values |= self.tracking.to_dict()
        return values


def load_candidate(path: Path, tracks: Path | None = None, axes: str | None = None) -> Candidate:
    """Load a truth or a result.

    Parameters
    ----------
    path : Path
        A run folder, a Cell Tracking Challenge folder, a folder of label images, a label movie,
        or tracks (.xml, .geff, .csv).
    tracks : Path, optional
        Tracks of a label movie: a Cell Tracking Challenge table (L B E P; the labels are tracklets)
        or tracks whose spots have the feature `label`.
    axes : str, optional
        Axes of a label movie whose metadata do not name them.

    Raises
    ------
    UserError
        If it is none of these.
    """
    if not path.exists():
        msg = f"{path}: no such file or folder"
        raise UserError(msg)
    if (path / "run.yaml").is_file():
        movie = open_labels(path)
        frames = None if movie is None else MovieFrames(movie, movie.ndim)
        return _with_graph(path, frames, path / "tracks.xml")
    table, segments = find_ctc(path)
    if table is not None:
        ctc = read_ctc(table)
        tracked = LabelMovie(ctc.frames, ctc.tracks)
        return Candidate(path, segments or ctc.frames, tracked, None)
    if segments is not None:
        return Candidate(path, segments, None, None)
    if path.suffix.lower() in _GRAPH_SUFFIXES:
        return Candidate(path, None, None, read_tracks(path)[0])
    if tracks is None and path.is_dir() and not is_zarr(path):
        return Candidate(path, LabelFolder(path, axes), None, None)
    movie = open_movie(path, axes=axes, role="labels", given=UNSIZED)
    frames = MovieFrames(movie, movie.ndim)
    if tracks is None:
        return Candidate(path, frames, None, None)
    if tracks.suffix.lower() == ".txt":
        return Candidate(path, frames, LabelMovie(frames, read_tracks_table(tracks)), None)
    return _with_graph(path, frames, tracks)


def _with_graph(path: Path, frames: Any, tracks: Path) -> Candidate:
    graph = read_tracks(tracks)[0]
    if frames is None or "label" not in graph.spots.table:
        return Candidate(path, None, None, graph)
    return Candidate(path, frames, GraphMovie(frames, graph), graph)


def evaluate(
    truth: Candidate,
    result: Candidate,
    *,
    segmentation: bool,
    tracking: bool,
    max_distance: float | None,
    progress: Progress,
    ssim_window: int = SSIM_WINDOW,
) -> Evaluation:
    """Score a result.

    Parameters
    ----------
    truth, result : Candidate
    segmentation, tracking : bool
        What is asked for; both false: all that can be had.
    max_distance : float or None
        Spots of truth and result within it can be the same cell, in the space unit; only for
        tracks without labels.
    progress : Progress
    ssim_window : int
        Edge of the SSIM window, voxels, odd.

    Raises
    ------
    UserError
        If what is asked for cannot be had from these files.
    """
    everything = not (segmentation or tracking)
    can_segment = truth.labels is not None and result.labels is not None
    tracked = truth.tracked is not None and result.tracked is not None
    points = truth.graph is not None and result.graph is not None
    if segmentation and not can_segment:
        _refuse("segmentation", "label images", truth if truth.labels is None else result)
    if tracking and not (tracked or points):
        _refuse("tracking", "tracks", truth if truth.tracked is None else result)
    if everything and not (can_segment or tracked or points):
        _refuse("anything", "label images or tracks", truth)
    scores = None
    if (tracking or everything) and tracked:
        scores = score_tracking(truth.tracked, result.tracked, progress)  # type: ignore[arg-type]
    elif (tracking or everything) and points:
        if max_distance is None:
            msg = "tracks without label images are matched by distance: give --max-distance"
            raise UserError(msg)
        scores = score_points(truth.graph, result.graph, max_distance)  # type: ignore[arg-type]
    shapes = None
    if (segmentation or everything) and can_segment:
        shapes = _score_shapes(truth, result, ssim_window, progress)
    return Evaluation(shapes, scores)


def _score_shapes(
    truth: Candidate, result: Candidate, ssim_window: int, progress: Progress
) -> SegmentationScores:
    """Score two folders by the names of their files, anything else in its order."""
    one, other = truth.labels, result.labels
    if isinstance(one, LabelFolder) and isinstance(other, LabelFolder):
        pairs = read_pairs(one, other)
        return score_pairs(pairs, len(one.files), progress=progress, ssim_window=ssim_window)
    if any(isinstance(labels, CtcSegments | LabelFolder) for labels in (one, other)):
        numbered = NumberedFrames(truth.path, one), NumberedFrames(result.path, _kept(result))
        pairs = pair_frames(*numbered)
        count = len(numbered[0].numbers)
        return score_pairs(pairs, count, progress=progress, ssim_window=ssim_window)
    return score_segmentation(
        _frames(truth), _frames(result), progress=progress, ssim_window=ssim_window
    )


def _frames(candidate: Candidate) -> Iterator[NDArray[Any]]:
    """Read label images; with tracks, without the cells that were filtered or pruned."""
    yield from _kept(candidate)


def _kept(candidate: Candidate) -> Any:
    """Give the label images; with tracks, without the cells that were filtered or pruned."""
    tracked = candidate.tracked
    if tracked is None or isinstance(candidate.labels, CtcSegments):
        return candidate.labels
    return TrackedFrames(tracked.n_frames, tracked.frame)


def _refuse(what: str, needed: str, candidate: Candidate) -> None:
    msg = f"cannot score {what}: {candidate.path} has no {needed}; give a run folder, a CTC folder,"
    msg += " a label movie with its tracks, or tracks of both"
    raise UserError(msg)


def link_tracklets(spots: Spots, tracks: pd.DataFrame) -> TrackGraph:
    """Link spots whose labels are tracklets, and mothers to daughters.

    Parameters
    ----------
    spots : Spots
        With the column `label`: the tracklet.
    tracks : DataFrame
        label, begin, end, parent (0 for none), as in the Cell Tracking Challenge.

    Returns
    -------
    TrackGraph
        Links between spots of successive frames only: where a cell is missing (outside the mask),
        its track is cut.
    """
    label, frame = spots.table["label"].to_numpy(), spots.frame
    index = pd.MultiIndex.from_arrays([label, frame])
    rows = np.arange(len(spots))
    following = index.get_indexer(pd.MultiIndex.from_arrays([label, frame + 1]))
    born = tracks[tracks["parent"] > 0]
    mother = index.get_indexer(pd.MultiIndex.from_arrays([born["parent"], born["begin"] - 1]))
    daughter = index.get_indexer(pd.MultiIndex.from_arrays([born["label"], born["begin"]]))
    known = (mother >= 0) & (daughter >= 0)
    source = np.concatenate([rows[following >= 0], mother[known]])
    target = np.concatenate([following[following >= 0], daughter[known]])
    return TrackGraph.from_links(spots, source, target)
