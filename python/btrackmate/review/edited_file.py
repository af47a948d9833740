"""The file of tracks that is edited, and that of before, from which all comes back on undoing."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.files import copy_file, follow_link
from btrackmate.core.graph import TrackGraph
from btrackmate.io.images import Movie, hash_path
from btrackmate.io.run_folder import TRACKS, TRACKS_GEFF, find_run_folder, is_run_folder
from btrackmate.io.run_tables import list_changed
from btrackmate.io.track_formats import name_format, read_tracks, write_tracks
from btrackmate.io.trackmate import Session, TrackMateDocument, read_trackmate
from btrackmate.io.unsaved_edits import name_original
from btrackmate.review.journal import name_journal
from btrackmate.tracking.recorded import describe_steps

_log = logging.getLogger(__name__)

#: Characters of a name.
_LONGEST = 240


class Original(NamedTuple):
    """A file of before corrections, and the line of the journal that belongs to it."""

    path: Path
    line: int


def find_original(path: Path, entries: Sequence[Mapping[str, Any]], digest: str) -> Original | None:
    """Find the earliest file of before corrections from which the journal leads to a file."""
    known = [n for n, entry in enumerate(entries) if entry.get("sha256") == digest]
    if not known:
        return None
    anew = [n for n in range(known[-1] + 1) if entries[n].get("anew")]
    for line in range(anew[-1] if anew else 0, known[-1]):
        before = entries[line].get("sha256")
        original = path if before is None else name_original(path, str(before))
        if original != path and original.is_file() and hash_path(original) == before:
            return Original(original, line)
    return None


def keep_original(path: Path, entries: Sequence[Mapping[str, Any]], digest: str) -> Original | None:
    """Keep a file as it was before its corrections, and all that a journal does not hold of it.

    Names, outlines, what is hidden. None where its name would be too long.
    """
    original = name_original(path, digest)
    if len(original.name) > _LONGEST:
        return None
    if not original.is_file() or hash_path(original) != digest:
        copy_file(path, original)
    lines = [n for n, entry in enumerate(entries) if entry.get("sha256") == digest]
    return Original(original, lines[-1])


def write_copy(
    path: Path,
    graph: TrackGraph,
    document: TrackMateDocument | None,
    log: str,
    image: Movie | None = None,
    track_ids: NDArray[np.int64] | None = None,
) -> tuple[Path, ...]:
    """Write tracks elsewhere, with all that a TrackMate file held; its image is found from there.

    Parameters
    ----------
    path : Path
        .xml, .geff or .csv.
    graph : TrackGraph
        If it was linked or pruned in memory, its record counts, not what the file says of that.
    document : TrackMateDocument or None
        The file that the tracks come from.
    log : str
        A line for the log of a TrackMate file.
    image : Movie, optional
        The image that TrackMate shall open where the document names none.
    track_ids : (n_tracks,) ndarray of int, optional
        Those that the tracks have in a window.

    Returns
    -------
    tuple of Path
        What was written.
    """
    told = Session(log=log, corrected=True, track_ids=track_ids, **describe_steps(graph.record))
    named = document.image_path if document is not None else None
    if named is not None:
        told = replace(told, image_path=named)
    elif image is not None:
        told = replace(told, image_path=image.path.absolute(), image_shape=image.shape)
    return tuple(write_tracks(path, graph, document, told))


def find_edited(path: Path) -> Path:
    """Give the file whose journal keeps the edits of tracks, by whatever name they are opened.

    Of a run folder it is its ``tracks.xml``. Absolute, wherever the process moves to.
    """
    return _prefer_xml(follow_link(path / TRACKS if is_run_folder(path) else path)).absolute()


def _prefer_xml(path: Path) -> Path:
    """Give a run's tracks.xml for its tracks.geff, which is saved with it, if it is as written."""
    folder = find_run_folder(path) if path.name == TRACKS_GEFF else None
    if folder is None or name_journal(path).exists() or not (folder / TRACKS).exists():
        return path
    if TRACKS_GEFF in list_changed(folder):
        return path
    _log.info("%s is opened as %s, with which it is saved", path, folder / TRACKS)
    return follow_link(folder / TRACKS)


def read_edited(
    path: Path, original: Original | None
) -> tuple[TrackGraph, TrackMateDocument | None]:
    """Read tracks that are to be edited, from the file of before where it is there.

    Raises
    ------
    UserError
        If their format holds too little for that.
    """
    if original is not None:
        before = read_trackmate(original.path)
        return before.graph, before
    graph, document = read_tracks(path, with_edits=True)
    found = name_format(path)
    if document is None and (found is None or found.key != "geff"):
        msg = f"{path}: tracks in this format hold too little to be edited in place; make a "
        msg += ".xml or .geff of them first (btrackmate convert), and edit that"
        raise UserError(msg)
    return graph, document
