"""Opening anything that holds tracks, with the image and the labels that belong to it."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import StorageError, UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.paths import explain_missing
from btrackmate.core.settings import load_yaml
from btrackmate.core.spots import Spots
from btrackmate.io.ctc import find_ctc
from btrackmate.io.image_calibration import Given, describe_taken, find_size, states_size
from btrackmate.io.images import Movie, Role, open_movie
from btrackmate.io.run_folder import RECORD, TRACKS, find_run_folder, is_run_folder
from btrackmate.io.shown_tracks import find_hidden
from btrackmate.io.spots_csv import CsvOptions
from btrackmate.io.track_formats import is_ctc, is_table_name, read_tracks
from btrackmate.io.trackmate import TrackMateDocument
from btrackmate.io.unsaved_edits import describe_unsaved
from btrackmate.measurement.painting import find_misplaced, find_voxels, tell_misplaced
from btrackmate.report.data import find_border, find_stated_size, is_changed, open_labels
from btrackmate.review import EditSession

#: What a file of tracks ends in.
ENDINGS = (".xml", ".xml.gz", ".geff", ".csv", ".tsv")


@dataclass(frozen=True)
class Opened:
    """Tracks and what belongs to them.

    Parameters
    ----------
    path : Path
        What was opened.
    tracks_path : Path or None
        The file that the tracks stand in; None where they were made from labels.
    graph : TrackGraph
    document : TrackMateDocument or None
        Of a TrackMate file: all that the graph does not hold.
    image, labels : Movie or None
    edit : EditSession or None
        Where edits are kept; None where they cannot be kept beside the tracks, or the tracks are
        only looked at.
    base : TrackMateDocument or None
        Of tracks that were made from those of a TrackMate file: what else passes into a new one.
    record : dict
        run.yaml of a run folder, else empty.
    notes : tuple of str
        What a person must be told.
    hidden : frozenset of int
        Of tracks that were made from those of a TrackMate file: ids of spots that are not shown.
    carried : int
        Of tracks that were pruned or filtered: corrections in them that stand in no file.
    """

    path: Path
    tracks_path: Path | None
    graph: TrackGraph
    document: TrackMateDocument | None = None
    image: Movie | None = None
    labels: Movie | None = None
    edit: EditSession | None = None
    base: TrackMateDocument | None = None
    record: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    hidden: frozenset[int] = frozenset()
    carried: int = 0

    @property
    def border(self) -> NDArray[np.float64] | None:
        """Lowest and highest x, y, z of the image, where the file, image or labels tell it."""
        size = find_stated_size(self.document or self.base, self.record)
        return find_border(self.graph, size, self.image or self.labels, is_table=_is_table(self))

    @property
    def track_ids(self) -> NDArray[np.int64]:
        """Id of each track: TrackMate's, else 0, 1, …; (n_tracks,)."""
        if self.edit is not None and self.edit.tracks.is_edited:
            first = np.unique(self.graph.track[self.graph.track >= 0], return_index=True)[1]
            spots = self.graph.spots.id[self.graph.track >= 0][first].tolist()
            return np.array([self.edit.tracks.track(spot) for spot in spots], np.int64)
        if self.document is None:
            return np.arange(self.graph.n_tracks)
        return self.document.single_track_ids

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Spots that TrackMate shows, (n,); all of what is no TrackMate file."""
        document = self.document
        if document is None:
            return ~np.isin(self.graph.spots.id, list(self.hidden))
        if self.graph is document.graph:
            return document.visible_spots
        hidden = document.graph.spots.id[~document.visible_spots]
        return ~np.isin(self.graph.spots.id, hidden)


@contextmanager
def pause_collection() -> Iterator[None]:
    """Let Python not look for cycles of objects to free, which takes a tenth of a second each time.

    napari and Qt alone hold a million objects, none of which opening sets free.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def is_tracks(path: Path) -> bool:
    """Tell by its name, or by what stands in a folder, whether a path may hold tracks."""
    if path.name.lower().endswith(ENDINGS):
        return True
    return is_run_folder(path) or is_ctc(path)


