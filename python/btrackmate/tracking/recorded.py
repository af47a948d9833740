"""How tracks in memory say that they were made: their record, as a TrackMate file tells it."""

from collections.abc import Mapping
from typing import Any

from btrackmate.tracking.settings import (
    PruneSettings,
    TrackerSettings,
    parse_tracker,
    to_trackmate,
)

#: Of a record, what is no setting of the tracker.
_NOT_SETTINGS = ("tracker", "version", "at")


def read_tracker(
    noted: Any, values: Mapping[str, Any] | None = None, source: str = "the tracks' record"
) -> TrackerSettings | None:
    """Read the settings of a tracker from a record of linking; None if it names no tracker.

    Parameters
    ----------
    noted : Any
        The entry ``track`` of a graph's record, or ``linking`` of a run's.
    values : mapping, optional
        Settings that count instead of those noted.
    source : str
        For messages.

    Raises
    ------
    UserError
        If they are wrong.
    """
    if not (isinstance(noted, Mapping) and isinstance(noted.get("tracker"), str)):
        return None
    known = {name: value for name, value in noted.items() if name not in _NOT_SETTINGS}
    return parse_tracker(noted["tracker"], {**known, **(values or {})}, source)


def describe_steps(record: Mapping[str, Any]) -> dict[str, Any]:
    """Describe how tracks were linked and pruned, as fields of a TrackMate `Session`.

    Parameters
    ----------
    record : mapping
        Of a graph. Tracks that were linked anew are not those of the file that their spots come
        from: where nothing is noted of pruning, they were not pruned.

    Returns
    -------
    dict
        ``tracker`` and ``pruning``; empty where nothing was linked or pruned.
    """
    steps: dict[str, Any] = {}
    tracker = read_tracker(record.get("track"))
    pruning = record.get("prune")
    if tracker is not None:
        steps = {"tracker": to_trackmate(tracker), "pruning": PruneSettings().model_dump()}
    if isinstance(pruning, Mapping):
        steps["pruning"] = PruneSettings.parse(dict(pruning), "the tracks' record").model_dump()
    return steps
