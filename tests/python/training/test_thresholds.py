"""The search of thresholds, on networks whose maps are drawn."""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from tiny_training import TINY, make_data

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.segmentation.shapes import Shapes, StarDistPrediction
from btrackmate.segmentation.stardist import StarDistModel
from btrackmate.segmentation.unet import UNetPrediction
from btrackmate.training import optimise, thresholds, train
from btrackmate.training.dataset import Pair, load_dataset
from btrackmate.training.fusion import Fusion, choose_wall
from btrackmate.training.objective import Objective, OptimiseSettings
from btrackmate.training.optimise import (
    Optimised,
    _optimise_fused,
    check_found,
    optimise_thresholds,
)
from btrackmate.training.thresholds import (
    FOREGROUND_GRID,
    PROB_GRID,
    Found,
    average_score,
    measure_foreground,
    search_stardist,
    search_unet,
)

pytestmark = needs("stardist", "tensorflow")

FIVE = Objective(iou=(0.5,))
START = {"prob": 0.5, "nms": 0.3}


class DrawnShapes:
    """Three shapes: two true cells (0.9 and 0.6) and a false one (0.3), whatever the image.

    With an NMS threshold above 0.42 a second false one (0.8) beside the first cell stays.
    """

    grid = (1, 1)

    def predict_maps(self, image):
        return None

    def find_shapes(self, maps, prob_thresh, nms_thresh, *, nms):
        scores = [0.9, 0.8, 0.6, 0.3] if nms_thresh > 0.42 else [0.9, 0.6, 0.3]
        kept = np.array([s for s in scores if s > prob_thresh], np.float32)
        return Shapes(np.zeros((len(kept), 2), int), kept, np.zeros((len(kept), 8), np.float32))

    def render(self, shapes, shape):
        columns = {0.9: slice(0, 2), 0.8: slice(2, 4), 0.6: slice(5, 7), 0.3: slice(8, 10)}
        labels = np.zeros(shape, np.int32)
        for i, score in enumerate(shapes.scores):
            labels[:, columns[round(float(score), 1)]] = i + 1
        return labels


@pytest.fixture
def truth():
    labels = np.zeros((2, 10), np.int32)
    labels[:, 0:2], labels[:, 5:7] = 1, 2
    return (Pair("a", np.zeros((2, 10), np.float32), labels, ""),)


def test_best_thresholds_keep_the_cells_and_drop_what_is_none(truth):
    """Anything from 0.3 to below 0.6 is perfect: the middle of it, and of NMS up to 0.4."""
    found = search_stardist(DrawnShapes(), truth, lambda *_: None, FIVE)
    assert found.scores == {"F1": 1.0}
    assert 0.42 <= found.thresholds["prob"] <= 0.47
    assert 0.2 <= found.thresholds["nms"] <= 0.3
    by_key = {(row["prob"], row["nms"]): row["F1"] for row in found.table}
    assert by_key[0.2, 0.3] == pytest.approx(2 * 2 / (2 * 2 + 1))  # the false one too
    assert by_key[0.5, 0.5] == pytest.approx(2 * 2 / (2 * 2 + 1))  # the neighbour too
    assert by_key[0.7, 0.3] == pytest.approx(2 / 3)  # one cell missed
    assert by_key[0.95, 0.3] == 0


def test_average_precision_is_another_objective(truth):
    found = search_stardist(DrawnShapes(), truth, lambda *_: None, Objective(metric="ap"))
    by_key = {(row["prob"], row["nms"]): row["AP"] for row in found.table}
    assert by_key[0.7, 0.3] == pytest.approx(1 / 2)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"), (8, 20, 20))


@pytest.fixture(scope="module")
def trained(drawn, tmp_path_factory):
    """Train a little; the data and the folder of both models."""
    root = tmp_path_factory.mktemp("models")
    train(drawn, "tiny", root, TINY)
    return drawn, root / "tiny"


