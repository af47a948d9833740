"""The table of tracks: sorted and filtered by any feature, kept up with every edit."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.parallel import compute_aside
from btrackmate.core.schema import TRACK_FEATURES
from btrackmate.core.track_features import make_tracks_table
from btrackmate.tracking.feature_filter import FeatureFilter

if TYPE_CHECKING:
    from btrackmate.review import EditableTracks

IntArray = NDArray[np.int64]
KINDS = ("all", "dividing", "non-dividing", "merging", "with gaps")
_KEY_TO_NAME = {key: name for name, key in TRACK_FEATURES.items()}


class TrackTable:
    """One row a track, with its features, and the order in which tracks are listed.

    Parameters
    ----------
    graph : TrackGraph
    ids : (n_tracks,) ndarray of int
        Ids of its tracks.

    Attributes
    ----------
    order : (k,) ndarray of int
        Ids of the tracks that are listed, in their order.
    """

    def __init__(self, graph: TrackGraph, ids: IntArray) -> None:
        # A million spots take a second, in which the layers are made.
        self._coming = compute_aside(lambda: make_tracks_table(graph, ids).set_index("track"))
        self._table: pd.DataFrame | None = None
        self._kind, self._filters = "all", tuple[FeatureFilter, ...]()
        self._longest: int | None = None
        self._sort: tuple[str, bool] | None = None
        self._left_out: IntArray = np.empty(0, np.int64)
        self.order: IntArray = np.sort(ids)
        self.highest = int(ids.max(initial=-1))
        self._known = set(ids.tolist())

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, track: int) -> bool:
        return track in self._known

    @property
    def table(self) -> pd.DataFrame:
        """All tracks: index track, columns are features; see `make_tracks_table`."""
        if self._table is None:
            self._table = self._coming.result()
        return self._table

    @property
    def is_filtered(self) -> bool:
        """Whether some tracks are not listed."""
        return bool(self._kind != "all" or self._filters or self._longest is not None)

    def listed(self) -> pd.DataFrame:
        """Give the rows of the listed tracks, in their order."""
        return self.table.loc[self.order]

    def first(self, most_spots: int) -> IntArray:
        """Give the first listed tracks that have no more than so many spots together."""
        n = self.table["n_spots"].reindex(self.order).cumsum().to_numpy()
        return self.order[: max(1, int(np.searchsorted(n, most_spots, "right")))]

    def filter(
        self,
        kind: str = "all",
        filters: Iterable[str | FeatureFilter] = (),
        longest: int | None = None,
    ) -> None:
        """List only the tracks that pass.

        Parameters
        ----------
        kind : {"all", "dividing", "non-dividing", "merging", "with gaps"}
        filters : iterable of str
            On track features, e.g. ``"duration>=5"``.
        longest : int, optional
            Only so many, those with the longest duration.

        Raises
        ------
        UserError
            If a filter is wrong or names a feature that tracks do not have.
        """
        chosen = tuple(FeatureFilter.read(one) for one in filters)
        for one in chosen:
            self._find_name(one.name)
        if kind not in KINDS:
            msg = f"kind of tracks {kind!r}, expected one of {', '.join(KINDS)}"
            raise UserError(msg)
        self._kind, self._filters, self._longest = kind, chosen, longest
        self._list()

    @property
    def filters(self) -> tuple[FeatureFilter, ...]:
        """Those on features that tracks must pass to be listed."""
        return self._filters

    def leave_out(self, tracks: IntArray) -> None:
        """List some tracks never, as TrackMate hides them."""
        if tracks.size or self._left_out.size:
            self._left_out = tracks
            self._list()

    def sort(self, name: str, *, ascending: bool = True) -> None:
        """List the tracks by a feature; missing values last."""
        self._sort = (name, ascending)
        self._list()

    def update(self, tracks: "EditableTracks", touched: Iterable[int]) -> None:
        """Compute the rows of the tracks anew that an edit touched."""
        touched = list(touched)
        rows = {one: row for one in touched if (row := _compute(tracks, one)) is not None}
        self._known = (self._known - set(touched)) | set(rows)
        self.highest = max([self.highest, *touched])
        kept = self.table.drop(index=self.table.index.intersection(touched))
        self._table = pd.concat([kept, *rows.values()])
        self._list()

    def _list(self) -> None:
        table = self.table
        kept = ~table.index.isin(self._left_out)
        if self._kind == "dividing":
            kept &= table["n_divisions"].to_numpy() > 0
        elif self._kind == "non-dividing":
            kept &= table["n_divisions"].to_numpy() == 0
        elif self._kind == "merging":
            kept &= table["n_merges"].to_numpy() > 0
        elif self._kind == "with gaps":
            kept &= table["n_gaps"].to_numpy() > 0
        for one in self._filters:
            values = table[self._find_name(one.name)].to_numpy(np.float64)
            kept &= one.to_trackmate("track").passes(values)
        listed = table[kept]
        if self._longest is not None:
            listed = listed.nlargest(self._longest, "duration")
        if self._sort is None:
            listed = listed.sort_index()
        elif self._sort[0] == "track":
            listed = listed.sort_index(ascending=self._sort[1])
        else:
            listed = listed.sort_values(self._sort[0], ascending=self._sort[1], kind="stable")
        self.order = listed.index.to_numpy(np.int64)

    def _find_name(self, name: str) -> str:
        """Give the column of a feature, by our name or TrackMate's key."""
        found = _KEY_TO_NAME.get(name.upper(), name.lower())
        if found not in self.table:
            msg = f"tracks have no feature {name!r}; they have {', '.join(self.table.columns)}"
            raise UserError(msg)
        return found


def unit_of_column(name: str, calibration: Calibration) -> str:
    """Give the unit of a track feature, empty for a number of things."""
    space, time = calibration.space_unit, calibration.time_unit
    if name in ("x", "y", "z", "displacement", "total_distance", "max_distance"):
        return space
    if name in ("duration", "start", "stop", "longest_gap"):
        return time if name != "longest_gap" else "frames"
    if name.endswith("_speed"):
        return f"{space}/{time}"
    return f"radians/{time}" if name == "directional_change" else ""


def _compute(tracks: "EditableTracks", track: int) -> pd.DataFrame | None:
    """Compute the row of a track; None if it is gone."""
    try:
        lineage = tracks.lineage(track)
    except UserError:
        return None
    return make_tracks_table(lineage, np.array([track])).set_index("track")
