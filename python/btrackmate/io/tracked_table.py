"""Tracks in one table: cells with the id of their track, and perhaps of its parent."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.core.words import option
from btrackmate.io.counted_anew import check_anew
from btrackmate.io.csv_columns import TRACK_COLUMNS, plain_names, shorten_list
from btrackmate.io.numbers import MAX_EXACT
from btrackmate.io.spots_csv import CsvOptions, SpotsFile, read_spots_csv

_log = logging.getLogger(__name__)

Ints = NDArray[np.int64]

_KINDS = ("", "id", "trackid", "track", "tracklet", "trackletid", "particle", "trajectory")
_PARENTS = tuple(who + kind for who in ("parent", "mother") for kind in _KINDS)
#: Of these the values may be ids of cells.
_CELLS = (
    *(who + kind for who in ("parent", "mother") for kind in ("id", "spot", "cell", "node")),
    "predecessor",
)
#: Parts of names of columns that may tell where tracks come from.
_RELATED = ("parent", "mother", "daughter", "predecessor", "successor")
#: Which tracks belong together (laptrack's, btrack's columns).
_TREES = ("treeid", "root", "rootid", "lineageid")
#: Marks positions that a tracker put where it found no cell (btrack's).
_INVENTED = "dummy"
#: What our own tables of tracked spots add; it follows from the links again.
_DERIVED = ("track", "tracklet", "parent", "generation")


def read_tracked_table(
    path: Path, calibration: Calibration | None = None, options: CsvOptions | None = None
) -> TrackGraph:
    """Read tracks from one table.

    Parameters
    ----------
    path : Path
        A table of cells with a column track_id, particle, tracklet or the like (or an id that
        stands once a frame), as napari, btrack, trackpy, Imaris and TrackMate export, and perhaps
        parent: the track, or the cell, that it comes from.
    calibration, options : Calibration and CsvOptions, optional
        See :func:`read_spots_csv`.

    Raises
    ------
    UserError
        If it is no table of cells, or no column says which of them are one track.

    Notes
    -----
    Each cell is linked to the next of its track, over gaps; the first of a track to the last of its
    parent. Where a track has several cells in a frame, what is linked to what is not known: no link
    is made there, and the log says so, as it does of trees (laptrack's tree_id) without parents.
    """
    options = replace(options or CsvOptions(), track_ids=True)
    file = read_spots_csv(path, calibration, options)
    spots, graph = file.spots, link_table(file, path)
    if graph is None:
        msg = f"{path}: tracks as CSV are two tables (NAME.spots.csv, NAME.links.csv), or one with "
        msg += f"a column track_id, particle or tracklet; it has {shorten_list(spots.features)}"
        raise UserError(msg)
    return graph


def link_table(file: SpotsFile, path: Path) -> TrackGraph | None:
    """Link cells by the ids of tracks or parents among their features; None if there are none."""
    spots = file.spots
    plain = plain_names(spots.features)
    track = next((plain[name] for name in TRACK_COLUMNS if name in plain), None)
    parent = next((plain[name] for name in _PARENTS if name in plain), None)
    named = next((plain[name] for name in _CELLS if name in plain), None)
    cells = _find_parents(spots, named)
    kind = "cells" if track is None else _name_parents(spots, named or "", track)
    if kind == "tracks" and (cells is not None or parent is None):
        cells, parent = None, named
    if track is not None and (cells is None or "id" not in file.rows):
        check_anew(spots, track, path)
    if cells is not None and kind == "births" and track is not None:
        links = np.concatenate([_link_tracks(spots, track, None, path), cells])
        told = f"{track}, in order of time, and the cells that are named as parents"
    elif cells is not None:
        links, told = cells, "the cells that are named as parents"
        if "id" not in file.rows:
            _log.warning(
                "%s: its cells have no ids: %s is taken for the numbers of its rows, from 0",
                path, named,
            )  # fmt: skip
    elif track is not None:
        links, told = _link_tracks(spots, track, parent, path), f"{track}, in order of time"
        if parent is not None:
            told += f", and {parent}"
        else:
            _warn_of_trees(spots, track, plain, path)
        _warn_of_related(plain, parent, path)
    else:
        return None
    if _INVENTED in plain and (count := int((spots.feature(plain[_INVENTED]) > 0).sum())):
        _log.warning(
            "%s: %d positions are marked as dummy: the tracker put them where it found no cell; "
            "the filter %s leaves them out", path, count, option("spot_filter", "'dummy<1'"),
        )  # fmt: skip
    _log.info("%s: %d links, by %s", path, len(links), told)
    graph = TrackGraph.from_ids(_leave_out(spots, _DERIVED), links[:, 0], links[:, 1])
    if {"track", "tracklet"} <= set(spots.table):
        _warn_of_parts(spots.feature("track"), graph.track, path)
    return graph


def leave_tracks_out(spots: Spots, path: Path) -> Spots:
    """Leave out what tables of tracked spots say of tracks, where they are made anew."""
    ours = set(_DERIVED) <= set(spots.table)
    plain = plain_names(spots.table)
    track = next((plain[name] for name in TRACK_COLUMNS if name in plain), None)
    left_out = _DERIVED if ours else () if track is None else (track,)
    if left_out:
        _log.info("%s: %s are of the tracks it had, and left out", path, ", ".join(left_out))
    return _leave_out(spots, left_out)


def _leave_out(spots: Spots, names: Sequence[str]) -> Spots:
    return replace(spots, table=spots.table.drop(columns=[n for n in names if n in spots.table]))


def _warn_of_parts(named: NDArray[np.float64], found: Ints, path: Path) -> None:
    """Say which tracks of a table with tracks and tracklets are several, as links are not there."""
    rows = np.flatnonzero(named >= 0)
    alone = -1 - rows  # a number of its own for each cell in no track
    parts = pd.DataFrame({"track": named[rows], "part": found[rows]})
    parts["part"] = parts["part"].where(parts["part"] >= 0, alone)
    n_parts = parts.drop_duplicates().groupby("track").size()
    split = n_parts[n_parts > 1]
    if split.size:
        _log.warning(
            "%s: %d tracks fall apart, the first is %g: of the parents of a merge such a table "
            "names one; take the .xml or .geff of these tracks, which hold all links",
            path, split.size, split.index[0],
        )  # fmt: skip


def _warn_of_trees(spots: Spots, track: str, plain: dict[str, str], path: Path) -> None:
    """Say where tracks are told to belong together, but not how."""
    tree = next((plain[name] for name in _TREES if name in plain), None)
    if tree is None:
        return
    pairs = pd.DataFrame({"tree": spots.feature(tree), "track": spots.feature(track)})
    n_tracks = pairs.drop_duplicates().groupby("tree").size()
    if (n_tracks > 1).any():
        _log.warning(
            "%s: %d values of %s hold several tracks (divisions or merges), but no column says "
            "which comes from which: they are not linked; add a column parent with the mother's %s",
            path, int((n_tracks > 1).sum()), tree, track,
        )  # fmt: skip


def _warn_of_related(plain: dict[str, str], parent: str | None, path: Path) -> None:
    """Say which columns may name mothers, or daughters, and are not read."""
    others = [own for name, own in plain.items() if own != parent and own not in _DERIVED]
    unread = [own for own in others if any(word in own.lower() for word in _RELATED)]
    if unread:
        _log.warning(
            "%s: %s may tell which tracks come from which, and is not read: name the column "
            "parent_track_id, with the id of the mother's track, or parent_id, with that of the "
            "mother cell",
            path, ", ".join(unread),
        )  # fmt: skip


def _find_parents(spots: Spots, parent: str | None) -> Ints | None:
    """Give links from the cells that are named as parents, None where these are no cells.

    They are if every one is the id of an earlier cell.
    """
    if parent is None:
        return None
    named = spots.feature(parent)
    row = spots.find_rows(np.where(np.isfinite(named), named, -1))
    given = np.isfinite(named) & (named >= 0) & ~(named == spots.id)
    known = row >= 0
    if not (given & known).any() or (given & ~known & (named != 0)).any():
        return None
    children = np.flatnonzero(given & known)
    if (spots.frame[row[children]] >= spots.frame[children]).any():
        return None
    return np.stack([spots.id[row[children]], spots.id[children]], axis=1)


def _name_parents(spots: Spots, parent: str, track: str) -> Literal["cells", "tracks", "births"]:
    """Tell what parents that could be cells are; ids of tracks are, too, counted from 0.

    They are tracks where two cells of one track, which follow each other, name one. Where no cell
    names the one before it in its track, the parents are those of whole tracks: tracks, if all are
    such, else the cells from which these were born.
    """
    if parent not in spots.table:
        return "cells"
    table = pd.DataFrame(
        {"track": spots.feature(track), "named": spots.feature(parent), "frame": spots.frame}
    )
    table = table[table["track"] >= 0].sort_values(["track", "frame"])
    given = table[table["named"] >= 0]
    if (given.groupby(["track", "named"])["frame"].nunique() > 1).any():
        return "tracks"
    goes_on = table["track"].duplicated()
    if not goes_on.any() or goes_on[given.index].any():
        return "cells"
    return "tracks" if given["named"].isin(table["track"]).all() else "births"


def _link_tracks(spots: Spots, track: str, parent: str | None, path: Path) -> Ints:
    """Link the cells of each track in order, and each first cell to its parent's last one."""
    member = spots.feature(track)
    if (np.abs(member) >= MAX_EXACT).any():
        msg = f"{path}: {track} has ids past 2⁵³, which cannot be told apart for sure; number the "
        msg += "tracks anew"
        raise UserError(msg)
    rows = np.flatnonzero(np.isfinite(member) & (member >= 0))
    rows = rows[np.lexsort((spots.frame[rows], member[rows]))]
    key, frame = member[rows], spots.frame[rows]
    alone = ~pd.DataFrame({"track": key, "frame": frame}).duplicated(keep=False).to_numpy()
    same = np.flatnonzero(key[1:] == key[:-1])
    clear = same[alone[same] & alone[same + 1]]
    if not alone.all():
        _log.warning(
            "%s: %d values of %s have several cells in a frame, the first is %g: divisions of "
            "which it is not said what comes from what; no link is made there",
            path, np.unique(key[~alone]).size, track, key[~alone][0],
        )  # fmt: skip
    links = [np.stack([rows[clear], rows[clear + 1]], axis=1)]
    if parent is not None and rows.size:
        links.append(_link_parents(spots, rows, key, spots.feature(parent)[rows], alone, path))
    ends: Ints = spots.id[np.concatenate(links)]
    return ends


def _check_one_parent(
    key: NDArray[np.float64], named: NDArray[np.float64], first: Ints, path: Path
) -> None:
    """Tell of tracks that name another parent in a later row; refuse parents that change always."""
    counts = np.diff(np.append(first, key.size))
    other = (named > 0) & (named != key) & (named != np.repeat(named[first], counts))
    contrary = np.unique(key[other])
    if contrary.size > (counts > 1).sum() / 2:
        msg = f"{path}: {contrary.size} of {first.size} tracks name other parents in later rows, "
        msg += f"the first is {contrary[0]:g}: are they the parents of cells, whose ids count anew "
        msg += "in each frame? Give each cell an id of its own, or each track one parent"
        raise UserError(msg)
    if contrary.size:
        _log.warning(
            "%s: %d tracks name another parent in a later row, the first is %g: that of a track's "
            "first row counts",
            path, contrary.size, contrary[0],
        )  # fmt: skip


def _link_parents(
    spots: Spots,
    rows: Ints,
    key: NDArray[np.float64],
    named: NDArray[np.float64],
    alone: NDArray[np.bool_],
    path: Path,
) -> Ints:
    """Link the first cell of each track to the last one of the track that it names as parent.

    Cells that are not alone in their track and frame are not linked.
    """
    first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    last = np.concatenate((first[1:] - 1, [key.size - 1]))
    _check_one_parent(key, named, first, path)
    mother = pd.Index(key[first]).get_indexer(pd.Index(named[first]))
    born = (mother >= 0) & (named[first] != key[first])
    born[born] = alone[last[mother[born]]] & alone[first[born]]
    source, target = rows[last[mother[born]]], rows[first[born]]
    earlier = spots.frame[source] < spots.frame[target]
    unknown = key[first[(mother < 0) & (named[first] > 0)]]
    for why, tracks in (
        ("name a parent that is not there", unknown),
        ("begin before their parent has ended", key[first[born]][~earlier]),
    ):
        if tracks.size:
            _log.warning(
                "%s: %d tracks %s, the first is %g: they are not linked to it",
                path, tracks.size, why, tracks[0],
            )  # fmt: skip
    return np.stack([source[earlier], target[earlier]], axis=1)
