"""`btrackmate analyse`: files, groups, masks, several movies, and what it refuses."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml

import btrackmate as bt
from btrackmate.analysis import AnalysisSettings
from btrackmate.analysis.tracklets import make_tracklets_table
from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.images import open_movie
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.pipeline.analysing import read_groups
from btrackmate.report.analysis_plots import draw_analysis, name_file
from btrackmate.report.data import load_tracks

XML = Path(__file__).parents[2] / "data" / "trackmate-xml"
QUICK = ("--no-figures", "--no-report", "--quiet")


def call(*words: object) -> int:
    return run_command([str(word) for word in words])


def make_graph(*, dt: float = 5.0, seed: int = 0) -> TrackGraph:
    """Make three cells that divide once, 16 frames before and after, with a rhythm of 5 frames."""
    rng = np.random.default_rng(seed)
    rows, links = [], []
    for cell in range(3):
        for branch in (0, 1, 2):
            for step in range(16):
                frame = step + 16 * (branch > 0)
                number = 100 * cell + 33 * branch + step
                x = 10.0 * cell + 2 * branch + rng.normal()
                rows.append((number, frame, x, rng.normal(), 5 + rng.normal()))
                if step:
                    links.append((number - 1, number))
            if branch:
                links.append((100 * cell + 15, 100 * cell + 33 * branch))
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y", "z"])
    volume = 100 + 10 * np.cos(2 * np.pi * table["frame"] / 5) + rng.normal(0, 1, len(table))
    size = Calibration(dt=dt, space_unit="µm", time_unit="min")
    spots = Spots.from_table(table.assign(volume=volume, radius=1.0), size)
    source, target = np.array(links).T
    return TrackGraph.from_ids(spots, source, target)


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    path = tmp_path / "a.xml"
    write_tracks(path, make_graph())
    return path


@pytest.mark.slow
def test_tables_pictures_report_and_record_are_written(
    tracks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tracks.with_name("out")
    assert call("analyse", tracks, "-o", out, "--quiet") == 0
    printed = capsys.readouterr().out
    for name in ("rhythm.csv", "tracklets.csv", "figures", "report.html", "analysis.yaml"):
        assert (out / name).exists()
        assert str(out / name) in printed
    assert "9 of 9 tracklets have a rhythm of volume" in printed
    table = pd.read_csv(out / "rhythm.csv")
    columns = ["track", "tracklet", "feature", "n", "dominant_frequency", "power", "p_value"]
    assert not set(columns) - set(table)
    np.testing.assert_allclose(table["dominant_frequency"], 1 / 25, rtol=0.05)
    record = yaml.safe_load((out / "analysis.yaml").read_text(encoding="utf-8"))
    assert record["inputs"]["a"]["dt"] == 5.0
    assert record["units"]["frequencies, rates of exchange"] == "1/min"
    assert record["settings"]["rhythm"]["noise"] == "red"
    assert not list(out.parent.rglob(".bt-*"))
    pictures = {path.name for path in (out / "figures").iterdir()}
    for name in ("motility", "periods", "series_volume", "lineages_volume"):
        assert {f"{name}.png", f"{name}.svg"} <= pictures
    report = (out / "report.html").read_text(encoding="utf-8")
    for title in ("Rhythms", "Motility", "Around divisions", "Neighbours", "Lineages by feature"):
        assert f"<h3>{title}</h3>" in report
    assert 'id="linked-view"' in report


@pytest.mark.slow
def test_every_axis_of_every_picture_has_a_name_and_lengths_have_units() -> None:
    graph = make_graph()
    distance = {"boundary_distance": graph.spots.positions[:, 0] - 10}
    graph = graph.with_spots(graph.spots.with_columns(distance))
    settings = AnalysisSettings.parse({"rhythm": {"wavelet": True}})
    tables = bt.analyse(graph, rhythm={"wavelet": True})
    figures = draw_analysis(graph, tables, settings, np.arange(graph.n_tracks))
    assert len(figures) >= 12
    for name, figure in figures.items():
        for axis in figure.axes:
            if not axis.axison or axis.get_label() == "<colorbar>":
                continue
            words = axis.get_xlabel() + axis.get_ylabel()
            assert words, name
            for quantity in ("time", "distance", "period (", "lag"):
                if quantity in words and "not divided" not in words:
                    assert "(" in words, (name, words)
    assert figures["motility"].axes[0].get_ylabel() == "mean squared displacement (µm²)"


@pytest.mark.slow
def test_groups_split_the_pictures_too() -> None:
    graph = make_graph()
    tables = bt.analyse(graph, group_by="generation")
    settings = AnalysisSettings.parse({"group_by": "generation"})
    figures = draw_analysis(graph, tables, settings, np.arange(graph.n_tracks))
    assert {"periods", "periods_0", "periods_1", "fates_0", "fates_1"} <= set(figures)
    words = [text.get_text() for text in figures["motility"].axes[0].get_legend().get_texts()]
    assert {"0: n = 3 tracklets", "1: n = 6 tracklets"} <= set(words)
    titles = [axis.get_title(loc="right") for axis in figures["periods_1"].axes]
    assert titles == ["n = 6"]


def test_the_users_groups_split_the_tables(tracks: Path, tmp_path: Path) -> None:
    groups = tmp_path / "groups.csv"
    groups.write_text("track,drug\n0,yes\n1,no\n", encoding="utf-8")
    out = tmp_path / "out"
    assert call("analyse", tracks, "-o", out, "--group", groups, *QUICK) == 0
    table = pd.read_csv(out / "motility.csv").groupby("track")["group"].unique()
    assert [list(one) for one in table] == [["yes"], ["no"], ["no group"]]
    assert set(pd.read_csv(out / "msd.csv")["group"]) == {"all", "yes", "no", "no group"}


def test_movies_stand_in_one_table_and_have_groups(tracks: Path, tmp_path: Path) -> None:
    second = tmp_path / "b.xml"
    write_tracks(second, make_graph(seed=1))
    groups = tmp_path / "groups.csv"
    groups.write_text("movie,condition\na,wild type\nb,mutant\n", encoding="utf-8")
    out = tmp_path / "out"
    assert call("analyse", tracks, second, "-o", out, "--group", groups, *QUICK) == 0
    table = pd.read_csv(out / "tracklets.csv").groupby("movie")["group"].unique()
    assert {name: list(one) for name, one in table.items()} == {
        "a": ["wild type"], "b": ["mutant"]
    }  # fmt: skip
    tests = pd.read_csv(out / "cycle_tests.csv").query("movie == 'all'")
    assert tests["n_groups"].tolist() == [2, 2]


@pytest.mark.parametrize("key", ["track", "tracklet"])
def test_tracks_of_several_movies_need_the_movie(tmp_path: Path, key: str) -> None:
    """Track 0 of the one has nothing to do with track 0 of the other."""
    table = tmp_path / "groups.csv"
    table.write_text(f"{key},drug\n0,a\n1,b\n", encoding="utf-8")
    ids = {"a": np.arange(2), "b": np.arange(2)}
    with pytest.raises(UserError, match=f"no column movie, and there are several: a, b;.*{key}"):
        read_groups(table, ids)
    assert list(read_groups(table, {"a": ids["a"]})[0]) == ["a"]


def test_names_of_groups_and_movies_stay_as_they_stand(tmp_path: Path, caplog) -> None:
    """01 is not 1, NA is no missing value, 1.10 is not 1.1."""
    table = tmp_path / "groups.csv"
    table.write_text("track,day,drug\n0,01,NA\n1,1,\n2,1.10,1.1\n", encoding="utf-8")
    found, column = read_groups(table, {"a": np.arange(3)})
    assert column == "day"
    assert found["a"]["track"].tolist() == [0, 1, 2]
    assert found["a"]["day"].tolist() == ["01", "1", "1.10"]
    assert found["a"]["drug"].fillna("-").tolist() == ["NA", "-", "1.1"]
    table.write_text("movie,drug\n001,a\n1,b\n", encoding="utf-8")
    found, _ = read_groups(table, {name: np.arange(1) for name in ("001", "1", "2")})
    assert found["001"]["drug"].tolist() + found["1"]["drug"].tolist() == ["a", "b"]
    assert "has no row of movie 2" in caplog.text


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_tables_of_groups_as_spreadsheets_write_them(tmp_path: Path, mark: str) -> None:
    """With semicolons where commas are decimal; spaces; letters composed in two ways."""
    lines = ("movie, drug", "a\u0308b,x ", "a\u0308b ,  x", "c,")
    for name, row in (("\u00e4b", 1), ("a\u0308b", 2)):
        table = tmp_path / "groups.csv"
        text = "\n".join((lines[0], lines[row], lines[3])).replace(",", mark)
        table.write_text("\ufeff" + text, encoding="utf-8")
        found, column = read_groups(table, {name: np.arange(2), "c": np.arange(1)})
        assert column == "drug"
        assert found[name]["drug"].tolist() == ["x", "x"]
        assert found["c"]["drug"].isna().all()


def test_each_group_has_a_picture_of_its_own() -> None:
    """In whatever case, and however long its name is."""
    taken: set[str] = set()
    names = [name_file(group, taken) for group in ("a b", "a/b", "A_b", "x" * 300)]
    assert names == ["a_b", "a_b_2", "A_b_3", "x" * 60]


def test_a_mask_gives_distances_to_tracks_without(tmp_path: Path) -> None:
    """A cell walks along x from 2 to 17 µm; the tissue ends at x = 10 (faces of 1 µm voxels)."""
    table = pd.DataFrame({"frame": np.arange(16), "x": 2.0 + np.arange(16), "y": 8.0})
    table = table.assign(z=2.0, radius=1.0)
    spots = Spots.from_table(table, Calibration(dt=2.0, space_unit="µm", time_unit="min"))
    graph = TrackGraph.from_links(spots, np.arange(15), np.arange(1, 16))
    tracks, mask = tmp_path / "a.xml", tmp_path / "mask.tif"
    write_tracks(tracks, graph)
    tissue = np.zeros((4, 20, 20), np.uint8)
    tissue[:, :, :10] = 1
    tifffile.imwrite(mask, tissue, photometric="minisblack")
    out = tmp_path / "out"
    words = ("--mask", mask, "--mask-axes", "ZYX", "--voxel-size", "1,1,1")
    assert call("analyse", tracks, "-o", out, *words, *QUICK) == 0
    ends = pd.read_csv(out / "boundary_approach.csv").iloc[0]
    assert ends["start_distance"] == pytest.approx(7.5)  # the face lies at 9.5
    assert ends["end_distance"] == pytest.approx(-7.5)
    assert ends["rate"] == pytest.approx(-0.5, rel=0.02)
    listed = pd.read_csv(out / "boundary_distance.csv")["boundary_distance"]
    assert (listed < 0).sum() == 8


@pytest.mark.parametrize(
    ("unit", "factor", "told"), [("mm", 1e-3, ""), ("nm", 1e3, ""), ("pixel", 1.0, "taken as µm")]
)
def test_a_mask_in_another_unit_than_the_tracks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, unit: str, factor: float, told: str
) -> None:
    table = pd.DataFrame({"frame": np.arange(4), "x": factor * (2.0 + np.arange(4)), "y": 8.0})
    table = table.assign(y=8.0 * factor, z=2.0 * factor)
    spots = Spots.from_table(table, Calibration(space_unit=unit))
    tracks, mask = tmp_path / "a.xml", tmp_path / "mask.tif"
    write_tracks(tracks, TrackGraph.from_links(spots, np.arange(3), np.arange(1, 4)))
    tissue = np.zeros((4, 20, 20), np.uint8)
    tissue[:, :, :10] = 1
    tifffile.imwrite(
        mask, tissue, imagej=True, resolution=(1, 1),
        metadata={"axes": "ZYX", "unit": "um", "spacing": 1.0},
    )  # fmt: skip
    assert call("analyse", tracks, "-o", tmp_path / "out", "--mask", mask, *QUICK) == 0
    listed = pd.read_csv(tmp_path / "out" / "boundary_distance.csv")["boundary_distance"]
    assert listed.tolist() == pytest.approx([factor * d for d in (7.5, 6.5, 5.5, 4.5)])
    assert ("taken as µm" in caplog.text) == bool(told)


def test_a_mask_in_a_unit_that_is_not_converted_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.DataFrame({"frame": [0, 1], "x": 2.0, "y": 8.0, "z": 2.0})
    spots = Spots.from_table(table, Calibration(space_unit="inch"))
    tracks, mask = tmp_path / "a.xml", tmp_path / "mask.tif"
    write_tracks(tracks, TrackGraph.from_links(spots, np.array([0]), np.array([1])))
    tifffile.imwrite(
        mask, np.ones((4, 20, 20), np.uint8), imagej=True, resolution=(1, 1),
        metadata={"axes": "ZYX", "unit": "um", "spacing": 1.0},
    )  # fmt: skip
    assert call("analyse", tracks, "-o", tmp_path / "out", "--mask", mask, *QUICK) == 2
    assert "is in µm, and the tracks are in inch" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Celegans-5pc-17timepoints.xml.gz", "FakeTracks_mastodon.xml"])
def test_real_files_of_trackmate_are_analysed(name: str, tmp_path: Path) -> None:
    path = tmp_path / name.removesuffix(".gz")
    content = (XML / name).read_bytes()
    path.write_bytes(gzip.decompress(content) if name.endswith(".gz") else content)
    out = tmp_path / "out"
    assert call("analyse", path, "-o", out, *QUICK) == 0
    _, document = read_tracks(path)
    assert document is not None
    table = pd.read_csv(out / "tracklets.csv")
    assert set(table["track"]) == set(document.filtered_tracks)
    assert len(pd.read_csv(out / "motility.csv")) == len(table)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--feature", "colour"), "no feature 'colour'; they have"),
        (("--group-by", "colour"), "no column 'colour' to group by"),
        (("--detrend", "moving-average"), "moving-average needs detrend_width"),
        (("--group", "missing.csv"), "missing.csv: no such file"),
        (("--min-samples", "3"), "min_samples: Input should be greater than or equal to 6"),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_is_written(
    words: tuple[str, ...], message: str, tracks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tracks.with_name("out")
    assert call("analyse", tracks, "-o", out, *words, *QUICK) == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in tracks.parent.iterdir()) == ["a.xml"]


def test_an_output_that_exists_is_left(tracks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tracks.with_name("out")
    out.mkdir()
    assert call("analyse", tracks, "-o", out, *QUICK) == 2
    assert "exists already" in capsys.readouterr().err
    assert call("analyse", tracks, "-o", out, "--overwrite", *QUICK) == 0


def test_movies_of_different_units_or_one_name_are_refused(
    tracks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = make_graph()
    size = Calibration(dt=5.0, space_unit="µm", time_unit="s")
    other = Spots(graph.spots.table, size, 3, graph.spots.n_frames)
    second = tmp_path / "b.xml"
    write_tracks(second, graph.with_spots(other))
    out = tmp_path / "out"
    assert call("analyse", tracks, second, "-o", out, *QUICK) == 2
    assert "b is in µm and sec, a in µm and min" in capsys.readouterr().err
    words = ("--dt", 5, "--time-unit", "min")
    assert call("analyse", tracks, second, "-o", out, *words, *QUICK) == 0
    (tmp_path / "c").mkdir()
    write_tracks(tmp_path / "c" / "a.xml", graph)
    assert call("analyse", tracks, tmp_path / "c" / "a.xml", "-o", tmp_path / "out2", *QUICK) == 2
    assert "would both be movie 'a'" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["analyse", "train-linking"])
def test_tracks_that_are_given_twice_are_refused(
    tracks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    write_tracks(tmp_path / "b.csv", make_graph())
    link = tmp_path / "link.xml"
    link.symlink_to(tracks)
    pair = tmp_path / "b.spots.csv", tmp_path / "b.links.csv"
    output = tmp_path / ("out" if verb == "analyse" else "out.yaml")
    for one, other in ((tracks, tracks), (tracks, link), pair):
        assert call(verb, one, other, "-o", output) == 2
        assert f"{one} and {other} are the same tracks" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--space-unit", "nm"), "positions are in µm, and are not converted to nm"),
        (("--time-unit", "h"), "times are in min, and are not converted to h"),
    ],
)
def test_units_are_named_not_converted(
    tracks: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    out = tracks.with_name("out")
    assert call("analyse", tracks, "-o", out, *words, *QUICK) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()
    assert call("analyse", tracks, "-o", out, "--space-unit", "um", *QUICK) == 0
    record = yaml.safe_load((out / "analysis.yaml").read_text(encoding="utf-8"))
    assert record["inputs"]["a"]["space_unit"] == "µm"


def test_a_time_step_that_replaces_another_is_told(tracks: Path, caplog) -> None:
    out = tracks.with_name("out")
    assert call("analyse", tracks, "-o", out, "--dt", 300, *QUICK) == 0
    assert "--dt replaces its own time between frames, 5 min, by 300 min" in caplog.text


def test_movies_of_other_time_steps_are_told(tracks: Path, tmp_path: Path, caplog) -> None:
    write_tracks(tmp_path / "b.xml", make_graph(dt=10.0))
    call("analyse", tracks, tmp_path / "b.xml", "-o", tmp_path / "out", *QUICK)
    assert "other times between frames (a 5, b 10 min)" in caplog.text


def test_the_library_gives_the_tables_of_the_verb(tracks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("analyse", tracks, "-o", out, *QUICK) == 0
    tables = bt.analyse(bt.load(tracks))
    assert {f"{name}.csv" for name in tables} == {path.name for path in out.glob("*.csv")}
    written = pd.read_csv(out / "motility.csv")
    np.testing.assert_allclose(written["mean_speed"], tables["motility"]["mean_speed"], rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["$x_{1$", *(pytest.param(name, marks=pytest.mark.slow) for name in ("$a$", "5 $"))]
)
def test_names_of_groups_are_shown_as_they_stand(tmp_path: Path, tracks: Path, name: str) -> None:
    """No formula, and no fault of one."""
    groups = tmp_path / "groups.csv"
    groups.write_text(f"track,drug\n0,{name}\n", encoding="utf-8")
    out = tmp_path / "out"
    assert call("analyse", tracks, "-o", out, "--group", groups, "--no-report") == 0
    pictures = [path.read_text(encoding="utf-8") for path in (out / "figures").glob("*.svg")]
    assert any(f"<!-- {name}" in picture for picture in pictures)


#: A cell that rests, and one whose next step leaves an image of 64 voxels along y.
LEAVING = "frame,x,y,z,radius\n" + "".join(
    f"{t},30,{20 + t},2,1\n{t},5,{y},2,1\n" for t, y in enumerate((5, 20, 35, 50))
)


def write_image(path: Path, side: int, value: int) -> None:
    image = np.full((6, 4, side, side), value, np.uint8)
    tifffile.imwrite(path, image, metadata={"axes": "TZYX"}, photometric="minisblack")


@pytest.fixture
def leaving(tmp_path: Path) -> Path:
    """Make a run of these cells in an image of 64 × 64, with empty frames at its end."""
    (tmp_path / "c.csv").write_text(LEAVING)
    write_image(tmp_path / "m.tif", 64, 0)
    line = ("run", tmp_path / "m.tif", "--spots", tmp_path / "c.csv", "-o", tmp_path / "run")
    assert call(*line, "--tracker", "lap", "--linking-max-distance", 20, "--quiet") == 0
    return tmp_path / "run"


def read_fates(folder: Path) -> list[str]:
    return sorted(pd.read_csv(folder / "tracklets.csv")["fate"])


@pytest.mark.parametrize("now", ["gone", "another"])
def test_the_border_is_that_of_the_image_that_was_tracked(
    leaving: Path, tmp_path: Path, now: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever stands at its path by now; from the run, its file, and in Python."""
    image = tmp_path / "m.tif"
    assert call("analyse", leaving, "-o", tmp_path / "a", *QUICK) == 0
    assert read_fates(tmp_path / "a") == ["ends", "leaves by the image border"]
    image.unlink()
    if now == "another":
        write_image(image, 200, 0)
    for number, path in enumerate((leaving, leaving / "tracks.xml")):
        assert call("analyse", path, "-o", tmp_path / str(number), *QUICK) == 0
        assert read_fates(tmp_path / str(number)) == read_fates(tmp_path / "a")
    assert call("analyse", leaving, "-o", tmp_path / "r", "--no-figures", "--quiet") == 0
    assert ("is gone and not shown" if now == "gone" else "was changed since") in caplog.text
    graph = bt.load(leaving)
    for shape, fates in (((4, 64, 64), read_fates(tmp_path / "a")), (None, ["ends"] * 2)):
        assert sorted(bt.analyse(graph, image_shape=shape)["tracklets"]["fate"]) == fates
    with pytest.raises(UserError, match=r"image_shape is \(64, 64\), expected .*Z, Y, X"):
        bt.analyse(graph, image_shape=(64, 64))


