"""Movies, masks over time, spots without labels, and what is refused."""

import threading

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import Cancelled, UserError
from btrackmate.core.spots import Spots
from btrackmate.measurement import (
    ArrayFrames,
    MaskSettings,
    MeasureSettings,
    Tissue,
    apply_mask,
    combine_frames,
    mask_spots,
    measure_frame,
    measure_movie,
    measure_one_frame,
    sample_distance,
)
from btrackmate.measurement.runs import find_runs

CALIBRATION = Calibration(0.5, 0.5, 2.0, dt=30.0, space_unit="µm", time_unit="s")
ALL = MeasureSettings()


def movie(*frames):
    """Make a 2D movie of uint32 labels."""
    return ArrayFrames(np.array(frames, np.uint32), 2)


def measure(labels, image=None, mask=None, settings=ALL, **more):
    return measure_movie(labels, image, mask, CALIBRATION, settings, **more)


THREE = movie(
    [[7, 7, 0, 70_000]],
    [[0, 0, 0, 0]],
    [[0, 3, 0, 3]],
)


def test_ids_go_by_frame_then_label():
    table = measure(THREE).spots.table
    assert table[["id", "frame", "label"]].to_numpy().tolist() == [
        [0, 0, 7],
        [1, 0, 70_000],
        [2, 2, 3],
    ]


def test_time_and_position_are_physical():
    table = measure(THREE).spots.table
    assert table["time"].tolist() == [0.0, 0.0, 60.0]
    assert table["x"].tolist() == [0.25, 1.5, 1.0]
    assert table["quality"].tolist() == table["voxels"].tolist() == [2, 1, 2]


def test_frames_without_cells_count():
    spots = measure(THREE).spots
    assert spots.n_frames == 3
    assert spots.frame_offsets.tolist() == [0, 2, 2, 3]


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 2, 3, 4), (0, 3, 4), (2, 0, 0), (2, 1, 0, 5)])
def test_movie_without_cells_is_valid(shape):
    labels = ArrayFrames(np.zeros(shape, np.uint16), len(shape) - 1)
    image = ArrayFrames(np.zeros((shape[0], 1, *shape[1:]), np.uint8), len(shape) - 1)
    mask = ArrayFrames(np.ones((1, *shape[1:]), np.uint8), len(shape) - 1)
    result = measure(labels, image, mask)
    assert len(result.spots) == len(result.dropped) == len(result.disconnected) == 0
    assert result.spots.n_frames == shape[0]
    assert {"x", "label", "mean_intensity_ch1"} <= set(result.spots.table) or not shape[0]


def test_disconnected_labels_are_listed():
    found = measure(THREE).disconnected
    assert found[["frame", "label", "components", "voxels"]].to_numpy().tolist() == [[2, 3, 2, 2]]


def test_a_clipped_cell_in_pieces_is_listed():
    settings = MeasureSettings(mask=MaskSettings(policy="clip"))
    result = measure(movie([[4, 4, 4]]), mask=movie([[1, 0, 1]]), settings=settings)
    assert result.disconnected["components"].tolist() == [2]
    assert result.spots.table["voxels"].tolist() == [2]


def test_combining_does_not_depend_on_order():
    frames = [measure_one_frame(t, THREE.frame(t), None, None, CALIBRATION, ALL) for t in range(3)]
    result = combine_frames(frames[::-1], CALIBRATION, ndim=2, n_frames=3)
    pd.testing.assert_frame_equal(result.spots.table, measure(THREE).spots.table)


def test_integer_columns_stay_integer_beside_empty_frames():
    mask = movie([[1, 1, 1, 0]])
    table = measure(THREE, mask=mask).spots.table
    names = ["label", "voxels", "components", "touches_border", "tissue"]
    assert [table[name].dtype.kind for name in names] == ["i"] * 5


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_workers_do_not_change_the_result(workers):
    rng = np.random.default_rng(1)
    labels = ArrayFrames(rng.integers(0, 9, (7, 4, 6, 9)).astype(np.uint16), 3)
    image = ArrayFrames(rng.random((7, 2, 4, 6, 9)).astype(np.float32), 3)
    mask = ArrayFrames(rng.integers(0, 3, (7, 4, 6, 9)), 3)
    alone = measure(labels, image, mask)
    together = measure(labels, image, mask, workers=workers)
    pd.testing.assert_frame_equal(alone.spots.table, together.spots.table, check_exact=True)
    pd.testing.assert_frame_equal(alone.dropped, together.dropped, check_exact=True)


