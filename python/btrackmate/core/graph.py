"""The track graph: spots and directed links forward in time, array-backed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.scratch import copy_array, cut_rows, fill_array, make_array, take_rows
from btrackmate.core.spots import Spots, is_sorted

if TYPE_CHECKING:
    import networkx

    from btrackmate.core.views import TableName

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TrackGraph:
    """Spots with directed links; tracks, tracklets, divisions and merges are views of it.

    Make one with :meth:`from_links`, which checks the links. Its arrays cannot be written into.

    Parameters
    ----------
    spots : Spots
        n spots, sorted by frame, then id.
    source, target : (m,) ndarray of int
        Rows of `spots`; ``frame[source] < frame[target]``. Sorted by source, then target.
    cost : (m,) ndarray of float
        Linking cost, NaN where unknown.
    confidence : (m,) ndarray of float
        Probability that the link is right, NaN where unknown.
    record : mapping
        How they were made: version and settings of each step, where that is known.
    """

    spots: Spots
    source: IntArray
    target: IntArray
    cost: NDArray[np.float64]
    confidence: NDArray[np.float64]
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep the links as they are."""
        for name in ("source", "target", "cost", "confidence"):
            object.__setattr__(self, name, _seal(getattr(self, name)))

    @classmethod
    def from_links(
        cls,
        spots: Spots,
        source: NDArray[Any],
        target: NDArray[Any],
        cost: NDArray[Any] | None = None,
        confidence: NDArray[Any] | None = None,
    ) -> Self:
        """Check and sort links.

        Parameters
        ----------
        spots : Spots
            The n spots.
        source, target : (m,) ndarray of int
            Rows of `spots` (not ids). A link given backward in time is turned round.
        cost, confidence : (m,) ndarray of float, optional
            NaN where unknown (the default).

        Raises
        ------
        UserError
            If a link joins two spots of one frame, or stands twice.
        IndexError
            If a row is not among the spots.
        """
        source, target = (copy_array(np.asarray(row), np.int64) for row in (source, target))
        for row in (source, target):
            if row.size and (row.min() < 0 or row.max() >= len(spots)):
                msg = (
                    f"links name rows {row.min()} to {row.max()}, but there are {len(spots)} spots"
                )
                raise IndexError(msg)
        cost, confidence = (
            fill_array(source.size, np.nan, np.float64)
            if values is None
            else copy_array(np.asarray(values), np.float64)
            for values in (cost, confidence)
        )
        _turn_forward(spots, source, target)
        if not is_sorted(source, target):
            order = np.lexsort((target, source))
            for values in (source, target, cost, confidence):
                values[:] = values[order]
        _check_double(spots, source, target)
        return cls(spots, source, target, cost, confidence, dict(spots.record))

    @classmethod
    def from_ids(
        cls,
        spots: Spots,
        source_id: NDArray[Any],
        target_id: NDArray[Any],
        cost: NDArray[Any] | None = None,
        confidence: NDArray[Any] | None = None,
    ) -> Self:
        """Make a graph from links between spot ids.

        Raises
        ------
        UserError
            If an id is not among the spots, or :meth:`from_links` refuses the links.
        """
        source, target = find_ends(spots, source_id, target_id)
        return cls.from_links(spots, source, target, cost, confidence)

    @property
    def n_links(self) -> int:
        """Number of links m."""
        return int(self.source.size)

    @cached_property
    def out_degree(self) -> IntArray:
        """Number of links that leave each spot, (n,)."""
        return _seal(_count(self.source, len(self.spots)))

    @cached_property
    def in_degree(self) -> IntArray:
        """Number of links that enter each spot, (n,)."""
        return _seal(_count(self.target, len(self.spots)))

    @cached_property
    def out_offsets(self) -> IntArray:
        """Links that leave spot i are ``out_offsets[i]:out_offsets[i + 1]``, (n + 1,)."""
        offsets = make_array(len(self.spots) + 1, np.int64)
        offsets[0] = 0
        np.cumsum(self.out_degree, out=offsets[1:])
        return _seal(offsets)

    @cached_property
    def track(self) -> IntArray:
        """Track of each spot, numbered from 0 by the first spot; −1 for unlinked spots, (n,)."""
        first = _find_components(len(self.spots), self.source, self.target)
        for rows in cut_rows(first.size):  # an unlinked spot begins none
            linked = (self.out_degree[rows] + self.in_degree[rows]) > 0
            first[rows][~linked] = -1
        return _seal(_number_components(first))

    def name_tracks(self, ids: IntArray | None = None) -> IntArray:
        """Give each spot the id of its track, (n,), −1 for an unlinked one; ids: (n_tracks,)."""
        ids = np.arange(self.n_tracks) if ids is None else ids
        return np.append(ids, -1).astype(self.track.dtype)[self.track]

    @property
    def n_tracks(self) -> int:
        """Number of tracks; an unlinked spot is no track."""
        return int(self.track.max(initial=-1)) + 1

    @cached_property
    def tracklet(self) -> IntArray:
        """Tracklet of each spot, from 0 by the first spot; an unlinked spot is its own, (n,)."""
        inner = self._inner_links
        links, used = make_array(int(inner.sum()), np.int64), 0
        for part in cut_rows(self.n_links):
            here = part.start + np.flatnonzero(inner[part])
            links[used : used + here.size] = here
            used += here.size
        source, target = take_rows(self.source, links), take_rows(self.target, links)
        return _seal(_number_components(_find_components(len(self.spots), source, target)))

    @cached_property
    def tracklets(self) -> pd.DataFrame:
        """One row a tracklet, index = tracklet number.

        Columns first_row, last_row (rows of the first and last spot), start, end (frames),
        n_spots, track (−1 for an unlinked spot), parent (tracklet, −1 for none; after a merge the
        lowest), generation (0 for roots, one more than the highest parent's).
        """
        number = self.tracklet
        count = int(number.max(initial=-1)) + 1
        first = np.full(count, number.size, np.int64)
        last = np.full(count, -1, np.int64)
        for part in cut_rows(number.size):
            rows = np.arange(part.start, part.stop)
            np.minimum.at(first, number[part], rows)
            last[number[part]] = rows
        outer = ~self._inner_links
        parent_of, child_of = number[self.source[outer]], number[self.target[outer]]
        parent = np.full(count, count, np.int64)
        np.minimum.at(parent, child_of, parent_of)
        return pd.DataFrame(
            {
                "first_row": first,
                "last_row": last,
                "start": self.spots.frame[first],
                "end": self.spots.frame[last],
                "n_spots": np.bincount(number, minlength=count),
                "track": self.track[first],
                "parent": np.where(parent == count, -1, parent),
                "generation": _generations(count, parent_of, child_of),
            }
        )

    @cached_property
    def tracklet_links(self) -> tuple[IntArray, IntArray]:
        """Parent and child tracklet of each link between tracklets (divisions and merges)."""
        outer = ~self._inner_links
        return self.tracklet[self.source[outer]], self.tracklet[self.target[outer]]

    @property
    def divisions(self) -> IntArray:
        """Rows of the spots with two or more outgoing links."""
        return np.flatnonzero(self.out_degree >= 2)

    @property
    def merges(self) -> IntArray:
        """Rows of the spots with two or more incoming links."""
        return np.flatnonzero(self.in_degree >= 2)

    def children(self, row: int) -> IntArray:
        """Rows of the spots that `row` links to, ascending."""
        return self.target[self.out_offsets[row] : self.out_offsets[row + 1]]

    def keep_spots(self, mask: NDArray[np.bool_]) -> "TrackGraph":
        """Keep the spots of a boolean mask (n,) and the links between them."""
        row = np.cumsum(mask) - 1
        links = mask[self.source] & mask[self.target]
        return replace(
            self,
            spots=self.spots.take(mask),
            source=row[self.source[links]],
            target=row[self.target[links]],
            cost=self.cost[links],
            confidence=self.confidence[links],
        )

    def keep_links(self, mask: NDArray[np.bool_]) -> "TrackGraph":
        """Keep the links of a boolean mask (m,) and all spots."""
        return replace(
            self,
            source=self.source[mask],
            target=self.target[mask],
            cost=self.cost[mask],
            confidence=self.confidence[mask],
        )

    def with_spots(self, spots: Spots) -> "TrackGraph":
        """Replace the spots table by one with the same rows, e.g. with more columns."""
        if not np.array_equal(spots.id, self.spots.id):
            msg = "the new spots have other ids or another order than the graph's"
            raise ValueError(msg)
        return replace(self, spots=spots)

    def with_record(self, step: str, values: Mapping[str, Any]) -> "TrackGraph":
        """Note how a step was done."""
        return replace(self, record={**self.record, step: dict(values)})

    def to_dataframe(self, table: "TableName" = "spots") -> pd.DataFrame:
        """Give one of the tables.

        Parameters
        ----------
        table : {"spots", "links", "tracks", "tracklets", "divisions"}
            ``spots``: one row a spot, with its track (−1 for an unlinked spot), tracklet, parent
            tracklet and generation. ``links``: source and target spot id, cost, confidence.
            ``tracks``: one row a track with its features, see
            :func:`btrackmate.core.track_features.make_tracks_table`. ``tracklets``: track, parent,
            generation, start and end (frames), n_spots, first and last spot. ``divisions``: one
            row a daughter: track, frame and time of the mother, mother and daughter (spot ids),
            their tracklets, cost of the link.

        Raises
        ------
        UserError
            If there is no such table.

        Examples
        --------
        >>> from btrackmate.core.calibration import Calibration
        >>> table = pd.DataFrame({"frame": [0, 1, 1], "x": [0.0, 1, -1], "y": 0.0})
        >>> spots = Spots.from_table(table, Calibration(), ndim=2)
        >>> graph = TrackGraph.from_ids(spots, [0, 0], [1, 2])
        >>> graph.to_dataframe("divisions")[["frame", "mother", "daughter"]]
           frame  mother  daughter
        0      0       0         1
        1      0       0         2
        """
        from btrackmate.core.views import make_table

        return make_table(self, table)

    def to_networkx(self) -> "networkx.DiGraph":
        """Give a directed graph: nodes are spot ids with all columns, edges go forward in time.

        Edges have cost and confidence.

        Examples
        --------
        >>> from btrackmate.core.calibration import Calibration
        >>> table = pd.DataFrame({"frame": [0, 1], "x": [0.0, 1], "y": 0.0})
        >>> spots = Spots.from_table(table, Calibration(), ndim=2)
        >>> TrackGraph.from_ids(spots, [0], [1]).to_networkx().nodes[1]["x"]
        1.0
        """
        from btrackmate.core.views import make_networkx

        return make_networkx(self)

    def to_napari(self) -> dict[str, Any]:
        """Give the arguments of napari's ``add_tracks``.

        Returns
        -------
        dict
            ``data``: (n, 5) or (n, 4): tracklet, frame, z, y, x in `calibration.space_unit` (no z
            in 2D). ``graph``: parents of each tracklet, for divisions and merges. ``properties``:
            all numeric columns of the spots. ``scale``: 1, as positions are physical; give images
            and labels ``scale=(1, dz, dy, dx)``.

        Examples
        --------
        ``viewer.add_tracks(**graph.to_napari())``
        """
        from btrackmate.core.views import make_napari_tracks

        return make_napari_tracks(self)

    def __repr__(self) -> str:
        """Describe them in one line."""
        from btrackmate.core.views import describe_graph

        return describe_graph(self)

    def _repr_html_(self) -> str:
        from btrackmate.core.views import make_table, render_table

        return render_table(repr(self), make_table(self, "tracks"))

    def spots_table(self) -> pd.DataFrame:
        """Spots with their track, tracklet, parent and generation.

        `track` is −1 for unlinked spots, `parent` the tracklet that this one comes from, −1 for
        none. Features of these names are there as ``track_property`` and the like.
        """
        rows = self.tracklets.loc[self.tracklet]
        found = {
            "track": self.track,
            "tracklet": self.tracklet,
            "parent": rows["parent"].to_numpy(),
            "generation": rows["generation"].to_numpy(),
        }
        table = self.spots.table
        if own := {name: f"{name}_property" for name in found if name in table}:
            table = table.rename(columns=own)
        return table.assign(**found)

    def links_table(self) -> pd.DataFrame:
        """Links as source and target spot id, cost and confidence, one row a link."""
        return pd.DataFrame(
            {
                "source": take_rows(self.spots.id, self.source),
                "target": take_rows(self.spots.id, self.target),
                "cost": copy_array(self.cost, np.float64),
                "confidence": copy_array(self.confidence, np.float64),
            },
            copy=False,
        )

    @cached_property
    def _inner_links(self) -> NDArray[np.bool_]:
        """Links inside a tracklet: the only one out of its source and into its target."""
        inner: NDArray[np.bool_] = make_array(self.n_links, np.bool_)
        for part in cut_rows(self.n_links):
            inner[part] = self.out_degree[self.source[part]] == 1
            inner[part] &= self.in_degree[self.target[part]] == 1
        return inner


