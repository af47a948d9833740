"""Compiled loops: numba's decorator, and what a user is told about compiling.

numba compiles a function on its first call and keeps the result in a cache: in `__pycache__` beside
the function's file, or else in the user's cache folder, or in NUMBA_CACHE_DIR where that is set.
`btrackmate warm-up` fills it, so that nobody waits later. Modules with compiled functions import
`njit` from here.
"""

import atexit
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core import event

from btrackmate.core.owners import Owner

__all__ = ["njit"]

_log = logging.getLogger(__name__)

_PREFIX = "btrackmate-numba-"


class _Announcer(event.Listener):  # type: ignore[misc]
    """Say in the log, once a process, that a user waits for the compiler."""

    def __init__(self) -> None:
        self._said = False

    def on_start(self, started: Any) -> None:
        """Note that a function is compiled; one from the cache does not come here."""
        module = started.data["dispatcher"].py_func.__module__
        if not self._said and module.startswith("btrackmate."):
            self._said = True
            _log.info(
                "compiling loops for this machine, once (up to a minute); `btrackmate warm-up` "
                "compiles all of them ahead"
            )

    def on_end(self, ended: Any) -> None:
        """Do nothing when it is done."""


def _ensure_cache() -> None:
    """Let numba keep what it compiles; where no folder can be written, for this process only."""

    def probe() -> None:
        pass

    try:
        njit(cache=True)(probe)
    except RuntimeError:
        config.CACHE_DIR = _make_folder()
        _log.warning(
            "neither the package's folder nor the user's cache folder can be written: compiled "
            "loops are kept for this process only, in %s; set NUMBA_CACHE_DIR to a folder that "
            "stays",
            config.CACHE_DIR,
        )


def _make_folder() -> str:
    """Make a folder that goes at the end of the process; clear those that killed ones left."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = Owner.from_token(left.name.removeprefix(_PREFIX).rpartition("-")[0])
        if owner is not None and owner.is_alive is False:
            shutil.rmtree(left, ignore_errors=True)
    made = tempfile.mkdtemp(prefix=f"{_PREFIX}{Owner.current().token}-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


event.register("numba:compile", _Announcer())
_ensure_cache()
