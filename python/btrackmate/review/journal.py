"""The journal of edits: a file beside the tracks that grows by a line with each edit."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

from btrackmate.core.errors import StorageError, UserError, describe_fault
from btrackmate.core.files import append_text, copy_file, write_text
from btrackmate.core.locks import Lock, hold_contents
from btrackmate.core.outputs import check_output
from btrackmate.io.unsaved_edits import name_journal as name_journal
from btrackmate.review.changes import Change
from btrackmate.review.entries import (
    ParsedLines,
    check_entries,
    format_line,
    parse_lines,
    read_change,
    write_change,
)
from btrackmate.review.places import Place

_log = logging.getLogger(__name__)

#: What the first line says.
FORMAT = "btrackmate-edits 1"
_LOCK_ENDING = ".edits.lock"


class Journal:
    """The edits of one file of tracks, held by one process.

    A line is added for each edit, undo, redo and save, and waited for until it is on the disk; it
    is never changed afterwards. The file is made with the first line.

    Parameters
    ----------
    tracks : Path
        The file of tracks, whose journal stands beside it.

    Raises
    ------
    UserError
        If another window or process has these tracks open, or the journal is damaged.
    StorageError
        If the disk refuses the lock beside it.

    Attributes
    ----------
    entries : list of dict
        Its lines, the first is the header; empty where there is no journal yet.
    torn : bool
        Whether the last line had never been finished, or was damaged, and was left out; in the
        latter case the file of before is kept as ``NAME.edits.before-N.jsonl``.
    """

    def __init__(self, tracks: Path) -> None:
        self.tracks = tracks
        self.path = name_journal(tracks)
        check_output(self.path, overwrite=True)
        self._lock = Lock(tracks.with_name(tracks.name + _LOCK_ENDING), f"{tracks} (editing)")
        try:
            self._lock.acquire()
        except OSError as error:
            msg = f"cannot write beside {tracks}, where edits are kept: {describe_fault(error)}"
            raise StorageError(msg) from error
        self._held = ExitStack()
        try:
            self._held.enter_context(hold_contents(tracks, f"{tracks} (editing)"))
            parsed = read_lines(self.path)
            if parsed.torn:
                if parsed.torn.endswith("\n"):  # It was whole once.
                    copy_file(self.path, _name_before(self.path))
                torn = len(parsed.torn.encode("utf-8", "surrogateescape"))
                write_text(self.path, self.path.read_bytes()[:-torn].decode("ascii"))
        except BaseException:
            self.close()
            raise
        self.entries, self._end = parsed.entries, parsed.end
        self.torn = bool(parsed.torn)
        self._size = self._measure()

    def close(self) -> None:
        """Let others edit the tracks."""
        self._held.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def begin(self, digest: str, space_unit: str) -> None:
        """Write the header: which file of tracks the edits begin with, by its SHA-256."""
        self._append(_make_header(self.tracks, digest, space_unit))

    def note_edit(self, entry: Mapping[str, Any]) -> None:
        """Note an edit, see `make_edit`."""
        self._append(dict(entry))

    def note(self, what: str, **values: Any) -> None:
        """Note something else: ``"undo"``, ``"redo"`` or ``"save"``."""
        self._append({"do": what, "time": _now(), **values})

    def replace(
        self,
        digest: str,
        states: Sequence[Sequence[dict[str, Any]]],
        later: Sequence[Mapping[str, Any]],
        space_unit: str,
        *,
        n_undone: int = 0,
    ) -> int:
        """Begin anew, all at one moment; keep the lines of before in a file beside.

        Parameters
        ----------
        digest : str
            Of the file of tracks.
        states : sequence of lists of dict
            Edits that stood at earlier saves, as another program may write one of these again; the
            last are those that the file with the digest holds.
        later : sequence of dict
            Edits that were made since.
        space_unit : str
        n_undone : int
            So many of those that the file holds were taken back since, before those that follow.

        Returns
        -------
        int
            How many lines, the header among them, the file holds.
        """
        copy_file(self.path, _name_before(self.path))
        lines = _pass_through(states)
        # What the last save wrote beside the tracks stands there still.
        saves = [one for one in self.entries if one.get("written")]
        written = {"written": saves[-1]["written"]} if saves else {}
        lines.append({"do": "save", "time": _now(), "sha256": digest, "anew": True, **written})
        saved = len(lines) + 1
        lines += [{"do": "undo", "time": _now()}] * n_undone
        self.entries = [_make_header(self.tracks, None, space_unit), *lines, *map(dict, later)]
        text, self._end = _format(self.entries)
        self.confirm()
        write_text(self.path, text)
        self._size = self._measure()
        return saved

    def confirm(self) -> None:
        """Check that the tracks are still open here, see `Lock.confirm`."""
        self._lock.confirm()

    def _append(self, entry: dict[str, Any]) -> None:
        self.confirm()
        if self._measure() != self._size:
            self._restore()
        line, end = format_line(entry, self._end)
        append_text(self.path, line, wait=True)
        self.entries.append(entry)
        self._end = end
        self._size = self._measure()

    def _measure(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _restore(self) -> None:
        """Write all lines anew that somebody removed or changed; keep what stands there aside."""
        _log.warning(
            "%s was removed or changed by another program: it is written anew with all edits of "
            "this window", self.path,
        )  # fmt: skip
        if self.path.exists():
            copy_file(self.path, _name_before(self.path))
        write_text(self.path, _format(self.entries)[0])


def write_journal(
    tracks: Path, digest: str, edits: Sequence[Mapping[str, Any]], space_unit: str
) -> Path:
    """Write the journal of tracks that are saved with edits already: all can be undone.

    Parameters
    ----------
    tracks : Path
        The file of tracks, whose journal stands beside it.
    digest : str
        Its SHA-256.
    edits : sequence of mapping
        Lines, see `make_edit`.
    space_unit : str
        Of their positions.

    Returns
    -------
    Path
        The journal.
    """
    save = {"do": "save", "time": _now(), "sha256": digest}
    path = name_journal(tracks)
    write_text(path, _format([_make_header(tracks, None, space_unit), *edits, save])[0])
    return path


def _make_header(tracks: Path, digest: str | None, space_unit: str) -> dict[str, Any]:
    """Make the first line; the digest is None for tracks that were never a file without edits."""
    return {"format": FORMAT, "tracks": tracks.name, "sha256": digest, "space_unit": space_unit}


def _format(entries: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Write all lines; give the text and the checksum that the next line takes over."""
    lines, end = [], ""
    for entry in entries:
        line, end = format_line(entry, end)
        lines.append(line)
    return "".join(lines), end


