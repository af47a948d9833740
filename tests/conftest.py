"""Where tests write: in memory, where waiting for the disk costs nothing."""

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
#: What all tests together leave there until they end, with room to spare, bytes.
NEEDED = 4_000_000_000


def pytest_configure() -> None:
    """Make pytest's temporary folders in memory, where there is enough of it."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > NEEDED:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
