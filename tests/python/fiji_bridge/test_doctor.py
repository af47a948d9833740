"""What is said of a machine that lacks something; nothing is started here."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from test_places import OURS, make_fiji

from btrackmate.cli.main import run_command
from btrackmate.core.errors import UserError
from btrackmate.fiji_bridge import doctor, jvm, places
from btrackmate.fiji_bridge.console import JavaConsole
from btrackmate.fiji_bridge.java_home import Java
from btrackmate.fiji_bridge.scripts import describe_exception
from btrackmate.fiji_bridge.settings import FijiSettings

JAVA_17 = Java(Path("/java17"), "17.0.1", "PATH")
JAVA_21 = Java(Path("/java21"), "21.0.5", "usual place")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with Java 21, offline, without Fiji or TrackMate."""
    monkeypatch.delenv(places.VARIABLE, raising=False)
    monkeypatch.setattr(places.Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(places, "__file__", str(tmp_path / "a/b/c/places.py"))
    monkeypatch.setattr(places, "list_usual_places", lambda: iter([]))
    for module in (doctor, jvm):
        monkeypatch.setattr(module, "find_javas", lambda fiji=None: [JAVA_17, JAVA_21])
        monkeypatch.setattr(module, "is_reachable", lambda url: False)
        monkeypatch.setattr(module, "require_extra", lambda: None)
    return tmp_path


def examine(**settings):
    """Give the findings by name."""
    found = doctor.examine(FijiSettings(**settings), start=False)
    return {finding.name: finding for finding in found}


def test_offline_without_fiji_nothing_works(machine):
    found = examine()
    assert not found["TrackMate"].usable
    assert "name a Fiji folder" in found["TrackMate"].remedy
    assert found["Java"].found.startswith("Java 21.0.5")
    assert found["other Java"].found.endswith("too old")
    assert found["BTrackMate's plugin"].usable  # only `fiji run` needs it
    with pytest.raises(UserError, match="found no Fiji, .* cannot be reached"):
        jvm.make_plan(FijiSettings())


def test_with_a_fiji_all_is_well(machine):
    folder = make_fiji(machine / "Fiji.app", "8.1.6", *OURS, "jython-shaded-2.7.1.1.jar")
    found = examine(fiji=str(folder))
    assert all(not finding.remedy for finding in found.values())
    assert found["TrackMate"].found == "8.1.6 in Fiji"
    assert (
        found["BTrackMate's plugin"].found
        == "btrackmate-0.1.0.jar, btrackmate-core-0.1.0.jar in Fiji"
    )
    plan = jvm.make_plan(FijiSettings(fiji=str(folder)))
    assert plan.java == JAVA_21
    assert plan.fiji.path == folder


def test_trackmate_in_the_local_repository_is_enough(machine):
    folder = machine / "home/.m2/repository/sc/fiji/TrackMate/8.1.6"
    folder.mkdir(parents=True)
    (folder / "TrackMate-8.1.6.jar").write_text("")
    assert examine()["TrackMate"].usable
    assert jvm.make_plan(FijiSettings()).fiji is None


def test_old_java_is_named_and_refused(machine, monkeypatch):
    monkeypatch.setattr(doctor, "find_javas", lambda fiji=None: [JAVA_17])
    java = examine()["Java"]
    assert not java.usable
    assert "TrackMate 8 needs Java 21 or later, found only Java 17.0.1" in java.remedy


def test_a_fiji_that_is_too_old_is_not_called_usable(machine):
    folder = make_fiji(machine / "Fiji.app", "7.14.0")
    found = examine(fiji=str(folder))
    assert not found["Fiji"].usable
    assert "TrackMate 7.14.0" in found["Fiji"].remedy


def test_exit_codes_and_lines(machine, capsys):
    assert run_command(["fiji", "doctor", "--no-start"]) == 2
    out = capsys.readouterr().out
    assert "LACKS TrackMate" in out
    assert "TrackMate cannot be used as it is." in out
    folder = make_fiji(machine / "Fiji.app")
    assert run_command(["fiji", "doctor", "--no-start", "--fiji", str(folder)]) == 0
    assert "TrackMate can be used." in capsys.readouterr().out


def test_importing_the_bridge_loads_no_java():
    code = "import sys, btrackmate.fiji_bridge, btrackmate.cli.fiji_verb;"
    code += "print([n for n in ('jpype', 'scyjava', 'imagej', 'xarray') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_package_is_named(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "scyjava" else real(name)
    )
    with pytest.raises(UserError, match=r"package scyjava: pip install 'btrackmate\[fiji\]'"):
        jvm.require_extra()


