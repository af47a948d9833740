"""The Java installations of this machine, found without starting one."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.fiji_bridge.settings import LEAST_JAVA

_LIBRARIES = (
    "lib/server/libjvm.so",
    "lib/server/libjvm.dylib",
    "bin/server/jvm.dll",
    "jre/lib/amd64/server/libjvm.so",
    "jre/bin/server/jvm.dll",
)


@dataclass(frozen=True)
class Java:
    """A Java installation.

    Parameters
    ----------
    home : Path
        What JAVA_HOME would name.
    version : str
        E.g. ``"21.0.5"``.
    source : str
        How it was found, e.g. ``"JAVA_HOME"`` or the folder that it was found in.
    """

    home: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        """Major version: 8 for 1.8.0, 21 for 21.0.5."""
        parts = re.findall(r"[0-9]+", self.version)
        return int(parts[1] if parts[0] == "1" and len(parts) > 1 else parts[0])

    def __str__(self) -> str:
        return f"Java {self.version} in {self.home} ({self.source})"


def read_java(home: Path, source: str) -> Java | None:
    """Tell the version of the Java in a folder; None where there is none that can be loaded."""
    if not any((home / library).is_file() for library in _LIBRARIES):
        return None
    release = home / "release"
    if release.is_file():
        text = release.read_text(encoding="utf-8", errors="replace")
        if match := re.search(r'^JAVA_VERSION="([0-9][^"]*)"', text, re.MULTILINE):
            return Java(home, match[1], source)
    version = _ask_version(home)
    return Java(home, version, source) if version else None


def find_javas(fiji: Path | None = None) -> list[Java]:
    """Find the Java installations of this machine.

    Parameters
    ----------
    fiji : Path, optional
        Fiji folder, which may bring its own Java.

    Returns
    -------
    list of Java
        JAVA_HOME's first, then the PATH's, Fiji's, and those of the usual places, newest last.
    """
    found: dict[Path, Java] = {}
    for home, source in _list_candidates(fiji):
        resolved = home.resolve()
        if resolved not in found and (java := read_java(resolved, source)):
            found[resolved] = java
    first = [java for java in found.values() if java.source in ("JAVA_HOME", "PATH", "Fiji")]
    rest = [java for java in found.values() if java not in first]
    return first + sorted(rest, key=lambda java: (java.major, str(java.home)))


def choose_java(given: str | None, javas: list[Java]) -> Java:
    """Take the first Java that TrackMate can run on.

    Parameters
    ----------
    given : str, optional
        Java home that the user named: this one or none.
    javas : list of Java
        From :func:`find_javas`.

    Raises
    ------
    UserError
        If there is none; says which were found.
    """
    advice = f"install a JDK {LEAST_JAVA} or later (e.g. from https://adoptium.net) and set "
    advice += "JAVA_HOME to its folder"
    if given is not None:
        java = read_java(Path(given).expanduser(), "given")
        if java is None:
            msg = f"no Java in {given}: expected a Java home, a folder with bin and lib; {advice}"
            raise UserError(msg)
        javas = [java]
    for java in javas:
        if java.major >= LEAST_JAVA:
            return java
    if not javas:
        msg = f"no Java was found on this machine; {advice}"
        raise UserError(msg)
    msg = f"TrackMate 8 needs Java {LEAST_JAVA} or later, found only "
    msg += f"{'; '.join(str(java) for java in javas)}; {advice}"
    raise UserError(msg)


def _list_candidates(fiji: Path | None) -> Iterator[tuple[Path, str]]:
    """Name the folders where a Java may be, most wanted first."""
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home), "JAVA_HOME"
    if java := shutil.which("java"):
        yield Path(java).resolve().parent.parent, "PATH"
    if fiji is not None:
        for pattern in ("java/*/*", "java/*/*/Contents/Home", "java/*/*/jre"):
            for path in _glob(fiji, pattern):
                yield path, "Fiji"
    for path in (Path(sys.prefix) / "lib" / "jvm", Path(sys.prefix) / "Library"):
        yield path, str(path.parent)
    for folder, pattern in _usual_places():
        for path in _glob(folder, pattern):
            yield path, str(folder)


def _usual_places() -> Iterator[tuple[Path, str]]:
    home = Path.home()
    yield home / ".sdkman/candidates/java", "*"
    yield home / ".jdks", "*"
    yield home / ".jabba/jdk", "*"
    yield home / ".cache/cjdk/v0/jdks", "*/*"
    if sys.platform == "darwin":
        for folder in (Path("/Library/Java/JavaVirtualMachines"),
                       home / "Library/Java/JavaVirtualMachines"):  # fmt: skip
            yield folder, "*/Contents/Home"
        yield Path("/opt/homebrew/opt"), "openjdk*/libexec/openjdk.jdk/Contents/Home"
    elif os.name == "nt":
        for root in (os.environ.get("ProgramFiles"), os.environ.get("LOCALAPPDATA")):  # noqa: SIM112
            if root:
                for vendor in ("Java", "Eclipse Adoptium", "Microsoft", "Zulu", "Amazon Corretto",
                               "Programs/Eclipse Adoptium"):  # fmt: skip
                    yield Path(root) / vendor, "*"
    else:
        yield Path("/usr/lib/jvm"), "*"
        yield Path("/usr/java"), "*"
        yield Path("/opt"), "*jdk*"
        yield Path("/opt/java"), "*"


def _glob(folder: Path, pattern: str) -> Iterable[Path]:
    """List matching folders, by name; nothing where the folder cannot be read."""
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_dir())
    except OSError:
        return []


def _ask_version(home: Path) -> str | None:
    program = home / "bin" / ("java.exe" if os.name == "nt" else "java")
    try:
        done = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "([0-9][^"]*)"', done.stderr)
    return match[1] if match else None
