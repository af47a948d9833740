"""Fiji folders, and the jars of TrackMate and of our plugin."""

import logging
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.fiji_bridge.settings import MAVEN, TRACKMATE, FijiSettings

_log = logging.getLogger(__name__)

#: Environment variable that names the Fiji folder.
VARIABLE = "BTRACKMATE_FIJI"

_TRACKMATE_JAR = re.compile(r"TrackMate_?-([0-9]+(?:\.[0-9]+)*[^/]*)\.jar")
_PLUGIN_JAR = re.compile(r"btrackmate(-core)?-[0-9][^/]*\.jar")
_JYTHON_JAR = re.compile(r"jython-(shaded|slim|standalone)?-?[0-9][^/]*\.jar")


@dataclass(frozen=True)
class FijiFolder:
    """A local Fiji.

    Parameters
    ----------
    path : Path
    source : str
        How it was found: given, the environment variable, or a usual place.
    trackmate : str or None
        TrackMate's version.
    plugin_jars : tuple of Path
        Jars of BTrackMate's plugin in it.
    jython : bool
        Whether it can run Jython scripts.
    """

    path: Path
    source: str
    trackmate: str | None
    plugin_jars: tuple[Path, ...]
    jython: bool

    def find_fault(self) -> str:
        """Say what keeps us from using it; empty if nothing."""
        update = "update it with Help ▸ Update… in Fiji, or name another one with "
        update += option("fiji")
        if self.trackmate is None:
            return f"Fiji in {self.path} has no TrackMate; {update}"
        if int(self.trackmate.split(".")[0]) != 8:
            fault = f"Fiji in {self.path} has TrackMate {self.trackmate}, version 8 is needed"
            return f"{fault}; {update}"
        return ""


def inspect_fiji(path: Path, source: str) -> FijiFolder | None:
    """Look into a folder; None if it is no Fiji (no folders jars and plugins)."""
    # On a Mac, Fiji.app may be the program beside the folders jars and plugins.
    for folder in (path, path.parent if path.suffix == ".app" else path):
        if (folder / "jars").is_dir() and (folder / "plugins").is_dir():
            break
    else:
        return None
    jars = sorted(jar for part in ("jars", "plugins") for jar in (folder / part).rglob("*.jar"))
    versions = [match[1] for jar in jars if (match := _TRACKMATE_JAR.fullmatch(jar.name))]
    return FijiFolder(
        folder,
        source,
        versions[-1] if versions else None,
        tuple(jar for jar in jars if _PLUGIN_JAR.fullmatch(jar.name)),
        any(_JYTHON_JAR.fullmatch(jar.name) for jar in jars),
    )


def find_fiji(settings: FijiSettings) -> FijiFolder | None:
    """Find the Fiji that the settings, the environment or the usual places name.

    Returns
    -------
    FijiFolder or None
        None: TrackMate comes from Maven.

    Raises
    ------
    UserError
        If a folder was named that is no Fiji with TrackMate 8.
    """
    named = settings.fiji or os.environ.get(VARIABLE)
    if named == MAVEN:
        return None
    if named:
        source = "given" if settings.fiji else VARIABLE
        found = inspect_fiji(Path(named).expanduser().absolute(), source)
        if found is None:
            msg = f"{named} ({source}) is no Fiji: expected a folder with jars and plugins in it, "
            msg += "e.g. ~/Fiji.app; or 'maven' for TrackMate from Maven"
            raise UserError(msg)
        if fault := found.find_fault():
            raise UserError(fault)
        return found
    for path in list_usual_places():
        found = inspect_fiji(path, "usual place")
        if found is not None:
            if not (fault := found.find_fault()):
                return found
            _log.warning("%s; it is left alone", fault)
    return None


def list_usual_places() -> Iterator[Path]:
    """Name the folders where Fiji is usually unpacked."""
    home = Path.home()
    roots = [home, home / "Applications", home / "Desktop", home / "Downloads", home / "bin"]
    if sys.platform == "darwin":
        roots += [Path("/Applications"), Path("/Applications/Fiji")]
    elif os.name == "nt":
        for name in ("ProgramFiles", "LOCALAPPDATA", "SystemDrive"):
            if text := os.environ.get(name):
                roots.append(Path(text + os.sep))
    else:
        roots += [Path("/opt"), Path("/usr/local"), Path("/usr/share")]
    for root in roots:
        for name in ("Fiji.app", "Fiji", "fiji"):
            yield root / name


def find_plugin_jars(settings: FijiSettings, fiji: FijiFolder | None) -> tuple[Path, ...]:
    """Find the jars of BTrackMate's plugin and its core.

    Returns
    -------
    tuple of Path
        Both jars, or none.

    Raises
    ------
    UserError
        If a folder was named that does not hold both.
    """
    if settings.jars is not None:
        found = _both(Path(settings.jars).expanduser())
        if not found:
            msg = f"{settings.jars}: expected a folder with btrackmate-VERSION.jar and "
            msg += "btrackmate-core-VERSION.jar (java/README.md says how to build them)"
            raise UserError(msg)
        return found
    if fiji is not None and len(fiji.plugin_jars) >= 2:
        return fiji.plugin_jars
    checkout = Path(__file__).parents[3] / "java" / "btrackmate" / "target" / "fiji"
    if found := _both(checkout):
        return found
    group = find_local_repository() / "io" / "github" / "btrackmate"
    jars = [
        jar
        for name in ("btrackmate", "btrackmate-core")
        for jar in sorted(group.glob(f"{name}/*/{name}-*.jar"))[-1:]
    ]
    return tuple(jars) if len(jars) == 2 else ()


def _both(folder: Path) -> tuple[Path, ...]:
    places = (folder, folder / "plugins", folder / "jars")
    every = sorted(
        (jar for place in places for jar in place.glob("*.jar")), key=lambda jar: jar.name
    )
    jars = [jar for jar in every if _PLUGIN_JAR.fullmatch(jar.name)]
    cores = [jar for jar in jars if "-core-" in jar.name]
    return tuple(jars) if cores and len(jars) > len(cores) else ()


def find_local_repository() -> Path:
    """Name the local Maven repository."""
    return Path.home() / ".m2" / "repository"


def find_in_repository(coordinate: str) -> Path | None:
    """Find the jar of ``group:artifact:version`` in the local Maven repository."""
    group, artifact, version = coordinate.split(":")
    folder = find_local_repository().joinpath(*group.split("."), artifact, version)
    jar = folder / f"{artifact}-{version}.jar"
    return jar if jar.is_file() else None


def find_local_trackmate() -> Path | None:
    """Find TrackMate's jar in the local Maven repository."""
    return find_in_repository(TRACKMATE)
