"""Inputs that are no files, names that control a terminal, systems that give nothing more."""

import os
from pathlib import Path

import pytest
from faults import in_folder

from btrackmate.cli import main
from btrackmate.cli.main import run_command
from btrackmate.core import settings
from btrackmate.core.errors import UserError
from btrackmate.core.settings import load_yaml

CSV = "frame,x,y\n0,1,2\n1,1,2\n"


def refuse(place: Path, capsys: pytest.CaptureFixture[str], words: str, code: int = 2) -> str:
    """Run a verb that must end in one line, with nothing written."""
    before = sorted(place.rglob("*"))
    with in_folder(place):
        assert run_command([*words.split(), "--quiet"]) == code
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "warning: " not in line]
    assert sorted(place.rglob("*")) == before
    return said


@pytest.mark.parametrize(
    "words",
    [
        "measure PIPE -o new.csv",
        "track cells.csv --mask PIPE -o new.xml",
        "run --spots PIPE -o new",
        "run PIPE.tif -o new",
        "run --spots cells.csv --config /dev/zero -o new",
        "run --spots /dev/zero -o new",
        "track /dev/zero -o new.xml",
        "prune PIPE.xml -o new.xml",
        "prune /dev/full -o new.xml",
        "train PIPE.npz --name net -o new",
    ],
)
def test_pipe_or_device_where_a_file_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    """Nobody writes into the pipe: it would be waited for for ever."""
    (tmp_path / "cells.csv").write_text(CSV, encoding="utf-8")
    for name in ("PIPE", "PIPE.tif", "PIPE.xml", "PIPE.npz"):
        os.mkfifo(tmp_path / name)
    said = refuse(tmp_path, capsys, words)
    assert "PIPE" in said or "/dev/" in said
    assert "expected" in said


@pytest.mark.parametrize(
    "words", ["track PIPE -o new.csv", "track cells.csv --config PIPE -o new.csv"]
)
def test_pipe_of_a_table_or_of_settings(tmp_path: Path, words: str) -> None:
    """``<(zcat cells.csv.gz)`` and ``<(echo "prune: …")`` are read to their end."""
    (tmp_path / "cells.csv").write_text(CSV, encoding="utf-8")
    content = CSV if "track PIPE" in words else "prune:\n  min_tracklet_length: 1\n"
    read, write = os.pipe()
    os.write(write, content.encode())
    os.close(write)
    try:
        with in_folder(tmp_path):
            line = words.replace("PIPE", f"/dev/fd/{read}")
            assert run_command([*line.split(), "--quiet"]) == 0
    finally:
        os.close(read)
    assert len((tmp_path / "new.links.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_yaml_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_yaml(Path(os.devnull)) == {}
    monkeypatch.setattr(settings, "_MOST_BYTES", 1000)
    read, write = os.pipe()
    with os.fdopen(write, "wb") as stream:
        stream.write(b"a: 1\n" * 1000)
    with pytest.raises(UserError, match="has more than 0 MB, which is too much"):
        load_yaml(Path(f"/dev/fd/{read}"))
    os.close(read)
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: [" + b"1," * 500 + b"1]\n")
    with pytest.raises(UserError, match=r"a\.yaml has more than"):
        load_yaml(path)


@pytest.mark.parametrize("mark", ["\x1b[2J", "\x9b2J", "\u202e", "\u2066", "\x07", "\x08"])
def test_name_that_controls_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mark: str
) -> None:
    """A title that is cleared, text that runs backwards: neither in messages nor in warnings."""
    name = f"a{mark}b"
    (tmp_path / f"{name}.csv").write_text(CSV, encoding="utf-8")
    with in_folder(tmp_path):
        assert run_command(["measure", f"{name}.tif", "-o", "new.csv"]) == 2
        assert run_command(["track", f"{name}.csv", "-o", "new.csv"]) == 0
        assert run_command(["filter", "new.csv", "--spot-filter", f"{mark}>1", "-o", "a.csv"]) == 2
    said = capsys.readouterr().err
    assert mark not in said
    shown = mark[0].encode("unicode_escape").decode()
    assert f"btrackmate: a{shown}" in said


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("can't start new thread"),
        ImportError("groupby.so: failed to map segment from shared object"),
        OSError("Could not find/load shared object file 'libllvmlite.so'"),
    ],
)
def test_system_that_gives_no_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main.cli, "main", fail)
    assert run_command(["settings"]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("btrackmate: the system gives no more memory or threads (")


def test_other_faults_are_not_taken_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(main.cli, "main", fail)
    with pytest.raises(RuntimeError, match="odd"):
        run_command(["settings"])


@pytest.mark.parametrize(
    "words",
    [
        "measure LINK.tif -o new.csv",
        "track LINK.csv -o new.xml",
        "convert LINK.csv new.xml",
        "convert LINK.xml new.csv",
        "convert LINK.geff new.csv",
        "convert LINK new.csv",
        "analyse LINK -o new",
        "report LINK",
        "evaluate --tracking --truth LINK.xml --result LINK.xml",
        "run --spots cells.csv --config LINK.yaml -o new",
        "track cells.csv -o LINK/new.xml",
    ],
)
def test_link_that_leads_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    (tmp_path / "cells.csv").write_text(CSV, encoding="utf-8")
    for name in ("LINK", "LINK.tif", "LINK.csv", "LINK.xml", "LINK.geff", "LINK.yaml"):
        (tmp_path / name).symlink_to("nowhere")
    said = refuse(tmp_path, capsys, words)
    assert "is a link to nowhere, where there is no f" in said


def test_folder_of_this_process_that_was_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    with in_folder(here):
        here.rmdir()
        assert run_command(["track", "cells.csv", "-o", "new.xml"]) == 2
    told = "btrackmate: the folder that btrackmate was started in was removed: go to one that is "
    assert capsys.readouterr().err == f"{told}there (cd), and start again\n"
