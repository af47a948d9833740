"""Somebody else removes, changes, moves or links the files of a window that is open."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import write_tracks
from btrackmate.review import EditSession


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    """One cell in four frames: 0-1-2-3."""
    table = pd.DataFrame({"id": range(4), "frame": range(4), "x": 1.0, "y": 1.0, "radius": 1.0})
    spots = Spots.from_table(table, Calibration(), ndim=2)
    path = tmp_path / "a" / "t.xml"
    write_tracks(path, TrackGraph.from_ids(spots, np.arange(3), np.arange(1, 4)))
    return path


def remove(journal: Path) -> None:
    journal.unlink()


def cut(journal: Path) -> None:
    """Put an older version back, as some programs that share folders do."""
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:1]))


def replace(journal: Path) -> None:
    journal.write_text("somebody else's\n", encoding="ascii")


@pytest.mark.parametrize("change", [remove, cut, replace])
def test_edits_of_an_open_window_outlive_their_journal(
    tracks: Path, caplog: pytest.LogCaptureFixture, change
) -> None:
    """The next edit was written alone, and those before it were lost."""
    journal = tracks.with_name("t.xml.edits.jsonl")
    with EditSession.open(tracks) as session:
        session.do("break_link", source=0, target=1)
        change(journal)
        there = journal.exists() and journal.read_bytes()
        session.do("break_link", source=1, target=2)
        assert "was removed or changed by another program" in caplog.text
    with EditSession.open(tracks) as session:
        assert [edit.what for edit in session.history.done] == ["break_link", "break_link"]
        assert session.tracks.to_graph().n_links == 1
    aside = tracks.with_name("t.xml.edits.before-1.jsonl")
    assert aside.exists() == (there is not False)
    assert there is False or aside.read_bytes() == there


def test_a_file_under_a_link_is_edited_by_one_window(tracks: Path, tmp_path: Path) -> None:
    """Two people could edit it at once, and a save made the link a file of its own."""
    link = tmp_path / "l.xml"
    link.symlink_to(tracks)
    with EditSession.open(tracks), pytest.raises(UserError, match="is in use by process"):
        EditSession.open(link)
    with EditSession.open(link) as session:
        session.do("break_link", source=0, target=1)
        session.save()
    assert link.is_symlink()
    with EditSession.open(tracks) as session:
        assert session.is_saved
        assert session.tracks.to_graph().n_links == 2


def test_a_folder_that_was_moved_is_not_made_anew(tracks: Path) -> None:
    folder = tracks.parent
    with EditSession.open(tracks) as session:
        session.do("break_link", source=0, target=1)
        folder.rename(folder.with_name("b"))
        with pytest.raises(UserError, match="was removed while this process worked there"):
            session.save()
        assert not folder.exists()
        shutil.copytree(folder.with_name("b"), folder)
        (folder / "t.xml.edits.lock").unlink()
        with pytest.raises(UserError, match="was removed while this process worked there"):
            session.do("break_link", source=1, target=2)
