"""The journal of edits: kept at once, undone later, made again elsewhere, never half-there."""

import errno
import json
import math
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr
from canonical_xml import DATA, canonical, differences, parse
from faults import run_child
from tracking_movies import link_ids
from trackmate_structure import check_structure

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import StorageError, UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.geff import write_geff
from btrackmate.io.track_formats import write_tracks
from btrackmate.io.trackmate import read_trackmate, write_trackmate
from btrackmate.review import EditableTracks, EditSession, read_standing, replay_edits
from btrackmate.review import session as review_session
from btrackmate.review.entries import format_line
from btrackmate.tracking import prune
from btrackmate.tracking.settings import PruneSettings

REAL = DATA / "trackmate-xml" / "laptrack_splitting_merging.xml"
#: With features, an image, filters and elements that only others know.
FULL = DATA / "cases" / "session.xml"


def copy(tmp_path: Path, source: Path = REAL) -> Path:
    return Path(shutil.copy(source, tmp_path / "tracks.xml"))


def journal_of(path: Path) -> Path:
    return path.with_name(path.name + ".edits.jsonl")


def state(session: EditSession) -> tuple:
    graph = session.to_graph()
    return link_ids(graph), graph.spots.id.tolist(), graph.spots.positions.tolist()


def edit_somewhat(session: EditSession) -> None:
    """Break, connect over a gap, move, add and delete, in the largest track."""
    tracks = session.tracks
    mother = next(int(i) for i in read_trackmate(REAL).graph.spots.id if tracks.children(int(i)))
    child = tracks.children(mother)[0]
    session.do("break_link", source=mother, target=child)
    session.do("move_spot", spot=mother, position=(1.5, 2.5, 0))
    added = session.do("add_spot", frame=tracks.frame(child), position=(3, 4, 0), radius=2)
    session.do("connect" if not tracks.children(mother) else "add_division",
               **dict(zip(("source", "target") if not tracks.children(mother)
                          else ("mother", "daughter"),
                          (mother, added.added_spots[0].id), strict=True)))  # fmt: skip
    session.do("delete_spot", spot=child)


