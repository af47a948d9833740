"""Inputs that fuzzing and bug reports broke: one line, exit code 2, nothing written; no hang.

The cases whose names begin with fuzz- and survival- were found on 2026-11-26 by fuzzing and by
killing; each stands here with two more of its kind.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tifffile
import zarr
from extras import needs
from faults import in_folder, read_tree
from tiny_movies import dividing_cells, write_imagej, write_store

from btrackmate.cli.main import run_command
from btrackmate.io.units import NgffVersion
from btrackmate.segmentation.backend import SHIPPED_MODELS

CSV = "frame,x,y\n0,1,2\n1,1,2\n"
SPOT = '<Spot ID="{0}" name="a" POSITION_X="1" POSITION_Y="{0}" POSITION_Z="0" RADIUS="1" />'


def refuse(place: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a verb that must end in one line, with nothing written."""
    before = read_tree(place)
    began = time.process_time()
    with in_folder(place):
        code = run_command([*words, "--quiet"])
    said = [line for line in capsys.readouterr().err.splitlines() if "warning: " not in line]
    assert code == 2, said
    assert len(said) == 1
    assert len(said[0]) < 600
    assert time.process_time() - began < 30
    assert read_tree(place) == before
    return said[0]


YAMLS = {
    "fuzz-yaml-bomb": "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    ),
    "bomb-of-names": "a: &a {p: 1, q: 1}\n" + "".join(
        f"{b}: &{b} {{p: *{a}, q: *{a}}}\n"
        for a, b in zip("abcdefghijklmnopqrstu", "bcdefghijklmnopqrstuv", strict=True)
    ),
    "alias-of-itself": "tracker: &a [*a]\n",
    "fuzz-yaml-bool": "prune: !!bool x\n",
    "odd-int": "prune: !!int x\n",
    "odd-time": "prune: 2026-99-99\n",
    "odd-python": "prune: !!python/object:os.system x\n",
    "fuzz-yaml-deep": "a: " + "[" * 2000 + "]" * 2000,
    "deep-names": "a: " + "{b: " * 1500 + "1" + "}" * 1500,
    "deep-lines": "".join(" " * i + "-\n" for i in range(1500)),
    "survival-yaml-doubled-key": "tracker: nearest\ntracker: lap\n",
    "doubled-inside": "prune:\n  min_tracklet_length: 2\n  min_tracklet_length: 3\n",
    "doubled-flow": "prune: {unit: frames, unit: time}\n",
    "null": "prune: null\n",
    "list": "prune: [1, 2]\n",
    "no-mapping": "- 1\n",
    "two-documents": "a: 1\n---\nb: 2\n",
    "no-text": "\x00\x01",
    "long-value": f"tracker: {'x' * 5000}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", YAMLS)
def test_settings_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (tmp_path / "c.csv").write_text(CSV)
    (tmp_path / "c.yaml").write_text(YAMLS[name])
    said = refuse(tmp_path, capsys, "track", "c.csv", "-o", "t.xml", "--config", "c.yaml")
    assert "c.yaml" in said
    if "doubled" in name:
        assert "stands twice" in said
        assert "line " in said


