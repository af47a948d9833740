"""Edits that the tracks hold already, as another program saved them again, are not made twice."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.review import EditableTracks, EditSession, History, replay_edits, replaying
from btrackmate.review.history import plan


def make(ids: tuple[int, ...] = (0, 1, 2, 3)) -> TrackGraph:
    """Two cells in two frames, 10 apart: the first two ids are linked to the last two."""
    table = pd.DataFrame({"id": ids, "frame": [0, 0, 1, 1], "x": [1.0, 11.0] * 2, "y": 1.0})
    spots = Spots.from_table(table.assign(radius=2.0), Calibration(), ndim=2)
    return TrackGraph.from_ids(spots, np.array(ids[:2]), np.array(ids[2:]))


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    path = tmp_path / "t.xml"
    write_tracks(path, make())
    return path


def correct(tracks: Path, *, save: bool) -> None:
    with EditSession.open(tracks) as session:
        session.do("swap", one=2, other=3)
        session.do("add_spot", frame=1, position=(5.0, 5.0), radius=2.0)
        if save:
            session.save()


def links(graph: TrackGraph) -> set[tuple[int, int]]:
    ids = graph.spots.id
    return set(zip(ids[graph.source].tolist(), ids[graph.target].tolist(), strict=True))


def save_again(tracks: Path) -> None:
    """Write other bytes, as TrackMate does."""
    text = tracks.read_text(encoding="utf-8")
    tracks.write_text(text.replace("<Log>", "<Log>opened and saved; "), encoding="utf-8")


def test_saved_edits_stay_when_another_program_saves_the_file(tracks: Path) -> None:
    """The swap was made again, and so undone; the spot was added twice."""
    correct(tracks, save=True)
    save_again(tracks)
    for _ in range(2):
        with EditSession.open(tracks, changed="replay") as session:
            assert links(session.to_graph()) == {(0, 3), (1, 2)}
            assert session.tracks.n_spots == 5
            assert session.is_saved
            assert [one.what for one in session.history.done] == ["swap", "add_spot"]
            assert not session.left_out
    with EditSession.open(tracks) as session:
        session.undo()
        session.undo()
        assert links(session.to_graph()) == {(0, 2), (1, 3)}
        assert not session.is_saved


def test_later_edits_are_made_on_what_was_saved(tracks: Path) -> None:
    correct(tracks, save=True)
    with EditSession.open(tracks) as session:
        session.do("break_link", source=0, target=3)
    save_again(tracks)
    with EditSession.open(tracks, changed="replay") as session:
        assert links(session.to_graph()) == {(1, 2)}
        assert not session.is_saved
        assert len(session.history.done) == 3


def test_a_swap_that_another_program_went_on_from_is_not_turned_back(tracks: Path) -> None:
    """It deleted a link of it since."""
    correct(tracks, save=True)
    graph = read_tracks(tracks)[0]
    write_tracks(tracks, graph.keep_links(graph.spots.id[graph.source] == 0))
    with EditSession.open(tracks, changed="replay") as session:
        assert links(session.to_graph()) == {(0, 3)}
        assert [(one.number, one.why) for one in session.left_out] == [
            (1, "there is no link from spot 0 to spot 2 any more"),
            (2, "spot 4 lies there already"),
        ]


def test_tracks_with_other_ids_are_corrected_by_place(tracks: Path) -> None:
    correct(tracks, save=False)
    history, left_out = replay_edits(EditableTracks(make((5, 6, 7, 8))), tracks)
    assert not left_out
    assert links(history.tracks.to_graph()) == {(5, 8), (6, 7)}


def test_tracks_read_without_their_edits_are_warned_of(
    tracks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As every verb reads them; once they are saved nothing is said."""
    caplog.set_level(logging.WARNING)
    correct(tracks, save=False)
    assert not caplog.messages
    assert read_tracks(tracks)[0].n_links == 2
    assert ["2 edits in t.xml.edits.jsonl are not saved" in one for one in caplog.messages] == [
        True
    ]
    with EditSession.open(tracks) as session:
        session.save()
    caplog.clear()
    read_tracks(tracks)
    assert not caplog.messages
    write_tracks(tracks, make())  # as of a save that was killed before it was put in place
    read_tracks(tracks)
    (told,) = caplog.messages
    assert "2 edits in t.xml.edits.jsonl are not saved" in told
    caplog.clear()
    write_tracks(tracks, make((5, 6, 7, 8)))
    read_tracks(tracks)
    (told,) = caplog.messages
    assert "t.xml was made or saved anew since its corrections" in told


