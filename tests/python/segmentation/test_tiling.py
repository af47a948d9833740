import math

import numpy as np
import pytest
from extras import needs
from scipy import ndimage

from btrackmate.core.errors import UserError
from btrackmate.segmentation.shapes import Shapes, interpolate_grid, select_candidates
from btrackmate.segmentation.tiling import (
    OutOfMemory,
    TilePlan,
    choose_tiles,
    find_memory_limit,
    physical_memory,
    predict_in_tiles,
    run_keras,
    stream_tiles,
    view_radius,
)


def blur(batch):
    """A "network" that sees 3 voxels far, with a second output on a grid of 2."""
    image = batch[0, ..., 0]
    first = ndimage.uniform_filter(image, 7, mode="constant")
    sparse = first[tuple(slice(None, None, 2) for _ in image.shape)]
    return [first[None, ..., None], np.stack([sparse, -sparse], axis=-1)[None]]


@pytest.mark.parametrize("shape", [(20, 24), (17, 23), (5, 30, 21)])
def test_tiles_give_what_the_whole_gives(shape):
    image = np.random.default_rng(1).random(shape, np.float32)
    ndim = len(shape)

    def only_first(batch):
        return blur(batch)[:1]

    arguments = {"divisor": (4,) * ndim, "overlap": (3,) * ndim, "grid": (1,) * ndim}
    whole = predict_in_tiles(only_first, image, n_tiles=(1,) * ndim, **arguments)[0]
    tiled = predict_in_tiles(only_first, image, n_tiles=(2,) * (ndim - 1) + (3,), **arguments)[0]
    assert whole.shape == (*shape, 1)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_too_little_overlap_shows():
    """The test above would fail without overlap."""
    image = np.random.default_rng(1).random((20, 24), np.float32)

    def only_first(batch):
        return blur(batch)[:1]

    arguments = {"divisor": (4, 4), "grid": (1, 1)}
    whole = predict_in_tiles(only_first, image, n_tiles=(1, 1), overlap=(0, 0), **arguments)[0]
    tiled = predict_in_tiles(only_first, image, n_tiles=(2, 2), overlap=(0, 0), **arguments)[0]
    assert np.abs(tiled - whole).max() > 0.01


def test_outputs_on_a_grid_are_rounded_up_and_tiled_alike():
    image = np.random.default_rng(2).random((19, 22), np.float32)

    def only_second(batch):
        return blur(batch)[1:]

    arguments = {"divisor": (4, 4), "overlap": (3, 3), "grid": (2, 2)}
    whole = predict_in_tiles(only_second, image, n_tiles=(1, 1), **arguments)[0]
    tiled = predict_in_tiles(only_second, image, n_tiles=(3, 2), **arguments)[0]
    assert whole.shape == (10, 11, 2)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_image_smaller_than_the_divisor_is_padded():
    seen = []

    def network(batch):
        seen.append(batch.shape)
        return [batch]

    result = predict_in_tiles(
        network,
        np.ones((1, 3, 5), np.float32),
        (8, 8, 8),
        n_tiles=(2, 2, 2),
        overlap=(8, 8, 8),
        grid=(1, 1, 1),
    )
    assert seen == [(1, 8, 8, 8, 1)]
    assert result[0].shape == (1, 3, 5, 1)


def test_wrong_number_of_tiles_is_named():
    with pytest.raises(UserError, match="n_tiles"):
        predict_in_tiles(
            blur, np.ones((4, 4)), (2, 2), n_tiles=(1, 1, 1), overlap=(1, 1), grid=(1, 1)
        )


def test_tiles_by_memory():
    """100 × 400 × 400 voxels of 10 bytes in 40 MB: 2 × 2 quarters fit, halves do not."""
    assert choose_tiles((100, 400, 400), 10, memory=4e7 + 1) == (1, 2, 2)
    assert choose_tiles((100, 400, 400), 10, memory=1e9) == (1, 1, 1)
    assert choose_tiles((10, 64, 64), 10, memory=1) == (1, 1, 1)  # Never below 64.


def test_view_radius_of_the_common_unets():
    """csbdeep measures 22 voxels for depth 2 and 46 for depth 3, kernel 3: these lie above."""
    assert view_radius(2, 3) == 24
    assert view_radius(3, 3) == 52


def test_interpolation_is_linear_and_keeps_grid_values():
    values = np.array([[0, 2, 4]], np.float32)
    result = interpolate_grid(values, (1, 2), (1, 6))
    assert result.tolist() == [[0, 1, 2, 3, 4, 4]]
    assert interpolate_grid(values, (2, 1), (2, 3)).tolist() == [[0, 2, 4], [0, 2, 4]]
    assert interpolate_grid(values, (2, 1), (2, 2)).tolist() == [[0, 2], [0, 2]]


