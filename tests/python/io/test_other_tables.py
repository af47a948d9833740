"""Tables of TrackMate, Mastodon, btrack, laptrack and trackpy: hand-made, in their forms.

TrackMate: "Export spots/edges to CSV" (7 and 8), seen in the test data of Jamie-Dean-Lab's
Lineage-analysis. Mastodon: "Export to CSV" of the data table, ibid.; its CSV importer's layout in
mastodon-pasteur. btrack: `btrack.io.export_CSV` (space-separated, all numbers floats). laptrack:
`predict_dataframe`, then `reset_index().to_csv()`. trackpy: `to_csv()` of what `link` gives.
"""

from pathlib import Path

import pytest
from pytest import approx

import btrackmate as bt
from btrackmate.cli.main import run_command
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.io.track_formats import name_inputs, read_tracks

#: One cell divides between frames 1 and 3, a gap in one daughter; 5 s a frame, in µm.
TRACKMATE_SPOTS = """\
LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,POSITION_Z,POSITION_T,FRAME,RADIUS
Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame,Radius
Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame,R
,,,(quality),(microns),(microns),(microns),(sec),,(microns)
ID21,21,0,40.5,10.25,20.5,3.0,0.0,0,12.5
ID7,7,0,36.5,11.25,20.5,3.0,5.0,1,12.5
ID3,3,0,31.5,12.25,24.5,3.0,10.0,2,12.5
ID9,9,0,30.5,12.25,16.5,3.0,15.0,3,12.5
"""
TRACKMATE_EDGES = """LABEL,TRACK_ID,SPOT_SOURCE_ID,SPOT_TARGET_ID,LINK_COST,EDGE_TIME
Label,Track ID,Source spot ID,Target spot ID,Edge cost,Edge time
Label,Track ID,Source ID,Target ID,Cost,Edge T
,,,,(cost),(sec)
ID21 → ID7,0,21,7,0.5,2.5
ID7 → ID3,0,7,3,1.5,7.5
ID7 → ID9,0,7,9,2.5,10.0
"""
MASTODON_SPOTS = (
    '"Label","ID","Detection quality","Spot N links","Spot frame","Spot position",'
    '"Spot position","Spot position","Spot radius","dead_cells"\n'
    '"",""," ","N outgoing links"," ","X","Y","Z"," ","dead"\n'
    '"","","","","","(microns)","(microns)","(microns)","(microns)",""\n'
    '"AB","0","40.5","1","0","10.25","20.5","3.0","12.5","0"\n'
    '"1","1","36.5","2","1","11.25","20.5","3.0","12.5","0"\n'
    '"2","2","31.5","0","2","12.25","24.5","3.0","12.5","1"\n'
    '"3","3","30.5","0","3","12.25","16.5","3.0","12.5","0"\n'
)
MASTODON_LINKS = (
    '"Label","ID","Link cost","Link target IDs","Link target IDs","Link velocity"\n'
    '"",""," ","Source spot id","Target spot id"," "\n'
    '"","","","","","(microns/frame)"\n'
    '"0 ? 1","0","0.5","0.0","1.0","1.0"\n'
    '"1 ? 2","1","1.5","1.0","2.0","4.1"\n'
    '"1 ? 3","2","2.5","1.0","3.0","2.1"\n'
)


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name).with_suffix(".csv").write_text(text, encoding="utf-8")