def _seal(values: NDArray[Any]) -> NDArray[Any]:
    """Give a view that cannot be written into."""
    view = values.view()
    view.flags.writeable = False
    return view


def _count(rows: IntArray, n: int) -> IntArray:
    """Count how often each of n rows stands in an array."""
    counts = fill_array(n, 0, np.int64)
    for part in cut_rows(rows.size):
        low = int(rows[part].min())
        here = np.bincount(rows[part] - low)
        counts[low : low + here.size] += here
    return counts


def find_ends(
    spots: Spots, source_id: NDArray[Any], target_id: NDArray[Any]
) -> tuple[IntArray, IntArray]:
    """Give the rows of the spots that links name, each (m,).

    Raises
    ------
    UserError
        If an id is not among the spots.
    """
    ends = [np.asarray(ids, np.int64) for ids in (source_id, target_id)]
    source, target = (spots.find_rows(ids) for ids in ends)
    for ids, row in zip(ends, (source, target), strict=True):
        if (row < 0).any():
            msg = f"a link names spot {ids[row < 0][0]}, which is not in the spots"
            raise UserError(msg)
    return source, target


def _find_components(n: int, source: IntArray, target: IntArray) -> IntArray:
    """Give each of n spots the lowest row that it hangs together with, (n,).

    Every link goes to a higher row, so that each spot's first mother leads to the start of its
    track; only the links of merges join such trees. (SciPy does it too, but loading it takes longer
    than a small file.)
    """
    root = make_array(n, np.int64)
    for part in cut_rows(n):
        root[part] = np.arange(part.start, part.stop)
    np.minimum.at(root, target, source)
    while True:
        _follow(root)
        joined = False
        for part in cut_rows(source.size):
            a, b = root[source[part]], root[target[part]]
            differ = np.flatnonzero(a != b)
            joined |= bool(differ.size)
            a, b = a[differ], b[differ]
            np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        if not joined:
            return root


