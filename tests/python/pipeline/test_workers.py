"""Worker processes on dask: the same bytes, and whatever of them is killed, nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import worker_hurts
import yaml

from btrackmate.core.errors import WorkersError
from btrackmate.pipeline import frame_jobs
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.run import RunResult, run
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.worker_choice import WorkerChoice

pytest.importorskip("distributed", reason="distributed is not installed")

SETTINGS = RunSettings.parse({"workers": 1, "tracker": "lap"})
TABLES = ("spots.csv", "tracked_spots.csv", "dropped.csv", "pruned.csv", "track_features.csv")


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(WorkerChoice(processes=2)) as pool:
        pool.start()
        yield pool


@pytest.fixture
def hurt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder whose files say what goes wrong in the workers."""
    monkeypatch.setattr(frame_jobs, "do_frame", worker_hurts.do_frame)
    (tmp_path / "hurt").mkdir()
    return tmp_path / "hurt"


@pytest.fixture
def whole(tmp_path: Path, labels_3d: Path, image_3d: Path) -> RunResult:
    """The run of this process alone."""
    return go(tmp_path / "whole", labels_3d, image_3d)


def go(output: Path, labels: Path, image: Path, pool: WorkerPool | None = None) -> RunResult:
    return run(RunInputs(image=image, labels=labels), output, SETTINGS, pool=pool)


def assert_same(one: Path, other: Path) -> None:
    for name in TABLES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    records = [yaml.safe_load((folder / "run.yaml").read_text()) for folder in (one, other)]
    for record in records:
        for own in ("started", "finished", "command", "timing", "cost"):
            del record[own]
    assert records[0] == records[1]


def list_done(output: Path) -> list[str]:
    return sorted(path.stem for path in (output / ".work" / "frames").glob("*/*.npz"))


def test_workers_give_the_same_bytes(
    tmp_path: Path, labels_3d: Path, image_3d: Path, whole: RunResult, pool: WorkerPool
) -> None:
    steps: list[tuple[str, int, int]] = []
    inputs = RunInputs(image=image_3d, labels=labels_3d)
    result = run(
        inputs, tmp_path / "out", SETTINGS, pool=pool, progress=lambda *step: steps.append(step)
    )
    assert_same(whole.folder, result.folder)
    assert [step for step in steps if step[0] == "measuring"] == [
        ("measuring", done, 6) for done in range(7)
    ]
    assert not (result.folder / ".work").exists()
    assert result.record["cost"]["workers"].startswith("2 worker processes of ")
    assert result.record["cost"]["cells_per_core_hour"] > 0
    assert "workers" not in whole.record["cost"]


def test_a_worker_killed_in_the_middle_is_replaced(
    tmp_path: Path, labels_3d: Path, image_3d: Path, whole: RunResult, pool: WorkerPool, hurt: Path
) -> None:
    (hurt / "kill-3-once").touch()
    result = go(tmp_path / "out", labels_3d, image_3d, pool)
    assert not (hurt / "kill-3-once").exists()
    assert_same(whole.folder, result.folder)


def test_a_frame_that_kills_its_workers_is_named_and_the_rest_kept(
    tmp_path: Path, labels_3d: Path, image_3d: Path, whole: RunResult, hurt: Path
) -> None:
    (hurt / "kill-3").touch()
    output = tmp_path / "out"
    with WorkerPool(WorkerChoice(processes=1)) as pool:
        with pytest.raises(WorkersError, match=r"frame 3 ended 2 workers.*worker_memory"):
            go(output, labels_3d, image_3d, pool)
    assert list_done(output)[:3] == ["000000", "000001", "000002"]
    assert "000003" not in list_done(output)
    assert_same(whole.folder, go(output, labels_3d, image_3d).folder)
