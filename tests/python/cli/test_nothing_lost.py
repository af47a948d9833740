"""Outputs: never an input or another output, never half-written, and a line where they fail."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from faults import in_folder, read_tree, run_forked
from tiny_movies import dividing_cells, write_imagej

from btrackmate.cli.main import main, run_command
from btrackmate.core import files
from btrackmate.core.workplace import Workplace
from btrackmate.pipeline import frames
from btrackmate.review import EditSession

CSV = "id,frame,x,y,z,radius\n" + "".join(
    f"{3 * t + k},{t},{20 * k},{t},0,2\n" for t in range(3) for k in range(3)
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made")
    write_imagej(made / "l.tif", dividing_cells(), "TZYX")
    (made / "c.csv").write_text(CSV)
    with in_folder(made):
        for name in ("t.xml", "t.csv", "t.geff"):
            assert run_command(["track", "c.csv", "-o", name, "--quiet"]) == 0
    (made / "link.tif").symlink_to("l.tif")
    return made


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    place = tmp_path / "place"
    shutil.copytree(made, place, symlinks=True)
    (tmp_path / "folder").symlink_to("place")
    return place


@pytest.mark.parametrize(
    "line",
    [
        "measure l.tif -o l.tif",
        "measure l.tif -o m.csv --dropped m.csv",
        "measure l.tif -o m.csv --dropped M.CSV",
        "measure l.tif -o m.csv --dropped ../folder/m.csv",
        "measure l.tif -o m.tif",
        "measure l.tif -o m.csv --image l.tif --dropped d.xml",
        "segment l.tif -o l.tif",
        "segment l.tif -o link.tif",
        "segment l.tif -o s.tif --cells l.tif",
        "segment l.tif -o s.tif --cells s.tif",
        "relabel t.xml l.tif -o l.tif",
        "relabel t.xml l.tif -o link.tif",
        "relabel t.xml l.tif -o r.tif --unpainted r.tif",
        "relabel t.xml l.tif -o r.tif --unpainted t.xml",
        "track c.csv -o c.csv",
        "track t.csv -o t.csv",
        "track t.xml -o T.XML",
        "track c.csv -o n.xml --config n.xml",
        "prune t.xml -o t.xml",
        "prune t.geff -o ../folder/t.geff",
        "filter t.xml -o f.xml --dropped t.xml",
        "filter t.xml -o f.csv --dropped f.spots.csv",
        "convert t.csv t.spots.csv",
        "convert t.geff t.geff",
        "convert t.geff t.geff/x.xml",
        "report t.xml -o t.xml",
        "report t.xml --table t.xml",
        "report t.xml --table r.html -o r.html",
        "report r --table r/dropped.csv",
        "report r --table r/spots.csv",
        "convert r/tracks.geff r/tracks.xml",
        "analyse r -o r/tracks.geff",
        "evaluate --truth t.xml --result t.geff --json t.xml",
        "evaluate --truth l.tif --result l.tif --json j.json --table j.json",
        "train-linking t.xml -o t.xml",
        "run --labels l.tif -o l.tif",
        "track c.csv -o t.xml --settings-from t.xml",
        "track c.csv -o ../folder/t.xml --settings-from t.xml",
        "run --labels l.tif -o r --config r/run.yaml",
        "run l.tif -o r --roi r/labels.ome.zarr",
        "convert r/tracked_spots.csv r/tracks.xml",
        "track r/spots.csv -o r/tracks.geff",
        "prune r/track_features.csv -o r/tracks.xml",
        "measure l.tif --mask r/labels.ome.zarr -o r/spots.csv",
    ],
)
def test_no_output_is_an_input_or_another_output(
    place: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """survival-input-overwritten, through links and in other case too, though --overwrite."""
    if " r" in line:
        make_run(place / "r")
    before = read_tree(place, hidden=True)
    with in_folder(place):
        code = run_command([*line.split(), "--overwrite", "--quiet"])
    assert code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert read_tree(place, hidden=True) == before


def test_a_run_that_settings_are_taken_from_is_not_replaced(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That its distances are taken as they stand is told before."""
    make_run(place / "r")
    before = read_tree(place, hidden=True)
    line = "run --labels l.tif -o r --settings-from r/tracks.xml --overwrite --quiet"
    with in_folder(place):
        assert run_command(line.split()) == 2
    assert "r/tracks.xml is an input and would be replaced" in capsys.readouterr().err
    assert read_tree(place, hidden=True) == before


