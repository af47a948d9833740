"""Files that are replaced together: stopped at every call, all old or all new ones stand."""

import contextlib
import ctypes
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faults import read_tree, run_child

from btrackmate.core import disk, files, replacing
from btrackmate.core.errors import StorageError, UserError
from btrackmate.core.files import claim_outputs, write_atomically, write_text, write_together
from btrackmate.core.staging import clear_leftovers

#: Files and folders, before and after: what is replaced, what comes, what is left alone.
OLD = {
    "a.csv": b"old",
    "b.csv": b"old",
    "t.geff": None,
    "t.geff/x": None,
    "t.geff/x/0": b"old",
    "t.geff/old": None,
    "t.geff/old/0": b"old",
    "other.txt": b"other",
}
NEW = {
    "a.csv": b"new",
    "b.csv": b"new",
    "c.csv": b"new",
    "t.geff": None,
    "t.geff/x": None,
    "t.geff/x/0": b"new",
    "t.geff/x/1": b"new",
    "other.txt": b"other",
}


def make(folder: Path, tree: dict[str, bytes | None]) -> None:
    for name, content in tree.items():
        if content is None:
            (folder / name).mkdir(parents=True)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def write_new(
    folder: Path,
    names: Sequence[str] = ("a.csv", "t.geff", "b.csv", "c.csv"),
    new: Mapping[str, bytes | None] = NEW,
) -> None:
    with write_together():
        for name in names:
            with write_atomically(folder / name) as temporary:
                parts = {n: c for n, c in new.items() if n == name or n.startswith(f"{name}/")}
                make(temporary.parent, parts)


