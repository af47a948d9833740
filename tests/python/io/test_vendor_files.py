"""Leica's, Nikon's and Zeiss' files end to end: axes, voxel size, time step, pixels, tables.

The plugins of bioio are no part of the environment of the tests (extra ``formats``).
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from faults import in_folder
from numpy.typing import NDArray
from tiny_movies import dividing_cells
from vendor_files import write_lif, write_nd2

from btrackmate.cli.main import run_command
from btrackmate.io import vendor
from btrackmate.io.images import open_movie

SIZE = (2.0, 0.25, 0.25)
PLUGINS = {"lif": "bioio_lif", "nd2": "bioio_nd2", "czi": "pylibCZIrw.czi"}


def write(path: Path, image: NDArray[np.uint16]) -> Path:
    """Write T, C, Z, Y, X with a voxel of 2, 0.25, 0.25 µm and a frame a minute."""
    suffix = path.suffix[1:]
    plugin = pytest.importorskip(PLUGINS[suffix], reason=f"bioio-{suffix} is not installed")
    if suffix == "lif":
        return write_lif(path, {"Series001": image}, SIZE, 60.0)
    if suffix == "nd2":
        return write_nd2(path, image, SIZE, 60.0)
    pytest.importorskip("bioio_czi", reason="bioio-czi is not installed")
    note = "x" * 200
    with plugin.create_czi(str(path)) as file:
        for t, c, z in np.ndindex(image.shape[:3]):
            file.write(data=image[t, c, z][..., None], plane={"T": t, "C": c, "Z": z})
        z, y, x = (size * 1e-6 for size in SIZE)
        attributes = {"note": note}
        file.write_metadata("a", scale_x=x, scale_y=y, scale_z=z, custom_attributes=attributes)
    # Zeiss' writer leaves out the time step that its microscopes' program states.
    step = b"<T><Positions><Interval><Start>0</Start><Increment>60</Increment></Interval>"
    step += b"</Positions></T></Dimensions>"
    content = path.read_bytes().replace(b"</Dimensions>", step)
    path.write_bytes(content.replace(note.encode(), note[len(step) - 13 :].encode()))
    return path


def numbered(*shape: int) -> NDArray[np.uint16]:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


@pytest.mark.parametrize("suffix", PLUGINS)
@pytest.mark.parametrize("shape", [(3, 2, 4, 20, 30), (3, 1, 1, 8, 9), (1, 2, 4, 8, 9)])
def test_axes_calibration_and_pixels(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    array = numbered(*shape)
    with open_movie(write(tmp_path / f"a.{suffix}", array)) as movie:
        assert (movie.axes, movie.shape, movie.dtype) == ("TCZYX", shape, np.uint16)
        found = movie.calibration
        assert (found.dx, found.dy, found.space_unit) == (0.25, 0.25, "µm")
        assert movie.known.depth == (shape[2] > 1) or suffix == "czi"
        assert found.dz == pytest.approx(2.0 if movie.known.depth else 1.0)
        assert movie.known.time == (shape[0] > 1)
        if movie.known.time:
            assert (found.dt, found.time_unit) == (60.0, "sec")
        for t in range(shape[0]):
            np.testing.assert_array_equal(movie.frame(t), array[t])
        part = (slice(0, shape[2]), slice(2, 7), slice(1, 9))
        np.testing.assert_array_equal(movie.region(0, shape[1] - 1, part), array[0, -1][part])


@pytest.mark.parametrize("suffix", PLUGINS)
@pytest.mark.usefixtures("plain_report")
def test_the_whole_way_is_that_of_a_tiff(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = dividing_cells().astype(np.uint16)[:, np.newaxis]
    image = np.concatenate([3 * labels, labels + 50], axis=1)
    for name, array in (("l", labels), ("i", image)):
        write(tmp_path / f"{name}.{suffix}", array)
        metadata = {"axes": "TCZYX", "TimeIncrement": 60.0, "TimeIncrementUnit": "s"}
        for axis, size in zip("ZYX", SIZE, strict=True):
            metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
        tifffile.imwrite(tmp_path / f"{name}.ome.tif", array, ome=True, metadata=metadata)
    with in_folder(tmp_path):
        for ending, out in ((suffix, "vendor"), ("ome.tif", "tiff")):
            words = f"run i.{ending} --labels l.{ending} --tracker nearest -o {out} --quiet"
            assert run_command(words.split()) == 0, capsys.readouterr().err
    for name in ("spots.csv", "tracked_spots.csv", "track_features.csv"):
        theirs = pd.read_csv(tmp_path / "vendor" / name)
        pd.testing.assert_frame_equal(theirs, pd.read_csv(tmp_path / "tiff" / name))
    assert len(pd.read_csv(tmp_path / "vendor" / "spots.csv")) == 15


def test_an_nd2_that_is_not_calibrated_states_no_voxel_size(tmp_path: Path) -> None:
    pytest.importorskip("bioio_nd2", reason="bioio-nd2 is not installed")
    path = write_nd2(tmp_path / "a.nd2", numbered(2, 1, 3, 8, 9), None, 5.0)
    with open_movie(path) as movie:
        assert not movie.known.size and not movie.known.depth
        assert movie.calibration.spacing(3) == (1.0, 1.0, 1.0)
        assert (movie.calibration.space_unit, movie.calibration.dt) == ("pixel", 5.0)


def test_an_nd2_without_delay_has_the_step_of_its_frames(tmp_path: Path) -> None:
    """Its interval is 0 then; the frames of the two places were taken in turn."""
    pytest.importorskip("bioio_nd2", reason="bioio-nd2 is not installed")
    array = numbered(2, 3, 1, 2, 8, 9)
    path = write_nd2(tmp_path / "a.nd2", array, SIZE, 0.0, taken=[0.1, 7.1, 14.2])
    with open_movie(path) as movie:
        assert movie.calibration.dt == pytest.approx(7.05)
        assert movie.calibration.time_unit == "sec"
    path = write_nd2(tmp_path / "b.nd2", array, SIZE, 0.0, taken=[0.1, 7.1, 30.0])
    with open_movie(path) as movie:
        assert not movie.known.time


@pytest.mark.parametrize("suffix", ["lif", "nd2"])
def test_several_scenes_are_told(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip(PLUGINS[suffix], reason=f"bioio-{suffix} is not installed")
    array = numbered(2, 2, 1, 3, 8, 9)
    path = tmp_path / f"a.{suffix}"
    if suffix == "nd2":
        write_nd2(path, array, SIZE, 5.0)
    else:
        write_lif(path, {"left": array[0], "right": array[1]}, SIZE, 5.0)
    with caplog.at_level(logging.WARNING), open_movie(path) as movie:
        for t in range(2):
            np.testing.assert_array_equal(movie.frame(t), array[0, t])
    assert "holds 2 scenes (" in caplog.text
    if suffix == "lif":
        assert "(left, right); the first one is read: save another" in caplog.text


@pytest.mark.parametrize(
    ("times", "step"),
    [([0, 5, 10], 5), ([0, 5, 10.4], 5.2), ([3], None), ([], None), ([0, 0, 0], None),
     ([0, 5, 4], None), ([0, 1, 9], None), ([0, float("nan"), 2], None)],
)  # fmt: skip
def test_steps_of_times(times: list[float], step: float | None) -> None:
    assert vendor._find_step(times) == step


class FakeReader:
    """What bioio gives of a file, as far as it is read here."""

    scenes = ("one",)
    dtype = np.dtype(np.uint8)
    time_interval = None

    def __init__(self, sizes: tuple[float | None, ...], **more: Any) -> None:
        z, y, x = sizes
        self.physical_pixel_sizes = type("Sizes", (), {"Z": z, "Y": y, "X": x})
        self.dims = dict.fromkeys("TCZYX", (3,))
        for name, value in more.items():
            setattr(self, name, value)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[Path], Any]]:
    """Let bioio give what is said, so that this is tested where its plugins are missing."""

    def put(*arguments: Any, **more: Any) -> Callable[[Path], Any]:
        module = type("bioio", (), {"BioImage": lambda _: FakeReader(*arguments, **more)})
        monkeypatch.setattr(vendor.importlib, "import_module", lambda _: module)
        return vendor.VendorSource

    return put


def test_sizes_of_zero_are_none(fake: Callable[..., Callable[[Path], Any]]) -> None:
    scale = fake((0.0, 0.0, 0.0))(Path("a.dv")).scale
    assert (scale.dx, scale.dy, scale.dz, scale.space_unit) == (None,) * 4


@pytest.mark.parametrize(("text", "dt"), [("60", 60.0), ("0", None), ("x", None), (None, None)])
def test_the_interval_of_a_czi(
    fake: Callable[..., Callable[[Path], Any]], text: str | None, dt: float | None
) -> None:
    metadata = type("Metadata", (), {"findtext": lambda *_: text})()
    scale = fake((2.0, 0.5, 0.5), metadata=metadata)(Path("a.czi")).scale
    assert (scale.dt, scale.time_unit) == (dt, "sec" if dt else None)


def test_the_times_of_a_lif(fake: Callable[..., Callable[[Path], Any]]) -> None:
    data = type("Data", (), {"coords": {"T": np.array([0.0, 7.0, 14.0])}})
    assert fake((2.0, 0.5, 0.5), xarray_dask_data=data)(Path("a.lif")).scale.dt == 7.0