def test_only_few_frames_are_in_hand():
    lock = threading.Lock()
    read, done, most = [0], [0], [0]

    class Counting:
        n_frames, ndim = 40, 2

        def frame(self, t):
            with lock:
                read[0] += 1
                most[0] = max(most[0], read[0] - done[0])
            return np.ones((2, 2), np.uint8)

    def count(step, finished, total):
        done[0] = finished

    measure(Counting(), workers=2, progress=count)
    assert done[0] == 40
    assert most[0] <= 4


def test_progress_may_cancel():
    def cancel(step, done, total):
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        measure(THREE, progress=cancel, workers=2)


def test_mask_of_each_frame():
    labels = movie([[1, 0, 2]], [[1, 0, 2]])
    result = measure(labels, mask=movie([[5, 0, 0]], [[0, 0, 6]]))
    table = result.spots.table
    assert table[["frame", "label", "tissue"]].to_numpy().tolist() == [[0, 1, 5], [1, 2, 6]]
    columns = ["frame", "label", "voxels", "x", "tissue_fraction", "reason"]
    assert result.dropped[columns].to_numpy().tolist() == [
        [0, 2, 1, 1.0, 0.0, "outside"],
        [1, 1, 1, 0.0, 0.0, "outside"],
    ]


def test_boundary_distance_is_taken_at_the_centroid():
    """Tissue columns 1-3 of 0.5 µm; the surface lies at x = 0.25 µm, the centroid at 1.0 µm."""
    table = measure(movie([[0, 9, 9, 9]]), mask=movie([[0, 1, 1, 1]])).spots.table
    assert table["boundary_distance"].tolist() == [pytest.approx(0.75)]


def test_boundary_distance_of_selected_tissue():
    settings = MeasureSettings(mask=MaskSettings(tissues=(2,)))
    table = measure(
        movie([[0, 0, 9, 0]]), mask=movie([[1, 1, 2, 2]]), settings=settings
    ).spots.table
    assert table["boundary_distance"].tolist() == [pytest.approx(0.25)]


@pytest.mark.parametrize(("tissues", "told"), [((1,), "1"), ((3, 1), "1, 3")])
def test_a_mask_without_the_tissues_that_are_asked_for_is_refused(tissues, told):
    """A binary mask of 0 and 255 has no tissue 1."""
    settings = MeasureSettings(mask=MaskSettings(tissues=tissues))
    expected = f"has no tissue {told}, so that no cell would be left; it has 255: give tissues="
    with pytest.raises(UserError, match=rf"{expected}\(255,\), or leave it out"):
        measure(movie([[7, 7, 0, 8]]), mask=movie([[255, 255, 0, 0]]), settings=settings)
    spots = Spots.from_table(pd.DataFrame({"frame": [0], "x": 0.0, "y": 0.0}), CALIBRATION, ndim=2)
    with pytest.raises(UserError, match="has no tissue"):
        mask_spots(spots, movie([[0, 0]]), settings)


def test_a_mask_that_lacks_some_tissues_is_warned_of(caplog):
    settings = MeasureSettings(mask=MaskSettings(tissues=(1, 2)))
    masks = movie([[3, 1, 0, 0]], [[3, 3, 0, 0]], [[0, 0, 0, 0]])
    assert len(measure(THREE, mask=masks, settings=settings).spots) == 1
    assert "the tissue mask has no tissue 2; it has 1, 3" in caplog.text
    caplog.clear()
    masks = movie([[3, 1, 0, 0]], [[0, 0, 0, 0]], [[2, 0, 0, 0]])
    measure(THREE, mask=masks, settings=settings)
    assert "the tissue mask" not in caplog.text


def test_measuring_less():
    settings = MeasureSettings(median=False, surface=False, boundary_distance=False)
    image = ArrayFrames(np.ones((3, 1, 1, 4)), 2)
    result = measure(THREE, image, movie([[1, 1, 1, 1]]), settings)
    absent = {"median_intensity_ch1", "perimeter", "components", "boundary_distance"}
    assert not absent & set(result.spots.table)
    assert len(result.disconnected) == 0


def test_inputs_are_not_changed():
    arrays = [np.array([[1, 1, 0, 2]], np.uint32), np.array([[1, 0, 0, 0]]), np.ones((1, 1, 4))]
    before = [array.copy() for array in arrays]
    labels, mask, image = arrays
    settings = MeasureSettings(mask=MaskSettings(policy="clip"))
    tissue = Tissue(mask, CALIBRATION, settings)
    measure_one_frame(0, labels, image, tissue, CALIBRATION, settings)
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy)


