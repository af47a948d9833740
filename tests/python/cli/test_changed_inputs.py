"""Inputs that change while a verb reads them: one line that names them, nothing written."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from faults import in_folder, read_tree
from tiny_movies import dividing_cells

from btrackmate.cli.main import run_command
from btrackmate.core.errors import UserError
from btrackmate.core.watching import watch_inputs
from btrackmate.io import track_formats
from btrackmate.io.images import Movie, hash_path
from btrackmate.pipeline import run as running

CSV = "id,frame,x,y,label\n0,0,1,2,1\n1,1,1,2,1\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Folders of label images ``01`` and ``02``, cells.csv, and tracks of them in two tables."""
    for name in ("01", "02"):
        (tmp_path / name).mkdir()
        for t, frame in enumerate(dividing_cells(2)):
            tifffile.imwrite(tmp_path / name / f"t{t}.tif", frame, metadata={"axes": "ZYX"})
    (tmp_path / "cells.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "t.spots.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "t.links.csv").write_text("source,target\n0,1\n", encoding="utf-8")
    return tmp_path


def rewrite(path: Path) -> None:
    """Write a frame anew, in its place."""
    new = path.with_name(".new")
    tifffile.imwrite(new, np.zeros((6, 24, 24), np.uint16), metadata={"axes": "ZYX"})
    path.write_bytes(new.read_bytes())


def damage(path: Path) -> None:
    """Begin to write a frame anew."""
    path.write_bytes(path.read_bytes()[:100])


def replace(path: Path) -> None:
    """Put another file of the same size and time in its place."""
    told = path.stat()
    new = path.with_name(".new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(told.st_atime_ns, told.st_mtime_ns))
    new.replace(path)


def lose(path: Path) -> None:
    """Remove a frame that was read already."""
    path.with_name("t0.tif").unlink()


def refuse(place: Path, capsys: pytest.CaptureFixture[str], words: str, changed: str) -> None:
    """Run a verb that must end in one line that names what was changed."""
    names = {*read_tree(place), "01/.new"}
    with in_folder(place):
        code = run_command([*words.split(), "--quiet"])
    said = [line for line in capsys.readouterr().err.splitlines() if "warning: " not in line]
    assert code == 2, said
    assert len(said) == 1
    assert said[0].startswith(f"btrackmate: {changed}")
    assert "was changed while" in said[0]
    assert {str(name) for name in read_tree(place)} <= {str(name) for name in names}


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("measure 01 -o new.csv", rewrite),
        ("measure 01 -o new.csv", replace),
        ("measure 01 -o new.csv", lose),
        ("measure 01 -o new.csv", damage),
        ("relabel t.csv 01 -o new.tif", replace),
        ("convert t.csv 03 --labels 01", replace),
        ("evaluate --segmentation --truth 01 --result 02 --json new.json", rewrite),
        ("track 01 -o new.xml", rewrite),
    ],
)
def test_frame_that_changes_between_frames(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    words: str, change: Callable[[Path], None],
) -> None:  # fmt: skip
    read, changed = Movie.frame, []

    def frame(movie: Movie, t: int) -> object:
        values = read(movie, t)
        if not changed:
            changed.append(t)
            change(place / "01" / "t1.tif")
        return values

    monkeypatch.setattr(Movie, "frame", frame)
    refuse(place, capsys, words, "01 ")


