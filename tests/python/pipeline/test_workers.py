"""Worker processes on dask: the same bytes, and whatever of them is killed, nothing is lost."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import worker_hurts
import yaml
from tiny_movies import dividing_cells, write_imagej

from btrackmate.core.errors import StorageError, UserError, WorkersError
from btrackmate.io.tracks_csv import write_spots_csv
from btrackmate.pipeline import cluster, frame_jobs, frames, run, segmenting
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.measuring import measured_cells
from btrackmate.pipeline.segmenting import segment_movie
from btrackmate.pipeline.settings import InputSettings, RunSettings
from btrackmate.pipeline.worker_choice import WorkerChoice
from btrackmate.segmentation import SegmentationSettings

dask = pytest.importorskip("dask", reason="dask is not installed")
distributed = pytest.importorskip("distributed", reason="distributed is not installed")
get_mp_context = pytest.importorskip("distributed.utils").get_mp_context

SETTINGS = RunSettings.parse({"workers": 1, "tracker": "lap"})
TABLES = ("spots.csv", "tracked_spots.csv", "dropped.csv", "pruned.csv", "track_features.csv")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> RunInputs:
    """Label movie and image of 6 frames, with a division."""
    folder, labels = tmp_path_factory.mktemp("inputs"), dividing_cells()
    image = np.where(labels > 0, 100 + labels, 10).astype(np.uint16)
    return RunInputs(
        image=write_imagej(folder / "image.tif", image, "TZYX"),
        labels=write_imagej(folder / "labels.tif", labels, "TZYX"),
    )


@pytest.fixture(scope="module")
def whole(inputs: RunInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of this process alone."""
    return run.run(inputs, tmp_path_factory.mktemp("whole") / "out", SETTINGS).folder


@pytest.fixture(scope="module", autouse=True)
def quick_start() -> Iterator[None]:
    """Fork worker processes from one that has imported what they need, instead of starting each."""
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        get_mp_context().set_forkserver_preload(["btrackmate.pipeline.frame_jobs"])
        yield


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(WorkerChoice(processes=2)) as pool:
        pool.start()
        yield pool


