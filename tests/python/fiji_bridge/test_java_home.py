"""Finding Java: folders as JDKs lay them out, without starting one."""

import os
from pathlib import Path

import pytest

from btrackmate.core.errors import UserError
from btrackmate.fiji_bridge import java_home
from btrackmate.fiji_bridge.java_home import Java, choose_java, find_javas, read_java


def make_java(home, version):
    """Lay out a JDK: library, program and release file."""
    for name in ("lib/server/libjvm.so", "bin/java"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose only Javas are those that a test makes."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(java_home.sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(java_home, "_usual_places", lambda: iter([(tmp_path / "jvm", "*")]))
    return tmp_path


@pytest.mark.parametrize(
    ("version", "major"), [("1.8.0_312", 8), ("11.0.9.1", 11), ("21", 21), ("25.0.3", 25)]
)
def test_major_version(version, major):
    assert Java(Path("x"), version, "y").major == major


def test_a_folder_without_a_java_library_is_no_java(tmp_path):
    assert read_java(tmp_path, "x") is None
    home = make_java(tmp_path / "jdk", "21.0.5")
    assert read_java(home, "x").version == "21.0.5"
    (home / "lib/server/libjvm.so").unlink()
    assert read_java(home, "x") is None


@pytest.mark.skipif(os.name == "nt", reason="the program java is a shell script here")
def test_a_java_without_release_file_is_asked(tmp_path):
    home = make_java(tmp_path / "jdk", "21")
    (home / "release").unlink()
    (home / "bin/java").write_text("#!/bin/sh\necho 'openjdk version \"17.0.2\" 2022' >&2\n")
    assert read_java(home, "x").version == "17.0.2"


def test_java_home_comes_before_path_before_usual_places(machine, monkeypatch):
    make_java(machine / "jvm/c", "25.0.1")
    make_java(machine / "jvm/b", "21.0.1")
    on_path = make_java(machine / "onpath", "17.0.1")
    monkeypatch.setenv("PATH", str(on_path / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(make_java(machine / "home", "11.0.1")))
    assert [java.version for java in find_javas()] == ["11.0.1", "17.0.1", "21.0.1", "25.0.1"]


def test_fijis_own_java_is_found(machine):
    make_java(machine / "Fiji.app/java/linux64/jdk-21", "21.0.7")
    assert [java.source for java in find_javas(machine / "Fiji.app")] == ["Fiji"]
    assert find_javas() == []


def test_the_first_java_that_fits_is_taken(machine, monkeypatch):
    """An old JAVA_HOME is passed over; of the others the lowest version that fits."""
    make_java(machine / "jvm/new", "25")
    fits = make_java(machine / "jvm/fits", "21.0.2")
    monkeypatch.setenv("JAVA_HOME", str(make_java(machine / "home", "17.0.1")))
    assert choose_java(None, find_javas()).home == fits.resolve()


def test_what_was_found_is_named_where_none_fits(machine, monkeypatch):
    with pytest.raises(UserError, match=r"no Java was found on this machine; install a JDK 21"):
        choose_java(None, find_javas())
    monkeypatch.setenv("JAVA_HOME", str(make_java(machine / "home", "17.0.1")))
    with pytest.raises(
        UserError, match=r"needs Java 21 or later, found only Java 17.0.1 in .*home"
    ):
        choose_java(None, find_javas())


def test_a_java_that_was_given_is_taken_or_refused(machine):
    make_java(machine / "jvm/new", "25")
    given = make_java(machine / "given", "21.0.1")
    assert choose_java(str(given), find_javas()).home == given
    with pytest.raises(UserError, match="no Java in .*nowhere: expected a Java home"):
        choose_java(str(machine / "nowhere"), find_javas())
    with pytest.raises(UserError, match="found only Java 11.0.1"):
        choose_java(str(make_java(machine / "old", "11.0.1")), find_javas())
