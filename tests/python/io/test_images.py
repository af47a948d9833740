"""Reading images: axes, calibration, types and bad input."""

import logging
import pickle
import sys
import threading
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import zarr

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.io.image_calibration import Given
from btrackmate.io.images import check_finite, hash_path, open_movie
from btrackmate.io.tiff import read_tiff


def numbered(*shape, dtype=np.uint16):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def write_imagej(path, array, axes, **metadata):
    resolution = metadata.pop("resolution", (2.0, 4.0))
    tifffile.imwrite(
        path, array, imagej=True, resolution=resolution, metadata={"axes": axes, **metadata}
    )
    return path


def test_imagej_hyperstack_gives_axes_and_calibration(tmp_path):
    array = numbered(3, 4, 2, 5, 6)
    path = write_imagej(
        tmp_path / "a.tif", array, "TZCYX", unit="um", spacing=3.0, finterval=30.0, tunit="min"
    )
    movie = open_movie(path)
    assert movie.shape == (3, 2, 4, 5, 6)
    assert (movie.axes, movie.axes_source, movie.ndim) == ("TZCYX", "ImageJ TIFF", 3)
    assert movie.calibration == Calibration(0.5, 0.25, 3.0, 30.0, "µm", "min")
    assert movie.dtype == np.uint16
    # Frame 1, channel 0, slice 2 of the file.
    np.testing.assert_array_equal(movie.frame(1)[0, 2], array[1, 2, 0])


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m", "µm"])
def test_spellings_of_micrometre(tmp_path, unit):
    if unit == "µm":  # ImageJ itself escapes it, tifffile cannot write it
        from btrackmate.io.units import normalise_space_unit

        assert normalise_space_unit(unit) == normalise_space_unit("μm") == "µm"
        return
    path = write_imagej(tmp_path / "a.tif", numbered(2, 3, 4), "TYX", unit=unit)
    assert open_movie(path).calibration.space_unit == "µm"


def test_imagej_time_unit_is_seconds_where_not_named(tmp_path):
    path = write_imagej(tmp_path / "a.tif", numbered(2, 3, 4), "TYX", unit="um", finterval=7.0)
    movie = open_movie(path)
    assert (movie.calibration.dt, movie.calibration.time_unit) == (7.0, "sec")
    assert movie.ndim == 2


def test_printing_resolution_in_inches_is_no_voxel_size(tmp_path):
    path = write_imagej(
        tmp_path / "a.tif", numbered(2, 3, 4), "TYX", unit="inch", resolution=(72.0, 72.0)
    )
    assert open_movie(path).calibration == Calibration()


def test_big_endian_and_compressed_planes(tmp_path):
    array = numbered(3, 2, 16, 16, dtype=np.uint32) + 70_000
    for name, options in (("raw", {}), ("zlib", {"compression": "zlib"})):
        path = tmp_path / f"{name}.ome.tif"
        tifffile.imwrite(path, array, byteorder=">", ome=True, metadata={"axes": "TZYX"}, **options)
        movie = open_movie(path, role="labels")
        assert movie.dtype == np.uint32
        assert movie.dtype.isnative
        np.testing.assert_array_equal(movie.labels(2), array[2])
        assert movie.labels(2).dtype.isnative


def test_ome_tiff_calibration(tmp_path):
    path = tmp_path / "a.ome.tif"
    metadata = {
        "axes": "TCZYX",
        "PhysicalSizeX": 520.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 520.0,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 3.0,
        "PhysicalSizeZUnit": "µm",
        "TimeIncrement": 2.5,
        "TimeIncrementUnit": "min",
    }
    array = numbered(2, 2, 3, 4, 5)
    tifffile.imwrite(path, array, ome=True, metadata=metadata)
    movie = open_movie(path)
    assert movie.calibration == Calibration(520.0, 520.0, 3000.0, 2.5, "nm", "min")
    np.testing.assert_array_equal(movie.frame(1), array[1])