def test_edits_in_another_unit_are_refused(tracks: Path) -> None:
    """A spot added at (5, 5) came to lie at (5, 5) nm."""
    correct(tracks, save=False)
    graph = make()
    size = Calibration(space_unit="nm")
    graph = graph.with_spots(replace(graph.spots, calibration=size))
    with pytest.raises(UserError, match="made in pixel and the tracks are in nm"):
        replay_edits(EditableTracks(graph), tracks)


def chains(rows: list[list[int]], ids: int = 0) -> TrackGraph:
    """Cells 10 apart, one a column, in frames; `rows` says which column each is linked to next.

    `rows[t][c]` is the column in frame t + 1 that c of frame t goes on as, or -1.
    """
    n = len(rows[0])
    table = pd.DataFrame(
        {
            "id": np.arange(n * (len(rows) + 1)) + ids,
            "frame": np.repeat(np.arange(len(rows) + 1), n),
            "x": np.tile(np.arange(n) * 10.0, len(rows) + 1),
            "y": 1.0,
            "radius": 2.0,
        }
    )
    links = [
        (t * n + c + ids, (t + 1) * n + to + ids)
        for t, row in enumerate(rows)
        for c, to in enumerate(row)
        if to >= 0
    ]
    spots = Spots.from_table(table, Calibration(), ndim=2)
    return TrackGraph.from_ids(spots, *map(np.array, zip(*links, strict=True)))


def journal_of(folder: Path, graph: TrackGraph, what: str, **arguments: int) -> Path:
    path = folder / "old.xml"
    write_tracks(path, graph)
    with EditSession.open(path) as session:
        session.do(what, **arguments)
    return path


@pytest.mark.parametrize("ids", [0, 1])
def test_a_swap_is_not_made_on_tracks_that_are_right_already(tmp_path: Path, ids: int) -> None:
    """Also where a new segmentation numbers the cells otherwise."""
    path = journal_of(tmp_path, chains([[1, 0], [0, 1]]), "swap", one=2, other=3)
    right = EditableTracks(chains([[0, 1], [0, 1]], ids))
    history, left = replay_edits(right, path)
    assert links(right.to_graph()) == links(chains([[0, 1], [0, 1]], ids))
    assert "there is no link" in left[0].why
    assert not history.done
    wrong = EditableTracks(chains([[1, 0], [0, 1]], ids))
    assert not replay_edits(wrong, path)[1]
    assert links(wrong.to_graph()) == links(chains([[0, 1], [0, 1]], ids))


def test_a_swap_is_not_made_where_another_cell_has_a_parent_now(tmp_path: Path) -> None:
    path = journal_of(tmp_path, chains([[1, -1], [0, 1]]), "swap", one=2, other=3)
    now = EditableTracks(chains([[1, 0], [0, 1]]))
    assert "comes from spot 1 now, which it did not then" in replay_edits(now, path)[1][0].why


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([[1, -1], [0, 1]], "its track holds spot 0 now, which was not deleted then"),
        ([[0, 1], [0, -1]], "spot 5, which was deleted with it, is not in its track now"),
        ([[0, -1], [0, 1]], "spot 1, which was deleted with it, is not in its track now"),
        ([[0, 1], [0, 1]], ""),
    ],
)
def test_a_track_is_only_deleted_again_if_it_is_that_one(
    tmp_path: Path, rows: list[list[int]], why: str
) -> None:
    path = journal_of(tmp_path, chains([[0, 1], [0, 1]]), "delete_track", spot=3)
    tracks = EditableTracks(chains(rows))
    left = replay_edits(tracks, path)[1]
    assert [one.why for one in left] == ([why] if why else [])
    assert tracks.n_spots == (6 if why else 3)


#: Three cells in four frames, by frame: 0, 1, 2 are linked to 3, 4, 5, and so on.
CELLS, FRAMES = 3, 4
EDITS = {
    "break_link": {"source": 3, "target": 6},
    "delete_spot": {"spot": 4},
    "delete_track": {"spot": 2},
    "swap": {"one": 6, "other": 7},
}


