import logging

import numpy as np
import pytest
from segmentation.drawn_networks import DrawnShapes, DrawnTissue

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.segmentation import Models, SegmentationSettings, segment_volume

PIXEL = Calibration()
IMAGE = np.arange(8 * 8, dtype=np.float32).reshape(8, 8)


def run(labels, tissue, boundary=None, image=None, calibration=PIXEL, roi=None, **settings):
    image = np.arange(labels.size, dtype=np.float32).reshape(labels.shape)
    values = {"min_size": 0, "landscape": "probability", "marker_radius": 0, **settings}
    return segment_volume(
        image,
        calibration,
        SegmentationSettings(**values),
        Models(DrawnShapes(labels), DrawnTissue(tissue, boundary)),
        roi,
    )


def test_cells_grow_beyond_their_shapes_into_the_mask(draw):
    shapes = draw(".11..22.", ".11..22.")
    mask = draw("11111111", "1111.222") > 0
    result = run(shapes, mask, pooling="off")
    assert result.labels.dtype == np.uint32
    assert (result.labels > 0).tolist() == mask.tolist()
    assert result.labels[0, 0] == 1
    assert result.labels[0, 7] == 2
    assert result.cells["origin"].tolist() == ["stardist", "stardist"]


def test_agreement_is_the_overlap_of_cell_and_shape(draw):
    """The cell fills six voxels, its shape had four of them."""
    result = run(draw(".11.", ".11."), draw("111.", "111.") > 0, pooling="off")
    assert result.cells["agreement"].tolist() == [pytest.approx(4 / 6)]
    assert result.cells["voxels"].tolist() == [6]
    assert result.cells["score"].tolist() == [pytest.approx(0.9)]


def test_region_without_a_seed_becomes_a_cell(draw):
    shapes = draw("11......", "11......")
    mask = draw("11..2222", "11..2222") > 0
    off = run(shapes, mask, pooling="off")
    pooled = run(shapes, mask, pooling="region")
    assert off.labels.max() == 1
    assert pooled.cells["origin"].tolist() == ["stardist", "unet"]
    assert np.isnan(pooled.cells["score"][1])
    assert np.isnan(pooled.cells["agreement"][1])
    assert (pooled.labels[:, 4:] == 2).all()


def test_cells_that_stardist_has_no_shape_for_need_its_probability(draw):
    """Three regions: one with a shape, one with probability 0.4 in a voxel, one with 0.1."""
    shapes = draw("11......", "11......")
    mask = draw("11.22.33", "11.22.33")
    probability = draw("........", "....4..1") / 10
    models = Models(DrawnShapes(shapes, probability), DrawnTissue(mask > 0))
    for level, kept in ((0, [0, 1, 2, 3]), (0.3, [0, 1, 2]), (0.5, [0, 1])):
        settings = SegmentationSettings(min_size=0, marker_radius=0, rescue_thresh=level)
        labels = segment_volume(IMAGE[:2], PIXEL, settings, models).labels
        assert np.unique(labels).tolist() == kept
        np.testing.assert_array_equal(labels, np.where(mask < len(kept), mask, 0))


def test_rescue_threshold_of_the_model_is_for_stardist_only(draw):
    tissue = DrawnTissue(draw("11.1", "11.1") > 0)
    tissue.rescue_thresh = 0.4
    models = Models(DrawnShapes(draw("11..", "11..")), tissue)
    image = IMAGE[:2, :4]
    for given, count in (({}, 1), ({"shapes": "cellpose"}, 2), ({"rescue_thresh": 0}, 2)):
        settings = SegmentationSettings(min_size=0, marker_radius=0, **given)
        assert segment_volume(image, PIXEL, settings, models).labels.max() == count


L_SHAPE = ("11111", "1....", "1.222", "1.222")


