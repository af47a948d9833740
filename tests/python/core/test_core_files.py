import errno
import os
import shutil
import struct
from contextlib import nullcontext
from pathlib import Path

import pytest

from btrackmate.core import disk
from btrackmate.core.disk import check_room
from btrackmate.core.errors import StorageError, UserError
from btrackmate.core.files import (
    follow_link,
    make_folder,
    write_atomically,
    write_stream,
    write_text,
    write_together,
)
from btrackmate.core.outputs import check_output, check_outputs
from btrackmate.core.owners import Owner
from btrackmate.core.staging import clear_leftovers


def test_file_appears_only_when_finished(tmp_path):
    path = tmp_path / "new" / "out.csv"
    with write_atomically(path) as temporary:
        temporary.write_text("1", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "1"
    assert list(path.parent.iterdir()) == [path]


def test_the_temporary_name_is_the_name(tmp_path):
    """Writers choose the format by extension, and no name is longer than the result's."""
    with write_atomically(tmp_path / "labels.ome.tif") as temporary:
        assert temporary.name == "labels.ome.tif"
        assert temporary.is_relative_to(tmp_path)
        assert all(part.startswith((".bt-", "new")) for part in
                   temporary.relative_to(tmp_path).parts[:-1])  # fmt: skip
        temporary.touch()


def write(path: Path, kind: str, text: str) -> None:
    if kind == "folder":
        path.mkdir()
        path = path / "part"
    path.write_text(text, encoding="utf-8")


def read(path: Path) -> tuple[str, str]:
    kind = "folder" if path.is_dir() else "file"
    return kind, (path / "part" if path.is_dir() else path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after"), [("file", "file"), ("file", "folder"), ("folder", "folder")]
)
def test_what_stood_there_is_replaced(tmp_path, before, after):
    path = tmp_path / "out.zarr"
    write(path, before, "old")
    with write_atomically(path) as temporary:
        write(temporary, after, "new")
    assert read(path) == (after, "new")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("together", [False, True])
def test_a_file_takes_no_folder_s_place(tmp_path, together):
    """With all that it holds; under a link it does."""
    path = tmp_path / "out.xml"
    write(path, "folder", "old")
    with pytest.raises(UserError, match="is a folder, where a file is to be written"):
        with write_together() if together else nullcontext():
            write_text(path, "new")
    assert read(path) == ("folder", "old")
    link = tmp_path / "link.xml"
    link.symlink_to(path)
    write_text(link, "new")
    assert read(path) == ("folder", "old")
    assert link.read_text() == "new"
    assert sorted(tmp_path.iterdir()) == [link, path]


@pytest.mark.parametrize("before", ["file", "folder"])
@pytest.mark.parametrize("after", ["file", "folder"])
def test_an_error_leaves_what_stood_there(tmp_path, before, after):
    path = tmp_path / "out.zarr"
    write(path, before, "old")
    with pytest.raises(RuntimeError), write_atomically(path) as temporary:
        write(temporary, after, "new")
        raise RuntimeError
    assert read(path) == (before, "old")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_rename_leaves_the_old_folder(tmp_path):
    """Nothing was written at the temporary path, so there is nothing to rename."""
    path = tmp_path / "out.zarr"
    write(path, "folder", "old")
    with pytest.raises(StorageError, match="cannot write .*out.zarr: No such"):
        with write_atomically(path):
            pass
    assert read(path) == ("folder", "old")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="Windows removes no folder that is in use")
@pytest.mark.parametrize("again", [False, True])
def test_a_folder_that_was_removed_is_noticed_though_it_is_there_again(tmp_path, again):
    out = tmp_path / "out"

    def write() -> None:
        with write_atomically(out / "a") as temporary:
            temporary.mkdir()
            shutil.rmtree(out)
            if again:
                temporary.mkdir(parents=True)

    with pytest.raises(StorageError, match="No such file or directory"):
        write()
    assert not (out / "a").exists()


def test_existing_output_needs_overwrite(tmp_path):
    path = tmp_path / "out.csv"
    path.touch()
    with pytest.raises(UserError, match="exists already.*overwrite=True"):
        check_output(path)
    check_output(path, overwrite=True)


