"""Stand-ins for the networks: they return what the test drew."""

from dataclasses import dataclass

import numpy as np

from btrackmate.segmentation.shapes import StarDistPrediction
from btrackmate.segmentation.unet import UNetPrediction


@dataclass
class DrawnShapes:
    """A StarDist that sees `labels`, with probability 1 in them."""

    labels: np.ndarray
    probability: np.ndarray | None = None

    def predict(self, image, *, prob_thresh, nms_thresh, n_tiles, nms):
        count = int(self.labels.max())
        points = [np.argwhere(self.labels == i + 1).mean(axis=0).round() for i in range(count)]
        drawn = (self.labels > 0).astype(np.float32)
        probability = drawn if self.probability is None else self.probability.astype(np.float32)
        return StarDistPrediction(
            self.labels.astype(np.int32),
            np.array(points, np.int64).reshape(count, self.labels.ndim),
            np.linspace(0.9, 0.6, count, dtype=np.float32),
            probability,
            probability * 2,
        )


@dataclass
class DrawnTissue:
    """A U-Net that sees `foreground` (and `boundary`)."""

    foreground: np.ndarray
    boundary: np.ndarray | None = None
    foreground_thresh: float | None = 0.5
    boundary_thresh: float | None = None
    wall_thresh: float | None = None

    def predict(self, image, n_tiles):
        boundary = None if self.boundary is None else self.boundary.astype(np.float32)
        return UNetPrediction(self.foreground.astype(np.float32), boundary)
