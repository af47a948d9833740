"""Making the edits of a journal again, on tracks that were made anew."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.io.run_folder import TRACKS, is_run_folder
from btrackmate.io.unsaved_edits import name_journal
from btrackmate.review.arguments import read_arguments
from btrackmate.review.changes import Change, Spot
from btrackmate.review.entries import list_places
from btrackmate.review.held import LeftOut, is_linked
from btrackmate.review.history import History, plan
from btrackmate.review.journal import (
    make_edit,
    read_edit,
    read_lines,
    sort_edits,
)
from btrackmate.review.operations import OPERATIONS
from btrackmate.review.places import Place
from btrackmate.review.tracks import EditableTracks

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replay:
    """Edits of a journal that were made again.

    Parameters
    ----------
    history : History
        With the tracks as they are now.
    lines : list of dict
        Their lines for a journal.
    made : list of (number, what)
        Place of each among the edits of the journal that stand, from 1, and the operation.
    left_out : list of LeftOut
        Edits that do not fit.
    """

    history: History
    lines: list[dict[str, Any]] = field(default_factory=list)
    made: list[tuple[int, str]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def to_table(self) -> pd.DataFrame:
        """List all edits: edit (its number), what, made (bool), why not."""
        rows = [(number, what, True, "") for number, what in self.made]
        rows += [(one.number, one.what, False, one.why) for one in self.left_out]
        table = pd.DataFrame(sorted(rows), columns=["edit", "what", "made", "why_not"])
        return table.astype({"edit": "int64", "made": "bool"})


def find_journal(path: Path) -> Path:
    """Give the journal that a path means: itself, or that beside the tracks.

    Raises
    ------
    UserError
        If it is not there.
    """
    tracks = path / TRACKS if is_run_folder(path) else path
    journal = path if path.name.endswith(".jsonl") else name_journal(tracks)
    if not journal.is_file():
        msg = f"{journal}: there is no journal of edits; it stands beside tracks that were "
        msg += "corrected, as NAME.edits.jsonl"
        raise UserError(msg)
    return journal


def read_standing(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a journal, or of that beside tracks; the header is the first.

    Raises
    ------
    UserError
        If there is none, or it is damaged.
    """
    journal = find_journal(path)
    entries = read_lines(journal).entries
    if len(entries) < 2:
        _log.warning("%s: holds no edits", journal)
    return entries


def replay_on(graph: TrackGraph, entries: Sequence[dict[str, Any]]) -> Replay:
    """Make the edits of a journal on tracks that were made anew; see `replay_edits`."""
    return replay_entries(History(EditableTracks(graph)), entries)


def plan_edit(
    tracks: EditableTracks, operation: str, arguments: dict[str, Any]
) -> tuple[Change, dict[str, Any]]:
    """Plan an edit, and make its line for a journal.

    Raises
    ------
    UserError
        If it may not be made.
    """
    change = plan(tracks, operation, arguments)
    arguments = read_arguments(operation, arguments)
    names = OPERATIONS[operation].spots
    places = {name: Place.of(tracks.spot(arguments[name])) for name in names}
    values = {name: value for name, value in arguments.items() if name not in names}
    if change.added_spots:
        values["id"] = change.added_spots[0].id
    told = {place.id for place in places.values()}
    told |= {spot.id for spot in (*change.removed_spots, *change.added_spots)}
    near = {
        spot
        for place in places.values()
        if place.radius > 0
        for spot, _ in tracks.near(place.frame, place.position, place.radius)
    }
    beside = [Place.of(tracks.spot(one)) for one in sorted((change.spots | near) - told)]
    return change, make_edit(change, places, values, beside)


def resolve(tracks: EditableTracks, entry: dict[str, Any]) -> dict[str, Any]:
    """Find the spots of a journal's edit in tracks; give the arguments of the operation.

    Raises
    ------
    UserError
        If one is not there, or not for sure.
    """
    found = {name: Place.from_json(told).find(tracks) for name, told in entry["spots"].items()}
    _check_apart(tracks, entry, found)
    values = dict(entry["values"])
    if "id" in values and values["id"] in tracks:
        del values["id"]
    return {**found, **values}


def _check_apart(
    tracks: EditableTracks, entry: Mapping[str, Any], found: Mapping[str, int]
) -> None:
    """Refuse an edit where one spot lies now for two of then, as of a cell that was found twice."""
    named = {told["id"] for told in entry["spots"].values()}
    for place in list_places(entry):
        spot = None if place.id in named else place.find_if_sure(tracks)
        if spot in found.values():
            msg = f"only spot {spot} lies in frame {place.frame} where two were, of which spot "
            msg += f"{place.id} is another"
            raise UserError(msg)


