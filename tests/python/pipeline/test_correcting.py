"""`--edits`: corrections of earlier tracks on new ones, in `run` and `track`."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
import zarr
from faults import in_folder, run_child
from tiny_movies import dividing_cells, write_imagej
from tracking_movies import link_ids

from btrackmate.cli.main import run_command
from btrackmate.core.errors import UserError
from btrackmate.core.files import find_written, write_text, write_together
from btrackmate.io.images import hash_path
from btrackmate.io.run_tables import list_changed
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.io.unsaved_edits import name_original
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import RunSettings
from btrackmate.report.data import load_run
from btrackmate.review import EditSession, open_explainer
from btrackmate.review import session as session_module

pytestmark = pytest.mark.usefixtures("plain_report")

SETTINGS = RunSettings(
    tracker={"name": "lap", "linking_max_distance": 5.0, "splitting_max_distance": 5.0}
)


def call(*words: object) -> int:
    return run_command([*(str(word) for word in words), "--quiet"])


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a run, break two of its links and delete its first spot."""
    folder = tmp_path_factory.mktemp("corrected")
    labels = write_imagej(folder / "labels.tif", dividing_cells(), "TZYX")
    run(RunInputs(labels=labels), folder / "first", SETTINGS)
    with EditSession.open(folder / "first") as session:
        links = list(link_ids(read_tracks(folder / "first")[0]))[:2]
        for source, target in links:
            session.do("break_link", source=source, target=target)
        session.do("delete_spot", spot=links[0][0])
    return folder / "first"


@pytest.fixture
def first(tmp_path: Path, corrected: Path) -> Path:
    return Path(shutil.copytree(corrected, tmp_path / "first"))


