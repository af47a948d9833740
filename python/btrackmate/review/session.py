"""Editing a file of tracks: every edit is kept at once, and can be undone, also days later."""

import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_atomically, write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import check_outputs, check_whole
from btrackmate.core.paths import is_one_name
from btrackmate.io.geff_reader import list_left_out
from btrackmate.io.images import hash_path
from btrackmate.io.run_folder import TRACKS, TRACKS_GEFF, find_run_folder
from btrackmate.io.run_tables import (
    check_replaceable,
    hash_run_tracks,
    write_run_tracks,
)
from btrackmate.io.track_formats import (
    name_inputs,
    name_outputs,
    write_tracks,
)
from btrackmate.io.trackmate import Session
from btrackmate.io.unsaved_edits import warn_of_corrections
from btrackmate.review.changes import Change
from btrackmate.review.edited_file import (
    find_edited,
    find_original,
    keep_original,
    read_edited,
    write_copy,
)
from btrackmate.review.held import LeftOut, find_held, take_back
from btrackmate.review.history import History
from btrackmate.review.journal import Journal, count_common, read_edit, sort_edits
from btrackmate.review.replaying import plan_edit, replay_entries
from btrackmate.review.tracks import EditableTracks

_log = logging.getLogger(__name__)

#: Saves of a journal that a file that another program saved may come from.
_TRIED = 20
_NOT_SURE = "the tracks are others than those that were saved, and may hold it"


