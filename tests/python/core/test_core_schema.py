import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.schema import (
    SPOT_COLUMNS,
    Dimension,
    find_column,
    find_key,
    intensity_columns,
    resolve_name,
    unit_of,
)

CALIBRATION = Calibration(space_unit="µm", time_unit="min")


def test_names_and_keys_are_unique():
    assert len({c.name for c in SPOT_COLUMNS}) == len({c.key for c in SPOT_COLUMNS})
    assert len({c.name for c in SPOT_COLUMNS}) == len(SPOT_COLUMNS)


@pytest.mark.parametrize(
    ("name", "key", "unit"),
    [
        ("x", "POSITION_X", "µm"),
        ("time", "POSITION_T", "min"),
        ("volume", "VOLUME", "µm^3"),
        ("surface", "SURFACE", "µm^2"),
        ("label", "LABEL_ID", ""),
        ("std_intensity_ch12", "STD_INTENSITY_CH12", "counts"),
    ],
)
def test_name_key_and_unit(name, key, unit):
    assert find_column(name).key == key
    assert find_key(key).name == name
    assert find_column(name).unit(CALIBRATION) == unit


def test_units_of_rates():
    assert unit_of(Dimension.VELOCITY, CALIBRATION) == "µm/min"
    assert unit_of(Dimension.RATE, CALIBRATION) == "1/min"


@pytest.mark.parametrize("name", ["mean_intensity_ch0", "mean_intensity_ch", "area", "X"])
def test_other_names_are_the_users_own(name):
    assert find_column(name) is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("RADIUS", "radius"),
        ("position_x", "x"),
        ("Volume", "volume"),
        ("mean_intensity_CH2", "mean_intensity_ch2"),
        ("My feature", "My feature"),
    ],
)
def test_names_are_resolved_in_any_case(given, name):
    assert resolve_name(given) == name


def test_all_intensity_columns_of_a_channel_are_found():
    for column in intensity_columns(3):
        assert find_column(column.name) == find_key(column.key) == column
