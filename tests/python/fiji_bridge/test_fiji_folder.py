"""A Fiji folder as users have it: without imglyb, which pyimagej imports; offline, too."""

import contextlib
import os
import shutil
import subprocess
import sys

import fiji_folder
import pytest
from conftest import find_route, require_extra_or_skip

from btrackmate.fiji_bridge.imglyb import find_imglyb_jars
from btrackmate.fiji_bridge.places import inspect_fiji

#: No server answers there.
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")

START = """
import sys
import numpy
from btrackmate.fiji_bridge import FijiSettings, start_fiji, to_imageplus
fiji = start_fiji(FijiSettings(fiji=sys.argv[1], mode=sys.argv[2]))
print(fiji.ij.getVersion() != "", fiji.ij.ui().isHeadless())
print(to_imageplus(numpy.zeros((3, 4), "uint16"), "YX").getWidth())
if sys.argv[3] == "imglyb":
    print(fiji.ij.py.to_java(numpy.zeros((3, 4), "uint16")).dimension(1))
"""


@pytest.fixture(scope="module")
def fiji(tmp_path_factory):
    find_route("maven")  # skips where there is no TrackMate
    return fiji_folder.lay_out_fiji(tmp_path_factory.mktemp("Fiji"))


def run(code, *words, home, **environment):
    """Run Python in a process of its own, offline, with another home: no Maven repository."""
    known = {**os.environ, **OFFLINE, "HOME": str(home), **environment}
    known.pop("BTRACKMATE_FIJI", None)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], env=known, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("mode", ["headless", "interactive"])
def test_it_starts_without_imglyb(fiji, mode, tmp_path):
    screen = (
        fiji_folder.open_screen()
        if mode == "interactive"
        else contextlib.nullcontext(enter_result={})
    )
    with screen as environment:
        out = run(START, fiji, mode, "", home=tmp_path, **environment)
    assert out == ["True", str(mode == "headless"), "4"]


def test_it_uses_imglyb_where_fiji_has_it(fiji, tmp_path):
    jars = find_imglyb_jars(inspect_fiji(fiji, "given"))
    if jars is None:
        pytest.skip("imglib2-imglyb is not in the local Maven repository")
    folder = tmp_path / "Fiji"
    shutil.copytree(fiji, folder, ignore=shutil.ignore_patterns("cache"))
    for jar in jars:
        shutil.copy(jar, folder / "jars")
    assert find_imglyb_jars(inspect_fiji(folder, "given")) == ()
    out = run(START, folder, "headless", "imglyb", home=tmp_path)
    assert out == ["True", "True", "4", "3"]


def test_jars_of_imglyb_in_the_repository_are_added(tmp_path, monkeypatch):
    monkeypatch.setattr("btrackmate.fiji_bridge.places.Path.home", lambda: tmp_path)
    for part in ("jars", "plugins"):
        (tmp_path / "Fiji" / part).mkdir(parents=True)
    folder = inspect_fiji(tmp_path / "Fiji", "given")
    assert find_imglyb_jars(folder) is None
    for name, version in [("imglyb", "1.1.0"), ("imglyb", "2.0.1"), ("unsafe", "1.1.0")]:
        place = tmp_path / ".m2/repository/net/imglib2" / f"imglib2-{name}" / version
        place.mkdir(parents=True)
        for end in ("", "-sources"):
            (place / f"imglib2-{name}-{version}{end}.jar").write_text("")
    assert [jar.name for jar in find_imglyb_jars(folder)] == [
        "imglib2-imglyb-2.0.1.jar",
        "imglib2-unsafe-1.1.0.jar",
    ]


def test_what_importing_imagej_asks_for_is_taken_back():
    """By both routes: a notebook may import imagej before it starts TrackMate from Maven."""
    require_extra_or_skip()
    code = """
import imagej, scyjava
from scyjava import _jvm
from btrackmate.fiji_bridge.imglyb import forget_imglyb
def count():
    return sum(call.__module__.startswith("imglyb") for call in _jvm._startup_callbacks)
asked = [end for end in scyjava.config.endpoints if "imglyb" in end]
print(len(asked), count() > 0)
forget_imglyb(keep_callbacks=True)
print(scyjava.config.endpoints, count() > 0)
forget_imglyb()
print(count(), len(_jvm._startup_callbacks) > 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1 True", "[] True", "0 True"]
