"""Folders of the Cell Tracking Challenge."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from btrackmate.core.errors import UserError
from btrackmate.io.ctc import read_ctc
from btrackmate.io.ctc_tracks import read_ctc_tracks


def write_folder(folder: Path, table: str, frames: tuple[int, ...] = (0, 1)) -> Path:
    folder.mkdir()
    (folder / "man_track.txt").write_text(table, encoding="utf-8")
    for t in frames:
        labels = np.full((4, 5), t + 1, np.uint16)
        tifffile.imwrite(folder / f"man_track{t:03d}.tif", labels)
    return folder


def test_frames_and_tracks(tmp_path: Path) -> None:
    movie = read_ctc(write_folder(tmp_path / "TRA", "1 0 0 0\n2 1 1 1\n\n"))
    assert [int(frame.max()) for frame in movie.frames] == [1, 2]
    assert movie.frames[0].shape == (4, 5)
    assert movie.tracks.to_dict("list") == {
        "label": [1, 2],
        "begin": [0, 1],
        "end": [0, 1],
        "parent": [0, 1],
    }


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("1 0 0 0\n2 1 1 7\n", "1 tracklets name a parent that has no cell, the first is 2, of 7"),
        ("1 0 1 0\n2 1 1 0\n", "the first is 1, there 0 to 1 and in the images 0 to 0"),
        ("1 0 0 0\n2 1 1 1\n", ""),
    ],
)
def test_what_the_table_tells_and_the_images_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, table: str, said: str
) -> None:
    graph = read_ctc_tracks(write_folder(tmp_path / "TRA", table))
    assert graph.n_links == (0 if said else 1)
    assert said in caplog.text
    assert caplog.text.count("WARNING") == bool(said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("man_track_old000.tif", ""),
        ("man_track00.tif", "man_track000.tif would be one frame"),
        ("man_track1.tif", "man_track1.tif would be one frame"),
    ],
)
def test_files_that_are_no_frames_take_the_place_of_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, said: str
) -> None:
    folder = write_folder(tmp_path / "TRA", "1 0 0 0\n2 1 1 1\n")
    tifffile.imwrite(folder / name, np.full((4, 5), 9, np.uint16))
    if said:
        with pytest.raises(UserError, match=said):
            read_ctc(folder)
    else:
        assert [int(frame.max()) for frame in read_ctc(folder).frames] == [1, 2]
        assert "man_track_old000.tif is no frame" in caplog.text


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 5), (4, 5, 3)])
def test_frames_of_other_shapes_and_colours_are_refused(tmp_path: Path, shape) -> None:
    folder = write_folder(tmp_path / "TRA", "1 0 0 0\n2 1 1 1\n")
    colour = {"photometric": "rgb"} if shape[-1] == 3 else {"photometric": "minisblack"}
    for t in (0, 1) if shape[-1] == 3 else (1,):
        tifffile.imwrite(folder / f"man_track{t:03d}.tif", np.ones(shape, np.uint8), **colour)
    with pytest.raises(UserError, match="expected .* as of the other frames|channels, expected"):
        read_ctc_tracks(folder)


@pytest.mark.parametrize("row", ["2 1 1 1", "2 1 1 0"])
def test_a_label_with_two_rows_is_refused(tmp_path: Path, row: str) -> None:
    """Which of its parents it has nobody knows."""
    folder = write_folder(tmp_path / "TRA", f"1 0 0 0\n2 1 1 1\n\n{row}\n")
    with pytest.raises(UserError, match=r"man_track\.txt, line 4: label 2 stands twice"):
        read_ctc_tracks(folder)


def test_result_folder(tmp_path: Path) -> None:
    (tmp_path / "res_track.txt").write_text("70000 0 0 0", encoding="utf-8")
    tifffile.imwrite(
        tmp_path / "mask000.tif", np.full((2, 3, 4), 70000, np.uint32), photometric="minisblack"
    )
    movie = read_ctc(tmp_path)
    assert movie.frames[0].shape == (2, 3, 4)
    assert int(movie.frames[0][0, 0, 0]) == 70000


@pytest.mark.parametrize(
    ("table", "frames", "message"),
    [
        ("1 0 0\n", (0,), "line 1: got '1 0 0', expected four integers"),
        ("1 0 0 0\n2 1 x 1\n", (0,), "line 2"),
        ("1 0 2 0\n", (0, 2), "no image of frame 1"),
        ("1 0 2 0\n", (1, 2), "no image of frame 0"),
        ("1 0 2 0\n", (), "has no images"),
    ],
)
def test_faults_are_named(
    tmp_path: Path, table: str, frames: tuple[int, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_ctc(write_folder(tmp_path / "TRA", table, frames))


def test_other_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no man_track\.txt"):
        read_ctc(tmp_path)


def test_damaged_image_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "TRA", "1 0 1 0\n")
    (folder / "man_track001.tif").write_bytes(b"II*\0nonsense")
    movie = read_ctc(folder)
    with pytest.raises(UserError, match=r"man_track001\.tif"):
        _ = movie.frames[1]


# Source of the first: shared case fuzz-ctc-frame-number (a date in an image's name).
@pytest.mark.parametrize("number", ["20261126184500", "99999999999999999999", "000000000007"])
def test_number_far_beyond_the_frames_is_one_line(tmp_path: Path, number: str) -> None:
    folder = write_folder(tmp_path / "TRA", "1 0 1 0\n2 1 1 1\n")
    name = folder / f"man_track{number}.tif"
    name.write_bytes((folder / "man_track001.tif").read_bytes())
    with pytest.raises(UserError, match=f"no image of frame 2, expected frames 0 to {int(number)}"):
        read_ctc(folder)