def replay_edits(tracks: EditableTracks, path: Path | str) -> tuple[History, list[LeftOut]]:
    """Make the edits of a journal on other tracks, e.g. those of a run with other settings.

    Parameters
    ----------
    tracks : EditableTracks
        Changed by it.
    path : Path or str
        The journal, or the tracks that it stands beside.

    Returns
    -------
    history : History
    left_out : list of LeftOut
        Edits that do not fit: a spot is not found by frame, label and position, or the operation
        may not be made. They are passed over, and so, likely, are later ones that build on them.

    Raises
    ------
    UserError
        If there is no journal, or it is damaged.
    """
    again = replay_entries(History(tracks), read_standing(Path(path)))
    return again.history, again.left_out


def _check_again(tracks: EditableTracks, entry: Mapping[str, Any], found: dict[str, Any]) -> None:
    """Refuse to make an edit a second time: a swap that is undone by it, a spot that is there."""
    change = read_edit(entry)
    for spot in change.added_spots:
        if near := tracks.near(spot.frame, spot.position, Place.of(spot).reach):
            msg = f"spot {near[0][0]} lies there already"
            raise UserError(msg)
    if entry["do"] == "swap":
        _check_swap(tracks, entry, found)
    if entry["do"] == "delete_track":
        _check_deletion(tracks, change.removed_spots, found["spot"])


def _check_swap(tracks: EditableTracks, entry: Mapping[str, Any], found: dict[str, Any]) -> None:
    """Refuse a swap where the cells do not come from those that they came from then."""
    now = {told["id"]: found[name] for name, told in entry["spots"].items()}
    removed = read_edit(entry).removed_links
    sources = {link.source for link in removed}
    if all(before == after for before, after in now.items()):
        now |= {source: source for source in sources}
    for told in entry.get("beside", ()):
        if told["id"] in sources:
            now[told["id"]] = Place.from_json(told).find(tracks)
    wanted = set()
    for link in removed:
        if link.source not in now:
            msg = f"nobody knows where spot {link.source} was, from which spot {link.target} came: "
            msg += "an older version noted the edit"
            raise UserError(msg)
        source, target = now[link.source], now[link.target]
        if not is_linked(tracks, source, target):
            msg = f"there is no link from spot {source} to spot {target} any more"
            raise UserError(msg)
        wanted.add((source, target))
    for link in plan(tracks, "swap", found).removed_links:
        if (link.source, link.target) not in wanted:
            msg = f"spot {link.target} comes from spot {link.source} now, which it did not then"
            raise UserError(msg)


def _check_deletion(tracks: EditableTracks, spots: Sequence[Spot], spot: int) -> None:
    """Refuse to delete a track that is not the one that was deleted then, all of it."""
    then = set()
    for one in spots:
        with contextlib.suppress(UserError):  # It is not there any more.
            then.add(Place.of(one).find(tracks))
    now = set(tracks.spots_of(tracks.track(spot)).tolist()) if tracks.track(spot) >= 0 else {spot}
    if now - then:
        msg = f"its track holds spot {min(now - then)} now, which was not deleted then"
        raise UserError(msg)
    if then - now:
        msg = f"spot {min(then - now)}, which was deleted with it, is not in its track now"
        raise UserError(msg)


def replay_entries(history: History, entries: Sequence[dict[str, Any]]) -> Replay:
    """Make the edits of a journal that stand where they fit; list the others.

    Raises
    ------
    UserError
        If their positions are in another unit than those of the tracks.
    """
    unit = entries[0].get("space_unit") if entries else None
    if unit not in (None, history.tracks.space_unit):
        msg = f"the corrections were made in {unit} and the tracks are in "
        msg += f"{history.tracks.space_unit}: bring both to one unit"
        raise UserError(msg)
    again = Replay(history)
    for number, entry in enumerate(sort_edits(entries[1:])[0], 1):
        what = entry["do"]
        try:
            arguments = resolve(history.tracks, entry)
            _check_again(history.tracks, entry, arguments)
            change, line = plan_edit(history.tracks, what, arguments)
        except UserError as error:
            again.left_out.append(LeftOut(number, what, str(error)))
            continue
        history.make(change)
        again.lines.append(line)
        again.made.append((number, what))
    return again
