"""From one track format to another."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import btrackmate as bt
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import check_outputs
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import csv_names, read_tracks, write_tracks
from btrackmate.pipeline.converting import convert


@pytest.fixture
def graph() -> TrackGraph:
    """Give 3 → 7 → {8, 9} with a feature of the user's own, 0.5 µm voxels, 3 min."""
    table = pd.DataFrame(
        {
            "id": [3, 7, 8, 9],
            "frame": [0, 1, 2, 2],
            "x": [0.5, 1, 2, 3],
            "y": [0.0, 1, 2, 3],
            "z": [2.0, 4, 6, 8],
            "radius": [1.0, 2, 3, 4],
            "label": [5, 70_000, 1, 2],
            "my_feature": [0.1, np.nan, 0.3, 0.4],
        }
    )
    spots = Spots.from_table(table, Calibration(0.5, 0.5, 2.0, 3.0, "µm", "min"))
    links = np.array([[3, 7], [7, 8], [7, 9]])
    return TrackGraph.from_ids(spots, links[:, 0], links[:, 1], np.array([1.5, 2.5, 3.5]))


@pytest.mark.parametrize(
    "chain", [("xml", "geff"), ("geff", "xml.gz"), ("geff", "Xml.GZ"), ("geff", "csv", "geff")]
)
def test_chain_of_formats_keeps_cells_and_links(
    tmp_path: Path, graph: TrackGraph, chain: tuple[str, ...]
) -> None:
    first = tmp_path / f"start.{chain[0]}"
    write_tracks(first, graph)
    for number, ending in enumerate(chain[1:]):
        target = tmp_path / f"step{number}.{ending}"
        convert(first, target)
        first = target
    if first.suffix.lower() == ".gz":
        assert first.read_bytes()[:2] == b"\x1f\x8b"
    again = read_tracks(first)[0]
    pd.testing.assert_frame_equal(
        again.links_table()[["source", "target", "cost"]],
        graph.links_table()[["source", "target", "cost"]],
    )
    columns = ["id", "frame", "x", "y", "z", "radius", "label"]
    pd.testing.assert_frame_equal(again.spots.table[columns], graph.spots.table[columns])
    own = [name for name in again.spots.table.columns if name.lower() == "my_feature"]
    np.testing.assert_allclose(again.spots.table[own[0]], graph.spots.table["my_feature"])


def test_losses_are_told(tmp_path: Path, graph: TrackGraph) -> None:
    xml = tmp_path / "t.xml"
    write_tracks(xml, graph)
    losses = " ".join(convert(xml, tmp_path / "t.csv").to_list())
    assert "calibration and units" in losses
    assert "features and names of 1 tracks" in losses
    assert "settings" in losses
    assert "hidden" not in losses
    text = xml.read_text(encoding="utf-8").replace('VISIBILITY="1"', 'VISIBILITY="0"', 1)
    xml.write_text(text, encoding="utf-8")
    losses = " ".join(convert(xml, tmp_path / "hidden.geff").to_list())
    assert "that 1 spots are hidden" in losses
    geff = tmp_path / "g.geff"
    write_tracks(geff, graph)
    assert convert(geff, tmp_path / "again.geff").to_list() == []


def test_a_name_of_a_table_that_stands_for_two_others_too(
    tmp_path: Path, graph: TrackGraph, caplog: pytest.LogCaptureFixture
) -> None:
    """Tracks of the one movie were given where those of the other were named."""
    write_tracks(tmp_path / "t.csv", graph)
    (tmp_path / "t.csv").write_text("frame,x,y\n0,1,1\n", encoding="ascii")
    assert len(read_tracks(tmp_path / "t.csv")[0].spots) == len(graph.spots)
    assert "the tracks are read from t.spots.csv and t.links.csv" in caplog.text
    (tmp_path / "t.csv").write_text("frame,x,y,track_id\n0,1,1,3\n", encoding="ascii")
    with pytest.raises(UserError, match=r"t.csv holds tracks, and its name stands for t.spots.csv"):
        read_tracks(tmp_path / "t.csv")
    assert len(read_tracks(tmp_path / "t.spots.csv")[0].spots) == len(graph.spots)


def test_csv_is_two_tables(tmp_path: Path, graph: TrackGraph) -> None:
    write_tracks(tmp_path / "t.csv", graph)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.links.csv", "t.spots.csv"]
    for name in ("t.csv", "t.spots.csv", "t.links.csv"):
        assert csv_names(tmp_path / name)[0].name == "t.spots.csv"
    (tmp_path / "t.links.csv").unlink()
    with pytest.raises(UserError, match=r"t\.links\.csv"):
        read_tracks(tmp_path / "t.csv")


def test_unknown_ending(tmp_path: Path, graph: TrackGraph) -> None:
    with pytest.raises(UserError, match="expected .xml"):
        write_tracks(tmp_path / "t.txt", graph)
    assert not list(tmp_path.iterdir())


def test_one_of_two_tables_is_not_written_beside_the_other(tmp_path: Path) -> None:
    """Cells of another movie got the links of the tracks before."""
    spots, links = tmp_path / "t.spots.csv", tmp_path / "t.links.csv"
    check_outputs([spots])
    links.write_text("source,target\n", encoding="ascii")
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"t.spots.csv would be read together with .*t.links"):
            check_outputs([spots], overwrite=overwrite)
    check_outputs([spots, links], overwrite=True)
    links.rename(spots)
    with pytest.raises(UserError, match=r"t.links.csv would be read together with .*t.spots"):
        check_outputs([links])


def test_spots_alone_are_not_saved_beside_links(tmp_path: Path) -> None:
    (tmp_path / "t.links.csv").write_text("source,target\n", encoding="ascii")
    table = pd.DataFrame({"frame": [0], "x": 0.0, "y": 0.0})
    spots = Spots.from_table(table, Calibration(), ndim=2)
    with pytest.raises(UserError, match="would be read together"):
        bt.save(spots, tmp_path / "t.spots.csv")
    assert not (tmp_path / "t.spots.csv").exists()
