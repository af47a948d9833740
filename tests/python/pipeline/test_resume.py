"""A run that is killed goes on where it was; finished frames are not done twice."""

import logging
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from faults import run_child

from btrackmate.core import replacing
from btrackmate.core.disk import remove_tree
from btrackmate.core.errors import UserError
from btrackmate.core.workplace import Workplace
from btrackmate.pipeline import frames
from btrackmate.pipeline import run as pipeline_run
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import RunSettings

pytestmark = pytest.mark.usefixtures("plain_report")

SETTINGS = RunSettings(workers=1)


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def stop_measuring(step: str, done: int, total: int) -> None:
    if step == "measuring" and done == 3:
        raise KeyboardInterrupt


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_and_die(where: str, labels: Path, output: Path, patch: pytest.MonkeyPatch) -> None:
    """Be killed inside the measuring of frame 3, or between frames 2 and 3."""
    measure, rename = frames.measure_one_frame, Path.replace

    def measure_or_die(t: int, *args: object) -> object:
        if where == "inside" and t == 3:
            die()
        return measure(t, *args)  # type: ignore[arg-type]

    def rename_or_die(self: Path, target: Path) -> Path:
        if where == "renaming" and Path(target).name == "000003.npz":
            die()
        return rename(self, target)

    def progress(step: str, done: int, total: int) -> None:
        if where == "between" and step == "measuring" and done == 3:
            die()

    patch.setattr(frames, "measure_one_frame", measure_or_die)
    patch.setattr(Path, "replace", rename_or_die)
    run(RunInputs(labels=labels), output, SETTINGS, progress=progress)