TABLES = {
    "fuzz-huge-frame": "frame,x,y\n0,1,2\n1700000001,1,2\n",
    "sparse": "frame,x,y\n0,1,2\n400000,1,2\n",
    "huge-frame-of-one": "frame,x,y\n99999999999999,1,2\n",
    "survival-run-sparse-frames": "frame,x,y\n0,1,2\n5000000,1,2\n",
    "fuzz-unclosed-quote": 'frame,x,y,name\n0,1,2,a\n0,2,3,"b\n1,1,2,c\n1,2,3,d\n',
    "quote-in-number": 'frame,x,y\n0,"1,2\n1,1,2\n',
    "quote-of-two-lines": 'frame,x,y,name\n0,1,2,"a\nb"\n1,1,2,c\n',
    "far-off": "frame,x,y\n0,1,2\n1,1e308,2\n",
    "far-down": "frame,x,y,z\n0,1,2,0\n1,1,2,-1e51\n",
    "frame-past-int64": "frame,x,y\n0,1,2\n9223372036854775808,1,2\n",
    "tiny-times": "time,x,y\n0,1,2\n1e-320,1,2\n2e-320,1,2\n",
    "huge-times": "time,x,y\n-1e308,1,2\n0,1,2\n1e308,1,2\n",
    "long-quote": 'frame,x,y,name\n0,1,2,"' + "a" * 200_000 + "\n1,1,2,c\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("verb", ["track", "run"])
def test_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, verb: str) -> None:
    (tmp_path / "c.csv").write_text(TABLES[name])
    words = {
        "track": ("track", "c.csv", "-o", "t.xml"),
        "run": ("run", "--spots", "c.csv", "-o", "o"),
    }
    assert "c.csv" in refuse(tmp_path, capsys, *words[verb])


@pytest.mark.parametrize(
    "link", ["x,1", "0,0.5", "0.5,1", "0,1e400", "0,1e16", "0,nan", "0,99", "0,1,5", "0"]
)
def test_links_that_are_no_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], link: str
) -> None:
    """fuzz-links-not-numbers."""
    (tmp_path / "t.spots.csv").write_text("id,frame,x,y\n0,0,1,2\n1,1,1,2\n")
    (tmp_path / "t.links.csv").write_text(f"source,target\n{link}\n")
    refuse(tmp_path, capsys, "convert", "t.csv", "t.xml")


def test_ids_past_float64_are_kept(tmp_path: Path) -> None:
    """2⁵³ and 2⁵³ + 1 are one float, and two spots."""
    one, other = 1 << 53, (1 << 53) + 1
    table = f"id,frame,x,y\n7,0,1,2\n{one},1,1,2\n{other},1,30,2\n{2**63 - 1},1,60,2\n"
    (tmp_path / "t.spots.csv").write_text(table)
    (tmp_path / "t.links.csv").write_text(f"source,target\n7,{other}\n")
    with in_folder(tmp_path):
        assert run_command(["convert", "t.csv", "o.csv", "--quiet"]) == 0
    ids = [line.split(",")[0] for line in (tmp_path / "o.spots.csv").read_text().split()]
    assert ids == ["id", "7", str(one), str(other), str(2**63 - 1)]
    assert f"\n7,{other}," in (tmp_path / "o.links.csv").read_text()


def test_ids_past_float64_beside_bad_rows(tmp_path: Path) -> None:
    """What is not written as a whole number is no such id, and doubles none."""
    ids = (1 << 53, (1 << 53) + 1, "9007199254740994.0", "1e16")
    rows = "".join(f"{one},0,{10 * x},2\n" for x, one in enumerate(ids))
    (tmp_path / "c.csv").write_text(f"id,frame,x,y\n{rows}5,1,1,2\n")
    with in_folder(tmp_path):
        words = ["track", "c.csv", "-o", "o.csv", "--quiet"]
        assert run_command(words) == 2
        assert run_command([*words, "--skip-bad-rows"]) == 0
    kept = [line.split(",")[0] for line in (tmp_path / "o.spots.csv").read_text().split()]
    assert kept == ["id", "5"]


@pytest.mark.parametrize("value", ["1e308", "1e-320", "1e31"])
@pytest.mark.parametrize("option", ["--dt", "--voxel-size"])
def test_sizes_that_no_square_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    (tmp_path / "c.csv").write_text(CSV)
    given = value if option == "--dt" else f"1,{value},1"
    said = refuse(tmp_path, capsys, "track", "c.csv", "-o", "t.xml", option, given)
    assert "expected a number from 1e-30 to 1e+30" in said