def test_candidate_filter_keeps_local_maxima_above_the_threshold():
    probability = np.array([[0.1, 0.9, 0.8, 0.2, 0.6, 0.3]], np.float32)
    every = select_candidates(probability, 0.5, local_maxima=False)
    peaks = select_candidates(probability, 0.5, local_maxima=True)
    assert every.tolist() == [[False, True, True, False, True, False]]
    assert peaks.tolist() == [[False, True, False, False, True, False]]


def test_shapes_above_a_threshold():
    shapes = Shapes(np.array([[1, 1], [2, 2]]), np.array([0.9, 0.4]), np.ones((2, 8)))
    assert shapes.above(0.5).points.tolist() == [[1, 1]]


def test_tiles_by_memory_count_what_they_see():
    """Halves see 100 × 300 × 400 voxels with an overlap of 100: too many for 80 MB."""
    assert choose_tiles((100, 400, 400), 10, 8e7, (0, 0, 0)) == (1, 2, 1)
    assert choose_tiles((100, 400, 400), 10, 8e7, (0, 100, 100)) != (1, 2, 1)


def test_streamed_tiles_give_what_the_whole_gives():
    image = np.random.default_rng(3).random((5, 70, 130), np.float32)
    plan = TilePlan((4, 4, 4), (4, 4, 4), (1, 1, 1), 10.0, 0.0)

    def only_first(batch):
        return blur(batch)[:1]

    whole = plan.predict(only_first, image, (1, 1, 1))[0]
    result, boxes = np.full_like(whole, np.nan), []
    for box, (part,) in stream_tiles(only_first, image.shape, image.__getitem__, plan, 1.0):
        result[box] = part
        boxes.append(box)
    assert len(boxes) == 2 * 3
    np.testing.assert_allclose(result, whole, atol=1e-6)


def test_streamed_tiles_leave_room_for_the_outputs_of_the_one_before():
    """400 × 400 voxels of 10 bytes fit into 1.6 MB, but not with 8 bytes more of their outputs."""
    alone = TilePlan((1, 1), (0, 0), (1, 1), 10.0, 0.0)
    assert alone.choose_stream((400, 400), 1.6e6) == (1, 1)
    assert TilePlan((1, 1), (0, 0), (1, 1), 10.0, 8.0).choose_stream((400, 400), 1.6e6) == (2, 1)


def test_out_of_memory_is_tried_again_with_more_tiles(caplog):
    def network(batch):
        if batch.size > 100:
            raise OutOfMemory
        return [batch]

    image = np.random.default_rng(0).random((16, 16), np.float32)
    arguments = {"divisor": (4, 4), "overlap": (0, 0), "grid": (1, 1)}
    result = predict_in_tiles(network, image, n_tiles=(1, 1), **arguments)[0]
    np.testing.assert_array_equal(result[..., 0], image)
    assert "out of memory with 1×1 tiles: again with 2×1" in caplog.text
    assert "again with 2×2" in caplog.text


def test_out_of_memory_with_the_smallest_tiles_is_an_error():
    def network(batch):
        raise OutOfMemory

    with pytest.raises(UserError, match="does not fit with 4×4 tiles either"):
        predict_in_tiles(
            network, np.ones((16, 16), np.float32), (4, 4),
            n_tiles=(1, 1), overlap=(0, 0), grid=(1, 1),
        )  # fmt: skip


@needs("tensorflow")
def test_tensorflows_lack_of_memory_is_recognised():
    from btrackmate.segmentation.backend import load_tensorflow

    errors = load_tensorflow().errors

    class Model:
        def predict_on_batch(self, batch):
            raise errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    with pytest.raises(OutOfMemory, match="OOM when allocating"):
        run_keras(Model())(np.ones((1, 4, 4, 1), np.float32))


@pytest.mark.parametrize(
    ("told", "files", "limit"),
    [
        ("4:memory:/job/step\n0::/\n", {"memory/job/memory.limit_in_bytes": "700"}, 700),
        ("4:memory:/away\n", {"memory/memory.limit_in_bytes": "900"}, 900),
        ("0::/user/a\n", {"user/a/memory.max": "max", "user/memory.max": "800"}, 800),
        ("0::/\n", {"memory.max": "max"}, math.inf),
        ("5:cpu:/\n", {"cpu/memory.max": "3"}, math.inf),
        ("nothing", {}, math.inf),
    ],
)
def test_memory_of_a_container_or_job_counts(tmp_path, told, files, limit):
    (tmp_path / "cgroup").write_text(told)
    for name, text in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(f"{text}\n")
    assert find_memory_limit(tmp_path / "cgroup", tmp_path / "fs") == limit
    assert physical_memory() <= find_memory_limit()