@pytest.mark.parametrize(
    ("stated", "dt", "said"),
    [
        ({}, (61_000.0, "ms"), "state no time step; its frames were taken every 61000 ms (DeltaT)"),
        ({"TimeIncrement": 1.0, "TimeIncrementUnit": "min"}, (1.0, "min"), ""),
        ({"TimeIncrement": 30.0}, (30.0, "sec"), "a time step of 30 sec, which is used, but its f"),
    ],
)
def test_times_of_ome_planes_are_compared(tmp_path, caplog, stated, dt, said):
    """Many microscopes note when each plane was taken, and some of them no TimeIncrement."""
    path = tmp_path / "a.ome.tif"
    taken = [t * 61_000.0 + z * 200 for t in range(3) for z in range(2)]
    planes = {"DeltaT": taken, "DeltaTUnit": ["ms"] * 6}
    metadata = {"axes": "TZYX", "PhysicalSizeX": 1.0, **stated, "Plane": planes}
    tifffile.imwrite(path, numbered(3, 2, 4, 5), ome=True, metadata=metadata)
    calibration = open_movie(path).calibration
    assert (calibration.dt, calibration.time_unit) == dt
    assert said in caplog.text
    assert ("DeltaT" in caplog.text) == bool(said)
    caplog.clear()
    assert open_movie(path, given=Given(dt=5.0, time_unit="s")).calibration.dt == 5
    assert "DeltaT" not in caplog.text


def test_sizes_below_0_are_told(tmp_path):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "ZYX", "PhysicalSizeX": -0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(path, numbered(3, 4, 5), ome=True, metadata=metadata)
    with pytest.raises(UserError, match=r"axis X PhysicalSizeX -0\.5, which is below 0; give vox"):
        open_movie(path)


def test_plain_tiff_axes_are_not_guessed(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, numbered(3, 4, 5, 6), photometric="minisblack")
    with pytest.raises(UserError, match=r"axes=") as caught:
        open_movie(path)
    assert "(3, 4, 5, 6)" in str(caught.value)
    movie = open_movie(path, "tzyx")
    assert (movie.shape, movie.axes_source) == ((3, 1, 4, 5, 6), "the options")


def test_axes_option_wins_over_metadata(tmp_path):
    array = numbered(3, 4, 5)
    path = write_imagej(tmp_path / "a.tif", array, "ZYX", unit="um", spacing=3.0, finterval=9.0)
    movie = open_movie(path, "TYX")
    assert movie.shape == (3, 1, 1, 4, 5)
    assert movie.calibration.dz == 1.0
    np.testing.assert_array_equal(movie.frame(2)[0, 0], array[2])


def test_file_without_time_axis_is_one_frame(tmp_path):
    array = numbered(3, 4, 5)
    movie = open_movie(write_imagej(tmp_path / "a.tif", array, "ZYX"))
    assert movie.shape == (1, 1, 3, 4, 5)
    np.testing.assert_array_equal(movie.frame(0)[0], array)


@pytest.mark.parametrize(
    ("axes", "message"),
    [("TZYX", "4 letters"), ("TTX", "twice"), ("TQX", "unknown"), ("TZX", "lacks Y or X")],
)
def test_wrong_axes_option(tmp_path, axes, message):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, numbered(3, 4, 5), photometric="minisblack")
    with pytest.raises(UserError, match=message):
        open_movie(path, axes)


def test_given_calibration_wins(tmp_path):
    path = write_imagej(tmp_path / "a.tif", numbered(2, 3, 4, 5), "TZYX", unit="um", spacing=2.0)
    movie = open_movie(path, given=Given((3.0, 0.52, 0.51), 5.0, "micron", "minutes"))
    assert movie.calibration == Calibration(0.51, 0.52, 3.0, 5.0, "µm", "min")


def test_missing_unit_is_said_in_the_log(tmp_path, caplog):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, numbered(2, 3, 4, 5), metadata={"axes": "TZYX"}, photometric="minisblack"
    )
    with caplog.at_level(logging.WARNING):
        movie = open_movie(path, given=Given((3, 1, 1), 2))
    assert (movie.calibration.space_unit, movie.calibration.time_unit) == ("µm", "sec")
    assert "space_unit=" in caplog.text
    assert "time_unit=" in caplog.text


def test_voxel_size_of_zero_is_refused(tmp_path):
    path = write_imagej(tmp_path / "a.tif", numbered(2, 4, 5), "TYX")
    with pytest.raises(UserError, match="voxel_size="):
        open_movie(path, given=Given((1, 0, 1)))


def test_labels_with_two_channels_are_refused(tmp_path):
    path = write_imagej(tmp_path / "a.tif", numbered(2, 2, 4, 5), "TCYX")
    with pytest.raises(UserError, match="2 channels"):
        open_movie(path, role="labels")


