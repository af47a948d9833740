"""The one JVM of this process: started once, with Fiji or with TrackMate from Maven."""

import atexit
import importlib.util
import logging
import os
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.fiji_bridge.console import JavaConsole
from btrackmate.fiji_bridge.imglyb import find_imglyb_jars, forget_imglyb
from btrackmate.fiji_bridge.java_home import Java, choose_java, find_javas
from btrackmate.fiji_bridge.places import (
    FijiFolder,
    find_fiji,
    find_in_repository,
    find_local_trackmate,
    find_plugin_jars,
)
from btrackmate.fiji_bridge.settings import JYTHON, LEAST_JAVA, TRACKMATE, FijiSettings

_log = logging.getLogger(__name__)

#: Where Maven looks for what the local repository lacks.
REPOSITORY = "https://maven.scijava.org/content/groups/public/"
_SECONDS_TO_ANSWER = 5.0
_RESTART = "Java starts once in a process: restart Python (the notebook's kernel)"


@dataclass(frozen=True, eq=False)
class Fiji:
    """The running Fiji, or TrackMate without a Fiji around it.

    Parameters
    ----------
    ij : pyimagej's gateway, or None
        ``net.imagej.ImageJ``; None where TrackMate came from Maven.
    context : org.scijava.Context
        SciJava's services.
    trackmate : str
        TrackMate's version.
    java, source : str
        What runs it, and where it came from, in words.
    console : JavaConsole
        What Java prints.
    """

    ij: Any
    context: Any
    trackmate: str
    java: str
    source: str
    console: JavaConsole = field(repr=False)

    def __str__(self) -> str:
        return f"TrackMate {self.trackmate} ({self.source}, {self.java})"


_running: list[Fiji] = []


def start_fiji(settings: FijiSettings | None = None) -> Fiji:
    """Start Java with Fiji, or with TrackMate from Maven; give the one that runs already.

    Parameters
    ----------
    settings : FijiSettings, optional
        Heeded by the first call only.

    Returns
    -------
    Fiji

    Raises
    ------
    UserError
        If the extra is not installed, there is no Java 21, no TrackMate 8, or Java does not start.
    """
    if _running:
        if settings is not None and settings != FijiSettings():
            _log.info("Java runs already, with %s; new settings count after a restart", _running[0])
        return _running[0]
    plan = make_plan(settings or FijiSettings())
    console: list[JavaConsole] = []
    if is_java_running():
        _open_console(console)
    try:
        fiji = _launch(plan, console)
    finally:
        if console:
            console[0].finish()
            console[0].info_level = logging.INFO
    _running.append(fiji)
    _log.info("%s", fiji)
    return fiji


def is_java_running() -> bool:
    """Tell whether this process has a JVM, without starting one."""
    require_extra()
    import jpype

    return bool(jpype.isJVMStarted())


def java_class(name: str) -> Any:
    """Give a class of the running JVM."""
    import jpype

    return jpype.JClass(name)


def leave_behind(ended: threading.Event) -> None:
    """Let Python end without waiting for Java work that does not stop.

    Parameters
    ----------
    ended : Event
        Set when that work is done. If it is not when Python ends, the process ends at once, with
        exit code 1: Java would keep it until then.
    """

    def end() -> None:
        if not ended.is_set():
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)

    atexit.register(end)


def require_extra() -> None:
    """Refuse to go on without the Python packages that start Java.

    Raises
    ------
    UserError
        If one is not installed.
    """
    missing = [
        name for name in ("jpype", "scyjava", "imagej") if not importlib.util.find_spec(name)
    ]
    if missing:
        msg = f"Fiji needs the Python package {', '.join(missing)}: pip install 'btrackmate[fiji]'"
        raise UserError(msg)


@dataclass(frozen=True)
class Plan:
    """What would be started.

    Parameters
    ----------
    settings : FijiSettings
    java : Java
    fiji : FijiFolder or None
        None: TrackMate from Maven.
    jars : tuple of Path
        Jars of our plugin; empty if there are none.
    """

    settings: FijiSettings
    java: Java
    fiji: FijiFolder | None
    jars: tuple[Path, ...]


def make_plan(settings: FijiSettings) -> Plan:
    """Find Java, Fiji and our jars.

    Raises
    ------
    UserError
        If something needed is missing.
    """
    require_extra()
    fiji = find_fiji(settings)
    java = choose_java(settings.java, find_javas(fiji.path if fiji else None))
    if fiji is None and find_local_trackmate() is None and not is_reachable(REPOSITORY):
        msg = f"found no Fiji, {TRACKMATE} is not in the local Maven repository, and {REPOSITORY} "
        msg += (
            f"cannot be reached; name a Fiji folder with TrackMate 8 ({option('fiji', 'DIR')} or "
        )
        msg += "$BTRACKMATE_FIJI), or go online once"
        raise UserError(msg)
    return Plan(settings, java, fiji, find_plugin_jars(settings, fiji))


def is_reachable(url: str) -> bool:
    """Tell whether a server answers."""
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310
        with urllib.request.urlopen(request, timeout=_SECONDS_TO_ANSWER):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False


