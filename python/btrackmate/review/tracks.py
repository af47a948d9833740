"""Tracks that can be edited, fast at a million spots."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph, part_ids
from btrackmate.core.spots import Spots
from btrackmate.review.changes import Change, Link, Renumbering, Spot
from btrackmate.review.growing import Growing
from btrackmate.review.link_store import LinkStore
from btrackmate.review.spot_store import SpotStore

IntArray = NDArray[np.int64]

_NO_TRACK = -1


class EditableTracks:
    """Spots and links that can be changed one by one; spots are named by their id.

    The operations of :mod:`btrackmate.review.operations` say what to change, `apply` does it. The
    work depends on what an edit touches, not on the size of the movie.

    Parameters
    ----------
    graph : TrackGraph
        The tracks to begin with; not changed.
    track_ids : (n_tracks,) ndarray of int, optional
        Ids of the graph's tracks, e.g. TrackMate's; else 0, 1, …
    allow_merges : bool
        Whether a spot may have more than one parent.

    Notes
    -----
    When a track falls apart the larger part keeps its id, of equal ones that which begins first;
    when two are joined, likewise. A spot without links belongs to no track, −1. Undoing gives back
    the ids, too.
    """

    def __init__(
        self,
        graph: TrackGraph,
        *,
        track_ids: IntArray | None = None,
        allow_merges: bool = True,
    ) -> None:
        self.allow_merges = allow_merges
        self._graph = graph
        self._edited = False
        self._spots = SpotStore(graph.spots)
        self._links = LinkStore(graph)
        number = graph.name_tracks(track_ids)
        self._track = Growing(number)
        self._next_track = int(number.max(initial=-1)) + 1

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return self._spots.n_spots

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self._links.n_links

    @property
    def n_frames(self) -> int:
        """Length of the movie in frames."""
        return self._graph.spots.n_frames

    @property
    def ndim(self) -> int:
        """Space dimensions, 2 or 3."""
        return self._graph.spots.ndim

    @property
    def space_unit(self) -> str:
        """Unit of the positions."""
        return self._graph.spots.calibration.space_unit

    @property
    def columns(self) -> list[str]:
        """Names of the columns of the spots table."""
        return list(self._graph.spots.table.columns)

    def is_text(self, column: str) -> bool:
        """Tell whether a column of the spots table is there and holds text."""
        table = self._graph.spots.table
        return column in table and not pd.api.types.is_numeric_dtype(table[column])

    def time(self, frame: int) -> float:
        """Time of a frame in the time unit: that of its spots, else frame × dt."""
        base = self._graph.spots
        offsets = base.frame_offsets
        if offsets[frame] < offsets[frame + 1]:
            return float(base.feature("time")[int(offsets[frame])])
        return frame * base.calibration.dt

    @property
    def next_spot(self) -> int:
        """An id that no spot has, or had."""
        return self._spots.next_id()

    def __contains__(self, spot: int) -> bool:
        return self._spots.find(spot) >= 0

    def spot(self, spot: int) -> Spot:
        """Give all that is known of a spot.

        Raises
        ------
        UserError
            If it is not there.
        """
        return self._spots.read(self._row(spot))

    def frame(self, spot: int) -> int:
        """Frame of a spot."""
        return int(self._spots.frame.values[self._row(spot)])

    def position(self, spot: int) -> tuple[float, float, float]:
        """Position x, y, z of a spot in the space unit."""
        x, y, z = self._spots.xyz.values[self._row(spot)].tolist()
        return x, y, z

    def track(self, spot: int) -> int:
        """Track of a spot, −1 for none."""
        return int(self._track.values[self._row(spot)])

    def spots_of(self, track: int) -> IntArray:
        """Ids of the spots of a track, by frame, then id.

        Raises
        ------
        UserError
            If there is no such track.
        """
        rows = self._rows_of(track)
        order = np.lexsort((self._spots.id.values[rows], self._spots.frame.values[rows]))
        return self._ids(rows[order])

    def tracks(self) -> IntArray:
        """Ids of all tracks, ascending."""
        found: IntArray = np.unique(self._track.values[self._spots.alive.values])
        return found[found >= 0]

    def parents(self, spot: int) -> list[int]:
        """Ids of the spots that link to a spot, ascending."""
        return sorted(self._ids(self._links.parents(self._row(spot))).tolist())

    def children(self, spot: int) -> list[int]:
        """Ids of the spots that a spot links to, ascending."""
        return sorted(self._ids(self._links.children(self._row(spot))).tolist())

    def sisters(self, spot: int) -> list[int]:
        """Ids of the other daughters of a spot's parents, ascending."""
        found = {child for parent in self.parents(spot) for child in self.children(parent)}
        return sorted(found - {spot})

    def link(self, source: int, target: int) -> Link | None:
        """Give the link between two spots, None if there is none."""
        known = self._links.find(self._row(source), self._row(target))
        return None if known is None else Link(source, target, *known)

    def links_into(self, spot: int) -> list[Link]:
        """List the links from a spot's parents."""
        row = self._row(spot)
        return [
            Link(int(self._spots.id.values[one]), spot, *(self._links.find(one, row) or ()))
            for one in self._links.parents(row)
        ]

    def in_frame(self, frame: int) -> IntArray:
        """Ids of the spots of a frame."""
        return self._ids(self._spots.in_frame(frame))

    def near(
        self, frame: int, position: tuple[float, float, float], radius: float = np.inf
    ) -> list[tuple[int, float]]:
        """List the spots of a frame around a position, the nearest first.

        Parameters
        ----------
        frame : int
        position : tuple of float
            x, y, z in the space unit.
        radius : float
            Largest distance from it [space unit].

        Returns
        -------
        list of (id, distance)
            Distances in the space unit; of equally near spots the lowest id first.
        """
        rows = self._spots.in_frame(frame)
        away = np.sqrt(((self._spots.xyz.values[rows] - np.array(position)) ** 2).sum(axis=1))
        rows, away = rows[away <= radius], away[away <= radius]
        ids = self._ids(rows)
        order = np.lexsort((ids, away))
        return list(zip(ids[order].tolist(), away[order].tolist(), strict=True))

    def find_label(self, frame: int, label: int) -> list[int]:
        """Ids of the spots of a frame that have a label."""
        rows = self._spots.in_frame(frame)
        found: list[int] = self._ids(rows[self._spots.label.values[rows] == label]).tolist()
        return found

    def lineage(self, track: int) -> TrackGraph:
        """Give one track as a graph, with all that the graph tells of it: tracklets, generations.

        Its spots have the columns id, frame, time, x, y, z, and quality where there is one: all
        that features of tracks are computed from.

        Raises
        ------
        UserError
            If there is no such track.
        """
        rows = self._rows_of(track)
        x, y, z = self._spots.xyz.values[rows].T
        table = pd.DataFrame(
            {"id": self._ids(rows), "frame": self._spots.frame.values[rows], "x": x, "y": y, "z": z}
        )
        for name in ("time", "quality"):
            if (values := self._spots.feature(name, rows)) is not None:
                table[name] = values
        base = self._graph.spots
        spots = Spots.from_table(
            table,
            base.calibration,
            ndim=base.ndim,
            n_frames=base.n_frames,
            searched=base.searched,
        )
        links = [(row, child) for row in rows.tolist() for child in self._links.children(row)]
        source, target = (self._ids(list(ends)) for ends in zip(*links, strict=True))
        return TrackGraph.from_ids(spots, source, target)

    @property
    def is_edited(self) -> bool:
        """Whether edits were made, or taken back, so that they may not be as they were given."""
        return self._edited

    def to_graph(self) -> TrackGraph:
        """Give all spots and links as they are now."""
        if not self._edited:
            return self._graph
        spots = self._spots.to_spots()
        source, target, cost, confidence = self._links.list_all()
        ids = self._spots.id.values
        graph = TrackGraph.from_ids(spots, ids[source], ids[target], cost, confidence)
        return replace(graph, record=self._graph.record)

    def name_tracks(self, graph: TrackGraph) -> IntArray:
        """Give the ids of the tracks of a graph of these spots, (n_tracks,).

        Of several parts of a track the first has its id, others have new ones.
        """
        ids = np.empty(graph.n_tracks, np.int64)
        linked = graph.track >= 0
        rows = self._spots.rows_of(graph.spots.id[linked])
        ids[graph.track[linked]] = self._track.values[rows]
        return part_ids(ids, self._next_track)

    def apply(self, change: Change) -> Change:
        """Make a change that an operation planned, or the inverse of one that was made.

        Returns
        -------
        Change
            The same with the tracks that it touched.

        Raises
        ------
        UserError
            If a spot or a link of it is not there, as where another program took it away since;
            nothing has changed then.
        """
        self._check_there(change)
        self._edited = True
        before = self._tracks_at(change.spots)
        whole = self._find_whole_tracks(change)
        done: list[Renumbering] = []
        known = change.renumbered is not None
        for link in change.removed_links:
            source, target = (self._spots.find(end) for end in link[:2])
            self._links.remove(source, target)
            if not known and self._track.values[source] not in whole:
                self._separate(source, target, done)
        if not known:
            for track in whole:
                self._renumber(self._rows_of(track), _NO_TRACK, done)
        for spot in change.removed_spots:
            self._spots.remove(self._spots.find(spot.id))
        for spot in change.added_spots:
            if self._spots.add(spot)[1]:
                self._links.add_spot()
                self._track.append(_NO_TRACK)
        for move in change.moved:
            self._spots.write(self._spots.find(move.after.id), move.after)
        for link in change.added_links:
            source, target = (self._spots.find(end) for end in link[:2])
            self._links.add(source, target, link.cost, link.confidence)
            if not known:
                self._join(source, target, done)
        for one in change.renumbered or ():
            self._track.values[self._spots.rows_of(one.spots)] = one.after
        renumbered = tuple(done) if change.renumbered is None else change.renumbered
        touched = before | self._tracks_at(change.spots)
        touched |= {number for one in renumbered for number in (one.before, one.after)}
        return replace(change, renumbered=renumbered, tracks=frozenset(touched - {_NO_TRACK}))

    def _check_there(self, change: Change) -> None:
        """Refuse a change of what is not there."""
        for spot in sorted(change.spots - {spot.id for spot in change.added_spots}):
            if self._spots.find(spot) < 0:
                msg = f"spot {spot} is not there any more"
                raise UserError(msg)
        for link in change.removed_links:
            if self.link(*link[:2]) is None:
                msg = f"there is no link from spot {link.source} to spot {link.target} any more"
                raise UserError(msg)

    def _find_whole_tracks(self, change: Change) -> set[int]:
        """Find the tracks that go with all their spots: nothing of them has to be searched."""
        rows = self._spots.rows_of(np.array([spot.id for spot in change.removed_spots], np.int64))
        counts = Counter(self._track.values[rows].tolist())
        return {
            track
            for track, count in counts.items()
            if track != _NO_TRACK and count == np.count_nonzero(self._track.values == track)
        }

    def _separate(self, source: int, target: int, done: list[Renumbering]) -> None:
        """Give numbers to the parts of a track whose link was removed."""
        found = self._links.part(source, target)
        if found is None:
            return
        track = int(self._track.values[source])
        part, is_source = found
        inside = np.zeros(len(self._track), np.bool_)
        inside[part] = True
        rest = np.flatnonzero((self._track.values == track) & ~inside)
        one, other = (part, rest) if is_source else (rest, part)
        kept, gone = (one, other) if self._prevails(one, other) else (other, one)
        for rows, fresh in ((gone, True), (kept, False)):
            if rows.size == 1:
                self._renumber(rows, _NO_TRACK, done)
            elif fresh:
                self._renumber(rows, self._new_track(), done)

    def _join(self, source: int, target: int, done: list[Renumbering]) -> None:
        """Give one number to the track of two spots that were linked."""
        groups = []
        for row in (source, target):
            track = int(self._track.values[row])
            groups.append(np.array([row]) if track == _NO_TRACK else self._rows_of(track))
        tracks = [int(self._track.values[group[0]]) for group in groups]
        if _NO_TRACK in tracks:
            number = max(tracks) if max(tracks) != _NO_TRACK else self._new_track()
        else:
            number = tracks[0] if self._prevails(*groups) else tracks[1]
        for track, rows in zip(tracks, groups, strict=True):
            if track != number:
                self._renumber(rows, number, done)

    def _prevails(self, one: IntArray, other: IntArray) -> bool:
        """Tell whether the first of two parts keeps its id."""
        if one.size != other.size:
            return bool(one.size > other.size)
        frame = self._spots.frame.values
        return bool(frame[one].min() <= frame[other].min())

    def _renumber(self, rows: IntArray, number: int, done: list[Renumbering]) -> None:
        before = int(self._track.values[rows[0]])
        self._track.values[rows] = number
        done.append(Renumbering(self._ids(rows), before, number))

    def _new_track(self) -> int:
        self._next_track += 1
        return self._next_track - 1

    def _tracks_at(self, spots: Iterable[int]) -> set[int]:
        """Tracks of those of some spots that are there."""
        rows = self._spots.rows_of(np.array(list(spots), np.int64))
        rows = rows[rows >= 0]
        found: list[int] = self._track.values[rows[self._spots.alive.values[rows]]].tolist()
        return set(found)

    def _rows_of(self, track: int) -> IntArray:
        rows = np.flatnonzero(self._track.values == track) if track >= 0 else np.empty(0)
        if not rows.size:
            msg = f"there is no track {track}; see tracks()"
            raise UserError(msg)
        return rows.astype(np.int64)

    def _ids(self, rows: IntArray | list[int]) -> IntArray:
        found: IntArray = self._spots.id.values[np.asarray(rows, np.int64)]
        return found

    def _row(self, spot: int) -> int:
        row = self._spots.find(spot)
        if row < 0:
            msg = f"there is no spot {spot}: it was deleted, or never there"
            raise UserError(msg)
        return row
