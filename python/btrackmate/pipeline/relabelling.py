"""Label images whose cells have the number of their track."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import explain_shift
from btrackmate.core.watching import watch_inputs
from btrackmate.io.image_calibration import describe_taken, find_size
from btrackmate.io.images import Movie
from btrackmate.io.label_values import MAX_LABEL
from btrackmate.io.labels import write_tiff_movie
from btrackmate.io.track_formats import Tracks, is_table_name, read_tracks
from btrackmate.measurement.painting import (
    find_misplaced,
    find_voxels,
    list_labels,
    paint_labels,
    tell_misplaced,
)
from btrackmate.pipeline.calibrating import read_calibrated
from btrackmate.pipeline.inputs import open_calibrated
from btrackmate.pipeline.settings import InputSettings

_log = logging.getLogger(__name__)

By = Literal["track", "lineage", "tracklet"]


#: Cells that are named of those that are left out.
_SHOWN = 10


@dataclass(frozen=True)
class Relabelled:
    """What was painted, and what was not.

    Parameters
    ----------
    n_cells : int
        Cells of the label image, counted in every frame.
    n_numbers : int
        Tracks (or tracklets) that cells were painted with.
    unpainted : DataFrame
        frame, label and reason of the cells that became background.
    off_cells : DataFrame
        id and frame of the spots in a track that lie on no cell.
    """

    n_cells: int
    n_numbers: int
    unpainted: pd.DataFrame
    off_cells: pd.DataFrame

    def describe_left(self) -> list[str]:
        """Say which cells became background, and which spots lie on none, one line a reason."""
        told = [
            f"{len(group)} cells are 0, as {reason}: {_name_first(group, 'label')}"
            for reason, group in self.unpainted.groupby("reason", sort=True)
        ]
        if off := len(self.off_cells):
            told.append(
                f"{off} spots in a track lie on no cell: {_name_first(self.off_cells, 'id')}"
            )
        return told


def relabel(
    tracks: Path,
    labels: Path,
    output: Path,
    by: By = "track",
    options: InputSettings | None = None,
    progress: Progress = ignore_progress,
) -> Relabelled:
    """Write a label movie in which every cell has the number of its track + 1.

    Parameters
    ----------
    tracks : Path
        .xml, .geff, .csv or a run folder.
    labels : Path
        The label movie that the spots were measured in. A spot is found by its feature `label`, or,
        where it has none, by the cell under its position.
    output : Path
        TIFF of 32 bit, written frame by frame.
    by : {"track", "lineage", "tracklet"}
        track and lineage: a cell and all its descendants have one number, TrackMate's TRACK_ID + 1
        (else the run's `track` + 1). tracklet: a new number after each division, `tracklet` + 1.
    options : InputSettings, optional
        How the label movie is read.
    progress : Progress
        Called after each frame.

    Raises
    ------
    UserError
        If a spot's label is not in its frame, two tracks claim one label, or a file is wrong;
        nothing is written then.
    """
    if output.suffix.lower() not in (".tif", ".tiff"):
        msg = f"{output}: a relabelled movie is written as TIFF; end the name in .tif"
        raise UserError(msg)
    with write_together(), watch_inputs(labels):
        return _relabel(tracks, labels, output, by, options or InputSettings(), progress)


def _relabel(
    tracks: Path, labels: Path, output: Path, by: By, options: InputSettings, progress: Progress
) -> Relabelled:
    with open_calibrated(labels, options, role="labels") as movie:
        graph, document = read_of_labels(tracks, options, movie)
        ids = None if document is None else document.track_ids
        shown = np.ones(len(graph.spots), bool) if document is None else document.visible_spots
        check_frames(graph, movie, tracks)
        painter = Painter.open(graph, movie, tracks).numbered(
            _choose_numbers(graph, ids, by), shown
        )
        shape = (movie.n_frames, *movie.shape[2:])
        frames = painter.paint_all(progress)
        calibration = _complete(movie, graph.spots.calibration)
        write_tiff_movie(output, frames, shape, calibration, max_id=MAX_LABEL)
    return painter.collect()


def _complete(movie: Movie, tracks: Calibration) -> Calibration:
    """Give a movie's calibration, and of its tracks what it does not state."""
    size = movie.calibration if movie.known.size else tracks
    time = movie.calibration if movie.known.time else tracks
    return replace(size, dt=time.dt, time_unit=time.time_unit)


def _choose_numbers(
    graph: TrackGraph, track_ids: NDArray[np.int64] | None, by: By
) -> NDArray[np.int64]:
    """Give the number of each spot, (n,), 0 for a spot in no track."""
    number = graph.tracklet if by == "tracklet" else graph.name_tracks(track_ids)
    return np.where(graph.track >= 0, number + 1, 0)


def read_of_labels(tracks: Path, options: InputSettings, movie: Movie) -> Tracks:
    """Read tracks of a label movie; a table, which holds none, has its calibration.

    The options' calibration is that of the labels.
    """
    is_table = is_table_name(tracks)
    return read_calibrated(tracks, options, movie) if is_table else read_tracks(tracks)


def _choose_size(graph: TrackGraph, movie: Movie, tracks: Path) -> Calibration:
    """Give the voxel size by which positions become voxels."""
    own = graph.spots.calibration
    if own.space_unit == movie.calibration.space_unit:
        return movie.calibration
    if told := describe_taken(movie.stated, own):
        _log.warning("%s: %s", tracks, told)
    return find_size(movie.stated, own, is_table=is_table_name(tracks))


def check_frames(graph: TrackGraph, movie: Movie, tracks: Path) -> None:
    """Refuse a label movie that is shorter than the tracks."""
    last = int(graph.spots.frame.max(initial=-1))
    if last >= movie.n_frames:
        advice = explain_shift(graph.spots.frame, movie.n_frames)
        advice = advice or "; give the label images that the tracks were made of"
        msg = f"{tracks} has spots up to frame {last}, {movie.path} has frames 0 to "
        msg += f"{movie.n_frames - 1}{advice}"
        raise UserError(msg)


@dataclass
class Painter:
    """Paints label images by the numbers of their spots, and keeps what was not painted.

    Parameters
    ----------
    graph : TrackGraph
    movie : Movie
        The label movie.
    size : Calibration
        Voxel size by which positions become voxels.
    tracks : Path
        Where the tracks come from, for messages.
    numbers : (n,) ndarray of int
        Number of each spot, 0 for none.
    shown : (n,) ndarray of bool
        Spots that are painted.
    """

    graph: TrackGraph
    movie: Movie
    size: Calibration
    tracks: Path
    numbers: NDArray[np.int64]
    shown: NDArray[np.bool_]
    n_cells: int = 0
    painted: set[int] = field(default_factory=set)
    left: list[pd.DataFrame] = field(default_factory=list)
    off: list[int] = field(default_factory=list)  # rows of spots
    misplaced: list[int] = field(default_factory=list)  # rows of spots

    @classmethod
    def open(cls, graph: TrackGraph, movie: Movie, tracks: Path) -> Self:
        """Make a painter that has no numbers yet."""
        n = len(graph.spots)
        size = _choose_size(graph, movie, tracks)
        return cls(graph, movie, size, tracks, np.zeros(n, np.int64), np.ones(n, np.bool_))

    def numbered(
        self, numbers: NDArray[np.int64], shown: NDArray[np.bool_] | None = None
    ) -> "Painter":
        """Give a painter with these numbers."""
        return replace(self, numbers=numbers, shown=self.shown if shown is None else shown)

    def find_cells(self, progress: Progress) -> NDArray[np.bool_]:
        """Tell which spots lie on a cell of their own, (n,); the movie is read where it must be.

        Raises
        ------
        UserError
            If a spot names a label that is not there, or two spots name one.
        """
        spots = self.graph.spots
        found = np.ones(len(spots), np.bool_)
        if "label" in spots.table and np.isfinite(spots.feature("label")).all():
            again = np.flatnonzero(spots.table.duplicated(["frame", "label"]))
            if again.size:
                row = again[0]
                self._refuse_label(int(spots.feature("label")[row]), int(spots.frame[row]))
            return found
        for t in range(self.movie.n_frames):
            image = self.movie.frame(t)[0]
            rows = np.flatnonzero(spots.frame == t)
            labels, by_label = self._find_labels(image, rows, list_labels(image), t)
            named = pd.Series(labels[by_label])
            if named.duplicated().any():
                self._refuse_label(int(named[named.duplicated()].iloc[0]), t)
            shared = pd.Series(labels).duplicated(keep=False).to_numpy()
            found[rows] = (labels > 0) & ~shared
            progress("finding cells", t + 1, self.movie.n_frames)
        return found

    def paint_all(self, progress: Progress) -> Iterator[NDArray[np.uint32]]:
        """Paint the frames in turn; warn of spots that lie on other cells than they name."""
        for t in range(self.movie.n_frames):
            yield self._paint(t)
            progress("relabelling", t + 1, self.movie.n_frames)
        if self.misplaced:
            rows = np.array(self.misplaced, np.int64)
            told = tell_misplaced(self.graph.spots, rows, self.movie.path, self.tracks)
            _log.warning("%s", told)

    def collect(self) -> Relabelled:
        """Give what was counted on the way."""
        off = self.graph.spots.table.iloc[self.off]
        unpainted = pd.DataFrame(columns=["frame", "label", "reason"])
        if self.left:
            unpainted = pd.concat(self.left, ignore_index=True)
        off_cells = off[["id", "frame"]].reset_index(drop=True)
        return Relabelled(self.n_cells, len(self.painted), unpainted, off_cells)

    def _paint(self, t: int) -> NDArray[np.uint32]:
        image = self.movie.frame(t)[0]
        present = list_labels(image)
        rows = np.flatnonzero(self.graph.spots.frame == t)
        labels, by_label = self._find_labels(image, rows, present, t)
        numbers = np.where(self.shown[rows], self.numbers[rows], 0)
        voxels = self._find_voxels(self.graph.spots.positions[rows])
        self.misplaced += rows[
            find_misplaced(image, np.where(by_label, labels, 0), voxels)
        ].tolist()
        self.off += rows[(labels == 0) & (numbers > 0)].tolist()
        table = pd.DataFrame({"label": labels, "number": numbers, "by_label": by_label})
        table = table[table["label"] > 0]
        claims = table[table["number"] > 0].drop_duplicates(["label", "number"])
        doubled = claims[claims["label"].duplicated(keep=False)]
        self._refuse_doubled(doubled[doubled["by_label"]], t)
        claims = claims[~claims["label"].isin(doubled["label"])]
        reasons = pd.Series("it has no spot", index=present)
        reasons[reasons.index.isin(table["label"])] = "its spot is in no track"
        hidden = labels[(numbers == 0) & (self.numbers[rows] > 0)]
        reasons[reasons.index.isin(hidden)] = "its track is hidden"
        reasons[reasons.index.isin(doubled["label"])] = "spots of several tracks lie on it"
        reasons = reasons[~reasons.index.isin(claims["label"])]
        if len(reasons):
            self.left.append(
                pd.DataFrame({"frame": t, "label": reasons.index, "reason": reasons.to_numpy()})
            )
        self.n_cells += present.size
        self.painted |= set(claims["number"].tolist())
        return paint_labels(image, claims["label"].to_numpy(), claims["number"].to_numpy())

    def _find_labels(
        self, image: NDArray[Any], rows: NDArray[np.int64], present: NDArray[np.int64], t: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Give the label of each spot, 0 for none, and whether the spot names it."""
        spots = self.graph.spots
        named = np.full(rows.size, np.nan)
        if "label" in spots.table:
            named = spots.feature("label")[rows]
        known = np.isfinite(named)
        labels = np.where(known, named, 0).astype(np.int64)
        strange = known & ~np.isin(labels, present)
        if strange.any():
            row = int(np.flatnonzero(strange)[0])
            msg = f"{self.movie.path} has no label {labels[row]} in frame {t}, where spot "
            msg += f"{spots.id[rows[row]]} of {self.tracks} has one; give the label images that "
            msg += "the tracks were made of"
            raise UserError(msg)
        labels[~known] = self._look_up(image, spots.positions[rows[~known]])
        return labels, known

    def _look_up(self, image: NDArray[Any], positions: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give the label under each position (x, y, z in physical units), 0 outside."""
        voxel = self._find_voxels(positions)
        inside = ((voxel >= 0) & (voxel < image.shape[::-1])).all(axis=1)
        labels = np.zeros(len(voxel), np.int64)
        x, y, z = voxel[inside].T
        labels[inside] = image[z, y, x]
        return labels

    def _find_voxels(self, positions: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give the voxel of each position: x, y, z."""
        voxel = find_voxels(positions, self.size)
        if self.graph.spots.ndim == 2:
            voxel[:, 2] = 0
        return voxel

    def _refuse_doubled(self, doubled: pd.DataFrame, t: int) -> None:
        if len(doubled):
            self._refuse_label(int(doubled["label"].iloc[0]), t, "spots of different tracks")

    def _refuse_label(self, label: int, t: int, what: str = "several spots") -> None:
        msg = f"{self.tracks}: {what} have the label {label} in frame {t}, expected one cell a "
        msg += "spot; correct the tracks"
        raise UserError(msg)


def _name_first(table: pd.DataFrame, column: str) -> str:
    """Name the first rows: ``label 7 in frame 0, 7 in frame 1, …``."""
    rows = zip(table[column].head(_SHOWN), table["frame"].head(_SHOWN), strict=True)
    names = ", ".join(f"{name} in frame {frame}" for name, frame in rows)
    return f"{column} {names}" + (", …" if len(table) > _SHOWN else "")
