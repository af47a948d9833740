"""Blocks give what the whole gives."""

import threading
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import Cancelled, UserError
from btrackmate.core.progress import ignore_progress
from btrackmate.metrics.overlap import count_overlaps
from btrackmate.metrics.segmentation import match_instances
from btrackmate.segmentation import (
    SegmentationSettings,
    block_networks,
    block_state,
    load_models,
    segment_volume,
)
from btrackmate.segmentation.block_route import segment_in_blocks
from btrackmate.segmentation.block_state import BlockJob
from btrackmate.segmentation.blocks import (
    Volume,
    choose_block,
    cut_blocks,
    grow,
    make_array,
    needs_blocks,
    within,
)
from btrackmate.segmentation.components import ComponentMap
from btrackmate.segmentation.seeds import find_centres, label_components
from btrackmate_samples.training_set import make_training_volumes


def test_blocks_cover_the_volume_once_and_are_no_larger_than_asked():
    seen = np.zeros((5, 9, 10), int)
    for box in cut_blocks(seen.shape, (5, 4, 6)):
        assert seen[box].size <= 5 * 4 * 6
        seen[box] += 1
    assert (seen == 1).all()


def test_halo_ends_at_the_border():
    box = (slice(0, 2), slice(4, 6))
    region = grow(box, (3, 3), (9, 8))
    assert region == (slice(0, 5), slice(1, 8))
    assert within(box, region) == (slice(0, 2), slice(3, 5))


def test_blocks_by_memory():
    assert choose_block((10, 100, 100), (0, 0, 0), 1e9) == (10, 100, 100)
    size = choose_block((10, 400, 400), (4, 20, 20), 10 * 200 * 200 * 110.0)
    assert (size[1] + 40) * (size[2] + 40) <= 200 * 200
    assert needs_blocks((200, 1024, 1024), 8e9)
    assert not needs_blocks((22, 512, 512), 8e9)


@pytest.fixture
def pattern():
    """Blobs of many shapes, some across several blocks."""
    noise = np.random.default_rng(5).normal(size=(8, 40, 40))
    return ndimage.gaussian_filter(noise, 1.5) > 0.07


def test_components_of_blocks_are_those_of_the_whole(pattern, tmp_path):
    whole = label_components(pattern, 5)
    mask = make_array(tmp_path, "mask", pattern.shape, bool)
    mask[...] = pattern
    found = ComponentMap(make_array(tmp_path, "numbers", pattern.shape, np.int32))
    blocks = cut_blocks(pattern.shape, (8, 13, 17))
    for box in blocks:
        found.add(box, pattern[box])
    components = found.merge(5)
    numbers = components.read((slice(None),) * 3)
    assert len(components) == whole.max() > 5
    pairs = np.unique(np.stack([whole.ravel(), numbers.ravel()], axis=1), axis=0)
    assert len(pairs) == whole.max() + 1  # each has one partner, the background too
    wanted = find_centres(whole, pattern, (2.0, 1.0, 1.0))[1]
    every = np.arange(1, len(components) + 1)
    centres = components.find_centres(every, mask, blocks, (2.0, 1.0, 1.0))
    assert sorted(whole[tuple(centres.T)]) == list(every)
    near = np.linalg.norm((centres - wanted[whole[tuple(centres.T)] - 1]) * (2, 1, 1), axis=1)
    assert (near > 0).mean() < 0.2  # equals among several nearest voxels may differ


def test_components_without_a_seed(tmp_path):
    """An L in whose box, but not in which, the seed at (0, 2) lies, and a dot without one."""
    rows = ["#...#", "#....", "###.."]
    mask = np.array([[[c == "#" for c in row] for row in rows]])
    found = ComponentMap(make_array(tmp_path, "numbers", mask.shape, np.int32))
    for box in cut_blocks(mask.shape, (1, 2, 5)):
        found.add(box, mask[box])
    components = found.merge(1)
    seed = np.array([[0, 0, 2]])
    assert components.without_seed(seed, by_box=False).tolist() == [1, 2]
    assert components.without_seed(seed, by_box=True).tolist() == [2]


@pytest.fixture(scope="module")
def volume():
    return next(make_training_volumes(1, seed=3, shape=(16, 96, 96)))


@pytest.fixture(scope="module")
def models():
    pytest.importorskip("stardist", reason="stardist is not installed")
    return load_models(SegmentationSettings())


