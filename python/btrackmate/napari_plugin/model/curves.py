"""Courses of features along tracklets, for plots that are linked with the selection."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from btrackmate.analysis import RhythmSettings, make_spectrum
from btrackmate.analysis.rhythm import make_treatment
from btrackmate.napari_plugin.model.session import Session

Floats = NDArray[np.float64]
#: Tracks whose curves are drawn at once.
MOST_TRACKS = 12


@dataclass(frozen=True)
class Curve:
    """A feature along one tracklet.

    Parameters
    ----------
    track, tracklet : int
        The tracklet is counted within its track, 0 is the first mother.
    spots : (n,) ndarray of int
        Ids, by frame.
    frame : (n,) ndarray of int
    values : (n,) ndarray of float
        NaN where missing.
    points : (n, 2 or 3) ndarray of float
        Positions [z,] y, x in the space unit.
    is_mother : bool
        Whether it comes from no division.
    """

    track: int
    tracklet: int
    spots: NDArray[np.int64]
    frame: NDArray[np.int64]
    values: Floats
    points: Floats
    is_mother: bool

    def spectrum(self, dt: float) -> tuple[Floats, Floats]:
        """Give frequency (1/time unit) and power; empty for fewer than four values."""
        even = np.full(int(self.frame[-1] - self.frame[0]) + 1, np.nan)
        even[self.frame - self.frame[0]] = self.values
        return make_spectrum(even, dt, make_treatment(RhythmSettings(), dt))


def find_curves(session: Session, feature: str) -> list[Curve]:
    """Give the course of a feature along each tracklet of the selected tracks."""
    curves = []
    for track in session.tracks[:MOST_TRACKS]:
        graph = session.now.lineage(track)
        ids, rows = graph.spots.id, session.scene.rows(graph.spots.id)
        values = session.values(feature, rows)
        points = session.scene.points[rows]
        for number, parent in enumerate(graph.tracklets["parent"].tolist()):
            mine = np.flatnonzero(graph.tracklet == number)
            curves.append(
                Curve(
                    track, number, ids[mine], graph.spots.frame[mine], values[mine],
                    points[mine], parent < 0,
                )
            )  # fmt: skip
    return curves


def nearest_spot(curves: list[Curve], frame: float, value: float, aspect: float) -> int | None:
    """Give the spot nearest to a place in the plot; `aspect` is frames per unit of the value."""
    best: tuple[float, int] | None = None
    for curve in curves:
        known = np.flatnonzero(np.isfinite(curve.values))
        if not known.size:
            continue
        away = (curve.frame[known] - frame) ** 2 + ((curve.values[known] - value) * aspect) ** 2
        at = int(np.argmin(away))
        if best is None or away[at] < best[0]:
            best = float(away[at]), int(curve.spots[known[at]])
    return None if best is None else best[1]
