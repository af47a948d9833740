"""The front door: arrays and tables in, results with their record out."""

import os
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import tifffile
import xarray as xr
import zarr

import btrackmate as bt
from btrackmate.api.images import Segmentation
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.io.trackmate import read_trackmate

SIZE = (2.0, 0.5, 0.5)


def make_labels():
    """Two cells in four frames: cell 1 moves by a voxel in x, cell 2 rests; its id is large."""
    labels = np.zeros((4, 4, 16, 16), np.uint32)
    for t in range(4):
        labels[t, 1:3, 1:4, 1 + t : 4 + t] = 1
        labels[t, 1:3, 8:12, 8:12] = 70_000
    return labels


def write_shapes(folder, labels):
    """Write label images that stand for shapes, and a region of interest: the upper half in y."""
    inside = np.zeros(labels.shape[1:], np.uint8)
    inside[:, :6] = 1
    for name, array, axes in (("shapes", labels, "TZYX"), ("roi", inside, "ZYX")):
        path = folder / f"{name}.tif"
        tifffile.imwrite(path, array, metadata={"axes": axes}, photometric="minisblack")
    return {
        "mode": "stardist", "min_size": 1, "shapes": "labels",
        "shape_labels": folder / "shapes.tif", "voxel_size": SIZE,
    }  # fmt: skip


def make_image(labels):
    """Channel 1 has the cell's number, channel 2 ten times as much."""
    grey = np.where(labels == 1, 1.0, np.where(labels > 1, 2.0, 0.0))
    return np.stack((grey, 10 * grey), axis=1)


@pytest.fixture
def labels():
    return make_labels()


@pytest.fixture
def tracks(labels):
    return bt.track(bt.measure(labels, voxel_size=SIZE, dt=30))


def test_labels_to_tracks(tracks):
    assert (tracks.n_links, tracks.n_tracks) == (6, 2)
    table = tracks.to_dataframe("tracks")
    assert table["displacement"].tolist() == pytest.approx([1.5, 0])
    assert table["duration"].tolist() == [90, 90]


def test_label_images_are_measured_by_track(labels):
    tracks = bt.track(labels, voxel_size=SIZE, tracker="overlap")
    assert tracks.n_links == 6
    assert bt.track(labels, voxel_size=SIZE).n_links == 6


def test_channels_and_a_mask(labels):
    """The mask holds the left half: cell 2 is dropped."""
    mask = np.zeros(labels.shape[1:], np.uint8)
    mask[..., :8] = 3
    spots = bt.measure(labels, make_image(labels), mask, voxel_size=SIZE)
    assert set(spots.to_dataframe()["label"]) == {1}
    assert set(spots.feature("mean_intensity_ch2")) == {10.0}
    assert set(spots.feature("tissue")) == {3}
    assert spots.record["measure"]["dropped"] == 4


def test_mask_policy_and_its_settings(labels):
    mask = np.zeros(labels.shape, np.uint8)
    mask[..., :9] = 1
    kept = bt.measure(labels, mask=mask, voxel_size=SIZE, mask_policy="fraction", fraction=0.2)
    assert len(kept) == 8
    assert len(bt.measure(labels, mask=mask, mask_policy="fraction", fraction=0.5)) == 4


def test_a_users_own_features(labels):
    image = make_image(labels)
    extra = {
        "width": lambda region: np.ptp(np.nonzero(region)[-1]) + 1,
        "highest_ch2": lambda region, intensity: intensity[1][region].max(),
    }
    table = bt.measure(labels, image, voxel_size=SIZE, extra=extra).to_dataframe()
    assert table.groupby("label")["width"].first().to_dict() == {1: 3.0, 70_000: 4.0}
    assert table.groupby("label")["highest_ch2"].first().to_dict() == {1: 10.0, 70_000: 20.0}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"volume": lambda region: 1}, "'volume' has the name of a column"),
        ({"bright": lambda region, grey: 1}, "'bright' wants intensities, but there is no image"),
        ({"size": lambda region: region}, "'size' of label 1 in frame 0 is"),
        ({"word": lambda region: "x"}, "expected one number"),
        ({"odd": lambda region: 1 / 0}, "'odd' of label 1 in frame 0: .* failed with ZeroDivision"),
        ({"two": lambda region, a, b: 1}, "intensities|failed with TypeError"),
        ({"none": 3}, "'none' is 3, expected a function by its name"),
        ([len], "expected functions by the feature's name"),
    ],
)
def test_wrong_features_are_named(labels, extra, message):
    with pytest.raises(UserError, match=message):
        bt.measure(labels, extra=extra)


