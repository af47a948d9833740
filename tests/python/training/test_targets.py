"""The shapes that StarDist learns, against StarDist's own."""

import numpy as np
import pytest
from extras import needs

from btrackmate.segmentation.backend import load_tensorflow, quiet_networks
from btrackmate.training.targets import encode_shapes

pytestmark = needs("stardist", "tensorflow")


def draw_cells(shape):
    """Draw three boxes that touch, ids not in a row."""
    labels = np.zeros(shape, np.int32)
    labels[..., 2:9, 2:8], labels[..., 2:9, 8:14], labels[..., 10:15, 3:15] = 3, 1, 7
    return labels


@pytest.mark.parametrize("ndim", [2, 3])
def test_targets_are_stardists_own(ndim):
    load_tensorflow()
    with quiet_networks():
        from stardist.models import Config2D, Config3D
        from stardist.models.model2d import StarDistData2D
        from stardist.models.model3d import StarDistData3D
        from stardist.rays3d import Rays_GoldenSpiral

        if ndim == 3:
            labels, spread = draw_cells((4, 16, 16)), (2.0, 1.0, 1.0)
            rays = Rays_GoldenSpiral(16, anisotropy=spread)
            config = Config3D(rays=rays, anisotropy=spread, grid=(1, 2, 2))
            data = StarDistData3D(
                [labels.astype(np.float32)],
                [labels],
                batch_size=1,
                rays=rays,
                length=1,
                patch_size=labels.shape,
                grid=(1, 2, 2),
                anisotropy=spread,
            )
        else:
            labels = draw_cells((16, 16))
            config = Config2D(n_rays=16, grid=(1, 1))
            data = StarDistData2D(
                [labels.astype(np.float32)],
                [labels],
                batch_size=1,
                n_rays=16,
                length=1,
                patch_size=labels.shape,
                grid=(1, 1),
            )
        _, (probability, distance) = data[0]
    ours = encode_shapes(labels, config)
    np.testing.assert_allclose(ours[0], probability[0], atol=1e-6)
    np.testing.assert_allclose(ours[1], distance[0], atol=1e-6)
    assert ours[0].max() == pytest.approx(1)
