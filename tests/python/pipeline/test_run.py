"""The whole way from given labels or a CSV to a run folder."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from tiny_movies import dividing_cells, write_imagej

from btrackmate.core.errors import UserError
from btrackmate.io.geff_reader import read_geff
from btrackmate.io.trackmate import read_trackmate
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import RunSettings

pytestmark = pytest.mark.usefixtures("plain_report")

SETTINGS = RunSettings(
    tracker_settings={"linking_max_distance": 5.0, "splitting_max_distance": 5.0}
)

FILES = {
    "dropped.csv",
    "log.txt",
    "pruned.csv",
    "report.html",
    "run.yaml",
    "spots.csv",
    "track_features.csv",
    "tracked_spots.csv",
    "tracks.geff",
    "tracks.xml",
}


def test_run_from_labels_writes_every_file_and_finds_the_division(
    tmp_path: Path, image_3d: Path, labels_3d: Path
) -> None:
    result = run(RunInputs(image=image_3d, labels=labels_3d), tmp_path / "out", SETTINGS)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert len(result.graph.spots) == 3 * 2 + 3 * 3
    assert result.graph.n_tracks == 2
    assert result.graph.spots.frame[result.graph.divisions].tolist() == [2]
    calibration = result.graph.spots.calibration
    assert (calibration.dx, calibration.dz, calibration.dt) == (0.5, 2.0, 3.0)
    still = result.graph.spots.table.query("label == 7").iloc[0]
    # voxels x 4..7, y 16..19, z 1..3: centres 5.5, 17.5, 2 times the spacing
    assert (still.x, still.y, still.z) == pytest.approx((2.75, 8.75, 4.0))
    assert still.mean_intensity_ch1 == 107
    tracks = pd.read_csv(tmp_path / "out" / "tracked_spots.csv")
    assert sorted(tracks.query("frame == 5")["generation"]) == [0, 1, 1]


def test_xml_and_geff_hold_the_same_tracks(tmp_path: Path, labels_3d: Path, image_3d: Path) -> None:
    result = run(RunInputs(image=image_3d, labels=labels_3d), tmp_path / "out", SETTINGS)
    document = read_trackmate(tmp_path / "out" / "tracks.xml")
    geff = read_geff(tmp_path / "out" / "tracks.geff")
    for graph in (document.graph, geff):
        pd.testing.assert_frame_equal(
            graph.links_table()[["source", "target"]],
            result.graph.links_table()[["source", "target"]],
        )
        np.testing.assert_allclose(graph.spots.positions, result.graph.spots.positions)
    assert document.image_path == image_3d
    assert document.tracker[0] == "FLOW_TRACKER"
    assert document.tracker[1]["linking_max_distance"] == 5.0


def test_log_says_which_axes_were_taken(tmp_path: Path, labels_3d: Path) -> None:
    run(RunInputs(labels=labels_3d), tmp_path / "out", SETTINGS)
    log = (tmp_path / "out" / "log.txt").read_text(encoding="utf-8")
    assert "labels.tif: axes TZYX (from ImageJ TIFF)" in log
    assert "voxel Z,Y,X (2.0, 0.5, 0.5) µm, dt 3.0 min" in log


def test_runs_in_threads_note_their_own_messages(tmp_path: Path) -> None:
    def go(frames: tuple[int, int]) -> str:
        table = tmp_path / f"from{frames[0]}.csv"
        table.write_text("frame,x,y\n" + "".join(f"{t},1,2\n" for t in range(*frames)))
        out = table.with_suffix("")
        run(RunInputs(spots=table), out, SETTINGS)
        return (
            str(yaml.safe_load((out / "run.yaml").read_text())["warnings"])
            + (out / "log.txt").read_text()
        )

    with ThreadPoolExecutor(2) as pool:
        late, whole = pool.map(go, [(3, 6), (0, 6)])
    assert "the first cells are in frame 3" in late
    assert "first cells" not in whole
    assert "from0.csv" not in late
    assert "from3.csv" not in whole


def test_run_2d(tmp_path: Path) -> None:
    labels = write_imagej(tmp_path / "l2.tif", dividing_cells()[:, 2], "TYX")
    result = run(RunInputs(labels=labels), tmp_path / "out", SETTINGS)
    assert result.graph.spots.ndim == 2
    assert result.graph.n_tracks == 2
    assert "report.html" in {path.name for path in (tmp_path / "out").iterdir()}


def test_run_from_csv(tmp_path: Path) -> None:
    csv = tmp_path / "cells.csv"
    csv.write_text("frame,x,y,z,size\n0,1.5,2,3,7\n1,2.5,2,3,8\n3,30,2,3,9\n", encoding="utf-8")
    result = run(RunInputs(spots=csv), tmp_path / "out", SETTINGS)
    assert result.graph.links_table()[["source", "target"]].values.tolist() == [[0, 1]]
    assert result.graph.spots.table["size"].tolist() == [7, 8, 9]
    assert result.graph.spots.n_frames == 4


def test_mask_drops_and_reports(tmp_path: Path, labels_3d: Path) -> None:
    mask = np.zeros((24, 24), np.uint8)
    mask[:12] = 3
    tifffile.imwrite(tmp_path / "mask.tif", mask, imagej=True, metadata={"axes": "YX"})
    result = run(
        RunInputs(labels=labels_3d, mask=tmp_path / "mask.tif"), tmp_path / "out", SETTINGS
    )
    dropped = pd.read_csv(tmp_path / "out" / "dropped.csv")
    assert dropped["label"].tolist() == [7] * 6
    assert set(dropped["reason"]) == {"outside"}
    assert set(result.graph.spots.table["tissue"]) == {3}
    # y 4..7 (centre 5.5) lies 6 pixels of 0.5 µm above the border at 11.5
    assert result.graph.spots.table["boundary_distance"].iloc[0] == pytest.approx(3.0)


def test_a_mask_without_the_tissue_that_is_asked_for_is_refused(
    tmp_path: Path, labels_3d: Path
) -> None:
    mask = np.full((24, 24), 255, np.uint8)
    tifffile.imwrite(tmp_path / "mask.tif", mask, imagej=True, metadata={"axes": "YX"})
    settings = RunSettings.parse(
        SETTINGS.model_dump(mode="json") | {"measure": {"mask": {"tissues": [1]}}}
    )
    with pytest.raises(UserError, match="the tissue mask has no tissue 1, .* it has 255"):
        run(RunInputs(labels=labels_3d, mask=tmp_path / "mask.tif"), tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


def test_empty_labels_are_a_valid_run(tmp_path: Path) -> None:
    labels = write_imagej(tmp_path / "empty.tif", np.zeros((3, 2, 8, 8), np.uint16), "TZYX")
    result = run(RunInputs(labels=labels), tmp_path / "out")
    assert len(result.graph.spots) == 0
    assert "no cell was found" in (tmp_path / "out" / "log.txt").read_text(encoding="utf-8")


def test_pruned_tracklet_is_listed_and_not_in_the_xml(tmp_path: Path) -> None:
    movie = dividing_cells(7)
    movie[5:][movie[5:] == 2] = 0  # daughter 2 lives in frames 3 and 4: 4 - 2 = 2 frames long
    labels = write_imagej(tmp_path / "l.tif", movie, "TZYX")
    settings = RunSettings.parse(
        SETTINGS.model_dump(mode="json") | {"prune": {"min_tracklet_length": 3}}
    )
    result = run(RunInputs(labels=labels), tmp_path / "out", settings)
    pruned = pd.read_csv(tmp_path / "out" / "pruned.csv").query("what == 'spot'")
    cells = pd.read_csv(tmp_path / "out" / "spots.csv").set_index("id").loc[pruned["id"]]
    assert cells["label"].tolist() == [2, 2]
    assert set(pruned["rule"]) == {"short_leaf"}
    left = read_trackmate(tmp_path / "out" / "tracks.xml").graph.spots.id
    assert not set(left) & set(pruned["id"])
    assert len(left) == 7 * 2
    assert result.record["counts"]["pruned_spots"] == 2
    record = yaml.safe_load((tmp_path / "out" / "run.yaml").read_text(encoding="utf-8"))
    assert record["pruned"]["short_leaf"]["spots"] == pruned["id"].tolist()
    assert len(record["pruned"]["short_leaf"]["links"]) == 2
    log = read_trackmate(tmp_path / "out" / "tracks.xml").log
    assert f"Pruned spots, short_leaf: {', '.join(str(int(i)) for i in pruned['id'])}" in log


def test_record_repeats_the_run(tmp_path: Path, labels_3d: Path) -> None:
    run(RunInputs(labels=labels_3d), tmp_path / "a", SETTINGS)
    record = yaml.safe_load((tmp_path / "a" / "run.yaml").read_text(encoding="utf-8"))
    again = RunSettings.parse(record["settings"])
    assert again == SETTINGS
    assert len(record["inputs"]["labels"]["sha256"]) == 64
    run(RunInputs(labels=labels_3d), tmp_path / "b", again)
    for name in ("tracked_spots.csv", "spots.csv", "tracks.xml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_finished_run_is_not_overwritten(tmp_path: Path, labels_3d: Path) -> None:
    run(RunInputs(labels=labels_3d), tmp_path / "out", SETTINGS)
    before = (tmp_path / "out" / "run.yaml").read_bytes()
    with pytest.raises(UserError, match="holds a finished run"):
        run(RunInputs(labels=labels_3d), tmp_path / "out", SETTINGS)
    assert (tmp_path / "out" / "run.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("mask", "mask of shape"),
        ("float", r"bad.tif, frame 5: value 1.5 at .* expected labels: whole numbers"),
        ("missing", "no such file"),
        ("text", "not an image"),
        ("axes", "axes="),
        ("nan", "NaN"),
        ("model", "model folder"),
    ],
)
def test_bad_input_is_refused_with_nothing_written(
    tmp_path: Path, labels_3d: Path, case: str, message: str
) -> None:
    bad = tmp_path / "bad.tif"
    inputs = RunInputs(labels=bad)
    settings = SETTINGS
    volume = dividing_cells()
    if case == "mask":
        tifffile.imwrite(bad, np.ones((5, 5), np.uint8), imagej=True, metadata={"axes": "YX"})
        inputs = RunInputs(labels=labels_3d, mask=bad)
    elif case == "float":
        labels = volume.astype(np.float32)
        labels[5, 0, 0, 0] = 1.5
        write_imagej(bad, labels, "TZYX")
    elif case == "text":
        bad.write_text("no image", encoding="utf-8")
    elif case == "axes":
        tifffile.imwrite(bad, volume[:, 0])
    elif case == "nan":
        image = volume.astype(np.float32)
        image[4, 0, 0, 0] = np.nan
        write_imagej(bad, image, "TZYX")
        inputs = RunInputs(image=bad, labels=labels_3d)
    elif case == "model":
        write_imagej(bad, volume, "TZYX")
        inputs = RunInputs(image=bad)
        settings = RunSettings.parse({"segmentation": {"model_dir": str(tmp_path)}})
    with pytest.raises(UserError, match=message) as caught:
        run(inputs, tmp_path / "out", settings)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_unwritable_output(tmp_path: Path, labels_3d: Path) -> None:
    file = tmp_path / "file"
    file.write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(UserError, match="is a file, expected a folder"):
        run(RunInputs(labels=labels_3d), file / "out", SETTINGS)
