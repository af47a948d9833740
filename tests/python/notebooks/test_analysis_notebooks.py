"""The notebooks on tracks run from top to bottom as they are, and hold the pictures they make."""

import json
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

FOLDER = Path(__file__).parents[3] / "notebooks"


def read_cells(name):
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(name):
    """Run all cells but the installation; give their names."""
    names = {}
    for index, cell in enumerate(read_cells(name)):
        if "install" not in cell["metadata"].get("tags", []):
            exec(compile("".join(cell["source"]), f"{name}, cell {index}", "exec"), names)
    plt.close("all")
    return names


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["boundary_distance.ipynb", "intensity_rhythm.ipynb"])
def test_notebooks_hold_the_pictures_of_their_cells_and_no_errors(name):
    cells = read_cells(name)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4
    counts = [cell["execution_count"] for cell in cells[1:]]
    assert counts == list(range(1, len(cells)))
    assert (FOLDER / name).stat().st_size < 400_000


@pytest.mark.slow
def test_boundary_notebook_runs_on_the_sample(here, capsys):
    names = run("boundary_distance.ipynb")
    assert set(names["ends"]["role"]) == {"mother", "daughter"}
    assert names["known"]["rate_se"].gt(0).all()
    assert (here / "boundary-distance" / "rates.svg").is_file()
    assert "58" in capsys.readouterr().out  # divisions of the sample


@pytest.mark.slow
def test_rhythm_notebook_finds_the_known_rhythm_and_none_in_noise(here):
    names = run("intensity_rhythm.ipynb")
    table, true = names["table"], names["true"]
    assert not table.loc[~true, "rhythmic"].any()
    found = table.loc[true & table["rhythmic"], "period"]
    assert len(found) >= 5
    assert found.sub(24).abs().max() < 1
    assert (here / "intensity-rhythm" / "rhythm.csv").is_file()
