"""Image files as other people's programs write them: axes, units, folders, types."""

import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray
from tiny_movies import write_imagej

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.io.image_axes import infer_axes
from btrackmate.io.image_calibration import (
    UNSIZED,
    Given,
    complete_calibration,
    list_differences,
    warn_of_unknown,
)
from btrackmate.io.images import Movie, open_movie
from btrackmate.pipeline.inputs import open_calibrated, open_mask, warn_of_one_frame
from btrackmate.pipeline.settings import InputSettings


def numbered(*shape: int, dtype: Any = np.uint16) -> NDArray[Any]:
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


def plain(path: Path, array: NDArray[Any]) -> Path:
    """Write a TIFF that does not name its axes."""
    tifffile.imwrite(path, array, photometric="minisblack", metadata=None)
    return path


def ngff(
    path: Path,
    array: NDArray[Any],
    axes: list[dict[str, str]],
    scale: list[float],
    translation: list[float] | None = None,
) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("0", data=array)
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    if translation is not None:
        steps.append({"type": "translation", "translation": translation})
    dataset = {"path": "0", "coordinateTransformations": steps}
    group.attrs.update({"multiscales": [{"axes": axes, "datasets": [dataset]}]})
    return path


@pytest.mark.parametrize(
    ("image", "labels", "refused"),
    [
        (None, [0, 0, 0, 10.0], False),
        ([0, 0, 0, 0], [0, 0, 0, 10.0], True),
        ([0, 4.0, 0, 10.1], [0, 4.0, 0, 10.0], False),
        ([0, 0, 0, 0.25], [0, 0, 0, 0], False),
    ],
)
def test_places_of_ome_zarr(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    image: list[float] | None,
    labels: list[float],
    refused: bool,
) -> None:
    """Two crops of one movie are refused; a place that is not 0 is told."""
    axes = [{"name": "t", "type": "time"}]
    axes += [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    scale, array = [1.0, 2.0, 0.5, 0.5], numbered(2, 3, 8, 8)
    pixels = open_movie(ngff(tmp_path / "i.ome.zarr", array, axes, scale, image))
    path = ngff(tmp_path / "l.ome.zarr", array, axes, scale, labels)
    if refused:
        with pytest.raises(UserError, match=r"l.ome.zarr: begins at 0, 0, 20 .* not the same vox"):
            open_calibrated(path, InputSettings(), "labels", pixels)
        with pytest.raises(UserError, match="not the same voxels"):
            open_mask(path, pixels)
    else:
        open_calibrated(path, InputSettings(), "labels", pixels)
    far = any(labels)
    assert ("begins 0, 0, 20 voxels" in caplog.text or "begins 2, 0, 20" in caplog.text) == far


def test_sizes_without_a_unit_are_told_as_they_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    axes = [{"name": n, "type": "time" if n == "t" else "space"} for n in "tzyx"]
    path = ngff(tmp_path / "a.ome.zarr", numbered(2, 3, 8, 8), axes, [30, 2.0, 0.5, 0.5])
    movie = open_movie(path)
    warn_of_unknown(movie)
    assert "no unit of its voxel size 2 × 0.5 × 0.5, taken as pixels" in caplog.text
    assert movie.calibration.spacing(3) == (2, 0.5, 0.5)
    assert movie.calibration.space_unit == "pixel"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([], "no voxel size in its metadata"),
        ([{"type": "identity"}], "no voxel size in its metadata"),
        ([{"type": "affine", "affine": [[1]]}], "axis X the transformation 'affine', which is not"),
        ([{"type": "scale", "path": "numbers"}], "axis X the transformation 'scale', which is not"),
    ],
)
def test_sizes_that_ome_zarr_does_not_state(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, steps: list[dict[str, Any]], told: str
) -> None:
    axes = [{"name": "t", "type": "time", "unit": "second"}]
    axes += [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    path = ngff(tmp_path / "a.ome.zarr", numbered(2, 3, 8, 8), axes, [1.0] * 4)
    group = zarr.open_group(path, mode="r+")
    group.attrs["multiscales"] = [
        {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}
    ]
    if "transformation" in told:
        with pytest.raises(UserError, match=told):
            open_movie(path)
    else:
        warn_of_unknown(open_movie(path))
        assert told in caplog.text
    given = Given(voxel_size=(2, 0.5, 0.5), space_unit="um")
    assert open_movie(path, given=given).calibration.dx == 0.5


@pytest.mark.parametrize("axis", ["X", "Y"])
def test_the_size_of_pixels_along_one_axis_is_that_of_both(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, axis: str
) -> None:
    metadata = {"axes": "TYX", f"PhysicalSize{axis}": 0.5, f"PhysicalSize{axis}Unit": "µm"}
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, numbered(2, 5, 6), metadata=metadata, photometric="minisblack")
    calibration = open_movie(path).calibration
    assert (calibration.dy, calibration.dx, calibration.space_unit) == (0.5, 0.5, "µm")
    assert f"the size of pixels along {axis.lower()} alone, 0.5 µm: taken for both" in caplog.text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            Given(voxel_size=(3, 0.5, 0.6), space_unit="um"),
            "Y 0.5 µm for 0.25 µm, X 0.6 µm for 0.25",
        ),
        (Given(dt=20, time_unit="s"), "T 20 sec for 10 sec"),
        (Given(voxel_size=(250, 250), space_unit="nm", dt=1 / 6, time_unit="min"), ""),
        (UNSIZED, ""),
    ],
)
def test_sizes_that_are_given_for_another_movie_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, given: Given, told: str
) -> None:
    """A run.yaml taken as the settings of the next movie holds what was given for the first."""
    metadata = {"axes": "TYX", "unit": "um", "finterval": 10.0}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, numbered(4, 5, 6), imagej=True, resolution=(4, 4), metadata=metadata)
    open_movie(path, given=given)
    assert ("the sizes that are given replace those of the file" in caplog.text) == bool(told)
    assert all(part in caplog.text for part in told.split(", "))