def _pass_through(states: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Make lines after which edits stood as in each of some states in turn; saves but the last."""
    lines, now = list[dict[str, Any]](), list[dict[str, Any]]()
    for number, state in enumerate(states):
        kept = count_common(now, state)
        lines += [{"do": "undo", "time": _now()}] * (len(now) - kept)
        lines += state[kept:]
        now = list(state)
        if number < len(states) - 1:
            lines.append({"do": "save", "time": _now(), "sha256": None})
    return lines


def count_common(one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> int:
    """Count the edits with which both begin."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def make_edit(
    change: Change,
    places: Mapping[str, Place],
    values: Mapping[str, Any],
    beside: Sequence[Place] = (),
) -> dict[str, Any]:
    """Make the line of an edit: the operation, where its spots are, other arguments, the change.

    `beside` are places of other spots that it depends on.
    """
    told = {"beside": [place.to_json() for place in beside]} if beside else {}
    return {
        "do": change.what,
        "time": _now(),
        "spots": {name: place.to_json() for name, place in places.items()},
        "values": dict(values),
        **told,
        "change": write_change(change),
    }


def read_lines(path: Path) -> ParsedLines:
    """Read a journal; nothing where there is none.

    Raises
    ------
    UserError
        If it is damaged, or no journal of ours.
    """
    if not path.is_file():
        return ParsedLines([], "", "")
    parsed = parse_lines(path.read_bytes().decode("utf-8", "surrogateescape"), str(path))
    if parsed.entries and parsed.entries[0].get("format") != FORMAT:
        found = parsed.entries[0].get("format", "something else")
        msg = f"{path}: {found!r}, expected {FORMAT!r}; a newer version made it: update, or move "
        msg += "it away to begin without edits"
        raise UserError(msg)
    check_entries(parsed.entries[1:], str(path))
    if parsed.torn:
        _log.warning("%s: its last line was cut off or is damaged, and is left out", path)
    return parsed


def sort_edits(
    entries: Sequence[dict[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the edits that stand, and those taken back, after some lines (without the header)."""
    done: list[dict[str, Any]] = []
    undone: list[dict[str, Any]] = []
    for entry in entries:
        if entry["do"] == "undo":
            undone.append(done.pop())
        elif entry["do"] == "redo":
            done.append(undone.pop())
        elif entry["do"] != "save":
            done.append(entry)
            undone.clear()
        elif entry.get("anew"):  # What was taken back before, in another file, may be other cells.
            undone.clear()
    return done, undone


def read_edit(entry: Mapping[str, Any]) -> Change:
    """Give the change that the line of an edit holds."""
    return read_change(entry["do"], entry["change"])


def _name_before(journal: Path) -> Path:
    stem, number = journal.name.removesuffix(".jsonl"), 1
    while journal.with_name(f"{stem}.before-{number}.jsonl").exists():
        number += 1
    return journal.with_name(f"{stem}.before-{number}.jsonl")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
