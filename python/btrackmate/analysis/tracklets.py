"""The table of tracklets: relatives, lifetime, what cuts it off, and how it ends."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Fate(StrEnum):
    """How a tracklet ends."""

    DIVIDES = "divides"
    MERGES = "merges"
    END_OF_MOVIE = "end of movie"
    LEAVES_IMAGE = "leaves by the image border"
    LEAVES_TISSUE = "leaves the tissue"
    ENDS = "ends"


class Origin(StrEnum):
    """How a tracklet begins."""

    BIRTH = "birth"
    MERGE = "merge"
    START_OF_MOVIE = "start of movie"
    ENTERS_IMAGE = "enters by the image border"
    ENTERS_TISSUE = "enters the tissue"
    APPEARS = "appears"


@dataclass(frozen=True, eq=False)
class Members:
    """The spots of every tracklet, in order of time.

    Parameters
    ----------
    rows : (n,) ndarray of int
        Rows of the spots, sorted by tracklet, then frame.
    offsets : (n_tracklets + 1,) ndarray of int
        Tracklet i has ``rows[offsets[i]:offsets[i + 1]]``.
    """

    rows: Ints
    offsets: Ints

    @classmethod
    def of(cls, graph: TrackGraph) -> "Members":
        """Sort the spots of a graph by tracklet."""
        count = np.bincount(graph.tracklet, minlength=len(graph.tracklets))
        offsets = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
        return cls(np.argsort(graph.tracklet, kind="stable"), offsets)

    def __getitem__(self, tracklet: int) -> Ints:
        """Give the rows of one tracklet's spots, in order of time."""
        return self.rows[self.offsets[tracklet] : self.offsets[tracklet + 1]]


def make_tracklets_table(
    graph: TrackGraph, bounds: Floats | None = None, ids: Ints | None = None
) -> pd.DataFrame:
    """Make a table of the tracklets of all tracks, one row each, in order of their first spot.

    Parameters
    ----------
    graph : TrackGraph
        Spots may have radius, touches_border and boundary_distance. An unlinked spot is in no
        track and has no row.
    bounds : (2, 3) ndarray of float, optional
        Lowest and highest x, y, z that the image covers, in the space unit; without it and without
        the column touches_border nothing leaves by the image border.
    ids : (n_tracks,) ndarray of int, optional
        Ids of the tracks, e.g. TrackMate's; 0 … n−1 if left out.

    Returns
    -------
    DataFrame
        Index: tracklet, the number that :attr:`TrackGraph.tracklet` gives. Columns:

        track; root (first tracklet of the lineage), mother, sister: numbers of tracklets, −1 for
        none; n_sisters; generation (0 for roots).

        start, end (frames); length (end − start, gaps counted) in frames; duration (the same in the
        time unit); n_spots; n_gaps, missed_frames.

        origin, fate: :class:`Origin` and :class:`Fate` in words; censored_start (not born by a
        division), censored_end (does not divide).

        time_since_birth (time unit): from the mother's last spot to this tracklet's last one, NaN
        where the birth was not seen. cycle_time: the same for tracklets between two divisions, NaN
        for all others.

    Notes
    -----
    A merge gives several mothers; `mother` and `root` are then those of the lowest number.

    A cell leaves by the image border if it touches it in its last spot (its ball, or touches_border
    of a measured label), or if its last step, repeated, ends outside. It leaves the tissue if its
    boundary distance is not positive in its last spot, or would not be one frame later at the rate
    of its last step. Beginnings likewise, backward in time. Where several hold, the order is
    divides, merges, end of movie, image border, tissue.
    """
    table = graph.tracklets
    chosen = np.flatnonzero(table["track"].to_numpy() >= 0)
    members = Members.of(graph)
    last, first = table["last_row"].to_numpy(), table["first_row"].to_numpy()
    start, end = table["start"].to_numpy(), table["end"].to_numpy()
    mother, sister, n_sisters = _find_relatives(graph)
    fate = _judge_ends(graph, members, last, bounds)
    origin = _judge_starts(graph, members, first, bounds)
    dt = graph.spots.calibration.dt
    born = origin == Origin.BIRTH
    since_birth = np.full(len(table), np.nan)
    since_birth[born] = (end[born] - end[mother[born]]) * dt
    columns: dict[str, NDArray[Any]] = {
        "track": table["track"].to_numpy(),
        "root": _find_roots(mother),
        "mother": mother,
        "sister": sister,
        "n_sisters": n_sisters,
        "generation": table["generation"].to_numpy(),
        "start": start,
        "end": end,
        "length": end - start,
        "duration": (end - start) * dt,
        "n_spots": table["n_spots"].to_numpy(),
        "n_gaps": _count_gaps(graph),
        "missed_frames": end - start + 1 - table["n_spots"].to_numpy(),
        "origin": origin,
        "fate": fate,
        "censored_start": ~born,
        "censored_end": fate != Fate.DIVIDES,
        "time_since_birth": since_birth,
        "cycle_time": np.where(fate == Fate.DIVIDES, since_birth, np.nan),
    }
    result = pd.DataFrame(columns, index=pd.RangeIndex(len(table), name="tracklet")).iloc[chosen]
    if ids is not None:
        result["track"] = ids[result["track"]]
    return result