# Guesses that are likely wrong: a warning names the option that sets them right.


@pytest.mark.parametrize(
    ("spacing", "pixel", "told"), [(3.0, 0.5, True), (0.5, 0.5, False), (1.0, None, False)]
)
def test_frames_that_may_be_slices(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    spacing: float,
    pixel: float | None,
    told: bool,
) -> None:
    """ImageJ keeps the slice spacing of a stack whose slices somebody turned into frames."""
    size = None if pixel is None else (1 / pixel, 1 / pixel)
    metadata = {"axes": "TYX", "unit": "um", "spacing": spacing, "finterval": 5}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, numbered(4, 5, 6), imagej=True, resolution=size, metadata=metadata)
    open_movie(path)
    assert ("frames are slices give axes=ZYX" in caplog.text) == told
    caplog.clear()
    open_movie(path, given=Given(voxel_size=(1, 1)))
    assert "are slices" not in caplog.text


@pytest.mark.parametrize(
    ("shape", "dt", "told"),
    [((1, 4, 5, 6), 5.0, True), ((1, 4, 5, 6), None, False), ((2, 4, 5, 6), 5.0, False)],
)
def test_slices_that_may_be_frames(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    shape: tuple[int, ...],
    dt: float | None,
    told: bool,
) -> None:
    axes = [{"name": "t", "type": "time"} | ({"unit": "second"} if dt else {})]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    path = ngff(tmp_path / "a.ome.zarr", numbered(*shape), axes, [dt or 1.0, 2.0, 0.5, 0.5])
    with open_movie(path) as movie:
        warn_of_one_frame(movie)
    assert ("if they are frames give axes=ZTYX" in caplog.text) == told
    if told:
        with open_movie(path, "ZTYX") as movie:
            assert movie.shape == (4, 1, 1, 5, 6)


