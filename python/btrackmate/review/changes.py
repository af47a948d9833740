"""What an edit of tracks changes: links and spots that go, come and move."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Columns of the spots table that are fields of a spot; the others are its features.
SPOT_FIELDS = ("id", "frame", "x", "y", "z", "radius", "label")


class Link(NamedTuple):
    """A link between two spots, by their ids; cost and confidence are NaN where unknown."""

    source: int
    target: int
    cost: float = math.nan
    confidence: float = math.nan


@dataclass(frozen=True)
class Spot:
    """One spot with all that is known of it.

    Parameters
    ----------
    id, frame : int
    x, y, z : float
        Position in the space unit.
    radius : float
        In the space unit, NaN where unknown.
    label : int or None
        Its label in the label image of its frame.
    features : mapping
        Other columns of the spots table; a value that is missing is left out.
    """

    id: int
    frame: int
    x: float
    y: float
    z: float = 0.0
    radius: float = math.nan
    label: int | None = None
    features: Mapping[str, Any] = field(default_factory=dict)

    @property
    def position(self) -> tuple[float, float, float]:
        """Position x, y, z in the space unit."""
        return self.x, self.y, self.z


class Move(NamedTuple):
    """A spot before and after it moved."""

    before: Spot
    after: Spot


class Renumbering(NamedTuple):
    """Spots (by id) that passed from one track to another; −1 stands for no track."""

    spots: NDArray[np.int64]
    before: int
    after: int


@dataclass(frozen=True)
class Change:
    """What one edit, undo or redo changed.

    Parameters
    ----------
    what : str
        The operation, e.g. ``"break_link"``.
    removed_links, added_links : tuple of Link
    removed_spots, added_spots : tuple of Spot
    moved : tuple of Move
    renumbered : tuple of Renumbering or None
        Spots whose track is another now, in the order in which it happened; None before the
        change is applied.
    tracks : frozenset of int
        Ids of all tracks that were touched, those that are gone or new included.
    """

    what: str
    removed_links: tuple[Link, ...] = ()
    added_links: tuple[Link, ...] = ()
    removed_spots: tuple[Spot, ...] = ()
    added_spots: tuple[Spot, ...] = ()
    moved: tuple[Move, ...] = ()
    renumbered: tuple[Renumbering, ...] | None = None
    tracks: frozenset[int] = frozenset()

    @property
    def spots(self) -> frozenset[int]:
        """Ids of the spots that went, came, moved, or lost or got a link."""
        links = (*self.removed_links, *self.added_links)
        found = {end for link in links for end in (link.source, link.target)}
        found.update(spot.id for spot in (*self.removed_spots, *self.added_spots))
        found.update(move.after.id for move in self.moved)
        return frozenset(found)

    def inverse(self) -> "Change":
        """Give the change that takes this one back."""
        back = self.renumbered
        return replace(
            self,
            removed_links=self.added_links,
            added_links=self.removed_links,
            removed_spots=self.added_spots,
            added_spots=self.removed_spots,
            moved=tuple(Move(move.after, move.before) for move in reversed(self.moved)),
            renumbered=None
            if back is None
            else tuple(Renumbering(one.spots, one.after, one.before) for one in reversed(back)),
        )
