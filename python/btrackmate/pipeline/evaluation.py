"""Scoring a result against its truth, whatever files the two lie in."""

import logging
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.paths import explain_missing
from btrackmate.core.progress import Progress
from btrackmate.core.spots import Spots
from btrackmate.core.words import option
from btrackmate.io.ctc import CtcSegments, find_ctc, read_ctc, read_tracks_table
from btrackmate.io.image_calibration import UNSIZED, states_size
from btrackmate.io.images import open_movie
from btrackmate.io.ngff import is_zarr
from btrackmate.io.run_folder import TRACKS, is_run_folder
from btrackmate.io.shown_tracks import read_shown_tracks
from btrackmate.io.spots_csv import CsvOptions
from btrackmate.io.track_formats import csv_names, is_table_name, name_format, read_tracks
from btrackmate.measurement.settings import MaskSettings
from btrackmate.metrics import (
    GraphMovie,
    LabelMovie,
    SegmentationScores,
    TrackedLabels,
    TrackingScores,
    match_points,
    score_pairs,
    score_segmentation,
)
from btrackmate.metrics.differences import list_differences
from btrackmate.metrics.movies import match_movies
from btrackmate.metrics.nodes import NodeMatch, TrackNodes
from btrackmate.metrics.points import match_same_spots
from btrackmate.metrics.similarity import SSIM_WINDOW
from btrackmate.metrics.tracking import score_nodes
from btrackmate.pipeline.calibrating import find_mask_size
from btrackmate.pipeline.inputs import MovieFrames, open_mask
from btrackmate.pipeline.label_folder import (
    LabelFolder,
    NumberedFrames,
    TrackedFrames,
    pair_frames,
    read_pairs,
)
from btrackmate.pipeline.masked import mask_labels, mask_points, mask_tracked
from btrackmate.pipeline.settings import InputSettings
from btrackmate.report.data import open_labels, read_record

_log = logging.getLogger(__name__)


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
    """Scores of a result, None for what was not asked for or could not be had.

    Parameters
    ----------
    segmentation : SegmentationScores or None
    tracking : TrackingScores or None
    differences : DataFrame or None
        The links that differ, see :func:`btrackmate.metrics.differences.list_differences`; cells
        are named by their spot id, or, in Cell Tracking Challenge folders, by their label.
    """

    segmentation: SegmentationScores | None
    tracking: TrackingScores | None
    differences: pd.DataFrame | None

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
    if not path.exists() and not (is_table_name(path) and csv_names(path)[0].exists()):
        msg = f"{path}: {explain_missing(path, 'file or folder')}"
        raise UserError(msg)
    if is_run_folder(path):
        movie = open_labels(path, whole=True)
        if movie is None and "spots" not in read_record(path)["inputs"]:
            _log.warning(
                "%s: its label images are gone: its cells are matched by their positions, and the "
                "segmentation is not scored",
                path,
            )
        frames = None if movie is None else MovieFrames(movie, movie.ndim)
        return _with_graph(path, frames, path / TRACKS)
    table, segments = find_ctc(path)
    if table is not None:
        ctc = read_ctc(table)
        tracked = LabelMovie(ctc.frames, ctc.tracks)
        return Candidate(path, segments or ctc.frames, tracked, None)
    if segments is not None:
        return Candidate(path, segments, None, None)
    if name_format(path) is not None:
        return Candidate(path, None, None, read_shown_tracks(path))
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
    graph = read_shown_tracks(tracks)
    if frames is None or "label" not in graph.spots.table:
        return Candidate(path, None, None, graph)
    size = None if is_table_name(tracks) else graph.spots.calibration
    return Candidate(path, frames, GraphMovie(frames, graph, size), graph)


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
        tracks without labels. None: they have the same ids or positions.
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
        drawn = truth.labels is not None or truth.tracked is not None
        what = "label images, as the truth has" if drawn else "label images or tracks"
        _refuse("anything", what, result if drawn else truth)
    scores = differences = None
    if (tracking or everything) and (tracked or points):
        matched = (
            _match_labels(truth, result, progress)
            if tracked
            else _match_points(truth, result, max_distance)
        )
        scores = score_nodes(matched.truth, matched.result, matched.match)
        differences = list_differences(matched.truth, matched.result, matched.match, matched.ids)
    shapes = None
    if (segmentation or everything) and can_segment:
        shapes = _score_shapes(truth, result, ssim_window, progress)
    return Evaluation(shapes, scores, differences)


@dataclass(frozen=True)
class _Matched:
    """Nodes of truth and result, which of them are the same cell, and their ids."""

    truth: TrackNodes
    result: TrackNodes
    match: NodeMatch
    ids: tuple[NDArray[np.int64], NDArray[np.int64]]


def _match_labels(truth: Candidate, result: Candidate, progress: Progress) -> _Matched:
    if truth.tracked is None or result.tracked is None:
        msg = "no label movies"
        raise ValueError(msg)
    nodes = match_movies(truth.tracked, result.tracked, progress)
    ids = truth.tracked.node_ids(nodes[0]), result.tracked.node_ids(nodes[1])
    return _Matched(*nodes, ids)