@pytest.mark.parametrize(
    "line",
    [
        "analyse t.xml -o mine",
        "analyse mine/t.xml -o mine",
        "analyse mine/t.geff -o mine",
        "track c.csv -o mine.xml",
        "convert t.xml mine.geff",
        "measure l.tif -o mine.csv",
        "segment l.tif -o mine.tif",
        "segment l.tif -o mine.ome.zarr",
    ],
)
def test_a_folder_of_others_is_not_replaced(
    place: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """What somebody keeps in a folder would be lost with it, --overwrite or not."""
    folder = place / line.rpartition(" ")[2]
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    shutil.copy(place / "t.xml", folder)
    shutil.copytree(place / "t.geff", folder / "t.geff")
    before = read_tree(place, hidden=True)
    with in_folder(place):
        assert run_command([*line.split(), "--overwrite", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert "would be" in said
    assert read_tree(place, hidden=True) == before


@pytest.mark.parametrize("theirs", ["notes.txt", ".git", "a.xml", "mine/a.tif", "raw/.zarray"])
@pytest.mark.parametrize(
    ("line", "marker"),
    [
        ("convert t.geff mine.geff", ".zattrs"),
        ("segment l.tif -o mine.ome.zarr", "zarr.json"),
        ("convert t.xml mine --labels l.tif", "res_track.txt"),
        ("convert t.xml mine --labels l.tif", "config.json"),
        ("convert t.xml mine --labels l.tif", "analysis.yaml"),
        ("analyse t.xml -o mine", "config.json"),
    ],
)
def test_what_is_put_into_what_may_be_replaced_is_not_lost(
    place: Path, capsys: pytest.CaptureFixture[str], line: str, marker: str, theirs: str
) -> None:
    """A folder of results, a project with a config.json: what else is in it would be lost."""
    folder = next(place / word for word in line.split() if word.startswith("mine"))
    (folder / theirs).parent.mkdir(parents=True)
    for name in (marker, theirs):
        (folder / name).write_text("{}")
    before = read_tree(place, hidden=True)
    with in_folder(place):
        assert run_command([*line.split(), "--overwrite", "--quiet"]) == 2
    assert f"{theirs.partition('/')[0]}" in capsys.readouterr().err
    assert read_tree(place, hidden=True) == before


@pytest.mark.parametrize(
    "line",
    [
        "convert t.xml o.geff",
        "convert t.xml o.xml",
        "convert t.xml o --labels l.tif --allow-loss",
        "track c.csv -o o.xml",
        "filter t.xml --spot-filter x>0 -o o.xml",
        "prune t.xml --min-tracklet-length 2 -o o.xml",
        "measure l.tif -o o.csv",
        "relabel t.xml l.tif -o o.tif",
        "analyse t.xml -o o --no-report --no-figures",
        "train-linking t.xml -o o.yaml",
        "report t.xml -o o.html",
    ],
)
def test_what_another_process_made_meanwhile_is_not_replaced(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Two jobs with one output, by a slip: both had seen that nothing was there."""
    output = next(place / word for word in line.split() if word.partition(".")[0] == "o")
    put = files._put_batch

    def put_later(batch: Any) -> None:
        output.mkdir()
        put(batch)

    monkeypatch.setattr(files, "_put_batch", put_later)
    with in_folder(place):
        assert run_command([*line.split(), "--quiet"]) == 2
    assert f"{output.name} was made by somebody else in the meantime" in capsys.readouterr().err
    assert read_tree(output) == {}


@pytest.mark.parametrize(
    "line",
    [
        "convert t.xml o.geff",
        "convert t.xml o --labels l.tif --allow-loss",
        "analyse t.xml -o o --no-report --no-figures",
        "run --labels l.tif -o o",
    ],
)
def test_what_is_put_meanwhile_into_what_is_replaced_is_not_lost(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """A note in the folder of results that is just made anew."""
    output = next(place / word for word in line.split() if word.partition(".")[0] == "o")
    with in_folder(place):
        assert run_command([*line.split(), "--quiet"]) == 0
    inner = output / "tracks.geff" if line.startswith("run") else output
    put, publish = files._put_batch, Workplace.publish

    def put_later(batch: Any) -> None:
        (inner / "notes.txt").write_text("mine")
        put(batch)

    def publish_later(self: Workplace, names: Sequence[str]) -> None:
        (inner / "notes.txt").write_text("mine")
        publish(self, names)

    monkeypatch.setattr(files, "_put_batch", put_later)
    monkeypatch.setattr(Workplace, "publish", publish_later)
    before = read_tree(output)
    with in_folder(place):
        assert run_command([*line.split(), "--overwrite", "--quiet"]) == 2
    assert "holds notes.txt, which would be lost" in capsys.readouterr().err
    note = (inner / "notes.txt").relative_to(output).as_posix()
    after = {n: c for n, c in read_tree(output).items() if not n.startswith(".work")}
    assert after == before | {note: b"mine"}


@pytest.mark.parametrize(
    ("line", "theirs"),
    [
        ("convert t.xml o.xml", "o.xml"),
        ("convert t.xml o.xml", "o.xml.edits.jsonl"),
        ("convert t.xml o.geff", "o.geff/zarr.json"),
        ("convert t.xml o.geff", "o.geff.edits.jsonl"),
        ("track c.csv -o o.xml --edits t.xml", "o.xml.edits.jsonl"),
        ("analyse t.xml -o o --no-report --no-figures", "o/tracklets.csv"),
        ("run --labels l.tif -o o", "o/tracks.xml"),
        ("run --labels l.tif -o o", "o/tracks.xml.edits.jsonl"),
        ("run --spots c.csv -o o --edits t.xml", "o/tracks.xml.edits.jsonl"),
    ],
)
def test_what_is_changed_meanwhile_is_not_replaced(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    line: str, theirs: str,
) -> None:  # fmt: skip
    """Corrections, or a save, of the old tracks while new ones are made with --overwrite."""
    with EditSession.open(place / "t.xml") as session:
        session.do("delete_spot", spot=int(session.tracks.to_graph().spots.id[0]))
    with in_folder(place):
        assert run_command([*line.split(" --edits")[0].split(), "--quiet"]) == 0
    put, publish = files._put_batch, Workplace.publish
    before = read_tree(place)

    def put_later(batch: Any) -> None:
        (place / theirs).write_text("theirs")
        put(batch)

    def publish_later(self: Workplace, names: Sequence[str]) -> None:
        (place / theirs).write_text("theirs")
        publish(self, names)

    monkeypatch.setattr(files, "_put_batch", put_later)
    monkeypatch.setattr(Workplace, "publish", publish_later)
    with in_folder(place):
        assert run_command([*line.split(), "--overwrite", "--quiet"]) == 2
    assert "by somebody else in the meantime" in capsys.readouterr().err
    after = {n: c for n, c in read_tree(place).items() if "/.work" not in n}
    assert after == before | {theirs: b"theirs"}
    monkeypatch.undo()
    if line.startswith("run"):  # It has only to be put in place.
        assert (place / "o/.work").is_dir()
        (place / theirs).unlink()
        monkeypatch.setattr("btrackmate.pipeline.run._Run.work_through", None)
        with in_folder(place):
            assert run_command([*line.split(), "--overwrite", "--quiet"]) == 0
        assert not (place / "o/.work").exists()


def test_a_run_does_not_replace_the_report_of_an_analysis(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_folder(place):
        assert run_command(["analyse", "t.xml", "-o", "a", "--no-figures", "--quiet"]) == 0
        before = read_tree(place / "a")
        line = ["run", "--labels", "l.tif", "-o", "a", "--overwrite", "--quiet"]
        assert run_command(line) == 2
    assert "a is an analysis, whose files would be replaced" in capsys.readouterr().err
    assert read_tree(place / "a") == before


@pytest.mark.parametrize("of_run", [True, False])
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("labels.ome.zarr", "run --spots c.csv -o o"),
        ("labels.ome.zarr", "run --labels l.tif -o o"),
        ("scores.json", "run --spots c.csv -o o"),
        ("edits.csv", "run --spots c.csv -o o"),
    ],
)
def test_files_that_no_run_made_are_not_taken_away(
    place: Path, capsys: pytest.CaptureFixture[str], name: str, line: str, of_run: bool
) -> None:
    """Labels of hours beside a table of cells: they would be gone, or be taken for the run's."""
    if of_run:
        with in_folder(place):
            assert run_command([*line.split(), "--quiet"]) == 0
    (place / "o" / name).parent.mkdir(exist_ok=True)
    (place / "o" / name).write_text("mine")
    before = read_tree(place, hidden=True)
    with in_folder(place):
        code = run_command([*line.split(), "--overwrite", "--quiet"])
    if of_run and name == "scores.json":  # `evaluate` made them, of tracks that are gone now.
        assert (code, (place / "o" / name).exists()) == (0, False)
        return
    assert code == 2
    assert f"o holds {name}, which no run there made" in capsys.readouterr().err
    assert read_tree(place, hidden=True) == before


@pytest.mark.parametrize(
    ("line", "theirs"),
    [
        ("measure l.tif -o a_spots.csv", "a_links.csv"),
        ("measure l.tif -o a_spots.csv", "a_Edges.csv"),
        ("measure l.tif -o a-Spot.csv --overwrite", "a-Link.csv"),
        ("measure l.tif -o a.spots.csv", "a.links.csv"),
        ("measure l.tif -o m.csv --dropped a_spots.csv", "a_edges.csv"),
    ],
)
def test_a_table_is_not_put_beside_links_of_other_cells(
    place: Path, capsys: pytest.CaptureFixture[str], line: str, theirs: str
) -> None:
    """They are read as one, by the names that TrackMate and Mastodon give them too."""
    (place / theirs).write_text("mine")
    before = read_tree(place, hidden=True)
    with in_folder(place):
        assert run_command([*line.split(), "--quiet"]) == 2
    assert "would be read together with" in capsys.readouterr().err
    assert read_tree(place, hidden=True) == before


def make_run(folder: Path) -> None:
    """Make what is a run folder by its names; nothing in it may be touched."""
    folder.mkdir()
    shutil.copy(folder.parent / "t.xml", folder / "tracks.xml")
    shutil.copytree(folder.parent / "t.geff", folder / "tracks.geff")
    for name in ("run.yaml", "spots.csv", "dropped.csv"):
        (folder / name).write_text("mine")


def stand(path: Path) -> tuple[int, ...]:
    """Tell what stands at a name, and when it was changed; not when it was read."""
    found = path.lstat()
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@pytest.mark.parametrize("kind", ["pipe", "socket", "link"])
@pytest.mark.parametrize("verb", ["measure", "track", "analyse", "report"])
def test_what_is_no_file_is_not_replaced(
    place: Path, capsys: pytest.CaptureFixture[str], verb: str, kind: str
) -> None:
    """A pipe, or /dev/null for root, would be a file from then on."""
    ending = {"measure": "csv", "track": "xml", "report": "html"}.get(verb, "folder")
    odd = place / f"o.{ending}"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound, in_folder(place):
            bound.bind(odd.name)
    else:
        os.mkfifo(odd if kind == "pipe" else place / "pipe")
    if kind == "link":
        odd.symlink_to("pipe")
    before = sorted(place.iterdir()), stand(odd)
    with in_folder(place):
        source = "l.tif" if verb == "measure" else "t.xml" if verb != "track" else "c.csv"
        assert run_command([verb, source, "-o", odd.name, "--overwrite", "--quiet"]) == 2
    assert "is a device, a pipe or a socket" in capsys.readouterr().err
    assert (sorted(place.iterdir()), stand(odd)) == before


def test_a_link_to_nothing_is_told_at_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "o.csv").symlink_to("nowhere")
    with in_folder(place):
        assert run_command(["measure", "l.tif", "-o", "o.csv", "--quiet"]) == 2
    assert "o.csv exists already" in capsys.readouterr().err
    assert (place / "o.csv").is_symlink()


def test_what_is_put_beside_an_analysis_is_not_lost(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["analyse", "t.xml", "-o", "a", "--no-report", "--no-figures", "--overwrite", "--quiet"]
    with in_folder(place):
        assert run_command(line) == 0
        assert run_command(line) == 0
        (place / "a" / "mine.txt").write_text("mine")
        assert run_command(line) == 2
    assert "a holds mine.txt, which would be lost" in capsys.readouterr().err
    assert (place / "a" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("verb", ["measure", "track", "convert", "filter", "relabel", "report"])
def test_longest_names_can_be_written(place: Path, verb: str) -> None:
    """255 bytes is what file systems take; what is temporary is no longer."""
    name = {"measure": "csv", "relabel": "tif", "report": "html"}.get(verb, "xml")
    long = "é" * 119 + "n" * (16 - len(name)) + f".{name}"
    assert len(os.fsencode(long)) == 255
    line = {
        "measure": ["measure", "l.tif", "-o", long],
        "track": ["track", "c.csv", "-o", long],
        "convert": ["convert", "t.geff", long],
        "filter": ["filter", "t.xml", "-o", long, "--spot-filter", "x>0"],
        "relabel": ["relabel", "t.xml", "l.tif", "-o", long],
        "report": ["report", "t.xml", "-o", long],
    }[verb]
    with in_folder(place):
        for _ in range(2):
            assert run_command([*line, "--quiet", "--overwrite"]) == 0
    assert (place / long).is_file()
    assert not [path for path in place.iterdir() if path.name.startswith(".")]


def test_longer_names_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with in_folder(place):
        assert run_command(["measure", "l.tif", "-o", "n" * 252 + ".csv"]) == 2
    assert "File name too long" in capsys.readouterr().err


def test_names_that_are_not_utf8(place: Path) -> None:
    odd = os.fsdecode(b"t\xe9\xff.csv")
    (place / "c.csv").rename(place / odd)
    out = os.fsdecode(b"o\xe9.xml")
    code, told = call(place, "track", odd, "-o", out)
    assert code == 0, told
    assert (place / out).is_file()
    run = os.fsdecode(b"r\xff")
    code, told = call(place, "run", "--spots", odd, "-o", run, "--tracker", "nearest")
    assert code == 0, told
    assert "t\\udce9\\udcff.csv" in (place / run / "log.txt").read_text()


def call(place: Path, *words: str, before: Callable[[], object] = lambda: None) -> tuple[int, str]:
    """Run a command line in a child of its own; give its exit code and stderr."""

    def work() -> None:
        os.chdir(place)
        main(list(words))

    return run_forked(work, before=before)


def limit_files() -> None:
    """Files of 200 bytes at most, which is as a full disk: write fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))


@pytest.mark.parametrize(
    "line",
    ["track c.csv -o t.xml", "relabel t.xml l.tif -o r.tif", "track c.csv -o t.geff",
     "run --labels l.tif -o out"],
)  # fmt: skip
def test_full_disk_is_a_line_and_leaves_what_was_there(place: Path, line: str) -> None:
    before = read_tree(place)
    code, told = call(place, *line.split(), "--overwrite", "--quiet", before=limit_files)
    assert code == 1, told
    assert "cannot write" in told
    assert told.count("\n") == 1, told
    after = read_tree(place, hidden=False)
    after.pop("out", None)
    assert after == before


def start(place: Path, *words: str, **options: object) -> subprocess.CompletedProcess:
    """Run a command line from the start of Python to its end, which opens and closes streams."""
    return subprocess.run(
        [sys.executable, "-m", "btrackmate", *words], cwd=place, check=False,
        stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_full_stdout_is_a_line(place: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = start(place, "prune", "t.xml", "--dry-run", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "btrackmate: cannot read or print: No space left on device\n"


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [(2,), (1, 2), (0, 1, 2)])
def test_closed_streams_do_no_harm(place: Path, numbers: tuple[int, ...]) -> None:
    """A file that gets the number of stderr would take in what libraries print there."""

    def close() -> None:
        for number in numbers:
            os.close(number)

    done = start(place, "convert", "t.geff", "o.xml", preexec_fn=close)
    assert done.returncode == 0
    with in_folder(place):
        assert run_command(["convert", "t.geff", "p.xml"]) == 0
    assert (place / "o.xml").read_bytes().replace(b"o.xml", b"p.xml") == (
        place / "p.xml"
    ).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_ends_as_ctrl_c_does(
    place: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = frames.measure_one_frame

    def stop(t: int, *rest: Any) -> Any:
        if t == 3:
            os.kill(os.getpid(), number)
        return real(t, *rest)

    words = ("run", "--labels", "l.tif", "-o", "out", "--tracker", "nearest")
    with monkeypatch.context() as patch:
        patch.setattr(frames, "measure_one_frame", stop)
        code, told = call(place, *words, "--quiet", before=listen)
    assert (code, told.strip()) == (1, "btrackmate: stopped by the user")
    assert [path.name for path in (place / "out").iterdir()] == [".work"]
    code, told = call(place, *words)
    assert code == 0
    assert "frames are kept, as inputs, models, settings and version are the same" in told
    assert not (place / "out" / ".work").exists()


def listen() -> None:
    """Take Ctrl-C as a terminal's child does; those of a shell's background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_the_same_gzip_at_any_time(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr("time.time", lambda seconds=seconds: seconds)
        with in_folder(place):
            assert run_command(["convert", "t.geff", "o.xml.gz", "--overwrite"]) == 0
        contents.append((place / "o.xml.gz").read_bytes())
    assert contents[0] == contents[1]
    assert contents[0][:2] == b"\x1f\x8b"


def test_numba_folder_goes_with_the_process(tmp_path: Path) -> None:
    """Neither the package's folder nor the user's can be written: here, numba says so."""
    code = """
        import numba.core.caching as caching
        caching.CacheImpl._locator_classes = []
        import btrackmate.core.compiled
        from numba import config
        print(config.CACHE_DIR)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "TMPDIR": str(tmp_path), "NUMBA_CACHE_DIR": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "btrackmate-numba-"))
    assert list(tmp_path.iterdir()) == []