@pytest.mark.parametrize(
    ("dots", "unit", "told"),
    [(72, "cm", True), (2, "um", False), (0.5, "mm", True), (20_000, "cm", False)],
)
def test_printing_resolutions_are_no_sizes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, dots: float, unit: str, told: bool
) -> None:
    """72 dots a cm are pixels of 139 µm; 20,000 are real ones of 0.5 µm."""
    path = tmp_path / "a.tif"
    metadata = {"axes": "TYX", "unit": unit, "finterval": 5}
    tifffile.imwrite(
        path, numbered(4, 5, 6), imagej=True, resolution=(dots, dots), metadata=metadata
    )
    warn_of_unknown(open_movie(path))
    assert ("which no microscope has" in caplog.text) == told
    assert ("voxel_size=(Y,X) and space_unit=" in caplog.text) == told


# Axes from the options: axes of length 1 may be named or left out.


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ("TZYX", (1, 1, 3, 4, 5)),
        ("TCZYX", (1, 1, 3, 4, 5)),
        ("CZYX", (1, 1, 3, 4, 5)),
        ("ZYX", (1, 1, 3, 4, 5)),
        ("TYX", (3, 1, 1, 4, 5)),
    ],
)
def test_axes_of_length_1_may_be_named(tmp_path: Path, axes: str, shape: tuple[int, ...]) -> None:
    array = numbered(3, 4, 5)
    path = write_imagej(tmp_path / "a.tif", array, "ZYX")
    movie = open_movie(path, axes)
    assert movie.shape == shape
    np.testing.assert_array_equal(movie.frame(shape[0] - 1)[0, -1], array[-1])


@pytest.mark.parametrize("axes", ["ZYX", "zyx", "TZYX", "CZYX", "TCZYX"])
def test_axes_of_length_1_may_be_left_out(tmp_path: Path, axes: str) -> None:
    array = numbered(1, 1, 3, 4, 5)
    zarr.create_array(tmp_path / "a.zarr", data=array)
    movie = open_movie(tmp_path / "a.zarr", axes)
    assert movie.shape == (1, 1, 3, 4, 5)
    np.testing.assert_array_equal(movie.frame(0)[0], array[0, 0])


@pytest.mark.parametrize(
    ("shape", "axes"), [((3, 4, 5), "TZYX"), ((2, 3, 4, 5), "ZYX"), ((3, 4, 5), "TCYX")]
)
def test_axes_that_may_be_several_are_refused(
    tmp_path: Path, shape: tuple[int, ...], axes: str
) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=numbered(*shape))
    with pytest.raises(UserError, match="letters for an array of"):
        open_movie(tmp_path / "a.zarr", axes)


# Axes from the movie whose shape a file has.


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((6, 3, 8, 9), "TZYX"),
        ((6, 1, 3, 8, 9), "TCZYX"),
        ((6, 3, 1, 8, 9), "TZCYX"),
        ((1, 6, 3, 8, 9), "CTZYX"),
    ],
)
def test_labels_take_the_axes_of_the_image(
    tmp_path: Path, shape: tuple[int, ...], axes: str
) -> None:
    image = open_movie(write_imagej(tmp_path / "i.tif", numbered(6, 3, 2, 8, 9), "TZCYX"))
    zarr.create_array(tmp_path / "l.zarr", data=numbered(*shape))
    with pytest.raises(UserError, match="give axes= or label_axes="):
        open_movie(tmp_path / "l.zarr", role="labels")
    labels = open_movie(tmp_path / "l.zarr", role="labels", model=image)
    assert (labels.axes, labels.axes_source) == (axes, "the shape of i.tif")
    assert labels.shape == (6, 1, 3, 8, 9)
    again = pickle.loads(pickle.dumps(labels))
    assert (again.axes, again.shape) == (labels.axes, labels.shape)


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((3, 8, 9), (1, 1, 3, 8, 9)),
        ((6, 8, 9), (6, 1, 1, 8, 9)),
        ((8, 9), (1, 1, 1, 8, 9)),
        ((6, 3, 8, 9), (6, 1, 3, 8, 9)),
        ((6, 1, 8, 9), (6, 1, 1, 8, 9)),
        ((1, 3, 8, 9), (1, 1, 3, 8, 9)),
    ],
)
def test_masks_may_lack_time_or_depth(
    tmp_path: Path, shape: tuple[int, ...], found: tuple[int, ...]
) -> None:
    movie = open_movie(write_imagej(tmp_path / "i.tif", numbered(6, 3, 8, 9), "TZYX"))
    zarr.create_array(tmp_path / "m.zarr", data=numbered(*shape) % 2)
    assert open_movie(tmp_path / "m.zarr", role="mask", model=movie).shape == found


