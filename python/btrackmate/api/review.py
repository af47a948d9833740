"""Why tracks are as they are."""

import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph

if TYPE_CHECKING:
    from btrackmate.review import Explainer, Explanation


def explain(
    tracks: TrackGraph | str | os.PathLike[str],
    spot: int | None = None,
    *,
    link: tuple[int, int] | None = None,
    tracker: str | None = None,
    **settings: Any,
) -> "Explanation":
    """Tell why cells are linked, or are not: cost, rivals, and the setting that would change it.

    Parameters
    ----------
    tracks : TrackGraph or path
        Of ``flow``, ``lap`` and ``simple-lap`` also rivals and links that are not there are told,
        of other trackers what the cost of a link tells; of a file, corrections in the journal
        beside it.
    spot : int
        Id of the spot whose links are asked for, and those that it nearly had.
    link : tuple of int
        Ids of two spots instead, linked or not.
    tracker : str, optional
        Explain with this tracker; else with the one that the tracks name, or the default, which is
        said.
    **settings
        Settings of the tracker other than those of the tracks.

    Returns
    -------
    Explanation
        ``print`` it to read; ``.links`` has it as values.

    Raises
    ------
    UserError
        If a spot is not there, or a setting is wrong.

    Notes
    -----
    The first question about a graph does the tracker's work on the whole movie once; further ones
    about the same graph look at the surroundings of the spots only.

    Examples
    --------
    >>> import pandas as pd
    >>> from btrackmate import track
    >>> table = pd.DataFrame({"frame": [0, 1], "x": [0.0, 2], "y": 0.0})
    >>> tracks = track(table, "simple-lap", linking_max_distance=3, allow_gap_closing=False)
    >>> explain(tracks, 0).links[0].flips[0].settings
    {'linking_max_distance': 2.0}
    """
    if (spot is None) == (link is None):
        msg = f"explain: got spot={spot} and link={link}, expected one of them"
        raise UserError(msg)
    if isinstance(tracks, TrackGraph):
        explainer = _prepare(tracks, tracker, settings)
    else:
        from btrackmate.review import open_explainer

        explainer = open_explainer(Path(tracks), tracker, settings)
    if link is None:
        return explainer.explain(_read_id(spot))
    source, target = link
    return explainer.explain_link(_read_id(source), _read_id(target))


def _read_id(given: Any) -> int:
    """Read the id of a spot, which is no part of a number."""
    try:
        return operator.index(given)
    except TypeError:
        msg = f"explain: a spot is {given!r}, expected its id, a whole number"
        raise UserError(msg) from None


#: What was prepared for the last graph.
_kept: "dict[tuple[TrackGraph, str | None, str], Explainer]" = {}


def _prepare(tracks: TrackGraph, tracker: str | None, settings: dict[str, Any]) -> "Explainer":
    """Make the explainer of a graph, unless it was the last one that was asked about."""
    from btrackmate.review import Explainer, choose_settings

    key = (tracks, tracker, repr(settings))
    if key not in _kept:
        chosen, source = choose_settings(tracks, None, tracker, settings)
        _kept.clear()
        _kept[key] = Explainer(tracks, chosen, source)
    return _kept[key]
