"""imglyb, which pyimagej imports to view numpy arrays as ImgLib2 images: used, or done without.

Importing it asks Maven for a jar that no Fiji brings, and registers work for the start of Java
that fails without that jar. We copy planes instead (`images`), so a Fiji starts without it, offline
too; where the jar is at hand, ``ij.py.to_java(array)`` works as well.
"""

import importlib
import logging
from pathlib import Path

from btrackmate.fiji_bridge.places import FijiFolder, find_local_repository

_log = logging.getLogger(__name__)

_GROUP = ("net", "imglib2")
#: imglyb's own jar, and the one that it needs and that Fiji does not have.
_ARTIFACTS = ("imglib2-imglyb", "imglib2-unsafe")


def find_imglyb_jars(fiji: FijiFolder) -> tuple[Path, ...] | None:
    """Find what has to be added to a Fiji for imglyb.

    Returns
    -------
    tuple of Path or None
        Jars, none if the Fiji has them itself; None if there are none.
    """
    inside = [jar.name for part in ("jars", "plugins") for jar in (fiji.path / part).rglob("*.jar")]
    missing = [name for name in _ARTIFACTS if not any(jar.startswith(f"{name}-") for jar in inside)]
    added = []
    for name in missing:
        jars = sorted(find_local_repository().joinpath(*_GROUP, name).glob(f"*/{name}-[0-9]*.jar"))
        jars = [jar for jar in jars if jar.stem == f"{name}-{jar.parent.name}"]
        if not jars:
            return None
        added.append(jars[-1])
    return tuple(added)


def forget_imglyb(*, keep_callbacks: bool = False) -> None:
    """Take back what importing imglyb asks scyjava for; to be called before Java starts.

    Parameters
    ----------
    keep_callbacks : bool
        Whether its jar is on the class path, so that what it does at the start of Java works.
    """
    import scyjava

    scyjava.config.endpoints[:] = [
        endpoint
        for endpoint in scyjava.config.endpoints
        if not endpoint.startswith("net.imglib2:imglib2-imglyb")
    ]
    if keep_callbacks:
        return
    # scyjava has no way to take a callback back.
    callbacks = getattr(importlib.import_module("scyjava._jvm"), "_startup_callbacks", [])
    callbacks[:] = [call for call in callbacks if not call.__module__.startswith("imglyb")]
    _log.debug("ij.py.to_java(array) needs imglib2-imglyb, which is not here; all else works")
