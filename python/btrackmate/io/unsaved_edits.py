"""Edits that stand in the journal beside tracks and are not saved into them."""

import logging
import os
import re
from pathlib import Path

from btrackmate.core.files import follow_link
from btrackmate.core.outputs import JOURNAL

_log = logging.getLogger(__name__)

#: Digits of a hash in the name of a file.
_DIGITS = 12
_STEP, _SAVE = b'{"do":"', b'{"do":"save"'
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')


def name_journal(tracks: Path) -> Path:
    """Name the journal of a file of tracks: ``tracks.xml.edits.jsonl`` beside it."""
    return tracks.with_name(tracks.name + JOURNAL)


def name_original(tracks: Path, digest: str) -> Path:
    """Name the file of before corrections, which is kept beside tracks.

    ``tracks.xml.edits.1a2b3c4d5e6f.original``: no name of tracks, so that nobody who takes all
    ``*.xml`` of a folder takes the movie twice, and nothing is written there.
    """
    return tracks.with_name(f"{tracks.name}.edits.{digest[:_DIGITS]}.original")


def warn_of_unsaved(tracks: Path) -> None:
    """Warn where tracks are read without the edits that a person made on them."""
    if told := describe_unsaved(tracks):
        _log.warning("%s", told)


def describe_unsaved(tracks: Path) -> str:
    """Tell which edits that a person made on tracks are not in their file; empty for none."""
    place = follow_link(tracks)
    journal = name_journal(place)
    if not journal.is_file():
        return ""
    lines = journal.read_bytes().split(b"\n")
    saves = [n for n, line in enumerate(lines) if line.startswith(_SAVE)]
    last, known = max(saves, default=0), True
    if saves and last == max(n for n, line in enumerate(lines) if line.startswith(_STEP)):
        # Of a save that was killed, the line may be there, and the file that of before.
        digest = hash_path(place)
        held = [n for n in (0, *saves) if _read_digest(lines[n]) == digest]
        last, known = (held[-1], True) if held else (last, False)
    later = [line for line in lines[last + 1 :] if not line.startswith(_SAVE)]
    unsaved = sum(line.startswith(_STEP) for line in later)
    if unsaved:
        return (
            f"{tracks}: {unsaved} edits in {journal.name} are not saved into it, and not taken: "
            "save them first, in `btrackmate view` or by EditSession.save"
        )
    if not known:
        return (
            f"{tracks} was made or saved anew since its corrections, which stand in {journal.name} "
            "and may not be in it: look in `btrackmate view`, or move that file away"
        )
    return ""


def warn_of_corrections(output: Path) -> None:
    """Warn where corrections stand beside tracks that are going to be replaced; they stay."""
    if told := describe_corrections(output):
        _log.warning("%s", told)


def describe_corrections(output: Path) -> str:
    """Tell of corrections that stand beside tracks which are replaced; empty for none."""
    journal = name_journal(output)
    if not os.path.isfile(journal):  # noqa: PTH113  (its name may be longer than names can be)
        return ""
    return (
        f"{journal} holds corrections of the tracks that are replaced; it stays, and they are not "
        "in the new ones: `btrackmate view` makes them again where they fit, or move it away"
    )


def read_saves(tracks: Path) -> list[bytes]:
    """Give the lines of the saves in the journal of tracks."""
    journal = name_journal(tracks)
    lines = journal.read_bytes().split(b"\n") if journal.is_file() else []
    return [line for line in lines if line.startswith(_SAVE)]


def _read_digest(line: bytes) -> str:
    found = _DIGEST.search(line)
    return "" if found is None else found[1].decode("ascii")


def hash_path(path: Path) -> str:
    """Hash a file or folder, see :func:`btrackmate.io.images.hash_path`."""
    from btrackmate.io import images  # a second to import, mostly not needed

    return images.hash_path(path)
