"""What the command line imports: a help text or a small file must not wait for packages."""

import subprocess
import sys
from pathlib import Path

import pytest

from btrackmate.cli.main import VERBS

HEAVY = {
    "csbdeep", "dask", "distributed", "geff", "h5py", "imagecodecs", "imagej", "jpype", "lxml",
    "matplotlib", "napari", "numba", "scipy", "scyjava", "skimage", "stardist", "tensorflow",
    "tifffile", "tqdm", "xarray", "zarr",
}  # fmt: skip


def list_loaded(words: list[str]) -> tuple[set[str], str]:
    """Run one command line in a new process; give the packages loaded then, and its output."""
    code = (
        "import sys; from btrackmate.cli.main import run_command; code = run_command(sys.argv[1:]);"
        "print(*{name.split('.')[0] for name in sys.modules}); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *output, loaded = done.stdout.splitlines()
    return set(loaded.split()), "\n".join(output)


def test_the_list_of_verbs_loads_nothing() -> None:
    loaded, output = list_loaded(["--help"])
    assert not loaded & (HEAVY | {"numpy", "pandas", "pydantic", "yaml"})
    for verb in VERBS:
        assert f"  {verb} " in output


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "btrackmate", "tracks"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "btrackmate: No such command 'tracks'. (see btrackmate --help)\n"


def test_help_of_a_verb_loads_neither_tables_nor_loops() -> None:
    """One after the other in one process: what any of them loads is there after it."""
    code = (
        "import sys; from btrackmate.cli.main import run_command\n"
        "for verb in sys.argv[1:]:\n"
        "    assert run_command([*verb.split(), '--help']) == 0\n"
        "    print('LOADED', verb, {name.split('.')[0] for name in sys.modules})"
    )
    verbs = [*VERBS, "fiji run", "fiji doctor"]
    done = subprocess.run(
        [sys.executable, "-c", code, *verbs], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for verb in verbs:
        assert "Usage: btrackmate " + verb in done.stdout
    loaded = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    assert len(loaded) == len(verbs)
    for line in loaded:
        assert not [name for name in HEAVY | {"numpy", "pandas"} if f"'{name}'" in line], line


@pytest.fixture
def spots(tmp_path: Path) -> Path:
    """Ten cells in ten frames."""
    rows = [f"{frame},{10 * cell + frame % 3},{cell % 4},{cell}" for frame in range(10)
            for cell in range(10)]  # fmt: skip
    path = tmp_path / "spots.csv"
    path.write_text("frame,x,y,z\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_small_table_is_tracked_and_converted_without_heavy_packages(spots: Path) -> None:
    """`track` with a tracker that links pairs of frames, then `convert` there and back."""
    tracks, table = spots.with_name("tracks.xml"), spots.with_name("table.csv")
    again = spots.with_name("again.xml")
    words = ["track", str(spots), "-o", str(tracks), "--tracker", "lap", "--quiet"]
    for verb in (words, ["convert", str(tracks), str(table)], ["convert", str(table), str(again)]):
        loaded, _ = list_loaded(verb)
        assert not loaded & HEAVY
    assert again.read_text(encoding="utf-8").count("<Edge ") == 90