def test_dask_arrays(labels):
    array = pytest.importorskip("dask.array")
    lazy = array.from_array(labels, chunks=(1, 4, 16, 16))
    assert bt.track(lazy, voxel_size=SIZE).n_links == 6
    unknown = lazy[array.from_array(np.full(4, True), chunks=4)]
    with pytest.raises(UserError, match=r"labels: the shape \(nan, .*compute_chunk_sizes"):
        bt.measure(unknown)


def test_xarray_names_axes_and_calibration(labels):
    xarray = pytest.importorskip("xarray")
    turned = xarray.DataArray(
        labels.transpose(3, 2, 1, 0),
        dims=("x", "y", "z", "time"),
        coords={
            "x": ("x", 0.5 * np.arange(16), {"units": "µm"}),
            "y": ("y", 0.5 * np.arange(16), {"units": "µm"}),
            "z": ("z", 2.0 * np.arange(4), {"units": "µm"}),
            "time": ("time", 30.0 * np.arange(4), {"units": "s"}),
        },
    )
    spots = bt.measure(turned)
    assert spots.calibration == bt.Calibration(0.5, 0.5, 2, 30, "µm", "sec")
    pd.testing.assert_frame_equal(
        spots.to_dataframe(), bt.measure(labels, voxel_size=SIZE, dt=30).to_dataframe()
    )


def test_units_name_coordinates_that_have_none(labels):
    xarray = pytest.importorskip("xarray")
    dims = ("t", "z", "y", "x")
    steps = {"t": 30.0 * np.arange(4), "y": 0.5 * np.arange(16), "x": 0.5 * np.arange(16)}
    plain = xarray.DataArray(labels, dims=dims, coords=steps)
    size = bt.measure(plain, space_unit="nm", time_unit="min").calibration
    assert size == bt.Calibration(0.5, 0.5, 1, 30, "nm", "min")
    plain.coords["x"].attrs["units"] = "µm"
    assert bt.measure(plain, space_unit="micron").calibration.dx == 0.5
    with pytest.raises(UserError, match="'nm', but the coordinates are in µm"):
        bt.measure(plain, space_unit="nm")
    with pytest.raises(UserError, match="there is no voxel_size, nor are there coordinates"):
        bt.measure(labels, space_unit="nm")
    with pytest.raises(UserError, match="time_unit: not for a table without dt"):
        bt.track(pd.DataFrame({"frame": [0, 1], "x": 0.0, "y": 0.0}), time_unit="min")


def test_uneven_coordinates_are_refused(labels):
    xarray = pytest.importorskip("xarray")
    uneven = xarray.DataArray(labels, dims=("t", "z", "y", "x"), coords={"z": [0, 1, 2, 5]})
    with pytest.raises(UserError, match="dimension 'z' are not evenly spaced"):
        bt.measure(uneven)


def with_coordinates(array, unit="µm", **coordinates):
    xarray = pytest.importorskip("xarray")
    coordinates = {
        name: (name, values, {"units": unit} if name != "t" else {})
        for name, values in coordinates.items()
    }
    return xarray.DataArray(array, dims=("t", "z", "y", "x"), coords=coordinates)


@pytest.mark.parametrize("times", ["datetime64[ns]", "datetime64[s]", "timedelta64[ms]"])
def test_times_of_xarray_that_are_dates_are_seconds(labels, times):
    kind = times.partition("[")[0]
    begin = np.datetime64("2026-11-28T03:00") if kind == "datetime64" else np.timedelta64(0, "m")
    when = (begin + np.arange(4) * np.timedelta64(30, "s")).astype(times)
    calibration = bt.measure(with_coordinates(labels, t=when)).calibration
    assert (calibration.dt, calibration.time_unit) == (30.0, "sec")


@pytest.mark.parametrize("x", [list("abcdefghijklmnop"), [np.nan, *range(15)]])
def test_coordinates_that_are_no_numbers_are_refused(labels, x):
    with pytest.raises(UserError, match="dimension 'x' are (<U1, expected numbers|not evenly)"):
        bt.measure(with_coordinates(labels, x=x))


