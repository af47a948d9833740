"""Why tracks are as they are: for a spot or a link, what the tracker weighed."""

import dataclasses
import logging
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.settings import load_yaml
from btrackmate.io.run_folder import RECORD, TRACKS, find_run_folder, is_run_folder
from btrackmate.io.shown_tracks import find_hidden
from btrackmate.io.track_formats import read_tracks
from btrackmate.io.unsaved_edits import name_journal
from btrackmate.review.changes import Change
from btrackmate.review.explanation import Explanation, LinkExplanation
from btrackmate.review.journal import read_edit, read_lines, sort_edits
from btrackmate.review.tracks import EditableTracks
from btrackmate.tracking.auto import fill_distances
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.recorded import read_tracker
from btrackmate.tracking.settings import (
    DEFAULT_TRACKER,
    AdvancedKalmanSettings,
    LapSettings,
    TrackerSettings,
    parse_tracker,
    tracker_name,
)

_log = logging.getLogger(__name__)

Pair = tuple[int, int]
#: Pairs beside its own links that are told of a spot, ahead and behind.
_AHEAD, _BEHIND = 2, 1


class _Steps(Protocol):
    """What each tracker's explainer does."""

    unit: str

    def explain(self, a: int, b: int, *, linked: bool) -> LinkExplanation:
        """Tell of a pair of rows."""

    def suggest(self, row: int) -> Any:
        """Give pairs that a spot nearly had."""


class Explainer:
    """Explains the links of tracks; making it takes about as long as tracking, a question not.

    Parameters
    ----------
    tracks : TrackGraph
        Tracks as the tracker made them, with or without corrections.
    settings : TrackerSettings
        The tracker and its settings; distances ``"auto"`` are taken from the spots.
    settings_from : str
        Where they come from, which is told.
    made, removed : collection of (source, target)
        Links that corrections made and removed, by spot ids.
    now : EditableTracks, optional
        Whose links are told, while they are corrected; else those of `tracks`.
    """

    def __init__(
        self,
        tracks: TrackGraph,
        settings: TrackerSettings,
        settings_from: str,
        made: Collection[Pair] = (),
        removed: Collection[Pair] = (),
        now: EditableTracks | None = None,
    ) -> None:
        self.tracks, self._now = tracks, now
        self._made, self._removed = set(made), set(removed)
        self.settings_from = settings_from
        self.settings = fill_distances(settings, tracks.spots)
        self._steps = _make_steps(tracks, self.settings)
        self._row = {int(i): row for row, i in enumerate(tracks.spots.id.tolist())}

    def follow(self, made: Collection[Pair], removed: Collection[Pair]) -> None:
        """Take up further corrections that made and removed links; spots are as they were."""
        self._made, self._removed = set(made), set(removed)

    def explain(self, spot: int) -> Explanation:
        """Tell why a spot's links are there, and why not those to the nearest others."""
        row = self._find(spot)
        own = [(one, row) for one in self._list_parents(row)]
        own += [(row, one) for one in self._list_children(row)]
        nearly = [pair for pair in self._steps.suggest(row) if pair not in own]
        ahead = [pair for pair in nearly if pair[0] == row][:_AHEAD]
        behind = [pair for pair in nearly if pair[1] == row][:_BEHIND]
        return self._tell(spot, [*own, *ahead, *behind])

    def explain_link(self, source: int, target: int) -> Explanation:
        """Tell why two spots are linked, or are not."""
        return self._tell(None, [(self._find(source), self._find(target))])

    def _tell(self, spot: int | None, pairs: list[Pair]) -> Explanation:
        told = []
        for a, b in pairs:
            linked = b in self._list_children(a)
            one = self._steps.explain(a, b, linked=linked)
            by_hand = (one.source, one.target) in (self._made if linked else self._removed)
            told.append(dataclasses.replace(one, by_hand=by_hand))
        notes = []
        if any(one.linked != one.by_tracker and not one.by_hand for one in told):
            notes.append(
                "the tracks are not all as this tracker makes them from these spots: other "
                "settings, pruned or filtered spots, or corrections without a journal"
            )
        return Explanation(
            tracker_name(self.settings), self.settings_from, self._steps.unit, spot, tuple(told),
            tuple(notes),
        )  # fmt: skip

    def _list_parents(self, row: int) -> list[int]:
        graph = self.tracks
        if self._now is not None:
            return self._rows_of(self._now.parents(int(graph.spots.id[row])))
        return [int(one) for one in graph.source[graph.target == row]]

    def _list_children(self, row: int) -> list[int]:
        graph = self.tracks
        if self._now is not None:
            return self._rows_of(self._now.children(int(graph.spots.id[row])))
        return [int(one) for one in graph.children(row)]

    def _rows_of(self, spots: list[int]) -> list[int]:
        """Give the rows of spots; hidden ones have none."""
        return [self._row[one] for one in spots if one in self._row]

    def _find(self, spot: int) -> int:
        if spot not in self._row:
            msg = f"there is no spot {spot} in the tracks, or it is hidden"
            raise UserError(msg)
        return self._row[spot]