def list_links(graph: TrackGraph) -> list[tuple[int, int]]:
    table = graph.links_table()
    return sorted(zip(table["source"].tolist(), table["target"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("spots", "links"),
    [
        ("FakeTracks_spots.csv", "FakeTracks_edges.csv"),
        ("Spots in tracks statistics.csv", "Links in tracks statistics.csv"),
        ("spots.csv", "edges.csv"),
        ("EXPORT-SPOTS.csv", "EXPORT-EDGES.csv"),
        ("a.spots.csv", "a.links.csv"),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_trackmates_two_tables(tmp_path: Path, spots: str, links: str, which: int) -> None:
    """Either name stands for both; positions are in µm, and the time step is that of the times."""
    (tmp_path / spots).write_text(TRACKMATE_SPOTS, encoding="utf-8")
    (tmp_path / links).write_text(TRACKMATE_EDGES, encoding="utf-8")
    path = tmp_path / (spots, links)[which]
    graph = bt.load(path)
    assert isinstance(graph, TrackGraph)
    assert list_links(graph) == [(7, 3), (7, 9), (21, 7)]
    assert sorted(graph.links_table()["cost"]) == [0.5, 1.5, 2.5]
    assert len(graph.divisions) == 1
    found = graph.spots
    assert (found.calibration.space_unit, found.calibration.time_unit) == ("µm", "sec")
    assert found.calibration.dt == 5
    row = found.table.set_index("id").loc[3]
    assert row[["frame", "x", "y", "z", "radius"]].tolist() == [2, 12.25, 24.5, 3, 12.5]
    assert set(name_inputs(path)) == {tmp_path / spots, tmp_path / links}


def test_links_back_in_time_are_told_but_in_trackmates_tables(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """TrackMate's links have no direction: either end may stand first."""
    back = TRACKMATE_EDGES.replace(",21,7,", ",7,21,")
    write(tmp_path, a_spots=TRACKMATE_SPOTS, a_edges=back)
    links = list_links(read_tracks(tmp_path / "a_spots.csv")[0])
    assert links == [(7, 3), (7, 9), (21, 7)]
    assert "back in time" not in caplog.text
    write(tmp_path, a_edges="source,target\n7,21\n7,3\n9,7\n")
    assert list_links(read_tracks(tmp_path / "a_spots.csv")[0]) == links
    assert "a_edges.csv: 2 of its 3 links go back in time and are turned round" in caplog.text


def test_what_links_have_beside_costs_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spots = "id,frame,x,y\n1,0,0,0\n2,1,0,0\n"
    links = "source,target,Score,cost,kind\n1,2,0.5,3,a\n"
    (tmp_path / "a.spots.csv").write_text(spots)
    (tmp_path / "a.links.csv").write_text(links)
    assert read_tracks(tmp_path / "a.csv")[0].cost.tolist() == [3]
    assert "a.links.csv: columns of links are left out: Score, kind" in caplog.text


def test_times_that_do_not_fit_give_no_step(tmp_path: Path) -> None:
    """The unit of the times alone would make a frame a second."""
    odd = TRACKMATE_SPOTS.replace(",10.0,2,", ",11.0,2,")
    write(tmp_path, a_spots=odd, a_edges=TRACKMATE_EDGES)
    found = read_tracks(tmp_path / "a_spots.csv")[0].spots.calibration
    assert (found.dt, found.time_unit) == (1, "frame")


def test_links_without_their_spots(tmp_path: Path) -> None:
    write(tmp_path, a_edges=TRACKMATE_EDGES)
    with pytest.raises(UserError, match=r"export the table of spots, too, .*NAME_spots.csv"):
        read_tracks(tmp_path / "a_edges.csv")
    (tmp_path / "t-Link.csv").write_text(MASTODON_LINKS, encoding="utf-8")
    with pytest.raises(UserError, match=r"export the table of spots, too"):
        read_tracks(tmp_path / "t-Link.csv")


def test_mastodons_two_tables(tmp_path: Path) -> None:
    """Features stand above their parts; the names of spots are no labels of a label image."""
    (tmp_path / "MastodonTable-Spot.csv").write_text(MASTODON_SPOTS, encoding="utf-8")
    (tmp_path / "MastodonTable-Link.csv").write_text(MASTODON_LINKS, encoding="utf-8")
    graph = bt.load(tmp_path / "MastodonTable-Spot.csv")
    assert isinstance(graph, TrackGraph)
    assert list_links(graph) == [(0, 1), (1, 2), (1, 3)]
    found = graph.spots.table.set_index("id").loc[2]
    columns = ["frame", "x", "y", "z", "radius", "quality", "dead_cells dead"]
    assert found[columns].tolist() == [2, 12.25, 24.5, 3, 12.5, 31.5, 1]
    assert graph.spots.calibration.space_unit == "µm"
    assert "label" not in graph.spots.table


def test_mastodons_table_without_units(tmp_path: Path) -> None:
    """Its line of units is blank then; the first cell is no line of the header."""
    text = '"Label","ID","Link target IDs","Link target IDs"\n'
    text += '"","","Source spot id","Target spot id"\n"","","",""\n'
    text += '"0 ? 1","0","0.0","1.0"\n"1 ? 2","1","1.0","2.0"\n'
    write(tmp_path, a_Spot=MASTODON_SPOTS, a_Link=text)
    assert list_links(read_tracks(tmp_path / "a_Spot.csv")[0]) == [(0, 1), (1, 2)]


def test_a_table_of_label_and_id_is_not_mastodons(tmp_path: Path) -> None:
    write(tmp_path, a="Label,ID,frame,x,y,track_id\n7,1,0,2,3,5\n8,2,1,2,3,5\n")
    graph = read_tracks(tmp_path / "a.csv")[0]
    assert graph.spots.table["label"].tolist() == [7, 8]
    assert list_links(graph) == [(1, 2)]


def test_mastodons_importer(tmp_path: Path) -> None:
    text = "ID;QUALITY;POSITION_X;POSITION_Y;POSITION_Z;FRAME;RADIUS;TAG;PARENT_ID\n"
    text += "0; 50.5; 11.0; 11.0; 5.0; 0; 5.5; a; -1\n1; 2.5; 30.0; 31.0; 6.0; 1; 4.; a; 0\n"
    write(tmp_path, a=text + "2; 2.5; 9.0; 31.0; 6.0; 1; 4.; b; 0\n")
    assert list_links(read_tracks(tmp_path / "a.csv")[0]) == [(0, 1), (0, 2)]


def test_btracks_export_is_separated_by_spaces(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A track without mother is its own parent; what was put in by the tracker is told."""
    text = "ID t x y z parent root state generation dummy\n"
    text += "1.0 0.0 10.5 3.0 2.0 1.0 1.0 5.0 0.0 0.0\n1.0 1.0 11.5 3.0 2.0 1.0 1.0 5.0 0.0 1.0\n"
    text += "2.0 2.0 12.0 4.0 2.0 1.0 1.0 5.0 1.0 0.0\n3.0 2.0 12.0 2.0 2.0 1.0 1.0 5.0 1.0 0.0\n"
    write(tmp_path, tracks=text)
    graph = bt.load(tmp_path / "tracks.csv")
    assert isinstance(graph, TrackGraph)
    assert list_links(graph) == [(0, 1), (1, 2), (1, 3)]
    assert graph.spots.table["x"].tolist() == [10.5, 11.5, 12, 12]
    assert "1 positions are marked as dummy" in caplog.text


def test_a_title_of_many_words_is_no_header(tmp_path: Path) -> None:
    write(tmp_path, a="Tracks of my movie\ntrack_id,frame,x,y\n1,0,2,3\n1,1,2,3\n")
    assert list_links(read_tracks(tmp_path / "a.csv")[0]) == [(0, 1)]


def test_laptracks_trees_without_parents_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "0,0,1.5,2,3,0,0,0\n1,0,1.5,2,3,1,0,1\n1,1,5,2,3,1,0,2\n2,0,1,2,3,2,0,1\n"
    write(tmp_path, a="frame,index,x,y,z,frame_y,tree_id,track_id\n" + rows)
    assert list_links(read_tracks(tmp_path / "a.csv")[0]) == [(1, 3)]
    assert "1 values of tree_id hold several tracks" in caplog.text
    caplog.clear()
    rows = "0,0,1.5,2,3,0,7,0\n1,0,1.5,2,3,1,7,0\n1,1,5,2,3,1,8,2\n"
    write(tmp_path, a="frame,index,x,y,z,frame_y,tree_id,track_id\n" + rows)
    read_tracks(tmp_path / "a.csv")
    assert "several tracks" not in caplog.text


def test_trackpy(tmp_path: Path) -> None:
    text = ",y,x,z,mass,size,ecc,ep,frame,particle\n"
    text += "0,4.5,5.2,1.0,100.2,2.1,0.1,,0,0\n1,4.5,5.4,1.0,100.2,2.1,0.1,,1,0\n"
    write(tmp_path, a=text)
    graph = bt.load(tmp_path / "a.csv")
    assert isinstance(graph, TrackGraph)
    assert list_links(graph) == [(0, 1)]
    assert graph.spots.table["x"].tolist() == approx([5.2, 5.4])


def test_a_table_of_cells_alone_is_no_tracks(tmp_path: Path) -> None:
    write(tmp_path, a="frame,x,y,mass\n0,1,2,3\n1,1,2,3\n")
    assert isinstance(bt.load(tmp_path / "a.csv"), bt.Spots)


@pytest.mark.parametrize("target", ["out.xml", "out.geff", "out.csv"])
def test_converted(tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Cells, links, costs and calibration pass into every format that holds them."""
    write(tmp_path, a_spots=TRACKMATE_SPOTS, a_edges=TRACKMATE_EDGES)
    words = ["convert", str(tmp_path / "a_spots.csv"), str(tmp_path / target)]
    assert run_command(words) == 0
    graph = read_tracks(tmp_path / target)[0]
    assert list_links(graph) == [(7, 3), (7, 9), (21, 7)]
    assert graph.spots.table["x"].tolist() == [10.25, 11.25, 12.25, 12.25]
    assert (graph.spots.calibration.dt == 5) == (target != "out.csv")


def test_neither_of_the_tables_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, a_spots=TRACKMATE_SPOTS)
    (tmp_path / "b.links.csv").write_text(TRACKMATE_EDGES, encoding="utf-8")
    (tmp_path / "b.spots.csv").write_text(TRACKMATE_SPOTS, encoding="utf-8")
    words = ["convert", str(tmp_path / "b.spots.csv"), str(tmp_path / "b.csv"), "--overwrite"]
    assert run_command(words) == 2
    assert "b.spots.csv" in capsys.readouterr().err
    assert (tmp_path / "b.links.csv").read_text(encoding="utf-8") == TRACKMATE_EDGES