@pytest.mark.parametrize("memory", ["4", "4gb", "lots", "0g", "-1g", "1k", "63m", "9000t"])
def test_memory_is_a_size(memory):
    with pytest.raises(UserError, match="memory: .*expected (a number and m, g or t|64m or more)"):
        FijiSettings.parse({"memory": memory})


def test_mistakes_are_one_line_before_java_starts(machine, tmp_path, capsys):
    """flow has no counterpart in TrackMate; it is refused before the movie is opened."""
    table = tmp_path / "cells.csv"
    table.write_text("frame,x,y,z\n0,1,1,1\n1,1,1,1\n")
    common = ["track", str(table), "-o", str(tmp_path / "t.xml"), "--engine", "trackmate"]
    for words, text in [
        (["--tracker", "flow"], "tracker flow is BTrackMate's own, TrackMate has none like it"),
        (["--memory", "4gb"], "options: memory: "),
        (["--fiji", str(tmp_path)], "is no Fiji: expected a folder with jars and plugins"),
        ([], "found no Fiji, sc.fiji:TrackMate:8.1.6 is not in the local Maven repository"),
    ]:
        assert run_command(common + words) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert text in lines[0]
    assert not (tmp_path / "t.xml").exists()


def test_script_words(machine, capsys):
    for words, text in [
        (["x.py", "image"], "'image': expected NAME=VALUE"),
        (["x.py", "a=1", "a=2"], "parameter a is given twice"),
        (["x.py", "a=1"], "x.py: no such file; a Jython script was expected"),
        ([str(machine)], "not a .py file"),
    ]:
        assert run_command(["fiji", "script", *words]) == 2
        assert text in capsys.readouterr().err


def test_files_of_the_plugin_are_looked_at_before_java_starts(machine, capsys):
    image, output = machine / "image.tif", machine / "out.xml"
    image.write_text("")
    for words, text in [
        ([str(machine / "no.tif"), "-o", str(output)], "no.tif: no such file; the image"),
        ([str(image), "-o", str(machine / "out.csv")], "give a name that ends in .xml"),
        ([str(image), "-o", str(output), "--mask", "no.tif"], "no.tif: no such file; the mask"),
        (
            [str(image), "-o", str(output), "--labels", str(image), "--csv", str(image)],
            "labels and a CSV of cells were given",
        ),
        ([str(image), "-o", str(image.with_suffix(".xml")), "--frame-gap", "0"], "frame_gap"),
        ([str(image), "-o", str(output)], "BTrackMate's plugin is missing: its jars are neither"),
    ]:
        assert run_command(["fiji", "run", *words]) == 2
        assert text in capsys.readouterr().err


def test_exceptions_of_jython_are_one_line():
    text = 'Traceback (most recent call last):\n  File "/x/s.py", line 7, in <module>\n'
    assert describe_exception(text + "ValueError: Cannot open 'a'\n") == "Cannot open 'a'"
    assert describe_exception(text + "NameError: name 'b' is not defined\n") == (
        "NameError: name 'b' is not defined (line 7)"
    )
    java = "\tat fiji.X.y(X.java:3)\njava.lang.NoClassDefFoundError: fiji/X\n"
    assert describe_exception(text + java) == "java.lang.NoClassDefFoundError: fiji/X (line 7)"


class Lines(JavaConsole):
    """A console whose Java prints what the test says."""

    def __init__(self, text):
        self._rest = text
        self._errors = []

    def drain(self):
        *lines, self._rest = self._rest.split("\n")
        for line in lines:
            self._log_line(line)


def test_what_java_prints_is_logged_by_its_level(caplog):
    console = Lines(
        "[INFO] BTrackMate: done\n[WARNING] odd\n[DEBUG] detail\n\nplain\n[ERROR] bad\nrest"
    )
    with caplog.at_level("DEBUG", logger="btrackmate"):
        console.finish()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "Java: done"),
        ("WARNING", "Java: odd"),
        ("DEBUG", "Java: detail"),
        ("INFO", "Java: plain"),
        ("INFO", "Java: rest"),
        ("WARNING", "Java: bad"),
    ]


def test_an_error_that_the_message_tells_is_not_told_twice(caplog):
    Lines("[ERROR] BTrackMate: no file 'a'\n[ERROR] other\n").finish("no file 'a'")
    assert [record.getMessage() for record in caplog.records] == ["Java: other"]
