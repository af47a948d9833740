"""Arrays ↔ ImageJ images, checked against ImageJ itself."""

import fiji_jvm
import numpy as np
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError

CALIBRATION = Calibration(0.5, 0.25, 2.0, 30.0, "µm", "min")


def numbered(shape, kind=np.uint16):
    return np.arange(np.prod(shape)).reshape(shape).astype(kind)


def test_tczyx_becomes_a_hyperstack_of_channels_slices_and_frames(imagej):
    """Each plane stands where ImageJ looks for its channel, slice and frame."""
    array = numbered((2, 3, 4, 2, 5))
    seen = imagej(fiji_jvm.convert, array, "TCZYX", CALIBRATION, "movie")
    assert seen["size"] == (5, 2, 3, 4, 2)
    assert seen["hyperstack"]
    for (t, c, z), plane in seen["planes"].items():
        assert plane == array[t, c, z].tolist()


def test_calibration_has_sizes_and_units_of_each_axis(imagej):
    seen = imagej(fiji_jvm.convert, numbered((2, 2, 2, 2)), "TZYX", CALIBRATION, "movie")
    assert seen["voxel"] == (0.5, 0.25, 2.0)
    assert (seen["unit"], seen["interval"], seen["time_unit"]) == ("µm", 30.0, "min")
    assert seen["title"] == "movie"


@pytest.mark.parametrize(
    ("axes", "shape", "size"),
    [
        ("TZYX", (3, 2, 4, 5), (5, 4, 1, 2, 3)),
        ("ZYX", (2, 4, 5), (5, 4, 1, 2, 1)),
        ("TYX", (3, 4, 5), (5, 4, 1, 1, 3)),
        ("YX", (4, 5), (5, 4, 1, 1, 1)),
        ("XYT", (5, 4, 3), (5, 4, 1, 1, 3)),
    ],
)
def test_axes_say_what_is_what(imagej, axes, shape, size):
    assert imagej(fiji_jvm.convert, numbered(shape), axes)["size"] == size


@pytest.mark.parametrize(
    ("kind", "values", "bits"),
    [
        (np.uint8, [0, 1, 127, 128, 255], 8),
        (np.uint16, [0, 1, 32767, 32768, 65535], 16),
        (np.float32, [-1.5, 0.0, 0.1, 3e38, 1e-38], 32),
    ],
)
def test_every_value_of_a_type_is_the_same_in_imagej_and_back(imagej, kind, values, bits):
    array = np.array([values], kind)
    seen = imagej(fiji_jvm.convert, array, "YX")
    assert seen["bits"] == bits
    assert seen["planes"][0, 0, 0] == array.astype(float).tolist()
    back, _, _ = imagej(fiji_jvm.there_and_back, array, "YX")
    assert back.dtype == kind
    assert back.ravel().tolist() == array.ravel().tolist()


def test_there_and_back_keeps_order_calibration_and_title(imagej):
    array = numbered((2, 3, 4, 2, 5))
    back, calibration, title = imagej(fiji_jvm.there_and_back, array, "TCZYX", CALIBRATION, "movie")
    assert np.array_equal(back, array)
    assert calibration == CALIBRATION
    assert title == "movie"


def test_a_view_that_is_not_contiguous_is_copied_right(imagej):
    array = numbered((4, 6))[::-1, ::2]
    assert imagej(fiji_jvm.convert, array, "YX")["planes"][0, 0, 0] == array.tolist()


@pytest.mark.parametrize("kind", ["int32", "int16", "int8", "uint32", "float64", "bool"])
def test_a_type_that_imagej_lacks_is_refused_not_cast(imagej, kind):
    with pytest.raises(UserError, match=f"movie: pixels are {kind}, ImageJ has uint8"):
        imagej(fiji_jvm.convert, np.zeros((2, 2), kind), "YX", None, "movie")


