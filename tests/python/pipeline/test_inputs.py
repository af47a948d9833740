"""Image, labels, mask and table of one movie, whose files say different things."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from numpy.typing import NDArray
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.progress import ignore_progress
from btrackmate.io.trackmate import read_trackmate
from btrackmate.pipeline.inputs import OpenInputs, RunInputs, open_inputs
from btrackmate.pipeline.settings import InputSettings

pytestmark = pytest.mark.usefixtures("plain_report")

MOVIE = dividing_cells()


def call(*words: object) -> int:
    return run_command([*(str(word) for word in words), "--quiet"])


def opened(settings: dict[str, Any] | None = None, **paths: Path) -> OpenInputs:
    options = InputSettings.parse(settings or {})
    return open_inputs(RunInputs(**paths), options, 1, ignore_progress)


def bare(path: Path, array: NDArray[Any]) -> Path:
    """Write what names neither axes nor sizes."""
    zarr.create_array(path, data=array)
    return path


def test_labels_and_mask_take_axes_and_calibration(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    movie = dividing_cells(8)  # of 6 slices
    image = write_imagej(tmp_path / "i.tif", movie * np.uint16(9), "TZYX")
    labels, mask = bare(tmp_path / "l.zarr", movie), bare(tmp_path / "m.zarr", movie[0] * 0 + 1)
    found = opened(image=image, labels=labels, mask=mask)
    assert found.labels is not None
    assert found.mask is not None
    assert (found.labels.movie.axes, found.mask.movie.axes) == ("TZYX", "ZYX")
    assert found.main.calibration == Calibration(0.5, 0.5, 2.0, 3.0, "µm", "min")
    assert "no voxel size" not in caplog.text


def test_image_takes_axes_and_calibration_of_the_labels(tmp_path: Path, labels_3d: Path) -> None:
    image = bare(tmp_path / "i.zarr", np.stack([MOVIE, MOVIE], axis=2))
    found = opened(image=image, labels=labels_3d)
    assert found.main.axes == "TZCYX"
    assert found.main.path == image
    assert found.main.calibration == Calibration(0.5, 0.5, 2.0, 3.0, "µm", "min")
    with pytest.raises(UserError, match="i.zarr: its metadata does not settle the axes"):
        opened(image=image, labels=bare(tmp_path / "l.zarr", MOVIE))


def test_stack_of_slices_is_the_movie_that_the_labels_say(tmp_path: Path) -> None:
    image = write_imagej(tmp_path / "i.tif", MOVIE[:, 2], "ZYX")
    labels = write_imagej(tmp_path / "l.tif", MOVIE[:, 2], "TYX")
    found = opened(image=image, labels=labels)
    assert (found.main.axes, found.main.n_frames, found.main.ndim) == ("TYX", 6, 2)
    assert opened({"image_axes": "TYX"}, image=image).main.n_frames == 6
    with pytest.raises(UserError, match="labels of shape .* image_axes= and label_axes="):
        opened({"axes": "ZYX", "label_axes": "TYX"}, image=image, labels=labels)


@pytest.mark.slow
def test_axes_of_each_role(tmp_path: Path) -> None:
    """4 frames of 4 slices of 4 rows: nothing but the options can tell."""
    cube = np.arange(256, dtype=np.uint16).reshape(4, 4, 4, 4) % 7
    paths = {
        "image": bare(tmp_path / "i.zarr", cube),
        "labels": bare(tmp_path / "l.zarr", cube.swapaxes(0, 1)),
        "mask": bare(tmp_path / "m.zarr", cube[0] * 0 + 1),
    }
    settings = {"image_axes": "TZYX", "label_axes": "ZTYX", "mask_axes": "ZYX"}
    found = opened(settings, **paths)
    assert found.labels is not None
    np.testing.assert_array_equal(found.labels.frame(2), cube[2])
    with pytest.raises(UserError, match=r"m.zarr: .*mask_axes=.*\((ZYX or TYX|TYX or ZYX)"):
        opened({"image_axes": "TZYX", "label_axes": "ZTYX"}, **paths)
    words = ["run", paths["image"], "--labels", paths["labels"], "--mask", paths["mask"]]
    options = ["--image-axes", "TZYX", "--label-axes", "ZTYX", "--mask-axes", "ZYX"]
    assert call(*words, *options, "-o", tmp_path / "run") == 0


@pytest.mark.parametrize(
    ("size", "unit", "told"), [(0.5, "um", False), (500.0, "nm", False), (0.25, "um", True)]
)
def test_different_calibrations_are_told(
    tmp_path: Path, labels_3d: Path, size: float, unit: str, told: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    metadata = {"axes": "ZYX", "unit": unit, "spacing": 4 * size}
    path = tmp_path / "mask.tif"
    mask = np.ones(MOVIE.shape[1:], np.uint8)
    tifffile.imwrite(path, mask, imagej=True, resolution=(1 / size, 1 / size), metadata=metadata)
    found = opened(labels=labels_3d, mask=path)
    assert found.main.calibration.dx == 0.5
    assert ("are calibrated differently: X 0.5 µm and 0.25 µm, Y" in caplog.text) == told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--time-unit min", ""),  # As the file says.
        ("--time-unit s", "3 min of the file is read as 3 sec, as the unit alone is given"),
        ("--time-unit s --dt 3", "T 3 sec for 3 min"),
        ("--space-unit nm", "0.5 µm of the file is read as 0.5 nm, as the unit alone is given"),
        ("--space-unit um", ""),
    ],
)
def test_a_unit_alone_that_is_another_than_the_files_is_told(
    tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str], words: str, told: str
) -> None:
    line = ["measure", labels_3d, "-o", tmp_path / "s.csv", "--quiet", *words.split()]
    assert call(*line) == 0
    said = capsys.readouterr().err
    assert told in said
    assert bool(said) == bool(told)


def test_uncalibrated_labels_take_the_masks_size(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """1 pixel against 2 × 0.5 × 0.5 µm: distances to the boundary would be wrong in silence."""
    caplog.set_level("INFO")
    labels = tmp_path / "l.tif"
    tifffile.imwrite(labels, MOVIE, imagej=True, metadata={"axes": "TZYX"})
    mask = write_imagej(tmp_path / "m.tif", np.ones(MOVIE.shape[1:], np.uint8), "ZYX")
    assert call("measure", labels, "--mask", mask, "-o", tmp_path / "s.csv") == 0
    assert "l.tif states no voxel size; that of" in caplog.text
    first = pd.read_csv(tmp_path / "s.csv").iloc[0]
    assert first["volume"] == first["voxels"] * 0.5
    assert opened(labels=labels, mask=mask).main.calibration.spacing(3) == (2.0, 0.5, 0.5)


def test_cells_take_the_masks_size(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mask = np.zeros(MOVIE.shape[1:], np.uint8)
    mask[:, :, :10] = 1  # up to x = 5 µm
    path = write_imagej(tmp_path / "m.tif", mask, "ZYX")
    cells = tmp_path / "c.csv"
    cells.write_text("frame,x,y,z\n0,4,1,2\n0,6,1,2\n1,8,1,2\n", encoding="utf-8")
    out = tmp_path / "t.xml"
    assert call("track", cells, "--mask", path, "-o", out) == 0
    read = read_trackmate(out).graph.spots
    assert read.table["x"].tolist() == [4]
    assert read.calibration.spacing(3) == (2.0, 0.5, 0.5)
    assert (
        call("track", cells, "--mask", path, "--csv-units", "pixels", "-o", out, "--overwrite") == 0
    )
    assert read_trackmate(out).graph.spots.table["x"].tolist() == [2, 3, 4]
    assert "differently" not in caplog.text
    size = ("--voxel-size", "2,1,1", "--space-unit", "µm")  # goes over the mask's own
    assert call("track", cells, "--mask", path, *size, "-o", out, "--overwrite") == 0
    assert read_trackmate(out).graph.spots.table["x"].tolist() == [4, 6, 8]
    assert "differently" not in caplog.text
    coarse = write_imagej(tmp_path / "c.tif", np.ones(MOVIE.shape[1:], np.uint8), "ZYX")
    assert call("track", cells, *size, "-o", out, "--overwrite") == 0
    assert call("track", out, "--mask", coarse, "-o", tmp_path / "again.xml") == 0
    assert "are calibrated differently: X 1 µm and 0.5 µm" in caplog.text


def test_odd_units_of_a_mask_are_settled_by_the_options(
    tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.tif"
    metadata = {"axes": "ZYX", "unit": "um", "zunit": "pixel", "spacing": 2.0}
    mask = np.ones(MOVIE.shape[1:], np.uint8)
    tifffile.imwrite(path, mask, imagej=True, resolution=(2, 2), metadata=metadata)
    words = ["measure", labels_3d, "--mask", path, "-o", tmp_path / "s.csv"]
    assert call(*words) == 2
    assert "m.tif: its metadata give axis Z the unit 'pixel'" in capsys.readouterr().err
    assert call(*words, "--voxel-size", "2,0.5,0.5", "--space-unit", "um") == 0
    words = ["evaluate", "--segmentation", "--truth", path, "--result", path]
    assert call(*words) == 0  # where sizes play no part


@pytest.mark.slow
def test_cells_of_a_session_go_the_whole_way(tmp_path: Path) -> None:
    from canonical_xml import DATA

    source = DATA / "trackmate-xml" / "Ecoli_growth_on_agar_pad.xml.gz"
    words = ["run", "--spots", source, "--tracker", "overlap", "--set", "MIN_IOU=0.1"]
    assert call(*words, "-o", tmp_path / "run") == 0
    graph = read_trackmate(tmp_path / "run" / "tracks.xml").graph
    assert len(graph.spots.contours) == len(graph.spots) > 500
    assert graph.n_links > 300


def test_a_2d_voxel_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flat = tmp_path / "l.tif"
    tifffile.imwrite(flat, MOVIE[:, 2], imagej=True, metadata={"axes": "TYX"})
    words = ["measure", flat, "-o", tmp_path / "s.csv", "--voxel-size", "0.25,0.5"]
    assert call(*words, "--space-unit", "um") == 0
    first = pd.read_csv(tmp_path / "s.csv").iloc[0]
    assert first["volume"] == first["voxels"] * 0.125
    cells = tmp_path / "c.csv"
    cells.write_text("frame,x,y\n0,4,8\n", encoding="utf-8")
    words = ["track", cells, "-o", tmp_path / "t.xml", "--csv-units", "pixels"]
    assert call(*words, "--voxel-size", "0.25,0.5") == 0
    spots = read_trackmate(tmp_path / "t.xml").graph.spots
    assert spots.positions.tolist() == [[2, 2, 0]]
    deep = write_imagej(tmp_path / "d.tif", MOVIE, "TZYX")
    capsys.readouterr()
    assert call("measure", deep, "-o", tmp_path / "d.csv", "--voxel-size", "0.25,0.5") == 2
    assert "has 2 numbers, expected 3: Z,Y,X" in capsys.readouterr().err
    assert call("measure", deep, "-o", tmp_path / "d.csv", "--voxel-size", "1") == 2
    assert "expected 3 or 2 numbers" in capsys.readouterr().err


@pytest.mark.slow
def test_folders_of_frames_everywhere(tmp_path: Path) -> None:
    """CTC's layout, as image, labels and mask; the result is that of the files."""
    for name, movie in (("01", MOVIE * np.uint16(9)), ("01_RES", MOVIE), ("mask", MOVIE * 0 + 1)):
        (tmp_path / name).mkdir()
        for t, frame in enumerate(movie):
            stem = {"01": "t", "01_RES": "mask"}.get(name, "tissue_")
            write_imagej(tmp_path / name / f"{stem}{t:03d}.tif", frame, "ZYX")
        write_imagej(tmp_path / f"{name}.tif", movie, "TZYX")
    tables = []
    for ending in ("", ".tif"):
        image, labels, mask = (tmp_path / f"{name}{ending}" for name in ("01", "01_RES", "mask"))
        out = tmp_path / f"run{ending}"
        assert call("run", image, "--labels", labels, "--mask", mask, "-o", out) == 0
        tables.append(pd.read_csv(out / "spots.csv"))
        words = ("measure", labels, "--image", image, "--mask", mask, "-o", tmp_path / "s.csv")
        assert call(*words, "--overwrite") == 0
        assert call("track", labels, "--image", image, "-o", tmp_path / "t.xml", "--overwrite") == 0
    pd.testing.assert_frame_equal(tables[0].drop(columns="time"), tables[1].drop(columns="time"))
    assert len(tables[0]) > 10


def test_fractional_labels_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = MOVIE.astype(np.float32)
    bad[4, 0, 0, 0] = 0.5
    path = write_imagej(tmp_path / "l.tif", bad, "TZYX")
    before = sorted(tmp_path.iterdir())
    for words in (("run", "--labels", path), ("measure", path), ("track", path)):
        name = "t.xml" if words[0] == "track" else "out"
        assert call(*words, "-o", tmp_path / name) == 2
        assert "l.tif, frame 4: value 0.5" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("numbers", "told"), [((1, 2, 3), True), ((0, 1, 2), False)])
def test_frames_of_two_folders_that_count_otherwise_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, numbers: tuple[int, ...], told: bool
) -> None:
    cells = dividing_cells()[:3].astype(np.uint16)
    for folder, names in (("images", (0, 1, 2)), ("labels", numbers)):
        (tmp_path / folder).mkdir()
        for number, frame in zip(names, cells, strict=True):
            write_imagej(tmp_path / folder / f"{folder}{number:03}.tif", frame, "ZYX")
    opened(labels=tmp_path / "labels", image=tmp_path / "images")
    assert ("they are taken for the same frame" in caplog.text) == told