def _make_steps(tracks: TrackGraph, settings: TrackerSettings) -> _Steps:
    if isinstance(settings, FlowSettings):
        from btrackmate.review.explain_flow import FlowExplainer

        return FlowExplainer(tracks.spots, settings)
    if isinstance(settings, LapSettings) and not isinstance(settings, AdvancedKalmanSettings):
        from btrackmate.review.explain_lap import LapExplainer

        return LapExplainer(tracks.spots, settings)
    from btrackmate.review.explain_costs import CostExplainer

    return CostExplainer(tracks, settings)


def choose_settings(
    tracks: TrackGraph,
    recorded: tuple[str, dict[str, Any]] | None,
    tracker: str | None,
    values: dict[str, Any],
    run: Mapping[str, Any] | None = None,
) -> tuple[TrackerSettings, str]:
    """Give the settings to explain with, and where they come from.

    Parameters
    ----------
    tracks : TrackGraph
        Its record is asked where no file tells.
    recorded : (key, settings), optional
        What a TrackMate file says of its tracker.
    tracker : str, optional
        Asked for instead.
    values : dict
        Settings asked for; with those of the tracks where no other tracker is asked for.
    run : mapping, optional
        run.yaml of the run that made the tracks.

    Raises
    ------
    UserError
        If they are wrong.
    """
    if tracker is not None:
        return parse_tracker(tracker, values, "explain"), "what was given"
    values = {name.lower(): value for name, value in values.items()}
    told = (
        (tracks.record.get("track"), "the tracks' record"),
        ((run or {}).get("linking"), RECORD),
    )
    for noted, source in told:
        settings = read_tracker(noted, values, "explain")
        if settings is not None:
            return settings, source
    if recorded is not None and recorded[0] not in ("", "MANUAL_TRACKER"):
        named = {name.lower(): value for name, value in recorded[1].items()}
        return parse_tracker(recorded[0], named | values, "the file's tracker"), "the file"
    return parse_tracker(DEFAULT_TRACKER, values, "explain"), "the defaults (the tracks name none)"


def open_explainer(path: Path, tracker: str | None, values: dict[str, Any]) -> Explainer:
    """Make an explainer of a file of tracks, with the corrections of the journal beside it.

    Parameters
    ----------
    path : Path
        Tracks of any format, or a run folder.
    tracker, values
        As in `choose_settings`.

    Raises
    ------
    UserError
        If the tracks can't be read, or explained.
    """
    graph, document = read_tracks(path)
    recorded = None
    if document is not None:
        recorded, hidden = document.tracker, find_hidden(graph.spots)
        if hidden.any():
            _log.info("%s: %d of its spots are hidden, so that no tracker sees them", path,
                      int(hidden.sum()))  # fmt: skip
            graph = graph.keep_spots(~hidden)
    file = path / TRACKS if is_run_folder(path) else path
    folder = find_run_folder(file)
    run = None if folder is None else load_yaml(folder / RECORD)
    settings, source = choose_settings(graph, recorded, tracker, values, run)
    return Explainer(graph, settings, source, *read_corrections(file))


def read_corrections(path: Path) -> tuple[set[Pair], set[Pair]]:
    """Give the links that the journal beside a file of tracks made and removed, by spot ids."""
    entries = read_lines(name_journal(path)).entries
    return list_corrections(map(read_edit, sort_edits(entries[1:])[0]))


def list_corrections(changes: Iterable[Change]) -> tuple[set[Pair], set[Pair]]:
    """List the links that edits made, and those that they removed, by spot ids."""
    made, removed = set[Pair](), set[Pair]()
    for change in changes:
        for link in change.removed_links:
            made.discard(link[:2])
            removed.add(link[:2])
        for link in change.added_links:
            made.add(link[:2])
            removed.discard(link[:2])
    return made, removed
