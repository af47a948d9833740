"""All spots and links as arrays for drawing, kept up with every edit."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from btrackmate.core.graph import TrackGraph
from btrackmate.review.growing import RowsById

if TYPE_CHECKING:
    from btrackmate.review import Change

IntArray = NDArray[np.int64]


class Scene:
    """Spots and links by row: the graph's rows first, sorted by frame, then what was added.

    A spot that is deleted keeps its row and is not `alive`; one that comes back gets it again.

    Parameters
    ----------
    graph : TrackGraph
    track_ids : (n_tracks,) ndarray of int, optional
        Ids of its tracks, e.g. TrackMate's; else 0, 1, …

    Attributes
    ----------
    id, frame, track : (n,) ndarray of int
        Of each row; the track is −1 for a spot without links.
    points : (n, 2 or 3) ndarray of float
        Positions [z,] y, x in the space unit.
    alive : (n,) ndarray of bool
    """

    def __init__(self, graph: TrackGraph, track_ids: IntArray | None = None) -> None:
        self.graph = graph
        spots = graph.spots
        axes = ["z", "y", "x"][3 - spots.ndim :]
        self.id: IntArray = spots.id
        self.frame: IntArray = spots.frame
        self.points: NDArray[np.float64] = spots.table[axes].to_numpy(np.float64, copy=True)
        self.track: IntArray = graph.name_tracks(track_ids)
        self.alive = np.ones(len(spots), np.bool_)
        self.source, self.target = graph.source, graph.target
        self._linked = np.ones(graph.n_links, np.bool_)
        self._n_rows, self._n_links = len(spots), graph.n_links
        self._offsets = spots.frame_offsets
        span = self.frame[self.target] - self.frame[self.source]
        self._longest = int(span.max(initial=1))
        self._rows = RowsById(self.id)
        self._late_links: dict[tuple[int, int], int] = {}
        self._tracklet: IntArray | None = None

    @property
    def tracklet(self) -> IntArray:
        """Tracklet of each row, (n,): named by the row of its first spot, so that it stays."""
        if self._tracklet is None:
            self._tracklet = np.arange(self.id.size)
            self._find_tracklets(np.flatnonzero(self.alive))
        return self._tracklet

    @property
    def n_frames(self) -> int:
        """Length of the movie in frames."""
        return self.graph.spots.n_frames

    @property
    def ndim(self) -> int:
        """Space dimensions, 2 or 3."""
        return self.graph.spots.ndim

    def row(self, spot: int) -> int:
        """Give the row of a spot by its id; −1 if it is not there."""
        row = self._rows.find(spot)
        return row if row >= 0 and self.alive[row] else -1

    def rows(self, spots: IntArray) -> IntArray:
        """Give the rows of spots by their ids, deleted ones too; −1 for one that never was."""
        return self._rows.find_all(spots)

    def rows_in(self, first: int, last: int) -> IntArray:
        """Give the rows of the spots in the frames `first` to `last`, both included."""
        low, high = (min(max(one, 0), self.n_frames) for one in (first, last + 1))
        rows = np.arange(self._offsets[low], self._offsets[max(high, low)])
        late = np.arange(self._n_rows, self.id.size)
        late = late[(self.frame[late] >= first) & (self.frame[late] <= last)]
        rows = np.concatenate((rows, late))
        alive: IntArray = rows[self.alive[rows]]
        return alive

    def rows_of(self, tracks: IntArray) -> IntArray:
        """Give the rows of the spots of some tracks, ascending."""
        if len(tracks) == 1:
            return np.flatnonzero((self.track == tracks[0]) & self.alive)
        return np.flatnonzero(np.isin(self.track, tracks) & self.alive)

    def links_between(self, first: int, last: int) -> tuple[IntArray, IntArray]:
        """Give the links that touch the frames `first` to `last`, as rows of source and target."""
        low = min(max(first - self._longest, 0), self.n_frames)
        high = min(max(last + 1, low), self.n_frames)
        begin, end = np.searchsorted(
            self.source[: self._n_links], (self._offsets[low], self._offsets[high])
        )
        late = np.arange(self._n_links, self.source.size)
        links = np.concatenate((np.arange(begin, end), late))
        links = links[self._linked[links]]
        source, target = self.source[links], self.target[links]
        touches = (self.frame[target] >= first) & (self.frame[source] <= last)
        return source[touches], target[touches]

    def links_of(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Give the links among some rows, as rows of source and target."""
        inside = np.zeros(self.id.size, np.bool_)
        inside[rows] = True
        links = np.flatnonzero(self._linked & inside[self.source] & inside[self.target])
        return self.source[links], self.target[links]

    def apply(self, change: "Change") -> None:
        """Follow an edit that was made of the tracks."""
        for spot in change.added_spots:
            self._add_spot(spot.id, spot.frame, spot.position)
        for move in change.moved:
            self.points[self._rows.find(move.after.id)] = self._point(move.after.position)
        for link in change.removed_links:
            self._linked[self._find_link(link.source, link.target)] = False
        for link in change.added_links:
            self._add_link(link.source, link.target)
        for spot in change.removed_spots:
            self.alive[self._rows.find(spot.id)] = False
        for one in change.renumbered or ():
            self.track[self.rows(one.spots)] = one.after
        if self._tracklet is not None:
            rows = self.rows(np.array(sorted(change.spots), np.int64))
            more = np.arange(self._tracklet.size, self.id.size)
            self._tracklet = np.append(self._tracklet, more)
            self._tracklet[rows] = rows
            self._find_tracklets(self.rows_of(np.array(sorted(change.tracks), np.int64)))

    def _find_tracklets(self, rows: IntArray) -> None:
        """Name the tracklets of whole tracks anew."""
        if self._tracklet is None or not rows.size:
            return
        source, target = self.links_of(rows)
        goes_on = np.bincount(source, minlength=self.id.size)[source] == 1
        goes_on &= np.bincount(target, minlength=self.id.size)[target] == 1
        a, b = np.searchsorted(rows, (source[goes_on], target[goes_on]))
        pairs = coo_array((np.ones(a.size, np.bool_), (a, b)), shape=(rows.size, rows.size))
        number = connected_components(pairs, directed=False)[1]
        first = np.full(rows.size, np.iinfo(np.int64).max)
        np.minimum.at(first, number, rows)
        self._tracklet[rows] = first[number]

    def _point(self, position: tuple[float, float, float]) -> NDArray[np.float64]:
        return np.array(position[: self.ndim][::-1])

    def _add_spot(self, spot: int, frame: int, position: tuple[float, float, float]) -> None:
        row = self._rows.find(spot)
        if row < 0:
            row = self.id.size
            self._rows.add(spot, row)
            self.id = np.append(self.id, spot)
            self.frame = np.append(self.frame, frame)
            self.track = np.append(self.track, -1)
            self.points = np.vstack((self.points, self._point(position)))
            self.alive = np.append(self.alive, True)
        self.alive[row] = True
        self.points[row] = self._point(position)

    def _find_link(self, source: int, target: int) -> int:
        """Give the number of a link, a removed one too; −1 if there never was one."""
        a, b = self._rows.find(source), self._rows.find(target)
        late = self._late_links.get((a, b))
        if late is not None:
            return late
        begin, end = self.source[: self._n_links].searchsorted((a, a + 1)).tolist()
        targets = self.target[begin:end].tolist()
        return begin + targets.index(b) if b in targets else -1

    def _add_link(self, source: int, target: int) -> None:
        number = self._find_link(source, target)
        if number < 0:
            a, b = (int(row) for row in self.rows(np.array([source, target])))
            number = self._late_links[a, b] = self.source.size
            self.source, self.target = np.append(self.source, a), np.append(self.target, b)
            self._linked = np.append(self._linked, True)
        self._linked[number] = True
