"""Every verb that writes: an output that cannot be made is one line, before any work."""

from pathlib import Path

import pytest

from btrackmate.cli.main import run_command

CSV = "frame,x,y\n0,1,2\n1,1,2\n"


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--spots", "CSV", "-o", "BAD"),
        ("segment", "LABELS", "-o", "BAD.tif"),
        ("measure", "LABELS", "-o", "BAD.csv"),
        ("measure", "LABELS", "-o", "good.csv", "--dropped", "BAD.csv"),
        ("track", "CSV", "-o", "BAD.xml"),
        ("track", "CSV", "-o", "BAD.csv"),
        ("convert", "XML", "BAD.geff"),
        ("prune", "XML", "-o", "BAD.xml"),
        ("evaluate", "--truth", "XML", "--result", "XML", "--json", "BAD.json"),
        ("train", "FOLDER", "--name", "net", "-o", "BAD"),
        ("train-linking", "XML", "-o", "BAD.yaml"),
        ("demo", "-o", "BAD"),
    ],
)
def test_output_under_a_folder_that_cannot_be_made(
    words: tuple[str, ...], tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cells.csv").write_text(CSV, encoding="utf-8")
    xml = tmp_path / "t.xml"
    assert run_command(["track", str(tmp_path / "cells.csv"), "-o", str(xml), "--quiet"]) == 0
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "deep")
    given = {"CSV": tmp_path / "cells.csv", "LABELS": labels_3d, "XML": xml, "FOLDER": tmp_path}
    before = sorted(tmp_path.iterdir())
    capsys.readouterr()
    for bad in ("/proc/btrackmate/deep/x", str(tmp_path / "dangling" / "x")):
        line = [str(given.get(word, word)).replace("BAD", bad) for word in words]
        line = [str(tmp_path / word) if word == "good.csv" else word for word in line]
        assert run_command(line) == 2
        errors = capsys.readouterr().err.splitlines()
        assert len(errors) == 1
        assert errors[0].startswith("btrackmate: cannot write ")
    assert sorted(tmp_path.iterdir()) == before


def test_a_run_folder_that_is_a_link_to_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cells.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "dead").symlink_to("nowhere")
    words = ["run", "--spots", tmp_path / "cells.csv", "-o", tmp_path / "dead", "--quiet"]
    assert run_command([str(word) for word in words]) == 2
    assert "dead: it is a link to nowhere, where there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["input/embryo.tif", "input/embryo_mask.tif", "ovule_labels.tif"])
def test_the_demo_replaces_no_file_of_others(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "demo" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("my own embryo")
    assert run_command(["demo", "-o", str(tmp_path / "demo"), "--quiet"]) == 2
    assert f"{mine} exists already" in capsys.readouterr().err
    assert [path for path in (tmp_path / "demo").rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "my own embryo"
