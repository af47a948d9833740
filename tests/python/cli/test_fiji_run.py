"""`fiji run` with Java standing still: its output gets its name as that of every other verb."""

from pathlib import Path
from unittest import mock

import pytest
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.core.errors import UserError
from btrackmate.fiji_bridge import jvm, plugin


@pytest.fixture
def fiji_run(tmp_path, monkeypatch, capsys):
    """Run the verb: exit code and what it prints; Java's part is a function of the files."""
    write_imagej(tmp_path / "labels.tif", dividing_cells().astype("uint16"), "TZYX")
    monkeypatch.chdir(tmp_path)

    def run(work, *options):
        with (
            mock.patch.object(jvm, "start_fiji"),
            mock.patch.object(plugin, "check_plugin"),
            mock.patch.object(plugin, "load_plugin_class"),
            mock.patch.object(plugin, "_make_inputs", lambda _, files: files),
            mock.patch.object(plugin, "_run_command", lambda *args: work(args[2])),
        ):
            code = run_command(["fiji", "run", "labels.tif", "-o", "t.xml", *options])
        return code, *capsys.readouterr()

    return run


def save(files):
    files["output"].write_text("tracks")
    return 6, 1


def test_the_file_gets_its_name_when_it_is_complete(fiji_run, tmp_path):
    def work(files):
        assert not Path("t.xml").exists()
        return save(files)

    code, said, _ = fiji_run(work)
    assert (code, said) == (0, "6 spots, 1 tracks\nt.xml\n")
    assert (tmp_path / "t.xml").read_text() == "tracks"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.tif", "t.xml"]


def test_what_somebody_makes_at_its_name_meanwhile_stays(fiji_run, tmp_path):
    def work(files):
        Path("t.xml").write_text("theirs")
        return save(files)

    code, _, fault = fiji_run(work)
    assert code == 2
    assert "t.xml was made by somebody else in the meantime" in fault
    assert (tmp_path / "t.xml").read_text() == "theirs"
    assert fiji_run(save, "--overwrite")[0] == 0
    assert (tmp_path / "t.xml").read_text() == "tracks"


def test_an_image_that_changes_while_it_is_read_is_refused(fiji_run, tmp_path):
    def work(files):
        write_imagej(files["image"], dividing_cells()[:3].astype("uint16"), "TZYX")
        return save(files)

    code, _, fault = fiji_run(work)
    assert code == 2
    assert "labels.tif was changed while it was read" in fault
    assert [path.name for path in tmp_path.iterdir()] == ["labels.tif"]


def test_a_fault_of_the_plugin_names_the_output_that_was_given(fiji_run, tmp_path):
    def work(files):
        msg = f"cannot write {files['output']}: the disk is full"
        raise UserError(msg)

    code, _, fault = fiji_run(work)
    assert code == 2
    assert "cannot write t.xml: the disk is full" in fault
    assert [path.name for path in tmp_path.iterdir()] == ["labels.tif"]
