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
from btrackmate.review.history import History, plan
from btrackmate.review.journal import (
    make_edit,
    read_edit,
    read_lines,
    sort_edits,
)
from btrackmate.review.operations import OPERATIONS
from btrackmate.review.places import Place, find_exact
from btrackmate.review.tracks import EditableTracks

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LeftOut:
    """An edit of a journal that does not fit the tracks.

    Parameters
    ----------
    number : int
        Its place among the edits of the journal that stand, from 1.
    what : str
        The operation.
    why : str
        One line.
    """

    number: int
    what: str
    why: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"edit {self.number}, {self.what}: {self.why}"


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
        spot = None if place.id in named else _find(tracks, place)
        if spot in found.values():
            msg = f"only spot {spot} lies in frame {place.frame} where two were, of which spot "
            msg += f"{place.id} is another"
            raise UserError(msg)


def _find(tracks: EditableTracks, place: Place) -> int | None:
    """Find the spot of a place; None where none is there, or not for sure."""
    try:
        return place.find(tracks)
    except UserError:
        return None


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


def are_made(
    tracks: EditableTracks,
    edits: Sequence[dict[str, Any]],
    others: Sequence[dict[str, Any]] = (),
) -> bool:
    """Tell whether tracks hold all that some edits change, as after another program saved them.

    And nothing of what others change, which were made at another time. Spots are known by their
    ids and places, links by the ids of their ends. An end that is not where it was is another
    cell: the spots were numbered anew. So it may be where nobody knows where it was, as in
    journals of older versions.
    """
    links: dict[tuple[int, int], bool] = {}
    spots: dict[int, Spot | None] = {}
    gone: dict[int, Spot] = {}
    ends: dict[int, Place] = {}
    for edit in (*reversed(others), *edits):
        ends |= {place.id: place for place in list_places(edit)}
    undone = (read_edit(other).inverse() for other in reversed(others))
    for change in (*undone, *map(read_edit, edits)):
        links |= {(link.source, link.target): False for link in change.removed_links}
        spots |= {spot.id: None for spot in change.removed_spots}
        gone |= {spot.id: spot for spot in change.removed_spots}
        spots |= {spot.id: spot for spot in change.added_spots}
        links |= {(link.source, link.target): True for link in change.added_links}
        spots |= {move[1].id: move[1] for move in change.moved}
    return (
        all(
            (spot is None) == (number not in tracks)
            and (spot is None or Place.of(spot).is_of(tracks, number))
            for number, spot in spots.items()
        )
        and not any(
            spots[number] is None and _lies_again(tracks, spot, spots)
            for number, spot in gone.items()
        )
        and all(
            end in spots or (end in ends and _find(tracks, ends[end]) == end)
            for link in links
            for end in link
        )
        and all(_is_linked(tracks, *link) == there for link, there in links.items())
    )


def take_back(history: History, kept: int) -> list[LeftOut]:
    """Undo what a file holds that another program saved, but for the first edits; list the rest.

    The last first, up to one that cannot be undone, or that would link a spot which comes from
    another by now.
    """
    while len(history.done) > kept:
        try:
            _check_no_other_parent(history.tracks, history.done[-1].inverse())
            history.undo()
        except UserError as error:
            last = len(history.done)
            reasons = {last: str(error)}
            return [
                LeftOut(
                    number,
                    f"undo of {history.done[number - 1].what}",
                    reasons.get(number, f"edit {last}, which was made after it, stays"),
                )
                for number in range(last, kept, -1)
            ]
    return []


def _check_no_other_parent(tracks: EditableTracks, back: Change) -> None:
    """Refuse links into spots that another program linked elsewhere."""
    removed = {link[:2] for link in back.removed_links}
    for link in back.added_links:
        parents = tracks.parents(link.target) if link.target in tracks else []
        if others := [parent for parent in parents if (parent, link.target) not in removed]:
            msg = f"spot {link.target} comes from spot {others[0]} now"
            raise UserError(msg)


def _lies_again(tracks: EditableTracks, gone: Spot, expected: Mapping[int, Spot | None]) -> bool:
    """Tell whether a spot lies where one was removed that is not expected there."""
    near = tracks.near(gone.frame, gone.position, find_exact(gone.position))
    return any(expected.get(spot) is None for spot, _ in near)


def _is_linked(tracks: EditableTracks, source: int, target: int) -> bool:
    ends_there = source in tracks and target in tracks
    return ends_there and tracks.link(source, target) is not None


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
        if not _is_linked(tracks, source, target):
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
