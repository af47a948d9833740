"""Scoring files: which spots are the same, inside a mask, and what is written and printed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.measurement import ArrayFrames, MaskSettings
from btrackmate.metrics import LabelMovie
from btrackmate.metrics.meanings import MEANINGS
from btrackmate.metrics.movies import match_movies
from btrackmate.metrics.points import match_same_spots
from btrackmate.metrics.tracking import score_same_spots
from btrackmate.pipeline.masked import mask_labels, mask_tracked

pytestmark = pytest.mark.usefixtures("plain_report")

MIXED = np.array([5, 3, 4, 1, 0, 2, 11, 9, 10, 6, 8, 7])


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


def read(path: Path) -> dict[str, float]:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def truth(tmp_path: Path) -> list[object]:
    """Tracklets of `dividing_cells` as in the Cell Tracking Challenge."""
    movie = dividing_cells()
    movie[3:][movie[3:] == 1] = 11
    tracks = tmp_path / "truth.txt"
    tracks.write_text("1 0 2 0\n11 3 5 1\n2 3 5 1\n7 0 5 0\n", encoding="utf-8")
    labels = write_imagej(tmp_path / "truth.tif", movie, "TZYX")
    return ["evaluate", "--truth", labels, "--truth-tracks", tracks, "--quiet"]


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """The upper half: cell 7 (y 16 to 19) is outside; in frame 5 everything is outside."""
    tissue = np.zeros((6, 24, 24), np.uint8)
    tissue[:, :12] = 1
    tissue[5] = 0
    return write_imagej(tmp_path / "mask.tif", tissue, "TYX")


def run(tmp_path: Path, labels: Path, *more: object) -> Path:
    words = ["run", "--labels", labels, "-o", tmp_path / "run", "--quiet", "--tracker", "lap"]
    words += ["--set", "LINKING_MAX_DISTANCE=5", "--set", "SPLITTING_MAX_DISTANCE=5", *more]
    assert call(*words) == 0
    return tmp_path / "run"


@pytest.mark.slow
def test_a_masked_run_is_scored_inside_the_mask(
    tmp_path: Path,
    labels_3d: Path,
    truth: list[object],
    mask: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without --mask, cell 7 and all of frame 5 are missed: 6 + 2 of 15 cells; a word is said."""
    result = run(tmp_path, labels_3d, "--mask", mask, "--set", "ALLOW_GAP_CLOSING=false")
    capsys.readouterr()
    whole, inside = tmp_path / "whole.json", tmp_path / "inside.json"
    assert call(*truth, "--result", result, "--json", whole) == 0
    assert "score inside it with --mask" in capsys.readouterr().err
    assert call(*truth, "--result", result, "--mask", mask, "--json", inside) == 0
    assert "score inside" not in capsys.readouterr().err
    before, after = read(whole), read(inside)
    assert (before["n_truth_nodes"], before["FN"]) == (15, 8)
    assert (after["n_truth_nodes"], after["FN"], after["FP"]) == (7, 0, 0)
    # 2 links before the division, 2 to the daughters, 2 of theirs
    assert (after["n_truth_links"], after["link_f1"], after["division_f1"]) == (6, 1, 1)
    assert (before["SEG"], after["SEG"]) == (pytest.approx(7 / 15), 1)
    assert (before["n_truth_objects"], after["n_truth_objects"]) == (15, 7)


def test_a_track_is_cut_where_its_cell_is_outside() -> None:
    """Cell 1 leaves the mask in frame 1, cell 2 is not seen there: its gap stays linked."""
    tissue = np.ones((3, 1, 4), np.uint8)
    tissue[1, :, :2] = 0
    frames = np.array([[[1, 1, 2, 2]], [[1, 1, 0, 0]], [[1, 1, 2, 2]]], np.uint16)
    tracks = pd.DataFrame([(1, 0, 2, 0), (2, 0, 2, 0)], columns=["label", "begin", "end", "parent"])
    seen = mask_labels(frames, ArrayFrames(tissue, 2), MaskSettings())
    movie = mask_tracked(LabelMovie(frames, tracks), seen, "truth")
    labels = movie.graph.spots.table["label"].to_numpy()
    links = movie.graph.links_table()[["source", "target"]].to_numpy()
    assert movie.graph.spots.frame.tolist() == [0, 0, 2, 2]
    assert labels.tolist() == [1, 2, 1, 2]
    ids = movie.graph.spots.id.tolist()
    assert [[labels[ids.index(i)] for i in pair] for pair in links] == [[2, 2]]
    assert [movie.frame(t).max() for t in range(3)] == [2, 0, 3]
    nodes, _, _ = match_movies(movie, movie)
    assert movie.node_ids(nodes).tolist() == [1, 2, 2, 1], "cells are named by their labels"