def test_bbox_pooling_misses_a_cell_beside_a_seeded_one_and_region_finds_it(draw):
    shapes = np.where(draw(*L_SHAPE) == 2, 1, 0)
    mask = draw(*L_SHAPE) > 0
    assert run(shapes, mask, pooling="bbox").labels.max() == 1
    assert run(shapes, mask, pooling="region").labels.max() == 2


def test_residual_pooling_finds_a_cell_in_touching_tissue():
    """One component, StarDist sees its left half only: neither rule fires, residual does."""
    shapes = np.zeros((11, 22), np.int32)
    shapes[:, :11] = 1
    mask = np.ones((11, 22), bool)
    mask[[0, -1]] = mask[:, -1] = False
    assert run(shapes, mask, pooling="region").labels.max() == 1
    found = run(shapes, mask, pooling="residual", residual_radius=3.0)
    assert found.cells["origin"].tolist() == ["stardist", "rescued"]
    assert found.cells["x"].tolist() == [5, 15]
    assert found.labels[found.cells["y"][1], 15] == 2


def test_no_background_seed_becomes_a_cell(draw):
    """The corner is in the mask but in a component of its own without a shape."""
    shapes = draw("....", "..11", "..11")
    mask = draw("1...", "..11", "..11") > 0
    result = run(shapes, mask, pooling="off")
    assert result.labels[0, 0] == 0
    assert result.labels.max() == 1


def test_boundary_landscape_puts_the_border_on_the_boundary():
    """Shapes meet at 3|4, the boundary is at column 6: the cells meet there."""
    shapes = np.zeros((3, 12), np.int32)
    shapes[:, 1:4], shapes[:, 8:11] = 1, 2
    boundary = np.zeros((3, 12))
    boundary[:, 6] = 1
    result = run(shapes, np.ones((3, 12)), boundary, landscape="boundary", pooling="off")
    assert (result.labels[:, :6] == 1).all()
    assert (result.labels[:, 7:] == 2).all()


def test_boundary_parts_touching_regions_for_pooling():
    shapes = np.zeros((5, 11), np.int32)
    shapes[1:4, 1:4] = 1
    boundary = np.zeros((5, 11))
    boundary[:, 5] = 1
    result = run(shapes, np.ones((5, 11)), boundary, landscape="boundary", pooling="region")
    assert result.cells["origin"].tolist() == ["stardist", "unet"]


def test_small_cells_go_and_their_neighbours_have_the_room(draw):
    shapes = draw("1111.2", "1111.2")
    mask = np.ones((2, 6), bool)
    boundary = np.zeros((2, 6))
    boundary[:, 4] = 1
    result = run(shapes, mask, boundary, landscape="boundary", pooling="off", min_size=5)
    assert result.labels.max() == 1
    assert (result.labels == 1).all()
    assert result.cells["voxels"].tolist() == [12]


def test_max_size(draw):
    result = run(draw("1111.2"), draw("1111.1") > 0, pooling="off", max_size=3)
    assert result.cells["voxels"].tolist() == [1]
    assert result.labels.tolist() == [[0, 0, 0, 0, 0, 1]]


def test_shapes_that_the_mask_misses_are_kept(draw):
    shapes = draw("11.22", "11.22")
    seen = np.where(draw("11...", "11...") > 0, 1.0, 0.48)
    assert run(shapes, seen, pooling="off").labels.max() == 2
    assert run(shapes, seen, pooling="off", complete_mask=False).labels.max() == 1
    assert run(shapes, seen > 0.5, pooling="off").labels.max() == 1


def test_pieces_without_a_wall_between_them_are_joined(draw):
    """Two shapes in one cell, a third behind a wall."""
    shapes = draw("1.2.3.", "1.2.3.")
    wall = np.array([[0, 0, 0, 0.9, 0.9, 0]] * 2)
    tissue = np.ones((2, 6))
    apart = run(shapes, tissue, wall, pooling="off", landscape="boundary")
    joined = run(shapes, tissue, wall, pooling="off", landscape="boundary", join_thresh=0.5)
    assert apart.labels.max() == 3
    assert joined.labels[0, [0, 2, 4]].tolist() == [1, 1, 2]
    assert joined.cells["voxels"].sum() == 12
    assert joined.cells["score"].tolist() == pytest.approx([0.9, 0.6])


