"""The zip that the build makes, unpacked into a Fiji, and the tutorial of docs/fiji.md in it."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import fiji_folder
import pytest
from conftest import find_route

ROOT = Path(__file__).parents[3]
TUTORIAL = ROOT / "docs" / "fiji.md"
LARGEST_PICTURE = 150_000


@pytest.fixture(scope="module")
def archive():
    """The zip; `mvn -Dtrackmate package` makes it."""
    found = sorted((ROOT / "java/btrackmate/target").glob("btrackmate-*-fiji.zip"))
    if not found:
        pytest.skip("the zip of BTrackMate's plugin is not built (mvn -Dtrackmate package)")
    return found[-1]


def test_the_zip_holds_two_jars_with_versions_and_licences(archive):
    version = re.fullmatch(r"btrackmate-(.+)-fiji\.zip", archive.name)[1]
    with zipfile.ZipFile(archive) as files:
        jars = sorted(name for name in files.namelist() if not name.endswith("/"))
        assert jars == [f"jars/btrackmate-core-{version}.jar", f"plugins/btrackmate-{version}.jar"]
        licences = {}
        for name in jars:
            with files.open(name) as stream, zipfile.ZipFile(stream) as jar:
                assert f"Implementation-Version: {version}" in read(jar, "META-INF/MANIFEST.MF")
                licences[name] = read(jar, "META-INF/LICENSE")
                assert all(
                    inside.startswith("io/github/btrackmate/")
                    for inside in jar.namelist()
                    if inside.endswith(".class")
                )
    assert "BSD 3-Clause" in licences[jars[0]]
    assert "GNU GENERAL PUBLIC LICENSE" in licences[jars[1]]


def read(jar, name):
    return jar.read(name).decode("utf-8")


@pytest.fixture(scope="module")
def walked(archive, tmp_path_factory):
    """What comes of the tutorial; see fiji_tutorial."""
    pytest.importorskip("PIL", reason="needs Pillow")
    find_route("maven")
    fiji = fiji_folder.lay_out_fiji(tmp_path_factory.mktemp("Fiji"))
    for _ in range(2):  # an update replaces, and leaves no double
        shutil.unpack_archive(archive, fiji)
    ours = [jar.name for jar in fiji.rglob("btrackmate*.jar")]
    assert len(ours) == len(set(ours)) == 2
    pictures = tmp_path_factory.mktemp("pictures")
    program = Path(__file__).with_name("fiji_tutorial.py")
    with fiji_folder.open_screen() as screen:
        done = subprocess.run(
            [sys.executable, str(program), str(fiji), str(pictures)],
            env={**os.environ, **screen},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), pictures


def test_menu_entries_are_there_once(walked):
    names = ["Quick Track", "Track...", "Batch...", "Relabel Image by Track..."]
    assert walked[0]["menu"] == [*names, "Segment with VollSeg..."]


def test_each_step_gives_what_the_tutorial_says(walked):
    found, _ = walked
    text = " ".join(TUTORIAL.read_text("utf-8").split())
    spots, tracks = found["quick"]
    assert f"{spots:,} cells and {tracks} tracks" in text
    assert found["chosen"] == ["embryo.tif", "embryo_truth.tif", "embryo_mask.tif"]
    assert f"*{found['preview']}*" in text
    spots, tracks = found["tracked"]
    assert found["spots"] == [spots, 0]
    assert f"{spots:,} cells, {tracks} tracks" in text
    assert f"*{found['would prune']}*" in text
    assert found["macro"].startswith('run("Batch...", "image=embryo.tif labels=embryo_truth.tif')
    assert found["painted"]


def test_pictures_are_those_of_the_steps_and_small(walked):
    names = re.findall(r"\(fiji/(.+?\.png)\)", TUTORIAL.read_text("utf-8"))
    assert len(names) >= 10
    assert sorted(names) == sorted(picture.name for picture in walked[1].iterdir())
    for name in names:
        assert (TUTORIAL.parent / "fiji" / name).stat().st_size < LARGEST_PICTURE
