"""Drawing label images."""

import numpy as np
import pytest


@pytest.fixture
def draw():
    """Turn rows of digits into an integer array, e.g. ``draw("110", "022")``."""

    def make(*rows: str) -> np.ndarray:
        return np.array([[int(c) if c != "." else 0 for c in row] for row in rows], np.int32)

    return make
