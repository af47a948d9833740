"""What TrackMate hides is no result: it is not scored, learnt from or shown, and that is told."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import btrackmate as bt
from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.shown_tracks import read_shown_tracks
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.napari_plugin.model.exporting import export_tracks, take_tracks
from btrackmate.napari_plugin.model.opening import open_tracks
from btrackmate.napari_plugin.model.session import Session
from btrackmate.report.data import load_run
from btrackmate.review import EditSession


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """Two cells beside each other, and one in the last frame alone; 0-2-4, 1-3-5, 6."""
    frame = [0, 0, 1, 1, 2, 2, 2]
    x = [0.0, 9.0, 0.0, 9.0, 0.0, 9.0, 20.0]
    table = pd.DataFrame({"id": range(7), "frame": frame, "x": x, "y": 0.0, "radius": 2.0})
    spots = Spots.from_table(table, Calibration(), ndim=2)
    graph = TrackGraph.from_ids(spots, np.array([0, 2, 1, 3]), np.array([2, 4, 3, 5]))
    write_tracks(tmp_path / "truth.xml", graph)
    return tmp_path / "truth.xml"


def hide(path: Path, old: str, name: str) -> Path:
    """Write the file with a text taken out, or a spot hidden."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    hidden = old.replace('VISIBILITY="1"', 'VISIBILITY="0"') if "Spot" in old else ""
    path.with_name(name).write_text(text.replace(old, hidden), encoding="utf-8")
    return path.with_name(name)


def spot(path: Path, number: int) -> str:
    """Give the text of a spot, up to whether it is visible."""
    text = path.read_text(encoding="utf-8")
    begin = text.index(f'<Spot ID="{number}"')
    return text[begin : text.index(" />", begin)]


def score(truth: Path, result: Path) -> dict[str, float]:
    out = truth.with_name("scores.json")
    words = ["evaluate", "--tracking", "--truth", truth, "--result", result, "--json", out]
    assert run_command([*map(str, words), "--overwrite", "--quiet"]) == 0
    return json.loads(out.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("what", "left"), [("track", 4), ("spot of a track", 6), ("spot", 6)])
def test_hidden_is_left_out_and_told(
    truth: Path, caplog: pytest.LogCaptureFixture, what: str, left: int
) -> None:
    number = {"spot of a track": 3, "spot": 6}.get(what)
    old = '<TrackID TRACK_ID="1" />' if number is None else spot(truth, number)
    hidden = hide(truth, old, "hidden.xml")
    assert len(read_shown_tracks(hidden).spots) == left
    assert f"{7 - left} of its 7 spots are hidden" in caplog.text
    assert len(read_tracks(hidden)[0].spots) == 7
    assert len(read_shown_tracks(truth).spots) == 7


def test_hidden_tracks_are_not_scored(truth: Path) -> None:
    hidden = hide(truth, '<TrackID TRACK_ID="1" />', "hidden.xml")
    assert score(truth, hidden)["link_recall"] == 0.5
    assert score(hidden, truth)["link_precision"] == 0.5