def _match_points(truth: Candidate, result: Candidate, max_distance: float | None) -> _Matched:
    if truth.graph is None or result.graph is None:
        msg = "no tracks"
        raise ValueError(msg)
    one, other = _share_units(truth, result), _share_units(result, truth)
    if max_distance is not None:
        if not isinstance(max_distance, int | float | np.number) or not max_distance > 0:
            msg = f"max_distance is {max_distance!r}, expected a number above 0"
            raise UserError(msg)
        match: NodeMatch | None = match_points(one, other, max_distance).nodes
    else:
        match = match_same_spots(one, other)
    if match is None:
        msg = f"the spots of {truth.path} and {result.path} have neither the same ids nor the same "
        msg += (
            f"positions; give {option('max_distance')}, the largest distance of spots that can be "
        )
        msg += f"the same cell, e.g. half of that between neighbours{_suggest_distance(one)}"
        raise UserError(msg)
    ids = one.spots.id, other.spots.id
    return _Matched(TrackNodes.from_graph(one), TrackNodes.from_graph(other), match, ids)


def _share_units(candidate: Candidate, partner: Candidate) -> TrackGraph:
    """Give a candidate's tracks; a table whose unit is not known has its partner's."""
    graph, other = candidate.graph, partner.graph
    if graph is None or other is None:
        msg = "no tracks"
        raise ValueError(msg)
    own, theirs = graph.spots.calibration, other.spots.calibration
    known = own.space_unit != "pixel" or theirs.space_unit == "pixel"
    if known or not is_table_name(candidate.path):
        return graph
    level = logging.WARNING if is_table_name(partner.path) else logging.INFO
    _log.log(level, "%s: positions are taken to be in %s", candidate.path, theirs.space_unit)
    table = CsvOptions(units="stated" if states_size(theirs, graph.spots.ndim) else "physical")
    again = read_tracks(candidate.path, theirs, replace(table, tell=False))[0]
    return again.keep_spots(np.isin(again.spots.id, graph.spots.id))


def _suggest_distance(graph: TrackGraph) -> str:
    """Say half of the median distance to the nearest neighbour; empty where there is none."""
    places, offsets = graph.spots.positions, graph.spots.frame_offsets
    nearest = [
        cKDTree(places[a:b]).query(places[a:b], 2)[0][:, 1]
        for a, b in pairwise(offsets.tolist())
        if b - a > 1
    ]
    if not nearest:
        return ""
    half = float(np.median(np.concatenate(nearest))) / 2
    return f" ({half:.3g} {graph.spots.calibration.space_unit})"


def mask_candidate(candidate: Candidate, mask: Path, settings: MaskSettings) -> Candidate:
    """Take the cells outside a tissue mask out of a truth or a result.

    Parameters
    ----------
    candidate : Candidate
    mask : Path
        Label or binary image, static or one a frame, 2D over all slices or 3D.
    settings : MaskSettings
        The policy, as of the run; left at its default it is keep-touching for label images, and
        centroid for tracks without.

    Raises
    ------
    UserError
        If the mask does not fit, or the candidate is a folder of label images.
    """
    tracked, segments = candidate.tracked, isinstance(candidate.labels, CtcSegments)
    if isinstance(candidate.labels, LabelFolder) or (segments and tracked is None):
        msg = f"{candidate.path} is a folder of label images, which {option('mask')} does not go "
        msg += (
            "with; give a label movie, a run folder or a Cell Tracking Challenge folder with its "
        )
        msg += "table"
        raise UserError(msg)
    movie = candidate.labels.movie if isinstance(candidate.labels, MovieFrames) else None
    graph = candidate.graph
    if candidate.labels is None and graph is not None:
        opened = open_mask(mask, settings=InputSettings())
        placed = graph.spots.with_calibration(find_mask_size(opened, graph.spots.calibration))
        frames = MovieFrames(opened, graph.spots.ndim)
        inside = mask_points(graph.with_spots(placed), frames, settings).spots.id
        return replace(candidate, graph=graph.keep_spots(np.isin(graph.spots.id, inside)))
    opened = open_mask(mask, movie)
    # Of drawn frames and slices alone the tracked movie is masked, and no segmentation scored.
    whole = candidate.labels
    if segments and tracked is not None:
        whole = TrackedFrames(tracked.n_frames, tracked.frame)
    ndim = movie.ndim if movie is not None else whole[0].ndim
    labels = mask_labels(whole, MovieFrames(opened, ndim), settings)
    if tracked is not None:
        tracked = mask_tracked(tracked, labels, str(candidate.path))
    return replace(candidate, labels=None if segments else labels, tracked=tracked)


def find_run_mask(path: Path) -> str | None:
    """Give the tissue mask that a run folder was made with, None for none."""
    if not is_run_folder(path):
        return None
    mask = read_record(path)["inputs"].get("mask")
    return str(mask.get("path")) if isinstance(mask, dict) else None


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
        _kept(truth), _kept(result), progress=progress, ssim_window=ssim_window
    )


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
