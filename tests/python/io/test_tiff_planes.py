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
from btrackmate.io.tiff_planes import find_cut

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
    assert find_cut(path) is None
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
    assert find_cut(path) == 3


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
    assert find_cut(path) is None
    assert read_tiff(path).sum() == 64
