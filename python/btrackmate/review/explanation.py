"""Why a link is there, or not: what is told of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: Rivals and thresholds that the text lists.
_SHOWN = 4


@dataclass(frozen=True)
class Rival:
    """Another link, or division, that wanted one of the same spots.

    Parameters
    ----------
    source : int
        Spot id of the mother.
    targets : tuple of int
        Spot ids: one of a link, two of a division.
    kind : str
        ``"link"``, ``"gap_closing"``, ``"splitting"``, ``"merging"`` or ``"division"``.
    cost : float
        What it costs to the tracker; for the tracker flow its log odds, of which more is better.
    chosen : bool
        Whether the tracker chose it.
    """

    source: int
    targets: tuple[int, ...]
    kind: str
    cost: float
    chosen: bool

    def __str__(self) -> str:
        """Say it in one line."""
        ends = " + ".join(map(str, self.targets))
        taken = "chosen" if self.chosen else "not chosen"
        return f"{self.source} → {ends} ({self.kind.replace('_', ' ')}): {self.cost:.4g}, {taken}"


@dataclass(frozen=True)
class Flip:
    """Settings with which the tracker would decide otherwise.

    Parameters
    ----------
    settings : mapping from name to value
        All of them have to be passed, e.g. ``{"splitting_max_distance": 8.31}``; names of the
        weights of the tracker flow begin with ``weights.``.
    below : bool
        Whether they have to be below, or else above, the values.
    sure : bool
        Whether this was computed exactly; else later frames or what the tracker learns from the
        movie may shift it a little.
    """

    settings: Mapping[str, float]
    below: bool
    sure: bool = True

    def __str__(self) -> str:
        """Say it in words."""
        word = "below" if self.below else "above"
        parts = [
            f"{name} {value}" if isinstance(value, bool) else f"{name} {word} {value:.6g}"
            for name, value in self.settings.items()
        ]
        return " and ".join(parts) + ("" if self.sure else " (about)")


@dataclass(frozen=True)
class LinkExplanation:
    """Why two spots are linked, or are not.

    Parameters
    ----------
    source, target : int
        Spot ids.
    linked : bool
        Whether the tracks have the link.
    kind : str
        The step of the tracker that made it, or could have made it.
    reason : str
        One line.
    by_tracker : bool
        Whether the tracker links them with these settings.
    by_hand : bool
        Whether a correction made, or removed, the link.
    cost : float or None
        What it costs; None where that is not known.
    limit : float or None
        Largest cost that is allowed.
    no_link : float or None
        What it costs to leave the spots unlinked.
    rivals : tuple of Rival
        The best first.
    flips : tuple of Flip
        Settings with which the tracker would decide the other way; none where a rival would win
        anyway.
    """

    source: int
    target: int
    linked: bool
    kind: str
    reason: str
    by_tracker: bool = False
    by_hand: bool = False
    cost: float | None = None
    limit: float | None = None
    no_link: float | None = None
    rivals: tuple[Rival, ...] = ()
    flips: tuple[Flip, ...] = ()

    def __str__(self) -> str:
        """Say it in a few lines."""
        head = f"{self.source} → {self.target}"
        head += " is a link" if self.linked else " is no link"
        if self.by_hand:
            head += ", as corrected by hand"
        elif self.linked and not self.by_tracker:
            head += ", which the tracker does not make with these settings (and these spots)"
        elif self.by_tracker and not self.linked:
            head += ", though the tracker makes it with these settings (and these spots)"
        lines = [f"{head}: {self.reason}"]
        lines += [f"    rival {rival}" for rival in self.rivals[:_SHOWN]]
        change = (
            "the tracker leaves it out with" if self.by_tracker else "the tracker makes it with"
        )
        lines += [f"    {change} {flip}" for flip in self.flips[:_SHOWN]]
        if not self.flips and not self.by_tracker:
            lines.append("    no single setting makes it")
        return "\n".join(lines)


@dataclass(frozen=True)
class Explanation:
    """What a tracker did with a spot, or a pair of spots, and why.

    Parameters
    ----------
    tracker : str
        Our short name.
    settings_from : str
        Where its settings come from.
    unit : str
        What costs are measured in.
    spot : int or None
        The spot that was asked for.
    links : tuple of LinkExplanation
        Of a spot: its links, then those that it nearly had.
    notes : tuple of str
        What has to be known beside.
    """

    tracker: str
    settings_from: str
    unit: str
    spot: int | None
    links: tuple[LinkExplanation, ...]
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, as JSON holds them."""
        return asdict(self)

    def __str__(self) -> str:
        """Say it in lines."""
        head = f"tracker {self.tracker}, settings from {self.settings_from}; costs in {self.unit}"
        lines = [head, *(f"note: {note}" for note in self.notes), *map(str, self.links)]
        if not self.links:
            lines.append(f"spot {self.spot} has no link, and no spot within reach")
        return "\n".join(lines)