def test_frames_that_are_as_many_as_slices_are_asked_for(tmp_path: Path) -> None:
    movie = open_movie(write_imagej(tmp_path / "i.tif", numbered(4, 4, 8, 9), "TZYX"))
    path = plain(tmp_path / "m.tif", numbered(4, 8, 9) % 2)
    with pytest.raises(UserError, match=r"mask_axes=, .*\((ZYX or TYX|TYX or ZYX), by the shape"):
        open_movie(path, role="mask", model=movie)
    assert open_movie(path, "TYX", role="mask", model=movie).shape == (4, 1, 1, 8, 9)


def test_metadata_that_contradict_the_movie(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """ImageJ takes any stack for slices: labels of 6 frames say that they have 6 slices."""
    image = open_movie(write_imagej(tmp_path / "i.tif", numbered(6, 8, 9), "TYX"))
    labels = open_movie(
        write_imagej(tmp_path / "l.tif", numbered(6, 8, 9), "ZYX"), role="labels", model=image
    )
    assert labels.axes == "TYX"
    assert "its metadata say axes ZYX, with which it does not fit" in caplog.text


def test_axes_that_fit_nothing_are_left_to_the_metadata(tmp_path: Path) -> None:
    image = open_movie(write_imagej(tmp_path / "i.tif", numbered(6, 8, 9), "TYX"))
    path = write_imagej(tmp_path / "l.tif", numbered(5, 8, 9), "ZYX")
    assert open_movie(path, role="labels", model=image).axes == "ZYX"
    assert infer_axes((5, 8, 9), "labels", image.shape) == []


# Units of single axes.


@pytest.mark.parametrize("kind", ["imagej", "ome", "zarr"])
@pytest.mark.parametrize("odd", ["pixel", "sec", "furlong"])
def test_units_that_do_not_go_together(tmp_path: Path, kind: str, odd: str) -> None:
    array = numbered(2, 3, 4, 5)
    path = tmp_path / (
        "a.ome.zarr" if kind == "zarr" else "a.ome.tif" if kind == "ome" else "a.tif"
    )
    if kind == "imagej":
        metadata = {"axes": "TZYX", "unit": "um", "zunit": odd, "spacing": 2.0}
        tifffile.imwrite(path, array, imagej=True, resolution=(2, 2), metadata=metadata)
    elif kind == "ome":
        metadata = {"axes": "TZYX", "PhysicalSizeZ": 2.0, "PhysicalSizeZUnit": odd}
        metadata |= {f"PhysicalSize{a}{b}": v for a in "XY" for b, v in (("", 0.5), ("Unit", "µm"))}
        tifffile.imwrite(path, array, ome=True, metadata=metadata)
    else:
        units = ("minute", odd, "micrometer", "micrometer")
        axes = [{"name": name, "unit": unit} for name, unit in zip("tzyx", units, strict=True)]
        ngff(path, array, axes, [1, 2, 0.5, 0.5])
    with pytest.raises(UserError, match=f"axis Z the unit '{odd}'.*voxel_size=.Z,Y,X. and space_"):
        open_movie(path)
    movie = open_movie(path, given=Given((2, 0.5, 0.5), space_unit="um"))
    assert movie.calibration.spacing(3) == (2.0, 0.5, 0.5)
    assert open_movie(path, "TCYX").calibration.dx == 0.5  # no Z, so its unit plays no part


@pytest.mark.parametrize(
    ("metadata", "what", "given"),
    [
        ({"spacing": "1,5"}, "axis Z spacing '1,5'", Given((1.5, 0.5, 0.5), space_unit="um")),
        ({"finterval": "2,5"}, "axis T finterval '2,5'", Given(dt=2.5, time_unit="s")),
    ],
)
def test_decimal_commas_in_the_metadata(
    tmp_path: Path, metadata: dict[str, str], what: str, given: Given
) -> None:
    path = tmp_path / "a.tif"
    about = {"axes": "TZYX", "unit": "um", "spacing": 1.5} | metadata
    tifffile.imwrite(path, numbered(2, 3, 4, 5), imagej=True, resolution=(2, 2), metadata=about)
    with pytest.raises(UserError, match=what):
        open_movie(path)
    calibration = open_movie(path, given=given).calibration
    assert (calibration.dz, calibration.dt in (1.0, 2.5)) == (1.5, True)


@pytest.mark.parametrize(("unit", "size"), [("cm", 5e-5), ("m", 5e-7), ("Å", 5e3), ("pm", 5e5)])
def test_more_units_of_length(tmp_path: Path, unit: str, size: float) -> None:
    path = tmp_path / "a.ome.tif"
    metadata: dict[str, Any] = {"axes": "TZYX", "PhysicalSizeZ": size, "PhysicalSizeZUnit": unit}
    metadata |= {f"PhysicalSize{a}{b}": v for a in "XY" for b, v in (("", 0.5), ("Unit", "µm"))}
    tifffile.imwrite(path, numbered(2, 3, 4, 5), ome=True, metadata=metadata)
    assert open_movie(path).calibration.dz == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("size", "shape", "message"),
    [
        ((0.25, 0.5), (2, 3, 4, 5), "has 2 numbers, expected 3: Z,Y,X"),
        ((0.5,), (2, 4, 5), "has 1 numbers, expected 3: Z,Y,X, or 2: Y,X"),
    ],
)
def test_count_of_the_voxel_size(
    tmp_path: Path, size: tuple[float, ...], shape: tuple[int, ...], message: str
) -> None:
    path = write_imagej(tmp_path / "a.tif", numbered(*shape), "TZYX"[: len(shape) - 2] + "YX")
    with pytest.raises(UserError, match=message):
        open_movie(path, given=Given(size))
    if len(shape) == 3:
        calibration = open_movie(path, given=Given((0.25, 0.5))).calibration
        assert calibration.spacing(2) == (0.25, 0.5)


