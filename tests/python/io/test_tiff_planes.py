"""TIFF files cut off at any length: refused, or all pixels are there."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tiny_movies import dividing_cells

from btrackmate.core.errors import UserError
from btrackmate.io.tiff import read_tiff
from btrackmate.io.tiff_planes import walk_planes

KINDS: dict[str, dict[str, Any]] = {
    "zlib": {"compression": "zlib", "metadata": None},
    "tiled": {"tile": (16, 16), "compression": "zlib", "metadata": None},
    "plain": {"metadata": None},
    "big": {"bigtiff": True, "compression": "zlib", "metadata": None, "predictor": True},
    "other-end": {"byteorder": ">", "compression": "zlib", "metadata": None},
    "shaped": {},
    "ome-big": {"ome": True, "bigtiff": True, "metadata": {"axes": "ZYX"}},
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
}


@pytest.mark.slow
@pytest.mark.parametrize("level", [logging.WARNING, logging.CRITICAL])
@pytest.mark.parametrize("kind", KINDS)
def test_cut_anywhere(tmp_path: Path, kind: str, level: int) -> None:
    """Whether tifffile logs what it found or not."""
    volume = dividing_cells()[3][1:4, :20, :20]
    path = tmp_path / "l.tif"
    photometric = {} if kind == "imagej" else {"photometric": "minisblack"}
    tifffile.imwrite(path, volume, **KINDS[kind], **photometric)
    content = path.read_bytes()
    assert walk_planes(path) == (None, 0)
    logger = logging.getLogger("tifffile")
    before = logger.level
    logger.setLevel(level)
    refused = 0
    try:
        for length in range(8, len(content), 3):
            path.write_bytes(content[:length])
            try:
                assert np.array_equal(read_tiff(path), volume), length
            except UserError:
                refused += 1
    finally:
        logger.setLevel(before)
    assert refused > 50


def test_how_many_planes_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "l.tif"
    tifffile.imwrite(path, np.zeros((5, 8, 8), np.uint8), photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as file:
        fourth = file.pages[3].offset
    path.write_bytes(path.read_bytes()[: fourth + 1])
    assert walk_planes(path).cut == 3


def test_longer_strips_than_the_file_has_are_fine_where_the_pixels_are_there(
    tmp_path: Path,
) -> None:
    """Some writers round a strip's length up; its 64 pixels end with the file."""
    path = tmp_path / "l.tif"
    tifffile.imwrite(path, np.ones((8, 8), np.uint8), photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages[0].tags["StripByteCounts"]
        offset = file.pages[0].dataoffsets[0]
        assert offset + 64 == path.stat().st_size
        tag.overwrite(4096)
    assert walk_planes(path) == (None, 0)
    assert read_tiff(path).sum() == 64


@pytest.mark.parametrize("tiled", [False, True])
def test_parts_that_were_never_written_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, tiled: bool
) -> None:
    """As writers that leave out empty ones, or were interrupted, leave them."""
    path = tmp_path / "l.tif"
    shape = {"tile": (16, 16), "compression": "zlib"} if tiled else {"rowsperstrip": 8}
    kind: Any = {"photometric": "minisblack", "metadata": None, **shape}
    tifffile.imwrite(path, np.ones((3, 32, 32), np.uint8), **kind)
    assert read_tiff(path).all()
    assert not caplog.text
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("ByteCounts", "Offsets"):
            tag = file.pages[1].tags[("Tile" if tiled else "Strip") + name]
            tag.overwrite([*tag.value[:-1], 0])
    assert not read_tiff(path).all()
    n = 1 if tiled else 2  # tifffile lets planes share their list of lengths
    assert caplog.text.count(f"strips or tiles of {n} planes were never written") == 1


@pytest.mark.parametrize("own", ["urn:uuid:2", "URN:UUID:2 ", None, "urn:uuid:9"])
def test_files_of_another_set_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, own: str | None
) -> None:
    """Names of exported series repeat; a file that states no UUID may be any."""
    planes = "".join(
        f'<TiffData IFD="0" FirstT="{t}" PlaneCount="1">'
        f'<UUID FileName="a{t}.ome.tif">urn:uuid:{t + 1}</UUID></TiffData>'
        for t in range(2)
    )
    for t, uuid in enumerate(("urn:uuid:1", own)):
        told = "" if uuid is None else f' UUID="{uuid}"'
        text = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
            f'{told}><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
            f'SizeX="8" SizeY="8" SizeZ="1" SizeC="1" SizeT="2">{planes}</Pixels></Image></OME>'
        )
        image = np.full((8, 8), t + 1, np.uint8)
        tifffile.imwrite(
            tmp_path / f"a{t}.ome.tif", image, description=text, metadata=None, ome=False,
            photometric="minisblack",
        )  # fmt: skip
    assert read_tiff(tmp_path / "a0.ome.tif").max() == 2
    assert ("say they are of another set" in caplog.text) == (own == "urn:uuid:9")
