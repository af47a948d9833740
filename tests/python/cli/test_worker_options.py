"""The options of workers at the command line: one line and exit code 2 for what is wrong."""

from pathlib import Path

import pytest

from btrackmate.cli.main import run_command

pytestmark = pytest.mark.usefixtures("plain_report")


@pytest.mark.parametrize("verb", ["run", "measure", "segment"])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--processes", "0"], "--processes is 0, expected 1 or more"),
        (["--processes", "2", "--cluster", "a.yaml"], "--processes and --cluster are given; give"),
        (["--worker-memory", "4GB"], "--worker-memory goes with --processes only"),
        (["--scheduler", "here"], "--scheduler is 'here', expected an address such as tcp://node1"),
        (["--cluster", "a.yaml"], "a.yaml: no such file"),
    ],
)
def test_wrong_workers_are_refused(
    tmp_path: Path,
    labels_3d: Path,
    verb: str,
    words: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["--labels", str(labels_3d)] if verb == "run" else [str(labels_3d)]
    out = tmp_path / {"run": "out", "measure": "spots.csv", "segment": "labels2.tif"}[verb]
    assert run_command([verb, *given, "-o", str(out), *words]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [labels_3d]