@pytest.mark.parametrize(
    ("made", "foreign"),
    [
        (("zarr.json", "0/zarr.json", "0/c/0/1/2", "0/c.0.1.2", "s/c"), ("s",)),
        ((".zgroup", ".zattrs", "0/.zarray", "0/0.0.1", "0/1/0", "0/mine.txt"), ("0/mine.txt",)),
        (("zarr.json", "0/zarr.json", "0/corrected/0/zarr.json"), ("0/corrected",)),
        (
            (".zattrs", "nodes/ids/0", "nodes/props/a b/values/0", "nodes/props/x/missing/0"),
            (),
        ),
        (("zarr.json", "nodes/props/a/data/c/0", "edges/masks/c/0"), ("edges/masks",)),
        ((".zattrs", "nodes/props/x/.zgroup", "nodes/props/x/raw/0"), ("nodes/props/x/raw",)),
        ((".zattrs", "edges/ids/0", "nodes/notes.txt", "0/.DS_Store"), ("nodes/notes.txt",)),
    ],
)
def test_what_lies_deep_in_a_zarr_folder_is_not_lost(tmp_path, made, foreign):
    path = tmp_path / "a.zarr"
    for name in made:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    if foreign:
        told = ", ".join(foreign)
        with pytest.raises(UserError, match=f"a.zarr holds {told}, which would be lost"):
            check_output(path, overwrite=True)
    else:
        check_output(path, overwrite=True)


@pytest.mark.parametrize("source", ["frames", "link", "frames/../frames"])
@pytest.mark.parametrize("output", ["frames/t2.tif", "link/labels.TIFF"])
def test_no_output_becomes_a_frame_of_an_input(tmp_path, source, output):
    (tmp_path / "frames").mkdir()
    for number in range(2):
        (tmp_path / "frames" / f"t{number}.tif").touch()
    (tmp_path / "link").symlink_to("frames")
    with pytest.raises(UserError, match="would be one of the frames of .*, an input: give an out"):
        check_outputs([tmp_path / output], [tmp_path / source])
    others = ["frames/cells.csv", "frames/made/labels.tif", "labels.tif", "frames.tif"]
    check_outputs([tmp_path / one for one in others], [tmp_path / source])
    (tmp_path / "model").mkdir()
    check_outputs([tmp_path / "model" / "labels.tif"], [tmp_path / "model"])


def test_output_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file, expected a folder"):
        check_output(tmp_path / "file" / "deeper" / "out.csv")


def test_output_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with (
        pytest.raises(UserError, match="no permission in folder"),
        write_atomically(tmp_path / "out.csv"),
    ):
        pytest.fail("must not be entered")


def test_checking_makes_no_folder(tmp_path):
    check_output(tmp_path / "new" / "out.csv")
    assert list(tmp_path.iterdir()) == []


def impossible_outputs(tmp_path):
    """Give outputs that no user, root included, can make."""
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "deep")
    return [
        Path("/proc/btrackmate/deep/out.csv"),
        tmp_path / "dangling" / "out.csv",
        tmp_path / ("x" * 300) / "out.csv",
    ]


@pytest.mark.parametrize("number", range(3))
def test_an_output_that_cannot_be_made_is_one_line(tmp_path, number):
    path = impossible_outputs(tmp_path)[number]
    before = sorted(tmp_path.iterdir())
    for attempt in (check_output, lambda path: make_folder(path / "run")):
        with pytest.raises(UserError, match="cannot write .*give another output") as caught:
            attempt(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="cannot write"), write_atomically(path) as temporary:
        temporary.touch()
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "name", ["x" * 251 + ".csv", "µ" * 125 + ".csv", "a." + "x" * 249 + ".csv"]
)
def test_the_longest_names_are_written(tmp_path, name):
    path = tmp_path / name
    check_output(path)
    with write_atomically(path) as temporary:
        temporary.write_text("1", encoding="utf-8")
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_leftovers_of_the_living_and_of_other_machines_stay(tmp_path):
    now = Owner.current()
    far = Owner(now.pid, now.ticks, "abcdef", now.boot)
    dead = Owner(now.pid, now.ticks + 1, now.machine, now.boot)
    names = [f".bt-{owner.token}-0" for owner in (now, far, dead)]
    for name in names:
        (tmp_path / name / "new").mkdir(parents=True)
    (tmp_path / ".bt-something").mkdir()
    clear_leftovers(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([".bt-something", *names[:2]])
    for one in (tmp_path / names[1], tmp_path / names[1] / "new"):
        os.utime(one, (0, 0))
    write_text(tmp_path / "a", "1")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([".bt-something", names[0], "a"])


def test_what_is_named_is_on_the_disk(tmp_path, monkeypatch):
    """Else a power cut leaves empty files under their names."""
    done = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(os.fstat(file).st_ino), sync(file)))
    monkeypatch.setattr(
        Path, "replace", lambda self, target: (done.append(target), replace(self, target))
    )
    with write_stream(tmp_path / "a.csv", "wb") as stream:
        stream.write(b"1")
    file, folder = (tmp_path / "a.csv").stat().st_ino, tmp_path.stat().st_ino
    assert done == [file, tmp_path / "a.csv", folder]