@pytest.mark.slow
@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"landscape": "probability", "pooling": "residual", "min_size": 400},
        {"landscape": "distance", "pooling": "basin", "nms": "filtered"},
        {"prob_thresh": 0.7, "rescue_thresh": 0.6},
        {"mode": "stardist", "max_size": 4000},
        {"mode": "unet", "unet_thresh": 0.5},
    ],
)
def test_blocks_equal_the_whole(volume, models, tmp_path, monkeypatch, choice):
    """Within 1 % of the cells, at an overlap of 0.9; the table too."""
    monkeypatch.setattr(block_state, "_MEMORY", 1e8)
    settings = SegmentationSettings(**choice)
    roi = np.zeros(volume.image.shape, np.uint8)
    roi[:, :, :90] = 1
    whole = segment_volume(volume.image, volume.calibration, settings, models, roi > 0)
    labels = np.full(volume.image.shape, 99_999, np.uint32)

    def write(box, part):
        labels[box] = part

    job = BlockJob(
        Volume(volume.image.shape, lambda box: volume.image[box]),
        volume.calibration,
        settings.model_copy(update={"block": (16, 40, 52)}),
        models,
        tmp_path,
        Volume(roi.shape, lambda box: roi[box]),
    )
    cells = segment_in_blocks(job, write)
    assert len(whole.cells) > 20
    matched = match_instances(count_overlaps(whole.labels, labels), 0.9)
    allowed = 0.01 * len(whole.cells) + 1
    assert matched.fp <= allowed
    assert matched.fn <= allowed
    assert np.unique(labels[labels > 0]).tolist() == cells["label"].tolist()
    assert cells["voxels"].tolist() == np.bincount(labels.ravel())[1:].tolist()
    for name in ("score", "agreement"):
        assert cells[name].mean() == pytest.approx(whole.cells[name].mean(), 0.02, nan_ok=True)
    assert cells["origin"].value_counts().to_dict() == pytest.approx(
        whole.cells["origin"].value_counts().to_dict(), abs=1
    )


@pytest.mark.slow
def test_blocks_above_one_another_give_each_cell_its_probability(volume, models, tmp_path):
    """The blocks are cut along z too, where StarDist's grid has a point in each plane."""
    image, labels = volume.image[:, :64, :64], np.zeros((volume.image.shape[0], 64, 64), np.uint32)
    settings = SegmentationSettings(prob_thresh=0.7, rescue_thresh=0.6)
    whole = segment_volume(image, volume.calibration, settings, models)
    kept = settings.model_copy(update={"rescue_thresh": 0})
    assert len(segment_volume(image, volume.calibration, kept, models).cells) > len(whole.cells)
    job = BlockJob(
        Volume(image.shape, lambda box: image[box]),
        volume.calibration,
        settings.model_copy(update={"block": (image.shape[0] // 2, 40, 64)}),
        models,
        tmp_path,
    )
    cells = segment_in_blocks(job, labels.__setitem__)
    assert abs(len(cells) - len(whole.cells)) <= 1
    assert ((labels > 0) == (whole.labels > 0)).mean() > 0.99


@pytest.mark.slow
def test_tiles_computed_ahead_change_nothing(volume, models, tmp_path, monkeypatch):
    """The same labels as tile after tile."""
    monkeypatch.setattr(block_state, "_MEMORY", 1e7)
    image, results, tiles = volume.image, [], []
    readers = set()

    def read(box):
        readers.add(threading.get_ident())
        return image[box]

    for name in ("ahead", "one by one"):
        if name == "one by one":
            monkeypatch.setattr(block_networks, "_ahead", nullcontext)
        labels, scratch = np.zeros(image.shape, np.uint32), tmp_path / name
        scratch.mkdir()
        settings = SegmentationSettings(landscape="probability")
        job = BlockJob(
            Volume(image.shape, read),
            volume.calibration,
            settings.model_copy(update={"block": (16, 48, 96)}),
            models,
            scratch,
        )
        readers.clear()
        cells = segment_in_blocks(job, labels.__setitem__, lambda *step: tiles.append(step))
        results.append((labels, cells))
        # The percentiles are found here; the networks' tiles are read by their thread alone.
        assert (len(readers) > 1) == (name == "ahead")
    assert ("StarDist", 4, 0) in tiles
    assert ("U-Net", 4, 0) in tiles
    np.testing.assert_array_equal(results[0][0], results[1][0])
    pd.testing.assert_frame_equal(results[0][1], results[1][1])
    assert len(results[0][1]) > 20


def test_errors_and_stops_come_through_from_tiles_computed_ahead(
    volume, models, tmp_path, monkeypatch
):
    monkeypatch.setattr(block_state, "_MEMORY", 1e7)
    image, reads = volume.image, []

    def read(box):
        reads.append(box)
        if len(reads) == 4:  # one for the percentiles, then tiles
            msg = "plane 3 is damaged"
            raise UserError(msg)
        return image[box]

    def stop(name, done, _total):
        if name == "StarDist":
            raise Cancelled

    threads = threading.active_count()
    for number, (reader, report, kind) in enumerate(
        [
            (read, ignore_progress, UserError),
            (image.__getitem__, stop, Cancelled),
        ]
    ):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        job = BlockJob(
            Volume(image.shape, reader),
            volume.calibration,
            SegmentationSettings(),
            models,
            scratch,
        )
        with pytest.raises(kind):
            segment_in_blocks(job, lambda box, part: None, report)
        assert threading.active_count() == threads


def test_constant_volume_has_no_cells(models, tmp_path):
    image, labels = np.full((4, 8, 8), 7, np.uint8), np.full((4, 8, 8), 9, np.uint32)

    def write(box, part):
        labels[box] = part

    volume = Volume(image.shape, lambda box: image[box])
    job = BlockJob(volume, Calibration(), SegmentationSettings(block=(4, 4, 4)), models, tmp_path)
    assert len(segment_in_blocks(job, write)) == 0
    assert not labels.any()


def test_blocks_are_for_volumes(models, tmp_path):
    volume = Volume((8, 8), lambda box: np.zeros((8, 8))[box])
    job = BlockJob(volume, Calibration(), SegmentationSettings(), models, tmp_path)
    with pytest.raises(UserError, match="blocks are for volumes"):
        segment_in_blocks(job, lambda box, part: None)