def find_unseen(opened: Opened, spots: Spots) -> NDArray[np.bool_]:
    """Tell which spots trackers do not see: those that a TrackMate file hides, (n,)."""
    if (opened.document or opened.base) is None:
        return np.zeros(len(spots), np.bool_)
    return find_hidden(spots)


@pause_collection()
def open_tracks(
    path: Path,
    image: Path | None = None,
    labels: Path | None = None,
    *,
    edit: bool = True,
) -> Opened:
    """Open tracks of any kind, and find their image and labels.

    Parameters
    ----------
    path : Path
        TrackMate XML of any version, GEFF, a CSV pair or table, a run folder, or a folder of the
        Cell Tracking Challenge.
    image, labels : Path, optional
        Instead of those that the tracks name.
    edit : bool
        Open them for corrections, with those that their journal holds. Tracks that are open
        elsewhere, or whose format cannot be edited in place, are only looked at, and `notes` say
        so.

    Raises
    ------
    UserError
        If the tracks cannot be read, or an image or labels that were given. What the file itself
        names and is missing or does not fit is left out, and `notes` say so.
    """
    if not path.exists() and not path.name.lower().endswith(".csv"):
        fault = explain_missing(path, "file or folder")
        msg = f"{path}: {fault}; give tracks ({', '.join(ENDINGS)}) or a run folder"
        raise UserError(msg)
    if path.is_dir() and not is_run_folder(path) and path.suffix.lower() != ".geff":
        found = _open_ctc(path)
    else:
        run = is_run_folder(path)
        found = _open_file(path, path / TRACKS if run else path, edit=edit)
        folder = path if run else find_run_folder(path)
        found = _find_named_image(found) if folder is None else _find_run_movies(found, folder)
    if image is not None:
        found = replace(found, image=_open_beside(found, image, "image"))
    if labels is not None:
        found = replace(found, labels=_open_beside(found, labels, "labels", found.image))
    found = _read_again(found)
    notes = [*_check(found), *(_check_labels(found) if labels is not None else ())]
    return replace(found, notes=(*found.notes, *notes))


def _open_beside(opened: Opened, path: Path, role: Role, model: Movie | None = None) -> Movie:
    """Open an image, or labels, of tracks: with the voxel size that they state, or its own."""
    own, given = opened.graph.spots.calibration, _stated_by(opened)
    movie = open_movie(path, role=role, given=given, model=model)
    size = own if given is not None else find_size(movie.stated, own, is_table=_is_table(opened))
    if size is own:
        return movie
    same = replace(size, dt=movie.calibration.dt, time_unit=movie.calibration.time_unit)
    return movie.with_calibration(same, movie.known)


def _read_again(opened: Opened) -> Opened:
    """Give a table of tracks, which states no voxel size, the calibration of its movie."""
    movie = opened.image or opened.labels
    if movie is None or not movie.known.size or not _is_table(opened):
        return opened
    table = CsvOptions(units="stated", tell=False)
    return replace(opened, graph=read_tracks(opened.path, movie.calibration, table)[0])


def _is_table(opened: Opened) -> bool:
    return opened.edit is None and is_table_name(opened.path)


def with_movie(opened: Opened, path: Path, role: Role) -> Opened:
    """Give the same with another image or other labels, e.g. where they have moved to.

    Raises
    ------
    UserError
        If it is no image.
    """
    movie = _open_beside(opened, path, role)
    changed = replace(opened, image=movie) if role == "image" else replace(opened, labels=movie)
    notes = [*_check(changed), *(_check_labels(changed) if role == "labels" else ())]
    if _is_table(opened) and movie.known.size and _differ(opened.graph, movie):
        notes.append(
            f"The voxel size of {path.name} is not taken for the tracks, which are open: open the "
            "table again, together with the image"
        )
    return replace(changed, notes=tuple(notes))