def test_a_thin_cell_without_an_interior_gets_a_seed_by_basin(draw):
    """Boundary 0.6 all over the right cell: no interior, but a basin below the wall of 0.9."""
    shapes = draw("11....", "11....", "11....")
    boundary = np.array([[0, 0, 0.9, 0.9, 0.6, 0.6]] * 3)
    words = {"landscape": "boundary", "boundary_thresh": 0.5, "join_thresh": 0.8}
    tissue = np.ones((3, 6))
    assert run(shapes, tissue, boundary, pooling="region", **words).labels.max() == 1
    result = run(shapes, tissue, boundary, pooling="basin", **words)
    assert result.cells["origin"].tolist() == ["stardist", "unet"]
    assert result.labels[0, [0, 5]].tolist() == [1, 2]


def test_flat_landscape_gives_voxels_to_the_nearer_marker(draw):
    """A ridge at x = 1 stops the flood of the boundary, but not of the flat landscape."""
    shapes = draw("1.....2")
    ridge = np.array([[0, 0.9, 0, 0, 0, 0, 0]])
    words = {"pooling": "off", "boundary_thresh": 2.0}
    seen = run(shapes, np.ones((1, 7)), ridge, landscape="boundary", **words)
    flat = run(shapes, np.ones((1, 7)), ridge, landscape="flat", **words)
    assert np.count_nonzero(seen.labels == 1) <= 2
    assert np.count_nonzero(flat.labels == 1) >= 3


def test_roi_limits_every_mode(draw):
    shapes = draw("11.22", "11.22")
    roi = draw("11...", "11...") > 0
    for mode in ("both", "stardist", "unet"):
        result = run(shapes, shapes > 0, roi=roi, mode=mode)
        assert not result.labels[~roi].any()
        assert result.labels[roi].all()


def test_stardist_alone_keeps_its_shapes(draw):
    shapes = draw("11.22", "11.2.")
    result = run(shapes, np.ones((2, 5)), mode="stardist")
    np.testing.assert_array_equal(result.labels, shapes)
    assert result.cells["agreement"].tolist() == [1, 1]
    assert result.foreground is None


def test_unet_alone_takes_components(draw):
    result = run(draw("....."), draw("11.22") > 0, mode="unet")
    assert result.labels.tolist() == [[1, 1, 0, 2, 2]]
    assert result.cells["origin"].tolist() == ["unet", "unet"]
    assert result.probability is None


def test_unet_alone_grows_interiors_back_into_the_mask():
    boundary = np.zeros((3, 9))
    boundary[:, 4] = 1
    result = run(np.zeros((3, 9), int), np.ones((3, 9)), boundary, mode="unet")
    assert result.labels[1, 0] == 1
    assert result.labels[1, 8] == 2
    assert (result.labels > 0).all()


def test_3d_and_more_than_65535_cells():
    """A checkerboard of single voxels in 3D: 75,000 cells."""
    labels = np.zeros((6, 200, 250), np.int32)
    board = np.indices(labels.shape).sum(axis=0) % 4 == 0
    labels[board] = np.arange(1, board.sum() + 1)
    image = np.arange(labels.size, dtype=np.float32).reshape(labels.shape)
    settings = SegmentationSettings(min_size=0, mode="unet")
    result = segment_volume(image, PIXEL, settings, Models(None, DrawnTissue(board)))
    assert result.labels.max() == 75_000
    assert len(result.cells) == 75_000
    assert result.cells.columns[:4].tolist() == ["label", "z", "y", "x"]