@pytest.mark.parametrize("role", ["image", "mask"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"y": 0.5 * np.arange(16)}, {"y": 0.25 * np.arange(16)}),
        ({"y": 0.5 * np.arange(16)}, {"y": 0.5 * np.arange(16) + 3}),
        ({"y": 0.5 * np.arange(16)}, {"y": 0.5 * np.arange(16), "unit": "nm"}),
        ({"t": [0, 1, 2, 3]}, {"t": [1, 2, 3, 4]}),
        (
            {"t": np.arange(4).astype("datetime64[m]")},
            {"t": (1 + np.arange(4)).astype("datetime64[m]")},
        ),
    ],
)
def test_coordinates_that_contradict_each_other_are_refused(labels, role, ours, theirs):
    cells = with_coordinates(labels, **ours)
    with pytest.raises(UserError, match=f"{role}: its coordinates of [yt] are .* not the same vox"):
        bt.measure(cells, **{role: with_coordinates(labels, **theirs)})


def test_coordinates_that_agree_but_for_rounding_and_unit(labels, caplog):
    cells = with_coordinates(labels, y=0.5 * np.arange(16) + 3, t=np.arange(4))
    image = with_coordinates(labels, y=500.01 * np.arange(16) + 3000, unit="nm")
    spots = bt.measure(cells, image)
    assert spots.calibration.dy == 0.5
    assert "coordinates of y begin at 3; positions are counted from the first" in caplog.text
    bt.measure(with_coordinates(labels, t=np.arange(4) + 5))
    assert "coordinates of t begin at 5; times are counted from the first frame" in caplog.text


def test_unknown_dimensions_are_refused(labels):
    xarray = pytest.importorskip("xarray")
    with pytest.raises(UserError, match="dimension 'q' of the xarray"):
        bt.measure(xarray.DataArray(labels, dims=("t", "q", "y", "x")))


def test_three_dimensions_are_what_the_voxel_size_says(labels):
    volume = bt.measure(labels[0], voxel_size=SIZE)
    assert (volume.ndim, volume.n_frames, len(volume)) == (3, 1, 2)
    flat = bt.measure(labels[:, 1], voxel_size=(0.5, 0.5))
    assert (flat.ndim, flat.n_frames, len(flat)) == (2, 4, 8)
    assert bt.measure(labels[:, 1], axes="TYX").ndim == 2
    with pytest.raises(UserError, match="axes of an array of 3 dimensions are not known; give axe"):
        bt.measure(labels[0])


DAY = pd.to_timedelta([1], unit="day")


@pytest.mark.parametrize(
    "dt", [timedelta(minutes=2), np.timedelta64(120 * 10**9, "ns"), DAY[0] / 720]
)
def test_a_time_step_can_be_a_timedelta(labels: np.ndarray, dt: timedelta) -> None:
    assert bt.measure(labels, dt=dt).calibration.dt == 120
    assert bt.measure(labels, dt=dt, time_unit="min").calibration.dt == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: bt.measure(x, voxel_size=(1, 1)), "voxel_size has 2 numbers, expected Z, Y, X"),
        (lambda x: bt.measure(x, voxel_size={"z": 2, "y": 1, "x": 1}), "in the order of the axes"),
        (lambda x: bt.measure(x, voxel_size="2,1,1"), "voxel_size is '2,1,1', expected numbers"),
        (lambda x: bt.measure(x, voxel_size=(2, 1, None)), "expected numbers in the order"),
        (lambda x: bt.measure(x, dt="1:30"), "dt is '1:30', expected a number or a timedelta"),
        (lambda x: bt.measure(x, dt=DAY[0], time_unit="frames"), "can't be told in frames"),
        (lambda x: bt.measure(x, voxel_size=(2, 1, 1), space_unit=3), "expected a text such as"),
        (lambda _: bt.track(pd.DataFrame({"frame": [0], "x": 0, "y": 0}), dt=0), "dt is 0.0"),
        (lambda x: bt.measure(np.ma.masked_equal(x, 1)), "labels: 72 values of a masked array"),
        (lambda x: bt.measure(x, np.ma.masked_equal(x, 1)), r"image.filled\(0\)"),
        (lambda x: bt.measure({"a": x}), "labels: got dict, expected an array"),
        (lambda _: bt.segment("a.tif"), "image: got str, expected an array"),
        (lambda x: bt.measure(x, axes="TZY"), "labels: axes 'TZY' has 3 letters"),
        (lambda x: bt.measure(x.astype(float) + 0.5), "labels"),
        (lambda x: bt.measure(x, nonsense=1), "measure: unknown setting 'nonsense'"),
        (lambda x: bt.measure(x, x[:2]), "image"),
        (lambda x: bt.track(x, tracker="best"), "track: unknown tracker 'best'"),
        (lambda x: bt.track(x, linking_max_distance=-1), "expected auto or a finite number above"),
        (lambda x: bt.track(x, reach=3), "unknown setting 'reach'"),
        (lambda x: bt.track(pd.DataFrame({"x": [1.0]})), "lacks column frame"),
        (lambda x: bt.track(pd.DataFrame([[0, 0, 1]], columns=["frame", "x", "x"])), "named 'x'"),
        (lambda x: bt.track(pd.DataFrame({"frame": [0], "x": 0, 3: 1})), "column 3 has no text"),
        (
            lambda x: bt.track(pd.DataFrame({"frame": [0], "x": 0, "y": 0, "time": DAY})),
            "timedelta",
        ),
        (lambda x: bt.run(x, output="out"), "run: image is an array"),
        (lambda x: bt.segment(x, channel=2), "channel is 2, but the image has 1"),
        (lambda x: bt.segment(x, size=2), "segment: unknown setting 'size'"),
    ],
)
def test_mistakes_are_named_in_one_line(labels, call, message):
    with pytest.raises(UserError, match=message) as caught:
        call(labels)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)  # no words of the command line


