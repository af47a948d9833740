import numpy as np
import pytest

from btrackmate.core.errors import UserError
from btrackmate.segmentation import normalise_volume


def test_percentiles_of_the_whole_volume_become_zero_and_one():
    image = np.arange(101, dtype=np.uint16).reshape(1, 1, 101)
    result = normalise_volume(image, 10, 60)
    assert result.dtype == np.float32
    assert result[0, 0, 10] == 0
    assert result[0, 0, 60] == 1
    assert result[0, 0, 0] == pytest.approx(-0.2)  # Not clipped.


def test_a_constant_image_becomes_zero():
    assert not normalise_volume(np.full((3, 4), 7, np.uint8)).any()


def test_booleans_count_as_zero_and_one():
    image = np.array([[True, False], [False, True]])
    assert normalise_volume(image, 0, 100).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_refused_and_counted(bad):
    image = np.ones((2, 3))
    image[1, 1] = bad
    with pytest.raises(UserError, match="1 of 6 voxels are NaN or infinite"):
        normalise_volume(image)


def test_complex_images_are_refused():
    with pytest.raises(UserError, match="complex64"):
        normalise_volume(np.ones((2, 2), np.complex64))


def test_the_image_is_left_as_it_was():
    image = np.arange(12.0).reshape(3, 4)
    before = image.copy()
    normalise_volume(image)
    np.testing.assert_array_equal(image, before)