def make_grid(number=lambda row: row) -> TrackGraph:
    rows = np.arange(CELLS * FRAMES)
    table = pd.DataFrame(
        {"id": [number(int(row)) for row in rows], "frame": rows // CELLS, "y": 1.0}
    )
    spots = Spots.from_table(table.assign(x=rows % CELLS * 10.0, radius=2.0), Calibration(), ndim=2)
    ids = table["id"].to_numpy()
    return TrackGraph.from_ids(spots, ids[:-CELLS], ids[CELLS:])


def link_places(graph: TrackGraph) -> set[tuple[float, ...]]:
    """Links as frame and x of their ends, whatever the ids."""
    places = np.stack([graph.spots.frame, graph.spots.table["x"]], axis=1)
    ends = np.concatenate([places[graph.source], places[graph.target]], axis=1)
    return {tuple(one) for one in ends.tolist()}


@pytest.mark.parametrize("operation", EDITS)
def test_saved_edits_can_be_undone_after_another_program_saved_them(
    tmp_path: Path, operation: str
) -> None:
    tracks = tmp_path / "t.xml"
    write_tracks(tracks, make_grid())
    with EditSession.open(tracks) as session:
        session.do(operation, **EDITS[operation])
        session.save()
    save_again(tracks)
    with EditSession.open(tracks, changed="replay") as session:
        assert not session.left_out
        session.undo()
        assert link_places(session.to_graph()) == link_places(make_grid())


@pytest.mark.parametrize("operation", EDITS)
@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("deletes", [False, True])
def test_a_saved_edit_that_was_taken_back_stays_so(
    tmp_path: Path, operation: str, more: bool, deletes: bool
) -> None:
    """Though another program saves the file with it, and deletes a cell of another track."""
    tracks = tmp_path / "t.xml"
    write_tracks(tracks, make_grid())
    with EditSession.open(tracks) as session:
        session.do("break_link", source=5, target=8)
        session.do(operation, **EDITS[operation])
        session.save()
        session.undo()
        if more:
            session.do("break_link", source=0, target=3)
        wanted = link_places(session.to_graph())
    graph = read_tracks(tracks)[0]
    if deletes:
        write_tracks(tracks, graph.keep_spots(graph.spots.id != 11))
        wanted -= {(2.0, 20.0, 3.0, 20.0)}
    else:
        save_again(tracks)
    for _ in range(2):
        with EditSession.open(tracks, changed="replay") as session:
            if deletes and operation == "delete_track":  # Some of it was deleted twice.
                continue
            assert not session.left_out
            assert link_places(session.to_graph()) == wanted
            assert [one.what for one in session.history.done] == ["break_link"] * (1 + more)
            assert not session.is_saved
    with EditSession.open(tracks) as session:
        if not more and session.history.undone:
            session.redo()
            assert len(session.history.done) == 2


@pytest.mark.parametrize("operation", EDITS)
@pytest.mark.parametrize("deletes", [False, True])
@pytest.mark.parametrize("stale", [0, 1, 2, 3])
def test_what_another_program_saves_from_an_earlier_save_gets_what_was_done_since(
    tmp_path: Path, operation: str, deletes: bool, stale: int
) -> None:
    """It had the file open since: edits, and undos, that were saved later are made again."""
    tracks = tmp_path / "t.xml"
    write_tracks(tracks, make_grid())
    files = [tracks.read_bytes()]
    with EditSession.open(tracks) as session:
        session.do("break_link", source=5, target=8)
        session.save()
        files.append(tracks.read_bytes())
        session.do(operation, **EDITS[operation])
        session.save()
        files.append(tracks.read_bytes())
        session.undo()
        session.save()
        files.append(tracks.read_bytes())
        session.do("break_link", source=0, target=3)
        session.save()
        wanted = link_places(session.to_graph())
    tracks.write_bytes(files[stale])
    if deletes:
        graph = read_tracks(tracks, with_edits=True)[0]
        write_tracks(tracks, graph.keep_spots(graph.spots.id != 10))
        wanted = {one for one in wanted if one[2:] != (3.0, 10.0)}
    else:
        save_again(tracks)
    if deletes and operation == "swap":
        wanted = {one for one in wanted if 10.0 not in one[1::2] or one[2] != 3.0}
    for _ in range(2):
        with EditSession.open(tracks, changed="replay") as session:
            assert not session.left_out
            assert link_places(session.to_graph()) == wanted
            assert [one.what for one in session.history.done] == ["break_link"] * 2


@pytest.mark.parametrize("operation", EDITS)
@pytest.mark.parametrize("first", [0, 1, 2, 3])
@pytest.mark.parametrize("saves", [False, True])
def test_earlier_saves_are_known_however_often_they_are_written_again(
    tmp_path: Path, operation: str, first: int, saves: bool
) -> None:
    """Their edits that were taken back do not come back, and can be redone in none of them."""
    tracks = tmp_path / "t.xml"
    write_tracks(tracks, make_grid())
    files = [tracks.read_bytes()]
    with EditSession.open(tracks) as session:
        for step in ("break", operation, "undo"):
            if step == "undo":
                session.undo()
            else:
                arguments = EDITS.get(step) or {"source": 5, "target": 8}
                session.do("break_link" if step == "break" else step, **arguments)
            session.save()
            files.append(tracks.read_bytes())
        wanted = link_places(session.to_graph())
    for state in (first, 2, 0, 2, 1):
        tracks.write_bytes(files[state])
        save_again(tracks)
        with EditSession.open(tracks, changed="replay") as session:
            assert not session.left_out
            assert link_places(session.to_graph()) == wanted
            if saves:
                session.save()
        with EditSession.open(tracks) as session:
            assert link_places(session.to_graph()) == wanted
            assert [one.what for one in session.history.done] == ["break_link"]


def test_an_edit_that_cannot_be_taken_back_is_told(tmp_path: Path) -> None:
    """Another program deleted a spot at the link that was broken and mended."""
    tracks = tmp_path / "t.xml"
    write_tracks(tracks, make_grid())
    with EditSession.open(tracks) as session:
        session.do("break_link", source=3, target=6)
        session.save()
        session.undo()
    graph = read_tracks(tracks)[0]
    write_tracks(tracks, graph.keep_spots(graph.spots.id != 6))
    with EditSession.open(tracks, changed="replay") as session:
        assert [one.what for one in session.left_out] == ["undo of break_link"]


def test_an_undo_gives_no_second_parent_to_what_another_program_linked(tmp_path: Path) -> None:
    """Nor are those of before it undone; each is told."""
    tracks = tmp_path / "t.xml"
    write_tracks(tracks, make_grid())
    with EditSession.open(tracks) as session:
        session.do("break_link", source=5, target=8)
        session.do("delete_spot", spot=4)
        session.do("break_link", source=0, target=3)
        session.save()
        for _ in range(3):
            session.undo()
    graph = read_tracks(tracks, with_edits=True)[0]
    ids, linked = graph.spots.id, ([1, 2], [7, 3])  # Over the gap, and one that was cut off.
    ends = (np.append(ids[rows], more) for rows, more in zip(
            (graph.source, graph.target), linked, strict=True))  # fmt: skip
    write_tracks(tracks, TrackGraph.from_ids(graph.spots, *ends))
    wanted = link_places(read_tracks(tracks, with_edits=True)[0])
    with EditSession.open(tracks, changed="replay") as session:
        assert [str(one) for one in session.left_out] == [
            "edit 3, undo of break_link: spot 3 comes from spot 2 now",
            "edit 2, undo of delete_spot: edit 3, which was made after it, stays",
            "edit 1, undo of break_link: edit 3, which was made after it, stays",
        ]
        assert link_places(session.to_graph()) == wanted


def test_undo_of_what_is_not_there_any_more_is_refused(tmp_path: Path) -> None:
    history = History(EditableTracks(make_grid()))
    history.do("break_link", source=3, target=6)
    history.tracks.apply(replace(plan(history.tracks, "delete_spot", {"spot": 6})))
    with pytest.raises(UserError, match="spot 6 is not there any more"):
        history.undo()
    assert len(history.done) == 1
    assert len(link_places(history.tracks.to_graph())) == CELLS * (FRAMES - 1) - 2


@pytest.mark.parametrize("operation", EDITS)
@pytest.mark.parametrize("knows_beside", [True, False])
@pytest.mark.parametrize(
    "number",
    [
        lambda row: row % CELLS * FRAMES + row // CELLS,  # track by track
        lambda row: row + 1,
        lambda row: CELLS * FRAMES - 1 - row,
        lambda row: row + 1000,
    ],
)
def test_saved_edits_of_spots_numbered_anew_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, number, knows_beside: bool
) -> None:
    """Undone by their ids they would join other cells; journals of before knew fewer places."""
    tracks = tmp_path / "t.xml"
    write_tracks(tracks, make_grid())
    if not knows_beside and operation != "swap":
        make = replaying.make_edit
        monkeypatch.setattr(replaying, "make_edit", lambda *told: make(*told[:3]))
    with EditSession.open(tracks) as session:
        session.do(operation, **EDITS[operation])
        session.save()
        edited = session.to_graph()
    numbered = edited.spots.to_dataframe().assign(id=lambda table: table["id"].map(number))
    spots = Spots.from_table(numbered, Calibration(), ndim=2)
    ids = edited.spots.id
    source, target = ([number(int(one)) for one in ids[ends]] for ends in
                      (edited.source, edited.target))  # fmt: skip
    write_tracks(tracks, TrackGraph.from_ids(spots, np.array(source), np.array(target)))
    with EditSession.open(tracks, changed="replay") as session:
        assert link_places(session.to_graph()) == link_places(edited)
        if session.history.done:  # A whole track, none of whose ids is another's now.
            session.undo()
            assert link_places(session.to_graph()) == link_places(make_grid())
        else:
            assert [one.what for one in session.left_out] == [operation]


