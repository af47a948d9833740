"""Names of units, as in Java."""

import json
from pathlib import Path

import pytest

from btrackmate.io.units import normalise_space_unit, normalise_time_unit

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden/units/units.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("kind", "normalise"), [("space", normalise_space_unit), ("time", normalise_time_unit)]
)
def test_each_spelling_has_one_name(kind, normalise):
    spellings = GOLDEN[kind]
    assert {text: normalise(text) for text in spellings} == spellings
