"""A screen for the windows of these tests: the one that is there, else an Xvfb of our own."""

import contextlib
import gc
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hands import settle

_WHY = None
if find_spec("napari") is None or find_spec("qtpy") is None:
    _WHY = "napari is not installed (the extra napari)"
elif not os.environ.get("DISPLAY") and shutil.which("Xvfb") is None:
    _WHY = "there is no screen and no Xvfb (Debian package xvfb)"

_SIZE = (1100, 640)  # beside a panel, napari 0.7 leaves 150 pixels for the image in 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all tests of this folder where there is nothing to show windows on."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            if _WHY is not None:
                item.add_marker(pytest.mark.skip(reason=_WHY))


@pytest.fixture(scope="session", autouse=True)
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start a screen if there is none; napari's settings are those of a first start."""
    os.environ["NAPARI_CONFIG"] = str(tmp_path_factory.mktemp("napari") / "settings.yaml")
    if os.environ.get("DISPLAY"):
        yield
        return
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as stream:
        os.environ["DISPLAY"] = ":" + stream.readline().strip()
    yield
    with contextlib.suppress(ImportError):
        from qtpy.QtWidgets import QApplication

        if QApplication.instance() is not None:
            QApplication.instance().closeAllWindows()
            QApplication.instance().processEvents()
    del os.environ["DISPLAY"]
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="session")
def window(screen: None) -> Iterator[object]:
    """Make a window for all tests."""
    if "tensorflow" in sys.modules:
        pytest.skip("TensorFlow is loaded in this process: run pytest tests/napari by itself")
    import napari
    from qtpy.QtWidgets import QApplication

    made = napari.Viewer(show=True)
    made.window._qt_window.resize(*_SIZE)
    QApplication.instance().processEvents()
    gc.collect()
    gc.freeze()  # napari collects garbage with each layer that goes; what is loaded is none
    yield made
    gc.unfreeze()
    made.close()
    QApplication.instance().processEvents()


@pytest.fixture
def viewer(window: object) -> Iterator[object]:
    """Give the window, and empty it."""
    from btrackmate.napari_plugin.view import workspace

    yield window
    workspace.close(window)
    window.layers.clear()
    for widget in tuple(window.window.dock_widgets.values()):
        window.window.remove_dock_widget(widget)
        widget.deleteLater()
    settle()
    window.window._qt_window.resize(*_SIZE)  # docks can have made it larger than the screen
    settle()


@pytest.fixture(autouse=True)
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which a click or a key ends in an error that nobody told of."""
    found: list[str] = []
    monkeypatch.setattr(
        sys, "excepthook", lambda *error: found.append("".join(traceback.format_exception(*error)))
    )
    yield
    assert not found, "\n".join(found)