def make_table(*cells: tuple[int, int, float], radius: float = 4.0, **columns) -> TrackGraph:
    """Cells (id, frame, x), those of one x are one track."""
    table = pd.DataFrame(cells, columns=["id", "frame", "x"]).assign(y=5.0, radius=radius)
    spots = Spots.from_table(table.assign(**columns), Calibration(), ndim=2)
    rows = spots.table.sort_values(["x", "frame"])
    follows = (rows["x"].diff() == 0).to_numpy()[1:]
    ids = rows["id"].to_numpy()
    return TrackGraph.from_ids(spots, ids[:-1][follows], ids[1:][follows])


def replay(tmp_path: Path, before: TrackGraph, after: TrackGraph, *edits: tuple[str, dict]):
    """Save edits of tracks, write others in their place, and open these with the edits."""
    tracks = tmp_path / "t.xml"
    write_tracks(tracks, before)
    with EditSession.open(tracks) as session:
        for operation, arguments in edits:
            session.do(operation, **arguments)
        session.save()
    write_tracks(tracks, after)
    with EditSession.open(tracks, changed="replay") as session:
        return session.to_graph(), [one.what for one in session.left_out]


LINE = [(0, 0, 10.0), (1, 1, 10.0), (2, 2, 10.0)]


@pytest.mark.parametrize("operation", ["delete_spot", "move_spot"])
def test_what_was_done_to_a_double_is_not_done_to_the_cell(tmp_path: Path, operation: str) -> None:
    """A cell was found twice, and is found once by now."""
    values = {"position": (30.0, 5.0)} if operation == "move_spot" else {}
    one, two = make_table(*LINE), make_table(*LINE, (3, 1, 11.5))
    found, left_out = replay(tmp_path, two, one, (operation, {"spot": 3, **values}))
    assert found.spots.table["x"].tolist() == [10, 10, 10]
    assert found.n_links == 2
    assert left_out in ([operation], [])  # It is not there: nothing, or told.