def _launch(plan: Plan, console: list[JavaConsole]) -> Fiji:
    """Start Java and load TrackMate."""
    import jpype
    import scyjava

    if jpype.isJVMStarted():
        return _adopt(console)
    first = find_javas(plan.fiji.path if plan.fiji else None)[:1]
    if first and first[0].major < LEAST_JAVA and plan.settings.java is None:
        _log.info("%s is too old for TrackMate 8; %s is used", first[0], plan.java)
    os.environ["JAVA_HOME"] = str(plan.java.home)
    # "never" makes pyimagej 1.8.0 fail; with JAVA_HOME set, "auto" downloads nothing.
    scyjava.config.set_java_constraints(fetch="auto", version=str(plan.java.major))
    scyjava.config.add_options(_list_options(plan))
    # With True, scyjava's default, Java ends the process on Ctrl-C; Python shall get it.
    scyjava.config.add_kwargs(interrupt=False)
    inside = plan.fiji.plugin_jars if plan.fiji else ()
    added = [str(jar) for jar in plan.jars if jar not in inside]
    if plan.fiji is None and (jython := find_in_repository(JYTHON)):
        added.append(str(jython))
    if added:
        scyjava.config.add_classpath(*added)
    scyjava.when_jvm_starts(lambda: _open_console(console))
    try:
        ij = None
        if plan.fiji:
            ij = _start_folder(plan.fiji, plan.settings.mode)
        else:
            _start_maven()
        context = ij.context() if ij is not None else _make_context()
    except (RuntimeError, OSError, ValueError, TypeError, jpype.JException) as error:
        where = f"Fiji in {plan.fiji.path}" if plan.fiji else TRACKMATE
        msg = f"{where} does not start on {plan.java}: {_first_line(error)}; "
        msg += "btrackmate fiji doctor tells what is found"
        raise UserError(msg) from error
    source = f"Fiji in {plan.fiji.path}" if plan.fiji else "from Maven"
    return Fiji(ij, context, _read_version(), str(plan.java), source, console[0])


def _open_console(place: list[JavaConsole]) -> None:
    """Take what Java prints; what libraries say of themselves while they start is no news."""
    console = JavaConsole()
    console.info_level = logging.DEBUG
    place.append(console)


def _list_options(plan: Plan) -> list[str]:
    options = [
        # Jython and ImageJ's patches reach into Java's own classes.
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
        "--add-opens=java.base/java.io=ALL-UNNAMED",
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        # Else Java itself ends at SIGTERM, under a Python that still uses it: a crash report.
        "-Xrs",
        "-Dpython.cachedir.skip=true",
        "-Dpython.console.encoding=UTF-8",
    ]
    if plan.settings.mode == "headless":
        options.append("-Djava.awt.headless=true")
    if plan.settings.memory:
        options.append(f"-Xmx{plan.settings.memory.lower()}")
    if plan.java.major >= 24:
        # Java warns of native code and of Unsafe from these versions on.
        options += ["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]
    return options


def _start_folder(fiji: FijiFolder, mode: str) -> Any:
    """Start a local Fiji through pyimagej."""
    import imagej
    import scyjava

    imglyb = find_imglyb_jars(fiji)
    forget_imglyb(keep_callbacks=imglyb is not None)
    if imglyb:
        scyjava.config.add_classpath(*map(str, imglyb))
    return imagej.init(str(fiji.path), mode=mode)


def _start_maven() -> None:
    """Start Java with TrackMate from the local Maven repository or SciJava's."""
    import scyjava

    # The user may have imported imagej.
    forget_imglyb()
    scyjava.config.endpoints[:] = [TRACKMATE]
    # It warns of every optional native library that it skips.
    resolver = logging.getLogger("jgo")
    level = resolver.level
    resolver.setLevel(logging.ERROR)
    try:
        scyjava.start_jvm()
    finally:
        resolver.setLevel(level)


def _adopt(console: list[JavaConsole]) -> Fiji:
    """Take the JVM that runs already, if it has TrackMate 8."""
    import jpype

    try:
        version = _read_version()
    except TypeError:
        msg = f"Java runs in this process already, but without TrackMate. {_RESTART}, and let "
        msg += "btrackmate start it"
        raise UserError(msg) from None
    if not version.startswith("8."):
        msg = f"Java runs in this process already with TrackMate {version}; 8 is needed. {_RESTART}"
        raise UserError(msg)
    context = _make_context()
    java = ".".join(str(part) for part in jpype.getJVMVersion())
    return Fiji(None, context, version, f"Java {java}", "started before", console[0])


def _make_context() -> Any:
    """Make a SciJava context with all services."""
    import scyjava

    # Without an argument JPype takes the constructor for a list of services: that of none.
    context = java_class("org.scijava.Context")(False)
    # Its threads would keep Java alive for a minute.
    scyjava.when_jvm_stops(context.dispose)
    return context


def _read_version() -> str:
    """Ask the running TrackMate for its version."""
    trackmate = java_class("fiji.plugin.trackmate.TrackMate")
    return str(trackmate.PLUGIN_NAME_VERSION)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
