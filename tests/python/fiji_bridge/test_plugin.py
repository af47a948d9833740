"""The plugin in the real TrackMate: arrays, files and scripts give what the builtin engine gives.

A cell 70000 divides in frame 3; its daughter 2 lives for two frames and is pruned. Cell 7 lies
outside the mask.

```
frame    0  1  2  3  4  5
                /2--2
70000 -- A--A--A--A--A--A
7        B--B--B--B--B--B    (outside)
```
"""

from pathlib import Path

import fiji_jvm
import numpy as np
import pytest
from tiny_movies import dividing_cells, write_imagej

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.fiji_bridge import LabelMovie, MovieSettings, PluginSettings
from btrackmate.io.trackmate import read_trackmate
from btrackmate.pipeline.relinking import track_cells
from btrackmate.pipeline.settings import RunSettings
from btrackmate.tracking.settings import KalmanSettings, LapSettings, PruneSettings

SCALE = Calibration(0.5, 0.5, 2.0, 3.0, "µm", "min")
SCRIPTS = Path(__file__).parents[3] / "fiji-scripts"


def make_labels():
    labels = dividing_cells().astype(np.uint32)
    labels[5][labels[5] == 2] = 0
    labels[labels == 1] = 70000
    return labels


def make_mask():
    mask = np.zeros((6, 24, 24), np.uint8)
    mask[:, :12] = 1
    return mask


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The movie as files; 32 bits are floats in ImageJ."""
    folder = tmp_path_factory.mktemp("movie")
    write_imagej(folder / "labels.tif", make_labels().astype(np.float32), "TZYX")
    write_imagej(
        folder / "ids.tif", np.where(make_labels() > 9, 1, make_labels()).astype(np.uint16), "TZYX"
    )
    write_imagej(folder / "mask.tif", make_mask(), "ZYX")
    return folder


def describe(path):
    """Give the linked spots and the links of a file, by frame and label."""
    graph = read_trackmate(path).graph
    table = graph.spots.table
    name = list(zip(table["frame"].tolist(), table["label"].astype(int).tolist(), strict=True))
    linked = (graph.in_degree + graph.out_degree) > 0
    values = table.loc[linked, ["x", "y", "z", "radius", "volume", "voxels"]].astype(float)
    spots = {name[row]: values.loc[row].tolist() for row in values.index}
    pairs = zip(graph.source.tolist(), graph.target.tolist(), strict=True)
    return spots, {(name[source], name[target]) for source, target in pairs}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the builtin engine makes of it: one cell over six frames."""
    folder = tmp_path_factory.mktemp("builtin")
    labels = write_tiff(folder / "labels.tif", make_labels(), "TZYX")
    mask = write_tiff(folder / "mask.tif", make_mask(), "ZYX")
    settings = RunSettings.parse(
        {
            "tracker": {
                "name": "flow",
                "linking_max_distance": 5.0,
                "splitting_max_distance": 5.0,
            },
            "prune": {"min_tracklet_length": 3},
            "input": {"axes": "TZYX", "voxel_size": (2, 0.5, 0.5), "space_unit": "µm", "dt": 3},
        }
    )
    track_cells(labels, folder / "tracks.xml", settings, mask=mask)
    spots, links = describe(folder / "tracks.xml")
    assert links == {((t, 70000), (t + 1, 70000)) for t in range(5)}
    return spots, links


def write_tiff(path, array, axes):
    import tifffile

    tifffile.imwrite(path, array, metadata={"axes": axes})
    return path


def check(path, expected):
    spots, links = describe(path)
    assert links == expected[1]
    assert set(spots) == set(expected[0])
    for name, values in spots.items():
        assert values == pytest.approx(expected[0][name], rel=1e-9), name


def test_arrays_through_trackmate_to_a_file(plugin, tmp_path, expected):
    """numpy → ImagePlus → TrackMate → XML."""
    movie = LabelMovie(make_labels(), "TZYX", SCALE, mask=make_mask(), mask_axes="ZYX")
    settings = MovieSettings(
        tracker=LapSettings(linking_max_distance=5.0, splitting_max_distance=5.0),
        prune=PruneSettings(min_tracklet_length=3),
    )
    counts = plugin(fiji_jvm.track_arrays, movie, tmp_path / "t.xml", settings)
    assert counts == (6, 1)
    check(tmp_path / "t.xml", expected)
    assert [path.name for path in tmp_path.iterdir()] == ["t.xml"]
    document = read_trackmate(tmp_path / "t.xml")
    assert document.graph.spots.calibration == SCALE


def test_without_pruning_the_daughter_stays(plugin, tmp_path):
    movie = LabelMovie(make_labels(), "TZYX", SCALE, mask=make_mask(), mask_axes="ZYX")
    settings = MovieSettings(
        tracker=LapSettings(linking_max_distance=5.0, splitting_max_distance=5.0)
    )
    assert plugin(fiji_jvm.track_arrays, movie, tmp_path / "t.xml", settings) == (8, 1)


def test_one_distance_is_given_and_the_data_tell_the_others(plugin, tmp_path):
    movie = LabelMovie(make_labels(), "TZYX", SCALE)
    settings = MovieSettings(tracker=LapSettings(linking_max_distance=321))
    plugin(fiji_jvm.track_arrays, movie, tmp_path / "t.xml", settings)
    _, values = read_trackmate(tmp_path / "t.xml").tracker
    assert values["LINKING_MAX_DISTANCE"] == 321
    assert 0 < values["GAP_CLOSING_MAX_DISTANCE"] < 20
    assert 0 < values["SPLITTING_MAX_DISTANCE"] < 20