def test_negative_label_is_refused_and_large_ids_are_kept(tmp_path):
    labels = np.zeros((2, 4, 4), np.int64)
    labels[0, 1, 1] = 2**32 - 1
    labels[1, 1, 1] = -3
    store = zarr.create_array(tmp_path / "a.zarr", data=labels, dimension_names=["t", "y", "x"])
    movie = open_movie(store.store.root, role="labels")
    assert movie.labels(0).max() == 4294967295
    with pytest.raises(UserError, match=r"frame 1: label -3"):
        movie.labels(1)


def test_nan_is_named_with_frame_and_position(tmp_path):
    array = np.ones((3, 2, 4, 5), np.float32)
    array[2, 1, 3, 0] = np.nan
    array[2, 1, 3, 4] = np.inf
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, metadata={"axes": "TZYX"})
    movie = open_movie(path)
    movie.frame(1)
    with pytest.raises(UserError, match=r"frame 2: 2 values .*\(0, 1, 3, 0\)"):
        movie.check_values()


def test_check_finite_ignores_integers():
    check_finite(np.array([0, 2**31], np.uint32), "here")


def test_what_is_no_image(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        open_movie(tmp_path / "missing.tif")
    text = tmp_path / "text.tif"
    text.write_text("x,y,z\n1,2,3\n")
    with pytest.raises(UserError, match="not an image"):
        open_movie(text)
    empty = tmp_path / "empty.tif"
    empty.write_bytes(b"")
    with pytest.raises(UserError, match="not an image"):
        open_movie(empty)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="is a folder without .tif files"):
        open_movie(tmp_path / "folder")


@pytest.mark.parametrize("size", [9, 100, 300, 700])
def test_truncated_tiff_is_one_line(tmp_path, size):
    path = write_imagej(tmp_path / "a.tif", numbered(2, 3, 16, 16), "TZYX")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UserError) as caught:
        open_movie(path).frame(1)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr(tmp_path, version):
    array = numbered(2, 1, 3, 4, 5)
    path = tmp_path / "a.ome.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array("0", data=array, chunks=(1, 1, 3, 4, 5))
    image = {
        "axes": [
            {"name": "t", "type": "time", "unit": "minute"},
            {"name": "c", "type": "channel"},
            *({"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"),
        ],
        "datasets": [
            {
                "path": "0",
                "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 3.0, 0.5, 0.25]}],
            }
        ],
        "coordinateTransformations": [{"type": "scale", "scale": [5, 1, 1, 1, 2]}],
    }
    attributes = {"multiscales": [image]}
    group.attrs.update(attributes if version == "0.4" else {"ome": attributes})
    movie = open_movie(path)
    assert (movie.axes, movie.shape) == ("TCZYX", (2, 1, 3, 4, 5))
    assert movie.calibration == Calibration(0.5, 0.5, 3.0, 5.0, "µm", "min")
    np.testing.assert_array_equal(movie.frame(1), array[1])


def test_zarr_without_named_axes_asks(tmp_path):
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=numbered(2, 4, 5))
    with pytest.raises(UserError, match=r"axes '\?\?\?'.*axes="):
        open_movie(path)
    assert open_movie(path, "TYX").shape == (2, 1, 1, 4, 5)
    other = tmp_path / "b.zarr"
    zarr.open_group(other, mode="w").create_array("raw", data=numbered(2, 4, 5))
    with pytest.raises(UserError, match="holds raw"):
        open_movie(other)


def test_movie_can_be_pickled(tmp_path):
    path = write_imagej(tmp_path / "a.tif", numbered(2, 4, 5), "TYX", unit="um")
    movie = open_movie(path, given=Given(dt=4.0, time_unit="h"))
    copy = pickle.loads(pickle.dumps(movie))
    assert copy.calibration == movie.calibration
    np.testing.assert_array_equal(copy.frame(1), movie.frame(1))


def test_frame_outside_the_movie(tmp_path):
    path = write_imagej(tmp_path / "a.tif", numbered(2, 4, 5), "TYX")
    with pytest.raises(IndexError, match="frames 0 to 1, not 2"):
        open_movie(path).frame(2)


