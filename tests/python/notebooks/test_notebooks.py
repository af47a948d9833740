"""The notebooks' code runs from top to bottom, on less data and with tiny networks."""

import json
from pathlib import Path

import pytest
from extras import needs

pytestmark = needs("stardist", "tensorflow")


FOLDER = Path(__file__).parents[3] / "notebooks"

TINY = """
Example = {"n": 3, "shape": (8, 48, 48), "seed": 1}
parameters |= {
    "NetworkDepth": 1, "Epochs": 1, "PatchX": 32, "PatchY": 32, "PatchZ": 8,
    "n_patches_per_image": 1, "Rays": 8, "startfilter": 2, "features": 4, "min_cells": 1,
}
"""


def read_cells(name):
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(name, *changes):
    """Run all cells but the installation; `changes` come after the parameters."""
    import matplotlib

    matplotlib.use("Agg")
    names = {}
    cells = read_cells(name)
    last = max(i for i, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", []))
    for index, cell in enumerate(cells):
        if "install" in cell["metadata"].get("tags", []):
            continue
        exec(compile("".join(cell["source"]), f"{name}, cell {index}", "exec"), names)
        if index == last:
            for change in changes:
                exec(change, names)
    matplotlib.pyplot.close("all")
    return names


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["train.ipynb", "predict.ipynb"])
def test_notebooks_hold_no_outputs_and_an_install_cell(name):
    cells = read_cells(name)
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    assert sum("install" in cell["metadata"].get("tags", []) for cell in cells) == 1
    assert (FOLDER / name).stat().st_size < 40_000


@pytest.mark.slow
def test_training_notebook_trains_both_networks_and_the_prediction_uses_them(here, capsys):
    names = run("train.ipynb", TINY)
    assert set(names["folders"]) == {"stardist", "unet"}
    assert names["result"].labels.shape == (8, 48, 48)
    assert (here / "models/VollSeg/stardist/model_card.json").is_file()
    names = run(
        "predict.ipynb",
        "ImageDir = 'models/example-data/Raw'; Model_Dir = 'models/VollSeg'; n_tiles = (1, 2, 1)",
    )
    assert len(names["results"]) == 3
    for path, output in names["results"]:
        assert (here / output).is_file()
        assert (here / "Results" / f"{path.stem}.cells.csv").is_file()
    assert "cells:" in capsys.readouterr().out


@pytest.mark.slow
def test_prediction_notebook_runs_as_it_is(here):
    names = run("predict.ipynb")
    assert [output.name[-11:] for _, output in names["results"]] == [".labels.tif"] * 2