@pytest.mark.parametrize("row", ["0,1,2,", "0,1,2,nan", "0,1,2,NA"])
def test_one_row_with_an_empty_cell(tmp_path: Path, row: str) -> None:
    """fuzz-one-row-empty-cell: a missing radius stays missing."""
    (tmp_path / "c.csv").write_text(f"frame,x,y,radius\n{row}\n")
    with in_folder(tmp_path):
        assert run_command(["track", "c.csv", "-o", "t.csv", "--quiet"]) == 0
    header, spot = (tmp_path / "t.spots.csv").read_text().splitlines()
    values = dict(zip(header.split(","), spot.split(","), strict=True))
    assert values["x"] == "1.0"
    assert not values.get("radius")


def session(spots: str, edges: str = "", extra: str = "", image: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><TrackMate version="7"><Model spatialunits="um" '
        f'timeunits="s"><FeatureDeclarations/><AllSpots>{spots}</AllSpots><AllTracks>'
        f'<Track TRACK_ID="0" name="T">{edges}</Track></AllTracks><FilteredTracks/></Model>'
        f"<Settings><ImageData {image}/>{extra}</Settings></TrackMate>"
    )


def in_frames(*ids: int) -> str:
    return "".join(
        f'<SpotsInFrame frame="{t}">{SPOT.format(i)}</SpotsInFrame>' for t, i in enumerate(ids)
    )


SESSIONS = {
    "fuzz-xml-nested": session(in_frames(1), extra="<a>" * 1000 + "</a>" * 1000),
    "nested-300": session(in_frames(1), extra="<a>" * 300 + "</a>" * 300),
    "fuzz-xml-nframes": session(in_frames(1), image='nframes="99999999999"'),
    "nframes-2e6": session(in_frames(1), image='nframes="2000000"'),
    "huge-frame": session(f'<SpotsInFrame frame="2000000000">{SPOT.format(1)}</SpotsInFrame>'),
    "fuzz-xml-empty-value": session(in_frames(1).replace('POSITION_X="1"', 'POSITION_X=""')),
    "text-value": session(in_frames(1).replace('POSITION_X="1"', 'POSITION_X="a"')),
    "cut": session(in_frames(1))[:300],
}


@pytest.mark.parametrize("name", SESSIONS)
def test_sessions(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (tmp_path / "t.xml").write_text(SESSIONS[name])
    refuse(tmp_path, capsys, "convert", "t.xml", "o.xml")


@pytest.mark.parametrize("step", [1 << 32, 1 << 33, 3 << 40])
def test_links_of_large_ids_are_kept(tmp_path: Path, step: int) -> None:
    """fuzz-xml-big-ids: ids that are equal modulo 2³² are others."""
    spots = "".join(
        f'<SpotsInFrame frame="{t}">{SPOT.format(1 + t)}{SPOT.format(step + 1 + t)}</SpotsInFrame>'
        for t in range(2)
    )
    edges = "".join(f'<Edge SPOT_SOURCE_ID="{a + 1}" SPOT_TARGET_ID="{a + 2}"/>' for a in (0, step))
    (tmp_path / "t.xml").write_text(session(spots, edges))
    with in_folder(tmp_path):
        assert run_command(["convert", "t.xml", "o.csv", "--quiet"]) == 0
    links = [line.split(",")[:2] for line in (tmp_path / "o.links.csv").read_text().split()[1:]]
    assert links == [["1", "2"], [str(step + 1), str(step + 2)]]


@pytest.mark.parametrize("missing", ["x/values/0", "y/values/0", "FRAME/values/0", "z/values/0"])
def test_geff_without_a_chunk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """survival-geff-missing-chunk."""
    (tmp_path / "c.csv").write_text("frame,x,y,z\n0,1,2,3\n1,1,2,3\n")
    with in_folder(tmp_path):
        assert run_command(["track", "c.csv", "-o", "t.geff", "--quiet"]) == 0
    capsys.readouterr()
    props = tmp_path / "t.geff/nodes/props"
    path = props / missing
    if not path.exists():
        path = props / missing.lower()
    path.unlink()
    assert "is incomplete" in refuse(tmp_path, capsys, "convert", "t.geff", "o.csv")


@pytest.mark.parametrize("missing", ["ids", "edges"])
def test_geff_without_ids(tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str) -> None:
    (tmp_path / "c.csv").write_text(CSV)
    with in_folder(tmp_path):
        assert run_command(["track", "c.csv", "-o", "t.geff", "--quiet"]) == 0
    capsys.readouterr()
    folder = tmp_path / "t.geff" / ("nodes/ids" if missing == "ids" else "edges/ids")
    for chunk in folder.rglob("*"):
        if chunk.is_file() and chunk.name not in ("zarr.json", ".zarray", ".zattrs"):
            chunk.unlink()
    assert "incomplete" in refuse(tmp_path, capsys, "convert", "t.geff", "o.csv")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "l.ome.zarr", dividing_cells())