def test_links_that_change_after_the_spots_were_read(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = track_formats.read_spots_csv

    def read_and_change(*given: object, **more: object) -> object:
        (place / "t.links.csv").write_text("source,target\n", encoding="utf-8")
        return read(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(track_formats, "read_spots_csv", read_and_change)
    refuse(place, capsys, "prune t.csv -o new.xml", "t.links.csv ")


def test_cells_that_are_appended_while_a_run_reads_them(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else run.yaml would name the hash of a file that the tracks are not from."""
    read = running.read_cells

    def read_and_change(*given: object) -> object:
        with (place / "cells.csv").open("a", encoding="utf-8") as file:
            file.write("2,2,1,2,1\n")
        return read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "read_cells", read_and_change)
    refuse(place, capsys, "run --spots cells.csv -o new", "cells of cells.csv: an input ")


def test_link_that_leads_to_another_file_is_a_change(tmp_path: Path) -> None:
    """Its size and times may be those of the other, made at the same moment."""
    (tmp_path / "b").touch()
    (tmp_path / "a").hardlink_to(tmp_path / "b")
    link = tmp_path / "link"
    link.symlink_to("a")
    with watch_inputs(link, None, tmp_path / "missing"):
        pass
    with pytest.raises(UserError, match="link was changed"), watch_inputs(link):
        link.unlink()
        link.symlink_to("b")


@pytest.fixture
def run_folder(place: Path) -> Path:
    """What `evaluate` and `convert` read of a finished run of ``01``."""
    folder = place / "run"
    folder.mkdir()
    with in_folder(place):
        assert run_command("convert t.csv run/tracks.xml".split()) == 0
    size = {"dx": 1.0, "dy": 1.0, "dz": 1.0, "dt": 1.0, "space_unit": "pixel", "time_unit": "frame"}
    labels = {"path": str(place / "01"), "axes": "TZYX", "sha256": hash_path(place / "01")}
    record = {"inputs": {"labels": labels}, "calibration": size}
    (folder / "run.yaml").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.mark.parametrize("change", [rewrite, replace])
def test_labels_of_a_run_that_change_while_they_are_read(
    place: Path, run_folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None],
) -> None:  # fmt: skip
    """They stand in run.yaml alone: half of the scores were those of other labels."""
    read, changed = Movie.frame, []

    def frame(movie: Movie, t: int) -> object:
        if movie.path.name == "01" and not changed:
            changed.append(t)
            change(place / "01" / "t1.tif")
        return read(movie, t)

    monkeypatch.setattr(Movie, "frame", frame)
    capsys.readouterr()
    words = "evaluate --segmentation --truth 02 --result run --json new.json"
    refuse(place, capsys, words, str(place / "01"))


@pytest.mark.parametrize(
    "words",
    [
        "convert run 03 --allow-loss --overwrite",
        "evaluate --truth 02 --result run --table run/tracks.csv --overwrite",
        "evaluate --truth 02 --result run --json 01/t1.tif.json --table cells.csv --overwrite",
    ],
)
def test_what_a_run_was_made_of_is_not_replaced(
    place: Path, run_folder: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    with in_folder(place):
        assert run_command("convert t.csv 03 --labels 01 --allow-loss".split()) == 0
    record = json.loads((run_folder / "run.yaml").read_text(encoding="utf-8"))
    record["inputs"]["labels"]["path"] = str(place / "03")
    record["inputs"]["mask"] = {"path": str(place / "cells.csv")}
    (run_folder / "run.yaml").write_text(json.dumps(record), encoding="utf-8")
    (run_folder / "tracks.csv").symlink_to(run_folder / "spots.csv")
    (run_folder / "spots.csv").touch()
    before = read_tree(place)
    capsys.readouterr()
    with in_folder(place):
        assert run_command([*words.split(), "--quiet"]) == 2
    assert "is an input and would be replaced" in capsys.readouterr().err
    assert read_tree(place) == before


@pytest.mark.parametrize(
    "words", ["convert run new", "evaluate --segmentation --truth 02 --result run"]
)
@pytest.mark.parametrize("change", [None, rewrite, replace, lose])
def test_labels_that_were_changed_after_the_run(
    place: Path, run_folder: Path, caplog: pytest.LogCaptureFixture, words: str,
    change: Callable[[Path], None] | None,
) -> None:  # fmt: skip
    if change is not None:
        change(place / "01" / "t1.tif")
    caplog.clear()
    with in_folder(place):
        run_command([*words.split(), "--quiet"])
    assert ("01 was changed since run was made of it" in caplog.text) == (
        change is not None and change is not replace
    )


@pytest.mark.parametrize(
    "record", ["", "inputs: []", "inputs: {labels: 1}\ncalibration: {dx: 1}", "[1]"]
)
@pytest.mark.parametrize("words", ["convert run new", "evaluate --truth run --result run"])
def test_record_that_lacks_its_parts(
    place: Path, run_folder: Path, capsys: pytest.CaptureFixture[str], words: str, record: str
) -> None:
    (run_folder / "run.yaml").write_text(record, encoding="utf-8")
    capsys.readouterr()
    with in_folder(place):
        assert run_command([*words.split(), "--quiet"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "run.yaml" in said
