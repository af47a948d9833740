"""Where verbs are stopped, and inputs damaged."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

#: A memory disk, where waiting for the disk costs nothing; the calls are the same.
MEMORY = Path("/dev/shm")


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder in memory, or a temporary one."""
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)
