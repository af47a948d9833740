"""From one track format to another, and what the target does not hold."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import check_apart
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.watching import watch_inputs
from btrackmate.core.words import flag, option
from btrackmate.io.run_folder import is_run_folder
from btrackmate.io.track_formats import (
    CTC,
    WRITTEN,
    find_format,
    name_outputs,
    write_tracks,
)
from btrackmate.pipeline.calibrating import read_calibrated
from btrackmate.pipeline.settings import InputSettings

if TYPE_CHECKING:
    from btrackmate.io.images import Movie

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Losses:
    """What a target does not hold, in words with numbers.

    Parameters
    ----------
    cells_and_links : list of str
        Cells or links that are not in the target.
    other : list of str
        Features, names, settings.
    """

    cells_and_links: list[str]
    other: list[str]

    def to_list(self) -> list[str]:
        """Give all, cells and links first."""
        return [*self.cells_and_links, *self.other]


def convert(
    source: Path,
    target: Path,
    *,
    labels: Path | None = None,
    options: InputSettings | None = None,
    allow_loss: bool = False,
    progress: Progress = ignore_progress,
) -> Losses:
    """Convert tracks, and list what the target's format does not hold.

    Parameters
    ----------
    source : Path
        Tracks in any format; see :func:`btrackmate.io.track_formats.read_tracks`.
    target : Path
        .xml, .geff or .csv; a name without an ending, e.g. ``01_RES``, is a folder of the Cell
        Tracking Challenge.
    labels : Path, optional
        For such a folder: the label movie that the cells were measured in; of a run folder its own.
    options : InputSettings, optional
        How the label movie is read.
    allow_loss : bool
        Write the target although it cannot hold some cells or links.
    progress : Progress
        Called after each frame of labels.

    Raises
    ------
    UserError
        If a name's ending is unknown, the source is damaged, the labels do not fit it, or cells or
        links would be lost and `allow_loss` is false; nothing is written then.
    """
    if not is_ctc_target(target):
        if labels is not None:
            msg = f"{option('labels')} is for a folder of the Cell Tracking Challenge, and "
            msg += f"{target.name} is none: leave it out, or give a name without an ending"
            raise UserError(msg)
        format_ = find_format(target)
        graph, document = read_calibrated(source, options or InputSettings())
        write_tracks(target, graph, document, tell=False)
        return Losses([], format_.losses(graph, document))
    return _convert_to_ctc(source, target, labels, options or InputSettings(), allow_loss, progress)


def is_ctc_target(target: Path) -> bool:
    """Tell whether a target is written as a folder of the Cell Tracking Challenge."""
    return not target.suffix


def name_targets(target: Path) -> tuple[Path, ...]:
    """Name the files or the folder that a target consists of.

    Raises
    ------
    UserError
        If the name has an ending that is not known.
    """
    return (target,) if is_ctc_target(target) else name_outputs(target)


def _convert_to_ctc(
    source: Path,
    target: Path,
    labels: Path | None,
    options: InputSettings,
    allow_loss: bool,
    progress: Progress,
) -> Losses:
    from btrackmate.io.ctc_tracks import write_ctc
    from btrackmate.pipeline.relabelling import Painter, check_frames, read_of_labels

    with (
        write_together(),
        _open_labels(source, target, labels, options) as movie,
        watch_inputs(movie.path),
    ):
        check_apart([target], [movie.path])
        given, document = read_of_labels(source, options, movie)
        check_frames(given, movie, source)
        painter = Painter.open(given, movie, source)
        on_cell = painter.find_cells(progress)
        graph = given.keep_spots(on_cell)
        plan = plan_ctc(graph)
        losses = Losses(_list_off(given, on_cell) + plan.losses, CTC.losses(given, document))
        if losses.cells_and_links and not allow_loss:
            msg = f"{target}: {CTC.label} cannot hold: {'; '.join(losses.cells_and_links)}; "
            msg += f"{flag('allow_loss')} writes the rest"
            raise UserError(msg)
        numbers = np.zeros(len(given.spots), np.int64)
        numbers[on_cell] = plan.label
        painter = painter.numbered(numbers)
        frames = painter.paint_all(progress)
        write_ctc(target, (frame if movie.ndim == 3 else frame[0] for frame in frames), plan.tracks)
        losses.other.extend(painter.collect().describe_left())
    if plan.n_gaps:
        losses.other.append(
            f"that {plan.n_gaps} links cross gaps (after each a new tracklet begins, with the one "
            "before as parent)"
        )
    return losses


def _open_labels(
    source: Path, target: Path, labels: Path | None, options: InputSettings
) -> "Movie":
    """Open the label movie that is given, or that of the run that is the source."""
    if labels is not None:
        from btrackmate.pipeline.inputs import open_calibrated

        return open_calibrated(labels, options, role="labels")
    movie = None
    if is_run_folder(source):
        from btrackmate.report.data import open_labels

        movie = open_labels(source, whole=True)
    if movie is None:
        msg = f"{target}: {CTC.label} has label images: give {option('labels')}; else expected a "
        msg += f"name that ends in {WRITTEN}"
        raise UserError(msg)
    return movie


def _list_off(graph: TrackGraph, on_cell: NDArray[np.bool_]) -> list[str]:
    lost = int((~on_cell).sum())
    links = int((~(on_cell[graph.source] & on_cell[graph.target])).sum())
    if not lost:
        return []
    first = graph.spots.id[~on_cell][0]
    return [f"{lost} spots that lie on no cell of their own, the first is {first}; {links} links"]


@dataclass(frozen=True)
class CtcPlan:
    """How tracks become tracklets of the Cell Tracking Challenge.

    Parameters
    ----------
    label : (n,) ndarray of int
        Label of each spot, from 1.
    tracks : DataFrame
        label, begin, end, parent.
    n_gaps : int
        Links over gaps; what comes after is a tracklet of its own.
    losses : list of str
        Links that cannot be told, in words.
    """

    label: NDArray[np.int64]
    tracks: pd.DataFrame
    n_gaps: int
    losses: list[str]


def plan_ctc(graph: TrackGraph) -> CtcPlan:
    """Cut tracks into runs of cells without division, merge and gap; each has at most one parent.

    Parameters
    ----------
    graph : TrackGraph

    Notes
    -----
    Of a merge's links the one from the longest run stays.
    """
    steps = graph.spots.frame[graph.target] - graph.spots.frame[graph.source]
    alone = (graph.out_degree[graph.source] == 1) & (graph.in_degree[graph.target] == 1)
    kept = alone & (steps == 1)
    label = graph.keep_links(kept).tracklet + 1
    runs = pd.DataFrame({"label": label, "frame": graph.spots.frame}).groupby("label")["frame"]
    tracks = runs.agg(begin="min", end="max").reset_index()
    length = (tracks["end"] - tracks["begin"] + 1).to_numpy()
    outer = pd.DataFrame(
        {"parent": label[graph.source[~kept]], "child": label[graph.target[~kept]]}
    )
    outer["length"] = length[outer["parent"] - 1]
    outer = outer.sort_values(["child", "length", "parent"], ascending=[True, False, True])
    chosen = outer.drop_duplicates("child").set_index("child")["parent"]
    tracks["parent"] = tracks["label"].map(chosen).fillna(0).astype(np.int64)
    lost = len(outer) - len(chosen)
    losses = [f"{lost} links of {len(graph.merges)} merges (a cell has one parent)"] if lost else []
    return CtcPlan(label, tracks, int((alone & (steps > 1)).sum()), losses)