def test_a_double_that_is_gone_in_tracks_made_anew_is_told(tmp_path: Path) -> None:
    two, anew = make_table(*LINE, (3, 1, 11.5)), make_table(*((i + 50, t, x) for i, t, x in LINE))
    write_tracks(tmp_path / "old.xml", two)
    with EditSession.open(tmp_path / "old.xml") as session:
        session.do("delete_spot", spot=3)
    history, left_out = replay_edits(EditableTracks(anew), tmp_path / "old.xml")
    assert [one.what for one in left_out] == ["delete_spot"]
    assert "only spot 51 lies in frame 1 where two were" in left_out[0].why
    assert history.tracks.n_spots == 3


def test_a_cell_that_new_tracks_have_is_not_added_again(tmp_path: Path) -> None:
    """It was added by a click, not just at its centre."""
    lacking, whole = make_table(*LINE[:2], (5, 2, 50.0)), make_table(*LINE, (5, 2, 50.0))
    edit = ("add_spot", {"frame": 2, "position": (10.9, 5.4), "radius": 4.0})
    found, left_out = replay(tmp_path, lacking, whole, edit)
    assert len(found.spots) == 4
    assert left_out == ["add_spot"]


@pytest.mark.parametrize("alone", [False, True])
def test_what_was_deleted_and_is_there_again_is_deleted_again(tmp_path: Path, alone: bool) -> None:
    """Tracks were made anew, and their ids go on."""
    debris = [(3, 0, 50.0)] if alone else [(3, 0, 50.0), (4, 1, 50.0)]
    edit = ("delete_spot" if alone else "delete_track", {"spot": 3})
    again = make_table(*((i + 100, t, x) for i, t, x in [*LINE, *debris]))
    found, left_out = replay(tmp_path, make_table(*LINE, *debris), again, edit)
    assert found.spots.table["x"].tolist() == [10, 10, 10]
    assert not left_out


def test_a_cell_just_there_goes_before_the_label(tmp_path: Path) -> None:
    """Flat cells lie nearer to each other than their radius; labels were numbered anew."""
    cells = [(0, 0, 10.0), (1, 0, 13.5)]
    before, after = make_table(*cells, label=[1, 2]), make_table(*cells, label=[2, 1])
    found, left_out = replay(tmp_path, before, after, ("delete_spot", {"spot": 0}))
    assert found.spots.table["x"].tolist() == [13.5]
    assert not left_out
