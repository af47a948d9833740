"""Where a spot is: how the journal names spots, so that they are found again in other tracks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from btrackmate.core.errors import UserError
from btrackmate.review.changes import Spot
from btrackmate.review.tracks import EditableTracks

#: Part of its radius within which a spot without a label of its own is looked for.
_NEAR = 0.5
#: Distance that counts as none where there is no radius, as part of the coordinates.
_SAME = 1e-6


@dataclass(frozen=True)
class Place:
    """Frame, label and position of a spot, with the id that it had.

    Parameters
    ----------
    id, frame : int
    label : int or None
    position : tuple of float
        x, y, z in the space unit.
    radius : float
        In the space unit, NaN where unknown.
    """

    id: int
    frame: int
    label: int | None
    position: tuple[float, float, float]
    radius: float

    @classmethod
    def of(cls, spot: Spot) -> Self:
        """Give the place of a spot."""
        return cls(spot.id, spot.frame, spot.label, spot.position, spot.radius)

    def to_json(self) -> dict[str, Any]:
        """Give plain values; what is not known is left out."""
        told: dict[str, Any] = {"id": self.id, "frame": self.frame}
        if self.label is not None:
            told["label"] = self.label
        told["position"] = list(self.position)
        if not math.isnan(self.radius):
            told["radius"] = self.radius
        return told

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        """Read what `to_json` gave."""
        x, y, z = told["position"]
        radius = told.get("radius", math.nan)
        return cls(told["id"], told["frame"], told.get("label"), (x, y, z), radius)

    @property
    def reach(self) -> float:
        """How far from here a spot may lie that has not its label."""
        exact = find_exact(self.position)
        return max(_NEAR * self.radius, exact) if self.radius > 0 else exact

    def is_of(self, tracks: EditableTracks, spot: int) -> bool:
        """Tell whether a spot lies just here."""
        away = math.dist(tracks.position(spot), self.position)
        return tracks.frame(spot) == self.frame and away <= find_exact(self.position)

    def find(self, tracks: EditableTracks) -> int:
        """Find the spot in tracks; its id there.

        Raises
        ------
        UserError
            If no spot, or more than one, fits.

        Notes
        -----
        The only spot that lies just there; else that of the same label in the frame, if it lies
        within the radius of where it was; else the only spot within half the radius. Of spots at
        one place that with the same id.
        """
        exact = find_exact(self.position)
        just_there = tracks.near(self.frame, self.position, exact)
        if len(just_there) == 1:
            return just_there[0][0]
        radius = self.radius if self.radius > exact else exact
        if self.label is not None:
            same = tracks.find_label(self.frame, self.label)
            if len(same) == 1 and math.dist(tracks.position(same[0]), self.position) <= radius:
                return same[0]
        near = tracks.near(self.frame, self.position, self.reach)
        ids = [spot for spot, _ in near]
        if self.id in ids and all(away <= exact for _, away in near):
            return self.id
        if len(near) == 1:
            return ids[0]
        what = f"{len(near)} spots lie" if near else "no spot lies"
        at = ", ".join(f"{value:g}" for value in self.position)
        msg = f"{what} in frame {self.frame} at ({at}), where spot {self.id} was"
        if self.label is not None:
            msg += f", and label {self.label} is not there"
        raise UserError(msg)

    def find_if_sure(self, tracks: EditableTracks) -> int | None:
        """Find the spot in tracks; None where none is there, or not for sure."""
        try:
            return self.find(tracks)
        except UserError:
            return None


def find_exact(position: Sequence[float]) -> float:
    """Give the distance that counts as none at a position."""
    return _SAME * (1 + max(map(abs, position)))
