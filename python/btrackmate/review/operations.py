"""The operations of correcting tracks: what each changes, and when it may not.

Each function plans a change of tracks without making it; spots are named by their ids.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from btrackmate.core.errors import UserError
from btrackmate.core.spots import FARTHEST
from btrackmate.io.label_values import MAX_LABEL
from btrackmate.review.changes import SPOT_FIELDS, Change, Link, Move, Spot
from btrackmate.review.tracks import EditableTracks

#: Columns that stay with a spot that moves; its measurements were those of another place.
_STAYS = ("time", "VISIBILITY", "MANUAL_SPOT_COLOR")


def break_link(tracks: EditableTracks, source: int, target: int) -> Change:
    """Remove the link from `source` to `target`."""
    return Change("break_link", removed_links=(_find_link(tracks, source, target),))


def connect(tracks: EditableTracks, source: int, target: int) -> Change:
    """Link the last spot of a track to the first of another, over missed frames if need be."""
    _check_link(tracks, source, target)
    children = tracks.children(source)
    if children:
        msg = f"spot {source} goes on as spot {_list(children)}: break that link first, or add a "
        msg += f"division into {target}"
        raise UserError(msg)
    _check_no_parent(tracks, target, f"break that link first, or merge {source} into it")
    return Change("connect", added_links=(Link(source, target),))


def add_division(tracks: EditableTracks, mother: int, daughter: int) -> Change:
    """Link a mother that goes on already to one more daughter."""
    _check_link(tracks, mother, daughter)
    if not tracks.children(mother):
        msg = f"spot {mother} has no daughter yet, so that another is no division: connect them"
        raise UserError(msg)
    _check_no_parent(tracks, daughter, "break that link first")
    return Change("add_division", added_links=(Link(mother, daughter),))


def remove_division(tracks: EditableTracks, mother: int, daughter: int) -> Change:
    """Cut a daughter off a mother that has others."""
    link = _find_link(tracks, mother, daughter)
    if len(tracks.children(mother)) < 2:
        msg = f"spot {mother} does not divide: {daughter} is its only daughter; break the link"
        raise UserError(msg)
    return Change("remove_division", removed_links=(link,))


def merge(tracks: EditableTracks, source: int, target: int) -> Change:
    """Let the end of a track run into a spot that has a parent already."""
    if not tracks.allow_merges:
        msg = f"spot {target} would have two parents, but merges are not allowed in these tracks"
        raise UserError(msg)
    _check_link(tracks, source, target)
    if not tracks.parents(target):
        msg = f"spot {target} has no parent, so that nothing merges there: connect {source} to it"
        raise UserError(msg)
    children = tracks.children(source)
    if children:
        msg = f"spot {source} goes on as spot {_list(children)}: break that link first"
        raise UserError(msg)
    return Change("merge", added_links=(Link(source, target),))


def swap(tracks: EditableTracks, one: int, other: int) -> Change:
    """Let two cells of a frame, and all that follows them, change tracks: from here on."""
    if tracks.frame(one) != tracks.frame(other):
        msg = f"spot {one} is in frame {tracks.frame(one)} and spot {other} in frame "
        msg += f"{tracks.frame(other)}: give two spots of one frame to swap"
        raise UserError(msg)
    parents = tracks.parents(one), tracks.parents(other)
    if one == other or parents[0] == parents[1]:
        msg = f"spots {one} and {other} have the same parents, so that nothing would change"
        raise UserError(msg)
    removed, added = [], []
    for spot, into, theirs in ((one, other, parents[0]), (other, one, parents[1])):
        for parent in theirs:
            if parent in parents[0] and parent in parents[1]:
                continue
            removed.append(_find_link(tracks, parent, spot))
            added.append(Link(parent, into))
    return Change("swap", removed_links=tuple(removed), added_links=tuple(added))


def delete_spot(tracks: EditableTracks, spot: int) -> Change:
    """Remove a spot and its links."""
    out = [_find_link(tracks, spot, child) for child in tracks.children(spot)]
    return Change(
        "delete_spot",
        removed_links=(*tracks.links_into(spot), *out),
        removed_spots=(tracks.spot(spot),),
    )


def delete_track(tracks: EditableTracks, spot: int) -> Change:
    """Remove all spots of the track that a spot belongs to."""
    track = tracks.track(spot)
    if track < 0:
        msg = f"spot {spot} belongs to no track: delete the spot"
        raise UserError(msg)
    ids = tracks.spots_of(track).tolist()
    return Change(
        "delete_track",
        removed_links=tuple(link for one in ids for link in tracks.links_into(one)),
        removed_spots=tuple(tracks.spot(one) for one in ids),
    )


def add_spot(
    tracks: EditableTracks,
    frame: int,
    position: Sequence[float],
    radius: float,
    label: int | None = None,
    features: Mapping[str, Any] | None = None,
    id: int | None = None,  # noqa: A002 - the column's name
) -> Change:
    """Add a spot: from a click, or from a label with what was measured of it.

    Parameters
    ----------
    tracks : EditableTracks
    frame : int
    position : sequence of float
        x, y and, in 3D, z in the space unit.
    radius : float
        In the space unit.
    label : int, optional
        Its label in the label image of the frame.
    features : mapping, optional
        Other columns of the spots table, e.g. a row of `measure`; what is not given is missing.
    id : int, optional
        Its id; by default one that no spot has had.
    """
    if not 0 <= frame < tracks.n_frames:
        msg = f"frame {frame} is not in the movie, whose frames are 0 to {tracks.n_frames - 1}"
        raise UserError(msg)
    number = tracks.next_spot if id is None else id
    if number in tracks or number < 0:
        msg = f"id {number} is taken, or below 0: leave the id out"
        raise UserError(msg)
    if label is not None:
        if not 1 <= label <= MAX_LABEL:
            msg = f"label is {label}, expected 1 to {MAX_LABEL}; 0 is background"
            raise UserError(msg)
        same = tracks.find_label(frame, label)
        if same:
            msg = f"label {label} of frame {frame} is spot {same[0]} already"
            raise UserError(msg)
    x, y, z = _check_position(tracks, position)
    given = _check_features(tracks, features)
    given.setdefault("time", tracks.time(frame))
    if "VISIBILITY" in tracks.columns:
        given.setdefault("VISIBILITY", 1)
    spot = Spot(number, frame, x, y, z, _check_radius(radius), label, given)
    return Change("add_spot", added_spots=(spot,))


def move_spot(
    tracks: EditableTracks,
    spot: int,
    position: Sequence[float],
    radius: float | None = None,
    features: Mapping[str, Any] | None = None,
) -> Change:
    """Move a spot within its frame; what was measured at its old place is missing then.

    Parameters
    ----------
    tracks : EditableTracks
    spot : int
    position : sequence of float
        x, y and, in 3D, z in the space unit.
    radius : float, optional
        New radius [space unit]; else it stays.
    features : mapping, optional
        What was measured at the new place.
    """
    before = tracks.spot(spot)
    kept = {name: before.features[name] for name in _STAYS if name in before.features}
    x, y, z = _check_position(tracks, position)
    after = Spot(
        spot, before.frame, x, y, z,
        before.radius if radius is None else _check_radius(radius),
        None, kept | _check_features(tracks, features),
    )  # fmt: skip
    return Change("move_spot", moved=(Move(before, after),))


@dataclass(frozen=True)
class Operation:
    """An operation by its name.

    Parameters
    ----------
    plan : callable
        Gives the change.
    spots : tuple of str
        Names of its arguments that are spots.
    values : tuple of str
        Names of its other arguments.
    """

    plan: Callable[..., Change]
    spots: tuple[str, ...]
    values: tuple[str, ...] = ()


#: All operations by their names.
OPERATIONS: dict[str, Operation] = {
    "break_link": Operation(break_link, ("source", "target")),
    "connect": Operation(connect, ("source", "target")),
    "add_division": Operation(add_division, ("mother", "daughter")),
    "remove_division": Operation(remove_division, ("mother", "daughter")),
    "merge": Operation(merge, ("source", "target")),
    "swap": Operation(swap, ("one", "other")),
    "delete_spot": Operation(delete_spot, ("spot",)),
    "delete_track": Operation(delete_track, ("spot",)),
    "add_spot": Operation(add_spot, (), ("frame", "position", "radius", "label", "features", "id")),
    "move_spot": Operation(move_spot, ("spot",), ("position", "radius", "features")),
}


def _find_link(tracks: EditableTracks, source: int, target: int) -> Link:
    link = tracks.link(source, target)
    if link is None:
        msg = f"there is no link from spot {source} to spot {target}; {source} links to "
        msg += _list(tracks.children(source)) or "none"
        raise UserError(msg)
    return link


def _check_link(tracks: EditableTracks, source: int, target: int) -> None:
    """Refuse a link that cannot be, whatever else there is."""
    first, last = tracks.frame(source), tracks.frame(target)
    if first >= last:
        why = "both are in frame" if first == last else f"from frame {first} back to"
        msg = f"a link from spot {source} to spot {target} is not possible, {why} {last}: links go "
        msg += "forward in time"
        raise UserError(msg)
    if tracks.link(source, target) is not None:
        msg = f"spots {source} and {target} are linked already"
        raise UserError(msg)


def _check_no_parent(tracks: EditableTracks, spot: int, remedy: str) -> None:
    parents = tracks.parents(spot)
    if parents:
        msg = f"spot {spot} comes from spot {_list(parents)} already: {remedy}"
        raise UserError(msg)


def _check_position(
    tracks: EditableTracks, position: Sequence[float]
) -> tuple[float, float, float]:
    values = [float(value) for value in position]
    if len(values) == 2 and tracks.ndim == 2:
        values.append(0.0)
    if len(values) != 3 or not all(-FARTHEST <= value <= FARTHEST for value in values):
        expected = "x, y, z" if tracks.ndim == 3 else "x, y"
        msg = f"position {tuple(position)}, expected finite numbers {expected} in the space unit, "
        msg += f"up to {FARTHEST:g}"
        raise UserError(msg)
    return values[0], values[1], values[2]


def _check_radius(radius: float) -> float:
    if not 0 < radius <= FARTHEST:
        msg = f"radius is {radius}, expected a number above 0, up to {FARTHEST:g}, in the space "
        msg += "unit"
        raise UserError(msg)
    return float(radius)


def _check_features(tracks: EditableTracks, features: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give features without those that are an argument of their own; text only where text is."""
    given = {name: value for name, value in (features or {}).items() if name not in SPOT_FIELDS}
    for name, value in given.items():
        if isinstance(value, str) != tracks.is_text(name):
            expected = "a number" if isinstance(value, str) else "text, as of other spots"
            msg = f"feature {name} is {value!r}, expected {expected}"
            raise UserError(msg)
    return given


def _list(spots: list[int]) -> str:
    return ", ".join(map(str, spots))
