"""Two processes at one work folder: one lost it while it slept, or the folder was moved."""

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from faults import read_tree, run_child

from btrackmate.core import workplace
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import follow_link, make_folder, write_text
from btrackmate.core.outputs import check_output, check_outputs
from btrackmate.core.owners import Owner
from btrackmate.core.workplace import Workplace
from btrackmate.io.labels import LabelStore
from btrackmate.pipeline.work import WorkFolder
from btrackmate.training.fit import CHECKPOINT, TrainingFolder

NAMES = ["a.csv", "b.csv"]


def open_place(folder: Path) -> Workplace:
    return Workplace(folder / ".work", folder, str(folder))


class Processes:
    """Take turns as one process or another on this machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._me = Owner.current()

    def be(self, number: int) -> None:
        """Be that process from now on, for the names of hidden folders."""
        owner = replace(self._me, ticks=self._me.ticks + number)
        self._monkeypatch.setattr(workplace.Owner, "current", lambda: owner)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    return Processes(monkeypatch)


def test_moved_away_under_a_run_and_begun_anew_in_its_place(
    tmp_path: Path, processes: Processes
) -> None:
    """What the first still writes goes to the old path, and is not among the second's files."""
    out = tmp_path / "out"
    out.mkdir()
    processes.be(1)
    first = open_place(out)
    first.enter()
    write_text(first.new / "a.csv", "first")
    out.rename(tmp_path / "moved")
    out.mkdir()
    processes.be(2)
    second = open_place(out)
    second.enter()
    for name in NAMES:
        write_text(second.new / name, "second")
    processes.be(1)
    for name in NAMES:
        write_text(first.new / name, "first")
    with pytest.raises(UserError, match="is in use by process"):
        first.publish(NAMES)
    with pytest.raises(UserError, match="is in use by process"):
        WorkFolder(first, first.new / "l").mark_finished({})
    first.remove()  # It must not take away what is the second's.
    first.leave()
    processes.be(2)
    second.publish(NAMES)
    second.remove()
    assert [(out / name).read_text() for name in NAMES] == ["second", "second"]
    assert sorted(path.name for path in out.iterdir()) == NAMES


def test_taken_for_dead_while_it_slept(tmp_path: Path, processes: Processes) -> None:
    """The second goes on with what was there; the first, awake again, spoils nothing of it."""
    processes.be(1)
    first = open_place(tmp_path)
    first.enter()
    write_text(first.new / "a.csv", "kept")
    (first.path / "lock").rename(tmp_path / "lock of one that counts as dead")
    processes.be(2)
    second = open_place(tmp_path)
    second.enter()
    assert (second.new / "a.csv").read_text() == "kept"
    processes.be(1)
    write_text(first.new / "a.csv", "late")
    processes.be(2)
    assert (second.new / "a.csv").read_text() == "kept"
    second.publish(NAMES)
    assert (tmp_path / "a.csv").read_text() == "kept"


def test_a_late_frame_of_labels_is_not_written(tmp_path: Path, processes: Processes) -> None:
    processes.be(1)
    first, shape = open_place(tmp_path), (2, 1, 4, 4)
    first.enter()
    size = Calibration(1, 1, 1, 1)
    store = LabelStore.open(tmp_path / "l.ome.zarr", shape, size, ndim=2, confirm=first.confirm)
    store.write(0, np.ones((4, 4), np.uint16))
    (first.path / "lock").unlink()
    processes.be(2)
    open_place(tmp_path).enter()
    with pytest.raises(UserError, match="is in use by process"):
        store.write(0, np.full((4, 4), 2, np.uint16))
    again = LabelStore.open(store.path, shape, size, ndim=2)
    assert again.done == {0}
    assert again.read(0).max() == 1


def test_two_are_left_and_none_says_which_is_whole(tmp_path: Path) -> None:
    """A late process made its folder anew: what may be half is not gone on with."""
    for name in ("new-a", "new-b"):
        write_text(tmp_path / ".work" / name / "a.csv", name)
    place = open_place(tmp_path)
    place.enter()
    assert not list(place.new.iterdir())
    assert sorted(path.name for path in place.path.iterdir()) == ["lock", place.new.name]


@pytest.mark.parametrize("name", ["new", "new-of-one-that-was-killed"])
def test_what_one_before_made_is_gone_on_with(tmp_path: Path, name: str) -> None:
    """Also where its publishing was stopped or refused, whatever else is there."""
    write_text(tmp_path / ".work" / name / "a.csv", "kept")
    if name == "new":
        write_text(tmp_path / ".work" / "new-late" / "a.csv", "half")
    place = open_place(tmp_path)
    place.enter()
    place.publish(NAMES)
    assert (tmp_path / "a.csv").read_text() == "kept"


def _publish(out: Path) -> bool:
    """Work and put in place, or only the latter; whether that was all."""
    place = open_place(out)
    work = WorkFolder(place, place.path / "labels")
    place.enter()
    if not (was := work.is_finished({"job": 1})):
        work.begin({"job": 1})
        for name in NAMES:
            write_text(place.new / name, "new")
        work.mark_finished({"job": 1})
    work.publish(NAMES)
    return was


def _train(out: Path) -> bool:
    work = TrainingFolder(out / "a.csv")
    work.is_unfinished()
    if not (was := work.begin({"job": 1}, overwrite=False)):
        for name in ("config.json", CHECKPOINT):
            write_text(work.model / name, "new")
        work.mark_finished()
    work.publish(overwrite=True)
    return was


