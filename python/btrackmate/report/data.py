"""What a report is made from: a run folder, or any file of tracks."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import btrackmate
from btrackmate.analysis import AnalysisSettings, Tracked, find_bounds
from btrackmate.analysis.tables import Tables
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.graph import TrackGraph
from btrackmate.core.paths import explain_missing
from btrackmate.core.settings import load_yaml
from btrackmate.core.spots import explain_shift
from btrackmate.core.watching import list_files
from btrackmate.core.words import option
from btrackmate.io.image_calibration import Given, find_size
from btrackmate.io.images import Movie, Role, open_movie
from btrackmate.io.run_folder import DROPPED, LABELS, PRUNED, RECORD, SCORES, TRACKS
from btrackmate.io.shown_tracks import find_shown
from btrackmate.io.track_formats import Tracks, is_table_name, read_tracks
from btrackmate.io.trackmate import TrackMateDocument
from btrackmate.report.trust import check_result
from btrackmate.tracking.settings import TrackerSettings, parse_tracker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)

_ROLES: tuple[Role, ...] = ("image", "labels", "mask")
#: Bytes of an input of a run below which all of it is read to see whether it has changed.
_HASHED = 1 << 30


@dataclass(frozen=True)
class ReportData:
    """What a report shows.

    Parameters
    ----------
    record : dict
        run.yaml, or what is known of a file of tracks: at least ``inputs`` and ``btrackmate``.
    graph : TrackGraph
        The tracks.
    pruned, dropped : DataFrame or None
        pruned.csv and dropped.csv; None where nothing is known of what was removed.
    scores : list of dict
        Tables of scores.json (title, note, columns, rows), empty where there is none.
    image, labels, mask : Movie or None
        The inputs or outputs of the run, None where they are gone or were not used.
    linking_limit : float or None
        Largest distance of a link between two frames, in the space unit, where it is known.
    track_ids : (n_tracks,) ndarray of int or None
        Ids of the tracks in their file; None: 0 … n−1.
    image_path : Path or None
        The image that a file of tracks names.
    size : (Z, Y, X) tuple of int or None
        Of the image in which the tracks were made, in voxels, as their run or file states it.
    tables : dict of DataFrame or None
        What the analysis found; None: it is made for the report.
    analysis : AnalysisSettings or None
        How `tables` were made.
    is_table : bool
        The tracks come from a table, which may know no unit.
    pictures : mapping of Figure or None
        Of the analysis, by name; None: they are drawn for the report.
    """

    record: dict[str, Any]
    graph: TrackGraph
    pruned: pd.DataFrame | None
    dropped: pd.DataFrame | None
    scores: list[dict[str, Any]]
    image: Movie | None
    labels: Movie | None
    mask: Movie | None = None
    linking_limit: float | None = None
    track_ids: NDArray[np.int64] | None = None
    image_path: Path | None = None
    size: tuple[int, int, int] | None = None
    tables: Tables | None = None
    analysis: AnalysisSettings | None = None
    is_table: bool = False
    pictures: "Mapping[str, Figure] | None" = None

    @property
    def tracked(self) -> Tracked:
        """What the analysis takes: the tracks, their ids and the borders of the image."""
        movie = self.image or self.labels
        border = find_border(self.graph, self.size, movie, is_table=self.is_table)
        return Tracked(self.graph, border, self.track_ids)

    @property
    def voxel_size(self) -> Calibration:
        """That of the image or the labels, in the tracks' unit."""
        own, movie = self.graph.spots.calibration, self.image or self.labels
        return own if movie is None else find_size(movie.stated, own, is_table=self.is_table)

    def with_movies(
        self, image: Movie | None, labels: Movie | None, mask: Movie | None
    ) -> "ReportData":
        """Show these instead; None leaves what there is.

        Raises
        ------
        UserError
            If the image or the labels end before the tracks.
        """
        last = int(self.graph.spots.frame.max(initial=-1))
        for movie in (image, labels):
            if movie is not None and movie.n_frames <= last:
                advice = explain_shift(self.graph.spots.frame, movie.n_frames)
                advice = advice or "; give the movie that they were made of"
                msg = f"{movie.path} has frames 0 to {movie.n_frames - 1}, the tracks have spots "
                msg += f"up to frame {last}{advice}"
                raise UserError(msg)
        return replace(
            self,
            graph=lengthen(self.graph, image, labels),
            image=image or self.image,
            labels=labels or self.labels,
            mask=mask or self.mask,
        )

    @property
    def has_pixels(self) -> bool:
        """Whether there is an image or label images to show."""
        return self.image is not None or self.labels is not None

    @property
    def gone(self) -> dict[Role, Path]:
        """The movies by role that the run or the tracks name, are not there, and not given."""
        inputs = self.record["inputs"]
        known = {role: (inputs.get(role) or {}).get("path") for role in _ROLES}
        named = {role: Path(path) for role, path in known.items() if path}
        if self.image_path is not None:
            named["image"] = self.image_path
        given = {"image": self.image, "labels": self.labels, "mask": self.mask}
        return {
            role: path for role, path in named.items() if given[role] is None and not path.exists()
        }

    @property
    def ids(self) -> NDArray[np.int64]:
        """Id of each track, (n_tracks,)."""
        return np.arange(self.graph.n_tracks) if self.track_ids is None else self.track_ids

    def image_plane(self, frame: int) -> NDArray[Any] | None:
        """Give the tracked channel of one frame, ([Z,] Y, X), or None."""
        if self.image is None:
            return None
        channel = int(self.record.get("settings", {}).get("channel", 1)) - 1
        return self._drop_z(self.image.frame(frame)[channel])

    def label_plane(self, frame: int) -> NDArray[Any] | None:
        """Give the label image of one frame, ([Z,] Y, X), or None."""
        return None if self.labels is None else self._drop_z(self.labels.frame(frame)[0])

    def mask_plane(self, frame: int) -> NDArray[Any] | None:
        """Give the tissue mask of one frame, ([Z,] Y, X) with Z 1 for all slices, or None."""
        if self.mask is None:
            return None
        return self._drop_z(self.mask.frame(frame if self.mask.n_frames > 1 else 0)[0])

    def _drop_z(self, volume: NDArray[Any]) -> NDArray[Any]:
        return volume[0] if self.graph.spots.ndim == 2 else volume


