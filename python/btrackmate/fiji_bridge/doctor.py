"""What is found of Java, Fiji, TrackMate and the plugin, and what to do where it lacks."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.fiji_bridge.java_home import choose_java, find_javas
from btrackmate.fiji_bridge.jvm import REPOSITORY, is_reachable, require_extra, start_fiji
from btrackmate.fiji_bridge.places import (
    VARIABLE,
    FijiFolder,
    find_fiji,
    find_in_repository,
    find_local_repository,
    find_local_trackmate,
    find_plugin_jars,
)
from btrackmate.fiji_bridge.settings import JYTHON, LEAST_JAVA, TRACKMATE, FijiSettings

_PACKAGES = ("pyimagej", "scyjava", "jpype1")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Parameters
    ----------
    name : str
        What it is.
    found : str
        What there is.
    remedy : str
        What to do; empty if nothing lacks.
    needed : bool
        Whether nothing works without it; else only a part does not.
    """

    name: str
    found: str
    remedy: str = ""
    needed: bool = True

    @property
    def usable(self) -> bool:
        """Whether this keeps the engine from working."""
        return not (self.remedy and self.needed)

    def __str__(self) -> str:
        mark = "ok" if not self.remedy else "LACKS" if self.needed else "lacks"
        line = f"{mark:5} {self.name:22} {self.found}"
        return f"{line}\n      {'':22} → {self.remedy}" if self.remedy else line


def examine(settings: FijiSettings | None = None, *, start: bool = True) -> list[Finding]:
    """Look for all that Fiji needs.

    Parameters
    ----------
    settings : FijiSettings, optional
    start : bool
        Start Java and load TrackMate, too, where nothing lacks: the proof.

    Returns
    -------
    list of Finding
        The engine can be used if all are `usable`.
    """
    settings = settings or FijiSettings()
    findings = [_find_packages()]
    fiji: FijiFolder | None = None
    try:
        fiji = find_fiji(settings)
        findings.append(_describe_fiji(fiji))
    except UserError as error:
        findings.append(Finding("Fiji", "not usable", str(error)))
    findings += _find_javas(settings, fiji)
    findings.append(_find_trackmate(fiji, usable=findings[1].usable))
    findings.append(_find_jars(settings, fiji))
    findings.append(_find_jython(fiji))
    findings.append(
        Finding("memory", settings.memory or "Java's default: a quarter of the machine")
    )
    if start and all(finding.usable for finding in findings):
        findings.append(_try("start", lambda: str(start_fiji(settings))))
    return findings


def _find_packages() -> Finding:
    versions = []
    for name in _PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {name}")
    found = ", ".join(versions)
    try:
        require_extra()
    except UserError as error:
        return Finding("Python packages", found, str(error))
    return Finding("Python packages", found)


def _name_fiji() -> str:
    return f"{option('fiji', 'DIR')} or ${VARIABLE}"


def _describe_fiji(fiji: FijiFolder | None) -> Finding:
    if fiji is None:
        return Finding(
            "Fiji",
            f"no folder; TrackMate from Maven ({_name_fiji()} names one)",
        )
    return Finding("Fiji", f"{fiji.path} ({fiji.source})")


def _find_javas(settings: FijiSettings, fiji: FijiFolder | None) -> list[Finding]:
    javas = find_javas(fiji.path if fiji else None)
    try:
        chosen = choose_java(settings.java, javas)
    except UserError as error:
        return [Finding("Java", "none that fits", str(error))]
    findings = [Finding("Java", str(chosen))]
    findings += [
        Finding("other Java", f"{java}{'' if java.major >= LEAST_JAVA else ', too old'}")
        for java in javas
        if java.home.resolve() != chosen.home.resolve()
    ]
    return findings


def _find_trackmate(fiji: FijiFolder | None, *, usable: bool) -> Finding:
    if fiji is not None:
        return Finding("TrackMate", f"{fiji.trackmate} in Fiji")
    if not usable:
        return Finding("TrackMate", "unknown", "see Fiji above", needed=False)
    if jar := find_local_trackmate():
        return Finding("TrackMate", f"{jar}")
    if is_reachable(REPOSITORY):
        return Finding("TrackMate", f"{TRACKMATE} will be fetched from {REPOSITORY}")
    return Finding(
        "TrackMate",
        f"not in {find_local_repository()}, and {REPOSITORY} cannot be reached",
        f"name a Fiji folder with TrackMate 8 ({_name_fiji()}), or go online once",
    )


def _find_jars(settings: FijiSettings, fiji: FijiFolder | None) -> Finding:
    name = "BTrackMate's plugin"
    try:
        jars = find_plugin_jars(settings, fiji)
    except UserError as error:
        return Finding(name, "not usable", str(error))
    if not jars:
        remedy = "build the jars with 'mvn -Dtrackmate package' (java/README.md) and copy them into"
        remedy += f" Fiji's plugins folder, or name their folder with {option('jars')}; "
        remedy += f"{option('engine', 'trackmate')} works without"
        return Finding(name, "not found", remedy, needed=False)
    inside = fiji is not None and jars == fiji.plugin_jars
    where = "Fiji" if inside else _name_folders(jars)
    return Finding(name, f"{', '.join(jar.name for jar in jars)} in {where}")


def _name_folders(jars: tuple[Path, ...]) -> str:
    return ", ".join(sorted({str(jar.parent) for jar in jars}))


def _find_jython(fiji: FijiFolder | None) -> Finding:
    if fiji is not None and fiji.jython:
        return Finding("Jython", "in Fiji")
    if fiji is None and (jar := find_in_repository(JYTHON)):
        return Finding("Jython", str(jar))
    remedy = "btrackmate fiji script needs a Fiji with Jython; all else works without"
    where = f"not in {fiji.path}" if fiji else f"{JYTHON} is not in the local Maven repository"
    return Finding("Jython", where, remedy, needed=False)


def _try(name: str, work: Callable[[], str]) -> Finding:
    try:
        return Finding(name, work())
    except UserError as error:
        return Finding(name, "failed", str(error))
