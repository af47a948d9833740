"""Values of a feature along tracklets, as evenly spaced series with gaps."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from btrackmate.analysis.sampling import Bools, Floats
from btrackmate.analysis.tracklets import Ints, Members
from btrackmate.core.graph import TrackGraph


@dataclass(frozen=True, eq=False)
class Series:
    """A feature's values along one tracklet.

    Parameters
    ----------
    tracklet : int
    start : int
        Frame of the first value.
    present : (span,) ndarray of bool
        Which frames from the first to the last value have one.
    values : (n,) ndarray of float
        The finite values, in order of time.
    """

    tracklet: int
    start: int
    present: Bools
    values: Floats


def iterate_series(
    graph: TrackGraph, feature: str, tracklets: Ints, members: Members
) -> Iterator[Series]:
    """Yield the series of a feature in each of some tracklets; values that are NaN are missing.

    Raises
    ------
    UserError
        If the spots have no such feature.
    """
    column, frame = graph.spots.feature(feature), graph.spots.frame
    for tracklet in tracklets.tolist():
        rows = members[tracklet]
        values = column[rows]
        finite = np.isfinite(values)
        if not finite.all():
            rows, values = rows[finite], values[finite]
        at = frame[rows]
        start = int(at[0]) if at.size else 0
        present = np.zeros(int(at[-1]) - start + 1 if at.size else 0, np.bool_)
        present[at - start] = True
        yield Series(tracklet, start, present, values)


def list_left_out(analysis: str, reasons: list[tuple[int, str]]) -> pd.DataFrame:
    """Make a table of the tracklets that an analysis could not use, and why."""
    table = pd.DataFrame(reasons, columns=["tracklet", "reason"])
    table.insert(0, "analysis", analysis)
    return table
