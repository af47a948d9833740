"""What killed or refused work leaves in a work folder, found when every call was tried."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from btrackmate.core import locks, staging
from btrackmate.core.calibration import Calibration
from btrackmate.core.disk import exchange
from btrackmate.core.files import write_text
from btrackmate.core.workplace import Workplace
from btrackmate.io.labels import LabelStore


@pytest.mark.parametrize("exchanged", [False, True])
def test_killed_while_it_tries_whether_names_can_change_places(
    tmp_path: Path, exchanged: bool
) -> None:
    """The folder and the file that are tried with stand there, perhaps in each other's place."""
    place = Workplace(tmp_path / ".work", tmp_path, "out")
    place.enter()
    (place.path / "one").mkdir()
    (place.path / "other").touch()
    if exchanged and not exchange(place.path / "one", place.path / "other"):
        pytest.skip("names cannot change places on this disk")
    (tmp_path / "model").mkdir()
    (place.new / "model").mkdir()
    write_text(place.new / "model" / "a", "new")
    place.publish(["model"])
    place.remove()
    assert (tmp_path / "model" / "a").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_what_the_disk_refused_to_remove_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    place = Workplace(tmp_path / ".work", tmp_path, "out")
    place.enter()
    folder = place.new / "model" / below
    folder.mkdir(parents=True)

    def refuse(path: Path) -> None:
        raise OSError(errno.EIO, "refused", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(staging, "remove_tree", refuse)
        write_text(folder / "a", "new")
    assert len(list(folder.iterdir())) == 2
    place.publish(["model"])
    place.remove()
    assert [path.name for path in (tmp_path / "model" / below).iterdir()] == ["a"]


def test_half_a_chunk_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    size, shape = Calibration(1, 1, 1, 1), (2, 1, 4, 4)
    store = LabelStore.open(tmp_path / "l.ome.zarr", shape, size, ndim=2)
    store.write(0, np.ones((4, 4), np.uint16))
    left = store.path / "0" / "1" / "0" / "0" / "0.8258c59d.partial"
    left.parent.mkdir(parents=True)
    left.touch()
    again = LabelStore.open(store.path, shape, size, ndim=2)
    assert again.done == {0}
    assert not left.exists()


def test_clock_that_is_ahead_clears_nothing_of_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk's own clock decides, by which the folder was changed just now."""
    other = tmp_path / ".bt-abcdef-0123-7-7-0"
    (other / "new").mkdir(parents=True)
    monkeypatch.setattr(locks.time, "time", lambda: 4e9)
    staging.clear_leftovers(tmp_path)
    assert other.is_dir()
    for path in (other / "new", other):
        os.utime(path, (0, 0))
    staging.clear_leftovers(tmp_path)
    assert not other.exists()
