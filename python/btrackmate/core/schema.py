"""The columns of the spots table: name, TrackMate key, unit and type, as columns.csv has them."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from btrackmate.core.calibration import Calibration
from btrackmate.core.shared_tables import read_shared_table


class Dimension(StrEnum):
    """Physical dimension of a feature, in TrackMate's words."""

    NONE = "NONE"
    QUALITY = "QUALITY"
    COST = "COST"
    INTENSITY = "INTENSITY"
    POSITION = "POSITION"
    LENGTH = "LENGTH"
    AREA = "AREA"
    VOLUME = "VOLUME"
    TIME = "TIME"
    VELOCITY = "VELOCITY"
    ANGLE = "ANGLE"
    RATE = "RATE"


@dataclass(frozen=True)
class Column:
    """One column of the spots table.

    Parameters
    ----------
    name : str
        Column name in tables and CSV files.
    key : str
        TrackMate's feature key.
    label, short : str
        Feature name and short name as TrackMate shows them.
    dimension : Dimension
        What the unit follows from.
    kind : {"int", "float"}
        Type of the values; an integer column has no missing values.
    """

    name: str
    key: str
    label: str
    short: str
    dimension: Dimension
    kind: Literal["int", "float"] = "float"

    def in_space(self, ndim: int) -> "Column":
        """Give the column with the words of 2D, where a volume is an area and voxels are pixels."""
        if ndim == 3 or self.name not in _FLAT:
            return self
        label, short, dimension = _FLAT[self.name]
        return replace(self, label=label, short=short, dimension=dimension)

    def unit(self, calibration: Calibration) -> str:
        """Name the unit of this column's values, empty where there is none."""
        return unit_of(self.dimension, calibration)


def unit_of(dimension: Dimension, calibration: Calibration) -> str:
    """Name the unit of a dimension, e.g. ``"µm^2"`` for AREA; empty where there is none."""
    space, time = calibration.space_unit, calibration.time_unit
    return {
        Dimension.POSITION: space,
        Dimension.LENGTH: space,
        Dimension.AREA: f"{space}^2",
        Dimension.VOLUME: f"{space}^3",
        Dimension.TIME: time,
        Dimension.VELOCITY: f"{space}/{time}",
        Dimension.INTENSITY: "counts",
        Dimension.QUALITY: "quality",
        Dimension.COST: "cost",
        Dimension.ANGLE: "radians",
        Dimension.RATE: f"1/{time}",
    }.get(dimension, "")


_D = Dimension

_ROWS = read_shared_table("columns")

#: Label, short name and dimension in 2D of the columns for which they differ from those in 3D.
_FLAT = {
    row["name"]: (row["flat_label"], row["flat_short"], Dimension(row["flat_dimension"]))
    for row in _ROWS
    if row["flat_label"]
}

#: Columns that need no channel number, in the order in which they are written.
SPOT_COLUMNS: tuple[Column, ...] = tuple(
    Column(
        row["name"],
        row["key"],
        row["label"],
        row["short"],
        Dimension(row["dimension"]),
        "int" if row["kind"] == "int" else "float",
    )
    for row in _ROWS
)

_INTENSITY_WORDS = {
    "mean": "Mean intensity",
    "median": "Median intensity",
    "min": "Min intensity",
    "max": "Max intensity",
    "total": "Sum intensity",
    "std": "Std intensity",
}
_CHANNEL_COLUMN = re.compile(r"^(mean|median|min|max|total|std)_intensity_ch([1-9][0-9]*)$")
_CHANNEL_KEY = re.compile(r"^(MEAN|MEDIAN|MIN|MAX|TOTAL|STD)_INTENSITY_CH([1-9][0-9]*)$")
_BY_NAME = {column.name: column for column in SPOT_COLUMNS}
_BY_KEY = {column.key: column for column in SPOT_COLUMNS}

#: Columns that every spots table has.
REQUIRED = ("id", "frame", "x", "y", "z")


def intensity_columns(channel: int) -> tuple[Column, ...]:
    """Give the intensity columns of one channel.

    Parameters
    ----------
    channel : int
        Channel number from 1, as in TrackMate's keys.
    """
    return tuple(
        Column(
            f"{kind}_intensity_ch{channel}",
            f"{kind.upper()}_INTENSITY_CH{channel}",
            f"{words} ch{channel}",
            f"{words.split()[0]} ch{channel}",
            Dimension.INTENSITY,
        )
        for kind, words in _INTENSITY_WORDS.items()
    )


def find_column(name: str) -> Column | None:
    """Find the schema's column of a column name, or None for a feature of the user's own."""
    if match := _CHANNEL_COLUMN.match(name):
        return next(c for c in intensity_columns(int(match[2])) if c.name == name)
    return _BY_NAME.get(name)


def find_key(key: str) -> Column | None:
    """Find the schema's column of a TrackMate feature key, or None where we have none."""
    if match := _CHANNEL_KEY.match(key):
        return next(c for c in intensity_columns(int(match[2])) if c.key == key)
    return _BY_KEY.get(key)


def resolve_name(name: str) -> str:
    """Turn a TrackMate key or a column name, in any case, into the column name.

    A name that the schema does not know is returned as it is.
    """
    column = find_key(name.upper()) or find_column(name.lower())
    return column.name if column else name


#: Our names of TrackMate's track features; the keys themselves are accepted too, in any case.
TRACK_FEATURES = {
    "duration": "TRACK_DURATION",
    "start": "TRACK_START",
    "stop": "TRACK_STOP",
    "n_spots": "NUMBER_SPOTS",
    "n_divisions": "NUMBER_SPLITS",
    "n_merges": "NUMBER_MERGES",
    "n_complex": "NUMBER_COMPLEX",
    "n_gaps": "NUMBER_GAPS",
    "longest_gap": "LONGEST_GAP",
    "displacement": "TRACK_DISPLACEMENT",
    "total_distance": "TOTAL_DISTANCE_TRAVELED",
    "max_distance": "MAX_DISTANCE_TRAVELED",
    "x": "TRACK_X_LOCATION",
    "y": "TRACK_Y_LOCATION",
    "z": "TRACK_Z_LOCATION",
    "mean_speed": "TRACK_MEAN_SPEED",
    "max_speed": "TRACK_MAX_SPEED",
    "min_speed": "TRACK_MIN_SPEED",
    "median_speed": "TRACK_MEDIAN_SPEED",
    "std_speed": "TRACK_STD_SPEED",
    "mean_quality": "TRACK_MEAN_QUALITY",
    "confinement_ratio": "CONFINEMENT_RATIO",
    "straight_line_speed": "MEAN_STRAIGHT_LINE_SPEED",
    "linearity": "LINEARITY_OF_FORWARD_PROGRESSION",
    "directional_change": "MEAN_DIRECTIONAL_CHANGE_RATE",
}
