"""What tracks hold that another program saved: which edits, and which can be taken back there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from btrackmate.core.errors import UserError
from btrackmate.review.changes import Change, Spot
from btrackmate.review.entries import list_places
from btrackmate.review.history import History
from btrackmate.review.journal import read_edit
from btrackmate.review.places import Place, find_exact
from btrackmate.review.tracks import EditableTracks


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


def find_held(
    tracks: EditableTracks, states: list[list[dict[str, Any]]], ever: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Find the edits that a file holds which another program saved; and those that it may hold.

    Mostly they are those of the last save. A program that opened the file before, and saves it
    now, writes those of an earlier one.
    """
    for state in reversed(states):
        if are_made(tracks, state, [edit for edit in ever if edit not in state]):
            return state, []
    if are_made(tracks, states[-1]):
        return states[-1], [edit for edit in ever if edit not in states[-1]]
    return [], ever


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
            end in spots or (end in ends and ends[end].find_if_sure(tracks) == end)
            for link in links
            for end in link
        )
        and all(is_linked(tracks, *link) == there for link, there in links.items())
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
            stays = f"edit {last}, which was made after it, stays"
            return [
                LeftOut(
                    number,
                    f"undo of {history.done[number - 1].what}",
                    str(error) if number == last else stays,
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


def is_linked(tracks: EditableTracks, source: int, target: int) -> bool:
    """Tell whether two spots are there, and linked."""
    ends_there = source in tracks and target in tracks
    return ends_there and tracks.link(source, target) is not None