def test_a_table_is_tracked(tracks):
    table = tracks.spots.to_dataframe()
    again = bt.track(table, tracker="lap", dt=30)
    assert (again.n_links, again.spots.calibration.dt) == (6, 30)
    assert again.spots.calibration.space_unit == "µm"
    flat = bt.track(table.drop(columns="z"))
    assert flat.spots.ndim == 2


def test_tracks_share_nothing_with_what_was_given():
    """A table may be made of arrays that somebody goes on to write into."""
    x = np.array([0.0, 1.0])
    table = pd.DataFrame({"frame": np.array([0, 1]), "x": x, "y": np.zeros(2)}, copy=False)
    tracks = bt.track(table)
    x[:] = -9
    assert tracks.spots.table["x"].tolist() == [0, 1]


def test_what_would_not_be_heeded_is_refused(tracks):
    """Spots have a calibration, and positions of a table are physical."""
    with pytest.raises(UserError, match="dt: not for spots, which have their own; leave it out"):
        bt.track(tracks.spots, dt=10)
    with pytest.raises(UserError, match="voxel_size: not for a table, whose positions are phys"):
        bt.track(tracks.to_dataframe("spots"), voxel_size=SIZE)


def test_times_of_a_table_follow_the_step_that_is_given(caplog):
    """Those of tracks that were made without one are frames, and speeds would be in frames."""
    table = pd.DataFrame({"frame": [0, 2], "x": [0.0, 60], "y": 0.0})
    before = bt.track(table).spots.to_dataframe()
    tracks = bt.track(before, dt=30)
    assert tracks.spots.table["time"].tolist() == [0, 60]
    assert "its column time is not used, as it is not frame × dt, with dt 30 s" in caplog.text
    caplog.clear()
    assert bt.track(tracks.spots.to_dataframe(), dt=30).spots.table["time"].tolist() == [0, 60]
    assert not caplog.text


def test_record_tells_version_and_settings(tracks):
    assert tracks.record["btrackmate"] == bt.__version__
    assert tracks.record["track"]["tracker"] == "flow"
    assert tracks.record["track"]["linking_max_distance"] > 0
    assert tracks.record["measure"]["mask"]["policy"] == "keep-touching"
    kept = bt.prune(bt.filter(tracks, spot_filters="volume>1"), 2)
    assert kept.record["filter"]["spot_filters"] == ["volume>1"]
    assert kept.record["prune"]["min_tracklet_length"] == 2
    assert kept.record["measure"] == tracks.record["measure"]


def test_list_pruned_removes_nothing(tracks):
    assert len(bt.list_pruned(tracks, 3)) == 0


@pytest.mark.parametrize("name", ["t.xml", "t.geff", "t.csv"])
def test_save_and_load(tracks, tmp_path, name):
    written = bt.save(tracks, tmp_path / name)
    assert all(path.exists() for path in written)
    again = bt.load(tmp_path / name)
    assert (again.n_links, again.n_tracks) == (6, 2)


