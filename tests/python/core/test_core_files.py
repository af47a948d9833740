from pathlib import Path

import pytest

from btrackmate.core.errors import UserError
from btrackmate.core.files import check_output, make_folder, write_atomically


def test_file_appears_only_when_finished(tmp_path):
    path = tmp_path / "new" / "out.csv"
    with write_atomically(path) as temporary:
        temporary.write_text("1", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "1"
    assert list(path.parent.iterdir()) == [path]


def test_temporary_name_keeps_the_suffixes(tmp_path):
    """Writers choose the format by extension."""
    with write_atomically(tmp_path / "labels.ome.tif") as temporary:
        assert temporary.name.endswith(".ome.tif")
        assert temporary.parent == tmp_path
        temporary.touch()


def write(path: Path, kind: str, text: str) -> None:
    if kind == "folder":
        path.mkdir()
        path = path / "part"
    path.write_text(text, encoding="utf-8")


def read(path: Path) -> tuple[str, str]:
    kind = "folder" if path.is_dir() else "file"
    return kind, (path / "part" if path.is_dir() else path).read_text(encoding="utf-8")


@pytest.mark.parametrize("before", ["file", "folder"])
@pytest.mark.parametrize("after", ["file", "folder"])
def test_what_stood_there_is_replaced(tmp_path, before, after):
    path = tmp_path / "out.zarr"
    write(path, before, "old")
    with write_atomically(path) as temporary:
        write(temporary, after, "new")
    assert read(path) == (after, "new")
    assert list(tmp_path.iterdir()) == [path]


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


def test_a_failed_rename_puts_the_old_folder_back(tmp_path):
    """Nothing was written at the temporary path, so there is nothing to rename."""
    path = tmp_path / "out.zarr"
    write(path, "folder", "old")
    with pytest.raises(FileNotFoundError), write_atomically(path):
        pass
    assert read(path) == ("folder", "old")
    assert list(tmp_path.iterdir()) == [path]


def test_existing_output_needs_overwrite(tmp_path):
    path = tmp_path / "out.csv"
    path.touch()
    with pytest.raises(UserError, match="exists already.*overwrite=True"):
        check_output(path)
    check_output(path, overwrite=True)


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