# Calibrations of files of one movie.


def movie_of(
    path: Path, size: float | None, unit: str = "um", dt: float = 0, tunit: str = "sec"
) -> Movie:
    """Open a movie whose voxels are 4 × 1 × 1 times `size`."""
    about: dict[str, Any] = {"axes": "TZYX"}
    about |= {"unit": unit, "spacing": 4 * size} if size else {}
    about |= {"finterval": dt, "tunit": tunit} if dt else {}
    resolution = (1 / size, 1 / size) if size else None
    tifffile.imwrite(path, numbered(2, 3, 4, 5), imagej=True, resolution=resolution, metadata=about)
    return open_movie(path)


def test_what_is_missing_is_taken_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    bare = movie_of(tmp_path / "a.tif", None)
    sized = movie_of(tmp_path / "b.tif", 0.5)
    timed = movie_of(tmp_path / "c.tif", None, dt=30, tunit="min")
    whole = complete_calibration(bare, [sized, timed])
    assert whole.calibration == Calibration(0.5, 0.5, 2.0, 30.0, "µm", "min")
    assert bare.calibration == Calibration()
    assert pickle.loads(pickle.dumps(whole)).calibration == whole.calibration
    assert "a.tif states no voxel size; that of" in caplog.text
    assert "b.tif is taken" in caplog.text
    assert "states no time step" in caplog.text
    np.testing.assert_array_equal(whole.frame(1), bare.frame(1))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ((0.5, "um"), (0.5, "micron"), 0),
        ((0.5, "um"), (500, "nm"), 0),
        ((0.52, "um"), (0.51995, "um"), 0),  # what a fraction of few digits keeps
        ((0.5, "um", 90, "sec"), (0.5, "um", 1.5, "min"), 0),
        ((0.5, "um"), (None, ""), 0),
        ((0.5, "um"), (1, "pixel"), 0),
        ((0.5, "um"), (0.25, "um"), 3),
        ((0.5, "um"), (0.5, "nm"), 3),
        ((0.5, "um", 90, "sec"), (0.5, "um", 90, "min"), 1),
    ],
)
def test_differences_are_told_after_conversion(
    tmp_path: Path,
    one: tuple[Any, ...],
    other: tuple[Any, ...],
    found: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    a, b = movie_of(tmp_path / "a.tif", *one), movie_of(tmp_path / "b.tif", *other)
    assert len(list_differences(a.stated, b.stated)) == found
    complete_calibration(a, [b])
    assert ("are calibrated differently" in caplog.text) == bool(found)


# Folders of frames.


def write_frames(folder: Path, names: list[str], shape: tuple[int, ...] = (3, 4, 5)) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        plain(folder / name, np.full(shape, number + 1, np.uint16))
    return folder


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([0.5, 0.5, 0.5], None),
        ([0.5, 0.50001, None], None),
        ([0.5, 1.0, 0.5], "1 of 3 frames state another voxel size than the first (t1.tif)"),
        ([0.5, 0.5, 2.0], "1 of 3 frames state another voxel size than the first (t2.tif)"),
    ],
)
def test_frames_that_state_other_sizes_are_told(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    sizes: list[float | None],
    told: str | None,
) -> None:
    for number, size in enumerate(sizes):
        resolution = {} if size is None else {"resolution": (1 / size, 1 / size)}
        tifffile.imwrite(
            tmp_path / f"t{number}.tif", numbered(4, 5), imagej=True, **resolution,
            metadata={"axes": "YX", "unit": "um"} if size else {"axes": "YX"},
        )  # fmt: skip
    assert open_movie(tmp_path).calibration.dx == 0.5
    assert [told in one for one in caplog.messages] == [True] if told else not caplog.messages