@pytest.fixture
def hurt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder whose files say what goes wrong in the workers."""
    monkeypatch.setattr(frame_jobs, "do_frame", worker_hurts.do_frame)
    monkeypatch.setattr(frame_jobs, "check_worker", worker_hurts.check_worker)
    (tmp_path / "hurt").mkdir()
    return tmp_path / "hurt"


def assert_same(one: Path, other: Path) -> None:
    for name in TABLES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    records = [yaml.safe_load((folder / "run.yaml").read_text()) for folder in (one, other)]
    for record in records:
        for own in ("started", "finished", "command", "timing", "cost"):
            del record[own]
    assert records[0] == records[1]


def list_done(output: Path) -> list[int]:
    return sorted(int(path.stem) for path in (output / ".work" / "frames").glob("*/*.npz"))


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_workers_give_the_same_bytes(
    tmp_path: Path, inputs: RunInputs, whole: Path, pool: WorkerPool
) -> None:
    steps: list[tuple[str, int, int]] = []
    out = tmp_path / "out"
    result = run.run(inputs, out, SETTINGS, pool=pool, progress=lambda *step: steps.append(step))
    assert_same(whole, out)
    measuring = [step for step in steps if step[0] == "measuring"]
    assert measuring == [("measuring", done, 6) for done in range(7)]
    assert not (out / ".work").exists()
    assert result.record["cost"]["workers"].startswith("2 worker processes of ")
    assert result.record["cost"]["cells_per_core_hour"] > 0


@pytest.mark.slow
def test_more_workers_than_frames_and_cores_give_the_same_bytes(
    tmp_path: Path, inputs: RunInputs, whole: Path
) -> None:
    with WorkerPool(WorkerChoice(processes=16, worker_memory="500MB")) as many:
        result = run.run(inputs, tmp_path / "out", SETTINGS, pool=many)
    assert_same(whole, tmp_path / "out")
    assert result.record["cost"]["workers"].startswith("16 worker processes of ")


def test_a_worker_that_is_killed_is_replaced(
    tmp_path: Path, inputs: RunInputs, whole: Path, pool: WorkerPool, hurt: Path
) -> None:
    (hurt / "kill").touch()
    run.run(inputs, tmp_path / "out", SETTINGS, pool=pool)
    assert not (hurt / "kill").exists()
    assert_same(whole, tmp_path / "out")


@pytest.mark.slow
def test_workers_segment_into_the_same_labels(
    tmp_path: Path,
    inputs: RunInputs,
    pool: WorkerPool,
    hurt: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a threshold; a worker is killed meanwhile. The run measures too, `segment` does not."""
    (hurt / "threshold").touch()
    monkeypatch.setattr(frames, "segment_frame", worker_hurts.segment)
    for module in (segmenting, run):
        monkeypatch.setattr(module, "load_models", worker_hurts.load_no_models)
    assert inputs.image is not None
    image = RunInputs(image=inputs.image)
    run.run(image, tmp_path / "alone", SETTINGS)
    (hurt / "kill").touch()
    run.run(image, tmp_path / "out", SETTINGS, pool=pool)
    assert not (hurt / "kill").exists()
    assert_same(tmp_path / "alone", tmp_path / "out")

    def read_labels(folder: Path) -> dict[str, bytes]:
        files = [path for path in (folder / "labels.ome.zarr").rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    assert len(read_labels(tmp_path / "alone")) >= 6
    assert read_labels(tmp_path / "alone") == read_labels(tmp_path / "out")

    options = (SegmentationSettings(), InputSettings())
    cells = segment_movie(inputs.image, tmp_path / "alone.tif", *options)
    by_workers = segment_movie(inputs.image, tmp_path / "out.tif", *options, pool=pool)
    assert cells.equals(by_workers)
    assert (tmp_path / "alone.tif").read_bytes() == (tmp_path / "out.tif").read_bytes()


def test_workers_measure_the_same_table_and_go_on(
    tmp_path: Path, inputs: RunInputs, whole: Path, pool: WorkerPool, hurt: Path
) -> None:
    (hurt / "hold").touch()

    def stop(step: str, done: int, total: int) -> None:
        if done == 3:
            raise UserError("stop")

    out = tmp_path / "spots.csv"
    with pytest.raises(UserError, match="stop"):
        with measured_cells(inputs, SETTINGS, out, pool=pool, progress=stop):
            raise AssertionError
    work = tmp_path / ".spots.csv.work"
    before = len(list(work.glob("frames/*/*.npz")))
    assert 3 <= before <= 4
    (hurt / "hold").unlink()
    seen: list[int] = []
    with measured_cells(
        inputs, SETTINGS, out, pool=pool, progress=lambda step, done, total: seen.append(done)
    ) as found:
        write_spots_csv(out, found.spots)
    assert seen[0] == before
    assert out.read_bytes() == (whole / "spots.csv").read_bytes()
    assert sorted(tmp_path.iterdir()) == [hurt, out]


@pytest.mark.usefixtures("plain_report")
def test_a_frame_that_is_too_large_for_a_worker_is_named(
    tmp_path: Path, inputs: RunInputs, whole: Path, hurt: Path
) -> None:
    (hurt / "hoard").touch()
    out = tmp_path / "out"
    with WorkerPool(WorkerChoice(processes=1, worker_memory="600MB")) as pool:
        with pytest.raises(WorkersError, match=r"frame 3 ended 2 workers.*worker_memory"):
            run.run(inputs, out, SETTINGS, pool=pool)
    assert {0, 1, 2} <= set(list_done(out)) <= {0, 1, 2, 4, 5}
    run.run(inputs, out, SETTINGS)
    assert_same(whole, out)


@pytest.mark.usefixtures("plain_report")
def test_a_scheduler_that_is_killed_and_started_again(
    tmp_path: Path, inputs: RunInputs, whole: Path, hurt: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, out = f"tcp://127.0.0.1:{port}", tmp_path / "out"
    with ExitStack() as processes:

        def start(serve: Callable[[str], None]) -> int:
            process = get_mp_context().Process(target=serve, args=(address,))
            process.start()
            processes.callback(process.join)
            processes.callback(process.terminate)
            return process.pid

        def start_scheduler() -> int:
            pid = start(worker_hurts.serve_scheduler)
            wait_until(lambda: answers(port))
            return pid

        first = start_scheduler()
        start(worker_hurts.serve_worker)
        (hurt / "scheduler").write_text(str(first))
        choice = WorkerChoice(scheduler=address)
        with WorkerPool(choice) as pool:
            with pytest.raises(WorkersError, match=f"scheduler at {address} was lost.*go on"):
                run.run(inputs, out, SETTINGS, pool=pool)
        assert {0, 1, 2} <= set(list_done(out)) < set(range(6))
        (hurt / "scheduler").unlink()
        start_scheduler()
        start(worker_hurts.serve_worker)
        seen: list[int] = []
        with WorkerPool(choice) as pool:
            run.run(
                inputs, out, SETTINGS, pool=pool,
                progress=lambda step, done, total: seen.append(done),
            )  # fmt: skip
        assert seen[0] >= 3
    assert_same(whole, out)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


MAIN = textwrap.dedent(
    """
    import signal
    import sys
    import worker_hurts
    from btrackmate.cli.main import main
    from btrackmate.pipeline import frame_jobs

    if __name__ == "__main__":
        frame_jobs.do_frame = worker_hurts.do_frame
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Shells may have it ignored.
        main(sys.argv[1:])
    """
)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_leaves_no_process_and_goes_on(
    tmp_path: Path, inputs: RunInputs, whole: Path, hurt: Path, number: signal.Signals
) -> None:
    """Ctrl-C goes to the whole group, as from a terminal; SIGKILL to the client alone."""
    (hurt / "hold").touch()
    out, script = tmp_path / "out", tmp_path / "main.py"
    script.write_text(MAIN)
    words = ["run", str(inputs.image), "--labels", str(inputs.labels), "-o", str(out)]
    words += ["--processes", "1", "--tracker", "lap", "--workers", "1", "--quiet"]
    client = subprocess.Popen(
        [sys.executable, str(script), *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    wait_until(lambda: len(list_done(out)) >= 2)
    if number == signal.SIGINT:
        os.killpg(client.pid, number)
        _, told = client.communicate()
        assert (client.returncode, told.split("\n")) == (
            1, ["", "btrackmate: stopped by the user", ""]
        )  # fmt: skip
    else:
        client.kill()
        client.communicate()

    wait_until(lambda: not list_living(client.pid), 20)
    assert set(list_done(out)) <= set(range(4))
    (hurt / "hold").unlink()
    run.run(inputs, out, SETTINGS)
    assert_same(whole, out)


def list_living(session: int) -> list[str]:
    """List the processes of a session that run; those that only wait to be reaped do not."""
    lines = subprocess.run(
        ["ps", "-e", "-o", "sid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    fields = [line.split(None, 2) for line in lines]
    return [f[2] for f in fields if f[0] == str(session) and not f[1].startswith("Z")]


def test_a_worker_of_an_ended_run_writes_nothing(
    tmp_path: Path, inputs: RunInputs, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job of a run that was stopped, kept by a worker that hangs on to it."""
    jobs: list[frame_jobs.FrameJob] = []

    class FakePool:
        def start(self) -> None:
            pass

        def describe(self) -> str:
            return "a worker"

        def check_memory(self, need: int, what: str, **_: object) -> None:
            pass

        def check(self, function: object, job: frame_jobs.FrameJob, **_: object) -> None:
            jobs.append(job)
            frame_jobs.check_worker(job)
            assert frame_jobs.do_frame(job, 0).cpu_seconds >= 0
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run.run(inputs, out, SETTINGS, pool=FakePool())  # type: ignore[arg-type]
    assert list_done(out) == [0]
    with pytest.raises(WorkersError, match="has ended; it is left undone"):
        frame_jobs.do_frame(jobs[0], 1)

    def begin_another(step: str, done: int, total: int) -> None:
        if (step, done) != ("measuring", 1):
            return
        with pytest.raises(WorkersError, match="has ended"):
            frame_jobs.do_frame(jobs[0], 5)
        with monkeypatch.context() as late:  # It was asked just before the folder was taken.
            late.setattr(frame_jobs.FrameJob, "confirm", lambda _: None)
            with pytest.raises(StorageError, match="moved or removed"):
                frame_jobs.do_frame(jobs[0], 5)
        assert not (out / ".work" / "frames" / jobs[0].fingerprint[:16]).exists()
        assert list_done(out) == [0]

    other = SETTINGS.model_copy(
        update={"measure": SETTINGS.measure.model_copy(update={"median": False})}
    )
    run.run(inputs, out, other, progress=begin_another)
    hidden = replace(jobs[0], work=tmp_path / "elsewhere")
    with pytest.raises(UserError, match="does not see .*elsewhere: workers need the folders"):
        frame_jobs.check_worker(hidden)
    with pytest.raises(UserError, match=r"has btrackmate .*, expected 99.0: install the same"):
        frame_jobs.check_worker(replace(jobs[0], version="99.0"))


def name_worker(seconds: float, frame: int) -> tuple[str, float, float]:
    """Tell who worked on a frame, and when."""
    begin = time.monotonic()
    time.sleep(seconds)
    return str(distributed.get_worker().name), begin, time.monotonic()


@pytest.fixture(scope="module")
def mixed() -> Iterator[str]:
    """Address of a scheduler: a worker has a GPU, two have none; two threads each."""
    workers = {
        name: {
            "cls": distributed.Worker,
            "options": {"resources": resources, "nthreads": 2, "memory_limit": limit},
        }
        for name, resources, limit in (
            ("gpu", {"GPU": 1}, 10**10),
            ("cpu", {}, 10**9),
            ("other", {"DISK": 1}, 10**9),
        )
    }
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard": False, "port": 0}}
    # They run in this process, and its memory, of all tests before, would pause them.
    never = {f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause")}
    with (
        dask.config.set(never),
        distributed.SpecCluster(workers=workers, scheduler=scheduler) as cluster,
    ):
        yield cluster.scheduler_address


def test_frames_with_networks_go_to_the_gpus_one_at_a_time(mixed: str) -> None:
    with WorkerPool(WorkerChoice(scheduler=mixed)) as pool:
        done = [told for _, told in pool.spread(name_worker, 0.02, range(6), "s", prefers_gpu=True)]
    assert {name for name, _, _ in done} == {"gpu"}
    times = sorted((begin, end) for _, begin, end in done)
    assert all(end <= begin for (_, end), (begin, _) in zip(times, times[1:], strict=False))


def test_other_frames_go_to_all_workers(mixed: str) -> None:
    with WorkerPool(WorkerChoice(scheduler=mixed)) as pool:
        done = [told for _, told in pool.spread(name_worker, 0.05, range(12), "m")]
    assert {name for name, _, _ in done} == {"gpu", "cpu", "other"}


def test_the_memory_of_workers_that_get_no_frame_does_not_count(mixed: str) -> None:
    with WorkerPool(WorkerChoice(scheduler=mixed)) as pool:
        pool.check_memory(2 * 10**9, "one frame", prefers_gpu=True)
        with pytest.raises(UserError, match="and a worker has 1 GB"):
            pool.check_memory(2 * 10**9, "one frame")


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (WorkerChoice(processes=0), "processes= is 0, expected 1 or more"),
        (
            WorkerChoice(processes=1, worker_memory="much"),
            "is 'much', expected e.g. 4GB; a worker takes",
        ),
        (WorkerChoice(processes=1, worker_memory="1MB"), "is '1MB', expected e.g. 4GB"),
        (WorkerChoice(processes=1, scheduler="tcp://a:1"), "processes= and scheduler= are given"),
        (WorkerChoice(scheduler="node1"), "is 'node1', expected an address such as tcp://node1:"),
        (WorkerChoice(scheduler="tcp://a:1", worker_memory="4GB"), "goes with processes= only"),
        (WorkerChoice(scheduler="tcp://127.0.0.1:9"), "no dask scheduler answers at tcp://127"),
        (WorkerChoice(cluster=Path("none.yaml")), "none.yaml: no such file"),
    ],
)
def test_workers_that_cannot_be_had_are_refused_before_anything_is_written(
    tmp_path: Path,
    inputs: RunInputs,
    choice: WorkerChoice,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with pytest.raises(UserError, match=told), WorkerPool(choice) as pool:
        run.run(inputs, tmp_path / "out", SETTINGS, pool=pool)
    assert not list(tmp_path.iterdir())


def test_workers_of_other_versions_are_refused(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.start()
    monkeypatch.setattr(cluster.btrackmate, "__version__", "99.0")
    with pytest.raises(UserError, match=r"the worker tcp://.* has btrackmate .*, expected 99.0"):
        pool.check_versions()


def test_a_frame_that_no_worker_can_hold_is_refused(pool: WorkerPool) -> None:
    with pytest.raises(UserError, match=r"one frame in a worker takes 1e\+06 GB or more, and a"):
        pool.check_memory(10**15, "one frame")


@pytest.mark.parametrize("said", ["", "HTTP/1.0 400 Bad request\r\n\r\n" + "x" * 99, "odd"])
def test_address_where_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Another program's, that says nothing, answers as the web does, or says odd things."""
    monkeypatch.setattr(cluster, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as kept:

        def answer() -> None:
            client = kept.enter_context(server.accept()[0])
            client.sendall(b"\0" * 99 if said == "odd" else said.encode())

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        with WorkerPool(WorkerChoice(scheduler=f"tcp://127.0.0.1:{port}")) as pool:
            with pytest.raises(UserError, match="no dask scheduler answers at tcp://127"):
                pool.start()