@pytest.mark.parametrize(("version", "frames"), [("0.4", [3]), ("0.4", [0]), ("0.5", [1, 5])])
def test_zarr_without_a_chunk_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], version: NgffVersion, frames: list[int]
) -> None:
    """survival-zarr-missing-chunk: it may be meant, so it is a warning."""
    store = write_store(tmp_path / "l.ome.zarr", dividing_cells(), version)
    chunks = store / "0" / ("" if version == "0.4" else "c")
    with in_folder(store.parent):
        assert run_command(["measure", "l.ome.zarr", "-o", "whole.csv", "--quiet"]) == 0
        assert "chunks" not in capsys.readouterr().err
        for t in frames:
            (chunks / str(t) / "0" / "0" / "0").unlink()
        assert run_command(["measure", "l.ome.zarr", "-o", "m.csv", "--quiet"]) == 0
    named = ", ".join(map(str, frames))
    expected = f"{len(frames)} of 6 chunks are not there in frame {named} and are read as 0"
    assert expected in capsys.readouterr().err


def _change(store: Path, change: Callable[[dict], None]) -> None:
    path = store / ".zattrs"
    attributes = json.loads(path.read_text())
    change(attributes["multiscales"][0])
    path.write_text(json.dumps(attributes))


NGFF = {
    "survival-ngff-bad-metadata": lambda m: [a.update(unit=5) for a in m["axes"]],
    "no-datasets": lambda m: m.update(datasets=[]),
    "datasets-of-text": lambda m: m.update(datasets="x"),
    "path-of-number": lambda m: m["datasets"][0].update(path=7),
    "axes-of-numbers": lambda m: m.update(axes=[1, 2, 3, 4]),
    "factors-of-text": lambda m: m["datasets"][0].update(
        coordinateTransformations=[{"type": "scale", "scale": "x"}]
    ),
    "no-list": lambda m: m["datasets"][0].update(coordinateTransformations=3),
}  # fmt: skip