def test_labels_may_be_read_only():
    """As those of a memory-mapped file."""
    labels = np.array([[1, 1, 0, 2]], np.uint16)
    labels.flags.writeable = False
    assert find_runs(labels).voxels.tolist() == [2, 1]


def test_clipped_labels_keep_type_and_input():
    labels = np.array([[70_000, 70_000]], np.uint32)
    result = apply_mask(labels, np.array([[True, False]]), MaskSettings(policy="clip"))
    assert result.labels.tolist() == [[70_000, 0]]
    assert result.labels.dtype == np.uint32
    assert labels.tolist() == [[70_000, 70_000]]


def test_arrays_that_are_not_contiguous():
    labels = np.array([[1, 0], [1, 2], [1, 2]], np.uint16)
    image = np.arange(6.0).reshape(1, 3, 2)
    table = measure_frame(labels.T, image.transpose(0, 2, 1), CALIBRATION)
    assert table["voxels"].tolist() == [3, 2]
    assert table["total_intensity_ch1"].tolist() == [6.0, 8.0]


def test_many_cells_and_runs_outgrow_the_first_arrays():
    """2²⁰ one-voxel cells, half of their ids beyond the table."""
    labels = np.arange(1, 2**20 + 1, dtype=np.uint32).reshape(1024, 1024)
    labels[512:] += 3_000_000_000
    cells = find_runs(labels)
    assert cells.labels.tolist() == labels.reshape(-1).tolist()
    assert np.array_equal(cells.runs[:, 3], np.arange(2**20))
    assert np.array_equal(find_runs(labels + 0).sums, cells.sums)


def test_ids_that_collide_in_the_hash_table_stay_apart():
    ids = (np.arange(1, 5000, dtype=np.uint64) << np.uint64(20)) % np.uint64(2**32 - 5) + np.uint64(
        70_000
    )
    ids = np.unique(ids[ids < 2**32])
    cells = find_runs(np.tile(ids, (3, 1)).T.copy())
    assert sorted(cells.labels.tolist()) == ids.tolist()
    assert set(cells.voxels.tolist()) == {3}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 2), np.float32), "values of type float32"),
        (np.zeros((2, 2), bool), "values of type bool"),
        (np.array([[0, -3]], np.int16), "label -3"),
        (np.array([[0, -3]], np.int64), "label -3"),
        (np.array([[0, 2**32]], np.int64), "label 4294967296"),
        (np.array([[0, 2**63]], np.uint64), "label 9223372036854775808"),
        (np.zeros((1, 1, 2, 2), np.uint8), "shape (1, 1, 2, 2)"),
    ],
)
def test_wrong_labels_are_refused(labels, message):
    with pytest.raises(UserError) as error:
        measure_frame(labels, None, CALIBRATION, where="frame 12")
    assert message in str(error.value)
    assert "frame 12" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 2), (1, 1, 2, 2)])
def test_image_of_another_shape_names_both(shape):
    with pytest.raises(UserError) as error:
        measure_frame(np.ones((2, 2), np.uint8), np.zeros(shape), CALIBRATION)
    assert str(shape) in str(error.value)
    assert "(2, 2)" in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_in_the_image_names_frame_channel_and_count(value):
    """Also outside all cells."""
    image = np.zeros((3, 2, 1, 4), np.float32)
    image[1, 1, 0, 1:3] = value
    with pytest.raises(UserError, match=r"frame 1, channel 2: 2 of 4 values are NaN or infinite"):
        measure(THREE, ArrayFrames(image, 2))


def test_complex_image_is_refused():
    with pytest.raises(UserError, match="complex64"):
        measure_frame(np.ones((2, 2), np.uint8), np.zeros((1, 2, 2), np.complex64), CALIBRATION)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((1, 1, 3), np.uint8), "shape (1, 3), but the labels have (1, 4)"),
        (np.ones((1, 2, 1, 4), np.uint8), "shape (2, 1, 4), but the labels have (1, 4)"),
        (np.ones((1, 1, 4)), "values of type float64"),
        (np.full((1, 1, 4), -1), "value -1"),
        (np.full((1, 1, 4), 2**32), "value 4294967296"),
        (np.ones((2, 1, 4), np.uint8), "2 frames, the movie 3"),
        (np.ones((1, 4), np.uint8), "shape (4,)"),
    ],
)
def test_wrong_mask_is_refused(mask, message):
    with pytest.raises(UserError) as error:
        measure(THREE, mask=ArrayFrames(mask, 2))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_image_of_another_length_is_refused():
    with pytest.raises(UserError, match="image has 2 frames, the labels 3"):
        measure(THREE, ArrayFrames(np.zeros((2, 1, 1, 4)), 2))


