"""Edits that stand in the journal beside tracks and are not saved into them."""

import logging
from pathlib import Path

_log = logging.getLogger(__name__)

#: Ending of the journal of edits beside a file of tracks.
EDITS = ".edits.jsonl"
_STEP, _SAVE = b'{"do":"', b'{"do":"save"'


def count_unsaved(tracks: Path) -> int:
    """Count edits, undone and redone ones too, since the tracks were saved the last time."""
    journal = tracks.with_name(tracks.name + EDITS)
    if not journal.is_file():
        return 0
    lines = journal.read_bytes().split(b"\n")
    last = max((n for n, line in enumerate(lines) if line.startswith(_SAVE)), default=-1)
    return sum(line.startswith(_STEP) for line in lines[last + 1 :])


def warn_of_unsaved(tracks: Path) -> None:
    """Warn where tracks are read without the edits that a person made on them."""
    place = tracks.resolve() if tracks.is_symlink() else tracks
    n = count_unsaved(place)
    if n:
        _log.warning(
            "%s: %d edits in %s are not saved into it, and not taken: save them first, in "
            "`btrackmate view` or by EditSession.save", tracks, n, place.name + EDITS,
        )  # fmt: skip