@pytest.mark.slow
def test_search_equals_scoring_every_threshold_by_itself(trained, monkeypatch):
    """The shortcut (draw once, leave out the less probable) changes nothing, in 3D."""
    data, folder = trained
    model = StarDistModel(folder / "stardist")
    pairs = load_dataset(data, TINY).train
    monkeypatch.setattr(thresholds, "NMS_GRID", (0.2, 0.5))
    maps = [model.predict_maps(pair.image) for pair in pairs]
    # An untrained network is sure of nothing: give it probabilities on the grid, and shapes.
    rng = np.random.default_rng(0)
    for m in maps:
        m.probability[...] = rng.random(m.probability.shape) ** 6
        m.distance[...] = rng.uniform(2, 4, m.distance.shape)
    recorded = dict(zip([id(p.image) for p in pairs], maps, strict=True))
    model.predict_maps = lambda image: recorded[id(image)]
    low = Objective(iou=(0.01, 0.1))
    found = search_stardist(model, pairs, lambda *_: None, low)
    checked = set()
    for row in found.table[:: len(found.table) // 9]:
        results = []
        for pair, m in zip(pairs, maps, strict=True):
            shapes = model.find_shapes(m, row["prob"], row["nms"], nms="exact")
            results.append((pair.labels, model.render(shapes, pair.image.shape)))
        assert row["F1"] == pytest.approx(average_score(results, low))
        checked.add(row["F1"])
    assert len(checked) > 2


def test_foreground_is_measured_at_every_threshold_as_one_by_one():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (6, 7)).astype(np.int32)
    values = np.round(rng.normal(0.5, 0.4, (6, 7)), 2).astype(np.float32)  # On the grid, too.
    pairs = (Pair("a", values, labels, ""),)
    measured = measure_foreground(pairs, [UNetPrediction(values, None)])
    for level in FOREGROUND_GRID:
        mask, cells = values > level, labels > 0
        expected = np.count_nonzero(mask & cells) / max(np.count_nonzero(mask | cells), 1)
        assert measured[(level,)] == pytest.approx(expected), level


class DrawnMask:
    """Two touching cells with a weak wall (0.33) between them, and foreground 0.7 in both."""

    outputs = 2

    def predict(self, image):
        foreground = np.where(np.arange(21) < 17, 0.7, 0.1) * np.ones((9, 1))
        boundary = np.where(np.arange(21) == 8, 0.33, 0.25) * np.ones((9, 1))
        return UNetPrediction(foreground.astype(np.float32), boundary.astype(np.float32))


def test_boundary_threshold_is_refined_below_the_coarse_grid():
    """Only between 0.25 and 0.33 the two cells come apart: 0.3 of the grid, then its middle."""
    labels = np.zeros((9, 21), np.int32)
    labels[:, :9], labels[:, 9:17] = 1, 2
    pairs = (Pair("a", np.zeros((9, 21), np.float32), labels, ""),)
    found = search_unet(DrawnMask(), pairs, lambda *_: None, FIVE)
    assert found.scores["foreground_IoU"] == 1.0
    assert 0.1 < found.thresholds["foreground"] < 0.7
    tried = [row["boundary"] for row in found.table if "boundary" in row]
    assert {0.25, 0.275, 0.325, 0.35} & set(tried)
    assert 0.25 < found.thresholds["boundary"] < 0.33
    assert found.scores["F1"] == 1.0


def test_thresholds_are_written_beside_what_else_the_file_holds(tmp_path):
    (tmp_path / "thresholds.json").write_text('{"prob": 0.1, "own": 7}')
    Found({"prob": 0.4, "nms": 0.3}, {}).save(tmp_path)
    assert json.loads((tmp_path / "thresholds.json").read_text()) == {
        "prob": 0.4,
        "own": 7,
        "nms": 0.3,
    }
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.slow
def test_fused_search_never_ends_below_the_networks_own_thresholds(trained):
    data, folder = trained
    settings = OptimiseSettings(target="vollseg", model_dir=folder, iou=(0.1,))
    (result,) = optimise_thresholds(data, settings)
    table = [row["F1"] for row in result.found.table]
    assert result.title == "VollSeg"
    assert result.found.scores["F1"] >= max(table)
    assert set(result.found.thresholds) == {"prob", "nms", "foreground", "boundary", "rescue"}
    assert len(table) > 4