@pytest.mark.parametrize(("highest", "bits"), [(1, 16), (65535, 16), (65536, 32), (16777216, 32)])
def test_label_ids_are_kept(imagej, highest, bits):
    labels = np.array([[0, 7, highest]], np.int64)
    seen = imagej(fiji_jvm.convert_labels, labels, "YX")
    assert seen["bits"] == bits
    assert seen["planes"][0, 0, 0] == [[0.0, 7.0, float(highest)]]
    back = imagej(fiji_jvm.labels_there_and_back, labels, "YX")
    assert back.dtype == np.uint32
    assert back.ravel().tolist() == [0, 7, highest]


def test_an_id_that_a_float_cannot_hold_is_refused_by_name(imagej):
    """As float32 16,777,217 would be 16,777,216: two cells would be one."""
    labels = np.array([[0, 16777216, 16777217]], np.uint32)
    with pytest.raises(UserError, match="cells: label id 16777217 is above 16,777,216"):
        imagej(fiji_jvm.convert_labels, labels, "YX", None, "cells")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([[-1, 2]]), "label id -1 is negative"),
        (np.array([[1.0, 2.0]]), "pixels are float64, a label image holds integers"),
    ],
)
def test_labels_that_are_none_are_refused(imagej, labels, message):
    with pytest.raises(UserError, match=message):
        imagej(fiji_jvm.convert_labels, labels, "YX")


@pytest.mark.parametrize("value", [1.5, -1.0, 16777218.0, np.nan, np.inf])
def test_floats_that_are_no_ids_are_refused(imagej, value):
    with pytest.raises(UserError, match="expected whole label ids"):
        imagej(fiji_jvm.read_floats_as_labels, np.array([[0, value]], np.float32), "YX")


def test_axes_must_be_known_and_fit(imagej):
    with pytest.raises(UserError, match="axes are not known"):
        imagej(fiji_jvm.convert, numbered((2, 2)))
    with pytest.raises(UserError, match="has 3 letters for an array of 2 dimensions"):
        imagej(fiji_jvm.convert, numbered((2, 2)), "ZYX")
    with pytest.raises(UserError, match="holds no pixels"):
        imagej(fiji_jvm.convert, numbered((0, 2, 2)), "TYX")


def test_dataarray_brings_axes_and_calibration(imagej):
    xarray = pytest.importorskip("xarray", reason="Python package xarray is not installed")
    image = xarray.DataArray(
        numbered((3, 2, 4, 5)),
        dims=["t", "pln", "row", "col"],
        coords={"t": [0, 30, 60], "pln": [0.0, 2.0], "row": np.arange(4) * 0.25,
                "col": np.arange(5) * 0.5},
        attrs={"space_unit": "µm", "time_unit": "min"},
    )  # fmt: skip
    seen, dims, back, coords, attrs = imagej(fiji_jvm.xarray_there_and_back, image)
    assert seen["size"] == (5, 4, 1, 2, 3)
    assert seen["voxel"] == (0.5, 0.25, 2.0)
    assert (seen["unit"], seen["interval"], seen["time_unit"]) == ("µm", 30.0, "min")
    assert dims == ("t", "z", "y", "x")
    assert np.array_equal(back, image.to_numpy())
    assert coords["t"].tolist() == [0, 30, 60]
    assert coords["z"].tolist() == [0.0, 2.0]
    assert attrs == {"space_unit": "µm", "time_unit": "min"}


def test_dataarray_with_uneven_frames_or_strange_axes_is_refused(imagej):
    xarray = pytest.importorskip("xarray", reason="Python package xarray is not installed")
    uneven = xarray.DataArray(numbered((3, 2, 2)), dims=("t", "y", "x"), coords={"t": [0, 1, 5]})
    with pytest.raises(UserError, match="coordinates of t are not evenly spaced"):
        imagej(fiji_jvm.convert, uneven)
    strange = xarray.DataArray(numbered((3, 2, 2)), dims=("lifetime", "y", "x"))
    with pytest.raises(UserError, match="unknown dimension 'lifetime'"):
        imagej(fiji_jvm.convert, strange)


def test_rgb_is_refused_and_signed_values_stay_signed(imagej):
    with pytest.raises(UserError, match="'colour' is an RGB image"):
        imagej(fiji_jvm.read_rgb)
    signed = imagej(fiji_jvm.read_signed)
    assert signed.dtype == np.int16
    assert signed.ravel().tolist() == [-3, 5]
