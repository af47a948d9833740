"""The file for a job queue: the script that is submitted, without any queue here."""

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from btrackmate.core.errors import UserError
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.worker_choice import ClusterFile, WorkerChoice, read_memory

# Not imported here: it would take the signals of all tests.
if importlib.util.find_spec("dask_jobqueue") is None:
    pytest.skip("dask-jobqueue is not installed", allow_module_level=True)

EXAMPLE = Path(__file__).parents[3] / "docs" / "slurm.yaml"


def write_script(**values: object) -> list[str]:
    cluster = ClusterFile.parse(values).open("workers.yaml")
    try:
        return list(cluster.job_script().splitlines())
    finally:
        cluster.close()


def test_the_example_makes_a_slurm_script() -> None:
    """10 jobs of 8 cores and 32 GB (29.8 GiB, rounded up by SLURM's rule), shared by 2 workers."""
    example = ClusterFile.from_yaml(EXAMPLE)
    assert example.jobs == 10
    lines = write_script(**example.model_dump())
    assert lines[0] == "#!/usr/bin/env bash"
    directives = [line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")]
    assert directives == [
        "-J dask-worker", "-e worker-logs/dask-worker-%J.err", "-o worker-logs/dask-worker-%J.out",
        "-p main", "-A my-lab", "-n 1", "--cpus-per-task=8", "--mem=30G", "-t 08:00:00",
    ]  # fmt: skip
    assert "export DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE=False" in lines
    words = lines[-1].split()
    assert words[:3] == ["/shared/btrackmate/bin/python", "-m", "distributed.cli.dask_worker"]
    assert words[words.index("--nworkers") + 1] == "2"
    assert words[words.index("--nthreads") + 1] == "4"
    assert words[words.index("--memory-limit") + 1] == "14.90GiB"


def test_a_gpu_is_asked_for_and_told_of() -> None:
    lines = write_script(
        kind="slurm", jobs=1, cores=4, memory="16GB",
        job_extra_directives=["--gres=gpu:1"], job_script_prologue=["module load cuda"],
        worker_extra_args=["--resources", "GPU=1"],
    )  # fmt: skip
    assert "#SBATCH --gres=gpu:1" in lines
    assert lines[-2] == "module load cuda"
    assert lines[-1].endswith("--resources GPU=1")


@pytest.mark.parametrize(
    ("kind", "account"), [("pbs", "#PBS -A lab"), ("lsf", '#BSUB -P "lab"'), ("sge", "#$ -P lab")]
)
def test_other_queues_take_the_same_names(kind: str, account: str) -> None:
    lines = write_script(kind=kind, jobs=1, cores=4, memory="16GB", queue="long", account="lab")
    assert account in lines
    assert any(line.endswith("-q long") for line in lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cors: 4", "unknown setting 'cors'; known: kind, jobs, cores, memory"),
        ("kind: condor", "kind: Input should be 'slurm', 'pbs'"),
        ("jobs: 0", "jobs: Input should be greater than or equal to 1"),
        ("memory: 16 apples", "memory is '16 apples', expected e.g. 16GB"),
        ("walltime: 1:30:00", "'1:30:00' is no plain decimal number"),
        ("walltime: 5400", "walltime is read as the number 5400; put it in quotes"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    values = {"kind": "slurm", "jobs": "2", "cores": "4", "memory": "8GB"}
    key, _, value = text.partition(": ")
    lines = [f"{name}: {one}" for name, one in (values | {key: value}).items()]
    path = tmp_path / "workers.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"workers.yaml(: |, line 5: )") as error:
        WorkerPool(WorkerChoice(cluster=path))
    assert told in str(error.value)


def test_a_machine_without_the_queue_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "workers.yaml"
    path.write_text("kind: slurm\njobs: 2\ncores: 4\nmemory: 16GB\n")
    with pytest.raises(UserError, match="sbatch is not found on this machine"):
        WorkerPool(WorkerChoice(cluster=path)).start()


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4 * 10**9), ("1.5 GiB", 3 * 2**29), ("512mb", 512 * 10**6), ("7B", 7),
     ("4", None), ("4 G", None), ("-1GB", None), ("GB", None)],
)  # fmt: skip
def test_memory_is_read_in_bytes(text: str, size: int | None) -> None:
    assert read_memory(text) == size


def test_signals_stay_as_they_are() -> None:
    """dask-jobqueue takes SIGINT and SIGTERM for itself when it is imported."""
    code = """
        import signal
        from btrackmate.pipeline.worker_choice import ClusterFile
        ours = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
        file = ClusterFile.parse({"kind": "slurm", "jobs": 1, "cores": 1, "memory": "1GB"})
        file.open("workers.yaml").close()
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == ours
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