@pytest.mark.parametrize("where", ["between", "inside", "renaming"])
def test_killed_run_goes_on(
    tmp_path: Path, labels_3d: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    output = tmp_path / "out"
    killed = run_child(lambda: run_and_die(where, labels_3d, output, monkeypatch), tmp_path)
    assert killed.killed
    assert [path.name for path in output.iterdir()] == [".work"]

    done = []
    measure = frames.measure_one_frame

    def count(t: int, *args: object) -> object:
        done.append(t)
        return measure(t, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(frames, "measure_one_frame", count)
    resumed = run(RunInputs(labels=labels_3d), output, SETTINGS)
    first = done[0]
    assert first >= 3, "frames 0 to 2 were finished and must not be done again"
    assert done == list(range(first, 6))
    frame = resumed.graph.spots.table["frame"]
    assert resumed.record["cost"]["cells"] == (frame >= first).sum() < len(frame)
    assert not (output / ".work").exists()

    whole = run(RunInputs(labels=labels_3d), tmp_path / "whole", SETTINGS)
    np.testing.assert_array_equal(whole.graph.source, resumed.graph.source)
    for name in ("spots.csv", "tracked_spots.csv"):
        assert (output / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_others_put_beside_an_unfinished_run_stays(
    tmp_path: Path, labels_3d: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run would put its files in the place of theirs, or take theirs away."""
    output = tmp_path / "out"
    killed = run_child(lambda: run_and_die("between", labels_3d, output, monkeypatch), tmp_path)
    assert killed.killed
    for name in ("tracks.xml", "scores.json"):
        (output / name).write_text("mine")
    with pytest.raises(UserError, match=r"holds tracks.xml, scores.json, which the unfinished run"):
        run(RunInputs(labels=labels_3d), output, SETTINGS)
    assert (output / "tracks.xml").read_text() == (output / "scores.json").read_text() == "mine"
    frames_of_before = sorted((output / ".work" / "frames").rglob("*.npz"))
    assert len(frames_of_before) == 3
    with pytest.raises(UserError, match=r"holds scores.json, which no run there made"):
        run(RunInputs(labels=labels_3d), output, SETTINGS, overwrite=True)
    (output / "scores.json").unlink()
    result = run(RunInputs(labels=labels_3d), output, SETTINGS, overwrite=True)
    frame = result.graph.spots.table["frame"]
    assert result.record["cost"]["cells"] == (frame >= 3).sum() < len(frame)


def test_other_settings_begin_anew(
    tmp_path: Path, labels_3d: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"

    with pytest.raises(KeyboardInterrupt):
        run(RunInputs(labels=labels_3d), output, SETTINGS, progress=stop_measuring)
    assert len(list((output / ".work" / "frames").glob("*/*.npz"))) >= 3
    done = []
    measure = frames.measure_one_frame

    def count(t: int, *args: object) -> object:
        done.append(t)
        return measure(t, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(frames, "measure_one_frame", count)
    settings = RunSettings.parse({"workers": 1, "measure": {"median": False}})
    run(RunInputs(labels=labels_3d), output, settings)
    assert done == list(range(6))


def test_publishing_that_was_stopped_is_finished(
    tmp_path: Path, labels_3d: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once one name shows the new files all do, through links where they are not in place yet."""
    output = tmp_path / "out"
    show = replacing._show

    def fail(staging: Path, folder: Path, name: str, real: Path) -> None:
        if name == "tracked_spots.csv" and real.parent.name == "new":
            raise KeyboardInterrupt
        show(staging, folder, name, real)

    monkeypatch.setattr(replacing, "_show", fail)
    with pytest.raises(KeyboardInterrupt):
        run(RunInputs(labels=labels_3d), output, SETTINGS)
    seen = {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}
    assert {"tracked_spots.csv", "run.yaml", "report.html"} <= seen.keys()
    assert (output / "tracked_spots.csv").is_symlink()
    monkeypatch.undo()
    result = run(RunInputs(labels=labels_3d), output, SETTINGS)
    assert len(result.graph.spots) == 15
    assert not (output / ".work").exists()
    assert not any(path.is_symlink() for path in output.iterdir())
    assert {p.name: p.read_bytes() for p in output.iterdir() if p.is_file()} == seen


@pytest.mark.parametrize(
    ("change", "outcome"),
    [("none", "kept"), ("gone", "refused"), ("changed", "refused"), ("all gone", "anew")],
)
def test_a_run_killed_in_its_last_clean_up_is_what_stands_there(
    tmp_path: Path, labels_3d: Path, monkeypatch: pytest.MonkeyPatch, change: str, outcome: str
) -> None:
    """Not what somebody put there since, nor what was moved away."""
    output = tmp_path / "out"

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Workplace, "remove", stop)
        run(RunInputs(labels=labels_3d), output, SETTINGS)
    assert (output / ".work" / "ended").is_symlink()
    table = output / "tracked_spots.csv"
    if change in ("gone", "changed"):
        table.unlink()
    if change == "changed":
        table.write_text("mine")
    if change == "all gone":
        for path in output.iterdir():
            if path.name != ".work":
                remove_tree(path)
    seen = {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}
    if outcome == "refused":
        with pytest.raises(UserError, match="holds a finished run: give another output"):
            run(RunInputs(labels=labels_3d), output, SETTINGS)
        run(RunInputs(labels=labels_3d), output, SETTINGS, overwrite=True)
    else:
        run(RunInputs(labels=labels_3d), output, SETTINGS)
    after = {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}
    if outcome == "kept":
        assert after == seen
    assert after[table.name].startswith(b"id,")
    assert not (output / ".work").exists()


def test_what_a_stopped_run_made_at_its_end_is_not_the_next_ones(
    tmp_path: Path, labels_3d: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped with corrections, started again without: its frames are kept, no edits.csv."""
    output = tmp_path / "out"

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pipeline_run, "write_record", stop)
        run(RunInputs(labels=labels_3d), output, SETTINGS)
    (new,) = (output / ".work").glob("new-*")
    assert (new / "tracks.xml").exists()
    (new / "edits.csv").write_text("of the run before")
    monkeypatch.setattr(frames, "measure_one_frame", stop)  # No frame is done again.
    run(RunInputs(labels=labels_3d), output, SETTINGS)
    assert (output / "tracks.xml").exists()
    assert not (output / "edits.csv").exists()


def test_warnings_of_frames_that_were_finished_before_are_told(
    tmp_path: Path, labels_3d: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = frames.measure_one_frame

    def warn(t: int, *args: object) -> object:
        if t == 0:
            logging.getLogger("btrackmate.measurement").warning("frame 0 is odd")
        return measure(t, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(frames, "measure_one_frame", warn)
    with pytest.raises(KeyboardInterrupt):
        run(RunInputs(labels=labels_3d), tmp_path / "out", SETTINGS, progress=stop_measuring)
    result = run(RunInputs(labels=labels_3d), tmp_path / "out", SETTINGS)
    assert result.record["warnings"].count("frame 0 is odd") == 1
    whole = run(RunInputs(labels=labels_3d), tmp_path / "whole", SETTINGS)
    assert result.record["warnings"] == whole.record["warnings"]
