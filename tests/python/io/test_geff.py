"""GEFF: written, validated by the geff package, read again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import geff
import numpy as np
import pandas as pd
import pytest
import zarr
from numpy.testing import assert_array_equal

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io import geff_reader
from btrackmate.io.geff import write_geff
from btrackmate.io.geff_reader import read_geff

CALIBRATION = Calibration(0.5, 0.5, 2.0, 3.0, "µm", "min")


def make_graph(ndim: int = 3) -> TrackGraph:
    """0 → 1 → {2, 3}; 4 is alone. One volume is missing; ids have gaps and exceed 16 bits."""
    table = pd.DataFrame(
        {
            "id": [70000, 5, 6, 7, 90],
            "frame": [0, 1, 2, 2, 4],
            "x": [1.0, 2, 3, 4, 5],
            "y": [0.5, 0, 0, 1, 0],
            "label": [1, 4_294_967_295, 3, 4, 5],
            "volume": [8.0, np.nan, 7.0, 6.0, 5.0],
            "my_feature": [0.1, 0.2, 0.3, 0.4, 0.5],
        }
    )
    if ndim == 3:
        table["z"] = [2.0, 4, 6, 8, 10]
    spots = Spots.from_table(table, CALIBRATION, ndim=ndim, n_frames=6)
    source, target = np.array([70000, 5, 5]), np.array([5, 6, 7])
    return TrackGraph.from_ids(spots, source, target, np.array([1.5, np.nan, 2.5]))


@pytest.mark.parametrize("ndim", [2, 3])
def test_round_trip_keeps_everything(tmp_path: Path, ndim: int) -> None:
    graph = make_graph(ndim)
    write_geff(tmp_path / "t.geff", graph)
    again = read_geff(tmp_path / "t.geff")
    pd.testing.assert_frame_equal(again.spots.table, graph.spots.table)
    pd.testing.assert_frame_equal(again.links_table(), graph.links_table())
    assert again.spots.calibration == CALIBRATION
    assert (again.spots.ndim, again.spots.n_frames) == (ndim, 6)


def test_geff_package_finds_it_valid_with_lineages(tmp_path: Path) -> None:
    write_geff(tmp_path / "t.geff", make_graph())
    geff.validate_structure(tmp_path / "t.geff")
    content = geff.core_io.read_to_memory(tmp_path / "t.geff")
    metadata = content["metadata"]
    assert [axis.name for axis in metadata.axes] == ["frame", "z", "y", "x"]
    assert [axis.unit for axis in metadata.axes[1:]] == ["micrometer"] * 3
    assert (metadata.axes[0].scale, metadata.axes[0].scaled_unit) == (3.0, "minute")
    track = content["node_props"][metadata.track_node_props["lineage"]]
    assert_array_equal(track["missing"], [False, False, False, False, True])


@pytest.mark.parametrize("seed", range(3))
def test_columns_come_in_the_order_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Zarr lists the arrays of a group in any order."""
    graph = make_graph()
    more = {f"f{k}": np.arange(5.0) for k in (7, 1, 4, 0)}
    spots = graph.spots.with_columns(more)
    write_geff(tmp_path / "t.geff", graph.with_spots(spots))
    load = geff_reader._load

    def shuffle(path: Path) -> Any:
        content = load(path)
        names = list(content.node_props)
        np.random.default_rng(seed).shuffle(names)
        return replace(content, node_props={name: content.node_props[name] for name in names})

    monkeypatch.setattr(geff_reader, "_load", shuffle)
    assert list(read_geff(tmp_path / "t.geff").spots.table) == list(spots.table)


def test_spots_without_links_and_empty_graph(tmp_path: Path) -> None:
    graph = make_graph()
    none = np.empty(0, np.int64)
    write_geff(tmp_path / "spots.geff", TrackGraph.from_links(graph.spots, none, none))
    assert read_geff(tmp_path / "spots.geff").n_links == 0
    assert len(read_geff(tmp_path / "spots.geff").spots) == 5
    empty = graph.keep_spots(np.zeros(5, bool))
    write_geff(tmp_path / "empty.geff", empty)
    assert len(read_geff(tmp_path / "empty.geff").spots) == 0


def test_what_is_no_geff_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_geff(tmp_path / "none.geff")
    (tmp_path / "x.geff").mkdir()
    with pytest.raises(UserError, match="not readable as GEFF") as caught:
        read_geff(tmp_path / "x.geff")
    assert "\n" not in str(caught.value)


def test_text_columns_are_left_out(tmp_path: Path) -> None:
    graph = make_graph()
    table = graph.spots.table.assign(note="a", divides=[True, False, False, False, True])
    spots = Spots.from_table(table, CALIBRATION, n_frames=6)
    write_geff(tmp_path / "t.geff", graph.with_spots(spots))
    again = read_geff(tmp_path / "t.geff").spots.table
    assert "note" not in again
    assert again["divides"].tolist() == table["divides"].tolist()


def test_graphs_that_are_written_at_once_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings of Zarr are those of all threads: one that ended made others leave out zeros."""
    monkeypatch.setattr(zarr.config, "set", lambda *_: pytest.fail("a setting of all threads"))
    graph = make_graph()
    paths = [tmp_path / f"{n}.geff" for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda path: write_geff(path, graph), paths))
    monkeypatch.undo()
    assert [read_geff(path).n_links for path in paths] == [graph.n_links] * len(paths)
