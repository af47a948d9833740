"""Tracks to tables of what they say."""

import logging
import operator
from typing import TYPE_CHECKING, Any

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

_log = logging.getLogger(__name__)


def analyse(
    tracks: TrackGraph,
    *,
    features: "Iterable[str] | None" = None,
    group_by: str | None = None,
    conditions: "pd.DataFrame | None" = None,
    image_shape: tuple[int, ...] | None = None,
    progress: Progress = ignore_progress,
    **settings: Any,
) -> "dict[str, pd.DataFrame]":
    """Analyse tracks: lineages, cycle times, rhythms, boundary distance, motility, neighbours.

    Parameters
    ----------
    tracks : TrackGraph
    features : iterable of str, optional
        Columns of the spots whose rhythm and course around divisions are looked at; by default mean
        intensities, volume and boundary_distance, of those that there are.
    group_by : str, optional
        Column that splits the tables: of the tracklets, the spots, or `conditions`.
    conditions : DataFrame, optional
        track (or tracklet), as numbered from 0 in ``tracks.to_dataframe("tracks")``, and columns of
        yours.
    image_shape : (Z, Y, X) or (Y, X) tuple of int, optional
        Size of the image in voxels: tracklets that end where the cell's next step would leave it
        "leave by the image border". Else only those of cells that touch the border (a feature of
        measured labels).
    progress : callable
        Called with step, done and total.
    **settings
        Further fields of :class:`btrackmate.analysis.AnalysisSettings`, e.g. ``drift="local"``,
        ``rhythm={"detrend": "constant"}``.

    Returns
    -------
    dict of DataFrame
        Tidy tables by name, see :func:`btrackmate.analysis.analyse_tracks`.

    Raises
    ------
    UserError
        If a setting is wrong, or a feature or column is not there.

    Examples
    --------
    A cell whose volume goes up and down every five frames:

    >>> import numpy as np, pandas as pd
    >>> from btrackmate import track
    >>> frame = np.arange(30)
    >>> volume = 100 + np.cos(2 * np.pi * frame / 5)
    >>> table = pd.DataFrame({"frame": frame, "x": 0.1 * frame, "y": 0.0, "volume": volume})
    >>> tables = analyse(track(table))
    >>> tables["rhythm"][["n", "period", "rhythmic"]].round(2)
        n  period  rhythmic
    0  30     5.0      True
    >>> tables["motility"][["path_length", "straightness"]].round(2)
       path_length  straightness
    0          2.9           1.0
    """
    from btrackmate.analysis import AnalysisSettings, Tracked, analyse_tracks, find_bounds

    values = {"group_by": group_by, **settings}
    if features is not None:
        values["features"] = tuple(dict.fromkeys(features))
    chosen = AnalysisSettings.parse(values, "analyse")
    if conditions is not None and "track" in conditions and "load" in tracks.record:
        loaded = tracks.record["load"]
        _log.warning(
            "conditions: tracks are taken as numbered from 0 here (tracks.to_dataframe('tracks')), "
            "not by their ids in %s (%s, …), by which `btrackmate analyse --group` goes",
            loaded["path"], ", ".join(map(str, loaded["first_ids"])),
        )  # fmt: skip
    bounds = None
    if image_shape is not None:
        at = tracks.spots.calibration
        bounds = find_bounds(_read_shape(image_shape, tracks.spots.ndim), (at.dz, at.dy, at.dx))
    return analyse_tracks(Tracked(tracks, bounds, conditions=conditions), chosen, progress)


def _read_shape(given: Any, ndim: int) -> tuple[int, int, int]:
    """Give the size of an image as Z, Y, X; that of 2D tracks may lack Z."""
    try:
        sizes = tuple(map(operator.index, given))
    except TypeError:
        sizes = ()
    if len(sizes) not in (ndim, 3) or min(sizes) < 1:
        axes = "Z, Y, X" if ndim == 3 else "Y, X"
        msg = f"image_shape is {given!r}, expected whole numbers of voxels: ({axes})"
        raise UserError(msg)
    z, y, x = (1, *sizes)[-3:]
    return z, y, x