def test_hidden_tracks_are_not_learnt_from(
    truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = hide(truth, '<TrackID TRACK_ID="1" />', "hidden.xml")
    words = ["train-linking", hidden, "-o", tmp_path / "f.yaml", "--quiet"]
    run_command([str(word) for word in words])
    assert "3 of its 7 spots are hidden" in capsys.readouterr().err


@pytest.mark.usefixtures("plain_report")
def test_hidden_tracks_of_a_run_are_neither_reported_nor_analysed(
    truth: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = read_tracks(truth)[0].spots.table[["frame", "x", "y", "radius"]]
    table.to_csv(tmp_path / "cells.csv", index=False)
    run, out = tmp_path / "run", tmp_path / "out"
    words = ["--tracker", "nearest", "--linking-max-distance", "1", "--quiet"]
    assert run_command(["run", "--spots", str(tmp_path / "cells.csv"), "-o", str(run), *words]) == 0
    hide(run / "tracks.xml", '<TrackID TRACK_ID="1" />', "tracks.xml")
    assert len(load_run(run).graph.spots) == 4
    assert "3 of its 7 spots are hidden" in caplog.text
    words = ["--no-figures", "--no-report", "--quiet"]
    assert run_command(["analyse", str(run), "-o", str(out), *words]) == 0
    assert set(pd.read_csv(out / "tracklets.csv")["track"]) == {0}


def test_python_tells_of_what_is_hidden_and_leaves_it_out_if_told_to(
    truth: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hidden = hide(truth, '<TrackID TRACK_ID="1" />', "hidden.xml")
    assert len(bt.load(truth).spots) == 7
    assert "hidden" not in caplog.text
    graph = bt.load(hidden)
    assert "3 of its 7 spots are hidden in TrackMate" in caplog.text
    assert len(graph.spots) == 7
    assert len(bt.load(hidden, hidden=False).spots) == 4


def test_groups_by_the_ids_of_a_file_are_told_of(
    truth: Path, caplog: pytest.LogCaptureFixture
) -> None:
    groups = pd.DataFrame({"track": [0, 1], "group": ["wild", "mutant"]})
    bt.analyse(bt.load(truth), conditions=groups)
    assert "conditions" not in caplog.text
    text = truth.read_text(encoding="utf-8")
    for old, new in (("0", "x"), ("1", "0"), ("x", "1")):
        text = text.replace(f'TRACK_ID="{old}"', f'TRACK_ID="{new}"')
    truth.write_text(text, encoding="utf-8")
    bt.analyse(bt.load(truth), conditions=groups)
    assert "not by their ids in" in caplog.text
    assert "(1, 0, …)" in caplog.text


def test_a_hidden_spot_is_no_rival(truth: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As no tracker sees it; asked for, that is said."""
    caplog.set_level("INFO")
    hidden = hide(truth, spot(truth, 2), "hidden.xml")
    told = bt.explain(hidden, 0, tracker="simple-lap", linking_max_distance=20)
    assert "1 of its spots are hidden" in caplog.text
    assert {one.target for one in told.links} == {3}
    with pytest.raises(UserError, match="no spot 2 in the tracks, or it is hidden"):
        bt.explain(hidden, 2, tracker="simple-lap", linking_max_distance=20)


@pytest.mark.parametrize("target", ["o.geff", "o.csv", "o.xml"])
@pytest.mark.parametrize("how", ["copy", "window", "export", "filter", "prune", "save"])
def test_what_other_formats_do_not_hold_is_told(
    truth: Path, caplog: pytest.LogCaptureFixture, target: str, how: str
) -> None:
    """Else what is hidden would count again, without a word."""
    hidden, output = hide(truth, '<TrackID TRACK_ID="1" />', "h.xml"), truth.with_name(target)
    told = list[str]()
    if how == "copy":
        with EditSession.open(hidden) as edit:
            edit.save(output)
    elif how in ("window", "export"):
        session = Session(open_tracks(hidden))
        session.told.connect(told.append)
        if how == "window":
            session.save_as(output)
        else:
            export_tracks(session, take_tracks(session, "all"), output)
        session.close()
    elif how == "save":
        bt.save(bt.load(hidden), output, like=hidden)
    else:
        words = ["--spot-filter", "x>=0"] if how == "filter" else ["--min-tracklet-length", "1"]
        assert run_command([how, str(hidden), "-o", str(output), *words]) == 0
    lost = f"{output} does not hold what h.xml did: features and names of 2 tracks;"
    assert (lost in caplog.text) == (target != "o.xml")
    assert caplog.text.count("which 1 tracks are hidden") == (target != "o.xml")
    if how in ("window", "export"):
        assert any("which 1 tracks are hidden" in one for one in told) == (target != "o.xml")


def test_a_table_does_not_tell_how_long_the_movie_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    table = pd.DataFrame({"frame": [0, 1], "x": 0.0, "y": 0.0})
    spots = Spots.from_table(table, Calibration(), ndim=2, n_frames=10)
    graph = TrackGraph.from_ids(spots, np.array([0]), np.array([1]))
    told = "that the movie has 10 frames, of which the last with a cell is 1"
    bt.save(graph, tmp_path / "a.csv")
    assert told in caplog.text
    bt.save(graph, tmp_path / "a.xml")
    caplog.clear()
    words = ["convert", str(tmp_path / "a.xml"), str(tmp_path / "b.csv"), "--quiet"]
    assert run_command(words) == 0
    assert told in capsys.readouterr().out


def test_tracks_of_a_table_that_is_linked_anew_are_left_out(tmp_path: Path) -> None:
    table = pd.DataFrame({"track_id": [5, 5], "frame": [0, 1], "x": [0.0, 90], "y": 0.0})
    table.to_csv(tmp_path / "t.csv", index=False)
    words = ["track", str(tmp_path / "t.csv"), "-o", str(tmp_path / "new.csv"), "--quiet"]
    assert run_command([*words, "--tracker", "nearest", "--linking-max-distance", "1"]) == 0
    assert "track_id" not in pd.read_csv(tmp_path / "new.spots.csv")


@pytest.mark.parametrize("which", ["selected", "all"])
def test_exports_have_the_numbers_of_the_window(truth: Path, which: str) -> None:
    session = Session(open_tracks(truth))
    session.do("swap", one=4, other=5)
    session.do("swap", one=2, other=3)
    tracks = {int(i): session.now.track(int(i)) for i in range(6)}
    session.select(4)
    graph = take_tracks(session, which)  # type: ignore[arg-type]
    ids = session.now.name_tracks(graph)
    session.do("swap", one=4, other=5)  # While it is written.
    export_tracks(session, graph, truth.with_name("o.xml"), ids)
    document = read_tracks(truth.with_name("o.xml"))[1]
    assert document is not None
    named = document.graph.name_tracks(document.single_track_ids)
    for number, track in zip(document.graph.spots.id.tolist(), named.tolist(), strict=True):
        assert track == tracks.get(number, -1)
    session.close()