def test_marker_radius_is_physical():
    """A 2 µm ball in 4 × 1 × 1 µm voxels stays in its plane, in 1 µm voxels it does not.

    Above the seed of cell 1 the landscape wants cell 2.
    """
    shapes = np.zeros((3, 1, 9), np.int32)
    shapes[1, 0, 2], shapes[0, 0, 7] = 1, 2
    boundary = np.zeros((3, 1, 9))
    boundary[1, 0, :] = 1
    mask = np.ones((3, 1, 9))
    arguments = {"landscape": "boundary", "pooling": "off", "marker_radius": 1.0}
    tall = run(shapes, mask, boundary, calibration=Calibration(dz=4), **arguments)
    cube = run(shapes, mask, boundary, calibration=Calibration(dz=1), **arguments)
    assert tall.labels[0, 0, 2] == 2
    assert cube.labels[0, 0, 2] == 1


@pytest.mark.parametrize("mode", ["both", "stardist", "unet"])
def test_constant_image_has_no_cells_and_needs_no_network(mode, caplog):
    models = Models(object(), object())
    with caplog.at_level(logging.WARNING):
        result = segment_volume(
            np.full((3, 8, 8), 9), PIXEL, SegmentationSettings(mode=mode), models
        )
    assert result.labels.shape == (3, 8, 8)
    assert not result.labels.any()
    assert len(result.cells) == 0
    assert "constant" in caplog.text


def test_threshold_is_otsus_where_neither_settings_nor_model_have_one():
    foreground = np.array([[0.1, 0.1, 0.9, 0.9]])
    image = np.arange(4.0).reshape(1, 4)
    models = Models(None, DrawnTissue(foreground, foreground_thresh=None))
    settings = SegmentationSettings(mode="unet", min_size=0)
    labels = segment_volume(image, PIXEL, settings, models).labels
    assert labels.tolist() == [[0, 0, 1, 1]]


def test_settings_threshold_comes_before_the_models():
    foreground = np.array([[0.1, 0.4, 0.9, 0.9]])
    image = np.arange(4.0).reshape(1, 4)
    models = Models(None, DrawnTissue(foreground, foreground_thresh=0.5))
    settings = SegmentationSettings(mode="unet", min_size=0, unet_thresh=0.3)
    assert segment_volume(image, PIXEL, settings, models).labels.tolist() == [[0, 1, 1, 1]]


def test_same_input_gives_the_same_labels():
    rng = np.random.default_rng(0)
    shapes = np.zeros((12, 12), np.int32)
    shapes[2:5, 2:5], shapes[7:10, 6:9] = 1, 2
    mask = rng.random((12, 12)) > 0.1
    first, second = (run(shapes, mask, pooling="residual") for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)


def test_bad_inputs_are_named():
    models = Models(DrawnShapes(np.zeros((8, 8), int)), None)
    settings = SegmentationSettings(mode="both")
    with pytest.raises(UserError, match="needs the unet model"):
        segment_volume(IMAGE, PIXEL, settings, models)
    only = SegmentationSettings(mode="stardist")
    with pytest.raises(UserError, match="4 dimensions"):
        segment_volume(np.zeros((1, 2, 3, 4)), PIXEL, only, models)
    with pytest.raises(UserError, match="region of interest has shape"):
        segment_volume(IMAGE, PIXEL, only, models, np.ones((2, 2), bool))
    with pytest.raises(UserError, match="NaN"):
        segment_volume(np.full((8, 8), np.nan), PIXEL, only, models)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"norm_low": 50, "norm_high": 40}, "norm_low"),
        ({"min_size": 10, "max_size": 5}, "max_size"),
        ({"n_tiles": (1, 0)}, "n_tiles"),
        ({"pooling": "magic"}, "pooling"),
    ],
)
def test_contradictory_settings_are_refused(values, message):
    with pytest.raises(UserError, match=message):
        SegmentationSettings.parse(values)