def _differ(graph: TrackGraph, movie: Movie) -> bool:
    own, size = graph.spots.calibration, movie.calibration
    return own.space_unit != size.space_unit or own.spacing(3) != size.spacing(3)


def _open_file(path: Path, tracks: Path, *, edit: bool) -> Opened:
    """Read a file of tracks, for corrections where that is possible."""
    if edit:
        try:
            session = EditSession.open(tracks, changed="replay")
        except (UserError, StorageError) as error:
            graph, document = read_tracks(path)  # refuses damaged tracks with its own words
            notes = [f"Corrections will not be kept until you save: {error}"]
            if unsaved := describe_unsaved(tracks):
                notes.append(unsaved)
            return Opened(path, tracks, graph, document, notes=tuple(notes))
        document = session.document
        as_read = not (session.history.done or session.tracks.is_edited)
        graph = document.graph if document is not None and as_read else session.to_graph()
        return Opened(path, tracks, graph, document, edit=session, notes=_tell(session))
    graph, document = read_tracks(path)
    return Opened(path, tracks, graph, document)


def _tell(session: EditSession) -> tuple[str, ...]:
    """Say what the journal held."""
    notes = []
    if session.unkept:
        held = "; ".join(session.unkept)
        notes.append(f"{session.path.name} holds {held}, which are not read: take Save as, no Save")
    if session.history.done:
        notes.append(f"{len(session.history.done)} corrections from before; all can be undone")
    if session.torn:
        notes.append("The last line of the journal had been cut off: the last edit is lost")
    if session.left_out:
        some = "; ".join(map(str, session.left_out[:3]))
        more = ", …" if len(session.left_out) > 3 else ""
        notes.append(
            f"The tracks have changed since they were corrected; {len(session.left_out)} edits did "
            f"not fit any more: {some}{more}"
        )
    return tuple(notes)


def _open_ctc(folder: Path) -> Opened:
    place = find_ctc(folder)[0]
    if place is None:
        msg = f"{folder}: no run folder (it has no {RECORD}) and no folder of the Cell Tracking "
        msg += "Challenge (man_track.txt or res_track.txt); give a file of tracks"
        raise UserError(msg)
    graph = read_tracks(place)[0]
    axes = "TZYX" if graph.spots.ndim == 3 else "TYX"
    movie, note = _try(lambda: open_movie(place, axes, role="labels"))
    return Opened(folder, None, graph, labels=movie, notes=(note,) if note else ())


def _find_run_movies(opened: Opened, folder: Path) -> Opened:
    """Open the image and the labels of a run."""
    record = load_yaml(folder / RECORD)
    opened = replace(opened, record=record)
    labels, note = _try(lambda: open_labels(folder))
    if labels is not None and is_changed(labels, record, "labels"):
        note = f"{labels.path} was changed since {folder} was made of it, and its labels may be "
        note += "those of other cells; to take it all the same: btrackmate view --labels"
        labels.close()
        labels = None
    notes = [*opened.notes, *([f"The labels are not shown: {note}"] if note else [])]
    entry = (record.get("inputs") or {}).get("image") or {}
    image = None
    if entry:
        path = Path(str(entry.get("path")))
        if not path.exists():
            notes.append(_tell_missing(path, "run"))
        else:
            given = _stated(opened.graph)
            image, note = _try(lambda: open_movie(path, entry.get("axes"), given=given))
            notes += [f"The image is not shown: {note}"] if note else []
            if image is not None and is_changed(image, record, "image"):
                notes.append(f"{path} was changed since {folder} was made of it")
    return replace(opened, image=image, labels=labels, notes=tuple(notes))


