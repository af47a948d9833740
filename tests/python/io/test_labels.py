"""Writing label movies: resumable OME-Zarr, TIFF for Fiji."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
import zarr

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.io.images import open_movie
from btrackmate.io.labels import LabelStore, remove_markers, write_tiff_movie

CALIBRATION = Calibration(0.5, 0.25, 3.0, 2.5, "µm", "min")


def movie(n=3, z=2, largest=7):
    labels = np.zeros((n, z, 5, 6), np.int64)
    for t in range(n):
        labels[t, t % z, 1:3, 2:5] = t + 1
    labels[-1, 0, 4, 5] = largest
    return labels


VERSIONS = ["0.4", "0.5"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("z", [1, 4])
def test_store_holds_axes_scale_and_ids(tmp_path, z, version):
    labels = movie(z=z, largest=4_294_967_295)
    ndim = 3 if z > 1 else 2
    store = LabelStore.open(
        tmp_path / "l.ome.zarr", labels.shape, CALIBRATION, ndim=ndim, version=version
    )
    for t in (2, 0, 1):
        store.write(t, labels[t])
    assert store.is_complete
    read = open_movie(store.path, role="labels")
    assert read.axes == ("TZYX" if z > 1 else "TYX")
    assert read.dtype == np.uint32
    expected = CALIBRATION if z > 1 else Calibration(0.5, 0.25, 1.0, 2.5, "µm", "min")
    assert read.calibration == expected
    for t in range(3):
        np.testing.assert_array_equal(read.labels(t), labels[t])
        np.testing.assert_array_equal(store.read(t), labels[t])


def read_attributes(path, version):
    if version == "0.4":
        return json.loads((path / ".zattrs").read_text("utf-8"))
    group = json.loads((path / "zarr.json").read_text("utf-8"))
    assert group["zarr_format"] == 3
    assert group["attributes"]["ome"]["version"] == version
    return group["attributes"]["ome"]


WIDE = (1, 2, 3, 1101)
FLAT = (2, 1, 5, 600)


def wide_movie(shape):
    """Every voxel has a label of its own."""
    return np.arange(np.prod(shape), dtype=np.uint32).reshape(shape) + 70_000


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("shape", "ndim", "sizes"), [(WIDE, 3, [551, 276]), (FLAT, 2, [300])])
def test_wide_movies_have_smaller_copies(tmp_path, shape, ndim, sizes, version):
    """Every second row and column, again and again: labels stay labels, voxel 0 where it is."""
    labels = wide_movie(shape)
    form = {"ndim": ndim, "version": version}
    store = LabelStore.open(tmp_path / "l.ome.zarr", shape, CALIBRATION, **form)
    for t in range(shape[0]):
        store.write(t, labels[t])
    (image,) = read_attributes(store.path, version)["multiscales"]
    assert [one["path"] for one in image["datasets"]] == ["0", "1", "2"][: len(sizes) + 1]
    for level, size in enumerate(sizes, start=1):
        copy = zarr.open_array(store.path / str(level), mode="r")[:]
        step = 2**level
        expected = labels[..., ::step, ::step]
        np.testing.assert_array_equal(copy, expected.reshape(copy.shape))
        assert copy.shape[-1] == size
        (scale,) = image["datasets"][level]["coordinateTransformations"]
        assert scale["scale"][-2:] == [0.25 * step, 0.5 * step]
        assert scale["scale"][:-2] == [2.5, 3.0][: ndim - 1]
    again = LabelStore.open(store.path, shape, CALIBRATION, **form)
    assert again.done == set(range(shape[0]))
    frame = store.path / "1" / ("0" if version == "0.4" else "c/0")
    next(one for one in frame.rglob("*") if one.is_file()).unlink()
    assert again.done == set(range(1, shape[0]))


def test_copies_are_those_of_frames_that_are_written_in_parts(tmp_path):
    labels = wide_movie(WIDE)
    store = LabelStore.open(tmp_path / "l.ome.zarr", WIDE, CALIBRATION)
    whole = (slice(0, 2), slice(0, 3))
    for begin, end in ((0, 700), (700, 1101)):
        part = labels[0, ..., begin:end]
        store.write_part(0, (*whole, slice(begin, end)), part)
    store.finish(0)
    copy = zarr.open_array(store.path / "2", mode="r")[0]
    np.testing.assert_array_equal(copy, labels[0, :, ::4, ::4])


@pytest.mark.parametrize(
    ("shape", "ndim"), [(WIDE, 3), (FLAT, 2), ((1, 2, 5, 6), 3), ((3, 1, 5, 6), 2)]
)
@pytest.mark.parametrize("unit", ["µm", "pixel"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_official_models_take_it(tmp_path, shape, ndim, unit, version):
    models = pytest.importorskip("ome_zarr_models", reason="needs ome-zarr-models")
    size = Calibration(0.5, 0.25, 3.0, 2.5, unit, "min" if unit == "µm" else "frame")
    store = LabelStore.open(tmp_path / "l.ome.zarr", shape, size, ndim=ndim, version=version)
    store.write(0, wide_movie(shape)[0])
    remove_markers(store.path)
    image = models.open_ome_zarr(zarr.open_group(store.path, mode="r"))
    assert type(image).__name__ == "ImageLabel"
    assert type(image).__module__.startswith(f"ome_zarr_models.v{version.replace('.', '')}")
    attributes = image.attributes if version == "0.4" else image.attributes.ome
    (multiscale,) = attributes.multiscales
    assert [axis.name for axis in multiscale.axes] == list("tzyx" if ndim == 3 else "tyx")
    assert len(multiscale.datasets) == {1101: 3, 600: 2, 6: 1}[shape[-1]]
    group = zarr.open_group(store.path, mode="r")
    for dataset in multiscale.datasets:
        names = getattr(group[dataset.path].metadata, "dimension_names", None)
        assert names == (tuple(axis.name for axis in multiscale.axes) if version == "0.5" else None)


@pytest.mark.parametrize("version", VERSIONS)
def test_store_goes_on_where_it_was(tmp_path, version):
    labels = movie()
    path = tmp_path / "l.ome.zarr"
    made = {"fingerprint": "a", "version": version}
    LabelStore.open(path, labels.shape, CALIBRATION, **made).write(1, labels[1])
    LabelStore.join(path, labels.shape, "a", lambda: None).write(2, labels[2])
    again = LabelStore.open(path, labels.shape, CALIBRATION, **made)
    assert again.done == {1, 2}
    np.testing.assert_array_equal(again.read(1), labels[1])
    chunk = next(one for one in path.rglob("0/2/**/*" if version == "0.4" else "0/c/2/**/*")
                 if one.is_file())  # fmt: skip
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"!")
    assert again.done == {1}, "a damaged chunk leaves its frame undone"
    with pytest.raises(UserError, match="frame 0 is not finished"):
        again.read(0)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_frame_without_cells_is_no_missing_one(tmp_path, caplog, version):
    """All of its chunks are written, so that one that is lost is known to be."""
    labels = np.zeros_like(movie())
    path = tmp_path / "l.ome.zarr"
    store = LabelStore.open(path, labels.shape, CALIBRATION, version=version)
    for t, frame in enumerate(labels):
        store.write(t, frame)
    remove_markers(path)
    with open_movie(path, role="labels") as opened:
        assert not opened.frame(0).any()
    assert "chunks are not there" not in caplog.text
    next(one for one in path.rglob("0/1/**/*" if version == "0.4" else "0/c/1/**/*")
         if one.is_file()).unlink()  # fmt: skip
    with open_movie(path, role="labels") as opened:
        opened.frame(1)
    assert "chunks are not there in frame 1" in caplog.text


def test_other_inputs_empty_the_store(tmp_path, caplog):
    labels = movie()
    path = tmp_path / "l.ome.zarr"
    LabelStore.open(path, labels.shape, CALIBRATION, fingerprint="a").write(1, labels[1])
    other = LabelStore.open(path, labels.shape, CALIBRATION, fingerprint="b")
    assert other.done == frozenset()
    assert "made anew" in caplog.text


@pytest.mark.parametrize("first", VERSIONS)
def test_another_version_empties_the_store(tmp_path, caplog, first):
    labels, path = movie(), tmp_path / "l.ome.zarr"
    LabelStore.open(path, labels.shape, CALIBRATION, version=first).write(1, labels[1])
    (second,) = set(VERSIONS) - {first}
    other = LabelStore.open(path, labels.shape, CALIBRATION, version=second)
    assert other.done == frozenset()
    assert "made anew" in caplog.text
    assert (path / "zarr.json").exists() == (second == "0.5")
    assert (path / ".zattrs").exists() == (second == "0.4")


def test_a_foreign_folder_is_not_touched(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("important")
    with pytest.raises(UserError, match="no label movie of BTrackMate"):
        LabelStore.open(tmp_path / "mine", (1, 1, 2, 2), CALIBRATION)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_rewriting_a_frame_leaves_no_old_labels(tmp_path):
    labels = movie()
    store = LabelStore.open(tmp_path / "l.ome.zarr", labels.shape, CALIBRATION)
    store.write(0, labels[0])
    store.write(0, np.zeros_like(labels[0]))
    assert store.read(0).max() == 0


def test_a_frame_that_fails_halfway_is_not_done(tmp_path, monkeypatch):
    labels = movie()
    store = LabelStore.open(tmp_path / "l.ome.zarr", labels.shape, CALIBRATION)
    store.write(0, labels[0])

    def fail(*_):
        raise OSError(28, "disk full")

    monkeypatch.setattr(type(store._array), "__setitem__", fail)
    with pytest.raises(OSError, match="disk full"):
        store.write(0, labels[1])
    assert store.done == frozenset()


KILLED = """
import sys, numpy as np
from pathlib import Path
from btrackmate.core.calibration import Calibration
from btrackmate.io.labels import LabelStore
store = LabelStore.open(Path(sys.argv[1]), (9, 8, 256, 256), Calibration())
for t in range(3):
    store.write(t, np.full((8, 256, 256), t + 1))