def summarise_ends(tracklets: pd.DataFrame) -> pd.DataFrame:
    """Count the tracklets by origin and fate.

    Parameters
    ----------
    tracklets : DataFrame
        As :func:`make_tracklets_table` gives it.

    Returns
    -------
    DataFrame
        what (origin or fate), value, n; every :class:`Origin` and :class:`Fate` has a row.
    """
    rows = [
        (what, str(value), int((tracklets[what] == value).sum()))
        for what, kind in (("origin", Origin), ("fate", Fate))
        for value in kind
    ]
    return pd.DataFrame(rows, columns=["what", "value", "n"])


def find_bounds(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Floats:
    """Give the lowest and highest x, y, z of an image, its outer voxels' faces; (2, 3).

    Parameters
    ----------
    shape : (Z, Y, X)
    spacing : (dz, dy, dx)
    """
    size = np.array(shape[::-1], np.float64)
    step = np.array(spacing[::-1], np.float64)
    return np.stack([-0.5 * step, (size - 0.5) * step])


def _find_relatives(graph: TrackGraph) -> tuple[Ints, Ints, Ints]:
    """Give each tracklet's mother, lowest sister and number of sisters; −1 for none."""
    count = len(graph.tracklets)
    mother = graph.tracklets["parent"].to_numpy().copy()
    parent, child = graph.tracklet_links
    order = np.lexsort((child, parent))
    parent, child = parent[order], child[order]
    litter = np.bincount(parent, minlength=count)
    n_sisters = np.zeros(count, np.int64)
    born = mother >= 0
    n_sisters[born] = litter[mother[born]] - 1
    sister = np.full(count, -1, np.int64)
    first = np.searchsorted(parent, np.arange(count))
    has = n_sisters > 0
    lowest = child[first[mother[has]]]
    second = child[np.minimum(first[mother[has]] + 1, child.size - 1)]
    own = np.flatnonzero(has)
    sister[has] = np.where(lowest == own, second, lowest)
    return mother, sister, n_sisters


def _find_roots(mother: Ints) -> Ints:
    root = np.where(mother >= 0, mother, np.arange(mother.size))
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return root
        root = further


def _count_gaps(graph: TrackGraph) -> Ints:
    """Count the links inside each tracklet that skip frames."""
    frame = graph.spots.frame
    inner = graph.tracklet[graph.source] == graph.tracklet[graph.target]
    skips = inner & (frame[graph.target] - frame[graph.source] > 1)
    owner = graph.tracklet[graph.source[skips]]
    return np.bincount(owner, minlength=len(graph.tracklets)).astype(np.int64)


def _judge_ends(
    graph: TrackGraph, members: Members, last: Ints, bounds: Floats | None
) -> NDArray[Any]:
    spots = graph.spots
    has_before = np.diff(members.offsets) > 1
    before = members.rows[np.maximum(members.offsets[1:] - 2, members.offsets[:-1])]
    fate = np.full(last.size, Fate.ENDS, object)
    outside_image, outside_tissue = _judge_exits(graph, last, before, has_before, bounds)
    fate[outside_tissue] = Fate.LEAVES_TISSUE
    fate[outside_image] = Fate.LEAVES_IMAGE
    fate[spots.frame[last] == spots.ends[1]] = Fate.END_OF_MOVIE
    fate[graph.out_degree[last] == 1] = Fate.MERGES
    fate[graph.out_degree[last] > 1] = Fate.DIVIDES
    return fate


def _judge_starts(
    graph: TrackGraph, members: Members, first: Ints, bounds: Floats | None
) -> NDArray[Any]:
    spots = graph.spots
    has_after = np.diff(members.offsets) > 1
    after = members.rows[np.minimum(members.offsets[:-1] + 1, members.offsets[1:] - 1)]
    origin = np.full(first.size, Origin.APPEARS, object)
    outside_image, outside_tissue = _judge_exits(graph, first, after, has_after, bounds)
    origin[outside_tissue] = Origin.ENTERS_TISSUE
    origin[outside_image] = Origin.ENTERS_IMAGE
    origin[spots.frame[first] == spots.ends[0]] = Origin.START_OF_MOVIE
    origin[graph.in_degree[first] == 1] = Origin.BIRTH
    origin[graph.in_degree[first] > 1] = Origin.MERGE
    return origin


def _judge_exits(
    graph: TrackGraph, last: Ints, before: Ints, moved: NDArray[np.bool_], bounds: Floats | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which spots are at, or about to cross, the image border and the tissue's surface.

    `before` are the spots one step earlier (or later, for beginnings), where `moved`.
    """
    spots = graph.spots
    steps = np.abs(spots.frame[last] - spots.frame[before]).clip(1)
    image = np.zeros(last.size, np.bool_)
    if "touches_border" in spots.table:
        image |= spots.feature("touches_border")[last] > 0
    if bounds is not None:
        place = spots.positions
        here = place[last]
        ahead = np.where(moved[:, None], (here - place[before]) / steps[:, None], 0.0) + here
        radius = np.zeros(last.size)
        if "radius" in spots.table:
            radius = np.nan_to_num(spots.feature("radius")[last])
        for axis in range(spots.ndim):
            low, high = bounds[0, axis], bounds[1, axis]
            image |= (here[:, axis] - radius <= low) | (here[:, axis] + radius >= high)
            image |= (ahead[:, axis] <= low) | (ahead[:, axis] >= high)
    tissue = np.zeros(last.size, np.bool_)
    if "boundary_distance" in spots.table:
        distance = spots.feature("boundary_distance")
        rate = np.where(moved, (distance[last] - distance[before]) / steps, 0.0)
        tissue = (distance[last] <= 0) | (distance[last] + np.nan_to_num(rate) <= 0)
    return image, tissue