@pytest.mark.parametrize("name", NGFF)
def test_ngff_metadata(store: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    _change(store, NGFF[name])
    assert "l.ome.zarr" in refuse(store.parent, capsys, "measure", "l.ome.zarr", "-o", "m.csv")


@pytest.mark.parametrize("text", ["5.0", "[]", "{", "null", '{"zarr_format": 2}'])
def test_ngff_array_metadata(store: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (store / "0" / ".zarray").write_text(text)
    refuse(store.parent, capsys, "measure", "l.ome.zarr", "-o", "m.csv")


@pytest.mark.parametrize("spacing", ["1,5", "x", "1.5.2"])
def test_imagej_spacing(tmp_path: Path, capsys: pytest.CaptureFixture[str], spacing: str) -> None:
    """fuzz-tiff-imagej-spacing."""
    path = write_imagej(tmp_path / "l.tif", dividing_cells(), "TZYX")
    with tifffile.TiffFile(path) as file:
        description = file.pages[0].description
    tifffile.tiffcomment(path, description.replace("spacing=2.0", f"spacing={spacing}"))
    said = refuse(tmp_path, capsys, "measure", "l.tif", "-o", "m.csv")
    assert repr(spacing) in said
    assert "--voxel-size" in said


@pytest.mark.parametrize("size", ['SizeT="2000000000"', 'SizeZ="300000000"', 'SizeC="999999999"'])
def test_ome_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str) -> None:
    """fuzz-tiff-ome-sizet: refused before memory is taken."""
    tifffile.imwrite(
        tmp_path / "l.tif", dividing_cells(), ome=True, metadata={"axes": "TZYX"},
        photometric="minisblack",
    )  # fmt: skip
    with tifffile.TiffFile(tmp_path / "l.tif") as file:
        description = file.pages[0].description
    name = size.partition("=")[0]
    begin = description.index(f'{name}="')
    end = description.index('"', begin + len(name) + 2) + 1
    changed = description[:begin] + size + description[end:]
    tifffile.tiffcomment(tmp_path / "l.tif", changed)
    assert "planes" in refuse(tmp_path, capsys, "measure", "l.tif", "-o", "m.csv")


RUN_FILES = {
    "no-pruned": lambda f: (f / "pruned.csv").unlink(),
    "empty-dropped": lambda f: (f / "dropped.csv").write_text(""),
    "scores-cut": lambda f: (f / "scores.json").write_text("["),
    "scores-of-numbers": lambda f: (f / "scores.json").write_text("[1]"),
    "scores-of-text": lambda f: (f / "scores.json").write_text('"x"'),
    "record-of-others": lambda f: (f / "run.yaml").write_text("x: 1\n"),
    "record-empty": lambda f: (f / "run.yaml").write_text(""),
    "record-cut": lambda f: (f / "run.yaml").write_text("inputs: {image: {}}\ncalibration: {}\n"),
    "tracks-cut": lambda f: (f / "tracks.xml").write_text((f / "tracks.xml").read_text()[:900]),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    (folder / "c.csv").write_text(CSV)
    with in_folder(folder):
        assert run_command(["run", "--spots", "c.csv", "-o", "out", "--quiet"]) == 0
    return folder / "out"


@pytest.mark.parametrize("name", RUN_FILES)
def test_report_of_a_damaged_run(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """survival-report-damaged."""
    shutil.copytree(finished, tmp_path / "k")
    RUN_FILES[name](tmp_path / "k")
    refuse(tmp_path, capsys, "report", "k")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300_000])


def _point(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def _of_another(path: Path) -> None:
    shutil.copy(path.parent.parent / "unet" / path.name, path)


def _config(**values: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        file = path.with_name("config.json")
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


MODELS = {
    "cut": _cut,
    "pointer": _point,
    "other": _of_another,
    "thresholds": lambda p: p.with_name("thresholds.json").write_text('{"prob": "x", "nms": 1}'),
    "depth": _config(unet_n_depth=64),
    "filters": _config(unet_n_filter_base=10**9),
    "rays": _config(n_rays="x"),
    "grid": _config(grid=[0, 0, 0]),
}


@pytest.mark.parametrize("name", MODELS)
@needs("tensorflow")
def test_damaged_models(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """survival-model-weights-damaged."""
    write_imagej(tmp_path / "l.tif", dividing_cells()[0], "ZYX")
    models = tmp_path / "m"
    shutil.copytree(SHIPPED_MODELS, models)
    MODELS[name](models / "stardist" / "weights_best.h5")
    words = ("segment", "l.tif", "-o", "s.tif", "--model-dir", "m")
    assert "m/stardist" in refuse(tmp_path, capsys, *words)


def test_nothing_costs_per_frame_number(tmp_path: Path) -> None:
    """Two cells in frames 0 and 9,000: report and all in seconds; further apart: asked."""
    (tmp_path / "c.csv").write_text("frame,x,y\n0,1,2\n9000,1,2\n")
    began = time.process_time()
    with in_folder(tmp_path):
        assert run_command(["run", "--spots", "c.csv", "-o", "out", "--quiet"]) == 0
    assert time.process_time() - began < 20


def test_zarr_is_used(store: Path) -> None:
    """The labels above are what their tests say: chunks a frame, all there."""
    array = zarr.open_group(store, mode="r")["0"]
    assert array.nchunks == array.nchunks_initialized == 6