@pytest.mark.slow
def test_a_run_has_the_corrections_of_another(
    tmp_path: Path, first: Path, labels_3d: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = first / "tracks.xml.edits.jsonl"
    out = tmp_path / "second"
    plain = read_tracks(first)[0]
    result = run(RunInputs(labels=labels_3d, edits=journal), out, SETTINGS)
    with EditSession.open(first) as session:
        expected = session.to_graph()
    assert link_ids(result.graph) == link_ids(expected) != link_ids(plain)
    for name in ("tracks.xml", "tracks.geff"):
        assert link_ids(read_tracks(out / name)[0]) == link_ids(expected)
    assert len(pd.read_csv(out / "tracked_spots.csv")) == len(expected.spots)
    table = pd.read_csv(out / "edits.csv", keep_default_na=False)
    assert table.to_numpy().tolist() == [
        [1, "break_link", 1, ""],
        [2, "break_link", 1, ""],
        [3, "delete_spot", 1, ""],
    ]
    record = yaml.safe_load((out / "run.yaml").read_text(encoding="utf-8"))
    assert record["inputs"]["edits"]["path"] == str(journal)
    assert "3 of 3 corrections" in record["to_know"][0]["what"]
    assert "3 of 3 corrections" in (out / "report.html").read_text(encoding="utf-8")
    with EditSession.open(out) as session:  # All can be undone in the new tracks.
        assert session.is_saved
        for _ in range(3):
            session.undo()
        assert link_ids(session.to_graph()) == link_ids(plain)
    run(RunInputs(labels=labels_3d), out, SETTINGS, overwrite=True)
    assert not (out / "edits.csv").exists()  # of the run before
    assert (out / "tracks.xml.edits.jsonl").exists()  # what a person did stays


def test_what_does_not_fit_is_listed(tmp_path: Path, first: Path) -> None:
    movie = dividing_cells()
    movie[1] = 0  # no cell in this frame: its links and spots are not there
    movie[movie == 7] = 9  # another label at the same place is the same cell
    labels = write_imagej(tmp_path / "other.tif", movie, "TZYX")
    out = tmp_path / "second"
    assert call("run", "--labels", labels, "-o", out, "--edits", first) == 0
    table = pd.read_csv(out / "edits.csv", keep_default_na=False)
    assert len(table) == 3
    refused = table[table["made"] == 0]
    assert len(refused) >= 2
    assert refused["why_not"].str.contains("no spot lies in frame 1|no link").all()
    record = yaml.safe_load((out / "run.yaml").read_text(encoding="utf-8"))
    assert f"{3 - len(refused)} of 3 corrections" in record["to_know"][0]["what"]
    assert any("break_link" in line for line in record["warnings"])


def test_no_journal_a_damaged_one_and_one_in_the_way_are_refused(
    tmp_path: Path, first: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, journal = tmp_path / "second", first / "tracks.xml.edits.jsonl"
    damaged = tmp_path / "damaged.edits.jsonl"
    damaged.write_text(journal.read_text(encoding="utf-8").replace("break", "brake", 1))
    before = {path.name: path.stat().st_mtime_ns for path in first.iterdir()}
    for edits, into, words in (
        (tmp_path / "none.jsonl", out, "there is no journal"),
        (labels_3d, out, "there is no journal"),
        (damaged, out, "is damaged"),
        (journal, first, "would be replaced"),
    ):
        code = call("run", "--labels", labels_3d, "-o", into, "--edits", edits, "--overwrite")
        told = capsys.readouterr().err
        assert (code, told.count("\n")) == (2, 1), told
        assert words in told
    assert not out.exists()
    assert {path.name: path.stat().st_mtime_ns for path in first.iterdir()} == before


@pytest.mark.slow
def test_a_run_is_saved_whole_or_not_at_all(tmp_path: Path, first: Path) -> None:
    """Killed, or on a full disk, while saving: no table tells of other tracks than the XML."""

    def save(folder: Path) -> None:
        with EditSession.open(folder) as session:
            session.save()

    def read(folder: Path) -> list[object]:
        xml, geff = (read_tracks(folder / f"tracks.{end}")[0] for end in ("xml", "geff"))
        table = pd.read_csv(folder / "tracked_spots.csv", usecols=["id", "track"])
        assert sorted(link_ids(xml)) == sorted(link_ids(geff))
        assert xml.spots.id.tolist() == geff.spots.id.tolist() == table["id"].tolist()
        assert (table["track"] >= 0).sum() == (xml.track >= 0).sum()
        return [sorted(link_ids(xml)), xml.spots.id.tolist()]

    old = read(first)
    last = Path(shutil.copytree(first, tmp_path / "last"))
    calls = run_child(lambda: save(last), last).calls
    new = read(last)
    assert old != new and calls > 100
    found = set()
    for at in (calls // 3, calls - 190, calls - 187, calls - 20, calls - 5):
        folder = Path(shutil.copytree(first, tmp_path / f"at-{at}"))
        run_child(lambda folder=folder: save(folder), folder, at=at, fail=at % 2 == 0)
        with EditSession.open(folder) as session:
            assert len(session.history.done) == 3
            state = read(folder)
            assert state in (old, new)
            assert session.is_saved == (state == new)
            session.save()
        assert read(folder) == new
        found.add(state == new)
    assert found == {False, True}


def test_track_makes_corrections_again(tmp_path: Path, first: Path) -> None:
    out = tmp_path / "new.geff"
    words = ["track", first, "-o", out, "--tracker", "lap", "--set", "linking_max_distance=5"]
    assert call(*words, "--set", "splitting_max_distance=5", "--edits", first) == 0
    with EditSession.open(first) as session:
        expected = session.to_graph()
    assert link_ids(read_tracks(out)[0]) == link_ids(expected)
    with EditSession.open(out) as session:
        assert [one.what for one in session.history.done] == ["break_link"] * 2 + ["delete_spot"]
    assert call(*words, "--edits", first, "--overwrite") == 2


@pytest.mark.parametrize("name", ["new.geff", "new.xml"])
def test_tracks_that_are_replaced_have_the_journal_of_the_new_ones(
    tmp_path: Path, first: Path, name: str
) -> None:
    out = tmp_path / name
    words = ["track", first, "-o", out, "--tracker", "lap", "--set", "linking_max_distance=5"]
    assert call(*words) == 0
    assert call(*words, "--set", "splitting_max_distance=5", "--edits", first, "--overwrite") == 0
    with EditSession.open(out) as session:
        assert len(session.history.done) == 3


def test_what_is_written_last_is_read_where_it_waits(tmp_path: Path) -> None:
    """Else the journal beside replaced tracks names those of before, and opens no more."""
    path = tmp_path / "t.txt"
    write_text(path, "old")
    with write_together():
        assert find_written(path) == path
        write_text(path, "new")
        assert (path.read_text(), find_written(path).read_text()) == ("old", "new")
    assert find_written(path) == path


def test_saving_corrections_of_a_run_writes_its_tables_anew(first: Path) -> None:
    report = (first / "report.html").read_bytes()
    with EditSession.open(first) as session:
        n = session.tracks.n_spots
        session.save()
    assert len(pd.read_csv(first / "tracked_spots.csv")) == n
    assert len(read_tracks(first / "tracks.geff")[0].spots) == n
    features = pd.read_csv(first / "track_features.csv")
    tracked = pd.read_csv(first / "tracked_spots.csv")
    assert features["n_spots"].sum() == (tracked["track"] >= 0).sum()
    assert (first / "report.html").read_bytes() == report


def test_all_files_of_a_corrected_run_number_its_tracks_alike(
    tmp_path: Path, labels_3d: Path
) -> None:
    """A table of groups made before the correction is of the same cells after it."""
    folder = tmp_path / "run"
    run(RunInputs(labels=labels_3d), folder, SETTINGS)
    before = pd.read_csv(folder / "tracked_spots.csv").set_index("id")["track"]
    with EditSession.open(folder) as session:
        session.do("delete_track", spot=int(before.index[before == 0][0]))
        session.save()
    graph, document = read_tracks(folder)
    assert document is not None
    expected = pd.Series(np.append(document.track_ids, -1)[graph.track], graph.spots.id)
    after = pd.read_csv(folder / "tracked_spots.csv").set_index("id")["track"]
    assert after.to_dict() == expected.to_dict() == before[before != 0].to_dict()
    features = pd.read_csv(folder / "track_features.csv")
    assert features["track"].tolist() == sorted(set(after[after >= 0]))
    group = zarr.open_group(folder / "tracks.geff", mode="r")
    assert np.array_equal(group["nodes/props/track/values"][:], expected.to_numpy())
    data = load_run(folder)
    assert data.track_ids is not None
    assert data.track_ids.tolist() == features["track"].tolist()


@pytest.mark.parametrize("name", ["tracked_spots.csv", "track_features.csv", "tracks.geff"])
def test_tables_of_a_run_that_others_changed_are_not_replaced(first: Path, name: str) -> None:
    change(first / name)
    before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    with EditSession.open(first) as session:
        with pytest.raises(UserError, match=f"{name} were changed by another .* move them out"):
            session.save()
        assert {path: path.read_bytes() for path in before} == before
        (first / name).rename(first / "mine")
        session.save()
        session.undo()
        session.save()  # those that it wrote itself
    assert (first / name).exists()


def change(path: Path) -> None:
    """Change a table as a spreadsheet does, or tracks in a GEFF as another program does."""
    if path.suffix == ".csv":
        pd.read_csv(path).assign(note=1).to_csv(path, index=False)
    else:
        graph = read_tracks(path)[0]
        write_tracks(path, graph.keep_spots(np.arange(len(graph.spots)) > 0))


def test_tracks_of_a_run_that_differ_are_warned_of(
    first: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (first / "tracks.xml.edits.jsonl").unlink()
    read_tracks(first)
    assert not caplog.text
    change(first / "tracks.geff")
    graph = read_tracks(first)[0]
    assert "tracks.geff was changed since" in caplog.text
    assert "tracks.xml was written with it; the latter is taken" in caplog.text
    with EditSession.open(first / "tracks.geff") as session:
        assert session.path.name == "tracks.geff"
        assert session.tracks.n_spots == len(graph.spots) - 1


@pytest.mark.parametrize("name", ["tracks.geff", "tracked_spots.csv"])
def test_edits_that_are_not_in_the_other_files_of_a_run_are_told(
    first: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    read_tracks(first / name)
    assert "tracks.xml: 3 edits in tracks.xml.edits.jsonl are not saved into it" in caplog.text


def test_the_geff_of_a_run_is_edited_with_its_tracks(first: Path) -> None:
    with EditSession.open(first / "tracks.geff") as session:
        assert session.path == first / "tracks.xml"
        assert len(session.history.done) == 3


def test_a_corrected_run_that_another_program_saved_can_be_saved_again(
    tmp_path: Path, first: Path
) -> None:
    """Its tables are those that our save wrote, also where the journal begins anew."""
    place = shutil.copytree(first, tmp_path / "run")
    with EditSession.open(place) as session:
        session.do("delete_spot", spot=int(session.tracks.in_frame(0)[0]))
        session.save()
    for number in range(2):
        tracks = place / "tracks.xml"
        tracks.write_text(tracks.read_text("utf-8") + f"<!-- saved {number} -->\n", "utf-8")
        with EditSession.open(place, changed="replay") as session:
            assert not session.left_out
            session.save()
    assert list_changed(place) == []


def test_a_copy_elsewhere_is_no_run(tmp_path: Path, first: Path) -> None:
    shutil.copy(first / "tracks.xml", tmp_path / "tracks.xml")
    with EditSession.open(tmp_path / "tracks.xml") as session:
        session.do("delete_spot", spot=int(session.tracks.in_frame(0)[0]))
        session.save()
    names = {path.name for path in tmp_path.glob("track*")}
    original = name_original(Path("tracks.xml"), hash_path(first / "tracks.xml")).name
    assert names == {"tracks.xml", "tracks.xml.edits.jsonl", original}


def test_a_run_is_explained_with_its_own_settings(first: Path) -> None:
    explainer = open_explainer(first, None, {})
    assert explainer.settings_from == "run.yaml"
    assert explainer.settings.linking_max_distance == 5.0  # type: ignore[attr-defined]
    other = open_explainer(first / "tracks.xml", None, {"linking_max_distance": 4})
    assert (other.settings_from, other.settings.linking_max_distance) == ("run.yaml", 4.0)  # type: ignore[attr-defined]
    assert np.isfinite(explainer.settings.splitting_max_distance)  # type: ignore[attr-defined]


def test_a_run_without_cells_takes_edits(tmp_path: Path, first: Path) -> None:
    labels = write_imagej(tmp_path / "empty.tif", np.zeros((3, 2, 8, 8), np.uint16), "TZYX")
    result = run(RunInputs(labels=labels, edits=first), tmp_path / "out")
    assert len(result.graph.spots) == 0
    assert not (tmp_path / "out" / "tracks.xml.edits.jsonl").exists()
    with pytest.raises(UserError, match="there is no journal"):
        run(RunInputs(labels=labels, edits=tmp_path), tmp_path / "out2")


@pytest.mark.parametrize("name", ["tracks.xml", "tracked_spots.csv"])
def test_a_run_that_ends_while_its_old_tracks_are_saved_stays_whole(
    first: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Another run with --overwrite is put in place between the first look and the last."""
    write = session_module.write_run_tracks

    def write_and_be_late(*args: object) -> None:
        write(*args)
        (first / name).write_text("another run's")

    monkeypatch.setattr(session_module, "write_run_tracks", write_and_be_late)
    with EditSession.open(first) as session, pytest.raises(UserError, match="another program"):
        session.save()
    assert (first / name).read_text() == "another run's"


@pytest.mark.parametrize(
    "line", ["run --labels labels.tif -o first", "convert new.xml first/tracks.xml"]
)
def test_corrections_beside_tracks_that_are_replaced_are_told(
    tmp_path: Path, first: Path, labels_3d: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    journal = first / "tracks.xml.edits.jsonl"
    shutil.copy(first / "tracks.xml", tmp_path / "new.xml")
    before = journal.read_bytes()
    with in_folder(tmp_path):
        assert call(*line.split(), "--overwrite") == 0
    assert "tracks.xml.edits.jsonl holds corrections of the tracks that are replaced" in (
        capsys.readouterr().err
    )
    assert journal.read_bytes() == before