@pytest.mark.slow
def test_the_policy_is_the_runs(tmp_path: Path, labels_3d: Path, truth: list[object]) -> None:
    """The mask's border goes through cells 1 and 2 (y 4 to 7): clipped ones are a quarter."""
    tissue = np.zeros((24, 24), np.uint8)
    tissue[:5] = 1
    mask = tmp_path / "mask.tif"
    tifffile.imwrite(mask, tissue, imagej=True, metadata={"axes": "YX"})
    result = run(tmp_path, labels_3d, "--mask", mask)
    words = [*truth, "--result", result, "--mask", mask, "--json"]
    for policy, cells in (("keep-touching", 9), ("centroid", 0), ("clip", 9)):
        scores = tmp_path / f"{policy}.json"
        assert call(*words, scores, "--mask-policy", policy) == 0
        values = read(scores)
        assert (values["n_truth_objects"], values["n_result_objects"]) == (cells, cells)
        assert values["SEG"] == (1 if cells else None)


def make_points(order: np.ndarray | None = None, shift: float = 0.0) -> TrackGraph:
    """Three cells, 20 apart, in four frames; `order` gives the ids."""
    rows = [(frame, 20.0 * cell + frame + shift) for frame in range(4) for cell in range(3)]
    table = pd.DataFrame(rows, columns=["frame", "x"]).assign(y=0.0, z=0.0, radius=1.0)
    table["id"] = np.arange(12) if order is None else order
    spots = Spots.from_table(table, Calibration(space_unit="µm", time_unit="min"))
    home = spots.table["x"].to_numpy() - shift - spots.frame
    source, target = [], []
    for cell in range(3):
        rows_of = np.flatnonzero(np.isclose(home, 20 * cell)).tolist()
        source += rows_of[:-1]
        target += rows_of[1:]
    return TrackGraph.from_links(spots, np.array(source), np.array(target))


def test_the_same_numbers_in_two_units_are_not_the_same_spots() -> None:
    """But in pixels, as of tables that state no unit."""
    points = make_points().spots

    def within(unit: str) -> TrackGraph:
        size = Calibration(space_unit=unit)
        return make_points().with_spots(Spots(points.table, size, points.ndim, points.n_frames))

    with pytest.raises(UserError, match="the truth is in µm and the result in mm; bring both"):
        match_same_spots(within("µm"), within("mm"))
    assert match_same_spots(within("µm"), within("pixel")) is not None


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (make_points(), True),
        (make_points(MIXED), True),  # other ids, the same positions
        (make_points(shift=1e-6), True),  # rounded
        (make_points(shift=0.5), False),
        (make_points(MIXED, shift=0.5), False),
        (make_points().keep_spots(np.arange(12) != 5), True),
        (make_points().keep_spots(np.zeros(12, bool)), False),
    ],
)
def test_same_ids_or_positions_need_no_distance(other: TrackGraph, found: bool) -> None:
    match = match_same_spots(make_points(), other)
    assert (match is not None) == found
    if match is not None:
        matched = match.mate >= 0
        assert matched.sum() == len(other.spots)
        np.testing.assert_allclose(
            other.spots.positions[match.mate[matched]],
            make_points().spots.positions[matched],
            atol=1e-5,
        )


def test_ids_that_mean_other_cells_are_not_matched_by_id() -> None:
    """Both number from 0, but in another order: positions decide, not ids."""
    turned = make_points(MIXED)
    match = match_same_spots(make_points(), turned)
    assert match is not None
    assert (turned.spots.id[match.mate] != make_points().spots.id).any()
    with pytest.raises(UserError, match="are these the same spots"):
        score_same_spots(make_points(), turned)