def load_run(folder: Path) -> ReportData:
    """Read a run folder.

    Raises
    ------
    UserError
        If the folder is no finished run.
    """
    for name in (RECORD, TRACKS):
        if not folder.exists():
            msg = f"{folder}: {explain_missing(folder, 'folder')}; give a run folder"
            raise UserError(msg)
        if not (folder / name).is_file():
            msg = f"{folder}: has no {name}, so it is no finished run; start `btrackmate run` again"
            raise UserError(msg)
    record = read_record(folder)
    graph, document = read_tracks(folder)
    ids = None
    if document is not None:
        graph, ids = _leave_hidden_out(folder / TRACKS, document)
    return ReportData(
        record=record,
        graph=graph,
        pruned=_read_table(folder / PRUNED),
        dropped=_read_table(folder / DROPPED),
        scores=_read_scores(folder / SCORES),
        image=_open_input(record, "image"),
        labels=open_labels(folder),
        mask=_open_input(record, "mask"),
        linking_limit=find_linking_limit(document.tracker) if document else None,
        track_ids=ids,
        size=find_stated_size(document, record),
    )


def lengthen(graph: TrackGraph, *movies: Movie | None) -> TrackGraph:
    """Give tracks the length of the movie that they were made in, whose end may hold no cell."""
    longest = max((movie.n_frames for movie in movies if movie is not None), default=0)
    if longest <= graph.spots.n_frames:
        return graph
    return graph.with_spots(replace(graph.spots, n_frames=longest))


def find_border(
    graph: TrackGraph,
    size: tuple[int, int, int] | None,
    movie: Movie | None,
    *,
    is_table: bool = False,
) -> NDArray[np.float64] | None:
    """Find the border of the image that tracks were made in, see `Tracked`; None if not known.

    Parameters
    ----------
    graph : TrackGraph
    size : (Z, Y, X) tuple of int or None
        From `find_stated_size`; what stands at the image's path by now may be another one.
    movie : Movie or None
        Image or labels, whose border it is where no size is stated.
    is_table : bool
        The tracks come from a table, which may know no unit.
    """
    at = graph.spots.calibration
    if size is None:
        if movie is None:
            return None
        size, at = movie.shape[2:], find_size(movie.stated, at, is_table=is_table)
    return find_bounds(size, (at.dz, at.dy, at.dx))