def test_plugin_on_files(plugin, tmp_path, files, expected):
    settings = PluginSettings(linking_distance=5.0, frame_gap=1, min_tracklet_length=3)
    labels = files / "labels.tif"
    counts = plugin(fiji_jvm.plugin, labels, tmp_path / "t.xml", settings, mask=files / "mask.tif")
    assert counts == (6, 1)
    check(tmp_path / "t.xml", expected)
    assert [path.name for path in tmp_path.iterdir()] == ["t.xml"]


def test_plugin_on_a_table(plugin, tmp_path, files):
    table = tmp_path / "cells.csv"
    table.write_text("frame,x,y,z\n0,1,1,1\n1,1.5,1,1\n2,2,1,1\n")
    counts = plugin(fiji_jvm.plugin, files / "labels.tif", tmp_path / "t.xml", table=table)
    assert counts == (3, 1)


def test_script_with_values_and_defaults(plugin, tmp_path, files, expected):
    labels = str(files / "labels.tif")
    values = {
        "image": labels, "labels": labels, "mask": str(files / "mask.tif"), "distance": "5",
        "minimum": "3", "output": str(tmp_path / "t.xml"),
    }  # fmt: skip
    outputs = plugin(fiji_jvm.script, SCRIPTS / "track_labels.py", values)
    assert outputs == {"spots": "6", "tracks": "1"}
    check(tmp_path / "t.xml", expected)


def test_a_word_that_is_no_boolean_is_not_taken_for_false(trackmate, tmp_path):
    path = tmp_path / "flag.py"
    path.write_text("#@ Boolean (value=true) dry\n#@output String said\nsaid = str(dry)\n")
    assert trackmate(fiji_jvm.script, path, {}) == {"said": "True"}
    assert trackmate(fiji_jvm.script, path, {"dry": "False"}) == {"said": "False"}
    with pytest.raises(UserError, match="dry=maybe does not fit, expected Boolean"):
        trackmate(fiji_jvm.script, path, {"dry": "maybe"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distanz": "5"}, "has no parameter 'distanz'; it has image, labels, mask, policy"),
        ({"minimum": "far"}, "minimum=far does not fit, expected"),
        ({"policy": "some"}, "policy=some does not fit, expected one of keep-touching, centroid"),
        ({"output": None}, r"needs the parameter output \(Save as\); give output=VALUE"),
        ({"labels": "nowhere.tif"}, "Cannot open '.*nowhere.tif': an image that ImageJ reads"),
    ],
)
def test_mistakes_with_a_script(plugin, tmp_path, files, changes, message):
    labels = str(files / "labels.tif")
    values = {"image": labels, "labels": labels, "output": str(tmp_path / "t.xml")} | changes
    values = {name: value for name, value in values.items() if value is not None}
    with pytest.raises(UserError, match=message):
        plugin(fiji_jvm.script, SCRIPTS / "track_labels.py", values)
    assert not (tmp_path / "t.xml").exists()


def test_a_script_that_fails_is_one_line(trackmate, tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("#@ Integer n\n#@output Integer twice\nprint('hello')\ntwice = 2 * m\n")
    with pytest.raises(UserError, match=r"bad.py: NameError: name 'm' is not defined \(line 4\)"):
        trackmate(fiji_jvm.script, path, {"n": "4"})
    path.write_text("#@ Integer n\n#@output Integer twice\ntwice = 2 * n\n")
    assert trackmate(fiji_jvm.script, path, {"n": "4"}) == {"twice": "8"}


def test_mistakes_with_the_plugin(plugin, tmp_path, files):
    with pytest.raises(UserError, match=r"mask.tif' is 24 x 24, 6 plane\(s\), 1 frame"):
        plugin(fiji_jvm.plugin, files / "labels.tif", tmp_path / "t.xml", labels=files / "mask.tif")
    not_image = tmp_path / "x.tif"
    not_image.write_text("no image")
    with pytest.raises(UserError, match="ImageJ cannot open the image"):
        plugin(fiji_jvm.plugin, not_image, tmp_path / "t.xml")
    assert not (tmp_path / "t.xml").exists()


def test_arrays_that_do_not_fit_are_refused(plugin, tmp_path):
    labels = make_labels()
    small = LabelMovie(labels, "TZYX", SCALE, mask=make_mask()[:, :5], mask_axes="ZYX")
    with pytest.raises(UserError, match=r"tissue mask.* is 24 x 5"):
        plugin(fiji_jvm.track_arrays, small, tmp_path / "t.xml", MovieSettings())
    labels[0, 0, 0, 0] = 16777217
    with pytest.raises(UserError, match="label id 16777217 is above"):
        plugin(fiji_jvm.track_arrays, LabelMovie(labels, "TZYX"), tmp_path / "t.xml", None)
    with pytest.raises(UserError, match="no tracker kalman with pruning"):
        settings = MovieSettings(tracker=KalmanSettings())
        plugin(
            fiji_jvm.track_arrays, LabelMovie(make_labels(), "TZYX"), tmp_path / "t.xml", settings
        )
    assert not (tmp_path / "t.xml").exists()
