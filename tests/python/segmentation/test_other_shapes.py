"""Shapes from label images and from a stand-in of Cellpose, whose weights are not at hand."""

import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.pipeline.record import describe_models
from btrackmate.segmentation import Models, SegmentationSettings, load_models, segment_volume
from btrackmate.segmentation.backend import has_bfloat16
from btrackmate.segmentation.other_shapes import CellposeShapes, LabelShapes, describe_shapes


def test_labels_become_shapes_with_numbers_from_one(draw):
    """Ids 5 and 70,000; the middle column of each lies 1.5 voxels inside."""
    labels = draw("55577", "55577", "55577").astype(np.uint32)
    labels[labels == 7] = 70_000
    found = describe_shapes(labels)
    assert found.labels.tolist() == [[1, 1, 1, 2, 2]] * 3
    assert found.points.tolist() == [[1, 1], [1, 4]]
    assert found.scores.tolist() == [1, 1]
    assert found.distance[1].tolist() == [2.5, 1.5, 0.5, 0.5, 1.5]
    assert found.probability.max() == 1


def test_without_cells(draw):
    found = describe_shapes(draw("000", "000"))
    assert len(found.points) == 0
    assert not found.probability.any()


def test_labels_of_another_shape_are_refused(draw):
    with pytest.raises(UserError, match=r"labels of the shapes are \(1, 2\), expected .*\(4, 4\)"):
        LabelShapes(draw("11")).predict(np.zeros((4, 4), np.float32))


def test_given_labels_are_segmented_as_stardists(draw):
    labels = draw("11.22", "11.22")
    image = np.arange(10, dtype=np.float32).reshape(2, 5)
    settings = SegmentationSettings(mode="stardist", min_size=0)
    result = segment_volume(image, Calibration(), settings, Models(LabelShapes(labels), None))
    np.testing.assert_array_equal(result.labels, labels)
    assert result.cells["origin"].tolist() == ["stardist", "stardist"]


class StandIn:
    """Finds what is brighter than 0.5, as one cell; its map is 2 there and -2 elsewhere."""

    def eval(self, x, **options):
        self.options = options
        found = x > 0.5
        return found.astype(np.uint16), [None, None, np.where(found, 2.0, -2.0)], None


def test_cellpose_stands_in_stardists_place():
    model = StandIn()
    image = np.zeros((3, 8, 8), np.float32)
    image[:, 2:6, 2:6] = 1
    found = CellposeShapes(model).predict(image, prob_thresh=0.5, nms_thresh=None, nms="exact")
    assert found.labels.max() == 1
    assert found.scores.tolist() == pytest.approx([1 / (1 + np.exp(-2))])
    assert model.options == {
        "do_3D": True, "z_axis": 0, "normalize": False, "cellprob_threshold": 0.0
    }  # fmt: skip
    CellposeShapes(model).predict(image[0])
    assert model.options == {"normalize": False}


def test_cellpose_that_is_not_installed_is_named(monkeypatch):
    from importlib import util

    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "cellpose" else find(name))
    with pytest.raises(UserError, match=r"pip install 'btrackmate\[cellpose\]'"):
        load_models(SegmentationSettings(mode="stardist", shapes="cellpose"))


def test_processors_with_bfloat16(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("flags : fpu avx512f amx_bf16\n")
    assert has_bfloat16(file)
    file.write_text("flags : fpu avx512f\n")
    assert not has_bfloat16(file)
    assert not has_bfloat16(tmp_path / "none")


def test_a_cellpose_model_of_ones_own_is_part_of_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, or a name in Cellpose's folder; not the model that Cellpose fetches itself."""
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path))
    for name in ("mine", "cpsam"):
        (tmp_path / name).write_text("weights", encoding="ascii")

    def describe(name: str) -> dict[str, Any]:
        chosen = SegmentationSettings(mode="stardist", shapes="cellpose", cellpose=name)
        return describe_models(chosen)

    assert describe("cpsam") == {}
    before = describe("mine")
    assert before["cellpose"]["path"] == str(tmp_path / "mine")
    assert describe(str(tmp_path / "mine")) == before
    (tmp_path / "mine").write_text("others", encoding="ascii")
    assert describe("mine") != before


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Which models Cellpose is asked for; it is not installed, and a stub stands in its place."""
    asked = []
    module, package = types.ModuleType("cellpose.models"), types.ModuleType("cellpose")
    module.MODEL_NAMES = ["cpsam", "cpdino"]
    module.CellposeModel = lambda pretrained_model: asked.append(pretrained_model)
    package.__spec__, package.models = ModuleSpec("cellpose", None), module
    monkeypatch.setitem(sys.modules, "cellpose", package)
    monkeypatch.setitem(sys.modules, "cellpose.models", module)
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mine").touch()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    return asked


@pytest.mark.parametrize(
    ("name", "asked"), [("cpdino", "cpdino"), ("mine", "home/mine"), ("file", "file")]
)
def test_cellpose_loads_the_file_that_is_hashed(loaded, tmp_path, name, asked):
    """Asked for a name that it does not know it would take its own model, without a word."""
    CellposeShapes.load(name)
    assert loaded == [asked if name == "cpdino" else str(tmp_path / asked)]


def test_a_cellpose_model_that_is_not_there_is_refused(loaded):
    with pytest.raises(UserError, match=r"'mnie': no such file, .* its own \(cpsam, cpdino\)"):
        CellposeShapes.load("mnie")
    assert not loaded