@pytest.mark.parametrize("ending", ["xml", "geff", "csv"])
def test_tracks_of_the_same_spots_are_scored_without_a_distance(
    tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, result = make_points(), make_points()
    result = result.keep_links(np.arange(result.n_links) != 4)
    write_tracks(tmp_path / f"a.{ending}", truth)
    write_tracks(tmp_path / "b.xml", result)
    words = ["evaluate", "--truth", tmp_path / f"a.{ending}", "--result", tmp_path / "b.xml"]
    files = tmp_path / "s.json", tmp_path / "d.csv"
    assert call(*words, "--json", files[0], "--differences", files[1], "--quiet") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [str(files[0]), str(files[1])]
    values = read(files[0])
    assert (values["DET"], values["EA"], values["ED"]) == (1, 1, 0)
    missed = pd.read_csv(files[1])
    ids = truth.links_table()[["source", "target"]].iloc[4]
    assert missed[["truth_source", "truth_target"]].values.tolist() == [ids.tolist()]
    assert missed["why"].tolist() == ["other_link"]


@pytest.mark.parametrize("more", [(), ("--max-distance", 1)])
def test_cells_after_the_end_of_the_other_are_told(tmp_path: Path, caplog, more: tuple) -> None:
    whole = make_points()
    write_tracks(tmp_path / "a.csv", whole.keep_spots(whole.spots.frame < 3))
    write_tracks(tmp_path / "b.csv", whole)
    words = ["evaluate", "--truth", tmp_path / "a.csv", "--result", tmp_path / "b.csv", *more]
    assert call(*words, "--quiet") == 0
    assert "truth has 3 frames and the result 4: 3 cells after frame 2 count as false" in (
        caplog.text
    )
    caplog.clear()
    words[2], words[4] = words[4], words[2]
    assert call(*words, "--quiet") == 0
    assert "truth has 4 frames and the result 3: 3 cells after frame 2 count as missed" in (
        caplog.text
    )


def test_frames_that_the_truth_lacks_are_told(tmp_path: Path, caplog) -> None:
    movie = dividing_cells()
    result = write_imagej(tmp_path / "result.tif", movie, "TZYX")
    folder = tmp_path / "truth"
    folder.mkdir()
    for t in range(4):
        tifffile.imwrite(folder / f"mask{t:03d}.tif", movie[t])
    assert call("evaluate", "--truth", folder, "--result", result, "--quiet") == 0
    assert "has 4 frames and" in caplog.text
    assert "the 2 that the former lacks are not scored" in caplog.text


def test_other_spots_ask_for_a_distance_and_suggest_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tracks(tmp_path / "a.csv", make_points())
    write_tracks(tmp_path / "b.xml", make_points(MIXED, shift=0.5))
    words = ["evaluate", "--truth", tmp_path / "a.csv", "--result", tmp_path / "b.xml", "--quiet"]
    assert call(*words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "give --max-distance" in error
    assert "(10 µm)" in error  # a table has no units: it has those of the other side
    assert call(*words, "--max-distance", 1) == 0
    assert "link_f1             1.0000" in capsys.readouterr().out


@pytest.mark.slow
def test_every_score_is_explained_and_no_frame_has_a_line(
    tmp_path: Path, labels_3d: Path, truth: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(tmp_path, labels_3d)
    capsys.readouterr()
    words = [word for word in truth if word != "--quiet"]
    assert call(*words, "--result", result, "--json", tmp_path / "s.json") == 0
    out, err = capsys.readouterr()
    others = ("images", "btrackmate", "inputs", "settings")
    named = [name for name in read(tmp_path / "s.json") if "0." not in name and name not in others]
    for name in named:
        line = next(line for line in out.splitlines() if line.startswith(f"{name} "))
        assert line.endswith(MEANINGS[name])
    assert err.count("scoring segmentation") == 2  # the first frame and the last
    assert not any(line.split()[0] in "012345" for line in out.splitlines() if line.strip())
    assert "panoptic_quality: sum of the matched IoU" in out


def test_what_cannot_be_had_is_refused_before_anything_is_written(
    tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--truth", labels_3d, "--result", labels_3d, "--quiet"]
    words += ["--json", tmp_path / "s.json"]
    assert call(*words, "--differences", tmp_path / "d.csv") == 2
    assert "--differences is of the tracking" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"labels.tif"}
    folder = tmp_path / "folder"
    folder.mkdir()
    labels_3d.rename(folder / "labels.tif")
    words = ["evaluate", "--truth", folder, "--result", folder, "--mask", folder / "labels.tif"]
    assert call(*words) == 2
    assert "is a folder of label images, which --mask does not go with" in capsys.readouterr().err


def test_points_outside_the_mask_are_left_out(tmp_path: Path) -> None:
    """Cell 2 (x 40 to 43) lies outside of a mask of 30 pixels of 1 µm; the result lacks it."""
    tissue = np.zeros((4, 60), np.uint8)
    tissue[:, :30] = 1
    mask = tmp_path / "mask.tif"
    tifffile.imwrite(mask, tissue, imagej=True, metadata={"axes": "YX"})
    whole = make_points()
    flat = whole.with_spots(
        Spots.from_table(whole.spots.table, whole.spots.calibration, ndim=2, n_frames=4)
    )
    write_tracks(tmp_path / "a.xml", flat)
    write_tracks(tmp_path / "b.csv", flat.keep_spots(flat.spots.positions[:, 0] < 30))
    words = ["evaluate", "--truth", tmp_path / "a.xml", "--result", tmp_path / "b.csv", "--quiet"]
    for more, missed in (((), 4), (("--mask", mask), 0)):
        assert call(*words, *more, "--json", tmp_path / "s.json", "--overwrite") == 0
        values = read(tmp_path / "s.json")
        assert (values["FN"], values["FP"]) == (missed, 0)
    words += ["--mask", mask, "--mask-policy", "clip"]
    assert call(*words) == 2


def test_that_labels_are_gone_is_told(
    tmp_path: Path, labels_3d: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only positions are left then, and no score of the segmentation."""
    folder = run(tmp_path, labels_3d)
    write_tracks(tmp_path / "truth.xml", read_tracks(folder)[0])
    words = ("evaluate", "--truth", tmp_path / "truth.xml", "--result", folder, "--quiet")
    assert call(*words) == 0
    assert "are gone" not in caplog.text
    labels_3d.unlink()
    assert call(*words) == 0
    assert f"{folder}: its label images are gone" in caplog.text