class OneShape:
    """Sees one cell, and in two other places a probability of 0.38 and of 0.17."""

    points, scores, columns = ([2, 2],), (0.9,), (slice(5),)

    def predict(self, image, *, prob_thresh, nms_thresh, nms):
        probability = np.zeros((6, 30), np.float32)
        probability[2, [2, 12, 22]] = 0.9, 0.38, 0.17
        labels = np.zeros((6, 30), np.int32)
        for number, columns in enumerate(self.columns, 1):
            labels[:, columns] = number
        return StarDistPrediction(
            labels, np.array(self.points), np.float32(self.scores), probability, probability
        )


class ThreeRegions:
    wall_thresh = None

    def predict(self, image):
        column = np.arange(30)[None] * np.ones((6, 1), int)
        return UNetPrediction((column % 10 < 9).astype(np.float32), None)


@pytest.mark.parametrize(("third_is_a_cell", "expected"), [(False, (0.2, 0.35)), (True, (0, 0))])
def test_rescued_cells_need_a_probability_only_where_that_helps(third_is_a_cell, expected):
    labels = np.zeros((6, 30), np.int32)
    labels[:, :9], labels[:, 10:19] = 1, 2
    labels[:, 20:29] = 3 * third_is_a_cell
    pair = Pair("a", np.arange(180, dtype=np.float32).reshape(6, 30), labels, "")
    fusion = Fusion(
        OneShape(), ThreeRegions(), (pair,), [Calibration()], 0.3, FIVE, lambda *_: None
    )
    rescue, score = fusion.find_rescue({"prob": 0.5, "foreground": 0.5})
    assert expected[0] <= rescue <= expected[1]
    assert score == 1.0


def test_score_of_the_thresholds_until_now_counts_their_rescue_threshold(tmp_path):
    """Two of three regions are cells; 0.25 had kept them and dropped the third, 0.1 keeps all."""
    labels = np.zeros((6, 30), np.int32)
    labels[:, :9], labels[:, 10:19] = 1, 2
    pair = Pair("a", np.arange(180, dtype=np.float32).reshape(6, 30), labels, "")
    star, unet = OneShape(), ThreeRegions()
    star.folder = unet.folder = tmp_path
    fusion = Fusion(star, unet, (pair,), [Calibration()], 0.3, FIVE, lambda *_: None)
    for rescue, score in ((0.25, 1.0), (0.1, 0.8), (None, 0.8)):
        own = {"foreground": 0.5} | ({} if rescue is None else {"rescue": rescue})
        alone = [
            Optimised("StarDist", (), START, Found(START, {}), None),
            Optimised("U-Net", (), own, Found({"foreground": 0.5}, {}), None),
        ]
        result = _optimise_fused(fusion, alone)
        assert result.score_before == pytest.approx(score)
        assert result.found.scores == {"F1": 1.0}


def test_wall_threshold_is_that_of_the_best_score_up_to_the_highest():
    """Joining below 0.4 to 0.6 is best; 0.72 joins cells that are two."""
    tried = []

    def score(level):
        tried.append(level)
        return 0.9 if 0.35 < level < 0.65 else 0.8 if level < 0.7 else 0.6

    assert choose_wall(score, 0.72) == 0.5
    assert tried == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.72]


def test_walls_that_part_two_cells_are_not_weak():
    """A wall of 0.2 within the first of two cells, and one of 0.55 between them."""
    labels = np.zeros((6, 30), np.int32)
    labels[:, :20], labels[:, 20:] = 1, 2

    class ThreeSeeds(OneShape):
        points, scores = ([2, 4], [2, 14], [2, 25]), (0.9, 0.8, 0.7)
        columns = (slice(3, 6), slice(13, 16), slice(24, 27))

    class Walls:
        wall_thresh = None

        def predict(self, image):
            boundary = np.zeros((6, 30), np.float32)
            boundary[:, 9:11], boundary[:, 19:21] = 0.2, 0.55
            return UNetPrediction(np.ones((6, 30), np.float32), boundary)

    pair = Pair("a", np.arange(180, dtype=np.float32).reshape(6, 30), labels, "")
    fusion = Fusion(ThreeSeeds(), Walls(), (pair,), [Calibration()], 0.3, FIVE, lambda *_: None)
    given = {"prob": 0.5, "foreground": 0.5, "boundary": 0.7}
    shared, score = fusion.find_shared(given | {"wall": 0.75})
    assert 0.2 < shared["wall"] <= 0.55
    assert score == 1.0
    assert "wall" not in fusion.find_shared(given)[0]


