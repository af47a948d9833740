"""Tracks as tables, networkx graphs, napari layers, and in a few words."""

import numpy as np
import pytest
from tracking_movies import make_graph, make_spots

from btrackmate.core.errors import UserError

#: 0–1 divides into 2–4 and 3; 5 stands alone.
FRAMES = {0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 5: 3}
LINKS = [(0, 1, 0.5), (1, 2, 1.0), (1, 3, 2.0), (2, 4, 0.1)]


@pytest.fixture
def graph():
    return make_graph(FRAMES, LINKS, dt=2.0)


def test_table_of_divisions(graph):
    table = graph.to_dataframe("divisions")
    assert table[["mother", "daughter", "frame", "time", "cost"]].to_numpy().tolist() == [
        [1, 2, 1, 2, 1],
        [1, 3, 1, 2, 2],
    ]
    assert table["mother_tracklet"].nunique() == 1
    assert table["daughter_tracklet"].nunique() == 2


def test_table_of_tracklets_names_spots(graph):
    table = graph.to_dataframe("tracklets")
    assert table[["first_spot", "last_spot"]].to_numpy().tolist() == [
        [0, 1],
        [2, 4],
        [3, 3],
        [5, 5],
    ]
    assert table["parent"].tolist() == [-1, 0, 0, -1]


def test_tables_of_spots_links_and_tracks(graph):
    assert graph.to_dataframe()["track"].tolist() == [0, 0, 0, 0, 0, -1]
    assert len(graph.to_dataframe("links")) == 4
    assert graph.to_dataframe("tracks")["n_divisions"].tolist() == [1]


def test_unknown_table_lists_those_there_are(graph):
    with pytest.raises(UserError, match="no table 'edges'; there are spots, links, tracks"):
        graph.to_dataframe("edges")


def test_networkx(graph):
    pytest.importorskip("networkx")
    found = graph.to_networkx()
    assert sorted(found.edges) == [(0, 1), (1, 2), (1, 3), (2, 4)]
    assert found.edges[1, 3]["cost"] == 2
    assert found.nodes[4]["frame"] == 3


def test_napari(graph):
    layer = graph.to_napari()
    assert layer["data"].shape == (6, 5)
    assert layer["data"][:, 0].tolist() == [0, 0, 1, 1, 2, 3]
    assert layer["graph"] == {1: [0], 2: [0]}
    assert layer["properties"]["id"].tolist() == [0, 1, 2, 4, 3, 5]
    assert layer["scale"] == (1, 1, 1, 1)


def test_napari_in_2d():
    from btrackmate.core.graph import TrackGraph

    spots = make_spots([(0, 0, 1.0, 2.0), (1, 1, 3.0, 4.0)], ndim=2)
    graph = TrackGraph.from_links(spots, np.array([0]), np.array([1]))
    assert graph.to_napari()["data"].tolist() == [[0, 0, 2, 1], [0, 1, 4, 3]]


def test_a_few_words(graph):
    assert repr(graph) == (
        "<TrackGraph: 6 spots in 4 frames, 3D, voxel 1 × 1 × 1 pixel (z × y × x), every 2 frame; "
        "4 links, 1 tracks, 1 divisions>"
    )
    assert repr(graph.spots).startswith("<Spots: 6 spots in 4 frames")
    assert "<table" in graph._repr_html_()
    assert "<table" in graph.spots._repr_html_()


def test_the_record_stays_with_what_is_kept(graph):
    noted = graph.with_record("track", {"tracker": "lap"})
    kept = noted.keep_spots(noted.spots.id < 3).keep_links(np.array([True, False]))
    assert kept.record == {"track": {"tracker": "lap"}}
    spots = graph.spots.with_record("measure", {"median": True})
    assert spots.take(spots.id > 2).with_columns({"a": np.ones(3)}).record["measure"]["median"]
