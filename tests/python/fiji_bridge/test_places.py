"""Finding Fiji folders, TrackMate in them, and the plugin's jars."""

import pytest

from btrackmate.core.errors import UserError
from btrackmate.fiji_bridge import places
from btrackmate.fiji_bridge.places import find_fiji, find_plugin_jars, inspect_fiji
from btrackmate.fiji_bridge.settings import FijiSettings

OURS = ("btrackmate-0.1.0.jar", "btrackmate-core-0.1.0.jar")


def make_fiji(folder, trackmate="8.1.6", *more):
    """Lay out a Fiji with empty jars."""
    (folder / "jars").mkdir(parents=True)
    (folder / "plugins").mkdir()
    if trackmate:
        (folder / "plugins" / f"TrackMate-{trackmate}.jar").write_text("")
    for name in more:
        (folder / "plugins" / name).write_text("")
    return folder


def write_jars(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("")
    return folder


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without Fiji, Maven repository or checkout."""
    monkeypatch.delenv(places.VARIABLE, raising=False)
    monkeypatch.setattr(places.Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(places, "__file__", str(tmp_path / "a/b/c/places.py"))
    monkeypatch.setattr(
        places, "list_usual_places", lambda: iter([tmp_path / "Fiji.app", tmp_path / "Fiji"])
    )
    return tmp_path


def test_what_is_in_a_fiji(tmp_path):
    folder = make_fiji(tmp_path / "Fiji.app", "8.1.6", *OURS, "TrackMate-Cellpose-1.0.0.jar")
    fiji = inspect_fiji(folder, "given")
    assert fiji.trackmate == "8.1.6"
    assert [jar.name for jar in fiji.plugin_jars] == list(OURS)
    assert not fiji.jython
    (folder / "jars" / "jython-shaded-2.7.1.1.jar").write_text("")
    assert inspect_fiji(folder, "given").jython


def test_fiji_app_beside_jars_and_plugins_is_read_as_that_folder(tmp_path):
    folder = make_fiji(tmp_path / "Fiji")
    (folder / "Fiji.app").mkdir()
    assert inspect_fiji(folder / "Fiji.app", "given").path == folder
    assert inspect_fiji(tmp_path, "given") is None


def test_a_named_folder_must_be_a_fiji_with_trackmate_8(machine, monkeypatch):
    settings = FijiSettings(fiji=str(machine))
    with pytest.raises(UserError, match=r"\(given\) is no Fiji: expected a folder with jars"):
        find_fiji(settings)
    old = make_fiji(machine / "old", "7.14.0")
    with pytest.raises(UserError, match=r"has TrackMate 7.14.0, version 8 is needed; update it"):
        find_fiji(FijiSettings(fiji=str(old)))
    with pytest.raises(UserError, match="has no TrackMate"):
        find_fiji(FijiSettings(fiji=str(make_fiji(machine / "bare", None))))
    monkeypatch.setenv(places.VARIABLE, str(machine / "gone"))
    with pytest.raises(UserError, match=r"gone \(BTRACKMATE_FIJI\) is no Fiji"):
        find_fiji(FijiSettings())


def test_option_before_variable_before_usual_places(machine, monkeypatch):
    assert find_fiji(FijiSettings()) is None
    usual = make_fiji(machine / "Fiji")
    assert find_fiji(FijiSettings()).path == usual
    variable = make_fiji(machine / "variable")
    monkeypatch.setenv(places.VARIABLE, str(variable))
    assert find_fiji(FijiSettings()).path == variable
    given = make_fiji(machine / "given")
    assert find_fiji(FijiSettings(fiji=str(given))).path == given
    assert find_fiji(FijiSettings(fiji="maven")) is None


def test_an_old_fiji_in_a_usual_place_is_passed_over_with_a_warning(machine, caplog):
    make_fiji(machine / "Fiji.app", "7.14.0")
    good = make_fiji(machine / "Fiji")
    assert find_fiji(FijiSettings()).path == good
    assert "has TrackMate 7.14.0" in caplog.text


def test_plugin_jars_given_then_in_fiji_then_checkout_then_repository(machine):
    assert find_plugin_jars(FijiSettings(), None) == ()
    group = machine / "home/.m2/repository/io/github/btrackmate"
    for name in ("btrackmate", "btrackmate-core"):
        write_jars(group / name / "0.1.0", f"{name}-0.1.0.jar", f"{name}-0.1.0.pom")
    assert {jar.name for jar in find_plugin_jars(FijiSettings(), None)} == set(OURS)
    checkout = write_jars(machine / "java/btrackmate/target/fiji", *OURS)
    assert {jar.parent for jar in find_plugin_jars(FijiSettings(), None)} == {checkout}
    fiji = inspect_fiji(make_fiji(machine / "Fiji", "8.1.6", *OURS), "given")
    assert find_plugin_jars(FijiSettings(), fiji) == fiji.plugin_jars
    given = write_jars(machine / "given", *OURS)
    settings = FijiSettings(jars=str(given))
    assert {jar.parent for jar in find_plugin_jars(settings, fiji)} == {given}


def test_a_folder_without_both_jars_is_refused(machine):
    folder = write_jars(machine / "half", OURS[0])
    with pytest.raises(UserError, match="expected a folder with btrackmate-VERSION.jar and"):
        find_plugin_jars(FijiSettings(jars=str(folder)), None)
