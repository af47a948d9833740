"""The shared cases of killed processes that no other test is named after."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from faults import run_child
from hand_tracks import make_graph
from survival.verbs import Reference, Verb, prepare, quick_steps

from btrackmate.core.errors import UserError
from btrackmate.core.staging import clear_leftovers
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import RunSettings

NEW = make_graph()
OLD = NEW.keep_spots(NEW.spots.frame < 2)


def count_kills(path: Path, count: Callable[[], object]) -> set[object]:
    """Kill the writing of NEW over OLD at its first calls and its last, and give what is there.

    Before and after clearing it is the same.
    """
    write_tracks(path, OLD)
    calls = run_child(lambda: write_tracks(path, NEW), path.parent).calls
    found = set()
    for at in (1, calls // 3, *range(calls - 12, calls, 3)):
        write_tracks(path, OLD)
        assert run_child(lambda: write_tracks(path, NEW), path.parent, at=at).killed
        seen = count()
        clear_leftovers(path.parent)
        assert count() == seen
        assert not [one for one in path.parent.iterdir() if one.name.startswith(".")]
        found.add(seen)
    return found


def test_survival_csv_pair_killed(tmp_path: Path) -> None:
    """Tables of spots and links are both old or both new."""

    def count() -> tuple[int, ...]:
        return tuple(len(pd.read_csv(tmp_path / f"t.{name}.csv")) for name in ("spots", "links"))

    both = {(len(graph.spots), graph.n_links) for graph in (OLD, NEW)}
    assert count_kills(tmp_path / "t.csv", count) == both


@pytest.mark.slow
def test_survival_geff_overwrite_killed(tmp_path: Path) -> None:
    """The old graph or the new one stands under its name."""

    def count() -> int:
        return read_tracks(tmp_path / "t.geff")[0].n_links

    assert count_kills(tmp_path / "t.geff", count) == {OLD.n_links, NEW.n_links}


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["tif", "ome.zarr"])
def test_killed_while_the_work_is_removed(tmp_path: Path, ending: str) -> None:
    """The labels stand in place, and the next start takes them, their cells too, from the rest."""
    prepare(tmp_path / "inputs")
    with quick_steps():
        whole = Reference.make(Verb(f"segment i.tif -o s.{ending}"), tmp_path / "inputs", tmp_path)
        work = whole.folder / f".s.{ending}.work"
        shutil.rmtree(whole.folder)
        shutil.copytree(whole.template, whole.folder)

        def kill_in_between(_: int) -> None:
            if (work / "ended").is_symlink() and not list(work.glob("new-*")):
                os.kill(os.getpid(), signal.SIGKILL)

        first = run_child(whole.work, whole.folder, watch=kill_in_between)
        assert first.killed
        assert whole.start_again(first, fail=False) == ""


@pytest.mark.slow
@pytest.mark.usefixtures("plain_report")
def test_survival_work_left(tmp_path: Path) -> None:
    """Killed while it clears up, the finished run is there, and the next start clears the rest."""
    settings = RunSettings(workers=1, tracker="nearest")
    (tmp_path / "c.csv").write_text("frame,x,y\n0,1,2\n1,1,2\n")

    def work(name: str) -> None:
        run(RunInputs(spots=tmp_path / "c.csv"), tmp_path / name, settings)

    calls = run_child(lambda: work("whole"), tmp_path).calls
    left = 0
    for back in (1, 4, 8):
        name = f"out{back}"
        assert run_child(lambda n=name: work(n), tmp_path, at=calls - back).killed
        assert (tmp_path / name / "run.yaml").is_file()
        left += any(path.name.startswith(".") for path in (tmp_path / name).iterdir())
        try:
            work(name)
        except UserError as error:
            assert "holds a finished run" in str(error)
        assert not [p for p in (tmp_path / name).iterdir() if p.name.startswith(".")]
    assert left