class EditSession:
    """A file of tracks that is being corrected.

    Open one with :meth:`open`, and close it at the end, or use it in a ``with`` block. Each edit
    is in the journal, ``NAME.edits.jsonl`` beside the tracks, before it is made: nothing has to be
    saved for it to be there when the tracks are opened again. `save` writes the tracks themselves.
    Several threads may edit: one edit, or save, waits for the other.

    Attributes
    ----------
    path : Path
        The file of tracks.
    document : TrackMateDocument or None
        The TrackMate file as it was read.
    history : History
    left_out : list of LeftOut
        Edits of the journal that did not fit the tracks, which had changed.
    torn : bool
        Whether the last line of the journal had been cut off, so that one edit is lost.
    unkept : list of str
        What the file, a GEFF of another program, holds that `save` could not write again: it is
        not saved in its place then, only as a copy.
    """

    def __init__(self, path: Path, journal: Journal, allow_merges: bool) -> None:
        self.path = path
        self._journal = journal
        self.torn = journal.torn
        self.left_out: list[LeftOut] = []
        self._digest = hash_path(path)
        self._base = find_original(path, journal.entries, self._digest)
        graph, document = read_edited(path, self._base)
        self.unkept = list_left_out(path) if document is None else []
        if hash_path(path) != self._digest:
            msg = f"{path} was changed while it was read: open it again"
            raise UserError(msg)
        self.document = None if document is None else replace(document, path=path)
        ids = self.document.single_track_ids if self.document is not None else None
        self.history = History(EditableTracks(graph, track_ids=ids, allow_merges=allow_merges))
        self._turn = threading.RLock()
        self._saved = 0  # Lines of the journal that the file holds.
        self._n_without = 0  # First edits, made on a file of which nothing is left.

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        allow_merges: bool = True,
        changed: Literal["refuse", "replay"] = "refuse",
    ) -> Self:
        """Open tracks with all the edits that their journal holds.

        Parameters
        ----------
        path : Path or str
            TrackMate XML or GEFF, or a run folder.
        allow_merges : bool
            Whether a spot may get a second parent.
        changed : {"refuse", "replay"}
            What to do if the tracks are others than those that the journal belongs to (tracked
            anew, or saved by another program): refuse, or make the edits again on the spots that
            are found by frame, label and position. Those that do not fit are listed in
            `left_out`; the journal of before is kept as ``NAME.edits.before-N.jsonl``.

        Raises
        ------
        UserError
            If the tracks cannot be read or edited, are open elsewhere, or have changed.
        """
        path = find_edited(Path(path))
        journal = Journal(path)
        try:
            session = cls(path, journal, allow_merges)
            session._take_up(changed)
        except BaseException:
            journal.close()
            raise
        return session

    @property
    def tracks(self) -> EditableTracks:
        """The tracks as they are now."""
        return self.history.tracks

    @property
    def is_saved(self) -> bool:
        """Whether the file of tracks holds all edits."""
        lines = self._journal.entries[self._saved :]
        return not any("do" in entry and entry["do"] != "save" for entry in lines)

    def do(self, operation: str, **arguments: Any) -> Change:
        """Make an edit and keep it; see :meth:`btrackmate.review.history.History.do`.

        Raises
        ------
        UserError
            If it may not be made; nothing has changed then.
        StorageError
            If it can't be kept; nothing has changed then.
        """
        with self._turn:
            change, entry = plan_edit(self.tracks, operation, arguments)
            self._begin()
            self._journal.note_edit(entry)
            return self.history.make(change)

    def undo(self) -> Change:
        """Take the last edit back, and keep that.

        Raises
        ------
        UserError
            If there is none.
        """
        with self._turn:
            self.history.check_undo()
            if note := self.describe_undo():
                _log.warning("%s", note)
            self._n_without = min(self._n_without, len(self.history.done) - 1)
            self._journal.note("undo")
            return self.history.undo()

    def describe_undo(self) -> str:
        """Tell what undoing the last edit cannot give back; empty for nothing."""
        if not 0 < len(self.history.done) <= self._n_without:
            return ""
        last = self.history.done[-1]
        if not (last.removed_links or last.removed_spots):
            return ""
        return (
            f"the file of before the corrections is not beside {self.path}: names, outlines, link "
            "colours, and which tracks were hidden, do not come back with what was deleted"
        )

    def redo(self) -> Change:
        """Make the edit again that was taken back last, and keep that.

        Raises
        ------
        UserError
            If there is none.
        """
        with self._turn:
            self.history.check_redo()
            self._journal.note("redo")
            return self.history.redo()

    def save(self, path: Path | str | None = None, *, overwrite: bool = False) -> Path:
        """Write the tracks with all edits.

        Parameters
        ----------
        path : Path or str, optional
            Another file, .xml or .geff, for a copy; the edits stay with the one that is open. By
            default, and by any name of it, the file itself is replaced; edits can be undone
            afterwards all the same. Of a run folder its other tables of tracks are replaced at the
            same moment; its report is not: ``btrackmate report`` does it.
        overwrite : bool
            Let the copy replace what is there; never a file that the tracks belong to.

        Returns
        -------
        Path
            What was written.

        Raises
        ------
        UserError
            If the file was changed by another program since it was opened, or holds what would be
            lost, or a copy would replace something.
        StorageError
            If the disk refuses; the old file is left as it was.
        """
        with self._turn:
            return self._save(None if path is None else Path(path), overwrite=overwrite)

    def _save(self, path: Path | None, *, overwrite: bool) -> Path:
        graph = self.to_graph()
        ids = self.tracks.name_tracks(graph)
        told = Session(
            log=f"{len(self.history.done)} corrections in BTrackMate.", corrected=True,
            track_ids=ids,
        )  # fmt: skip
        if path is not None and not is_one_name(path, self.path):
            self._check_copy(path, overwrite=overwrite)
            with write_together(overwrite=overwrite):
                write_copy(path, graph, self.document, told.log or "", track_ids=ids)
            return path
        if self.unkept:
            msg = f"{self.path} holds {'; '.join(self.unkept)}, which would be lost if it were "
            msg += "saved in its place: save under another name (the corrections are kept beside "
            msg += "it all the same)"
            raise UserError(msg)
        folder = find_run_folder(self.path) if self.path.name == TRACKS else None
        self._check_unchanged(folder)
        self._begin()
        if self.document is not None and self._base is None:
            self._base = keep_original(self.path, self._journal.entries, self._digest)
        # Others may save while this is written: looked at again before it is put in place.
        with write_together(check=lambda: self._check_unchanged(folder)):
            with write_atomically(self.path) as staged:
                write_tracks(staged, graph, self.document, told)
                digest = hash_path(staged)
            noted: dict[str, Any] = {"sha256": digest}
            if folder is not None:
                write_run_tracks(folder, graph, ids)
                noted["written"] = hash_run_tracks(folder)
            self._journal.note("save", **noted)
        self._digest = digest
        self._saved = len(self._journal.entries)
        return self.path

    def to_graph(self) -> TrackGraph:
        """Give the tracks as they are now; their record tells how many edits stand."""
        with self._turn:
            graph = self.tracks.to_graph()
        return graph.with_record("review", {"edits": len(self.history.done)})

    def close(self) -> None:
        """Let others edit the tracks; all edits are kept already."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _check_unchanged(self, folder: Path | None) -> None:
        """Refuse to replace what another program saved, or put into a graph that is made anew."""
        if self.path.exists() and hash_path(self.path) != self._digest:
            msg = f"{self.path} was changed by another program since it was opened: save under "
            msg += "another name, or close it, and open it again with changed='replay'"
            raise UserError(msg)
        check_whole(self.path)
        if folder is not None:
            check_whole(folder / TRACKS_GEFF)
            check_replaceable(folder)

    def _check_copy(self, path: Path, *, overwrite: bool) -> None:
        """Refuse a copy that would replace the tracks, what lies with them, or other files."""
        image = self.document.image_path if self.document is not None else None
        original = None if self._base is None else self._base.path
        inputs = (self.path, *name_inputs(self.path), self._journal.path, original, image)
        check_outputs(name_outputs(path), inputs, overwrite=overwrite)
        warn_of_corrections(path)

    def _begin(self) -> None:
        self._journal.confirm()
        if not self._journal.entries:
            self._journal.begin(self._digest, self.tracks.space_unit)

    def _take_up(self, changed: str) -> None:
        """Make the edits again that the journal holds and the file does not."""
        entries = self._journal.entries
        if not entries:
            return
        same = [n for n, entry in enumerate(entries) if entry.get("sha256") == self._digest]
        if same:
            self._saved = same[-1] + 1
            begin = self._saved if self._base is None else self._base.line + 1
            done, undone = sort_edits(entries[1:begin])
            self.history.done = list(map(read_edit, done))
            self.history.undone = list(map(read_edit, undone))
            self._n_without = len(done) if self.document is not None else 0
            for entry in entries[begin:]:
                self._make_again(entry)
            return
        if changed == "refuse":
            msg = f"{self.path} is not the file any more that the edits in {self._journal.path} "
            msg += "were made on, nor one saved with them: open it with changed='replay' to make "
            msg += "them again where they fit, or move the journal away to begin without edits"
            raise UserError(msg)
        self._replay(entries)

    def _make_again(self, entry: dict[str, Any]) -> None:
        if entry["do"] == "undo":
            self.history.undo()
        elif entry["do"] == "redo":
            self.history.redo()
        elif entry["do"] != "save":
            self.history.make(read_edit(entry))

    def _replay(self, entries: list[dict[str, Any]]) -> None:
        """Make the edits of the journal on a file that another program saved, or made anew."""
        saves = [n for n, line in enumerate(entries) if line.get("do") == "save"]
        states = [[], *(sort_edits(entries[1:n])[0] for n in saves[-_TRIED:])]
        ever = [*{id(edit): edit for state in states for edit in state}.values()]
        later = sort_edits(entries[1:])[0]
        held, unsure = find_held(self.tracks, states, ever)
        self.left_out = [
            LeftOut(ever.index(edit) + 1, f"undo of {edit['do']}", _NOT_SURE)
            for edit in unsure
            if edit not in later
        ]
        self.history.done = list(map(read_edit, held))
        kept = count_common(held, later)
        self._n_without = len(held) if self.document is not None else 0
        if len(held) > kept and (note := self.describe_undo()):
            _log.warning("%s", note)
        self.left_out += take_back(self.history, kept)
        self._n_without = min(self._n_without, len(self.history.done))
        undone = len(held) - len(self.history.done)
        again = replay_entries(self.history, [entries[0], *later[kept:]])
        self.left_out += [replace(one, number=one.number + kept) for one in again.left_out]
        for one in self.left_out:
            _log.warning("%s: %s", self._journal.path, one)
        earlier = [state for state in states if state and state != held]
        self._saved = self._journal.replace(
            self._digest, [*earlier, held], again.lines, self.tracks.space_unit, n_undone=undone
        )