@pytest.mark.parametrize(
    "names",
    [
        ["t000.tif", "t001.tif", "t002.tif"],
        ["mask000.tif", "mask001.tif", "mask002.tif"],
        ["movie 8.TIF", "movie 9.TIF", "movie 10.TIF"],
        ["2024-05-03_t1_cells.tiff", "2024-05-03_t2_cells.tiff", "2024-05-03_t3_cells.tiff"],
        ["0.tif", "1.tif", "2.tif"],
    ],
)
def test_folder_of_frames(tmp_path: Path, names: list[str]) -> None:
    folder = write_frames(tmp_path / "f", names)
    (folder / "res_track.txt").write_text("1 0 2 0\n", encoding="utf-8")
    (folder / ".hidden.tif").write_bytes(b"x")
    movie = open_movie(folder, role="labels")
    assert (movie.axes, movie.shape) == ("TZYX", (3, 1, 3, 4, 5))
    assert [int(movie.labels(t).max()) for t in range(3)] == [1, 2, 3]
    assert int(movie.region(2, 0, (slice(0, 1), slice(1, 2), slice(0, 5))).min()) == 3
    assert int(pickle.loads(pickle.dumps(movie)).labels(1).max()) == 2


def test_frames_with_channels_sizes_and_types(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    for t in range(2):
        write_imagej(folder / f"t{t}.tif", numbered(3, 2, 4, 5) + np.uint16(t), "ZCYX")
    movie = open_movie(folder)
    assert (movie.axes, movie.shape) == ("TZCYX", (2, 2, 3, 4, 5))
    assert movie.calibration.spacing(3) == (2.0, 0.5, 0.5)
    np.testing.assert_array_equal(movie.frame(1)[1, 2], numbered(3, 2, 4, 5)[2, 1] + 1)
    for t in range(2):
        kind = (np.uint16, np.uint32)[t]
        tifffile.imwrite(
            folder / f"t{t}.tif", np.full((3, 2, 4, 5), 9, kind), metadata={"axes": "ZCYX"}
        )
    assert open_movie(folder).dtype == np.uint32
    assert open_movie(write_frames(tmp_path / "g", ["t0.tif", "t1.tif"], (4, 5))).axes == "TYX"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["t0.tif", "t2.tif"], "no image of frame 1 between t0.tif and t2.tif"),
        (["t0.tif", "mask1.tif"], "mask1 and t0 are no series of frames"),
        (["t0_c0.tif", "t1_c1.tif"], "2 numbers vary in the names"),
        (["a.tif"], "names without a number"),
        (["t01.tif", "t1.tif"], "2 numbers|two files of frame 1|names without"),
        (["t0.png"], "a folder without .tif files"),
    ],
)
def test_folders_that_are_no_movie(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        open_movie(write_frames(tmp_path / "f", names))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "values", "message"),
    [
        ("exp_XY{}_T{}.tif", (["01", "02", "10"], ["0001", "0002"]),
         r"holds 3 positions \(XY01, XY02, XY10\), and a movie is one of them: put the files"),
        ("pos{}_t{}_z{}.tif", ("123", ["01", "02"], "12"), r"3 positions \(pos1, pos2, pos3\)"),
        ("Position {} day {}.tif", ("12", "34"), r"2 positions \(Position 1, Position 2\)"),
        ("xy{}.tif", ("12345678",), r"8 positions \(xy1, xy2, xy3, xy4, xy5, …\)"),
        ("{}01_t{}.tif", ("ABC", "123"), r"3 series of frames \(A01_t…, B01_t…, C01_t…\)"),
        ("movie_w1GFP_s{}_t{}.TIF", ("12", "123"), r"2 series of frames \(movie_w1GFP_s1_t…,"),
        ("{}_time{}.tif", (["GFP", "RFP"], "12"), r"2 series of frames \(GFP_time…, RFP_time…\)"),
        ("t{}_z{}.tif", ("12", "123"), "2 numbers vary in the names .*all slices and channels"),
    ],
)  # fmt: skip
def test_several_movies_in_a_folder_are_no_movie(
    tmp_path: Path, pattern: str, values: tuple[list[str], ...], message: str
) -> None:
    names = [pattern.format(*one) for one in itertools.product(*values)]
    with pytest.raises(UserError, match=message) as caught:
        open_movie(write_frames(tmp_path / "f", names, (2, 2)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "names",
    [["exp_XY02_T1.tif", "exp_XY02_T2.tif"], ["A01_f1_t9.tif", "A01_f1_t10.tif"],
     ["t1_pos3.tif", "t2_pos3.tif"], ["xy7.tif"], ["well A_1.tif", "well A_2.tif"]],
)  # fmt: skip
def test_one_position_of_several_is_a_movie(tmp_path: Path, names: list[str]) -> None:
    movie = open_movie(write_frames(tmp_path / "f", names, (2, 2)))
    assert [int(movie.frame(t).max()) for t in range(movie.n_frames)] == [1, 2][: len(names)]


def test_faults_of_single_frames_are_named(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "f", ["t0.tif", "t1.tif"])
    plain(folder / "t1.tif", numbered(3, 4, 6))
    with pytest.raises(UserError, match=r"t1.tif: shape \(3, 4, 6\), expected \(3, 4, 5\)"):
        open_movie(folder)
    write_imagej(folder / "t0.tif", numbered(2, 4, 5), "TYX")
    with pytest.raises(UserError, match="t0.tif: holds 2 frames itself"):
        open_movie(folder)
    (tmp_path / "01_GT" / "TRA").mkdir(parents=True)
    with pytest.raises(UserError, match="it holds the folders TRA: give one of them"):
        open_movie(tmp_path / "01_GT")


# Labels of other types.


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_whole_floating_point_labels(tmp_path: Path, kind: Any) -> None:
    labels = np.zeros((2, 4, 5), kind)
    labels[1, 2, 3] = 2000
    tifffile.imwrite(tmp_path / "a.tif", labels, metadata={"axes": "TYX"})
    movie = open_movie(tmp_path / "a.tif", role="labels")
    assert movie.labels(1).dtype == np.uint32
    assert int(movie.labels(1).max()) == 2000
    assert open_movie(tmp_path / "a.tif", role="mask").labels(1).dtype == np.uint32
    assert open_movie(tmp_path / "a.tif").frame(1).dtype == kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [(0.5, np.float32), (-1, np.float32), (2**24 + 2, np.float32), (4096, np.float16),
     (2.0**32, np.float64), (np.nan, np.float32), (np.inf, np.float64)],
)  # fmt: skip
def test_values_that_are_no_labels(tmp_path: Path, value: float, kind: Any) -> None:
    labels = np.zeros((2, 4, 5), kind)
    labels[1, 2, 3] = value
    tifffile.imwrite(tmp_path / "a.tif", labels, metadata={"axes": "TYX"})
    for role in ("labels", "mask"):
        movie = open_movie(tmp_path / "a.tif", role=role)  # type: ignore[arg-type]
        movie.labels(0)
        with pytest.raises(UserError, match=r"frame 1: value .* at \(0, 0, 2, 3\), expected lab"):
            movie.labels(1)
        with pytest.raises(UserError, match="frame 1"):
            movie.check_values()


