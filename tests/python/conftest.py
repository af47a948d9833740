"""Files that several test folders use."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from tiny_movies import dividing_cells, write_imagej

from btrackmate.pipeline import run as run_module

# No test is timed, as hypothesis does by itself in CI; all else of its profile stays.
settings.register_profile("untimed", parent=settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def level_of_log() -> Iterator[None]:
    """Set the log's level back, which the command line sets for its process."""
    logger = logging.getLogger("btrackmate")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def plain_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `run` write a line instead of its report, which takes most of the time of a small run."""
    monkeypatch.setattr(
        run_module,
        "render_report",
        lambda data: f"<p>{data.record['command']} {data.record['to_know']}\n",
    )


@pytest.fixture
def labels_3d(tmp_path: Path) -> Path:
    """Label movie TZYX with a division, 6 frames."""
    return write_imagej(tmp_path / "labels.tif", dividing_cells(), "TZYX")


@pytest.fixture
def image_3d(tmp_path: Path) -> Path:
    """Image of the same cells, 10 outside and 100 + label inside."""
    labels = dividing_cells()
    image = np.where(labels > 0, 100 + labels, 10).astype(np.uint16)
    return write_imagej(tmp_path / "image.tif", image, "TZYX")
