"""What an input consists of, and whether it changed."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from btrackmate.core.errors import UserError
from btrackmate.core.outputs import check_outputs
from btrackmate.core.tiff_sets import list_set
from btrackmate.core.watching import list_files, stamp_files, watch_inputs
from btrackmate.io.images import hash_path, open_movie


def make_linked(folder: Path) -> Path:
    """Make an image whose array lies on another disk, under a link."""
    (folder / "disk" / "lab" / "c").mkdir(parents=True)
    (folder / "disk" / "lab" / "c" / "0").write_bytes(b"pixels")
    image = folder / "lab.ome.zarr"
    image.mkdir()
    (image / "zarr.json").touch()
    (image / "0").symlink_to(folder / "disk" / "lab")
    return image


def test_what_lies_behind_a_link_to_a_folder_is_watched(tmp_path: Path) -> None:
    image = make_linked(tmp_path)
    assert [name for name, _ in list_files(image)] == ["0/c/0", "zarr.json"]
    stamp, digest = stamp_files(image), hash_path(image)
    with pytest.raises(UserError, match="was changed while it was read"), watch_inputs(image):
        (tmp_path / "disk" / "lab" / "c" / "0").write_bytes(b"others")
    assert stamp_files(image) != stamp
    assert hash_path(image) != digest


def test_links_in_circles_end(tmp_path: Path) -> None:
    image = make_linked(tmp_path)
    (tmp_path / "disk" / "lab" / "round").symlink_to(image)
    (image / "again").symlink_to(tmp_path / "disk" / "lab")
    assert [name for name, _ in list_files(image)] == ["0/c/0", "zarr.json"]


def write_set(folder: Path, *, big: bool = False, places: str = "...") -> list[Path]:
    """Write a movie of three frames in three OME-TIFFs, each of which names all."""
    names = [f"{place}/a&b{t}.ome.tif" for t, place in enumerate(places)]
    paths = [folder / name for name in names]
    planes = "".join(
        f'<TiffData IFD="{z}" FirstZ="{z}" FirstT="{t}" FirstC="0" PlaneCount="1">'
        f'<UUID FileName="{names[t].replace("&", "&amp;")}">urn:uuid:{t}</UUID></TiffData>'
        for t in range(3)
        for z in range(2)
    )
    for t, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        xml = (
            f'<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{t}"><Image ID="Image:0"><Pixels ID="Pixels:0" SizeX="5" SizeY="4" '
            f'DimensionOrder="XYZCT" Type="uint16" SizeZ="2" SizeC="1" SizeT="3">'
            f'<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{planes}</Pixels></Image></OME>'
        )
        frame = np.full((2, 4, 5), t + 1, np.uint16)
        tifffile.imwrite(path, frame, description=xml, metadata=None, bigtiff=big)
    return paths


@pytest.mark.parametrize(("big", "places"), [(False, "..."), (True, "..."), (False, ".ss")])
def test_files_of_an_ome_tiff_are_one_input(tmp_path: Path, big: bool, places: str) -> None:
    """Beside it, or in folders below, as the names say."""
    paths = write_set(tmp_path, big=big, places=places)
    assert list_set(paths[0]) == paths[1:]
    if places == "...":
        assert list_set(paths[1]) == [paths[0], paths[2]]
    with open_movie(paths[0]) as movie:
        assert [int(movie.frame(t).max()) for t in range(3)] == [1, 2, 3]
    digest, stamp = hash_path(paths[0]), stamp_files(paths[0])
    with pytest.raises(UserError, match="is an input and would be replaced"):
        check_outputs([paths[2]], [paths[0]], overwrite=True)
    paths[2].write_bytes(paths[1].read_bytes())
    assert hash_path(paths[0]) != digest
    assert stamp_files(paths[0]) != stamp


def test_a_missing_or_cut_file_of_a_set_is_refused(tmp_path: Path) -> None:
    paths = write_set(tmp_path)
    paths[2].write_bytes(paths[2].read_bytes()[:-50])
    with pytest.raises(UserError, match="a&b2.ome.tif: damaged"):
        open_movie(paths[0])
    paths[2].unlink()
    with open_movie(paths[0]) as movie, pytest.raises(UserError, match="plane 4 is missing in the"):
        movie.frame(2)


@pytest.mark.parametrize(
    "content", [b"", b"II*\0", b"II+\0\x08\0\0\0", b"MM\0*\xff\xff\xff\xff", b"x" * 99]
)
def test_what_is_no_ome_tiff_has_no_others(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert list_set(path) == []