while True:
    store.write(3, np.full((8, 256, 256), 4))
"""


def test_kill_inside_a_frame_leaves_only_whole_frames(tmp_path):
    path = tmp_path / "l.ome.zarr"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)])
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (path / ".btrackmate" / "2").exists():
            time.sleep(0.005)
        time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    store = LabelStore.open(path, (9, 8, 256, 256), Calibration())
    assert store.done - {3} == {0, 1, 2}
    for t in store.done:
        assert (store.read(t) == t + 1).all()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((2, 5, 6)), "type float64"),
        (np.zeros((2, 5, 5), int), r"shape \(2, 5, 5\), expected \(2, 5, 6\)"),
        (np.full((2, 5, 6), -1), "label -1"),
        (np.full((2, 5, 6), 2**32), "label 4294967296"),
    ],
)
def test_wrong_frames_are_refused(tmp_path, frame, message):
    store = LabelStore.open(tmp_path / "l.ome.zarr", (1, 2, 5, 6), CALIBRATION)
    with pytest.raises(UserError, match=message):
        store.write(0, frame)
    assert store.done == frozenset()


@pytest.mark.parametrize(
    ("largest", "dtype", "kind"),
    [(7, np.uint16, "ImageJ TIFF"), (65_535, np.uint16, "ImageJ TIFF"),
     (65_536, np.uint32, "OME-TIFF")],
)  # fmt: skip
@pytest.mark.parametrize("z", [1, 3])
def test_tiff_movie(tmp_path, largest, dtype, kind, z):
    labels = movie(z=z, largest=largest)
    path = tmp_path / "labels.tif"
    write_tiff_movie(path, iter(labels), labels.shape, CALIBRATION, max_id=largest)
    read = open_movie(path, role="labels")
    assert (read.dtype, read.axes_source) == (dtype, kind)
    assert read.shape == (3, 1, z, 5, 6)
    expected = CALIBRATION if z > 1 else Calibration(0.5, 0.25, 1.0, 2.5, "µm", "min")
    assert read.calibration == expected
    for t in range(3):
        np.testing.assert_array_equal(read.labels(t), labels[t])


@pytest.mark.parametrize("largest", [7, 70_000])
def test_the_same_movie_is_the_same_bytes(tmp_path, largest):
    labels = movie(largest=largest)
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write_tiff_movie(folder / "l.tif", labels, labels.shape, CALIBRATION, max_id=largest)
    assert (tmp_path / "a/l.tif").read_bytes() == (tmp_path / "b/l.tif").read_bytes()


def test_tiff_ids_above_the_named_maximum_are_refused(tmp_path):
    labels = movie(largest=70_000)
    path = tmp_path / "labels.tif"
    with pytest.raises(UserError, match="label 70000, expected 0 to 7"):
        write_tiff_movie(path, iter(labels), labels.shape, CALIBRATION, max_id=7)
    with pytest.raises(UserError, match="got 2 frames, expected 3"):
        write_tiff_movie(path, iter(labels[:2]), labels.shape, CALIBRATION, max_id=70_000)
    assert list(tmp_path.iterdir()) == []


def test_uncalibrated_tiff(tmp_path):
    labels = movie(largest=70_000)
    for name, largest in (("a.tif", 7), ("b.tif", 70_000)):
        path = tmp_path / name
        frames = np.minimum(labels, largest)
        write_tiff_movie(path, frames, labels.shape, Calibration(), max_id=largest)
        assert open_movie(path).calibration.spacing(3) == (1.0, 1.0, 1.0)
        assert open_movie(path).calibration.space_unit == "pixel"
        with tifffile.TiffFile(path) as file:
            assert file.series[0].axes == "TZYX"