@pytest.mark.slow
def test_command_prints_writes_and_keeps(trained, tmp_path, capsys, monkeypatch):
    data, folder = trained
    path = folder / "stardist/thresholds.json"
    before = path.read_text()
    words = ["optimize-thresholds", str(data), "--model-dir", str(folder), "--target", "stardist"]
    table = tmp_path / "table.csv"
    assert run_command([*words, "--table", str(table), "--quiet"]) == 2  # nothing is found yet
    assert not table.exists()
    curve = folder / "stardist/training_curve.csv"
    kept = curve.read_bytes()
    assert run_command([*words, "--table", str(curve), "--overwrite", "--dry-run"]) == 2
    assert curve.read_bytes() == kept
    assert path.read_text() == before
    capsys.readouterr()
    monkeypatch.setattr(optimise, "check_found", lambda results: None)
    assert run_command([*words, "--dry-run", "--table", str(table), "--quiet"]) == 0
    assert path.read_text() == before
    out = capsys.readouterr().out
    assert "the models are as they were" in out
    assert str(table) in out
    lines = table.read_text().splitlines()
    assert lines[0] == "model,prob,nms,F1"
    assert len(lines) == 1 + len(PROB_GRID) * 11
    monkeypatch.setattr(optimise, "check_found", lambda results: table.write_text("theirs"))
    assert run_command([*words, "--table", str(table), "--overwrite", "--quiet"]) == 2
    assert "table.csv was changed by somebody else" in capsys.readouterr().err
    assert (path.read_text(), table.read_text()) == (before, "theirs")
    monkeypatch.setattr(optimise, "check_found", lambda results: None)
    path.write_text(json.dumps({"prob": 0.123, "nms": 0.4, "own": 1}))
    assert run_command([*words, "--quiet"]) == 0
    written = json.loads(path.read_text())
    assert written["own"] == 1
    assert written["prob"] != 0.123
    out = capsys.readouterr().out
    assert "0.123" in out
    assert str(path) in out


@pytest.mark.parametrize(("score", "refused"), [(0.0, True), (0.01, False)])
def test_thresholds_that_find_no_cell_are_no_result(score, refused):
    found = Found({"prob": 0.5, "nms": 0.35}, {"F1": score}, [])
    results = [Optimised("StarDist", (Path("model"),), {}, found, 0.0)]
    refusal = pytest.raises(UserError, match="no thresholds of StarDist find a cell of the labels")
    with refusal if refused else nullcontext():
        check_found(results)


def test_shipped_models_are_not_changed(drawn, capsys):
    assert run_command(["optimize-thresholds", str(drawn), "--quiet"]) == 2
    assert "are not changed: give --model-dir" in capsys.readouterr().err


@pytest.mark.slow
def test_images_without_cells_are_refused(trained, tmp_path):
    import tifffile

    for side in ("Raw", "Segmentation"):
        (tmp_path / side).mkdir()
        tifffile.imwrite(tmp_path / side / "a.tif", np.zeros((8, 20, 20), np.uint8))
    with pytest.raises(UserError, match="no Segmentation image holds a label"):
        optimise_thresholds(tmp_path, OptimiseSettings(model_dir=trained[1]))


@pytest.mark.slow
def test_a_shape_left_out_uncovers_nothing(trained):
    """What `search_stardist` rests on: pixels of the more probable shapes stay theirs."""
    data, folder = trained
    model = StarDistModel(folder / "stardist")
    pair = load_dataset(data, TINY).train[0]
    maps = model.predict_maps(pair.image)
    maps.probability[...] = np.random.default_rng(0).random(maps.probability.shape)
    maps.distance[...] = 3
    level = float(np.quantile(maps.probability, 0.9))
    shapes = model.find_shapes(maps, level, 0.9, nms="exact")
    middle = float(np.median(shapes.scores))
    whole = model.render(shapes, pair.image.shape)
    part = model.render(shapes.above(middle), pair.image.shape)
    count = int(np.count_nonzero(shapes.scores > middle))
    assert 0 < count < len(shapes.scores)
    np.testing.assert_array_equal(np.where(whole <= count, whole, 0), part)
    assert (part > 0).sum() < (whole > 0).sum()