def test_complex_labels_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((2, 4, 5), np.complex64), metadata={"axes": "TYX"}
    )
    with pytest.raises(UserError, match="complex64, expected whole numbers"):
        open_movie(tmp_path / "a.tif", role="labels")


# What is not read.


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.png", "not an image .*save it as TIFF"),
        ("a.xlsx", "save the sheet as CSV"),
        ("a.h5", "TIFF or OME-Zarr"),
        ("a.npy", "tifffile.imwrite"),
        ("a.what", "give a TIFF, OME-TIFF, OME-Zarr or a folder"),
    ],
)
def test_other_formats_say_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UserError, match=message):
        open_movie(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "package"),
    [("a.czi", r"btrackmate\[formats\]"), ("a.LIF", r"btrackmate\[formats\]"),
     ("a.dv", "bioio bioio-dv"), ("a.oir", "bioio bioio-bioformats")],
)  # fmt: skip
def test_vendor_files_name_the_package(
    tmp_path: Path, name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bioio", None)
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UserError, match=f"needs bioio: pip install .?{package}"):
        open_movie(tmp_path / name)


@pytest.mark.parametrize(("c0", "told"), [(-32768, True), (0, False), (None, False)])
def test_signed_values_of_imagej_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, c0: int | None, told: bool
) -> None:
    """It stores them 32768 higher, as TrackMate too measures them."""
    values = {} if c0 is None else {"cf": 0, "c0": c0, "c1": 1}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, numbered(4, 5, 6), imagej=True, metadata={"axes": "ZYX", **values})
    assert open_movie(path).frame(0).max() == numbered(4, 5, 6).max()
    assert (f"{path}: an image of signed 16 bits" in caplog.text) == told
