import numpy as np
import pytest

from btrackmate.core.axes import to_canonical, validate_axes
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError


def test_spacing_is_in_array_order():
    calibration = Calibration(0.1, 0.2, 3.0)
    assert calibration.spacing(3) == (3.0, 0.2, 0.1)
    assert calibration.spacing(2) == (0.2, 0.1)


def test_voxel_volume_is_an_area_in_2d():
    calibration = Calibration(0.5, 0.5, 3.0)
    assert calibration.voxel_volume(3) == 0.75
    assert calibration.voxel_volume(2) == 0.25


@pytest.mark.parametrize("name", ["dx", "dy", "dz", "dt"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_calibration_must_be_positive_and_finite(name, value):
    with pytest.raises(UserError, match=rf"calibration {name} is {value}"):
        Calibration(**{name: value})


@pytest.mark.parametrize(
    ("axes", "ndim", "message"),
    [
        ("TZYX", 3, "has 4 letters for an array of 3 dimensions"),
        ("TYYX", 4, "names an axis twice"),
        ("TQYX", 4, "unknown axes Q"),
        ("TZX", 3, "lacks Y or X"),
    ],
)
def test_wrong_axes_are_refused(axes, ndim, message):
    with pytest.raises(UserError) as error:
        validate_axes(axes, ndim, "movie.tif")
    assert message in str(error.value)
    assert str(error.value).startswith("movie.tif: ")
    assert "axes=TZYX" in str(error.value)


def test_axes_may_be_lower_case():
    assert validate_axes("zyx", 3) == "ZYX"


@pytest.mark.parametrize(
    ("axes", "shape", "canonical"),
    [
        ("TZCYX", (2, 3, 4, 5, 6), (2, 4, 3, 5, 6)),
        ("YX", (5, 6), (1, 1, 1, 5, 6)),
        ("XYT", (6, 5, 2), (2, 1, 1, 5, 6)),
    ],
)
def test_canonical_order(axes, shape, canonical):
    assert to_canonical(np.zeros(shape), axes).shape == canonical


def test_canonical_order_moves_the_values():
    """Array (X, Y, T): value at x 1, y 2, t 0 stands at [t, c, z, y, x]."""
    array = np.zeros((2, 3, 1))
    array[1, 2, 0] = 9
    assert to_canonical(array, "XYT")[0, 0, 0, 2, 1] == 9


def test_canonical_order_makes_no_copy():
    array = np.zeros((2, 3, 4))
    assert np.shares_memory(to_canonical(array, "ZYX"), array)