def read_record(folder: Path) -> dict[str, Any]:
    """Read run.yaml.

    Raises
    ------
    UserError
        If it is damaged, or lacks what every run has.
    """
    record = load_yaml(folder / RECORD)
    for name in ("inputs", "calibration"):
        if not isinstance(record.get(name), dict) or not any(record[name].values()):
            msg = f"{folder / RECORD}: has no {name}, so it is damaged; "
            msg += "start `btrackmate run` again"
            raise UserError(msg)
    return record


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' own are ValueErrors.
        raise _explain(path, error) from None


def _read_scores(path: Path) -> list[dict[str, Any]]:
    """Read the tables of scores; none where there is no file."""
    if not path.is_file():
        return []
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
        for table in scores:
            _ = table["title"], table["note"], list(table["columns"]), list(table["rows"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _explain(path, error) from None
    return list(scores)


def _explain(path: Path, error: Exception) -> UserError:
    reason = describe_error(error)
    return UserError(f"{path}: missing or damaged ({reason}); start `btrackmate run` again")


def load_tracks(path: Path, read: Callable[[Path], Tracks] = read_tracks) -> ReportData:
    """Read tracks of any origin; what TrackMate hides is left out.

    Parameters
    ----------
    path : Path
        .xml, .geff or .csv.
    read : callable
        Reads them, with the calibration that the user gives.

    Raises
    ------
    UserError
        If the file is no tracks.
    """
    graph, document = read(path)
    ids = None
    if document is not None:
        graph, ids = _leave_hidden_out(path, document)
    return ReportData(
        record=_describe(path, graph, document),
        graph=graph,
        pruned=None,
        dropped=None,
        scores=[],
        image=None,
        labels=None,
        linking_limit=find_linking_limit(document.tracker) if document else None,
        track_ids=ids,
        image_path=document.image_path if document else None,
        size=find_stated_size(document),
        is_table=is_table_name(path),
    )


def find_stated_size(
    document: TrackMateDocument | None, record: Mapping[str, Any] | None = None
) -> tuple[int, int, int] | None:
    """Find the size of the image (Z, Y, X) that a run or a TrackMate file states; None for none.

    TrackMate asks for a size all the same: without an image it is that of the box of the spots.
    """
    told: list[Any] = []
    inputs = (record or {}).get("inputs")
    for role in ("image", "labels"):
        entry = inputs.get(role) if isinstance(inputs, dict) else None
        told.append(entry.get("shape_TCZYX") if isinstance(entry, dict) else None)
    if document is not None and document.image_data.get("filename"):
        told.append([document.image_data.get(name) for name in ("nslices", "height", "width")])
    for size in told:
        try:
            z, y, x = map(int, size[-3:])
        except (TypeError, ValueError):
            continue
        if min(z, y, x) > 0:
            return z, y, x
    return None


def _leave_hidden_out(
    path: Path, document: TrackMateDocument
) -> tuple[TrackGraph, NDArray[np.int64]]:
    """Give the visible tracks of a TrackMate file, and TrackMate's ids of them."""
    shown = find_shown(path, document)
    of_spot = document.graph.name_tracks(document.track_ids)[shown]
    graph = document.graph.keep_spots(shown)
    linked = graph.track >= 0
    first = np.unique(graph.track[linked], return_index=True)[1]
    return graph, of_spot[linked][first]


def find_linking_limit(tracker: tuple[str, Mapping[str, Any]] | None) -> float | None:
    """Find the largest distance of a link in a tracker's key and settings, as in its file."""
    settings = {name.lower(): value for name, value in tracker[1].items()} if tracker else {}
    value = settings.get("linking_max_distance")
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _find_tracker(document: TrackMateDocument | None) -> TrackerSettings | None:
    """Give the settings that tracks were linked with, if they are known here."""
    if document is None or document.tracker is None:
        return None
    try:
        return parse_tracker(*document.tracker)
    except UserError:
        return None


def _describe(path: Path, graph: TrackGraph, document: TrackMateDocument | None) -> dict[str, Any]:
    """Make a record of a file of tracks."""
    record: dict[str, Any] = {
        "btrackmate": btrackmate.__version__,
        "inputs": {"tracks": {"path": str(path)}},
        "to_know": [note.to_dict() for note in check_result(graph, _find_tracker(document))],
    }
    if document is None:
        return record
    filters = {
        "spot_filters": document.spot_filters,
        "track_filters": document.track_filters,
    }
    record["trackmate"] = document.version
    for name, (key, settings) in (("detector", document.detector), ("tracker", document.tracker)):
        record[name] = {"name": key, **settings}
    for name, values in filters.items():
        record[name] = [f"{f.feature} {'≥' if f.is_above else '≤'} {f.value:g}" for f in values]
    hidden = document.tracks.n - len(document.filtered_tracks)
    if hidden > 0:
        record["hidden_tracks_left_out"] = hidden
    return record


def open_labels(folder: Path, *, whole: bool = False) -> Movie | None:
    """Open the label movie of a finished run: its own, or the one that it was given.

    Parameters
    ----------
    folder : Path
    whole : bool
        All of it is going to be read, so that time is left to see whether those given are still
        what the run was made of; else the log warns.

    Returns
    -------
    Movie or None
        None for a run from a CSV, or where the given file is gone.
    """
    store = folder / LABELS
    if store.exists():
        return open_movie(store, role="labels")
    record = read_record(folder)
    movie = _open_input(record, "labels")
    if movie is not None and whole and movie.sha256() != record["inputs"]["labels"].get("sha256"):
        _log.warning(
            "%s was changed since %s was made of it, and may hold other cells", movie.path, folder
        )
    return movie


def warn_of_gone(data: ReportData) -> None:
    """Warn of movies that are not there any more, and so not shown."""
    for role, path in data.gone.items():
        _log.warning(
            "%s, the file of the %s, is gone and not shown; if it was moved, give it with %s",
            path, role, option(role),
        )  # fmt: skip


def is_changed(movie: Movie, record: dict[str, Any], role: str) -> bool:
    """Tell whether a movie is not what a run was made of any more; no other file than it names is.

    Files of less than 1 GiB are hashed; of larger ones, the time of change counts.
    """
    entry = (record.get("inputs") or {}).get(role)
    if not entry or Path(entry["path"]) != movie.path:
        return False
    files = [file for _, file in list_files(movie.path)]
    if sum(file.stat().st_size for file in files) < _HASHED:
        return bool(movie.sha256() != entry.get("sha256"))
    changed = datetime.fromtimestamp(max(f.stat().st_mtime for f in files), UTC)
    return changed > datetime.fromisoformat(record["finished"])


def warn_of_changed(data: ReportData, folder: Path) -> None:
    """Warn where image, labels or mask of a run are not what it was made of any more.

    Its tracks may have been opened as the file that they stand in.
    """
    try:
        record = read_record(folder)
    except UserError:  # Who opens the run itself was told.
        return
    for role, movie in (("image", data.image), ("labels", data.labels), ("mask", data.mask)):
        if movie is not None and is_changed(movie, record, role):
            _log.warning(
                "%s was changed since %s was made of it, and may show other cells; give what it "
                "was made of with %s", movie.path, folder, option(role),
            )  # fmt: skip


def _open_input(record: dict[str, Any], role: Role) -> Movie | None:
    entry = record["inputs"].get(role)
    if not entry:
        return None
    size = record["calibration"]
    try:
        path = Path(entry["path"])
        given = Given(
            (size["dz"], size["dy"], size["dx"]), size["dt"], size["space_unit"], size["time_unit"]
        )
    except (KeyError, TypeError) as error:
        msg = f"{RECORD} is damaged: {role} or calibration lacks {error}; start `btrackmate run` "
        msg += "again"
        raise UserError(msg) from None
    if not path.exists():
        return None
    return open_movie(path, axes=entry.get("axes"), role=role, given=given)