def test_single_plane_mask_holds_for_every_plane():
    labels = ArrayFrames(np.array([[[[1, 0]], [[0, 2]]]]), 3)
    mask = ArrayFrames(np.array([[[[1, 0]]]]), 3)
    result = measure(labels, mask=mask)
    assert result.spots.table["label"].tolist() == [1]
    assert result.spots.table["boundary_distance"].tolist() == [0.25]


POINTS = Spots.from_table(
    pd.DataFrame(
        {
            "id": [70_000, 4, 5, 9],
            "frame": [0, 0, 2, 2],
            "x": [0.0, 0.76, 0.74, 9.0],
            "y": [0.0, 0.0, 0.0, 0.0],
            "z": [1.0, 0.0, 50.0, 0.0],
        }
    ),
    CALIBRATION,
)
CENTROID = MeasureSettings(mask=MaskSettings(policy="centroid"))


def test_points_are_kept_by_their_nearest_voxel():
    """Tissue ids 6, 7 in columns 0, 1 of 0.5 µm: the border between 1 and 2 is at 0.75 µm."""
    kept, dropped = mask_spots(POINTS, movie([[6, 7, 0]]), CENTROID)
    assert kept.table[["id", "tissue"]].to_numpy().tolist() == [[70_000, 6], [5, 7]]
    assert kept.table["boundary_distance"].tolist() == [pytest.approx(0.75), pytest.approx(0.01)]
    assert dropped[["id", "frame", "x", "reason"]].to_numpy().tolist() == [
        [4, 0, 0.76, "centroid_outside"],
        [9, 2, 9.0, "outside_image"],
    ]
    assert kept.n_frames == 3


def test_points_beside_a_mask_of_each_frame():
    kept, _ = mask_spots(POINTS, movie([[1, 1, 1]], [[0, 0, 0]], [[0, 0, 1]]), CENTROID)
    assert kept.id.tolist() == [4, 70_000]


def test_points_outside_a_3d_mask():
    mask = ArrayFrames(np.ones((1, 2, 1, 3), np.uint8), 3)
    kept, dropped = mask_spots(POINTS, mask, CENTROID)
    assert kept.id.tolist() == [4, 70_000]
    assert dropped["reason"].tolist() == ["outside_image", "outside_image"]


@pytest.mark.parametrize("policy", ["keep-touching", "fraction", "clip"])
def test_points_have_no_voxels_for_other_policies(policy):
    settings = MeasureSettings(mask=MaskSettings(policy=policy))
    with pytest.raises(UserError, match=rf"'{policy}' needs label images.*mask_policy=centroid"):
        mask_spots(POINTS, movie([[1, 1, 1]]), settings)


def test_no_points_at_all():
    assert sample_distance(np.zeros((2, 2)), np.empty((0, 3)), CALIBRATION).tolist() == []
    empty = POINTS.take(np.zeros(4, bool))
    kept, dropped = mask_spots(empty, movie([[1, 1, 1]]), CENTROID)
    assert len(kept) == len(dropped) == 0


@pytest.mark.parametrize(
    "given", [{"policy": "half"}, {"fraction": 0}, {"fraction": 1.5}, {"fraktion": 0.5}]
)
def test_wrong_settings_are_refused(given):
    with pytest.raises(UserError):
        MaskSettings.parse(given)


@pytest.mark.parametrize("tissues", [(0,), (-1,), (2, 0)])
def test_tissues_are_counted_from_1(tissues):
    with pytest.raises(UserError, match="expected ids of tissues from 1"):
        MaskSettings(tissues=tissues)


def test_a_fraction_counts_under_its_own_policy_alone():
    MaskSettings(policy="fraction", fraction=0.3).check_fraction(0.3)
    MaskSettings(policy="centroid").check_fraction(None)
    with pytest.raises(UserError, match="fraction=0.3 has no effect under the policy centroid"):
        MaskSettings(policy="centroid", fraction=0.3).check_fraction(0.3)