def test_spots_alone_are_saved_and_loaded(tracks, tmp_path):
    (path,) = bt.save(tracks.spots, tmp_path / "cells.csv")
    assert isinstance(bt.load(path), bt.Spots)
    bt.save(tracks.spots, tmp_path / "cells.xml")
    assert bt.load(tmp_path / "cells.xml").n_links == 0


def test_save_like_a_trackmate_file(tracks, tmp_path):
    bt.save(tracks, tmp_path / "a.xml")
    text = (tmp_path / "a.xml").read_text(encoding="utf-8")
    (tmp_path / "a.xml").write_text(text.replace("Written by", "Kept from"), encoding="utf-8")
    bt.save(
        bt.filter(tracks, track_filters="displacement>1"),
        tmp_path / "b.xml",
        like=tmp_path / "a.xml",
    )
    assert "Kept from" in (tmp_path / "b.xml").read_text(encoding="utf-8")
    assert bt.load(tmp_path / "b.xml").n_tracks == 1


def test_evaluate_labels_tracks_and_files(tracks, labels, tmp_path):
    scores = bt.evaluate(labels, labels).to_dict()
    assert scores["SEG"] == 1
    scores = bt.evaluate(tracks, tracks, truth_labels=labels, result_labels=labels).to_dict()
    assert (scores["TRA"], scores["SEG"]) == (1, 1)
    bt.save(tracks, tmp_path / "t.xml")
    assert bt.evaluate(tmp_path / "t.xml", tracks).to_dict()["link_f1"] == 1


def test_run_gives_its_tracks(tmp_path):
    table = pd.DataFrame({"frame": [0, 1, 2], "x": [0.0, 1, 2], "y": 0.0})
    table.to_csv(tmp_path / "cells.csv", index=False)
    result = bt.run(spots=tmp_path / "cells.csv", output=tmp_path / "out", tracker="lap")
    assert result.graph.n_links == 2
    assert (tmp_path / "out" / "tracks.xml").is_file()
    assert bt.load(tmp_path / "out").n_links == 2