def test_hash_is_of_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert hash_path(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    before = hash_path(tmp_path)
    (tmp_path / ".hidden").write_bytes(b"x")
    assert hash_path(tmp_path) == before
    (tmp_path / "b").write_bytes(b"")
    assert hash_path(tmp_path) != before


class FakeBioImage:
    """What bioio gives for a file: TCZYX (2, 1, 3, 4, 5), 0.5 µm, 2 µm slices, 30 s."""

    data = numbered(2, 1, 3, 4, 5)
    dtype = data.dtype
    dims = {letter: (n,) for letter, n in zip("TCZYX", data.shape, strict=True)}
    physical_pixel_sizes = SimpleNamespace(X=0.5, Y=0.5, Z=2.0)
    time_interval = timedelta(seconds=30)
    scenes = ("one", "two")

    def __init__(self, path):
        if path.stem == "bad":
            msg = "unsupported. A long story."
            raise LookupError(msg)

    def get_image_data(self, axes, **where):
        if where["T"] > 1:
            msg = "cannot select. More."
            raise KeyError(msg)
        assert axes == "CZYX"
        return self.data[where["T"]]


def test_vendor_file_without_bioio(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioio", None)
    (tmp_path / "a.nd2").write_bytes(b"x")
    with pytest.raises(UserError, match=r"btrackmate\[formats\]"):
        open_movie(tmp_path / "a.nd2")


def test_vendor_file_through_bioio(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioio", SimpleNamespace(BioImage=FakeBioImage))
    (tmp_path / "a.nd2").write_bytes(b"x")
    movie = open_movie(tmp_path / "a.nd2")
    assert movie.calibration == Calibration(0.5, 0.5, 2.0, 30.0, "µm", "sec")
    np.testing.assert_array_equal(movie.frame(1), FakeBioImage.data[1])
    with pytest.raises(UserError, match=r"bioio-nd2 cannot read it \('cannot select\); save it as"):
        movie._source.read(0, 2)
    (tmp_path / "bad.nd2").write_bytes(b"x")
    with pytest.raises(UserError, match=r"files needs bioio-nd2: pip install 'btrackmate"):
        open_movie(tmp_path / "bad.nd2")


def test_czi_through_bioio(tmp_path):
    """A real file of Zeiss' own writer: axes, every channel's and slice's place, voxel size."""
    pytest.importorskip("bioio_czi", reason="bioio-czi is not installed")
    czi = pytest.importorskip("pylibCZIrw.czi", reason="pylibCZIrw is not installed")
    array = numbered(3, 2, 4, 20, 30)
    path = tmp_path / "a.czi"
    with czi.create_czi(str(path)) as file:
        for t, c, z in np.ndindex(3, 2, 4):
            file.write(data=array[t, c, z][..., None], plane={"T": t, "C": c, "Z": z})
        file.write_metadata("a", scale_x=0.25e-6, scale_y=0.5e-6, scale_z=2e-6)
    movie = open_movie(path)
    assert (movie.axes, movie.shape, movie.dtype) == ("TCZYX", (3, 2, 4, 20, 30), np.uint16)
    assert (movie.calibration.dx, movie.calibration.dy, movie.calibration.dz) == (0.25, 0.5, 2.0)
    assert movie.calibration.space_unit == "µm"
    for t in range(3):
        np.testing.assert_array_equal(movie.frame(t), array[t])


def write_large(path, frames, slices, planes):
    """Write what ImageJ writes above 4 GB: the tags of one plane, and all others after it."""
    plane = np.zeros((512, 1024), np.uint16)
    text = f"ImageJ=1.54p\nimages={frames * slices}\nslices={slices}\nframes={frames}\n"
    text += "hyperstack=true\nmode=grayscale\nunit=micron\nspacing=3.0\nfinterval=60.0\n"
    with tifffile.TiffWriter(path, byteorder=">") as file:
        file.write(plane, description=text, metadata=None, resolution=(2, 2))
    with tifffile.TiffFile(path) as file:
        begin = file.pages[0].dataoffsets[0]
    with path.open("r+b") as file:
        file.truncate(begin + planes * plane.nbytes)  # a hole: it takes no space
        file.seek(begin + (planes - 1) * plane.nbytes + 2 * (7 * 1024 + 9))
        file.write((1234).to_bytes(2, "big"))


def test_imagej_hyperstack_above_4_gb(tmp_path):
    path = tmp_path / "large.tif"
    write_large(path, 200, 22, 4400)
    assert path.stat().st_size > 2**32
    movie = open_movie(path)
    assert (movie.axes, movie.n_frames) == ("TZYX", 200)
    assert movie.calibration == Calibration(0.5, 0.5, 3.0, 60.0, "µm", "sec")
    frame = movie.frame(199)
    assert frame.shape == (1, 22, 512, 1024)
    assert np.argwhere(frame).tolist() == [[0, 21, 7, 9]]
    assert frame.max() == 1234


def test_imagej_hyperstack_above_4_gb_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "large.tif"
    write_large(path, 200, 22, 4399)
    with pytest.raises(UserError, match=r"large.tif: holds .* of the 4400 planes"):
        open_movie(path)


def test_imagej_file_that_is_cut_off_is_refused(tmp_path):
    """tifffile would read its first plane alone."""
    path = write_imagej(tmp_path / "a.tif", np.zeros((4, 64, 64), np.uint8), "ZYX", unit="um")
    path.write_bytes(path.read_bytes()[:6000])
    with pytest.raises(UserError, match="a.tif: holds 1 of the 4 planes"):
        open_movie(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_file_whose_list_of_planes_breaks_off_is_refused(tmp_path, compression, caplog):
    """tifffile would read the planes before the break alone."""
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(0).integers(0, 255, (6, 32, 32), np.uint8)
    with tifffile.TiffWriter(path) as writer:
        for plane in noise:
            writer.write(plane, metadata=None, contiguous=False, compression=compression)
    assert open_movie(path, "ZYX").shape == (1, 1, 6, 32, 32)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    caplog.clear()
    with pytest.raises(UserError, match="a.tif: damaged after plane 2, .*; copy or save it again"):
        open_movie(path, "ZYX")
    assert not caplog.records


def test_a_file_is_not_blamed_for_what_another_thread_reads(tmp_path, monkeypatch):
    """While a sound file is opened, another thread opens one whose list of planes breaks off."""
    noise = np.random.default_rng(0).integers(0, 255, (6, 32, 32), np.uint8)
    for name in ("sound.tif", "broken.tif"):
        with tifffile.TiffWriter(tmp_path / name) as writer:
            for plane in noise:
                writer.write(plane, metadata=None, contiguous=False)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    opened, errors = tifffile.TiffFile, []

    def open_broken():
        with pytest.raises(UserError) as error:
            read_tiff(broken)
        errors.append(str(error.value))

    def open_beside(path):
        if path.name == "sound.tif":
            other = threading.Thread(target=open_broken)
            other.start()
            other.join()
        return opened(path)

    monkeypatch.setattr(tifffile, "TiffFile", open_beside)
    np.testing.assert_array_equal(read_tiff(tmp_path / "sound.tif"), noise)
    assert len(errors) == 1
    assert "broken.tif: damaged after plane 2" in errors[0]


def test_file_that_holds_less_than_its_metadata_names_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(0).integers(0, 255, (6, 16, 16), np.uint8)
    tifffile.imwrite(path, noise, compression="zlib")
    with tifffile.TiffFile(path) as file:
        start = file.pages[3].offset
    damaged = bytearray(path.read_bytes())
    damaged[start : start + 200] = bytes(200)
    path.write_bytes(damaged)
    with pytest.raises(UserError, match=r"metadata names \(6, 16, 16\); copy or"):
        open_movie(path, "ZYX")


@pytest.mark.parametrize(("at", "length"), [(9, 20), (39, 20), (618, 200)])
def test_damaged_tags_are_the_files_fault(tmp_path, at, length):
    """tifffile divides by zero, fails an assertion and compares a tuple with a number."""
    path = tmp_path / "a.tif"
    side = 8 if length == 20 else 16
    noise = np.random.default_rng(0).integers(0, 255, (6, side, side), np.uint8)
    tifffile.imwrite(path, noise, metadata={"axes": "ZYX"}, compression="zlib")
    damaged = bytearray(path.read_bytes())
    damaged[at : at + length] = bytes(length)
    path.write_bytes(damaged)
    with pytest.raises(UserError, match="a.tif: not readable as a TIFF image"):
        open_movie(path).frame(0)


@pytest.mark.parametrize("kind", ["mapped", "compressed", "zarr"])
def test_region_is_the_part_of_the_frame(tmp_path, kind):
    movie = numbered(2, 3, 4, 5, 6)  # T, Z, C, Y, X
    if kind == "zarr":
        path = tmp_path / "a.zarr"
        zarr.save_array(path, movie)
    else:
        path = tmp_path / "a.tif"
        packed = "zlib" if kind == "compressed" else None
        tifffile.imwrite(path, movie, compression=packed, photometric="minisblack")
    with open_movie(path, "TZCYX") as opened:
        box = (slice(1, 3), slice(2, 5), slice(0, 4))
        np.testing.assert_array_equal(opened.region(1, 2, box), opened.frame(1)[2][box])
