"""Label images by track: which number each cell gets, and what is said of those without one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.io.images import open_movie
from btrackmate.io.track_formats import write_tracks
from btrackmate.measurement.painting import find_misplaced, list_labels, paint_labels
from btrackmate.pipeline.converting import convert
from btrackmate.pipeline.evaluation import evaluate, load_candidate
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.relabelling import relabel
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import InputSettings, RunSettings

pytestmark = pytest.mark.usefixtures("plain_report")

SIZE = Calibration(0.5, 0.5, 2.0, 3.0, "µm", "min")


def make_tracks(path: Path, *, with_labels: bool = True, **columns: list[float]) -> Path:
    """Track the cells of `dividing_cells`: 1 divides into 1 and 2, 7 stays; 7 of frame 5 is alone.

    Ids are 10 × frame + place; cell 7 has no link into frame 5.
    """
    rows = []
    for frame in range(6):
        for label, x in (
            (1, 9.5 + frame if frame < 3 else 11 - frame),
            (2, 12.0 + frame),
            (7, 5.5),
        ):
            if label != 2 or frame >= 3:
                y = 17.5 if label == 7 else 5.5
                rows.append((10 * frame + label, frame, x * 0.5, y * 0.5, 4.0, label))
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y", "z", "label"]).assign(**columns)
    spots = Spots.from_table(table if with_labels else table.drop(columns="label"), SIZE)
    links = [(10 * f + a, 10 * f + 10 + a) for a in (1, 2, 7) for f in range(5)]
    links = [(a, b) for a, b in links if {a, b} <= set(table["id"]) and b != 57] + [(21, 32)]
    source, target = np.array(links).T
    graph = TrackGraph.from_ids(spots, source, target)
    write_tracks(path, graph)
    return path


def read(path: Path) -> NDArray[np.uint32]:
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        image = file.asarray()
    assert image.dtype == np.uint32
    return image


def numbers_of(image: NDArray[np.uint32], labels: NDArray[np.uint16], t: int) -> dict[int, int]:
    """Give the number of each label of a frame; each cell must have one."""
    found = {}
    for label in list_labels(labels[t]).tolist():
        values = np.unique(image[t][labels[t] == label])
        assert values.size == 1
        found[label] = int(values[0])
    assert not image[t][labels[t] == 0].any()
    return found


def test_labels_without_sizes_get_those_of_the_tracks(tmp_path: Path) -> None:
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, dividing_cells().astype(np.uint16), photometric="minisblack")
    tracks = make_tracks(tmp_path / "t.xml")
    relabel(tracks, plain, tmp_path / "out.tif", options=InputSettings(axes="TZYX"))
    with open_movie(tmp_path / "out.tif") as movie:
        assert movie.calibration == SIZE


@pytest.mark.parametrize("ending", ["xml", "geff", "csv"])
@pytest.mark.parametrize("with_labels", [True, False])
def test_cells_get_the_number_of_their_track(
    tmp_path: Path, labels_3d: Path, ending: str, with_labels: bool
) -> None:
    """By label id or, without one, by position: daughters have their mother's number."""
    tracks = make_tracks(tmp_path / f"t.{ending}", with_labels=with_labels)
    result = relabel(tracks, labels_3d, tmp_path / "out.tif")
    image, labels = read(tmp_path / "out.tif"), dividing_cells()
    assert numbers_of(image, labels, 0) == {1: 1, 7: 2}
    assert numbers_of(image, labels, 4) == {1: 1, 2: 1, 7: 2}
    assert numbers_of(image, labels, 5) == {1: 1, 2: 1, 7: 0}
    assert (result.n_cells, result.n_numbers) == (15, 2)
    assert result.unpainted.values.tolist() == [[5, 7, "its spot is in no track"]]
    assert not len(result.off_cells)


def test_by_tracklet_daughters_have_their_own_number(tmp_path: Path, labels_3d: Path) -> None:
    relabel(make_tracks(tmp_path / "t.xml"), labels_3d, tmp_path / "out.tif", "tracklet")
    image, labels = read(tmp_path / "out.tif"), dividing_cells()
    assert numbers_of(image, labels, 2) == {1: 1, 7: 2}
    assert numbers_of(image, labels, 3) == {1: 3, 2: 4, 7: 2}