def test_tracks_are_as_long_as_the_movie_beside_them(leaving: Path, tmp_path: Path) -> None:
    """A table does not state it; a cell that is lost before the movie's end has not reached it."""
    table = tmp_path / "t.csv"
    write_tracks(table, read_tracks(leaving)[0])
    data = load_tracks(tmp_path / "t.spots.csv")
    assert make_tracklets_table(data.tracked.graph)["fate"].tolist() == ["end of movie"] * 2
    with open_movie(tmp_path / "m.tif") as movie:
        beside = data.with_movies(movie, None, None).tracked
    fates = make_tracklets_table(beside.graph, beside.bounds)["fate"]
    assert sorted(fates) == ["ends", "leaves by the image border"]


def test_a_report_of_a_runs_file_tells_of_another_image(
    leaving: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = ("report", leaving / "tracks.xml", "--overwrite", "--quiet")
    image = tmp_path / "m.tif"
    assert call(*line) == 0
    assert not [one for one in caplog.messages if "m.tif" in one and "image" in one]
    write_image(image, 64, 1)
    assert call(*line) == 0
    assert f"{image} was changed since {leaving} was made of it" in caplog.text
    write_image(image, 200, 1)
    assert call(*line) == 0
    assert "not shown: " in caplog.text
    assert "the tracks were made in (4, 64, 64)" in caplog.text
