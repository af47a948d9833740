"""A JVM in a process of its own: pytest's process stays free of Java's signal handlers."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import fiji_jvm
import pytest

from btrackmate.core.errors import UserError
from btrackmate.core.parallel import end_with_parent
from btrackmate.fiji_bridge.java_home import find_javas
from btrackmate.fiji_bridge.jvm import require_extra
from btrackmate.fiji_bridge.places import find_fiji, find_local_trackmate, find_plugin_jars
from btrackmate.fiji_bridge.settings import LEAST_JAVA, TRACKMATE, FijiSettings


def require_extra_or_skip() -> None:
    """Skip where the extra is not installed."""
    try:
        require_extra()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ij_jar() -> Path:
    """ImageJ's jar in the local Maven repository."""
    jars = sorted((Path.home() / ".m2/repository/net/imagej/ij").glob("*/ij-*.jar"))
    if not jars:
        pytest.skip("net.imagej:ij is not in the local Maven repository (make ij fetches it)")
    return jars[-1]


@pytest.fixture(scope="module")
def imagej(ij_jar):
    """Call a function of fiji_jvm in a process whose JVM has ImageJ."""
    require_extra_or_skip()
    if not any(java.major >= 11 for java in find_javas()):
        pytest.skip("no Java 11 or later on this machine")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, end_with_parent) as pool:
        pool.submit(fiji_jvm.start_imagej, ij_jar).result()
        yield lambda function, *args, **kwargs: pool.submit(function, *args, **kwargs).result()


def find_route(name: str) -> dict[str, str]:
    """Give the settings that start TrackMate by one route; skips where it is not there."""
    require_extra_or_skip()
    if not any(java.major >= LEAST_JAVA for java in find_javas()):
        pytest.skip(f"no Java {LEAST_JAVA} or later on this machine, which TrackMate 8 needs")
    if name == "maven":
        if find_local_trackmate() is None:
            pytest.skip(f"{TRACKMATE} is not in the local Maven repository")
        return {"fiji": "maven"}
    fiji = find_fiji(FijiSettings())
    if fiji is None:
        pytest.skip("no Fiji with TrackMate 8 (BTRACKMATE_FIJI or a usual place)")
    return {"fiji": str(fiji.path)}


@pytest.fixture(scope="session", params=["folder", "maven"])
def route(request):
    """Give the settings that start TrackMate, by either route."""
    return find_route(request.param)


@pytest.fixture(scope="session")
def trackmate(route):
    """Call a function of fiji_jvm in a process that runs the real TrackMate."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, end_with_parent) as pool:
        started = pool.submit(fiji_jvm.start, route).result()
        assert started["trackmate"].startswith("8.")
        assert started["gateway"] == (route["fiji"] != "maven")
        yield lambda function, *args, **kwargs: pool.submit(function, *args, **kwargs).result()


@pytest.fixture(scope="session")
def plugin(trackmate, route):
    """The same with the jars of BTrackMate's plugin, where this route finds them."""
    settings = FijiSettings(**route)
    if not find_plugin_jars(settings, find_fiji(settings)):
        pytest.skip("the jars of BTrackMate's plugin are not built (mvn -Dtrackmate package)")
    return trackmate
