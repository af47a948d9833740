"""A run folder never holds another run's results, whoever writes into it and however it stops."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
import zarr
from faults import run_child
from tiny_movies import dividing_cells, write_imagej, write_store

from btrackmate.core.errors import StorageError, UserError
from btrackmate.pipeline import run as run_module
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.work import WorkFolder
from btrackmate.tracking.settings import tracker_name

SETTINGS = RunSettings(workers=1, tracker="nearest")
LAP = RunSettings(workers=1, tracker="lap")


pytestmark = pytest.mark.usefixtures("plain_report")


def stop_in_frame(t: int) -> Callable[[str, int, int], None]:
    def stop(step: str, done: int, total: int) -> None:
        if step == "measuring" and done == t:
            raise KeyboardInterrupt

    return stop


def read_record(folder: Path) -> dict:
    return yaml.safe_load((folder / "run.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def short(tmp_path: Path) -> Path:
    return write_imagej(tmp_path / "b.tif", dividing_cells()[:3].astype(np.uint16), "TZYX")


@pytest.mark.parametrize("other", ["labels", "tracker", "measure"])
def test_finished_files_of_another_job_are_not_published(
    tmp_path: Path, labels_3d: Path, short: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """survival-stale-publish: killed before its files are put in place; then another run."""
    output = tmp_path / "out"

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WorkFolder, "publish", kill)
        with pytest.raises(KeyboardInterrupt):
            run(RunInputs(labels=labels_3d), output, LAP)
    assert list(output.glob(".work/new-*/run.yaml"))
    labels = short if other == "labels" else labels_3d
    settings = {
        "labels": LAP,
        "tracker": SETTINGS,
        "measure": RunSettings.parse(
            {"workers": 1, "tracker": "lap", "measure": {"median": False}}
        ),
    }[other]
    result = run(RunInputs(labels=labels), output, settings)
    assert result.record["inputs"]["labels"]["path"] == str(labels)
    assert result.record["linking"]["tracker"] == tracker_name(settings.tracker)
    assert result.graph.spots.n_frames == (3 if other == "labels" else 6)
    assert ("median_intensity_ch1" in result.graph.spots.table) is False
    assert not (output / ".work").exists()


def test_finished_files_of_the_same_job_are_published(
    tmp_path: Path, labels_3d: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WorkFolder, "publish", stop)
        with pytest.raises(KeyboardInterrupt):
            run(RunInputs(labels=labels_3d), output, SETTINGS)
    monkeypatch.setattr(run_module, "link_and_prune", lambda *_: pytest.fail("linked again"))
    run(RunInputs(labels=labels_3d), output, SETTINGS)
    assert (output / "run.yaml").is_file()
    assert not (output / ".work").exists()


def test_a_run_folder_that_is_moved_is_not_begun_at_its_old_place(
    tmp_path: Path, labels_3d: Path
) -> None:
    output, moved = tmp_path / "out", tmp_path / "moved"

    def move_away(step: str, done: int, total: int) -> None:
        if step == "measuring" and done == 2:
            output.rename(moved)

    with pytest.raises((StorageError, UserError), match="moved or removed|was removed"):
        run(RunInputs(labels=labels_3d), output, SETTINGS, progress=move_away)
    assert not output.exists()
    for folder in (moved, output):
        run(RunInputs(labels=labels_3d), folder, SETTINGS)
    assert (moved / "tracks.xml").read_bytes() == (output / "tracks.xml").read_bytes()


def test_second_run_into_a_folder_is_refused(tmp_path: Path, labels_3d: Path, short: Path) -> None:
    output = tmp_path / "out"
    refused = []

    def start_another(step: str, done: int, total: int) -> None:
        if step == "measuring" and done == 2:
            for overwrite in (False, True):
                with pytest.raises(UserError, match=rf"in use by process {os.getpid()} on") as got:
                    run(RunInputs(labels=short), output, SETTINGS, overwrite=overwrite)
                refused.append(str(got.value))

    result = run(RunInputs(labels=labels_3d), output, SETTINGS, progress=start_another)
    assert len(refused) == 2
    assert "\n" not in refused[0]
    assert result.graph.spots.n_frames == 6
    assert not (output / ".work").exists()


def test_lock_of_a_killed_run_is_no_hindrance(tmp_path: Path, labels_3d: Path) -> None:
    output = tmp_path / "out"

    def work() -> None:
        run(RunInputs(labels=labels_3d), output, SETTINGS, progress=kill)

    def kill(step: str, done: int, total: int) -> None:
        if step == "measuring" and done == 3:
            os.kill(os.getpid(), 9)

    assert run_child(work, tmp_path).killed
    assert (output / ".work" / "lock").is_file()
    assert run(RunInputs(labels=labels_3d), output, SETTINGS).graph.spots.n_frames == 6


def edit_zarr(path: Path) -> None:
    array = zarr.open_group(path, mode="r+")["0"]
    frames = np.asarray(array)
    frames[frames == 2] = 0
    array[:] = frames


def edit_tiff_in_place(path: Path) -> None:
    """Same size, and the old time of change."""
    told = path.stat()
    frames = tifffile.imread(path)
    frames[frames == 2] = 0
    tifffile.memmap(path)[:] = frames
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


def edit_one_file_of_a_folder(path: Path) -> None:
    file = path / "t001.tif"
    told = file.stat()
    frame = tifffile.imread(file)
    frame[frame == 2] = 0
    tifffile.memmap(file)[:] = frame
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))


@pytest.mark.parametrize("kind", ["zarr", "tiff", "folder"])
def test_frames_of_changed_inputs_are_not_kept(tmp_path: Path, kind: str) -> None:
    """survival-zarr-edited-resume; a TIFF and a file of a folder that keep size and time."""
    movie = dividing_cells().astype(np.uint16)
    if kind == "zarr":
        labels, edit = write_store(tmp_path / "l.ome.zarr", movie), edit_zarr
    elif kind == "tiff":
        labels, edit = write_imagej(tmp_path / "l.tif", movie, "TZYX"), edit_tiff_in_place
    else:
        labels, edit = tmp_path / "l", edit_one_file_of_a_folder
        labels.mkdir()
        for t, frame in enumerate(movie):
            write_imagej(labels / f"t{t:03d}.tif", frame, "ZYX")
    with pytest.raises(KeyboardInterrupt):
        run(RunInputs(labels=labels), tmp_path / "out", SETTINGS, progress=stop_in_frame(4))
    edit(labels)
    resumed = run(RunInputs(labels=labels), tmp_path / "out", SETTINGS)
    fresh = run(RunInputs(labels=labels), tmp_path / "fresh", SETTINGS)
    for name in ("spots.csv", "tracked_spots.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()
    assert resumed.record["inputs"] == fresh.record["inputs"]
    assert any("other labels (input)" in warning for warning in resumed.record["warnings"])


def test_input_that_changes_while_the_run_goes_on_is_noticed(tmp_path: Path) -> None:
    labels = write_store(tmp_path / "l.ome.zarr", dividing_cells().astype(np.uint16))

    def edit(step: str, done: int, total: int) -> None:
        if step == "measuring" and done == 4:
            edit_zarr(labels)

    with pytest.raises(UserError, match="changed while the run went on"):
        run(RunInputs(labels=labels), tmp_path / "out", SETTINGS, progress=edit)
    assert not (tmp_path / "out" / "run.yaml").exists()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _turn_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [lambda path: path.write_bytes(b""), _cut, _turn_a_bit, lambda path: path.write_text("x: [")],
    ids=["empty", "half", "bit", "text"],
)
@pytest.mark.parametrize("name", ["frames/*/000002.npz", "job.json"])
def test_damaged_work_is_done_again(
    tmp_path: Path, labels_3d: Path, damage: Callable[[Path], None], name: str
) -> None:
    """survival-work-frame-damaged: an empty file is what a power cut leaves."""
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(RunInputs(labels=labels_3d), output, SETTINGS, progress=stop_in_frame(4))
    (path,) = (output / ".work").glob(name)
    damage(path)
    resumed = run(RunInputs(labels=labels_3d), output, SETTINGS)
    assert len(resumed.graph.spots) == 15
    if name.startswith("frames"):
        assert any("frame 2 was damaged" in warning for warning in resumed.record["warnings"])


def test_nothing_of_an_older_run_stays(tmp_path: Path, labels_3d: Path) -> None:
    """survival-publish-old-geff; a table that the new run does not write goes, too."""
    output = tmp_path / "out"
    run(RunInputs(labels=labels_3d), output, SETTINGS)
    (output / "scores.json").write_text("[]")
    (output / "notes.txt").write_text("mine")
    run(RunInputs(labels=labels_3d), output, LAP, overwrite=True)
    names = {path.name for path in output.iterdir()}
    assert "scores.json" not in names
    assert "notes.txt" in names
    assert not [name for name in names if name.startswith(".") or name.endswith(".old")]
    assert read_record(output)["linking"]["tracker"] == "lap"


def test_output_that_is_a_file_is_refused(tmp_path: Path, labels_3d: Path) -> None:
    """survival-run-output-is-file."""
    before = labels_3d.read_bytes()
    with pytest.raises(UserError, match="is a file, expected a folder"):
        run(RunInputs(labels=labels_3d), labels_3d, SETTINGS, overwrite=True)
    assert labels_3d.read_bytes() == before


def test_run_does_not_replace_its_inputs(tmp_path: Path, labels_3d: Path) -> None:
    """Labels in the run folder, under a name that the run writes, or under a link to it."""
    output = tmp_path / "out"
    run(RunInputs(labels=labels_3d), output, SETTINGS)
    before = (output / "spots.csv").read_bytes()
    with pytest.raises(UserError, match="is an input and would be replaced"):
        run(RunInputs(spots=output / "spots.csv"), output, SETTINGS, overwrite=True)
    link = tmp_path / "link"
    link.symlink_to(output)
    with pytest.raises(UserError, match="is an input and would be replaced"):
        run(RunInputs(spots=link / "spots.csv"), output, SETTINGS, overwrite=True)
    assert (output / "spots.csv").read_bytes() == before
    shutil.copy(output / "spots.csv", tmp_path / "c.csv")
    run(RunInputs(spots=tmp_path / "c.csv"), output, SETTINGS, overwrite=True)
