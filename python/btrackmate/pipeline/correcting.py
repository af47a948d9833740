"""Corrections of earlier tracks, made again on new ones: ``--edits``."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.files import find_written
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import note_outputs
from btrackmate.report.trust import Note
from btrackmate.review import Replay, name_journal, read_standing, replay_on, write_journal

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corrected:
    """Tracks with the edits of a journal that fit them.

    Parameters
    ----------
    graph : TrackGraph
    replay : Replay
        What came of each edit.
    """

    graph: TrackGraph
    replay: Replay

    @property
    def note(self) -> Note:
        """What a person must know of them."""
        left = self.replay.left_out
        n = len(self.replay.made)
        what = f"{n} of {n + len(left)} corrections from before were made again."
        if not left:
            return Note(what, "Look whether they still are what you meant.")
        some = "; ".join(map(str, left[:3])) + ("; …" if len(left) > 3 else "")
        return Note(what, f"Look again at the places of those that did not fit: {some}.")

    @property
    def table(self) -> pd.DataFrame:
        """All edits, see :meth:`btrackmate.review.Replay.to_table`."""
        return self.replay.to_table()

    def write_journal(self, tracks: Path) -> None:
        """Write the edits that were made beside the new tracks, so that they can be undone."""
        from btrackmate.io.images import hash_path  # a second to import, mostly not needed

        if self.replay.lines:
            digest = hash_path(find_written(tracks))
            unit = self.graph.spots.calibration.space_unit
            write_journal(tracks, digest, self.replay.lines, unit)


@dataclass(frozen=True)
class Edits:
    """A journal that was read.

    Parameters
    ----------
    path : Path
        The journal, or the tracks that it stands beside.
    entries : list of dict
        Its lines.
    """

    path: Path
    entries: list[dict[str, Any]] = field(repr=False)

    def make(self, graph: TrackGraph) -> Corrected:
        """Make the edits that fit; the log names the others."""
        replay = replay_on(graph, self.entries)
        for one in replay.left_out:
            _log.warning("%s: %s", self.path, one)
        graph = replay.history.tracks.to_graph().with_record("review", {"edits": len(replay.made)})
        return Corrected(graph, replay)


def read_edits(path: Path, output: Path) -> Edits:
    """Read a journal before anything is made.

    Parameters
    ----------
    path : Path
        The journal, or the tracks that it stands beside.
    output : Path
        The file that the new tracks go to.

    Raises
    ------
    UserError
        If there is no journal, it is damaged, or corrections of the output would be lost.
    """
    entries = read_standing(path)
    check_uncorrected(output, path)
    return Edits(path, entries)


def check_uncorrected(output: Path, path: Path) -> None:
    """Refuse to replace corrections of the output by those of a journal.

    Those that are made while the new tracks are computed stay, too: see
    `btrackmate.core.outputs.check_unchanged`.
    """
    journal = name_journal(output)
    if journal.exists():
        msg = f"{journal}: the corrections beside the output would be replaced by those of "
        msg += f"{path}: give another output, or move them to another folder first"
        raise UserError(msg)
    note_outputs([journal])
