"""Files in and out, runs, scores, and the sample."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from btrackmate.api.images import Segmentation, read_labels
from btrackmate.core.array_files import find_files
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.core.watching import watch_inputs
from btrackmate.io.units import convert

if TYPE_CHECKING:
    from btrackmate.pipeline.evaluation import Candidate, Evaluation
    from btrackmate.pipeline.run import RunResult
    from btrackmate.samples import SampleMovie

_log = logging.getLogger(__name__)

#: Distance that counts as none, as part of the coordinates.
_SAME = 1e-6

PathLike = str | os.PathLike[str]


def run(
    image: PathLike | None = None,
    *,
    output: PathLike,
    labels: PathLike | None = None,
    spots: PathLike | None = None,
    mask: PathLike | None = None,
    edits: PathLike | None = None,
    overwrite: bool = False,
    progress: Progress = ignore_progress,
    processes: int | None = None,
    worker_memory: str | None = None,
    scheduler: str | None = None,
    cluster: PathLike | None = None,
    **settings: Any,
) -> "RunResult":
    """Go the whole way on files: segment, measure, link, prune, and write a run folder.

    Parameters
    ----------
    image, labels, spots, mask : path
        As ``btrackmate run`` takes them; at least one of the first three.
    output : path
        The run folder; an unfinished run in it goes on.
    edits : path
        A journal of corrections, or the tracks that it stands beside: made again on the new tracks.
    overwrite : bool
        Replace a finished run.
    progress : callable
        Called with step, done and total.
    processes, worker_memory, scheduler, cluster
        Worker processes, as ``btrackmate run`` takes them: their number on this machine and the
        memory of each (``"4GB"``), the address of a dask scheduler, or a YAML file for a job queue.
        By default this process does everything. A script that asks for `processes` keeps its own
        work under ``if __name__ == "__main__":``, as they import it.
    **settings
        Fields of :class:`btrackmate.pipeline.settings.RunSettings`, e.g. ``tracker="lap"``,
        ``prune={"min_tracklet_length": 3}``.

    Returns
    -------
    RunResult
        ``graph``, ``folder``, ``report``, ``record``.

    Raises
    ------
    UserError
        If an input or a setting is wrong; nothing is written then.
    """
    from btrackmate.pipeline.cluster import open_workers
    from btrackmate.pipeline.inputs import RunInputs
    from btrackmate.pipeline.run import run as go
    from btrackmate.pipeline.settings import RunSettings
    from btrackmate.pipeline.worker_choice import WorkerChoice

    named: dict[str, Any] = {"image": image, "labels": labels, "spots": spots, "mask": mask}
    named["edits"] = edits
    for name, value in named.items():
        if value is not None and not isinstance(value, str | os.PathLike):
            msg = f"run: {name} is an array; run works on files. For arrays use segment, measure "
            msg += "and track, or save it as OME-Zarr or TIFF first"
            raise UserError(msg)
    inputs = RunInputs(**{name: Path(value) for name, value in named.items() if value is not None})
    chosen = RunSettings.parse(settings, "run")
    file = None if cluster is None else Path(cluster)
    with open_workers(WorkerChoice(processes, scheduler, file, worker_memory)) as pool:
        return go(inputs, Path(output), chosen, overwrite=overwrite, progress=progress, pool=pool)


def load(path: PathLike, *, hidden: bool = True) -> TrackGraph | Spots:
    """Read tracks, or a table of cells.

    Parameters
    ----------
    path : path
        TrackMate XML, GEFF, a CSV pair, a table with ids of tracks, a folder of the Cell Tracking
        Challenge, a run folder: tracks. A CSV of cells without either: spots (physical units;
        without calibration).
    hidden : bool
        Whether spots come too that TrackMate hides, by its filters or with their tracks, as `save`
        needs them to keep them; the log tells of them. The command line leaves them out of what it
        scores and analyses.

    Raises
    ------
    UserError
        If the file is none of these, or damaged.

    Notes
    -----
    Tracks are numbered from 0 here, whatever ids the file gives them.
    """
    from btrackmate.io.shown_tracks import read_shown_tracks
    from btrackmate.io.spots_csv import CsvOptions, read_spots_csv
    from btrackmate.io.track_formats import find_csv_pair, is_table_name, read_tracks
    from btrackmate.io.tracked_table import link_table

    path = Path(path)
    if is_table_name(path) and path.is_file() and find_csv_pair(path) is None:
        file = read_spots_csv(path, options=CsvOptions(track_ids=True))
        return link_table(file, path) or file.spots
    if not hidden:
        return read_shown_tracks(path)
    graph, document = read_tracks(path)
    if document is None:
        return graph
    unseen = int((~document.visible_spots).sum())
    if unseen:
        _log.warning(
            "%s: %d of its %d spots are hidden in TrackMate, by its filters or with their tracks, "
            "and are among these: hidden=False leaves them out", path, unseen, len(graph.spots),
        )  # fmt: skip
    ids = document.single_track_ids
    if np.array_equal(ids, np.arange(ids.size)):
        return graph
    return graph.with_record("load", {"path": str(path), "first_ids": ids[:3].tolist()})


def save(tracks: TrackGraph | Spots, path: PathLike, *, like: PathLike | None = None) -> list[Path]:
    """Write tracks, or spots, in the format that the name says.

    Parameters
    ----------
    tracks : TrackGraph or Spots
    path : path
        ``.xml`` (TrackMate), ``.geff`` or ``.csv`` (two tables for tracks). Replaced if it exists;
        a folder only if it is a graph, and nothing else lies in it.
    like : path, optional
        A TrackMate file that the tracks come from: its image, settings and all that we don't model
        pass into the new one; of linking and pruning those that were done here count.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    UserError
        If they are neither, the name's ending is unknown, the file cannot be written, or a folder
        stands there that holds something else.
    """
    from btrackmate.core.outputs import check_outputs
    from btrackmate.io.track_formats import find_format, name_outputs, read_tracks, write_tracks
    from btrackmate.io.trackmate import Session
    from btrackmate.io.tracks_csv import write_spots_csv
    from btrackmate.tracking.recorded import describe_steps

    path, given = Path(path), cast("object", tracks)
    if not isinstance(given, TrackGraph | Spots):
        msg = f"{path}: got {type(given).__name__}, expected TrackGraph or Spots to save"
        raise UserError(msg)
    is_table = isinstance(tracks, Spots) and find_format(path).key == "csv"
    check_outputs([path] if is_table else name_outputs(path), overwrite=True)
    if isinstance(tracks, Spots):
        if like is not None:
            msg = f"like is {like}, but spots take over nothing of a file: leave it out"
            raise UserError(msg)
        if is_table:
            write_spots_csv(path, tracks)
            return [path]
        none = np.empty(0, np.int64)
        tracks = TrackGraph.from_links(tracks, none, none)
    document = read_tracks(Path(like))[1] if like is not None else None
    if document is not None:
        _warn_of_others(tracks.spots, document.graph.spots, Path(like or ""))
    return list(write_tracks(path, tracks, document, Session(**describe_steps(tracks.record))))


def _warn_of_others(spots: Spots, theirs: Spots, like: Path) -> None:
    """Warn where a file's spots are not those of the same ids, as it was replaced since."""
    _, mine, other = np.intersect1d(spots.id, theirs.id, return_indices=True)
    factor = convert(1.0, theirs.calibration.space_unit, spots.calibration.space_unit) or 1.0
    away = spots.positions[mine] - theirs.positions[other] * factor
    radius = spots.feature("radius")[mine] if "radius" in spots.features else np.zeros(mine.size)
    exact = _SAME * (1 + np.abs(spots.positions[mine]).max(axis=1, initial=0))
    far = np.sqrt((away**2).sum(axis=1)) > np.fmax(radius, exact)
    elsewhere = np.flatnonzero((spots.frame[mine] != theirs.frame[other]) | far)
    if elsewhere.size:
        _log.warning(
            "%s: %d of %d spots lie elsewhere there than those of their ids, the first is spot %d: "
            "what it holds of them goes to these; are the tracks made from that file?",
            like, elsewhere.size, mine.size, spots.id[mine[elsewhere[0]]],
        )  # fmt: skip


