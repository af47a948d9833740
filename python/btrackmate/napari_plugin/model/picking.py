"""Which spot a click means."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from btrackmate.napari_plugin.model.scene import Scene

FloatArray = NDArray[np.float64]
#: A click farther from all spots than so many of their usual radii means none.
_RADII = 2.0


def pick_spot(
    scene: Scene,
    frame: int,
    point: FloatArray,
    reach: float,
    direction: FloatArray | None = None,
    shown: NDArray[np.bool_] | None = None,
) -> int | None:
    """Find the spot that a click means.

    Parameters
    ----------
    scene : Scene
    frame : int
        The frame that is shown.
    point : (2 or 3,) ndarray of float
        Where the click went, [z,] y, x in the space unit.
    reach : float
        Usual radius of a spot, in the space unit.
    direction : (3,) ndarray of float, optional
        Of the line of sight through `point`; else the click went to the very place.
    shown : (n,) ndarray of bool, optional
        Spots that can be seen; by default all.

    Returns
    -------
    int or None
        Id of the spot; along a line of sight, the nearest to the eye of those that it hits.
    """
    rows = scene.rows_in(frame, frame)
    if shown is not None:
        rows = rows[shown[rows]]
    if not rows.size:
        return None
    offset = scene.points[rows] - point
    if direction is None:
        away = np.sqrt((offset**2).sum(axis=1))
        best = int(np.argmin(away))
        return int(scene.id[rows[best]]) if away[best] <= _RADII * reach else None
    unit = direction / np.sqrt((direction**2).sum())
    along = offset @ unit
    away = np.sqrt(np.maximum((offset**2).sum(axis=1) - along**2, 0))
    hit = away <= reach
    if hit.any():
        return int(scene.id[rows[hit][int(np.argmin(along[hit]))]])
    best = int(np.argmin(away))
    return int(scene.id[rows[best]]) if away[best] <= _RADII * reach else None


def usual_radius(radius: FloatArray, spacing: tuple[float, ...]) -> float:
    """Give the median radius of spots; where none is known, eight pixels."""
    known = radius[np.isfinite(radius) & (radius > 0)]
    return float(np.median(known)) if known.size else 8.0 * spacing[-1]


def cut_balls(
    points: NDArray[np.float64], radius: NDArray[np.float64], planes: Mapping[int, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Cut balls by planes across some axes.

    Parameters
    ----------
    points : (n, 2 or 3) ndarray of float
        Centres [z,] y, x in the space unit.
    radius : (n,) ndarray of float
        In the space unit.
    planes : mapping
        Place of the plane on each axis that is cut, in the space unit.

    Returns
    -------
    points : (k, 2 or 3) ndarray of float
        Centres of the circles.
    radius : (k,) ndarray of float
        Their radii.
    kept : (n,) ndarray of bool
        Balls that are cut.
    """
    kept, points = np.ones(len(points), np.bool_), points.copy()
    for axis, place in planes.items():
        away = points[:, axis] - place
        kept &= np.abs(away) <= radius
        radius = np.sqrt(np.maximum(radius**2 - away**2, 0))
        points[:, axis] -= away
    return points[kept], radius[kept], kept
