"""How Java, Fiji and TrackMate are started."""

import os
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from btrackmate.core.settings import Settings

#: Value of `FijiSettings.fiji` that asks for TrackMate from Maven even where there is a Fiji.
MAVEN = "maven"

#: The TrackMate that is taken from Maven; the version that the results are compared with.
TRACKMATE = "sc.fiji:TrackMate:8.1.6"

#: Fiji's Jython, which is taken from the local Maven repository where there is no Fiji.
JYTHON = "org.scijava:jython-shaded:2.7.1.1"

#: Java that TrackMate 8.1.1 and later needs.
LEAST_JAVA = 21


#: Java ends the whole process at once if its memory is too small to start, or cannot be had.
_LEAST_MEGABYTES = 64
_MEGABYTES = {"m": 1, "g": 1024, "t": 1024**2}


def _check_memory(value: Any) -> Any:
    if value is None:
        return value
    match = re.fullmatch(r"([1-9][0-9]*)([mgt])", str(value).lower())
    if match is None:
        msg = "expected a number and m, g or t, e.g. 4g"
        raise ValueError(msg)
    megabytes = int(match[1]) * _MEGABYTES[match[2]]
    most = _measure_memory()
    if megabytes < _LEAST_MEGABYTES or (most and megabytes > most):
        msg = f"expected {_LEAST_MEGABYTES}m or more, and no more than the machine has"
        raise ValueError(f"{msg} ({most}m)" if most else msg)
    return value


def _measure_memory() -> int:
    """Tell the machine's memory in megabytes; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2
    except (AttributeError, ValueError, OSError):
        return 0


class FijiSettings(Settings):
    """Where Fiji, Java and the plugin's jars are, and how much memory Java may take."""

    fiji: str | None = Field(
        None,
        description="Fiji folder, or 'maven' for TrackMate from Maven; else $BTRACKMATE_FIJI, else "
        "a Fiji in the usual places, else Maven",
    )
    memory: Annotated[str | None, BeforeValidator(_check_memory)] = Field(
        None, description="most memory that Java may take, e.g. 4g; else a quarter of the machine's"
    )
    java: str | None = Field(
        None,
        description=f"Java home, {LEAST_JAVA} or later; else $JAVA_HOME, the PATH, usual places",
    )
    jars: str | None = Field(
        None,
        description="folder with the jars of BTrackMate's plugin; else those in Fiji, else those "
        "built in this checkout, else those in the local Maven repository",
    )
    mode: Literal["headless", "interactive"] = Field(
        "headless", description="interactive can show Fiji's windows"
    )
