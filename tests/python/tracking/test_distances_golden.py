"""Distances from the data on the golden cases: Java has the same rule (LinkingDistancesTest)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import btrackmate.tracking.auto as auto
from btrackmate.core.calibration import Calibration
from btrackmate.core.spots import Spots

CASES = sorted((Path(__file__).parents[2] / "golden" / "distances").glob("*.json"))


def make_spots(case):
    """Spots of the case's points, in its frames; the empty ones too."""
    spacing, frames = case["spacing"], case["frames"]
    ndim = len(spacing)
    rows = [(t, *point) for t, points in enumerate(frames) for point in points]
    table = pd.DataFrame(rows, columns=["frame", *"xyz"[:ndim]]).assign(id=range(len(rows)))
    if ndim == 2:
        table["z"] = 0.0
    scale = Calibration(spacing[-1], spacing[-2], spacing[0] if ndim == 3 else 1.0, 1.0, "µm", "s")
    return Spots.from_table(table, scale, ndim=ndim, n_frames=len(frames))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden(path, monkeypatch):
    case = json.loads(path.read_text(encoding="utf-8"))
    if "sample" in case:
        monkeypatch.setattr(auto, "_SPOTS", case["sample"])
    found = auto.measure_distances(make_spots(case))
    for name, expected in case["expected"].items():
        value = np.nan if expected is None else expected
        np.testing.assert_allclose(getattr(found, name), value, rtol=0, atol=1e-9, err_msg=name)


def test_golden_cases_are_there():
    assert len(CASES) >= 10
