"""Examples in docstrings run."""

import doctest
import importlib

import pytest

MODULES = (
    "btrackmate.api.analysis",
    "btrackmate.api.files",
    "btrackmate.api.images",
    "btrackmate.api.tracks",
    "btrackmate.core.fields",
    "btrackmate.core.graph",
    "btrackmate.core.spots",
    "btrackmate.tracking.feature_filter",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
