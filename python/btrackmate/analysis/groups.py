"""Groups of tracklets: by a column of theirs, of their spots, or of the user's own table."""

import logging
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.io.numbers import MAX_EXACT

#: Name of the group of all, and of those that have no value.
ALL, NONE = "all", "no group"
Names = NDArray[np.object_]
_log = logging.getLogger(__name__)


def name_groups(graph: TrackGraph, tracklets: pd.DataFrame, column: str | None) -> Names:
    """Name the group of each tracklet.

    Parameters
    ----------
    graph : TrackGraph
    tracklets : DataFrame
        With the user's columns, where there are any.
    column : str or None
        Of `tracklets`, or of the spots: then the commonest value in the tracklet counts, the lower
        of two; None: all are one group.

    Raises
    ------
    UserError
        If there is no such column.
    """
    if column is None:
        return np.full(len(tracklets), ALL, object)
    if column in tracklets:
        return _write_names(tracklets[column])
    if column not in graph.spots.table:
        known = [*tracklets.columns, *graph.spots.table.columns]
        msg = f"there is no column {column!r} to group by; there are {', '.join(known)}"
        raise UserError(msg)
    values = pd.DataFrame({"tracklet": graph.tracklet, "value": graph.spots.table[column]})
    counts = values.dropna().groupby(["tracklet", "value"]).size().reset_index(name="n")
    counts = counts.sort_values(["tracklet", "n", "value"], ascending=[True, False, True])
    first = counts.drop_duplicates("tracklet").set_index("tracklet")["value"]
    return _write_names(first.reindex(tracklets.index))


def join_conditions(
    tracklets: pd.DataFrame, conditions: pd.DataFrame, source: str = "the table of groups"
) -> pd.DataFrame:
    """Add the user's columns to a table of tracklets.

    Parameters
    ----------
    tracklets : DataFrame
    conditions : DataFrame
        track (id as in the tracks' file) or tracklet, and further columns; tracks that are not in
        it get no value.
    source : str
        For messages.

    Raises
    ------
    UserError
        If neither column is there, a track stands twice, none of them is among the tracks, or a
        column has the name of one of ours.
    """
    key = next((name for name in ("tracklet", "track") if name in conditions), None)
    if key is None:
        msg = f"{source}: lacks a column track or tracklet; has {', '.join(conditions.columns)}"
        raise UserError(msg)
    taken = [name for name in conditions.columns if name != key and name in tracklets]
    if taken:
        msg = f"{source}: has a column {taken[0]!r}, which tracklets have already; rename it"
        raise UserError(msg)
    doubled = conditions[key][conditions[key].duplicated()]
    if len(doubled):
        msg = f"{source}: {key} {doubled.iloc[0]} stands there twice, expected one row each"
        raise UserError(msg)
    own = tracklets.index if key == "tracklet" else pd.Index(tracklets["track"])
    rows = conditions.set_index(key)
    if len(tracklets) and not own.isin(rows.index).any():
        msg = f"{source}: none of its {len(rows)} {key} numbers is among those of the tracks "
        msg += f"(e.g. {own[0]}); give the ids of the tracks' file"
        raise UserError(msg)
    unknown = rows.index[~rows.index.isin(own)]
    if len(unknown):
        _log.warning(
            "%s: %d of its %d rows name no %s that there is (first: %s); are the groups those of "
            "other tracks?",
            source,
            len(unknown),
            len(rows),
            key,
            unknown[0],
        )
    return tracklets.join(rows.reindex(own).set_axis(tracklets.index))


def _write_names(values: "pd.Series") -> Names:
    names = [None if pd.isna(v) else _write_name(v) for v in values]
    for ours, meaning in ((ALL, "all tracklets together"), (NONE, "those without a value")):
        if ours in names:
            msg = f"a group of {values.name} is named {ours!r}, which stands for {meaning}; give "
            raise UserError(msg + "it another name")
    return np.array([NONE if name is None else name for name in names], object)


def _write_name(value: Any) -> str:
    """Name a group by its value; numbers that differ, such as dates, have names that differ."""
    if isinstance(value, float | np.floating):
        number = float(value)
        whole = number.is_integer() and abs(number) < MAX_EXACT
        return str(int(number)) if whole else str(number)
    return str(value)