def evaluate(
    truth: "TrackGraph | ArrayLike | Segmentation | PathLike",
    result: "TrackGraph | ArrayLike | Segmentation | PathLike",
    *,
    truth_labels: ArrayLike | None = None,
    result_labels: ArrayLike | None = None,
    axes: str | None = None,
    max_distance: float | None = None,
    progress: Progress = ignore_progress,
) -> "Evaluation":
    """Score a segmentation and/or tracks against ground truth.

    Parameters
    ----------
    truth, result : TrackGraph, array of int or path
        Tracks, label images, or any file or folder that ``btrackmate evaluate`` takes.
    truth_labels, result_labels : array of int, optional
        Label images of tracks, in memory or a file, whose spots have the column `label`: cells are
        then matched by their overlap.
    axes : str, optional
        Of the label images, else (T, Z, Y, X).
    max_distance : float, optional
        Spots within it can be the same cell, for tracks without label images, in the space unit;
        else they have the same ids or positions.
    progress : callable
        Called with step, done and total.

    Returns
    -------
    Evaluation
        ``.to_dict()`` has all numbers by the field's names.

    Raises
    ------
    UserError
        If the two cannot be compared.

    Examples
    --------
    >>> import pandas as pd
    >>> from btrackmate import track
    >>> table = pd.DataFrame({"frame": [0, 0, 1, 1], "x": [0.0, 9, 1, 10], "y": 0.0})
    >>> truth = track(table)
    >>> scores = evaluate(truth, truth.keep_links(truth.source > 0)).to_dict()
    >>> round(scores["link_f1"], 3)
    0.667
    """
    from btrackmate.io.track_formats import name_inputs
    from btrackmate.pipeline.evaluation import evaluate as score

    given_paths = [Path(one) for one in (truth, result) if isinstance(one, str | os.PathLike)]
    read = find_files(truth, truth_labels, result, result_labels)
    read += [one for path in given_paths for one in (path, *name_inputs(path))]
    with watch_inputs(*read):
        pairs = [
            _take_candidate(given, labels, axes, name)
            for given, labels, name in (
                (truth, truth_labels, "truth"),
                (result, result_labels, "result"),
            )
        ]
        if axes is not None and all(pair.labels is None for pair in pairs):
            msg = f"axes is {axes!r}, but there are no label images: leave it out"
            raise UserError(msg)
        return score(
            *pairs, segmentation=False, tracking=False, max_distance=max_distance, progress=progress
        )


