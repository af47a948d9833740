"""The lines of a journal of edits: as JSON, with a checksum that each takes over from the last."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from btrackmate.core.errors import UserError
from btrackmate.review.changes import Change, Link, Move, Spot
from btrackmate.review.places import Place

_SUM = ',"sum":"'
#: Hexadecimal digits of a checksum.
_DIGITS = 16


@dataclass(frozen=True)
class ParsedLines:
    """The lines of a journal.

    Parameters
    ----------
    entries : list of dict
        Those that are whole.
    end : str
        Checksum of the last one, which the next takes over.
    torn : str
        What stands after them: the start of a line that was never finished.
    """

    entries: list[dict[str, Any]]
    end: str
    torn: str


def format_line(entry: Mapping[str, Any], before: str) -> tuple[str, str]:
    """Write an entry as a line; give it and its checksum."""
    body = json.dumps(entry, separators=(",", ":"), allow_nan=False)
    checksum = _check(body, before)
    return f'{body[:-1]}{_SUM}{checksum}"}}\n', checksum


def parse_lines(text: str, source: str) -> ParsedLines:
    """Read the lines of a journal.

    Parameters
    ----------
    text : str
    source : str
        Where it comes from, for messages.

    Raises
    ------
    UserError
        If a line is damaged that is not the last: nothing after it can be trusted.
    """
    entries: list[dict[str, Any]] = []
    lines = text.split("\n")
    before = ""
    for number, line in enumerate(lines):
        is_last = number >= len(lines) - 2 and not "".join(lines[number + 1 :])
        if number == len(lines) - 1:
            return ParsedLines(entries, before, line)
        body, found, checksum = line.rpartition(_SUM)
        checksum = checksum.removesuffix('"}')
        entry = _read_entry(f"{body}}}") if found else None
        if entry is None or checksum != _check(f"{body}}}", before):
            if is_last:
                return ParsedLines(entries, before, f"{line}\n")
            msg = f"{source}: line {number + 1} of {len(lines) - 1} is damaged, so that the edits "
            msg += f"from there on can't be trusted; keep the first {number} lines, or move the "
            msg += "file away to begin without edits"
            raise UserError(msg)
        entries.append(entry)
        before = checksum
    return ParsedLines(entries, before, "")


def _read_entry(body: str) -> dict[str, Any] | None:
    """Read an entry; None where it is none."""
    try:
        entry = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def check_entries(entries: Sequence[Mapping[str, Any]], source: str) -> None:
    """Refuse lines, after the header, that hold no edits as this version writes them.

    Raises
    ------
    UserError
        Names the first.
    """
    done = undone = 0
    for number, entry in enumerate(entries, 2):
        what = entry.get("do")
        if what == "undo":
            done, undone = done - 1, undone + 1
        elif what == "redo":
            done, undone = done + 1, undone - 1
        elif what != "save":
            done, undone = done + 1, 0 if _is_edit(entry) else -1
        elif entry.get("anew"):
            undone = 0
        if done < 0 or undone < 0:
            msg = f"{source}: line {number} is no edit that can be made ({str(what)[:40]!r}); keep "
            msg += "the lines before it, or move the file away to begin without edits"
            raise UserError(msg)


def list_places(entry: Mapping[str, Any]) -> list[Place]:
    """List the places that an edit tells: of spots that it names, and of those beside."""
    return list(map(Place.from_json, (*entry["spots"].values(), *entry.get("beside", ()))))


def _is_edit(entry: Mapping[str, Any]) -> bool:
    try:
        change = read_change(entry["do"], entry["change"])
        places = list_places(entry)
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    moved = [spot for move in change.moved for spot in move]
    spots: list[Place | Spot] = [*places, *change.removed_spots, *change.added_spots, *moved]
    links = [*change.removed_links, *change.added_links]
    ids: list[Any] = [value for link in links for value in link[:2]]
    values: list[Any] = [value for link in links for value in link[2:]]
    for one in spots:
        ids += [one.id, one.frame]
        values += [*one.position, one.radius]
    return (
        isinstance(entry["do"], str)
        and isinstance(entry.get("values"), dict)
        and all(isinstance(value, int) for value in ids)
        and all(isinstance(value, int | float) for value in values)
    )


def _check(body: str, before: str) -> str:
    text = f"{before}{body}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:_DIGITS]


def write_change(change: Change) -> dict[str, Any]:
    """Give a change as plain values; what it does not hold is left out."""
    told = {
        "unlinked": [_write_link(link) for link in change.removed_links],
        "linked": [_write_link(link) for link in change.added_links],
        "removed": [_write_spot(spot) for spot in change.removed_spots],
        "added": [_write_spot(spot) for spot in change.added_spots],
        "moved": [[_write_spot(spot) for spot in move] for move in change.moved],
    }
    return {name: values for name, values in told.items() if values}


def read_change(what: str, told: Mapping[str, Any]) -> Change:
    """Read what `write_change` gave; which tracks it touched is not known yet."""
    return Change(
        what,
        _read_links(told.get("unlinked", ())),
        _read_links(told.get("linked", ())),
        tuple(map(_read_spot, told.get("removed", ()))),
        tuple(map(_read_spot, told.get("added", ()))),
        tuple(Move(*map(_read_spot, pair)) for pair in told.get("moved", ())),
    )


def _write_link(link: Link) -> list[Any]:
    return [*link[:2], *(None if math.isnan(value) else value for value in link[2:])]


def _read_links(told: Iterable[list[Any]]) -> tuple[Link, ...]:
    return tuple(
        Link(source, target, *(math.nan if value is None else value for value in rest))
        for source, target, *rest in told
    )


def _write_spot(spot: Spot) -> dict[str, Any]:
    told = {"id": spot.id, "frame": spot.frame, "position": list(spot.position)}
    if not math.isnan(spot.radius):
        told["radius"] = spot.radius
    if spot.label is not None:
        told["label"] = spot.label
    if spot.features:
        told["features"] = {
            name: value if math.isfinite(value) else repr(value)
            for name, value in spot.features.items()
            if not isinstance(value, str)
        } | {name: value for name, value in spot.features.items() if isinstance(value, str)}
    return told


def _read_spot(told: Mapping[str, Any]) -> Spot:
    x, y, z = told["position"]
    features = {
        name: float(value) if value in ("inf", "-inf") else value
        for name, value in told.get("features", {}).items()
    }
    radius, label = told.get("radius", math.nan), told.get("label")
    return Spot(told["id"], told["frame"], x, y, z, radius, label, features)