def _follow(parent: IntArray) -> None:
    """Lead each to the last of its parents, each lower than its child or itself, in place, (n,)."""
    for part in cut_rows(parent.size):  # what stands before leads there already
        here = parent[part]
        while True:
            further = parent[here]
            if np.array_equal(further, here):
                break
            here[:] = further


def _turn_forward(spots: Spots, source: IntArray, target: IntArray) -> None:
    """Turn links that go backward in time round, in place; refuse those inside a frame."""
    frame = spots.frame
    for part in cut_rows(source.size):
        one, other = frame[source[part]], frame[target[part]]
        same = np.flatnonzero(one == other)
        if same.size:
            a, b = source[part][same[0]], target[part][same[0]]
            msg = f"a link joins spots {spots.id[a]} and {spots.id[b]}, both in frame {frame[a]}"
            raise UserError(msg)
        back = part.start + np.flatnonzero(one > other)
        source[back], target[back] = target[back], source[back]


def _check_double(spots: Spots, source: IntArray, target: IntArray) -> None:
    for part in cut_rows(source.size):
        wider = slice(part.start, part.stop + 1)
        double = np.diff(source[wider]) == 0
        double &= np.diff(target[wider]) == 0
        if double.any():
            link = part.start + int(double.argmax())
            a, b = source[link], target[link]
            msg = f"the link from spot {spots.id[a]} to spot {spots.id[b]} stands twice"
            raise UserError(msg)


def part_ids(ids: IntArray, free: int) -> IntArray:
    """Give ids of which none stands twice: the first keeps its own, others count from `free`."""
    again = np.ones(ids.size, np.bool_)
    again[np.unique(ids, return_index=True)[1]] = False
    parted = ids.copy()
    parted[again] = free + np.arange(np.count_nonzero(again))
    return parted


def _number_components(first: IntArray) -> IntArray:
    """Count components up in the order of their first row, which :func:`_find_components` gives.

    A row whose first is −1 belongs to none, and has the number −1.
    """
    number, count = make_array(first.size, np.int64), 0
    for part in cut_rows(first.size):
        begins = np.flatnonzero(first[part] == np.arange(part.start, part.stop))
        number[part.start + begins] = np.arange(count, count + begins.size)
        count += begins.size
        number[part] = np.where(first[part] >= 0, number[first[part]], -1)
    return number


def _generations(count: int, parent: IntArray, child: IntArray) -> IntArray:
    """Give the longest path from a root to each tracklet, level by level."""
    generation = np.zeros(count, np.int64)
    while True:
        raised = generation.copy()
        np.maximum.at(raised, child, generation[parent] + 1)
        if np.array_equal(raised, generation):
            return generation
        generation = raised
