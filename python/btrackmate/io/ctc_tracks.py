"""Folders of the Cell Tracking Challenge as tracks, and tracks as such folders."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import make_folder, write_atomically, write_text
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots, measure_radius
from btrackmate.io.ctc import CtcMovie, find_ctc, read_ctc
from btrackmate.io.ctc_names import CTC_NAMES

_log = logging.getLogger(__name__)

_MAX_UINT16 = 2**16 - 1


def read_ctc_tracks(folder: Path) -> TrackGraph:
    """Read a folder with tracked label images as tracks.

    Parameters
    ----------
    folder : Path
        ``01_RES``, ``01_GT`` or its ``TRA``.

    Returns
    -------
    TrackGraph
        One spot a label and frame, at its centroid in voxels, with `label` (of the tracklet),
        `voxels` and `radius`; ids from 0, by frame, then label. The cells of a tracklet are linked
        in order, over gaps; its first one to the last of its parent.

    Raises
    ------
    UserError
        If the table or the images are missing or damaged, or the table names a parent that does
        not end before its child begins.

    Notes
    -----
    A tracklet of the table without a cell is told in the log; so are labels that the table lacks:
    they count as tracklets without a parent.
    """
    place, _ = find_ctc(folder)
    if place is None:
        msg = f"{folder}: no tracks; expected man_track.txt or res_track.txt with label images"
        raise UserError(msg)
    movie = read_ctc(place)
    _log.info("%s: positions are in voxels, as such folders have no calibration", folder)
    spots = _measure(movie)
    source, target = _link(spots, movie.tracks, place)
    return TrackGraph.from_links(spots, source, target)


def _measure(movie: CtcMovie) -> Spots:
    """Give every cell its centroid in voxels."""
    parts = []
    ndim = 2
    for t, labels in enumerate(movie.frames):
        ndim = labels.ndim
        parts.append(_find_centroids(labels).assign(frame=t))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "id", np.arange(len(table)))
    return Spots.from_table(
        table, Calibration(), ndim=ndim, n_frames=len(movie.frames), source="Challenge folder"
    )


def _find_centroids(labels: NDArray[Any]) -> pd.DataFrame:
    inside = np.nonzero(labels)
    present, index = np.unique(labels[inside], return_inverse=True)
    voxels = np.bincount(index, minlength=present.size)
    table = pd.DataFrame({"label": present.astype(np.int64), "voxels": voxels})
    for name, where in zip("xyz", inside[::-1], strict=False):
        sums = np.bincount(index, weights=where, minlength=present.size)
        table[name] = sums / np.maximum(voxels, 1)
    table["radius"] = measure_radius(voxels, labels.ndim)
    return table.assign(z=0.0) if labels.ndim == 2 else table


def _link(
    spots: Spots, tracks: pd.DataFrame, place: Path
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Link the cells by the table, and tell what of it does not fit them."""
    label = spots.feature("label").astype(np.int64)
    known = np.isin(tracks["label"], label)
    if not known.all():
        _log.warning("%s: %d tracklets of the table have no cell", place, (~known).sum())
    strange = np.setdiff1d(label, tracks["label"])
    if strange.size:
        _log.warning(
            "%s: %d labels are not in the table, the first is %d", place, strange.size, strange[0]
        )
    _warn_of_contradictions(spots.frame, label, tracks, place)
    source, target = link_tracklets(spots.frame, label, tracks)
    late = np.flatnonzero(spots.frame[source] >= spots.frame[target])
    if late.size:
        mother, child = label[source[late[0]]], label[target[late[0]]]
        msg = f"{place}: the parent {mother} of tracklet {child} has a cell in "
        msg += "the frame where it begins, or later; correct the table"
        raise UserError(msg)
    return source, target


def _warn_of_contradictions(
    frame: NDArray[np.int64], label: NDArray[np.int64], tracks: pd.DataFrame, place: Path
) -> None:
    """Say in the log what the table tells of its tracklets and the images do not."""
    cells = pd.Series(frame).groupby(label).agg(["min", "max"])
    rows = tracks[tracks["label"].isin(cells.index)]
    orphans = rows[(rows["parent"] > 0) & ~rows["parent"].isin(cells.index)]
    if len(orphans):
        child, parent = orphans[["label", "parent"]].iloc[0]
        _log.warning(
            "%s: %d tracklets name a parent that has no cell, the first is %d, of %d: they are not "
            "linked to it", place, len(orphans), child, parent,
        )  # fmt: skip
    seen = cells.loc[rows["label"]].to_numpy()
    off = np.flatnonzero((rows[["begin", "end"]].to_numpy() != seen).any(axis=1))
    if off.size:
        one = rows.iloc[off[0]]
        _log.warning(
            "%s: %d tracklets have cells in other frames than the table says, the first is %d, "
            "there %d to %d and in the images %d to %d: the images count",
            place, off.size, one["label"], one["begin"], one["end"], *seen[off[0]],
        )  # fmt: skip


def link_tracklets(
    frame: NDArray[np.int64], label: NDArray[np.int64], tracks: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Link the cells of each tracklet in order of time, and its first to its parents' last ones.

    Parameters
    ----------
    frame, label : (n,) ndarray of int
        Of the cells; a label is in a frame once.
    tracks : DataFrame
        label and parent; of several parents a row each, of none 0. Those without cells are passed
        over.

    Returns
    -------
    source, target : (m,) ndarray of int
        Rows of the cells; of a parent that goes on too long, a link back in time.
    """
    order = np.lexsort((frame, label))
    same = label[order[1:]] == label[order[:-1]]
    present, first = np.unique(label[order], return_index=True)
    last = np.append(first[1:], order.size) - 1
    born = tracks[np.isin(tracks["label"], present) & np.isin(tracks["parent"], present)]
    mother = order[last[np.searchsorted(present, born["parent"])]]
    child = order[first[np.searchsorted(present, born["label"])]]
    source = np.concatenate([order[:-1][same], mother])
    return source, np.concatenate([order[1:][same], child])


def write_ctc(folder: Path, frames: Iterator[NDArray[np.uint32]], tracks: pd.DataFrame) -> None:
    """Write a result of the Cell Tracking Challenge; an existing folder is replaced.

    Parameters
    ----------
    folder : Path
        ``…_RES``: res_track.txt and maskTTT.tif; ``TRA``: man_track.txt and man_trackTTT.tif.
    frames : iterator of ([Z,] Y, X) ndarray of uint32
        Label images whose labels are those of `tracks`.
    tracks : DataFrame
        label, begin, end (frames, both included) and parent, 0 for none.

    References
    ----------
    https://celltrackingchallenge.net/datasets/, "Naming and file content conventions".
    """
    table, stem = CTC_NAMES[0] if folder.name.upper() == "TRA" else CTC_NAMES[1]
    small = int(tracks["label"].max() if len(tracks) else 0) <= _MAX_UINT16
    if not small:
        _log.warning(
            "%s: more than %d tracklets: images of 32 bit, which the Challenge's own programs "
            "do not read", folder, _MAX_UINT16,
        )  # fmt: skip
    rows = tracks[["label", "begin", "end", "parent"]].astype(np.int64)
    with write_atomically(folder) as aside:
        make_folder(aside)
        for t, labels in enumerate(frames):
            image = labels.astype(np.uint16) if small else labels
            tifffile.imwrite(
                aside / f"{stem}{t:03d}.tif", image, compression="zlib", photometric="minisblack"
            )
        write_text(
            aside / table, "".join(f"{a} {b} {c} {d}\n" for a, b, c, d in rows.to_numpy().tolist())
        )
