"""The tracks of a run folder as tables and GEFF, beside tracks.xml."""

import contextlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.files import find_written
from btrackmate.core.graph import TrackGraph
from btrackmate.core.settings import load_yaml
from btrackmate.core.track_features import make_tracks_table
from btrackmate.io.geff import write_geff
from btrackmate.io.run_folder import (
    RECORD,
    TRACK_FEATURES,
    TRACKED_SPOTS,
    TRACKS,
    TRACKS_GEFF,
    is_run_folder,
)
from btrackmate.io.tracks_csv import write_cells, write_table
from btrackmate.io.unsaved_edits import hash_path, read_saves, warn_of_unsaved

_log = logging.getLogger(__name__)

#: The tracks of a run, in all the ways in which its folder holds them.
_SAME = (TRACKS, TRACKS_GEFF, TRACKED_SPOTS, TRACK_FEATURES)


def write_run_tracks(
    folder: Path, graph: TrackGraph, track_ids: NDArray[np.int64] | None = None
) -> None:
    """Write what a run folder tells of its tracks beside tracks.xml: two tables and a GEFF.

    Parameters
    ----------
    folder : Path
    graph : TrackGraph
    track_ids : (n_tracks,) ndarray of int, optional
        Those in tracks.xml; by default 0 … n−1.
    """
    table = graph.spots_table()
    if track_ids is not None:
        table["track"] = graph.name_tracks(track_ids)
    write_cells(folder / TRACKED_SPOTS, table)
    write_table(folder / TRACK_FEATURES, make_tracks_table(graph, track_ids))
    write_geff(folder / TRACKS_GEFF, graph, track_ids)


def hash_run_tracks(folder: Path) -> dict[str, str]:
    """Hash the files that hold a run's tracks, as they were written, by name (SHA-256)."""
    return {name: hash_path(find_written(folder / name)) for name in _SAME}


def list_changed(folder: Path) -> list[str]:
    """List the files of a run's tracks that neither the run nor a save of its corrections wrote.

    None that is gone is among them, nor any of a run that noted no hashes.
    """
    noted = _read_noted(folder)
    return [
        name
        for name in _SAME
        if (folder / name).exists()
        and (known := {hashes[name] for hashes in noted if name in hashes})
        and hash_path(folder / name) not in known
    ]


def check_replaceable(folder: Path) -> None:
    """Refuse to replace tables of a run's tracks that somebody changed.

    Raises
    ------
    UserError
        Names them.
    """
    changed = [name for name in list_changed(folder) if name != TRACKS]
    if changed:
        msg = f"{folder}: {', '.join(changed)} were changed by another program since they were "
        msg += "written, and would be replaced: move them out of the folder, then save"
        raise UserError(msg)


def warn_of_parted(tracks: Path) -> None:
    """Warn where tracks of a run are read and what lies beside them tells others.

    That is the file of the other format, where it was changed, and, of tables and GEFF, the edits
    in the journal of tracks.xml.
    """
    folder = tracks.parent
    if tracks.name not in _SAME or not is_run_folder(folder):
        return
    if tracks.name != TRACKS:
        warn_of_unsaved(folder / TRACKS)
    other = TRACKS_GEFF if tracks.name == TRACKS else TRACKS
    if other in list_changed(folder):
        _log.warning(
            "%s was changed since %s was written with it; the latter is taken, without these "
            "changes", folder / other, tracks,
        )  # fmt: skip


def _read_noted(folder: Path) -> list[dict[str, Any]]:
    """Read the hashes that the run noted, and each save; none of what is damaged."""
    noted = []
    with contextlib.suppress(UserError):  # Who needs the record says so.
        noted.append(load_yaml(folder / RECORD).get("written"))
    for line in read_saves(folder / TRACKS):
        with contextlib.suppress(ValueError):
            noted.append(json.loads(line).get("written"))
    return [hashes for hashes in noted if isinstance(hashes, dict)]
