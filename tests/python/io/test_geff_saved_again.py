"""GEFFs of ours that another program read, changed and wrote again with all of their metadata."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geff
import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.geff import write_geff
from btrackmate.io.geff_reader import list_left_out, read_geff
from btrackmate.napari_plugin.model.opening import open_tracks
from btrackmate.review import EditSession

SIZE = Calibration(0.5, 0.5, 2.0, 30.0, "µm", "sec")


def make(*, border: bool = False) -> TrackGraph:
    """Two cells in three frames."""
    row = np.arange(6)
    table = pd.DataFrame({"id": row, "frame": row // 2, "x": 5.0 + 12 * (row % 2), "y": 5.0})
    table = table.assign(z=8.0, time=row // 2 * 30.0, radius=4.0, touches_border=border)
    spots = Spots.from_table(table, SIZE, ndim=3, n_frames=3)
    return TrackGraph.from_ids(spots, row[:4], row[2:])


def save_again(
    folder: Path, change: Callable[[Any, Any], object] = lambda graph, metadata: None
) -> Path:
    write_geff(folder / "a.geff", make())
    graph, metadata = geff.read(folder / "a.geff", backend="networkx")
    change(graph, metadata)
    geff.write(graph, folder / "b.geff", metadata=metadata)
    return folder / "b.geff"


def to_nanometres(graph: Any, metadata: Any) -> None:
    for _, node in graph.nodes(data=True):
        node.update({name: node[name] * 1000 for name in ("x", "y", "z", "radius")})
    for axis in metadata.axes:
        if axis.type == "space":
            axis.unit, axis.min, axis.max = "nanometer", None, None
    for name in ("x", "y", "z", "radius"):
        metadata.node_props_metadata[name].unit = "nanometer"


def to_voxels(graph: Any, metadata: Any) -> None:
    size = {"x": 0.5, "y": 0.5, "z": 2.0}
    for _, node in graph.nodes(data=True):
        node.update({name: node[name] / one for name, one in size.items()})
    for axis in metadata.axes:
        if axis.type == "space":
            axis.unit, axis.scale, axis.scaled_unit = "pixel", size[axis.name], "micrometer"
            axis.min = axis.max = None


def to_minutes(graph: Any, metadata: Any) -> None:
    metadata.axes[0].scale, metadata.axes[0].scaled_unit = 2.0, "minute"
    for _, node in graph.nodes(data=True):
        node["time"] = node["frame"] * 2.0


def without_times(graph: Any, metadata: Any) -> None:
    metadata.axes[0].scale = 60.0
    metadata.node_props_metadata.pop("time")
    for _, node in graph.nodes(data=True):
        node.pop("time")


@pytest.mark.parametrize(
    ("change", "size", "factor"),
    [
        (to_nanometres, Calibration(1, 1, 1, 30.0, "nm", "sec"), 1000.0),
        (to_voxels, SIZE, 1.0),
        (to_minutes, replace(SIZE, dt=2.0, time_unit="min"), 1.0),
        (without_times, replace(SIZE, dt=60.0), 1.0),
    ],
)
def test_the_axes_count_where_they_are_others(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Any, Any], object],
    size: Calibration,
    factor: float,
) -> None:
    found = read_geff(save_again(tmp_path, change)).spots
    assert "is not as BTrackMate wrote it" in caplog.text
    assert found.calibration == size
    assert np.allclose(found.positions, make().spots.positions * factor)
    assert np.allclose(found.feature("radius"), 4.0 * factor)
    assert np.allclose(found.feature("time"), found.frame * size.dt)
    assert "track" not in found.table  # follows from the links


def test_one_of_the_same_units_is_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """But for chunks of zeros, which others leave out; ours are refused without."""
    path = save_again(tmp_path)
    found = read_geff(path)
    assert "are not there and are read as 0" in caplog.text
    assert "is not as BTrackMate" not in caplog.text
    assert found.spots.calibration == SIZE
    assert not found.spots.feature("touches_border").any()
    assert found.n_links == 4
    (tmp_path / "a.geff" / "nodes" / "props" / "touches_border" / "values" / "0").unlink()
    with pytest.raises(UserError, match="touches_border is incomplete"):
        read_geff(tmp_path / "a.geff")


def test_a_movie_that_another_program_made_longer(tmp_path: Path) -> None:
    def later(graph: Any, metadata: Any) -> None:
        for _, node in graph.nodes(data=True):
            node["frame"] += 5
            node["time"] += 150.0

    assert read_geff(save_again(tmp_path, later)).spots.n_frames == 8


def annotate(graph: Any, metadata: Any) -> None:
    for number, node in graph.nodes(data=True):
        node["celltype"] = f"cell {number}"
    for *_, link in graph.edges(data=True):
        link["checked_by"] = 1
    metadata.extra = {**metadata.extra, "lab": {"who": "me"}}


def test_what_is_not_read_is_not_lost_by_a_save_in_place(tmp_path: Path) -> None:
    path = save_again(tmp_path, annotate)
    wanted = [
        "properties that are no numbers celltype", "properties of links checked_by", "metadata lab",
    ]  # fmt: skip
    assert list_left_out(path) == wanted
    with EditSession.open(path) as session:
        session.do("break_link", source=0, target=2)
        with pytest.raises(UserError, match="celltype.*checked_by.*lab, which would be lost"):
            session.save()
        copy = session.save(tmp_path / "copy.geff")
    graph, _ = geff.read(path, backend="networkx")
    assert graph.nodes[3]["celltype"] == "cell 3"
    assert read_geff(copy).n_links == 3
    opened = open_tracks(path)
    assert any("celltype" in note and "take Save as" in note for note in opened.notes)
    assert opened.graph.n_links == 3  # from the journal
    assert opened.edit is not None
    opened.edit.close()


def test_units_and_descriptions_of_another_program_are_told(tmp_path: Path) -> None:
    def describe(graph: Any, metadata: Any) -> None:
        for number, node in graph.nodes(data=True):
            node["gfp"] = number / 2
        geff.write(graph, tmp_path / "c.geff", metadata=metadata)
        told = geff.GeffMetadata.read(tmp_path / "c.geff")
        told.node_props_metadata["gfp"].unit = "counts"
        told.write(tmp_path / "c.geff")

    save_again(tmp_path, describe)
    assert list_left_out(tmp_path / "b.geff") == []
    wanted = ["units, names or descriptions of properties gfp"]
    assert list_left_out(tmp_path / "c.geff") == wanted


def test_one_that_holds_numbers_alone_is_saved_in_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), EditSession.open(save_again(tmp_path)) as session:
        session.do("break_link", source=0, target=2)
        session.save()
    caplog.clear()
    assert read_geff(tmp_path / "b.geff").n_links == 3
    assert not caplog.text


def test_numbers_of_tracks_that_another_program_gave_are_left_out(tmp_path: Path) -> None:
    """They would name the tracks of before a correction."""
    save_again(tmp_path)
    graph, metadata = geff.read(tmp_path / "b.geff", backend="networkx")
    for number, node in graph.nodes(data=True):
        node["lineage_id"] = number % 2 + 1
    metadata.track_node_props = {"lineage": "lineage_id"}
    geff.write(graph, tmp_path / "c.geff", metadata=metadata)
    assert list_left_out(tmp_path / "c.geff") == ["numbers of tracks lineage_id"]
    assert "lineage_id" not in read_geff(tmp_path / "c.geff").spots.table
    metadata.extra, metadata.track_node_props = {}, {"lineage": "track"}
    geff.write(graph, tmp_path / "d.geff", metadata=metadata)
    assert "numbers of tracks track" in list_left_out(tmp_path / "d.geff")
    assert "track" not in read_geff(tmp_path / "d.geff").spots.table
