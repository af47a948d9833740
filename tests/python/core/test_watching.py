"""What an input consists of, and whether it changed."""

from pathlib import Path

import pytest

from btrackmate.core.errors import UserError
from btrackmate.core.watching import list_files, stamp_files, watch_inputs
from btrackmate.io.images import hash_path


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
