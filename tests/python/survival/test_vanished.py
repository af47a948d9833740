"""The folder of the outputs is removed while a verb works in it: a whole result, or one line."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from faults import run_child
from survival.verbs import Reference, Verb, prepare, quick_steps, read_outputs

VERBS = {
    "run": Verb("run --labels l.tif --tracker nearest -o out"),
    "segment": Verb("segment i.tif -o out/s.ome.zarr"),
    "geff": Verb("convert t.xml out/t.geff"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", VERBS)
def test_the_folder_of_the_outputs_vanishes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    prepare(tmp_path / "inputs")
    with quick_steps():
        whole = Reference.make(VERBS[name], tmp_path / "inputs", tmp_path)
        for at in np.linspace(1, whole.calls, 5).astype(int).tolist():
            shutil.rmtree(whole.folder)
            shutil.copytree(whole.template, whole.folder)
            capfd.readouterr()
            ended = run_child(
                whole.work, whole.folder, at=at, strike=lambda: shutil.rmtree(whole.folder / "out")
            )
            said = capfd.readouterr().err.strip().splitlines()
            assert ended.code in (0, 1, 2)
            if ended.code == 0:
                found = read_outputs(whole.folder, hidden=True)
                assert found in (whole.new, whole.old), at  # Removed once all was done.
            else:
                assert len([line for line in said if "warning" not in line]) == 1, said
