"""A folder like Fiji's, laid out from the local Maven repository, and a screen to show it on."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from btrackmate.fiji_bridge.places import find_local_repository
from btrackmate.fiji_bridge.settings import TRACKMATE

#: What a Fiji has of ImageJ2: the gateway, ImageJ's own menus and macros, Jython.
_PARTS = (
    ("net.imagej", "imagej"),
    ("net.imagej", "imagej-legacy"),
    ("org.scijava", "scripting-jython"),
    ("org.scijava", "scijava-plugins-commands"),
)


def lay_out_fiji(folder: Path) -> Path:
    """Link the jars of Fiji's parts into `folder`; imglyb is not among them, as in Fiji."""
    endpoints = [TRACKMATE]
    for group, artifact in _PARTS:
        place = find_local_repository().joinpath(*group.split("."), artifact)
        versions = sorted(jar.parent.name for jar in place.glob(f"*/{artifact}-[0-9]*.jar"))
        if not versions:
            pytest.skip(f"{group}:{artifact} is not in the local Maven repository")
        endpoints.append(f"{group}:{artifact}:{versions[-1]}")
    import jgo

    found = jgo.build(
        endpoint="+".join(endpoints),
        cache_dir=folder / "cache",
        resolver=jgo.maven.PythonResolver(lenient=True),
    )
    for part in ("jars", "plugins"):
        (folder / part).mkdir()
    for jar in [*found.modules_dir.glob("*.jar"), *found.jars_dir.glob("*.jar")]:
        if not jar.name.startswith(("imglib2-imglyb-", "imglib2-unsafe-")):
            part = "plugins" if jar.name.startswith("TrackMate-") else "jars"
            shutil.copy(jar, folder / part)
    return folder


@contextlib.contextmanager
def open_screen() -> Iterator[dict[str, str]]:
    """Give the environment of a screen: the one that is there, else Xvfb's."""
    if os.environ.get("DISPLAY"):
        yield {"DISPLAY": os.environ["DISPLAY"]}
        return
    if shutil.which("Xvfb") is None:
        pytest.skip("no screen, and Xvfb is not installed")
    read, write = os.pipe()
    words = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
    with subprocess.Popen(words, pass_fds=(write,), stderr=subprocess.DEVNULL) as server:
        os.close(write)
        try:
            with open(read, encoding="ascii") as stream:  # noqa: PTH123  (a pipe)
                yield {"DISPLAY": f":{stream.readline().strip()}"}
        finally:
            server.terminate()
