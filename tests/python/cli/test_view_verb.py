"""`btrackmate view` without a screen: one line, instead of an abort in Qt."""

import ctypes
import sys

import pytest

from btrackmate.cli import view_verb
from btrackmate.core.errors import UserError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="screens are told by DISPLAY")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


def test_no_screen() -> None:
    with pytest.raises(UserError, match="view needs a screen: there is none"):
        view_verb.check_screen()


@pytest.mark.parametrize("display", [":98765", "nowhere.invalid:0", "odd"])
def test_screen_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, display: str) -> None:
    monkeypatch.setenv("DISPLAY", display)
    try:
        ctypes.CDLL("libX11.so.6")
    except OSError:
        pytest.skip("libX11 is not installed")
    with pytest.raises(UserError, match=f"the screen {display} .* does not answer"):
        view_verb.check_screen()


@pytest.mark.parametrize("name", ["QT_QPA_PLATFORM", "WAYLAND_DISPLAY"])
def test_another_kind_of_screen(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "offscreen")
    view_verb.check_screen()


def test_screen_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":98765")

    def fail(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(view_verb.ctypes, "CDLL", fail)
    view_verb.check_screen()