def test_nothing_is_left_where_nothing_was_edited(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        assert session.is_saved
    assert [one.name for one in tmp_path.iterdir()] == ["tracks.xml"]


def test_edits_are_there_again_without_saving(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
        session.undo()
        session.undo()
        session.redo()
        before = state(session)
    with EditSession.open(path) as session:
        assert state(session) == before
        assert (len(session.history.done), len(session.history.undone)) == (4, 1)
        session.redo()
        while session.history.done:
            session.undo()
        assert link_ids(session.to_graph()) == link_ids(read_trackmate(REAL).graph)
        assert not session.is_saved


def test_what_was_saved_can_be_undone_after_reopening(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        first = state(session)
        edit_somewhat(session)
        session.undo()
        session.save()
        assert session.is_saved
        saved = state(session)
        session.redo()
        assert not session.is_saved
        last = state(session)
    assert link_ids(read_trackmate(path).graph) == saved[0]
    with EditSession.open(path) as session:
        assert state(session) == last
        session.undo()
        assert state(session) == saved
        while session.history.done:
            session.undo()
        got = state(session)
        assert got[:2] == first[:2]
        np.testing.assert_allclose(got[2], first[2])
        session.save()
    graph, before = read_trackmate(path).graph, read_trackmate(REAL).graph
    for name in before.spots.features:
        np.testing.assert_array_equal(graph.spots.feature(name), before.spots.feature(name))
    np.testing.assert_array_equal(graph.cost, before.cost)


def test_a_saved_file_keeps_everything_that_was_not_edited(tmp_path):
    """Only the track that was edited, its spot's features and the log differ."""
    path = copy(tmp_path, FULL)
    graph = read_trackmate(path).graph
    source = int(graph.spots.id[graph.source[0]])
    with EditSession.open(path) as session:
        session.do("move_spot", spot=source, position=(9.0, 9.0, 0.0))
        session.save()
    check_structure(path, sections=False)
    before, after = parse(FULL), parse(path)
    found = differences(canonical(before), canonical(after))
    allowed = ("Log", "AllSpots", "Track", "Edge")
    assert found
    assert [line for line in found if not any(word in line for word in allowed)] == []
    spot = next(one for one in after.iter("Spot") if one.get("ID") == str(source))
    assert spot.get("POSITION_X") == "9.0"
    for one in after.iter("Spot"):
        if one.get("ID") != str(source):
            old = next(two for two in before.iter("Spot") if two.get("ID") == one.get("ID"))
            assert differences(canonical(old), canonical(one)) == []
    assert "1 corrections in BTrackMate." in after.findtext("Log")


def test_a_moved_spot_keeps_no_measurement_of_its_old_place(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        spot = int(session.to_graph().spots.id[0])
        before = session.tracks.spot(spot)
        session.do("move_spot", spot=spot, position=(9.0, 9.0, 0.0))
        session.save()
    lost = set(before.features) - {"time", "VISIBILITY", "MANUAL_SPOT_COLOR"}
    assert lost
    table = read_trackmate(path).graph.spots.table.set_index("id")
    assert all(np.isnan(table.loc[spot, name]) for name in lost if name in table)


def test_two_windows_on_one_file_are_noticed(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path), pytest.raises(UserError, match=r"editing.* is in use by process"):
        EditSession.open(path)
    EditSession.open(path).close()


def test_several_threads_edit_in_turn(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        spots = [int(spot) for spot in session.tracks.in_frame(0)] * 20

        def edit(number):
            session.do("move_spot", spot=spots[number], position=(number, 1.0, 0.0))
            if number % 7 == 0:
                session.undo()
            if number % 20 == 0:
                session.save()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(edit, range(len(spots))))
        whole = state(session)
    with EditSession.open(path) as session:
        assert state(session) == whole
        assert len(session.history.done) == len(spots) - -(-len(spots) // 7)


def test_a_torn_last_line_is_recognised(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
        session.undo()
        whole = state(session)
    text = journal_of(path).read_bytes()
    begin = text.rstrip(b"\n").rfind(b"\n") + 1
    with EditSession.open(path) as session:
        session.redo()
        again = state(session)
    for cut in (begin + 1, begin + 20, len(text) - 1):
        journal_of(path).write_bytes(text[:cut])
        with EditSession.open(path) as session:
            assert session.torn
            assert state(session) == again  # the undo is lost, the edits are not
            session.undo()
            assert state(session) == whole
        with EditSession.open(path) as session:
            assert not session.torn
            assert state(session) == whole


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_line_that_was_changed_is_refused(tmp_path, line):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
    lines = journal_of(path).read_text().split("\n")
    lines[line] = lines[line].replace("2", "3", 1)
    journal_of(path).write_text("\n".join(lines))
    with pytest.raises(UserError, match=f"line {line + 1} of 6 is damaged"):
        EditSession.open(path)


def sign(entries):
    """Write entries as lines whose checksums are right."""
    text, end = "", ""
    for entry in entries:
        line, end = format_line(entry, end)
        text += line
    return text


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0], {"do": "undo"}],
        lambda lines: [*lines[:2], {"do": "undo"}, {"do": "redo"}, {"do": "redo"}],
        lambda lines: [lines[0], {**lines[1], "do": ["connect"]}],
        lambda lines: [lines[0], {**lines[1], "values": [1]}],
        lambda lines: [lines[0], {**lines[1], "change": {"moved": [[1, 2]]}}],
        lambda lines: [lines[0], {**lines[1], "change": {"linked": [["a", 2, 1, 1]]}}],
        lambda lines: [lines[0], {**lines[1], "spots": {"source": None}}],
        lambda lines: [lines[0], {**lines[1], "spots": [1]}],
        lambda lines: [lines[0], {name: lines[1][name] for name in ("do", "time")}],
    ],
)
def test_a_line_that_is_no_edit_is_refused(tmp_path, change):
    """Its checksum is right: a program wrote it, and perhaps no version of ours."""
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
        lines = session._journal.entries
    journal_of(path).write_text(sign(change(lines)))
    number = len(change(lines))
    for read in (EditSession.open, read_standing):
        with pytest.raises(UserError, match=f"line {number} is no edit that can be made"):
            read(path)


def test_a_last_line_that_was_whole_once_is_kept_aside(tmp_path, caplog):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
    good = journal_of(path).read_bytes().splitlines(keepends=True)
    for torn in (good[-1].replace(b'"sum"', b'"SUM"'), b"[1]\n", b"\0\0\n"):
        damaged = b"".join([*good[:-1], torn])
        journal_of(path).write_bytes(damaged)
        caplog.clear()
        assert len(read_standing(path)) == len(good) - 1
        assert "last line was cut off or is damaged" in caplog.text
        EditSession.open(path).close()
        (aside,) = tmp_path.glob("*.before-*.jsonl")
        assert aside.read_bytes() == damaged
        aside.unlink()
        assert journal_of(path).read_bytes() == b"".join(good[:-1])


def test_a_journal_without_edits_is_told(tmp_path, caplog):
    path = copy(tmp_path)
    for content in (b"", b"\0" * 50):
        journal_of(path).write_bytes(content)
        caplog.clear()
        assert read_standing(path) == []
        assert "holds no edits" in caplog.text


def test_a_line_that_is_missing_is_noticed(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
    lines = journal_of(path).read_text().split("\n")
    journal_of(path).write_text("\n".join(lines[:2] + lines[3:]))
    with pytest.raises(UserError, match="line 3 of 5 is damaged"):
        EditSession.open(path)


def test_the_journal_names_spots_by_frame_label_and_position(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
    lines = [json.loads(line) for line in journal_of(path).read_text().splitlines()]
    assert lines[0]["format"] == "btrackmate-edits 1"
    place = lines[1]["spots"]["source"]
    graph = read_trackmate(path).graph
    row = graph.spots.id.tolist().index(place["id"])
    assert place["frame"] == graph.spots.frame[row]
    assert place["position"] == graph.spots.positions[row].tolist()


def renumber(graph: TrackGraph) -> TrackGraph:
    """Give the spots other ids, as another program or run would."""
    table = graph.spots.table.assign(id=graph.spots.id[::-1] + 5000)
    spots = type(graph.spots).from_table(
        table, graph.spots.calibration, ndim=graph.spots.ndim, n_frames=graph.spots.n_frames
    )
    new = dict(zip(graph.spots.id.tolist(), (graph.spots.id[::-1] + 5000).tolist(), strict=True))
    pairs = [(new[a], new[b]) for a, b in link_ids(graph)]
    return TrackGraph.from_ids(spots, *np.array(pairs).T, graph.cost)


def by_place(graph: TrackGraph) -> set:
    places = [(*p, f) for p, f in zip(graph.spots.positions.tolist(), graph.spots.frame.tolist(),
                                      strict=True)]  # fmt: skip
    return {(places[a], places[b]) for a, b in zip(graph.source, graph.target, strict=True)}


def test_edits_are_made_again_on_spots_with_other_ids(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
        wanted = by_place(session.to_graph())
    write_trackmate(path, renumber(read_trackmate(REAL).graph))
    with pytest.raises(UserError, match="is not the file any more"):
        EditSession.open(path)
    with EditSession.open(path, changed="replay") as session:
        assert session.left_out == []
        assert by_place(session.to_graph()) == wanted
        assert len(session.history.done) == 5
    assert path.with_name("tracks.xml.edits.before-1.jsonl").is_file()
    with EditSession.open(path) as session:
        assert by_place(session.to_graph()) == wanted


def test_what_does_not_fit_any_more_is_reported(tmp_path):
    """The spot that was cut off is not there in the new tracks: three edits can't be made."""
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
        gone = session.history.done[-1].removed_spots[0].id
    graph = read_trackmate(REAL).graph
    other = renumber(graph.keep_spots(graph.spots.id != gone))
    history, left = replay_edits(EditableTracks(other), path)
    assert [(one.number, one.what) for one in left] == [(1, "break_link"), (5, "delete_spot")]
    assert f"where spot {gone} was" in left[0].why
    assert len(history.done) == 3
    assert "\n" not in str(left[0])


def test_two_spots_near_a_place_are_not_guessed(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        spot = session.tracks.spot(int(session.to_graph().spots.id[0]))
        session.do("delete_spot", spot=spot.id)
    graph = read_trackmate(REAL).graph
    tracks = EditableTracks(renumber(graph.keep_spots(graph.spots.id != spot.id)))
    edits = replay_edits(tracks, path)[0]
    for x in (-0.2, 0.2):
        edits.do("add_spot", frame=spot.frame, position=(spot.x + x * spot.radius, spot.y, spot.z),
                 radius=spot.radius)  # fmt: skip
    _, left = replay_edits(tracks, path)
    assert "2 spots lie in frame" in left[0].why


@pytest.mark.slow
def test_geff_is_edited_in_place(tmp_path):
    path = tmp_path / "tracks.geff"
    write_geff(path, read_trackmate(REAL).graph)
    with EditSession.open(path) as session:
        edit_somewhat(session)
        session.save()
        wanted = state(session)
    with EditSession.open(path) as session:
        assert state(session) == wanted
        session.undo()
        assert len(session.history.done) == 4


def test_what_somebody_put_into_a_graph_is_not_lost(tmp_path):
    """It is made anew when it is saved."""
    path = tmp_path / "t.geff"
    write_geff(path, read_trackmate(REAL).graph)
    zarr.create_array(path / "segmentation", shape=(2,), dtype="u1", zarr_format=2)[:] = 1
    with EditSession.open(path) as session:
        session.do("delete_spot", spot=int(session.tracks.to_graph().spots.id[0]))
        with pytest.raises(UserError, match="t.geff holds segmentation, which would be lost"):
            session.save()
        session.save(tmp_path / "copy.geff")
    assert (path / "segmentation" / ".zarray").is_file()


def test_csv_is_not_edited_in_place(tmp_path):
    write_tracks(tmp_path / "tracks.csv", read_trackmate(REAL).graph)
    with pytest.raises(UserError, match=r"make a \.xml or \.geff"):
        EditSession.open(tmp_path / "tracks.csv")
    assert not [one for one in tmp_path.iterdir() if "edits" in one.name]


def test_a_file_that_another_program_changed_is_not_replaced(tmp_path):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
        write_trackmate(path, prune(read_trackmate(REAL).graph, PruneSettings()).graph)
        other = path.read_bytes()
        with pytest.raises(UserError, match="changed by another program"):
            session.save()
        session.save(tmp_path / "mine.xml")
    assert path.read_bytes() == other
    assert len(read_trackmate(tmp_path / "mine.xml").graph.spots)


def test_what_another_program_saves_while_we_do_is_not_replaced(tmp_path, monkeypatch):
    path = copy(tmp_path)
    write = review_session.write_tracks

    def write_and_be_late(*args):
        path.write_text("theirs")
        return write(*args)

    with EditSession.open(path) as session:
        edit_somewhat(session)
        before = state(session)
        monkeypatch.setattr(review_session, "write_tracks", write_and_be_late)
        with pytest.raises(UserError, match="changed by another program"):
            session.save()
        assert not session.is_saved
        assert path.read_text() == "theirs"
        session.save(tmp_path / "mine.xml")
    shutil.copy(REAL, path)
    with EditSession.open(path) as session:
        assert state(session) == before


def test_a_copy_replaces_nothing_unless_told_to(tmp_path, caplog):
    path = copy(tmp_path)
    other, folder = tmp_path / "other.xml", tmp_path / "graph.geff"
    other.write_text("of another program")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with EditSession.open(path) as session:
        edit_somewhat(session)
        with pytest.raises(UserError, match="exists already: give another output, or overwrite=T"):
            session.save(other)
        assert other.read_text() == "of another program"
        with pytest.raises(UserError, match="notes.txt, which would be lost"):
            session.save(folder, overwrite=True)
        session.save(other, overwrite=True)
        assert "corrections" not in caplog.text
        journal_of(other).write_text("of the tracks there\n")
        session.save(other, overwrite=True)
    assert len(read_trackmate(other).graph.spots)
    assert "other.xml.edits.jsonl holds corrections of the tracks that are replaced" in caplog.text
    assert journal_of(other).read_text() == "of the tracks there\n"


@pytest.mark.parametrize("saves", [False, True])
def test_a_backup_of_hard_links_keeps_its_edits(tmp_path, saves):
    """As made by `cp -al`, rsnapshot, and others, before somebody goes on."""
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        edit_somewhat(session)
    (tmp_path / "backup").mkdir()
    for one in (path, journal_of(path)):
        os.link(one, tmp_path / "backup" / one.name)
    kept = journal_of(tmp_path / "backup" / path.name)
    before, rights = kept.read_bytes(), kept.stat().st_mode
    with EditSession.open(path) as session:
        if saves:
            session.save()
        else:
            session.undo()
        wanted = state(session)
    assert kept.read_bytes() == before
    assert journal_of(path).read_bytes().startswith(before)
    assert journal_of(path).stat().st_mode == rights
    with EditSession.open(path) as session:
        assert state(session) == wanted


def test_the_file_is_saved_where_it_was_opened(tmp_path, monkeypatch):
    """A notebook moves to another folder, which has a file of that name too."""
    path = copy(tmp_path)
    (tmp_path / "other").mkdir()
    other = copy(tmp_path / "other")
    before = other.read_bytes()
    monkeypatch.chdir(tmp_path)
    with EditSession.open(path.name) as session:
        monkeypatch.chdir(tmp_path / "other")
        edit_somewhat(session)
        session.save()
        wanted = state(session)
    assert other.read_bytes() == before
    assert sorted(one.name for one in other.parent.iterdir()) == [other.name]
    with EditSession.open(path) as session:
        assert state(session) == wanted


def test_the_file_itself_is_saved_by_any_name_of_it(tmp_path, monkeypatch):
    path = copy(tmp_path)
    link = tmp_path / "link.xml"
    link.symlink_to("tracks.xml")
    monkeypatch.chdir(tmp_path)
    with EditSession.open(path) as session:
        for name in ("tracks.xml", link, path, tmp_path / ".." / tmp_path.name / "tracks.xml"):
            session.do("delete_spot", spot=int(session.to_graph().spots.id[0]))
            assert not session.is_saved
            session.save(name)
            assert session.is_saved
    assert link.is_symlink()


def test_a_hard_link_is_not_edited_beside_the_file(tmp_path):
    path = copy(tmp_path)
    (tmp_path / "hard.xml").hardlink_to(path)
    with EditSession.open(path) as session:
        with pytest.raises(UserError, match=r"hard\.xml \(editing\) is in use under another name"):
            EditSession.open(tmp_path / "hard.xml")
        edit_somewhat(session)
        with pytest.raises(UserError, match="is an input and would be replaced"):
            session.save(tmp_path / "hard.xml", overwrite=True)
        session.save()
    with EditSession.open(tmp_path / "hard.xml"):
        pass


class Noted(EditSession):
    """A session that tells after each edit."""

    def tell(self) -> None:
        """Do what the test sets."""

    def do(self, operation, **arguments):
        change = super().do(operation, **arguments)
        self.tell()
        return change

    def undo(self):
        change = super().undo()
        self.tell()
        return change

    def redo(self):
        change = super().redo()
        self.tell()
        return change


def work(path: Path, tell) -> None:
    with Noted.open(path) as session:
        session.tell = lambda: tell(session)
        edit_somewhat(session)
        session.undo()
        session.save()
        session.redo()


@pytest.mark.slow
@pytest.mark.parametrize("fail", [False, True])
def test_stopped_at_any_moment_at_most_one_edit_is_lost(tmp_path, fail):
    """Killed, or the disk full, at the n-th change of a file: all edits that had ended stand."""
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        states = [state(session)]
    work(path, lambda session: states.append(state(session)))
    assert len(states) == 8
    progress = tmp_path / "progress"
    calls = 0
    while True:
        calls += 1
        folder = tmp_path / f"{calls}"
        folder.mkdir()
        path = copy(folder)
        progress.write_text("")

        def note(session):
            with progress.open("a") as stream:
                stream.write(".")

        ended = run_child(lambda path=path: work(path, note), folder, at=calls, fail=fail)
        done = len(progress.read_text())
        with EditSession.open(path) as session:
            assert state(session) in states[done : done + 2]
        assert [one.name for one in folder.iterdir() if one.name.startswith(".bt-")] == []
        if ended.calls < calls:
            break
    assert calls > 20
    assert done == 7


def test_a_full_disk_leaves_the_edit_unmade(tmp_path, monkeypatch):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        before = state(session)
        spot = int(session.to_graph().spots.id[0])

        def refuse(*_given, **_named):
            msg = "no space"
            raise StorageError(msg)

        monkeypatch.setattr("btrackmate.review.journal.append_text", refuse)
        with pytest.raises(StorageError):
            session.do("delete_spot", spot=spot)
        assert state(session) == before
        assert not session.history.done
        assert not math.isnan(session.tracks.spot(spot).x)


def test_a_full_disk_is_told_when_tracks_are_opened(tmp_path, monkeypatch):
    path = copy(tmp_path)
    names = sorted(tmp_path.iterdir())

    def refuse(*_given, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("btrackmate.core.locks.Lock._take", refuse)
    with pytest.raises(StorageError, match="where edits are kept: .*space"):
        EditSession.open(path)
    assert sorted(tmp_path.iterdir()) == names
    monkeypatch.undo()
    EditSession.open(path).close()


@pytest.mark.parametrize("ending", ["xml", "geff"])
def test_tracks_have_one_number_in_the_window_and_in_its_file(tmp_path, ending):
    """However they were cut and joined; names and numbers of tracks that stay go together."""
    path = tmp_path / f"t.{ending}"
    rows = np.arange(12)
    table = pd.DataFrame({"id": rows, "frame": rows // 3, "x": rows % 3 * 10.0, "y": 0.0})
    spots = Spots.from_table(table.assign(radius=2.0), Calibration(), ndim=2)
    write_tracks(path, TrackGraph.from_ids(spots, rows[:-3], rows[3:]))
    if ending == "xml":
        text = path.read_text()
        for number in range(3):
            old = f'name="Track_{number}" TRACK_ID="{number}"'
            assert old in text
            text = text.replace(old, f'name="cell {number}" TRACK_ID="{number + 7}"')
        path.write_text(text.replace('<TrackID TRACK_ID="', '<TrackID TRACK_ID="7" X="'))
    edits = [(3, 4), (6, 8), (9, 10), (6, 7), (3, 5), (9, 11)]
    for one, other in edits:
        with EditSession.open(path) as session:
            session.do("swap", one=one, other=other)
            before = {int(i): session.tracks.track(int(i)) for i in rows}
            copy = session.save(tmp_path / f"copy.{ending}", overwrite=True)
            session.save()
        for file in (path, copy):
            if ending == "geff":
                props = zarr.open_group(file, mode="r")["nodes/props/track/values"][:]
                assert dict(zip(rows.tolist(), props.tolist(), strict=True)) == before
            else:
                document = read_trackmate(file)
                named = document.graph.name_tracks(document.single_track_ids)
                assert dict(zip(rows.tolist(), named.tolist(), strict=True)) == before
                assert set(document.track_names.items()) == {
                    (7, "cell 0"), (8, "cell 1"), (9, "cell 2"),
                }  # fmt: skip


@pytest.mark.parametrize("operation", ["delete_spot", "delete_track", "break_link"])
@pytest.mark.parametrize("reopen", ["between", "never", "after another program"])
def test_all_comes_back_that_is_undone_after_reopening(tmp_path, caplog, operation, reopen):
    """Outlines, names, what is hidden, numbers: from the file of before, which is kept beside."""
    path = tmp_path / "t.xml"
    rows = np.arange(9)
    table = pd.DataFrame({"id": rows, "frame": rows // 3, "x": rows % 3 * 10.0, "y": 0.0})
    outline = {int(i): np.array([[-1.0, 0], [1, 0], [0, 1]]) for i in rows}
    spots = Spots.from_table(table.assign(radius=2.0), Calibration(), ndim=2, contours=outline)
    write_tracks(path, TrackGraph.from_ids(spots, rows[:-3], rows[3:]))
    text = path.read_text().replace('name="ID3"', 'name="Anna"').replace("Track_0", "Alpha")
    path.write_text(text.replace('<TrackID TRACK_ID="0" />', ""))
    if reopen == "after another program":
        with EditSession.open(path) as session:
            session.do("break_link", source=1, target=4)
            session.save()
        path.write_text(path.read_text().replace("BTrackMate", "another"))
    before = canonical(parse(path))
    arguments = {"source": 0, "target": 3} if operation == "break_link" else {"spot": 3}
    session = EditSession.open(path, changed="replay")
    session.do(operation, **arguments)
    session.save()
    assert ('"Anna"' in path.read_text()) == (operation == "break_link")
    if reopen != "never":
        session.close()
        session = EditSession.open(path)
    assert not session.describe_undo()
    session.undo()
    session.save()
    session.close()
    found = [one for one in differences(before, canonical(parse(path))) if "Log" not in one]
    assert found == []
    assert "do not come back" not in caplog.text


def test_what_cannot_come_back_is_told(tmp_path, caplog):
    """Where the file of before was taken away, or an older version saved the corrections."""
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        session.do("delete_spot", spot=int(session.tracks.in_frame(1)[0]))
        session.save()
    (original,) = tmp_path.glob(f"{path.name}.edits.*.original")
    original.unlink()
    with EditSession.open(path) as session:
        assert "names, outlines" in session.describe_undo()
        session.undo()
        assert "do not come back with what was deleted" in caplog.text
        assert not session.describe_undo()


def test_what_cannot_come_back_after_another_program_saved_is_told(tmp_path, caplog):
    path = copy(tmp_path)
    with EditSession.open(path) as session:
        session.do("delete_spot", spot=int(session.tracks.in_frame(1)[0]))
        session.save()
        with pytest.raises(UserError, match="not a name of a track file"):
            session.save(next(tmp_path.glob(f"{path.name}.edits.*.original")), overwrite=True)
    path.write_text(path.read_text().replace("corrections in BTrackMate", "corrections"))
    with EditSession.open(path, changed="replay") as session:
        assert "names, outlines" in session.describe_undo()
        session.do("delete_spot", spot=int(session.tracks.in_frame(1)[0]))
        assert not session.describe_undo()


def test_a_file_that_changes_while_it_is_opened_is_refused(tmp_path, monkeypatch):
    path = copy(tmp_path)
    read = review_session.read_edited

    def change(*ones):
        found = read(*ones)
        path.write_text(path.read_text() + "\n")
        return found

    monkeypatch.setattr(review_session, "read_edited", change)
    with pytest.raises(UserError, match="was changed while it was read"):
        EditSession.open(path)
    assert not journal_of(path).exists()