@pytest.mark.parametrize(
    ("outputs", "inputs", "said"),
    [
        (["in.tif"], ["in.tif"], "in.tif is an input"),
        (["link.tif"], ["in.tif"], "link.tif is an input"),
        (["hard.tif"], ["in.tif"], "hard.tif is an input"),
        (["IN.tif"], ["in.tif"], "IN.tif is an input"),
        (["sub/../in.tif"], ["in.tif"], "in.tif is an input"),
        (["linked/x.tif"], ["sub/x.tif"], "is an input"),
        (["m.csv", "m.csv"], [], "m.csv and m.csv are one file"),
        (["m.csv", "M.CSV"], [], "are one file"),
        (["m.csv", "./m.csv"], [], "are one file"),
        (["sub/m.csv", "linked/m.csv"], [], "are one file"),
        (["é.csv", "e\u0301.csv"], [], "are one file"),
        (["new", "new/m.csv"], [], "one lies in the other"),
        (["sub"], ["sub/x.tif"], "lies in sub, which would be replaced"),
        (["l.zarr/out.csv"], ["l.zarr"], "lies in l.zarr, an input"),
    ],
)
def test_no_output_is_an_input_or_another_one(tmp_path, monkeypatch, outputs, inputs, said):
    monkeypatch.chdir(tmp_path)
    for name in ("in.tif", "sub/x.tif", "l.zarr/.zgroup"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("link.tif").symlink_to("in.tif")
    Path("hard.tif").hardlink_to("in.tif")
    Path("linked").symlink_to("sub")
    with pytest.raises(UserError, match=said) as caught:
        check_outputs([Path(one) for one in outputs], [Path(one) for one in inputs], overwrite=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("output", "source"),
    [
        ("movie/t1.tif", "movie"),
        ("raw/t0.tif", "movie"),
        ("raw", "movie"),
        ("disk/lab", "l.zarr"),
        ("disk", "l.zarr"),
        ("disk/lab/c/new.csv", "l.zarr"),
    ],
)
def test_no_output_is_a_part_of_a_folder_that_is_read(tmp_path, monkeypatch, output, source):
    """A frame, also what a link among the frames leads to, and an array on another disk."""
    monkeypatch.chdir(tmp_path)
    for name in ("movie/t1.tif", "raw/t0.tif", "disk/lab/c/0", "l.zarr/.zgroup", "run/x.tif"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("movie/t0.tif").symlink_to(tmp_path / "raw/t0.tif")
    Path("l.zarr/0").symlink_to(tmp_path / "disk/lab")
    with pytest.raises(UserError, match="an input"):
        check_outputs([Path(output)], [Path(source)], overwrite=True)
    Path("run/run.yaml").touch()
    check_outputs([Path("run/x.tif")], [Path("run"), Path("movie")], overwrite=True)


def test_outputs_beside_inputs_are_fine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("frames").mkdir()
    check_outputs(
        [Path("frames/t.csv"), None, Path("frames2")], [Path("frames"), None, Path("frame")]
    )


@pytest.mark.parametrize("deep", ["", "figures", "a/b"])
def test_files_of_a_folder_that_is_written_with_others_are_all_in_it(tmp_path, deep):
    with write_together():
        write_text(tmp_path / "table.csv", "1")
        with write_atomically(tmp_path / "out") as folder:
            (folder / deep).mkdir(parents=True)
            write_text(folder / deep / "one.csv", "2")
            write_text(folder / deep / "other.csv", "3")
        assert not (tmp_path / "out").exists()
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [
        Path("out", deep, "one.csv"),
        Path("out", deep, "other.csv"),
        Path("table.csv"),
    ]
    assert not list(tmp_path.rglob(".*"))


def test_links_are_followed_but_those_of_files_that_are_replaced_together(tmp_path: Path) -> None:
    """A journal beside the hidden folder of a killed process would not be found again."""
    file = tmp_path / "t.xml"
    file.write_text("x")
    (tmp_path / "mine.xml").symlink_to(file)
    assert follow_link(tmp_path / "mine.xml") == file.resolve()
    assert follow_link(file) == file
    for hidden in (".bt-1", ".work"):
        (tmp_path / hidden / "new").mkdir(parents=True)
        (tmp_path / hidden / "now").symlink_to("new")
        (tmp_path / hidden / "new" / "u.xml").write_text("x")
        (tmp_path / "u.xml").unlink(missing_ok=True)
        (tmp_path / "u.xml").symlink_to(f"{hidden}/now/u.xml")
        assert follow_link(tmp_path / "u.xml") == tmp_path / "u.xml"
    (tmp_path / "round.xml").symlink_to("round.xml")
    assert follow_link(tmp_path / "round.xml") == tmp_path / "round.xml"


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
@pytest.mark.parametrize("mode", [0o664, 0o600, 0o444])
def test_a_replaced_file_keeps_its_rights(tmp_path: Path, mode: int) -> None:
    """A table in a shared folder can be written by others, whatever the umask of who renews it."""
    path = tmp_path / "spots.csv"
    path.write_text("old", encoding="utf-8")
    path.chmod(mode)
    before = os.umask(0o077)
    try:
        write_text(path, "new")
    finally:
        os.umask(before)
    assert path.read_text(encoding="utf-8") == "new"
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_what_a_replaced_folder_holds_has_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "tracks.geff"
    (path / "nodes").mkdir(parents=True)
    path.chmod(0o2775)
    before = os.umask(0o077)
    try:
        with write_atomically(path) as temporary:
            (temporary / "edges").mkdir(parents=True)
            (temporary / "edges" / "0").touch()
    finally:
        os.umask(before)
    modes = [one.stat().st_mode & 0o777 for one in (path, path / "edges", path / "edges" / "0")]
    assert modes == [0o775, 0o775, 0o664]


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="needs root")
def test_a_replaced_file_keeps_its_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "spots.csv"
    path.touch()
    os.chown(path, 1234, 5678)
    write_text(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_rights_of_another_group_are_not_given_to_ours(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "spots.csv"
    path.touch()
    path.chmod(0o660)
    real = path.stat()
    other = os.stat_result((*real[:4], real.st_uid, real.st_gid + 1, *real[6:10]))

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(disk.os, "chown", refuse)
    new = tmp_path / "new.csv"
    new.touch()
    disk._give_rights(new, other, is_part=False)
    assert new.stat().st_mode & 0o777 == 0o600


def give_list(path: Path, kind: str, *entries: tuple[int, int, int]) -> None:
    """Give a file a POSIX access list of (tag, rights, id), as Linux keeps it."""
    content = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, f"system.posix_acl_{kind}", content)
    except (OSError, AttributeError):
        pytest.skip("no access lists on this disk")


#: Its owner may do all, user 4321 read and enter, the group and others nothing.
NONE, LIST = 0xFFFFFFFF, [(1, 7, 0xFFFFFFFF), (2, 5, 4321), (4, 0, 0xFFFFFFFF)]
LIST += [(16, 5, NONE), (32, 0, NONE)]


def test_what_a_replaced_folder_holds_has_its_access_list(tmp_path: Path) -> None:
    """A colleague who was given the folder can open what it holds now, and may do no more."""
    path = tmp_path / "tracks.geff"
    path.mkdir()
    give_list(path, "access", *LIST)
    give_list(path, "default", *LIST)
    lists = [os.getxattr(path, f"system.posix_acl_{kind}") for kind in ("access", "default")]
    with write_atomically(path) as temporary:
        (temporary / "edges").mkdir(parents=True)
        (temporary / "edges" / "0").touch()
    for folder in (path, path / "edges"):
        kinds = ("access", "default")
        assert [os.getxattr(folder, f"system.posix_acl_{kind}") for kind in kinds] == lists
    content = os.getxattr(path / "edges" / "0", "system.posix_acl_access")
    entries = [struct.unpack_from("<HHI", content, 4 + 8 * i) for i in range(5)]
    assert entries == [(1, 6, NONE), (2, 5, 4321), (4, 0, NONE), (16, 4, NONE), (32, 0, NONE)]


def test_a_replaced_file_gets_no_access_list_of_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "spots.csv"
    path.touch()
    path.chmod(0o640)
    give_list(tmp_path, "default", *LIST)
    write_text(path, "new")
    assert not [name for name in os.listxattr(path) if "posix_acl" in name]
    assert path.stat().st_mode & 0o777 == 0o640
    write_text(tmp_path / "other.csv", "new")
    assert "system.posix_acl_access" in os.listxattr(tmp_path / "other.csv")


def test_room_for_a_file_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(tmp_path / "a", 10_000)
    if not hasattr(os, "posix_fallocate"):
        pytest.skip("this system has no posix_fallocate")
    with pytest.raises(OSError, match=r"No space left|File too large"):
        check_room(tmp_path / "a", 2**60)

    def refuse(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "this file system does not tell")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    check_room(tmp_path / "a", 2**60)
    assert list(tmp_path.iterdir()) == []