def test_import_is_light():
    code = (
        "import sys, btrackmate; dir(btrackmate); "
        "print([m for m in ('numpy', 'pandas', 'numba', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_names_are_functions_not_modules():
    """A package below must not take the name of a function."""
    import btrackmate.measurement
    import btrackmate.tracking  # noqa: F401

    assert all(callable(getattr(bt, name)) for name in dir(bt) if not name.startswith("_"))


@pytest.mark.parametrize(
    ("times", "dt", "unit", "told"),
    [
        ([0.0, 60, 180], 60, "s", "its times go up by 60 a frame, which is taken as 60 s"),
        ([0.0, 1, 3], 1, "frame", ""),
        ([0.0, 7, 9], 1, "frame", "its column time is not used, as it is not frame × dt"),
    ],
)
def test_times_of_a_table_without_dt(times, dt, unit, told, caplog):
    table = pd.DataFrame({"frame": [0, 1, 3], "time": times, "x": 1.0, "y": 1.0})
    spots = bt.track(table, linking_max_distance=3).spots
    assert (spots.calibration.dt, spots.calibration.time_unit) == (dt, unit)
    assert spots.table["time"].tolist() == [0, dt, 3 * dt]
    assert told in caplog.text
    assert bool(told) == ("time" in caplog.text)


@pytest.mark.parametrize("space", ["um", "micrometer", "µm"])
@pytest.mark.parametrize("time", ["s", "seconds", "sec"])
def test_units_have_our_names_whatever_theirs(space: str, time: str) -> None:
    """Formats have names of their own for these, and none for others."""
    labels = np.ones((2, 3, 4), np.uint8)
    words = {"voxel_size": (1, 1), "space_unit": space, "dt": 2, "time_unit": time}
    spots = bt.measure(labels, axes="TYX", **words)
    assert (spots.calibration.space_unit, spots.calibration.time_unit) == ("µm", "sec")
    table = spots.table[["frame", "x", "y"]]
    size = bt.track(table, space_unit=space, dt=2, time_unit=time).spots.calibration
    assert (size.space_unit, size.time_unit) == ("µm", "sec")


def test_segment_heeds_the_files_that_its_settings_name(tmp_path, labels):
    """A region of interest, and shapes from label images, as on the command line."""
    settings = write_shapes(tmp_path, labels)
    image = make_image(labels)[:, 0]
    everything = bt.segment(image, **settings)
    assert everything.cells.groupby("frame").size().tolist() == [2] * 4
    part = bt.segment(image, roi=tmp_path / "roi.tif", **settings)
    assert part.cells.groupby("frame").size().tolist() == [1] * 4
    assert not part.labels[:, :, 6:].any()
    with pytest.raises(UserError, match="none.tif: no such file"):
        bt.segment(image, roi=tmp_path / "none.tif", **settings)
    with pytest.raises(UserError, match="roi.tif: mask of shape"):
        bt.segment(image[..., :9], roi=tmp_path / "roi.tif", **settings)


def test_segment_takes_one_slice_for_a_plane(tmp_path, labels):
    settings = write_shapes(tmp_path, labels[:, 1:2])
    found = bt.segment(make_image(labels)[:, 0, 1:2], **settings)
    assert found.labels.shape == (4, 1, 16, 16)
    assert found.cells.groupby("frame").size().tolist() == [2] * 4


def test_a_file_says_how_the_tracks_in_it_were_linked(tmp_path, labels):
    """Not how those of the file were that their spots come from."""
    old, new = tmp_path / "old.xml", tmp_path / "new.xml"
    tracks = bt.track(bt.measure(labels, voxel_size=SIZE, dt=30), "lap", linking_max_distance=4)
    bt.save(bt.prune(tracks, 3, unit="time"), old)
    assert read_trackmate(old).tracker[1]["LINKING_MAX_DISTANCE"] == 4
    assert read_trackmate(old).pruning["min_tracklet_length"] == 3
    again = bt.track(bt.load(old).spots, "simple-lap", linking_max_distance=2.5)
    bt.save(again, new, like=old)
    document = read_trackmate(new)
    key, values = document.tracker
    assert (key, values["LINKING_MAX_DISTANCE"]) == ("SIMPLE_SPARSE_LAP_TRACKER", 2.5)
    assert document.pruning.get("min_tracklet_length", 0) == 0
    bt.save(bt.load(new), old)
    assert read_trackmate(old).tracker[0] == "MANUAL_TRACKER"


def test_a_segmentation_keeps_its_calibration(labels):
    """Voxel size and time step are those of the first that states them."""
    size = Calibration(0.5, 0.5, 2, 30, "µm", "sec")
    cells = pd.DataFrame({"frame": [0]})
    made = Segmentation(labels, cells, size)
    assert bt.measure(made).calibration == size
    assert bt.track(made).spots.calibration == size
    assert bt.measure(made, dt=1, time_unit="min").calibration.dt == 1
    coords = {"t": np.arange(4) * 30.0, "z": np.arange(4) * 2.0}
    image = xr.DataArray(make_image(labels)[:, 0], dims=("t", "z", "y", "x"), coords=coords)
    image["z"].attrs["units"] = image["y"].attrs["units"] = "um"
    image["t"].attrs["units"] = "s"
    image = image.assign_coords(
        {name: (name, np.arange(16) * 0.5, {"units": "um"}) for name in "yx"}
    )
    in_voxels = Segmentation(labels, cells, Calibration())
    assert bt.measure(in_voxels, image).calibration == size
    steps = Segmentation(labels, cells, Calibration(dt=30, time_unit="sec"))
    assert bt.measure(steps, image.drop_vars("t")).calibration == size


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, _: bt.measure(x, image_axes="TZYX"), "image_axes is .* there is no image"),
        (lambda x, _: bt.measure(x, mask_policy="clip"), "mask_policy is .* there is no mask"),
        (lambda x, _: bt.measure(x, tissues=(7,)), "tissues is .* there is no mask"),
        (lambda x, _: bt.measure(segmented(x), axes="TZYX"), "a segmentation has its own"),
        (lambda _, g: bt.evaluate(g, g, axes="TZYX"), "there are no label images"),
        (lambda x, _: bt.evaluate(x, x, truth_labels=x), "truth has label images of its own"),
        (lambda _, g: bt.save(g.spots, "x.csv", like="a.xml"), "spots take over nothing"),
        (lambda _, g: bt.explain(g, 1.7), "a spot is 1.7, expected its id"),
    ],
)
def test_what_goes_with_something_else_is_refused_without(labels, tracks, call, message):
    with pytest.raises(UserError, match=message):
        call(labels, tracks)