def set_disk(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk lack the exchange-rename, or symbolic links too."""
    if kind == "overlay":  # What stands in a lower layer cannot change places, what is new can.
        real = disk.exchange
        monkeypatch.setattr(
            replacing,
            "exchange",
            lambda a, b: a.name not in OLD and real(a, b),
        )
    elif kind != "exchange":
        monkeypatch.setattr(disk, "_find_rename", lambda: None)
    if kind == "plain":

        def refuse(self: Path, target: object, **_: object) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(Path, "symlink_to", refuse)


def whole(folder: Path) -> str:
    """Say whether old or new files stand; folders that one of them alone has may be there."""
    tree = read_tree(folder, hidden=False)
    files = {name: content for name, content in tree.items() if content is not None}
    for name, wanted in (("old", OLD), ("new", NEW)):
        if files == {n: c for n, c in wanted.items() if c is not None}:
            return name
    return f"mixed: {files}"


DISKS = ["exchange", "overlay", "links", "plain"]
#: Every call in `make test-long`, every tenth in `make test`.
EVERY = pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.long)])


@EVERY
@pytest.mark.parametrize("disk", DISKS)
def test_killed_anywhere(
    disk: str, every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old or new stands after each kill; the next writer clears; starting again ends well."""
    set_disk(disk, monkeypatch)
    seen = set()
    at, total = 0, 1
    while at < total:
        folder = tmp_path / str(at)
        folder.mkdir()
        make(folder, OLD)
        ended = run_child(lambda: write_new(folder), folder, at=at)  # noqa: B023
        total = total if at else ended.calls + 1
        assert ended.killed == (at > 0)
        if disk != "plain":
            seen.add(whole(folder))
        clear_leftovers(folder)
        seen.add(whole(folder))
        assert not [p for p in folder.rglob("*") if p.name.startswith(".bt") or p.is_symlink()]
        assert set(read_tree(folder)) in (set(OLD), set(NEW))
        write_new(folder)
        assert read_tree(folder) == NEW
        at += every
    assert seen == {"old", "new"}
    assert total > 60


@EVERY
@pytest.mark.parametrize("disk", DISKS)
def test_full_disk_anywhere(
    disk: str, every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that fails is one line, and the old ones stand; or it comes too late to matter."""
    set_disk(disk, monkeypatch)
    at, total = 1, 2
    outcomes = set()
    while at < total:
        folder = tmp_path / str(at)
        folder.mkdir()
        make(folder, OLD)

        def work(folder: Path = folder) -> None:
            try:
                write_new(folder)
            except (StorageError, UserError) as error:
                assert "\n" not in str(error)
                raise SystemExit(3) from None

        ended = run_child(work, folder, at=at, fail=True)
        if at == 1:
            total = run_child(lambda: write_new(folder), folder).calls + 1  # noqa: B023
            make_again(folder)
            ended = run_child(work, folder, at=at, fail=True)
        assert ended.code in (0, 3)
        clear_leftovers(folder)
        outcomes.add((ended.code, whole(folder)))
        assert not [p for p in folder.rglob("*") if p.name.startswith(".bt") or p.is_symlink()]
        at += every
    assert (3, "old") in outcomes
    assert outcomes <= {(3, "old"), (3, "new"), (0, "new")}


def make_again(folder: Path) -> None:
    for name in ("a.csv", "b.csv", "c.csv", "other.txt", "t.geff"):
        replacing.remove_tree(folder / name)
    make(folder, OLD)


@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("at", [0, 5, 9, 14])
def test_clearing_up_that_is_killed_too(
    disk: str, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_disk(disk, monkeypatch)
    make(tmp_path, OLD)
    total = run_child(lambda: write_new(tmp_path), tmp_path).calls
    make_again(tmp_path)
    # In the midst of showing the new ones.
    run_child(lambda: write_new(tmp_path), tmp_path, at=total * 3 // 4)
    again = 1
    while run_child(lambda: clear_leftovers(tmp_path), tmp_path, at=again).killed and again < 99:
        if disk != "plain":
            assert whole(tmp_path) == "new"
        again += 1 + at
    clear_leftovers(tmp_path)
    assert whole(tmp_path) in ("old", "new")
    assert not list(tmp_path.glob(".bt*"))


@pytest.mark.parametrize("name", ["a.csv", "b.csv", "t.geff"])
def test_what_others_put_there_after_a_kill_is_left(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no links: a file made at a name that was missing, or changed since."""
    set_disk("plain", monkeypatch)
    make(tmp_path / "0", OLD)
    total = run_child(lambda: write_new(tmp_path / "0"), tmp_path / "0").calls
    seen = set()
    for at in range(total // 2, total):
        folder = tmp_path / str(at)
        make(folder, OLD)
        assert run_child(lambda: write_new(folder), folder, at=at).killed  # noqa: B023
        seen.add("there" if (folder / name).exists() else "missing")
        replacing.remove_tree(folder / name)
        (folder / name).write_bytes(b"my own words")
        clear_leftovers(folder)
        assert (folder / name).read_bytes() == b"my own words"
        assert not list(folder.glob(".bt*"))
    assert seen == {"there", "missing"}


def test_a_folder_takes_a_file_s_place_where_nothing_exchanges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_disk("links", monkeypatch)
    make(tmp_path, {"a.csv": b"old", "t.geff": b"old"})
    write_new(tmp_path)
    assert read_tree(tmp_path) == {n: c for n, c in NEW.items() if n != "other.txt"}


def test_links_of_the_user_are_replaced_not_followed(tmp_path: Path) -> None:
    make(tmp_path, {"real.csv": b"old", "b.csv": b"old"})
    (tmp_path / "a.csv").symlink_to("real.csv")
    (tmp_path / "t.geff").symlink_to("nowhere")
    write_new(tmp_path)
    tree = read_tree(tmp_path)
    assert tree.pop("real.csv") == b"old"
    assert tree == {n: c for n, c in NEW.items() if n != "other.txt"}
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]


def test_an_exception_leaves_all(tmp_path: Path) -> None:
    make(tmp_path, OLD)
    with pytest.raises(RuntimeError), write_together():
        write_text(tmp_path / "a.csv", "new")
        assert (tmp_path / "a.csv").read_text() == "old"
        write_text(tmp_path / "z.csv", "new")
        raise RuntimeError
    assert read_tree(tmp_path) == OLD


def test_written_twice_in_a_block_the_last_counts(tmp_path: Path) -> None:
    with write_together():
        write_text(tmp_path / "a.csv", "1")
        write_text(tmp_path / "b.csv", "2")
        write_text(tmp_path / "a.csv", "3")
    assert read_tree(tmp_path) == {"a.csv": b"3", "b.csv": b"2"}


def test_two_folders(tmp_path: Path) -> None:
    with write_together():
        for name in ("one/a", "one/b", "two/a"):
            write_text(tmp_path / name, name)
    assert read_tree(tmp_path) == {
        "one": None, "two": None, "one/a": b"one/a", "one/b": b"one/b", "two/a": b"two/a",
    }  # fmt: skip


def test_what_somebody_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    with pytest.raises(UserError, match="b.csv was made by somebody else.*overwrite"):
        with claim_outputs((a, b)):
            write_text(a, "ours")
            write_text(b, "ours")
            b.write_text("theirs")
    assert read_tree(tmp_path) == {"b.csv": b"theirs"}


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("mode", ["renamed", "written"])
@pytest.mark.parametrize(
    ("names", "theirs"),
    [
        ("a.csv", "a.csv"),
        ("c.csv", "c.csv"),
        ("t.geff", "t.geff"),
        ("t.geff", "t.geff/c/0"),
        ("a.csv t.geff b.csv c.csv", "a.csv"),
        ("a.csv t.geff b.csv c.csv", "b.csv"),
        ("a.csv t.geff b.csv c.csv", "c.csv"),
        ("a.csv t.geff b.csv c.csv", "t.geff"),
        ("a.csv b.csv", "b.csv"),
    ],
)
def test_what_others_save_at_any_moment_stands(
    names: str, theirs: str, mode: str, every: int, tmp_path: Path
) -> None:
    """Before it is replaced, while it is, or after: it is what stands there in the end."""
    old, new = (
        dict.fromkeys(("a.csv", "b.csv", "t.geff/zarr.json", "t.geff/c/0"), content)
        for content in (b"old", b"new")
    )
    new |= {"c.csv": b"new", "t.geff/c/1": b"new"}

    def work(folder: Path, *, writes: bool = True) -> None:
        try:
            with claim_outputs([folder / name for name in names.split()], overwrite=True):
                if writes:
                    write_new(folder, names.split(), new)
        except UserError as error:
            assert "\n" not in str(error)
            raise SystemExit(3) from None

    def save(folder: Path) -> None:
        target = folder / theirs
        if theirs == "t.geff":
            if target.is_dir():
                target.replace(folder / "gone")
            make(folder, {"t.geff/zarr.json": b"theirs"})
        elif mode == "written" or not target.parent.is_dir():
            with contextlib.suppress(FileNotFoundError):
                target.write_bytes(b"theirs")
        else:
            (folder / "saved").write_bytes(b"theirs")
            (folder / "saved").replace(target)

    make(tmp_path / "0", old)
    codes = set()
    at = run_child(lambda: work(tmp_path / "0", writes=False), tmp_path / "0").calls + 1
    total = at + 1
    while at < total:
        folder = tmp_path / str(at)
        make(folder, old)
        ended = run_child(
            lambda: work(folder),  # noqa: B023
            folder, at=at, strike=lambda: save(folder),  # noqa: B023
        )  # fmt: skip
        if ended.calls < at:  # Ended before, as nobody came between.
            break
        total = ended.calls + 1
        codes.add(ended.code)
        tree = read_tree(folder)
        assert tree[f"{theirs}/zarr.json" if theirs == "t.geff" else theirs] == b"theirs", at
        assert not list(folder.glob(".bt*"))
        at += every
    assert codes == {0, 3} if every == 1 else {3} <= codes <= {0, 3}


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize(
    ("names", "moved"),
    [
        ("a.csv", "a.csv"),
        ("c.csv", "c.csv"),
        ("a.csv b.csv c.csv", "a.csv"),
        ("a.csv b.csv c.csv", "a.csv b.csv c.csv"),
        ("a.csv t.geff", "a.csv t.geff"),
    ],
)
def test_what_others_move_away_at_any_moment_is_somewhere(
    names: str, moved: str, killed: bool, every: int, tmp_path: Path
) -> None:
    """A script that archives what is finished: it may see a link."""

    def work(folder: Path) -> None:
        try:
            with claim_outputs([folder / name for name in names.split()], overwrite=True):
                write_new(folder, names.split(), new)
        except UserError as error:
            assert "\n" not in str(error)
            raise SystemExit(3) from None

    def move(folder: Path) -> None:
        for name in moved.split():
            with contextlib.suppress(FileNotFoundError):
                (folder / name).rename(folder / "archive" / name)

    def read(path: Path) -> bytes | None:
        file = path / "zarr.json" if path.suffix == ".geff" else path
        at_last = file.is_file() and not file.is_symlink() and not path.is_symlink()
        return file.read_bytes() if at_last else None

    old = dict.fromkeys(("a.csv", "b.csv", "t.geff/zarr.json"), b"old")
    new = dict.fromkeys(("a.csv", "b.csv", "c.csv", "t.geff/zarr.json"), b"new")
    at, total = 1, 2
    while at < total:
        folder = tmp_path / str(at)
        make(folder, {**old, "archive": None})
        if killed:
            ended = run_child(lambda: work(folder), folder, at=at)  # noqa: B023
            total += ended.killed
            move(folder)
        else:
            ended = run_child(
                lambda: work(folder), folder, at=at, strike=lambda: move(folder)  # noqa: B023
            )  # fmt: skip
            total = ended.calls + 1
        clear_leftovers(folder)
        for name in names.split():
            found = {read(folder / name), read(folder / "archive" / name)}
            stood = b"new" if ended.code == 0 or name == "c.csv" else b"old"
            if killed or (ended.code and name == "c.csv"):
                assert name == "c.csv" or found & {b"old", b"new"}, (at, name)
            else:
                assert stood in found, (at, name)
        assert not list(folder.glob(".bt*"))
        at += every


@pytest.mark.parametrize("gap", [1, 2, 3])
@pytest.mark.parametrize("names", ["a.csv", "c.csv", "a.csv b.csv c.csv"])
def test_of_two_saves_in_the_same_moment_the_last_stands(
    names: str, gap: int, tmp_path: Path
) -> None:
    def work(folder: Path) -> None:
        with (
            contextlib.suppress(UserError),
            claim_outputs([folder / name for name in names.split()], overwrite=True),
        ):
            write_new(folder, names.split())

    def save(folder: Path, number: int) -> None:
        for name in names.split():
            (folder / "saved").write_bytes(b"theirs %d" % number)
            (folder / "saved").replace(folder / name)

    at, total = 8, 9
    while at < total:
        folder = tmp_path / str(at)
        make(folder, OLD)
        ended = run_child(
            lambda: work(folder),  # noqa: B023
            folder,
            watch=lambda n: save(folder, n) if n in (at, at + gap) else None,  # noqa: B023
        )
        if ended.calls < at:
            break
        total = ended.calls + 1
        last = at + gap if at + gap <= ended.calls else at
        tree = read_tree(folder)
        assert {tree[name] for name in names.split()} == {b"theirs %d" % last}, at
        assert not list(folder.glob(".bt*"))
        at += 1


@pytest.mark.parametrize("stood", ["", "old"])
def test_what_somebody_changed_meanwhile_is_not_replaced(tmp_path: Path, stood: str) -> None:
    """`--overwrite` is for what stood there when the output was checked."""
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    if stood:
        write_text(b, stood)
    done = "changed" if stood else "made"
    with pytest.raises(UserError, match=f"b.csv was {done} by somebody else"):
        with claim_outputs((a, b), overwrite=True):
            write_text(a, "ours")
            write_text(b, "ours")
            b.write_text("theirs")
    assert read_tree(tmp_path) == {"b.csv": b"theirs"}
    with claim_outputs((a, b), overwrite=True):
        write_text(a, "ours")
        write_text(b, "ours")
        b.unlink()  # Moved away: nothing is lost.
    assert read_tree(tmp_path) == {"a.csv": b"ours", "b.csv": b"ours"}


def test_another_thread_is_somebody_else(tmp_path: Path) -> None:
    """Corrections that are saved while a run works in the same process."""
    path = tmp_path / "a.csv"

    def save() -> None:
        with claim_outputs((path,), overwrite=True):
            write_text(path, "theirs")

    with pytest.raises(UserError, match="a.csv was made by somebody else"):
        with claim_outputs((path,), overwrite=True), ThreadPoolExecutor(1) as pool:
            write_text(path, "ours")
            pool.submit(save).result()
    assert read_tree(tmp_path) == {"a.csv": b"theirs"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_who_waits_for_another_looks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    """Two jobs with one output end at once: the second sees what the first put there."""
    hold = files.hold_folder

    def hold_later(folder: Path) -> contextlib.AbstractContextManager[None]:
        (folder / "a.csv").write_text("theirs")
        return hold(folder)

    with pytest.raises(UserError, match="a.csv was made by somebody else"):
        with claim_outputs((tmp_path / "a.csv",), overwrite=overwrite):
            write_text(tmp_path / "a.csv", "ours")
            monkeypatch.setattr(files, "hold_folder", hold_later)
    assert read_tree(tmp_path) == {"a.csv": b"theirs"}


def test_what_is_changed_deep_in_a_folder_counts(tmp_path: Path) -> None:
    """A chunk of an image that keeps its size."""
    make(
        tmp_path,
        {"a.zarr": None, "a.zarr/zarr.json": b"{}", "a.zarr/c": None, "a.zarr/c/0": b"old"},
    )
    with pytest.raises(UserError, match="a.zarr was changed by somebody else"):
        with claim_outputs((tmp_path / "a.zarr",), overwrite=True):
            with write_atomically(tmp_path / "a.zarr") as folder:
                folder.mkdir()
            (tmp_path / "a.zarr/c/0").write_text("new")
    assert (tmp_path / "a.zarr/c/0").read_text() == "new"


def test_the_exchange_of_this_system(tmp_path: Path) -> None:
    """Said once, so that the tests above test what they say they do."""
    make(tmp_path, {"a": None, "a/x": b"1", "b": b"2"})
    if not hasattr(ctypes.CDLL(None), "renameat2"):
        pytest.skip("this system has no renameat2")
    assert replacing.exchange(tmp_path / "a", tmp_path / "b")
    assert read_tree(tmp_path) == {"b": None, "b/x": b"1", "a": b"2"}
    with pytest.raises(FileNotFoundError):
        replacing.exchange(tmp_path / "a", tmp_path / "c")
