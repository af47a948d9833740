import numpy as np
import pytest

from btrackmate.core.errors import UserError
from btrackmate.segmentation.percentiles import find_percentiles


@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "u4", "i4", "f2", "f4", "f8", "b1", ">u2"])
def test_equals_numpy_on_the_whole(kind):
    rng = np.random.default_rng(3)
    values = rng.normal(100, 60, (7, 40, 30))
    low = 0 if "u" in kind or kind == "b1" else -1000
    image = np.clip(values, low, 255).astype(kind)
    wanted = np.percentile(image.astype(np.float64), (0, 1, 50, 99.8, 100))
    found = find_percentiles(lambda: iter(image), (0, 1, 50, 99.8, 100))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_interpolates_between_two_values():
    """Ranks 0 to 3 hold 1, 2, 4, 8: 50 % lies halfway from 2 to 4."""
    parts = [np.array([8, 1], np.uint8), np.array([4, 2], np.uint8)]
    assert find_percentiles(lambda: parts, (50, 90)) == (3, pytest.approx(4 + 4 * 0.7))


def test_infinity_is_named():
    with pytest.raises(UserError, match="1 voxels of a part are NaN or infinite"):
        find_percentiles(lambda: [np.array([1.0, np.inf])], (1,))
