"""An image that is changed while it is open: never frames of another movie."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_movies import write_imagej, write_store

from btrackmate.core.errors import UserError
from btrackmate.io.images import open_movie
from btrackmate.napari_plugin.model.movies import PaintedLabels

NAMES = ["m.zarr", "m.tif", "m"]


def write(path: Path, value: int) -> Path:
    """Labels of three frames; the format by the name."""
    frames = np.full((3, 4, 6, 8), value, np.uint16)
    if path.suffix == ".zarr":
        return write_store(path, frames)
    if path.suffix == ".tif":
        return write_imagej(path, frames, "TZYX")
    path.mkdir(exist_ok=True)
    for t, frame in enumerate(frames):
        tifffile.imwrite(path / f"t{t}.tif", frame, photometric="minisblack")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_what_is_put_in_its_place_is_not_read_as_the_same(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, 1)
    other = write(tmp_path / f"other{path.suffix}", 2)
    with open_movie(path, "TZYX", role="labels") as movie:
        assert (movie.labels(0) == 1).all()
        if path.is_dir():
            shutil.rmtree(path)
        other.rename(path)
        if name == "m.tif":  # The file of before is still open.
            assert (movie.labels(1) == 1).all()
            return
        with pytest.raises(UserError, match="was changed or replaced since .*open it again"):
            movie.labels(1)
        with pytest.raises(UserError, match="open it again"):
            movie.region(2, 0, (slice(0, 1), slice(0, 2), slice(0, 2)))


@pytest.mark.parametrize("size", [0, 100, None])
def test_a_file_that_is_written_into_is_not_read_on(tmp_path: Path, size: int | None) -> None:
    """Cut, it would end the process where it is read through its map."""
    path = write(tmp_path / "m.tif", 1)
    new = write(tmp_path / "n.tif", 2).read_bytes()
    with open_movie(path, "TZYX", role="labels") as movie:
        assert (movie.labels(0) == 1).all()
        path.write_bytes(new[:size])
        with pytest.raises(UserError, match=r"m\.tif was changed since it was opened"):
            movie.labels(1)


@pytest.mark.parametrize("name", ["m.zarr", "m"])
def test_labels_shown_in_napari_say_so_once_and_hold_no_cells(tmp_path: Path, name: str) -> None:
    path, told = write(tmp_path / name, 1), list[str]()
    numbers = np.array([1, 2]), np.array([5, 6])
    movie = open_movie(path, "TZYX", role="labels")
    painted = PaintedLabels(movie, lambda t: numbers, 3, told.append)
    assert (painted[0, 1] == 5).all()
    shutil.rmtree(path)
    write(path, 2)
    assert (painted[0, 2] == 5).all()  # read before
    assert not painted[1, 2].any()
    assert not painted[2].any()
    assert painted.labels_at(1, (0, 0, 0)) == 0
    assert len(told) == (1 if name == "m.zarr" else 2)  # of each frame's file
    assert all("open it again" in one for one in told)


@pytest.mark.parametrize("how", ["replaced", "written into"])
def test_another_file_of_a_set_counts_too(tmp_path: Path, how: str) -> None:
    """tifffile opens it anew at each read."""
    planes = "".join(
        f'<TiffData IFD="0" FirstT="{t}" PlaneCount="1"><UUID FileName="a{t}.ome.tif">u{t}</UUID>'
        "</TiffData>"
        for t in range(2)
    )
    text = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
        f'SizeX="8" SizeY="8" SizeZ="1" SizeC="1" SizeT="2">{planes}</Pixels></Image></OME>'
    )

    def save(name: str, value: int) -> Path:
        image = np.full((8, 8), value, np.uint8)
        tifffile.imwrite(
            tmp_path / name, image, description=text, metadata=None, ome=False,
            photometric="minisblack",
        )  # fmt: skip
        return tmp_path / name

    for t in range(2):
        save(f"a{t}.ome.tif", t + 1)
    with open_movie(tmp_path / "a0.ome.tif") as movie:
        assert movie.frame(1).max() == 2
        if how == "replaced":
            save("new.tif", 9).rename(tmp_path / "a1.ome.tif")
        else:
            with (tmp_path / "a1.ome.tif").open("ab") as stream:
                stream.write(b"more")
        with pytest.raises(UserError, match="was changed since it was opened"):
            movie.frame(1)
