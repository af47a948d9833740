"""TrackMate files where a part of the movie, or of the image, was looked at (its first panel)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.analysis.tracklets import make_tracklets_table
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.io.trackmate import Session
from btrackmate.review import EditSession
from btrackmate.tracking import prune
from btrackmate.tracking.settings import PruneSettings


def write(path: Path, begin: int = 0, end: int = 15, length: int = 20, crop: str = "") -> Path:
    """Write one cell that is there in all frames of the interval and divides before its end."""
    frames = [*range(begin, end - 1), end - 1, end - 1, end, end]
    table = pd.DataFrame({"id": range(len(frames)), "frame": frames, "y": 5.0, "radius": 2.0})
    table["x"] = [10.0] * (len(frames) - 4) + [8, 12, 8, 12]
    mother = len(frames) - 5
    links = [(i, i + 1) for i in range(mother)]
    links += [(mother, mother + 1), (mother, mother + 2)]
    links += [(mother + 1, mother + 3), (mother + 2, mother + 4)]
    spots = Spots.from_table(table, Calibration(), ndim=2, n_frames=length)
    write_tracks(path, TrackGraph.from_ids(spots, *np.array(links).T))
    text = path.read_text()
    whole = f'tstart="0" tend="{length - 1}"'
    assert whole in text
    text = text.replace(whole, f'tstart="{begin}" tend="{end}"')
    path.write_text(text.replace('xstart="0"', crop) if crop else text)
    return path


@pytest.mark.parametrize(("begin", "end"), [(0, 15), (3, 15), (3, 19)])
def test_ends_of_the_interval_cut_tracks_off(tmp_path: Path, begin: int, end: int) -> None:
    path = write(tmp_path / "a.xml", begin, end)
    chain = [path]
    for name in ("b.geff", "c.xml", "d.xml"):
        graph, document = read_tracks(chain[-1])
        write_tracks(tmp_path / name, graph, document if name == "d.xml" else None)
        chain.append(tmp_path / name)
    for place in chain:
        graph = read_tracks(place)[0]
        assert (graph.spots.n_frames, graph.spots.ends) == (20, (begin, end))
        table = make_tracklets_table(graph)
        assert table["origin"].tolist() == ["start of movie", "birth", "birth"]
        assert table["fate"].tolist() == ["divides", "end of movie", "end of movie"]
        assert prune(graph, PruneSettings(min_tracklet_length=4)).graph.n_links == graph.n_links


def test_the_interval_stays_when_tracks_are_corrected(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xml")
    with EditSession.open(path) as session:
        session.do("delete_spot", spot=0)
        assert session.to_graph().spots.ends == (0, 15)
        session.save()
    assert read_tracks(path)[0].spots.ends == (0, 15)


def test_the_interval_stays_where_an_image_is_named(tmp_path: Path) -> None:
    graph, document = read_tracks(write(tmp_path / "a.xml", 3, 15))
    session = Session(image_path=tmp_path / "i.tif", image_shape=(20, 1, 1, 32, 48))
    for name, template in (("b.xml", document), ("c.xml", None)):
        write_tracks(tmp_path / name, graph, template, session)
        assert 'width="48"' in (tmp_path / name).read_text()
        assert read_tracks(tmp_path / name)[0].spots.ends == (3, 15)


def test_cells_that_were_added_widen_the_interval(tmp_path: Path) -> None:
    spots = read_tracks(write(tmp_path / "a.xml"))[0].spots
    assert replace(spots, searched=(2, 4)).ends == (0, 15)


def test_an_interval_that_does_not_hold_all_cells_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xml")
    path.write_text(path.read_text().replace('tend="15"', 'tend="3"'))
    assert read_tracks(path)[0].spots.searched is None  # It is that of something else.


@pytest.mark.parametrize("odd", ["", "nan", "-4", "x", "9" * 30])
def test_an_interval_that_is_none_is_passed_over(tmp_path: Path, odd: str) -> None:
    path = write(tmp_path / "a.xml")
    path.write_text(path.read_text().replace('tend="15"', f'tend="{odd}"'))
    assert read_tracks(path)[0].spots.ends == (0, 19)


def test_a_part_of_the_image_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read_tracks(write(tmp_path / "a.xml", crop='xstart="2"'))
    assert "in a part of the image alone (pixels x 2 to 12)" in caplog.text


def test_a_table_does_not_tell_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_tracks(tmp_path / "a.csv", read_tracks(write(tmp_path / "a.xml"))[0])
    assert "cells were looked for in frames 0 to 15 alone" in caplog.text
