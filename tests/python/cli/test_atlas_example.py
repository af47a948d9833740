"""The commands of docs/celegans-atlas.md, run on a small made-up atlas of the same layout."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from btrackmate.cli.main import run_command
from btrackmate.io.trackmate import Filter, read_trackmate

PAGE = Path(__file__).parents[3] / "docs" / "celegans-atlas.md"
N_FRAMES = 40


def write_atlas(folder: Path) -> None:
    """Twelve cells 40 steps apart, one of them 200 steps further along x, for 40 time points.

    Cell 0 has a companion at one time point only that is too small (diameter 8), and each file has
    a nucleus that is not valid.
    """
    folder.mkdir()
    for t in range(1, N_FRAMES + 1):
        cells = [
            (40 * (c // 4) + 60 + 200 * (c == 11), 40 * (c % 4) + t % 2, 20) for c in range(12)
        ]
        rows = [(x, y, z, 16, f"cell{c}", 1) for c, (x, y, z) in enumerate(cells)]
        rows.append((1, 1, 1, 16, "", 0))
        if t == 20:
            rows.append((60, 20, 20, 8, "dust", 1))
        lines = [
            f"{n}, {valid}, -1, -1, -1, {x}, {y}, {z:.1f}, {d}, {name}, 65536, 0, 0, 0, , 0, 0, \n"
            for n, (x, y, z, d, name, valid) in enumerate(rows, 1)
        ]
        (folder / f"t{t:03d}-nuclei").write_text("".join(lines), encoding="utf-8")


def read_blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_commands_do_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atlas(tmp_path / "nuclei_files")
    (python,) = read_blocks("python")
    exec(compile(python, str(PAGE), "exec"), {})
    (settings,) = read_blocks("yaml")
    yaml.safe_load(settings)
    (tmp_path / "celegans.yaml").write_text(settings, encoding="utf-8")
    commands = [block for block in read_blocks("") if block.startswith("btrackmate ")]
    assert [command.split()[1] for command in commands] == ["track", "prune", "track"]
    said = []
    for command in commands:
        assert run_command([*shlex.split(command)[1:], "--quiet"]) == 0
        said.append(capsys.readouterr().out)
    n = 12 * N_FRAMES
    assert said[0].startswith(f"{n + 1} spots, {n - 12} links, 12 tracks, 0 divisions;")
    assert said[1].splitlines()[-1].startswith("0 spots and 0 links would go")
    assert said[2].startswith(f"{11 * N_FRAMES} spots, {11 * (N_FRAMES - 1)} links, 11 tracks")
    assert f"{N_FRAMES + 1} cells dropped" in said[2]
    document = read_trackmate(tmp_path / "region.xml")
    assert document.spot_filters == [
        Filter("RADIUS", 1.0, is_above=True),
        Filter("POSITION_X", 28.0, is_above=False),
    ]
    assert document.track_filters == [Filter("TRACK_DURATION", 30.0, is_above=True)]
    assert document.graph.spots.feature("radius").min() == pytest.approx(8 * 0.16)
