"""A 2D image through networks for volumes."""

import numpy as np
from extras import needs

from btrackmate.metrics import score_segmentation
from btrackmate.samples import load_sample
from btrackmate.segmentation import SegmentationSettings, load_models
from btrackmate.segmentation.flat import segment_frame

pytestmark = needs("tensorflow")


def test_shipped_networks_find_cells_in_a_slice():
    sample = load_sample()
    image, truth = sample.image[0, 16], sample.truth[0, 16]
    settings = SegmentationSettings()
    result = segment_frame(image, sample.calibration, settings, load_models(settings))
    assert result.labels.shape == image.shape
    assert result.labels.dtype == np.uint32
    ids = np.unique(result.labels)
    assert ids.tolist() == list(range(len(ids)))
    assert result.cells["label"].tolist() == ids[1:].tolist()
    assert result.cells["voxels"].sum() == (result.labels > 0).sum()
    assert score_segmentation([truth], [result.labels]).at(0.5).f1 > 0.5
