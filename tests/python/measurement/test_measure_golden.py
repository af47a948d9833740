"""The cases in tests/golden that Java and Python share; what each is for stands in its `why`."""

import json
from pathlib import Path

import numpy as np
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.measurement import (
    MaskSettings,
    MeasureSettings,
    Tissue,
    apply_mask,
    measure_frame,
    measure_one_frame,
)

GOLDEN = Path(__file__).parents[2] / "golden"


def load_cases(folder):
    return [
        pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem)
        for path in sorted((GOLDEN / folder).glob("*.json"))
    ]


def calibrate(spacing):
    dz, dy, dx = (1.0, *spacing)[-3:]
    return Calibration(dx, dy, dz)


def assert_equal(found, expected, where):
    if expected is None:
        assert np.isnan(found), where
    else:
        assert float(found) == pytest.approx(float(expected), rel=1e-6, abs=1e-9), where


def test_every_golden_folder_has_cases():
    assert all(load_cases(folder) for folder in ("measure", "mask", "boundary"))


@pytest.mark.parametrize("dtype", ["uint32", "int64", "uint64"])
@pytest.mark.parametrize("case", load_cases("measure"))
def test_measure(case, dtype):
    labels = np.array(case["labels"], dtype)
    channels = np.array(case["channels"]) if case["channels"] else None
    table = measure_frame(labels, channels, calibrate(case["spacing"]))
    assert table["label"].tolist() == [cell["label"] for cell in case["cells"]]
    for row, cell in zip(table.to_dict("records"), case["cells"], strict=True):
        for name, expected in cell.items():
            assert_equal(row[name], expected, f"label {cell['label']}: {name}")


@pytest.mark.parametrize("image_type", ["uint8", "uint16", "int32", "float32", ">u2"])
def test_measure_in_every_image_type(image_type):
    case = next(c.values[0] for c in load_cases("measure") if c.id == "rectangle_2d")
    channels = np.array(case["channels"], image_type)
    table = measure_frame(np.array(case["labels"], "u1"), channels, calibrate(case["spacing"]))
    for row, cell in zip(table.to_dict("records"), case["cells"], strict=True):
        for name, expected in cell.items():
            assert_equal(row[name], expected, name)


def mask_settings(policy):
    given = {"policy": policy["name"], "fraction": policy["fraction"], "tissues": policy["tissues"]}
    return MaskSettings.parse({name: v for name, v in given.items() if v is not None})


@pytest.mark.parametrize("case", load_cases("mask"))
def test_mask(case):
    labels = np.array(case["labels"], np.int64)
    result = apply_mask(labels, np.array(case["mask"]), mask_settings(case["policy"]))
    left = dict(zip(*np.unique(result.labels, return_counts=True), strict=True))
    for row, cell in zip(result.kept.to_dict("records"), case["kept"], strict=True):
        assert (row["label"], row["tissue"]) == (cell["label"], cell["tissue"])
        assert row["tissue_fraction"] == pytest.approx(cell["fraction"])
        assert left[cell["label"]] == cell["voxels"]
    for row, cell in zip(result.dropped.to_dict("records"), case["dropped"], strict=True):
        assert {name: row[name] for name in ("label", "reason", "tissue", "voxels")} == {
            name: cell[name] for name in ("label", "reason", "tissue", "voxels")
        }
        assert row["tissue_fraction"] == pytest.approx(cell["fraction"])


@pytest.mark.parametrize("case", load_cases("mask"))
def test_mask_of_a_measured_frame(case):
    settings = MeasureSettings(mask=mask_settings(case["policy"]))
    labels = np.array(case["labels"], np.uint32)
    tissue = Tissue(np.array(case["mask"]), Calibration(), settings)
    measured = measure_one_frame(3, labels, None, tissue, Calibration(), settings)
    kept, dropped = measured.spots, measured.dropped
    names = ["label", "tissue", "tissue_fraction", "voxels"]
    assert kept[names].to_numpy().tolist() == [
        [cell[name] for name in ("label", "tissue", "fraction", "voxels")] for cell in case["kept"]
    ]
    assert dropped[[*names, "reason"]].to_numpy().tolist() == [
        [cell[name] for name in ("label", "tissue", "fraction", "voxels", "reason")]
        for cell in case["dropped"]
    ]
    assert set(measured.dropped["frame"]) | set(measured.spots["frame"]) == {3}


@pytest.mark.parametrize("case", load_cases("boundary"))
def test_boundary(case):
    settings = MeasureSettings(border_is_surface=case["border_is_surface"])
    tissue = Tissue(np.array(case["mask"]), calibrate(case["spacing"]), settings)
    points = np.array([[point[axis] for axis in "xyz"] for point in case["points"]])
    for point, found in zip(case["points"], tissue.distance_at(points), strict=True):
        assert_equal(found, point["distance"], str(point))
