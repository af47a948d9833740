"""What is open, shown and how it is coloured: the state that a session acts on."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import resolve_name
from btrackmate.napari_plugin.model.colours import NAMES, Colouring
from btrackmate.napari_plugin.model.movies import Numbers
from btrackmate.napari_plugin.model.opening import Opened, find_unseen
from btrackmate.napari_plugin.model.picking import usual_radius
from btrackmate.napari_plugin.model.scene import Scene
from btrackmate.napari_plugin.model.signals import Signal
from btrackmate.napari_plugin.model.track_table import TrackTable
from btrackmate.review import EditableTracks, EditSession, History
from btrackmate.tracking.feature_filter import FeatureFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from btrackmate.napari_plugin.model.adding import Pointer
    from btrackmate.review import Change


IntArray = NDArray[np.int64]


class State:
    """Tracks of one open movie, and what of them is shown.

    Parameters
    ----------
    opened : Opened

    Attributes
    ----------
    selected : Signal
        Emitted without values when another spot or other tracks are selected.
    shown : Signal
        When other tracks are shown.
    coloured : Signal
        When the colouring changes.
    edited : Signal
        With the Change, after each edit, undo or redo.
    moved : Signal
        With the frame to go to, and the position z, y, x (or y, x) to look at.
    told : Signal
        With a line that a person must read.
    found : Signal
        When an image or labels were found that the tracks did not name.
    n_edits : int
        How many edits, undos and redos there were, to tell whether something is of the tracks as
        they are.
    """

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        graph, ids = opened.graph, opened.track_ids
        self.scene = Scene(graph, ids)
        if opened.edit is not None:
            self._edit: EditSession | History = opened.edit
            self.history = opened.edit.history
        else:
            self._edit = self.history = History(EditableTracks(graph, track_ids=ids))
        self._kept: list[Change] | None = None
        self._moved: set[int] = set()  # Spots that edits moved, also back, since they were opened.
        self.table = TrackTable(graph, ids)
        self.spot: int | None = None
        self._origin: tuple[int | None, int | None] = (None, None)  # selected, followed to
        self.other: int | None = None
        self.following = False
        self.pointer: Callable[[], Pointer | None] = lambda: None
        self.tracks: tuple[int, ...] = ()
        self.only_selected = False
        self.colouring = Colouring()
        self._hidden = ~opened.visible
        self._was_hidden = self._hidden.copy()
        self._unseen = find_unseen(opened, opened.graph.spots)
        self._spot_filters: list[FeatureFilter] = []
        self._in_filter: NDArray[np.bool_] | None = None
        self.table.leave_out(self._hidden_tracks())
        self.selected, self.shown, self.coloured = Signal(), Signal(), Signal()
        self.edited, self.moved, self.told = Signal(), Signal(), Signal()
        self.found = Signal()
        self.n_edits = 0
        if opened.edit is not None and opened.edit.tracks.is_edited:  # Joined before it was opened.
            tracks = np.unique(self.scene.track[np.flatnonzero(self._hidden)])
            self.show_joined(tracks[tracks >= 0])

    # -- what there is -------------------------------------------------------------------------

    @property
    def now(self) -> EditableTracks:
        """The tracks as they are now."""
        return self.history.tracks

    @property
    def features(self) -> list[str]:
        """Names that spots can be coloured by."""
        return [
            "track",
            "tracklet",
            *(name for name in self.opened.graph.spots.features if name not in ("id", *NAMES)),
        ]

    def values(self, feature: str, rows: IntArray | None = None) -> NDArray[np.float64]:
        """Give a feature of the spots by row, NaN where missing; of some rows, or of all."""
        scene = self.scene
        every = np.arange(scene.id.size) if rows is None else rows
        if feature in NAMES:
            names = scene.tracklet if feature == "tracklet" else scene.track
            return names[every].astype(np.float64)
        base = self.opened.graph.spots
        there = [scene.row(spot) for spot in self._moved if spot in self.now]
        old = (every < len(base)) & ~np.isin(every, there)
        values = np.full(every.size, np.nan)
        values[old] = base.feature(feature)[every[old]]
        for i in np.flatnonzero(~old).tolist():
            row = int(every[i])
            if scene.alive[row]:
                spot = self.now.spot(int(scene.id[row]))
                value = getattr(spot, feature, spot.features.get(feature))
                values[i] = np.nan if value is None else float(value)
        return values

    @cached_property
    def radius(self) -> float:
        """Usual radius of a spot in the space unit."""
        spots = self.opened.graph.spots
        known = spots.feature("radius") if "radius" in spots.features else np.empty(0)
        return usual_radius(known, spots.calibration.spacing(spots.ndim))

    def ids_of(self, graph: TrackGraph) -> IntArray:
        """Give the id of each track of a graph that was made of the tracks as they are now."""
        linked = graph.track >= 0
        first = np.unique(graph.track[linked], return_index=True)[1]
        ids: IntArray = self.scene.track[self.scene.rows(graph.spots.id[linked][first])]
        return ids

    # -- showing -------------------------------------------------------------------------------

    def show_only_selected(self, only: bool) -> None:
        """Show the selected tracks, or all."""
        self.only_selected = only
        self.shown.emit()

    def filter_tracks(self, **criteria: Any) -> None:
        """Show and list the tracks that pass; see :meth:`TrackTable.filter`.

        Raises
        ------
        UserError
            If a filter is wrong.
        """
        self.table.filter(**criteria)
        self.shown.emit()

    def filter_spots(self, filters: Iterable[str]) -> None:
        """Show only the spots that pass filters on their features; a missing value passes.

        Raises
        ------
        UserError
            If a filter is wrong or names a feature that spots do not have.
        """
        chosen = [FeatureFilter.parse(text) for text in filters]
        self._in_filter = self._pass(chosen)
        self._spot_filters = chosen
        self.shown.emit()

    @property
    def filters(self) -> dict[str, list[str]]:
        """The filters that decide what is shown, by what they are on."""
        tracks = [str(one) for one in self.table.filters]
        return {"spots": [str(one) for one in self._spot_filters], "tracks": tracks}

    def _pass(self, filters: Iterable[FeatureFilter]) -> NDArray[np.bool_] | None:
        """Tell which rows pass filters as the spots are now, None for all."""
        kept = np.ones(self.scene.id.size, np.bool_)
        for one in filters:
            kept &= one.to_trackmate("spot").passes(self.values(resolve_name(one.name)))
        return None if kept.all() else kept

    def filter_again(self) -> None:
        """Let the filters of spots decide anew, after an edit."""
        if not self._spot_filters:
            return
        before, self._in_filter = self._in_filter, self._pass(self._spot_filters)
        if not np.array_equal(before, self._in_filter):  # type: ignore[arg-type]
            self.shown.emit()

    def visible_rows(self) -> NDArray[np.bool_] | None:
        """Tell which spots are shown, (n,); None for all."""
        scene = self.scene
        shown = None
        if self._hidden.any():
            shown = np.ones(scene.id.size, np.bool_)
            shown[: self._hidden.size] = ~self._hidden
        if self._in_filter is not None:
            kept = np.ones(scene.id.size, np.bool_)
            kept[: self._in_filter.size] = self._in_filter
            shown = kept if shown is None else shown & kept
        if self.only_selected and self.tracks:
            mine = np.isin(scene.track, self.tracks)
        elif self.table.is_filtered:
            mine = np.isin(scene.track, self.table.order)
        else:
            return shown
        return mine if shown is None else shown & mine

    def show_joined(self, tracks: Iterable[int]) -> None:
        """Show tracks that hold a cell that was shown, as their saved file does; hide others again.

        Parameters
        ----------
        tracks : iterable of int
            Those that an edit changed.
        """
        if not self._was_hidden[: self._hidden.size].any():
            return
        before = self._hidden.copy()
        for track in tracks:
            rows = self.scene.rows_of(np.array([track]))
            known = rows[rows < self._hidden.size]
            whole = known.size == rows.size and self._was_hidden[known].all()
            self._hidden[known] = self._unseen[known] | whole
        if (self._hidden != before).any():
            self.table.leave_out(self._hidden_tracks())
            self.shown.emit()

    def show_hidden(self) -> None:
        """Show the spots, too, that TrackMate hides."""
        self._hidden = np.zeros(0, np.bool_)
        self.table.leave_out(self._hidden_tracks())
        self.shown.emit()

    @property
    def hidden_ids(self) -> IntArray:
        """Ids of the spots that TrackMate hides, and that are not shown."""
        return self.scene.id[: self._hidden.size][self._hidden]

    def shown_graph(self) -> TrackGraph:
        """Give the tracks as they are now, without what TrackMate hides."""
        graph = self.now.to_graph()
        return graph.keep_spots(~np.isin(graph.spots.id, self.hidden_ids))

    def _hidden_tracks(self) -> IntArray:
        """List the tracks of which no spot is shown."""
        alive, hidden = self.scene.alive, np.zeros(self.scene.id.size, np.bool_)
        hidden[: self._hidden.size] = self._hidden
        gone, shown = (np.unique(self.scene.track[alive & one]) for one in (hidden, ~hidden))
        return np.setdiff1d(gone, np.append(shown, -1))

    # -- colouring -----------------------------------------------------------------------------

    def colour_by(self, feature: str, colour_map: str = "viridis") -> None:
        """Colour spots, tails and trees by a feature.

        Raises
        ------
        UserError
            If the spots have no such feature.
        """
        self.colouring = Colouring.fit(feature, self.values(feature), colour_map)
        self.coloured.emit()

    def colours(self, rows: IntArray) -> NDArray[np.float32]:
        """Give the colours of spots, (n, 4) RGBA; while tracks are selected the others are dim."""
        colours = self.colouring.map(self.values(self.colouring.feature, rows))
        if self.tracks and not self.only_selected:
            others = ~np.isin(self.scene.track[rows], self.tracks)
            colours[others, :3] *= 0.45
        return colours

    def numbers(self, frame: int) -> Numbers:
        """Give the labels of a frame and the numbers that they are painted with: track + 1.

        While all is coloured by tracklet it is tracklet + 1. A cell of a spot without a track is
        painted with a number that no track has; a label that no spot has stays background.
        """
        scene, base = self.scene, self.opened.graph.spots
        rows = scene.rows_in(frame, frame)
        shown = self.visible_rows()
        rows = rows if shown is None else rows[shown[rows]]
        if "label" not in base.table:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        label = self.values("label", rows)
        known = np.isfinite(label) & (label > 0)
        rows, names = rows[known], label[known].astype(np.int64)
        names, first = np.unique(names, return_index=True)
        if self.colouring.feature == "tracklet":
            return names, scene.tracklet[rows[first]] + 1
        track = scene.track[rows[first]]
        return names, np.where(track >= 0, track + 1, 1 + self.table.highest + 1 + names)
