"""Tracks in one table, as other programs write them."""

from pathlib import Path

import pandas as pd
import pytest
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.core.errors import UserError
from btrackmate.io.track_formats import read_tracks

pytestmark = pytest.mark.usefixtures("plain_report")


def links(folder: Path, text: str, name: str = "t.csv") -> list[tuple[int, int]]:
    (folder / name).write_text(text, encoding="utf-8")
    table = read_tracks(folder / name)[0].links_table()
    return sorted(zip(table["source"].tolist(), table["target"].tolist(), strict=True))


@pytest.mark.parametrize(
    "header",
    ["track_id,frame", "TrackID,Frame", "particle,frame", "Trajectory,Frame", "ID of track,t"],
)
def test_ids_of_tracks(tmp_path: Path, header: str) -> None:
    """Two tracks, the second with a gap; the last cell is in none. Rows stand in any order."""
    rows = [(8, 2), (7, 0), (7, 1), (8, 0), (7, 2), ("", 0)]
    text = f"{header},x,y\n" + "".join(f"{track},{frame},1,2\n" for track, frame in rows)
    assert links(tmp_path, text) == [(1, 2), (2, 4), (3, 0)]


def test_napari_and_btrack(tmp_path: Path) -> None:
    """Id is of tracks, parent too, and a track without parent is its own."""
    text = "ID,t,y,x,parent\n"
    text += "1,0,1,1,1\n1,1,1,1,1\n2,2,1,1,1\n2,3,1,1,1\n3,2,2,2,1\n5,0,9,9,5\n5,1,9,9,5\n"
    graph_links = links(tmp_path, text)
    assert graph_links == [(0, 1), (1, 2), (1, 4), (2, 3), (5, 6)]
    assert "track_id" in read_tracks(tmp_path / "t.csv")[0].spots.features


def test_parents_that_are_cells(tmp_path: Path) -> None:
    """As motile writes: the parent is a cell, whatever the track's id says."""
    text = "t,y,x,id,parent_id,track_id\n"
    text += "0,1,1,1,,1\n1,1,1,4,1,1\n2,1,1,6,4,2\n2,2,2,7,4,3\n"
    assert links(tmp_path, text) == [(1, 4), (4, 6), (4, 7)]


def test_whole_tracks_with_divisions_make_no_links_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """TrackMate's TRACK_ID says which cells are one track, not what came of what."""
    text = "ID,TRACK_ID,POSITION_X,POSITION_Y,FRAME\n"
    text += "1,0,1,1,0\n2,0,1,1,1\n3,0,1,1,2\n4,0,2,2,2\n5,0,1,1,3\n6,None,5,5,0\n"
    assert links(tmp_path, text) == [(1, 2)]
    assert "1 values of TRACK_ID have several cells in a frame, the first is 0" in caplog.text


@pytest.mark.parametrize("name", ["t.tsv", "t.txt"])
def test_other_endings(tmp_path: Path, name: str) -> None:
    text = "track_id\tframe\tx\ty\n1\t0\t1,5\t2\n1\t1\t2,5\t2\n"
    assert links(tmp_path, text, name) == [(0, 1)]


def test_the_run_folders_table(tmp_path: Path) -> None:
    labels = write_imagej(tmp_path / "l.tif", dividing_cells(), "TZYX")
    words = ["run", "--labels", labels, "-o", tmp_path / "run", "--quiet"]
    words += ["--set", "LINKING_MAX_DISTANCE=5", "--set", "SPLITTING_MAX_DISTANCE=5"]
    assert run_command([str(word) for word in words]) == 0
    expected = read_tracks(tmp_path / "run" / "tracks.xml")[0]
    expected.spots_table().to_csv(tmp_path / "tracked.csv", index=False)
    found = read_tracks(tmp_path / "tracked.csv")[0]
    columns = ["source", "target"]
    pd.testing.assert_frame_equal(found.links_table()[columns], expected.links_table()[columns])
    assert len(found.divisions) == 1
    derived = {"track", "tracklet", "parent", "generation"}
    assert not derived & set(found.spots.table.columns)
    # Linked anew, its cells do not carry the numbers of the tracks that they had.
    again = ["track", tmp_path / "tracked.csv", "-o", tmp_path / "anew.geff", "--quiet"]
    assert run_command([str(word) for word in again]) == 0
    assert not derived & set(read_tracks(tmp_path / "anew.geff")[0].spots.table.columns)