def test_hidden_tracks_are_not_painted_and_numbers_are_trackmates(
    tmp_path: Path, labels_3d: Path
) -> None:
    """TrackMate numbers its tracks as it likes: here they are 40 and 41, and 40 is hidden."""
    make_tracks(tmp_path / "t.xml")
    text = (tmp_path / "t.xml").read_text(encoding="utf-8")
    for old, new in (('TRACK_ID="0"', 'TRACK_ID="40"'), ('TRACK_ID="1"', 'TRACK_ID="41"')):
        assert text.count(old) == 2
        text = text.replace(old, new)
    text = text.replace('<TrackID TRACK_ID="40" />', "")
    assert text.count('TRACK_ID="40"') == 1
    (tmp_path / "t.xml").write_text(text, encoding="utf-8")
    result = relabel(tmp_path / "t.xml", labels_3d, tmp_path / "out.tif")
    assert numbers_of(read(tmp_path / "out.tif"), dividing_cells(), 0) == {1: 0, 7: 42}
    assert set(result.unpainted.query("label == 1")["reason"]) == {"its track is hidden"}


def test_ids_above_65535_and_images_without_tracks(tmp_path: Path) -> None:
    """Two frames, one cell 70,000; the spot of frame 1 lies beside it, that of frame 0 on it."""
    movie = np.zeros((2, 4, 4), np.uint32)
    movie[:, 1:3, 1:3] = 70_000
    tifffile.imwrite(
        tmp_path / "l.ome.tif", movie, metadata={"axes": "TYX"}, ome=True, photometric="minisblack"
    )
    table = pd.DataFrame({"frame": [0, 1], "x": [1.0, 0.0], "y": [1.0, 0.0]})
    spots = Spots.from_table(table, Calibration(), ndim=2)
    graph = TrackGraph.from_links(spots, np.array([0]), np.array([1]))
    write_tracks(tmp_path / "t.xml", graph.with_spots(spots.with_columns({"radius": np.ones(2)})))
    result = relabel(tmp_path / "t.xml", tmp_path / "l.ome.tif", tmp_path / "out.tif")
    image = read(tmp_path / "out.tif").reshape(2, 4, 4)
    assert image[0].tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert not image[1].any()
    assert result.off_cells.values.tolist() == [[1, 1]]
    assert result.unpainted.values.tolist() == [[1, 70_000, "it has no spot"]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1] * 15, "spots of different tracks have the label 1 in frame 0"),
        ([99] * 15, "has no label 99 in frame 0, where spot 1"),
    ],
)
def test_tracks_of_other_labels_are_refused_and_nothing_is_written(
    tmp_path: Path, labels_3d: Path, labels: list[float], message: str
) -> None:
    tracks = make_tracks(tmp_path / "t.xml", label=labels)
    with pytest.raises(UserError, match=message):
        relabel(tracks, labels_3d, tmp_path / "out.tif")
    assert {path.name for path in tmp_path.iterdir()} == {"labels.tif", "t.xml"}


def test_a_shorter_movie_is_refused(tmp_path: Path) -> None:
    labels = write_imagej(tmp_path / "short.tif", dividing_cells(3), "TZYX")
    with pytest.raises(UserError, match="spots up to frame 5, .* has frames 0 to 2"):
        relabel(make_tracks(tmp_path / "t.xml"), labels, tmp_path / "out.tif")
    with pytest.raises(UserError, match=r"end the name in \.tif"):
        relabel(tmp_path / "t.xml", labels, tmp_path / "out.png")