def segmented(labels):
    return Segmentation(labels, pd.DataFrame({"frame": [0]}), Calibration())


def test_labels_beside_a_file_are_heeded(tmp_path, labels):
    """Cells of the file are matched by their overlap, as those of tracks in memory are."""
    tracks = bt.track(bt.measure(labels, voxel_size=SIZE, dt=30))
    other = np.where(labels == 1, 5, labels)
    bt.save(tracks, tmp_path / "t.xml")
    result = bt.track(bt.measure(other, voxel_size=SIZE, dt=30))
    for truth in (tracks, tmp_path / "t.xml"):
        scores = bt.evaluate(truth, result, truth_labels=labels, result_labels=other).to_dict()
        assert (scores["SEG"], scores["link_f1"]) == (1, 1)


@pytest.mark.parametrize("kind", ["zarr", "map"])
@pytest.mark.parametrize("verb", ["measure", "track", "evaluate"])
def test_arrays_whose_files_are_rewritten_meanwhile_are_refused(tmp_path, labels, kind, verb):
    path = tmp_path / "labels"

    def open_for(mode):
        if kind == "zarr":
            chunks = (1, *labels.shape[1:])
            return zarr.open_array(path, mode=mode, shape=labels.shape, chunks=chunks, dtype="u4")
        return np.memmap(path, np.uint32, "w+" if mode == "w" else mode, shape=labels.shape)

    open_for("w")[:] = labels

    def rewrite(*_):
        array = open_for("r+")
        array[-1] = labels[0]
        if kind == "map":
            array.flush()
            os.utime(path, ns=(1, 1))  # as a later change; this one may be too soon after

    with pytest.raises(UserError, match="labels was changed while it was read"):
        if verb == "measure":
            bt.measure(open_for("r"), voxel_size=SIZE, progress=rewrite)
        elif verb == "track":
            bt.track(open_for("r"), tracker="overlap", voxel_size=SIZE, progress=rewrite)
        else:
            bt.evaluate(labels, open_for("r"), progress=rewrite)


def test_a_file_whose_spots_lie_elsewhere_is_told(tmp_path, tracks, caplog):
    """What it holds of them, e.g. their names, goes by ids alone."""
    bt.save(tracks, tmp_path / "a.xml")
    bt.save(tracks, tmp_path / "b.xml", like=tmp_path / "a.xml")
    assert "lie elsewhere" not in caplog.text
    table = tracks.spots.to_dataframe().assign(x=lambda one: one["x"] + 500)
    moved = bt.Spots.from_table(table, tracks.spots.calibration, ndim=3)
    other = bt.TrackGraph.from_links(moved, tracks.source, tracks.target)
    bt.save(other, tmp_path / "a.xml")
    bt.save(tracks, tmp_path / "c.xml", like=tmp_path / "a.xml")
    assert "a.xml: 8 of 8 spots lie elsewhere there than those of their ids" in caplog.text


@pytest.mark.parametrize("name", ["t.geff", "t.xml", "t.csv"])
def test_save_replaces_no_folder_with_what_it_holds(tmp_path, tracks, name):
    folder = tmp_path / ("t.spots.csv" if name == "t.csv" else name)
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="notes.txt, which would be lost|is a folder"):
        bt.save(tracks, tmp_path / name)
    assert [path.name for path in tmp_path.rglob("*")] == [folder.name, "notes.txt"]


def test_save_replaces_a_graph(tmp_path, tracks):
    for _ in range(2):
        bt.save(tracks, tmp_path / "t.geff")
    assert bt.load(tmp_path / "t.geff").n_links == tracks.n_links


def test_files_that_change_while_they_are_scored_are_refused(tmp_path, labels):
    for name in ("truth.tif", "result.tif"):
        tifffile.imwrite(
            tmp_path / name, labels, metadata={"axes": "TZYX"}, photometric="minisblack"
        )

    def change(*_):
        (tmp_path / "result.tif").write_bytes((tmp_path / "truth.tif").read_bytes() + b"x")

    with pytest.raises(UserError, match="result.tif was changed while it was read"):
        bt.evaluate(tmp_path / "truth.tif", tmp_path / "result.tif", progress=change)