def test_a_merge_that_such_a_table_does_not_hold_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Tracklets 0 and 1 merge into 2, which names 0; track 5 is whole, cell 6 is in none."""
    text = "id,frame,x,y,track,tracklet,parent,generation\n"
    text += "0,0,0,0,0,0,-1,0\n1,0,0,9,0,1,-1,0\n2,1,0,5,0,2,0,1\n"
    text += "3,0,50,0,5,3,-1,0\n4,1,50,0,5,3,-1,0\n6,1,90,0,-1,4,-1,0\n"
    assert links(tmp_path, text) == [(0, 2), (3, 4)]
    assert "t.csv: 1 tracks fall apart, the first is 0: of the parents of a merge" in caplog.text


def test_ids_of_tracks_that_may_be_one_number_are_refused(tmp_path: Path) -> None:
    """As float64, 2⁵³ and 2⁵³ + 1 are."""
    text = "track_id,frame,x,y\n9007199254740992,0,0,0\n9007199254740993,1,0,0\n"
    with pytest.raises(UserError, match="track_id has ids past 2⁵³"):
        links(tmp_path, text)


@pytest.mark.parametrize(
    "header",
    [
        "frame,x,y,track_id,parent_id",
        "t,x,y,tracklet,parent_id",
        "Frame,x,y,Track_ID,Mother_ID",  # EpiCure's
        "t,x,y,tracklet,mother",
        "t,x,y,track,mother_track",
    ],
)
@pytest.mark.parametrize("with_id", [False, True])
def test_parents_that_are_tracks_and_could_be_cells(
    tmp_path: Path, header: str, with_id: bool
) -> None:
    """Track 0 divides into 2 and 3; their numbers are ids of cells, too."""
    rows = ["0,1,1,0,-1", "0,50,50,1,-1", "1,1,1,0,-1", "1,50,50,1,-1", "2,0,1,2,0"]
    rows += ["2,2,1,3,0", "2,50,50,1,-1", "3,0,1,2,0", "3,2,1,3,0", "3,50,50,1,-1"]
    if with_id:
        header, rows = f"id,{header}", [f"{n},{row}" for n, row in enumerate(rows)]
    found = {(0, 2), (1, 3), (3, 6), (6, 9), (2, 4), (2, 5), (4, 7), (5, 8)}
    assert set(links(tmp_path, "\n".join([header, *rows, ""]))) == found


@pytest.mark.parametrize(
    ("born", "found"),
    [
        ([4, 4], {(3, 5), (3, 6)}),  # track 4: the numbers of the mothers' tracks
        ([3, 3], {(3, 5), (3, 6)}),  # cell 3: no track has that number
    ],
)
def test_parents_of_tracks_that_are_born_in_the_last_frame(
    tmp_path: Path, born: list[int], found: set[tuple[int, int]]
) -> None:
    """No cell names the one before it in its track: parents are those of whole tracks."""
    rows = [f"{n},{n},1,1,4,-1" for n in range(4)] + ["4,0,50,50,5,-1"]
    rows += [f"5,4,0,1,6,{born[0]}", f"6,4,2,1,7,{born[1]}", "7,1,50,50,5,-1"]
    text = "\n".join(["id,frame,x,y,track_id,parent_id", *rows, ""])
    assert set(links(tmp_path, text)) == {(0, 1), (1, 2), (2, 3), (4, 7)} | found


def test_parents_of_cells_without_ids_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "frame,x,y,parent_id\n0,1,1,\n1,1,1,0\n2,1,1,1\n"
    assert links(tmp_path, text) == [(0, 1), (1, 2)]
    assert "its cells have no ids: parent_id is taken for the numbers of its rows" in caplog.text


def test_parents_that_cannot_be_linked_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """2 begins as 1 ends; 3 comes from 9, which is not there; 0 is no parent."""
    text = "track_id,frame,x,y,parent\n1,0,0,0,0\n1,1,0,0,0\n2,1,0,5,1\n3,1,0,9,9\n"
    assert links(tmp_path, text) == [(0, 1)]
    assert "1 tracks begin before their parent has ended, the first is 2" in caplog.text
    assert "1 tracks name a parent that is not there, the first is 3" in caplog.text


def test_a_table_without_tracks_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two tables .* or one with a column track_id, particle or"):
        links(tmp_path, "frame,x,y,mass\n0,1,2,3\n1,1,2,3\n")
    header = ",".join(f"f{n}" for n in range(40))
    with pytest.raises(UserError, match="f1, .* and 25 more") as caught:
        links(tmp_path, f"frame,x,y,{header}\n0,1,2,{','.join('1' * 40)}\n")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("column", ["track_id", "particle", "Track ID"])
@pytest.mark.parametrize("number", ["id", "spot_id"])
def test_ids_that_count_anew_in_each_frame_are_no_tracks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, column: str, number: str
) -> None:
    rows = ["0,1,0,7", "0,2,50,8", "1,1,50,8", "1,2,0,7", "2,1,0,7", "2,2,50,8"]
    text = "\n".join([f"frame,{number},x,{column},y", *(f"{row},0" for row in rows), ""])
    assert set(links(tmp_path, text)) == {(0, 3), (3, 4), (1, 2), (2, 5)}
    assert f"column {number} is left out: it counts anew in each frame, and {column}" in caplog.text


@pytest.mark.parametrize("column", ["parent_id", "pred", "previous"])
def test_cells_whose_ids_count_anew_are_refused(tmp_path: Path, column: str) -> None:
    """As in the tables of AceTree and StarryNite: pred is the id of the cell before."""
    rows = ["0,1,0,-1", "0,2,50,-1", "1,1,50,2", "1,2,0,1", "2,1,1,2", "2,2,51,1"]
    text = "\n".join([f"frame,id,x,{column},y", *(f"{row},0" for row in rows), ""])
    with pytest.raises(UserError, match=f"count anew in each frame, as {column} names cells"):
        links(tmp_path, text)


def test_parents_of_cells_whose_ids_count_anew_are_refused(tmp_path: Path) -> None:
    """Also where their places do not tell."""
    rows = ["0,1,0,", "0,2,0,", "1,1,0,2", "1,2,0,1", "2,1,0,2", "2,2,0,1"]
    text = "\n".join(["frame,id,x,parent_id,y", *(f"{row},0" for row in rows), ""])
    with pytest.raises(UserError, match="2 of 2 tracks name other parents in later rows"):
        links(tmp_path, text)


@pytest.mark.parametrize("anew", [False, True])
def test_ids_that_are_not_of_the_nearest_cells_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, anew: bool
) -> None:
    rows = [
        (frame, (cell + 3 * frame) % 7 if anew else cell, 20 * cell + frame)
        for frame in range(6)
        for cell in range(7)
    ]
    text = "\n".join(["frame,id,x,y", *(f"{t},{one},{x},0" for t, one, x in rows), ""])
    assert len(links(tmp_path, text)) == 35
    assert (
        "of 35 cells that follow another in their track 0 are the nearest" in caplog.text
    ) == anew


@pytest.mark.parametrize("column", ["parent_cell", "predecessor", "parent_tracklet_id"])
def test_mothers_tracks_in_columns_of_other_names(tmp_path: Path, column: str) -> None:
    rows = ["0,11,-1,0", "1,11,-1,1", "2,12,11,2", "2,13,11,3", "3,12,11,4", "3,13,11,5"]
    text = "\n".join([f"frame,track_id,{column},x,y", *(f"{row},0" for row in rows), ""])
    assert links(tmp_path, text) == [(0, 1), (1, 2), (1, 3), (2, 4), (3, 5)]


@pytest.mark.parametrize("column", ["parent_label", "daughter1", "Mother of track"])
def test_columns_that_may_tell_of_mothers_and_are_not_read_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, column: str
) -> None:
    rows = ["0,11,-1,0", "1,11,-1,1", "2,12,11,2"]
    text = "\n".join([f"frame,track_id,{column},x,y", *(f"{row},0" for row in rows), ""])
    assert links(tmp_path, text) == [(0, 1)]
    assert f"{column} may tell which tracks come from which, and is not read" in caplog.text


def test_another_parent_in_a_later_row_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = ["0,1,0", "1,1,0", "0,2,0", "1,2,0", "2,3,1", "3,3,2", "2,4,1", "3,4,1"]
    text = "\n".join(["frame,track_id,parent_id,x,y", *(f"{row},1,{row[2]}" for row in rows), ""])
    assert set(links(tmp_path, text)) == {(0, 1), (2, 3), (4, 5), (6, 7), (1, 4), (1, 6)}
    assert "1 tracks name another parent in a later row, the first is 3" in caplog.text


@pytest.mark.parametrize("swapped", [False, True])
def test_daughters_of_two_cells_in_one_frame_are_not_linked(tmp_path: Path, swapped: bool) -> None:
    """Which of them is the mother is not said, and no row decides."""
    two = ["1,3,0,0", "1,3,0,5"][:: -1 if swapped else 1]
    rows = ["0,3,0,0", *two, "2,4,3,0", "2,5,3,5", "0,6,0,9", "1,7,6,9"]
    text = "\n".join(["frame,track_id,parent_id,x,y", *(f"{row},0" for row in rows), ""])
    assert len(links(tmp_path, text)) == 1  # 6 to 7