def test_the_verb_names_and_counts_what_has_no_track(
    tmp_path: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracks, out = make_tracks(tmp_path / "t.xml"), tmp_path / "out.tif"
    words = ["relabel", str(tracks), str(labels_3d), "-o", str(out), "--quiet"]
    assert run_command([*words, "--unpainted", str(tmp_path / "left.csv")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "14 of 15 cells have one of 2 tracks",
        "1 cells are 0, as its spot is in no track: label 7 in frame 5",
        str(out),
        str(tmp_path / "left.csv"),
    ]
    assert pd.read_csv(tmp_path / "left.csv")["label"].tolist() == [7]
    assert run_command(words) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_folder_is_tracks(tmp_path: Path, labels_3d: Path) -> None:
    settings = RunSettings.parse({"tracker_settings": {"linking_max_distance": 5}})
    run(RunInputs(labels=labels_3d), tmp_path / "run", settings)
    relabel(tmp_path / "run", labels_3d, tmp_path / "out.tif")
    table = pd.read_csv(tmp_path / "run" / "tracked_spots.csv").query("frame == 5")
    expected = dict(zip(table["label"], table["track"] + 1, strict=True))
    assert numbers_of(read(tmp_path / "out.tif"), dividing_cells(), 5) == expected


@pytest.mark.parametrize("highest", [9, 2**32 - 1])
def test_painting_with_small_and_large_labels(highest: int) -> None:
    image = np.array([[0, 3, highest], [5, 5, 0]], np.uint32)
    assert list_labels(image).tolist() == [3, 5, highest]
    painted = paint_labels(image, np.array([highest, 77, 3]), np.array([8, 4, 2**32 - 1]))
    assert painted.tolist() == [[0, 2**32 - 1, 8], [0, 0, 0]]
    assert paint_labels(image, np.empty(0, int), np.empty(0, int)).tolist() == [[0] * 3] * 2


class TestLabelsNumberedAnew:
    """Another program gave the same cells other numbers: 1 and 7 are swapped from frame 2 on."""

    @pytest.mark.parametrize("ending", ["xml", "csv"])
    def test_relabel_warns(
        self, tmp_path: Path, ending: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each cell would get the number of the other one's track."""
        tracks = make_tracks(tmp_path / f"t.{ending}")
        caplog.clear()
        relabel(tracks, self._write(tmp_path, swap=False), tmp_path / "same.tif")
        before = len(caplog.records)
        assert not [record for record in caplog.records if "spots of" in record.message]
        relabel(tracks, self._write(tmp_path, swap=True), tmp_path / "out.tif")
        (record,) = [one for one in caplog.records[before:] if "spots of" in one.message]
        assert "8 of 15 spots of " in record.message
        assert "(first: spot 21, label 1 in frame 2)" in record.message

    def test_so_do_scores(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """The scores would be those of links between other cells."""
        tracks = make_tracks(tmp_path / "t.xml")
        caplog.clear()
        truth = load_candidate(self._write(tmp_path, swap=False), tracks)
        result = load_candidate(self._write(tmp_path, swap=True), tracks)
        evaluate(
            truth, result, segmentation=False, tracking=True, max_distance=None,
            progress=ignore_progress,
        )  # fmt: skip
        (record,) = caplog.records
        assert record.message.startswith("8 of 15 spots of the result do not lie on the cell")

    def test_so_does_the_challenge_folder(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is made of the label images by the same numbers."""
        tracks = make_tracks(tmp_path / "t.xml")
        caplog.clear()
        convert(tracks, tmp_path / "01_RES", labels=self._write(tmp_path, swap=True))
        assert ["8 of 15 spots of " in record.message for record in caplog.records] == [True]

    def test_a_bent_cell_may_have_its_centre_on_a_neighbour(self) -> None:
        """1 is bent around 2: its centre is a voxel of 2, inside the box around 1; 8 is nowhere.

        4 is bent around background, 3 is elsewhere.
        """
        image = np.array([[1, 1, 1, 4, 4], [1, 2, 1, 4, 0], [3, 0, 0, 0, 0]], np.uint16)
        cells = [
            (1, (1, 1), False), (3, (1, 1), True), (3, (0, 0), True), (3, (9, 9), False),
            (3, (2, 2), True), (8, (0, 0), True), (8, (2, 2), False), (4, (4, 1), False),
            (4, (4, 2), True), (0, (2, 2), False),
        ]  # fmt: skip
        voxels = np.array([(*place, 0) for _, place, _ in cells])
        found = find_misplaced(image, np.array([label for label, _, _ in cells]), voxels)
        assert found.tolist() == [wrong for _, _, wrong in cells]

    def test_labels_of_another_movie_warn_where_spots_lie_on_background(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Such as a crop, or what was registered since: most centres lie on no cell at all."""
        tracks = make_tracks(tmp_path / "t.xml")
        moved = np.roll(dividing_cells(), 9, axis=-1)
        labels = write_imagej(tmp_path / "moved.tif", moved, "TZYX")
        caplog.clear()
        convert(tracks, tmp_path / "01_RES", labels=labels)
        (record,) = caplog.records
        assert "14 of 15 spots" in record.message
        assert "or these are of another movie" in record.message

    @staticmethod
    def _write(folder: Path, *, swap: bool) -> Path:
        labels = dividing_cells()
        if swap:
            late = labels[2:]
            one, seven = late == 1, late == 7
            late[one], late[seven] = 7, 1
        return write_imagej(folder / f"labels_{swap}.tif", labels, "TZYX")


def test_cells_that_a_challenge_folder_does_not_take_are_told(tmp_path: Path) -> None:
    """As those that somebody painted since, of which no spot knows."""
    tracks = make_tracks(tmp_path / "t.xml")
    labels = dividing_cells()
    labels[2:4, :, :2, :2] = 50
    image = write_imagej(tmp_path / "added.tif", labels, "TZYX")
    losses = convert(tracks, tmp_path / "01_RES", labels=image)
    (told,) = (line for line in losses.other if "cells are 0" in line)
    assert told.startswith("2 cells are 0, as it has no spot: label 50 in frame 2, 50 in frame 3")
