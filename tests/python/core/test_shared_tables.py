"""What Python and Java share: JUnit holds Java to the same files."""

import pytest

from btrackmate.core.schema import SPOT_COLUMNS, Dimension
from btrackmate.core.shared_tables import read_shared_table
from btrackmate.fiji_bridge.plugin import PluginSettings
from btrackmate.measurement.settings import MaskSettings
from btrackmate.pipeline.settings import InputSettings
from btrackmate.tracking.settings import (
    AdvancedKalmanSettings,
    LapSettings,
    OverlapSettings,
    PruneSettings,
)

DEFAULTS = {row["name"]: row["value"] for row in read_shared_table("defaults")}
#: Where a default stands here, by its name in the table.
PLACES = {
    "mask_policy": (MaskSettings, "policy"),
    "mask_fraction": (MaskSettings, "fraction"),
    "csv_units": (InputSettings, "csv_units"),
    "csv_time": (InputSettings, "csv_time"),
}


def spell(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_of_the_command_line_is_the_shared_one(name):
    owner, field = PLACES.get(name, (None, name))
    owners = [owner] if owner else [LapSettings, AdvancedKalmanSettings, OverlapSettings]
    if owner is None:
        owners.append(PruneSettings)
    found = {spell(one.model_fields[field].default) for one in owners if field in one.model_fields}
    assert found == {DEFAULTS[name]}


def test_trackers_and_pruning_have_no_default_that_is_not_shared():
    """But what TrackMate fixes (blocking) or has under another name (penalties, division)."""
    here = ("penalties", "blocking_value", "division_weight")
    for one in (LapSettings, AdvancedKalmanSettings, OverlapSettings, PruneSettings):
        names = {name for name in one.model_fields if not name.endswith(here)}
        assert names <= set(DEFAULTS)


def test_fiji_run_has_the_same_defaults():
    given = PluginSettings()
    assert spell(given.mask_policy) == DEFAULTS["mask_policy"]
    assert spell(given.mask_fraction) == DEFAULTS["mask_fraction"]
    assert spell(given.csv_units) == DEFAULTS["csv_units"]
    assert spell(given.csv_time) == DEFAULTS["csv_time"]
    assert spell(given.linking_distance) == DEFAULTS["linking_max_distance"]
    assert spell(given.frame_gap) == DEFAULTS["max_frame_gap"]
    assert spell(given.splitting) == DEFAULTS["allow_track_splitting"]
    assert spell(given.min_tracklet_length) == DEFAULTS["min_tracklet_length"]
    assert spell(given.unit) == DEFAULTS["unit"]


def test_columns_are_those_of_the_table():
    rows = read_shared_table("columns")
    assert [column.name for column in SPOT_COLUMNS] == [row["name"] for row in rows]
    assert len({row["key"] for row in rows}) == len(rows)
    volume = next(column for column in SPOT_COLUMNS if column.name == "volume")
    assert (volume.key, volume.dimension) == ("VOLUME", Dimension.VOLUME)
    assert volume.in_space(2).dimension is Dimension.AREA


def test_aliases_mean_columns_and_are_spelled_plainly():
    names = {row["name"] for row in read_shared_table("columns")}
    rows = read_shared_table("aliases")
    assert {row["name"] for row in rows} <= names
    assert {row["strength"] for row in rows} == {"strong", "weak", "own"}
    assert len({row["alias"] for row in rows}) == len(rows)
    assert all(row["alias"].isalnum() and row["alias"].islower() for row in rows)