def _find_named_image(opened: Opened) -> Opened:
    """Open the image that a TrackMate file names, where it is there."""
    path = opened.document.image_path if opened.document is not None else None
    if path is None:
        return opened
    if not path.exists():
        return replace(opened, notes=(*opened.notes, _tell_missing(path, "file")))
    image, note = _try(lambda: _open_beside(opened, path, "image"))
    notes = (*opened.notes, *([f"The image is not shown: {note}"] if note else []))
    return replace(opened, image=image, notes=notes)


def _tell_missing(path: Path, what: str) -> str:
    where = f"The image that the {what} names is not there: {path}"
    return f"{where}. If it has moved, choose it with Find image"


def _try(read: Callable[[], Movie | None]) -> tuple[Movie | None, str]:
    """Open a movie, or give the reason why not."""
    try:
        return read(), ""
    except (UserError, OSError) as error:
        return None, str(error)


def _stated(graph: TrackGraph) -> Given:
    """Give the calibration of tracks to the image that belongs to them."""
    size = graph.spots.calibration
    return Given(size.spacing(graph.spots.ndim), size.dt, size.space_unit, size.time_unit)


def _stated_by(opened: Opened) -> Given | None:
    """Give the tracks' calibration to an image; where they state no size the file's holds."""
    size, ndim = opened.graph.spots.calibration, opened.graph.spots.ndim
    in_pixels = size.space_unit == "pixel" and not _is_table(opened)
    return _stated(opened.graph) if in_pixels or states_size(size, ndim) else None


def _check(opened: Opened) -> list[str]:
    """Say what does not fit, in words for a person."""
    graph, notes = opened.graph, []
    if not len(graph.spots):
        notes.append(f"{opened.path.name} has no spots: there is nothing to show")
    elif not graph.n_links:
        notes.append(f"{opened.path.name} has {len(graph.spots)} spots and no tracks")
    if opened.document is not None and graph.n_links:
        hidden = int((~opened.visible).sum())
        if hidden:
            notes.append(f"{hidden} spots that TrackMate hides are not shown")
    last = int(graph.spots.frame.max(initial=-1))
    for movie, name in ((opened.image, "image"), (opened.labels, "labels")):
        if movie is None:
            continue
        if movie.n_frames <= last:
            notes.append(
                f"The {name} have frames 0 to {movie.n_frames - 1}, the tracks go to frame {last}: "
                f"is {movie.path.name} the movie that they were made of?"
            )
        told = describe_taken(movie.stated, graph.spots.calibration)
        notes += [f"{told[0].upper()}{told[1:]}"] if told else []
        notes += _check_size(graph, movie, name)
    return notes


def _check_labels(opened: Opened) -> list[str]:
    """Say so where labels are not those of the spots: by the first frame that has any."""
    spots, movie = opened.graph.spots, opened.labels
    if movie is None or "label" not in spots.features:
        return []
    known = np.flatnonzero(spots.feature("label") > 0)
    if not known.size or spots.frame[known[0]] >= movie.n_frames:
        return []
    t = int(spots.frame[known[0]])
    rows = known[spots.frame[known] == t]
    voxels = find_voxels(spots.positions[rows], movie.calibration)
    image, labels = movie.labels(t), spots.feature("label")[rows].astype(np.int64)
    misplaced = rows[find_misplaced(image if spots.ndim == 3 else image[0], labels, voxels)]
    return [tell_misplaced(spots, misplaced, movie.path, opened.path)] if misplaced.size else []


def _check_size(graph: TrackGraph, movie: Movie, name: str) -> list[str]:
    if not len(graph.spots):
        return []
    c = movie.calibration
    size = np.array([movie.shape[4] * c.dx, movie.shape[3] * c.dy, movie.shape[2] * c.dz])
    far = graph.spots.positions.max(axis=0)
    outside = (far > size + 1e-6)[: graph.spots.ndim]
    if not outside.any():
        return []
    return [
        f"Spots lie outside the {name} (up to x, y, z {far.round(1).tolist()}, the {name} end at "
        f"{size.round(1).tolist()} {c.space_unit}): is {movie.path.name} the movie of these tracks?"
    ]