def load_sample() -> "SampleMovie":
    """Load the sample that ships with the package: an embryo's movie with ground truth.

    Returns
    -------
    SampleMovie
        ``image``, ``truth`` (labels are tracklets), ``mask``, ``calibration``, ``man_track``,
        ``positions``.
    """
    from btrackmate.samples import load_sample as load_movie

    return load_movie()


def _take_candidate(given: Any, labels: Any, axes: str | None, name: str) -> "Candidate":
    from btrackmate.io.track_formats import is_table_name
    from btrackmate.metrics import GraphMovie
    from btrackmate.pipeline.evaluation import Candidate, load_candidate

    if isinstance(given, str | os.PathLike):
        found = load_candidate(Path(given), axes=axes)
    elif isinstance(given, TrackGraph):
        found = Candidate(Path(name), None, None, given)
    else:
        found = Candidate(Path(name), read_labels(given, axes, None), None, None)
    if labels is None:
        return found
    if found.graph is None or found.labels is not None:
        msg = f"{name}_labels go with tracks that have none, but {name} has label images of its own"
        raise UserError(msg)
    frames, graph = read_labels(labels, axes, None), found.graph
    size = None if is_table_name(found.path) else graph.spots.calibration
    movie = GraphMovie(frames, graph, size)  # type: ignore[arg-type]
    return Candidate(found.path, frames, movie, graph)