@pytest.mark.parametrize(("work", "old"), [(_publish, NAMES), (_train, ["a.csv/config.json"])])
def test_a_copy_without_links_of_what_was_stopped_loses_nothing(
    tmp_path: Path, work: Callable[[Path], bool], old: list[str]
) -> None:
    """Copied, or zipped, as it was killed while it put files in place; then started again."""
    kept = set()
    calls = 0
    for at in (0, *range(62, 200, 9)):
        if 0 < calls < at:
            break
        out, copy = tmp_path / f"{at}/out", tmp_path / f"{at}/copy"
        for name in old:
            make_folder((out / name).parent)
            write_text(out / name, "old")
        calls = max(calls, run_child(lambda out=out: work(out), out, at=at).calls)
        for name, content in read_tree(out).items():
            make_folder((copy / name).parent if content is not None else copy / name)
            if content is not None:
                (copy / name).write_bytes(content)
        seen = read_tree(copy, hidden=False)
        kept.add(work(copy))
        assert {seen[name] for name in old} in ({b"old"}, {b"new"})
        assert [(copy / name).read_text() for name in old] == ["new"] * len(old)
        assert sorted(read_tree(copy)) == sorted({*old, *(["a.csv"] if work is _train else [])})
    assert kept == {True, False}


@pytest.mark.parametrize(("work", "name"), [(_publish, NAMES[0]), (_train, "a.csv/config.json")])
@pytest.mark.parametrize("damage", ["none", "cut", "gone", "zeros", "of another"])
def test_what_was_cut_while_it_was_copied_is_made_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Path], bool],
    name: str,
    damage: str,
) -> None:
    """Finished, not yet put in place, and copied onto a disk that became full."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Workplace, "publish", stop)
        work(tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "copy", copy_function=shutil.copyfile)
    (made,) = (tmp_path / "copy").rglob(f"new-*/{name}")
    if damage == "cut":
        made.write_text("n")
    if damage in ("zeros", "of another"):  # As long as it was.
        size = made.stat().st_size
        made.write_bytes((b"\0" if damage == "zeros" else b"x") * size)
    if damage == "gone":
        made.unlink()
    assert work(tmp_path / "copy") == (damage == "none")
    assert (tmp_path / "copy" / name).read_text() == "new"


@pytest.mark.parametrize("when", ["before it is made", "while it works", "while it waits"])
def test_what_is_changed_after_the_check_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Also before the work folder is made: networks are loaded, and workers waited for, then."""
    write_text(tmp_path / "a.csv", "old")
    check_output(tmp_path / "a.csv", overwrite=True)
    place = open_place(tmp_path)
    hold = workplace.hold_folder

    def change(folder: Path) -> contextlib.AbstractContextManager[None]:
        (tmp_path / "a.csv").write_text("theirs")
        return hold(folder)

    if when == "while it works":
        place.enter()
    if when != "while it waits":
        (tmp_path / "a.csv").write_text("theirs")
    place.enter()
    if when == "while it waits":
        monkeypatch.setattr(workplace, "hold_folder", change)
    write_text(place.new / "a.csv", "ours")
    with pytest.raises(UserError, match="a.csv was changed by somebody else"):
        place.publish(NAMES)
    place.leave()
    monkeypatch.undo()
    assert (tmp_path / "a.csv").read_text() == "theirs"
    check_output(tmp_path / "a.csv", overwrite=True)
    place.enter()
    place.publish(NAMES)
    place.remove()
    assert read_tree(tmp_path) == {"a.csv": b"ours"}


def test_what_a_killed_one_had_begun_to_put_in_place_is_noted_anew(tmp_path: Path) -> None:
    """Its names are links until the next one ends that: nobody else changed them."""
    calls = aside = 0
    for at in (0, *range(1, 200, 2)):
        if 0 < calls < at:
            break
        out = tmp_path / str(at)
        out.mkdir()
        for name in NAMES:
            write_text(out / name, "old")
        calls = max(calls, run_child(lambda out=out: _publish(out), out, at=at).calls)
        (tmp_path / f"{at}.csv").symlink_to(out / NAMES[0])
        aside += (out / NAMES[0]).is_symlink()
        for name in (out / NAMES[0], tmp_path / f"{at}.csv"):  # What is kept beside it stays.
            assert follow_link(name) == out / NAMES[0]
        check_outputs([out / name for name in NAMES], overwrite=True)
        _publish(out)
        assert read_tree(out) == dict.fromkeys(NAMES, b"new")
    assert 50 < calls < at
    assert aside > 2


def test_a_folder_of_somebody_else_is_not_worked_in(tmp_path: Path) -> None:
    """What is in it would be cleared."""
    (tmp_path / ".work").mkdir()
    (tmp_path / ".work" / "notes.txt").write_text("mine")
    for make in (False, True):
        with pytest.raises(UserError, match=r"\.work holds notes.txt and is no folder of"):
            open_place(tmp_path).enter(make=make)
    assert read_tree(tmp_path, hidden=True) == {".work": None, ".work/notes.txt": b"mine"}
    (tmp_path / ".work" / "notes.txt").unlink()
    assert open_place(tmp_path).enter()


@pytest.mark.parametrize(
    "name", [".bt-cf3d0c-391e-4437-65e4bb-25", ".nfs000000000000a1b2", ".DS_Store"]
)
def test_what_is_left_in_an_empty_folder_does_not_make_it_somebody_elses(
    tmp_path: Path, name: str
) -> None:
    """A thread that still wrote when its process cleared up made a hidden folder anew in it."""
    place = Workplace(tmp_path / ".work", tmp_path, "run")
    (place.path / name).mkdir(parents=True)
    assert place.enter()
    write_text(place.path / "job.json", "{}")
    place.leave()
